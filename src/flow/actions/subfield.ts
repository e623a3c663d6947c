/** Some bits of a field, and the three ways in which actions carry them. */
import type { ByteWriter } from "../../bytes.ts";
import { type Field, fieldByName } from "../fields.ts";
import { EXPERIMENTER_CLASS, oxmHeaderFor, putOxmHeader, type ReadOxmHeader, readOxmHeader } from "../oxm.ts";
import type { SubField } from "./action.ts";
import { invalid, type RawAction } from "./codec.ts";

/** A {@link SubField} with its field looked up and its defaults filled in. */
export interface Bits {
  readonly field: Field;
  readonly offset: number;
  readonly bits: number;
}

/** Looks up a field by name; throws `ACTION_INVALID`. */
export function knownField(name: string, path: string): Field {
  const field = fieldByName(name);
  if (field === undefined) throw invalid(path, `there is no field called ${String(name)}`);
  return field;
}

/** Completes and checks a sub-field; throws `ACTION_INVALID`. */
export function resolveBits(sub: SubField, path: string): Bits {
  const field = knownField(sub?.field, `${path}.field`);
  const offset = sub.offset ?? 0;
  const bits = sub.bits ?? field.bits - offset;
  if (!Number.isInteger(offset) || offset < 0 || offset >= field.bits) {
    throw invalid(`${path}.offset`, `${path}.offset is ${offset}, but ${field.name} has bits 0 to ${field.bits - 1}`);
  }
  if (!Number.isInteger(bits) || bits < 1 || offset + bits > field.bits) {
    throw invalid(
      `${path}.bits`,
      `${path}.bits is ${bits}, but ${field.name} has only ${field.bits - offset} bits from bit ${offset} up`,
    );
  }
  return { field, offset, bits };
}

/** Does the field have a header without an experimenter id, as the older Nicira actions need? */
export function hasNxmHeader(field: Field): boolean {
  const header = oxmHeaderFor(field, 0);
  return header !== undefined && header.oxmClass !== EXPERIMENTER_CLASS;
}

/** The 4-byte NXM header of a field; 0 when it has none, as Open vSwitch writes then. */
export function nxmHeader(field: Field): number {
  const header = oxmHeaderFor(field, 0);
  if (header === undefined || header.oxmClass === EXPERIMENTER_CLASS) return 0;
  return ((header.oxmClass << 16) | (header.type << 9) | header.length) >>> 0;
}

/** A header in the oldest form, 4 or 8 bytes. */
export function putNxmHeader(w: ByteWriter, field: Field): void {
  putOxmHeader(w, field, 0, false);
}

/** `(offset << 6) | (bits - 1)`, cut to 16 bits as Open vSwitch does. */
export function packRange(bits: Bits): number {
  return ((bits.offset << 6) | ((bits.bits - 1) & 0xffff)) & 0xffff;
}

/** The longest value that Open vSwitch looks for when it looks a header up. */
export const MAX_HEADER_LENGTH = 127;

/** The field of a 4-byte header, in which an experimenter class names nothing. */
export function shortFieldOf(view: DataView, start: number): Field | undefined {
  if (view.getUint16(start) === EXPERIMENTER_CLASS) return undefined;
  const { field, payloadLength } = readOxmHeader(view, start, start + 4);
  return payloadLength > MAX_HEADER_LENGTH ? undefined : field;
}

function shortFieldAt(raw: RawAction, at: number): Field {
  const field = shortFieldOf(raw.view, raw.start + at);
  if (field === undefined) raw.fail("OFPBAC_BAD_SET_TYPE", "the action names a field that does not exist", at);
  return field;
}

/** Bits from a packed range at `rangeAt` and a 4-byte header at `headerAt`. */
export function readPackedBits(raw: RawAction, rangeAt: number, headerAt: number): Bits {
  const field = shortFieldAt(raw, headerAt);
  const range = raw.u16(rangeAt);
  return { field, offset: range >>> 6, bits: (range & 0x3f) + 1 };
}

/** Reads a header of 4 or 8 bytes without mask at `at`; throws as Open vSwitch would. */
export function readHeaderAt(raw: RawAction, at: number): ReadOxmHeader & { readonly field: Field } {
  const header = readOxmHeader(raw.view, raw.start + at, raw.end);
  if (header.field === undefined || header.payloadLength > MAX_HEADER_LENGTH)
    raw.fail("OFPBMC_BAD_FIELD", "the action names a field that does not exist", at);
  if (header.masked) raw.fail("OFPBMC_BAD_MASK", `the header of ${header.field.name} has the mask bit set`, at);
  return header as ReadOxmHeader & { readonly field: Field };
}

/** Bytes of a header that was read. */
export function headerSize(header: ReadOxmHeader): number {
  return header.oxmClass === EXPERIMENTER_CLASS ? 8 : 4;
}

/** Refuses bits that do not lie in their field. */
export function checkSource(raw: RawAction, bits: Bits, at = 0): void {
  const width = bits.field.bits;
  if (bits.bits === 0) raw.refuse("OFPBAC_BAD_SET_LEN", `no bit of ${bits.field.name} is named`, at);
  else if (bits.offset + bits.bits > width) {
    raw.refuse(
      "OFPBAC_BAD_SET_LEN",
      `bits ${bits.offset} to ${bits.offset + bits.bits - 1} are named, but ${bits.field.name} has ${width}`,
      at,
    );
  }
}

/** Refuses bits that do not lie in their field, or whose field cannot be written. */
export function checkDestination(raw: RawAction, bits: Bits, at = 0): void {
  checkSource(raw, bits, at);
  if (!bits.field.writable) raw.refuse("OFPBAC_BAD_SET_ARGUMENT", `${bits.field.name} cannot be written`, at);
}

/** As it is shown to users. */
export function subfieldOf(bits: Bits): SubField {
  return { field: bits.field.name, offset: bits.offset, bits: bits.bits };
}
