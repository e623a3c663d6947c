import type { ByteWriter } from "../bytes.ts";
import { NICIRA, ONF } from "./error-codes.ts";
import {
  type Carriage,
  type Encoding,
  EXPERIMENTER_STATS,
  EXPERIMENTER_TYPE,
  experimenterOf,
  findEncoding,
  headerBytes,
  statsType,
} from "./message-table.ts";

/** The eight bytes in front of every message. */
export interface MessageHeader {
  readonly version: number;
  /** OpenFlow type byte. */
  readonly type: number;
  /** Bytes of the whole message. */
  readonly length: number;
  readonly xid: number;
}

/** Bytes of the header that every message has. */
export const HEADER_BYTES = 8;

/** Reads the header of a message that has at least 8 bytes. */
export function readHeader(bytes: Uint8Array): MessageHeader {
  const at = (i: number): number => bytes[i] as number;
  return {
    version: at(0),
    type: at(1),
    length: (at(2) << 8) | at(3),
    xid: ((at(4) << 24) | (at(5) << 16) | (at(6) << 8) | at(7)) >>> 0,
  };
}

/** Which encoding a message has, or why none is known. */
export type Identified =
  | { readonly encoding: Encoding; readonly bodyStart: number }
  | {
      readonly encoding: undefined;
      /** What a switch answers: `OFPBRC_BAD_LEN`, `…_BAD_VENDOR`, `…_BAD_SUBTYPE`, `…_BAD_STAT` or `…_BAD_TYPE`. */
      readonly openflowError: string;
      /** The numbers behind an experimenter message, where it has them. */
      readonly experimenter?: number;
      readonly subtype?: number;
    };

/**
 * Finds out what `bytes` is, from its first bytes alone: header, and statistics and experimenter headers where there are some.
 * The length of the body is not looked at, so a message that was cut off is recognised, too.
 */
export function identifyMessage(bytes: Uint8Array, start: number, end: number): Identified {
  const left = end - start;
  if (left < HEADER_BYTES) return { encoding: undefined, openflowError: "OFPBRC_BAD_LEN" };
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, left);
  const version = view.getUint8(0);
  const type = view.getUint8(1);
  if (type === EXPERIMENTER_TYPE) return identifyExtension(view, version, "extension", 8);
  const isRequest = type === statsType(version, false);
  if (isRequest || type === statsType(version, true)) {
    const bodyStart = version === 1 ? 12 : 16;
    if (version >= 1 && version <= 6) {
      if (left < bodyStart) return { encoding: undefined, openflowError: "OFPBRC_BAD_LEN" };
      const stats = view.getUint16(8);
      if (stats === EXPERIMENTER_STATS) {
        return identifyExtension(view, version, isRequest ? "extensionRequest" : "extensionReply", bodyStart);
      }
      const encoding = findEncoding(isRequest ? "request" : "reply", 0, stats, version);
      return encoding === undefined ? { encoding, openflowError: "OFPBRC_BAD_STAT" } : { encoding, bodyStart };
    }
  }
  const encoding = findEncoding("message", 0, type, version);
  return encoding === undefined ? { encoding, openflowError: "OFPBRC_BAD_TYPE" } : { encoding, bodyStart: HEADER_BYTES };
}

function identifyExtension(view: DataView, version: number, carriage: Carriage, at: number): Identified {
  // Statistics of OpenFlow 1.0 have 4 bytes of padding behind the subtype, so that every body starts on 8 bytes.
  const old = version === 1 && carriage !== "extension";
  const bodyStart = carriage === "extension" ? 16 : 24;
  if (view.byteLength < (old ? 16 : bodyStart)) return { encoding: undefined, openflowError: "OFPBRC_BAD_LEN" };
  const experimenter = view.getUint32(at);
  const subtype = view.byteLength >= at + 8 ? view.getUint32(at + 4) : undefined;
  const numbers = { experimenter, ...(subtype === undefined ? {} : { subtype }) };
  if (experimenter !== NICIRA && (experimenter !== ONF || old)) {
    return { encoding: undefined, openflowError: "OFPBRC_BAD_VENDOR", ...numbers };
  }
  if (subtype === undefined || view.byteLength < bodyStart) {
    return { encoding: undefined, openflowError: "OFPBRC_BAD_LEN", ...numbers };
  }
  const encoding = findEncoding(carriage, experimenter, subtype, version);
  return encoding === undefined ? { encoding, openflowError: "OFPBRC_BAD_SUBTYPE", ...numbers } : { encoding, bodyStart };
}

/** Is `length` a length that a message of this encoding can have? */
export function fitsEncoding(encoding: Encoding, bodyStart: number, length: number): boolean {
  const extra = length - bodyStart - encoding.minimum;
  if (extra < 0) return false;
  return encoding.unit === 0 ? extra === 0 : extra % encoding.unit === 0;
}

/** Appends all headers of a message; its length is filled in by {@link endMessage}. Returns where the message begins. */
export function beginMessage(w: ByteWriter, encoding: Encoding, version: number, xid: number, multipartFlags: number): number {
  const size = headerBytes(encoding, version);
  const start = w.reserve(size);
  const { view } = w;
  view.setUint8(start, version);
  view.setUint32(start + 4, xid);
  switch (encoding.carriage) {
    case "message":
      view.setUint8(start + 1, encoding.number);
      break;
    case "extension":
      view.setUint8(start + 1, EXPERIMENTER_TYPE);
      view.setUint32(start + 8, experimenterOf(encoding));
      view.setUint32(start + 12, encoding.number);
      break;
    default: {
      const reply = encoding.carriage === "reply" || encoding.carriage === "extensionReply";
      const extension = encoding.carriage === "extensionRequest" || encoding.carriage === "extensionReply";
      view.setUint8(start + 1, statsType(version, reply));
      view.setUint16(start + 8, extension ? EXPERIMENTER_STATS : encoding.number);
      view.setUint16(start + 10, multipartFlags);
      if (extension) {
        const at = start + (version === 1 ? 12 : 16);
        view.setUint32(at, experimenterOf(encoding));
        view.setUint32(at + 4, encoding.number);
      }
    }
  }
  return start;
}

/** Fills in the length of the message that began at `start`. */
export function endMessage(w: ByteWriter, start: number): void {
  w.view.setUint16(start + 2, w.length - start);
}
