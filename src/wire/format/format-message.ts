import { isOfsyncError } from "../../errors.ts";
import type { WireVersion } from "../../flow/version.ts";
import { decodeMessage, encodeMessage } from "../codec.ts";
import type { ErrorMessage } from "../error-message.ts";
import { UNKNOWN_ERROR } from "../error-message.ts";
import { fitsEncoding, HEADER_BYTES, identifyMessage, readHeader } from "../header.ts";
import type { MessageHead, MultipartHead } from "../message-head.ts";
import { type Carriage, encodingFor } from "../message-table.ts";
import type { OpenFlowMessage, UnknownMessage } from "../messages.ts";
import {
  aggregateText,
  flowModText,
  flowRemovedText,
  flowRequestText,
  flowStatsText,
  monitorReplyText,
  monitorRequestText,
} from "./flow-text.ts";
import { groupDescText, groupFeaturesText, groupModText, groupStatsText, groupText } from "./group-text.ts";
import { meterConfigText, meterFeaturesText, meterModText, meterStatsText, meterText } from "./meter-text.ts";
import {
  ctFlushText,
  ipfixReplyText,
  setFlowFormatText,
  setPacketInFormatText,
  tlvTableModText,
  tlvTableReplyText,
} from "./nicira-text.ts";
import { packetInText, packetOutText } from "./packet-text.ts";
import {
  portModText,
  portStatsText,
  portStatusText,
  portsText,
  queueConfigRequestText,
  queueConfigText,
  queueStatsRequestText,
  queueStatsText,
} from "./port-text.ts";
import {
  asyncText,
  bundleText,
  configText,
  descText,
  echoText,
  featuresText,
  helloText,
  roleStatusText,
  roleText,
} from "./session-text.ts";
import { tableDescText, tableFeaturesText, tableModText, tableStatsText, tableStatusText } from "./table-text.ts";
import { chomp, type Format, type FormatMessageOptions, hex, hexDump, portText } from "./text-parts.ts";

const VERSION_TEXTS: readonly string[] = ["", "", " (OF1.1)", " (OF1.2)", " (OF1.3)", " (OF1.4)", " (OF1.5)"];

function headText(name: string, version: number, xid: number): string {
  const text = version === 0 ? undefined : VERSION_TEXTS[version];
  return `${name}${text ?? ` (OF 0x${version.toString(16).padStart(2, "0")})`} (xid=${hex(xid)}):`;
}

function multipartText(flags: number, request: boolean, version: number): string {
  if (flags === 0) return "";
  const more = (flags & 1) !== 0 && (!request || version >= 4);
  const rest = more ? flags & ~1 : flags;
  const unknown = rest === 0 ? "" : `[***unknown flags 0x${rest.toString(16).padStart(4, "0")}***]`;
  return ` flags=${more ? "[more]" : ""}${unknown}`;
}

/**
 * A message as `ovs-ofctl ofp-print` prints it: one line, more where it has records. Ends with a line feed.
 *
 * The names of the standard stand for what Open vSwitch calls otherwise (`master` is printed as `primary`).
 */
export function formatMessage(message: OpenFlowMessage, options: FormatMessageOptions = {}): string {
  const format: Format = { verbosity: options.verbosity ?? 2, names: options.names };
  if (message.type === "unknown") return unknownText(message);
  const encoding = encodingFor(message.type, message.form, message.version as WireVersion);
  const head: MessageHead = message;
  const name = encoding?.name ?? message.type;
  const request = encoding?.carriage === "request" || encoding?.carriage === "extensionRequest";
  const flags = multipartText((message as MultipartHead).multipartFlags ?? 0, request, head.version);
  return endLine(chomp(headText(name, head.version, head.xid) + flags + bodyText(message, format), " "));
}

function endLine(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/**
 * The text for any bytes that should be one message: {@link formatMessage}, or what is wrong with them and the bytes themselves.
 * Never throws.
 */
export function describeMessage(bytes: Uint8Array, options: FormatMessageOptions = {}): string {
  if (bytes.length === 0) return "OpenFlow message is empty\n";
  if (bytes.length < HEADER_BYTES) {
    return `OpenFlow packet too short (only ${bytes.length} bytes):\n${hexDump(bytes, true)}`;
  }
  const { length, version, xid } = readHeader(bytes);
  const identified = identifyMessage(bytes, 0, Math.min(length, bytes.length));
  const head = identified.encoding === undefined ? "" : headText(identified.encoding.name, version, xid);
  if (length > bytes.length) {
    const line = head === "" ? "" : `${head}\n`;
    return `${line}(***truncated to ${bytes.length} bytes from ${length}***)\n${hexDump(bytes, true)}`;
  }
  if (length < bytes.length) return `(***only uses ${length} bytes out of ${bytes.length}***)\n${hexDump(bytes, true)}`;
  try {
    return formatMessage(decodeMessage(bytes), options);
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    const known = identified.encoding !== undefined && fitsEncoding(identified.encoding, identified.bodyStart, length);
    const front = known ? frontText(head, bytes, identified.encoding.carriage, version) : "";
    return `${front}***decode error: ${error.openflowError ?? error.code}***\n${hexDump(bytes, true)}`;
  }
}

/** What stands in front of an error: the header, and the flags of statistics on a line with it. */
function frontText(head: string, bytes: Uint8Array, carriage: Carriage, version: number): string {
  if (carriage === "message" || carriage === "extension") return `${head} `;
  const request = carriage === "request" || carriage === "extensionRequest";
  const flags = multipartText(((bytes[10] as number) << 8) | (bytes[11] as number), request, version);
  return flags === "" ? `${head} ` : `${head}${flags}\n`;
}

function unknownText(message: UnknownMessage): string {
  return `***decode error: ${message.openflowError}***\n${hexDump(message.bytes, true)}`;
}

function errorText(message: ErrorMessage, format: Format): string {
  if (message.error === "OFPHFC_INCOMPATIBLE" || message.error === "OFPHFC_EPERM") {
    return ` ${message.error}\n${printable(message.data)}`;
  }
  return ` ${errorNameText(message)}\n${describeMessage(message.data, { verbosity: 1, names: format.names })}`;
}

function errorNameText({ error, numbers }: ErrorMessage): string {
  if (error !== UNKNOWN_ERROR || numbers === undefined) return error;
  const whose = numbers.experimenter === 0 ? "" : `experimenter=${hex(numbers.experimenter)} `;
  return `${error} (${whose}type=${numbers.type} code=${numbers.code})`;
}

/** Latin-1 with backslash escapes for what cannot be printed. */
function printable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte >= 32 && byte < 127 && byte !== 92 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`,
  ).join("");
}

function bodyText(message: Exclude<OpenFlowMessage, UnknownMessage>, format: Format): string {
  switch (message.type) {
    case "hello":
      return helloText(message, () => encodeMessage(message));
    case "error":
      return errorText(message, format);
    case "echoRequest":
    case "echoReply":
      return echoText(message, format);
    case "featuresReply":
      return featuresText(message);
    case "getConfigReply":
    case "setConfig":
      return configText(message);
    case "packetIn":
    case "resume":
      return packetInText(message, format);
    case "packetOut":
      return packetOutText(message, format);
    case "flowMod":
      return flowModText(message, format);
    case "flowRemoved":
      return flowRemovedText(message, format);
    case "flowStatsRequest":
    case "aggregateRequest":
      return flowRequestText(message, format);
    case "flowStatsReply":
      return flowStatsText(message, format);
    case "aggregateReply":
      return aggregateText(message);
    case "flowMonitorRequest":
      return monitorRequestText(message, format);
    case "flowMonitorReply":
      return monitorReplyText(message, format);
    case "flowMonitorCancel":
    case "setControllerId":
      return ` id=${message.id}`;
    case "portStatus":
      return portStatusText(message);
    case "portMod":
      return portModText(message, format);
    case "portDescRequest":
      return ` port=${portText(message.port, format)}`;
    case "portDescReply":
      return `\n${portsText(message.ports, message.version)}`;
    case "portStatsRequest":
      return ` port_no=${portText(message.port, format)}`;
    case "portStatsReply":
      return portStatsText(message, format);
    case "tableMod":
      return tableModText(message);
    case "tableStatus":
      return tableStatusText(message);
    case "tableDescReply":
      return tableDescText(message);
    case "tableFeaturesRequest":
    case "tableFeaturesReply":
      return tableFeaturesText(message);
    case "tableStatsReply":
      return tableStatsText(message);
    case "queueConfigRequest":
      return queueConfigRequestText(message, format);
    case "queueConfigReply":
      return queueConfigText(message, format);
    case "queueStatsRequest":
      return queueStatsRequestText(message, format);
    case "queueStatsReply":
      return queueStatsText(message, format);
    case "groupMod":
      return groupModText(message, format);
    case "groupStatsRequest":
    case "groupDescRequest":
      return ` group_id=${groupText(message.group)}`;
    case "groupStatsReply":
      return groupStatsText(message);
    case "groupDescReply":
      return groupDescText(message, format);
    case "groupFeaturesReply":
      return groupFeaturesText(message);
    case "meterMod":
      return meterModText(message);
    case "meterStatsRequest":
    case "meterConfigRequest":
      return ` ${meterText(message.meter, "=")}`;
    case "meterStatsReply":
      return meterStatsText(message);
    case "meterConfigReply":
      return meterConfigText(message);
    case "meterFeaturesReply":
      return meterFeaturesText(message);
    case "descReply":
      return descText(message);
    case "roleRequest":
    case "roleReply":
      return roleText(message);
    case "roleStatus":
      return roleStatusText(message);
    case "getAsyncReply":
    case "setAsync":
      return asyncText(message);
    case "requestForward":
      return message.request.type === "groupMod"
        ? ` reason=group_mod${groupModText(message.request, format)}`
        : ` reason=meter_mod${meterModText(message.request)}`;
    case "bundleControl":
      return bundleText(message.bundleId, message.flags, message.control);
    case "bundleAdd":
      return `${bundleText(message.bundleId, message.flags)}\n${describeMessage(message.message, format)}`;
    case "setFlowFormat":
      return setFlowFormatText(message);
    case "flowModTableId":
      return ` ${message.enable ? "enable" : "disable"}`;
    case "setPacketInFormat":
      return setPacketInFormatText(message);
    case "tlvTableMod":
      return tlvTableModText(message);
    case "tlvTableReply":
      return tlvTableReplyText(message);
    case "ctFlushZone":
      return ` zone_id=${message.zone}`;
    case "ctFlush":
      return ctFlushText(message);
    case "ipfixBridgeReply":
    case "ipfixFlowReply":
      return ipfixReplyText(message);
    default:
      return "";
  }
}
