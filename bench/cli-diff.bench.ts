// "ofsync diff" against "ovs-ofctl diff-flows": the same pair of files, cold start included, in turn. With --large a pair of a
// million flows too: the other program then takes 20 seconds and more than a gigabyte.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { measure, type Run } from "./child.ts";
import { writeDumpPair } from "./dump-pair.ts";
import { large, type Measured, measured, record, smoke } from "./record.ts";

const root = new URL("..", import.meta.url).pathname;
const cli = join(root, "dist/cli.js");
if (!existsSync(cli)) throw new Error("dist/cli.js is missing: npm run build");
const hasPeer = spawnSync("ovs-ofctl", ["--version"]).status === 0;
if (!hasPeer) console.log("ovs-ofctl is not installed: no ratios");

const folder = mkdtempSync(join(tmpdir(), "ofsync-bench-"));
try {
  for (const [size, [a, b]] of pairs()) {
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

/** The files to compare: flow sets of the tests, and with --large a million flows a side. */
function* pairs(): Generator<readonly [size: number, files: readonly [string, string]]> {
  const sets = smoke
    ? ([["ovn-1k", 1000]] as const)
    : ([
        ["ovn-20k", 20_000],
        ["ovn-100k", 100_000],
      ] as const);
  for (const [set, size] of sets) {
    const files = ["installed.txt", "desired.txt"].map((name) => {
      const plain = join(root, "test/vectors/flowsets", set, name);
      const path = join(folder, `${set}-${name}`);
      writeFileSync(path, existsSync(plain) ? readFileSync(plain) : gunzipSync(readFileSync(`${plain}.gz`)));
      return path;
    });
    yield [size, files as [string, string]];
  }
  for (const size of smoke ? [1000] : large ? [1_000_000] : []) {
    const files = [join(folder, `${size}-installed.txt`), join(folder, `${size}-desired.txt`)] as const;
    writeDumpPair(size, ...files);
    yield [size, files];
  }
}
