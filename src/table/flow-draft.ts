import type { Flow } from "../flow/flow.ts";
import type { Instructions } from "../flow/instructions.ts";
import type { Match } from "../flow/match.ts";

/** A flow as `updateFlows` hands it to be edited: change its parts, or put other flows into the array. */
export interface FlowDraft {
  table: number;
  priority: number;
  match: Match;
  instructions: Instructions;
  cookie: bigint | number;
  idleTimeout: number;
  hardTimeout: number;
  importance: number;
  flags: number;
}

export function draftOf(flow: Flow): FlowDraft {
  return {
    table: flow.table,
    priority: flow.priority,
    match: flow.match,
    instructions: flow.instructions,
    cookie: flow.cookie,
    idleTimeout: flow.idleTimeout,
    hardTimeout: flow.hardTimeout,
    importance: flow.importance,
    flags: flow.flags,
  };
}
