import type { ByteWriter } from "../bytes.ts";
import { ONF } from "./error-codes.ts";
import type { Body, BodyCodec, MessageHead } from "./message-head.ts";
import { EXPERIMENTER_TYPE } from "./message-table.ts";

/** What is asked of a bundle, and the answers. */
export type BundleControlType =
  | "openRequest"
  | "openReply"
  | "closeRequest"
  | "closeReply"
  | "commitRequest"
  | "commitReply"
  | "discardRequest"
  | "discardReply";

/** {@link BundleControlType} by number. */
export const BUNDLE_CONTROL_TYPES: readonly BundleControlType[] = [
  "openRequest",
  "openReply",
  "closeRequest",
  "closeReply",
  "commitRequest",
  "commitReply",
  "discardRequest",
  "discardReply",
];

/** Bits of a bundle's flags. */
export const BundleFlag = {
  /** All or nothing. */
  atomic: 1,
  /** In the order in which the messages were added. */
  ordered: 2,
} as const;

/** Opens, closes, commits or discards a bundle. OpenFlow 1.4 and later; in 1.3 as ONF's extension 230. */
export interface BundleControl extends MessageHead {
  readonly type: "bundleControl";
  readonly bundleId: number;
  /** A number that has no name is kept as a number. */
  readonly control: BundleControlType | number;
  /** Bits of {@link BundleFlag}. */
  readonly flags: number;
  /** Properties as they came, with their padding. */
  readonly rest?: Uint8Array;
}

/** Puts one message into a bundle. */
export interface BundleAdd extends MessageHead {
  readonly type: "bundleAdd";
  readonly bundleId: number;
  readonly flags: number;
  /** The whole inner message; it must have the outer one's version and xid. */
  readonly message: Uint8Array;
  /** Properties and padding behind it, when there are any. */
  readonly rest?: Uint8Array;
}

export const bundleControlCodec: BodyCodec<BundleControl> = {
  decode(reader): Body<BundleControl> {
    const bundleId = reader.u32();
    const control = reader.u16();
    const flags = reader.u16();
    const rest = reader.left > 0 ? { rest: reader.rest() } : {};
    return { bundleId, control: BUNDLE_CONTROL_TYPES[control] ?? control, flags, ...rest };
  },
  encode(message, w): void {
    const { control } = message;
    const at = w.reserve(8);
    w.view.setUint32(at, message.bundleId);
    w.view.setUint16(at + 4, typeof control === "number" ? control : BUNDLE_CONTROL_TYPES.indexOf(control));
    w.view.setUint16(at + 6, message.flags);
    if (message.rest !== undefined) w.bytes(message.rest);
  },
};

/**
 * Appends the head of a BUNDLE_ADD_MESSAGE; the inner message follows, then {@link endBundleAdd}. Returns where the outer
 * message begins. OpenFlow 1.3 uses ONF's extension. The inner message must carry the same version and xid.
 */
export function beginBundleAdd(w: ByteWriter, version: number, xid: number, bundleId: number, flags: number): number {
  const extension = version < 5;
  const start = w.reserve(extension ? 24 : 16);
  const { view } = w;
  view.setUint8(start, version);
  view.setUint8(start + 1, extension ? EXPERIMENTER_TYPE : 34);
  view.setUint32(start + 4, xid);
  if (extension) {
    view.setUint32(start + 8, ONF);
    view.setUint32(start + 12, 2301);
  }
  const at = extension ? start + 16 : start + 8;
  view.setUint32(at, bundleId);
  view.setUint16(at + 6, flags);
  return start;
}

/** Completes what {@link beginBundleAdd} began. */
export function endBundleAdd(w: ByteWriter, start: number): void {
  w.view.setUint16(start + 2, w.length - start);
}
