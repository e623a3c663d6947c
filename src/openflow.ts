// The public surface of `ofsync/openflow`: OpenFlow bytes and connections to real switches.

// wire/: the codec
export { type EncodeOptions, encodeMessage, decodeMessage, type MessageToEncode } from "./wire/codec.ts";
export { errorNames, errorNumbers, type ErrorNumbers } from "./wire/error-codes.ts";
export { Framer, MAX_MESSAGE_BYTES } from "./wire/framer.ts";
export type { OpenFlowMessage } from "./wire/messages.ts";

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
export { formatDatapathId, type ListenOptions, listenForSwitches, type SwitchArrival, type SwitchListener } from "./openflow/listener.ts";
export { type ConnectionState, connectSwitch, type OpenFlowTransport } from "./openflow/openflow-transport.ts";
