// What scan-core.ts is made of: bytes, names and values, as cursor.ts and name-table.ts have them, written again for WebAssembly
// (test/core-compiler says in what kind of TypeScript).
import { END, NAME_WORDS, POS, WORD0, WORD1, WORD2, WORD3 } from "./scan-layout.ts";

/** The word at an index. */
export declare function get(word: number): number;
export declare function set(word: number, value: number): void;
export declare function getByte(byte: number): number;
export declare function putByte(byte: number, value: number): void;
/** Four bytes anywhere, the first one lowest. */
export declare function getAt(byte: number): number;
export declare function putAt(byte: number, value: number): void;
/** Unsigned comparison. */
export declare function below(a: number, b: number): boolean;
export declare function clearWords(at: number, count: number): void;

// ---- characters and bytes

export function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

export function isNameCharacter(c: number): boolean {
  return (c >= 97 && c <= 122) || isDigit(c) || c === 95;
}

export function isBlank(c: number): boolean {
  return c === 32 || c === 9 || c === 13;
}

export function hexDigit(c: number): number {
  return isDigit(c) ? c - 48 : c >= 97 && c <= 102 ? c - 87 : c >= 65 && c <= 70 ? c - 55 : -1;
}

export function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** The character at the cursor, 0 at the end of the line. */
export function here(): number {
  return get(POS) < get(END) ? getByte(get(POS)) : 0;
}

export function put16(out: number, value: number): void {
  putByte(out, value >>> 8);
  putByte(out + 1, value);
}

export function put32(out: number, value: number): void {
  putAt(out, swapped(value));
}

/** Writes the low `width` bytes of four words; returns where they end. */
export function putWords(out: number, words: number, width: number): number {
  const low = get(words + 3);
  if (width === 4) {
    put32(out, low);
    return out + 4;
  }
  if (width === 8) {
    put32(out, get(words + 2));
    put32(out + 4, low);
    return out + 8;
  }
  if (width === 6) {
    put16(out, get(words + 2));
    put32(out + 2, low);
    return out + 6;
  }
  if (width === 2) {
    put16(out, low);
    return out + 2;
  }
  if (width === 1) {
    putByte(out, low);
    return out + 1;
  }
  put32(out, get(words));
  put32(out + 4, get(words + 1));
  put32(out + 8, get(words + 2));
  put32(out + 12, low);
  return out + 16;
}

// ---- names (as in name-table.ts)

export function firstWord(start: number, size: number): number {
  if (size >= 4) return getAt(start);
  let word = 0;
  for (let i = 0; i < size; i++) word = (word << 8) | getByte(start + i);
  return word;
}

export function lastWord(start: number, size: number): number {
  return size > 4 ? getAt(start + size - 4) : 0;
}

export function mixedHash(hash: number): number {
  return hash ^ (hash >>> 15);
}

/** The slot of a name in one of the tables; 0 = it is not there. */
export function findName(table: number, mask: number, start: number, size: number): number {
  if (size > 16 || size === 0) return 0;
  const first = firstWord(start, size);
  const last = lastWord(start, size);
  let slot = mixedHash(Math.imul(first ^ Math.imul(last, 0x9e37_79b1), 0x85eb_ca6b) + size) & mask;
  while (true) {
    const at = table + Math.imul(slot, NAME_WORDS);
    const known = get(at);
    if (known === 0) return 0;
    if (known === size && get(at + 1) === first && get(at + 2) === last) {
      if (size <= 8) return at;
      if (get(at + 3) === getAt(start + 4) && (size <= 12 || get(at + 4) === getAt(start + 8))) return at;
    }
    slot = (slot + 1) & mask;
  }
}

// ---- values (as in cursor.ts)

/** `0x…` of up to 128 bits or a decimal number of up to 32 bits, if it fits in `bits`. */
export function number(bits: number): boolean {
  const end = get(END);
  const begin = get(POS);
  let pos = begin;
  let word0 = 0;
  let word1 = 0;
  let word2 = 0;
  let word3 = 0;
  if (pos >= end) return false;
  let c = getByte(pos);
  if (c === 48 && pos + 1 < end && getByte(pos + 1) === 120) {
    pos += 2;
    while (pos < end) {
      c = getByte(pos);
      const digit = isDigit(c) ? c - 48 : c >= 97 && c <= 102 ? c - 87 : -1;
      if (digit < 0) break;
      if (pos - begin >= 10) {
        word0 = (word0 << 4) | (word1 >>> 28);
        word1 = (word1 << 4) | (word2 >>> 28);
        word2 = (word2 << 4) | (word3 >>> 28);
      }
      word3 = (word3 << 4) | digit;
      pos++;
    }
    if (pos === begin + 2 || pos - begin > 34) return false;
  } else {
    if (c === 48 && pos + 1 < end && isDigit(getByte(pos + 1))) return false;
    while (pos < end) {
      c = getByte(pos);
      if (!isDigit(c)) break;
      // The tenth digit may lead beyond 32 bits.
      if (pos - begin >= 9 && (pos - begin > 9 || below(429_496_728, word3))) return false;
      word3 = Math.imul(word3, 10) + c - 48;
      pos++;
    }
    if (pos === begin) return false;
  }
  set(WORD0, word0);
  set(WORD1, word1);
  set(WORD2, word2);
  set(WORD3, word3);
  set(POS, pos);
  if (bits < 128 && (word0 | word1) !== 0) return false;
  if (bits >= 64) return true;
  if (bits > 32) return word2 >>> (bits - 32) === 0;
  return word2 === 0 && (bits === 32 || word3 >>> bits === 0);
}

export function decimal(bits: number): boolean {
  return getByte(get(POS) + 1) !== 120 && number(bits);
}

export function mac(): boolean {
  const pos = get(POS);
  let high = 0;
  let low = 0;
  if (pos + 17 > get(END)) return false;
  for (let i = 0; i < 6; i++) {
    const at = pos + Math.imul(i, 3);
    if (i < 5 && getByte(at + 2) !== 58) return false;
    const a = hexDigit(getByte(at));
    const b = hexDigit(getByte(at + 1));
    if ((a | b) < 0) return false;
    if (i < 2) high = (high << 8) | (a << 4) | b;
    else low = (low << 8) | (a << 4) | b;
  }
  set(WORD0, 0);
  set(WORD1, 0);
  set(WORD2, high);
  set(WORD3, low);
  set(POS, pos + 17);
  return true;
}

export function ipv4(): boolean {
  const end = get(END);
  let pos = get(POS);
  let word = 0;
  for (let i = 0; i < 4; i++) {
    if (i > 0) {
      if (pos >= end || getByte(pos) !== 46) return false;
      pos++;
    }
    const start = pos;
    let part = 0;
    while (pos < end && isDigit(getByte(pos)) && pos - start < 4) {
      part = Math.imul(part, 10) + getByte(pos) - 48;
      pos++;
    }
    if (pos === start || pos - start > 3 || part > 255 || (pos - start > 1 && getByte(start) === 48)) return false;
    word = (word << 8) | part;
  }
  set(WORD0, 0);
  set(WORD1, 0);
  set(WORD2, 0);
  set(WORD3, word);
  set(POS, pos);
  return true;
}

/** Puts a group of 16 bits, counted from the front, into the words. */
export function setGroup(index: number, group: number): void {
  const at = WORD0 + (index >>> 1);
  set(at, (index & 1) === 0 ? group << 16 : get(at) | group);
}

export function groupAt(index: number): number {
  return (index & 1) === 0 ? get(WORD0 + (index >>> 1)) >>> 16 : get(WORD0 + (index >>> 1)) & 0xffff;
}

export function ipv6(): boolean {
  const end = get(END);
  let pos = get(POS);
  let count = 0;
  let gap = -1;
  clearWords(WORD0, 4);
  if (pos + 1 < end && getByte(pos) === 58 && getByte(pos + 1) === 58) {
    gap = 0;
    pos += 2;
  }
  while (count < 8) {
    const start = pos;
    let group = 0;
    while (pos < end && hexDigit(getByte(pos)) >= 0 && pos - start < 5) {
      group = (group << 4) | hexDigit(getByte(pos));
      pos++;
    }
    if (pos === start) {
      if (gap === count) break;
      return false;
    }
    if (pos - start > 4 || (pos < end && getByte(pos) === 46)) return false;
    setGroup(count, group);
    count++;
    if (pos >= end || getByte(pos) !== 58) break;
    pos++;
    if (pos < end && getByte(pos) === 58) {
      if (gap >= 0) return false;
      gap = count;
      pos++;
    }
  }
  if (gap < 0 ? count !== 8 : count > 7) return false;
  if (pos < end && (getByte(pos) === 58 || getByte(pos) === 46)) return false;
  if (gap >= 0) {
    // The groups behind the gap move to the end; from the last one, so that none is lost.
    for (let i = 7; i >= gap; i--) {
      const from = i - 8 + count;
      const group = from >= gap ? groupAt(from) : 0;
      const at = WORD0 + (i >>> 1);
      set(at, (i & 1) === 0 ? (group << 16) | (get(at) & 0xffff) : (get(at) & -65536) | group);
    }
  }
  set(POS, pos);
  return true;
}
