import type { Flow } from "../flow/flow.ts";
import type { FlowModView } from "../flow/packed-flow.ts";

export { createFlowModView, type FlowModView } from "../flow/packed-flow.ts";

/**
 * What is to be done to one key of the switch:
 * `add` writes the flow, also over an existing one (counters stay unless the flow has `resetCounts`);
 * `modify` changes the instructions only (MODIFY_STRICT: counters, cookie, timeouts stay);
 * `delete` removes exactly this key (DELETE_STRICT).
 */
export type FlowModCommand = "add" | "modify" | "delete";

/** {@link FlowModCommand} as a number, for packed storage. */
export const FLOW_MOD_COMMANDS: readonly FlowModCommand[] = ["add", "modify", "delete"];

/** A change of exactly one key. Of a `delete`, `flow` is what was last known to be installed. */
export interface FlowMod {
  readonly command: FlowModCommand;
  readonly flow: Flow;
}

/**
 * An ordered list of flow-mods: at most one per key, in the order in which they may be sent. Immutable, and independent of the
 * table it came from: later changes of the table do not show in it.
 */
export interface FlowModBatch extends Iterable<FlowMod> {
  readonly length: number;
  /** How many of each. */
  readonly counts: { readonly add: number; readonly modify: number; readonly delete: number };
  /** The flow-mod at `index` as objects, made on demand. Throws `RangeError` outside 0 … length-1. */
  at(index: number): FlowMod;
  /** Fills `into` for the flow-mod at `index`; the ranges stay valid until the table that the batch came from is changed. */
  read(index: number, into: FlowModView): void;
}
