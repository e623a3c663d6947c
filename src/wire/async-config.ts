import type { ByteWriter } from "../bytes.ts";
import type { Body, BodyCodec, MessageHead } from "./message-head.ts";
import { keepProperty, type OtherProperty, putOtherProperty, putPropertyU32 } from "./property.ts";
import { failWire } from "./wire-error.ts";
import { propertyU32, readProperty, type WireReader } from "./wire-reader.ts";

/** Kinds of messages that a switch sends unasked, in the order of their property types. */
export const ASYNC_KINDS = ["packetIn", "portStatus", "flowRemoved", "roleStatus", "tableStatus", "requestForward"] as const;

export type AsyncKind = (typeof ASYNC_KINDS)[number];

/** Per kind, a bit per reason for which such a message is sent. An absent kind is left as it is. */
export type AsyncMasks = { readonly [K in AsyncKind]?: number };

export interface GetAsyncRequest extends MessageHead {
  readonly type: "getAsyncRequest";
}

/** Which unasked messages a controller gets, by its role. OpenFlow up to 1.3 knows only the first three kinds. */
export interface AsyncMessage extends MessageHead {
  readonly type: "getAsyncReply" | "setAsync";
  /** As master or equal. */
  readonly master: AsyncMasks;
  readonly slave: AsyncMasks;
  readonly properties?: readonly OtherProperty[];
}

export interface GetAsyncReply extends AsyncMessage {
  readonly type: "getAsyncReply";
}

export interface SetAsync extends AsyncMessage {
  readonly type: "setAsync";
}

/** Reasons that exist, per kind and up to OpenFlow 1.3 or later. */
export function allowedReasons(kind: AsyncKind, version: number): number {
  switch (kind) {
    case "packetIn":
      return version >= 5 ? 0x3f : 0x07;
    case "portStatus":
    case "roleStatus":
      return 0x07;
    case "flowRemoved":
      return 0x3f;
    case "tableStatus":
      return 0x18;
    default:
      return 0x03;
  }
}

const FIRST_EXPERIMENTER = 0xfffe;

function decodeProperties(reader: WireReader, loose: boolean): Body<AsyncMessage> {
  const master: { [K in AsyncKind]?: number } = {};
  const slave: { [K in AsyncKind]?: number } = {};
  const properties: OtherProperty[] = [];
  while (reader.left > 0) {
    const property = readProperty(reader, 8, FIRST_EXPERIMENTER);
    const kind = ASYNC_KINDS[property.type >> 1];
    if (kind === undefined) {
      if (!loose) failWire("WIRE_MESSAGE", "no such property", property.start, "OFPACFC_UNSUPPORTED");
      properties.push(keepProperty(property));
      continue;
    }
    const mask = propertyU32(property);
    if (!loose && (mask & ~allowedReasons(kind, reader.version)) !== 0) {
      failWire("WIRE_VALUE", `no such reason for ${kind}`, property.start + 4, "OFPACFC_INVALID");
    }
    ((property.type & 1) === 1 ? master : slave)[kind] = mask;
  }
  return properties.length > 0 ? { master, slave, properties } : { master, slave };
}

function decodeMasks(reader: WireReader): Body<AsyncMessage> {
  const masks = Array.from({ length: 6 }, () => reader.u32());
  const pick = (i: number): AsyncMasks => ({
    packetIn: masks[i] as number,
    portStatus: masks[i + 2] as number,
    flowRemoved: masks[i + 4] as number,
  });
  return { master: pick(0), slave: pick(1) };
}

function putProperties(w: ByteWriter, message: AsyncMessage): void {
  ASYNC_KINDS.forEach((kind, i) => {
    const slave = message.slave[kind];
    const master = message.master[kind];
    if (slave !== undefined) putPropertyU32(w, 2 * i, slave);
    if (master !== undefined) putPropertyU32(w, 2 * i + 1, master);
  });
  for (const property of message.properties ?? []) putOtherProperty(w, property);
}

export const asyncCodec: BodyCodec<AsyncMessage> = {
  decode(reader, encoding): Body<AsyncMessage> {
    return encoding.unit === 0 ? decodeMasks(reader) : decodeProperties(reader, encoding.type === "getAsyncReply");
  },
  encode(message, w, _version, encoding): void {
    if (encoding.unit !== 0) {
      putProperties(w, message);
      return;
    }
    for (const kind of ASYNC_KINDS.slice(0, 3)) {
      w.u32(message.master[kind] ?? 0);
      w.u32(message.slave[kind] ?? 0);
    }
  },
};
