import type { GetAsyncReply, GetAsyncRequest, SetAsync } from "./async-config.ts";
import type { BundleAdd, BundleControl } from "./bundle.ts";
import type { CtFlush, CtFlushZone } from "./ct-flush.ts";
import type { ErrorMessage } from "./error-message.ts";
import type { FeaturesReply, FeaturesRequest, GetConfigReply, GetConfigRequest, SetConfig } from "./features.ts";
import type { FlowModMessage } from "./flow-mod.ts";
import type {
  FlowMonitorCancel,
  FlowMonitorPaused,
  FlowMonitorReply,
  FlowMonitorRequest,
  FlowMonitorResumed,
} from "./flow-monitor.ts";
import type { FlowRemoved } from "./flow-removed.ts";
import type { AggregateReply, AggregateRequest, FlowStatsReply, FlowStatsRequest } from "./flow-stats.ts";
import type {
  GroupDescReply,
  GroupDescRequest,
  GroupFeaturesReply,
  GroupFeaturesRequest,
  GroupMod,
  GroupStatsReply,
  GroupStatsRequest,
} from "./group.ts";
import type { EchoReply, EchoRequest, HelloMessage } from "./hello.ts";
import type { IpfixBridgeReply, IpfixBridgeRequest, IpfixFlowReply, IpfixFlowRequest } from "./ipfix.ts";
import type { MessageHead } from "./message-head.ts";
import type {
  MeterConfigReply,
  MeterConfigRequest,
  MeterFeaturesReply,
  MeterFeaturesRequest,
  MeterMod,
  MeterStatsReply,
  MeterStatsRequest,
} from "./meter.ts";
import type { FlowAge, FlowModTableId, SetControllerId, SetFlowFormat, SetPacketInFormat } from "./nicira.ts";
import type { PacketIn, PacketOut } from "./packet.ts";
import type { PortDescReply, PortDescRequest, PortMod, PortStatus } from "./port.ts";
import type { PortStatsReply, PortStatsRequest } from "./port-stats.ts";
import type { QueueConfigReply, QueueConfigRequest, QueueStatsReply, QueueStatsRequest } from "./queue.ts";
import type { RoleReply, RoleRequest, RoleStatus } from "./role.ts";
import type { DescReply, DescRequest } from "./switch-description.ts";
import type { TableDescReply, TableDescRequest, TableMod, TableStatus } from "./table.ts";
import type { TableFeaturesReply, TableFeaturesRequest } from "./table-features.ts";
import type { TableStatsReply, TableStatsRequest } from "./table-stats.ts";
import type { TlvTableMod, TlvTableReply, TlvTableRequest } from "./tlv-table.ts";

export interface BarrierRequest extends MessageHead {
  readonly type: "barrierRequest";
}

export interface BarrierReply extends MessageHead {
  readonly type: "barrierReply";
}

/** A change of groups or meters that another controller asked for. */
export interface RequestForward extends MessageHead {
  readonly type: "requestForward";
  readonly request: GroupMod | MeterMod;
}

/** A message that is well framed, but whose numbers mean nothing to this library. */
export interface UnknownMessage extends MessageHead {
  readonly type: "unknown";
  /** The whole message. */
  readonly bytes: Uint8Array;
  /** What a switch answers to it, such as `OFPBRC_BAD_TYPE`. */
  readonly openflowError: string;
  /** Of an experimenter's message: whose it is, and which of theirs. */
  readonly experimenter?: number;
  readonly subtype?: number;
}

/** `packetIn` and `resume` share their parts. */
export interface PacketInMessage extends PacketIn {
  readonly type: "packetIn";
}

export interface ResumeMessage extends PacketIn {
  readonly type: "resume";
}

/** Every message, told apart by `type`. Plain data: numbers, bigints, strings, byte arrays, and the flow value classes. */
export type OpenFlowMessage =
  | AggregateReply
  | AggregateRequest
  | BarrierReply
  | BarrierRequest
  | BundleAdd
  | BundleControl
  | CtFlush
  | CtFlushZone
  | DescReply
  | DescRequest
  | EchoReply
  | EchoRequest
  | ErrorMessage
  | FeaturesReply
  | FeaturesRequest
  | FlowAge
  | FlowModMessage
  | FlowModTableId
  | FlowMonitorCancel
  | FlowMonitorPaused
  | FlowMonitorReply
  | FlowMonitorRequest
  | FlowMonitorResumed
  | FlowRemoved
  | FlowStatsReply
  | FlowStatsRequest
  | GetAsyncReply
  | GetAsyncRequest
  | GetConfigReply
  | GetConfigRequest
  | GroupDescReply
  | GroupDescRequest
  | GroupFeaturesReply
  | GroupFeaturesRequest
  | GroupMod
  | GroupStatsReply
  | GroupStatsRequest
  | HelloMessage
  | IpfixBridgeReply
  | IpfixBridgeRequest
  | IpfixFlowReply
  | IpfixFlowRequest
  | MeterConfigReply
  | MeterConfigRequest
  | MeterFeaturesReply
  | MeterFeaturesRequest
  | MeterMod
  | MeterStatsReply
  | MeterStatsRequest
  | PacketInMessage
  | PacketOut
  | PortDescReply
  | PortDescRequest
  | PortMod
  | PortStatsReply
  | PortStatsRequest
  | PortStatus
  | QueueConfigReply
  | QueueConfigRequest
  | QueueStatsReply
  | QueueStatsRequest
  | RequestForward
  | ResumeMessage
  | RoleReply
  | RoleRequest
  | RoleStatus
  | SetAsync
  | SetConfig
  | SetControllerId
  | SetFlowFormat
  | SetPacketInFormat
  | TableDescReply
  | TableDescRequest
  | TableFeaturesReply
  | TableFeaturesRequest
  | TableMod
  | TableStatsReply
  | TableStatsRequest
  | TableStatus
  | TlvTableMod
  | TlvTableReply
  | TlvTableRequest
  | UnknownMessage;
