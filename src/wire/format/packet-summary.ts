import { formatIpv4, formatIpv6, formatMac } from "../../flow/address-text.ts";
import { formatFlags, TCP_FLAGS } from "../../flow/flag-text.ts";

/**
 * One line about a packet, as Open vSwitch prints it: the fields of its layers 2 to 4, and its checksum. Headers that are cut off
 * count as absent.
 */

/** Namespace and type of a packet that begins with an Ethernet header. */
export const ETHERNET = 0;

const IPV4 = 0x0800;
const ARP = 0x0806;
const RARP = 0x8035;
const IPV6 = 0x86dd;
const MPLS = 0x8847;
const MPLS_MULTICAST = 0x8848;
const NOT_ETHERNET_II = 0x05ff;

const ICMP = 1;
const IGMP = 2;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;
const SCTP = 132;

interface Transport {
  readonly protocol: number;
  readonly at: number;
  readonly end: number;
  readonly later: boolean;
}

/** Summarizes `bytes`; `packetType` is namespace (upper 16 bits) and type of what they begin with. */
export function packetSummary(bytes: Uint8Array, packetType: number = ETHERNET): string {
  return new PacketText(bytes, packetType).run();
}

class PacketText {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #packetType: number;
  readonly #parts: string[] = [];

  constructor(bytes: Uint8Array, packetType: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#packetType = packetType;
  }

  run(): string {
    let at = 0;
    let type = this.#packetType & 0xffff;
    if (this.#packetType === ETHERNET) [at, type] = this.#ethernet();
    else this.#parts.push(`packet_type=(${this.#packetType >>> 16},0x${type.toString(16)})`);
    const checksum = this.#network(type, at);
    return this.#parts.join(",") + checksum;
  }

  /** Returns where the next header begins, and its Ethernet type. */
  #ethernet(): [at: number, type: number] {
    const bytes = this.#bytes;
    const whole = bytes.length >= 14;
    const addresses = whole ? bytes : new Uint8Array(14);
    const tags: number[] = [];
    let at = whole ? 12 : bytes.length;
    while (tags.length < 2 && bytes.length - at >= 6 && isVlan(this.#view.getUint16(at))) {
      tags.push(this.#view.getUint16(at + 2) | 0x1000);
      at += 4;
    }
    const [next, type] = whole ? this.#etherType(at) : [at, 0];
    const keyword = this.#keyword(type, next);
    if (keyword !== undefined) this.#parts.push(keyword);
    tags.forEach((tci, i) => {
      this.#parts.push(`dl_vlan${i || ""}=${tci & 0xfff}`, `dl_vlan_pcp${i || ""}=${tci >>> 13}`);
    });
    if (tags.length < 2) this.#parts.push(`vlan_tci${tags.length || ""}=0x0000`);
    this.#parts.push(`dl_src=${formatMac(addresses, 6)}`, `dl_dst=${formatMac(addresses, 0)}`);
    if (keyword === undefined) this.#parts.push(`dl_type=0x${type.toString(16).padStart(4, "0")}`);
    return [next, type];
  }

  /** The type at `at`, or behind a SNAP header. */
  #etherType(at: number): [next: number, type: number] {
    const left = this.#bytes.length - at;
    if (left < 2) return [this.#bytes.length, 0];
    const type = this.#view.getUint16(at);
    if (type >= 0x600) return [at + 2, type];
    const snap = left >= 10 && this.#view.getUint32(at + 2) === 0xaaaa0300 && this.#view.getUint16(at + 6) === 0;
    const inner = snap ? this.#view.getUint16(at + 8) : 0;
    return inner >= 0x600 ? [at + 10, inner] : [at + 2, NOT_ETHERNET_II];
  }

  #keyword(type: number, at: number): string | undefined {
    switch (type) {
      case IPV4:
        return protocolWord(this.#ipv4Header(at)?.protocol ?? 0, "", "ip", ICMP, "icmp");
      case IPV6:
        return protocolWord(this.#ipv6Header(at)?.protocol ?? 0, "6", "ipv6", ICMPV6, "icmp6");
      case ARP:
        return "arp";
      case RARP:
        return "rarp";
      case MPLS:
        return "mpls";
      case MPLS_MULTICAST:
        return "mplsm";
      default:
        return undefined;
    }
  }

  #network(type: number, at: number): string {
    if (type === IPV4) return this.#ipv4(at);
    if (type === IPV6) return this.#ipv6(at);
    if (type === ARP || type === RARP) this.#arp(at);
    else if (type === MPLS || type === MPLS_MULTICAST) this.#mpls(at);
    return "";
  }

  #arp(at: number): void {
    const bytes = this.#bytes;
    const view = this.#view;
    // Ethernet and IPv4 only; an operation above 255 does not fit the field it goes to.
    const whole = bytes.length - at >= 28 && view.getUint32(at) === 0x00010800 && view.getUint16(at + 4) === 0x0604;
    const arp = whole ? bytes.subarray(at, at + 28) : new Uint8Array(28);
    const operation = whole && view.getUint16(at + 6) <= 0xff ? view.getUint16(at + 6) : 0;
    this.#parts.push(`arp_spa=${formatIpv4(arp, 14)}`, `arp_tpa=${formatIpv4(arp, 24)}`, `arp_op=${operation}`);
    this.#parts.push(`arp_sha=${formatMac(arp, 8)}`, `arp_tha=${formatMac(arp, 18)}`);
  }

  #mpls(at: number): void {
    const labels: number[] = [];
    while (labels.length < 3 && this.#bytes.length - at >= 4) {
      const entry = this.#view.getUint32(at);
      labels.push(entry);
      at += 4;
      if ((entry & 0x100) !== 0) break;
    }
    const [first = 0, second, third] = labels;
    this.#parts.push(`mpls_label=${first >>> 12}`, `mpls_tc=${(first >>> 9) & 7}`);
    this.#parts.push(`mpls_ttl=${first & 0xff}`, `mpls_bos=${(first >>> 8) & 1}`);
    if ((first & 0x100) !== 0) return;
    this.#parts.push(`mpls_lse1=${second ?? 0}`);
    if (((second ?? 0) & 0x100) === 0) this.#parts.push(`mpls_lse2=${third ?? 0}`);
  }

  /** `undefined` when there is no whole, plausible header. */
  #ipv4Header(at: number): Transport | undefined {
    const left = this.#bytes.length - at;
    if (left < 20) return undefined;
    const header = ((this.#bytes[at] as number) & 15) * 4;
    const total = this.#view.getUint16(at + 2);
    if (header < 20 || left < header || total > left || header > total) return undefined;
    const later = (this.#view.getUint16(at + 6) & 0x1fff) !== 0;
    return { protocol: this.#bytes[at + 9] as number, at: at + header, end: at + total, later };
  }

  #ipv4(at: number): string {
    const transport = this.#ipv4Header(at);
    const header = transport === undefined ? new Uint8Array(20) : this.#bytes.subarray(at, at + 20);
    this.#parts.push(`nw_src=${formatIpv4(header, 12)}`, `nw_dst=${formatIpv4(header, 16)}`);
    const fragment = (((header[6] as number) << 8) | (header[7] as number)) & 0x3fff;
    const typed = this.#packetType === ETHERNET && [ICMP, TCP, UDP, SCTP].includes(transport?.protocol ?? 0);
    this.#common(transport?.protocol ?? 0, typed, header[1] as number, header[8] as number, fragmentText(fragment));
    return transport === undefined || transport.later ? "" : this.#transport(transport, ICMP);
  }

  #common(protocol: number, typed: boolean, tos: number, ttl: number, fragment: string): void {
    if (!typed) this.#parts.push(`nw_proto=${protocol}`);
    this.#parts.push(`nw_tos=${tos & 0xfc}`, `nw_ecn=${tos & 3}`, `nw_ttl=${ttl}`, `nw_frag=${fragment}`);
  }

  #ipv6Header(at: number): (Transport & { readonly fragment: string }) | undefined {
    const bytes = this.#bytes;
    const left = bytes.length - at;
    if (left < 40) return undefined;
    const length = this.#view.getUint16(at + 4);
    if (length > left - 40) return undefined;
    const end = at + 40 + length;
    let protocol = bytes[at + 6] as number;
    let next = at + 40;
    let fragment = "no";
    while ([0, 43, 44, 51, 60].includes(protocol)) {
      if (end - next < 8) return undefined;
      const own = protocol;
      protocol = bytes[next] as number;
      if (own === 44) {
        const offset = this.#view.getUint16(next + 2);
        if ((offset & 0xfff9) !== 0) fragment = (offset & 0xfff8) !== 0 ? "later" : "first";
        next += 8;
        if (fragment === "later") break;
        continue;
      }
      next += own === 51 ? ((bytes[next + 1] as number) + 2) * 4 : ((bytes[next + 1] as number) + 1) * 8;
      if (next > end) return undefined;
    }
    return { protocol, at: next, end, later: fragment === "later", fragment };
  }

  #ipv6(at: number): string {
    const transport = this.#ipv6Header(at);
    const header = transport === undefined ? new Uint8Array(40) : this.#bytes.subarray(at, at + 40);
    const word = new DataView(header.buffer, header.byteOffset, 40).getUint32(0);
    this.#parts.push(`ipv6_src=${formatIpv6(header, 8)}`, `ipv6_dst=${formatIpv6(header, 24)}`);
    this.#parts.push(`ipv6_label=0x${(word & 0xfffff).toString(16).padStart(5, "0")}`);
    const typed = this.#packetType === ETHERNET && [ICMPV6, TCP, UDP, SCTP].includes(transport?.protocol ?? 0);
    const ttl = header[7] as number;
    this.#common(transport?.protocol ?? 0, typed, (word >>> 20) & 0xff, ttl, transport?.fragment ?? "no");
    return transport === undefined || transport.later ? "" : this.#transport(transport, ICMPV6);
  }

  /** Ports, types and flags; returns the text about the checksum. */
  #transport({ protocol, at, end }: Transport, icmp: number): string {
    const view = this.#view;
    const left = end - at;
    const two = (offset: number, needed: number): number => (left >= needed ? view.getUint16(at + offset) : 0);
    const checksum = (name: string, offset: number, needed: number): string =>
      left >= needed ? ` ${name}_csum:${view.getUint16(at + offset).toString(16)}` : "";
    switch (protocol) {
      case TCP: {
        const flags = two(12, 20) & 0xfff;
        this.#ports(two(0, 20), two(2, 20));
        this.#parts.push(`tcp_flags=${formatFlags(TCP_FLAGS, flags, 0xfff)}`);
        return checksum("tcp", 16, 20);
      }
      case UDP:
        this.#ports(two(0, 8), two(2, 8));
        return checksum("udp", 6, 8);
      case SCTP:
        this.#ports(two(0, 12), two(2, 12));
        return left >= 12 ? ` sctp_csum:${view.getUint32(at + 8).toString(16)}` : "";
      case ICMP:
      case ICMPV6:
        if (protocol !== icmp) {
          this.#ports(0, 0);
          return "";
        }
        this.#icmp(at, end, icmp);
        return icmp === ICMP ? checksum("icmp", 2, 8) : checksum("icmp6", 2, 4);
      case IGMP: {
        const [type, code] = left >= 8 ? [this.#bytes[at] as number, this.#bytes[at + 1] as number] : [0, 0];
        this.#ports(type, code);
        return "";
      }
      default:
        return "";
    }
  }

  #ports(source: number, destination: number): void {
    this.#parts.push(`tp_src=${source}`, `tp_dst=${destination}`);
  }

  #icmp(at: number, end: number, icmp: number): void {
    const whole = end - at >= 8;
    const type = whole ? (this.#bytes[at] as number) : 0;
    const code = whole ? (this.#bytes[at + 1] as number) : 0;
    this.#parts.push(`icmp_type=${type}`, `icmp_code=${code}`);
    if (icmp === ICMPV6 && code === 0 && (type === 135 || type === 136)) this.#neighbourDiscovery(at + 8, end);
  }

  #neighbourDiscovery(at: number, end: number): void {
    const target = end - at >= 16 ? this.#bytes.subarray(at, at + 16) : new Uint8Array(16);
    const hardware: Uint8Array[] = [new Uint8Array(6), new Uint8Array(6)];
    for (let option = at + 16; option + 8 <= end; ) {
      const length = (this.#bytes[option + 1] as number) * 8;
      if (length === 0 || option + length > end) break;
      const type = this.#bytes[option] as number;
      if ((type === 1 || type === 2) && length === 8) hardware[type - 1] = this.#bytes.subarray(option + 2, option + 8);
      option += length;
    }
    this.#parts.push(`nd_target=${formatIpv6(target)}`);
    this.#parts.push(`nd_sll=${formatMac(hardware[0] as Uint8Array)}`, `nd_tll=${formatMac(hardware[1] as Uint8Array)}`);
  }
}

function isVlan(type: number): boolean {
  return type === 0x8100 || type === 0x88a8;
}

function protocolWord(protocol: number, suffix: string, plain: string, icmp: number, icmpWord: string): string {
  if (protocol === icmp) return icmpWord;
  const word = new Map([
    [TCP, "tcp"],
    [UDP, "udp"],
    [SCTP, "sctp"],
  ]).get(protocol);
  return word === undefined ? plain : word + suffix;
}

function fragmentText(fragment: number): string {
  if ((fragment & 0x1fff) !== 0) return "later";
  return (fragment & 0x2000) === 0 ? "no" : "first";
}
