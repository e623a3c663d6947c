import { ByteWriter, equalBytes } from "../bytes.ts";
import { isOfsyncError } from "../errors.ts";
import type { FieldScratch } from "./field-text.ts";
import { type Field, field } from "./fields.ts";
import { decodeIntoDraft } from "./match-decode.ts";
import { MatchDraft } from "./match-draft.ts";
import { encodeDraft } from "./match-encode.ts";
import { Carriage, type FieldSlot, SLOT, slotOf } from "./match-slots.ts";
import { describePrerequisite, ETH_TYPE, IP_PROTO, prerequisiteMet } from "./prerequisites.ts";
import type { ValueText } from "./value-text.ts";

// One field as it was written.
interface Entry {
  readonly source: ValueText;
  readonly field: Field;
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Only some bits, as in `reg0[0..3]`. */
  readonly part: boolean;
}

const ETH_TYPE_FIELD = /* @__PURE__ */ field("eth_type");
const NW_PROTO_FIELD = /* @__PURE__ */ field("nw_proto");
const tunMetadataBytes = 124;

/**
 * Puts written fields together into a canonical match: from text and from objects. Every check of strict reading that needs more
 * than one value is here: fields given twice, missing prerequisites, and what Open vSwitch would drop or never show.
 *
 * A source that is lenient (`compat: "ovs"`) is only warned of these, and gets what ovs-ofctl makes of it.
 */
export class MatchBuilder {
  readonly #draft = new MatchDraft();
  readonly #check = new MatchDraft();
  readonly #writer = new ByteWriter(512);
  readonly #entries: Entry[] = [];
  #unusable: Entry | undefined;
  // The packet type was written, and is not just what a field of Ethernet packets implies.
  #packetTypeWritten = false;
  readonly #before = { value: new Uint8Array(16), mask: new Uint8Array(16) };
  readonly #one = { value: new Uint8Array(tunMetadataBytes), mask: new Uint8Array(tunMetadataBytes) };

  /** Starts again with a match that lets every packet through. */
  clear(): void {
    this.#draft.clear();
    this.#entries.length = 0;
    this.#unusable = undefined;
    this.#packetTypeWritten = false;
  }

  /** The match so far. */
  get draft(): MatchDraft {
    return this.#draft;
  }

  /** Adds a field; `scratch` has its value and mask. `start` to `end` is where it stands, name included. */
  add(source: ValueText, target: Field, name: string, start: number, end: number, scratch: FieldScratch, part = false): void {
    const entry: Entry = { source, field: target, name, start, end, part };
    if (target.name === "tcp_flags") foldTcpFlags(scratch.mask);
    this.#put(entry, scratch.value, scratch.mask);
    this.#entries.push(entry);
    if (target.prerequisite !== "none") this.#draft.implyEthernet();
  }

  /** Adds a protocol keyword: an Ethernet type and perhaps an IP protocol. */
  addProtocol(source: ValueText, name: string, start: number, end: number, ethType: number, protocol: number | undefined): void {
    this.#putNumber({ source, field: ETH_TYPE_FIELD, name, start, end, part: true }, ethType);
    if (protocol !== undefined) this.#putNumber({ source, field: NW_PROTO_FIELD, name, start, end, part: true }, protocol);
    this.#draft.implyEthernet();
  }

  /** `eth`: Ethernet packets. */
  addEthernet(source: ValueText, start: number, end: number): void {
    if (this.#packetTypeWritten && this.#draft.number(SLOT.packet_type, 4) !== 0) {
      source.lenient("FIELD_CONFLICT", "eth contradicts the packet_type before it", start, end, {
        hint: "leave one of them out",
      });
    }
    this.#packetTypeWritten = true;
    this.#draft.putExact(SLOT.packet_type, 4, 0);
  }

  #putNumber(entry: Entry, value: number): void {
    const { field: target } = entry;
    const one = this.#one;
    for (let i = target.bytes - 1, rest = value; i >= 0; i--, rest >>>= 8) one.value[i] = rest & 0xff;
    one.mask.fill(0xff, 0, target.bytes);
    this.#put(entry, one.value, one.mask);
  }

  #put(entry: Entry, value: Uint8Array, mask: Uint8Array): void {
    const { source, field: target, name, start, end } = entry;
    const slot = slotOf(target);
    const implied = slot.offset === SLOT.packet_type && slot.bytes === 4 && !this.#packetTypeWritten;
    const occupied = !implied && this.#remember(slot);
    if (implied) this.#packetTypeWritten = true;
    if (!entry.part && this.#entries.some((earlier) => earlier.field === target && !earlier.part)) {
      source.lenient("FIELD_DUPLICATE", `${name} is given twice`, start, end, { hint: "give every field once" });
    }
    const problem = this.#draft.set(target, value, mask);
    if (problem === "tunMetadataTwice") {
      source.fail("FIELD_DUPLICATE", `${name} is given twice`, start, end, { hint: "give every field once" });
    }
    if (problem === "tunMetadataTooLong") {
      source.fail("FIELD_TUN_METADATA_SIZE", "the tunnel metadata of this match has more than 256 bytes", start, end);
    }
    if (problem === "unusable") this.#unusable ??= entry;
    if (slot.carriage === Carriage.valueIsMask) this.#checkValueIsMask(entry, slot, value[0] as number, mask[0] as number);
    if (occupied && this.#disturbed(slot)) {
      source.lenient("FIELD_CONFLICT", `${name} contradicts what stands before it`, start, end, {
        hint: "say everything about a field once",
      });
    }
  }

  #checkValueIsMask(entry: Entry, slot: FieldSlot, value: number, mask: number): void {
    if (mask === 0 || value === mask || (mask === 0xff && value !== 0)) return;
    if (this.#draft.mask[slot.offset] === mask) return;
    entry.source.lenient("FIELD_LOST", `Open vSwitch 3.1 cannot match ${entry.name} like this`, entry.start, entry.end, {
      hint: "match a value other than 0, without a mask",
    });
  }

  // Notes what the slot holds; false when that is nothing.
  #remember(slot: FieldSlot): boolean {
    if (slot.bytes === 0 || !this.#draft.touches(slot.offset, slot.bytes)) return false;
    for (let i = 0; i < slot.bytes; i++) {
      this.#before.value[i] = this.#draft.value[slot.offset + i] as number;
      this.#before.mask[i] = this.#draft.mask[slot.offset + i] as number;
    }
    return true;
  }

  // Has a bit that was matched changed, or is it not matched any more?
  #disturbed(slot: FieldSlot): boolean {
    for (let i = 0; i < slot.bytes; i++) {
      const m = this.#before.mask[i] as number;
      const v = this.#before.value[i] as number;
      if (((this.#draft.mask[slot.offset + i] as number) & m) !== m) return true;
      if ((((this.#draft.value[slot.offset + i] as number) ^ v) & m) !== 0) return true;
    }
    return false;
  }

  /**
   * Checks everything that can be checked only now and returns the canonical bytes, which are the caller's to keep. `showHidden`
   * keeps a match on Ethernet as packet type that nothing else implies; usually it is folded away, because Open vSwitch never
   * prints it. `source` is what to blame when no single field is at fault.
   */
  finish(source: ValueText, end: number, showHidden: boolean): Uint8Array {
    this.#checkUsable();
    if (!showHidden) this.#draft.dropEthernet();
    foldUntagged(this.#draft);
    for (const entry of this.#entries) this.#checkPrerequisite(entry);
    for (const entry of this.#entries) checkPrintable(entry, this.#draft);
    const bytes = this.#encode(this.#draft);
    if (bytes.length === 0 && this.#entries.length === 0) return bytes;
    return this.#checkKept(bytes, source, end, showHidden);
  }

  #encode(draft: MatchDraft): Uint8Array {
    this.#writer.clear();
    encodeDraft(draft, 6, this.#writer);
    return this.#writer.finish();
  }

  #checkUsable(): void {
    const entry = this.#unusable;
    if (entry === undefined) return;
    const { source, field: target, name, start, end } = entry;
    const hint =
      target.headers.length === 0 ? "leave it out: no OpenFlow message can carry it" : "match all of its bits, or none";
    source.fail("FIELD_NOT_ON_WIRE", `${name} cannot be matched like this over OpenFlow`, start, end, {
      hint,
      openflowError: "OFPBAC_MATCH_INCONSISTENT",
    });
  }

  #checkPrerequisite(entry: Entry): void {
    const { source, field: target, name, start, end } = entry;
    if (target.prerequisite === "none" || prerequisiteMet(this.#draft, target.prerequisite)) return;
    if (looserNameFits(name, this.#draft)) return;
    if (this.#draft.isWild(target)) return;
    source.lenient("FIELD_PREREQUISITE", `${name} needs ${describePrerequisite(target.prerequisite)}`, start, end, {
      hint: `add ${describePrerequisite(target.prerequisite)}, or leave ${name} out`,
      openflowError: "OFPBMC_BAD_PREREQ",
    });
  }

  // Reads the bytes back: they must be acceptable to a switch, and say what was written.
  #checkKept(bytes: Uint8Array, source: ValueText, end: number, showHidden: boolean): Uint8Array {
    const check = this.#check;
    check.clear();
    try {
      decodeIntoDraft(bytes, 0, bytes.length, check);
    } catch (error) {
      if (!isOfsyncError(error)) throw error;
      source.fail("MATCH_REFUSED", `a switch would refuse this match: ${error.message}`, 0, end, {
        ...(error.openflowError === undefined ? {} : { openflowError: error.openflowError }),
      });
    }
    if (mixesFamilies(check)) {
      source.fail("FIELD_PREREQUISITE", "the connection's addresses are of another IP version than the packets", 0, end, {
        hint: "use ct_nw_src and ct_nw_dst with ip, ct_ipv6_src and ct_ipv6_dst with ipv6",
        openflowError: "OFPBAC_MATCH_INCONSISTENT",
      });
    }
    if (!showHidden) {
      check.dropEthernet();
      this.#draft.dropEthernet();
    } else if (this.#draft.matchesEthernet) check.implyEthernet();
    if (check.sameAs(this.#draft)) return bytes;
    const lost = this.#entries.find((entry) => !this.#kept(entry));
    const [start, stop, name] = lost === undefined ? [0, end, "a part of this match"] : [lost.start, lost.end, lost.name];
    source.lenient("FIELD_LOST", `OpenFlow 1.5 cannot carry ${name} as written; ovs-ofctl would drop a part of it`, start, stop, {
      hint: "match it in full together with what it depends on, or leave it out",
    });
    const again = this.#encode(check);
    return equalBytes(again, bytes) ? bytes : again;
  }

  #kept(entry: Entry): boolean {
    const slot = slotOf(entry.field);
    for (let i = slot.offset; i < slot.offset + slot.bytes; i++) {
      if (this.#check.mask[i] !== this.#draft.mask[i] || this.#check.value[i] !== this.#draft.value[i]) return false;
    }
    return true;
  }
}

// A switch refuses a flow that has this in its match.
function mixesFamilies(draft: MatchDraft): boolean {
  const v4 = draft.touches(SLOT.ct_nw_src, 4) || draft.touches(SLOT.ct_nw_dst, 4);
  const v6 = draft.touches(SLOT.ct_ipv6_src, 16) || draft.touches(SLOT.ct_ipv6_dst, 16);
  if (!v4 && !v6) return false;
  const ethType = draft.number(SLOT.eth_type, 2);
  return (v4 && ethType !== ETH_TYPE.ip) || (v6 && ethType !== ETH_TYPE.ipv6);
}

// A packet without a tag has no priority either, so that asking for priority 0 there adds nothing; OpenFlow 1.5 cannot ask for it.
function foldUntagged(draft: MatchDraft): void {
  if ((draft.maskNumber(SLOT.vlan_tci, 2) & 0x1000) !== 0 && draft.number(SLOT.vlan_tci, 2) === 0) {
    draft.mask[SLOT.vlan_tci] = (draft.mask[SLOT.vlan_tci] as number) & 0x1f;
  }
}

// The header has 12 flags; matching these 12 is matching all, and Open vSwitch prints it so.
function foldTcpFlags(mask: Uint8Array): void {
  if (((mask[0] as number) & 0x0f) === 0x0f && mask[1] === 0xff) mask[0] = 0xff;
}

// Names that Open vSwitch prints, or documents, for more protocols than the field behind them.
function looserNameFits(name: string, draft: MatchDraft): boolean {
  switch (name) {
    case "tp_src":
    case "tp_dst":
      return prerequisiteMet(draft, "tcp") || prerequisiteMet(draft, "udp") || prerequisiteMet(draft, "sctp");
    case "icmp_type":
    case "icmp_code":
      return prerequisiteMet(draft, "icmp6");
    case "nw_src":
    case "nw_dst":
    case "nw_proto":
      return prerequisiteMet(draft, "arp");
    default:
      return false;
  }
}

// Open vSwitch leaves these out of what it prints, so that the print would be read as another match.
function checkPrintable(entry: Entry, draft: MatchDraft): void {
  const { source, field: target, name, start, end } = entry;
  const hidden = (what: string, hint: string): void => {
    source.lenient("FIELD_HIDDEN", `Open vSwitch would not show ${name} ${what}`, start, end, { hint });
  };
  switch (target.name) {
    case "nsh_c1":
    case "nsh_c2":
    case "nsh_c3":
    case "nsh_c4":
      if (draft.maskNumber(SLOT.nsh_mdtype, 1) !== 0xff || draft.number(SLOT.nsh_mdtype, 1) !== 1) {
        hidden("without nsh_mdtype=1", "add nsh_mdtype=1");
      }
      return;
    case "tun_erspan_idx":
      if (draft.number(SLOT.tun_erspan_ver, 1) !== 1) hidden("without tun_erspan_ver=1", "add tun_erspan_ver=1");
      else if (draft.touches(SLOT.tun_erspan_idx, 4) && draft.maskNumber(SLOT.tun_erspan_idx, 4) !== 0xffff_ffff) {
        hidden("with its mask", "match all of its bits");
      }
      return;
    case "tun_erspan_dir":
    case "tun_erspan_hwid":
      if (draft.number(SLOT.tun_erspan_ver, 1) !== 2) hidden("without tun_erspan_ver=2", "add tun_erspan_ver=2");
      return;
    case "tun_gbp_flags":
      if (draft.touches(SLOT.tun_gbp_flags, 1) && draft.maskNumber(SLOT.tun_gbp_flags, 1) !== 0xff) {
        hidden("with its mask", "match all of its bits");
      }
      return;
    default:
      if (target.variable) checkTunMetadata(entry, draft, hidden);
  }
}

function checkTunMetadata(entry: Entry, draft: MatchDraft, hidden: (what: string, hint: string) => void): void {
  const index = Number(entry.field.name.slice("tun_metadata".length));
  const metadata = draft.tunMetadata(index);
  if (metadata?.masked === true && metadata.value.length > 0 && metadata.mask.every((byte) => byte === 0xff)) {
    hidden("with a mask that is all ones", "leave the mask out, or leave out one of its bits");
  }
}

/** Protocol keywords of text: Ethernet type and IP protocol. */
export const PROTOCOL_KEYWORDS: ReadonlyMap<string, readonly [ethType: number, protocol: number | undefined]> =
  /* @__PURE__ */ new Map<string, readonly [number, number | undefined]>([
    ["ip", [ETH_TYPE.ip, undefined]],
    ["ipv4", [ETH_TYPE.ip, undefined]],
    ["ip4", [ETH_TYPE.ip, undefined]],
    ["arp", [ETH_TYPE.arp, undefined]],
    ["icmp", [ETH_TYPE.ip, IP_PROTO.icmp]],
    ["tcp", [ETH_TYPE.ip, IP_PROTO.tcp]],
    ["udp", [ETH_TYPE.ip, IP_PROTO.udp]],
    ["sctp", [ETH_TYPE.ip, IP_PROTO.sctp]],
    ["ipv6", [ETH_TYPE.ipv6, undefined]],
    ["ip6", [ETH_TYPE.ipv6, undefined]],
    ["icmp6", [ETH_TYPE.ipv6, IP_PROTO.icmpv6]],
    ["tcp6", [ETH_TYPE.ipv6, IP_PROTO.tcp]],
    ["udp6", [ETH_TYPE.ipv6, IP_PROTO.udp]],
    ["sctp6", [ETH_TYPE.ipv6, IP_PROTO.sctp]],
    ["rarp", [ETH_TYPE.rarp, undefined]],
    ["mpls", [ETH_TYPE.mpls, undefined]],
    ["mplsm", [ETH_TYPE.mplsMulticast, undefined]],
  ]);
