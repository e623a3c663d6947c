// The public surface of `ofsync/openflow`: OpenFlow bytes and connections to real switches.

// wire/: the codec
export { ASYNC_KINDS, type AsyncKind, type AsyncMasks } from "./wire/async-config.ts";
export { BUNDLE_CONTROL_TYPES, type BundleControlType, BundleFlag } from "./wire/bundle.ts";
export { decodeMessage, type EncodeOptions, encodeMessage, type MessageToEncode } from "./wire/codec.ts";
export { type ErrorNumbers, errorName, errorNames, errorNumbers } from "./wire/error-codes.ts";
export { UNENCODABLE_ERROR, UNKNOWN_ERROR } from "./wire/error-message.ts";
export { decodeFlowChunk, type FlowChunk, type ReportedFlow } from "./wire/flow-chunk.ts";
export { ALL_TABLES, FLOW_MOD_DEFAULTS, type FlowModCommandName, NO_BUFFER } from "./wire/flow-mod.ts";
export { type FlowMonitor, type FlowUpdate, MonitorFlag } from "./wire/flow-monitor.ts";
export { REMOVED_REASONS } from "./wire/flow-removed.ts";
export { describeMessage, formatMessage } from "./wire/format/format-message.ts";
export { type JsonValue, messageToJson } from "./wire/format/message-json.ts";
export type { FormatMessageOptions } from "./wire/format/text-parts.ts";
export { Framer, MAX_MESSAGE_BYTES } from "./wire/framer.ts";
export { Bucket, GROUP_TYPES, type GroupBucket, type GroupType, type SelectionMethod } from "./wire/group.ts";
export type { MessageForm } from "./wire/message-table.ts";
export type { OpenFlowMessage } from "./wire/messages.ts";
export { Meter, type MeterBand, MeterFlag } from "./wire/meter.ts";
export { PACKET_IN_REASONS } from "./wire/packet.ts";
export type { PortDescription } from "./wire/port.ts";
export { Group, Port } from "./wire/port-number.ts";
export type { PortStats } from "./wire/port-stats.ts";
export type { ControllerRole } from "./wire/role.ts";
export { TableConfig, type TableDescription } from "./wire/table.ts";
export type { WireErrorCode } from "./wire/wire-error.ts";

// openflow/: connections to switches
export { type DialAddress, formatAddress, type ListenAddress, parseAddress, type SwitchAddress } from "./openflow/address.ts";
export type { BackOffOptions } from "./openflow/back-off.ts";
export {
  type ConnectionOptions,
  type ConnectionRole,
  type OpenFlowTransportOptions,
  SUPPORTED_VERSIONS,
  type TlsOptions,
} from "./openflow/connection-options.ts";
export { nodeDiagnostics } from "./openflow/diagnostics.ts";
export {
  formatDatapathId,
  type ListenOptions,
  listenForSwitches,
  type SwitchArrival,
  type SwitchListener,
} from "./openflow/listener.ts";
export { type ConnectionState, connectSwitch, type OpenFlowTransport } from "./openflow/openflow-transport.ts";
