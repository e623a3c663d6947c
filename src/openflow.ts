// The public surface of `ofsync/openflow`: OpenFlow bytes and connections to real switches.

// wire/: the codec
export { type EncodeOptions, encodeMessage, decodeMessage, type MessageToEncode } from "./wire/codec.ts";
export { errorNames, errorNumbers, type ErrorNumbers } from "./wire/error-codes.ts";
export { Framer, MAX_MESSAGE_BYTES } from "./wire/framer.ts";
export type { OpenFlowMessage } from "./wire/messages.ts";
