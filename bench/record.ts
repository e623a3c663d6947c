import { appendFileSync } from "node:fs";

/** A figure that was measured. */
export interface Measured {
  /** The median, if it was measured several times. */
  readonly value: number;
  /** Lowest and highest. */
  readonly spread?: readonly [lowest: number, highest: number];
  /** How many times it was measured. */
  readonly runs?: number;
}

/** One line of the benchmarks. */
export interface BenchRecord extends Measured {
  /** What was measured, such as `table/add`. */
  readonly name: string;
  /** Number of flows or operations it was measured with. */
  readonly size?: number;
  /** Such as `ns/flow`, `MB/s`, `B/flow`. */
  readonly unit: string;
  /** The same figure of the peer, measured in the same run. */
  readonly peer?: Measured & { readonly name: string };
  /** Largest ratio value / peer that the project aims at. */
  readonly goal?: number;
}

/** Small sizes are asked for: show that it works, measure nothing. */
export const smoke: boolean = process.env.OFSYNC_BENCH_SMOKE === "1";
/** Sizes are asked for that need gigabytes or many minutes. */
export const large: boolean = process.env.OFSYNC_BENCH_LARGE === "1";

/** Prints a figure with its ratio to the peer, and keeps it for the report when one is being made. */
export function record(entry: BenchRecord): void {
  const size = entry.size === undefined ? "" : ` @${entry.size}`;
  let line = `${`${entry.name}${size}`.padEnd(44)} ${format(entry.value).padStart(10)} ${entry.unit.padEnd(8)}`;
  if (entry.peer !== undefined) {
    const ratio = entry.value / entry.peer.value;
    line += ` ${entry.peer.name} ${format(entry.peer.value)}, ratio ${ratioText(ratio)}`;
    if (entry.goal !== undefined) line += ` (goal ${entry.goal}${ratio <= entry.goal ? "" : ", missed"})`;
  }
  console.log(line);
  const file = process.env.OFSYNC_BENCH_RECORDS;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

/** What repeated measurements come to. */
export function measured(values: readonly number[]): Measured {
  return { value: median(values), spread: [Math.min(...values), Math.max(...values)], runs: values.length };
}

/** With two digits behind the point; more where those would be next to nothing. */
export function ratioText(ratio: number): string {
  return Math.abs(ratio) < 0.095 ? ratio.toPrecision(1) : ratio.toFixed(2);
}

/** The middle value; of two, the lower. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] as number;
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
