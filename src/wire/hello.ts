import type { Body, BodyCodec, MessageHead } from "./message-head.ts";

/** The first message of both sides. */
export interface HelloMessage extends MessageHead {
  readonly type: "hello";
  /** Version bytes that the sender speaks, ascending. */
  readonly versions: readonly number[];
  /** All elements as they came, when some of them could not be understood. */
  readonly elements?: Uint8Array;
}

export interface EchoMessage extends MessageHead {
  readonly type: "echoRequest" | "echoReply";
  /** The reply repeats the request's. */
  readonly data: Uint8Array;
}

export interface EchoRequest extends EchoMessage {
  readonly type: "echoRequest";
}

export interface EchoReply extends EchoMessage {
  readonly type: "echoReply";
}

const VERSION_BITMAP = 1;

/** Versions 1 up to the header's: what a hello without a bitmap says. */
function upTo(version: number): number[] {
  return Array.from({ length: Math.min(version, 31) }, (_, i) => i + 1);
}

/** A hello is never refused: what is not understood is kept and passed over (OpenFlow 1.3.1 §7.5.1). */
export const helloCodec: BodyCodec<HelloMessage> = {
  decode(reader): Body<HelloMessage> {
    const start = reader.at;
    // Open vSwitch takes a version byte of 32 and above for "all that a bitmap can name".
    let versions = upTo(reader.version);
    let understood = true;
    while (reader.left > 0) {
      if (reader.left < 4) {
        understood = false;
        break;
      }
      const type = reader.u16();
      const length = reader.u16();
      const padded = Math.ceil(length / 8) * 8;
      if (length < 4 || padded - 4 > reader.left) {
        understood = false;
        break;
      }
      const words = (length - 4) / 4;
      const bitmap = type === VERSION_BITMAP && words >= 1 && Number.isInteger(words) ? reader.view.getUint32(reader.at) : 0;
      const named = Array.from({ length: 31 }, (_, i) => i + 1).filter((version) => ((bitmap >>> version) & 1) === 1);
      if (named.length > 0) versions = named;
      else understood = false;
      reader.skip(padded - 4);
    }
    return understood ? { versions } : { versions, elements: reader.bytes.slice(start, reader.end) };
  },
  encode(message, w, version): void {
    if (message.elements !== undefined) {
      w.bytes(message.elements);
      return;
    }
    const implied = upTo(version);
    const same = message.versions.length === implied.length && implied.every((each) => message.versions.includes(each));
    if (same) return;
    const at = w.reserve(8);
    w.view.setUint16(at, VERSION_BITMAP);
    w.view.setUint16(at + 2, 8);
    let bitmap = 0;
    for (const each of message.versions) if (each > 0 && each < 32) bitmap |= 1 << each;
    w.view.setUint32(at + 4, bitmap >>> 0);
  },
};

/** Echo requests and replies. */
export const echoCodec: BodyCodec<EchoMessage> = {
  decode: (reader) => ({ data: reader.rest() }),
  encode: (message, w) => w.bytes(message.data),
};
