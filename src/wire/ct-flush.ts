import type { ByteWriter } from "../bytes.ts";
import type { Body, BodyCodec, MessageHead } from "./message-head.ts";
import { beginProperty, endProperty } from "./property.ts";
import { failWire } from "./wire-error.ts";
import { propertyU16, readProperty, type WireReader } from "./wire-reader.ts";

/** Forgets the tracked connections of a zone (Nicira). */
export interface CtFlushZone extends MessageHead {
  readonly type: "ctFlushZone";
  readonly zone: number;
}

/** One direction of a tracked connection. Addresses are 16 bytes, IPv4 as `::ffff:a.b.c.d`; absent parts match everything. */
export interface CtTuple {
  readonly source?: Uint8Array;
  readonly destination?: Uint8Array;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpId?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** Forgets the tracked connections that match (Nicira). */
export interface CtFlush extends MessageHead {
  readonly type: "ctFlush";
  /** IP protocol; 0 = any. */
  readonly protocol: number;
  readonly zone?: number;
  readonly original?: CtTuple;
  readonly reply?: CtTuple;
}

const ORIGINAL = 0;
const REPLY = 1;
const ZONE = 2;

/** The address family that an address is of: 4, 6, or 0 for all zeros. */
export function addressFamily(address: Uint8Array): 0 | 4 | 6 {
  if (address.every((byte) => byte === 0)) return 0;
  const mapped = address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;
  return mapped ? 4 : 6;
}

export const ctFlushZoneCodec: BodyCodec<CtFlushZone> = {
  decode(reader): Body<CtFlushZone> {
    reader.skip(6);
    return { zone: reader.u16() };
  },
  encode(message, w): void {
    const at = w.reserve(8);
    w.view.setUint16(at + 6, message.zone);
  },
};

type Draft = { -readonly [K in keyof CtTuple]: CtTuple[K] };

function readTuple(body: WireReader, start: number, family: { now: number }): CtTuple {
  if (body.left < 4) failWire("WIRE_LENGTH", "a tuple begins with 4 bytes of padding", start + 2, "OFPBPC_BAD_LEN");
  body.skip(4);
  const tuple: Draft = {};
  while (body.left > 0) {
    const property = readProperty(body);
    switch (property.experimenter === 0 ? property.type : -1) {
      case 0:
      case 1: {
        const address = readAddress(property.body, property.start, family);
        if (property.type === 0) tuple.source = address;
        else tuple.destination = address;
        break;
      }
      case 2:
        tuple.sourcePort = propertyU16(property);
        break;
      case 3:
        tuple.destinationPort = propertyU16(property);
        break;
      case 4:
        tuple.icmpId = propertyU16(property);
        break;
      case 5:
      case 6:
        if (property.body.left < 1) failWire("WIRE_LENGTH", "1 byte is needed", property.start + 2, "OFPBPC_BAD_LEN");
        if (property.type === 5) tuple.icmpType = property.body.u8();
        else tuple.icmpCode = property.body.u8();
        break;
      default:
        break;
    }
  }
  return tuple;
}

function readAddress(body: WireReader, start: number, family: { now: number }): Uint8Array {
  if (body.left < 16) failWire("WIRE_LENGTH", "an address has 16 bytes", start + 2, "OFPBPC_BAD_LEN");
  const address = body.take(16);
  const own = addressFamily(address);
  if (family.now !== 0 && own !== 0 && own !== family.now) {
    failWire("WIRE_VALUE", "addresses of both families", start + 4, "OFPBPC_BAD_VALUE");
  }
  family.now = own;
  return address;
}

function putTuple(w: ByteWriter, type: number, tuple: CtTuple): void {
  const start = beginProperty(w, type);
  w.u32(0);
  const numbers: readonly (readonly [number, number | undefined, 1 | 2])[] = [
    [4, tuple.icmpId, 2],
    [5, tuple.icmpType, 1],
    [6, tuple.icmpCode, 1],
    [2, tuple.sourcePort, 2],
    [3, tuple.destinationPort, 2],
  ];
  for (const [kind, address] of [
    [0, tuple.source],
    [1, tuple.destination],
  ] as const) {
    if (address === undefined) continue;
    const at = beginProperty(w, kind);
    w.bytes(address);
    endProperty(w, at);
  }
  for (const [kind, value, size] of numbers) {
    if (value === undefined) continue;
    const at = w.reserve(8);
    w.view.setUint16(at, kind);
    w.view.setUint16(at + 2, size === 1 ? 5 : 6);
    if (size === 1) w.view.setUint8(at + 4, value);
    else w.view.setUint16(at + 4, value);
  }
  endProperty(w, start);
}

export const ctFlushCodec: BodyCodec<CtFlush> = {
  decode(reader): Body<CtFlush> {
    const protocol = reader.u8();
    for (let i = 0; i < 7; i++) if (reader.u8() !== 0) reader.bad("padding must be zero", 1, "NXBRC_MUST_BE_ZERO");
    const read: { protocol: number; zone?: number; original?: CtTuple; reply?: CtTuple } = { protocol };
    const family = { now: 0 };
    while (reader.left > 0) {
      const property = readProperty(reader);
      if (property.experimenter !== 0) continue;
      if (property.type === ORIGINAL) read.original = readTuple(property.body, property.start, family);
      else if (property.type === REPLY) read.reply = readTuple(property.body, property.start, family);
      else if (property.type === ZONE) read.zone = propertyU16(property);
    }
    return read;
  },
  encode(message, w): void {
    const at = w.reserve(8);
    w.view.setUint8(at, message.protocol);
    if (message.original !== undefined) putTuple(w, ORIGINAL, message.original);
    if (message.reply !== undefined) putTuple(w, REPLY, message.reply);
    if (message.zone === undefined) return;
    const zone = w.reserve(8);
    w.view.setUint16(zone, ZONE);
    w.view.setUint16(zone + 2, 8);
    w.view.setUint16(zone + 4, message.zone);
  },
};
