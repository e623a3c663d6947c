import type { ByteWriter } from "../bytes.ts";
import type { WireVersion } from "../flow/version.ts";
import type { Encoding, MessageForm } from "./message-table.ts";
import type { WireReader } from "./wire-reader.ts";

/** What every OpenFlow message has. */
export interface MessageHead {
  /** Version byte of the header: 1 = OpenFlow 1.0 … 6 = OpenFlow 1.5. Of a hello, error or echo it may be any other. */
  readonly version: number;
  /** Transaction id, 32 bits: an answer carries the one of its request. */
  readonly xid: number;
  /** Present where the message uses an extension's encoding instead of OpenFlow's own. */
  readonly form?: MessageForm;
}

/** What every statistics (multipart) message has. */
export interface MultipartHead extends MessageHead {
  /** Bit 0: more messages of this request or reply follow. Default 0. */
  readonly multipartFlags?: number;
}

/** The parts of a message that its own codec reads and writes. */
export type Body<T extends MessageHead> = Omit<T, "type" | keyof MultipartHead>;

/** Reads and writes the body of one type of message. */
export interface BodyCodec<T extends MessageHead> {
  /** Reads all of the body; `reader` stands behind the headers. Throws typed errors only. */
  decode(reader: WireReader, encoding: Encoding): Body<T>;
  /** Appends the body. `start` is where the message began in `w`. */
  encode(message: T, w: ByteWriter, version: WireVersion, encoding: Encoding, start: number): void;
}

/** A codec for messages without a body. */
export function emptyBody<T extends MessageHead>(): BodyCodec<T> {
  return { decode: () => ({}) as Body<T>, encode: () => {} };
}

/** Writes `00:11:22:33:44:55` as six bytes. */
export function putMac(w: ByteWriter, text: string): void {
  const at = w.reserve(6);
  for (let i = 0; i < 6; i++) w.buffer[at + i] = Number.parseInt(text.slice(3 * i, 3 * i + 2), 16);
}

const UTF8 = /* @__PURE__ */ new TextEncoder();

/** Writes text as UTF-8 into a zero-filled field of `size` bytes, cut so that at least one zero byte remains. */
export function putText(w: ByteWriter, text: string, size: number): void {
  const bytes = /(?<![\ud800-\udbff])[\udc80-\udcff]/.test(text) ? rawBytes(text) : UTF8.encode(text);
  const at = w.reserve(size);
  w.buffer.set(bytes.subarray(0, size - 1), at);
}

/** Text that `WireReader.text` made of bytes that were not UTF-8. */
function rawBytes(text: string): Uint8Array {
  const w: number[] = [];
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (code >= 0xdc80 && code <= 0xdcff) w.push(code - 0xdc00);
    else w.push(...UTF8.encode(character));
  }
  return Uint8Array.from(w);
}
