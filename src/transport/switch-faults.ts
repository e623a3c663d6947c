import type { FlowMod } from "../diff/flow-mod.ts";
import { type SwitchErrorName, switchError } from "./switch-error.ts";
import type { SwitchError } from "./transport.ts";

/** A fixed number of milliseconds, or a function that is asked each time. */
export type DelayMs = number | (() => number);

/** How a read goes wrong. `stall`: nothing more comes, until the connection goes or the transport loses patience. */
export type ReadFaultKind = "error" | "disconnect" | "stall";

/**
 * Things that can be made to go wrong between a controller and the in-memory switch. Everything is off at first, happens at
 * the next opportunity, and is the same on each run when clock and randomness are injected.
 */
export interface SwitchFaults {
  /** Refuses the flow-mods that `which` names, the next `times` of them. The returned function ends it. */
  refuse(which: (mod: FlowMod) => boolean, error: SwitchErrorName | SwitchError, times?: number): () => void;
  /**
   * The replies of the next `times` batches (default 1) never come: before the switch carried them out (`applied: false`) or
   * after. With `disconnect` the connection goes at that moment; otherwise the batch ends as `unknown` after the switch's
   * `replyTimeoutMs`.
   */
  loseReplies(options: { readonly applied: boolean; readonly times?: number; readonly disconnect?: boolean }): void;
  /**
   * The fate of single flow-mods stays unknown, whether they were `applied` or not. Has no effect within atomic batches. The
   * returned function ends it.
   */
  loseFlowMods(which: (mod: FlowMod) => boolean, options: { readonly applied: boolean; readonly times?: number }): () => void;
  /** The connection goes just before the `n`-th flow-mod from now is carried out (1 = the next). */
  disconnectAt(n: number): void;
  /** How long requests and replies travel. Default 0 each: the next microtask. */
  delay(options: { readonly requestMs?: DelayMs; readonly replyMs?: DelayMs }): void;
  /**
   * Everything that a transport may do in any order is done in random order: `replies` to batches that are under way together,
   * the flows of a read (`reads`, in chunks of random size).
   */
  shuffle(options: { readonly replies?: boolean; readonly reads?: boolean }): void;
  /** The next `times` reads (default 1) fail after `afterFlows` flows. */
  failReads(options: { readonly afterFlows: number; readonly how: ReadFaultKind; readonly times?: number }): void;
  /**
   * The next `count` monitor events are lost, as when a switch pauses its monitor: a `gap` comes in place of the first, and another in
   * place of the last, since what was read back in between may lack the rest. `clear` ends it early, with that second gap.
   */
  loseEvents(count: number): void;
  /** Makes the switch appear to be behind, or no longer. */
  backlog(on: boolean): void;
  /** Ends all of this. */
  clear(): void;
}

interface Rule<T> {
  readonly which: (mod: FlowMod) => boolean;
  readonly value: T;
  left: number;
}

/** When a loss strikes: before or after the switch carried the thing out. */
export type LossMoment = "before" | "after";

/** The faults that are set, and the questions that the switch asks about them at each turn. */
export class FaultPlan implements SwitchFaults {
  readonly #onBacklogChange: () => void;
  readonly #onGap: () => void;
  #refusals: Rule<SwitchError>[] = [];
  #flowModLosses: Rule<LossMoment>[] = [];
  #batchLoss: { readonly moment: LossMoment; readonly disconnect: boolean; left: number } | undefined;
  #disconnectIn = 0;
  #readFault: { readonly afterFlows: number; readonly how: ReadFaultKind; left: number } | undefined;
  #requestMs: DelayMs = 0;
  #replyMs: DelayMs = 0;
  #eventsToLose = 0;
  /** A gap was told, and the events behind it are still being lost. */
  #losing = false;
  #backlogged = false;
  shufflesReplies = false;
  shufflesReads = false;

  constructor(onBacklogChange: () => void, onGap: () => void) {
    this.#onBacklogChange = onBacklogChange;
    this.#onGap = onGap;
  }

  refuse(
    which: (mod: FlowMod) => boolean,
    error: SwitchErrorName | SwitchError,
    times: number = Number.POSITIVE_INFINITY,
  ): () => void {
    const rule = { which, value: typeof error === "string" ? switchError(error) : error, left: times };
    this.#refusals.push(rule);
    return () => {
      this.#refusals = this.#refusals.filter((other) => other !== rule);
    };
  }

  loseReplies({ applied, times = 1, disconnect = false }: { applied: boolean; times?: number; disconnect?: boolean }): void {
    this.#batchLoss = { moment: applied ? "after" : "before", disconnect, left: times };
  }

  loseFlowMods(
    which: (mod: FlowMod) => boolean,
    { applied, times = Number.POSITIVE_INFINITY }: { applied: boolean; times?: number },
  ): () => void {
    const rule: Rule<LossMoment> = { which, value: applied ? "after" : "before", left: times };
    this.#flowModLosses.push(rule);
    return () => {
      this.#flowModLosses = this.#flowModLosses.filter((other) => other !== rule);
    };
  }

  disconnectAt(n: number): void {
    if (!Number.isInteger(n) || n < 1) throw new RangeError(`disconnectAt takes a whole number from 1, not ${n}`);
    this.#disconnectIn = n;
  }

  delay({ requestMs, replyMs }: { requestMs?: DelayMs; replyMs?: DelayMs }): void {
    if (requestMs !== undefined) this.#requestMs = requestMs;
    if (replyMs !== undefined) this.#replyMs = replyMs;
  }

  shuffle({ replies, reads }: { replies?: boolean; reads?: boolean }): void {
    if (replies !== undefined) this.shufflesReplies = replies;
    if (reads !== undefined) this.shufflesReads = reads;
  }

  failReads({ afterFlows, how, times = 1 }: { afterFlows: number; how: ReadFaultKind; times?: number }): void {
    this.#readFault = { afterFlows, how, left: times };
  }

  loseEvents(count: number): void {
    this.#eventsToLose = count;
    if (count <= 0) this.#endLoss();
  }

  backlog(on: boolean): void {
    this.#backlogged = on;
    this.#onBacklogChange();
  }

  clear(): void {
    this.#refusals = [];
    this.#flowModLosses = [];
    this.#batchLoss = undefined;
    this.#disconnectIn = 0;
    this.#readFault = undefined;
    this.#requestMs = 0;
    this.#replyMs = 0;
    this.#eventsToLose = 0;
    this.#endLoss();
    this.shufflesReplies = false;
    this.shufflesReads = false;
    this.backlog(false);
  }

  get isBacklogged(): boolean {
    return this.#backlogged;
  }

  requestDelay(): number {
    return typeof this.#requestMs === "number" ? this.#requestMs : this.#requestMs();
  }

  replyDelay(): number {
    return typeof this.#replyMs === "number" ? this.#replyMs : this.#replyMs();
  }

  takeRefusal(mod: FlowMod): SwitchError | undefined {
    return this.#refusals.length === 0 ? undefined : take(this.#refusals, mod);
  }

  takeFlowModLoss(mod: FlowMod): LossMoment | undefined {
    return this.#flowModLosses.length === 0 ? undefined : take(this.#flowModLosses, mod);
  }

  takeBatchLoss(): { readonly moment: LossMoment; readonly disconnect: boolean } | undefined {
    const loss = this.#batchLoss;
    if (loss === undefined || loss.left <= 0) return undefined;
    loss.left--;
    return loss;
  }

  /** Does the connection go now, before the flow-mod at hand? */
  takeDisconnect(): boolean {
    return this.#disconnectIn > 0 && --this.#disconnectIn === 0;
  }

  takeReadFault(): { readonly afterFlows: number; readonly how: ReadFaultKind } | undefined {
    const fault = this.#readFault;
    if (fault === undefined || fault.left <= 0) return undefined;
    fault.left--;
    return fault;
  }

  /** What becomes of the next monitor event: passed on, replaced by a gap, or dropped. */
  #endLoss(): void {
    if (!this.#losing) return;
    this.#losing = false;
    this.#onGap();
  }

  takeEventFate(): "pass" | "gap" | "drop" {
    if (this.#eventsToLose <= 0) return "pass";
    this.#eventsToLose--;
    const isFirst = !this.#losing;
    this.#losing = this.#eventsToLose > 0;
    return isFirst || !this.#losing ? "gap" : "drop";
  }
}

function take<T>(rules: readonly Rule<T>[], mod: FlowMod): T | undefined {
  for (const rule of rules) {
    if (rule.left > 0 && rule.which(mod)) {
      rule.left--;
      return rule.value;
    }
  }
  return undefined;
}
