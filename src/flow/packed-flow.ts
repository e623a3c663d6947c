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
  /** Canonical match bytes are `matchBuffer[matchStart .. matchStart + matchLength)`. */
  matchBuffer: Uint8Array;
  matchStart: number;
  matchLength: number;
  /** Canonical instruction bytes, likewise. */
  instructionsBuffer: Uint8Array;
  instructionsStart: number;
  instructionsLength: number;
}
