import type { ByteWriter } from "../bytes.ts";
import type { Action } from "../flow/actions/action.ts";
import { Match } from "../flow/match.ts";
import {
  checkPipelineFields,
  inPortMatch,
  inPortOf,
  putActions,
  putMatch,
  putMatchTlvs,
  putNxMatch,
  readActions,
  readMatchLoosely,
  readMatchTlvs,
  readNxMatchLoosely,
} from "./flow-body.ts";
import type { Body, BodyCodec, MessageHead } from "./message-head.ts";
import { Port, portFrom16, portTo16, readPort32 } from "./port-number.ts";
import { beginProperty, endProperty, keepProperty, type OtherProperty, putOtherProperty, putPropertyU32 } from "./property.ts";
import { failWire } from "./wire-error.ts";
import { type Property, propertyU32, readProperty, type WireReader } from "./wire-reader.ts";

/** Why the switch sent the packet, by number. */
export const PACKET_IN_REASONS: readonly string[] = ["no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"];

/** A packet for the controller; also what `resume` sends back. */
export interface PacketIn extends MessageHead {
  readonly type: "packetIn" | "resume";
  readonly bufferId: number;
  /** Bytes of the whole packet, of which `data` may be the beginning. */
  readonly totalLength: number;
  /** Index into {@link PACKET_IN_REASONS}. */
  readonly reason: number;
  /** The table of the flow that sent it; 0 where not told (OpenFlow 1.0). */
  readonly table: number;
  /** That flow's cookie; absent where not told. */
  readonly cookie?: bigint;
  /** What is known beside the packet: input port, registers, tunnel, … */
  readonly metadata: Match;
  readonly data: Uint8Array;
  /** Of the action that sent it (NXT_PACKET_IN2). */
  readonly userdata?: Uint8Array;
  /** The switch's private state, to be given back in a `resume` (NXT_PACKET_IN2): nested properties as they came. */
  readonly continuation?: Uint8Array;
  readonly properties?: readonly OtherProperty[];
  /** OpenFlow 1.1: the port below the input port. */
  readonly physicalPort?: number;
}

/** Sends a packet through actions. */
export interface PacketOut extends MessageHead {
  readonly type: "packetOut";
  /** 0xffffffff = the packet is in `data`. */
  readonly bufferId: number;
  /** The input port, and (OpenFlow 1.5) other metadata. */
  readonly metadata: Match;
  readonly actions: readonly Action[];
  readonly data: Uint8Array;
}

const NOT_BUFFERED = 0xffffffff;
const NO_COOKIE = 0xffff_ffff_ffff_ffffn;

const Prop = {
  packet: 0,
  fullLength: 1,
  bufferId: 2,
  table: 3,
  cookie: 4,
  reason: 5,
  metadata: 6,
  userdata: 7,
  continuation: 8,
} as const;

function cookieOf(cookie: bigint): { cookie?: bigint } {
  return cookie === NO_COOKIE ? {} : { cookie };
}

function decode10(reader: WireReader): Body<PacketIn> {
  const bufferId = reader.u32();
  const totalLength = reader.u16();
  const metadata = inPortMatch(portFrom16(reader.u16()));
  const reason = reader.u8();
  reader.skip(1);
  return { bufferId, totalLength, reason, table: 0, metadata, data: reader.rest() };
}

function decode11(reader: WireReader): Body<PacketIn> {
  const bufferId = reader.u32();
  const metadata = inPortMatch(readPort32(reader));
  const physicalPort = reader.u32();
  const totalLength = reader.u16();
  const reason = reader.u8();
  const table = reader.u8();
  return { bufferId, totalLength, reason, table, metadata, data: reader.rest(), physicalPort };
}

function decode12(reader: WireReader): Body<PacketIn> {
  const bufferId = reader.u32();
  const totalLength = reader.u16();
  const reason = reader.u8();
  const table = reader.u8();
  const cookie = reader.version >= 4 ? reader.u64() : NO_COOKIE;
  const metadata = readMatchLoosely(reader);
  reader.need(2, "padding", "OFPBRC_BAD_LEN");
  reader.skip(2);
  return { bufferId, totalLength, reason, table, ...cookieOf(cookie), metadata, data: reader.rest() };
}

function decodeNicira(reader: WireReader): Body<PacketIn> {
  const bufferId = reader.u32();
  const totalLength = reader.u16();
  const reason = reader.u8();
  const table = reader.u8();
  const cookie = reader.u64();
  const matchLength = reader.u16();
  reader.skip(6);
  const metadata = readNxMatchLoosely(reader, matchLength);
  reader.need(2, "padding", "OFPBRC_BAD_LEN");
  reader.skip(2);
  return { bufferId, totalLength, reason, table, ...cookieOf(cookie), metadata, data: reader.rest() };
}

function one(property: Property): number {
  if (property.body.left < 1) failWire("WIRE_LENGTH", "1 byte is needed", property.start + 2, "OFPBPC_BAD_LEN");
  return property.body.u8();
}

/** A 64-bit value on an 8-byte boundary behind the property's header. */
function long(property: Property): bigint {
  if (property.body.left !== 12) failWire("WIRE_LENGTH", "16 bytes are needed", property.start + 2, "OFPBPC_BAD_LEN");
  property.body.skip(4);
  return property.body.u64();
}

type Draft = { -readonly [K in keyof Body<PacketIn>]: Body<PacketIn>[K] };

function decodeProperties(reader: WireReader): Body<PacketIn> {
  const packet: Draft = {
    bufferId: NOT_BUFFERED,
    totalLength: 0,
    reason: 0,
    table: 0,
    metadata: Match.any,
    data: new Uint8Array(0),
  };
  const other: OtherProperty[] = [];
  while (reader.left > 0) {
    const property = readProperty(reader);
    const { body } = property;
    switch (property.experimenter === 0 ? property.type : -1) {
      case Prop.packet:
        packet.data = body.rest();
        break;
      case Prop.fullLength:
        packet.totalLength = propertyU32(property);
        break;
      case Prop.bufferId:
        packet.bufferId = propertyU32(property);
        break;
      case Prop.table:
        packet.table = one(property);
        break;
      case Prop.cookie:
        Object.assign(packet, cookieOf(long(property)));
        break;
      case Prop.reason:
        packet.reason = one(property);
        break;
      case Prop.metadata:
        packet.metadata = readMatchTlvs(body);
        break;
      case Prop.userdata:
        packet.userdata = body.rest();
        break;
      case Prop.continuation:
        if (body.left < 4) failWire("WIRE_LENGTH", "8 bytes are needed", property.start + 2, "OFPBPC_BAD_LEN");
        body.skip(4);
        checkContinuation(body);
        packet.continuation = body.rest();
        break;
      default:
        other.push(keepProperty(property));
    }
  }
  if (packet.data.length === 0) failWire("WIRE_LENGTH", "there is no packet", reader.end, "OFPBRC_BAD_LEN");
  if (packet.totalLength === 0) packet.totalLength = packet.data.length;
  else if (packet.totalLength < packet.data.length) {
    failWire("WIRE_LENGTH", "the whole packet is shorter than its beginning", reader.end, "OFPBRC_BAD_LEN");
  }
  if (other.length > 0) packet.properties = other;
  return packet;
}

function checkContinuation(body: WireReader): void {
  const at = body.at;
  while (body.left > 0) readProperty(body);
  body.at = at;
}

function putBytesProperty(w: ByteWriter, type: number, data: Uint8Array): void {
  const start = beginProperty(w, type);
  w.bytes(data);
  endProperty(w, start);
}

function putByteProperty(w: ByteWriter, type: number, value: number): void {
  const at = w.reserve(8);
  w.view.setUint16(at, type);
  w.view.setUint16(at + 2, 5);
  w.view.setUint8(at + 4, value);
}

function encodeProperties(message: PacketIn, w: ByteWriter): void {
  putBytesProperty(w, Prop.packet, message.data);
  if (message.totalLength !== message.data.length) putPropertyU32(w, Prop.fullLength, message.totalLength);
  if (message.bufferId !== NOT_BUFFERED) putPropertyU32(w, Prop.bufferId, message.bufferId);
  putByteProperty(w, Prop.table, message.table);
  if (message.cookie !== undefined) {
    const at = w.reserve(16);
    w.view.setUint16(at, Prop.cookie);
    w.view.setUint16(at + 2, 16);
    w.view.setBigUint64(at + 8, message.cookie);
  }
  putByteProperty(w, Prop.reason, message.reason);
  const metadata = beginProperty(w, Prop.metadata);
  putMatchTlvs(w, message.metadata, message.version);
  endProperty(w, metadata);
  if (message.continuation !== undefined) {
    const start = beginProperty(w, Prop.continuation);
    w.u32(0);
    w.bytes(message.continuation);
    endProperty(w, start);
  }
  if (message.userdata !== undefined) putBytesProperty(w, Prop.userdata, message.userdata);
  for (const property of message.properties ?? []) putOtherProperty(w, property);
}

export const packetInCodec: BodyCodec<PacketIn> = {
  decode(reader, encoding): Body<PacketIn> {
    if (encoding.form === "nicira2" || encoding.type === "resume") return decodeProperties(reader);
    if (encoding.form === "nicira") return decodeNicira(reader);
    if (reader.version === 1) return decode10(reader);
    return reader.version === 2 ? decode11(reader) : decode12(reader);
  },
  encode(message, w, version, encoding): void {
    if (encoding.form === "nicira2" || encoding.type === "resume") {
      encodeProperties({ ...message, version }, w);
      return;
    }
    const nicira = encoding.form === "nicira";
    w.u32(message.bufferId);
    if (!nicira && version <= 2) {
      const port = inPortOf(message.metadata) ?? Port.any;
      if (version === 2) {
        w.u32(port);
        w.u32(message.physicalPort ?? port);
      }
      w.u16(message.totalLength);
      if (version === 1) w.u16(portTo16(port, "metadata"));
      w.u8(message.reason);
      w.u8(version === 1 ? 0 : message.table);
      w.bytes(message.data);
      return;
    }
    w.u16(message.totalLength);
    w.u8(message.reason);
    w.u8(message.table);
    if (nicira || version >= 4) w.u64(message.cookie ?? NO_COOKIE);
    if (nicira) {
      const at = w.reserve(8);
      const length = putNxMatch(w, message.metadata, 0n, 0n);
      w.view.setUint16(at, length);
    } else {
      putMatch(w, message.metadata, version);
    }
    w.u16(0);
    w.bytes(message.data);
  },
};

export const packetOutCodec: BodyCodec<PacketOut> = {
  decode(reader): Body<PacketOut> {
    const { version } = reader;
    const start = reader.at;
    const bufferId = reader.u32();
    let metadata: Match;
    let actionsLength: number;
    if (version === 6) {
      actionsLength = reader.u16();
      reader.skip(2);
      metadata = readMatchLoosely(reader);
      checkPipelineFields(metadata, start + 8);
      if (inPortOf(metadata) === undefined) {
        failWire("WIRE_VALUE", "a packet-out names its input port", start + 8, "OFPBRC_BAD_PORT");
      }
    } else {
      metadata = inPortMatch(version === 1 ? portFrom16(reader.u16()) : readPort32(reader));
      actionsLength = reader.u16();
      if (version > 1) reader.skip(6);
    }
    const actions = readActions(reader, actionsLength);
    const port = inPortOf(metadata) ?? Port.any;
    if (port >= Port.max && port !== Port.local && port !== Port.any && port !== Port.controller) {
      failWire("WIRE_VALUE", "no packet comes from that port", start + 4, "OFPBRC_BAD_PORT");
    }
    return { bufferId, metadata, actions, data: bufferId === NOT_BUFFERED ? reader.rest() : new Uint8Array(0) };
  },
  encode(message, w, version): void {
    w.u32(message.bufferId);
    let lengthAt: number;
    if (version === 6) {
      lengthAt = w.reserve(4);
      putMatch(w, message.metadata, version);
    } else {
      const port = inPortOf(message.metadata) ?? Port.controller;
      if (version === 1) w.u16(portTo16(port, "metadata"));
      else w.u32(port);
      lengthAt = w.reserve(version === 1 ? 2 : 8);
    }
    const actionsAt = w.length;
    putActions(w, message.actions, version);
    w.view.setUint16(lengthAt, w.length - actionsAt);
    if (message.bufferId === NOT_BUFFERED) w.bytes(message.data);
  },
};
