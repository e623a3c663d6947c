/** Actions that send the packet somewhere: output and its relatives, group, controller, enqueue. */
import { portFromOf11, portToOf11, ReservedPort } from "../ports.ts";
import type { ControllerAction, PacketInReason } from "./action.ts";
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
} from "./codec.ts";
import { isOutputPort, portNumber, portRef } from "./port-ref.ts";
import {
  checkSource,
  hasNxmHeader,
  headerSize,
  nxmHeader,
  packRange,
  putNxmHeader,
  readHeaderAt,
  readPackedBits,
  resolveBits,
  subfieldOf,
} from "./subfield.ts";

/** Names of packet-in reasons by number. */
export const REASONS: readonly PacketInReason[] = ["no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"];

/** Sends everything: the length that means "all of the packet". */
const WHOLE_PACKET = 0xffff;

// NXAST_CONTROLLER2 properties.
const MAX_LEN = 0;
const CONTROLLER_ID = 1;
const REASON = 2;
const USERDATA = 3;
const PAUSE = 4;
const METER_ID = 5;

function putOutput(sink: ActionSink, port: number, maxLength: number): void {
  const { w } = sink;
  if (sink.version === 1) {
    const at = openStandard(w, 0, 8);
    w.view.setUint16(at + 4, port);
    w.view.setUint16(at + 6, maxLength);
  } else {
    const at = openStandard(w, 0, 16);
    w.view.setUint32(at + 4, portToOf11(port));
    w.view.setUint16(at + 8, maxLength);
  }
}

/** A standard action in 1.1 and later that is a Nicira extension in 1.0, with one 32-bit argument. */
export function putWord(sink: ActionSink, type: number, subtype10: number, value: number): void {
  const { w } = sink;
  if (sink.version === 1) {
    const at = openNicira(w, subtype10, 16);
    w.view.setUint32(at + 12, value);
  } else {
    const at = openStandard(w, type, 8);
    w.view.setUint32(at + 4, value);
  }
}

function reasonNumber(reason: ControllerAction["reason"]): number {
  if (reason === undefined) return 1;
  if (typeof reason === "number") return whole(reason, "reason", 255);
  const number = REASONS.indexOf(reason);
  if (number < 0) throw invalid("reason", `reason is ${String(reason)}, which is none of ${REASONS.join(", ")}`);
  return number;
}

function putProperty(sink: ActionSink, type: number, length: number): number {
  const { w } = sink;
  const at = w.reserve((length + 7) & ~7);
  w.view.setUint16(at, type);
  w.view.setUint16(at + 2, length);
  return at;
}

function encodeController(action: ControllerAction, sink: ActionSink): void {
  const { w } = sink;
  const maxLength = whole(action.maxLength ?? WHOLE_PACKET, "maxLength", 0xffff);
  const id = whole(action.controllerId ?? 0, "controllerId", 0xffff);
  const reason = reasonNumber(action.reason);
  const meter = whole(action.meter ?? 0, "meter", 0xffff_ffff);
  const userdata = action.userdata ?? new Uint8Array(0);
  if (userdata.length === 0 && action.pause !== true && meter === 0 && action.extended !== true) {
    const at = openNicira(w, 20, 16);
    w.view.setUint16(at + 10, maxLength);
    w.view.setUint16(at + 12, id);
    w.view.setUint8(at + 14, reason);
    return;
  }
  const start = openNicira(w, 37, 16);
  if (maxLength !== WHOLE_PACKET) w.setU16(putProperty(sink, MAX_LEN, 8) + 4, maxLength);
  if (id !== 0) w.setU16(putProperty(sink, CONTROLLER_ID, 8) + 4, id);
  if (reason !== 1) w.setU8(putProperty(sink, REASON, 5) + 4, reason);
  if (userdata.length > 0) {
    if (userdata.length > 0xff00) throw invalid("userdata", `userdata has ${userdata.length} bytes, but at most 65280 fit`);
    const at = putProperty(sink, USERDATA, 4 + userdata.length);
    w.buffer.set(userdata, at + 4);
  }
  if (action.pause === true) putProperty(sink, PAUSE, 4);
  if (meter !== 0) w.setU32(putProperty(sink, METER_ID, 8) + 4, meter);
  closeAction(w, start);
}

function decodeController2(raw: RawAction): ControllerAction {
  if (!raw.isZero(10, 16)) raw.refuse("NXBRC_MUST_BE_ZERO", "reserved bytes of controller are not zero", 10);
  let maxLength = WHOLE_PACKET;
  let controllerId = 0;
  let reason = 1;
  let userdata: Uint8Array | undefined;
  let pause = false;
  let meter = 0;
  for (let at = 16; at < raw.length; ) {
    const left = raw.length - at;
    const length = left < 4 ? 0 : raw.u16(at + 2);
    if (length < 4 || ((length + 7) & ~7) > left) raw.fail("OFPBPC_BAD_LEN", "a property of controller has a bad length", at);
    const type = raw.u16(at);
    const payload = length - 4;
    if ((type === MAX_LEN || type === CONTROLLER_ID) && payload < 2)
      raw.fail("OFPBPC_BAD_LEN", "a property of controller is too short", at);
    if (type === REASON && payload < 1) raw.fail("OFPBPC_BAD_LEN", "a property of controller is too short", at);
    if (type === METER_ID && payload !== 4) raw.fail("OFPBPC_BAD_LEN", "the meter of controller has a bad length", at);
    if (type === MAX_LEN) maxLength = raw.u16(at + 4);
    else if (type === CONTROLLER_ID) controllerId = raw.u16(at + 4);
    else if (type === REASON) reason = raw.u8(at + 4);
    else if (type === USERDATA) userdata = raw.slice(at + 4, at + length);
    else if (type === PAUSE) pause = true;
    else if (type === METER_ID) meter = raw.u32(at + 4);
    else raw.fail("OFPBPC_BAD_TYPE", `controller has an unknown property ${type}`, at);
    at += (length + 7) & ~7;
  }
  return {
    type: "controller",
    maxLength,
    controllerId,
    reason: REASONS[reason] ?? reason,
    ...(userdata === undefined || userdata.length === 0 ? {} : { userdata }),
    ...(pause ? { pause } : {}),
    ...(meter === 0 ? {} : { meter }),
    extended: true,
  };
}

function checkOutputPort(raw: RawAction, port: number, at: number): void {
  if (!isOutputPort(port)) raw.refuse("OFPBAC_BAD_OUT_PORT", `nothing can be sent to port ${port}`, at);
}

/** Encoders of this file's actions. */
export const outputEncoders: Pick<Encoders, "output" | "group" | "controller" | "enqueue" | "outputReg" | "outputTruncated"> = {
  output(action, sink) {
    const port = portNumber(action.port, "port");
    putOutput(sink, port, whole(action.maxLength ?? (port === ReservedPort.CONTROLLER ? WHOLE_PACKET : 0), "maxLength", 0xffff));
  },
  group(action, sink) {
    putWord(sink, 22, 40, whole(action.group, "group", 0xffff_ffff));
  },
  controller: encodeController,
  enqueue(action, sink) {
    const { w, version } = sink;
    const port = portNumber(action.port, "port");
    const queue = whole(action.queue, "queue", 0xffff_ffff);
    if (version === 1 || version === CANONICAL) {
      const at = openStandard(w, 11, 16);
      w.view.setUint16(at + 4, port);
      w.view.setUint32(at + 12, queue);
    } else {
      putWord(sink, 21, 4, queue);
      putOutput(sink, port, WHOLE_PACKET);
      openNicira(w, 5, 16);
    }
  },
  outputReg(action, sink) {
    const { w } = sink;
    const bits = resolveBits(action.source, "source");
    const maxLength = whole(action.maxLength ?? WHOLE_PACKET, "maxLength", 0xffff);
    if (action.extended === true || !hasNxmHeader(bits.field)) {
      const at = openNicira(w, 32, 14);
      w.view.setUint16(at + 10, packRange(bits));
      w.view.setUint16(at + 12, maxLength);
      putNxmHeader(w, bits.field);
      w.reserve(24 - (w.length - at));
      closeAction(w, at);
    } else {
      const at = openNicira(w, 15, 24);
      w.view.setUint16(at + 10, packRange(bits));
      w.view.setUint32(at + 12, nxmHeader(bits.field));
      w.view.setUint16(at + 16, maxLength);
    }
  },
  outputTruncated(action, sink) {
    const at = openNicira(sink.w, 39, 16);
    sink.w.view.setUint16(at + 10, portNumber(action.port, "port"));
    sink.w.view.setUint32(at + 12, whole(action.maxLength, "maxLength", 0xffff_ffff));
  },
};

const nicira = Vendor.nicira;
const standard = Vendor.standard;

/** Wire forms of this file's actions. */
export const outputForms: readonly WireForm[] = [
  {
    vendor: standard,
    code: 0,
    versions: versions(1, 1),
    length: 8,
    variable: false,
    decode(raw: RawAction) {
      const port = raw.u16(4);
      checkOutputPort(raw, port, 4);
      return { type: "output", port: portRef(port), maxLength: raw.u16(6) };
    },
  },
  {
    vendor: standard,
    code: 0,
    versions: versions(2),
    length: 16,
    variable: false,
    decode(raw: RawAction) {
      const port = portFromOf11(raw.u32(4));
      if (port === undefined) raw.fail("OFPBAC_BAD_OUT_PORT", `port ${raw.u32(4)} is out of range`, 4);
      checkOutputPort(raw, port, 4);
      return { type: "output", port: portRef(port), maxLength: raw.u16(8) };
    },
  },
  {
    vendor: nicira,
    code: 40,
    versions: versions(1, 1),
    length: 16,
    variable: false,
    decode: (raw) => ({ type: "group", group: raw.u32(12) }),
  },
  {
    vendor: standard,
    code: 22,
    versions: versions(2),
    length: 8,
    variable: false,
    decode: (raw) => ({ type: "group", group: raw.u32(4) }),
  },
  {
    vendor: nicira,
    code: 20,
    versions: versions(1),
    length: 16,
    variable: false,
    decode: (raw) => ({
      type: "controller",
      maxLength: raw.u16(10),
      controllerId: raw.u16(12),
      reason: REASONS[raw.u8(14)] ?? raw.u8(14),
    }),
  },
  { vendor: nicira, code: 37, versions: versions(1), length: 16, variable: true, decode: decodeController2 },
  {
    vendor: standard,
    code: 11,
    versions: (1 << 1) | (1 << CANONICAL),
    length: 16,
    variable: false,
    decode(raw: RawAction) {
      const port = raw.u16(4);
      if (port >= 0xff00 && port !== ReservedPort.IN_PORT && port !== ReservedPort.LOCAL) {
        raw.refuse("OFPBAC_BAD_OUT_PORT", `port ${port} has no queues`, 4);
      }
      return { type: "enqueue", port: portRef(port), queue: raw.u32(12) };
    },
  },
  {
    vendor: nicira,
    code: 15,
    versions: versions(1),
    length: 24,
    variable: false,
    decode(raw: RawAction) {
      if (!raw.isZero(18, 24)) raw.refuse("OFPBAC_BAD_ARGUMENT", "reserved bytes of output are not zero", 18);
      const bits = readPackedBits(raw, 10, 12);
      checkSource(raw, bits, 10);
      return { type: "outputReg", source: subfieldOf(bits), maxLength: raw.u16(16) };
    },
  },
  {
    vendor: nicira,
    code: 32,
    versions: versions(1),
    length: 24,
    variable: false,
    decode(raw: RawAction) {
      const header = readHeaderAt(raw, 14);
      if (!raw.isZero(14 + headerSize(header))) raw.refuse("NXBRC_MUST_BE_ZERO", "reserved bytes of output are not zero", 14);
      const range = raw.u16(10);
      const bits = { field: header.field, offset: range >>> 6, bits: (range & 0x3f) + 1 };
      checkSource(raw, bits, 10);
      return { type: "outputReg", source: subfieldOf(bits), maxLength: raw.u16(12), extended: true };
    },
  },
  {
    vendor: nicira,
    code: 39,
    versions: versions(1),
    length: 16,
    variable: false,
    decode(raw: RawAction) {
      if (raw.u32(12) < 14) raw.refuse("OFPBAC_BAD_ARGUMENT", `max_len is ${raw.u32(12)}, but must be at least 14`, 12);
      return { type: "outputTruncated", port: portRef(raw.u16(10)), maxLength: raw.u32(12) };
    },
  },
];
