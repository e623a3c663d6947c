import type { Field } from "./fields.ts";
import { portFromOf11 } from "./ports.ts";

/** Flags of `tun_flags` that may be matched: only OAM. */
export const TUN_FLAGS_PUBLIC = 0x0001;
/** Bits of `ct_state` that exist: new est rel rpl inv trk snat dnat. */
export const CT_STATE_KNOWN = 0xff;

// The bits that may be 1, where that is not simply the low `field.bits`.
const UNUSUAL: Readonly<Record<string, number>> = {
  nw_tos: 0xfc,
  vlan_vid: 0x1fff,
  arp_op: 0x00ff,
  ct_state: CT_STATE_KNOWN,
  nsh_ttl: 0x3f,
};

// Open vSwitch checks these at all; of other fields it silently drops the bits above the width.
const CHECKED: ReadonlySet<string> = /* @__PURE__ */ new Set(
  "nw_tos ip_dscp nw_ecn ip_frag tcp_flags arp_op dl_vlan vlan_vid dl_vlan_pcp vlan_pcp ipv6_label mpls_label mpls_tc mpls_bos tun_flags ct_state nsh_ttl nsh_spi".split(
    " ",
  ),
);

interface Limit {
  /** 32-bit mask of allowed bits; `undefined` = every bit of the field's bytes. */
  readonly allowed: number | undefined;
  readonly checked: boolean;
  readonly port: boolean;
  readonly mdtype: boolean;
}

/** By field id; worked out when first asked for. */
const limits: (Limit | undefined)[] = [];

function limitOf(field: Field): Limit {
  let limit = limits[field.id];
  if (limit === undefined) {
    limit = findLimit(field);
    limits[field.id] = limit;
  }
  return limit;
}

function findLimit(field: Field): Limit {
  const whole = field.bits === field.bytes * 8 && UNUSUAL[field.name] === undefined;
  return {
    allowed: whole ? undefined : (UNUSUAL[field.name] ?? 2 ** field.bits - 1),
    checked: CHECKED.has(field.name),
    port: field.format === "port",
    mdtype: field.name === "nsh_mdtype",
  };
}

function read(value: Uint8Array, bytes: number): number {
  let n = 0;
  for (let i = 0; i < bytes; i++) n = n * 256 + (value[i] as number);
  return n;
}

// What `dl_vlan` says of packets without a tag.
const NO_VLAN = 0xffff;

function within(field: Field, limit: Limit, value: Uint8Array): boolean {
  if (limit.port) return portFromOf11(read(value, 4)) !== undefined;
  if (limit.mdtype) return value[0] === 1 || value[0] === 2;
  if (limit.allowed === undefined) return true;
  return (read(value, field.bytes) & ~limit.allowed) === 0;
}

/**
 * May this be the value of the field, also as part of a masked match, as Open vSwitch sees it when bytes come in? Where it says
 * no, the wire answers `OFPBMC_BAD_VALUE`. `value` has (at least) `field.bytes` bytes.
 */
export function isFieldValueValid(field: Field, value: Uint8Array): boolean {
  const limit = limitOf(field);
  return !(limit.checked || limit.port || limit.mdtype) || within(field, limit, value);
}

/**
 * Like {@link isFieldValueValid}, and also no bit above the field's width, which Open vSwitch would drop without a word. Of text and
 * objects, not of bytes: `dl_vlan` may be 0xffff there.
 */
export function fitsField(field: Field, value: Uint8Array): boolean {
  if (field.name === "dl_vlan" && read(value, 2) === NO_VLAN) return true;
  return within(field, limitOf(field), value);
}

/** What may be written in the field, in words, for hints. */
export function describeLimit(field: Field): string {
  const limit = limitOf(field);
  if (limit.port) return "0 to 65279 or a reserved port such as LOCAL";
  if (limit.mdtype) return "1 or 2";
  if (field.name === "dl_vlan") return "0 to 4095, or 65535 for packets without a tag";
  if (field.name === "nw_tos") return "0 to 252 in steps of 4 (or write ip_dscp, 0 to 63)";
  const top = limit.allowed ?? 2 ** field.bits - 1;
  if (field.bits > 52) return `${field.bits} bits`;
  return field.format === "hex" ? `0 to 0x${top.toString(16)}` : `0 to ${top}`;
}
