/**
 * The number, address and name scanners of the fast road. A `Cursor` walks over the bytes of one line; each scanner reads
 * one value, leaves it in the cursor's fields and returns whether it could. A scanner that cannot simply says no: the
 * careful road (`../parse-flow.ts`) then reads the line again, with words for what is wrong. So nothing here reports errors,
 * and nothing here accepts anything that the careful road would refuse, change or warn about.
 */
export class Cursor {
  /** The text, and where in it the reading stands. `end` is one past the line's last byte. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Of {@link bytes}. */
  view: DataView = new DataView(this.bytes.buffer);
  pos = 0;
  end = 0;

  /** Takes the line `bytes[start, end)`. */
  setLine(bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.pos = start;
    this.end = end;
  }

  /** Big-endian words of the last value, right-aligned: a 32-bit value is in `word3`, a 48-bit one in `word2`, `word3`. */
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;

  /**
   * Reads `0x…` of up to 128 bits or decimal digits of up to 53 bits, if the number fits in `bits`. No sign, no blank.
   *
   * All in one function, which makes it too long to be inlined: it is called in a dozen places, and compiling it again for each of
   * them takes more time at the start of a program than the calls do in a million lines.
   */
  number(bits: number): boolean {
    const { bytes, end } = this;
    const begin = this.pos;
    if (begin >= end) return false;
    let pos = begin;
    let word0 = 0;
    let word1 = 0;
    let word2 = 0;
    let word3 = 0;
    let c = bytes[pos] as number;
    if (c === 48 && pos + 1 < end && bytes[pos + 1] === 120) {
      pos += 2;
      for (; pos < end; pos++) {
        c = bytes[pos] as number;
        const digit = c >= 48 && c <= 57 ? c - 48 : c >= 97 && c <= 102 ? c - 87 : -1;
        if (digit < 0) break;
        if (pos - begin >= 10) {
          word0 = (word0 << 4) | (word1 >>> 28);
          word1 = (word1 << 4) | (word2 >>> 28);
          word2 = (word2 << 4) | (word3 >>> 28);
        }
        word3 = (word3 << 4) | digit;
      }
      if (pos === begin + 2 || pos - begin > 34) return false;
    } else {
      // A leading zero before more digits means octal to the careful road.
      if (c === 48 && pos + 1 < end && isDigit(bytes[pos + 1] as number)) return false;
      let value = 0;
      for (; pos < end; pos++) {
        c = bytes[pos] as number;
        if (c < 48 || c > 57) break;
        value = value * 10 + (c - 48);
      }
      if (pos === begin || pos - begin > 15) return false;
      word2 = (value / 0x1_0000_0000) | 0;
      word3 = value | 0;
    }
    this.word0 = word0;
    this.word1 = word1;
    this.word2 = word2;
    this.word3 = word3;
    this.pos = pos;
    if (bits < 128 && (word0 | word1) !== 0) return false;
    if (bits >= 64) return true;
    if (bits > 32) return word2 >>> (bits - 32) === 0;
    return word2 === 0 && (bits === 32 || word3 >>> bits === 0);
  }

  /** {@link number}, decimal only. */
  decimal(bits: number): boolean {
    return this.bytes[this.pos + 1] !== 120 && this.number(bits);
  }

  /** Reads `aa:bb:cc:dd:ee:ff`, two digits each, into `word2` (upper 16 bits) and `word3`. */
  mac(): boolean {
    const { bytes, pos } = this;
    if (pos + 17 > this.end) return false;
    let high = 0;
    let low = 0;
    for (let i = 0; i < 6; i++) {
      const at = pos + 3 * i;
      if (i < 5 && bytes[at + 2] !== 58) return false;
      const a = hexDigit(bytes[at] as number);
      const b = hexDigit(bytes[at + 1] as number);
      if ((a | b) < 0) return false;
      if (i < 2) high = (high << 8) | (a << 4) | b;
      else low = (low << 8) | (a << 4) | b;
    }
    this.word0 = 0;
    this.word1 = 0;
    this.word2 = high;
    this.word3 = low;
    this.pos = pos + 17;
    return true;
  }

  /** Reads `a.b.c.d` into `word3`. */
  ipv4(): boolean {
    const { bytes, end } = this;
    let pos = this.pos;
    let word = 0;
    for (let i = 0; i < 4; i++) {
      if (i > 0) {
        if (pos >= end || bytes[pos] !== 46) return false;
        pos++;
      }
      const start = pos;
      let part = 0;
      for (; pos < end; pos++) {
        const c = bytes[pos] as number;
        if (c < 48 || c > 57) break;
        part = part * 10 + (c - 48);
      }
      if (pos === start || pos - start > 3 || part > 255 || (pos - start > 1 && bytes[start] === 48)) return false;
      word = (word << 8) | part;
    }
    this.word0 = 0;
    this.word1 = 0;
    this.word2 = 0;
    this.word3 = word;
    this.pos = pos;
    return true;
  }

  readonly #groups = new Uint16Array(8);

  /** Reads an IPv6 address of hexadecimal groups, `::` allowed, into all four words. */
  ipv6(): boolean {
    const { bytes, end } = this;
    const groups = this.#groups;
    let pos = this.pos;
    let count = 0;
    let gap = -1;
    groups.fill(0);
    if (pos + 1 < end && bytes[pos] === 58 && bytes[pos + 1] === 58) {
      gap = 0;
      pos += 2;
    }
    while (count < 8) {
      const start = pos;
      let group = 0;
      for (; pos < end; pos++) {
        const digit = hexDigit(bytes[pos] as number);
        if (digit < 0) break;
        group = (group << 4) | digit;
      }
      if (pos === start) {
        // Only right behind `::` may a group be missing: the address ends there.
        if (gap === count) break;
        return false;
      }
      if (pos - start > 4 || (pos < end && bytes[pos] === 46)) return false;
      groups[count++] = group;
      if (pos >= end || bytes[pos] !== 58) break;
      pos++;
      if (pos < end && bytes[pos] === 58) {
        if (gap >= 0) return false;
        gap = count;
        pos++;
      }
    }
    if (gap < 0 ? count !== 8 : count > 7) return false;
    if (pos < end && (bytes[pos] === 58 || bytes[pos] === 46)) return false;
    if (gap >= 0) {
      const tail = count - gap;
      groups.copyWithin(8 - tail, gap, count);
      groups.fill(0, gap, 8 - tail);
    }
    this.word0 = ((groups[0] as number) << 16) | (groups[1] as number);
    this.word1 = ((groups[2] as number) << 16) | (groups[3] as number);
    this.word2 = ((groups[4] as number) << 16) | (groups[5] as number);
    this.word3 = ((groups[6] as number) << 16) | (groups[7] as number);
    this.pos = pos;
    return true;
  }

  /** Is the text at the cursor this one? Moves behind it if so. */
  take(text: Uint8Array): boolean {
    const { bytes, pos } = this;
    if (pos + text.length > this.end) return false;
    for (let i = 0; i < text.length; i++) if (bytes[pos + i] !== text[i]) return false;
    this.pos = pos + text.length;
    return true;
  }
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

/** Value of a hexadecimal digit, lower or upper case; -1 for anything else. */
function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  if (c >= 97 && c <= 102) return c - 87;
  if (c >= 65 && c <= 70) return c - 55;
  return -1;
}
