import type { Cursor } from "./cursor.ts";

const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const CT = /* @__PURE__ */ latin("ct(");
const NAT = /* @__PURE__ */ latin("nat(");
const EQUALS = 61;
const ADDRESS = /* @__PURE__ */ latin("1.1.1.1");
const PORT = /* @__PURE__ */ latin(":1");
const COLON = 58;
const CLOSE = 41;

const CT_HEAD = 24;
const NAT_SUBTYPE = 36;
/** `range_present` of a nat with one IPv4 address, and the bit for a port. */
const IPV4_MIN = 1;
const PROTO_MIN = 16;

/**
 * `ct(…,nat(dst=10.68.0.29:8001),…)`: load balancers have thousands of these that differ in the address and the port alone.
 * {@link find} puts stand-ins in their place, so that the memo meets one text for all, and {@link patch} writes the real ones into
 * the bytes of that.
 */
export class NatTemplate {
  /** The action with stand-ins is `text[0, length)`. */
  readonly text: Uint8Array = new Uint8Array(1024);
  length = 0;
  #address = 0;
  #port = 0;

  /** Is `cursor.bytes[start, end)` such an action? Moves the cursor. */
  find(cursor: Cursor, start: number, end: number): boolean {
    const { bytes } = cursor;
    if (end - start > this.text.length - 16 || !startsWith(bytes, start, end, CT)) return false;
    const nat = indexOf(bytes, start + CT.length, end, NAT);
    // `nat(src=` or `nat(dst=`
    const from = nat + 8;
    if (nat < 0 || from >= end || bytes[from - 1] !== EQUALS || indexOf(bytes, from, end, NAT) >= 0) return false;
    cursor.pos = from;
    if (!cursor.ipv4() || cursor.word3 === 0) return false;
    this.#address = cursor.word3;
    this.#port = 0;
    if (bytes[cursor.pos] === COLON) {
      cursor.pos++;
      if (!cursor.decimal(16) || cursor.word3 === 0) return false;
      this.#port = cursor.word3;
    }
    if (cursor.pos >= end || bytes[cursor.pos] !== CLOSE) return false;
    const { text } = this;
    let to = put(text, 0, bytes, start, from);
    to = put(text, to, ADDRESS, 0, ADDRESS.length);
    if (this.#port !== 0) to = put(text, to, PORT, 0, PORT.length);
    this.length = put(text, to, bytes, cursor.pos, end);
    return true;
  }

  /** Writes the real address and port into `bytes[at, at + size)`, the action with stand-ins. False: it is not as expected. */
  patch(bytes: Uint8Array, at: number, size: number): boolean {
    const end = at + size;
    for (let inner = at + CT_HEAD; inner + 24 <= end; ) {
      const length = ((bytes[inner + 2] as number) << 8) | (bytes[inner + 3] as number);
      const isNicira =
        bytes[inner] === 0xff && bytes[inner + 1] === 0xff && bytes[inner + 6] === 0x23 && bytes[inner + 7] === 0x20;
      if (isNicira && bytes[inner + 8] === 0 && bytes[inner + 9] === NAT_SUBTYPE) {
        const present = this.#port === 0 ? IPV4_MIN : IPV4_MIN | PROTO_MIN;
        if (bytes[inner + 14] !== 0 || bytes[inner + 15] !== present) return false;
        for (let i = 0; i < 4; i++) bytes[inner + 16 + i] = this.#address >>> (24 - 8 * i);
        if (this.#port !== 0) {
          bytes[inner + 20] = this.#port >>> 8;
          bytes[inner + 21] = this.#port;
        }
        return true;
      }
      if (length < 8) return false;
      inner += length;
    }
    return false;
  }
}

function put(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) to[at + i - start] = from[i] as number;
  return at + end - start;
}

function startsWith(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (start + text.length > end) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}

function indexOf(bytes: Uint8Array, start: number, end: number, text: Uint8Array): number {
  const first = text[0] as number;
  for (let at = start; at < end; at++) if (bytes[at] === first && startsWith(bytes, at, end, text)) return at;
  return -1;
}
