import type { Body, BodyCodec, MessageHead } from "./message-head.ts";
import { failEncode } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/** What a controller may do with a switch. Open vSwitch prints `master` as primary and `slave` as secondary. */
export type ControllerRole = "nochange" | "equal" | "master" | "slave";

const ROLES: readonly ControllerRole[] = ["nochange", "equal", "master", "slave"];

export interface RoleMessage extends MessageHead {
  readonly type: "roleRequest" | "roleReply";
  readonly role: ControllerRole;
  /** Guards against a master that was left behind (OpenFlow 1.3 §6.3.6). Absent: none is given. */
  readonly generationId?: bigint;
  /** A number for this controller (OpenFlow 1.5); Open vSwitch ignores it. */
  readonly shortId?: number;
}

export interface RoleRequest extends RoleMessage {
  readonly type: "roleRequest";
}

export interface RoleReply extends RoleMessage {
  readonly type: "roleReply";
}

/** The switch changed this controller's role. */
export interface RoleStatus extends MessageHead {
  readonly type: "roleStatus";
  readonly role: ControllerRole;
  /** 0 = another controller asked to be master, 1 = configuration, 2 = an experimenter's data. */
  readonly reason: number;
  /** 64 bits; all ones = none. */
  readonly generationId: bigint;
  /** Properties as they came, with their padding. */
  readonly rest?: Uint8Array;
}

const NO_GENERATION = 0xffff_ffff_ffff_ffffn;

function readRole(reader: WireReader): ControllerRole {
  const role = ROLES[reader.u32()];
  return role ?? reader.bad("role is not known", 4, "OFPRRFC_BAD_ROLE");
}

export const roleCodec: BodyCodec<RoleMessage> = {
  decode(reader, encoding): Body<RoleMessage> {
    if (encoding.form === "nicira") {
      const role = ROLES[reader.u32() + 1];
      return role === undefined ? reader.bad("role is not known", 4, "OFPRRFC_BAD_ROLE") : { role };
    }
    const role = readRole(reader);
    const shortId = reader.u16();
    reader.skip(2);
    const generationId = reader.u64();
    const none = encoding.type === "roleRequest" ? role === "nochange" : generationId === NO_GENERATION;
    const named = reader.version >= 6 && shortId !== 0 ? { shortId } : {};
    return none ? { role, ...named } : { role, generationId, ...named };
  },
  encode(message, w, version, encoding): void {
    const role = ROLES.indexOf(message.role);
    if (encoding.form === "nicira") {
      if (role < 1) failEncode(`Nicira's role message cannot say "${message.role}"`, "role");
      w.u32(role - 1);
      return;
    }
    const at = w.reserve(16);
    w.view.setUint32(at, role);
    if (version >= 6) w.view.setUint16(at + 4, message.shortId ?? 0);
    const none = encoding.type === "roleRequest" ? 0n : NO_GENERATION;
    w.view.setBigUint64(at + 8, message.generationId ?? none);
  },
};

export const roleStatusCodec: BodyCodec<RoleStatus> = {
  decode(reader): Body<RoleStatus> {
    const role = readRole(reader);
    const reason = reader.u8();
    reader.skip(3);
    const generationId = reader.u64();
    return { role, reason, generationId, ...(reader.left > 0 ? { rest: reader.rest() } : {}) };
  },
  encode(message, w): void {
    const at = w.reserve(16);
    w.view.setUint32(at, ROLES.indexOf(message.role));
    w.view.setUint8(at + 4, message.reason);
    w.view.setBigUint64(at + 8, message.generationId);
    if (message.rest !== undefined) w.bytes(message.rest);
  },
};
