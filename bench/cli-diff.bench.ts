// "ofsync diff" against "ovs-ofctl diff-flows": the same pair of files, cold start included, in turn.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { measure, type Run } from "./child.ts";
import { type Measured, measured, record, smoke } from "./record.ts";

const root = new URL("..", import.meta.url).pathname;
const cli = join(root, "dist/cli.js");
if (!existsSync(cli)) throw new Error("dist/cli.js is missing: npm run build");
const hasPeer = spawnSync("ovs-ofctl", ["--version"]).status === 0;
if (!hasPeer) console.log("ovs-ofctl is not installed: no ratios");

const folder = mkdtempSync(join(tmpdir(), "ofsync-bench-"));
try {
  for (const [set, size] of smoke
    ? ([["ovn-1k", 1000]] as const)
    : ([
        ["ovn-20k", 20_000],
        ["ovn-100k", 100_000],
      ] as const)) {
    const [a, b] = ["installed.txt", "desired.txt"].map((name) => {
      const plain = join(root, "test/vectors/flowsets", set, name);
      const path = join(folder, `${set}-${name}`);
      writeFileSync(path, existsSync(plain) ? readFileSync(plain) : gunzipSync(readFileSync(`${plain}.gz`)));
      return path;
    }) as [string, string];
    const ours: Run[] = [];
    const theirs: Run[] = [];
    for (let i = 0; i < (smoke ? 1 : 5); i++) {
      ours.push(await measure(process.execPath, [cli, "diff", "-O", "OpenFlow13", a, b]));
      if (hasPeer) theirs.push(await measure("ovs-ofctl", ["-O", "OpenFlow13", "--no-names", "diff-flows", a, b]));
    }
    for (const run of [...ours, ...theirs]) if (run.status !== 2) throw new Error(`exit status ${run.status}, not 2`);
    const peer = (pick: (run: Run) => number): { peer: Measured & { name: string } } | Record<string, never> =>
      theirs.length === 0 ? {} : { peer: { name: "ovs-ofctl", ...measured(theirs.map(pick)) } };
    record({
      name: "cli/diff time",
      size,
      unit: "ms",
      ...measured(ours.map((run) => run.milliseconds)),
      ...peer((run) => run.milliseconds),
      goal: 0.5,
    });
    record({
      name: "cli/diff peak memory",
      size,
      unit: "MiB",
      ...measured(ours.map((run) => run.peakMiB)),
      ...peer((run) => run.peakMiB),
      goal: 1,
    });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
