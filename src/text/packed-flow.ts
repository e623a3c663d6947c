import { Flow } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";
import type { PackedFlow } from "../flow/packed-flow.ts";

/** A packed flow as an object with bytes of its own. */
export function flowOf(flow: PackedFlow): Flow {
  const { matchBuffer, matchStart, matchLength, instructionsBuffer, instructionsStart, instructionsLength } = flow;
  return new Flow({
    table: flow.table,
    priority: flow.priority,
    match: Match.fromCanonical(matchBuffer.slice(matchStart, matchStart + matchLength)),
    instructions: Instructions.fromCanonical(instructionsBuffer.slice(instructionsStart, instructionsStart + instructionsLength)),
    // A plain number where that is exact.
    cookie: flow.cookieHigh === 0 ? flow.cookieLow >>> 0 : (BigInt(flow.cookieHigh >>> 0) << 32n) | BigInt(flow.cookieLow >>> 0),
    idleTimeout: flow.idleTimeout,
    hardTimeout: flow.hardTimeout,
    importance: flow.importance,
    flags: flow.flags,
  });
}
