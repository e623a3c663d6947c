/**
 * Numbers as C's `strtoull` and `sscanf` read them, because that is how ovs-ofctl reads text: white space and a sign in
 * front, octal after a leading 0, hexadecimal after 0x. Each function takes a text and a position and never throws.
 */

/** White space as in C's `isspace`. */
function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** Value of a hexadecimal digit, or -1. */
export function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Position of the first character at or after `from` that is not white space. */
export function skipSpaces(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

export interface ScannedInt {
  readonly value: bigint;
  /** Where reading stopped. */
  readonly end: number;
}

/**
 * An integer as `sscanf("%d")` (base 10), `%x` (base 16) or `%i` (base 0) of ovs-ofctl reads it; not cut to any width.
 * `undefined` when there is no digit.
 */
export function scanInt(text: string, from: number, base: 0 | 10 | 16): ScannedInt | undefined {
  let at = skipSpaces(text, from);
  const negative = text[at] === "-";
  if (negative || text[at] === "+") at++;
  let radix = base;
  if (base !== 10 && text[at] === "0" && (text[at + 1] === "x" || text[at + 1] === "X")) {
    radix = 16;
    at += 2;
  }
  const effective = radix === 0 ? (text[at] === "0" ? 8 : 10) : radix;
  const start = at;
  let small = 0;
  for (;;) {
    const digit = hexDigit(text.charCodeAt(at));
    if (digit < 0 || digit >= effective) break;
    small = small * effective + digit;
    at++;
  }
  if (at === start) return undefined;
  const value = Number.isSafeInteger(small) ? BigInt(small) : digitsOf(text.slice(start, at), effective);
  return { value: negative ? -value : value, end: at };
}

function digitsOf(digits: string, base: number): bigint {
  if (base === 16) return BigInt(`0x${digits}`);
  if (base === 8) return BigInt(`0o${digits}`);
  return BigInt(digits);
}

/** What {@link readBytes} found: the position behind the number, or why there is none. */
export type ReadBytes = number | "syntax" | "range";

const MAX_64 = 0xffff_ffff_ffff_ffffn;

/**
 * Reads an integer at `from` into `out[0, bytes)`, big-endian, as ovs-ofctl does for match fields of any width: hexadecimal may
 * have white space between its digits and may have no digit at all (0); other bases go through an unsigned 64-bit number, so
 * that -1 is all ones there. Returns where it stopped.
 */
export function readBytes(text: string, from: number, end: number, out: Uint8Array, bytes: number): ReadBytes {
  const second = text.charCodeAt(from + 1) | 32;
  if (end - from >= 2 && text.charCodeAt(from) === 48 && second === 120) return readHex(text, from + 2, end, out, bytes);
  return readDecimal(text, from, end, out, bytes);
}

function readHex(text: string, from: number, end: number, out: Uint8Array, bytes: number): ReadBytes {
  let at = from;
  let digits = 0;
  let first = -1;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 32 || code === 9 || code === 10 || code === 13) continue;
    const digit = hexDigit(code);
    if (digit < 0) break;
    if (digit !== 0 || digits > 0) {
      if (digits === 0) first = at;
      digits++;
      if (digits > bytes * 2) return "range";
    }
  }
  out.fill(0, 0, bytes);
  if (digits === 0) return at;
  let nibble = bytes * 2 - digits;
  for (let i = first; i < at; i++) {
    const digit = hexDigit(text.charCodeAt(i));
    if (digit < 0) continue;
    const index = nibble >> 1;
    out[index] = (nibble & 1) === 0 ? digit << 4 : (out[index] as number) | digit;
    nibble++;
  }
  return at;
}

function readDecimal(text: string, from: number, end: number, out: Uint8Array, bytes: number): ReadBytes {
  // Plain decimal of up to 9 digits is what nearly every number is.
  let at = from;
  let small = 0;
  const leading = text.charCodeAt(at);
  if (leading >= 49 && leading <= 57) {
    while (at < end && at - from < 9) {
      const digit = text.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      small = small * 10 + digit;
      at++;
    }
    const next = at < end ? text.charCodeAt(at) - 48 : -1;
    if (next < 0 || next > 9) {
      for (let i = bytes - 1; i >= 0; i--) {
        out[i] = small & 0xff;
        small >>>= 8;
      }
      return small === 0 ? at : "range";
    }
  }
  const scanned = scanInt(text.slice(from, end), 0, 0);
  if (scanned === undefined) return "syntax";
  let value = scanned.value;
  if (value > MAX_64 || value < -MAX_64) return "range";
  value = BigInt.asUintN(64, value);
  for (let i = bytes - 1; i >= 0; i--) {
    out[i] = Number(value & 0xffn);
    value >>= 8n;
  }
  return value === 0n ? from + scanned.end : "range";
}
