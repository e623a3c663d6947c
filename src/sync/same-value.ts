import { equalBytes } from "../bytes.ts";
import { type Flow, FlowFlag } from "../flow/flow.ts";
import { instructionsMeaning } from "../flow/meaning.ts";

/** Flags that act once, when a flow is added; a switch does not report them back. */
export const MOMENTARY_FLAGS: number = FlowFlag.checkOverlap | FlowFlag.resetCounts;

/** Would a switch that holds `a` have to be told anything to hold `b`? For flows with one key. */
export function sameValue(a: Flow, b: Flow): boolean {
  return (
    a.cookieLow === b.cookieLow &&
    a.cookieHigh === b.cookieHigh &&
    a.idleTimeout === b.idleTimeout &&
    a.hardTimeout === b.hardTimeout &&
    a.importance === b.importance &&
    (a.flags | MOMENTARY_FLAGS) === (b.flags | MOMENTARY_FLAGS) &&
    (a.instructions.equals(b.instructions) ||
      equalBytes(instructionsMeaning(a.instructions.bytes), instructionsMeaning(b.instructions.bytes)))
  );
}
