import type { Flow } from "./flow.ts";

/**
 * One flow as numbers and byte ranges, for the roads on which an object per flow would be too much: parser, decoder, table,
 * encoder. Whoever fills one says how long the byte ranges stay valid.
 */
export interface PackedFlow {
  table: number;
  priority: number;
  /** Upper and lower 32 bits of the cookie. */
  cookieHigh: number;
  cookieLow: number;
  idleTimeout: number;
  hardTimeout: number;
  importance: number;
  /** Bits of `FlowFlag`. */
  flags: number;
  /**
   * Canonical match bytes are `matchBuffer[matchStart .. matchStart + matchLength)`. The buffer of a table may be shared memory,
   * which `TextDecoder` and `crypto` refuse: copy first.
   */
  matchBuffer: Uint8Array;
  matchStart: number;
  matchLength: number;
  /** Canonical instruction bytes, likewise. */
  instructionsBuffer: Uint8Array;
  instructionsStart: number;
  instructionsLength: number;
}

/** Flows in packed form, one behind the other from the first word on: a `FlowList`, or what a reader of text has read. */
export interface FlowRun {
  /** As `FlowList` lays them out. */
  readonly words: Int32Array;
  /** Number of flows. */
  readonly length: number;
}

/** A flow-mod in the same form. */
export interface FlowModView extends PackedFlow {
  /** 0 add, 1 modify, 2 delete: an index into `FLOW_MOD_COMMANDS`. Of a flow that a switch reports: 0. */
  command: number;
}

/** A {@link FlowModView} of zeros, to pass to `FlowModBatch.read`. */
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

/** Fills `into` with `flow`. Nothing is copied: the ranges are the flow's own bytes. */
export function packFlow(flow: Flow, into: PackedFlow): void {
  const match = flow.match.bytes;
  const instructions = flow.instructions.bytes;
  into.table = flow.table;
  into.priority = flow.priority;
  into.cookieHigh = flow.cookieHigh;
  into.cookieLow = flow.cookieLow;
  into.idleTimeout = flow.idleTimeout;
  into.hardTimeout = flow.hardTimeout;
  into.importance = flow.importance;
  into.flags = flow.flags;
  into.matchBuffer = match;
  into.matchStart = 0;
  into.matchLength = match.length;
  into.instructionsBuffer = instructions;
  into.instructionsStart = 0;
  into.instructionsLength = instructions.length;
}
