import { DEFAULT_PRIORITY, type Flow, FlowFlag } from "../flow/flow.ts";
import { matchFactsOf } from "../flow/match-facts.ts";
import { wireVersionOf } from "../flow/version.ts";
import { formatActionList, formatInstructions } from "./actions/format-instructions.ts";
import type { FlowStats } from "./flow-attributes.ts";
import { type FormatMatchOptions, formatMatch } from "./format-match.ts";

/** How a flow is printed. The version decides in which forms actions are shown. */
export interface FormatFlowOptions extends FormatMatchOptions {
  /** Print it with statistics, as `dump-flows` does without `--no-stats`; what is not known counts as 0. */
  readonly stats?: FlowStats | undefined;
}

/**
 * One flow exactly as `ovs-ofctl --no-stats --no-names -O VERSION dump-flows` prints it, without the leading space; with `stats` as
 * without `--no-stats`, with `names` as with `--names`. `parseFlow` reads it back to the same flow, as far as the version can show it:
 * flags appear from OpenFlow 1.3 on, importance from 1.4 on.
 *
 * Errors: `WIRE_ACTION`, `WIRE_INSTRUCTION` or `ACTION_MATCH` for a flow that no switch can hold in this version.
 */
export function formatFlow(flow: Flow, options: FormatFlowOptions = {}): string {
  const { stats } = options;
  let text = "";
  if (stats !== undefined || flow.cookieLow !== 0 || flow.cookieHigh !== 0) text += `cookie=${cookieText(flow)}, `;
  if (stats !== undefined) text += `duration=${durationText(stats.durationSeconds ?? 0)}s, `;
  if (stats !== undefined || flow.table !== 0) text += `table=${flow.table}, `;
  if (stats !== undefined) text += `n_packets=${stats.packetCount ?? 0n}, n_bytes=${stats.byteCount ?? 0n}, `;
  if (flow.idleTimeout !== 0) text += `idle_timeout=${flow.idleTimeout}, `;
  if (flow.hardTimeout !== 0) text += `hard_timeout=${flow.hardTimeout}, `;
  const version = wireVersionOf(options.version ?? "OpenFlow15");
  if (flow.flags !== 0 && version >= 4) text += flagsText(flow.flags);
  if (flow.importance !== 0 && version >= 5) text += `importance=${flow.importance}, `;
  if (stats?.idleAge !== undefined) text += `idle_age=${stats.idleAge}, `;
  if (stats?.hardAge !== undefined && stats.hardAge !== Math.floor(stats.durationSeconds ?? 0))
    text += `hard_age=${stats.hardAge}, `;
  const match = matchText(flow, options);
  return `${text}${match === "" ? "" : `${match} `}actions=${actionsText(flow, options)}`;
}

/**
 * One flow as `ovs-ofctl diff-flows` prints it behind `-` or `+`: `table=1 priority=10,reg0=0x3b cookie=0x20001 actions=output:8`.
 * Flags are not shown, because diff-flows does not compare them. Actions are shown as they were written, unless a version is given.
 */
export function formatDiffFlow(flow: Flow, options: Omit<FormatFlowOptions, "stats"> = {}): string {
  let text = flow.table === 0 ? "" : `table=${flow.table} `;
  text += matchText(flow, options);
  if (flow.cookieLow !== 0 || flow.cookieHigh !== 0) text += ` cookie=${cookieText(flow)}`;
  if (flow.idleTimeout !== 0) text += ` idle_timeout=${flow.idleTimeout}`;
  if (flow.hardTimeout !== 0) text += ` hard_timeout=${flow.hardTimeout}`;
  if (flow.importance !== 0) text += ` importance=${flow.importance}`;
  const { version, names } = options;
  return `${text} actions=${version === undefined ? formatActionList(flow.instructions.actions, { names }) : actionsText(flow, options)}`;
}

function matchText(flow: Flow, options: FormatMatchOptions): string {
  if (flow.match.bytes.length === 0 && flow.priority === DEFAULT_PRIORITY) return "";
  const { names, showHidden, version } = options;
  return formatMatch(flow.match, { names, showHidden, version, priority: flow.priority });
}

function actionsText(flow: Flow, options: FormatFlowOptions): string {
  const { names } = options;
  // Older actions turn into newer ones on the way, and those have to fit the match as well.
  const facts = flow.instructions.isWire15 ? undefined : matchFactsOf(flow.match);
  return formatInstructions(flow.instructions, options.version ?? "OpenFlow15", { names, facts });
}

function cookieText(flow: Flow): string {
  if (flow.cookieHigh === 0) return `0x${flow.cookieLow.toString(16)}`;
  return `0x${flow.cookieHigh.toString(16)}${flow.cookieLow.toString(16).padStart(8, "0")}`;
}

const FLAG_WORDS = [
  [FlowFlag.sendFlowRemoved, "send_flow_rem "],
  [FlowFlag.checkOverlap, "check_overlap "],
  [FlowFlag.resetCounts, "reset_counts "],
  [FlowFlag.noPacketCounts, "no_packet_counts "],
  [FlowFlag.noByteCounts, "no_byte_counts "],
] as const;

function flagsText(flags: number): string {
  let text = "";
  for (const [flag, word] of FLAG_WORDS) if ((flags & flag) !== 0) text += word;
  return text;
}

// Whole seconds bare, whole milliseconds with three decimals, anything finer with as many as it takes.
function durationText(seconds: number): string {
  if (Number.isInteger(seconds)) return String(seconds);
  const nanoseconds = Math.round((seconds % 1) * 1e9);
  const whole = Math.floor(seconds);
  if (nanoseconds % 1_000_000 === 0) return `${whole}.${String(nanoseconds / 1_000_000).padStart(3, "0")}`;
  return `${whole}.${String(nanoseconds).padStart(9, "0").replace(/0+$/, "")}`;
}
