import type { Clock } from "../clock.ts";
import {
  createFlowModView,
  FLOW_MOD_COMMANDS,
  type FlowModBatch,
  type FlowModCommand,
  type FlowModView,
} from "../diff/flow-mod.ts";
import { isOfsyncError } from "../errors.ts";
import type { FlowModRound } from "../table/flow-mod-round.ts";
import type { Transport } from "../transport/transport.ts";
import { type BatchOutcome, sendBatch, UNKNOWN_OUTCOME } from "./batch-sending.ts";
import { keyTextOfView } from "./key-text.ts";
import type { BatchOptions, SyncSettings } from "./options.ts";
import type { RefusalError } from "./report.ts";
import { SelectedFlowMods } from "./selected-flow-mods.ts";
import type { Telemetry } from "./telemetry.ts";
import { pause } from "./wakeup.ts";

/** Synchronous work may hold the event loop for this long before it lets others run. */
const SLICE_MS = 12;

/** What the sender asks of the synchroniser. */
export interface RoundSenderHooks {
  /** Is this still the connection that the round began on, and is the synchroniser running? */
  isCurrent(): boolean;
  /** Which flow-mods of the batch must not be sent, and why, by index. */
  screen(batch: FlowModBatch): ReadonlyMap<number, RefusalError>;
  /** Indexes of the flow-mods whose key somebody else changed while they were under way: who came last is not known. */
  doubts(batch: FlowModBatch): ReadonlySet<number>;
  /** The batch is answered and the table knows. */
  answered(batch: FlowModBatch, outcome: BatchOutcome): void;
}

interface Outstanding {
  readonly batch: FlowModBatch;
  readonly done: Promise<void>;
  /** What is done to which key; made when a foreign change asks for it. */
  keys: Map<string, FlowModCommand> | undefined;
}

/** Where {@link RoundSender.pump} stopped. */
export type PumpResult = "allSent" | "backlogged" | "lost";

/**
 * Sends one round: asks it for batches no faster than the switch takes them, hands them to the transport, and settles each with
 * what the switch said.
 *
 * Invariants: nothing is built while the transport is backlogged or `maxOutstanding` batches are unanswered; a batch that
 * takes flows away is not sent before every batch that puts flows in is answered (and the other way round), so that sending a
 * batch once more cannot change the order of the two; every batch that the round gave out is settled exactly once.
 */
export class RoundSender {
  readonly #round: FlowModRound;
  readonly #transport: Transport;
  readonly #limits: Required<BatchOptions>;
  readonly #clock: Clock;
  readonly #to: Parameters<typeof sendBatch>[0];
  readonly #hooks: RoundSenderHooks;
  readonly #outstanding = new Set<Outstanding>();
  readonly #view: FlowModView = createFlowModView();
  #held: FlowModBatch | undefined;
  #deleting: boolean | undefined;
  #outstandingMods = 0;
  #atomic: boolean;
  #failure: { readonly error: unknown } | undefined;

  constructor(round: FlowModRound, settings: SyncSettings, telemetry: Telemetry, hooks: RoundSenderHooks) {
    const { transport, batch, clock, guard } = settings;
    this.#round = round;
    this.#transport = transport;
    this.#limits = batch;
    this.#clock = clock;
    this.#to = { transport, clock, telemetry, guard, isCurrent: () => hooks.isCurrent() };
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

  /** The flow-mod under way for this key ({@link keyTextOfView}), if any; one that is made and waits to be sent counts. */
  inFlight(key: string): FlowModCommand | undefined {
    const held = this.#held === undefined ? undefined : this.#keysOf(this.#held).get(key);
    if (held !== undefined) return held;
    for (const entry of this.#outstanding) {
      entry.keys ??= this.#keysOf(entry.batch);
      const command = entry.keys.get(key);
      if (command !== undefined) return command;
    }
    return undefined;
  }

  /** Sends until everything is sent, the switch is behind, or the connection is gone. */
  async pump(): Promise<PumpResult> {
    let sliceStart = this.#clock.now();
    for (;;) {
      if (!this.#hooks.isCurrent()) return "lost";
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#outstanding.size >= this.#limits.maxOutstanding) {
        await this.#oneAnswered();
        sliceStart = this.#clock.now();
        continue;
      }
      if (this.#transport.isBacklogged) return "backlogged";
      const batch = this.#held ?? this.#round.next(this.#limits);
      this.#held = undefined;
      if (batch === undefined) return "allSent";
      if (this.#turnsAround(batch) && this.#outstanding.size > 0) {
        this.#held = batch;
        await this.#oneAnswered();
        continue;
      }
      if (batch.length > 0) {
        this.#deleting = batch.counts.delete > 0;
        this.#dispatch(batch);
      }
      if (this.#clock.now() - sliceStart > SLICE_MS) {
        await pause(this.#clock, 0);
        sliceStart = this.#clock.now();
      }
    }
  }

  /** Resolves when every batch that was sent is answered. Throws what {@link RoundSenderHooks} or the table threw meanwhile. */
  async allAnswered(): Promise<void> {
    while (this.#outstanding.size > 0) await this.#oneAnswered();
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

  /** Does this batch begin to delete after batches that put in, or the reverse? */
  #turnsAround(batch: FlowModBatch): boolean {
    return batch.length > 0 && this.#deleting !== undefined && this.#deleting !== batch.counts.delete > 0;
  }

  async #oneAnswered(): Promise<void> {
    await Promise.race([...this.#outstanding].map((entry) => entry.done));
  }

  #dispatch(batch: FlowModBatch): void {
    this.#outstandingMods += batch.length;
    const entry: Outstanding = {
      batch,
      keys: undefined,
      done: this.#deliver(batch).finally(() => {
        this.#outstanding.delete(entry);
        this.#outstandingMods -= batch.length;
      }),
    };
    this.#outstanding.add(entry);
  }

  /** Never rejects: an error that should not happen leaves the batch unknown and is thrown by {@link allAnswered}. */
  async #deliver(batch: FlowModBatch): Promise<void> {
    let outcome = UNKNOWN_OUTCOME;
    try {
      outcome = this.#doubted(batch, await this.#sendAllowed(batch));
    } catch (error) {
      this.#failure ??= { error };
    }
    try {
      this.#round.settle(batch, outcome);
      this.#hooks.answered(batch, outcome);
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  /** Sends what the screen lets through. */
  async #sendAllowed(batch: FlowModBatch): Promise<BatchOutcome> {
    const withheld = this.#hooks.screen(batch);
    if (withheld.size === 0) return this.#send(batch);
    const indexes: number[] = [];
    for (let i = 0; i < batch.length; i++) if (!withheld.has(i)) indexes.push(i);
    if (indexes.length === 0) return { fate: "applied", refused: withheld, unknown: new Set() };
    const part = new SelectedFlowMods(batch, indexes);
    return inWhole(await this.#send(part), indexes, withheld);
  }

  async #send(batch: FlowModBatch): Promise<BatchOutcome> {
    if (this.#atomic && batch.length > 1) {
      const outcome = await this.#attempt(batch, true);
      // Nothing of a refused atomic batch was applied: once more without the tie, so that only the culprits stay out.
      if (outcome !== undefined && outcome.refused.size === 0) return outcome;
      if (!this.#hooks.isCurrent()) return UNKNOWN_OUTCOME;
    }
    return (await this.#attempt(batch, false)) ?? UNKNOWN_OUTCOME;
  }

  /** Undefined: the transport cannot send this batch this way. */
  async #attempt(batch: FlowModBatch, atomic: boolean): Promise<BatchOutcome | undefined> {
    try {
      return await sendBatch(this.#to, batch, { atomic });
    } catch (error) {
      if (!atomic || !isOfsyncError(error)) throw error;
      if (error.code === "TRANSPORT_UNSUPPORTED") this.#atomic = false;
      return undefined;
    }
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

  #keysOf(batch: FlowModBatch): Map<string, FlowModCommand> {
    const keys = new Map<string, FlowModCommand>();
    for (let i = 0; i < batch.length; i++) {
      batch.read(i, this.#view);
      keys.set(keyTextOfView(this.#view), FLOW_MOD_COMMANDS[this.#view.command] as FlowModCommand);
    }
    return keys;
  }
}

/** Maps the fates of a part back to the whole batch, and adds what was withheld. */
function inWhole(part: BatchOutcome, indexes: readonly number[], withheld: ReadonlyMap<number, RefusalError>): BatchOutcome {
  const refused = new Map<number, RefusalError>(withheld);
  for (const [index, error] of part.refused) refused.set(indexes[index] as number, error);
  const unknown = new Set<number>();
  for (const index of part.unknown) unknown.add(indexes[index] as number);
  return { fate: part.fate, refused, unknown };
}
