import { formatHexBytes, formatIpv4, formatIpv6, formatMac, prefixLength } from "./address-text.ts";
import type { Field } from "./fields.ts";
import { CT_STATE, formatFlags, TCP_FLAGS, TUN_FLAGS } from "./flag-text.ts";
import { formatPort } from "./port-text.ts";
import { type PortNames, portFromOf11 } from "./ports.ts";

/**
 * A value as Open vSwitch prints it in actions: `value` and `mask` are big-endian and `field.bytes` long, no mask (or all ones)
 * means exact. Matches have their own order and spelling, see `formatMatch`.
 */
export function formatFieldValue(field: Field, value: Uint8Array, mask: Uint8Array | undefined, ports?: PortNames): string {
  const bytes = field.bytes;
  let exact = true;
  if (mask !== undefined) {
    let zeros = true;
    for (let i = 0; i < bytes; i++) {
      if (mask[i] !== 0xff) exact = false;
      if (mask[i] !== 0) zeros = false;
    }
    if (zeros) return "ANY";
  }
  const m = exact ? undefined : mask;
  switch (field.format) {
    case "port":
      if (m === undefined) return formatPort(portFromOf11(number(value, 4)) ?? 0xffff, ports);
      return formatInteger(field, value, m);
    case "port10":
      if (m === undefined) return formatPort(number(value, 2), ports);
      return formatInteger(field, value, m);
    case "dec":
    case "hex":
      return formatInteger(field, value, m);
    case "mac":
      return formatMaskedMac(value, m);
    case "ipv4":
      return formatMaskedIpv4(value, m);
    case "ipv6":
      return formatMaskedIpv6(value, m);
    case "frag":
      return formatFrag(value[0] as number, m === undefined ? 3 : (m[0] as number));
    case "tunFlags":
      return formatFlags(TUN_FLAGS, number(value, 2), m === undefined ? TUN_FLAGS.exact : number(m, 2) & TUN_FLAGS.exact);
    case "tcpFlags":
      return formatFlags(TCP_FLAGS, number(value, 2), m === undefined ? TCP_FLAGS.exact : number(m, 2) & TCP_FLAGS.exact);
    case "ctState":
      return formatFlags(CT_STATE, number(value, 4), m === undefined ? CT_STATE.exact : number(m, 4));
    case "packetType":
      return formatPacketType(value, m);
  }
}

function number(bytes: Uint8Array, length: number): number {
  let n = 0;
  for (let i = 0; i < length; i++) n = n * 256 + (bytes[i] as number);
  return n;
}

function formatInteger(field: Field, value: Uint8Array, mask: Uint8Array | undefined): string {
  const bytes = field.bytes;
  const text = field.format === "hex" ? formatHexBytes(value, bytes) : String(number(value, bytes));
  return mask === undefined ? text : `${text}/${formatHexBytes(mask, bytes)}`;
}

/** `00:00:00:00:00:01/00:00:00:00:00:ff`. */
export function formatMaskedMac(value: Uint8Array, mask: Uint8Array | undefined): string {
  return mask === undefined ? formatMac(value) : `${formatMac(value)}/${formatMac(mask)}`;
}

/** `10.0.0.0/8`, or the mask in dots when it is no prefix. */
export function formatMaskedIpv4(value: Uint8Array, mask: Uint8Array | undefined): string {
  const text = formatIpv4(value);
  if (mask === undefined) return text;
  const prefix = prefixLength(mask, 4);
  if (prefix === 32) return text;
  return prefix < 0 ? `${text}/${formatIpv4(mask)}` : `${text}/${prefix}`;
}

/** `2001:db8::/32`, or the mask as an address when it is no prefix. */
export function formatMaskedIpv6(value: Uint8Array, mask: Uint8Array | undefined): string {
  const text = formatIpv6(value);
  if (mask === undefined) return text;
  const prefix = prefixLength(mask, 16);
  if (prefix === 128) return text;
  return prefix < 0 ? `${text}/${formatIpv6(mask)}` : `${text}/${prefix}`;
}

/** `no`, `yes`, `first`, `later`, `not_later`; `<error>` for what matches nothing. */
export function formatFrag(value: number, mask: number): string {
  const m = mask & 3;
  const v = value & m;
  if (m === 3) return v === 0 ? "no" : v === 1 ? "first" : v === 3 ? "later" : "<error>";
  if (m === 1) return v === 0 ? "no" : "yes";
  if (m === 2) return v === 0 ? "not_later" : "later";
  return "<error>";
}

function formatPacketType(value: Uint8Array, mask: Uint8Array | undefined): string {
  if (mask === undefined && number(value, 4) === 0) return "eth";
  const half = (at: number): string => {
    const v = number(value.subarray(at), 2);
    const m = mask === undefined ? 0xffff : number(mask.subarray(at), 2);
    if (m === 0) return "*";
    const text = v > 9 ? `0x${v.toString(16)}` : String(v);
    return m === 0xffff ? text : `${text}/0x${m.toString(16)}`;
  };
  return `packet_type=(${half(0)},${half(2)})`;
}
