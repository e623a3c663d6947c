import { formatHexBytes } from "../flow/address-text.ts";
import { formatFrag, formatMaskedIpv4, formatMaskedIpv6, formatMaskedMac } from "../flow/field-format.ts";
import { CT_STATE, type FlagNames, formatFlags, TCP_FLAGS, TUN_FLAGS } from "../flow/flag-text.ts";
import type { Match } from "../flow/match.ts";
import { decodeIntoDraft } from "../flow/match-decode.ts";
import { MatchDraft } from "../flow/match-draft.ts";
import { SLOT } from "../flow/match-slots.ts";
import { formatPort } from "../flow/port-text.ts";
import { ETH_TYPE, IP_PROTO } from "../flow/prerequisites.ts";
import type { OpenFlowVersion } from "../flow/version.ts";
import type { PortNames } from "./parse-context.ts";

/** How a match is printed. */
export interface FormatMatchOptions {
  /** Names of ports, printed instead of their numbers. */
  readonly names?: PortNames | undefined;
  /**
   * Print what Open vSwitch leaves out, so that two matches that differ never print alike: `packet_type=(0,0)` where nothing else
   * implies Ethernet, and masks that Open vSwitch takes for exact. Default false. Read it back with the same option.
   */
  readonly showHidden?: boolean | undefined;
  /**
   * The version of the switch, as `ovs-ofctl -O`; default OpenFlow15. OpenFlow 1.0 shows a match on packets without a VLAN tag as
   * `vlan_tci=0x0000`, later versions, which know no priority bits without a tag, as `vlan_tci=0x0000/0x1fff`.
   */
  readonly version?: OpenFlowVersion | undefined;
}

const DEFAULT_PRIORITY = 0x8000;

const draft = /* @__PURE__ */ new MatchDraft();

/**
 * A match as Open vSwitch prints it: `tcp,nw_dst=10.0.0.0/8,tp_dst=80`; empty for a match that lets everything through. With
 * `priority`, other than 32768, that comes first.
 */
export function formatMatch(match: Match, options: FormatMatchOptions & { readonly priority?: number | undefined } = {}): string {
  const text = new MatchText(options);
  const priority = options.priority ?? DEFAULT_PRIORITY;
  if (priority !== DEFAULT_PRIORITY) text.add("priority", String(priority));
  const { bytes } = match;
  if (bytes.length > 0) {
    draft.clear();
    decodeIntoDraft(bytes, 0, bytes.length, draft, { strict: false });
    text.match();
  }
  return text.text;
}

// Prints the shared draft, in the order of Open vSwitch's match_format().
class MatchText {
  text = "";
  readonly #names: PortNames | undefined;
  readonly #showHidden: boolean;
  readonly #untaggedMask: number;

  constructor(options: FormatMatchOptions) {
    this.#names = options.names;
    this.#showHidden = options.showHidden ?? false;
    this.#untaggedMask = options.version === "OpenFlow10" ? 0x1fff : 0xffff;
  }

  add(name: string, value: string): void {
    this.text += this.text === "" ? `${name}=${value}` : `,${name}=${value}`;
  }

  #word(word: string): void {
    this.text += this.text === "" ? word : `,${word}`;
  }

  match(): void {
    this.#hex32("pkt_mark", SLOT.pkt_mark);
    this.#hex32("recirc_id", SLOT.recirc_id);
    this.#hex32("dp_hash", SLOT.dp_hash);
    if (draft.touches(SLOT.conj_id, 4)) this.add("conj_id", String(draft.number(SLOT.conj_id, 4)));
    if (draft.touches(SLOT.actset_output, 2)) this.#port("actset_output", SLOT.actset_output);
    this.#connection();
    const ethType = this.#packetType();
    const [typed, protocolled] = this.#protocol(ethType);
    for (let i = 0; i < 16; i++) this.#hex32(`reg${i}`, SLOT.regs + 4 * i);
    this.#tunnel();
    this.#hex64("metadata", SLOT.metadata);
    if (draft.touches(SLOT.in_port, 2)) this.#port("in_port", SLOT.in_port);
    this.#vlan();
    this.#mac("dl_src", SLOT.eth_src);
    this.#mac("dl_dst", SLOT.eth_dst);
    if (!typed && draft.touches(SLOT.eth_type, 2)) this.add("dl_type", `0x${ethType.toString(16).padStart(4, "0")}`);
    this.#network(ethType, protocolled);
    this.#mpls();
    this.#fragment();
    this.#transport(ethType);
  }

  #value(slot: number, bytes: number): Uint8Array {
    return draft.value.subarray(slot, slot + bytes);
  }

  // The mask, or undefined when it is all ones.
  #mask(slot: number, bytes: number): Uint8Array | undefined {
    const mask = draft.mask.subarray(slot, slot + bytes);
    for (let i = 0; i < bytes; i++) if (mask[i] !== 0xff) return mask;
    return undefined;
  }

  #hex32(name: string, slot: number): void {
    if (!draft.touches(slot, 4)) return;
    const value = hex(draft.number(slot, 4));
    const mask = draft.maskNumber(slot, 4);
    this.add(name, mask === 0xffff_ffff ? value : `${value}/${hex(mask)}`);
  }

  #hex64(name: string, slot: number): void {
    if (!draft.touches(slot, 8)) return;
    const value = formatHexBytes(this.#value(slot, 8), 8);
    const mask = this.#mask(slot, 8);
    this.add(name, mask === undefined ? value : `${value}/${formatHexBytes(mask, 8)}`);
  }

  // Decimal when exact, hexadecimal under a mask.
  #decimal16(name: string, slot: number): void {
    if (!draft.touches(slot, 2)) return;
    const value = draft.number(slot, 2);
    const mask = draft.maskNumber(slot, 2);
    this.add(name, mask === 0xffff ? String(value) : `0x${value.toString(16)}/0x${mask.toString(16)}`);
  }

  #decimal8(name: string, value: number, mask: number): void {
    if (mask === 0) return;
    this.add(name, mask === 0xff ? String(value) : `0x${byteHex(value)}/0x${byteHex(mask)}`);
  }

  #mac(name: string, slot: number): void {
    if (draft.touches(slot, 6)) this.add(name, formatMaskedMac(this.#value(slot, 6), this.#mask(slot, 6)));
  }

  #ipv4(name: string, slot: number): void {
    if (draft.touches(slot, 4)) this.add(name, formatMaskedIpv4(this.#value(slot, 4), this.#mask(slot, 4)));
  }

  #ipv6(name: string, slot: number): void {
    if (draft.touches(slot, 16)) this.add(name, formatMaskedIpv6(this.#value(slot, 16), this.#mask(slot, 16)));
  }

  #port(name: string, slot: number): void {
    this.add(name, formatPort(draft.number(slot, 2), this.#names));
  }

  #connection(): void {
    const stateMask = draft.maskNumber(SLOT.ct_state, 4);
    if (stateMask !== 0) {
      this.add(
        "ct_state",
        formatFlags(CT_STATE, draft.number(SLOT.ct_state, 4), stateMask === 0xff ? CT_STATE.exact : stateMask),
      );
    }
    this.#decimal16("ct_zone", SLOT.ct_zone);
    this.#hex32("ct_mark", SLOT.ct_mark);
    if (draft.touches(SLOT.ct_label, 16)) {
      const mask = this.#mask(SLOT.ct_label, 16);
      const value = formatHexBytes(this.#value(SLOT.ct_label, 16), 16);
      this.add("ct_label", mask === undefined ? value : `${value}/${formatHexBytes(mask, 16)}`);
    }
    this.#ipv4("ct_nw_src", SLOT.ct_nw_src);
    this.#ipv6("ct_ipv6_src", SLOT.ct_ipv6_src);
    this.#ipv4("ct_nw_dst", SLOT.ct_nw_dst);
    this.#ipv6("ct_ipv6_dst", SLOT.ct_ipv6_dst);
    if (draft.touches(SLOT.ct_nw_proto, 1)) {
      this.add("ct_nw_proto", String(draft.number(SLOT.ct_nw_proto, 1)));
      this.#decimal16("ct_tp_src", SLOT.ct_tp_src);
      this.#decimal16("ct_tp_dst", SLOT.ct_tp_dst);
    }
  }

  // Prints the packet type and returns the Ethernet type that goes with it.
  #packetType(): number {
    const ethType = draft.number(SLOT.eth_type, 2);
    if (!draft.touches(SLOT.packet_type, 4)) return ethType;
    const packetType = draft.number(SLOT.packet_type, 4);
    const namespace = packetType >>> 16;
    const type = packetType & 0xffff;
    if (draft.matchesEthernet) {
      if (this.#showHidden && isBare()) this.add("packet_type", "(0,0)");
      else if (draft.touches(SLOT.recirc_id, 4)) this.#word("eth");
      return ethType;
    }
    this.add("packet_type", `(${small(namespace)},${small(type)})`);
    return namespace === 1 ? type : ethType;
  }

  // Prints the protocol keyword; says whether that covers the Ethernet type and the IP protocol.
  #protocol(ethType: number): readonly [typed: boolean, protocolled: boolean] {
    if (!draft.touches(SLOT.eth_type, 2)) return [false, false];
    const base = KEYWORDS[ethType];
    if (base === undefined) return [false, false];
    const ip = ethType === ETH_TYPE.ip || ethType === ETH_TYPE.ipv6;
    if (ip && draft.touches(SLOT.nw_proto, 1)) {
      const word = transportWord(ethType, draft.number(SLOT.nw_proto, 1));
      this.#word(word ?? base);
      return [true, word !== undefined];
    }
    this.#word(base);
    return [true, false];
  }

  #tunnel(): void {
    this.#hex64("tun_id", SLOT.tun_id);
    this.#ipv4("tun_src", SLOT.tun_src);
    this.#ipv4("tun_dst", SLOT.tun_dst);
    this.#ipv6("tun_ipv6_src", SLOT.tun_ipv6_src);
    this.#ipv6("tun_ipv6_dst", SLOT.tun_ipv6_dst);
    this.#decimal16("tun_gbp_id", SLOT.tun_gbp_id);
    this.#tunnelByte("tun_gbp_flags", SLOT.tun_gbp_flags, true);
    const version = draft.number(SLOT.tun_erspan_ver, 1);
    this.#tunnelByte("tun_erspan_ver", SLOT.tun_erspan_ver, false);
    if (draft.touches(SLOT.tun_erspan_idx, 4) && (version === 1 || this.#showHidden)) {
      const mask = draft.maskNumber(SLOT.tun_erspan_idx, 4);
      const value = hex(draft.number(SLOT.tun_erspan_idx, 4));
      this.add("tun_erspan_idx", this.#showHidden && mask !== 0xffff_ffff ? `${value}/${hex(mask)}` : value);
    }
    if (version === 2 || this.#showHidden) {
      this.#tunnelByte("tun_erspan_dir", SLOT.tun_erspan_dir, false);
      this.#tunnelByte("tun_erspan_hwid", SLOT.tun_erspan_hwid, true);
    }
    this.#tunnelByte("gtpu_flags", SLOT.tun_gtpu_flags, true);
    this.#tunnelByte("gtpu_msgtype", SLOT.tun_gtpu_msgtype, false);
    if (draft.touches(SLOT.tun_flags, 2)) {
      // Never as an exact value: Open vSwitch counts flags here that cannot be matched.
      this.add("tun_flags", formatFlags(MATCHED_TUN_FLAGS, draft.number(SLOT.tun_flags, 2), draft.maskNumber(SLOT.tun_flags, 2)));
    }
    if (draft.hasTunMetadata) this.#tunMetadata();
  }

  #tunnelByte(name: string, slot: number, hexadecimal: boolean): void {
    if (!draft.touches(slot, 1)) return;
    const value = draft.number(slot, 1);
    const mask = draft.maskNumber(slot, 1);
    const text = hexadecimal ? hex(value) : String(value);
    const full = mask === 0xff || slot !== SLOT.tun_gbp_flags;
    this.add(name, this.#showHidden && !full ? `${text}/${hex(mask)}` : text);
  }

  #tunMetadata(): void {
    for (let i = 0; i < 64; i++) {
      const entry = draft.tunMetadata(i);
      if (entry === undefined) continue;
      const { value, mask, masked } = entry;
      const name = `tun_metadata${i}`;
      if (masked && mask.every((byte) => byte === 0)) {
        this.#word(name);
        continue;
      }
      const exact = this.#showHidden ? !masked : mask.every((byte) => byte === 0xff);
      const text = formatHexBytes(value, value.length);
      this.add(name, exact ? text : `${text}/${formatHexBytes(mask, mask.length)}`);
    }
  }

  #vlan(): void {
    const mask = draft.maskNumber(SLOT.vlan_tci, 2);
    if (mask === 0) return;
    const tci = draft.number(SLOT.vlan_tci, 2);
    const vid = mask & 0x0fff;
    const pcp = mask & 0xe000;
    const tagged = (mask & 0x1000) !== 0 && (tci & 0x1000) !== 0;
    if (tagged && (vid === 0 || vid === 0x0fff) && (pcp === 0 || pcp === 0xe000) && (vid !== 0 || pcp !== 0)) {
      if (vid !== 0) this.add("dl_vlan", String(tci & 0x0fff));
      if (pcp !== 0) this.add("dl_vlan_pcp", String(tci >>> 13));
      return;
    }
    const text = `0x${tci.toString(16).padStart(4, "0")}`;
    const exact = mask === 0xffff || (tci === 0 && mask === this.#untaggedMask);
    this.add("vlan_tci", exact ? text : `${text}/0x${mask.toString(16).padStart(4, "0")}`);
  }

  #network(ethType: number, protocolled: boolean): void {
    const arp = ethType === ETH_TYPE.arp || ethType === ETH_TYPE.rarp;
    if (ethType === ETH_TYPE.ipv6) {
      this.#ipv6("ipv6_src", SLOT.ipv6_src);
      this.#ipv6("ipv6_dst", SLOT.ipv6_dst);
      this.#label();
    } else if (arp) {
      this.#ipv4("arp_spa", SLOT.nw_src);
      this.#ipv4("arp_tpa", SLOT.nw_dst);
    } else if (ethType === ETH_TYPE.nsh) this.#nsh();
    else {
      this.#ipv4("nw_src", SLOT.nw_src);
      this.#ipv4("nw_dst", SLOT.nw_dst);
    }
    if (ethType !== ETH_TYPE.nsh && this.#showHidden) this.#nsh();
    if (!protocolled && draft.touches(SLOT.nw_proto, 1)) {
      this.add(arp ? "arp_op" : "nw_proto", String(draft.number(SLOT.nw_proto, 1)));
    }
    if (arp) {
      this.#mac("arp_sha", SLOT.arp_sha);
      this.#mac("arp_tha", SLOT.arp_tha);
    }
    const tosMask = draft.maskNumber(SLOT.nw_tos, 1);
    if ((tosMask & 0xfc) !== 0) this.add("nw_tos", String(draft.number(SLOT.nw_tos, 1) & 0xfc));
    if ((tosMask & 0x03) !== 0) this.add("nw_ecn", String(draft.number(SLOT.nw_tos, 1) & 0x03));
    if (draft.touches(SLOT.nw_ttl, 1)) this.add("nw_ttl", String(draft.number(SLOT.nw_ttl, 1)));
  }

  #label(): void {
    if (!draft.touches(SLOT.ipv6_label, 4)) return;
    const value = draft.number(SLOT.ipv6_label, 4).toString(16).padStart(5, "0");
    const mask = draft.maskNumber(SLOT.ipv6_label, 4);
    this.add("ipv6_label", mask === 0xffff_ffff ? `0x${value}` : `0x${value}/0x${mask.toString(16).padStart(5, "0")}`);
  }

  #nsh(): void {
    const byte = (name: string, slot: number): void => this.#decimal8(name, draft.number(slot, 1), draft.maskNumber(slot, 1));
    byte("nsh_flags", SLOT.nsh_flags);
    byte("nsh_ttl", SLOT.nsh_ttl);
    byte("nsh_mdtype", SLOT.nsh_mdtype);
    byte("nsh_np", SLOT.nsh_np);
    const path = draft.number(SLOT.nsh_path, 4);
    if ((draft.maskNumber(SLOT.nsh_path, 4) & 0xffffff00) !== 0) this.add("nsh_spi", `0x${(path >>> 8).toString(16)}`);
    this.#decimal8("nsh_si", path & 0xff, draft.maskNumber(SLOT.nsh_path, 4) & 0xff);
    const fixedContext = draft.maskNumber(SLOT.nsh_mdtype, 1) === 0xff && draft.number(SLOT.nsh_mdtype, 1) === 1;
    if (!fixedContext && !this.#showHidden) return;
    for (let i = 0; i < 4; i++) {
      const slot = SLOT.nsh_context + 4 * i;
      if (!draft.touches(slot, 4)) continue;
      const value = `0x${draft.number(slot, 4).toString(16)}`;
      const mask = draft.maskNumber(slot, 4);
      this.add(`nsh_c${i + 1}`, mask === 0xffff_ffff ? value : `${value}/0x${mask.toString(16)}`);
    }
  }

  #mpls(): void {
    const mask = draft.maskNumber(SLOT.mpls_lse, 4);
    if (mask === 0) return;
    const lse = draft.number(SLOT.mpls_lse, 4);
    if ((mask & 0xfffff000) !== 0) this.add("mpls_label", String(lse >>> 12));
    if ((mask & 0xe00) !== 0) this.add("mpls_tc", String((lse >>> 9) & 7));
    if ((mask & 0xff) !== 0) this.add("mpls_ttl", String(lse & 0xff));
    if ((mask & 0x100) !== 0) this.add("mpls_bos", String((lse >>> 8) & 1));
  }

  #fragment(): void {
    const mask = draft.maskNumber(SLOT.nw_frag, 1);
    if (mask !== 0) this.add("nw_frag", formatFrag(draft.number(SLOT.nw_frag, 1), mask));
  }

  #transport(ethType: number): void {
    const protocol = draft.number(SLOT.nw_proto, 1);
    if (ethType === ETH_TYPE.ip && protocol === IP_PROTO.icmp) {
      this.#decimal16("icmp_type", SLOT.tp_src);
      this.#decimal16("icmp_code", SLOT.tp_dst);
    } else if (ethType === ETH_TYPE.ipv6 && protocol === IP_PROTO.icmpv6) {
      this.#decimal16("icmp_type", SLOT.tp_src);
      this.#decimal16("icmp_code", SLOT.tp_dst);
      this.#ipv6("nd_target", SLOT.nd_target);
      this.#mac("nd_sll", SLOT.arp_sha);
      this.#mac("nd_tll", SLOT.arp_tha);
      if (draft.touches(SLOT.nd_reserved, 4)) this.add("nd_reserved", String(draft.number(SLOT.nd_reserved, 4)));
      this.#decimal16("nd_options_type", SLOT.tcp_flags);
    } else {
      this.#decimal16("tp_src", SLOT.tp_src);
      this.#decimal16("tp_dst", SLOT.tp_dst);
    }
    const mask = draft.maskNumber(SLOT.tcp_flags, 2);
    const ip = draft.ethType === ETH_TYPE.ip || draft.ethType === ETH_TYPE.ipv6;
    if (ip && protocol === IP_PROTO.tcp && mask !== 0) {
      const text = formatFlags(TCP_FLAGS, draft.number(SLOT.tcp_flags, 2), mask & TCP_FLAGS.exact);
      const hidden = this.#showHidden && mask !== 0xffff && (mask & TCP_FLAGS.exact) === TCP_FLAGS.exact;
      this.add("tcp_flags", hidden ? `${hex(draft.number(SLOT.tcp_flags, 2))}/0xfff` : text);
    }
  }
}

const MATCHED_TUN_FLAGS: FlagNames = { ...TUN_FLAGS, exact: 0xf };

const KEYWORDS: Readonly<Record<number, string>> = {
  [ETH_TYPE.ip]: "ip",
  [ETH_TYPE.ipv6]: "ipv6",
  [ETH_TYPE.arp]: "arp",
  [ETH_TYPE.rarp]: "rarp",
  [ETH_TYPE.mpls]: "mpls",
  [ETH_TYPE.mplsMulticast]: "mplsm",
};

function transportWord(ethType: number, protocol: number): string | undefined {
  const six = ethType === ETH_TYPE.ipv6 ? "6" : "";
  switch (protocol) {
    case IP_PROTO.tcp:
      return `tcp${six}`;
    case IP_PROTO.udp:
      return `udp${six}`;
    case IP_PROTO.sctp:
      return `sctp${six}`;
    case IP_PROTO.icmp:
      return six === "" ? "icmp" : undefined;
    case IP_PROTO.icmpv6:
      return six === "" ? undefined : "icmp6";
    default:
      return undefined;
  }
}

// Does nothing but the packet type say "Ethernet"?
function isBare(): boolean {
  return IMPLYING.every(([slot, bytes]) => !draft.touches(slot, bytes));
}

// Slots of fields that only Ethernet packets have; whatever needs an Ethernet type is covered by that.
const IMPLYING: readonly (readonly [slot: number, bytes: number])[] = [
  [SLOT.eth_src, 6],
  [SLOT.eth_dst, 6],
  [SLOT.eth_type, 2],
  [SLOT.vlan_tci, 2],
  [SLOT.ct_nw_src, 4],
  [SLOT.ct_nw_dst, 4],
  [SLOT.ct_ipv6_src, 16],
  [SLOT.ct_ipv6_dst, 16],
  [SLOT.ct_nw_proto, 1],
];

function hex(value: number): string {
  return value === 0 ? "0" : `0x${value.toString(16)}`;
}

function byteHex(value: number): string {
  return value.toString(16).padStart(2, "0");
}

function small(value: number): string {
  return value > 9 ? `0x${value.toString(16)}` : String(value);
}
