import { type Clock, type Random, systemClock, systemRandom, type TimerHandle } from "../clock.ts";
import type { FlowMod, FlowModBatch, FlowModCommand } from "../diff/flow-mod.ts";
import { OfsyncError } from "../errors.ts";
import type { Flow, FlowKey } from "../flow/flow.ts";
import { type Logger, silentLogger } from "../log.ts";
import { flowReferences } from "./flow-references.ts";
import { type BatchAnswer, type InFlightFate, MemoryConnection } from "./memory-connection.ts";
import { filterCovers } from "./read-filter.ts";
import { batchError, refusal } from "./switch-error.ts";
import { FaultPlan, type SwitchFaults } from "./switch-faults.ts";
import { OPEN_VSWITCH_TABLES, SwitchTables, type TableLimit } from "./switch-tables.ts";
import { type DumpOptions, dumpText, type LoadOptions, readDump } from "./switch-text.ts";
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

export interface MemorySwitchOptions {
  /** Default: the system's. With a manual clock nothing happens by itself. */
  readonly clock?: Clock;
  /** Default: the system's. */
  readonly random?: Random;
  /** Where listeners that throw are reported. Default: nowhere. */
  readonly logger?: Logger;
  /** Number of tables, 1 to 255; default 254 (0 to 253), as in Open vSwitch, whose table 254 is its own. */
  readonly tables?: number;
  /** What the switch can do; default everything. */
  readonly capabilities?: Partial<TransportCapabilities>;
  /** `any`: flows may name groups and meters that were never added. Default `known`: those are refused. */
  readonly references?: "known" | "any";
  /** Milliseconds until a broken connection is up again; default 100. */
  readonly connectDelayMs?: number;
  /** Milliseconds after which a batch without a reply ends as `unknown`; default 10,000. */
  readonly replyTimeoutMs?: number;
  /** More flow-mods than this under way make the transport `isBacklogged`; default no limit. */
  readonly maxFlowModsInFlight?: number;
  /** Flows in a chunk of a read; default 500. */
  readonly chunkSize?: number;
}

/** What the switch was asked to do so far, whether it obeyed or not. */
export interface ReceivedCounters {
  readonly add: number;
  readonly modify: number;
  readonly delete: number;
  /** Flow-mods that were refused. */
  readonly refused: number;
  readonly batches: number;
  readonly reads: number;
  /** Size of the flow-mods as OpenFlow 1.5 messages. */
  readonly bytes: number;
}

/** Changes by somebody else: straight into the switch, seen by flow monitors as foreign. */
export interface SwitchTamper {
  /** Throws {@link OfsyncError} `SWITCH_REFUSED` when the switch refuses, here and below. */
  add(flow: Flow): void;
  modify(flow: Flow): void;
  delete(key: FlowKey): void;
  deleteAll(filter?: ReadFilter): void;
}

/**
 * An OpenFlow switch in memory, as strict as a real one, and a {@link Transport} to it in one. For tests of controllers, for
 * dry runs, and as the reference of what a transport does.
 *
 * Rules (Open vSwitch 3.1): an `add` over an existing flow keeps its counters unless `resetCounts` is set, and restarts its
 * duration and hard timeout; the time of the last packet, from which the idle timeout counts, stays. A cookie of all ones
 * keeps the old cookie. `modify` changes instructions only, restarts the hard timeout, and does nothing when the flow is
 * missing; likewise `delete`. `checkOverlap` compares with flows of the same table and priority, and only when the key is
 * new. A full table refuses, or evicts a flow with a timeout: the least important, of those the next to expire. Unknown
 * groups and meters, a `goto_table` that does not go forward, and matches on `recirc_id` or `dp_hash` are refused. All flags are
 * kept and reported back, also those that act only when the flow is added.
 *
 * Its own transport must be opened like any other. {@link MemorySwitch.newTransport} gives further independent ones.
 */
export class MemorySwitch implements Transport {
  /** What goes wrong, and when. */
  readonly faults: SwitchFaults;
  /** Somebody else's hands on the switch. */
  readonly tamper: SwitchTamper;

  readonly #clock: Clock;
  readonly #plan: FaultPlan;
  readonly #tables: SwitchTables;
  readonly #capabilities: TransportCapabilities;
  readonly #connections = new Set<MemoryConnection>();
  readonly #own: MemoryConnection;
  readonly #newConnection: () => MemoryConnection;
  #isReachable = true;
  #expiry: TimerHandle | undefined;
  #received = { add: 0, modify: 0, delete: 0, refused: 0, batches: 0, reads: 0, bytes: 0 };
  #lastBatch: FlowModBatch | undefined;

  constructor(options: MemorySwitchOptions = {}) {
    const { clock = systemClock, tables = OPEN_VSWITCH_TABLES } = options;
    if (!Number.isInteger(tables) || tables < 1 || tables > 255) {
      throw new OfsyncError("OPTION_INVALID", `tables is ${tables}, but must be a whole number from 1 to 255`, {
        place: { field: "tables" },
      });
    }
    this.#clock = clock;
    this.#plan = new FaultPlan(
      () => {
        for (const connection of this.#connections) connection.backlogChanged();
      },
      () => {
        for (const connection of this.#connections) connection.tell({ type: "gap" });
      },
    );
    this.faults = this.#plan;
    this.#tables = new SwitchTables({
      now: () => clock.now(),
      tables,
      checkReferences: options.references !== "any",
    });
    this.#capabilities = { atomic: true, monitor: true, importance: true, ...options.capabilities };
    this.tamper = {
      add: (flow) => this.#tamper("add", flow),
      modify: (flow) => this.#tamper("modify", flow),
      delete: (key) => this.#tamper("delete", this.get(key)?.flow),
      deleteAll: (filter = {}) => this.#change(() => this.#tables.deleteAll(filter)),
    };
    const isReachable = (): boolean => this.#isReachable;
    const end = {
      clock,
      random: options.random ?? systemRandom,
      logger: options.logger ?? silentLogger,
      faults: this.#plan,
      capabilities: this.#capabilities,
      get isReachable(): boolean {
        return isReachable();
      },
      connectDelayMs: options.connectDelayMs ?? 100,
      replyTimeoutMs: options.replyTimeoutMs ?? 10_000,
      maxFlowModsInFlight: options.maxFlowModsInFlight ?? Number.POSITIVE_INFINITY,
      chunkSize: options.chunkSize ?? 500,
      carryOut: (batch: FlowModBatch, sending: SendOptions, from: MemoryConnection) => this.#carryOut(batch, sending, from),
      read: (filter: ReadFilter) => {
        this.#expire();
        this.#received.reads++;
        return this.#tables.snapshot(filter);
      },
      connectionsChanged: () => this.#armExpiry(),
    };
    this.#newConnection = () => {
      const connection = new MemoryConnection(end);
      this.#connections.add(connection);
      return connection;
    };
    this.#own = this.#newConnection();
  }

  // --- Transport -----------------------------------------------------------------------------------------------------------

  get epoch(): number {
    return this.#own.epoch;
  }

  get isUp(): boolean {
    return this.#own.isUp;
  }

  get capabilities(): TransportCapabilities {
    return this.#capabilities;
  }

  get isBacklogged(): boolean {
    return this.#own.isBacklogged;
  }

  open(): void {
    this.#own.open();
  }

  send(batch: FlowModBatch, options?: SendOptions): Promise<BatchResult> {
    return this.#own.send(batch, options);
  }

  readFlows(filter?: ReadFilter): AsyncIterable<InstalledFlowChunk> {
    return this.#own.readFlows(filter);
  }

  drained(): Promise<void> {
    return this.#own.drained();
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
    return this.#own.subscribe(listener);
  }

  /** Closes the switch's own transport. The flows stay, as in a real switch. */
  close(): Promise<void> {
    return this.#own.close();
  }

  /** Another controller's connection to this switch, not yet opened: its changes are foreign to all others. */
  newTransport(): Transport {
    return this.#newConnection();
  }

  // --- looking at the switch ------------------------------------------------------------------------------------------------

  /** Number of flows. */
  get size(): number {
    this.#expire();
    return this.#tables.size;
  }

  get received(): ReceivedCounters {
    return { ...this.#received };
  }

  /** The batch that was carried out last, refused or not. */
  get lastBatch(): FlowModBatch | undefined {
    return this.#lastBatch;
  }

  /** Number of flows in one table. */
  sizeOf(table: number): number {
    this.#expire();
    return this.#tables.sizeOf(table);
  }

  get(key: FlowKey): InstalledFlow | undefined {
    this.#expire();
    return this.#tables.get(key);
  }

  /** A copy of what it holds: tables ascending, within a table in the order of arrival. */
  flows(filter: ReadFilter = {}): InstalledFlow[] {
    this.#expire();
    return this.#tables.snapshot(filter);
  }

  /**
   * What it holds as text, one flow a line as `ovs-ofctl dump-flows` prints it: by table, highest priority first, then by match.
   * Matches that print alike in Open vSwitch are told apart (`showHidden`), unless you ask otherwise.
   */
  dump(options: DumpOptions = {}): string {
    return dumpText(this.flows(options.filter), options);
  }

  // --- acting on the switch -------------------------------------------------------------------------------------------------

  /**
   * Makes it hold exactly the flows of this text, with their counters and ages where the text has them: `ovs-ofctl`'s syntax, or a
   * dump. Groups and meters that the flows name are there from then on, because a switch that showed these flows had them. Monitors
   * see it as somebody else's doing. Returns how many flows there are. When a line is bad nothing changes, and the error of
   * `parseFlows` is thrown, or `DUMP_DUPLICATE` for a table, priority and match that stood there before.
   */
  load(text: string, options: LoadOptions = {}): number {
    const flows = readDump(text, options);
    this.#change(() => {
      this.#tables.deleteAll({});
      for (const loaded of flows) {
        const { groups, meters } = flowReferences(loaded.flow.instructions.bytes);
        for (const id of groups) this.#tables.addGroup(id);
        for (const id of meters) this.#tables.addMeter(id);
        this.#tables.restore(loaded.flow, loaded);
      }
    });
    return flows.length;
  }

  /** Packets that matched a flow: its counters grow, its idle timeout starts anew. Throws `FLOW_NOT_FOUND`. */
  hit(key: FlowKey, packets: number | bigint, bytes: number | bigint = 0): void {
    this.#expire();
    if (!this.#tables.hit(key, BigInt(packets), BigInt(bytes))) {
      throw new OfsyncError("FLOW_NOT_FOUND", "the switch has no such flow, so no packet can hit it");
    }
    this.#armExpiry();
  }

  addGroup(id: number): void {
    this.#tables.addGroup(id);
  }

  addMeter(id: number): void {
    this.#tables.addMeter(id);
  }

  /** Removes a group and the flows that use it. */
  removeGroup(id: number): void {
    this.#change(() => this.#tables.removeGroup(id));
  }

  /** Removes a meter and the flows that use it. */
  removeMeter(id: number): void {
    this.#change(() => this.#tables.removeMeter(id));
  }

  /** Limits one table; `undefined` lifts the limit. */
  limitTable(table: number, limit: TableLimit | undefined): void {
    this.#change(() => this.#tables.limit(table, limit));
  }

  /** Breaks all connections. Requests under way are `lost` (default) or still `carriedOut`; replies never come. */
  disconnect(reason = "connection reset", inFlight: InFlightFate = "lost"): void {
    for (const connection of [...this.#connections]) connection.drop(reason, inFlight);
  }

  /** While it is unreachable nobody can connect; becoming unreachable breaks all connections. */
  setReachable(reachable: boolean): void {
    this.#isReachable = reachable;
    if (reachable) for (const connection of this.#connections) connection.connectSoon();
    else this.disconnect("switch unreachable");
  }

  /** All connections break; flows, groups and meters are gone, without a word about it. Table limits stay. */
  restart(): void {
    this.#tables.wipe();
    this.disconnect("switch restarted");
    this.#armExpiry();
  }

  // --- inside ---------------------------------------------------------------------------------------------------------------

  #carryOut(batch: FlowModBatch, options: SendOptions, from: MemoryConnection): BatchAnswer {
    this.#expire();
    const loss = this.#plan.takeBatchLoss();
    const lost: BatchAnswer = loss?.disconnect === true ? { kind: "cut", reason: "connection reset" } : { kind: "lost" };
    if (loss?.moment === "before") return lost;
    this.#received.batches++;
    this.#lastBatch = batch;
    const atomic = options.atomic === true;
    const refused = new Map<number, SwitchError>();
    const unknown = new Set<number>();
    let bytes = 0;
    if (options.clearFirst !== undefined) this.#tables.deleteAll(options.clearFirst);
    for (let i = 0; i < batch.length; i++) {
      if (this.#plan.takeDisconnect()) {
        if (atomic) this.#tables.rollBack();
        this.#publish(from);
        return { kind: "cut", reason: "connection reset" };
      }
      const mod = this.#readable(batch.at(i));
      this.#received[mod.command]++;
      bytes += flowModBytes(mod);
      const flowModLoss = atomic ? undefined : this.#plan.takeFlowModLoss(mod);
      if (flowModLoss !== undefined) unknown.add(i);
      if (flowModLoss === "before") continue;
      const error =
        this.#plan.takeRefusal(mod) ?? (this.#isGuarded(mod, options) ? undefined : this.#tables.apply(mod.command, mod.flow));
      if (error === undefined) continue;
      this.#received.refused++;
      if (flowModLoss === undefined) refused.set(i, error);
      if (atomic) {
        this.#tables.rollBack();
        for (let j = 0; j < batch.length; j++) if (j !== i) refused.set(j, batchError(error));
        break;
      }
    }
    this.#received.bytes += bytes;
    this.#publish(from);
    return loss === undefined ? { kind: "done", refused, unknown, bytes } : lost;
  }

  /** Does the guard keep this flow-mod from the flow that is there? */
  #isGuarded({ command, flow }: FlowMod, { guard }: SendOptions): boolean {
    if (guard === undefined || command === "add") return false;
    const there = this.#tables.get(flow)?.flow;
    return there !== undefined && !filterCovers(guard, there);
  }

  #readable(mod: FlowMod): FlowMod {
    if (this.#capabilities.importance || mod.flow.importance === 0) return mod;
    return { command: mod.command, flow: mod.flow.with({ importance: 0 }) };
  }

  #tamper(command: FlowModCommand, flow: Flow | undefined): void {
    if (flow === undefined) return;
    this.#change(() => {
      const error = this.#tables.apply(command, flow);
      if (error !== undefined) throw refusal(error, `to ${command} a flow`);
    });
  }

  /** A change by nobody who is connected. */
  #change(act: () => void): void {
    this.#expire();
    act();
    this.#publish(undefined);
  }

  #expire(): void {
    this.#tables.expire();
    this.#publish(undefined);
  }

  // Tells everybody what has changed since the last time. A monitor speaks before the FLOW_REMOVED of the same flow, as in
  // Open vSwitch.
  #publish(by: MemoryConnection | undefined): void {
    const changes = this.#tables.takeChanges();
    for (const { change, flow, reason, quiet } of changes) {
      for (const connection of this.#connections) {
        if (!connection.isUp) continue;
        if (this.#capabilities.monitor && !quiet) {
          const fate = this.#plan.takeEventFate();
          if (fate === "gap") connection.tell({ type: "gap" });
          else if (fate === "pass") {
            const own = connection === by;
            connection.tell({ type: "changed", change, flow, own, ...(reason === undefined ? {} : { reason }) });
          }
        }
        if (reason !== undefined && (flow.flags & 1) !== 0) connection.tell({ type: "removed", flow, reason });
      }
    }
    if (changes.length > 0) this.#armExpiry();
  }

  // One timer for the next flow to expire, as long as somebody is there to be told.
  #armExpiry(): void {
    if (this.#expiry !== undefined) this.#clock.clearTimeout(this.#expiry);
    this.#expiry = undefined;
    const next = this.#tables.nextExpiry();
    if (next === Number.POSITIVE_INFINITY) return;
    if (![...this.#connections].some((connection) => connection.isOpen)) return;
    const timer = this.#clock.setTimeout(
      () => {
        this.#expiry = undefined;
        this.#expire();
        this.#armExpiry();
      },
      Math.max(0, next - this.#clock.now()),
    );
    // A program that has nothing else to do need not wait for a flow to expire.
    (timer as { unref?: () => void } | undefined)?.unref?.();
    this.#expiry = timer;
  }
}

/** Size of a flow-mod message in OpenFlow 1.5 (§7.3.4): header and body 48 bytes, match padded to 8, instructions. */
function flowModBytes({ command, flow }: FlowMod): number {
  const match = (flow.match.bytes.length + 4 + 7) & ~7;
  return 48 + match + (command === "delete" ? 0 : flow.instructions.bytes.length);
}
