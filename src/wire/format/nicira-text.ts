import { formatIpv4, formatIpv6 } from "../../flow/address-text.ts";
import { addressFamily, type CtFlush, type CtTuple } from "../ct-flush.ts";
import type { IpfixReply, IpfixStats } from "../ipfix.ts";
import type { SetFlowFormat, SetPacketInFormat } from "../nicira.ts";
import type { TlvMapping, TlvTableMod, TlvTableReply } from "../tlv-table.ts";
import { alternateHex, counterText } from "./text-parts.ts";

/** Texts of Nicira's own messages. */

export function setFlowFormatText(message: SetFlowFormat): string {
  return ` format=${message.format === 0 ? "openflow10" : message.format === 2 ? "nxm" : "(unknown)"}`;
}

const PACKET_IN_FORMATS: readonly string[] = ["standard", "nxt_packet_in", "nxt_packet_in2"];

export function setPacketInFormatText(message: SetPacketInFormat): string {
  return ` format=${PACKET_IN_FORMATS[message.format]}`;
}

function mappingsText(mappings: readonly TlvMapping[]): string {
  let text = " mapping table:\n  class  type  length  match field\n ------  ----  ------  --------------";
  for (const { optionClass, optionType, optionLength, index } of mappings) {
    text += `\n ${alternateHex(optionClass).padStart(6)}  ${alternateHex(optionType).padStart(4)}  `;
    text += `${String(optionLength).padStart(6)}  tun_metadata${index}`;
  }
  return text;
}

const TLV_COMMANDS: Readonly<Record<TlvTableMod["command"], string>> = { add: "ADD", delete: "DEL", clear: "CLEAR" };

export function tlvTableModText(message: TlvTableMod): string {
  return `\n ${TLV_COMMANDS[message.command]}${message.command === "clear" ? "" : mappingsText(message.mappings)}`;
}

export function tlvTableReplyText(message: TlvTableReply): string {
  const allocated = message.mappings.reduce((sum, { optionLength }) => sum + optionLength, 0);
  return (
    `\n max option space=${message.maxOptionSpace} max fields=${message.maxFields}\n` +
    ` allocated option space=${allocated}\n\n${mappingsText(message.mappings)}`
  );
}

const NO_ADDRESS = new Uint8Array(16);

function addressText(address: Uint8Array): string {
  return addressFamily(address) === 4 ? formatIpv4(address, 12) : formatIpv6(address);
}

function tupleText(tuple: CtTuple, protocol: number, ipv4: boolean): string {
  const [source, destination] = ipv4 ? ["ct_nw_src", "ct_nw_dst"] : ["ct_ipv6_src", "ct_ipv6_dst"];
  const text = `${source}=${addressText(tuple.source ?? NO_ADDRESS)},${destination}=${addressText(tuple.destination ?? NO_ADDRESS)}`;
  if (protocol === 1 || protocol === 58) {
    return `${text},icmp_id=${tuple.icmpId ?? 0},icmp_type=${tuple.icmpType ?? 0},icmp_code=${tuple.icmpCode ?? 0}`;
  }
  return `${text},ct_tp_src=${tuple.sourcePort ?? 0},ct_tp_dst=${tuple.destinationPort ?? 0}`;
}

export function ctFlushText(message: CtFlush): string {
  const { original = {}, reply = {}, protocol } = message;
  // The family is that of the last address that was given.
  const last = [original.source, original.destination, reply.source, reply.destination].findLast((each) => each !== undefined);
  const ipv4 = last !== undefined && addressFamily(last) === 4;
  const first = tupleText(original, protocol, ipv4);
  return ` zone=${message.zone ?? 0} '${first},ct_nw_proto=${protocol}' '${tupleText(reply, protocol, ipv4)}'`;
}

function ipfixText(stats: IpfixStats, indent: number): string {
  const c = counterText;
  return (
    `flows=${c(stats.totalFlows)}, current flows=${c(stats.currentFlows)}, sampled pkts=${c(stats.packets)}, ` +
    `ipv4 ok=${c(stats.ipv4Packets)}, ipv6 ok=${c(stats.ipv6Packets)}, tx pkts=${c(stats.txPackets)}\n` +
    `${" ".repeat(indent)}pkts errs=${c(stats.errorPackets)}, ipv4 errs=${c(stats.ipv4ErrorPackets)}, ` +
    `ipv6 errs=${c(stats.ipv6ErrorPackets)}, tx errs=${c(stats.txErrors)}\n`
  );
}

export function ipfixReplyText(message: IpfixReply): string {
  if (message.type === "ipfixBridgeReply") {
    return message.stats.map((stats) => `\n  bridge ipfix: ${ipfixText(stats, 16)}`).join("");
  }
  let text = ` ${message.stats.length} ids\n`;
  for (const stats of message.stats) {
    text += `  id ${String(stats.collectorSetId).padStart(3)}: ${ipfixText(stats, 10)}`;
  }
  return text;
}
