/**
 * What a match says about the packets it lets through, as far as actions need to know it to check their prerequisites and
 * to choose their encoding. Actions of one list change the facts for those behind them (`push_mpls` makes it MPLS), so they
 * work on a copy.
 */
export interface MatchFacts {
  /** `namespace << 16 | type`; 0 = Ethernet, also when nothing is said. */
  packetType: number;
  /** The exactly matched Ethernet type; `undefined` when not matched. */
  ethType: number | undefined;
  /** The exactly matched IP protocol; `undefined` when not matched. */
  ipProto: number | undefined;
  /** Matches only later fragments, so that there is no transport header. */
  laterFragment: boolean;
  /** A VLAN tag is known to be present (its CFI bit is matched as 1). */
  vlanPresent: boolean;
  icmpType: number | undefined;
  icmpCode: number | undefined;
  ctStateValue: number;
  ctStateMask: number;
}

/** The facts of a match that says nothing. */
export function noFacts(): MatchFacts {
  return {
    packetType: 0,
    ethType: undefined,
    ipProto: undefined,
    laterFragment: false,
    vlanPresent: false,
    icmpType: undefined,
    icmpCode: undefined,
    ctStateValue: 0,
    ctStateMask: 0,
  };
}
