/**
 * A quick look at an OXM match that came in OpenFlow 1.5: is it in canonical form already, so that its bytes can be taken as they
 * are? "Yes" is certain; "no" only means that the common cases do not cover it, and a full decoding must tell.
 *
 * Common cases are fields of layer 2 to 4, metadata, registers, tunnel id and the plain conntrack fields. A match is canonical
 * when its fields come in Open vSwitch's order, each once, with no mask of all zeros or all ones, no value bit outside a mask,
 * and with their prerequisites in front of them.
 */

/** What must be matched before a field. */
const Need = {
  nothing: 0,
  ipv4: 1,
  ipv6: 2,
  arp: 3,
  tcp: 4,
  udp: 5,
  sctp: 6,
  ip: 7,
  icmp: 8,
  icmpv6: 9,
  neighbour: 10,
  solicitation: 11,
  advertisement: 12,
} as const;

interface Known {
  /** Position in the canonical order. */
  readonly rank: number;
  /** Bytes of the value. */
  readonly bytes: number;
  readonly maskable: boolean;
  readonly need: number;
}

type Row = readonly [header: number, bytes: number, maskable: 0 | 1, need: number];

// In canonical order. Headers without mask bit and length: class and field.
// biome-ignore format: a table is read by column
const ROWS: readonly Row[] = [
  [0x00014a00, 4, 0, Need.nothing], // conj_id
  [0x80000000, 4, 0, Need.nothing], // in_port
  [0x80000800, 6, 1, Need.nothing], // eth_src
  [0x80000600, 6, 1, Need.nothing], // eth_dst
  [0x80000a00, 2, 0, Need.nothing], // eth_type
  [0x80000c00, 2, 1, Need.nothing], // vlan_vid
  [0x80001600, 4, 1, Need.ipv4], // ip_src
  [0x80001800, 4, 1, Need.ipv4], // ip_dst
  [0x80003400, 16, 1, Need.ipv6], // ipv6_src
  [0x80003600, 16, 1, Need.ipv6], // ipv6_dst
  [0x00013400, 1, 1, Need.ip], // ip_frag
  [0x80001000, 1, 0, Need.ip], // ip_dscp
  [0x00013a00, 1, 0, Need.ip], // nw_ttl
  [0x80001400, 1, 0, Need.ip], // nw_proto
  [0x80001a00, 2, 1, Need.tcp], // tcp_src
  [0x80001c00, 2, 1, Need.tcp], // tcp_dst
  [0x80001e00, 2, 1, Need.udp], // udp_src
  [0x80002000, 2, 1, Need.udp], // udp_dst
  [0x80002200, 2, 1, Need.sctp], // sctp_src
  [0x80002400, 2, 1, Need.sctp], // sctp_dst
  [0x80002600, 1, 0, Need.icmp], // icmp_type
  [0x80002800, 1, 0, Need.icmp], // icmp_code
  [0x80003a00, 1, 0, Need.icmpv6], // icmpv6_type
  [0x80003c00, 1, 0, Need.icmpv6], // icmpv6_code
  [0x80003e00, 16, 1, Need.neighbour], // nd_target
  [0x80004000, 6, 1, Need.solicitation], // nd_sll
  [0x80004200, 6, 1, Need.advertisement], // nd_tll
  [0x80002a00, 2, 0, Need.arp], // arp_op
  [0x80002c00, 4, 1, Need.arp], // arp_spa
  [0x80002e00, 4, 1, Need.arp], // arp_tpa
  [0x80003000, 6, 1, Need.arp], // arp_sha
  [0x80003200, 6, 1, Need.arp], // arp_tha
  [0x80004c00, 8, 1, Need.nothing], // tun_id
  [0x80010000, 8, 1, Need.nothing], // xreg0 to xreg7
  [0x80010200, 8, 1, Need.nothing],
  [0x80010400, 8, 1, Need.nothing],
  [0x80010600, 8, 1, Need.nothing],
  [0x80010800, 8, 1, Need.nothing],
  [0x80010a00, 8, 1, Need.nothing],
  [0x80010c00, 8, 1, Need.nothing],
  [0x80010e00, 8, 1, Need.nothing],
  [0x00014200, 4, 1, Need.nothing], // pkt_mark
  [0x0001d200, 4, 1, Need.nothing], // ct_state
  [0x0001d400, 2, 0, Need.nothing], // ct_zone
  [0x0001d600, 4, 1, Need.nothing], // ct_mark
  [0x0001d800, 16, 1, Need.nothing], // ct_label
  [0x80000400, 8, 1, Need.nothing], // metadata
];

// Classes 0x0001, 0x8000 and 0x8001 by the field's 7 bits.
const KNOWN: readonly (Known | undefined)[] = /* @__PURE__ */ place();

function indexOf(header: number): number {
  const oxmClass = header >>> 16;
  const space = oxmClass === 0x8000 ? 0 : oxmClass === 0x8001 ? 128 : oxmClass === 0x0001 ? 256 : -1;
  return space < 0 ? -1 : space + ((header >>> 9) & 0x7f);
}

function place(): (Known | undefined)[] {
  const known: (Known | undefined)[] = new Array<Known | undefined>(384).fill(undefined);
  ROWS.forEach(([header, bytes, maskable, need], rank) => {
    known[indexOf(header)] = { rank, bytes, maskable: maskable === 1, need };
  });
  return known;
}

function rankOf(header: number): number {
  return ROWS.findIndex(([row]) => row === header);
}

// Fields whose value matters.
const IN_PORT = /* @__PURE__ */ rankOf(0x80000000);
const ETHER_TYPE = /* @__PURE__ */ rankOf(0x80000a00);
const VLAN_VID = /* @__PURE__ */ rankOf(0x80000c00);
const FRAGMENT = /* @__PURE__ */ rankOf(0x00013400);
const DSCP = /* @__PURE__ */ rankOf(0x80001000);
const PROTOCOL = /* @__PURE__ */ rankOf(0x80001400);
const ICMPV6_TYPE = /* @__PURE__ */ rankOf(0x80003a00);
const ICMPV6_CODE = /* @__PURE__ */ rankOf(0x80003c00);
const ARP_OPERATION = /* @__PURE__ */ rankOf(0x80002a00);
const CT_STATE = /* @__PURE__ */ rankOf(0x0001d200);

const IPV4 = 0x0800;
const IPV6 = 0x86dd;

function meets(need: number, etherType: number, protocol: number, icmpType: number): boolean {
  const ip = etherType === IPV4 || etherType === IPV6;
  switch (need) {
    case Need.nothing:
      return true;
    case Need.ipv4:
      return etherType === IPV4;
    case Need.ipv6:
      return etherType === IPV6;
    case Need.arp:
      return etherType === 0x0806 || etherType === 0x8035;
    case Need.tcp:
      return ip && protocol === 6;
    case Need.udp:
      return ip && protocol === 17;
    case Need.sctp:
      return ip && protocol === 132;
    case Need.icmp:
      return etherType === IPV4 && protocol === 1;
    case Need.icmpv6:
      return etherType === IPV6 && protocol === 58;
    case Need.neighbour:
      return icmpType === 135 || icmpType === 136;
    case Need.solicitation:
      return icmpType === 135;
    case Need.advertisement:
      return icmpType === 136;
    default:
      return ip;
  }
}

/** Are the TLVs in `bytes[start, end)` surely canonical? Reads nothing beyond `end`. */
export function isPlainCanonicalMatch(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  let rank = -1;
  let etherType = -1;
  // -1 also where no transport header is to be seen: in later fragments.
  let protocol = -1;
  let laterFragment = false;
  // -1 also with a code other than 0: not neighbour discovery.
  let icmpType = -1;
  for (let at = start; at < end; ) {
    if (end - at < 5) return false;
    const header = view.getUint32(at);
    const index = indexOf(header);
    const known = index < 0 ? undefined : KNOWN[index];
    if (known === undefined || known.rank <= rank || !meets(known.need, etherType, protocol, icmpType)) return false;
    rank = known.rank;
    const length = header & 0xff;
    const width = known.bytes;
    at += 4;
    const masked = (header & 0x100) !== 0;
    if (masked) {
      if (!known.maskable || length !== 2 * width || end - at < length || !isPlainMask(bytes, at, width)) return false;
    } else if (length !== width || end - at < length) return false;
    switch (rank) {
      case IN_PORT:
        if (!isPlainPort(view.getUint32(at))) return false;
        break;
      case ETHER_TYPE:
        etherType = view.getUint16(at);
        break;
      case VLAN_VID:
        if (!isPlainVlan(view.getUint16(at), masked, view.getUint16(at + (masked ? 2 : 0)))) return false;
        break;
      case FRAGMENT:
        if ((bytes[masked ? at + 1 : at] as number) > (masked ? 2 : 3)) return false;
        laterFragment = ((bytes[at] as number) & 2) !== 0;
        break;
      case DSCP:
        if ((bytes[at] as number) > 63) return false;
        break;
      case PROTOCOL:
        protocol = laterFragment ? -1 : (bytes[at] as number);
        break;
      case ICMPV6_TYPE:
        icmpType = bytes[at] as number;
        break;
      case ICMPV6_CODE:
        if (bytes[at] !== 0) icmpType = -1;
        break;
      case ARP_OPERATION:
        if (view.getUint16(at) > 255) return false;
        break;
      case CT_STATE:
        if (!masked || view.getUint32(at + 4) > 255) return false;
        break;
      default:
    }
    at += length;
  }
  return etherType !== 0x05ff;
}

function isPlainPort(port: number): boolean {
  return port < 0xff00 || port >= 0xffffff00;
}

/** A VLAN id with the tag demanded, or the tag alone. */
function isPlainVlan(id: number, masked: boolean, mask: number): boolean {
  return masked ? id === 0x1000 && mask === 0x1000 : (id & 0x1000) !== 0 && id <= 0x1fff;
}

/** Neither all zeros nor all ones, and no value bit outside. */
function isPlainMask(bytes: Uint8Array, value: number, width: number): boolean {
  let any = 0;
  let all = 0xff;
  for (let i = value; i < value + width; i++) {
    const mask = bytes[i + width] as number;
    any |= mask;
    all &= mask;
    if (((bytes[i] as number) & ~mask) !== 0) return false;
  }
  return any !== 0 && all !== 0xff;
}
