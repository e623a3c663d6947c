import { ByteWriter } from "../bytes.ts";
import { isOfsyncError, OfsyncError } from "../errors.ts";
import type { WireVersion } from "../flow/version.ts";
import { asyncCodec } from "./async-config.ts";
import { type BundleAdd, bundleControlCodec } from "./bundle.ts";
import { ctFlushCodec, ctFlushZoneCodec } from "./ct-flush.ts";
import { errorCodec } from "./error-message.ts";
import { configCodec, featuresReplyCodec } from "./features.ts";
import { flowModCodec } from "./flow-mod.ts";
import { flowMonitorCancelCodec, flowMonitorReplyCodec, flowMonitorRequestCodec } from "./flow-monitor.ts";
import { flowRemovedCodec } from "./flow-removed.ts";
import { aggregateReplyCodec, flowRequestCodec, flowStatsReplyCodec } from "./flow-stats.ts";
import { MAX_MESSAGE_BYTES } from "./framer.ts";
import {
  groupDescReplyCodec,
  groupDescRequestCodec,
  groupFeaturesReplyCodec,
  groupModCodec,
  groupStatsReplyCodec,
  groupStatsRequestCodec,
} from "./group.ts";
import { beginMessage, endMessage, fitsEncoding, HEADER_BYTES, identifyMessage, readHeader } from "./header.ts";
import { echoCodec, helloCodec } from "./hello.ts";
import { ipfixReplyCodec } from "./ipfix.ts";
import { type Body, type BodyCodec, emptyBody, type MessageHead, type MultipartHead } from "./message-head.ts";
import { type Encoding, encodingFor } from "./message-table.ts";
import type { OpenFlowMessage, RequestForward, UnknownMessage } from "./messages.ts";
import {
  meterConfigReplyCodec,
  meterFeaturesReplyCodec,
  meterModCodec,
  meterRequestCodec,
  meterStatsReplyCodec,
} from "./meter.ts";
import { flowModTableIdCodec, setControllerIdCodec, setFlowFormatCodec, setPacketInFormatCodec } from "./nicira.ts";
import { packetInCodec, packetOutCodec } from "./packet.ts";
import { portDescReplyCodec, portDescRequestCodec, portModCodec, portStatusCodec } from "./port.ts";
import { portStatsReplyCodec, portStatsRequestCodec } from "./port-stats.ts";
import { queueConfigReplyCodec, queueConfigRequestCodec, queueStatsReplyCodec, queueStatsRequestCodec } from "./queue.ts";
import { roleCodec, roleStatusCodec } from "./role.ts";
import { descReplyCodec } from "./switch-description.ts";
import { tableDescReplyCodec, tableModCodec, tableStatusCodec } from "./table.ts";
import { tableFeaturesCodec } from "./table-features.ts";
import { tableStatsReplyCodec } from "./table-stats.ts";
import { tlvTableModCodec, tlvTableReplyCodec } from "./tlv-table.ts";
import { failEncode, failWire } from "./wire-error.ts";
import { WireReader } from "./wire-reader.ts";

/** Messages that may be put into a bundle. */
const BUNDLABLE: ReadonlySet<string> = new Set(["flowMod", "groupMod", "portMod", "packetOut"]);

const bundleAddCodec: BodyCodec<BundleAdd> = {
  decode(reader): Body<BundleAdd> {
    const bundleId = reader.u32();
    reader.skip(2);
    const flags = reader.u16();
    reader.need(HEADER_BYTES, "the message in a bundle", "OFPBFC_MSG_BAD_LEN");
    const start = reader.at;
    const inner = readHeader(reader.bytes.subarray(start));
    if (inner.version !== reader.version) {
      failWire("WIRE_VALUE", "a bundled message has another version than its bundle", start, "OFPBFC_BAD_VERSION");
    }
    if (inner.length < HEADER_BYTES || inner.length > reader.left) {
      failWire("WIRE_LENGTH", `bundled message of ${inner.length} bytes`, start + 2, "OFPBFC_MSG_BAD_LEN");
    }
    if (inner.xid !== readHeader(reader.bytes).xid) {
      failWire("WIRE_VALUE", "a bundled message has another xid than the one around it", start + 4, "OFPBFC_MSG_BAD_XID");
    }
    const identified = identifyMessage(reader.bytes, start, start + inner.length);
    const { encoding } = identified;
    if (encoding === undefined || !fitsEncoding(encoding, identified.bodyStart, inner.length) || !BUNDLABLE.has(encoding.type)) {
      failWire("WIRE_MESSAGE", "this message cannot be bundled", start, "OFPBFC_MSG_UNSUP");
    }
    const message = reader.take(inner.length);
    return { bundleId, flags, message, ...(reader.left > 0 ? { rest: reader.rest() } : {}) };
  },
  encode(message, w): void {
    const at = w.reserve(8);
    w.view.setUint32(at, message.bundleId);
    w.view.setUint16(at + 6, message.flags);
    w.bytes(message.message);
    if (message.rest !== undefined) w.bytes(message.rest);
  },
};

type Codecs = {
  readonly [T in Exclude<OpenFlowMessage["type"], "unknown">]: BodyCodec<Extract<OpenFlowMessage, { type: T }>>;
};

const requestForwardCodec: BodyCodec<RequestForward> = {
  decode(reader): Body<RequestForward> {
    const start = reader.at;
    const inner = readHeader(reader.bytes.subarray(start));
    if (inner.length < HEADER_BYTES || inner.length > reader.left) {
      failWire("WIRE_LENGTH", `forwarded request of ${inner.length} bytes`, start + 2, "OFPBFC_MSG_BAD_LEN");
    }
    if (inner.version !== reader.version) {
      failWire("WIRE_VALUE", "a forwarded request has another version than the message around it", start, "OFPBRC_BAD_VERSION");
    }
    const request = decodeInner(reader.take(inner.length), start);
    if (request.type !== "groupMod" && request.type !== "meterMod") {
      const error = request.type === "unknown" ? request.openflowError : "OFPBFC_MSG_UNSUP";
      failWire("WIRE_MESSAGE", "only changes of groups and meters are forwarded", start, error);
    }
    return { request };
  },
  encode(message, w, version): void {
    appendMessage(w, message.request, { version });
  },
};

/** Decodes a message inside another; offsets in errors count from the outer one. */
function decodeInner(bytes: Uint8Array, start: number): OpenFlowMessage {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    throw new OfsyncError(error.code, error.message, {
      place: { ...error.place, offset: start + (error.place.offset ?? 0) },
      ...(error.openflowError === undefined ? {} : { openflowError: error.openflowError }),
      cause: error,
    });
  }
}

const CODECS: Codecs = {
  hello: helloCodec,
  error: errorCodec,
  echoRequest: echoCodec,
  echoReply: echoCodec,
  featuresRequest: emptyBody(),
  featuresReply: featuresReplyCodec,
  getConfigRequest: emptyBody(),
  getConfigReply: configCodec,
  setConfig: configCodec,
  packetIn: packetInCodec,
  resume: packetInCodec,
  packetOut: packetOutCodec,
  flowMod: flowModCodec,
  flowRemoved: flowRemovedCodec,
  flowStatsRequest: flowRequestCodec,
  flowStatsReply: flowStatsReplyCodec,
  aggregateRequest: flowRequestCodec,
  aggregateReply: aggregateReplyCodec,
  flowMonitorRequest: flowMonitorRequestCodec,
  flowMonitorReply: flowMonitorReplyCodec,
  flowMonitorCancel: flowMonitorCancelCodec,
  flowMonitorPaused: emptyBody(),
  flowMonitorResumed: emptyBody(),
  portStatus: portStatusCodec,
  portMod: portModCodec,
  portDescRequest: portDescRequestCodec,
  portDescReply: portDescReplyCodec,
  portStatsRequest: portStatsRequestCodec,
  portStatsReply: portStatsReplyCodec,
  tableMod: tableModCodec,
  tableStatus: tableStatusCodec,
  tableDescRequest: emptyBody(),
  tableDescReply: tableDescReplyCodec,
  tableFeaturesRequest: tableFeaturesCodec,
  tableFeaturesReply: tableFeaturesCodec,
  tableStatsRequest: emptyBody(),
  tableStatsReply: tableStatsReplyCodec,
  queueConfigRequest: queueConfigRequestCodec,
  queueConfigReply: queueConfigReplyCodec,
  queueStatsRequest: queueStatsRequestCodec,
  queueStatsReply: queueStatsReplyCodec,
  groupMod: groupModCodec,
  groupStatsRequest: groupStatsRequestCodec,
  groupStatsReply: groupStatsReplyCodec,
  groupDescRequest: groupDescRequestCodec,
  groupDescReply: groupDescReplyCodec,
  groupFeaturesRequest: emptyBody(),
  groupFeaturesReply: groupFeaturesReplyCodec,
  meterMod: meterModCodec,
  meterStatsRequest: meterRequestCodec,
  meterStatsReply: meterStatsReplyCodec,
  meterConfigRequest: meterRequestCodec,
  meterConfigReply: meterConfigReplyCodec,
  meterFeaturesRequest: emptyBody(),
  meterFeaturesReply: meterFeaturesReplyCodec,
  descRequest: emptyBody(),
  descReply: descReplyCodec,
  barrierRequest: emptyBody(),
  barrierReply: emptyBody(),
  roleRequest: roleCodec,
  roleReply: roleCodec,
  roleStatus: roleStatusCodec,
  getAsyncRequest: emptyBody(),
  getAsyncReply: asyncCodec,
  setAsync: asyncCodec,
  requestForward: requestForwardCodec,
  bundleControl: bundleControlCodec,
  bundleAdd: bundleAddCodec,
  setFlowFormat: setFlowFormatCodec,
  flowModTableId: flowModTableIdCodec,
  setPacketInFormat: setPacketInFormatCodec,
  flowAge: emptyBody(),
  setControllerId: setControllerIdCodec,
  tlvTableMod: tlvTableModCodec,
  tlvTableRequest: emptyBody(),
  tlvTableReply: tlvTableReplyCodec,
  ctFlushZone: ctFlushZoneCodec,
  ctFlush: ctFlushCodec,
  ipfixBridgeRequest: emptyBody(),
  ipfixBridgeReply: ipfixReplyCodec,
  ipfixFlowRequest: emptyBody(),
  ipfixFlowReply: ipfixReplyCodec,
};

// What the table of types guarantees entry by entry, the compiler cannot follow through a lookup by a variable.
type AnyCodec = BodyCodec<OpenFlowMessage>;

function codecOf(type: string): AnyCodec | undefined {
  return Object.hasOwn(CODECS, type) ? (CODECS[type as keyof Codecs] as AnyCodec) : undefined;
}

/** What may be settled when a message is encoded instead of in the message. */
export interface EncodeOptions {
  /** Overrides the message's version. */
  readonly version?: WireVersion;
  /** Overrides the message's xid. */
  readonly xid?: number;
}

/** A message for {@link encodeMessage}: version and xid may be left to the options; an absent xid is 0. */
export type MessageToEncode = OpenFlowMessage extends infer M
  ? M extends MessageHead
    ? Omit<M, "version" | "xid"> & { readonly version?: number; readonly xid?: number }
    : never
  : never;

/**
 * The bytes of one message, in the encoding that Open vSwitch chooses for that version.
 *
 * Throws {@link OfsyncError} `WIRE_UNENCODABLE` when the version has no such message or cannot carry what it says (`place.field`
 * names the part), also when the message would be longer than 65535 bytes.
 */
export function encodeMessage(message: MessageToEncode, options: EncodeOptions = {}): Uint8Array {
  const w = new ByteWriter(128);
  appendMessage(w, message, options);
  return w.finish();
}

/** {@link encodeMessage} into a writer; nothing is appended when it throws. */
export function appendMessage(w: ByteWriter, message: MessageToEncode, options: EncodeOptions = {}): void {
  const version = options.version ?? message.version;
  if (version === undefined) failEncode("neither the message nor the options name a version", "version");
  const xid = (options.xid ?? message.xid ?? 0) >>> 0;
  if (message.type === "unknown") {
    w.bytes(message.bytes);
    return;
  }
  const encoding = encodingFor(message.type, message.form, version as WireVersion);
  const codec = codecOf(message.type);
  if (encoding === undefined || codec === undefined) {
    failEncode(`OpenFlow version ${version} has no ${message.form ?? ""} ${message.type} message`, "type", "OFPBRC_BAD_TYPE");
  }
  const start = w.length;
  try {
    beginMessage(w, encoding, version, xid, (message as MultipartHead).multipartFlags ?? 0);
    codec.encode(message as OpenFlowMessage, w, version as WireVersion, encoding, start);
    if (w.length - start > MAX_MESSAGE_BYTES) failEncode(`message of ${w.length - start} bytes`, "length", "OFPBRC_BAD_LEN");
    endMessage(w, start);
  } catch (error) {
    w.length = start;
    throw error;
  }
}

/**
 * Reads one whole message. What is well framed but not known comes back as `unknown`, never as an error.
 *
 * Throws {@link OfsyncError} with a code beginning with `WIRE_` for everything malformed, with the byte in `place.offset` and in
 * `openflowError` the error that a switch would answer. Never throws anything else, whatever the bytes.
 */
export function decodeMessage(bytes: Uint8Array): OpenFlowMessage {
  if (bytes.length < HEADER_BYTES) {
    failWire("WIRE_TRUNCATED", `${bytes.length} bytes are not even a header`, 0, "OFPBRC_BAD_LEN");
  }
  const { version, xid, length } = readHeader(bytes);
  if (length !== bytes.length) {
    const code = length > bytes.length ? "WIRE_TRUNCATED" : "WIRE_LENGTH";
    failWire(code, `the header announces ${length} bytes, there are ${bytes.length}`, 2, "OFPBRC_BAD_LEN");
  }
  const identified = identifyMessage(bytes, 0, length);
  const { encoding } = identified;
  if (encoding === undefined) {
    if (identified.openflowError === "OFPBRC_BAD_LEN") {
      failWire("WIRE_LENGTH", "the message ends inside its header", length, identified.openflowError);
    }
    const unknown: UnknownMessage = { type: "unknown", version, xid, bytes: bytes.slice(), ...withoutEncoding(identified) };
    return unknown;
  }
  const codec = codecOf(encoding.type);
  if (codec === undefined) {
    return { type: "unknown", version, xid, bytes: bytes.slice(), openflowError: "OFPBRC_BAD_TYPE" };
  }
  if (!fitsEncoding(encoding, identified.bodyStart, length)) {
    failWire("WIRE_LENGTH", `${length} bytes are no length for ${encoding.name}`, 2, "OFPBRC_BAD_LEN");
  }
  const reader = new WireReader(bytes, identified.bodyStart, length, version as WireVersion);
  const head = headOf(bytes, encoding, version, xid);
  return { ...head, ...codec.decode(reader, encoding) } as OpenFlowMessage;
}

function withoutEncoding(identified: { openflowError: string; experimenter?: number; subtype?: number }): {
  openflowError: string;
  experimenter?: number;
  subtype?: number;
} {
  const { openflowError, experimenter, subtype } = identified;
  return {
    openflowError,
    ...(experimenter === undefined ? {} : { experimenter }),
    ...(subtype === undefined ? {} : { subtype }),
  };
}

function headOf(bytes: Uint8Array, encoding: Encoding, version: number, xid: number): object {
  const head = { type: encoding.type, version, xid, ...(encoding.form === "standard" ? {} : { form: encoding.form }) };
  if (encoding.carriage === "message" || encoding.carriage === "extension") return head;
  const flags = ((bytes[10] as number) << 8) | (bytes[11] as number);
  return flags === 0 ? head : { ...head, multipartFlags: flags };
}
