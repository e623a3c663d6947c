import type { BundleAdd, BundleControl } from "./bundle.ts";
import type { ErrorMessage } from "./error-message.ts";
import type { FeaturesReply, FeaturesRequest, GetConfigReply, GetConfigRequest, SetConfig } from "./features.ts";
import type { EchoReply, EchoRequest, HelloMessage } from "./hello.ts";
import type { MessageHead } from "./message-head.ts";
import type { PortDescReply, PortDescRequest, PortMod, PortStatus } from "./port.ts";
import type { RoleReply, RoleRequest, RoleStatus } from "./role.ts";

export interface BarrierRequest extends MessageHead {
  readonly type: "barrierRequest";
}

export interface BarrierReply extends MessageHead {
  readonly type: "barrierReply";
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

/** Every message, told apart by `type`. Plain data: numbers, bigints, strings, byte arrays, and the flow value classes. */
export type OpenFlowMessage =
  | HelloMessage
  | ErrorMessage
  | EchoRequest
  | EchoReply
  | FeaturesRequest
  | FeaturesReply
  | GetConfigRequest
  | GetConfigReply
  | SetConfig
  | PortStatus
  | PortMod
  | PortDescRequest
  | PortDescReply
  | RoleRequest
  | RoleReply
  | RoleStatus
  | BarrierRequest
  | BarrierReply
  | BundleControl
  | BundleAdd
  | UnknownMessage;
