import type { Body, BodyCodec, MultipartHead } from "./message-head.ts";

/** Counters of an IPFIX exporter; all ones = not known. */
export interface IpfixStats {
  readonly collectorSetId: number;
  readonly totalFlows: bigint;
  readonly currentFlows: bigint;
  readonly packets: bigint;
  readonly ipv4Packets: bigint;
  readonly ipv6Packets: bigint;
  readonly errorPackets: bigint;
  readonly ipv4ErrorPackets: bigint;
  readonly ipv6ErrorPackets: bigint;
  readonly txPackets: bigint;
  readonly txErrors: bigint;
}

export interface IpfixBridgeRequest extends MultipartHead {
  readonly type: "ipfixBridgeRequest";
}

export interface IpfixFlowRequest extends MultipartHead {
  readonly type: "ipfixFlowRequest";
}

export interface IpfixReply extends MultipartHead {
  readonly type: "ipfixBridgeReply" | "ipfixFlowReply";
  readonly stats: readonly IpfixStats[];
}

export interface IpfixBridgeReply extends IpfixReply {
  readonly type: "ipfixBridgeReply";
}

export interface IpfixFlowReply extends IpfixReply {
  readonly type: "ipfixFlowReply";
}

const COUNTERS = [
  "totalFlows",
  "currentFlows",
  "packets",
  "ipv4Packets",
  "ipv6Packets",
  "errorPackets",
  "ipv4ErrorPackets",
  "ipv6ErrorPackets",
  "txPackets",
  "txErrors",
] as const;

export const ipfixReplyCodec: BodyCodec<IpfixReply> = {
  decode(reader): Body<IpfixReply> {
    const stats: IpfixStats[] = [];
    while (reader.left > 0) {
      const counters = Object.fromEntries(COUNTERS.map((name) => [name, reader.u64()]));
      const collectorSetId = reader.u32();
      reader.skip(4);
      stats.push({ collectorSetId, ...(counters as Omit<IpfixStats, "collectorSetId">) });
    }
    return { stats };
  },
  encode(message, w): void {
    for (const stats of message.stats) {
      for (const name of COUNTERS) w.u64(stats[name]);
      w.u32(stats.collectorSetId);
      w.u32(0);
    }
  },
};
