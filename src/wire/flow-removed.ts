import type { Match } from "../flow/match.ts";
import { putMatch, putMatch10, putNxMatch, readMatch, readMatch10, readNxMatch } from "./flow-body.ts";
import { type FlowCounters, putOxsStats, readOxsStats } from "./flow-counters.ts";
import type { Body, BodyCodec, MessageHead } from "./message-head.ts";
import { failWire } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/** Why a flow went, by number: 0 idle, 1 hard timeout, 2 delete, 3 group delete, 4 meter delete, 5 eviction. */
export const REMOVED_REASONS: readonly string[] = ["idle", "hard", "delete", "group_delete", "meter_delete", "eviction"];

/** A flow with the `sendFlowRemoved` flag is gone. */
export interface FlowRemoved extends MessageHead, FlowCounters {
  readonly type: "flowRemoved";
  readonly match: Match;
  readonly priority: number;
  readonly cookie: bigint;
  /** Index into {@link REMOVED_REASONS}; others are kept as they come. */
  readonly reason: number;
  /** 255 = not told (OpenFlow 1.0). */
  readonly table: number;
  readonly idleTimeout: number;
  /** 0 where not told (OpenFlow 1.0). */
  readonly hardTimeout: number;
}

function decode10(reader: WireReader): Body<FlowRemoved> {
  const { match } = readMatch10(reader);
  const cookie = reader.u64();
  const priority = reader.u16();
  const reason = reader.u8();
  reader.skip(1);
  const durationSeconds = reader.u32();
  const durationNanoseconds = reader.u32();
  const idleTimeout = reader.u16();
  reader.skip(2);
  const packetCount = reader.u64();
  const byteCount = reader.u64();
  const counters = { durationSeconds, durationNanoseconds, packetCount, byteCount };
  return { match, cookie, priority, reason, table: 255, idleTimeout, hardTimeout: 0, ...counters };
}

function decode11(reader: WireReader): Body<FlowRemoved> {
  const cookie = reader.u64();
  const priority = reader.u16();
  const reason = reader.u8();
  const table = reader.u8();
  const durationSeconds = reader.u32();
  const durationNanoseconds = reader.u32();
  const idleTimeout = reader.u16();
  const hardTimeout = reader.u16();
  const packetCount = reader.u64();
  const byteCount = reader.u64();
  const match = readMatch(reader);
  const counters = { durationSeconds, durationNanoseconds, packetCount, byteCount };
  return { match, cookie, priority, reason, table, idleTimeout, hardTimeout, ...counters };
}

function decode15(reader: WireReader): Body<FlowRemoved> {
  const table = reader.u8();
  const reason = reader.u8();
  const priority = reader.u16();
  const idleTimeout = reader.u16();
  const hardTimeout = reader.u16();
  const cookie = reader.u64();
  const match = readMatch(reader);
  return { match, cookie, priority, reason, table, idleTimeout, hardTimeout, ...readOxsStats(reader) };
}

function decodeNicira(reader: WireReader): Body<FlowRemoved> {
  const cookie = reader.u64();
  const priority = reader.u16();
  const reason = reader.u8();
  const table = reader.u8();
  const durationSeconds = reader.u32();
  const durationNanoseconds = reader.u32();
  const idleTimeout = reader.u16();
  const matchLength = reader.u16();
  const packetCount = reader.u64();
  const byteCount = reader.u64();
  const { match } = readNxMatch(reader, matchLength, false);
  if (reader.left > 0) failWire("WIRE_LENGTH", "bytes are left behind the match", reader.at, "OFPBRC_BAD_LEN");
  const counters = { durationSeconds, durationNanoseconds, packetCount, byteCount };
  return { match, cookie, priority, reason, table: table === 0 ? 255 : table - 1, idleTimeout, hardTimeout: 0, ...counters };
}

export const flowRemovedCodec: BodyCodec<FlowRemoved> = {
  decode(reader, encoding): Body<FlowRemoved> {
    if (encoding.form === "nicira") return decodeNicira(reader);
    if (reader.version === 1) return decode10(reader);
    return reader.version < 6 ? decode11(reader) : decode15(reader);
  },
  encode(message, w, version, encoding): void {
    const nicira = encoding.form === "nicira";
    if (version === 6 && !nicira) {
      const at = w.reserve(16);
      w.view.setUint8(at, message.table);
      w.view.setUint8(at + 1, message.reason);
      w.view.setUint16(at + 2, message.priority);
      w.view.setUint16(at + 4, message.idleTimeout);
      w.view.setUint16(at + 6, message.hardTimeout);
      w.view.setBigUint64(at + 8, message.cookie);
      putMatch(w, message.match, version);
      putOxsStats(w, message);
      return;
    }
    if (version === 1 && !nicira) putMatch10(w, message.match);
    const at = w.reserve(40);
    const { view } = w;
    view.setBigUint64(at, message.cookie);
    view.setUint16(at + 8, message.priority);
    view.setUint8(at + 10, message.reason);
    if (nicira) view.setUint8(at + 11, message.table === 255 ? 0 : message.table + 1);
    else if (version > 1) view.setUint8(at + 11, message.table);
    view.setUint32(at + 12, message.durationSeconds);
    view.setUint32(at + 16, message.durationNanoseconds);
    view.setUint16(at + 20, message.idleTimeout);
    view.setBigUint64(at + 24, message.packetCount);
    view.setBigUint64(at + 32, message.byteCount);
    if (nicira) {
      const length = putNxMatch(w, message.match, 0n, 0n);
      w.view.setUint16(at + 22, length);
    } else if (version > 1) {
      view.setUint16(at + 22, message.hardTimeout);
      putMatch(w, message.match, version);
    }
  },
};
