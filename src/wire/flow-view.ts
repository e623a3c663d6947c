/**
 * One flow as numbers and byte ranges: what the hot paths read and fill instead of objects. `FlowModView` of `diff/` has this
 * shape.
 */
export interface FlowView {
  /** Of a flow-mod: 0 add, 1 modify, 2 delete. Of a flow that a switch reports: 0. */
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
  /** Canonical instruction bytes, likewise. */
  instructionsBuffer: Uint8Array;
  instructionsStart: number;
  instructionsLength: number;
}
