import { compareBytes } from "../bytes.ts";
import { OfsyncError } from "../errors.ts";
import type { Flow } from "../flow/flow.ts";
import { type FormatFlowOptions, formatFlow } from "../text/format-flow.ts";
import { type ParseFlowsOptions, parseFlows } from "../text/parse-flows.ts";
import type { InstalledFlow, ReadFilter } from "./transport.ts";

export interface DumpOptions extends Omit<FormatFlowOptions, "stats"> {
  /** With counters and durations; default false. */
  readonly stats?: boolean;
  /** Only these flows; default all. */
  readonly filter?: ReadFilter;
}

export type LoadOptions = Omit<ParseFlowsOptions, "keepGoing">;

/** A flow of a dump with what the dump says of its past. */
export interface LoadedFlow {
  readonly flow: Flow;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly ageMs: number;
}

/** One line a flow, by table, highest priority first, then by match, each line ended by a line feed. */
export function dumpText(flows: readonly InstalledFlow[], options: DumpOptions): string {
  const sorted = [...flows].sort(({ flow: a }, { flow: b }) => {
    return a.table - b.table || b.priority - a.priority || compareBytes(a.match.bytes, b.match.bytes);
  });
  const { stats: withStats, filter: _, ...format } = options;
  let text = "";
  for (const { flow, packetCount, byteCount, durationSeconds } of sorted) {
    const stats = withStats === true ? { packetCount, byteCount, durationSeconds } : undefined;
    text += `${formatFlow(flow, { showHidden: true, ...format, stats })}\n`;
  }
  return text;
}

/** Reads a dump. Throws for the first line that is no flow, and `DUMP_DUPLICATE` for a key that was there before. */
export function readDump(text: string, options: LoadOptions): LoadedFlow[] {
  const loaded: LoadedFlow[] = [];
  const lines = new Map<string, number>();
  for (const { flow, stats, line } of parseFlows(text, { showHidden: true, ...options })) {
    const key = `${flow.table} ${flow.priority} ${flow.match.bytes.join(".")}`;
    const earlier = lines.get(key);
    if (earlier !== undefined) {
      throw new OfsyncError("DUMP_DUPLICATE", `line ${line} has the table, priority and match of line ${earlier}`, {
        place: { line },
        hint: "a switch holds one flow of each table, priority and match",
      });
    }
    lines.set(key, line);
    const ageMs = (stats?.durationSeconds ?? 0) * 1000;
    loaded.push({ flow, packets: stats?.packetCount ?? 0n, bytes: stats?.byteCount ?? 0n, ageMs });
  }
  return loaded;
}
