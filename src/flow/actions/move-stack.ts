/** Actions that copy bits: move, push, pop; and those that write or forget a bit or a field: check_pkt_larger, delete_field. */
import { putOxmHeader } from "../oxm.ts";
import type { Action, MoveAction, StackAction } from "./action.ts";
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
  whole,
} from "./codec.ts";
import {
  checkDestination,
  checkSource,
  headerSize,
  knownField,
  putNxmHeader,
  readHeaderAt,
  resolveBits,
  subfieldOf,
} from "./subfield.ts";

function encodeMove(action: MoveAction, sink: ActionSink): void {
  const { w, version } = sink;
  const source = resolveBits(action.source, "source");
  const destination = resolveBits(action.destination, "destination");
  if (source.bits !== destination.bits) {
    throw invalid("destination.bits", `source has ${source.bits} bits, but destination has ${destination.bits}`);
  }
  const onf = action.onf === true && (version === 4 || version === CANONICAL);
  let start: number;
  let at: number;
  if (onf) {
    start = w.reserve(20);
    w.view.setUint16(start, 0xffff);
    w.view.setUint32(start + 4, Vendor.onf);
    w.view.setUint16(start + 8, 3200);
    at = start + 12;
  } else if (version >= 6) {
    start = openStandard(w, 28, 12);
    at = start + 4;
  } else {
    start = openNicira(w, 6, 16);
    at = start + 10;
  }
  w.view.setUint16(at, destination.bits);
  w.view.setUint16(at + 2, source.offset);
  w.view.setUint16(at + 4, destination.offset);
  const oxm = onf ? (version === CANONICAL ? 6 : version) : version >= 6 ? oxmVersionOf(version) : 0;
  putOxmHeader(w, source.field, oxm, false);
  putOxmHeader(w, destination.field, oxm, false);
  closeAction(w, start);
}

function decodeMove(raw: RawAction, numbersAt: number, headersAt: number, onf: boolean): Action {
  const bits = raw.u16(numbersAt);
  const first = readHeaderAt(raw, headersAt);
  const secondAt = headersAt + headerSize(first);
  const second = readHeaderAt(raw, secondAt);
  if (!raw.isZero(secondAt + headerSize(second)))
    raw.refuse("NXBRC_MUST_BE_ZERO", "bytes behind the fields of move are not zero", headersAt);
  const source = { field: first.field, offset: raw.u16(numbersAt + 2), bits };
  const destination = { field: second.field, offset: raw.u16(numbersAt + 4), bits };
  checkSource(raw, source, numbersAt);
  checkDestination(raw, destination, numbersAt);
  return { type: "move", source: subfieldOf(source), destination: subfieldOf(destination), ...(onf ? { onf } : {}) };
}

function encodeStack(action: StackAction, sink: ActionSink): void {
  const { w } = sink;
  const bits = resolveBits(action.subfield, "subfield");
  const at = openNicira(w, action.type === "push" ? 27 : 28, 12);
  w.view.setUint16(at + 10, bits.offset);
  putNxmHeader(w, bits.field);
  w.u16(bits.bits);
  closeAction(w, at);
}

function decodeStack(type: "push" | "pop", raw: RawAction): Action {
  const header = readHeaderAt(raw, 12);
  const at = 12 + headerSize(header);
  const bits = { field: header.field, offset: raw.u16(10), bits: raw.u16(at) };
  if (!raw.isZero(at + 2)) raw.refuse("NXBRC_MUST_BE_ZERO", `reserved bytes of ${type} are not zero`, at + 2);
  if (type === "push") checkSource(raw, bits, 10);
  else checkDestination(raw, bits, 10);
  return { type, subfield: subfieldOf(bits) };
}

/** Encoders of this file's actions. */
export const moveStackEncoders: Pick<Encoders, "move" | "push" | "pop" | "checkPktLarger" | "deleteField"> = {
  move: encodeMove,
  push: encodeStack,
  pop: encodeStack,
  checkPktLarger(action, sink) {
    const { w } = sink;
    const bits = resolveBits({ bits: 1, ...action.destination }, "destination");
    if (bits.bits !== 1) throw invalid("destination.bits", `destination has ${bits.bits} bits, but must have one`);
    const at = openNicira(w, 49, 14);
    w.view.setUint16(at + 10, whole(action.length, "length", 0xffff));
    w.view.setUint16(at + 12, bits.offset);
    putNxmHeader(w, bits.field);
    w.reserve(24 - (w.length - at));
    closeAction(w, at);
  },
  deleteField(action, sink) {
    const { w } = sink;
    const field = knownField(action.field, "field");
    const at = openNicira(w, 50, 10);
    putNxmHeader(w, field);
    w.reserve(24 - (w.length - at));
    closeAction(w, at);
  },
};

const nicira = Vendor.nicira;

/** Wire forms of this file's actions. */
export const moveStackForms: readonly WireForm[] = [
  {
    vendor: nicira,
    code: 6,
    versions: versions(1, 5),
    length: 16,
    variable: true,
    decode: (raw) => decodeMove(raw, 10, 16, false),
  },
  {
    vendor: Vendor.onf,
    code: 3200,
    versions: versions(4, 5) | (1 << CANONICAL),
    length: 24,
    variable: true,
    decode: (raw) => decodeMove(raw, 12, 20, true),
  },
  {
    vendor: Vendor.standard,
    code: 28,
    versions: versions(6),
    length: 16,
    variable: true,
    decode: (raw) => decodeMove(raw, 4, 12, false),
  },
  { vendor: nicira, code: 27, versions: versions(1), length: 24, variable: false, decode: (raw) => decodeStack("push", raw) },
  { vendor: nicira, code: 28, versions: versions(1), length: 24, variable: false, decode: (raw) => decodeStack("pop", raw) },
  {
    vendor: nicira,
    code: 49,
    versions: versions(1),
    length: 24,
    variable: false,
    decode(raw) {
      const header = readHeaderAt(raw, 14);
      if (!raw.isZero(14 + headerSize(header)))
        raw.refuse("NXBRC_MUST_BE_ZERO", "reserved bytes of check_pkt_larger are not zero", 14);
      const bits = { field: header.field, offset: raw.u16(12), bits: 1 };
      checkDestination(raw, bits, 12);
      return { type: "checkPktLarger", length: raw.u16(10), destination: subfieldOf(bits) };
    },
  },
  {
    vendor: nicira,
    code: 50,
    versions: versions(1),
    length: 24,
    variable: false,
    decode(raw) {
      const { field } = readHeaderAt(raw, 10);
      return { type: "deleteField", field: field.name };
    },
  },
];
