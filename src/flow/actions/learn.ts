/** `learn`: the action that adds flows. */
import type { Field } from "../fields.ts";
import { putOxmHeader } from "../oxm.ts";
import type { LearnAction, LearnSpec, SubField } from "./action.ts";
import {
  type ActionSink,
  closeAction,
  type Encoders,
  invalid,
  openNicira,
  type RawAction,
  Vendor,
  versions,
  type WireForm,
  whole,
  whole64,
  withPath,
} from "./codec.ts";
import { type Bits, headerSize, nxmHeader, readHeaderAt, resolveBits, shortFieldOf, subfieldOf } from "./subfield.ts";
import { copyBits, scanBits, toFieldBytes } from "./values.ts";

const SEND_FLOW_REMOVED = 1;
const DELETE_LEARNED = 2;
const WRITE_RESULT = 4;

// The 16-bit head of a spec: | 0 | source (1) | destination (2) | bits (11) |.
const IMMEDIATE = 1 << 13;
const TO_MATCH = 0;
const TO_LOAD = 1 << 11;
const TO_OUTPUT = 2 << 11;
const DESTINATION = 3 << 11;
const BITS = 0x3ff;

const DEFAULT_PRIORITY = 0x8000;

function putSubField(sink: ActionSink, bits: Bits): void {
  sink.w.u32(nxmHeader(bits.field));
  sink.w.u16(bits.offset);
}

/** The low `bits` bits of a value of `field`, in `length` bytes. */
function lowBytes(field: Field, value: Uint8Array, bits: number, length: number, path: string): Uint8Array {
  if (scanBits(value, 1, bits, value.length * 8) !== value.length * 8)
    throw invalid(path, `${path} does not fit in ${bits} bits`);
  const bytes = new Uint8Array(length);
  for (let i = 1; i <= Math.min(length, field.bytes); i++) bytes[length - i] = value[value.length - i] as number;
  return bytes;
}

function putSpec(sink: ActionSink, spec: LearnSpec): void {
  const { w } = sink;
  if (spec.type === "output") {
    const source = resolveBits(spec.source, "source");
    w.u16(source.bits | TO_OUTPUT);
    putSubField(sink, source);
    return;
  }
  const destination = resolveBits(spec.destination, "destination");
  const to = spec.type === "matchField" || spec.type === "matchValue" ? TO_MATCH : TO_LOAD;
  if (spec.type === "matchField" || spec.type === "loadField") {
    const source = resolveBits(spec.source, "source");
    if (source.bits !== destination.bits) {
      throw invalid("source.bits", `source has ${source.bits} bits, but destination has ${destination.bits}`);
    }
    w.u16(source.bits | to);
    putSubField(sink, source);
  } else {
    const value = toFieldBytes(destination.field, spec.value, "value");
    w.u16(destination.bits | to | IMMEDIATE);
    w.bytes(lowBytes(destination.field, value, destination.bits, 2 * Math.ceil(destination.bits / 16), "value"));
  }
  putSubField(sink, destination);
}

function encodeLearn(action: LearnAction, sink: ActionSink): void {
  const { w } = sink;
  const result =
    action.resultDestination === undefined
      ? undefined
      : resolveBits({ bits: 1, ...action.resultDestination }, "resultDestination");
  if (result !== undefined && result.bits !== 1)
    throw invalid("resultDestination.bits", "resultDestination must be a single bit");
  const limit = whole(action.limit ?? 0, "limit", 0xffff_ffff);
  const extended = action.extended === true || limit !== 0 || result !== undefined;
  const start = openNicira(w, extended ? 45 : 16, extended ? 40 : 32);
  const view = w.view;
  view.setUint16(start + 10, whole(action.idleTimeout ?? 0, "idleTimeout", 0xffff));
  view.setUint16(start + 12, whole(action.hardTimeout ?? 0, "hardTimeout", 0xffff));
  view.setUint16(start + 14, whole(action.priority ?? DEFAULT_PRIORITY, "priority", 0xffff));
  view.setBigUint64(start + 16, whole64(action.cookie ?? 0, "cookie"));
  view.setUint16(
    start + 24,
    (action.sendFlowRemoved === true ? SEND_FLOW_REMOVED : 0) |
      (action.deleteLearned === true ? DELETE_LEARNED : 0) |
      (result === undefined ? 0 : WRITE_RESULT),
  );
  view.setUint8(start + 26, whole(action.table ?? 1, "table", 255));
  view.setUint16(start + 28, whole(action.finIdleTimeout ?? 0, "finIdleTimeout", 0xffff));
  view.setUint16(start + 30, whole(action.finHardTimeout ?? 0, "finHardTimeout", 0xffff));
  if (extended) {
    view.setUint32(start + 32, limit);
    if (result !== undefined) {
      view.setUint16(start + 36, result.offset);
      putOxmHeader(w, result.field, 0, false);
    }
  }
  for (const [index, spec] of (action.specs ?? []).entries()) {
    try {
      putSpec(sink, spec);
    } catch (error) {
      throw withPath(error, `specs[${index}]`);
    }
  }
  closeAction(w, start);
}

function readSubField(raw: RawAction, at: number, bits: number): Bits {
  const field = shortFieldOf(raw.view, raw.start + at);
  if (field === undefined) raw.fail("OFPBAC_BAD_SET_TYPE", "learn names a field that does not exist", at);
  return { field, offset: raw.u16(at + 4), bits };
}

function readSpecs(raw: RawAction, from: number): LearnSpec[] {
  const specs: LearnSpec[] = [];
  const seen: { readonly bits: Bits; readonly at: number; readonly write: boolean }[] = [];
  const note = (bits: Bits, at: number, write = false): SubField => {
    seen.push({ bits, at, write });
    return subfieldOf(bits);
  };
  let at = from;
  while (at + 2 <= raw.length) {
    const head = raw.u16(at);
    if (head === 0) break;
    const bits = head & BITS;
    const immediate = (head & IMMEDIATE) !== 0;
    const to = head & DESTINATION;
    if (to === DESTINATION || (to === TO_OUTPUT && immediate)) {
      raw.fail("OFPBAC_BAD_ARGUMENT", "learn has a part of an unknown kind", at);
    }
    const sourceLength = immediate ? 2 * Math.ceil(bits / 16) : 6;
    const length = sourceLength + (to === TO_OUTPUT ? 0 : 6);
    if (raw.length - at - 2 < length) raw.fail("OFPBAC_BAD_LEN", "a part of learn ends behind the action", at);
    const sourceAt = at + 2;
    const destinationAt = sourceAt + sourceLength;
    if (to === TO_OUTPUT) specs.push({ type: "output", source: note(readSubField(raw, sourceAt, bits), sourceAt) });
    else if (immediate) {
      const target = readSubField(raw, destinationAt, bits);
      // Only the low bytes count; those that are there to fill 16 bits are dropped, as Open vSwitch does.
      const count = Math.min(Math.ceil(bits / 8), target.field.bytes);
      const value = new Uint8Array(target.field.bytes);
      value.set(raw.slice(destinationAt - count, destinationAt), value.length - count);
      // So are the bits above the width.
      if (bits < value.length * 8) copyBits(new Uint8Array(value.length), 0, value, bits, value.length * 8 - bits);
      const destination = note(target, destinationAt, to === TO_LOAD);
      specs.push({ type: to === TO_MATCH ? "matchValue" : "loadValue", destination, value });
    } else {
      const source = note(readSubField(raw, sourceAt, bits), sourceAt);
      const destination = note(readSubField(raw, destinationAt, bits), destinationAt, to === TO_LOAD);
      specs.push({ type: to === TO_MATCH ? "matchField" : "loadField", destination, source });
    }
    at += 2 + length;
  }
  if (!raw.isZero(Math.min(at, raw.length)))
    raw.refuse("OFPBAC_BAD_ARGUMENT", "bytes behind the last part of learn are not zero", at);
  for (const { bits, at: place, write } of seen) checkPart(raw, bits, place, write);
  return specs;
}

// Open vSwitch looks at the bits when the actions meet their match; bits outside their field never get further than that.
function checkPart(raw: RawAction, bits: Bits, at: number, write: boolean): void {
  if (bits.bits === 0 || bits.offset + bits.bits > bits.field.bits) {
    raw.fail("OFPBAC_BAD_SET_LEN", `learn names bits that ${bits.field.name} does not have`, at);
  }
  if (write && !bits.field.writable) raw.refuse("OFPBAC_BAD_SET_ARGUMENT", `${bits.field.name} cannot be written`, at);
}

function decodeLearn(raw: RawAction, extended: boolean): LearnAction {
  const flags = raw.u16(24);
  const table = raw.u8(26);
  if (extended && raw.u16(38) !== 0) raw.refuse("NXBAC_MUST_BE_ZERO", "reserved bytes of learn are not zero", 38);
  if (raw.u8(27) !== 0) raw.refuse("OFPBAC_BAD_ARGUMENT", "a reserved byte of learn is not zero", 27);
  if (table === 0xff) raw.refuse("OFPBAC_BAD_ARGUMENT", "learn cannot write to table 255", 26);
  const known = SEND_FLOW_REMOVED | DELETE_LEARNED | (extended ? WRITE_RESULT : 0);
  if ((flags & ~known) !== 0) raw.fail("OFPBAC_BAD_ARGUMENT", "learn has unknown flags", 24);
  let at = extended ? 40 : 32;
  let resultDestination: ReturnType<typeof subfieldOf> | undefined;
  if (extended) {
    if ((flags & WRITE_RESULT) !== 0) {
      const header = readHeaderAt(raw, at);
      if (!header.field.writable) raw.refuse("OFPBAC_BAD_SET_ARGUMENT", `${header.field.name} cannot be written`, at);
      const offset = raw.u16(36);
      if (offset >= header.field.bits) raw.fail("OFPBAC_BAD_SET_LEN", `${header.field.name} has no bit ${offset}`, 36);
      resultDestination = subfieldOf({ field: header.field, offset, bits: 1 });
      at += headerSize(header);
    } else if (raw.u16(36) !== 0) raw.refuse("OFPBAC_BAD_ARGUMENT", "learn names a bit for its result, but no field", 36);
  }
  const idleTimeout = raw.u16(10);
  const hardTimeout = raw.u16(12);
  const finIdleTimeout = raw.u16(28);
  const finHardTimeout = raw.u16(30);
  const cookie = raw.u64(16);
  const limit = extended ? raw.u32(32) : 0;
  return {
    type: "learn",
    table,
    priority: raw.u16(14),
    ...(idleTimeout === 0 ? {} : { idleTimeout }),
    ...(hardTimeout === 0 ? {} : { hardTimeout }),
    ...(finIdleTimeout === 0 ? {} : { finIdleTimeout }),
    ...(finHardTimeout === 0 ? {} : { finHardTimeout }),
    ...(cookie === 0n ? {} : { cookie }),
    ...((flags & SEND_FLOW_REMOVED) === 0 ? {} : { sendFlowRemoved: true }),
    ...((flags & DELETE_LEARNED) === 0 ? {} : { deleteLearned: true }),
    ...(limit === 0 ? {} : { limit }),
    ...(resultDestination === undefined ? {} : { resultDestination }),
    specs: readSpecs(raw, at),
    ...(extended ? { extended } : {}),
  };
}

/** Encoders of this file's action. */
export const learnEncoders: Pick<Encoders, "learn"> = { learn: encodeLearn };

/** Wire forms of this file's action. */
export const learnForms: readonly WireForm[] = [
  {
    vendor: Vendor.nicira,
    code: 16,
    versions: versions(1),
    length: 32,
    variable: true,
    decode: (raw) => decodeLearn(raw, false),
  },
  { vendor: Vendor.nicira, code: 45, versions: versions(1), length: 40, variable: true, decode: (raw) => decodeLearn(raw, true) },
];
