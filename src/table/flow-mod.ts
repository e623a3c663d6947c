import type { Flow } from "../flow/flow.ts";

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
 * One flow-mod as numbers and byte ranges, filled by {@link FlowModBatch.read}: what an encoder needs without an object per
 * flow. The ranges stay valid as long as the batch lives.
 */
export interface FlowModView {
  /** Index into {@link FLOW_MOD_COMMANDS}. */
  command: number;
  table: number;
  priority: number;
  cookieHigh: number;
  cookieLow: number;
  idleTimeout: number;
  hardTimeout: number;
  importance: number;
  flags: number;
  /** Canonical match bytes are `matchBuffer[matchStart .. matchStart + matchLength)`. */
  matchBuffer: Uint8Array;
  matchStart: number;
  matchLength: number;
  /** Canonical instruction bytes, likewise; empty for a delete. */
  instructionsBuffer: Uint8Array;
  instructionsStart: number;
  instructionsLength: number;
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
  /** Fills `into` for the flow-mod at `index`. */
  read(index: number, into: FlowModView): void;
}

/** A view to pass to {@link FlowModBatch.read}. */
export function createFlowModView(): FlowModView {
  const none = new Uint8Array(0);
  return {
    command: 0,
    table: 0,
    priority: 0,
    cookieHigh: 0,
    cookieLow: 0,
    idleTimeout: 0,
    hardTimeout: 0,
    importance: 0,
    flags: 0,
    matchBuffer: none,
    matchStart: 0,
    matchLength: 0,
    instructionsBuffer: none,
    instructionsStart: 0,
    instructionsLength: 0,
  };
}
