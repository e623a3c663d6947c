import type { FlowModBatch } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import type { TableEvent } from "../table/desired-table.ts";
import type { ReadBackChange } from "../table/installed-table.ts";
import type { TransportEvent } from "../transport/transport.ts";
import { AuditSchedule } from "./audit-schedule.ts";
import { backOffDelay } from "./back-off.ts";
import { type BatchOutcome, unknownCount } from "./batch-sending.ts";
import { DriftWatch } from "./drift-watch.ts";
import type { SyncEvent } from "./events.ts";
import { keyText } from "./key-text.ts";
import { LatencyMeter } from "./latency.ts";
import { type SynchroniserOptions, type SyncSettings, settingsOf } from "./options.ts";
import { type ReadPurpose, SwitchRead } from "./read-back.ts";
import { isTableFull } from "./refusals.ts";
import { reinstall } from "./reinstall.ts";
import type { SettledReport } from "./report.ts";
import { type PumpResult, RoundSender, type RoundSenderHooks } from "./round-sender.ts";
import type { SyncState } from "./state.ts";
import type { SyncStatus } from "./status.ts";
import { SwitchKnowledge } from "./switch-knowledge.ts";
import { Telemetry } from "./telemetry.ts";
import { stoppedError, Waiters } from "./waiters.ts";
import { Wakeup } from "./wakeup.ts";

const NO_DOUBTS: ReadonlySet<number> = new Set();

/** How `settled` waits. */
export interface SettledOptions {
  /** Gives up waiting; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Keeps one switch equal to a desired table, through anything that happens to it or to the connection.
 *
 * It reads the switch back on every new connection, sends only the difference, confirms it, and from then on follows the
 * table's changes and undoes the changes of others. {@link SyncState} draws the states; `docs/synchroniser.md` explains them.
 *
 * Invariants:
 * - Flow-mods are built only on a connection whose flows have been read back completely (a reinstall aside), and only while
 *   the switch keeps up.
 * - `#confirmed` belongs to the present connection and is undefined from the moment something is known to be out of order
 *   until a later round has been answered; `settled` resolves from it alone.
 * - Everything that happens runs through one loop ({@link SyncState}); listeners only take notes and wake it. An audit reads
 *   beside the loop, and its result is taken over like one more event.
 */
export class Synchroniser {
  readonly #settings: SyncSettings;
  readonly #telemetry: Telemetry;
  readonly #knowledge: SwitchKnowledge;
  readonly #drift: DriftWatch;
  readonly #audits: AuditSchedule;
  readonly #waiters = new Waiters();
  readonly #latency = new LatencyMeter();
  readonly #wakeup: Wakeup;
  readonly #unsubscribes: (() => void)[] = [];
  #state: SyncState = { name: "stopped" };
  #life: "new" | "running" | "stopped" = "new";
  #running: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  /** Ends what the loop waits for at the transport, when the synchroniser is stopped. */
  #stopWaiting: () => void = () => {};
  readonly #roundHooks: RoundSenderHooks;
  /** Connection that the loop works on; another number or none means that it has to begin anew. */
  #epoch = 0;
  #confirmed: number | undefined;
  /** Something happened since the last confirmation that only another round can put right. */
  #disturbed = false;
  /** Some key's state is unknown, or events were lost: read back before anything is confirmed. */
  #inDoubt = false;
  /** The switch was read back completely, or reinstalled, on this connection. */
  #isKnown = false;
  /** A reinstall is to be done on this connection. */
  #reinstalls = false;
  #sender: RoundSender | undefined;
  /** The audit that is going on beside the loop. Never rejects. */
  #audit: Promise<void> | undefined;
  /** Keys hit by somebody else while our flow-mod for them was under way. */
  readonly #doubtedKeys = new Set<string>();
  /** Failures in a row of reading back, or of flow-mods whose fate stayed unknown. */
  #failures = 0;
  /** The next round takes away before it puts in, because a table was full. */
  #deletesFirst = false;
  /** The last round was not confirmed, because what found a table full is tried again at once. */
  #waitsForRoom = false;
  /** Of the present or last round: flow-mods that found their table full, flow-mods of unknown fate, deletes by table. */
  #roundFull = 0;
  #roundUnknown = 0;
  readonly #roundDeleted = new Map<number, number>();

  /** Throws `SYNC_OPTION` when an option is out of range or two of them contradict each other. */
  constructor(options: SynchroniserOptions) {
    this.#settings = settingsOf(options);
    this.#telemetry = new Telemetry(this.#settings);
    this.#knowledge = new SwitchKnowledge(this.#settings, this.#telemetry);
    this.#audits = new AuditSchedule(this.#settings);
    this.#wakeup = new Wakeup(this.#settings.clock);
    this.#roundHooks = {
      isCurrent: (epoch) => this.#isCurrent() && this.#epoch === epoch,
      screen: (batch) => this.#knowledge.screen(batch),
      doubts: (batch) => this.#takeDoubts(batch),
      answered: (batch, outcome) => this.#answered(batch, outcome),
    };
    this.#drift = new DriftWatch(this.#knowledge, this.#telemetry, {
      inFlight: (key) => (this.#state.name === "reinstalling" ? "add" : this.#sender?.inFlight(key)),
      doubt: (key) => {
        this.#doubtedKeys.add(key);
        this.#disturb();
      },
      disturbed: () => this.#disturb(),
    });
  }

  get state(): SyncState {
    return this.#state;
  }

  /** Begins to connect and to keep the switch in step. Calling it again does nothing; after `stop` it throws `SYNC_STOPPED`. */
  start(): void {
    if (this.#life === "running") return;
    if (this.#life === "stopped") throw stoppedError();
    this.#life = "running";
    const { table, transport } = this.#settings;
    this.#knowledge.installed.markAllUnknown();
    this.#unsubscribes.push(
      table.subscribe((event) => this.#tableChanged(event)),
      transport.subscribe((event) => this.#transportTold(event)),
    );
    transport.open();
    this.#running = this.#run();
  }

  /**
   * Resolves when the switch has confirmed, on the present connection, everything up to `revision` (default: the table's
   * present one), refused flows aside: the report names them. While there is no connection it waits. Rejects with `SYNC_STOPPED`
   * when the synchroniser is stopped, and with the signal's reason when that is aborted.
   */
  settled(revision: number = this.#settings.table.revision, options: SettledOptions = {}): Promise<SettledReport> {
    if (!Number.isSafeInteger(revision) || revision < 0) {
      return Promise.reject(
        new OfsyncError("SYNC_OPTION", `revision is ${String(revision)}, but must be a whole number from 0`, {
          place: { field: "revision" },
        }),
      );
    }
    if (this.#life === "stopped") return Promise.reject(stoppedError());
    const { signal } = options;
    if (this.#confirmed !== undefined && this.#confirmed >= revision && !signal?.aborted) return Promise.resolve(this.#report());
    return this.#waiters.add(revision, signal);
  }

  /** Registers a listener for everything that happens; the returned function removes it. */
  subscribe(listener: (event: SyncEvent) => void): () => void {
    return this.#telemetry.subscribe(listener);
  }

  status(): SyncStatus {
    const { table, transport, name } = this.#settings;
    this.#knowledge.pruneRefusals(true);
    return {
      name,
      state: this.#state,
      connected: this.#life === "running" && transport.isUp,
      epoch: transport.epoch,
      revision: table.revision,
      confirmedRevision: this.#confirmed,
      outstanding: this.#sender?.outstanding ?? 0,
      refused: this.#knowledge.refusals.size,
      waiting: this.#waiters.size,
      foreign: this.#knowledge.foreign?.size ?? 0,
      auditing: this.#audit !== undefined,
      latency: this.#latency.status(),
      counters: this.#telemetry.counters(),
    };
  }

  /**
   * Sends nothing more, waits for the answers to what is already sent (at most `stopTimeoutMs`), and closes the transport. The
   * switch keeps its flows. Callers of `settled` are rejected with `SYNC_STOPPED`. Safe to call twice.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { clock, stopTimeoutMs, closeTransport, transport } = this.#settings;
    const wasRunning = this.#life === "running";
    this.#life = "stopped";
    this.#confirmed = undefined;
    this.#waiters.stop();
    this.#stopWaiting();
    this.#sender?.interrupt();
    this.#wakeup.wake();
    if (wasRunning) {
      let timer: unknown;
      const patience = new Promise<void>((resolve) => {
        timer = clock.setTimeout(resolve, stopTimeoutMs);
      });
      await Promise.race([this.#running, patience]);
      clock.clearTimeout(timer);
    }
    if (closeTransport) {
      await transport.close();
      await this.#running;
    }
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe();
    this.#wakeup.clear();
    this.#enter({ name: "stopped" });
  }

  // --- what is told from outside ---------------------------------------------------------------------------------------------

  #tableChanged(event: TableEvent): void {
    if (event.type !== "changed") return;
    this.#latency.changed(event.revision, this.#settings.clock.now());
    this.#wakeup.wake();
  }

  #transportTold(event: TransportEvent): void {
    if (this.#life !== "running") return;
    try {
      this.#hear(event);
    } catch (error) {
      // The transport would swallow it.
      this.#noteFault(error);
    }
    this.#wakeup.wake();
  }

  #hear(event: TransportEvent): void {
    switch (event.type) {
      case "up":
        break;
      case "down":
        this.#confirmed = undefined;
        this.#epoch = 0;
        this.#isKnown = false;
        this.#knowledge.connectionLost();
        this.#telemetry.gauge("ofsync_in_sync", 0);
        this.#telemetry.emit({ type: "disconnected", epoch: event.epoch, reason: event.reason });
        break;
      case "changed":
        if (this.#listens()) this.#drift.changed(event);
        break;
      case "removed":
        // A monitor has told of it already, and in order: by now the flow may be back.
        if (this.#listens() && !this.#settings.transport.capabilities.monitor) this.#drift.removed(event.flow, event.reason);
        break;
      case "gap":
        this.#doubt();
        break;
      default: {
        const never: never = event;
        this.#settings.logger.warn("a transport told something unknown", never);
      }
    }
  }

  /** Events count from the beginning of this connection's first read-back on: what was before, that will show. */
  #listens(): boolean {
    return this.#isCurrent() && (this.#isKnown || this.#knowledge.isReading || this.#state.name === "reinstalling");
  }

  #disturb(): void {
    this.#disturbed = true;
    this.#confirmed = undefined;
    this.#wakeup.wake();
  }

  #doubt(): void {
    this.#inDoubt = true;
    this.#disturb();
  }

  // --- the loop --------------------------------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    this.#enter({ name: "connecting" });
    while (this.#life === "running") {
      let next: SyncState;
      try {
        const step = this.#step(this.#state);
        // A step that need not wait costs no turn.
        next = step instanceof Promise ? await step : step;
      } catch (error) {
        next = await this.#fault(error);
      }
      if (this.#life === "running") this.#enter(next);
    }
    const sender = this.#sender;
    this.#sender = undefined;
    if (sender === undefined) return;
    try {
      await sender.allAnswered();
      sender.cancel();
    } catch (error) {
      this.#settings.logger.error(`${this.#settings.name}: failed while stopping`, error);
    }
  }

  #step(state: SyncState): Promise<SyncState> | SyncState {
    if (state.name !== "stopped" && state.name !== "connecting" && !this.#isCurrent()) return this.#lost();
    switch (state.name) {
      case "stopped":
      case "connecting":
        return this.#connect();
      case "readingBack":
        return this.#readBack(state.purpose);
      case "sending":
        return this.#send();
      case "backlogged":
        return this.#waitForSwitch();
      case "confirming":
        return this.#confirm();
      case "reinstalling":
        return this.#reinstall();
      case "inSync":
        return this.#waitForWork();
      case "backingOff":
        return this.#backOff(state.delayMs);
      default: {
        const never: never = state;
        throw new TypeError(`no such state: ${JSON.stringify(never)}`);
      }
    }
  }

  #enter(state: SyncState): void {
    const previous = this.#state;
    this.#state = state;
    if (previous.name === state.name && state.name !== "sending") return;
    this.#telemetry.emit({ type: "state", state, previous });
  }

  #isCurrent(): boolean {
    const { transport } = this.#settings;
    return this.#life === "running" && transport.isUp && this.#epoch === transport.epoch;
  }

  async #connect(): Promise<SyncState> {
    const { transport, table, onConnect } = this.#settings;
    while (!transport.isUp) {
      await this.#wakeup.sleep(Number.POSITIVE_INFINITY);
      if (this.#life !== "running") return { name: "stopped" };
    }
    const epoch = transport.epoch;
    this.#epoch = epoch;
    this.#isKnown = false;
    this.#inDoubt = false;
    this.#disturbed = false;
    this.#doubtedKeys.clear();
    this.#deletesFirst = false;
    this.#reinstalls = onConnect === "reinstall";
    this.#telemetry.add("connects");
    if (this.#telemetry.counters().connects > 1) this.#telemetry.add("reconnects");
    this.#telemetry.emit({ type: "connected", epoch });
    this.#knowledge.connected();
    this.#audits.connected(transport.capabilities.monitor);
    // What sits on wanted keys has to be known before anything is written, where foreign flows may not be touched.
    const writesBlindly = this.#reinstalls && transport.capabilities.atomic && this.#settings.ownership === undefined;
    if (writesBlindly) return { name: "reinstalling", epoch, revision: table.revision };
    return { name: "readingBack", epoch, purpose: "connect" };
  }

  /** The connection is gone: whatever is under way ends as unknown, and everything begins anew. */
  async #lost(): Promise<SyncState> {
    const sender = this.#sender;
    this.#sender = undefined;
    if (sender !== undefined) {
      await sender.allAnswered();
      sender.cancel();
    }
    this.#epoch = 0;
    this.#isKnown = false;
    this.#knowledge.connectionLost();
    return { name: "connecting" };
  }

  async #readBack(purpose: ReadPurpose): Promise<SyncState> {
    await this.#audit;
    if (!this.#isCurrent()) return this.#lost();
    this.#inDoubt = false;
    try {
      await this.#readSwitch(purpose);
    } catch (error) {
      if (!this.#isCurrent()) return this.#lost();
      this.#inDoubt = true;
      this.#failures++;
      this.#telemetry.add("readBacksFailed");
      this.#telemetry.emit({ type: "readBackFailed", purpose, error });
      this.#settings.logger.warn(`${this.#settings.name}: reading back failed`, error);
      return this.#backingOff(error instanceof Error ? error.message : String(error));
    }
    this.#isKnown = true;
    if (this.#roundUnknown === 0) this.#failures = 0;
    if (purpose === "connect") this.#drift.forgetExpiredMeanwhile();
    if (!this.#reinstalls) return this.#nextRound();
    const { capabilities } = this.#settings.transport;
    if (capabilities.atomic) return { name: "reinstalling", epoch: this.#epoch, revision: this.#settings.table.revision };
    return this.#overwrite("the switch cannot apply a batch all or nothing");
  }

  /** Instead of a reinstall: every wanted flow is written over what is there, then what is not wanted is deleted. No gap. */
  #overwrite(reason: string): SyncState {
    this.#reinstalls = false;
    this.#telemetry.emit({ type: "reinstallFallback", reason });
    this.#settings.logger.warn(`${this.#settings.name}: no reinstall in one unit: ${reason}`);
    this.#knowledge.installed.markAllUnknown();
    return this.#nextRound();
  }

  async #reinstall(): Promise<SyncState> {
    this.#beginRound();
    const result = await reinstall(this.#knowledge, this.#telemetry, {
      isCurrent: () => this.#isCurrent(),
      answered: (batch, outcome) => this.#answered(batch, outcome),
    });
    if (!this.#isCurrent()) return this.#life === "running" ? this.#lost() : { name: "stopped" };
    this.#reinstalls = false;
    const purpose = this.#isKnown ? "doubt" : "connect";
    switch (result.end) {
      case "done":
        this.#isKnown = true;
        this.#audits.ended();
        if (this.#doubtedKeys.size > 0) this.#inDoubt = true;
        this.#doubtedKeys.clear();
        return this.#nextRound();
      case "unknown":
        return { name: "readingBack", epoch: this.#epoch, purpose };
      case "failed":
        this.#telemetry.emit({ type: "reinstallFallback", reason: result.reason });
        this.#settings.logger.warn(`${this.#settings.name}: no reinstall in one unit: ${result.reason}`);
        return { name: "readingBack", epoch: this.#epoch, purpose };
      default: {
        const never: never = result;
        throw new TypeError(`no such end: ${JSON.stringify(never)}`);
      }
    }
  }

  /** Reads the switch and takes the result over. Throws when the read was not complete; then nothing has changed. */
  async #readSwitch(purpose: ReadPurpose): Promise<void> {
    const epoch = this.#epoch;
    const read = new SwitchRead(this.#knowledge, purpose, epoch, () => this.#isCurrent() && this.#epoch === epoch);
    this.#knowledge.isReading = true;
    try {
      const surprises: ReadBackChange[] = [];
      const result = await read.run((surprise) => surprises.push(surprise));
      this.#surprised(surprises);
      this.#telemetry.add("readBacks");
      this.#telemetry.add("flowsRead", result.flows);
      this.#telemetry.add("bytesRead", result.bytes);
      if (this.#knowledge.freeUnoccupied()) this.#disturb();
      this.#audits.readBack(result.bytes);
      this.#telemetry.emit({ type: "readBack", result });
    } finally {
      this.#knowledge.isReading = false;
    }
  }

  #surprised(surprises: readonly ReadBackChange[]): void {
    try {
      for (const surprise of surprises) this.#drift.surprised(surprise);
    } catch (error) {
      this.#noteFault(error);
    }
  }

  #backingOff(reason: string): SyncState {
    const { readBackRetry, random } = this.#settings;
    const delayMs = backOffDelay(readBackRetry, Math.max(1, this.#failures), random);
    return { name: "backingOff", epoch: this.#epoch, delayMs, reason };
  }

  async #backOff(delayMs: number): Promise<SyncState> {
    const until = this.#settings.clock.now() + delayMs;
    while (this.#isCurrent() && this.#settings.clock.now() < until) await this.#wakeup.sleep(until);
    if (!this.#isCurrent()) return this.#lost();
    return { name: "readingBack", epoch: this.#epoch, purpose: this.#isKnown ? "doubt" : "connect" };
  }

  /** What to do when no round is under way: read back, send, or nothing. */
  #nextRound(): SyncState {
    const { table } = this.#settings;
    const epoch = this.#epoch;
    if (this.#inDoubt) return { name: "readingBack", epoch, purpose: "doubt" };
    for (const flow of this.#knowledge.refusals.takeDue()) {
      this.#telemetry.add("retries");
      table.retry(flow);
    }
    this.#startAuditWhenDue();
    const order = this.#deletesFirst ? "deletesFirst" : "makeBeforeBreak";
    this.#deletesFirst = false;
    this.#disturbed = false;
    const round = table.startRound({ order });
    if (round === undefined) {
      this.#setConfirmed(table.revision);
      return { name: "inSync", epoch, revision: table.revision };
    }
    this.#beginRound();
    this.#sender = new RoundSender(round, epoch, this.#settings, this.#telemetry, this.#roundHooks);
    return { name: "sending", epoch, revision: round.revision };
  }

  #beginRound(): void {
    this.#roundFull = 0;
    this.#roundUnknown = 0;
    this.#roundDeleted.clear();
  }

  #send(): Promise<SyncState> | SyncState {
    const sender = this.#sender;
    if (sender === undefined) return this.#nextRound();
    const result = sender.pump();
    return typeof result === "string" ? this.#pumped(result, sender) : result.then((late) => this.#pumped(late, sender));
  }

  #pumped(result: PumpResult, { revision }: RoundSender): Promise<SyncState> | SyncState {
    switch (result) {
      case "allSent":
        return { name: "confirming", epoch: this.#epoch, revision };
      case "backlogged":
        return { name: "backlogged", epoch: this.#epoch, revision };
      case "lost":
        return this.#life === "running" ? this.#lost() : { name: "stopped" };
      default: {
        const never: never = result;
        throw new TypeError(`no such result: ${String(never)}`);
      }
    }
  }

  async #waitForSwitch(): Promise<SyncState> {
    // Not a race with a promise that lives as long as this object: that would keep something of every wait.
    await new Promise<void>((resolve, reject) => {
      this.#stopWaiting = resolve;
      this.#settings.transport.drained().then(resolve, reject);
    });
    return { name: "sending", epoch: this.#epoch, revision: this.#sender?.revision ?? 0 };
  }

  async #confirm(): Promise<SyncState> {
    const sender = this.#sender;
    if (sender === undefined) return this.#nextRound();
    while (!sender.isAnswered && this.#life === "running") await sender.oneAnswered();
    sender.check();
    if (!this.#isCurrent()) return this.#life === "running" ? this.#lost() : { name: "stopped" };
    this.#sender = undefined;
    this.#doubtedKeys.clear();
    if (this.#roundUnknown > 0) {
      this.#inDoubt = true;
      this.#failures++;
      if (this.#failures > 1) return this.#backingOff("flow-mods ended with an unknown fate again");
    } else this.#failures = 0;
    if (this.#roundFull > 0) this.#deletesFirst = true;
    const roomFor = this.#roundDeleted.size > 0 ? this.#knowledge.refusals.takeForRoom(this.#roundDeleted) : [];
    for (const flow of roomFor) {
      this.#telemetry.add("retries");
      this.#settings.table.retry(flow);
    }
    // A refusal that the next round will most likely undo is not worth reporting; but a storm must not put that off for ever.
    this.#waitsForRoom = roomFor.length > 0 && !this.#waitsForRoom;
    if (this.#waitsForRoom) return this.#nextRound();
    if (!this.#inDoubt && !this.#disturbed) this.#setConfirmed(sender.revision);
    return this.#nextRound();
  }

  #waitForWork(): Promise<SyncState> | SyncState {
    return this.#workIsDue() ? this.#nextRound() : this.#sleepUntilWork();
  }

  async #sleepUntilWork(): Promise<SyncState> {
    do {
      await this.#wakeup.sleep(Math.min(this.#knowledge.refusals.nextRetryAt, this.#audits.nextAt));
      if (!this.#isCurrent()) return this.#lost();
    } while (!this.#workIsDue());
    return this.#nextRound();
  }

  #workIsDue(): boolean {
    if (this.#inDoubt || this.#disturbed || this.#settings.table.revision !== this.#confirmed) return true;
    const wakeAt = Math.min(this.#knowledge.refusals.nextRetryAt, this.#audits.nextAt);
    return wakeAt !== Number.POSITIVE_INFINITY && this.#settings.clock.now() >= wakeAt;
  }

  // --- pieces of the steps ---------------------------------------------------------------------------------------------------

  #setConfirmed(revision: number): void {
    const { table, clock } = this.#settings;
    const news = this.#confirmed !== revision;
    this.#confirmed = revision;
    this.#knowledge.pruneRefusals(false);
    if (this.#latency.isWaiting) {
      this.#latency.confirmed(revision, clock.now(), (milliseconds) => {
        this.#telemetry.observe("ofsync_confirmation_seconds", milliseconds / 1000);
      });
    }
    this.#telemetry.gauge("ofsync_refused_flows", this.#knowledge.refusals.size);
    this.#telemetry.gauge("ofsync_in_sync", revision === table.revision ? 1 : 0);
    if (news) this.#telemetry.emit({ type: "confirmed", epoch: this.#epoch, revision });
    this.#waiters.confirm(revision, () => this.#report());
  }

  #report(): SettledReport {
    const { table } = this.#settings;
    const revision = this.#confirmed ?? 0;
    this.#knowledge.pruneRefusals(true);
    return {
      revision,
      epoch: this.#epoch,
      refused: this.#knowledge.refusals.list(),
      pending: table.revision - revision,
    };
  }

  #answered(batch: FlowModBatch, outcome: BatchOutcome): void {
    this.#knowledge.answered(batch, outcome, this.#roundDeleted);
    for (const error of outcome.refused.values()) if (isTableFull(error)) this.#roundFull++;
    this.#roundUnknown += unknownCount(batch, outcome);
  }

  #takeDoubts(batch: FlowModBatch): ReadonlySet<number> {
    if (this.#doubtedKeys.size === 0) return NO_DOUBTS;
    const doubts = new Set<number>();
    let index = 0;
    for (const { flow } of batch) {
      if (this.#doubtedKeys.delete(keyText(flow))) doubts.add(index);
      index++;
    }
    return doubts;
  }

  /** An audit reads beside the loop: changes go on being sent meanwhile. */
  #startAuditWhenDue(): void {
    if (this.#audit !== undefined || this.#settings.clock.now() < this.#audits.nextAt) return;
    this.#audits.begun();
    this.#audit = this.#runAudit();
  }

  async #runAudit(): Promise<void> {
    try {
      await this.#readSwitch("audit");
      this.#telemetry.add("audits");
    } catch (error) {
      if (this.#isCurrent()) {
        this.#telemetry.add("readBacksFailed");
        this.#telemetry.emit({ type: "readBackFailed", purpose: "audit", error });
        this.#settings.logger.warn(`${this.#settings.name}: an audit failed`, error);
        this.#audits.ended();
      }
    } finally {
      this.#audit = undefined;
      this.#wakeup.wake();
    }
  }

  /** Something that should not happen did: give up what is under way, read back, go on. */
  async #fault(error: unknown): Promise<SyncState> {
    this.#noteFault(error);
    const sender = this.#sender;
    this.#sender = undefined;
    try {
      await sender?.allAnswered();
      sender?.cancel();
    } catch (again) {
      if (again !== error) this.#settings.logger.error(`${this.#settings.name}: and another one`, again);
    }
    this.#failures++;
    return this.#isCurrent() ? this.#backingOff("an error that should not happen") : this.#lost();
  }

  #noteFault(error: unknown): void {
    this.#telemetry.add("faults");
    this.#telemetry.emit({ type: "fault", error });
    this.#settings.logger.error(`${this.#settings.name}: an error that should not happen`, error);
    this.#doubt();
  }
}
