import type { ByteWriter } from "../bytes.ts";
import type { Instructions } from "../flow/instructions.ts";
import type { Match } from "../flow/match.ts";
import {
  putActionsOf,
  putInstructions,
  putMatch,
  putMatch10,
  putNxMatch,
  readActionsAsInstructions,
  readInstructions,
  readMatch,
  readMatch10,
  readNxMatch,
} from "./flow-body.ts";
import { type FlowCounters, putOxsStats, readOxsStats } from "./flow-counters.ts";
import type { Body, BodyCodec, MultipartHead } from "./message-head.ts";
import { Group, portFrom16, portTo16, readPort32 } from "./port-number.ts";
import { failWire } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/** Asks for flows, or for the sums over them. */
export interface FlowRequest extends MultipartHead {
  readonly type: "flowStatsRequest" | "aggregateRequest";
  /** 255 = all. */
  readonly table: number;
  /** Only flows that send to this port; `Port.any` = all. */
  readonly outPort: number;
  /** Only flows that send to this group; `Group.any` = all. */
  readonly outGroup: number;
  /** Only flows whose cookie equals this under the mask; OpenFlow 1.0 asks so in Nicira's form only. */
  readonly cookie: bigint;
  readonly cookieMask: bigint;
  /** Only flows that match this or more. */
  readonly match: Match;
}

export interface FlowStatsRequest extends FlowRequest {
  readonly type: "flowStatsRequest";
}

export interface AggregateRequest extends FlowRequest {
  readonly type: "aggregateRequest";
}

/** One flow of a switch. */
export interface FlowStats extends FlowCounters {
  readonly table: number;
  readonly priority: number;
  readonly match: Match;
  readonly instructions: Instructions;
  readonly cookie: bigint;
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  readonly importance: number;
  /** Bits of `FlowFlag`; OpenFlow 1.3 and later. */
  readonly flags: number;
  /** Seconds since the flow was last modified, where told (Nicira's OpenFlow 1.0 form). */
  readonly hardAge?: number;
}

export interface FlowStatsReply extends MultipartHead {
  readonly type: "flowStatsReply";
  readonly flows: readonly FlowStats[];
}

export interface AggregateReply extends MultipartHead {
  readonly type: "aggregateReply";
  readonly packetCount: bigint;
  readonly byteCount: bigint;
  readonly flowCount: number;
}

export const flowRequestCodec: BodyCodec<FlowRequest> = {
  decode(reader, encoding): Body<FlowRequest> {
    if (encoding.form === "nicira") {
      const outPort = portFrom16(reader.u16());
      const matchLength = reader.u16();
      const table = reader.u8();
      reader.skip(3);
      const { match, cookie, cookieMask } = readNxMatch(reader, matchLength, true);
      if (reader.left > 0) failWire("WIRE_LENGTH", "bytes are left behind the match", reader.at, "OFPBRC_BAD_LEN");
      return { table, outPort, outGroup: Group.any, cookie, cookieMask, match };
    }
    if (reader.version === 1) {
      const { match } = readMatch10(reader);
      const table = reader.u8();
      reader.skip(1);
      const outPort = portFrom16(reader.u16());
      return { table, outPort, outGroup: Group.any, cookie: 0n, cookieMask: 0n, match };
    }
    const table = reader.u8();
    reader.skip(3);
    const outPort = readPort32(reader);
    const outGroup = reader.u32();
    reader.skip(4);
    const cookie = reader.u64();
    const cookieMask = reader.u64();
    return { table, outPort, outGroup, cookie, cookieMask, match: readMatch(reader) };
  },
  encode(message, w, version, encoding): void {
    if (encoding.form === "nicira") {
      const at = w.reserve(8);
      w.view.setUint16(at, portTo16(message.outPort, "outPort"));
      w.view.setUint8(at + 4, message.table);
      const length = putNxMatch(w, message.match, message.cookie, message.cookieMask);
      w.view.setUint16(at + 2, length);
      return;
    }
    if (version === 1) {
      putMatch10(w, message.match);
      const at = w.reserve(4);
      w.view.setUint8(at, message.table);
      w.view.setUint16(at + 2, portTo16(message.outPort, "outPort"));
      return;
    }
    const at = w.reserve(32);
    w.view.setUint8(at, message.table);
    w.view.setUint32(at + 4, message.outPort);
    w.view.setUint32(at + 8, message.outGroup);
    w.view.setBigUint64(at + 16, message.cookie);
    w.view.setBigUint64(at + 24, message.cookieMask);
    putMatch(w, message.match, version);
  },
};

/** Reads the length in front of a flow, which must cover `minimum` bytes and not more than there are. */
function recordLength(reader: WireReader, minimum: number): number {
  reader.need(minimum, "a flow", "OFPBRC_BAD_LEN");
  const length = reader.view.getUint16(reader.at);
  if (length < minimum || length > reader.left) {
    failWire("WIRE_LENGTH", `flow of ${length} bytes, ${reader.left} are left`, reader.at, "OFPBRC_BAD_LEN");
  }
  return length;
}

function readFlow10(reader: WireReader): FlowStats {
  const part = reader.part(recordLength(reader, 88));
  part.skip(2);
  const table = part.u8();
  part.skip(1);
  const { match } = readMatch10(part);
  const durationSeconds = part.u32();
  const durationNanoseconds = part.u32();
  const priority = part.u16();
  const idleTimeout = part.u16();
  const hardTimeout = part.u16();
  part.skip(6);
  const cookie = part.u64();
  const packetCount = part.u64();
  const byteCount = part.u64();
  const instructions = readActionsAsInstructions(part, undefined, table);
  const counters = { durationSeconds, durationNanoseconds, packetCount, byteCount };
  return { table, priority, match, instructions, cookie, idleTimeout, hardTimeout, importance: 0, flags: 0, ...counters };
}

function readFlowNicira(reader: WireReader): FlowStats {
  const part = reader.part(recordLength(reader, 48));
  part.skip(2);
  const table = part.u8();
  part.skip(1);
  const durationSeconds = part.u32();
  const durationNanoseconds = part.u32();
  const priority = part.u16();
  const idleTimeout = part.u16();
  const hardTimeout = part.u16();
  const matchLength = part.u16();
  const idleAge = part.u16();
  const hardAge = part.u16();
  const cookie = part.u64();
  const packetCount = part.u64();
  const byteCount = part.u64();
  if (((matchLength + 7) & ~7) > part.left) {
    failWire("WIRE_LENGTH", `match of ${matchLength} bytes`, part.at - 30, "OFPBRC_BAD_LEN");
  }
  const { match } = readNxMatch(part, matchLength, false);
  const instructions = readActionsAsInstructions(part, undefined, table);
  return {
    table,
    priority,
    match,
    instructions,
    cookie,
    idleTimeout,
    hardTimeout,
    importance: 0,
    flags: 0,
    durationSeconds,
    durationNanoseconds,
    packetCount,
    byteCount,
    ...(idleAge === 0 ? {} : { idleAge: idleAge - 1 }),
    ...(hardAge === 0 ? {} : { hardAge: hardAge - 1 }),
  };
}

function checkFlags(flags: number, version: number, at: number): void {
  const known = version >= 4 ? 0x1f : version === 3 ? 7 : 0xffff;
  if ((flags & ~known) !== 0) failWire("WIRE_VALUE", `flags 0x${flags.toString(16)}`, at, "OFPFMFC_BAD_FLAGS");
}

function readFlow11(reader: WireReader): FlowStats {
  const start = reader.at;
  const part = reader.part(recordLength(reader, 48));
  part.skip(2);
  const table = part.u8();
  part.skip(1);
  const durationSeconds = part.u32();
  const durationNanoseconds = part.u32();
  const priority = part.u16();
  const idleTimeout = part.u16();
  const hardTimeout = part.u16();
  const wireFlags = part.u16();
  const wireImportance = part.u16();
  part.skip(2);
  const cookie = part.u64();
  const packetCount = part.u64();
  const byteCount = part.u64();
  const match = readMatch(part);
  const importance = reader.version >= 5 ? wireImportance : 0;
  const flags = reader.version >= 4 ? wireFlags : 0;
  checkFlags(flags, reader.version, start + 22);
  const instructions = readInstructions(part, undefined, table);
  const counters = { durationSeconds, durationNanoseconds, packetCount, byteCount };
  return { table, priority, match, instructions, cookie, idleTimeout, hardTimeout, importance, flags, ...counters };
}

function readFlow15(reader: WireReader): FlowStats {
  const start = reader.at;
  const part = reader.part(recordLength(reader, 24));
  part.skip(4);
  const table = part.u8();
  part.skip(1);
  const priority = part.u16();
  const idleTimeout = part.u16();
  const hardTimeout = part.u16();
  const flags = part.u16();
  const importance = part.u16();
  const cookie = part.u64();
  const match = readMatch(part);
  checkFlags(flags, 6, start + 12);
  const counters = readOxsStats(part);
  const instructions = readInstructions(part, undefined, table);
  return { table, priority, match, instructions, cookie, idleTimeout, hardTimeout, importance, flags, ...counters };
}

function putFlow10(w: ByteWriter, flow: FlowStats): void {
  const start = w.reserve(4);
  w.view.setUint8(start + 2, flow.table);
  putMatch10(w, flow.match);
  const at = w.reserve(44);
  const { view } = w;
  view.setUint32(at, flow.durationSeconds);
  view.setUint32(at + 4, flow.durationNanoseconds);
  view.setUint16(at + 8, flow.priority);
  view.setUint16(at + 10, flow.idleTimeout);
  view.setUint16(at + 12, flow.hardTimeout);
  view.setBigUint64(at + 20, flow.cookie);
  view.setBigUint64(at + 28, flow.packetCount);
  view.setBigUint64(at + 36, flow.byteCount);
  putActionsOf(w, flow.instructions, 1, flow.match);
  w.view.setUint16(start, w.length - start);
}

function age(seconds: number | undefined): number {
  return seconds === undefined ? 0 : Math.min(seconds + 1, 0xffff);
}

function putFlowNicira(w: ByteWriter, flow: FlowStats): void {
  const start = w.reserve(48);
  const { view } = w;
  view.setUint8(start + 2, flow.table);
  view.setUint32(start + 4, flow.durationSeconds);
  view.setUint32(start + 8, flow.durationNanoseconds);
  view.setUint16(start + 12, flow.priority);
  view.setUint16(start + 14, flow.idleTimeout);
  view.setUint16(start + 16, flow.hardTimeout);
  view.setUint16(start + 20, age(flow.idleAge));
  view.setUint16(start + 22, age(flow.hardAge));
  view.setBigUint64(start + 24, flow.cookie);
  view.setBigUint64(start + 32, flow.packetCount);
  view.setBigUint64(start + 40, flow.byteCount);
  const length = putNxMatch(w, flow.match, 0n, 0n);
  w.view.setUint16(start + 18, length);
  putActionsOf(w, flow.instructions, 1, flow.match);
  w.view.setUint16(start, w.length - start);
}

function putFlow11(w: ByteWriter, flow: FlowStats, version: 2 | 3 | 4 | 5): void {
  const start = w.reserve(48);
  const { view } = w;
  view.setUint8(start + 2, flow.table);
  view.setUint32(start + 4, flow.durationSeconds);
  view.setUint32(start + 8, flow.durationNanoseconds);
  view.setUint16(start + 12, flow.priority);
  view.setUint16(start + 14, flow.idleTimeout);
  view.setUint16(start + 16, flow.hardTimeout);
  if (version >= 4) view.setUint16(start + 18, flow.flags);
  if (version >= 5) view.setUint16(start + 20, flow.importance);
  view.setBigUint64(start + 24, flow.cookie);
  view.setBigUint64(start + 32, flow.packetCount);
  view.setBigUint64(start + 40, flow.byteCount);
  putMatch(w, flow.match, version);
  putInstructions(w, flow.instructions, version, flow.match);
  w.view.setUint16(start, w.length - start);
}

function putFlow15(w: ByteWriter, flow: FlowStats): void {
  const start = w.reserve(24);
  const { view } = w;
  view.setUint8(start + 4, flow.table);
  view.setUint16(start + 6, flow.priority);
  view.setUint16(start + 8, flow.idleTimeout);
  view.setUint16(start + 10, flow.hardTimeout);
  view.setUint16(start + 12, flow.flags);
  view.setUint16(start + 14, flow.importance);
  view.setBigUint64(start + 16, flow.cookie);
  putMatch(w, flow.match, 6);
  putOxsStats(w, flow);
  putInstructions(w, flow.instructions, 6, flow.match);
  w.view.setUint16(start, w.length - start);
}

export const flowStatsReplyCodec: BodyCodec<FlowStatsReply> = {
  decode(reader, encoding): Body<FlowStatsReply> {
    const flows: FlowStats[] = [];
    const read =
      encoding.form === "nicira"
        ? readFlowNicira
        : reader.version === 1
          ? readFlow10
          : reader.version < 6
            ? readFlow11
            : readFlow15;
    while (reader.left > 0) flows.push(read(reader));
    return { flows };
  },
  encode(message, w, version, encoding): void {
    for (const flow of message.flows) {
      if (encoding.form === "nicira") putFlowNicira(w, flow);
      else if (version === 1) putFlow10(w, flow);
      else if (version === 6) putFlow15(w, flow);
      else putFlow11(w, flow, version);
    }
  },
};

export const aggregateReplyCodec: BodyCodec<AggregateReply> = {
  decode(reader): Body<AggregateReply> {
    if (reader.version === 6) {
      const { packetCount, byteCount, flowCount } = readOxsStats(reader);
      return { packetCount, byteCount, flowCount: flowCount ?? 0xffffffff };
    }
    const packetCount = reader.u64();
    const byteCount = reader.u64();
    return { packetCount, byteCount, flowCount: reader.u32() };
  },
  encode(message, w, version): void {
    const { packetCount, byteCount, flowCount } = message;
    if (version === 6) {
      putOxsStats(w, { durationSeconds: 0xffffffff, durationNanoseconds: 0, packetCount, byteCount, flowCount });
      return;
    }
    w.u64(packetCount);
    w.u64(byteCount);
    w.u32(flowCount);
    w.u32(0);
  },
};
