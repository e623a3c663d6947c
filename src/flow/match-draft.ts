import { type Field, field as fieldNamed } from "./fields.ts";
import { Carriage, type FieldSlot, SLOT, SLOTS_BYTES, slotOf } from "./match-slots.ts";
import { portFromOf11, portToOf11, ReservedPort } from "./ports.ts";

const TUN_METADATA = 64;
/** Bytes of all `tun_metadataN` of one match together, without a TLV map. */
const TUN_METADATA_TOTAL = 256;
const firstTunMetadata = /* @__PURE__ */ fieldNamed("tun_metadata0").id;

const VLAN_CFI = 0x1000;
const VLAN_VID = 0x0fff;
const VLAN_PCP = 0xe000;
/** `dl_vlan` of OpenFlow 1.0 that means "no tag". */
const VLAN_NONE = 0xffff;

/** One `tun_metadataN` of a draft. */
export interface TunMetadata {
  /** Big-endian, without leading zeros that neither value nor mask needs; both as long. */
  readonly value: Uint8Array;
  readonly mask: Uint8Array;
  /** Written with a mask, even if it is all ones. */
  readonly masked: boolean;
}

/** Why a value could not be put into a draft. */
export type DraftFault = "unusable" | "tunMetadataTwice" | "tunMetadataTooLong";

/**
 * A match that is being read or written: value and mask of every slot, and the rules by which Open vSwitch puts fields in.
 * Mutable and meant to be reused (`clear`): text, objects and bytes of every version go through it on their way to and from the
 * canonical form.
 *
 * Invariant: where a mask bit is 0 the value bit is 0, except for the few fields whose value Open vSwitch does not cut.
 */
export class MatchDraft {
  readonly value: Uint8Array = new Uint8Array(SLOTS_BYTES);
  readonly mask: Uint8Array = new Uint8Array(SLOTS_BYTES);
  readonly #tunMetadata: (TunMetadata | undefined)[] = [];
  #tunMetadataBytes = 0;
  #hasTunMetadata = false;

  /** Matches every packet again. */
  clear(): void {
    this.value.fill(0);
    this.mask.fill(0);
    if (this.#hasTunMetadata) {
      this.#tunMetadata.length = 0;
      this.#tunMetadataBytes = 0;
      this.#hasTunMetadata = false;
    }
  }

  /** Is any `tun_metadataN` matched? */
  get hasTunMetadata(): boolean {
    return this.#hasTunMetadata;
  }

  tunMetadata(index: number): TunMetadata | undefined {
    return this.#tunMetadata[index];
  }

  number(offset: number, bytes: number): number {
    return bigEndian(this.value, offset, bytes);
  }

  maskNumber(offset: number, bytes: number): number {
    return bigEndian(this.mask, offset, bytes);
  }

  /** Is any of these bytes matched? */
  touches(offset: number, bytes: number): boolean {
    for (let i = offset; i < offset + bytes; i++) if (this.mask[i] !== 0) return true;
    return false;
  }

  /** The Ethernet type that the packet type or the type field gives; 0x5ff when there can be none, 0 when nothing is said. */
  get ethType(): number {
    const packetType = this.number(SLOT.packet_type, 4);
    if (packetType === 0) return this.number(SLOT.eth_type, 2);
    return packetType >>> 16 === 1 ? packetType & 0xffff : 0x5ff;
  }

  /** Is the packet type matched as Ethernet? */
  get matchesEthernet(): boolean {
    return this.maskNumber(SLOT.packet_type, 4) === 0xffff_ffff && this.number(SLOT.packet_type, 4) === 0;
  }

  /** Says "Ethernet packets" unless a packet type is matched already. */
  implyEthernet(): void {
    if (this.touches(SLOT.packet_type, 4)) return;
    this.value.fill(0, SLOT.packet_type, SLOT.packet_type + 4);
    this.mask.fill(0xff, SLOT.packet_type, SLOT.packet_type + 4);
  }

  /** Forgets the packet type when it says Ethernet. */
  dropEthernet(): void {
    if (this.matchesEthernet) this.mask.fill(0, SLOT.packet_type, SLOT.packet_type + 4);
  }

  /** Sets an exact number in a plain slot. */
  putExact(offset: number, bytes: number, value: number): void {
    let rest = value;
    for (let i = offset + bytes - 1; i >= offset; i--) {
      this.value[i] = rest & 0xff;
      this.mask[i] = 0xff;
      rest = Math.floor(rest / 256);
    }
  }

  /** Is no bit of the field matched? */
  isWild(field: Field): boolean {
    const slot = slotOf(field);
    switch (slot.carriage) {
      case Carriage.tunMetadata:
        return this.#tunMetadata[field.id - firstTunMetadata] === undefined;
      case Carriage.dlVlan:
        return (this.maskNumber(slot.offset, 2) & VLAN_VID) === 0;
      case Carriage.vlanVid:
        return (this.maskNumber(slot.offset, 2) & (VLAN_VID | VLAN_CFI)) === 0;
      case Carriage.vlanPcp:
        return (this.maskNumber(slot.offset, 2) & VLAN_PCP) === 0;
      case Carriage.bits:
        return (this.maskNumber(slot.offset, slot.bytes) & slot.bits) === 0;
      default:
        return !this.touches(slot.offset, slot.bytes);
    }
  }

  /**
   * Puts a field in. `value` and `mask` are big-endian, `field.bytes` long; an all-zero mask takes the field out again. What a
   * field said before is overwritten. Answers what is wrong, if anything; then nothing has changed.
   */
  set(field: Field, value: Uint8Array, mask: Uint8Array): DraftFault | undefined {
    let ones = true;
    let zeros = true;
    for (let i = 0; i < field.bytes; i++) {
      const m = mask[i] as number;
      if (m !== 0xff) ones = false;
      if (m !== 0) zeros = false;
    }
    const slot = slotOf(field);
    if (slot.carriage === Carriage.tunMetadata) return this.#setTunMetadata(field, value, mask, ones);
    if (zeros) {
      this.#wild(slot);
      return undefined;
    }
    if (!ones && !field.maskable) return "unusable";
    this.#put(slot, value, mask, ones, field.bytes);
    return field.headers.length === 0 && slot.carriage !== Carriage.dlVlan && slot.carriage !== Carriage.vlanPcp
      ? "unusable"
      : undefined;
  }

  #put(slot: FieldSlot, value: Uint8Array, mask: Uint8Array, exact: boolean, fieldBytes: number): void {
    const { offset, bytes } = slot;
    switch (slot.carriage) {
      case Carriage.plain:
        for (let i = 0; i < bytes; i++) {
          this.mask[offset + i] = mask[i] as number;
          this.value[offset + i] = (value[i] as number) & (mask[i] as number);
        }
        return;
      case Carriage.valueIsMask:
        this.mask[offset] = value[0] as number;
        this.value[offset] = (value[0] as number) & (mask[0] as number);
        return;
      case Carriage.limited:
        for (let i = 0; i < bytes; i++) {
          const allowed = (slot.bits >>> (8 * (bytes - 1 - i))) & 0xff;
          this.mask[offset + i] = (mask[i] as number) & allowed;
          this.value[offset + i] = (value[i] as number) & (mask[i] as number) & allowed;
        }
        return;
      case Carriage.port:
        this.putExact(offset, 2, portFromOf11(bigEndian(value, 0, 4)) ?? ReservedPort.ANY);
        return;
      case Carriage.narrow:
        this.putExact(offset, bytes, value[fieldBytes - 1] as number);
        return;
      case Carriage.ipv6Label: {
        const full = exact || (bigEndian(mask, 0, 4) & 0xfffff) === 0xfffff;
        for (let i = 0; i < 4; i++) {
          this.mask[offset + i] = full ? 0xff : (mask[i] as number);
          this.value[offset + i] = (value[i] as number) & (full ? 0xff : (mask[i] as number));
        }
        return;
      }
      case Carriage.bits: {
        const run = ((bigEndian(value, 0, fieldBytes) << slot.shift) & slot.bits) >>> 0;
        this.#store(
          offset,
          bytes,
          ((this.number(offset, bytes) & ~slot.bits) | run) >>> 0,
          (this.maskNumber(offset, bytes) | slot.bits) >>> 0,
        );
        return;
      }
      default:
        this.#putVlan(slot, bigEndian(value, 0, fieldBytes), exact ? 0xffff : bigEndian(mask, 0, fieldBytes));
    }
  }

  #putVlan(slot: FieldSlot, value: number, mask: number): void {
    const oldValue = this.number(slot.offset, 2);
    const oldMask = this.maskNumber(slot.offset, 2);
    switch (slot.carriage) {
      case Carriage.vlanTci:
        this.#store(slot.offset, 2, value & mask, mask);
        return;
      case Carriage.dlVlan:
        if (value === VLAN_NONE) this.#store(slot.offset, 2, 0, 0xffff);
        else this.#store(slot.offset, 2, (oldValue & ~VLAN_VID) | (value & VLAN_VID) | VLAN_CFI, oldMask | VLAN_VID | VLAN_CFI);
        return;
      case Carriage.vlanVid: {
        const m = mask & (VLAN_VID | VLAN_CFI);
        this.#store(slot.offset, 2, (oldValue & VLAN_PCP) | (value & m), m | (oldMask & VLAN_PCP));
        return;
      }
      default:
        this.#store(slot.offset, 2, (oldValue & ~VLAN_PCP) | ((value & 7) << 13) | VLAN_CFI, oldMask | VLAN_CFI | VLAN_PCP);
    }
  }

  #store(offset: number, bytes: number, value: number, mask: number): void {
    let v = value;
    let m = mask;
    for (let i = offset + bytes - 1; i >= offset; i--) {
      this.value[i] = v & 0xff;
      this.mask[i] = m & 0xff;
      v >>>= 8;
      m >>>= 8;
    }
  }

  #wild(slot: FieldSlot): void {
    const { offset, bytes } = slot;
    if (slot.carriage === Carriage.bits) {
      this.#store(
        offset,
        bytes,
        (this.number(offset, bytes) & ~slot.bits) >>> 0,
        (this.maskNumber(offset, bytes) & ~slot.bits) >>> 0,
      );
      return;
    }
    if (slot.carriage === Carriage.dlVlan || slot.carriage === Carriage.vlanVid || slot.carriage === Carriage.vlanPcp) {
      // The tag's presence goes with the last of VID and PCP.
      const [own, other] = slot.carriage === Carriage.vlanPcp ? [VLAN_PCP, VLAN_VID] : [VLAN_VID, VLAN_PCP];
      const mask = this.maskNumber(offset, 2);
      if ((mask & other) !== 0) this.#store(offset, 2, this.number(offset, 2) & ~own, mask & ~own);
      else this.#store(offset, 2, 0, 0);
      return;
    }
    this.value.fill(0, offset, offset + bytes);
    this.mask.fill(0, offset, offset + bytes);
  }

  #setTunMetadata(field: Field, value: Uint8Array, mask: Uint8Array, exact: boolean): DraftFault | undefined {
    const index = field.id - firstTunMetadata;
    let first = 0;
    while (first < field.bytes && value[first] === 0 && (exact || mask[first] === 0)) first++;
    const length = field.bytes - first;
    if (this.#tunMetadataBytes + length > TUN_METADATA_TOTAL) return "tunMetadataTooLong";
    if (this.#tunMetadata[index] !== undefined) return "tunMetadataTwice";
    const ownValue = new Uint8Array(length);
    const ownMask = new Uint8Array(length);
    for (let i = 0; i < length; i++) {
      ownMask[i] = exact ? 0xff : (mask[first + i] as number);
      ownValue[i] = (value[first + i] as number) & (ownMask[i] as number);
    }
    while (this.#tunMetadata.length < TUN_METADATA) this.#tunMetadata.push(undefined);
    this.#tunMetadata[index] = { value: ownValue, mask: ownMask, masked: !exact };
    this.#tunMetadataBytes += length;
    this.#hasTunMetadata = true;
    return undefined;
  }

  /** Reads a field back into `value` and `mask` (`field.bytes` each); of a field that is not matched, zeros. */
  get(field: Field, value: Uint8Array, mask: Uint8Array): void {
    const slot = slotOf(field);
    if (slot.carriage === Carriage.tunMetadata) {
      this.#getTunMetadata(field, value, mask);
      return;
    }
    this.#extract(this.value, slot, field, value);
    this.#extract(this.mask, slot, field, mask);
  }

  #extract(from: Uint8Array, slot: FieldSlot, field: Field, out: Uint8Array): void {
    const { offset, bytes } = slot;
    let n: number;
    switch (slot.carriage) {
      case Carriage.port:
        n = portToOf11(bigEndian(from, offset, 2));
        break;
      case Carriage.narrow:
        n = bigEndian(from, offset, bytes) & 0xff;
        break;
      case Carriage.bits:
        n = (bigEndian(from, offset, bytes) & slot.bits) >>> slot.shift;
        break;
      case Carriage.dlVlan:
        n = bigEndian(from, offset, 2) & VLAN_VID;
        break;
      case Carriage.vlanVid:
        n = bigEndian(from, offset, 2) & (VLAN_VID | VLAN_CFI);
        break;
      case Carriage.vlanPcp:
        n = (bigEndian(from, offset, 2) & VLAN_PCP) >> 13;
        break;
      default:
        for (let i = 0; i < bytes; i++) out[i] = from[offset + i] as number;
        return;
    }
    for (let i = field.bytes - 1; i >= 0; i--) {
      out[i] = n & 0xff;
      n >>>= 8;
    }
  }

  #getTunMetadata(field: Field, value: Uint8Array, mask: Uint8Array): void {
    value.fill(0, 0, field.bytes);
    mask.fill(0, 0, field.bytes);
    const entry = this.#tunMetadata[field.id - firstTunMetadata];
    if (entry === undefined) return;
    const at = field.bytes - entry.value.length;
    value.set(entry.value, at);
    if (entry.masked) mask.set(entry.mask, at);
    else mask.fill(0xff, 0, field.bytes);
  }

  /** Same values under the same masks? */
  sameAs(other: MatchDraft): boolean {
    for (let i = 0; i < SLOTS_BYTES; i++) {
      if (this.mask[i] !== other.mask[i] || this.value[i] !== other.value[i]) return false;
    }
    for (let i = 0; i < TUN_METADATA; i++) {
      const a = this.#tunMetadata[i];
      const b = other.#tunMetadata[i];
      if (a === undefined || b === undefined) {
        if (a !== b) return false;
      } else if (a.masked !== b.masked || a.value.length !== b.value.length || a.value.some((byte, j) => byte !== b.value[j])) {
        return false;
      } else if (a.mask.some((byte, j) => byte !== b.mask[j])) return false;
    }
    return true;
  }
}

function bigEndian(bytes: Uint8Array, offset: number, length: number): number {
  let n = 0;
  for (let i = offset; i < offset + length; i++) n = n * 256 + (bytes[i] as number);
  return n;
}
