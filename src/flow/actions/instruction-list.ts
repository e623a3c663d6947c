/** Instructions to bytes and back, as one flat list of actions and instructions in the order of execution. */
import type { ByteWriter } from "../../bytes.ts";
import type { Action } from "./action.ts";
import { CANONICAL, type CodecVersion, wireError, withPath } from "./codec.ts";
import { decodeActionList, encodeAction, encodeActionList, refuseOrder } from "./registry.ts";
import { isApplied } from "./verify.ts";

// Instruction types.
const GOTO = 1;
const METADATA = 2;
const WRITE = 3;
const APPLY = 4;
const CLEAR = 5;
const METER = 6;
const EXPERIMENTER = 0xffff;

const MAX_64 = 0xffff_ffff_ffff_ffffn;

/** Appends instructions; in OpenFlow 1.0 the actions that stand for them. Apply-actions without an action is left out. */
export function encodeInstructionList(actions: readonly Action[], version: CodecVersion, w: ByteWriter): void {
  if (version === 1) {
    encodeActionList(actions, version, w);
    return;
  }
  for (let i = 0; i < actions.length; ) {
    try {
      if (!isApplied(actions[i] as Action, version)) {
        encodeAction(actions[i++] as Action, version, w);
        continue;
      }
      const start = w.reserve(8);
      w.view.setUint16(start, APPLY);
      for (; i < actions.length && isApplied(actions[i] as Action, version); i++) encodeAction(actions[i] as Action, version, w);
      const length = w.length - start;
      if (length === 8) w.length = start;
      else if (length > 0xfff8)
        throw wireError("ACTION_INVALID", "OFPBAC_TOO_MANY", `the actions take ${length} bytes, but at most 65528 fit`, start);
      else w.view.setUint16(start + 2, length);
    } catch (error) {
      throw withPath(error, `[${i}]`);
    }
  }
}

function instructionError(openflowError: string, message: string, offset: number): Error {
  return wireError("WIRE_INSTRUCTION", openflowError, message, offset);
}

// By instruction type: where it starts; 0 is no offset of an instruction plus one.
function locate(view: DataView, start: number, end: number, version: CodecVersion): number[] {
  const found = [0, 0, 0, 0, 0, 0, 0];
  for (let at = start; at < end; ) {
    const left = end - at;
    const length = left < 8 ? 0 : view.getUint16(at + 2);
    if (length < 8 || length % 8 !== 0 || length > left) {
      throw instructionError("OFPBIC_BAD_LEN", `an instruction says it has ${length} bytes, which cannot be`, at);
    }
    const type = view.getUint16(at);
    if (type === EXPERIMENTER) throw instructionError("OFPBIC_BAD_EXPERIMENTER", "experimenter instructions are unknown", at);
    if (type < GOTO || type > METER || (type === METER && version >= 6)) {
      throw instructionError("OFPBIC_UNKNOWN_INST", `instruction ${type} is unknown in this version`, at);
    }
    const fixed = type === GOTO || type === METER || type === CLEAR ? 8 : type === METADATA ? 24 : 0;
    if (fixed !== 0 && length !== fixed)
      throw instructionError("OFPBIC_BAD_LEN", `instruction ${type} has ${length} bytes instead of ${fixed}`, at);
    if (found[type] !== 0) throw instructionError("OFPBIC_DUP_INST", `instruction ${type} is there twice`, at);
    found[type] = at + 1;
    at += length;
  }
  return found;
}

const IN_ACTION_SET: ReadonlySet<Action["type"]> = /* @__PURE__ */ new Set<Action["type"]>([
  "popVlan",
  "popMpls",
  "decap",
  "encap",
  "pushMpls",
  "pushVlan",
  "decTtl",
  "decMplsTtl",
  "decNshTtl",
  "ct",
  "ctClear",
  "resubmit",
  "output",
  "group",
  "setField",
  "load",
  "move",
  "modDlSrc",
  "modDlDst",
  "modNwSrc",
  "modNwDst",
  "modNwTos",
  "modNwEcn",
  "modNwTtl",
  "modTpSrc",
  "modTpDst",
  "setMplsLabel",
  "setMplsTc",
  "setMplsTtl",
  "setQueue",
  "setTunnel",
  "setVlanVid",
  "setVlanPcp",
]);

/** May the action be part of an action set? */
export function isAllowedInSet(action: Action): boolean {
  return IN_ACTION_SET.has(action.type);
}

const EVERYTHING = { instructions: true, meter: true, outer: undefined } as const;

/**
 * Decodes the instructions (in OpenFlow 1.0: the actions) in `bytes[start, end)`. `lenient` is for canonical bytes, whose values
 * and order were looked at when they came in. Errors: `WIRE_INSTRUCTION`, `WIRE_ACTION` with the byte offset.
 */
export function decodeInstructionList(
  bytes: Uint8Array,
  start: number,
  end: number,
  version: CodecVersion,
  lenient: boolean,
): Action[] {
  if (version === 1) {
    if ((end - start) % 8 !== 0)
      throw wireError("WIRE_ACTION", "OFPBRC_BAD_LEN", "the actions are not a multiple of 8 bytes long", start);
    const list = decodeActionList(bytes, start, end, version, lenient);
    refuseOrder(list, version, EVERYTHING, start);
    return list;
  }
  if ((end - start) % 8 !== 0)
    throw instructionError("OFPBIC_BAD_LEN", "the instructions are not a multiple of 8 bytes long", start);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [, goto, metadata, write, apply, clear, meter] = locate(view, start, end, version) as [
    0,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const list: Action[] = [];
  const bodyEnd = (at: number): number => at - 1 + view.getUint16(at + 1);
  if (meter !== 0) list.push({ type: "meter", meter: view.getUint32(meter + 3) });
  if (apply !== 0) for (const action of decodeActionList(bytes, apply + 7, bodyEnd(apply), version, lenient)) list.push(action);
  if (clear !== 0) list.push({ type: "clearActions" });
  if (write !== 0) {
    const actions = decodeActionList(bytes, write + 7, bodyEnd(write), version, lenient);
    if (!lenient) {
      const bad = actions.find((action) => !isAllowedInSet(action));
      if (bad !== undefined)
        throw wireError("WIRE_ACTION", "OFPBAC_BAD_TYPE", `${bad.type} cannot be part of an action set`, write + 7);
    }
    list.push({ type: "writeActions", actions });
  }
  if (metadata !== 0) {
    const mask = view.getBigUint64(metadata + 15);
    list.push({ type: "writeMetadata", value: view.getBigUint64(metadata + 7), ...(mask === MAX_64 ? {} : { mask }) });
  }
  if (goto !== 0) list.push({ type: "gotoTable", table: view.getUint8(goto + 3) });
  if (!lenient) refuseOrder(list, version, EVERYTHING, start);
  return list;
}

// Bytes are put together by hand here: a DataView for each call costs more than all the rest.
function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

// Actions that stand in canonical bytes in an encoding that 1.5 does not write.
function actionsAre15(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; ) {
    const type = u16(bytes, at);
    const length = u16(bytes, at + 2);
    if (type === 0xffff) {
      // Nicira's number.
      if (u16(bytes, at + 4) !== 0 || u16(bytes, at + 6) !== 0x2320) return false;
      switch (u16(bytes, at + 8)) {
        case 2:
        case 7:
        case 9:
        case 33:
          return false;
        case 35:
          if (length > 24 && !actionsAre15(bytes, at + 24, at + length)) return false;
          break;
        case 42:
          if (length > 16 && !actionsAre15(bytes, at + 16, at + length)) return false;
          break;
        default:
      }
    } else if (type >= 1 && type <= 14) return false;
    at += length;
  }
  return true;
}

/** Are these canonical bytes what an OpenFlow 1.5 encoder writes, so that it may copy them? One scan, nothing allocated. */
export function isWire15(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  for (let at = start; at < end; ) {
    const type = u16(bytes, at);
    const next = at + u16(bytes, at + 2);
    if ((type === APPLY || type === WRITE) && !actionsAre15(bytes, at + 8, next)) return false;
    at = next;
  }
  return true;
}

/** Canonical bytes → the list they stand for. */
export function decodeCanonical(bytes: Uint8Array): Action[] {
  return decodeInstructionList(bytes, 0, bytes.length, CANONICAL, true);
}
