import { failWire } from "./wire-error.ts";

const NOTHING = new Uint8Array(0);

/** Longest OpenFlow message: its length field has 16 bits. */
export const MAX_MESSAGE_BYTES = 0xffff;

/**
 * Cuts a byte stream into OpenFlow messages, wherever the stream was split.
 *
 * Messages that lie wholly inside one chunk are views of that chunk, without a copy; they stay valid as long as the caller
 * leaves the chunk alone. What is kept between two calls is at most one unfinished message, so never more than
 * {@link MAX_MESSAGE_BYTES}, and nothing at all after a chunk that ended on a message boundary.
 */
export class Framer {
  /** Unfinished message; its first `#kept` bytes are filled. */
  #partial: Uint8Array = NOTHING;
  #kept = 0;
  #failed = false;

  /** Bytes of an unfinished message that wait for the rest. */
  get pending(): number {
    return this.#kept;
  }

  /**
   * Takes the next bytes of the stream and returns the messages that they complete, in order.
   *
   * Throws {@link OfsyncError} `WIRE_LENGTH` (`OFPBRC_BAD_LEN`) when a header announces fewer than 8 bytes: where the next
   * message begins is then unknown, the stream is of no more use, and every later call throws the same. The messages in
   * front of the bad header are lost only if the caller did not want them: pass `onMessage` to get each as it is found.
   */
  push(chunk: Uint8Array, onMessage?: (message: Uint8Array) => void): Uint8Array[] {
    if (this.#failed) failWire("WIRE_LENGTH", "the stream was given up after a bad length field", 2, "OFPBRC_BAD_LEN");
    const messages: Uint8Array[] = [];
    const deliver = onMessage ?? ((message: Uint8Array) => void messages.push(message));
    let at = this.#kept === 0 ? 0 : this.#complete(chunk, deliver);
    while (chunk.length - at >= 4) {
      const length = ((chunk[at + 2] as number) << 8) | (chunk[at + 3] as number);
      if (length < 8) this.#fail(length);
      if (chunk.length - at < length) break;
      const message = chunk.subarray(at, at + length);
      at += length;
      deliver(message);
    }
    if (at < chunk.length && this.#kept === 0) this.#keep(chunk, at);
    return messages;
  }

  /** Forgets an unfinished message and an earlier failure, for use with a new stream. */
  reset(): void {
    this.#partial = NOTHING;
    this.#kept = 0;
    this.#failed = false;
  }

  /** Adds to the unfinished message; returns how many bytes of the chunk went into it. */
  #complete(chunk: Uint8Array, deliver: (message: Uint8Array) => void): number {
    let at = 0;
    while (this.#kept < 4) {
      if (at === chunk.length) return at;
      this.#partial[this.#kept++] = chunk[at++] as number;
    }
    const length = ((this.#partial[2] as number) << 8) | (this.#partial[3] as number);
    if (length < 8) this.#fail(length);
    if (this.#partial.length < length) this.#grow(length);
    const taken = Math.min(length - this.#kept, chunk.length - at);
    this.#partial.set(chunk.subarray(at, at + taken), this.#kept);
    this.#kept += taken;
    at += taken;
    if (this.#kept < length) return at;
    const message = this.#partial.subarray(0, length);
    this.#partial = NOTHING;
    this.#kept = 0;
    deliver(message);
    return at;
  }

  #keep(chunk: Uint8Array, at: number): void {
    const rest = chunk.length - at;
    const length = rest >= 4 ? ((chunk[at + 2] as number) << 8) | (chunk[at + 3] as number) : 8;
    this.#partial = new Uint8Array(Math.max(length, 8));
    this.#partial.set(chunk.subarray(at), 0);
    this.#kept = rest;
  }

  #grow(length: number): void {
    const grown = new Uint8Array(length);
    grown.set(this.#partial.subarray(0, this.#kept));
    this.#partial = grown;
  }

  #fail(length: number): never {
    this.#failed = true;
    this.#partial = NOTHING;
    this.#kept = 0;
    failWire("WIRE_LENGTH", `a message header announces ${length} bytes, but a header alone has 8`, 2, "OFPBRC_BAD_LEN");
  }
}
