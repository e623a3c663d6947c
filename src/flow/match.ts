import { equalBytes } from "../bytes.ts";

const EMPTY = new Uint8Array(0);

/**
 * What packets a flow applies to. Immutable.
 *
 * Invariant: `bytes` is the canonical form, the OXM TLVs exactly as Open vSwitch 3.1 writes them in OpenFlow 1.5 (without
 * the `ofp_match` header and padding): one field order, no all-zero and no all-ones mask, no host bits under a mask,
 * registers folded pairwise onto `OXM_OF_PKT_REGn`. Two matches are the same slot if and only if their bytes are equal.
 */
export class Match {
  /** Canonical bytes. Never write into them. */
  readonly bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Matches every packet. */
  static readonly any: Match = new Match(EMPTY);

  /** Wraps bytes that are known to be canonical (from a table, from a decoder); they are not checked and not copied. */
  static fromCanonical(bytes: Uint8Array): Match {
    return bytes.length === 0 ? Match.any : new Match(bytes);
  }

  equals(other: Match): boolean {
    return this === other || equalBytes(this.bytes, other.bytes);
  }
}
