// The table against C: the same flows through the same steps, in turn, in one go. The C programs: "ref" is the reference that the
// goals are set against, where it is at hand (bench/reference.ts); "ordinary" is our own of the same kind (malloc, chained hashes,
// a separate installed table); "shared" has the library's own layout, so that library against ordinary is design and language
// together, and library against shared is language alone. One more may be named:
//   OFSYNC_BENCH_PEER=/path/to/program   printing the same lines of JSON as bench/c/steps.h
import { cPrograms, goalPeer, libraryProgram, type Program, runProgram } from "./programs.ts";
import { measured, record, smoke } from "./record.ts";

/** Largest ratio to the C program that each step aims at. */
function goalOf(step: string): number {
  if (step.startsWith("full diff")) return 0.7;
  return step.startsWith("incremental diff") ? 0.2 : 1;
}

const library = await libraryProgram("table-steps");
const peers: Program[] = cPrograms();
const rival = goalPeer(peers);
const extra = process.env.OFSYNC_BENCH_PEER;
if (extra !== undefined) peers.push({ name: "peer", file: extra, args: [] });

interface Line {
  readonly step?: string;
  readonly ns: number;
  readonly check: number;
  readonly sum?: string;
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
  for (let i = 0; i < repetitions; i++) {
    for (const program of [library, ...peers]) {
      const mine = results.get(program.name) ?? new Map<string, number[]>();
      results.set(program.name, mine);
      for (const line of runProgram<Line>(program, String(size))) {
        if (line.sum !== undefined) sums.add(line.sum);
        if (line.step === undefined) continue;
        mine.set(line.step, [...(mine.get(line.step) ?? []), line.ns]);
        const known = checks.get(line.step) ?? line.check;
        checks.set(line.step, known);
        // What "apply" counts differs: operations here, flows installed there. The reference walks through other owners.
        const tolerance = program.name === "ref" ? 1 + known / 500 : 1;
        if (program.name !== "peer" && !line.step.startsWith("apply") && Math.abs(known - line.check) > tolerance) {
          throw new Error(`${program.name} found ${line.check} in "${line.step}", others ${known}`);
        }
      }
    }
  }
  if (sums.size > 1) throw new Error(`the programs had different flows: ${[...sums].join(" and ")}`);
  for (const [step, values] of results.get("library") as Map<string, number[]>) {
    // In C there is one way only to add, and one to remove.
    const theirStep = step.startsWith("add,") || step.startsWith("remove by owner,") ? step.slice(0, step.indexOf(",")) : step;
    const others = peers.filter((peer) => results.get(peer.name)?.has(theirStep) === true);
    const entry = { name: `table/${step}`, size, unit: "ns/flow", ...measured(values) };
    if (others.length === 0) record(entry);
    for (const peer of others) {
      const theirs = measured(results.get(peer.name)?.get(theirStep) as number[]);
      record({
        ...entry,
        peer: { name: peer.name, ...theirs },
        ...(peer.name === rival && step === theirStep ? { goal: goalOf(step) } : {}),
      });
    }
  }
}
