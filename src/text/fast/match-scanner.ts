import type { Cursor } from "./cursor.ts";
import { NAME_HASH_START, NameTable, nameHash } from "./name-table.ts";

/**
 * The match half of the fast road: reads the comma or blank separated part of a line in front of `actions=` straight into
 * canonical match bytes and numbers.
 *
 * It knows the fields that make up nearly all of real tables, with values that need no correction; for everything else
 * (a rare field, a mask that drops bits, a missing prerequisite, a field given twice) `scan` returns false and the careful
 * road decides. What it accepts, it turns into the very bytes of the careful road: `test/text/fast-road.test.ts` compares
 * both over every vector and every flow set.
 */

// One slot per field, numbered in the order in which Open vSwitch writes the fields (nx_put_raw, lib/nx-match.c).
const CONJ_ID = 0;
const IN_PORT = 1;
const ETH_SRC = 2;
const ETH_DST = 3;
const ETH_TYPE = 4;
const VLAN_VID = 5;
const IPV4_SRC = 6;
const IPV4_DST = 7;
const IPV6_SRC = 8;
const IPV6_DST = 9;
const IP_FRAG = 10;
const IP_DSCP = 11;
const IP_TTL = 12;
const IP_PROTO = 13;
const TP_SRC = 14;
const TP_DST = 15;
const ICMP_TYPE = 16;
const ICMP_CODE = 17;
const ND_TARGET = 18;
const ND_SLL = 19;
const ND_TLL = 20;
const ARP_OP = 21;
const ARP_SPA = 22;
const ARP_TPA = 23;
const ARP_SHA = 24;
const ARP_THA = 25;
const TUN_ID = 26;
const TUN_SRC = 27;
const TUN_DST = 28;
/** `xreg0..7` in eight slots; the registers are kept apart and folded in when the bytes are written. */
const XREG = 29;
const PKT_MARK = 37;
const CT_STATE = 38;
const CT_ZONE = 39;
const CT_MARK = 40;
const CT_LABEL = 41;
const METADATA = 42;
const SLOTS = 43;

/** OXM header without mask, and bytes of the value, per slot. Of the transport ports and ICMP the header depends on the protocol. */
const HEADER = new Int32Array(SLOTS);
const WIDTH = new Uint8Array(SLOTS);
for (const [slot, header] of [
  [CONJ_ID, 0x00014a04],
  [IN_PORT, 0x80000004],
  [ETH_SRC, 0x80000806],
  [ETH_DST, 0x80000606],
  [ETH_TYPE, 0x80000a02],
  [VLAN_VID, 0x80000c02],
  [IPV4_SRC, 0x80001604],
  [IPV4_DST, 0x80001804],
  [IPV6_SRC, 0x80003410],
  [IPV6_DST, 0x80003610],
  [IP_FRAG, 0x00013401],
  [IP_DSCP, 0x80001001],
  [IP_TTL, 0x00013a01],
  [IP_PROTO, 0x80001401],
  [TP_SRC, 0x80001a02],
  [TP_DST, 0x80001c02],
  [ICMP_TYPE, 0x80002601],
  [ICMP_CODE, 0x80002801],
  [ND_TARGET, 0x80003e10],
  [ND_SLL, 0x80004006],
  [ND_TLL, 0x80004206],
  [ARP_OP, 0x80002a02],
  [ARP_SPA, 0x80002c04],
  [ARP_TPA, 0x80002e04],
  [ARP_SHA, 0x80003006],
  [ARP_THA, 0x80003206],
  [TUN_ID, 0x80004c08],
  [TUN_SRC, 0x00013e04],
  [TUN_DST, 0x00014004],
  [PKT_MARK, 0x00014204],
  [CT_STATE, 0x0001d204],
  [CT_ZONE, 0x0001d402],
  [CT_MARK, 0x0001d604],
  [CT_LABEL, 0x0001d810],
  [METADATA, 0x80000408],
] as const) {
  HEADER[slot] = header;
  WIDTH[slot] = header & 0xff;
}

/** How the value behind a name is read. */
const KIND = {
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
  ignored: 15,
  flag: 16,
} as const;
type Kind = (typeof KIND)[keyof typeof KIND];

interface Name {
  readonly kind: Kind;
  readonly slot: number;
  readonly bits: number;
  readonly maskable: boolean;
  /** Needs this Ethernet type (0 = any), this IP protocol (0 = any). */
  readonly ethType: number;
  readonly proto: number;
}

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ARP = 0x0806;
/** Stands for "IPv4 or IPv6". */
const IP_ANY = 1;
/** Stands for "TCP, UDP or SCTP". */
const L4_ANY = 256;
/** Stands for "ICMP of the matched kind of IP". */
const ICMP_ANY = 257;

const names: (readonly [string, Name])[] = [];
function define(text: string, kind: Kind, slot: number, bits: number, maskable = false, ethType = 0, proto = 0): void {
  for (const name of text.split(" ")) names.push([name, { kind, slot, bits, maskable, ethType, proto }]);
}
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

// Attributes of the flow: the slot is an index into `attributes`.
const ATTRIBUTE = { table: 0, priority: 1, idleTimeout: 2, hardTimeout: 3 } as const;
define("table", KIND.attribute, ATTRIBUTE.table, 8);
define("priority", KIND.attribute, ATTRIBUTE.priority, 16);
define("idle_timeout", KIND.attribute, ATTRIBUTE.idleTimeout, 16);
define("hard_timeout", KIND.attribute, ATTRIBUTE.hardTimeout, 16);
define("cookie", KIND.cookie, 0, 64);
define("duration n_packets n_bytes idle_age hard_age", KIND.ignored, 0, 0);
for (const [name, bit] of [
  ["send_flow_rem", 1],
  ["check_overlap", 2],
  ["reset_counts", 4],
  ["no_packet_counts", 8],
  ["no_byte_counts", 16],
] as const) {
  define(name, KIND.flag, bit, 0);
}

const TABLE = /* @__PURE__ */ new NameTable(names.map(([name], index) => [name, index + 1] as const));
// The definitions as columns, so that the scanner reads numbers and not objects.
const COUNT = names.length + 1;
const kindOf = new Uint8Array(COUNT);
const slotOf = new Uint8Array(COUNT);
const bitsOf = new Uint8Array(COUNT);
const maskableOf = new Uint8Array(COUNT);
const ethTypeOf = new Uint16Array(COUNT);
const protoOf = new Uint16Array(COUNT);
names.forEach(([, name], index) => {
  kindOf[index + 1] = name.kind;
  slotOf[index + 1] = name.slot;
  bitsOf[index + 1] = name.bits;
  maskableOf[index + 1] = name.maskable ? 1 : 0;
  ethTypeOf[index + 1] = name.ethType;
  protoOf[index + 1] = name.proto;
});

const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
const CT_FLAGS: readonly (readonly [Uint8Array, number])[] = (
  [
    ["new", 1],
    ["est", 2],
    ["rel", 4],
    ["rpl", 8],
    ["inv", 16],
    ["trk", 32],
    ["snat", 64],
    ["dnat", 128],
  ] as const
).map(([text, bit]) => [latin(text), bit] as const);
const CT_INVALID = 16;
const LOCAL = latin("LOCAL");
const NOT_LATER = latin("not_later");
const NO_VLAN = latin("0x0000/0x1000");
const ANY_VLAN = latin("0x1000/0x1000");

const DEFAULT_PRIORITY = 0x8000;

export class MatchScanner {
  readonly #cursor: Cursor;
  /** Four words a slot, right-aligned; masks only where the slot's bit of `#masked…` is set. */
  readonly #values = new Int32Array(4 * SLOTS);
  readonly #masks = new Int32Array(4 * SLOTS);
  #present = 0;
  #presentHigh = 0;
  #masked = 0;
  #maskedHigh = 0;
  readonly #registers = new Int32Array(16);
  readonly #registerMasks = new Int32Array(16);
  #registersSeen = 0;

  /** Canonical match bytes of the last line are `bytes[0, length)`. */
  readonly bytes: Uint8Array = new Uint8Array(1024);
  readonly #view = new DataView(this.bytes.buffer);
  length = 0;
  /** Attributes of the last line. */
  table = 0;
  priority = DEFAULT_PRIORITY;
  idleTimeout = 0;
  hardTimeout = 0;
  flags = 0;
  cookieHigh = 0;
  cookieLow = 0;
  /** What actions need to know: the matched Ethernet type and IP protocol, 0 when not matched. */
  ethType = 0;
  ipProto = 0;
  vlanPresent = false;
  /** Only invalid connections match. */
  ctInvalid = false;
  /** Bits outside a mask are cleared, as ovs-ofctl does without a word; otherwise such a line is left to the careful road. */
  readonly #clearsHostBits: boolean;

  constructor(cursor: Cursor, clearsHostBits = false) {
    this.#cursor = cursor;
    this.#clearsHostBits = clearsHostBits;
  }

  /** Reads from the cursor up to and including `actions=`. False: the careful road has to read this line. */
  scan(): boolean {
    this.#present = 0;
    this.#presentHigh = 0;
    this.#masked = 0;
    this.#maskedHigh = 0;
    if (this.#registersSeen !== 0) this.#registerMasks.fill(0);
    this.#registersSeen = 0;
    this.table = 0;
    this.priority = DEFAULT_PRIORITY;
    this.idleTimeout = 0;
    this.hardTimeout = 0;
    this.flags = 0;
    this.cookieHigh = 0;
    this.cookieLow = 0;
    this.ethType = 0;
    this.ipProto = 0;
    this.vlanPresent = false;
    this.ctInvalid = false;
    let needsEthType = 0;
    let needsIp = false;
    let needsProto = 0;
    let needsL4 = false;
    let needsIcmp = false;
    let attributesSeen = 0;
    let first = true;
    const cursor = this.#cursor;
    const { bytes, end } = cursor;
    for (;;) {
      let pos = cursor.pos;
      let c = 0;
      while (pos < end && bytes[pos] === 32) pos++;
      if (pos < end && bytes[pos] === 44 && !first) pos++;
      while (pos < end && bytes[pos] === 32) pos++;
      first = false;
      const start = pos;
      let hash = NAME_HASH_START;
      for (; pos < end; pos++) {
        c = bytes[pos] as number;
        if (!((c >= 97 && c <= 122) || (c >= 48 && c <= 57) || c === 95)) break;
        hash = nameHash(hash, c);
      }
      if (pos === start) return false;
      const id = TABLE.find(bytes, start, pos, hash);
      if (id === 0) {
        // The only other thing that may stand here is `actions=`, which ends the match.
        if (pos - start !== 7 || c !== 61 || !isActions(bytes, start)) return false;
        cursor.pos = pos + 1;
        break;
      }
      const kind = kindOf[id] as number;
      const slot = slotOf[id] as number;
      const ethType = ethTypeOf[id] as number;
      const proto = protoOf[id] as number;
      if (kind === KIND.keyword || kind === KIND.flag) {
        if (pos < end && c !== 44 && c !== 32) return false;
        cursor.pos = pos;
        if (kind === KIND.flag) {
          if ((this.flags & slot) !== 0) return false;
          this.flags |= slot;
          continue;
        }
        if (this.ethType !== 0) return false;
        this.ethType = ethType;
        if (proto !== 0) {
          if (this.ipProto !== 0) return false;
          this.ipProto = proto;
        }
        continue;
      }
      if (pos >= end || c !== 61) return false;
      cursor.pos = pos + 1;
      if (kind >= KIND.cookie) {
        if (kind === KIND.ignored) {
          while (cursor.pos < end && (c = bytes[cursor.pos] as number) !== 44 && c !== 32) cursor.pos++;
          continue;
        }
        const bit = kind === KIND.cookie ? 1 << 10 : 1 << slot;
        if ((attributesSeen & bit) !== 0) return false;
        attributesSeen |= bit;
        if (!cursor.number() || !cursor.fits(bitsOf[id] as number)) return false;
        const value = cursor.word3;
        if (kind === KIND.cookie) {
          this.cookieHigh = cursor.word2 >>> 0;
          this.cookieLow = value >>> 0;
        } else if (slot === ATTRIBUTE.table) {
          if (value > 254) return false;
          this.table = value;
        } else if (slot === ATTRIBUTE.priority) this.priority = value;
        else if (slot === ATTRIBUTE.idleTimeout) this.idleTimeout = value;
        else this.hardTimeout = value;
        if (!this.#atDelimiter()) return false;
        continue;
      }
      if (ethType !== 0) {
        if (ethType === IP_ANY) needsIp = true;
        else if (needsEthType !== 0 && needsEthType !== ethType) return false;
        else needsEthType = ethType;
      }
      if (proto === L4_ANY) needsL4 = true;
      else if (proto === ICMP_ANY) needsIcmp = true;
      else if (proto !== 0) {
        if (needsProto !== 0 && needsProto !== proto) return false;
        needsProto = proto;
      }
      if (kind === KIND.register ? !this.#register(id, slot) : !this.#field(id, kind, slot)) return false;
      if (!this.#atDelimiter()) return false;
    }
    // A field that came as `dl_type=` or `nw_proto=` counts like the keyword.
    if ((this.#present & (1 << ETH_TYPE)) !== 0) {
      if (this.ethType !== 0) return false;
      this.ethType = this.#values[4 * ETH_TYPE + 3] as number;
      if (this.ethType < 0x600) return false;
    }
    if ((this.#present & (1 << IP_PROTO)) !== 0) {
      if (this.ipProto !== 0) return false;
      this.ipProto = this.#values[4 * IP_PROTO + 3] as number;
      if (this.ipProto === 0) return false;
    }
    const isIp = this.ethType === IPV4 || this.ethType === IPV6;
    if (needsIp && !isIp) return false;
    if (needsEthType !== 0 && needsEthType !== this.ethType) return false;
    const proto = this.ipProto;
    if (needsProto !== 0 && needsProto !== proto) return false;
    if (needsL4 && proto !== 6 && proto !== 17 && proto !== 132) return false;
    if (needsIcmp && proto !== (this.ethType === IPV4 ? 1 : 58)) return false;
    if (!this.#neighbourDiscovery()) return false;
    this.#write();
    return true;
  }

  /** The IPv6 neighbour discovery fields need a solicitation (135) or an advertisement (136) with code 0. */
  #neighbourDiscovery(): boolean {
    const present = this.#present;
    if ((present & ((1 << ND_TARGET) | (1 << ND_SLL) | (1 << ND_TLL))) === 0) return true;
    if ((present & (1 << ICMP_TYPE)) === 0) return false;
    const type = this.#values[4 * ICMP_TYPE + 3] as number;
    if (type !== 135 && type !== 136) return false;
    if ((present & (1 << ICMP_CODE)) !== 0 && this.#values[4 * ICMP_CODE + 3] !== 0) return false;
    return ((present & (1 << ND_SLL)) === 0 || type === 135) && ((present & (1 << ND_TLL)) === 0 || type === 136);
  }

  #atDelimiter(): boolean {
    const { bytes, pos, end } = this.#cursor;
    return pos >= end || bytes[pos] === 44 || bytes[pos] === 32;
  }

  /** Is the slot free? Takes it. */
  #claim(slot: number): boolean {
    if (slot < 32) {
      const bit = 1 << slot;
      if ((this.#present & bit) !== 0) return false;
      this.#present |= bit;
    } else {
      const bit = 1 << (slot - 32);
      if ((this.#presentHigh & bit) !== 0) return false;
      this.#presentHigh |= bit;
    }
    return true;
  }

  /** Stores words as the value of `slot`. */
  #put(slot: number, target: Int32Array, word0: number, word1: number, word2: number, word3: number): void {
    const at = 4 * slot;
    target[at] = word0;
    target[at + 1] = word1;
    target[at + 2] = word2;
    target[at + 3] = word3;
  }

  #setMasked(slot: number): void {
    if (slot < 32) this.#masked |= 1 << slot;
    else this.#maskedHigh |= 1 << (slot - 32);
  }

  #field(id: number, kind: number, slot: number): boolean {
    const cursor = this.#cursor;
    if (!this.#claim(slot)) return false;
    const bits = bitsOf[id] as number;
    switch (kind) {
      case KIND.number:
        if (!cursor.number() || !cursor.fits(bits)) return false;
        break;
      case KIND.mac:
        if (!cursor.mac()) return false;
        break;
      case KIND.ipv4:
        if (!cursor.ipv4()) return false;
        break;
      case KIND.ipv6:
        if (!cursor.ipv6()) return false;
        break;
      case KIND.ctState:
        return this.#ctState();
      case KIND.port:
        if (cursor.take(LOCAL)) {
          this.#put(slot, this.#values, 0, 0, 0, 0xfffffffe | 0);
          return true;
        }
        if (!cursor.number() || !cursor.fits(16) || cursor.word3 >= 0xff00) return false;
        break;
      case KIND.vlan:
        if (!cursor.number() || !cursor.fits(12)) return false;
        this.vlanPresent = true;
        this.#put(slot, this.#values, 0, 0, 0, cursor.word3 | 0x1000);
        return true;
      case KIND.vlanTci:
        this.vlanPresent = cursor.take(ANY_VLAN);
        if (!this.vlanPresent && !cursor.take(NO_VLAN)) return false;
        this.#put(slot, this.#values, 0, 0, 0, this.vlanPresent ? 0x1000 : 0);
        this.#put(slot, this.#masks, 0, 0, 0, 0x1000);
        this.#setMasked(slot);
        return true;
      case KIND.tos:
        if (!cursor.number() || !cursor.fits(8) || (cursor.word3 & 3) !== 0) return false;
        this.#put(slot, this.#values, 0, 0, 0, cursor.word3 >>> 2);
        return true;
      case KIND.frag:
        if (!cursor.take(NOT_LATER)) return false;
        this.#put(slot, this.#values, 0, 0, 0, 0);
        this.#put(slot, this.#masks, 0, 0, 0, 2);
        this.#setMasked(slot);
        return true;
      default:
        return false;
    }
    const { word0, word1, word2, word3 } = cursor;
    this.#put(slot, this.#values, word0, word1, word2, word3);
    if (cursor.pos >= cursor.end || cursor.bytes[cursor.pos] !== 47) return true;
    if (maskableOf[id] === 0 || !this.#mask(kind, bits)) return false;
    return this.#applyMask(slot, bits, word0, word1, word2, word3);
  }

  /** Reads `/mask` or `/prefix` into the cursor's words. */
  #mask(kind: number, bits: number): boolean {
    const cursor = this.#cursor;
    cursor.pos++;
    if (kind === KIND.mac) return cursor.mac();
    if (kind === KIND.number || kind === KIND.register) return cursor.number() && cursor.fits(bits);
    const { bytes, end } = cursor;
    let pos = cursor.pos;
    let dotted = false;
    for (let c = 0; pos < end && (c = bytes[pos] as number) !== 44 && c !== 32; pos++) if (c === 46 || c === 58) dotted = true;
    if (dotted) return kind === KIND.ipv4 ? cursor.ipv4() : cursor.ipv6();
    if (!cursor.number() || cursor.word3 > bits || cursor.word3 < 1) return false;
    const prefix = cursor.word3;
    if (bits === 32) {
      cursor.word3 = -1 << (32 - prefix);
      return true;
    }
    cursor.word0 = prefixWord(prefix);
    cursor.word1 = prefixWord(prefix - 32);
    cursor.word2 = prefixWord(prefix - 64);
    cursor.word3 = prefixWord(prefix - 96);
    return true;
  }

  /** Stores the mask in the cursor's words for `slot`, whose value is given. All ones: none; zero, or bits outside: not here. */
  #applyMask(slot: number, bits: number, word0: number, word1: number, word2: number, word3: number): boolean {
    const { word0: m0, word1: m1, word2: m2, word3: m3 } = this.#cursor;
    if ((m0 | m1 | m2 | m3) === 0) return false;
    if (((word0 & ~m0) | (word1 & ~m1) | (word2 & ~m2) | (word3 & ~m3)) !== 0) {
      if (!this.#clearsHostBits) return false;
      this.#put(slot, this.#values, word0 & m0, word1 & m1, word2 & m2, word3 & m3);
    }
    const exact =
      bits >= 128
        ? (m0 & m1 & m2 & m3) === -1
        : bits === 64
          ? (m2 & m3) === -1
          : bits === 48
            ? m2 === 0xffff && m3 === -1
            : bits === 32
              ? m3 === -1
              : m3 === (1 << bits) - 1;
    if (exact) return true;
    this.#put(slot, this.#masks, m0, m1, m2, m3);
    this.#setMasked(slot);
    return true;
  }

  /** `regN`, `xregN`, `xxregN`: `first` is the first of the 32-bit registers that it stands for. */
  #register(id: number, first: number): boolean {
    const cursor = this.#cursor;
    const bits = bitsOf[id] as number;
    const count = bits >> 5;
    const seen = ((1 << count) - 1) << first;
    if ((this.#registersSeen & seen) !== 0) return false;
    this.#registersSeen |= seen;
    if (!cursor.number() || !cursor.fits(bits)) return false;
    const { word0, word1, word2, word3 } = cursor;
    let m0 = -1;
    let m1 = -1;
    let m2 = -1;
    let m3 = -1;
    if (cursor.pos < cursor.end && cursor.bytes[cursor.pos] === 47) {
      if (!this.#mask(KIND.register, bits)) return false;
      m0 = cursor.word0;
      m1 = cursor.word1;
      m2 = cursor.word2;
      m3 = cursor.word3;
      if ((m0 | m1 | m2 | m3) === 0) return false;
      if (((word0 & ~m0) | (word1 & ~m1) | (word2 & ~m2) | (word3 & ~m3)) !== 0 && !this.#clearsHostBits) return false;
    }
    const values = this.#registers;
    const masks = this.#registerMasks;
    if (count === 4) {
      values[first] = word0;
      masks[first] = m0;
      values[first + 1] = word1;
      masks[first + 1] = m1;
    }
    if (count >= 2) {
      values[first + count - 2] = word2;
      masks[first + count - 2] = m2;
    }
    values[first + count - 1] = word3;
    masks[first + count - 1] = m3;
    return true;
  }

  /** `+trk-inv…`, or two numbers `value/mask`. */
  #ctState(): boolean {
    const cursor = this.#cursor;
    const { bytes, end } = cursor;
    let value = 0;
    let mask = 0;
    if (cursor.pos < end && bytes[cursor.pos] === 48) {
      if (!cursor.number() || !cursor.fits(8)) return false;
      value = cursor.word3;
      if (cursor.pos >= end || bytes[cursor.pos] !== 47) return false;
      cursor.pos++;
      if (!cursor.number() || !cursor.fits(8)) return false;
      mask = cursor.word3;
      if ((value & ~mask) !== 0) return false;
    }
    while (cursor.pos < end) {
      const sign = bytes[cursor.pos] as number;
      if (sign !== 43 && sign !== 45) break;
      cursor.pos++;
      let bit = 0;
      for (const [text, flag] of CT_FLAGS) {
        if (cursor.take(text)) {
          bit = flag;
          break;
        }
      }
      if (bit === 0 || (mask & bit) !== 0) return false;
      mask |= bit;
      if (sign === 43) value |= bit;
    }
    if (mask === 0) return false;
    this.ctInvalid = (value & CT_INVALID) !== 0;
    this.#put(CT_STATE, this.#values, 0, 0, 0, value);
    this.#put(CT_STATE, this.#masks, 0, 0, 0, mask);
    this.#setMasked(CT_STATE);
    return true;
  }

  /** Writes the canonical bytes. */
  #write(): void {
    const view = this.#view;
    const values = this.#values;
    const masks = this.#masks;
    // The keywords' fields are written like those that were spelt out.
    if (this.ethType !== 0) {
      this.#present |= 1 << ETH_TYPE;
      values[4 * ETH_TYPE + 3] = this.ethType;
    }
    if (this.ipProto !== 0) {
      this.#present |= 1 << IP_PROTO;
      values[4 * IP_PROTO + 3] = this.ipProto;
    }
    let out = 0;
    let high = 0;
    for (let present = this.#present, masked = this.#masked; ; present = this.#presentHigh, masked = this.#maskedHigh) {
      while (present !== 0) {
        const bit = 31 - Math.clz32(present & -present);
        present &= present - 1;
        const slot = bit + high;
        const isMasked = (masked >>> bit) & 1;
        let header = HEADER[slot] as number;
        if (slot >= TP_SRC && slot <= ICMP_CODE) header = this.#protocolHeader(slot, header);
        const width = WIDTH[slot] as number;
        view.setInt32(out, isMasked === 0 ? header : header + 0x100 + width);
        out = putWords(view, out + 4, values, 4 * slot, width);
        if (isMasked !== 0) out = putWords(view, out, masks, 4 * slot, width);
      }
      if (high !== 0) break;
      // Slots 29 to 36 are the registers: behind all of the lower word, in front of all of the upper one.
      if (this.#registersSeen !== 0) out = this.#writeRegisters(out);
      high = 32;
    }
    this.length = out;
  }

  /** Transport ports and ICMP: one slot for all protocols, the header tells them apart (type numbers of OpenFlow 1.5.1 §7.2.3.7). */
  #protocolHeader(slot: number, header: number): number {
    if (slot >= ICMP_TYPE) return this.ipProto === 58 ? header + (20 << 8) : header;
    return this.ipProto === 17 ? header + (4 << 8) : this.ipProto === 132 ? header + (8 << 8) : header;
  }

  #writeRegisters(start: number): number {
    const view = this.#view;
    const values = this.#registers;
    const masks = this.#registerMasks;
    let out = start;
    for (let n = 0; n < 16; n += 2) {
      const highMask = masks[n] as number;
      const lowMask = masks[n + 1] as number;
      if ((highMask | lowMask) === 0) continue;
      const exact = (highMask & lowMask) === -1;
      view.setInt32(out, 0x80010000 | (n << 8) | (exact ? 8 : 0x110) | 0);
      view.setInt32(out + 4, (values[n] as number) & highMask);
      view.setInt32(out + 8, (values[n + 1] as number) & lowMask);
      out += 12;
      if (!exact) {
        view.setInt32(out, highMask);
        view.setInt32(out + 4, lowMask);
        out += 8;
      }
    }
    return out;
  }
}

function putWords(view: DataView, out: number, words: Int32Array, at: number, width: number): number {
  const low = words[at + 3] as number;
  switch (width) {
    case 1:
      view.setUint8(out, low);
      return out + 1;
    case 2:
      view.setUint16(out, low);
      return out + 2;
    case 4:
      view.setInt32(out, low);
      return out + 4;
    case 6:
      view.setUint16(out, words[at + 2] as number);
      view.setInt32(out + 2, low);
      return out + 6;
    case 8:
      view.setInt32(out, words[at + 2] as number);
      view.setInt32(out + 4, low);
      return out + 8;
    default:
      view.setInt32(out, words[at] as number);
      view.setInt32(out + 4, words[at + 1] as number);
      view.setInt32(out + 8, words[at + 2] as number);
      view.setInt32(out + 12, low);
      return out + 16;
  }
}

function prefixWord(prefix: number): number {
  return prefix >= 32 ? -1 : prefix <= 0 ? 0 : -1 << (32 - prefix);
}

/** Do seven letters at `start` say `actions`? */
function isActions(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at] === 97 &&
    bytes[at + 1] === 99 &&
    bytes[at + 2] === 116 &&
    bytes[at + 3] === 105 &&
    bytes[at + 4] === 111 &&
    bytes[at + 5] === 110 &&
    bytes[at + 6] === 115
  );
}
