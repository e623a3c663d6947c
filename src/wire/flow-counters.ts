import type { ByteWriter } from "../bytes.ts";
import { failWire } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/** Counters of a flow. All ones (in 32 or 64 bits) = not known. */
export interface FlowCounters {
  readonly durationSeconds: number;
  readonly durationNanoseconds: number;
  readonly packetCount: bigint;
  readonly byteCount: bigint;
  /** Seconds since the last packet, where told. */
  readonly idleAge?: number;
  /** OpenFlow 1.5 aggregates only. */
  readonly flowCount?: number;
}

const UNKNOWN_32 = 0xffffffff;
const UNKNOWN_64 = 0xffff_ffff_ffff_ffffn;

// OXS headers (class 0x8002, field, length) of OpenFlow 1.5 §7.2.4.2.
const DURATION = 0x80020008;
const IDLE_TIME = 0x80020208;
const FLOW_COUNT = 0x80020604;
const PACKET_COUNT = 0x80020808;
const BYTE_COUNT = 0x80020a08;

type Draft = { -readonly [K in keyof FlowCounters]: FlowCounters[K] };

/** Reads an `ofp_stats` of OpenFlow 1.5 with its padding. Unknown fields are passed over. */
export function readOxsStats(reader: WireReader): FlowCounters {
  const start = reader.at;
  reader.need(4, "statistics", "OFPBMC_BAD_LEN");
  reader.skip(2);
  const length = reader.u16();
  const padded = (length + 7) & ~7;
  if (length < 4 || padded - 4 > reader.left) {
    failWire("WIRE_LENGTH", `statistics of ${length} bytes`, start + 2, "OFPBMC_BAD_LEN");
  }
  const counters: Draft = {
    durationSeconds: UNKNOWN_32,
    durationNanoseconds: UNKNOWN_32,
    packetCount: UNKNOWN_64,
    byteCount: UNKNOWN_64,
  };
  const part = reader.part(length - 4);
  while (part.left > 0) readEntry(part, counters);
  reader.at = start + padded;
  return counters;
}

function readEntry(part: WireReader, counters: Draft): void {
  const start = part.at;
  part.need(4, "a statistic", "OFPBMC_BAD_LEN");
  const header = part.u32();
  const experimenter = header >>> 16 === 0xffff;
  const length = header & 0xff;
  if (length > part.left || (experimenter && length < 4)) {
    failWire("WIRE_LENGTH", `statistic of ${length} bytes`, start, "OFPBMC_BAD_LEN");
  }
  switch (header >>> 0) {
    case DURATION:
      counters.durationSeconds = part.u32();
      counters.durationNanoseconds = part.u32();
      break;
    case IDLE_TIME:
      counters.idleAge = part.u32();
      part.skip(4);
      break;
    case FLOW_COUNT:
      counters.flowCount = part.u32();
      break;
    case PACKET_COUNT:
      counters.packetCount = part.u64();
      break;
    case BYTE_COUNT:
      counters.byteCount = part.u64();
      break;
    default:
      part.skip(length);
  }
}

/** Appends an `ofp_stats` with what is known, and its padding. */
export function putOxsStats(w: ByteWriter, counters: FlowCounters): void {
  const start = w.reserve(4);
  if (counters.durationSeconds !== UNKNOWN_32) {
    w.u32(DURATION);
    w.u32(counters.durationSeconds);
    w.u32(counters.durationNanoseconds);
  }
  if (counters.idleAge !== undefined) {
    w.u32(IDLE_TIME);
    w.u32(counters.idleAge);
    w.u32(0);
  }
  if (counters.packetCount !== UNKNOWN_64) {
    w.u32(PACKET_COUNT);
    w.u64(counters.packetCount);
  }
  if (counters.byteCount !== UNKNOWN_64) {
    w.u32(BYTE_COUNT);
    w.u64(counters.byteCount);
  }
  if (counters.flowCount !== undefined) {
    w.u32(FLOW_COUNT);
    w.u32(counters.flowCount);
  }
  w.view.setUint16(start + 2, w.length - start);
  w.padTo(8, start);
}
