import {
  ARP_OP,
  ARP_SHA,
  ARP_SPA,
  ARP_THA,
  ARP_TPA,
  CONJ_ID,
  CT_LABEL,
  CT_MARK,
  CT_STATE,
  CT_ZONE,
  ETH_DST,
  ETH_SRC,
  ETH_TYPE,
  ICMP_CODE,
  ICMP_TYPE,
  IN_PORT,
  IP_DSCP,
  IP_FRAG,
  IP_PROTO,
  IP_TTL,
  IPV4_DST,
  IPV4_SRC,
  IPV6_DST,
  IPV6_SRC,
  METADATA,
  ND_SLL,
  ND_TARGET,
  ND_TLL,
  PKT_MARK,
  TP_DST,
  TP_SRC,
  TUN_DST,
  TUN_ID,
  TUN_SRC,
  VLAN_VID,
} from "./match-slots.ts";
import { NameTable } from "./name-table.ts";

/** The words that may stand in front of `actions=` on the fast road, and how the value behind each is read. */

/** How the value behind a name is read. */
export const KIND = {
  keyword: 1,
  number: 2,
  mac: 3,
  ipv4: 4,
  ipv6: 5,
  register: 6,
  ctState: 7,
  port: 8,
  vlan: 9,
  tos: 10,
  frag: 11,
  vlanTci: 12,
  cookie: 13,
  attribute: 14,
  statistic: 15,
  flag: 16,
} as const;
type Kind = (typeof KIND)[keyof typeof KIND];

export const IPV4 = 0x0800;
export const IPV6 = 0x86dd;
const ARP = 0x0806;
/** Stands for "IPv4 or IPv6". */
export const IP_ANY = 1;
/** Stands for "TCP, UDP or SCTP". */
export const L4_ANY = 256;
/** Stands for "ICMP of the matched kind of IP". */
export const ICMP_ANY = 257;

// Attributes of the flow: the slot is an index into `attributes`.
export const ATTRIBUTE = { table: 0, priority: 1, idleTimeout: 2, hardTimeout: 3 } as const;
// Statistics of a dump are passed over: the slot tells them apart.
export const DURATION = 0;

/** Room for the names below; the columns are indexed by a name's id. */
const ROOM = 160;
/** Ids of the names; 0 = not known here. */
export const MATCH_NAMES: NameTable = /* @__PURE__ */ new NameTable(ROOM);
// What is known of each name as columns, so that the scanner reads numbers and not objects.
export const kindOf: Uint8Array = /* @__PURE__ */ new Uint8Array(ROOM);
export const slotOf: Uint8Array = /* @__PURE__ */ new Uint8Array(ROOM);
export const bitsOf: Uint8Array = /* @__PURE__ */ new Uint8Array(ROOM);
export const maskableOf: Uint8Array = /* @__PURE__ */ new Uint8Array(ROOM);
/** Needs this Ethernet type (0 = any), this IP protocol (0 = any). */
export const ethTypeOf: Uint16Array = /* @__PURE__ */ new Uint16Array(ROOM);
export const protoOf: Uint16Array = /* @__PURE__ */ new Uint16Array(ROOM);
/** The names by their ids. */
export const nameOf: string[] = [""];

function define(text: string, kind: Kind, slot: number, bits: number, maskable = false, ethType = 0, proto = 0): void {
  for (const name of text.split(" ")) {
    const id = nameOf.push(name) - 1;
    MATCH_NAMES.add(name, id);
    kindOf[id] = kind;
    slotOf[id] = slot;
    bitsOf[id] = bits;
    maskableOf[id] = maskable ? 1 : 0;
    ethTypeOf[id] = ethType;
    protoOf[id] = proto;
  }
}

/**
 * Fills the tables. They are constants, which the compiler can rely on, but empty until the first line is to be read: a program that
 * reads none need not wait for them when it starts.
 */
export function prepareMatchNames(): void {
  if (nameOf.length > 1) return;
  define("ip", KIND.keyword, 0, 0, false, IPV4);
  define("ipv6", KIND.keyword, 0, 0, false, IPV6);
  define("arp", KIND.keyword, 0, 0, false, ARP);
  for (const [suffix, type] of [
    ["", IPV4],
    ["6", IPV6],
  ] as const) {
    define(`tcp${suffix}`, KIND.keyword, 0, 0, false, type, 6);
    define(`udp${suffix}`, KIND.keyword, 0, 0, false, type, 17);
    define(`sctp${suffix}`, KIND.keyword, 0, 0, false, type, 132);
  }
  define("icmp", KIND.keyword, 0, 0, false, IPV4, 1);
  define("icmp6", KIND.keyword, 0, 0, false, IPV6, 58);
  define("conj_id", KIND.number, CONJ_ID, 32);
  define("in_port", KIND.port, IN_PORT, 32);
  define("dl_src eth_src", KIND.mac, ETH_SRC, 48, true);
  define("dl_dst eth_dst", KIND.mac, ETH_DST, 48, true);
  define("dl_type eth_type", KIND.number, ETH_TYPE, 16);
  define("dl_vlan", KIND.vlan, VLAN_VID, 12);
  define("vlan_tci", KIND.vlanTci, VLAN_VID, 16);
  define("nw_src ip_src", KIND.ipv4, IPV4_SRC, 32, true, IPV4);
  define("nw_dst ip_dst", KIND.ipv4, IPV4_DST, 32, true, IPV4);
  define("ipv6_src", KIND.ipv6, IPV6_SRC, 128, true, IPV6);
  define("ipv6_dst", KIND.ipv6, IPV6_DST, 128, true, IPV6);
  define("nw_frag ip_frag", KIND.frag, IP_FRAG, 2, false, IP_ANY);
  define("nw_tos", KIND.tos, IP_DSCP, 8, false, IP_ANY);
  define("nw_ttl", KIND.number, IP_TTL, 8, false, IP_ANY);
  define("nw_proto ip_proto", KIND.number, IP_PROTO, 8, false, IP_ANY);
  define("tp_src", KIND.number, TP_SRC, 16, true, IP_ANY, L4_ANY);
  define("tp_dst", KIND.number, TP_DST, 16, true, IP_ANY, L4_ANY);
  for (const [name, proto] of [
    ["tcp", 6],
    ["udp", 17],
    ["sctp", 132],
  ] as const) {
    define(`${name}_src`, KIND.number, TP_SRC, 16, true, IP_ANY, proto);
    define(`${name}_dst`, KIND.number, TP_DST, 16, true, IP_ANY, proto);
  }
  define("icmp_type", KIND.number, ICMP_TYPE, 8, false, IP_ANY, ICMP_ANY);
  define("icmp_code", KIND.number, ICMP_CODE, 8, false, IP_ANY, ICMP_ANY);
  define("icmpv6_type", KIND.number, ICMP_TYPE, 8, false, IPV6, 58);
  define("icmpv6_code", KIND.number, ICMP_CODE, 8, false, IPV6, 58);
  define("nd_target", KIND.ipv6, ND_TARGET, 128, true, IPV6, 58);
  define("nd_sll", KIND.mac, ND_SLL, 48, true, IPV6, 58);
  define("nd_tll", KIND.mac, ND_TLL, 48, true, IPV6, 58);
  define("arp_op", KIND.number, ARP_OP, 8, false, ARP);
  define("arp_spa", KIND.ipv4, ARP_SPA, 32, true, ARP);
  define("arp_tpa", KIND.ipv4, ARP_TPA, 32, true, ARP);
  define("arp_sha", KIND.mac, ARP_SHA, 48, true, ARP);
  define("arp_tha", KIND.mac, ARP_THA, 48, true, ARP);
  define("tun_id tunnel_id", KIND.number, TUN_ID, 64, true);
  define("tun_src", KIND.ipv4, TUN_SRC, 32, true);
  define("tun_dst", KIND.ipv4, TUN_DST, 32, true);
  for (let n = 0; n < 16; n++) define(`reg${n}`, KIND.register, n, 32, true);
  for (let n = 0; n < 8; n++) define(`xreg${n}`, KIND.register, 2 * n, 64, true);
  for (let n = 0; n < 4; n++) define(`xxreg${n}`, KIND.register, 4 * n, 128, true);
  define("pkt_mark", KIND.number, PKT_MARK, 32, true);
  define("ct_state", KIND.ctState, CT_STATE, 32, true);
  define("ct_zone", KIND.number, CT_ZONE, 16);
  define("ct_mark", KIND.number, CT_MARK, 32, true);
  define("ct_label", KIND.number, CT_LABEL, 128, true);
  define("metadata", KIND.number, METADATA, 64, true);

  define("table", KIND.attribute, ATTRIBUTE.table, 8);
  define("priority", KIND.attribute, ATTRIBUTE.priority, 16);
  define("idle_timeout", KIND.attribute, ATTRIBUTE.idleTimeout, 16);
  define("hard_timeout", KIND.attribute, ATTRIBUTE.hardTimeout, 16);
  define("cookie", KIND.cookie, 0, 64);
  for (const [slot, name] of ["duration", "n_packets", "n_bytes", "idle_age", "hard_age"].entries())
    define(name, KIND.statistic, slot, 0);
  for (const [name, bit] of [
    ["send_flow_rem", 1],
    ["check_overlap", 2],
    ["reset_counts", 4],
    ["no_packet_counts", 8],
    ["no_byte_counts", 16],
  ] as const) {
    define(name, KIND.flag, bit, 0);
  }
}
