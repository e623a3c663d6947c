import { equalBytes } from "../bytes.ts";
import { OfsyncError } from "../errors.ts";
import { formatFieldValue } from "./field-format.ts";
import { type FieldName, fieldByAnyName, similarFieldNames } from "./field-names.ts";
import { FieldScratch, readFieldValue } from "./field-text.ts";
import { type Field, field } from "./fields.ts";
import { MatchBuilder } from "./match-builder.ts";
import { decodeIntoDraft } from "./match-decode.ts";
import { MatchDraft } from "./match-draft.ts";
import { readOxmHeader } from "./oxm.ts";
import { prerequisiteMet } from "./prerequisites.ts";
import { LoneValueText } from "./value-text.ts";

const EMPTY = new Uint8Array(0);

/** A value in an object: a number, text as in a flow (`"10.0.0.0/8"`, `"+trk+est"`, `"LOCAL"`), or big-endian bytes. */
export type PlainFieldValue = number | bigint | string | Uint8Array;

/** A value, perhaps with a mask: both in one text, or apart. */
export type FieldInput = PlainFieldValue | { readonly value: PlainFieldValue; readonly mask: PlainFieldValue };

/** What a match is made of; see {@link Match.of}. */
export type MatchFields = { readonly [Name in FieldName]?: FieldInput | undefined };

/** One field of a match. */
export interface MatchEntry {
  readonly field: Field;
  readonly name: string;
  /** Big-endian. */
  readonly value: Uint8Array;
  /** As long as the value; `undefined`: exact. */
  readonly mask: Uint8Array | undefined;
}

/**
 * What packets a flow applies to. Immutable.
 *
 * Invariant: `bytes` is the canonical form, the OXM TLVs exactly as Open vSwitch 3.1 writes them in OpenFlow 1.5 (without
 * the `ofp_match` header and padding): one field order, no all-zero and no all-ones mask, no host bits under a mask,
 * registers folded pairwise onto `OXM_OF_PKT_REGn`. Two matches are the same slot if and only if their bytes are equal.
 *
 * One thing about a match never shows in text: that it is restricted to Ethernet packets although no field implies that
 * (Open vSwitch keeps such a flow apart from one without the restriction, and prints both alike). Text and objects never
 * give that form; bytes from a switch keep it, so that exactly that slot can be addressed (`isHidden`).
 */
export class Match {
  /** Canonical bytes. Never write into them. */
  readonly bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Matches every packet. */
  static readonly any: Match = new Match(EMPTY);

  /** Wraps bytes that are known to be canonical (from a table, from a decoder); they are not checked and not copied. */
  static fromCanonical(bytes: Uint8Array): Match {
    return bytes.length === 0 ? Match.any : new Match(bytes);
  }

  /**
   * A match from an object: `Match.of({ eth_type: 0x800, ipv4_dst: "10.0.0.0/8" })`. Names are Open vSwitch's (`nw_dst`, `ip_dst`),
   * or OpenFlow's (`ipv4_dst`); `undefined` values are skipped; the order of the fields does not matter. Prerequisites must be
   * there: `tcp_dst` needs `ip_proto: 6` and an IP `eth_type`.
   *
   * Throws {@link OfsyncError} with the name in `place.field`: `FIELD_UNKNOWN`, `FIELD_SYNTAX`, `FIELD_RANGE`, `FIELD_MASK`,
   * `FIELD_HOST_BITS`, `FIELD_PORT`, `FIELD_FLAGS`, `FIELD_DUPLICATE` (a field under two names), `FIELD_CONFLICT`, `FIELD_PREREQUISITE`, `FIELD_NOT_ON_WIRE`,
   * `FIELD_LOST`, `FIELD_HIDDEN`.
   */
  static of(fields: MatchFields): Match {
    if (typeof fields !== "object" || fields === null) {
      throw new OfsyncError("MATCH_VALUE", `a match is made of an object of fields, not of ${describe(fields)}`, {
        place: { field: "match" },
      });
    }
    builder.clear();
    let last: LoneValueText | undefined;
    for (const [name, input] of Object.entries(fields)) {
      if (input === undefined) continue;
      const target = fieldByAnyName(name);
      if (target === undefined) {
        const similar = similarFieldNames(name);
        throw new OfsyncError("FIELD_UNKNOWN", `no match field is called ${name}`, {
          place: { field: `match.${name}`, text: name },
          ...(similar.length === 0 ? {} : { hint: `perhaps ${similar.join(" or ")}` }),
        });
      }
      last = readInput(target, name, input);
    }
    if (last === undefined) return Match.any;
    return Match.fromCanonical(builder.finish(new LoneValueText("", "match"), 0, false));
  }

  equals(other: Match): boolean {
    return this === other || equalBytes(this.bytes, other.bytes);
  }

  /** Only Ethernet packets, and nothing that prints says so (see the class). */
  get isHidden(): boolean {
    const { bytes } = this;
    return bytes.length >= 8 && bytes.every((byte, i) => i >= 8 || byte === PACKET_TYPE_ETHERNET[i]);
  }

  /** The fields in canonical order. Registers appear as `regN`, each once. */
  entries(): MatchEntry[] {
    const { bytes } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const entries: MatchEntry[] = [];
    for (let at = 0; at < bytes.length; ) {
      const header = readOxmHeader(view, at, bytes.length);
      at += header.size;
      if (header.field === undefined) continue;
      const { payloadStart: start, payloadLength: length } = header;
      const value = bytes.slice(start, start + length);
      const mask = header.masked ? bytes.slice(start + length, start + 2 * length) : undefined;
      if (header.oxmClass === XREG_CLASS) addRegisters(entries, header.type, value, mask);
      else entries.push({ field: header.field, name: header.field.name, value, mask });
    }
    return entries;
  }

  /**
   * What the match says of one field, under any of its names and also of a wider or narrower view of it (`xreg0`, `vlan_tci`);
   * `undefined` when it says nothing. Value and mask have the field's full width.
   */
  get(name: FieldName): MatchEntry | undefined {
    const target = fieldByAnyName(name);
    if (target === undefined)
      throw new OfsyncError("FIELD_UNKNOWN", `no match field is called ${name}`, { place: { field: name } });
    draft.clear();
    decodeIntoDraft(this.bytes, 0, this.bytes.length, draft, { strict: false });
    if (draft.isWild(target) || !prerequisiteMet(draft, target.prerequisite)) return undefined;
    draft.get(target, scratch.value, scratch.mask);
    const exact = !target.maskable || isWholeWidth(target, scratch.mask);
    return {
      field: target,
      name: target.name,
      value: scratch.value.slice(0, target.bytes),
      mask: exact ? undefined : scratch.mask.slice(0, target.bytes),
    };
  }

  /** Field names and values as text; {@link Match.of} takes them again. */
  toJSON(): Record<string, string> {
    const fields: Record<string, string> = {};
    for (const entry of this.entries()) {
      const { field: target } = entry;
      if (target.name === "packet_type" && entry.value.every((byte) => byte === 0)) fields[target.name] = "(0,0)";
      else if (target.variable) fields[target.name] = formatVariable(entry);
      else fields[target.name] = formatFieldValue(target, entry.value, entry.mask).replace(/^packet_type=/, "");
    }
    return fields;
  }
}

// Not before `Match` is there: the builder and the drafts know nothing of it.
const builder = /* @__PURE__ */ new MatchBuilder();
const draft = /* @__PURE__ */ new MatchDraft();
const scratch = /* @__PURE__ */ new FieldScratch();

const PACKET_TYPE_ETHERNET = [0x80, 0x00, 0x58, 0x04, 0, 0, 0, 0];
const XREG_CLASS = 0x8001;

function addRegisters(entries: MatchEntry[], xreg: number, value: Uint8Array, mask: Uint8Array | undefined): void {
  for (let half = 0; half < 2; half++) {
    const target = field(`reg${xreg * 2 + half}`);
    const ownMask = mask?.slice(half * 4, half * 4 + 4);
    if (ownMask?.every((byte) => byte === 0) === true) continue;
    const exact = ownMask?.every((byte) => byte === 0xff) !== false;
    entries.push({
      field: target,
      name: target.name,
      value: value.slice(half * 4, half * 4 + 4),
      mask: exact ? undefined : ownMask,
    });
  }
}

// All bits of the field, though not all of its bytes: `dl_vlan` has 12 bits in 2 bytes.
function isWholeWidth(target: Field, mask: Uint8Array): boolean {
  let ones = 0;
  for (let i = 0; i < target.bytes; i++) for (let m = mask[i] as number; m !== 0; m &= m - 1) ones++;
  return ones >= target.bits;
}

function formatVariable(entry: MatchEntry): string {
  const hex = (bytes: Uint8Array): string => `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  return entry.mask === undefined ? hex(entry.value) : `${hex(entry.value)}/${hex(entry.mask)}`;
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}

function readInput(target: Field, name: string, input: FieldInput): LoneValueText {
  const path = `match.${name}`;
  let text: string;
  if (typeof input === "object" && input !== null && !(input instanceof Uint8Array) && "value" in input && "mask" in input) {
    text = `${plainText(target, path, input.value)}/${plainText(target, path, input.mask)}`;
  } else text = plainText(target, path, input as PlainFieldValue);
  const source = new LoneValueText(text, path);
  readFieldValue(source, target, 0, text.length, scratch);
  builder.add(source, target, name, 0, text.length, scratch);
  return source;
}

function plainText(target: Field, path: string, value: PlainFieldValue): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) {
    if (value.length > target.bytes || (value.length < target.bytes && !target.variable)) {
      throw new OfsyncError("FIELD_RANGE", `${target.name} has ${target.bytes} bytes, not ${value.length}`, {
        place: { field: path },
      });
    }
    const full = new Uint8Array(target.bytes);
    full.set(value, target.bytes - value.length);
    return bytesText(target, full);
  }
  const whole = typeof value === "bigint" ? value >= 0n : typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  if (!whole) {
    throw new OfsyncError(
      "FIELD_SYNTAX",
      `${target.name} takes a whole number from 0, a text or bytes, not ${describeValue(value)}`,
      {
        place: { field: path },
        hint: "write large numbers as bigint or text",
      },
    );
  }
  return numberText(target, path, BigInt(value as number | bigint));
}

function describeValue(value: unknown): string {
  return typeof value === "number" || typeof value === "bigint" ? String(value) : describe(value);
}

// A number as text that the field's own reader understands.
function numberText(target: Field, path: string, value: bigint): string {
  switch (target.format) {
    case "mac":
    case "ipv4":
    case "ipv6":
    case "packetType": {
      const bytes = new Uint8Array(target.bytes);
      let rest = value;
      for (let i = target.bytes - 1; i >= 0; i--) {
        bytes[i] = Number(rest & 0xffn);
        rest >>= 8n;
      }
      if (rest !== 0n) {
        throw new OfsyncError("FIELD_RANGE", `${value} does not fit in the ${target.bytes} bytes of ${target.name}`, {
          place: { field: path },
        });
      }
      return bytesText(target, bytes);
    }
    case "frag":
      throw new OfsyncError("FIELD_SYNTAX", `${target.name} takes a word`, {
        place: { field: path },
        hint: 'write "no", "yes", "first", "later" or "not_later"',
      });
    case "port":
    case "port10":
      return String(value);
    default:
      return `0x${value.toString(16)}`;
  }
}

function bytesText(target: Field, bytes: Uint8Array): string {
  switch (target.format) {
    case "mac":
    case "ipv4":
    case "ipv6":
      return formatFieldValue(target, bytes, undefined);
    case "packetType":
      return `(${((bytes[0] as number) << 8) | (bytes[1] as number)},${((bytes[2] as number) << 8) | (bytes[3] as number)})`;
    case "port":
    case "port10":
      return String(bytes.reduce((sum, byte) => sum * 256 + byte, 0));
    default:
      return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
}
