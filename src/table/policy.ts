import type { Flow } from "../flow/flow.ts";
import type { OwnerId } from "./owner-id.ts";

/** One owner's flow for a key. */
export interface Contender {
  readonly owner: OwnerId;
  readonly flow: Flow;
}

/**
 * Who wins when several owners want the same key. Whatever the policy, what it leaves undecided the lower UUID wins, so the
 * winner never depends on the order in which flows came.
 */
export interface WinnerPolicy {
  /** Shown by `explain`. */
  readonly name: string;
  /**
   * Negative when `a` wins against `b`, positive the other way round, 0 when the UUIDs shall decide. Must be a total preorder
   * over contenders of one key, and depend on nothing else. An exception leaves the table as it was and reaches the caller.
   */
  readonly compare?: (a: Contender, b: Contender) => number;
  /**
   * The flow to install for two or more contenders, which come in order, the winner first; `undefined` = the winner's as it
   * is. Only the value of the result counts, its key is ignored.
   */
  readonly merge?: (contenders: readonly Contender[]) => Flow | undefined;
  /** Open vSwitch's classes; see {@link ovnClasses}. */
  readonly classes?: true;
}

/** The lower UUID wins, byte by byte. The default. */
export const lowestUuid: WinnerPolicy = { name: "lowest UUID" };

/**
 * As OVN decides: a flow that does something wins against a drop, a drop against a conjunction; within a class the lower UUID
 * wins. Conjunctions are merged: the flow installed has the actions of all, each once, in order of id, clause and number of
 * clauses, and the cookie, timeouts, importance and flags of the one with the lowest UUID.
 */
export const ovnClasses: WinnerPolicy = { name: "OVN classes (allow, drop, conjunction), then lowest UUID", classes: true };
