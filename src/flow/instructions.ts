import { equalBytes } from "../bytes.ts";

const EMPTY = new Uint8Array(0);

/**
 * What happens to a packet that matches. Immutable.
 *
 * Invariant: `bytes` is the canonical form: OpenFlow 1.5 instructions (standard and Nicira extension actions) in the order
 * in which the standard executes them, empty apply-actions dropped, 8-byte aligned. What was written is kept: an action that
 * 1.5 has no encoding for (a `load`) stands there in the older encoding and is translated at the wire.
 */
export class Instructions {
  /** Canonical bytes. Never write into them. */
  readonly bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** No instructions: the packet is dropped. */
  static readonly drop: Instructions = new Instructions(EMPTY);

  /** Wraps bytes that are known to be canonical; they are not checked and not copied. */
  static fromCanonical(bytes: Uint8Array): Instructions {
    return bytes.length === 0 ? Instructions.drop : new Instructions(bytes);
  }

  equals(other: Instructions): boolean {
    return this === other || equalBytes(this.bytes, other.bytes);
  }
}
