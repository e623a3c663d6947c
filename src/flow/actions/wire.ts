/** Instructions and action lists on the wire, of every version of OpenFlow. */
import { ByteWriter } from "../../bytes.ts";
import { OfsyncError } from "../../errors.ts";
import { Instructions } from "../instructions.ts";
import type { MatchFacts } from "../match-facts.ts";
import type { WireVersion } from "../version.ts";
import type { Action } from "./action.ts";
import { ANY_TABLE, checkActions } from "./check.ts";
import { CANONICAL } from "./codec.ts";
import { decodeInstructionList, encodeInstructionList, isWire15 } from "./instruction-list.ts";
import { decodeActionList, encodeActionList, refuseOrder } from "./registry.ts";
import { translateCanonical } from "./translate.ts";

const scratch = /* @__PURE__ */ new ByteWriter(512);

/**
 * Decodes instructions (in OpenFlow 1.0: actions) in `bytes[start, end)`. With `facts` of the match they are checked against it.
 * Errors: `WIRE_INSTRUCTION`, `WIRE_ACTION` with the byte offset and the OpenFlow error; `ACTION_MATCH` when they do not fit
 * the match.
 */
export function decodeInstructions(
  bytes: Uint8Array,
  start: number,
  end: number,
  version: WireVersion,
  facts?: MatchFacts,
): Instructions {
  if (start === end) return Instructions.drop;
  const list = decodeInstructionList(bytes, start, end, version, false);
  const fitted = facts === undefined ? list : fitToMatch(list, facts, version, start);
  scratch.clear();
  encodeInstructionList(fitted, CANONICAL, scratch);
  return Instructions.fromCanonical(scratch.finish());
}

function fitToMatch(list: readonly Action[], facts: MatchFacts, version: WireVersion, offset: number): readonly Action[] {
  const { actions, fault } = checkActions(list, facts, ANY_TABLE);
  if (fault === undefined || (fault.soft && version === 1)) return actions;
  throw new OfsyncError("ACTION_MATCH", fault.message, {
    place: { offset },
    openflowError: fault.openflowError,
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  });
}

/**
 * Appends instructions (in OpenFlow 1.0: actions) as Open vSwitch writes them in that version. `facts` of the match need only
 * be given when the instructions never met their match.
 */
export function encodeInstructions(instructions: Instructions, version: WireVersion, w: ByteWriter, facts?: MatchFacts): void {
  const { bytes } = instructions;
  if (bytes.length === 0) return;
  if (version === 6 && isWire15(bytes)) {
    w.bytes(bytes);
    return;
  }
  if ((version === 4 || version === 5) && translateCanonical(bytes, 0, bytes.length, version, w)) return;
  const { actions } = instructions;
  encodeInstructionList(facts === undefined ? actions : checkActions(actions, facts, ANY_TABLE).actions, version, w);
}

/** Decodes a bare list of actions, as packet-out and group buckets have it. Errors as of {@link decodeInstructions}. */
export function decodeActions(bytes: Uint8Array, start: number, end: number, version: WireVersion): Action[] {
  if ((end - start) % 8 !== 0) {
    throw new OfsyncError("WIRE_ACTION", "the actions are not a multiple of 8 bytes long", {
      place: { offset: start },
      openflowError: "OFPBRC_BAD_LEN",
    });
  }
  const list = decodeActionList(bytes, start, end, version, false);
  refuseOrder(list, version, { instructions: false, meter: true, outer: undefined }, start);
  return list;
}

/** Appends a bare list of actions. Errors: `ACTION_INVALID` with the path of the fault, such as `[2].port`. */
export function encodeActions(actions: readonly Action[], version: WireVersion, w: ByteWriter): void {
  encodeActionList(actions, version, w);
}
