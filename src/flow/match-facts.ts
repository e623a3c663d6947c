import type { Match } from "./match.ts";
import { decodeIntoDraft } from "./match-decode.ts";
import { MatchDraft } from "./match-draft.ts";
import { SLOT } from "./match-slots.ts";

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

const scratch = /* @__PURE__ */ new MatchDraft();

/** What this match says. */
export function matchFactsOf(match: Match): MatchFacts {
  if (match.bytes.length === 0) return noFacts();
  scratch.clear();
  decodeIntoDraft(match.bytes, 0, match.bytes.length, scratch, { strict: false });
  return draftFacts(scratch);
}

/** What this draft says. */
export function draftFacts(draft: MatchDraft): MatchFacts {
  const ethType = draft.ethType;
  const packetType = draft.number(SLOT.packet_type, 4);
  const typed = draft.touches(SLOT.eth_type, 2) || packetType >>> 16 === 1;
  return {
    packetType,
    ethType: typed ? ethType : undefined,
    ipProto: draft.touches(SLOT.nw_proto, 1) ? draft.number(SLOT.nw_proto, 1) : undefined,
    laterFragment: (draft.number(SLOT.nw_frag, 1) & 0x02) !== 0,
    vlanPresent: packetType === 0 && (draft.number(SLOT.vlan_tci, 2) & 0x1000) !== 0,
    icmpType: draft.touches(SLOT.tp_src, 2) ? draft.number(SLOT.tp_src, 2) : undefined,
    icmpCode: draft.touches(SLOT.tp_dst, 2) ? draft.number(SLOT.tp_dst, 2) : undefined,
    ctStateValue: draft.number(SLOT.ct_state, 4),
    ctStateMask: draft.maskNumber(SLOT.ct_state, 4),
  };
}
