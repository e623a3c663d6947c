/** Which actions may stand together, in which order, and inside which others. */
import type { Action } from "./action.ts";
import type { CodecVersion } from "./codec.ts";
import { actionName } from "./names.ts";

/** What the actions stand inside; `undefined`: nothing, or `clone` on the wire. */
export type OuterAction = "ct" | "clone" | "writeActions";

/** What is wrong with a list. */
export interface OrderFault {
  /** Index of the culprit in the list. */
  readonly index: number;
  readonly kind: "order" | "duplicate" | "nesting" | "ctField" | "nat" | "conjunction" | "instruction";
  readonly openflowError: string;
  readonly message: string;
}

// Instructions in the order of execution.
const METER = 0;
const APPLY = 1;
const CLEAR = 2;
const WRITE = 3;
const METADATA = 4;
const GOTO = 5;
const INSTRUCTION_NAMES = ["meter", "apply_actions", "clear_actions", "write_actions", "write_metadata", "goto_table"] as const;

function instructionOf(action: Action, version: CodecVersion): number {
  switch (action.type) {
    case "meter":
      return version >= 6 ? APPLY : METER;
    case "clearActions":
      return CLEAR;
    case "writeActions":
      return WRITE;
    case "writeMetadata":
      return METADATA;
    case "gotoTable":
      return GOTO;
    default:
      return APPLY;
  }
}

/** Is this one of apply-actions' own, rather than an instruction, in this version? */
export function isApplied(action: Action, version: CodecVersion): boolean {
  return instructionOf(action, version) === APPLY;
}

function writtenField(action: Action): string | undefined {
  if (action.type === "setField") return action.field;
  return action.type === "load" || action.type === "move" ? action.destination.field : undefined;
}

function nestingFault(action: Action, outer: OuterAction | undefined, index: number): OrderFault | undefined {
  const field = writtenField(action);
  const isCtField = field === "ct_mark" || field === "ct_label";
  if (isCtField && outer !== "ct") {
    return {
      index,
      kind: "ctField",
      openflowError: "OFPBAC_BAD_SET_ARGUMENT",
      message: `${field} can only be written inside ct(commit,exec(...))`,
    };
  }
  if (action.type === "nat") {
    return outer === "ct"
      ? undefined
      : { index, kind: "nat", openflowError: "OFPBAC_BAD_SET_ARGUMENT", message: "nat can only stand inside ct" };
  }
  const unsupported = (message: string): OrderFault => ({
    index,
    kind: "nesting",
    openflowError: "OFPBAC_BAD_ARGUMENT",
    message,
  });
  if (outer === "ct") {
    if (field === undefined) return unsupported(`${actionName(action)} cannot stand inside ct`);
    if (!isCtField) return unsupported(`${field} cannot be written inside ct, only ct_mark and ct_label`);
  }
  if (outer !== undefined && action.type === "meter") return unsupported(`meter cannot stand inside ${outer}`);
  return undefined;
}

/**
 * The first fault of a list as Open vSwitch's `ofpacts_verify` finds it; `undefined` when there is none. Texts are judged as
 * version 2, where `meter` is an instruction.
 */
export function verifyActions(
  actions: readonly Action[],
  version: CodecVersion,
  allowed: { readonly instructions: boolean; readonly meter: boolean; readonly outer: OuterAction | undefined },
): OrderFault | undefined {
  let last = METER;
  for (const [index, action] of actions.entries()) {
    if (action.type === "conjunction") {
      const other = actions.findIndex((one) => one.type !== "conjunction" && one.type !== "note");
      if (other < 0) return undefined;
      return {
        index: other,
        kind: "conjunction",
        openflowError: "NXBAC_BAD_CONJUNCTION",
        message: `conjunction goes together with note only, but ${actionName(actions[other] as Action)} is here too`,
      };
    }
    const nested = nestingFault(action, allowed.outer, index);
    if (nested !== undefined) return nested;
    const next = instructionOf(action, version);
    if (index > 0 && (last === APPLY ? next < last : next <= last)) {
      const openflowError = "OFPBAC_UNSUPPORTED_ORDER";
      if (next === last)
        return { index, kind: "duplicate", openflowError, message: `${INSTRUCTION_NAMES[next]} may stand here only once` };
      return {
        index,
        kind: "order",
        openflowError,
        message: `${INSTRUCTION_NAMES[next]} must stand before ${INSTRUCTION_NAMES[last]}`,
      };
    }
    if (next !== APPLY && !allowed.instructions && !(next === METER && allowed.meter)) {
      return {
        index,
        kind: "instruction",
        openflowError: "OFPBIC_UNSUP_INST",
        message: `${INSTRUCTION_NAMES[next]} is an instruction, which cannot stand here`,
      };
    }
    last = next;
  }
  return undefined;
}
