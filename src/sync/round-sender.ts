import type { Clock } from "../clock.ts";
import { createFlowModView, FLOW_MOD_COMMANDS, type FlowModBatch, type FlowModCommand } from "../diff/flow-mod.ts";
import { isOfsyncError } from "../errors.ts";
import type { FlowModRound } from "../table/flow-mod-round.ts";
import type { SendOptions, Transport } from "../transport/transport.ts";
import { type BatchOutcome, type BatchRoad, sendBatch, UNKNOWN_OUTCOME } from "./batch-sending.ts";
import { keyTextOfView } from "./key-text.ts";
import type { BatchOptions, SyncSettings } from "./options.ts";
import type { RefusalError } from "./report.ts";
import { SelectedFlowMods } from "./selected-flow-mods.ts";
import type { Telemetry } from "./telemetry.ts";
import { pause } from "./wakeup.ts";

/** Synchronous work may hold the event loop for this long before it lets others run. */
const SLICE_MS = 12;

const PLAIN: SendOptions = { atomic: false };
const ATOMIC: SendOptions = { atomic: true };

/** What the sender asks of the synchroniser. */
export interface RoundSenderHooks {
  /** Is this still the present connection, and is the synchroniser running? */
  isCurrent(epoch: number): boolean;
  /** Which flow-mods of the batch must not be sent, and why, by index. */
  screen(batch: FlowModBatch): ReadonlyMap<number, RefusalError>;
  /** Indexes of the flow-mods whose key somebody else changed while they were under way: who came last is not known. */
  doubts(batch: FlowModBatch): ReadonlySet<number>;
  /** The batch is answered and the table knows. */
  answered(batch: FlowModBatch, outcome: BatchOutcome): void;
}

interface Outstanding {
  readonly batch: FlowModBatch;
  /** What is done to which key; made when a foreign change asks for it. */
  keys: Map<string, FlowModCommand> | undefined;
}

/** Where {@link RoundSender.pump} stopped. */
export type PumpResult = "allSent" | "backlogged" | "lost";

/**
 * Sends one round: asks it for batches no faster than the switch takes them, hands them to the transport, and settles each with
 * what the switch said. A round of one change is most of what a controller does in its life, so that the straight way through here
 * has no turn of its own for each step: what need not wait does not.
 *
 * Invariants: nothing is built while the transport is backlogged or `maxOutstanding` batches are unanswered; a batch that
 * takes flows away is not sent before every batch that puts flows in is answered (and the other way round), so that sending a
 * batch once more cannot change the order of the two; every batch that the round gave out is settled exactly once.
 */
export class RoundSender implements BatchRoad {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly guard: SendOptions["guard"];
  readonly #epoch: number;
  readonly #round: FlowModRound;
  readonly #limits: Required<BatchOptions>;
  readonly #hooks: RoundSenderHooks;
  readonly #outstanding: Outstanding[] = [];
  #held: FlowModBatch | undefined;
  #deleting: boolean | undefined;
  #outstandingMods = 0;
  #atomic: boolean;
  #failure: { readonly error: unknown } | undefined;
  /** Resolves with the next answer; made when somebody waits. */
  #answer: Promise<void> | undefined;
  #told: (() => void) | undefined;

  /** `epoch`: the connection that the round is for. */
  constructor(round: FlowModRound, epoch: number, settings: SyncSettings, telemetry: Telemetry, hooks: RoundSenderHooks) {
    const { transport, batch, clock, guard } = settings;
    this.#round = round;
    this.#epoch = epoch;
    this.transport = transport;
    this.telemetry = telemetry;
    this.guard = guard;
    this.#limits = batch;
    this.clock = clock;
    this.#hooks = hooks;
    this.#atomic = batch.atomic === "whenPossible" && transport.capabilities.atomic;
  }

  get revision(): number {
    return this.#round.revision;
  }

  /** Flow-mods sent and not answered. */
  get outstanding(): number {
    return this.#outstandingMods;
  }

  /** Every batch that was sent is answered. */
  get isAnswered(): boolean {
    return this.#outstanding.length === 0;
  }

  isCurrent(): boolean {
    return this.#hooks.isCurrent(this.#epoch);
  }

  /** The flow-mod under way for this key ({@link keyTextOfView}), if any; one that is made and waits to be sent counts. */
  inFlight(key: string): FlowModCommand | undefined {
    const held = this.#held === undefined ? undefined : keysOf(this.#held).get(key);
    if (held !== undefined) return held;
    for (const entry of this.#outstanding) {
      entry.keys ??= keysOf(entry.batch);
      const command = entry.keys.get(key);
      if (command !== undefined) return command;
    }
    return undefined;
  }

  /** Sends until everything is sent, the switch is behind, or the connection is gone. At once when nothing has to be waited for. */
  pump(): PumpResult | Promise<PumpResult> {
    const end = this.#burst();
    return typeof end === "string" ? end : this.#goOn(end);
  }

  /** Resolves at the next answer, or when {@link interrupt} is called. */
  oneAnswered(): Promise<void> {
    this.#answer ??= new Promise((resolve) => {
      this.#told = resolve;
    });
    return this.#answer;
  }

  /** Whoever waits for an answer waits no longer. */
  interrupt(): void {
    const told = this.#told;
    this.#answer = undefined;
    this.#told = undefined;
    told?.();
  }

  /** Resolves when every batch that was sent is answered. Throws what {@link RoundSenderHooks} or the table threw meanwhile. */
  async allAnswered(): Promise<void> {
    while (!this.isAnswered) await this.oneAnswered();
    this.check();
  }

  /** Throws what {@link RoundSenderHooks} or the table threw, if they did. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Gives up what was not sent. What is under way is still settled when it is answered. */
  cancel(): void {
    if (this.#held !== undefined) {
      this.#round.settle(this.#held, UNKNOWN_OUTCOME);
      this.#held = undefined;
    }
    this.#round.cancel();
  }

  async #goOn(wait: Promise<void>): Promise<PumpResult> {
    for (let next = wait; ; ) {
      await next;
      const end = this.#burst();
      if (typeof end === "string") return end;
      next = end;
    }
  }

  /** Sends what may be sent now. A promise: there is more, and it may be sent when that resolves. */
  #burst(): PumpResult | Promise<void> {
    // The first batch is not counted: most rounds have one, and need no clock.
    let until: number | undefined;
    for (;;) {
      if (!this.isCurrent()) return "lost";
      this.check();
      if (this.#outstanding.length >= this.#limits.maxOutstanding) return this.oneAnswered();
      if (this.transport.isBacklogged) return "backlogged";
      const batch = this.#held ?? this.#round.next(this.#limits);
      this.#held = undefined;
      if (batch === undefined) return "allSent";
      if (this.#turnsAround(batch) && this.#outstanding.length > 0) {
        this.#held = batch;
        return this.oneAnswered();
      }
      if (batch.length > 0) {
        this.#deleting = batch.counts.delete > 0;
        this.#dispatch(batch);
      }
      const now = this.clock.now();
      until ??= now + SLICE_MS;
      if (now > until) return pause(this.clock, 0);
    }
  }

  /** Does this batch begin to delete after batches that put in, or the reverse? */
  #turnsAround(batch: FlowModBatch): boolean {
    return batch.length > 0 && this.#deleting !== undefined && this.#deleting !== batch.counts.delete > 0;
  }

  /** An error that should not happen leaves the batch unknown and is thrown by {@link check}. */
  #dispatch(batch: FlowModBatch): void {
    const entry: Outstanding = { batch, keys: undefined };
    this.#outstanding.push(entry);
    this.#outstandingMods += batch.length;
    this.#sendAllowed(batch).then(
      (outcome) => this.#settle(entry, outcome),
      (error) => {
        this.#failure ??= { error };
        this.#settle(entry, UNKNOWN_OUTCOME);
      },
    );
  }

  #settle(entry: Outstanding, heard: BatchOutcome): void {
    const { batch } = entry;
    let outcome = UNKNOWN_OUTCOME;
    try {
      outcome = this.#doubted(batch, heard);
    } catch (error) {
      this.#failure ??= { error };
    }
    try {
      this.#round.settle(batch, outcome);
      this.#hooks.answered(batch, outcome);
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#outstanding.splice(this.#outstanding.indexOf(entry), 1);
    this.#outstandingMods -= batch.length;
    this.interrupt();
  }

  /** Sends what the screen lets through. */
  #sendAllowed(batch: FlowModBatch): Promise<BatchOutcome> {
    let withheld: ReadonlyMap<number, RefusalError>;
    try {
      withheld = this.#hooks.screen(batch);
    } catch (error) {
      return Promise.reject(error);
    }
    return withheld.size === 0 ? this.#send(batch) : this.#sendRest(batch, withheld);
  }

  async #sendRest(batch: FlowModBatch, withheld: ReadonlyMap<number, RefusalError>): Promise<BatchOutcome> {
    const indexes: number[] = [];
    for (let i = 0; i < batch.length; i++) if (!withheld.has(i)) indexes.push(i);
    if (indexes.length === 0) return { fate: "applied", refused: withheld, unknown: new Set() };
    const part = new SelectedFlowMods(batch, indexes);
    return inWhole(await this.#send(part), indexes, withheld);
  }

  #send(batch: FlowModBatch): Promise<BatchOutcome> {
    return this.#atomic && batch.length > 1 ? this.#sendAtomic(batch) : sendBatch(this, batch, PLAIN);
  }

  async #sendAtomic(batch: FlowModBatch): Promise<BatchOutcome> {
    try {
      const outcome = await sendBatch(this, batch, ATOMIC);
      // Nothing of a refused atomic batch was applied: once more without the tie, so that only the culprits stay out.
      if (outcome.refused.size === 0) return outcome;
    } catch (error) {
      if (!isOfsyncError(error)) throw error;
      // The transport cannot send this batch this way.
      if (error.code === "TRANSPORT_UNSUPPORTED") this.#atomic = false;
    }
    return this.isCurrent() ? sendBatch(this, batch, PLAIN) : UNKNOWN_OUTCOME;
  }

  #doubted(batch: FlowModBatch, outcome: BatchOutcome): BatchOutcome {
    const doubts = this.#hooks.doubts(batch);
    if (doubts.size === 0 || outcome.fate === "unknown") return outcome;
    const refused = new Map(outcome.refused);
    const unknown = new Set(outcome.unknown);
    for (const index of doubts) {
      refused.delete(index);
      unknown.add(index);
    }
    return { fate: outcome.fate, refused, unknown };
  }
}

function keysOf(batch: FlowModBatch): Map<string, FlowModCommand> {
  const keys = new Map<string, FlowModCommand>();
  const view = createFlowModView();
  for (let i = 0; i < batch.length; i++) {
    batch.read(i, view);
    keys.set(keyTextOfView(view), FLOW_MOD_COMMANDS[view.command] as FlowModCommand);
  }
  return keys;
}

/** Maps the fates of a part back to the whole batch, and adds what was withheld. */
function inWhole(part: BatchOutcome, indexes: readonly number[], withheld: ReadonlyMap<number, RefusalError>): BatchOutcome {
  const refused = new Map<number, RefusalError>(withheld);
  for (const [index, error] of part.refused) refused.set(indexes[index] as number, error);
  const unknown = new Set<number>();
  for (const index of part.unknown) unknown.add(indexes[index] as number);
  return { fate: part.fate, refused, unknown };
}
