import type { ByteWriter } from "../bytes.ts";
import type { Body, BodyCodec, MultipartHead } from "./message-head.ts";
import { Port, portFrom16, portTo16, putPort, readPort, readPort32 } from "./port-number.ts";
import { beginProperty, endProperty, keepProperty, type OtherProperty, putOtherProperty, readSized } from "./property.ts";
import { failWire } from "./wire-error.ts";
import { readProperty, type WireReader } from "./wire-reader.ts";

export interface PortStatsRequest extends MultipartHead {
  readonly type: "portStatsRequest";
  /** `Port.any` = all ports. */
  readonly port: number;
}

/** Counters of one port; all ones = the switch does not count that. */
export interface PortStats {
  readonly port: number;
  readonly rxPackets: bigint;
  readonly txPackets: bigint;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  readonly rxDropped: bigint;
  readonly txDropped: bigint;
  readonly rxErrors: bigint;
  readonly txErrors: bigint;
  readonly rxFrameErrors: bigint;
  readonly rxOverErrors: bigint;
  readonly rxCrcErrors: bigint;
  readonly collisions: bigint;
  /** Seconds and nanoseconds since the port came up; OpenFlow 1.3 and later. */
  readonly durationSeconds?: number;
  readonly durationNanoseconds?: number;
  /** What OpenFlow 1.4 and later carry beyond the Ethernet counters, such as Intel's RFC 2819 and custom ones. */
  readonly properties?: readonly OtherProperty[];
}

export interface PortStatsReply extends MultipartHead {
  readonly type: "portStatsReply";
  readonly ports: readonly PortStats[];
}

const UNKNOWN = 0xffff_ffff_ffff_ffffn;
/** Intel's experimenter id and property types. */
export const INTEL = 0x0000aa01;
export const INTEL_RFC2819 = 1;
export const INTEL_CUSTOM = 2;

function readCommon(
  reader: WireReader,
): Omit<PortStats, "port" | "rxFrameErrors" | "rxOverErrors" | "rxCrcErrors" | "collisions"> {
  const rxPackets = reader.u64();
  const txPackets = reader.u64();
  const rxBytes = reader.u64();
  const txBytes = reader.u64();
  const rxDropped = reader.u64();
  const txDropped = reader.u64();
  const rxErrors = reader.u64();
  return { rxPackets, txPackets, rxBytes, txBytes, rxDropped, txDropped, rxErrors, txErrors: reader.u64() };
}

function readEthernet(reader: WireReader): Pick<PortStats, "rxFrameErrors" | "rxOverErrors" | "rxCrcErrors" | "collisions"> {
  const rxFrameErrors = reader.u64();
  const rxOverErrors = reader.u64();
  const rxCrcErrors = reader.u64();
  return { rxFrameErrors, rxOverErrors, rxCrcErrors, collisions: reader.u64() };
}

function readFixed(reader: WireReader): PortStats {
  const { version } = reader;
  const port = version === 1 ? portFrom16(reader.u16()) : readPort32(reader);
  reader.skip(version === 1 ? 6 : 4);
  const stats = { port, ...readCommon(reader), ...readEthernet(reader) };
  if (version < 4) return stats;
  const durationSeconds = reader.u32();
  return { ...stats, durationSeconds, durationNanoseconds: reader.u32() };
}

function readExtensible(reader: WireReader): PortStats {
  const part = readSized(reader, 0, 80, 1, "OFPBRC_BAD_LEN");
  part.skip(4);
  const port = readPort32(part);
  const durationSeconds = part.u32();
  const durationNanoseconds = part.u32();
  const common = readCommon(part);
  let ethernet = { rxFrameErrors: UNKNOWN, rxOverErrors: UNKNOWN, rxCrcErrors: UNKNOWN, collisions: UNKNOWN };
  const properties: OtherProperty[] = [];
  while (part.left > 0) {
    const property = readProperty(part);
    const { body } = property;
    if (property.type === 0) {
      if (body.left !== 36) failWire("WIRE_LENGTH", "Ethernet counters have 40 bytes", property.start + 2, "OFPBPC_BAD_LEN");
      body.skip(4);
      ethernet = readEthernet(body);
      continue;
    }
    if (property.experimenter === INTEL) checkIntel(property.expType, body, property.start);
    properties.push(keepProperty(property));
  }
  return {
    port,
    ...common,
    ...ethernet,
    durationSeconds,
    durationNanoseconds,
    ...(properties.length > 0 ? { properties } : {}),
  };
}

function checkIntel(expType: number, body: WireReader, start: number): void {
  if (expType === INTEL_RFC2819 && body.left !== 172) {
    failWire("WIRE_LENGTH", "RFC 2819 counters have 184 bytes", start + 2, "OFPBPC_BAD_LEN");
  }
  if (expType !== INTEL_CUSTOM) return;
  const counters = customCounters(body.bytes.subarray(body.at, body.end));
  if (counters === undefined) failWire("WIRE_LENGTH", "custom counters are cut off", start + 2, "OFPBPC_BAD_LEN");
}

/** The counters of Intel's custom property (`data` of an {@link OtherProperty}); `undefined` when it is cut off. */
export function customCounters(data: Uint8Array): { name: string; value: bigint }[] | undefined {
  if (data.length < 4) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const counters: { name: string; value: bigint }[] = [];
  let at = 4;
  for (let left = view.getUint16(2); left > 0; left--) {
    const length = data[at];
    if (length === undefined || at + 1 + length + 8 > data.length) return undefined;
    let name = "";
    for (let i = at + 1; i <= at + length; i++) name += String.fromCharCode(data[i] as number);
    counters.push({ name, value: view.getBigUint64(at + 1 + length) });
    at += length + 9;
  }
  return counters;
}

function putCommon(w: ByteWriter, stats: PortStats): void {
  w.u64(stats.rxPackets);
  w.u64(stats.txPackets);
  w.u64(stats.rxBytes);
  w.u64(stats.txBytes);
  w.u64(stats.rxDropped);
  w.u64(stats.txDropped);
  w.u64(stats.rxErrors);
  w.u64(stats.txErrors);
}

function putEthernet(w: ByteWriter, stats: PortStats): void {
  w.u64(stats.rxFrameErrors);
  w.u64(stats.rxOverErrors);
  w.u64(stats.rxCrcErrors);
  w.u64(stats.collisions);
}

function putStats(w: ByteWriter, stats: PortStats, version: number): void {
  const seconds = stats.durationSeconds ?? 0xffffffff;
  const nanoseconds = stats.durationNanoseconds ?? 0xffffffff;
  if (version < 5) {
    const at = w.reserve(8);
    if (version === 1) w.view.setUint16(at, portTo16(stats.port, "port"));
    else w.view.setUint32(at, stats.port);
    putCommon(w, stats);
    putEthernet(w, stats);
    if (version < 4) return;
    w.u32(seconds);
    w.u32(nanoseconds);
    return;
  }
  const start = w.reserve(16);
  w.view.setUint32(start + 4, stats.port);
  w.view.setUint32(start + 8, seconds);
  w.view.setUint32(start + 12, nanoseconds);
  putCommon(w, stats);
  const ethernet = beginProperty(w, 0);
  w.u32(0);
  putEthernet(w, stats);
  endProperty(w, ethernet);
  for (const property of stats.properties ?? []) putOtherProperty(w, property);
  w.view.setUint16(start, w.length - start);
}

export const portStatsRequestCodec: BodyCodec<PortStatsRequest> = {
  decode: (reader) => ({ port: readPort(reader) }),
  encode(message, w, version): void {
    const start = w.length;
    putPort(w, message.port ?? Port.any, version, "port");
    w.padTo(8, start);
  },
};

export const portStatsReplyCodec: BodyCodec<PortStatsReply> = {
  decode(reader): Body<PortStatsReply> {
    const ports: PortStats[] = [];
    while (reader.left > 0) ports.push(reader.version < 5 ? readFixed(reader) : readExtensible(reader));
    return { ports };
  },
  encode(message, w, version): void {
    for (const stats of message.ports) putStats(w, stats, version);
  },
};
