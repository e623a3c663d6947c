import { equalBytes } from "../bytes.ts";
import type { Flow } from "../flow/flow.ts";
import { instructionsMeaning } from "../flow/meaning.ts";

/** Would a switch that holds `a` have to be told anything to hold `b`? For flows with one key. */
export function sameValue(a: Flow, b: Flow): boolean {
  return (
    a.sameAttributes(b) &&
    (a.instructions.equals(b.instructions) ||
      equalBytes(instructionsMeaning(a.instructions.bytes), instructionsMeaning(b.instructions.bytes)))
  );
}
