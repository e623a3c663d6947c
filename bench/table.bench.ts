// The table against C: the same flows through the same steps, in turn, in one go. Two C programs: "ordinary" is what one writes
// (malloc, chained hashes, a separate installed table); "shared" has the library's own layout, so that library against ordinary
// is design and language together, and library against shared is language alone. A third may be named:
//   OFSYNC_BENCH_PEER=/path/to/program   printing the same lines of JSON as bench/c/steps.h
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { median, record, smoke } from "./record.ts";

const here = new URL(".", import.meta.url).pathname;
const cache = join(here, "../.cache");
mkdirSync(cache, { recursive: true });

interface Program {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
}

/** Largest ratio to the ordinary C program that each step aims at. */
function goalOf(step: string): number {
  if (step.startsWith("full diff")) return 0.7;
  return step.startsWith("incremental diff") ? 0.2 : 1;
}

const steps = join(cache, "table-steps.mjs");
await build({
  entryPoints: [join(here, "table-steps.ts")],
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  outfile: steps,
  logLevel: "warning",
});
const library: Program = { name: "library", file: process.execPath, args: ["--expose-gc", steps] };
const peers: Program[] = [];
if (spawnSync("gcc", ["--version"]).status === 0) {
  for (const name of ["ordinary", "shared"]) {
    const file = join(cache, `table-${name}`);
    execFileSync("gcc", ["-O2", "-o", file, join(here, `c/${name}.c`)], { stdio: "inherit" });
    peers.push({ name, file, args: [] });
  }
} else console.log("gcc is not installed: no ratios");
const extra = process.env.OFSYNC_BENCH_PEER;
if (extra !== undefined) peers.push({ name: "peer", file: extra, args: [] });

interface Line {
  readonly step?: string;
  readonly ns: number;
  readonly check: number;
  readonly sum?: string;
  readonly bytesPerFlow?: number;
  readonly residentBytesPerFlow?: number;
  readonly addNs?: number;
  readonly diffNs?: number;
  readonly removeNs?: number;
}

function run(program: Program, ...args: string[]): Line[] {
  const text = execFileSync(program.file, [...program.args, ...args], { encoding: "utf8", maxBuffer: 1 << 24 });
  return text
    .trim()
    .split("\n")
    .map((line): Line => JSON.parse(line));
}

for (const [size, repetitions] of smoke
  ? ([[2000, 1]] as const)
  : ([
      [10_000, 9],
      [100_000, 7],
      [1_000_000, 5],
    ] as const)) {
  const results = new Map<string, Map<string, number[]>>();
  const sums = new Set<string>();
  const checks = new Map<string, number>();
  let memoryOfC = 0;
  for (let i = 0; i < repetitions; i++) {
    for (const program of [library, ...peers]) {
      const mine = results.get(program.name) ?? new Map<string, number[]>();
      results.set(program.name, mine);
      for (const line of run(program, String(size))) {
        if (line.sum !== undefined) sums.add(line.sum);
        if (program.name === "ordinary" && line.bytesPerFlow !== undefined) memoryOfC = line.bytesPerFlow;
        if (line.step === undefined) continue;
        mine.set(line.step, [...(mine.get(line.step) ?? []), line.ns]);
        const known = checks.get(line.step) ?? line.check;
        checks.set(line.step, known);
        // What "apply" counts differs: operations here, flows installed there.
        if (program.name !== "peer" && !line.step.startsWith("apply") && Math.abs(known - line.check) > 1) {
          throw new Error(`${program.name} found ${line.check} in "${line.step}", others ${known}`);
        }
      }
    }
  }
  if (sums.size > 1) throw new Error(`the programs had different flows: ${[...sums].join(" and ")}`);
  for (const [step, values] of results.get("library") as Map<string, number[]>) {
    const others = peers.filter((peer) => results.get(peer.name)?.has(step) === true);
    const entry = { name: `table/${step}`, size, unit: "ns/flow", value: median(values) };
    if (others.length === 0) record(entry);
    for (const peer of others) {
      const value = median(results.get(peer.name)?.get(step) as number[]);
      record({ ...entry, peer: { name: peer.name, value }, ...(peer.name === "ordinary" ? { goal: goalOf(step) } : {}) });
    }
  }
  const memory = run(library, String(size), "memory")[0] as Line;
  const peer = memoryOfC === 0 ? {} : { peer: { name: "ordinary", value: memoryOfC }, goal: 0.5 };
  record({ name: "table/memory, allocated", size, unit: "B/flow", value: memory.bytesPerFlow as number, ...peer });
  record({ name: "table/memory, resident", size, unit: "B/flow", value: memory.residentBytesPerFlow as number, ...peer });
}
