import type { ByteWriter } from "../bytes.ts";
import { type Field, field } from "./fields.ts";
import type { MatchDraft } from "./match-draft.ts";
import { SLOT, slotOf } from "./match-slots.ts";
import { type OxmVersion, putOxmHeader } from "./oxm.ts";
import { portToOf11 } from "./ports.ts";
import { ETH_TYPE, IP_PROTO, ND_ADVERT, ND_SOLICIT, neighbourDiscovery } from "./prerequisites.ts";

interface PlainField {
  readonly field: Field;
  readonly offset: number;
}

/** Fields that stand one behind the other; looked up when a match is first written, not when this file is loaded. */
class Run {
  readonly #names: string;
  #fields: readonly PlainField[] | undefined;

  constructor(names: string) {
    this.#names = names;
  }

  get fields(): readonly PlainField[] {
    this.#fields ??= this.#names.split(" ").map((name) => {
      const found = field(name);
      return { field: found, offset: slotOf(found).offset };
    });
    return this.#fields;
  }
}

const numbered = (name: string, count: number): string => Array.from({ length: count }, (_, i) => name + i).join(" ");

// Runs of fields that are written byte for byte, in the order in which Open vSwitch writes them.
const ETHERNET = /* @__PURE__ */ new Run("eth_src eth_dst eth_type");
const IPV4 = /* @__PURE__ */ new Run("ip_src ip_dst");
const IPV6 = /* @__PURE__ */ new Run("ipv6_src ipv6_dst");
const IPV6_LABEL = /* @__PURE__ */ new Run("ipv6_label");
const TCP = /* @__PURE__ */ new Run("tcp_src tcp_dst tcp_flags");
const UDP = /* @__PURE__ */ new Run("udp_src udp_dst");
const SCTP = /* @__PURE__ */ new Run("sctp_src sctp_dst");
const ND_TARGET = /* @__PURE__ */ new Run("nd_target");
const ND_SLL = /* @__PURE__ */ new Run("nd_sll");
const ND_TLL = /* @__PURE__ */ new Run("nd_tll");
const ARP = /* @__PURE__ */ new Run("arp_spa arp_tpa arp_sha arp_tha");
const TUNNEL = /* @__PURE__ */ new Run("tun_id tun_flags tun_src tun_dst tun_ipv6_src tun_ipv6_dst tun_gbp_id tun_gbp_flags");
const TUNNEL_REST = /* @__PURE__ */ new Run(
  "tun_erspan_idx tun_erspan_ver tun_erspan_dir tun_erspan_hwid tun_gtpu_flags tun_gtpu_msgtype nsh_flags nsh_ttl nsh_mdtype nsh_np",
);
const NSH_CONTEXT = /* @__PURE__ */ new Run("nsh_c1 nsh_c2 nsh_c3 nsh_c4");
const REGS = /* @__PURE__ */ new Run(numbered("reg", 16));
const XREGS = /* @__PURE__ */ new Run(numbered("xreg", 8));
const CONNECTION = /* @__PURE__ */ new Run(
  "pkt_mark ct_state ct_zone ct_mark ct_label ct_nw_src ct_ipv6_src ct_nw_dst ct_ipv6_dst",
);
const CONNECTION_L4 = /* @__PURE__ */ new Run("ct_nw_proto ct_tp_src ct_tp_dst");
const METADATA = /* @__PURE__ */ new Run("metadata");
const TUN_METADATA_FIELDS = 64;

const F = {
  packetType: /* @__PURE__ */ field("packet_type"),
  dpHash: /* @__PURE__ */ field("dp_hash"),
  recircId: /* @__PURE__ */ field("recirc_id"),
  conjId: /* @__PURE__ */ field("conj_id"),
  inPort: /* @__PURE__ */ field("in_port"),
  inPortOxm: /* @__PURE__ */ field("in_port_oxm"),
  actsetOutput: /* @__PURE__ */ field("actset_output"),
  vlanTci: /* @__PURE__ */ field("vlan_tci"),
  vlanVid: /* @__PURE__ */ field("vlan_vid"),
  vlanPcp: /* @__PURE__ */ field("vlan_pcp"),
  mplsLabel: /* @__PURE__ */ field("mpls_label"),
  mplsTc: /* @__PURE__ */ field("mpls_tc"),
  mplsBos: /* @__PURE__ */ field("mpls_bos"),
  mplsTtl: /* @__PURE__ */ field("mpls_ttl"),
  ipFrag: /* @__PURE__ */ field("ip_frag"),
  nwTos: /* @__PURE__ */ field("nw_tos"),
  ipDscp: /* @__PURE__ */ field("ip_dscp"),
  nwEcn: /* @__PURE__ */ field("nw_ecn"),
  nwTtl: /* @__PURE__ */ field("nw_ttl"),
  nwProto: /* @__PURE__ */ field("nw_proto"),
  icmpType: /* @__PURE__ */ field("icmp_type"),
  icmpCode: /* @__PURE__ */ field("icmp_code"),
  icmpv6Type: /* @__PURE__ */ field("icmpv6_type"),
  icmpv6Code: /* @__PURE__ */ field("icmpv6_code"),
  ndReserved: /* @__PURE__ */ field("nd_reserved"),
  ndOptionsType: /* @__PURE__ */ field("nd_options_type"),
  arpOp: /* @__PURE__ */ field("arp_op"),
  nshSpi: /* @__PURE__ */ field("nsh_spi"),
  nshSi: /* @__PURE__ */ field("nsh_si"),
} as const;

/**
 * Appends a draft as OXM TLVs of this version (0 = NXM), in the order and with the headers of Open vSwitch 3.1. What the encoding
 * cannot say, or what lacks its prerequisite at layers 3 and 4, is left out, as Open vSwitch leaves it out.
 */
export function encodeDraft(draft: MatchDraft, version: OxmVersion, w: ByteWriter): void {
  new DraftEncoder(draft, version, w).run();
}

class DraftEncoder {
  readonly #draft: MatchDraft;
  readonly #version: OxmVersion;
  readonly #w: ByteWriter;
  // A field that only Ethernet packets have was written, so that "Ethernet" need not be said.
  #impliesEthernet = false;

  constructor(draft: MatchDraft, version: OxmVersion, w: ByteWriter) {
    this.#draft = draft;
    this.#version = version;
    this.#w = w;
  }

  run(): void {
    const draft = this.#draft;
    const start = this.#w.length;
    if (!draft.matchesEthernet) this.#masked(F.packetType, SLOT.packet_type);
    this.#masked(F.dpHash, SLOT.dp_hash);
    this.#masked(F.recircId, SLOT.recirc_id);
    this.#masked(F.conjId, SLOT.conj_id);
    this.#ports();
    this.#run(ETHERNET);
    this.#vlan();
    const ethType = draft.ethType;
    if (ethType === ETH_TYPE.mpls || ethType === ETH_TYPE.mplsMulticast) this.#mpls();
    if (ethType === ETH_TYPE.ip || ethType === ETH_TYPE.ipv6) this.#ip(ethType);
    else if (ethType === ETH_TYPE.arp || ethType === ETH_TYPE.rarp) this.#arp();
    this.#run(TUNNEL);
    if (draft.hasTunMetadata) this.#tunMetadata();
    this.#run(TUNNEL_REST);
    this.#nshPath();
    this.#run(NSH_CONTEXT);
    this.#run(this.#version < 6 ? REGS : XREGS);
    this.#run(CONNECTION);
    if (draft.number(SLOT.ct_nw_proto, 1) !== 0) this.#run(CONNECTION_L4);
    this.#run(METADATA);
    if (draft.matchesEthernet && !this.#impliesEthernet) this.#prependPacketType(start);
  }

  #prependPacketType(start: number): void {
    const w = this.#w;
    const bytes = w.length - start;
    putOxmHeader(w, F.packetType, this.#version, false);
    w.reserve(4);
    const added = w.length - start - bytes;
    const entry = w.buffer.slice(start + bytes, w.length);
    w.buffer.copyWithin(start + added, start, start + bytes);
    w.buffer.set(entry, start);
  }

  #run(run: Run): void {
    for (const { field: plainField, offset } of run.fields) this.#masked(plainField, offset);
  }

  // Writes a slot byte for byte, without a mask when that is all ones, not at all when it is all zeros.
  #masked(target: Field, offset: number): void {
    const { value, mask } = this.#draft;
    const end = offset + target.bytes;
    let any = 0;
    let all = 0xff;
    for (let i = offset; i < end; i++) {
      const m = mask[i] as number;
      any |= m;
      all &= m;
    }
    if (any === 0) return;
    this.#header(target, all !== 0xff, target.bytes);
    this.#w.bytes(value, offset, end);
    if (all !== 0xff) this.#w.bytes(mask, offset, end);
  }

  #header(target: Field, masked: boolean, bytes: number): void {
    putOxmHeader(this.#w, target, this.#version, masked, bytes);
    if (target.prerequisite !== "none") this.#impliesEthernet = true;
  }

  #exact8(target: Field, value: number): void {
    this.#header(target, false, 1);
    this.#w.u8(value);
  }

  #exact16(target: Field, value: number): void {
    this.#header(target, false, 2);
    this.#w.u16(value);
  }

  #exact32(target: Field, value: number): void {
    this.#header(target, false, 4);
    this.#w.u32(value);
  }

  #ports(): void {
    const draft = this.#draft;
    if (draft.touches(SLOT.in_port, 2)) {
      const port = draft.number(SLOT.in_port, 2);
      if (this.#version === 0) this.#exact16(F.inPort, port);
      else this.#exact32(F.inPortOxm, portToOf11(port));
    }
    if (draft.touches(SLOT.actset_output, 2)) {
      this.#exact32(F.actsetOutput, portToOf11(draft.number(SLOT.actset_output, 2)));
    }
  }

  #vlan(): void {
    const draft = this.#draft;
    if (this.#version === 0) {
      this.#masked(F.vlanTci, SLOT.vlan_tci);
      return;
    }
    const tci = draft.number(SLOT.vlan_tci, 2);
    const tciMask = draft.maskNumber(SLOT.vlan_tci, 2);
    const vid = tci & 0x1fff;
    const mask = tciMask & 0x1fff;
    if (mask === 0x1fff) this.#exact16(F.vlanVid, vid);
    else if (mask !== 0) {
      this.#header(F.vlanVid, true, 2);
      this.#w.u16(vid);
      this.#w.u16(mask);
    }
    if (vid !== 0 && (tciMask & 0xe000) !== 0) this.#exact8(F.vlanPcp, tci >>> 13);
  }

  #mpls(): void {
    const lse = this.#draft.number(SLOT.mpls_lse, 4);
    const mask = this.#draft.maskNumber(SLOT.mpls_lse, 4);
    if ((mask & 0xe00) !== 0) this.#exact8(F.mplsTc, (lse >>> 9) & 7);
    if ((mask & 0x100) !== 0) this.#exact8(F.mplsBos, (lse >>> 8) & 1);
    if ((mask & 0xff) !== 0) this.#exact8(F.mplsTtl, lse & 0xff);
    if ((mask & 0xfffff000) !== 0) this.#exact32(F.mplsLabel, lse >>> 12);
  }

  #ip(ethType: number): void {
    const draft = this.#draft;
    this.#run(ethType === ETH_TYPE.ip ? IPV4 : IPV6);
    const frag = draft.maskNumber(SLOT.nw_frag, 1) & 3;
    if (frag === 3) this.#exact8(F.ipFrag, draft.number(SLOT.nw_frag, 1));
    else if (frag !== 0) {
      this.#header(F.ipFrag, true, 1);
      this.#w.u8(draft.number(SLOT.nw_frag, 1));
      this.#w.u8(frag);
    }
    const tos = draft.number(SLOT.nw_tos, 1);
    const tosMask = draft.maskNumber(SLOT.nw_tos, 1);
    if ((tosMask & 0xfc) !== 0) {
      if (this.#version === 0) this.#exact8(F.nwTos, tos & 0xfc);
      else this.#exact8(F.ipDscp, tos >>> 2);
    }
    if ((tosMask & 3) !== 0) this.#exact8(F.nwEcn, tos & 3);
    this.#masked(F.nwTtl, SLOT.nw_ttl);
    this.#run(IPV6_LABEL);
    if (draft.maskNumber(SLOT.nw_proto, 1) === 0) return;
    const protocol = draft.number(SLOT.nw_proto, 1);
    this.#exact8(F.nwProto, protocol);
    if (protocol === IP_PROTO.tcp) this.#run(TCP);
    else if (protocol === IP_PROTO.udp) this.#run(UDP);
    else if (protocol === IP_PROTO.sctp) this.#run(SCTP);
    else if (protocol === IP_PROTO.icmp && ethType === ETH_TYPE.ip) this.#icmp(F.icmpType, F.icmpCode);
    else if (protocol === IP_PROTO.icmpv6 && ethType === ETH_TYPE.ipv6) {
      this.#icmp(F.icmpv6Type, F.icmpv6Code);
      this.#neighbourDiscovery();
    }
  }

  #icmp(type: Field, code: Field): void {
    const draft = this.#draft;
    if (draft.touches(SLOT.tp_src, 2)) this.#exact8(type, draft.number(SLOT.tp_src, 2) & 0xff);
    if (draft.touches(SLOT.tp_dst, 2)) this.#exact8(code, draft.number(SLOT.tp_dst, 2) & 0xff);
  }

  #neighbourDiscovery(): void {
    const draft = this.#draft;
    const type = neighbourDiscovery(draft);
    if (type === 0) return;
    if (draft.touches(SLOT.nd_reserved, 4)) this.#exact32(F.ndReserved, draft.number(SLOT.nd_reserved, 4));
    this.#run(ND_TARGET);
    if (draft.touches(SLOT.tcp_flags, 2)) this.#exact8(F.ndOptionsType, draft.number(SLOT.tcp_flags, 2) & 0xff);
    if (type === ND_SOLICIT) this.#run(ND_SLL);
    if (type === ND_ADVERT) this.#run(ND_TLL);
  }

  #arp(): void {
    const draft = this.#draft;
    if (draft.touches(SLOT.nw_proto, 1)) this.#exact16(F.arpOp, draft.number(SLOT.nw_proto, 1));
    this.#run(ARP);
  }

  #tunMetadata(): void {
    for (let i = 0; i < TUN_METADATA_FIELDS; i++) {
      const entry = this.#draft.tunMetadata(i);
      if (entry === undefined) continue;
      this.#header(field(`tun_metadata${i}`), entry.masked, entry.value.length);
      this.#w.bytes(entry.value);
      if (entry.masked) this.#w.bytes(entry.mask);
    }
  }

  #nshPath(): void {
    const path = this.#draft.number(SLOT.nsh_path, 4);
    const mask = this.#draft.maskNumber(SLOT.nsh_path, 4);
    if ((mask & 0xffffff00) !== 0) this.#exact32(F.nshSpi, path >>> 8);
    if ((mask & 0xff) !== 0) this.#exact8(F.nshSi, path & 0xff);
  }
}
