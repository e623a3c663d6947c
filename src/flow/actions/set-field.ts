/** Writing values to fields: `set_field` and `load`, which mean the same and are carried differently. */
import { isFieldValueValid } from "../field-limits.ts";
import { type Field, field } from "../fields.ts";
import { fieldByHeader, putOxmHeader, readOxmHeader } from "../oxm.ts";
import type { Action, LoadAction, SetFieldAction } from "./action.ts";
import {
  type ActionSink,
  CANONICAL,
  closeAction,
  type Encoders,
  invalid,
  openNicira,
  openStandard,
  oxmVersionOf,
  type RawAction,
  Vendor,
  versions,
  type WireForm,
} from "./codec.ts";
import {
  checkDestination,
  hasNxmHeader,
  knownField,
  MAX_HEADER_LENGTH,
  nxmHeader,
  readPackedBits,
  resolveBits,
  subfieldOf,
} from "./subfield.ts";
import { allOnes, copyBits, fillBits, getBits, scanBits, toFieldBytes } from "./values.ts";

/** `ofs_nbits` of a canonical long load; no field is wide enough for it to be a range. */
export const LONG_LOAD = 0xffff;

const CFI = 0x1000;
const ecn = /* @__PURE__ */ field("nw_ecn");

/** Bytes that the wire carries of a value: all, or of a field of variable length those from the first that is not zero. */
function significant(fieldOf: Field, value: Uint8Array, mask: Uint8Array | undefined): number {
  if (!fieldOf.variable) return fieldOf.bytes;
  const length = (bytes: Uint8Array): number => {
    let i = 0;
    while (i < bytes.length && bytes[i] === 0) i++;
    return bytes.length - i;
  };
  return Math.max(length(value), mask === undefined ? 0 : length(mask));
}

/** Appends a field with value and mask as one TLV. */
function putEntry(
  sink: ActionSink,
  fieldOf: Field,
  version: ReturnType<typeof oxmVersionOf>,
  value: Uint8Array,
  mask: Uint8Array | undefined,
): void {
  const { w } = sink;
  const length = significant(fieldOf, value, mask);
  putOxmHeader(w, fieldOf, version, mask !== undefined, length);
  w.bytes(value, value.length - length);
  if (mask !== undefined) w.bytes(mask, mask.length - length);
}

function putSetFieldBytes(sink: ActionSink, fieldOf: Field, value: Uint8Array, mask: Uint8Array | undefined): void {
  const at = openStandard(sink.w, 25, 4);
  putEntry(sink, fieldOf, oxmVersionOf(sink.version), value, mask);
  closeAction(sink.w, at);
}

/** The standard set-field action of a whole field of at most 8 bytes. */
export function putSetField(sink: ActionSink, fieldOf: Field, value: number | bigint): void {
  const bytes = new Uint8Array(fieldOf.bytes);
  let rest = BigInt(value);
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  putSetFieldBytes(sink, fieldOf, bytes, undefined);
}

/** NXAST_REG_LOAD of at most 64 bits. */
export function putRegLoad(sink: ActionSink, fieldOf: Field, offset: number, bits: number, value: bigint): void {
  const { w } = sink;
  const at = openNicira(w, 7, 24);
  w.view.setUint16(at + 10, ((offset << 6) | (bits - 1)) & 0xffff);
  w.view.setUint32(at + 12, nxmHeader(fieldOf));
  w.view.setBigUint64(at + 16, value);
}

function putRegLoad2(sink: ActionSink, fieldOf: Field, value: Uint8Array, mask: Uint8Array | undefined): void {
  const at = openNicira(sink.w, 33, 10);
  putEntry(sink, fieldOf, 0, value, mask === undefined || allOnes(mask) ? undefined : mask);
  closeAction(sink.w, at);
}

/** As NXAST_REG_LOADs, one for each run of mask bits (at most 64 long), or as one NXAST_REG_LOAD2 where those cannot say it. */
function putLoads(sink: ActionSink, fieldOf: Field, value: Uint8Array, mask: Uint8Array | undefined): void {
  if (!hasNxmHeader(fieldOf) || fieldOf.variable) {
    putRegLoad2(sink, fieldOf, value, mask);
    return;
  }
  const width = fieldOf.bits;
  for (let at = 0; at < width; ) {
    const start = mask === undefined ? at : scanBits(mask, 1, at, width);
    if (start >= width) break;
    const limit = Math.min(start + 64, width);
    const end = mask === undefined ? limit : scanBits(mask, 0, start + 1, limit);
    putRegLoad(sink, fieldOf, start, end - start, getBits(value, start, end - start));
    at = end;
  }
}

// OpenFlow 1.0 and 1.1 have an action of its own for some fields; as in Open vSwitch, a mask is lost there.
function putLegacy(sink: ActionSink, fieldOf: Field, value: Uint8Array, mask: Uint8Array | undefined): void {
  const { w, version } = sink;
  const is10 = version === 1;
  const half = (type: number, number: number): void => {
    w.setU16(openStandard(w, type, 8) + 4, number);
  };
  const byte = (type: number, number: number): void => {
    w.setU8(openStandard(w, type, 8) + 4, number);
  };
  const short = value.length >= 2 ? ((value[0] as number) << 8) | (value[1] as number) : 0;
  switch (fieldOf.name) {
    case "vlan_tci":
      if ((short & CFI) === 0) {
        openStandard(w, is10 ? 3 : 18, 8);
        return;
      }
      if (!is10) half(17, 0x8100);
      half(1, short & 0xfff);
      byte(2, short >> 13);
      return;
    case "vlan_vid":
      half(1, short & 0xfff);
      return;
    case "vlan_pcp":
      byte(2, value[0] as number);
      return;
    case "eth_src":
    case "eth_dst": {
      const first = fieldOf.name === "eth_src" ? 3 : 4;
      const at = openStandard(w, is10 ? first + 1 : first, 16);
      w.buffer.set(value, at + 4);
      return;
    }
    case "ip_src":
    case "ip_dst": {
      const first = fieldOf.name === "ip_src" ? 5 : 6;
      const at = openStandard(w, is10 ? first + 1 : first, 8);
      w.buffer.set(value, at + 4);
      return;
    }
    case "nw_tos":
      byte(is10 ? 8 : 7, value[0] as number);
      return;
    case "ip_dscp":
      byte(is10 ? 8 : 7, ((value[0] as number) << 2) & 0xff);
      return;
    case "nw_ecn":
      if (is10) putRegLoad(sink, ecn, 0, 2, BigInt(value[0] as number));
      else byte(8, value[0] as number);
      return;
    case "tcp_src":
    case "udp_src":
      half(9, short);
      return;
    case "tcp_dst":
    case "udp_dst":
      half(10, short);
      return;
    default:
      putLoads(sink, fieldOf, value, mask);
  }
}

/** A `load` as the value and mask of the whole field. */
export function loadToSet(action: LoadAction): {
  field: Field;
  value: Uint8Array;
  mask: Uint8Array;
  offset: number;
  bits: number;
} {
  const { field: fieldOf, offset, bits } = resolveBits(action.destination, "destination");
  const given = toFieldBytes(fieldOf, action.value, "value");
  if (scanBits(given, 1, bits, given.length * 8) !== given.length * 8) {
    throw invalid("value", `value does not fit in the ${bits} bits of destination`);
  }
  const value = new Uint8Array(fieldOf.bytes);
  const mask = new Uint8Array(fieldOf.bytes);
  copyBits(given, 0, value, offset, bits);
  fillBits(mask, offset, bits);
  return { field: fieldOf, value, mask, offset, bits };
}

function encodeLoad(action: LoadAction, sink: ActionSink): void {
  const { field: fieldOf, value, mask, offset, bits } = loadToSet(action);
  const exact = allOnes(mask) ? undefined : mask;
  if (sink.version === 6) putSetFieldBytes(sink, fieldOf, value, exact);
  else if (sink.version !== CANONICAL) putLoads(sink, fieldOf, value, mask);
  else if (bits <= 64 && hasNxmHeader(fieldOf) && !fieldOf.variable)
    putRegLoad(sink, fieldOf, offset, bits, getBits(value, offset, bits));
  else {
    const at = openNicira(sink.w, 7, 12);
    sink.w.view.setUint16(at + 10, LONG_LOAD);
    putEntry(sink, fieldOf, 6, value, mask);
    closeAction(sink.w, at);
  }
}

function encodeSetField(action: SetFieldAction, sink: ActionSink): void {
  const fieldOf = knownField(action.field, "field");
  const value = toFieldBytes(fieldOf, action.value, "value");
  let mask = action.mask === undefined ? undefined : toFieldBytes(fieldOf, action.mask, "mask");
  if (mask !== undefined && allOnes(mask)) mask = undefined;
  const { version } = sink;
  if (action.regLoad2 === true && version !== 6) putRegLoad2(sink, fieldOf, value, mask);
  else if (version >= 6) putSetFieldBytes(sink, fieldOf, value, mask);
  else if (version < 3) putLegacy(sink, fieldOf, value, mask);
  else if (mask === undefined) putSetFieldBytes(sink, fieldOf, value, undefined);
  else putLoads(sink, fieldOf, value, mask);
}

interface Entry {
  readonly field: Field;
  readonly value: Uint8Array;
  readonly mask: Uint8Array | undefined;
}

// Reads a TLV with value and mask at `at` and checks that only zeros follow.
function readEntry(raw: RawAction, at: number, mayMask: boolean): Entry {
  const header = readOxmHeader(raw.view, raw.start + at, raw.end);
  const { field: found, masked, payloadStart, payloadLength, size } = header;
  const next = raw.start + at + size;
  if (found === undefined || payloadLength > MAX_HEADER_LENGTH) {
    const known = fieldByHeader(header.oxmClass, header.type, header.experimenter) !== undefined;
    const name = known && payloadLength > 0 && payloadLength <= MAX_HEADER_LENGTH ? "OFPBAC_BAD_SET_LEN" : "OFPBAC_BAD_SET_TYPE";
    raw.fail(name, "the action names a field that does not exist, or gives it a wrong length", at);
  }
  if (next > raw.end) raw.fail("OFPBMC_BAD_LEN", `the value of ${found.name} does not fit in the action`, at);
  if (payloadLength > found.bytes) raw.fail("OFPBAC_BAD_SET_LEN", `the value of ${found.name} is too long`, at);
  const value = new Uint8Array(found.bytes);
  value.set(raw.bytes.subarray(payloadStart, payloadStart + payloadLength), found.bytes - payloadLength);
  let mask: Uint8Array | undefined;
  if (masked) {
    mask = new Uint8Array(found.bytes);
    mask.set(raw.bytes.subarray(payloadStart + payloadLength, payloadStart + 2 * payloadLength), found.bytes - payloadLength);
    for (let i = 0; i < value.length; i++) {
      if (((value[i] as number) & ~(mask[i] as number)) !== 0) {
        raw.refuse("OFPBMC_BAD_WILDCARDS", `the value of ${found.name} has bits that its mask leaves out`, at);
        break;
      }
    }
  }
  if (masked && !mayMask) raw.fail("OFPBAC_BAD_SET_MASK", "set_field has no mask in this version", at);
  if (!raw.isZero(next - raw.start))
    raw.refuse("OFPBAC_BAD_SET_ARGUMENT", "bytes behind the value are not zero", next - raw.start);
  return { field: found, value, mask };
}

function checkWritable(raw: RawAction, fieldOf: Field, at: number): void {
  if (!fieldOf.writable) raw.refuse("OFPBAC_BAD_SET_ARGUMENT", `${fieldOf.name} cannot be written`, at);
}

function decodeSetField(raw: RawAction, mayMask: boolean): Action {
  const { field: fieldOf, value, mask } = readEntry(raw, 4, mayMask);
  if (fieldOf.name === "in_port_oxm") raw.refuse("OFPBAC_BAD_SET_ARGUMENT", "set_field may not write the ingress port", 4);
  checkWritable(raw, fieldOf, 4);
  const present = (bytes: Uint8Array): boolean => ((bytes[0] as number) & 0x10) !== 0;
  if (
    !isFieldValueValid(fieldOf, value) ||
    (fieldOf.name === "vlan_vid" && !(present(value) && (mask === undefined || present(mask))))
  ) {
    raw.refuse("OFPBAC_BAD_SET_ARGUMENT", `the value of ${fieldOf.name} is out of range`, 4);
  }
  return { type: "setField", field: fieldOf.name, value, ...(mask === undefined || allOnes(mask) ? {} : { mask }) };
}

function decodeRegLoad(raw: RawAction): Action {
  if (raw.version === CANONICAL && raw.u16(10) === LONG_LOAD) {
    const { field: fieldOf, value, mask } = readEntry(raw, 12, true);
    const offset = mask === undefined ? 0 : scanBits(mask, 1, 0, fieldOf.bits);
    const bits = mask === undefined ? fieldOf.bits : scanBits(mask, 0, offset, fieldOf.bits) - offset;
    const low = new Uint8Array(fieldOf.bytes);
    copyBits(value, offset, low, 0, bits);
    return { type: "load", destination: { field: fieldOf.name, offset, bits }, value: low };
  }
  const bits = readPackedBits(raw, 10, 12);
  checkDestination(raw, bits, 10);
  const value = raw.u64(16);
  if (bits.bits < 64 && value >> BigInt(bits.bits) !== 0n) {
    raw.refuse("OFPBAC_BAD_ARGUMENT", `the value of load does not fit in ${bits.bits} bits`, 16);
  }
  const low = new Uint8Array(bits.field.bytes);
  const eight = raw.slice(16, 24);
  if (low.length >= 8) low.set(eight, low.length - 8);
  else low.set(eight.subarray(8 - low.length));
  return { type: "load", destination: subfieldOf(bits), value: low };
}

/** Encoders of this file's actions. */
export const setFieldEncoders: Pick<Encoders, "setField" | "load"> = { setField: encodeSetField, load: encodeLoad };

/** Wire forms of this file's actions. */
export const setFieldForms: readonly WireForm[] = [
  {
    vendor: Vendor.standard,
    code: 25,
    versions: versions(3, 5),
    length: 8,
    variable: true,
    decode: (raw) => decodeSetField(raw, false),
  },
  {
    vendor: Vendor.standard,
    code: 25,
    versions: versions(6),
    length: 8,
    variable: true,
    decode: (raw) => decodeSetField(raw, true),
  },
  { vendor: Vendor.nicira, code: 7, versions: versions(1, 5), length: 24, variable: false, decode: decodeRegLoad },
  { vendor: Vendor.nicira, code: 7, versions: 1 << CANONICAL, length: 24, variable: true, decode: decodeRegLoad },
  {
    vendor: Vendor.nicira,
    code: 33,
    versions: versions(1, 5) | (1 << CANONICAL),
    length: 16,
    variable: true,
    decode(raw) {
      const { field: fieldOf, value, mask } = readEntry(raw, 10, true);
      checkWritable(raw, fieldOf, 10);
      return {
        type: "setField",
        field: fieldOf.name,
        value,
        ...(mask === undefined || allOnes(mask) ? {} : { mask }),
        regLoad2: true,
      };
    },
  },
];
