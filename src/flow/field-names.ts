import { FIELDS, type Field, fieldByName } from "./fields.ts";

/** The names of OpenFlow's standard (§7.2.3.8 of 1.5.1) that Open vSwitch spells otherwise. */
const STANDARD_NAMES = {
  ipv4_src: "ip_src",
  ipv4_dst: "ip_dst",
  ipv6_flabel: "ipv6_label",
  icmpv4_type: "icmp_type",
  icmpv4_code: "icmp_code",
  ipv6_nd_target: "nd_target",
  ipv6_nd_sll: "nd_sll",
  ipv6_nd_tll: "nd_tll",
} as const;

/** The field with this name: Open vSwitch's, one of its aliases, or OpenFlow's own (`ipv4_dst`). */
export function fieldByAnyName(name: string): Field | undefined {
  const found = fieldByName(name);
  if (found !== undefined) return found;
  return Object.hasOwn(STANDARD_NAMES, name) ? fieldByName(STANDARD_NAMES[name as keyof typeof STANDARD_NAMES]) : undefined;
}

/** Names that look like a misspelt one, best first, at most three. */
export function similarFieldNames(name: string): readonly string[] {
  const wanted = name.toLowerCase();
  return FIELDS.flatMap((field) => [field.name, ...field.aliases])
    .concat(Object.keys(STANDARD_NAMES))
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 6 || a.length > 40) return 99;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, (previous[j - 1] as number) + same));
    }
    previous = row;
  }
  return previous[b.length] as number;
}

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
type UpTo15 = Digit | 10 | 11 | 12 | 13 | 14 | 15;
type UpTo63 = Digit | `${1 | 2 | 3 | 4 | 5}${Digit}` | 60 | 61 | 62 | 63;

/** Every name under which a field can be matched in an object. */
export type FieldName =
  | `reg${UpTo15}`
  | `xreg${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`
  | `xxreg${0 | 1 | 2 | 3}`
  | `tun_metadata${UpTo63}`
  | `nsh_c${1 | 2 | 3 | 4}`
  | `nshc${1 | 2 | 3 | 4}`
  | keyof typeof STANDARD_NAMES
  | "dp_hash"
  | "recirc_id"
  | "packet_type"
  | "conj_id"
  | "tun_id"
  | "tunnel_id"
  | "tun_src"
  | "tun_dst"
  | "tun_ipv6_src"
  | "tun_ipv6_dst"
  | "tun_flags"
  | "tun_ttl"
  | "tun_tos"
  | "tun_gbp_id"
  | "tun_gbp_flags"
  | "tun_erspan_idx"
  | "tun_erspan_ver"
  | "tun_erspan_dir"
  | "tun_erspan_hwid"
  | "tun_gtpu_flags"
  | "tun_gtpu_msgtype"
  | "metadata"
  | "in_port"
  | "in_port_oxm"
  | "actset_output"
  | "skb_priority"
  | "pkt_mark"
  | "ct_state"
  | "ct_zone"
  | "ct_mark"
  | "ct_label"
  | "ct_nw_proto"
  | "ct_nw_src"
  | "ct_nw_dst"
  | "ct_ipv6_src"
  | "ct_ipv6_dst"
  | "ct_tp_src"
  | "ct_tp_dst"
  | "eth_src"
  | "dl_src"
  | "eth_dst"
  | "dl_dst"
  | "eth_type"
  | "dl_type"
  | "vlan_tci"
  | "dl_vlan"
  | "vlan_vid"
  | "dl_vlan_pcp"
  | "vlan_pcp"
  | "mpls_label"
  | "mpls_tc"
  | "mpls_bos"
  | "mpls_ttl"
  | "ip_src"
  | "nw_src"
  | "ip_dst"
  | "nw_dst"
  | "ipv6_src"
  | "ipv6_dst"
  | "ipv6_label"
  | "nw_proto"
  | "ip_proto"
  | "nw_tos"
  | "ip_dscp"
  | "nw_ecn"
  | "ip_ecn"
  | "nw_ttl"
  | "ip_frag"
  | "nw_frag"
  | "arp_op"
  | "arp_spa"
  | "arp_tpa"
  | "arp_sha"
  | "arp_tha"
  | "tcp_src"
  | "tp_src"
  | "tcp_dst"
  | "tp_dst"
  | "tcp_flags"
  | "udp_src"
  | "udp_dst"
  | "sctp_src"
  | "sctp_dst"
  | "icmp_type"
  | "icmp_code"
  | "icmpv6_type"
  | "icmpv6_code"
  | "nd_target"
  | "nd_sll"
  | "nd_tll"
  | "nd_reserved"
  | "nd_options_type"
  | "nsh_flags"
  | "nsh_mdtype"
  | "nsh_np"
  | "nsh_spi"
  | "nsp"
  | "nsh_si"
  | "nsi"
  | "nsh_ttl";
