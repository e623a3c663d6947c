/** Growable big-endian writer and small helpers over bytes. Nothing here knows OpenFlow. */

/**
 * Appends big-endian numbers and byte runs to a buffer that grows. One `reserve(n)` per structure, then plain stores: that
 * is what keeps encoding near the speed of a copy (`docs/performance.md`).
 *
 * `buffer` and `view` are replaced whenever the writer grows: read them again after every `reserve`.
 */
export class ByteWriter {
  buffer: Uint8Array;
  view: DataView;
  /** Bytes written so far; the next write goes here. */
  length = 0;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  /** Makes room for `n` more bytes, appends them as zeros and returns where they start. */
  reserve(n: number): number {
    const start = this.length;
    const end = start + n;
    if (end > this.buffer.length) this.#grow(end);
    else if (n > 32) this.buffer.fill(0, start, end);
    else for (let i = start, { buffer } = this; i < end; i++) buffer[i] = 0;
    this.length = end;
    return start;
  }

  /** {@link reserve} without the zeros, for bytes that are all written at once: they hold anything until then. */
  extend(n: number): number {
    const start = this.length;
    const end = start + n;
    if (end > this.buffer.length) this.#grow(end);
    this.length = end;
    return start;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.buffer[at] = value;
  }

  u16(value: number): void {
    const at = this.reserve(2);
    this.view.setUint16(at, value);
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, value);
  }

  u64(value: bigint): void {
    const at = this.reserve(8);
    this.view.setBigUint64(at, value);
  }

  // These read `view` after their arguments have been evaluated: `w.setU16(open(w) + 4, n)` is right also when `open` grows the
  // writer, where `w.view.setUint16(open(w) + 4, n)` would write into the buffer from before.

  setU8(at: number, value: number): void {
    this.buffer[at] = value;
  }

  setU16(at: number, value: number): void {
    this.view.setUint16(at, value);
  }

  setU32(at: number, value: number): void {
    this.view.setUint32(at, value);
  }

  setU64(at: number, value: bigint): void {
    this.view.setBigUint64(at, value);
  }

  bytes(source: Uint8Array, from = 0, to: number = source.length): void {
    const at = this.extend(to - from);
    const target = this.buffer;
    if (to - from > 96) target.set(source.subarray(from, to), at);
    else for (let i = from, j = at; i < to; i++, j++) target[j] = source[i] as number;
  }

  /** Appends zeros until the distance from `start` is a multiple of `unit`. */
  padTo(unit: number, start = 0): void {
    const over = (this.length - start) % unit;
    if (over !== 0) this.reserve(unit - over);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  /** Forgets what was written; keeps the memory. */
  clear(): void {
    this.length = 0;
  }

  #grow(atLeast: number): void {
    const grown = new Uint8Array(Math.max(atLeast, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** Same length and same bytes? */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lexicographic order of unsigned bytes; a prefix sorts first. Negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** The two digits of each byte, lower case. */
export const HEX: readonly string[] = /* @__PURE__ */ [..."0123456789abcdef"].flatMap((high, _, digits) =>
  digits.map((low) => high + low),
);

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i] as number];
  return text;
}

/** Reads hexadecimal digits, white space allowed; `undefined` for anything else or an odd count. */
export function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
