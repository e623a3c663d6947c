import type { ByteWriter } from "../bytes.ts";
import type { Instructions } from "../flow/instructions.ts";
import type { Match } from "../flow/match.ts";
import {
  putActionsOf,
  putInstructions,
  putMatch,
  putNxMatch,
  readActionsAsInstructions,
  readInstructions,
  readMatch,
  readNxMatch,
} from "./flow-body.ts";
import type { Body, BodyCodec, MessageHead, MultipartHead } from "./message-head.ts";
import { Group, portFrom16, portTo16, readPort32 } from "./port-number.ts";
import { failWire } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/** Bits of a monitor's flags, in OpenFlow 1.4's numbering for every version. */
export const MonitorFlag = {
  /** Report what is there already. */
  initial: 1,
  added: 2,
  removed: 4,
  modified: 8,
  /** Include instructions. */
  instructions: 16,
  /** Report own changes in full instead of by xid. */
  noAbbreviation: 32,
  /** Report own changes only (OpenFlow 1.4); Nicira and ONF: own changes in full. */
  onlyOwn: 64,
} as const;

/** One monitor to begin, change or end. */
export interface FlowMonitor {
  readonly id: number;
  readonly command: "add" | "modify" | "delete";
  /** Bits of {@link MonitorFlag}. */
  readonly flags: number;
  readonly outPort: number;
  readonly outGroup: number;
  /** 255 = all. */
  readonly table: number;
  readonly match: Match;
}

export interface FlowMonitorRequest extends MultipartHead {
  readonly type: "flowMonitorRequest";
  readonly monitors: readonly FlowMonitor[];
}

/** What a monitor saw. */
export type FlowUpdate =
  | {
      readonly event: "initial" | "added" | "removed" | "modified";
      readonly table: number;
      readonly priority: number;
      readonly match: Match;
      readonly instructions: Instructions;
      readonly cookie: bigint;
      readonly idleTimeout: number;
      readonly hardTimeout: number;
      /** Of `removed`: index into `REMOVED_REASONS`. */
      readonly reason: number;
    }
  /** This connection's own change, by the xid of its flow-mod. */
  | { readonly event: "abbreviated"; readonly xid: number }
  | { readonly event: "paused" }
  | { readonly event: "resumed" };

export interface FlowMonitorReply extends MultipartHead {
  readonly type: "flowMonitorReply";
  readonly updates: readonly FlowUpdate[];
}

/** Ends a monitor; OpenFlow 1.4 and later use a request with the command `delete`. */
export interface FlowMonitorCancel extends MessageHead {
  readonly type: "flowMonitorCancel";
  readonly id: number;
}

/** Nothing is reported until {@link FlowMonitorResumed}: the switch could not keep up. */
export interface FlowMonitorPaused extends MessageHead {
  readonly type: "flowMonitorPaused";
}

export interface FlowMonitorResumed extends MessageHead {
  readonly type: "flowMonitorResumed";
}

type FullEvent = "initial" | "added" | "removed" | "modified";

const COMMANDS: readonly FlowMonitor["command"][] = ["add", "modify", "delete"];
const EVENTS: readonly FullEvent[] = ["initial", "added", "removed", "modified"];
const EXTENSION_EVENTS: readonly FullEvent[] = ["added", "removed", "modified"];
const CHANGES = MonitorFlag.added | MonitorFlag.removed | MonitorFlag.modified;

// Extensions number "own" as bit 5; bits 0 to 4 are the same.
function flagsFromExtension(flags: number): number {
  return (flags & 0x1f) | ((flags & 0x20) !== 0 ? MonitorFlag.onlyOwn : 0);
}

function flagsToExtension(flags: number): number {
  return (flags & 0x1f) | ((flags & MonitorFlag.onlyOwn) !== 0 ? 0x20 : 0);
}

function checkFlags(flags: number, known: number, at: number): void {
  if ((flags & CHANGES) === 0 || (flags & ~known) !== 0) {
    failWire("WIRE_VALUE", `monitor flags 0x${flags.toString(16)}`, at, "OFPMOFC_BAD_FLAGS");
  }
}

function zeros(reader: WireReader, n: number): void {
  for (let i = 0; i < n; i++) if (reader.u8() !== 0) reader.bad("padding must be zero", 1, "NXBRC_MUST_BE_ZERO");
}

function readNiciraMonitor(reader: WireReader): FlowMonitor {
  reader.need(16, "a flow monitor", "OFPBRC_BAD_LEN");
  const id = reader.u32();
  const flags = reader.u16();
  const outPort = portFrom16(reader.u16());
  const matchLength = reader.u16();
  const table = reader.u8();
  checkFlags(flags, 0x3f, reader.at - 7);
  zeros(reader, 5);
  const { match } = readNxMatch(reader, matchLength, false);
  return { id, command: "add", flags: flagsFromExtension(flags), outPort, outGroup: Group.any, table, match };
}

function readOnfMonitor(reader: WireReader): FlowMonitor {
  reader.need(16, "a flow monitor", "OFPBRC_BAD_LEN");
  const start = reader.at;
  const id = reader.u32();
  const flags = reader.u16();
  checkFlags(flags, 0x3f, start + 4);
  reader.skip(6);
  const table = reader.u8();
  zeros(reader, 3);
  const after = reader.at;
  reader.at = start + 8;
  const outPort = readPort32(reader);
  reader.at = after;
  return {
    id,
    command: "add",
    flags: flagsFromExtension(flags),
    outPort,
    outGroup: Group.any,
    table,
    match: readMatch(reader),
  };
}

function readMonitor(reader: WireReader): FlowMonitor {
  reader.need(16, "a flow monitor", "OFPBRC_BAD_LEN");
  const start = reader.at;
  const id = reader.u32();
  reader.skip(4);
  const outGroup = reader.u32();
  const flags = reader.u16();
  const table = reader.u8();
  const command = COMMANDS[reader.u8()] ?? reader.bad("command is not known", 1, "OFPMOFC_BAD_COMMAND");
  const after = reader.at;
  reader.at = start + 4;
  let outPort = reader.u32();
  if (command !== "delete") {
    checkFlags(flags, 0x5f, start + 12);
    reader.at = start + 4;
    outPort = readPort32(reader);
  }
  reader.at = after;
  return { id, command, flags, outPort, outGroup, table, match: readMatch(reader) };
}

export const flowMonitorRequestCodec: BodyCodec<FlowMonitorRequest> = {
  decode(reader, encoding): Body<FlowMonitorRequest> {
    const read = encoding.form === "nicira" ? readNiciraMonitor : encoding.form === "onf" ? readOnfMonitor : readMonitor;
    const monitors: FlowMonitor[] = [];
    while (reader.left > 0) monitors.push(read(reader));
    return { monitors };
  },
  encode(message, w, version, encoding): void {
    for (const monitor of message.monitors) {
      const at = w.reserve(16);
      w.view.setUint32(at, monitor.id);
      if (encoding.form === "nicira") {
        w.view.setUint16(at + 4, flagsToExtension(monitor.flags));
        w.view.setUint16(at + 6, portTo16(monitor.outPort, "outPort"));
        w.view.setUint8(at + 10, monitor.table);
        const length = putNxMatch(w, monitor.match, 0n, 0n);
        w.view.setUint16(at + 8, length);
        continue;
      }
      if (encoding.form === "onf") {
        w.view.setUint16(at + 4, flagsToExtension(monitor.flags));
        w.view.setUint32(at + 8, monitor.outPort);
        w.view.setUint8(at + 12, monitor.table);
        const length = putMatch(w, monitor.match, version);
        w.view.setUint16(at + 6, length);
        continue;
      }
      w.view.setUint32(at + 4, monitor.outPort);
      w.view.setUint32(at + 8, monitor.outGroup);
      w.view.setUint16(at + 12, monitor.flags);
      w.view.setUint8(at + 14, monitor.table);
      w.view.setUint8(at + 15, COMMANDS.indexOf(monitor.command));
      putMatch(w, monitor.match, version);
    }
  },
};

/** The reader of one update. */
function updatePart(reader: WireReader): WireReader {
  reader.need(4, "a flow update", "OFPBRC_BAD_LEN");
  const length = reader.view.getUint16(reader.at);
  if (length < 4 || length > reader.left || length % 8 !== 0) {
    failWire("WIRE_LENGTH", `flow update of ${length} bytes`, reader.at, "OFPBRC_BAD_LEN");
  }
  return reader.part(length);
}

function exactly(part: WireReader, left: number): void {
  if (part.left !== left) failWire("WIRE_LENGTH", "a flow update has another length", part.at - 4, "OFPBRC_BAD_LEN");
}

function atLeast(part: WireReader, left: number): void {
  if (part.left < left) failWire("WIRE_LENGTH", "a flow update is cut off", part.at - 4, "OFPBRC_BAD_LEN");
}

function readExtensionUpdate(reader: WireReader, onf: boolean): FlowUpdate {
  const part = updatePart(reader);
  part.skip(2);
  const number = part.u16();
  if (number === 3) {
    exactly(part, 4);
    return { event: "abbreviated", xid: part.u32() };
  }
  const event = EXTENSION_EVENTS[number] ?? part.bad(`event ${number}`, 2, "NXBRC_FM_BAD_EVENT");
  atLeast(part, 20);
  const reason = part.u16();
  const priority = part.u16();
  const idleTimeout = part.u16();
  const hardTimeout = part.u16();
  const matchLength = part.u16();
  const table = part.u8();
  part.skip(1);
  const cookie = part.u64();
  if (matchLength > part.left) failWire("WIRE_LENGTH", `match of ${matchLength} bytes`, part.at - 12, "OFPBRC_BAD_LEN");
  const match = onf ? readMatch(part) : readNxMatch(part, matchLength, false).match;
  const instructions = onf ? readInstructions(part, undefined, table) : readActionsAsInstructions(part, undefined, table);
  return { event, table, priority, match, instructions, cookie, idleTimeout, hardTimeout, reason };
}

function readUpdate(reader: WireReader): FlowUpdate {
  const part = updatePart(reader);
  part.skip(2);
  const number = part.u16();
  if (number === 4) {
    exactly(part, 4);
    return { event: "abbreviated", xid: part.u32() };
  }
  if (number === 5 || number === 6) {
    exactly(part, 4);
    return { event: number === 5 ? "paused" : "resumed" };
  }
  const event = EVENTS[number] ?? part.bad(`event ${number}`, 2, "NXBRC_FM_BAD_EVENT");
  atLeast(part, 20);
  const table = part.u8();
  const reason = part.u8();
  const idleTimeout = part.u16();
  const hardTimeout = part.u16();
  const priority = part.u16();
  part.skip(4);
  const cookie = part.u64();
  const match = readMatch(part);
  const instructions = readInstructions(part, undefined, table);
  return { event, table, priority, match, instructions, cookie, idleTimeout, hardTimeout, reason };
}

function putShort(w: ByteWriter, event: number, xid: number): void {
  const at = w.reserve(8);
  w.view.setUint16(at, 8);
  w.view.setUint16(at + 2, event);
  w.view.setUint32(at + 4, xid);
}

export const flowMonitorReplyCodec: BodyCodec<FlowMonitorReply> = {
  decode(reader, encoding): Body<FlowMonitorReply> {
    const updates: FlowUpdate[] = [];
    while (reader.left > 0) {
      updates.push(encoding.form === "standard" ? readUpdate(reader) : readExtensionUpdate(reader, encoding.form === "onf"));
    }
    return { updates };
  },
  encode(message, w, version, encoding): void {
    const standard = encoding.form === "standard";
    for (const update of message.updates) {
      if (update.event === "abbreviated") {
        putShort(w, standard ? 4 : 3, update.xid);
        continue;
      }
      if (update.event === "paused" || update.event === "resumed") {
        putShort(w, update.event === "paused" ? 5 : 6, 0);
        continue;
      }
      const start = w.reserve(24);
      const { view } = w;
      if (standard) {
        view.setUint16(start + 2, EVENTS.indexOf(update.event));
        view.setUint8(start + 4, update.table);
        view.setUint8(start + 5, update.reason);
        view.setUint16(start + 6, update.idleTimeout);
        view.setUint16(start + 8, update.hardTimeout);
        view.setUint16(start + 10, update.priority);
      } else {
        view.setUint16(start + 2, Math.max(EXTENSION_EVENTS.indexOf(update.event), 0));
        view.setUint16(start + 4, update.reason);
        view.setUint16(start + 6, update.priority);
        view.setUint16(start + 8, update.idleTimeout);
        view.setUint16(start + 10, update.hardTimeout);
        view.setUint8(start + 14, update.table);
      }
      view.setBigUint64(start + 16, update.cookie);
      if (encoding.form === "nicira") {
        const length = putNxMatch(w, update.match, 0n, 0n);
        w.view.setUint16(start + 12, length);
        putActionsOf(w, update.instructions, version, update.match);
      } else {
        const length = putMatch(w, update.match, version);
        if (!standard) w.view.setUint16(start + 12, length);
        putInstructions(w, update.instructions, version, update.match);
      }
      w.view.setUint16(start, w.length - start);
    }
  },
};

export const flowMonitorCancelCodec: BodyCodec<FlowMonitorCancel> = {
  decode: (reader) => ({ id: reader.u32() }),
  encode: (message, w) => w.u32(message.id),
};
