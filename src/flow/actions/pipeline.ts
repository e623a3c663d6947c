/** Actions that steer: resubmit, queues, timeouts, conjunction, sample, note, exit, meter and the instructions. */
import { ReservedPort } from "../ports.ts";
import type { ResubmitAction, SampleAction } from "./action.ts";
import {
  type ActionSink,
  CANONICAL,
  closeAction,
  type Encoders,
  invalid,
  openNicira,
  openStandard,
  type RawAction,
  Vendor,
  versions,
  type WireForm,
  whole,
  whole64,
  withPath,
} from "./codec.ts";
import { putWord } from "./output.ts";
import { portNumber, portRef } from "./port-ref.ts";

const CURRENT_TABLE = 0xff;
const MAX_64 = 0xffff_ffff_ffff_ffffn;

function encodeResubmit(action: ResubmitAction, sink: ActionSink): void {
  const port = portNumber(action.port ?? "IN_PORT", "port");
  const table = action.table === undefined ? CURRENT_TABLE : whole(action.table, "table", 255);
  const { w } = sink;
  if (table === CURRENT_TABLE && action.legacy === true) {
    w.setU16(openNicira(w, 1, 16) + 10, port);
    return;
  }
  const at = openNicira(w, action.ct === true ? 44 : 14, 16);
  w.view.setUint16(at + 10, port);
  w.view.setUint8(at + 12, table);
}

function decodeResubmit(raw: RawAction, ct: boolean): ResubmitAction {
  if (!raw.isZero(13, 16)) raw.refuse("OFPBAC_BAD_ARGUMENT", "reserved bytes of resubmit are not zero", 13);
  const port = raw.u16(10);
  const table = raw.u8(12);
  return {
    type: "resubmit",
    ...(port === ReservedPort.IN_PORT ? {} : { port: portRef(port) }),
    ...(table === CURRENT_TABLE ? {} : { table }),
    ...(ct ? { ct } : {}),
  };
}

const DIRECTIONS = [undefined, "ingress", "egress"] as const;

function encodeSample(action: SampleAction, sink: ActionSink): void {
  const { w } = sink;
  const port = action.samplingPort === undefined ? ReservedPort.ANY : portNumber(action.samplingPort, "samplingPort");
  const direction = DIRECTIONS.indexOf(action.direction);
  if (direction < 0) throw invalid("direction", `direction is ${String(action.direction)}, but must be ingress or egress`);
  const encoding = Math.max(action.encoding ?? 1, direction !== 0 ? 3 : port !== ReservedPort.ANY ? 2 : 1);
  const at = openNicira(w, encoding === 3 ? 41 : encoding === 2 ? 38 : 29, encoding === 1 ? 24 : 32);
  w.view.setUint16(at + 10, whole(action.probability, "probability", 0xffff));
  w.view.setUint32(at + 12, whole(action.collectorSetId ?? 0, "collectorSetId", 0xffff_ffff));
  w.view.setUint32(at + 16, whole(action.observationDomainId ?? 0, "observationDomainId", 0xffff_ffff));
  w.view.setUint32(at + 20, whole(action.observationPointId ?? 0, "observationPointId", 0xffff_ffff));
  if (encoding > 1) {
    w.view.setUint16(at + 24, port);
    w.view.setUint8(at + 26, direction);
  }
}

function decodeSample(raw: RawAction, encoding: 1 | 2 | 3): SampleAction {
  if (raw.u16(10) === 0) raw.refuse("OFPBAC_BAD_ARGUMENT", "the probability of sample is 0", 10);
  const port = encoding === 1 ? ReservedPort.ANY : raw.u16(24);
  let direction: SampleAction["direction"];
  if (encoding === 3) {
    if (raw.u8(26) > 2) raw.fail("OFPBAC_BAD_ARGUMENT", `the direction of sample is ${raw.u8(26)}`, 26);
    direction = DIRECTIONS[raw.u8(26)];
    if (!raw.isZero(27, 32)) raw.refuse("NXBRC_MUST_BE_ZERO", "reserved bytes of sample are not zero", 27);
  }
  return {
    type: "sample",
    probability: raw.u16(10),
    collectorSetId: raw.u32(12),
    observationDomainId: raw.u32(16),
    observationPointId: raw.u32(20),
    ...(port === ReservedPort.ANY ? {} : { samplingPort: portRef(port) }),
    ...(direction === undefined ? {} : { direction }),
    ...(encoding === 1 ? {} : { encoding }),
  };
}

type PipelineTypes =
  | "resubmit"
  | "setQueue"
  | "popQueue"
  | "finTimeout"
  | "conjunction"
  | "note"
  | "exit"
  | "sample"
  | "debugRecirc"
  | "debugSlow"
  | "meter"
  | "clearActions"
  | "writeActions"
  | "writeMetadata"
  | "gotoTable";

/** Encoders of this file's actions. Instructions are written as instructions, in 1.0 as the extension that stands for them. */
export const pipelineEncoders: Pick<Encoders, PipelineTypes> = {
  resubmit: encodeResubmit,
  setQueue(action, sink) {
    putWord(sink, 21, 4, whole(action.queue, "queue", 0xffff_ffff));
  },
  popQueue(_action, sink) {
    openNicira(sink.w, 5, 16);
  },
  finTimeout(action, sink) {
    const at = openNicira(sink.w, 19, 16);
    sink.w.view.setUint16(at + 10, whole(action.idleTimeout ?? 0, "idleTimeout", 0xffff));
    sink.w.view.setUint16(at + 12, whole(action.hardTimeout ?? 0, "hardTimeout", 0xffff));
  },
  conjunction(action, sink) {
    const clauses = whole(action.clauses, "clauses", 64);
    const clause = whole(action.clause, "clause", 64);
    if (clauses < 2) throw invalid("clauses", `clauses is ${clauses}, but must be 2 to 64`);
    if (clause < 1 || clause > clauses) throw invalid("clause", `clause is ${clause}, but must be 1 to ${clauses}`);
    const at = openNicira(sink.w, 34, 16);
    sink.w.view.setUint8(at + 10, clause - 1);
    sink.w.view.setUint8(at + 11, clauses);
    sink.w.view.setUint32(at + 12, whole(action.id, "id", 0xffff_ffff));
  },
  note(action, sink) {
    if (!(action.data instanceof Uint8Array) || action.data.length > 0xff00)
      throw invalid("data", "data must be at most 65280 bytes");
    // An empty note still has its 6 bytes.
    const at = openNicira(sink.w, 8, 10);
    sink.w.bytes(action.data);
    closeAction(sink.w, at);
  },
  exit(_action, sink) {
    openNicira(sink.w, 17, 16);
  },
  sample: encodeSample,
  debugRecirc(_action, sink) {
    openNicira(sink.w, 255, 16);
  },
  debugSlow(_action, sink) {
    openNicira(sink.w, 254, 16);
  },
  meter(action, sink) {
    const id = whole(action.meter, "meter", 0xffff_ffff);
    const { w, version } = sink;
    // Type 29 is the action of 1.5, type 6 the instruction of 1.3 and 1.4; both have 8 bytes.
    if (version >= 6) w.setU32(openStandard(w, 29, 8) + 4, id);
    else if (version >= 4) w.setU32(openStandard(w, 6, 8) + 4, id);
  },
  clearActions(_action, sink) {
    if (sink.version > 1) openStandard(sink.w, 5, 8);
  },
  writeActions(action, sink) {
    const { w } = sink;
    if (sink.version === 1) return;
    const at = openStandard(w, 3, 8);
    try {
      sink.actions(action.actions);
    } catch (error) {
      throw withPath(error, "actions");
    }
    if (w.length === at + 8) w.length = at;
    else closeAction(w, at);
  },
  writeMetadata(action, sink) {
    const { w } = sink;
    const at = sink.version === 1 ? openNicira(w, 22, 32) + 8 : openStandard(w, 2, 24);
    w.view.setBigUint64(at + 8, whole64(action.value, "value"));
    w.view.setBigUint64(at + 16, whole64(action.mask ?? MAX_64, "mask"));
  },
  gotoTable(action, sink) {
    const { w } = sink;
    const table = whole(action.table, "table", 255);
    if (sink.version === 1) {
      const at = openNicira(w, 14, 16);
      w.view.setUint16(at + 10, ReservedPort.IN_PORT);
      w.view.setUint8(at + 12, table);
    } else w.setU8(openStandard(w, 1, 8) + 4, table);
  },
};

const nicira = Vendor.nicira;
const standard = Vendor.standard;
const all = /* @__PURE__ */ versions(1);

/** Wire forms of this file's actions. */
export const pipelineForms: readonly WireForm[] = [
  {
    vendor: nicira,
    code: 1,
    versions: all,
    length: 16,
    variable: false,
    decode(raw) {
      const port = raw.u16(10);
      return { type: "resubmit", ...(port === ReservedPort.IN_PORT ? {} : { port: portRef(port) }), legacy: true };
    },
  },
  { vendor: nicira, code: 14, versions: all, length: 16, variable: false, decode: (raw) => decodeResubmit(raw, false) },
  { vendor: nicira, code: 44, versions: all, length: 16, variable: false, decode: (raw) => decodeResubmit(raw, true) },
  {
    vendor: nicira,
    code: 4,
    versions: versions(1, 1),
    length: 16,
    variable: false,
    decode: (raw) => ({ type: "setQueue", queue: raw.u32(12) }),
  },
  {
    vendor: standard,
    code: 21,
    versions: versions(2),
    length: 8,
    variable: false,
    decode: (raw) => ({ type: "setQueue", queue: raw.u32(4) }),
  },
  { vendor: nicira, code: 5, versions: all, length: 16, variable: false, decode: () => ({ type: "popQueue" }) },
  {
    vendor: nicira,
    code: 19,
    versions: all,
    length: 16,
    variable: false,
    decode(raw) {
      const idleTimeout = raw.u16(10);
      const hardTimeout = raw.u16(12);
      return { type: "finTimeout", ...(idleTimeout === 0 ? {} : { idleTimeout }), ...(hardTimeout === 0 ? {} : { hardTimeout }) };
    },
  },
  {
    vendor: nicira,
    code: 34,
    versions: all,
    length: 16,
    variable: false,
    decode(raw) {
      const clause = raw.u8(10);
      const clauses = raw.u8(11);
      if (clauses < 2 || clauses > 64 || clause >= clauses)
        raw.fail("NXBAC_BAD_CONJUNCTION", `clause ${clause + 1} of ${clauses} cannot be`, 10);
      return { type: "conjunction", id: raw.u32(12), clause: clause + 1, clauses };
    },
  },
  {
    vendor: nicira,
    code: 8,
    versions: all,
    length: 16,
    variable: true,
    decode: (raw) => ({ type: "note", data: raw.slice(10, raw.length) }),
  },
  { vendor: nicira, code: 17, versions: all, length: 16, variable: false, decode: () => ({ type: "exit" }) },
  { vendor: nicira, code: 29, versions: all, length: 24, variable: false, decode: (raw) => decodeSample(raw, 1) },
  { vendor: nicira, code: 38, versions: all, length: 32, variable: false, decode: (raw) => decodeSample(raw, 2) },
  { vendor: nicira, code: 41, versions: all, length: 32, variable: false, decode: (raw) => decodeSample(raw, 3) },
  { vendor: nicira, code: 255, versions: all, length: 16, variable: false, decode: () => ({ type: "debugRecirc" }) },
  { vendor: nicira, code: 254, versions: all, length: 16, variable: false, decode: () => ({ type: "debugSlow" }) },
  {
    vendor: standard,
    code: 29,
    versions: versions(6),
    length: 8,
    variable: false,
    decode: (raw) => ({ type: "meter", meter: raw.u32(4) }),
  },
  {
    vendor: nicira,
    code: 22,
    // In 1.1 and later it can still come inside apply-actions, where Open vSwitch takes it for the instruction.
    versions: all & ~(1 << CANONICAL),
    length: 32,
    variable: false,
    decode(raw) {
      if (!raw.isZero(10, 16)) raw.refuse("NXBRC_MUST_BE_ZERO", "reserved bytes of write_metadata are not zero", 10);
      const mask = raw.u64(24);
      return { type: "writeMetadata", value: raw.u64(16), ...(mask === MAX_64 ? {} : { mask }) };
    },
  },
];
