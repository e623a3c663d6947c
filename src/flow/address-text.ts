import { HEX } from "../bytes.ts";
import { hexDigit, scanInt } from "./number-text.ts";

/** Reads and prints Ethernet, IPv4 and IPv6 addresses the way ovs-ofctl does. */

/** `strict` as {@link readIpv4} found it: written with nothing that ovs-ofctl would have to change. */
export interface ReadAddress {
  readonly end: number;
  /** A part was too large and has been cut to 8 bits, or was written with a sign, spaces or 0x. */
  readonly cut: boolean;
}

const PLAIN = { dec: /^\d{1,3}$/, hex: /^[0-9a-fA-F]{1,2}$/ } as const;

function readParts(
  text: string,
  from: number,
  out: Uint8Array,
  count: number,
  separator: string,
  base: 10 | 16,
): ReadAddress | undefined {
  let at = from;
  let cut = false;
  for (let i = 0; i < count; i++) {
    if (i > 0) {
      if (text[at] !== separator) return undefined;
      at++;
    }
    const part = scanInt(text, at, base);
    if (part === undefined) return undefined;
    const plain = (base === 10 ? PLAIN.dec : PLAIN.hex).test(text.slice(at, part.end));
    if (!plain || part.value > 255n) cut = true;
    out[i] = Number(BigInt.asUintN(8, part.value));
    at = part.end;
  }
  return { end: at, cut };
}

/** Four decimal numbers with dots; numbers above 255 are cut to 8 bits and reported. */
export function readIpv4(text: string, from: number, out: Uint8Array): ReadAddress | undefined {
  // The common spelling, without allocating.
  let at = from;
  for (let i = 0; i < 4; i++) {
    if (i > 0 && text.charCodeAt(at++) !== 46) return readParts(text, from, out, 4, ".", 10);
    let value = 0;
    let digits = 0;
    for (;;) {
      const digit = text.charCodeAt(at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
      digits++;
      at++;
      if (digits > 3) return readParts(text, from, out, 4, ".", 10);
    }
    if (digits === 0 || value > 255) return readParts(text, from, out, 4, ".", 10);
    out[i] = value;
  }
  return { end: at, cut: false };
}

/** Six hexadecimal numbers with colons; numbers above 0xff are cut to 8 bits and reported. */
export function readMac(text: string, from: number, out: Uint8Array): ReadAddress | undefined {
  let at = from;
  for (let i = 0; i < 6; i++) {
    if (i > 0 && text.charCodeAt(at++) !== 58) return readParts(text, from, out, 6, ":", 16);
    const high = hexDigit(text.charCodeAt(at));
    const low = hexDigit(text.charCodeAt(at + 1));
    if (high < 0) return readParts(text, from, out, 6, ":", 16);
    if (low < 0) {
      out[i] = high;
      at++;
      const next = text.charCodeAt(at);
      if (next === 120 || next === 88) return readParts(text, from, out, 6, ":", 16);
    } else {
      out[i] = (high << 4) | low;
      at += 2;
      if (hexDigit(text.charCodeAt(at)) >= 0) return readParts(text, from, out, 6, ":", 16);
    }
  }
  return { end: at, cut: false };
}

/** Reads the whole of `text[from, end)` as an IPv6 address by the rules of `inet_pton`; false when it is none. */
export function readIpv6(text: string, from: number, end: number, out: Uint8Array): boolean {
  out.fill(0, 0, 16);
  let at = from;
  let written = 0;
  let gap = -1;
  if (text[at] === ":") {
    if (text[at + 1] !== ":") return false;
    at++;
  }
  let groupStart = at;
  let digits = 0;
  let value = 0;
  while (at < end) {
    const code = text.charCodeAt(at++);
    const digit = hexDigit(code);
    if (digit >= 0) {
      if (++digits > 4) return false;
      value = (value << 4) | digit;
      continue;
    }
    if (code === 58) {
      groupStart = at;
      if (digits === 0) {
        if (gap >= 0) return false;
        gap = written;
        continue;
      }
      if (at >= end || written + 2 > 16) return false;
      out[written++] = value >> 8;
      out[written++] = value & 0xff;
      digits = 0;
      value = 0;
      continue;
    }
    if (code === 46 && written + 4 <= 16) {
      const v4 = readDottedQuad(text.slice(groupStart, end));
      if (v4 === undefined) return false;
      out.set(v4, written);
      written += 4;
      digits = 0;
      at = end;
      break;
    }
    return false;
  }
  if (digits > 0) {
    if (written + 2 > 16) return false;
    out[written++] = value >> 8;
    out[written++] = value & 0xff;
  }
  if (gap >= 0) {
    if (written === 16) return false;
    const tail = out.slice(gap, written);
    out.fill(0, gap, 16);
    out.set(tail, 16 - tail.length);
    written = 16;
  }
  return written === 16;
}

function readDottedQuad(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const numbers: number[] = [];
  for (const part of parts) {
    // `inet_pton` takes no leading zero.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    numbers.push(Number(part));
  }
  return numbers;
}

/** The prefix length that these mask bytes are, or -1. */
export function prefixLength(mask: Uint8Array, bytes: number): number {
  let bits = 0;
  let i = 0;
  while (i < bytes && mask[i] === 0xff) {
    bits += 8;
    i++;
  }
  if (i < bytes) {
    const partial = mask[i] as number;
    const inverted = ~partial & 0xff;
    if ((inverted & (inverted + 1)) !== 0) return -1;
    bits += 8 - (32 - Math.clz32(inverted));
    for (i++; i < bytes; i++) if (mask[i] !== 0) return -1;
  }
  return bits;
}

/** Writes `bits` ones into `mask[0, bytes)`, the rest zeros. */
export function fillPrefix(mask: Uint8Array, bytes: number, bits: number): void {
  for (let i = 0; i < bytes; i++) {
    const ones = Math.max(0, Math.min(8, bits - i * 8));
    mask[i] = (0xff00 >> ones) & 0xff;
  }
}

/** `10.0.0.1`. */
export function formatIpv4(bytes: Uint8Array, at = 0): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** `2001:db8::1`, as `inet_ntop` prints it: an address that ends in an IPv4 address (`::1.2.3.4`, `::ffff:1.2.3.4`) shows it. */
export function formatIpv6(bytes: Uint8Array, at = 0): string {
  const words: number[] = [];
  for (let i = 0; i < 8; i++) words.push(((bytes[at + 2 * i] as number) << 8) | (bytes[at + 2 * i + 1] as number));
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; ) {
    let j = i;
    while (j < 8 && words[j] === 0) j++;
    if (j - i > bestLength) {
      bestStart = i;
      bestLength = j - i;
    }
    i = j === i ? i + 1 : j;
  }
  let text = "";
  for (let i = 0; i < 8; i++) {
    if (i === bestStart) {
      text += ":";
      i += bestLength - 1;
      continue;
    }
    if (i > 0) text += ":";
    if (i === 6 && bestStart === 0 && (bestLength === 6 || (bestLength === 5 && words[5] === 0xffff))) {
      return text + formatIpv4(bytes, at + 12);
    }
    text += (words[i] as number).toString(16);
  }
  return bestStart >= 0 && bestStart + bestLength === 8 ? `${text}:` : text;
}

/** `00:11:22:33:44:55`. */
export function formatMac(bytes: Uint8Array, at = 0): string {
  let text = HEX[bytes[at] as number] as string;
  for (let i = 1; i < 6; i++) text += `:${HEX[bytes[at + i] as number]}`;
  return text;
}

/** `0x1f`, without leading zeros; zero is `0`, as Open vSwitch prints it. */
export function formatHexBytes(bytes: Uint8Array, length: number): string {
  let i = 0;
  while (i < length && bytes[i] === 0) i++;
  if (i === length) return "0";
  let text = `0x${(bytes[i] as number).toString(16)}`;
  for (i++; i < length; i++) text += HEX[bytes[i] as number];
  return text;
}
