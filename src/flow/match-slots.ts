import type { Field } from "./fields.ts";

/**
 * Where each field lives in a match draft. Several fields share a slot, as in Open vSwitch: `tcp_src`, `udp_src`, `sctp_src` and
 * the ICMP types are one, so are `ip_src` and `arp_spa`, and the registers lie one behind the other so that `xregN` and `xxregN`
 * are simply wider views of them.
 */

// biome-ignore format: a table is read by column
const LAYOUT = [
  ["packet_type", 4], ["dp_hash", 4], ["recirc_id", 4], ["conj_id", 4], ["in_port", 2], ["actset_output", 2], ["skb_priority", 4],
  ["pkt_mark", 4], ["eth_src", 6], ["eth_dst", 6], ["eth_type", 2], ["vlan_tci", 2], ["mpls_lse", 4], ["nw_src", 4], ["nw_dst", 4],
  ["ipv6_src", 16], ["ipv6_dst", 16], ["ipv6_label", 4], ["nw_frag", 1], ["nw_tos", 1], ["nw_ttl", 1], ["nw_proto", 1],
  ["arp_sha", 6], ["arp_tha", 6], ["tp_src", 2], ["tp_dst", 2], ["tcp_flags", 2], ["nd_reserved", 4], ["nd_target", 16],
  ["tun_id", 8], ["tun_flags", 2], ["tun_src", 4], ["tun_dst", 4], ["tun_ipv6_src", 16], ["tun_ipv6_dst", 16], ["tun_gbp_id", 2],
  ["tun_gbp_flags", 1], ["tun_tos", 1], ["tun_ttl", 1], ["tun_erspan_idx", 4], ["tun_erspan_ver", 1], ["tun_erspan_dir", 1],
  ["tun_erspan_hwid", 1], ["tun_gtpu_flags", 1], ["tun_gtpu_msgtype", 1], ["nsh_flags", 1], ["nsh_ttl", 1], ["nsh_mdtype", 1],
  ["nsh_np", 1], ["nsh_path", 4], ["nsh_context", 16], ["regs", 64], ["ct_state", 4], ["ct_zone", 2], ["ct_mark", 4],
  ["ct_label", 16], ["ct_nw_src", 4], ["ct_nw_dst", 4], ["ct_ipv6_src", 16], ["ct_ipv6_dst", 16], ["ct_nw_proto", 1],
  ["ct_tp_src", 2], ["ct_tp_dst", 2], ["metadata", 8],
] as const;

export type SlotName = (typeof LAYOUT)[number][0];

function place(): Record<SlotName, number> {
  const offsets: Record<string, number> = {};
  let at = 0;
  for (const [name, bytes] of LAYOUT) {
    offsets[name] = at;
    at += bytes;
  }
  return offsets as Record<SlotName, number>;
}

/** Byte offset of each slot. */
export const SLOT: Readonly<Record<SlotName, number>> = /* @__PURE__ */ place();

/** Bytes of all slots together. */
export const SLOTS_BYTES: number = /* @__PURE__ */ LAYOUT.reduce((sum, [, bytes]) => sum + bytes, 0);

/** How a field's value and mask go into its slot. */
export const Carriage = {
  /** Byte for byte. */
  plain: 0,
  /** The mask becomes the value, whatever it was: how Open vSwitch 3.1 stores these tunnel fields. */
  valueIsMask: 1,
  /** Only some low bits can be matched: `tun_flags`, `ct_state`, `ip_frag`. */
  limited: 2,
  /** A 32-bit port in a 16-bit slot. */
  port: 3,
  /** A number in fewer bits than its slot, such as `arp_op` or an ICMP type: the field's low byte. */
  narrow: 4,
  ipv6Label: 5,
  vlanTci: 6,
  dlVlan: 7,
  vlanVid: 8,
  vlanPcp: 9,
  /** A run of bits of a wider slot: MPLS, DSCP, ECN, NSH path. */
  bits: 10,
  tunMetadata: 11,
} as const;

export interface FieldSlot {
  readonly carriage: number;
  /** Where the slot starts. */
  readonly offset: number;
  /** Bytes of the slot. */
  readonly bytes: number;
  /** `limited`: the bits that can be matched. `bits`: the run, unshifted. */
  readonly bits: number;
  /** `bits`: how far the run lies from the low end. */
  readonly shift: number;
}

type Special = readonly [slot: SlotName, carriage: number, bits?: number, shift?: number];

const SPECIAL: Readonly<Record<string, Special>> = {
  tun_flags: ["tun_flags", Carriage.limited, 0x0001],
  ct_state: ["ct_state", Carriage.limited, 0xff],
  ip_frag: ["nw_frag", Carriage.limited, 0x03],
  tun_erspan_ver: ["tun_erspan_ver", Carriage.valueIsMask],
  tun_erspan_dir: ["tun_erspan_dir", Carriage.valueIsMask],
  tun_erspan_hwid: ["tun_erspan_hwid", Carriage.valueIsMask],
  tun_gtpu_flags: ["tun_gtpu_flags", Carriage.valueIsMask],
  tun_gtpu_msgtype: ["tun_gtpu_msgtype", Carriage.valueIsMask],
  in_port_oxm: ["in_port", Carriage.port],
  actset_output: ["actset_output", Carriage.port],
  vlan_tci: ["vlan_tci", Carriage.vlanTci],
  dl_vlan: ["vlan_tci", Carriage.dlVlan],
  vlan_vid: ["vlan_tci", Carriage.vlanVid],
  dl_vlan_pcp: ["vlan_tci", Carriage.vlanPcp],
  vlan_pcp: ["vlan_tci", Carriage.vlanPcp],
  mpls_label: ["mpls_lse", Carriage.bits, 0xfffff000, 12],
  mpls_tc: ["mpls_lse", Carriage.bits, 0xe00, 9],
  mpls_bos: ["mpls_lse", Carriage.bits, 0x100, 8],
  mpls_ttl: ["mpls_lse", Carriage.bits, 0xff, 0],
  ip_src: ["nw_src", Carriage.plain],
  ip_dst: ["nw_dst", Carriage.plain],
  arp_spa: ["nw_src", Carriage.plain],
  arp_tpa: ["nw_dst", Carriage.plain],
  ipv6_label: ["ipv6_label", Carriage.ipv6Label],
  arp_op: ["nw_proto", Carriage.narrow],
  nw_tos: ["nw_tos", Carriage.bits, 0xfc, 0],
  ip_dscp: ["nw_tos", Carriage.bits, 0xfc, 2],
  nw_ecn: ["nw_tos", Carriage.bits, 0x03, 0],
  nd_sll: ["arp_sha", Carriage.plain],
  nd_tll: ["arp_tha", Carriage.plain],
  tcp_src: ["tp_src", Carriage.plain],
  tcp_dst: ["tp_dst", Carriage.plain],
  udp_src: ["tp_src", Carriage.plain],
  udp_dst: ["tp_dst", Carriage.plain],
  sctp_src: ["tp_src", Carriage.plain],
  sctp_dst: ["tp_dst", Carriage.plain],
  icmp_type: ["tp_src", Carriage.narrow],
  icmp_code: ["tp_dst", Carriage.narrow],
  icmpv6_type: ["tp_src", Carriage.narrow],
  icmpv6_code: ["tp_dst", Carriage.narrow],
  nd_options_type: ["tcp_flags", Carriage.narrow],
  nsh_spi: ["nsh_path", Carriage.bits, 0xffffff00, 8],
  nsh_si: ["nsh_path", Carriage.bits, 0xff, 0],
};

function bytesOf(slot: SlotName): number {
  return (LAYOUT.find(([name]) => name === slot) as (typeof LAYOUT)[number])[1];
}

const slots: (FieldSlot | undefined)[] = [];

/** Where a field lives. Worked out when first asked for: few programs meet all fields. */
export function slotOf(field: Field): FieldSlot {
  let slot = slots[field.id];
  if (slot === undefined) {
    slot = findSlot(field);
    slots[field.id] = slot;
  }
  return slot;
}

function findSlot(field: Field): FieldSlot {
  const plain = (offset: number): FieldSlot => ({ carriage: Carriage.plain, offset, bytes: field.bytes, bits: 0, shift: 0 });
  if (field.variable) return { carriage: Carriage.tunMetadata, offset: 0, bytes: 0, bits: 0, shift: 0 };
  const register = /^(x{0,2})reg(\d+)$/.exec(field.name);
  if (register !== null) return plain(SLOT.regs + Number(register[2]) * field.bytes);
  const context = /^nsh_c(\d)$/.exec(field.name);
  if (context !== null) return plain(SLOT.nsh_context + (Number(context[1]) - 1) * 4);
  const special = SPECIAL[field.name];
  if (special === undefined) return plain(SLOT[field.name as SlotName]);
  const [slot, carriage, bits, shift] = special;
  return { carriage, offset: SLOT[slot], bytes: bytesOf(slot), bits: (bits ?? 0) >>> 0, shift: shift ?? 0 };
}
