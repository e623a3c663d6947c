import type { WireVersion } from "../flow/version.ts";
import { NICIRA, ONF } from "./error-codes.ts";

/**
 * Which bytes stand for which message, per version: OpenFlow's own messages and statistics (multipart messages), Nicira's and
 * ONF's extensions. One row per encoding; messages of one meaning share their `type`.
 */

/** How a message presents itself: a plain message, an experimenter message, a request or reply of statistics, or an experimenter's. */
export type Carriage = "message" | "extension" | "request" | "reply" | "extensionRequest" | "extensionReply";

/** A message's encoding where a meaning has several. `standard` is OpenFlow's own. */
export type MessageForm = "standard" | "nicira" | "nicira2" | "onf";

export interface Encoding {
  /** Such as `OFPT_FLOW_MOD` or `NXST_FLOW reply`, as Open vSwitch prints it. */
  readonly name: string;
  readonly type: string;
  readonly form: MessageForm;
  readonly carriage: Carriage;
  readonly firstVersion: number;
  readonly lastVersion: number;
  /** OpenFlow type, statistics type, or an extension's subtype. */
  readonly number: number;
  /** Shortest body. */
  readonly minimum: number;
  /** The body may be longer by a multiple of this; 0 = exactly `minimum`. */
  readonly unit: number;
}

type Row = readonly [
  type: string,
  name: string,
  form: MessageForm,
  carriage: Carriage,
  first: number,
  last: number,
  number: number,
  minimum: number,
  unit: number,
];

// biome-ignore format: a table is read by column
const ROWS: readonly Row[] = [
  ["hello", "OFPT_HELLO", "standard", "message", 1, 255, 0, 0, 1],
  ["error", "OFPT_ERROR", "standard", "message", 1, 255, 1, 4, 1],
  ["echoRequest", "OFPT_ECHO_REQUEST", "standard", "message", 1, 255, 2, 0, 1],
  ["echoReply", "OFPT_ECHO_REPLY", "standard", "message", 1, 255, 3, 0, 1],
  ["featuresRequest", "OFPT_FEATURES_REQUEST", "standard", "message", 1, 6, 5, 0, 0],
  ["featuresReply", "OFPT_FEATURES_REPLY", "standard", "message", 1, 1, 6, 24, 48],
  ["featuresReply", "OFPT_FEATURES_REPLY", "standard", "message", 2, 3, 6, 24, 64],
  ["featuresReply", "OFPT_FEATURES_REPLY", "standard", "message", 4, 6, 6, 24, 0],
  ["getConfigRequest", "OFPT_GET_CONFIG_REQUEST", "standard", "message", 1, 6, 7, 0, 0],
  ["getConfigReply", "OFPT_GET_CONFIG_REPLY", "standard", "message", 1, 6, 8, 4, 0],
  ["setConfig", "OFPT_SET_CONFIG", "standard", "message", 1, 6, 9, 4, 0],
  ["packetIn", "OFPT_PACKET_IN", "standard", "message", 1, 1, 10, 10, 1],
  ["packetIn", "OFPT_PACKET_IN", "standard", "message", 2, 2, 10, 16, 1],
  ["packetIn", "OFPT_PACKET_IN", "standard", "message", 3, 3, 10, 8, 1],
  ["packetIn", "OFPT_PACKET_IN", "standard", "message", 4, 6, 10, 16, 1],
  ["packetIn", "NXT_PACKET_IN", "nicira", "extension", 1, 6, 17, 24, 1],
  ["packetIn", "NXT_PACKET_IN2", "nicira2", "extension", 1, 6, 30, 0, 8],
  ["flowRemoved", "OFPT_FLOW_REMOVED", "standard", "message", 1, 1, 11, 80, 0],
  ["flowRemoved", "OFPT_FLOW_REMOVED", "standard", "message", 2, 5, 11, 40, 8],
  ["flowRemoved", "OFPT_FLOW_REMOVED", "standard", "message", 6, 6, 11, 16, 8],
  ["flowRemoved", "NXT_FLOW_REMOVED", "nicira", "extension", 1, 6, 14, 40, 8],
  ["portStatus", "OFPT_PORT_STATUS", "standard", "message", 1, 1, 12, 56, 0],
  ["portStatus", "OFPT_PORT_STATUS", "standard", "message", 2, 4, 12, 72, 0],
  ["portStatus", "OFPT_PORT_STATUS", "standard", "message", 5, 6, 12, 48, 8],
  ["packetOut", "OFPT_PACKET_OUT", "standard", "message", 1, 1, 13, 8, 1],
  ["packetOut", "OFPT_PACKET_OUT", "standard", "message", 2, 5, 13, 16, 1],
  ["packetOut", "OFPT_PACKET_OUT", "standard", "message", 6, 6, 13, 8, 1],
  ["flowMod", "OFPT_FLOW_MOD", "standard", "message", 1, 1, 14, 64, 8],
  ["flowMod", "OFPT_FLOW_MOD", "standard", "message", 2, 6, 14, 40, 8],
  ["flowMod", "NXT_FLOW_MOD", "nicira", "extension", 1, 6, 13, 32, 8],
  ["groupMod", "NXT_GROUP_MOD", "nicira", "extension", 1, 1, 31, 16, 8],
  ["groupMod", "OFPT_GROUP_MOD", "standard", "message", 2, 5, 15, 8, 8],
  ["groupMod", "OFPT_GROUP_MOD", "standard", "message", 6, 6, 15, 16, 8],
  ["portMod", "OFPT_PORT_MOD", "standard", "message", 1, 1, 15, 24, 0],
  ["portMod", "OFPT_PORT_MOD", "standard", "message", 2, 4, 16, 32, 0],
  ["portMod", "OFPT_PORT_MOD", "standard", "message", 5, 6, 16, 24, 8],
  ["tableMod", "OFPT_TABLE_MOD", "standard", "message", 2, 4, 17, 8, 0],
  ["tableMod", "OFPT_TABLE_MOD", "standard", "message", 5, 6, 17, 8, 8],
  ["barrierRequest", "OFPT_BARRIER_REQUEST", "standard", "message", 1, 1, 18, 0, 0],
  ["barrierRequest", "OFPT_BARRIER_REQUEST", "standard", "message", 2, 6, 20, 0, 0],
  ["barrierReply", "OFPT_BARRIER_REPLY", "standard", "message", 1, 1, 19, 0, 0],
  ["barrierReply", "OFPT_BARRIER_REPLY", "standard", "message", 2, 6, 21, 0, 0],
  ["queueConfigRequest", "OFPT_QUEUE_GET_CONFIG_REQUEST", "standard", "message", 1, 1, 20, 4, 0],
  ["queueConfigRequest", "OFPT_QUEUE_GET_CONFIG_REQUEST", "standard", "message", 2, 4, 22, 8, 0],
  ["queueConfigReply", "OFPT_QUEUE_GET_CONFIG_REPLY", "standard", "message", 1, 1, 21, 8, 8],
  ["queueConfigReply", "OFPT_QUEUE_GET_CONFIG_REPLY", "standard", "message", 2, 4, 23, 8, 8],
  ["roleRequest", "OFPT_ROLE_REQUEST", "standard", "message", 3, 6, 24, 16, 0],
  ["roleRequest", "NXT_ROLE_REQUEST", "nicira", "extension", 1, 6, 10, 4, 0],
  ["roleReply", "OFPT_ROLE_REPLY", "standard", "message", 3, 6, 25, 16, 0],
  ["roleReply", "NXT_ROLE_REPLY", "nicira", "extension", 1, 6, 11, 4, 0],
  ["getAsyncRequest", "OFPT_GET_ASYNC_REQUEST", "standard", "message", 4, 6, 26, 0, 0],
  ["getAsyncReply", "OFPT_GET_ASYNC_REPLY", "standard", "message", 4, 4, 27, 24, 0],
  ["getAsyncReply", "OFPT_GET_ASYNC_REPLY", "standard", "message", 5, 6, 27, 0, 8],
  ["setAsync", "OFPT_SET_ASYNC", "standard", "message", 4, 4, 28, 24, 0],
  ["setAsync", "OFPT_SET_ASYNC", "standard", "message", 5, 6, 28, 0, 8],
  ["setAsync", "NXT_SET_ASYNC_CONFIG", "nicira", "extension", 1, 6, 19, 24, 0],
  ["setAsync", "NXT_SET_ASYNC_CONFIG2", "nicira2", "extension", 1, 4, 27, 0, 8],
  ["meterMod", "OFPT_METER_MOD", "standard", "message", 4, 6, 29, 8, 8],
  ["roleStatus", "ONFT_ROLE_STATUS", "onf", "extension", 4, 4, 1911, 16, 8],
  ["roleStatus", "OFPT_ROLE_STATUS", "standard", "message", 5, 6, 30, 16, 8],
  ["tableStatus", "OFPT_TABLE_STATUS", "standard", "message", 5, 6, 31, 8, 8],
  ["requestForward", "NXT_REQUESTFORWARD", "nicira", "extension", 1, 3, 132, 8, 8],
  ["requestForward", "ONFT_REQUESTFORWARD", "onf", "extension", 4, 4, 2350, 8, 8],
  ["requestForward", "OFPT_REQUESTFORWARD", "standard", "message", 5, 6, 32, 8, 8],
  ["bundleControl", "OFPT_BUNDLE_CONTROL", "standard", "message", 5, 6, 33, 8, 8],
  ["bundleControl", "ONFT_BUNDLE_CONTROL", "onf", "extension", 4, 4, 2300, 8, 8],
  ["bundleAdd", "OFPT_BUNDLE_ADD_MESSAGE", "standard", "message", 5, 6, 34, 8, 1],
  ["bundleAdd", "ONFT_BUNDLE_ADD_MESSAGE", "onf", "extension", 4, 4, 2301, 8, 1],
  ["descRequest", "OFPST_DESC request", "standard", "request", 1, 6, 0, 0, 0],
  ["descReply", "OFPST_DESC reply", "standard", "reply", 1, 6, 0, 1056, 0],
  ["flowStatsRequest", "OFPST_FLOW request", "standard", "request", 1, 1, 1, 44, 0],
  ["flowStatsRequest", "OFPST_FLOW request", "standard", "request", 2, 6, 1, 32, 8],
  ["flowStatsRequest", "NXST_FLOW request", "nicira", "extensionRequest", 1, 1, 0, 8, 8],
  ["flowStatsReply", "OFPST_FLOW reply", "standard", "reply", 1, 6, 1, 0, 1],
  ["flowStatsReply", "NXST_FLOW reply", "nicira", "extensionReply", 1, 1, 0, 0, 1],
  ["aggregateRequest", "OFPST_AGGREGATE request", "standard", "request", 1, 1, 2, 44, 0],
  ["aggregateRequest", "OFPST_AGGREGATE request", "standard", "request", 2, 6, 2, 32, 8],
  ["aggregateRequest", "NXST_AGGREGATE request", "nicira", "extensionRequest", 1, 1, 1, 8, 8],
  ["aggregateReply", "OFPST_AGGREGATE reply", "standard", "reply", 1, 5, 2, 24, 0],
  ["aggregateReply", "OFPST_AGGREGATE reply", "standard", "reply", 6, 6, 2, 0, 1],
  ["aggregateReply", "NXST_AGGREGATE reply", "nicira", "extensionReply", 1, 1, 1, 24, 0],
  ["tableStatsRequest", "OFPST_TABLE request", "standard", "request", 1, 6, 3, 0, 0],
  ["tableStatsReply", "OFPST_TABLE reply", "standard", "reply", 1, 1, 3, 0, 64],
  ["tableStatsReply", "OFPST_TABLE reply", "standard", "reply", 2, 2, 3, 0, 88],
  ["tableStatsReply", "OFPST_TABLE reply", "standard", "reply", 3, 3, 3, 0, 128],
  ["tableStatsReply", "OFPST_TABLE reply", "standard", "reply", 4, 6, 3, 0, 24],
  ["portStatsRequest", "OFPST_PORT request", "standard", "request", 1, 6, 4, 8, 0],
  ["portStatsReply", "OFPST_PORT reply", "standard", "reply", 1, 3, 4, 0, 104],
  ["portStatsReply", "OFPST_PORT reply", "standard", "reply", 4, 4, 4, 0, 112],
  ["portStatsReply", "OFPST_PORT reply", "standard", "reply", 5, 6, 4, 0, 8],
  ["queueStatsRequest", "OFPST_QUEUE request", "standard", "request", 1, 6, 5, 8, 0],
  ["queueStatsReply", "OFPST_QUEUE reply", "standard", "reply", 1, 3, 5, 0, 32],
  ["queueStatsReply", "OFPST_QUEUE reply", "standard", "reply", 4, 4, 5, 0, 40],
  ["queueStatsReply", "OFPST_QUEUE reply", "standard", "reply", 5, 6, 5, 0, 8],
  ["groupStatsRequest", "NXST_GROUP request", "nicira", "extensionRequest", 1, 1, 7, 8, 0],
  ["groupStatsRequest", "OFPST_GROUP request", "standard", "request", 2, 6, 6, 8, 0],
  ["groupStatsReply", "NXST_GROUP reply", "nicira", "extensionReply", 1, 1, 7, 0, 8],
  ["groupStatsReply", "OFPST_GROUP reply", "standard", "reply", 2, 6, 6, 0, 8],
  ["groupDescRequest", "NXST_GROUP_DESC request", "nicira", "extensionRequest", 1, 1, 8, 8, 0],
  ["groupDescRequest", "OFPST_GROUP_DESC request", "standard", "request", 2, 5, 7, 0, 0],
  ["groupDescRequest", "OFPST_GROUP_DESC request", "standard", "request", 6, 6, 7, 8, 0],
  ["groupDescReply", "NXST_GROUP_DESC reply", "nicira", "extensionReply", 1, 1, 8, 0, 8],
  ["groupDescReply", "OFPST_GROUP_DESC reply", "standard", "reply", 2, 6, 7, 0, 8],
  ["groupFeaturesRequest", "NXST_GROUP_FEATURES request", "nicira", "extensionRequest", 1, 2, 9, 0, 0],
  ["groupFeaturesRequest", "OFPST_GROUP_FEATURES request", "standard", "request", 3, 6, 8, 0, 0],
  ["groupFeaturesReply", "NXST_GROUP_FEATURES reply", "nicira", "extensionReply", 1, 2, 9, 40, 0],
  ["groupFeaturesReply", "OFPST_GROUP_FEATURES reply", "standard", "reply", 3, 6, 8, 40, 0],
  ["meterStatsRequest", "OFPST_METER request", "standard", "request", 4, 6, 9, 8, 0],
  ["meterStatsReply", "OFPST_METER reply", "standard", "reply", 4, 6, 9, 0, 8],
  ["meterConfigRequest", "OFPST_METER_CONFIG request", "standard", "request", 4, 6, 10, 8, 0],
  ["meterConfigReply", "OFPST_METER_CONFIG reply", "standard", "reply", 4, 6, 10, 0, 8],
  ["meterFeaturesRequest", "OFPST_METER_FEATURES request", "standard", "request", 4, 6, 11, 0, 0],
  ["meterFeaturesReply", "OFPST_METER_FEATURES reply", "standard", "reply", 4, 6, 11, 16, 0],
  ["tableFeaturesRequest", "OFPST_TABLE_FEATURES request", "standard", "request", 4, 6, 12, 0, 8],
  ["tableFeaturesReply", "OFPST_TABLE_FEATURES reply", "standard", "reply", 4, 6, 12, 64, 8],
  ["tableDescRequest", "OFPST_TABLE_DESC request", "standard", "request", 5, 6, 14, 0, 0],
  ["tableDescReply", "OFPST_TABLE_DESC reply", "standard", "reply", 5, 6, 14, 8, 8],
  ["portDescRequest", "OFPST_PORT_DESC request", "standard", "request", 1, 5, 13, 0, 0],
  ["portDescRequest", "OFPST_PORT_DESC request", "standard", "request", 6, 6, 13, 8, 0],
  ["portDescReply", "OFPST_PORT_DESC reply", "standard", "reply", 1, 1, 13, 0, 48],
  ["portDescReply", "OFPST_PORT_DESC reply", "standard", "reply", 2, 4, 13, 0, 64],
  ["portDescReply", "OFPST_PORT_DESC reply", "standard", "reply", 5, 6, 13, 0, 8],
  ["queueConfigRequest", "OFPST_QUEUE_DESC request", "standard", "request", 5, 6, 15, 8, 0],
  ["queueConfigReply", "OFPST_QUEUE_DESC reply", "standard", "reply", 5, 6, 15, 0, 8],
  ["flowMonitorRequest", "OFPST_FLOW_MONITOR request", "standard", "request", 5, 6, 16, 0, 8],
  ["flowMonitorRequest", "ONFST_FLOW_MONITOR request", "onf", "extensionRequest", 4, 4, 1870, 0, 8],
  ["flowMonitorRequest", "NXST_FLOW_MONITOR request", "nicira", "extensionRequest", 1, 3, 2, 0, 8],
  ["flowMonitorReply", "OFPST_FLOW_MONITOR reply", "standard", "reply", 5, 6, 16, 0, 8],
  ["flowMonitorReply", "ONFST_FLOW_MONITOR reply", "onf", "extensionReply", 4, 4, 1870, 0, 8],
  ["flowMonitorReply", "NXST_FLOW_MONITOR reply", "nicira", "extensionReply", 1, 3, 2, 0, 8],
  ["flowMonitorCancel", "ONFT_FLOW_MONITOR_CANCEL", "onf", "extension", 4, 4, 1870, 4, 0],
  ["flowMonitorCancel", "NXT_FLOW_MONITOR_CANCEL", "nicira", "extension", 1, 3, 21, 4, 0],
  ["flowMonitorPaused", "ONFT_FLOW_MONITOR_PAUSED", "onf", "extension", 4, 4, 1871, 0, 0],
  ["flowMonitorPaused", "NXT_FLOW_MONITOR_PAUSED", "nicira", "extension", 1, 3, 22, 0, 0],
  ["flowMonitorResumed", "ONFT_FLOW_MONITOR_RESUMED", "onf", "extension", 4, 4, 1872, 0, 0],
  ["flowMonitorResumed", "NXT_FLOW_MONITOR_RESUMED", "nicira", "extension", 1, 3, 23, 0, 0],
  ["setFlowFormat", "NXT_SET_FLOW_FORMAT", "nicira", "extension", 1, 1, 12, 4, 0],
  ["flowModTableId", "NXT_FLOW_MOD_TABLE_ID", "nicira", "extension", 1, 6, 15, 8, 0],
  ["setPacketInFormat", "NXT_SET_PACKET_IN_FORMAT", "nicira", "extension", 1, 6, 16, 4, 0],
  ["flowAge", "NXT_FLOW_AGE", "nicira", "extension", 1, 6, 18, 0, 0],
  ["setControllerId", "NXT_SET_CONTROLLER_ID", "nicira", "extension", 1, 6, 20, 8, 0],
  ["tlvTableMod", "NXT_TLV_TABLE_MOD", "nicira", "extension", 1, 6, 24, 8, 8],
  ["tlvTableRequest", "NXT_TLV_TABLE_REQUEST", "nicira", "extension", 1, 6, 25, 0, 0],
  ["tlvTableReply", "NXT_TLV_TABLE_REPLY", "nicira", "extension", 1, 6, 26, 16, 8],
  ["resume", "NXT_RESUME", "nicira", "extension", 1, 6, 28, 0, 8],
  ["ctFlushZone", "NXT_CT_FLUSH_ZONE", "nicira", "extension", 1, 6, 29, 8, 0],
  ["ctFlush", "NXT_CT_FLUSH", "nicira", "extension", 1, 6, 32, 8, 8],
  ["ipfixBridgeRequest", "NXST_IPFIX_BRIDGE request", "nicira", "extensionRequest", 1, 6, 3, 0, 0],
  ["ipfixBridgeReply", "NXST_IPFIX_BRIDGE reply", "nicira", "extensionReply", 1, 6, 3, 88, 0],
  ["ipfixFlowRequest", "NXST_IPFIX_FLOW request", "nicira", "extensionRequest", 1, 6, 4, 0, 0],
  ["ipfixFlowReply", "NXST_IPFIX_FLOW reply", "nicira", "extensionReply", 1, 6, 4, 0, 88],
];

const ENCODINGS: readonly Encoding[] = /* @__PURE__ */ ROWS.map(
  ([type, name, form, carriage, firstVersion, lastVersion, number, minimum, unit]) => ({
    type,
    name,
    form,
    carriage,
    firstVersion,
    lastVersion,
    number,
    minimum,
    unit,
  }),
);

/** OpenFlow type byte of an experimenter message. */
export const EXPERIMENTER_TYPE = 4;
/** Statistics type of an experimenter's statistics. */
export const EXPERIMENTER_STATS = 0xffff;

/** OpenFlow type byte of a statistics request or reply. */
export function statsType(version: number, reply: boolean): number {
  return (version === 1 ? 16 : 18) + (reply ? 1 : 0);
}

/** The experimenter behind an extension's encoding; 0 for OpenFlow's own. */
export function experimenterOf(encoding: Encoding): number {
  if (encoding.form === "standard") return 0;
  return encoding.form === "onf" ? ONF : NICIRA;
}

/** Bytes in front of the body: OpenFlow header, statistics header, experimenter header. */
export function headerBytes(encoding: Encoding, version: number): number {
  switch (encoding.carriage) {
    case "message":
      return 8;
    case "extension":
      return 16;
    case "request":
    case "reply":
      return version === 1 ? 12 : 16;
    default:
      return 24;
  }
}

let plain: Map<number, Encoding[]> | undefined;

function keyOf(carriage: Carriage, form: MessageForm, number: number): number {
  const family = { message: 0, extension: 1, request: 2, reply: 3, extensionRequest: 4, extensionReply: 5 }[carriage];
  return ((family * 2 + (form === "onf" ? 1 : 0)) << 16) | number;
}

/** The encoding that a message's numbers announce; `undefined` when there is none in that version. */
export function findEncoding(carriage: Carriage, experimenter: number, number: number, version: number): Encoding | undefined {
  if (plain === undefined) {
    plain = new Map();
    for (const encoding of ENCODINGS) {
      const key = keyOf(encoding.carriage, encoding.form, encoding.number);
      const list = plain.get(key);
      if (list === undefined) plain.set(key, [encoding]);
      else list.push(encoding);
    }
  }
  if (number > 0xffff) return undefined;
  const found = plain.get(keyOf(carriage, experimenter === ONF ? "onf" : "standard", number));
  return found?.find((encoding) => version >= encoding.firstVersion && version <= encoding.lastVersion);
}

/**
 * The encoding of a message type in a version: the wanted form where it exists, else OpenFlow's own, else the only one.
 * `undefined` when that version has none.
 */
export function encodingFor(type: string, form: MessageForm | undefined, version: WireVersion): Encoding | undefined {
  let fallback: Encoding | undefined;
  for (const encoding of ENCODINGS) {
    if (encoding.type !== type || version < encoding.firstVersion || version > encoding.lastVersion) continue;
    if (encoding.form === (form ?? "standard")) return encoding;
    fallback ??= encoding;
  }
  return form === undefined ? fallback : undefined;
}
