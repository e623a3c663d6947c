import { FlowFlag } from "../flow/flow.ts";
import { scanInt } from "../flow/number-text.ts";
import type { OpenFlowVersion } from "../flow/version.ts";
import { wireVersionOf } from "../flow/version.ts";
import type { KeyValues } from "./key-values.ts";
import { failUnknown, refuseValue } from "./match-parts.ts";
import type { ParseContext } from "./parse-context.ts";

/** Counters and ages of a flow, as a dump shows them. What a dump did not show is absent. */
export interface FlowStats {
  /** Seconds since the flow was added. */
  readonly durationSeconds?: number;
  readonly packetCount?: bigint;
  readonly byteCount?: bigint;
  /** Seconds since the last packet. */
  readonly idleAge?: number;
  /** Seconds since the flow was last changed. */
  readonly hardAge?: number;
}

/** Everything of a flow's text that is neither match nor actions. */
export interface FlowAttributes {
  table: number;
  priority: number;
  cookie: bigint;
  idleTimeout: number;
  hardTimeout: number;
  importance: number;
  flags: number;
  stats: { -readonly [Key in keyof FlowStats]: FlowStats[Key] } | undefined;
}

export function defaultAttributes(): FlowAttributes {
  return { table: 0, priority: 0x8000, cookie: 0n, idleTimeout: 0, hardTimeout: 0, importance: 0, flags: 0, stats: undefined };
}

const FLAGS: ReadonlyMap<string, readonly [flag: number, since: OpenFlowVersion]> = /* @__PURE__ */ new Map<
  string,
  readonly [number, OpenFlowVersion]
>([
  ["send_flow_rem", [FlowFlag.sendFlowRemoved, "OpenFlow10"]],
  ["check_overlap", [FlowFlag.checkOverlap, "OpenFlow10"]],
  ["reset_counts", [FlowFlag.resetCounts, "OpenFlow12"]],
  ["no_packet_counts", [FlowFlag.noPacketCounts, "OpenFlow13"]],
  ["no_byte_counts", [FlowFlag.noByteCounts, "OpenFlow13"]],
]);

/** Shown by dumps of hidden flows; without a meaning when a flow is added. */
const IGNORED: ReadonlySet<string> = /* @__PURE__ */ new Set(["no_readonly_table", "allow_hidden_fields"]);

const ATTRIBUTES: ReadonlySet<string> = /* @__PURE__ */ new Set(
  "table priority cookie idle_timeout hard_timeout importance duration n_packets n_bytes idle_age hard_age".split(" "),
);

/** Is this a flag or another keyword that is no match field? Those win over field names. */
export function isFlag(name: string): boolean {
  return FLAGS.has(name) || IGNORED.has(name);
}

/** Reads a flag. */
export function readFlag(ctx: ParseContext, parts: KeyValues, into: FlowAttributes): void {
  const name = parts.key;
  refuseValue(ctx, parts, name);
  const known = FLAGS.get(name);
  if (known === undefined) return;
  const [flag, since] = known;
  if (wireVersionOf(ctx.version) < wireVersionOf(since)) {
    ctx.fail("FLOW_VERSION", `${name} came with ${since}, and this is ${ctx.version}`, parts.keyStart, parts.keyEnd, {
      hint: `leave it out, or use ${since} or later`,
    });
  }
  into.flags |= flag;
}

/** Reads a part that is neither match field nor flag. `seen` has the names so far. */
export function readAttribute(ctx: ParseContext, parts: KeyValues, into: FlowAttributes, seen: Set<string>): void {
  const name = parts.key;
  const { keyStart, keyEnd, valueStart, valueEnd } = parts;
  if (valueStart === valueEnd) {
    if (!ATTRIBUTES.has(name)) failUnknown(ctx, parts);
    ctx.fail("FLOW_VALUE_MISSING", `${name} needs a value`, keyStart, keyEnd, { hint: `write ${name}=…` });
  }
  if (!ATTRIBUTES.has(name)) failAttribute(ctx, parts, name);
  if (seen.has(name)) {
    ctx.lenient("FLOW_DUPLICATE", `${name} is given twice`, keyStart, valueEnd, { hint: "give it once" });
  }
  seen.add(name);
  switch (name) {
    case "table":
      into.table = readTable(ctx, parts);
      return;
    case "priority":
      into.priority = readU16(ctx, parts, name);
      return;
    case "idle_timeout":
      into.idleTimeout = readU16(ctx, parts, name);
      return;
    case "hard_timeout":
      into.hardTimeout = readU16(ctx, parts, name);
      return;
    case "importance":
      into.importance = readU16(ctx, parts, name);
      return;
    case "cookie":
      into.cookie = readCookie(ctx, parts);
      return;
    default:
      readStatistic(ctx, parts, name, into);
  }
}

function failAttribute(ctx: ParseContext, parts: KeyValues, name: string): never {
  if (name === "out_port" || name === "out_group") {
    ctx.fail("FLOW_KEYWORD", `${name} selects flows to delete or to dump; a flow has none`, parts.keyStart, parts.valueEnd, {
      hint: "leave it out",
    });
  }
  return failUnknown(ctx, parts);
}

function readU16(ctx: ParseContext, parts: KeyValues, name: string): number {
  const { valueStart: start, valueEnd: end } = parts;
  const scanned = scanInt(parts.value, 0, 0);
  if (scanned === undefined || start + scanned.end !== end || scanned.value < 0n || scanned.value > 0xffffn) {
    ctx.fail("FLOW_VALUE", `this is no ${name}`, start, end, { hint: "write a number from 0 to 65535" });
  }
  return Number(scanned.value);
}

function readTable(ctx: ParseContext, parts: KeyValues): number {
  const { valueStart: start, valueEnd: end } = parts;
  const text = parts.value;
  const number = /^[ \t\n\v\f\r]*\+?\d+$/.test(text) ? Number(text) : -1;
  if (number < 0 || number > 255) {
    ctx.fail("FLOW_TABLE", "there is no such table", start, end, { hint: "write a decimal number from 0 to 254" });
  }
  if (number === 255) {
    ctx.lenient(
      "FLOW_TABLE",
      "table 255 means every table; a flow cannot be there, and ovs-ofctl would put it in table 0",
      start,
      end,
      {
        hint: "write a decimal number from 0 to 254",
      },
    );
    return 0;
  }
  return number;
}

const MAX_64 = 0xffff_ffff_ffff_ffffn;

function readCookie(ctx: ParseContext, parts: KeyValues): bigint {
  const { valueStart: start, valueEnd: end } = parts;
  const text = parts.value;
  const slash = text.indexOf("/");
  if (slash >= 0) {
    ctx.fail("FLOW_COOKIE_MASK", "a flow that is added has one cookie, without a mask", start + slash, end, {
      hint: "leave out the mask",
    });
  }
  const scanned = scanInt(text, 0, 0);
  if (scanned === undefined || start + scanned.end !== end || scanned.value > MAX_64 || scanned.value < -MAX_64) {
    ctx.fail("FLOW_VALUE", "this is no cookie", start, end, { hint: "write a number of 64 bits, such as 0x1f" });
  }
  return BigInt.asUintN(64, scanned.value);
}

/**
 * The statistics whose values are `text[places[2 * i], places[2 * i + 1])`, for duration, packets, bytes, idle age and hard age, each
 * checked; an end of 0: not there.
 */
export function statisticsAt(text: string, places: Int32Array): FlowStats | undefined {
  let stats: FlowAttributes["stats"];
  for (let i = 0; i < STATISTICS.length; i++) {
    const end = places[2 * i + 1] as number;
    if (end === 0) continue;
    stats ??= {};
    setStatistic(stats, STATISTICS[i] as string, text.slice(places[2 * i], end));
  }
  return stats;
}

const STATISTICS = ["duration", "n_packets", "n_bytes", "idle_age", "hard_age"];

// Dumps show these; ovs-ofctl reads over them whatever they say.
function readStatistic(ctx: ParseContext, parts: KeyValues, name: string, into: FlowAttributes): void {
  into.stats ??= {};
  const { stats } = into;
  const text = parts.value;
  if (text === "?" && (name === "n_packets" || name === "n_bytes")) return;
  const pattern = name === "duration" ? /^\d{1,10}(\.\d{1,9})?s?$/ : /^\d{1,20}$/;
  if (!pattern.test(text)) {
    ctx.lenient("FLOW_STATISTICS", `this is no ${name}`, parts.valueStart, parts.valueEnd, {
      hint: "leave it out: statistics mean nothing when a flow is added",
    });
    return;
  }
  setStatistic(stats, name, text);
}

function setStatistic(stats: NonNullable<FlowAttributes["stats"]>, name: string, text: string): void {
  switch (name) {
    case "duration":
      stats.durationSeconds = Number.parseFloat(text);
      return;
    case "n_packets":
      stats.packetCount = BigInt(text);
      return;
    case "n_bytes":
      stats.byteCount = BigInt(text);
      return;
    case "idle_age":
      stats.idleAge = Number(text);
      return;
    default:
      stats.hardAge = Number(text);
  }
}
