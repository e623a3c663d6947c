import { fillPrefix, readIpv4, readIpv6, readMac } from "./address-text.ts";
import { describeLimit, fitsField } from "./field-limits.ts";
import type { Field } from "./fields.ts";
import { CT_STATE, type FlagNames, readFlags, TCP_FLAGS, TUN_FLAGS } from "./flag-text.ts";
import { hexDigit, readBytes, scanInt } from "./number-text.ts";
import { parsePort } from "./port-text.ts";
import { portToOf11 } from "./ports.ts";
import type { ValueText } from "./value-text.ts";

const MAX_FIELD_BYTES = 124;

/** Where one value lands; meant to be reused. Big-endian, from index 0, `field.bytes` long. */
export class FieldScratch {
  readonly value: Uint8Array = new Uint8Array(MAX_FIELD_BYTES);
  readonly mask: Uint8Array = new Uint8Array(MAX_FIELD_BYTES);
  /** False: exact, and `mask` is all ones. */
  masked = false;
}

/**
 * Reads `ctx.text[start, end)` as a value of `field`, with or without a mask, in every spelling that ovs-ofctl takes, into `out`.
 * Errors: `FIELD_SYNTAX`, `FIELD_RANGE`, `FIELD_MASK` (the field takes no mask), `FIELD_PORT`, `FIELD_FLAGS`, and
 * `FIELD_HOST_BITS` for bits of the value outside the mask. What ovs-ofctl cuts off silently is an error in strict mode; in ovs
 * mode a warning, and the value comes back as ovs-ofctl reads it, before it is cut.
 */
export function readFieldValue(ctx: ValueText, field: Field, start: number, end: number, out: FieldScratch): void {
  const { value, mask } = out;
  const bytes = field.bytes;
  if (end - start === 1 && ctx.text.charCodeAt(start) === 42) {
    value.fill(0, 0, bytes);
    mask.fill(0, 0, bytes);
    out.masked = true;
    return;
  }
  switch (field.format) {
    case "dec":
    case "hex":
      readInteger(ctx, field, start, end, value, mask);
      break;
    case "mac":
      readMacs(ctx, field, start, end, value, mask);
      break;
    case "ipv4":
      readIpv4Masked(ctx, start, end, value, mask);
      break;
    case "ipv6":
      readIpv6Masked(ctx, start, end, value, mask);
      break;
    case "port10":
    case "port":
      readPort(ctx, field, start, end, value, mask);
      break;
    case "frag":
      readFrag(ctx, start, end, value, mask);
      break;
    case "ctState":
      readFlagField(ctx, CT_STATE, field, start, end, value, mask);
      break;
    case "tcpFlags":
      readFlagField(ctx, TCP_FLAGS, field, start, end, value, mask);
      break;
    case "tunFlags":
      readFlagField(ctx, TUN_FLAGS, field, start, end, value, mask);
      break;
    case "packetType":
      readPacketType(ctx, start, end, value);
      mask.fill(0xff, 0, 4);
      break;
  }
  checkMask(ctx, field, start, end, out);
}

function checkMask(ctx: ValueText, field: Field, start: number, end: number, out: FieldScratch): void {
  const { value, mask } = out;
  const bytes = field.bytes;
  let ones = true;
  let zeros = true;
  let host = false;
  for (let i = 0; i < bytes; i++) {
    const m = mask[i] as number;
    if (m !== 0xff) ones = false;
    if (m !== 0) zeros = false;
    if (((value[i] as number) & ~m) !== 0) host = true;
  }
  out.masked = !ones;
  if (!field.maskable && !ones && !zeros) {
    ctx.fail("FIELD_MASK", `${field.name} takes no mask`, start, end, { hint: "write the value alone, or leave the field out" });
  }
  if (!fitsField(field, value)) {
    ctx.lenient("FIELD_RANGE", `the value is out of range for ${field.name}`, start, end, {
      hint: `write ${describeLimit(field)}`,
    });
  }
  if (host) {
    ctx.lenient("FIELD_HOST_BITS", `the value of ${field.name} has bits that its mask leaves out`, start, end, {
      hint: "clear those bits in the value, or widen the mask",
    });
  }
}

function readInteger(ctx: ValueText, field: Field, start: number, end: number, value: Uint8Array, mask: Uint8Array): void {
  const text = ctx.text;
  const stop = readBytes(text, start, end, value, field.bytes);
  if (typeof stop !== "number") failInteger(ctx, field, stop, "value", start, end);
  if (stop === end) {
    mask.fill(0xff, 0, field.bytes);
    return;
  }
  if (text[stop] !== "/") failInteger(ctx, field, "syntax", "value", start, end);
  const maskStop = readBytes(text, stop + 1, end, mask, field.bytes);
  if (typeof maskStop !== "number") failInteger(ctx, field, maskStop, "mask", stop + 1, end);
  if (maskStop !== end) failInteger(ctx, field, "syntax", "mask", stop + 1, end);
}

function failInteger(
  ctx: ValueText,
  field: Field,
  fault: "syntax" | "range",
  part: "value" | "mask",
  start: number,
  end: number,
): never {
  if (fault === "range") {
    return ctx.fail("FIELD_RANGE", `this ${part} does not fit in the ${field.bytes} bytes of ${field.name}`, start, end, {
      hint: `write ${describeLimit(field)}`,
    });
  }
  return ctx.fail("FIELD_SYNTAX", `this is no number, so no ${part} for ${field.name}`, start, end, {
    hint: "write a decimal number or hexadecimal digits after 0x, then / and a mask where one is wanted",
  });
}

function failSyntax(ctx: ValueText, what: string, start: number, end: number, hint: string): never {
  return ctx.fail("FIELD_SYNTAX", `this is no ${what}`, start, end, { hint });
}

function readMacs(ctx: ValueText, field: Field, start: number, end: number, value: Uint8Array, mask: Uint8Array): void {
  const hint = "write six pairs of hexadecimal digits with colons, such as 00:1b:21:3c:9d:f8";
  // A digit may follow the value directly: ovs-ofctl ends the match where the word "action" begins.
  const text = end < ctx.text.length && hexDigit(ctx.text.charCodeAt(end)) >= 0 ? ctx.text.slice(0, end) : ctx.text;
  const address = readMac(text, start, value);
  if (address === undefined || address.end > end) failSyntax(ctx, "Ethernet address", start, end, hint);
  if (address.cut) cutPart(ctx, field.name, start, end);
  if (address.end === end) {
    mask.fill(0xff, 0, 6);
    return;
  }
  const masked = text[address.end] === "/" ? readMac(text, address.end + 1, mask) : undefined;
  if (masked === undefined || masked.end !== end) failSyntax(ctx, "Ethernet address", start, end, hint);
  if (masked.cut) cutPart(ctx, field.name, address.end + 1, end);
}

function cutPart(ctx: ValueText, what: string, start: number, end: number): void {
  ctx.lenient("FIELD_RANGE", `a part of this address does not fit in 8 bits (${what})`, start, end, {
    hint: "write every part with plain digits, within 8 bits",
  });
}

function readIpv4Masked(ctx: ValueText, start: number, end: number, value: Uint8Array, mask: Uint8Array): void {
  const hint = "write an address such as 10.0.0.0, and /8 or /255.0.0.0 behind it for a mask";
  const text = ctx.text;
  const address = readIpv4(text, start, value);
  if (address === undefined || address.end > end) failSyntax(ctx, "IPv4 address", start, end, hint);
  if (address.cut) cutPart(ctx, "IPv4", start, end);
  if (address.end === end) {
    mask.fill(0xff, 0, 4);
    return;
  }
  const at = address.end + 1;
  if (text[address.end] !== "/") failSyntax(ctx, "IPv4 address", start, end, hint);
  const dotted = readIpv4(text, at, mask);
  if (dotted !== undefined) {
    if (dotted.end !== end) failSyntax(ctx, "IPv4 address", start, end, hint);
    if (dotted.cut) cutPart(ctx, "IPv4", at, end);
    return;
  }
  const stop = readPrefix(ctx, at, end, mask, 4, hint);
  if (stop !== end) failSyntax(ctx, "IPv4 address", start, end, hint);
}

// Reads a prefix length; returns where it stopped, or -1 when there is no number.
function readPrefix(ctx: ValueText, at: number, end: number, mask: Uint8Array, bytes: number, hint: string): number {
  const prefix = scanInt(ctx.text.slice(at, end), 0, 10);
  if (prefix === undefined) return -1;
  const bits = Number(BigInt.asIntN(32, prefix.value));
  if (bits < 0 || bits > bytes * 8) {
    ctx.fail("FIELD_MASK", `the prefix length is not between 0 and ${bytes * 8}`, at, end, { hint });
  }
  fillPrefix(mask, bytes, bits);
  return at + prefix.end;
}

const IPV6_CHARS = /^[0-9a-fA-F:.]{1,46}/;

function readIpv6Masked(ctx: ValueText, start: number, end: number, value: Uint8Array, mask: Uint8Array): void {
  const hint = "write an address such as 2001:db8::1, and /64 or /ffff:: behind it for a mask";
  const text = ctx.text;
  const slice = text.slice(start, end).trimStart();
  const from = end - slice.length;
  const run = IPV6_CHARS.exec(slice)?.[0];
  if (run === undefined || !readIpv6(text, from, from + run.length, value)) failSyntax(ctx, "IPv6 address", start, end, hint);
  const at = from + run.length;
  if (at === end) {
    mask.fill(0xff, 0, 16);
    return;
  }
  if (text[at] !== "/") failSyntax(ctx, "IPv6 address", start, end, hint);
  // ovs-ofctl takes a mask that starts with a decimal digit for a prefix length, and so cannot read what it prints itself for
  // 3fff::; only an address has colons.
  const isAddress = ctx.compat === "strict" && text.slice(at, end).includes(":");
  const stop = isAddress ? -1 : readPrefix(ctx, at + 1, end, mask, 16, hint);
  if (stop === end) return;
  if (stop >= 0) failSyntax(ctx, "IPv6 address", start, end, hint);
  const maskRun = IPV6_CHARS.exec(text.slice(at + 1, end))?.[0];
  if (maskRun === undefined || !readIpv6(text, at + 1, at + 1 + maskRun.length, mask)) {
    failSyntax(ctx, "IPv6 mask", at + 1, end, hint);
  }
  if (at + 1 + maskRun.length !== end) failSyntax(ctx, "IPv6 address", start, end, hint);
}

function readPort(ctx: ValueText, field: Field, start: number, end: number, value: Uint8Array, mask: Uint8Array): void {
  const text = ctx.text.slice(start, end);
  const port = parsePort(text, ctx.ports);
  if (port === undefined) {
    ctx.fail("FIELD_PORT", `${field.name} has no such port`, start, end, {
      hint: "write a port number, a reserved name such as LOCAL, or a name that is in the port map",
    });
  }
  const wide = field.bytes === 4 ? portToOf11(port) : port;
  for (let i = field.bytes - 1, rest = wide; i >= 0; i--, rest = Math.floor(rest / 256)) value[i] = rest & 0xff;
  mask.fill(0xff, 0, field.bytes);
}

// Value and mask of `ip_frag`: bit 0 = is a fragment, bit 1 = is a later fragment.
const FRAG: Readonly<Record<string, readonly [value: number, mask: number]>> = {
  no: [0, 3],
  first: [1, 3],
  later: [3, 3],
  yes: [1, 1],
  not_later: [0, 2],
};

function readFrag(ctx: ValueText, start: number, end: number, value: Uint8Array, mask: Uint8Array): void {
  const text = ctx.text.slice(start, end).toLowerCase();
  const known = Object.hasOwn(FRAG, text) ? FRAG[text] : undefined;
  if (known === undefined) failSyntax(ctx, "kind of fragment", start, end, "write no, yes, first, later or not_later");
  value[0] = known[0];
  mask[0] = known[1] === 3 ? 0xff : known[1];
}

function readFlagField(
  ctx: ValueText,
  kind: FlagNames,
  field: Field,
  start: number,
  end: number,
  value: Uint8Array,
  mask: Uint8Array,
): void {
  const flags = readFlags(ctx, kind, start, end, true);
  let v = flags.value;
  let m = flags.mask ?? 0xffff_ffff;
  for (let i = field.bytes - 1; i >= 0; i--) {
    value[i] = v & 0xff;
    mask[i] = m & 0xff;
    v >>>= 8;
    m >>>= 8;
  }
}

function readPacketType(ctx: ValueText, start: number, end: number, value: Uint8Array): void {
  const hint = "write packet_type=(namespace,type), such as (1,0x800)";
  const text = ctx.text;
  const half = new Uint8Array(2);
  const read = (at: number, index: number): number => {
    const stop = readBytes(text, at, end, half, 2);
    if (typeof stop !== "number") failSyntax(ctx, "packet type", start, end, hint);
    value.set(half, index);
    return stop;
  };
  if (text[start] !== "(") failSyntax(ctx, "packet type", start, end, hint);
  const comma = read(start + 1, 0);
  if (comma >= end || text[comma] !== ",") failSyntax(ctx, "packet type", start, end, hint);
  const close = read(comma + 1, 2);
  if (close >= end || text[close] !== ")") failSyntax(ctx, "packet type", start, end, hint);
  if (close + 1 !== end) ctx.lenient("FIELD_SYNTAX", "there is something behind the packet type", close + 1, end, { hint });
}
