import type { Instructions } from "../flow/instructions.ts";
import type { Match } from "../flow/match.ts";
import {
  putActionsOf,
  putInstructions,
  putMatch,
  putMatch10,
  putNxMatch,
  readActionsAsInstructions,
  readInstructions,
  readMatch,
  readMatch10,
  readNxMatch,
} from "./flow-body.ts";
import type { Body, BodyCodec, MessageHead } from "./message-head.ts";
import { Group, Port, portFrom16, portTo16, readPort32 } from "./port-number.ts";
import { failWire } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/** What a flow-mod does. The strict commands mean one key, the others all flows that the match covers. */
export type FlowModCommandName = "add" | "modify" | "modifyStrict" | "delete" | "deleteStrict";

const COMMANDS: readonly FlowModCommandName[] = ["add", "modify", "modifyStrict", "delete", "deleteStrict"];

/** No packet is buffered at the switch. */
export const NO_BUFFER = 0xffffffff;
/** Every table (delete only). */
export const ALL_TABLES = 255;

/** Changes flows: OpenFlow's own message, or Nicira's for OpenFlow 1.0 (`form: "nicira"`). */
export interface FlowModMessage extends MessageHead {
  readonly type: "flowMod";
  readonly command: FlowModCommandName;
  /** 0 to 254, or {@link ALL_TABLES}; OpenFlow 1.0 carries it in the command (see `flowModTableId`). */
  readonly table: number;
  /** 0 to 65535. */
  readonly priority: number;
  readonly match: Match;
  /** Empty in a delete. */
  readonly instructions: Instructions;
  /** The flow's cookie (add), or what to match of existing cookies (all other commands). 64 bits. */
  readonly cookie: bigint;
  /** Which bits of `cookie` to match; 0 = none. */
  readonly cookieMask: bigint;
  /** A new cookie beside the one to match: Nicira's flow-mod and OpenFlow 1.0 and 1.1 have room for both. */
  readonly newCookie?: bigint;
  readonly idleTimeout: number;
  readonly hardTimeout: number;
  /** OpenFlow 1.4 and later. */
  readonly importance: number;
  /** A packet to send through the new flow; {@link NO_BUFFER} = none. */
  readonly bufferId: number;
  /** Deletes only flows that send to this port; `Port.any` = all. */
  readonly outPort: number;
  /** Deletes only flows that send to this group; `Group.any` = all. */
  readonly outGroup: number;
  /** Bits of `FlowFlag`. */
  readonly flags: number;
}

/** Flags that each version knows: emergency (bit 2) of 1.0 is refused as Open vSwitch refuses it. */
function checkFlags(flags: number, version: number, at: number, timeouts: boolean): void {
  const known = version === 1 ? 0x07 : version === 2 ? 0x03 : version === 3 ? 0x07 : 0x1f;
  if ((flags & ~known) !== 0) failWire("WIRE_VALUE", `flags 0x${flags.toString(16)}`, at, "OFPFMFC_BAD_FLAGS");
  if (version === 1 && (flags & 4) !== 0) {
    const error = timeouts ? "OFPFMFC_BAD_EMERG_TIMEOUT" : "OFPFMFC_TABLE_FULL";
    failWire("WIRE_VALUE", "emergency flows are not supported", at, error);
  }
}

function commandOf(number: number, at: number): FlowModCommandName {
  const command = COMMANDS[number];
  return command ?? failWire("WIRE_VALUE", `flow-mod command ${number}`, at, "OFPFMFC_BAD_COMMAND");
}

const ANY_COOKIE = 0xffff_ffff_ffff_ffffn;

/** OpenFlow 1.1 and later. */
function decodeStandard(reader: WireReader): Body<FlowModMessage> {
  const { version } = reader;
  const start = reader.at;
  const cookie = reader.u64();
  const cookieMask = reader.u64();
  const table = reader.u8();
  const commandNumber = reader.u8();
  const idleTimeout = reader.u16();
  const hardTimeout = reader.u16();
  const priority = reader.u16();
  const bufferId = reader.u32();
  const outPortAt = reader.at;
  reader.skip(4);
  const outGroup = reader.u32();
  const flags = reader.u16();
  const importance = reader.u16();
  const match = readMatch(reader);
  const deletes = commandNumber === 3 || commandNumber === 4;
  if (table === ALL_TABLES && (version === 2 || !deletes)) {
    failWire("WIRE_VALUE", "only a delete may name all tables", start + 16, "OFPFMFC_BAD_TABLE_ID");
  }
  const after = reader.at;
  reader.at = outPortAt;
  const outPort = readPort32(reader);
  reader.at = after;
  const command = commandOf(commandNumber, start + 17);
  const instructions = readInstructions(reader, match, table);
  checkFlags(flags, version, start + 36, false);
  return {
    command,
    table,
    priority,
    match,
    instructions,
    cookie,
    cookieMask,
    idleTimeout,
    hardTimeout,
    importance: version >= 5 && command === "add" ? importance : 0,
    bufferId,
    outPort,
    outGroup: deletes ? outGroup : Group.any,
    flags,
  };
}

/** OpenFlow 1.0's own message, and Nicira's. */
function decodeLegacy(reader: WireReader, nicira: boolean): Body<FlowModMessage> {
  const start = reader.at;
  const early = nicira ? undefined : readMatch10(reader);
  const newCookie = reader.u64();
  const command16 = reader.u16();
  const idleTimeout = reader.u16();
  const hardTimeout = reader.u16();
  const wirePriority = reader.u16();
  const bufferId = reader.u32();
  const outPort = portFrom16(reader.u16());
  const flagsAt = reader.at;
  const flags = reader.u16();
  let matched: { match: Match; cookie: bigint; cookieMask: bigint };
  if (early === undefined) {
    const matchLength = reader.u16();
    reader.skip(6);
    matched = readNxMatch(reader, matchLength, true);
    if ((command16 & 0xff) === 0 && matched.cookieMask !== 0n) {
      failWire("WIRE_VALUE", "an add cannot match a cookie", start + 8, "NXBRC_NXM_INVALID");
    }
  } else {
    matched = { match: early.match, cookie: 0n, cookieMask: 0n };
  }
  const command = commandOf(command16 & 0xff, start + (nicira ? 9 : 49));
  const table = command16 >>> 8;
  const instructions = readActionsAsInstructions(reader, matched.match, table);
  checkFlags(flags, reader.version, flagsAt, idleTimeout !== 0 || hardTimeout !== 0);
  const add = command === "add";
  return {
    command,
    table,
    // OpenFlow 1.0 gives a match without wildcards the highest priority, whatever is written.
    priority: early?.exact === true ? 0xffff : wirePriority,
    match: matched.match,
    instructions,
    cookie: add ? newCookie : matched.cookie,
    cookieMask: matched.cookieMask,
    ...(add ? {} : { newCookie }),
    idleTimeout,
    hardTimeout,
    importance: 0,
    bufferId,
    outPort,
    outGroup: Group.any,
    flags,
  };
}

export const flowModCodec: BodyCodec<FlowModMessage> = {
  decode(reader, encoding): Body<FlowModMessage> {
    if (encoding.form === "nicira") return decodeLegacy(reader, true);
    return reader.version === 1 ? decodeLegacy(reader, false) : decodeStandard(reader);
  },
  encode(message, w, version, encoding): void {
    const command = COMMANDS.indexOf(message.command);
    const nicira = encoding.form === "nicira";
    if (nicira || version === 1) {
      const lengthAt = nicira ? w.length + 24 : 0;
      if (!nicira) putMatch10(w, message.match);
      const add = message.command === "add";
      w.u64(add ? message.cookie : (message.newCookie ?? ANY_COOKIE));
      w.u16((message.table << 8) | command);
      w.u16(message.idleTimeout);
      w.u16(message.hardTimeout);
      w.u16(message.priority);
      w.u32(message.bufferId);
      w.u16(portTo16(message.outPort, "outPort"));
      w.u16(message.flags);
      if (nicira) {
        w.reserve(8);
        const length = putNxMatch(w, message.match, add ? 0n : message.cookie, message.cookieMask);
        w.view.setUint16(lengthAt, length);
      }
      putActionsOf(w, message.instructions, version, message.match);
      return;
    }
    const at = w.reserve(40);
    const { view } = w;
    view.setBigUint64(at, message.cookie);
    view.setBigUint64(at + 8, message.cookieMask);
    view.setUint8(at + 16, message.table);
    view.setUint8(at + 17, command);
    view.setUint16(at + 18, message.idleTimeout);
    view.setUint16(at + 20, message.hardTimeout);
    view.setUint16(at + 22, message.priority);
    view.setUint32(at + 24, message.bufferId);
    view.setUint32(at + 28, message.outPort);
    view.setUint32(at + 32, message.outGroup);
    view.setUint16(at + 36, message.flags);
    if (version >= 5) view.setUint16(at + 38, message.importance);
    putMatch(w, message.match, version);
    putInstructions(w, message.instructions, version, message.match);
  },
};

/** What a flow-mod needs beyond its flow; the rest has these defaults. */
export const FLOW_MOD_DEFAULTS: Pick<
  FlowModMessage,
  "cookieMask" | "bufferId" | "outPort" | "outGroup" | "importance" | "flags" | "idleTimeout" | "hardTimeout"
> = {
  cookieMask: 0n,
  bufferId: NO_BUFFER,
  outPort: Port.any,
  outGroup: Group.any,
  importance: 0,
  flags: 0,
  idleTimeout: 0,
  hardTimeout: 0,
};
