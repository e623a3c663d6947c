import type { Clock, Random, TimerHandle } from "../clock.ts";
import type { FlowModBatch } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { DelayLine } from "./delay-line.ts";
import { installedFlowChunk } from "./installed-flow-chunk.ts";
import type { FaultPlan } from "./switch-faults.ts";
import type {
  BatchResult,
  InstalledFlow,
  InstalledFlowChunk,
  ReadFilter,
  SendOptions,
  SwitchError,
  Transport,
  TransportCapabilities,
  TransportEvent,
} from "./transport.ts";
import { TransportListeners } from "./transport-listeners.ts";

/** How the switch answers a batch; `cut`: the connection breaks before any answer. */
export type BatchAnswer =
  | {
      readonly kind: "done";
      readonly refused: ReadonlyMap<number, SwitchError>;
      readonly unknown: ReadonlySet<number>;
      readonly bytes: number;
    }
  | { readonly kind: "lost" }
  | { readonly kind: "cut"; readonly reason: string };

/** What a connection needs of the switch at its other end. */
export interface SwitchEnd {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly faults: FaultPlan;
  readonly capabilities: TransportCapabilities;
  readonly isReachable: boolean;
  readonly connectDelayMs: number;
  readonly replyTimeoutMs: number;
  readonly maxFlowModsInFlight: number;
  readonly chunkSize: number;
  carryOut(batch: FlowModBatch, options: SendOptions, from: MemoryConnection): BatchAnswer;
  read(filter: ReadFilter): InstalledFlow[];
  /** A connection has come or gone. */
  connectionsChanged(): void;
}

/** What becomes of requests that are under way when a connection breaks. */
export type InFlightFate = "lost" | "carriedOut";

interface PendingBatch {
  readonly flowMods: number;
  /** Runs when its reply was lost. */
  patience: TimerHandle | undefined;
  readonly settle: (result: Omit<BatchResult, "epoch">) => void;
}

/**
 * One controller's connection to the in-memory switch.
 *
 * Requests travel through one {@link DelayLine}; replies, read answers and events come back through another, so that their
 * order is that of the happenings. When the connection breaks both lines are emptied and whoever waits is told.
 */
export class MemoryConnection implements Transport {
  readonly #end: SwitchEnd;
  readonly #requests: DelayLine;
  readonly #answers: DelayLine;
  readonly #listeners: TransportListeners;
  readonly #pending = new Set<PendingBatch>();
  readonly #readers = new Set<(error: OfsyncError) => void>();
  readonly #drainWaiters: (() => void)[] = [];
  /** Replies held back to be shuffled. */
  #held: (() => void)[] = [];
  #flowModsInFlight = 0;
  #epoch = 0;
  #isUp = false;
  #opened = false;
  #closed = false;
  #connecting: TimerHandle | undefined;

  constructor(end: SwitchEnd) {
    this.#end = end;
    this.#listeners = new TransportListeners(end.logger);
    this.#requests = new DelayLine(end.clock, "one");
    this.#answers = new DelayLine(end.clock, "all");
  }

  get epoch(): number {
    return this.#epoch;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get isOpen(): boolean {
    return this.#opened && !this.#closed;
  }

  get capabilities(): TransportCapabilities {
    return this.#end.capabilities;
  }

  get isBacklogged(): boolean {
    return this.#isUp && (this.#end.faults.isBacklogged || this.#flowModsInFlight > this.#end.maxFlowModsInFlight);
  }

  open(): void {
    if (this.#opened || this.#closed) return;
    this.#opened = true;
    this.#end.connectionsChanged();
    this.connectSoon(0);
  }

  /** Called by the switch when it may be reached again. */
  connectSoon(delayMs: number = this.#end.connectDelayMs): void {
    if (!this.isOpen || this.#isUp || this.#connecting !== undefined || !this.#end.isReachable) return;
    const connect = (): void => {
      this.#connecting = undefined;
      if (!this.isOpen || this.#isUp || !this.#end.isReachable) return;
      this.#epoch++;
      this.#isUp = true;
      this.#listeners.emit({ type: "up", epoch: this.#epoch });
    };
    if (delayMs <= 0) queueMicrotask(connect);
    else this.#connecting = this.#end.clock.setTimeout(connect, delayMs);
  }

  async send(batch: FlowModBatch, options: SendOptions = {}): Promise<BatchResult> {
    if (options.atomic === true && !this.#end.capabilities.atomic) {
      throw new OfsyncError("TRANSPORT_UNSUPPORTED", "this switch cannot apply a batch all or nothing", {
        hint: "look at `capabilities.atomic` first",
      });
    }
    const epoch = this.#epoch;
    if (!this.#isUp) return { epoch, fate: "unknown", refused: new Map(), unknown: new Set(), bytes: 0 };
    return new Promise((resolve) => {
      const pending: PendingBatch = {
        flowMods: batch.length,
        patience: undefined,
        settle: (result) => {
          if (!this.#pending.delete(pending)) return;
          this.#flowModsInFlight -= pending.flowMods;
          if (pending.patience !== undefined) this.#end.clock.clearTimeout(pending.patience);
          resolve({ epoch, ...result });
          this.backlogChanged();
        },
      };
      this.#pending.add(pending);
      this.#flowModsInFlight += pending.flowMods;
      this.#requests.push(this.#end.faults.requestDelay(), () => {
        this.#answer(pending, this.#end.carryOut(batch, options, this));
      });
    });
  }

  readFlows(filter: ReadFilter = {}): AsyncIterable<InstalledFlowChunk> {
    return { [Symbol.asyncIterator]: () => this.#read(filter) };
  }

  async drained(): Promise<void> {
    if (this.isBacklogged) await new Promise<void>((resolve) => this.#drainWaiters.push(resolve));
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
    return this.#listeners.subscribe(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#connecting !== undefined) this.#end.clock.clearTimeout(this.#connecting);
    this.#connecting = undefined;
    this.drop("closed by the controller", "lost");
    this.#end.connectionsChanged();
  }

  /** Breaks the connection. It comes back after the switch's `connectDelayMs`, when the switch can be reached. */
  drop(reason: string, inFlight: InFlightFate): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    if (inFlight === "carriedOut") this.#requests.flush();
    this.#requests.clear();
    this.#answers.clear();
    this.#held = [];
    const down = new OfsyncError("TRANSPORT_DOWN", `the connection went down: ${reason}`);
    for (const fail of [...this.#readers]) fail(down);
    for (const pending of [...this.#pending]) pending.settle(UNKNOWN);
    this.backlogChanged();
    this.#listeners.emit({ type: "down", epoch: this.#epoch, reason });
    this.connectSoon();
  }

  /** An event on its way to the controller. */
  tell(event: TransportEvent): void {
    if (this.#isUp) this.#answers.push(this.#end.faults.replyDelay(), () => this.#listeners.emit(event));
  }

  /** Wakes those who wait for the end of the backlog, when it has come. */
  backlogChanged(): void {
    if (this.isBacklogged) return;
    for (const wake of this.#drainWaiters.splice(0)) wake();
  }

  #answer(pending: PendingBatch, answer: BatchAnswer): void {
    if (!this.#isUp) return;
    if (answer.kind === "cut") {
      this.drop(answer.reason, "lost");
      return;
    }
    if (answer.kind === "lost") {
      pending.patience = this.#end.clock.setTimeout(() => pending.settle(UNKNOWN), this.#end.replyTimeoutMs);
    } else {
      const { refused, unknown, bytes } = answer;
      this.#held.push(() => pending.settle({ fate: "applied", refused, unknown, bytes }));
    }
    if (!this.#end.faults.shufflesReplies || this.#requests.isEmpty) this.#releaseReplies();
  }

  #releaseReplies(): void {
    const held = this.#held;
    this.#held = [];
    if (this.#end.faults.shufflesReplies) shuffle(held, this.#end.random);
    for (const reply of held) this.#answers.push(this.#end.faults.replyDelay(), reply);
  }

  async *#read(filter: ReadFilter): AsyncGenerator<InstalledFlowChunk, void, undefined> {
    const epoch = this.#epoch;
    if (!this.#isUp) throw new OfsyncError("TRANSPORT_DOWN", "the transport is not up");
    const { faults, random, chunkSize } = this.#end;
    const fault = faults.takeReadFault();
    const flows = await this.#awaitAnswer<InstalledFlow[]>((resolve) => {
      this.#requests.push(faults.requestDelay(), () => {
        const snapshot = this.#end.read(filter);
        this.#answers.push(faults.replyDelay(), () => resolve(snapshot));
      });
    });
    if (faults.shufflesReads) shuffle(flows, random);
    const stop = Math.min(flows.length, fault?.afterFlows ?? flows.length);
    for (let at = 0; at < stop; ) {
      const size = faults.shufflesReads ? 1 + Math.floor(random() * chunkSize) : chunkSize;
      const end = Math.min(stop, at + size);
      yield installedFlowChunk(flows.slice(at, end));
      at = end;
      if (!this.#isUp || this.#epoch !== epoch)
        throw new OfsyncError("TRANSPORT_DOWN", "the connection went down during the read");
    }
    if (fault === undefined) return;
    if (fault.how === "disconnect") this.drop("connection lost during a read", "lost");
    else if (fault.how === "stall") await this.#awaitAnswer(() => {});
    if (fault.how === "error") throw new OfsyncError("TRANSPORT_READ_FAILED", "the switch answered the read with an error");
    throw new OfsyncError("TRANSPORT_DOWN", "the connection went down during the read");
  }

  // Waits for something that the connection's end, or the end of patience, may prevent.
  #awaitAnswer<T>(ask: (resolve: (value: T) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { clock, replyTimeoutMs } = this.#end;
      const finish = (): void => {
        this.#readers.delete(fail);
        clock.clearTimeout(timer);
      };
      const fail = (error: OfsyncError): void => {
        finish();
        reject(error);
      };
      const timer = clock.setTimeout(
        () => fail(new OfsyncError("TRANSPORT_TIMEOUT", `the switch did not answer within ${replyTimeoutMs} ms`)),
        replyTimeoutMs,
      );
      this.#readers.add(fail);
      ask((value) => {
        finish();
        resolve(value);
      });
    });
  }
}

const UNKNOWN: Omit<BatchResult, "epoch"> = { fate: "unknown", refused: new Map(), unknown: new Set(), bytes: 0 };

function shuffle(items: unknown[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
}
