// The reference program: a C table kept beside the project (../shared/peers/ref), not in it. Where its folder is there it is built
// and measured like the C programs of bench/c/; where it is not, the benchmarks do without. It has the workload of bench/workload.ts
// (same check sum) but prints text, which is brought here into the lines of JSON that the others print.
//   OFSYNC_BENCH_REFERENCE=/path/to/folder   another place for its ref.c
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "./programs.ts";

const root = join(new URL(".", import.meta.url).pathname, "..");

/** Steps whose lines give one figure, by the words they begin with. The two "apply mods" follow the diff they apply. */
const STEPS: readonly (readonly [theirs: string, ours: string])[] = [
  ["add ", "add"],
  ["full diff, 100% to add", "full diff, 100 % to add"],
  ["apply adds", "apply adds"],
  ["full diff, 0%", "full diff, 0 %"],
  ["replace identical", "replace identical"],
  ["full diff, 1%", "full diff, 1 %"],
  ["full diff, 100% mod", "full diff, 100 % changed"],
  ["replace, 1 change", "replace, 1 change"],
  ["incr diff of those", "incremental diff of those"],
  ["remove by uuid", "remove by owner"],
  ["incr diff, all removed", "incremental diff, all removed"],
  ["apply deletes", "apply deletes"],
];

/** The reference program, built anew; `undefined` where its source is not. Needs gcc. Throws if it does not build. */
export function referenceProgram(): Program | undefined {
  const folder = process.env.OFSYNC_BENCH_REFERENCE ?? join(root, "../shared/peers/ref");
  const source = join(folder, "ref.c");
  if (!existsSync(source)) return undefined;
  const cache = join(root, ".cache");
  mkdirSync(cache, { recursive: true });
  const file = join(cache, "table-ref");
  execFileSync("gcc", ["-O2", "-std=gnu11", "-o", file, source], { stdio: "inherit" });
  return { name: "ref", file, args: [], translate: translateReference };
}

/** What the reference program prints, a line of JSON for each step as bench/c/steps.h has it. Throws at a line it does not know. */
export function translateReference(text: string): string {
  const lines: object[] = [];
  let applied = 0;
  const step = (name: string, ns: string | undefined, check: string | undefined): void => {
    if (ns === undefined || check === undefined) throw new Error(`the reference program's "${name}" has no figure`);
    lines.push({ step: name, ns: Number(ns), check: Number(check) });
  };
  for (const line of text.trim().split("\n")) {
    const ns = /([\d.]+) ns wall/.exec(line)?.[1];
    const check = /=([\d.]+)$/.exec(line)?.[1];
    const head = /^# n=(\d+) logical=(\d+) sum=(\w+)$/.exec(line);
    const bytes = /both ([\d.]+) heap, ([\d.]+) RSS/.exec(line);
    const changes = /^incr diff, k=(\d+) /.exec(line)?.[1];
    const known = STEPS.find(([theirs]) => line.startsWith(theirs));
    if (head !== null) lines.push({ flows: Number(head[1]), owners: Number(head[2]), sum: head[3] });
    else if (bytes !== null) lines.push({ bytesPerFlow: Number(bytes[1]), residentBytesPerFlow: Number(bytes[2]) });
    else if (changes !== undefined) {
      // With nothing to compare it times its clock.
      if (changes === "0") continue;
      step(`incremental diff, ${changes}`, ns, check);
      step(`apply changes, ${changes}`, /apply ([\d.]+);/.exec(line)?.[1], check);
    } else if (line.startsWith("apply mods")) step(applied++ === 0 ? "apply 1 %" : "apply 100 %", ns, check);
    else if (known !== undefined) step(known[1], ns, check);
    else if (!line.startsWith("left:")) throw new Error(`the reference program printed an unknown line: ${line}`);
  }
  return lines.map((line) => JSON.stringify(line)).join("\n");
}
