/**
 * Every match field of Open vSwitch 3.1 with its names, widths, rules and OXM/NXM headers: 183 fields, the numbered
 * families (`tun_metadata0..63`, `reg0..15`, `xreg0..7`, `xxreg0..3`) as one row each.
 * Source: Open vSwitch's meta-flow.h (v3.1.0), OpenFlow 1.5.1 §7.2.3.
 */

/** How a field's value is written in text. */
export type FieldFormat =
  | "hex"
  | "dec"
  | "ipv4"
  | "ipv6"
  | "mac"
  | "port"
  | "port10"
  | "packetType"
  | "tunFlags"
  | "ctState"
  | "frag"
  | "tcpFlags";

/** What must already be matched before this field may be (`prerequisites.ts` has the meaning of each). */
export type Prerequisite =
  | "none"
  | "ethernet"
  | "vlan"
  | "mpls"
  | "ipv4"
  | "ipv6"
  | "ip"
  | "arp"
  | "tcp"
  | "udp"
  | "sctp"
  | "icmp4"
  | "icmp6"
  | "nd"
  | "ndSolicit"
  | "ndAdvert"
  | "nsh"
  | "ct";

/** How OpenFlow 1.0 or 1.1's fixed match structure carries a field; `-` = not at all. */
export type LegacyCarriage = "-" | "exact" | "cidr" | "bitwise";

/** One OXM or NXM header that carries a field. */
export interface OxmHeader {
  /** Such as `OXM_OF_ETH_SRC`. */
  readonly name: string;
  /** 16 bits; 0xffff = experimenter. */
  readonly oxmClass: number;
  /** 7 bits. */
  readonly type: number;
  /** Payload bytes without a mask; counts the 4 bytes of an experimenter id. Of variable-length fields: the most. */
  readonly length: number;
  /** First wire version whose standard has it (3 = OpenFlow 1.2); 0 = a Nicira extension that Open vSwitch takes in every version. */
  readonly since: number;
  /** Experimenter id behind the header; 0 = none. */
  readonly experimenter: number;
}

export interface Field {
  /** Position in Open vSwitch's own order of fields; an index into {@link FIELDS}. */
  readonly id: number;
  /** The preferred name in text, such as `eth_src`. */
  readonly name: string;
  /** Other names with the same meaning. Both print names differ by context; see `text/`. */
  readonly aliases: readonly string[];
  /** Significant bits (a 12-bit `vlan_vid` sits in 2 bytes). Of variable-length fields: the most. */
  readonly bits: number;
  readonly bytes: number;
  /** Length depends on the switch's TLV map (`tun_metadataN`). */
  readonly variable: boolean;
  readonly maskable: boolean;
  readonly format: FieldFormat;
  readonly prerequisite: Prerequisite;
  /** May be the target of `set_field`, `load`, `move`, `pop`. */
  readonly writable: boolean;
  readonly of10: LegacyCarriage;
  readonly of11: LegacyCarriage;
  /** In order of preference; empty = cannot be matched over OpenFlow. */
  readonly headers: readonly OxmHeader[];
}

type HeaderRow = readonly [name: string, oxmClass: number, type: number, length: number, since: number, experimenter?: number];
type Row = readonly [
  name: string,
  aliases: readonly string[],
  bits: number,
  bytes: number,
  mask: "bitwise" | "exact",
  format: FieldFormat,
  prerequisite: Prerequisite,
  access: "rw" | "ro",
  of10: LegacyCarriage,
  of11: LegacyCarriage,
  count: number,
  headers: readonly HeaderRow[],
];

// A row with a count above 1 is a family: `name0 … name(count-1)`, header types ascending.
// biome-ignore format: a table is read by column
const ROWS: readonly Row[] = [
  ["dp_hash", [], 32, 4, "bitwise", "hex", "none", "ro", "-", "-", 1, [["NXOXM_ET_DP_HASH", 0xffff, 0, 8, 0, 0x00002320], ["NXM_NX_DP_HASH", 0x0001, 35, 4, 0]]],
  ["recirc_id", [], 32, 4, "exact", "dec", "none", "ro", "-", "-", 1, [["NXM_NX_RECIRC_ID", 0x0001, 36, 4, 0]]],
  ["packet_type", [], 32, 4, "exact", "packetType", "none", "ro", "-", "-", 1, [["OXM_OF_PACKET_TYPE", 0x8000, 44, 4, 6]]],
  ["conj_id", [], 32, 4, "exact", "dec", "none", "ro", "-", "-", 1, [["NXM_NX_CONJ_ID", 0x0001, 37, 4, 0]]],
  ["tun_id", ["tunnel_id"], 64, 8, "bitwise", "hex", "none", "rw", "-", "-", 1, [["OXM_OF_TUNNEL_ID", 0x8000, 38, 8, 4], ["NXM_NX_TUN_ID", 0x0001, 16, 8, 0]]],
  ["tun_src", [], 32, 4, "bitwise", "ipv4", "none", "rw", "-", "-", 1, [["NXM_NX_TUN_IPV4_SRC", 0x0001, 31, 4, 0]]],
  ["tun_dst", [], 32, 4, "bitwise", "ipv4", "none", "rw", "-", "-", 1, [["NXM_NX_TUN_IPV4_DST", 0x0001, 32, 4, 0]]],
  ["tun_ipv6_src", [], 128, 16, "bitwise", "ipv6", "none", "rw", "-", "-", 1, [["NXM_NX_TUN_IPV6_SRC", 0x0001, 109, 16, 0]]],
  ["tun_ipv6_dst", [], 128, 16, "bitwise", "ipv6", "none", "rw", "-", "-", 1, [["NXM_NX_TUN_IPV6_DST", 0x0001, 110, 16, 0]]],
  ["tun_flags", [], 1, 2, "bitwise", "tunFlags", "none", "rw", "-", "-", 1, [["NXM_NX_TUN_FLAGS", 0x0001, 104, 2, 0]]],
  ["tun_ttl", [], 8, 1, "exact", "dec", "none", "ro", "-", "-", 1, []],
  ["tun_tos", [], 8, 1, "exact", "dec", "none", "ro", "-", "-", 1, []],
  ["tun_gbp_id", [], 16, 2, "bitwise", "dec", "none", "rw", "-", "-", 1, [["NXM_NX_TUN_GBP_ID", 0x0001, 38, 2, 0]]],
  ["tun_gbp_flags", [], 8, 1, "bitwise", "hex", "none", "rw", "-", "-", 1, [["NXM_NX_TUN_GBP_FLAGS", 0x0001, 39, 1, 0]]],
  ["tun_erspan_idx", [], 20, 4, "bitwise", "hex", "none", "rw", "-", "-", 1, [["NXOXM_ET_ERSPAN_IDX", 0xffff, 11, 8, 0, 0x00002320]]],
  ["tun_erspan_ver", [], 4, 1, "bitwise", "dec", "none", "rw", "-", "-", 1, [["NXOXM_ET_ERSPAN_VER", 0xffff, 12, 5, 0, 0x00002320]]],
  ["tun_erspan_dir", [], 1, 1, "bitwise", "dec", "none", "rw", "-", "-", 1, [["NXOXM_ET_ERSPAN_DIR", 0xffff, 13, 5, 0, 0x00002320]]],
  ["tun_erspan_hwid", [], 6, 1, "bitwise", "hex", "none", "rw", "-", "-", 1, [["NXOXM_ET_ERSPAN_HWID", 0xffff, 14, 5, 0, 0x00002320]]],
  ["tun_gtpu_flags", [], 8, 1, "bitwise", "hex", "none", "ro", "-", "-", 1, [["NXOXM_ET_GTPU_FLAGS", 0xffff, 15, 5, 0, 0x00002320]]],
  ["tun_gtpu_msgtype", [], 8, 1, "bitwise", "dec", "none", "ro", "-", "-", 1, [["NXOXM_ET_GTPU_MSGTYPE", 0xffff, 16, 5, 0, 0x00002320]]],
  ["tun_metadata", [], 992, 124, "bitwise", "hex", "none", "rw", "-", "-", 64, [["NXM_NX_TUN_METADATA", 0x0001, 40, 124, 0]]],
  ["metadata", [], 64, 8, "bitwise", "hex", "none", "rw", "-", "bitwise", 1, [["OXM_OF_METADATA", 0x8000, 2, 8, 3]]],
  ["in_port", [], 16, 2, "exact", "port10", "none", "rw", "exact", "exact", 1, [["NXM_OF_IN_PORT", 0x0000, 0, 2, 0]]],
  ["in_port_oxm", [], 32, 4, "exact", "port", "none", "rw", "-", "exact", 1, [["OXM_OF_IN_PORT", 0x8000, 0, 4, 3]]],
  ["actset_output", [], 32, 4, "exact", "port", "none", "ro", "-", "-", 1, [["ONFOXM_ET_ACTSET_OUTPUT", 0xffff, 43, 8, 4, 0x4f4e4600], ["OXM_OF_ACTSET_OUTPUT", 0x8000, 43, 4, 6]]],
  ["skb_priority", [], 32, 4, "exact", "hex", "none", "ro", "-", "-", 1, []],
  ["pkt_mark", [], 32, 4, "bitwise", "hex", "none", "rw", "-", "-", 1, [["NXM_NX_PKT_MARK", 0x0001, 33, 4, 0]]],
  ["ct_state", [], 32, 4, "bitwise", "ctState", "none", "ro", "-", "-", 1, [["NXM_NX_CT_STATE", 0x0001, 105, 4, 0]]],
  ["ct_zone", [], 16, 2, "exact", "hex", "none", "ro", "-", "-", 1, [["NXM_NX_CT_ZONE", 0x0001, 106, 2, 0]]],
  ["ct_mark", [], 32, 4, "bitwise", "hex", "none", "rw", "-", "-", 1, [["NXM_NX_CT_MARK", 0x0001, 107, 4, 0]]],
  ["ct_label", [], 128, 16, "bitwise", "hex", "none", "rw", "-", "-", 1, [["NXM_NX_CT_LABEL", 0x0001, 108, 16, 0]]],
  ["ct_nw_proto", [], 8, 1, "exact", "dec", "ct", "ro", "-", "-", 1, [["NXM_NX_CT_NW_PROTO", 0x0001, 119, 1, 0]]],
  ["ct_nw_src", [], 32, 4, "bitwise", "ipv4", "ct", "ro", "-", "-", 1, [["NXM_NX_CT_NW_SRC", 0x0001, 120, 4, 0]]],
  ["ct_nw_dst", [], 32, 4, "bitwise", "ipv4", "ct", "ro", "-", "-", 1, [["NXM_NX_CT_NW_DST", 0x0001, 121, 4, 0]]],
  ["ct_ipv6_src", [], 128, 16, "bitwise", "ipv6", "ct", "ro", "-", "-", 1, [["NXM_NX_CT_IPV6_SRC", 0x0001, 122, 16, 0]]],
  ["ct_ipv6_dst", [], 128, 16, "bitwise", "ipv6", "ct", "ro", "-", "-", 1, [["NXM_NX_CT_IPV6_DST", 0x0001, 123, 16, 0]]],
  ["ct_tp_src", [], 16, 2, "bitwise", "dec", "ct", "ro", "-", "-", 1, [["NXM_NX_CT_TP_SRC", 0x0001, 124, 2, 0]]],
  ["ct_tp_dst", [], 16, 2, "bitwise", "dec", "ct", "ro", "-", "-", 1, [["NXM_NX_CT_TP_DST", 0x0001, 125, 2, 0]]],
  ["reg", [], 32, 4, "bitwise", "hex", "none", "rw", "-", "-", 16, [["NXM_NX_REG", 0x0001, 0, 4, 0]]],
  ["xreg", [], 64, 8, "bitwise", "hex", "none", "rw", "-", "-", 8, [["OXM_OF_PKT_REG", 0x8001, 0, 8, 4]]],
  ["xxreg", [], 128, 16, "bitwise", "hex", "none", "rw", "-", "-", 4, [["NXM_NX_XXREG", 0x0001, 111, 16, 0]]],
  ["eth_src", ["dl_src"], 48, 6, "bitwise", "mac", "ethernet", "rw", "exact", "bitwise", 1, [["OXM_OF_ETH_SRC", 0x8000, 4, 6, 3], ["NXM_OF_ETH_SRC", 0x0000, 2, 6, 0]]],
  ["eth_dst", ["dl_dst"], 48, 6, "bitwise", "mac", "ethernet", "rw", "exact", "bitwise", 1, [["OXM_OF_ETH_DST", 0x8000, 3, 6, 3], ["NXM_OF_ETH_DST", 0x0000, 1, 6, 0]]],
  ["eth_type", ["dl_type"], 16, 2, "exact", "hex", "ethernet", "ro", "exact", "exact", 1, [["OXM_OF_ETH_TYPE", 0x8000, 5, 2, 3], ["NXM_OF_ETH_TYPE", 0x0000, 3, 2, 0]]],
  ["vlan_tci", [], 16, 2, "bitwise", "hex", "ethernet", "rw", "exact", "exact", 1, [["NXM_OF_VLAN_TCI", 0x0000, 4, 2, 0]]],
  ["dl_vlan", [], 12, 2, "exact", "dec", "ethernet", "rw", "exact", "exact", 1, []],
  ["vlan_vid", [], 12, 2, "bitwise", "dec", "ethernet", "rw", "exact", "exact", 1, [["OXM_OF_VLAN_VID", 0x8000, 6, 2, 3]]],
  ["dl_vlan_pcp", [], 3, 1, "exact", "dec", "ethernet", "rw", "exact", "exact", 1, []],
  ["vlan_pcp", [], 3, 1, "exact", "dec", "vlan", "rw", "exact", "exact", 1, [["OXM_OF_VLAN_PCP", 0x8000, 7, 1, 3]]],
  ["mpls_label", [], 20, 4, "exact", "dec", "mpls", "rw", "-", "exact", 1, [["OXM_OF_MPLS_LABEL", 0x8000, 34, 4, 3]]],
  ["mpls_tc", [], 3, 1, "exact", "dec", "mpls", "rw", "-", "exact", 1, [["OXM_OF_MPLS_TC", 0x8000, 35, 1, 3]]],
  ["mpls_bos", [], 1, 1, "exact", "dec", "mpls", "ro", "-", "-", 1, [["OXM_OF_MPLS_BOS", 0x8000, 36, 1, 4]]],
  ["mpls_ttl", [], 8, 1, "exact", "dec", "mpls", "rw", "-", "-", 1, [["NXM_NX_MPLS_TTL", 0x0001, 30, 1, 0]]],
  ["ip_src", ["nw_src"], 32, 4, "bitwise", "ipv4", "ipv4", "rw", "cidr", "bitwise", 1, [["OXM_OF_IPV4_SRC", 0x8000, 11, 4, 3], ["NXM_OF_IP_SRC", 0x0000, 7, 4, 0]]],
  ["ip_dst", ["nw_dst"], 32, 4, "bitwise", "ipv4", "ipv4", "rw", "cidr", "bitwise", 1, [["OXM_OF_IPV4_DST", 0x8000, 12, 4, 3], ["NXM_OF_IP_DST", 0x0000, 8, 4, 0]]],
  ["ipv6_src", [], 128, 16, "bitwise", "ipv6", "ipv6", "rw", "-", "-", 1, [["OXM_OF_IPV6_SRC", 0x8000, 26, 16, 3], ["NXM_NX_IPV6_SRC", 0x0001, 19, 16, 0]]],
  ["ipv6_dst", [], 128, 16, "bitwise", "ipv6", "ipv6", "rw", "-", "-", 1, [["OXM_OF_IPV6_DST", 0x8000, 27, 16, 3], ["NXM_NX_IPV6_DST", 0x0001, 20, 16, 0]]],
  ["ipv6_label", [], 20, 4, "bitwise", "hex", "ipv6", "rw", "-", "-", 1, [["OXM_OF_IPV6_FLABEL", 0x8000, 28, 4, 3], ["NXM_NX_IPV6_LABEL", 0x0001, 27, 4, 0]]],
  ["nw_proto", ["ip_proto"], 8, 1, "exact", "dec", "ip", "ro", "exact", "exact", 1, [["OXM_OF_IP_PROTO", 0x8000, 10, 1, 3], ["NXM_OF_IP_PROTO", 0x0000, 6, 1, 0]]],
  ["nw_tos", [], 8, 1, "exact", "dec", "ip", "rw", "exact", "exact", 1, [["NXM_OF_IP_TOS", 0x0000, 5, 1, 0]]],
  ["ip_dscp", [], 6, 1, "exact", "dec", "ip", "rw", "exact", "exact", 1, [["OXM_OF_IP_DSCP", 0x8000, 8, 1, 3]]],
  ["nw_ecn", ["ip_ecn"], 2, 1, "exact", "dec", "ip", "rw", "-", "exact", 1, [["OXM_OF_IP_ECN", 0x8000, 9, 1, 3], ["NXM_NX_IP_ECN", 0x0001, 28, 1, 0]]],
  ["nw_ttl", [], 8, 1, "exact", "dec", "ip", "rw", "-", "-", 1, [["NXM_NX_IP_TTL", 0x0001, 29, 1, 0]]],
  ["ip_frag", ["nw_frag"], 2, 1, "bitwise", "frag", "ip", "ro", "-", "-", 1, [["NXM_NX_IP_FRAG", 0x0001, 26, 1, 0]]],
  ["arp_op", [], 16, 2, "exact", "dec", "arp", "rw", "exact", "exact", 1, [["OXM_OF_ARP_OP", 0x8000, 21, 2, 3], ["NXM_OF_ARP_OP", 0x0000, 15, 2, 0]]],
  ["arp_spa", [], 32, 4, "bitwise", "ipv4", "arp", "rw", "cidr", "bitwise", 1, [["OXM_OF_ARP_SPA", 0x8000, 22, 4, 3], ["NXM_OF_ARP_SPA", 0x0000, 16, 4, 0]]],
  ["arp_tpa", [], 32, 4, "bitwise", "ipv4", "arp", "rw", "cidr", "bitwise", 1, [["OXM_OF_ARP_TPA", 0x8000, 23, 4, 3], ["NXM_OF_ARP_TPA", 0x0000, 17, 4, 0]]],
  ["arp_sha", [], 48, 6, "bitwise", "mac", "arp", "rw", "-", "-", 1, [["OXM_OF_ARP_SHA", 0x8000, 24, 6, 3], ["NXM_NX_ARP_SHA", 0x0001, 17, 6, 0]]],
  ["arp_tha", [], 48, 6, "bitwise", "mac", "arp", "rw", "-", "-", 1, [["OXM_OF_ARP_THA", 0x8000, 25, 6, 3], ["NXM_NX_ARP_THA", 0x0001, 18, 6, 0]]],
  ["tcp_src", ["tp_src"], 16, 2, "bitwise", "dec", "tcp", "rw", "exact", "exact", 1, [["OXM_OF_TCP_SRC", 0x8000, 13, 2, 3], ["NXM_OF_TCP_SRC", 0x0000, 9, 2, 0]]],
  ["tcp_dst", ["tp_dst"], 16, 2, "bitwise", "dec", "tcp", "rw", "exact", "exact", 1, [["OXM_OF_TCP_DST", 0x8000, 14, 2, 3], ["NXM_OF_TCP_DST", 0x0000, 10, 2, 0]]],
  ["tcp_flags", [], 12, 2, "bitwise", "tcpFlags", "tcp", "ro", "-", "-", 1, [["ONFOXM_ET_TCP_FLAGS", 0xffff, 42, 6, 4, 0x4f4e4600], ["OXM_OF_TCP_FLAGS", 0x8000, 42, 2, 6], ["NXM_NX_TCP_FLAGS", 0x0001, 34, 2, 0]]],
  ["udp_src", [], 16, 2, "bitwise", "dec", "udp", "rw", "exact", "exact", 1, [["OXM_OF_UDP_SRC", 0x8000, 15, 2, 3], ["NXM_OF_UDP_SRC", 0x0000, 11, 2, 0]]],
  ["udp_dst", [], 16, 2, "bitwise", "dec", "udp", "rw", "exact", "exact", 1, [["OXM_OF_UDP_DST", 0x8000, 16, 2, 3], ["NXM_OF_UDP_DST", 0x0000, 12, 2, 0]]],
  ["sctp_src", [], 16, 2, "bitwise", "dec", "sctp", "rw", "-", "exact", 1, [["OXM_OF_SCTP_SRC", 0x8000, 17, 2, 3]]],
  ["sctp_dst", [], 16, 2, "bitwise", "dec", "sctp", "rw", "-", "exact", 1, [["OXM_OF_SCTP_DST", 0x8000, 18, 2, 3]]],
  ["icmp_type", [], 8, 1, "exact", "dec", "icmp4", "rw", "exact", "exact", 1, [["OXM_OF_ICMPV4_TYPE", 0x8000, 19, 1, 3], ["NXM_OF_ICMP_TYPE", 0x0000, 13, 1, 0]]],
  ["icmp_code", [], 8, 1, "exact", "dec", "icmp4", "rw", "exact", "exact", 1, [["OXM_OF_ICMPV4_CODE", 0x8000, 20, 1, 3], ["NXM_OF_ICMP_CODE", 0x0000, 14, 1, 0]]],
  ["icmpv6_type", [], 8, 1, "exact", "dec", "icmp6", "rw", "-", "-", 1, [["OXM_OF_ICMPV6_TYPE", 0x8000, 29, 1, 3], ["NXM_NX_ICMPV6_TYPE", 0x0001, 21, 1, 0]]],
  ["icmpv6_code", [], 8, 1, "exact", "dec", "icmp6", "rw", "-", "-", 1, [["OXM_OF_ICMPV6_CODE", 0x8000, 30, 1, 3], ["NXM_NX_ICMPV6_CODE", 0x0001, 22, 1, 0]]],
  ["nd_target", [], 128, 16, "bitwise", "ipv6", "nd", "rw", "-", "-", 1, [["OXM_OF_IPV6_ND_TARGET", 0x8000, 31, 16, 3], ["NXM_NX_ND_TARGET", 0x0001, 23, 16, 0]]],
  ["nd_sll", [], 48, 6, "bitwise", "mac", "ndSolicit", "rw", "-", "-", 1, [["OXM_OF_IPV6_ND_SLL", 0x8000, 32, 6, 3], ["NXM_NX_ND_SLL", 0x0001, 24, 6, 0]]],
  ["nd_tll", [], 48, 6, "bitwise", "mac", "ndAdvert", "rw", "-", "-", 1, [["OXM_OF_IPV6_ND_TLL", 0x8000, 33, 6, 3], ["NXM_NX_ND_TLL", 0x0001, 25, 6, 0]]],
  ["nd_reserved", [], 32, 4, "exact", "dec", "nd", "rw", "-", "-", 1, [["ERICOXM_OF_ICMPV6_ND_RESERVED", 0x1000, 1, 4, 0]]],
  ["nd_options_type", [], 8, 1, "exact", "dec", "nd", "rw", "-", "-", 1, [["ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE", 0x1000, 2, 1, 0]]],
  ["nsh_flags", [], 8, 1, "bitwise", "dec", "nsh", "rw", "-", "-", 1, [["NXOXM_NSH_FLAGS", 0xffff, 1, 5, 0, 0x005ad650]]],
  ["nsh_mdtype", [], 8, 1, "exact", "dec", "nsh", "ro", "-", "-", 1, [["NXOXM_NSH_MDTYPE", 0xffff, 2, 5, 0, 0x005ad650]]],
  ["nsh_np", [], 8, 1, "exact", "dec", "nsh", "ro", "-", "-", 1, [["NXOXM_NSH_NP", 0xffff, 3, 5, 0, 0x005ad650]]],
  ["nsh_spi", ["nsp"], 24, 4, "exact", "hex", "nsh", "rw", "-", "-", 1, [["NXOXM_NSH_SPI", 0xffff, 4, 8, 0, 0x005ad650]]],
  ["nsh_si", ["nsi"], 8, 1, "exact", "dec", "nsh", "rw", "-", "-", 1, [["NXOXM_NSH_SI", 0xffff, 5, 5, 0, 0x005ad650]]],
  ["nsh_c1", ["nshc1"], 32, 4, "bitwise", "hex", "nsh", "rw", "-", "-", 1, [["NXOXM_NSH_C1", 0xffff, 6, 8, 0, 0x005ad650]]],
  ["nsh_c2", ["nshc2"], 32, 4, "bitwise", "hex", "nsh", "rw", "-", "-", 1, [["NXOXM_NSH_C2", 0xffff, 7, 8, 0, 0x005ad650]]],
  ["nsh_c3", ["nshc3"], 32, 4, "bitwise", "hex", "nsh", "rw", "-", "-", 1, [["NXOXM_NSH_C3", 0xffff, 8, 8, 0, 0x005ad650]]],
  ["nsh_c4", ["nshc4"], 32, 4, "bitwise", "hex", "nsh", "rw", "-", "-", 1, [["NXOXM_NSH_C4", 0xffff, 9, 8, 0, 0x005ad650]]],
  ["nsh_ttl", [], 8, 1, "exact", "dec", "nsh", "rw", "-", "-", 1, [["NXOXM_NSH_TTL", 0xffff, 10, 5, 0, 0x005ad650]]],
];

function expand(): Field[] {
  const fields: Field[] = [];
  for (const row of ROWS) {
    const count = row[10];
    for (let n = 0; n < count; n++) fields.push(expandRow(row, fields.length, n, count === 1 ? "" : String(n)));
  }
  return fields;
}

function expandRow(row: Row, id: number, n: number, suffix: string): Field {
  const headers: OxmHeader[] = [];
  for (const [header, oxmClass, type, length, since, experimenter] of row[11]) {
    const known = { name: header + suffix, oxmClass, type: type + n, length, since, experimenter: experimenter ?? 0 };
    headers.push(Object.freeze(known));
  }
  return Object.freeze({
    id,
    name: row[0] + suffix,
    aliases: row[1],
    bits: row[2],
    bytes: row[3],
    variable: row[0] === "tun_metadata",
    maskable: row[4] === "bitwise",
    format: row[5],
    prerequisite: row[6],
    writable: row[7] === "rw",
    of10: row[8],
    of11: row[9],
    headers,
  });
}

/** All fields; `FIELDS[f.id] === f`. */
export const FIELDS: readonly Field[] = /* @__PURE__ */ expand();

const byName: ReadonlyMap<string, Field> = /* @__PURE__ */ namesOf(FIELDS);

function namesOf(fields: readonly Field[]): Map<string, Field> {
  const found = new Map<string, Field>();
  for (const field of fields) {
    found.set(field.name, field);
    for (const alias of field.aliases) found.set(alias, field);
  }
  return found;
}

/** The field with this name or alias (lower case, without brackets). */
export function fieldByName(name: string): Field | undefined {
  return byName.get(name);
}

/** {@link fieldByName} for a name that is known to exist; throws a `TypeError` for a misspelt constant. */
export function field(name: string): Field {
  const found = byName.get(name);
  if (found === undefined) throw new TypeError(`no match field is called ${name}`);
  return found;
}
