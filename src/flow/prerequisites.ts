import type { Prerequisite } from "./fields.ts";
import type { MatchDraft } from "./match-draft.ts";
import { SLOT } from "./match-slots.ts";

export const ETH_TYPE = {
  ip: 0x0800,
  arp: 0x0806,
  rarp: 0x8035,
  ipv6: 0x86dd,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  nsh: 0x894f,
} as const;

export const IP_PROTO = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

export const ND_SOLICIT = 135;
export const ND_ADVERT = 136;

const LATER_FRAGMENT = 0x02;
/** ct_state bits that only a valid connection has: new est rel rpl snat dnat. */
const CT_VALID = 0xcf;
const CT_INVALID = 0x10;
const CT_TRACKED = 0x20;

/** Does the draft match what this prerequisite asks for? The rules are those of Open vSwitch's `mf_are_match_prereqs_ok`. */
export function prerequisiteMet(draft: MatchDraft, prerequisite: Prerequisite): boolean {
  const ethType = draft.ethType;
  switch (prerequisite) {
    case "none":
      return true;
    case "ethernet":
      return draft.number(SLOT.packet_type, 4) === 0;
    case "vlan":
      return draft.number(SLOT.packet_type, 4) === 0 && (draft.number(SLOT.vlan_tci, 2) & 0x1000) !== 0;
    case "mpls":
      return ethType === ETH_TYPE.mpls || ethType === ETH_TYPE.mplsMulticast;
    case "ipv4":
      return ethType === ETH_TYPE.ip;
    case "ipv6":
      return ethType === ETH_TYPE.ipv6;
    case "ip":
      return ethType === ETH_TYPE.ip || ethType === ETH_TYPE.ipv6;
    case "arp":
      return ethType === ETH_TYPE.arp || ethType === ETH_TYPE.rarp;
    case "nsh":
      return ethType === ETH_TYPE.nsh;
    case "ct": {
      const state = draft.number(SLOT.ct_state, 4);
      const mask = draft.maskNumber(SLOT.ct_state, 4);
      return (state & CT_VALID) !== 0 || ((state & CT_TRACKED) !== 0 && (mask & CT_INVALID) !== 0 && (state & CT_INVALID) === 0);
    }
    case "tcp":
      return transport(draft, IP_PROTO.tcp);
    case "udp":
      return transport(draft, IP_PROTO.udp);
    case "sctp":
      return transport(draft, IP_PROTO.sctp);
    case "icmp4":
      return ethType === ETH_TYPE.ip && draft.number(SLOT.nw_proto, 1) === IP_PROTO.icmp;
    case "icmp6":
      return icmpv6(draft);
    case "nd":
      return neighbourDiscovery(draft) !== 0;
    case "ndSolicit":
      return neighbourDiscovery(draft) === ND_SOLICIT;
    case "ndAdvert":
      return neighbourDiscovery(draft) === ND_ADVERT;
  }
}

function transport(draft: MatchDraft, protocol: number): boolean {
  const ethType = draft.ethType;
  return (
    (ethType === ETH_TYPE.ip || ethType === ETH_TYPE.ipv6) &&
    draft.number(SLOT.nw_proto, 1) === protocol &&
    (draft.number(SLOT.nw_frag, 1) & LATER_FRAGMENT) === 0
  );
}

function icmpv6(draft: MatchDraft): boolean {
  return draft.ethType === ETH_TYPE.ipv6 && draft.number(SLOT.nw_proto, 1) === IP_PROTO.icmpv6;
}

/** The ND message type (135 or 136) that the draft matches; 0 when it is none. An unmatched ICMPv6 code counts as 0. */
export function neighbourDiscovery(draft: MatchDraft): number {
  if (!icmpv6(draft) || draft.number(SLOT.tp_dst, 2) !== 0) return 0;
  const type = draft.number(SLOT.tp_src, 2);
  return type === ND_SOLICIT || type === ND_ADVERT ? type : 0;
}

/** What to write so that the prerequisite is met, for hints. */
export function describePrerequisite(prerequisite: Prerequisite): string {
  switch (prerequisite) {
    case "none":
      return "nothing";
    case "ethernet":
      return "Ethernet packets (no other packet_type)";
    case "vlan":
      return "a VLAN tag: dl_vlan, or vlan_vid with bit 0x1000";
    case "mpls":
      return "mpls or mplsm (eth_type 0x8847 or 0x8848)";
    case "ipv4":
      return "ip (eth_type 0x0800)";
    case "ipv6":
      return "ipv6 (eth_type 0x86dd)";
    case "ip":
      return "ip or ipv6 (eth_type 0x0800 or 0x86dd)";
    case "arp":
      return "arp or rarp (eth_type 0x0806 or 0x8035)";
    case "nsh":
      return "eth_type 0x894f";
    case "ct":
      return "a ct_state that only valid connections have, such as ct_state=+trk+est or ct_state=+trk-inv";
    case "tcp":
      return "tcp or tcp6 (IP with nw_proto 6), and no later fragments";
    case "udp":
      return "udp or udp6 (IP with nw_proto 17), and no later fragments";
    case "sctp":
      return "sctp or sctp6 (IP with nw_proto 132), and no later fragments";
    case "icmp4":
      return "icmp (eth_type 0x0800, nw_proto 1)";
    case "icmp6":
      return "icmp6 (eth_type 0x86dd, nw_proto 58)";
    case "nd":
      return "icmp6 with icmpv6_type 135 or 136 and icmpv6_code 0";
    case "ndSolicit":
      return "icmp6 with icmpv6_type 135 and icmpv6_code 0";
    case "ndAdvert":
      return "icmp6 with icmpv6_type 136 and icmpv6_code 0";
  }
}
