/** Field values as users write them in typed actions, and back. Strict: what does not fit is an error. */
import { readIpv4, readIpv6, readMac } from "../address-text.ts";
import type { Field } from "../fields.ts";
import type { FieldValue } from "./action.ts";
import { invalid } from "./codec.ts";

/** The value as big-endian bytes, `field.bytes` long. Throws `ACTION_INVALID`. */
export function toFieldBytes(field: Field, value: FieldValue, path: string): Uint8Array {
  if (value instanceof Uint8Array) {
    if (value.length === field.bytes) return value;
    let extra = value.length - field.bytes;
    for (; extra > 0; extra--) if (value[extra - 1] !== 0) throw tooLong(field, path);
    const bytes = new Uint8Array(field.bytes);
    if (value.length > field.bytes) bytes.set(value.subarray(value.length - field.bytes));
    else bytes.set(value, field.bytes - value.length);
    return bytes;
  }
  if (typeof value === "string") {
    const address =
      field.bytes === 6
        ? macBytes(value)
        : field.bytes === 4
          ? ipv4Bytes(value)
          : field.bytes === 16
            ? ipv6Bytes(value)
            : undefined;
    if (address !== undefined) return address;
    if (!/^(0x[0-9a-f]+|\d+)$/i.test(value)) {
      throw invalid(path, `${path} is "${value}", which is no value of ${field.name}`, "write a number, an address or bytes");
    }
    return numberBytes(field, BigInt(value), path);
  }
  if (typeof value === "bigint" ? value < 0n : !Number.isSafeInteger(value) || value < 0) {
    throw invalid(
      path,
      `${path} is ${String(value)}, which is no value of ${field.name}`,
      "write a whole number that is not negative",
    );
  }
  return numberBytes(field, BigInt(value), path);
}

function numberBytes(field: Field, value: bigint, path: string): Uint8Array {
  const bytes = new Uint8Array(field.bytes);
  let rest = value;
  for (let i = field.bytes - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  if (rest !== 0n) throw tooLong(field, path);
  return bytes;
}

function tooLong(field: Field, path: string): Error {
  return invalid(path, `${path} does not fit in the ${field.bytes} bytes of ${field.name}`);
}

/** `00:11:22:33:44:55` → 6 bytes; `undefined` when it is no such address. */
export function macBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(6);
  const read = readMac(text, 0, bytes);
  return read !== undefined && !read.cut && read.end === text.length ? bytes : undefined;
}

/** `10.0.0.1` → 4 bytes; `undefined` when it is no such address. */
export function ipv4Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  const read = readIpv4(text, 0, bytes);
  return read !== undefined && !read.cut && read.end === text.length ? bytes : undefined;
}

/** `2001:db8::1` → 16 bytes; `undefined` when it is no such address. */
export function ipv6Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16);
  return readIpv6(text, 0, text.length, bytes) ? bytes : undefined;
}

/** Are all bytes 0xff? */
export function allOnes(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0xff) return false;
  return true;
}

/** Copies `bits` bits from bit `fromBit` of `from` to bit `toBit` of `to`; both big-endian, bit 0 is the lowest of the last byte. */
export function copyBits(from: Uint8Array, fromBit: number, to: Uint8Array, toBit: number, bits: number): void {
  if (((fromBit | toBit | bits) & 7) === 0) {
    for (let i = 0; i < bits / 8; i++) to[to.length - 1 - toBit / 8 - i] = from[from.length - 1 - fromBit / 8 - i] as number;
    return;
  }
  for (let i = 0; i < bits; i++) {
    const source = fromBit + i;
    const target = toBit + i;
    const bit = ((from[from.length - 1 - (source >> 3)] as number) >> (source & 7)) & 1;
    const index = to.length - 1 - (target >> 3);
    to[index] = bit === 1 ? (to[index] as number) | (1 << (target & 7)) : (to[index] as number) & ~(1 << (target & 7));
  }
}

/** Sets `bits` bits from bit `at` up. */
export function fillBits(to: Uint8Array, at: number, bits: number): void {
  for (let i = at; i < at + bits; i++) {
    const index = to.length - 1 - (i >> 3);
    to[index] = (to[index] as number) | (1 << (i & 7));
  }
}

/** First bit at or after `from` and before `end` that is `wanted`; `end` when there is none. */
export function scanBits(bytes: Uint8Array, wanted: 0 | 1, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    if ((((bytes[bytes.length - 1 - (i >> 3)] as number) >> (i & 7)) & 1) === wanted) return i;
  }
  return end;
}

/** Up to 64 bits from bit `at` as a number. */
export function getBits(bytes: Uint8Array, at: number, bits: number): bigint {
  const out = new Uint8Array(8);
  copyBits(bytes, at, out, 0, bits);
  return new DataView(out.buffer).getBigUint64(0);
}
