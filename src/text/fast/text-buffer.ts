/** The text of a match or of the actions that are printed here is at most so many times as long as their bytes. */
export const STRETCH = 32;

/** Text under construction, as ASCII bytes: what would be a string per piece is written in place. */
export class TextBuffer {
  /** The text is `bytes[0, length)`. Replaced when it grows. */
  bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `size` more bytes: the methods below do not look. */
  reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.length + size));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(code: number): void {
    this.bytes[this.length++] = code;
  }

  /** `text[start, end)` of other bytes. */
  copy(text: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let at = this.length;
    if (end - start > 24) {
      bytes.set(text.subarray(start, end), at);
      at += end - start;
    } else for (let i = start; i < end; i++) bytes[at++] = text[i] as number;
    this.length = at;
  }

  /** Text of ASCII characters. */
  ascii(text: string): void {
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** 0 to 2^32-1. */
  decimal(value: number): void {
    const { bytes } = this;
    const start = this.length;
    let size = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) size++;
    let rest = value;
    for (let at = start + size - 1; at >= start; at--) {
      const next = Math.floor(rest / 10);
      bytes[at] = 48 + rest - 10 * next;
      rest = next;
    }
    this.length = start + size;
  }

  /** A big-endian number as C's `%#x` prints it: `0x1f`, and `0` for zero. */
  hex(source: Uint8Array, start: number, size: number): void {
    const end = start + size;
    let from = start;
    while (from < end && source[from] === 0) from++;
    if (from === end) {
      this.byte(48);
      return;
    }
    this.byte(48);
    this.byte(120);
    const first = source[from] as number;
    if (first >= 16) this.byte(hexDigit(first >>> 4));
    this.byte(hexDigit(first & 15));
    for (let i = from + 1; i < end; i++) this.hexByte(source[i] as number);
  }

  /** Two digits. */
  hexByte(value: number): void {
    const { bytes, length } = this;
    bytes[length] = hexDigit(value >>> 4);
    bytes[length + 1] = hexDigit(value & 15);
    this.length = length + 2;
  }

  /** `50:54:00:00:00:01`. */
  mac(source: Uint8Array, start: number): void {
    for (let i = 0; i < 6; i++) {
      if (i > 0) this.byte(58);
      this.hexByte(source[start + i] as number);
    }
  }

  /** `10.0.0.1`. */
  ipv4(source: Uint8Array, start: number): void {
    for (let i = 0; i < 4; i++) {
      if (i > 0) this.byte(46);
      this.decimal(source[start + i] as number);
    }
  }
}

function hexDigit(value: number): number {
  return value < 10 ? 48 + value : 87 + value;
}
