import { prefixLength } from "../../flow/address-text.ts";
import { formatFrag, formatMaskedIpv6 } from "../../flow/field-format.ts";
import { CT_STATE, formatFlags } from "../../flow/flag-text.ts";
import type { TextBuffer } from "./text-buffer.ts";

/**
 * Prints canonical match bytes as `formatMatch` does, for the fields that make up nearly all of real tables; for anything else
 * `print` returns false, and `../format-match.ts` has to do it. `test/text/flow-text-writer.test.ts` compares both.
 */

type Kind =
  | "hex"
  | "decimal"
  | "port"
  | "portNumber"
  | "mac"
  | "ipv4"
  | "ipv6"
  | "ctState"
  | "protocol"
  | "protocolNumber"
  | "registers"
  | "vlan"
  | "tos"
  | "frag"
  | "ethType";

interface Place {
  /** With the equals sign. */
  readonly name: Uint8Array;
  readonly kind: Kind;
  /** Bytes of the value. */
  readonly width: number;
}

const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

// In the order in which Open vSwitch prints them (match_format, lib/match.c): name, OXM headers without mask, kind.
// biome-ignore format: a table is read by column
const TABLE: readonly (readonly [name: string, headers: readonly number[], kind: Kind])[] = [
  ["pkt_mark", [0x00014204], "hex"], ["conj_id", [0x00014a04], "decimal"], ["ct_state", [0x0001d204], "ctState"],
  ["ct_zone", [0x0001d402], "port"], ["ct_mark", [0x0001d604], "hex"], ["ct_label", [0x0001d810], "hex"],
  ["", [], "protocol"],
  ["reg0", [0x80010008], "registers"], ["reg2", [0x80010208], "registers"], ["reg4", [0x80010408], "registers"],
  ["reg6", [0x80010608], "registers"], ["reg8", [0x80010808], "registers"], ["reg10", [0x80010a08], "registers"],
  ["reg12", [0x80010c08], "registers"], ["reg14", [0x80010e08], "registers"],
  ["tun_id", [0x80004c08], "hex"], ["tun_src", [0x00013e04], "ipv4"], ["tun_dst", [0x00014004], "ipv4"],
  ["metadata", [0x80000408], "hex"], ["in_port", [0x80000004], "portNumber"], ["dl_vlan", [0x80000c02], "vlan"],
  ["dl_src", [0x80000806], "mac"], ["dl_dst", [0x80000606], "mac"], ["", [0x80000a02], "ethType"],
  ["ipv6_src", [0x80003410], "ipv6"], ["ipv6_dst", [0x80003610], "ipv6"], ["arp_spa", [0x80002c04], "ipv4"],
  ["arp_tpa", [0x80002e04], "ipv4"], ["nw_src", [0x80001604], "ipv4"], ["nw_dst", [0x80001804], "ipv4"],
  ["nw_proto", [0x80001401], "protocolNumber"], ["arp_op", [0x80002a02], "decimal"], ["arp_sha", [0x80003006], "mac"],
  ["arp_tha", [0x80003206], "mac"], ["nw_tos", [0x80001001], "tos"], ["nw_ttl", [0x00013a01], "decimal"],
  ["nw_frag", [0x00013401], "frag"], ["tp_src", [0x80001a02, 0x80001e02, 0x80002202], "port"],
  ["tp_dst", [0x80001c02, 0x80002002, 0x80002402], "port"], ["icmp_type", [0x80002601, 0x80003a01], "decimal"],
  ["icmp_code", [0x80002801, 0x80003c01], "decimal"], ["nd_target", [0x80003e10], "ipv6"], ["nd_sll", [0x80004006], "mac"],
  ["nd_tll", [0x80004206], "mac"],
];

/** As the table has them. Empty until the first match is printed, as are the next two: loading this file takes no time for them. */
const PLACES: Place[] = [];
const SECOND_REGISTER: Uint8Array[] = [];
/** Index in {@link PLACES}, plus 1, by class (three of them) and type; 0 = none. */
const placeOf: Uint8Array = /* @__PURE__ */ new Uint8Array(3 * 128);

function preparePlaces(): void {
  if (PLACES.length > 0) return;
  for (const [name, headers, kind] of TABLE) {
    PLACES.push({ name: latin(name === "" ? "" : `${name}=`), kind, width: (headers[0] ?? 0) & 0xff });
    for (const header of headers) placeOf[headerIndex(header)] = PLACES.length;
  }
  for (let n = 1; n < 16; n += 2) SECOND_REGISTER.push(latin(`reg${n}=`));
}

const FIRST_REGISTERS = /* @__PURE__ */ TABLE.findIndex(([name]) => name === "reg0");
const PROTOCOL = /* @__PURE__ */ TABLE.findIndex(([, , kind]) => kind === "protocol");
const ETH_TYPE = /* @__PURE__ */ TABLE.findIndex(([, , kind]) => kind === "ethType");
const IP_PROTO = /* @__PURE__ */ TABLE.findIndex(([, , kind]) => kind === "protocolNumber");

/** -1 for a class that is not here. */
function headerIndex(header: number): number {
  const oxmClass = header >>> 16;
  const base = oxmClass === 0x8000 ? 0 : oxmClass === 1 ? 128 : oxmClass === 0x8001 ? 256 : -1;
  return base < 0 ? -1 : base + ((header >>> 9) & 127);
}

export class MatchPrinter {
  readonly #out: TextBuffer;
  /** Per place: where its value starts; 0 = not there (a header stands in front of every value). */
  readonly #values = new Int32Array(TABLE.length);
  readonly #masks = new Int32Array(TABLE.length);

  constructor(out: TextBuffer) {
    preparePlaces();
    this.#out = out;
  }

  /** Appends the match and in front of it the priority, unless that is 32768; true = done, false = appended nothing of use. */
  print(bytes: Uint8Array, start: number, length: number, priority: number): boolean {
    if (!this.#find(bytes, start, length)) return false;
    const out = this.#out;
    const begin = out.length;
    if (priority !== 0x8000) {
      out.copy(PRIORITY, 0, PRIORITY.length);
      out.decimal(priority);
    }
    const values = this.#values;
    for (let place = 0; place < values.length; place++) {
      if (values[place] === 0) continue;
      if (!this.#printPlace(bytes, place, out.length > begin)) return false;
    }
    return true;
  }

  /** Notes where the value of each field is. */
  #find(bytes: Uint8Array, start: number, length: number): boolean {
    const values = this.#values;
    values.fill(0);
    const end = start + length;
    let at = start;
    while (at < end) {
      const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
      const low = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
      const index = headerIndex(((high << 16) | low) >>> 0);
      const place = index < 0 ? -1 : (placeOf[index] as number) - 1;
      if (place < 0) return false;
      const { width } = PLACES[place] as Place;
      const masked = (low & 0x100) !== 0;
      if ((low & 0xff) !== (masked ? 2 * width : width)) return false;
      // Offsets count from the start, and 4 bytes of header come first, so that 0 stands for none.
      values[place] = at + 4 - start;
      this.#masks[place] = masked ? at + 4 + width : 0;
      at += 4 + (low & 0xff);
    }
    if (values[ETH_TYPE] !== 0) values[PROTOCOL] = values[ETH_TYPE] as number;
    for (let place = 0; place < values.length; place++) {
      if (values[place] !== 0) values[place] = (values[place] as number) + start;
    }
    return at === end;
  }

  #printPlace(bytes: Uint8Array, place: number, comma: boolean): boolean {
    const out = this.#out;
    const { kind, name, width } = PLACES[place] as Place;
    const at = this.#values[place] as number;
    const mask = this.#masks[place] as number;
    if (kind === "ethType") return true;
    if (kind === "registers") return this.#registers(bytes, place, at, mask, comma);
    if (kind === "protocolNumber" && this.#word(bytes) >= KEYWORD_WITH_PROTOCOL) return mask === 0;
    if (comma) out.byte(44);
    out.copy(name, 0, name.length);
    switch (kind) {
      case "hex":
        out.hex(bytes, at, width);
        if (mask !== 0) {
          out.byte(47);
          out.hex(bytes, mask, width);
        }
        return true;
      case "decimal":
      case "protocolNumber":
        out.decimal(number(bytes, at, width));
        return mask === 0;
      case "portNumber":
        out.decimal(number(bytes, at, 4));
        return mask === 0 && number(bytes, at, 4) < 0xff00;
      case "port":
        this.#port(bytes, at, mask);
        return true;
      case "mac":
        out.mac(bytes, at);
        if (mask !== 0) {
          out.byte(47);
          out.mac(bytes, mask);
        }
        return true;
      case "ipv4":
        out.ipv4(bytes, at);
        if (mask !== 0) printIpv4Mask(out, bytes, mask);
        return true;
      case "ipv6":
        out.ascii(formatMaskedIpv6(bytes.subarray(at, at + 16), mask === 0 ? undefined : bytes.subarray(mask, mask + 16)));
        return true;
      case "ctState": {
        if (mask === 0) return false;
        const bits = number(bytes, mask, 4);
        out.ascii(formatFlags(CT_STATE, number(bytes, at, 4), bits === 0xff ? CT_STATE.exact : bits));
        return true;
      }
      case "protocol": {
        const word = this.#word(bytes);
        if (word < 0) return false;
        out.ascii(KEYWORDS[word] as string);
        return true;
      }
      case "vlan": {
        const tag = number(bytes, at, 2);
        out.decimal(tag & 0xfff);
        return mask === 0 && tag >>> 12 === 1;
      }
      case "tos":
        out.decimal((bytes[at] as number) << 2);
        return mask === 0;
      case "frag":
        out.ascii(formatFrag(bytes[at] as number, mask === 0 ? 3 : (bytes[mask] as number)));
        return true;
    }
  }

  /** Decimal when exact, hexadecimal under a mask. */
  #port(bytes: Uint8Array, at: number, mask: number): void {
    const out = this.#out;
    if (mask === 0) out.decimal(number(bytes, at, 2));
    else out.ascii(`0x${number(bytes, at, 2).toString(16)}/0x${number(bytes, mask, 2).toString(16)}`);
  }

  /** A field of 64 bits stands for two registers. */
  #registers(bytes: Uint8Array, place: number, at: number, mask: number, comma: boolean): boolean {
    const out = this.#out;
    let isFirst = !comma;
    for (let half = 0; half < 2; half++) {
      const bits = mask === 0 ? 0xffff_ffff : number(bytes, mask + 4 * half, 4);
      if (bits === 0) continue;
      if (!isFirst) out.byte(44);
      isFirst = false;
      const name = half === 0 ? (PLACES[place] as Place).name : (SECOND_REGISTER[place - FIRST_REGISTERS] as Uint8Array);
      out.copy(name, 0, name.length);
      out.hex(bytes, at + 4 * half, 4);
      if (bits === 0xffff_ffff) continue;
      out.byte(47);
      out.hex(bytes, mask + 4 * half, 4);
    }
    return true;
  }

  /** Index in {@link KEYWORDS} of the word that stands for the Ethernet type, with the IP protocol where there is a word for both. */
  #word(bytes: Uint8Array): number {
    const at = this.#values[ETH_TYPE] as number;
    if (at === 0 || this.#masks[ETH_TYPE] !== 0) return -1;
    const ethType = number(bytes, at, 2);
    const base = ethType === 0x0800 ? 0 : ethType === 0x86dd ? 1 : ethType === 0x0806 ? 2 : -1;
    const protocolAt = this.#values[IP_PROTO] as number;
    if (base < 0 || base === 2 || protocolAt === 0) return base;
    const protocol = bytes[protocolAt] as number;
    const found = protocol === 6 ? 0 : protocol === 17 ? 1 : protocol === 132 ? 2 : protocol === (base === 0 ? 1 : 58) ? 3 : -1;
    return found < 0 ? base : KEYWORD_WITH_PROTOCOL + 4 * base + found;
  }
}

const PRIORITY = /* @__PURE__ */ latin("priority=");
const KEYWORD_WITH_PROTOCOL = 3;
const KEYWORDS = ["ip", "ipv6", "arp", "tcp", "udp", "sctp", "icmp", "tcp6", "udp6", "sctp6", "icmp6"] as const;

/** `/8`, or `/255.0.255.0` when it is no prefix; nothing for 32 ones. */
export function printIpv4Mask(out: TextBuffer, bytes: Uint8Array, mask: number): void {
  const prefix = prefixLength(bytes.subarray(mask, mask + 4), 4);
  if (prefix === 32) return;
  out.byte(47);
  if (prefix < 0) out.ipv4(bytes, mask);
  else out.decimal(prefix);
}

function number(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = at; i < at + size; i++) value = value * 256 + (bytes[i] as number);
  return value;
}
