import { isOfsyncError } from "../../errors.ts";
import { formatActionList } from "../../text/actions/format-instructions.ts";
import { type Continuation, decodeContinuation } from "../continuation.ts";
import type { PacketIn, PacketOut } from "../packet.ts";
import { PACKET_IN_REASONS } from "../packet.ts";
import { matchText } from "./flow-text.ts";
import { packetSummary } from "./packet-summary.ts";
import { dottedHex, type Format, hex, hexDump } from "./text-parts.ts";

/** Texts of messages that carry a packet. */

const NO_BUFFER = 0xffffffff;

function bufferText(buffer: number): string {
  return ` buffer=0x${buffer.toString(16).padStart(8, "0")}`;
}

function packetTypeOf(message: PacketIn | PacketOut): number {
  const entry = message.metadata.entries().find(({ name }) => name === "packet_type");
  return entry === undefined ? 0 : new DataView(entry.value.buffer, entry.value.byteOffset, 4).getUint32(0);
}

export function packetInText(message: PacketIn, format: Format): string {
  const { totalLength, data } = message;
  let text = message.table === 0 ? "" : ` table_id=${message.table}`;
  if (message.cookie !== undefined) text += ` cookie=${hex(message.cookie)}`;
  text += ` total_len=${totalLength} ${matchText(message.metadata, message.version, format)}`;
  text += ` (via ${PACKET_IN_REASONS[message.reason] ?? reasonText(message.reason)}) data_len=${data.length}`;
  if (message.bufferId === NO_BUFFER) {
    text += ` (unbuffered)${totalLength === data.length ? "" : " (***total_len != data_len***)"}`;
  } else {
    text += `${bufferText(message.bufferId)}${totalLength < data.length ? " (***total_len < data_len***)" : ""}`;
  }
  text += "\n";
  if (message.userdata !== undefined && message.userdata.length > 0) text += ` userdata=${dottedHex(message.userdata)}\n`;
  if (message.continuation !== undefined) text += continuationText(message.continuation, message.version, format);
  if (format.verbosity > 0) text += `${packetSummary(data, packetTypeOf(message))}\n`;
  return format.verbosity > 2 ? text + hexDump(data, false) : text;
}

/** Two reasons are Open vSwitch's own and have no name. */
function reasonText(reason: number): string {
  return reason === 6 || reason === 7 ? "" : String(reason);
}

/** What is inside where it can be read; it is the switch's own business, so anything else is shown as bytes. */
function continuationText(bytes: Uint8Array, version: number, format: Format): string {
  try {
    return insideText(decodeContinuation(bytes, version), format);
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    return ` continuation=${dottedHex(bytes)}\n`;
  }
}

function insideText(continuation: Continuation, format: Format): string {
  const { stack } = continuation;
  let text = "";
  if (continuation.bridge !== undefined) text += ` continuation.bridge=${continuation.bridge}\n`;
  if (stack.length > 0) {
    text += ` continuation.stack=(top)${stack.map((value) => ` ${stackValue(value)}`).join("")} (bottom)\n`;
  }
  if (continuation.mirrors !== 0) text += ` continuation.mirrors=${hex(continuation.mirrors)}\n`;
  if (continuation.conntracked) text += " continuation.conntracked=true\n";
  if (continuation.actions.length > 0) {
    const groups = continuation.actions.map(({ table, cookie, actions }) => {
      const list = actions.length === 0 ? "" : `,${formatActionList(actions, { names: format.names })}`;
      return `unroll_xlate(table=${table}, cookie=${cookie})${list}`;
    });
    text += ` continuation.actions=${groups.join(",")}\n`;
  }
  if (continuation.actionSet.length > 0) {
    text += ` continuation.action_set=${formatActionList(continuation.actionSet, { names: format.names })}\n`;
  }
  if (continuation.datapathPort !== 0) text += ` continuation.odp_port=${continuation.datapathPort}\n`;
  return text;
}

function stackValue(value: Uint8Array): string {
  const digits = Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `0x${digits.replace(/^0+(?=.)/, "")}`;
}

export function packetOutText(message: PacketOut, format: Format): string {
  const { data } = message;
  let text = ` ${matchText(message.metadata, message.version, format)} actions=${formatActionList(message.actions, { names: format.names })}`;
  if (message.bufferId !== NO_BUFFER) return text + bufferText(message.bufferId);
  text += ` data_len=${data.length}`;
  if (format.verbosity > 0 && data.length > 0) text += `\n${packetSummary(data, packetTypeOf(message))}\n`;
  return format.verbosity > 2 ? text + hexDump(data, false) : text;
}
