import type { Instructions } from "../../flow/instructions.ts";
import type { Match } from "../../flow/match.ts";
import { type OpenFlowVersion, versionName, type WireVersion } from "../../flow/version.ts";
import { formatInstructions } from "../../text/actions/format-instructions.ts";
import { formatMatch } from "../../text/format-match.ts";
import { ALL_TABLES, type FlowModMessage, NO_BUFFER } from "../flow-mod.ts";
import type { FlowMonitorReply, FlowMonitorRequest, FlowUpdate } from "../flow-monitor.ts";
import { type FlowRemoved, REMOVED_REASONS } from "../flow-removed.ts";
import type { AggregateReply, FlowRequest, FlowStats, FlowStatsReply } from "../flow-stats.ts";
import { Group, Port } from "../port-number.ts";
import { alternateHex, bitNames, chomp, counterText, durationText, type Format, hex, portText } from "./text-parts.ts";

/** Texts of messages about flows. */

/** A match as it stands in a message of this version; `priority` in front of it unless it is the default. */
export function matchText(match: Match, version: number, format: Format, priority?: number): string {
  return formatMatch(match, { names: format.names, version: versionName(version as WireVersion), priority });
}

/** Instructions as they stand in a message of this version. */
export function instructionsText(instructions: Instructions, version: number, format: Format): string {
  const name: OpenFlowVersion = versionName(version as WireVersion);
  return formatInstructions(instructions, name, { names: format.names });
}

const COMMANDS: Readonly<Record<FlowModMessage["command"], string>> = {
  add: "ADD",
  modify: "MOD",
  modifyStrict: "MOD_STRICT",
  delete: "DEL",
  deleteStrict: "DEL_STRICT",
};

const FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [1, "send_flow_rem "],
  [2, "check_overlap "],
  [4, "reset_counts "],
  [8, "no_packet_counts "],
  [16, "no_byte_counts "],
];

function flagsText(flags: number): string {
  return FLAGS.map(([bit, name]) => ((flags & bit) === 0 ? "" : name)).join("");
}

const NO_COOKIE = 0xffff_ffff_ffff_ffffn;

export function flowModText(message: FlowModMessage, format: Format): string {
  const { version, command } = message;
  const legacy = version === 1 || message.form === "nicira";
  const adds = command === "add" || (version === 2 && message.cookieMask === 0n && command.startsWith("modify"));
  const newCookie = adds ? message.cookie : (message.newCookie ?? NO_COOKIE);
  let text = ` ${COMMANDS[command]}`;
  if (message.table !== 0) text += ` table:${message.table}`;
  const match = matchText(message.match, version, format, message.priority);
  text += match === "" ? " " : ` ${match} `;
  if (newCookie !== 0n && newCookie !== NO_COOKIE) text += `cookie:${hex(newCookie)} `;
  if (!adds && message.cookieMask !== 0n) text += `cookie:${hex(message.cookie)}/${hex(message.cookieMask)} `;
  if (message.idleTimeout !== 0) text += `idle:${message.idleTimeout} `;
  if (message.hardTimeout !== 0) text += `hard:${message.hardTimeout} `;
  if (message.importance !== 0) text += `importance:${message.importance} `;
  if (message.bufferId !== NO_BUFFER) text += `buf:${hex(message.bufferId)} `;
  if (message.outPort !== Port.any) text += `out_port:${portText(message.outPort, format)} `;
  text += flagsText(legacy || version === 2 ? message.flags & 3 : message.flags);
  return `${text}actions=${instructionsText(message.instructions, version, format)}`;
}

export function flowRemovedText(message: FlowRemoved, format: Format): string {
  let text = ` ${matchText(message.match, message.version, format, message.priority)} reason=${reasonText(message.reason)}`;
  if (message.table !== ALL_TABLES) text += ` table_id=${message.table}`;
  if (message.cookie !== 0n) text += ` cookie:${hex(message.cookie)}`;
  text += ` duration${durationText(message.durationSeconds, message.durationNanoseconds)} idle${message.idleTimeout}`;
  if (message.hardTimeout !== 0) text += ` hard${message.hardTimeout}`;
  return `${text} pkts${message.packetCount} bytes${message.byteCount}\n`;
}

function reasonText(reason: number): string {
  return REMOVED_REASONS[reason] ?? String(reason);
}

export function flowRequestText(message: FlowRequest, format: Format): string {
  let text = message.table === ALL_TABLES ? "" : ` table=${message.table}`;
  if (message.outPort !== Port.any) text += ` out_port=${portText(message.outPort, format)}`;
  return `${text} ${matchText(message.match, message.version, format)}`;
}

function flowStatsOfOne(flow: FlowStats, version: number, format: Format): string {
  let text =
    `\n cookie=${hex(flow.cookie)}, duration=${durationText(flow.durationSeconds, flow.durationNanoseconds)}, ` +
    `table=${flow.table}, n_packets=${counterText(flow.packetCount)}, n_bytes=${counterText(flow.byteCount)}, `;
  if (flow.idleTimeout !== 0) text += `idle_timeout=${flow.idleTimeout}, `;
  if (flow.hardTimeout !== 0) text += `hard_timeout=${flow.hardTimeout}, `;
  text += flagsText(flow.flags);
  if (flow.importance !== 0) text += `importance=${flow.importance}, `;
  if (flow.idleAge !== undefined && flow.idleAge <= 0x7fffffff) text += `idle_age=${flow.idleAge}, `;
  if (flow.hardAge !== undefined && flow.hardAge !== flow.durationSeconds) text += `hard_age=${flow.hardAge}, `;
  const match = matchText(flow.match, version, format, flow.priority);
  return `${text}${match === "" ? "" : `${match} `}actions=${instructionsText(flow.instructions, version, format)}`;
}

export function flowStatsText(message: FlowStatsReply, format: Format): string {
  return message.flows.map((flow) => flowStatsOfOne(flow, message.version, format)).join("");
}

export function aggregateText(message: AggregateReply): string {
  return ` packet_count=${message.packetCount} byte_count=${message.byteCount} flow_count=${message.flowCount}`;
}

const MONITOR_FLAGS: ReadonlyMap<number, string> = new Map([
  [1, "initial"],
  [2, "add"],
  [4, "delete"],
  [8, "modify"],
  [16, "actions"],
  [32, "no-abbrev"],
  [64, "own"],
]);

export function monitorRequestText(message: FlowMonitorRequest, format: Format): string {
  let text = "";
  for (const monitor of message.monitors) {
    if (monitor.command === "delete") {
      text += `\n id=${monitor.id} command=delete`;
      continue;
    }
    text += `\n id=${monitor.id} flags=${bitNames(monitor.flags, MONITOR_FLAGS, ",")}`;
    if (monitor.outPort !== Port.any) text += ` out_port=${portText(monitor.outPort, format)}`;
    if (monitor.outGroup !== 0 && monitor.outGroup !== Group.any) text += ` out_group=${monitor.outGroup | 0}`;
    if (monitor.table !== ALL_TABLES) text += ` table=${monitor.table}`;
    text = chomp(`${text} ${matchText(monitor.match, message.version, format)}`, " ");
  }
  return text;
}

function updateText(update: FlowUpdate, version: number, format: Format): string {
  if (update.event === "abbreviated") return `\n event=ABBREV xid=${hex(update.xid)}`;
  if (update.event === "paused" || update.event === "resumed") return `\n event=${update.event.toUpperCase()}`;
  const removed = update.event === "removed";
  let text = `\n event=${removed ? `DELETED reason=${reasonText(update.reason)}` : update.event.toUpperCase()}`;
  text += ` table=${update.table}`;
  if (update.idleTimeout !== 0) text += ` idle_timeout=${update.idleTimeout}`;
  if (update.hardTimeout !== 0) text += ` hard_timeout=${update.hardTimeout}`;
  text += ` cookie=${alternateHex(update.cookie)} ${matchText(update.match, version, format)}`;
  if (update.instructions.bytes.length === 0) return text;
  return `${text.endsWith(" ") ? text : `${text} `}actions=${instructionsText(update.instructions, version, format)}`;
}

export function monitorReplyText(message: FlowMonitorReply, format: Format): string {
  return message.updates.map((update) => updateText(update, message.version, format)).join("");
}
