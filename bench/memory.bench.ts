// Memory: bytes per flow, desired and installed together, beside the C programs; whether it stays the same while flows come and
// go; and, when asked for (npm run bench -- --large memory), ten million flows in one process.
import { cPrograms, goalPeer, libraryProgram, type Program, runProgram } from "./programs.ts";
import { large, type Measured, measured, record, smoke } from "./record.ts";

interface Line {
  readonly sum?: string;
  readonly bytesPerFlow?: number;
  readonly residentBytesPerFlow?: number;
}

interface Use {
  readonly allocated: number;
  readonly resident: number;
}

interface Churn {
  readonly churn: { readonly steps: number; readonly flows: number; readonly before: Use; readonly after: Use };
}

interface Work {
  readonly step?: string;
  readonly ns: number;
  readonly bytesPerFlow?: number;
  readonly peakResidentMiB?: number;
}

/** Of the sizes that are compared with C. */
const LARGEST = 1_000_000;
const library = await libraryProgram("memory-steps");
const peers = cPrograms();

function perFlow(size: number, runs: number): void {
  const figures = new Map<string, { allocated: number[]; resident: number[] }>();
  const sums = new Set<string | undefined>();
  for (let i = 0; i < runs; i++) {
    for (const program of [library, ...peers]) {
      const args = program === library ? [String(size)] : [String(size), "memory"];
      const lines = runProgram<Line>(program, ...args);
      for (const line of lines) if (line.sum !== undefined) sums.add(line.sum);
      const line = lines.find((found) => found.bytesPerFlow !== undefined);
      const mine = figures.get(program.name) ?? { allocated: [], resident: [] };
      figures.set(program.name, mine);
      mine.allocated.push(line?.bytesPerFlow as number);
      mine.resident.push(line?.residentBytesPerFlow as number);
    }
  }
  if (sums.size > 1) throw new Error(`the programs had different flows: ${[...sums].join(" and ")}`);
  for (const kind of ["allocated", "resident"] as const) {
    const of = (program: Program): Measured => measured(figures.get(program.name)?.[kind] as number[]);
    const entry = { name: `memory/${kind}`, size, unit: "B/flow", ...of(library) };
    // In a small process the resident set is mostly Node itself.
    if (kind === "resident" && size < LARGEST) continue;
    if (peers.length === 0) record(entry);
    for (const peer of peers) {
      const goal = peer.name === goalPeer(peers) && size === LARGEST ? { goal: 0.5 } : {};
      record({ ...entry, peer: { name: peer.name, ...of(peer) }, ...goal });
    }
  }
}

/** Nothing may grow, but for what the flows themselves differ by and one step in which free memory is kept ready. */
function churn(size: number, steps: number): void {
  const { churn } = runProgram<Churn>(library, String(size), "churn", String(steps))[0] as Churn;
  for (const kind of ["allocated", "resident"] as const) {
    record({
      name: `memory/${kind}, after ${churn.steps.toExponential(0).replace("e+", "e")} steps`,
      size,
      unit: "MiB",
      value: churn.after[kind] / 2 ** 20,
      peer: { name: "before", value: churn.before[kind] / 2 ** 20 },
      goal: 1.05,
    });
  }
}

/** Everything with as many flows as that, in one process. */
function work(size: number): void {
  for (const line of runProgram<Work>(library, String(size), "work")) {
    if (line.step !== undefined) record({ name: `memory/${line.step}`, size, unit: "ns/flow", value: line.ns });
    if (line.bytesPerFlow !== undefined) record({ name: "memory/allocated", size, unit: "B/flow", value: line.bytesPerFlow });
    if (line.peakResidentMiB !== undefined) {
      const peer = { name: "2.5 GiB", value: (2560 * size) / 10_000_000 };
      record({ name: "memory/peak of the process", size, unit: "MiB", value: line.peakResidentMiB, peer, goal: 1 });
    }
  }
}

if (smoke) {
  perFlow(5000, 1);
  churn(5000, 20_000);
} else {
  for (const size of [10_000, 100_000, LARGEST]) perFlow(size, 5);
  churn(LARGEST, 10_000_000);
}
if (large) work(10_000_000);
else console.log("ten million flows in one process: npm run bench -- --large memory");
