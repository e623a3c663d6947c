// Single operations: how their cost grows with the table (10k against 1M flows), and the longest of them. Percentiles are those of
// the operations of one run, the figures recorded the medians of the runs. Time that the processor spent on something else is
// kept apart: "longest" is what the clock showed, "longest, processor" what the process itself took of it.
import { libraryProgram, runProgram } from "./programs.ts";
import { measured, record, smoke } from "./record.ts";

interface Line {
  readonly op: string;
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly longestOwn: number;
  readonly gc: { readonly count: number; readonly longestMs: number };
}

const SIZES: readonly number[] = smoke ? [2000] : [10_000, 100_000, 1_000_000];
const RUNS = smoke ? 1 : 5;
/** Milliseconds that no operation may take. */
const LIMIT = 10;
/** Goal: what one change costs in the largest table, compared with the smallest. */
const FLAT = 1.5;

const library = await libraryProgram("latency-steps");
const bySize = new Map<number, Map<string, Line[]>>(SIZES.map((size) => [size, new Map()]));
for (let run = 0; run < RUNS; run++) {
  for (const [size, byOperation] of bySize) {
    for (const line of runProgram<Line>(library, String(size))) {
      byOperation.set(line.op, [...(byOperation.get(line.op) ?? []), line]);
    }
  }
}

const smallest = bySize.get(SIZES[0] as number) as Map<string, Line[]>;
for (const [size, byOperation] of bySize) {
  let longestPause: number[] = [];
  for (const [op, lines] of byOperation) {
    const of = (pick: (line: Line) => number): ReturnType<typeof measured> => measured(lines.map(pick));
    longestPause = lines.map((line, run) => Math.max(longestPause[run] ?? 0, line.gc.longestMs));
    const name = `latency/${op}`;
    if (lines[0]?.count === 1) {
      const limit = { name: `${LIMIT} ms`, value: LIMIT };
      record({ name, size, unit: "ms", ...of((line) => line.p50 / 1e6) });
      record({ name: `${name}, processor`, size, unit: "ms", ...of((line) => line.longestOwn / 1e6), peer: limit, goal: 1 });
      continue;
    }
    const base = smallest.get(op) as Line[];
    const peer = { name: `@${SIZES[0]}`, ...measured(base.map((line) => line.p50)) };
    const flat = op.startsWith("change") ? { goal: FLAT } : {};
    record({ name, size, unit: "ns", ...of((line) => line.p50), ...(byOperation === smallest ? {} : { peer, ...flat }) });
    record({ name: `${name}, p99`, size, unit: "ns", ...of((line) => line.p99) });
    record({ name: `${name}, p99.9`, size, unit: "ns", ...of((line) => line.p999) });
    record({ name: `${name}, longest`, size, unit: "ms", ...of((line) => line.max / 1e6) });
    const limit = { name: `${LIMIT} ms`, value: LIMIT };
    record({
      name: `${name}, longest, processor`,
      size,
      unit: "ms",
      ...of((line) => line.longestOwn / 1e6),
      peer: limit,
      goal: 1,
    });
  }
  record({
    name: "latency/collection pause, longest",
    size,
    unit: "ms",
    ...measured(longestPause),
    peer: { name: `${LIMIT} ms`, value: LIMIT },
    goal: 1,
  });
}
