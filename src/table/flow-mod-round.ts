import { OfsyncError } from "../errors.ts";
import { AHEAD, appendOperation, encodedSize, type FlowModOrder, type OrderedKeys, orderDirty } from "./change-set.ts";
import { FlowList } from "./flow-list.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import { PackedBatch } from "./flow-mod-batch.ts";
import { DELETE, NOTHING } from "./key-store.ts";
import { DIRTY, IN_FLIGHT, IN_ROUND, KEY_FLAGS, KEY_INSTALLED, REFUSED } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";

export interface BatchLimit {
  /** At most this many flow-mods; at least 1. */
  readonly maxFlowMods: number;
  /** At most about this many bytes of encoded OpenFlow 1.5 messages; the first flow-mod always fits. Default: no limit. */
  readonly maxBytes?: number;
}

/** The fates of a batch's flow-mods; a transport's `BatchResult` is one. */
export interface BatchFates {
  /** Fate of every flow-mod without an entry in `refused` and `unknown`. */
  readonly fate: "applied" | "unknown";
  /** By index in the batch. */
  readonly refused: ReadonlyMap<number, unknown>;
  /** Indexes whose fate is unknown although `fate` is `applied`. */
  readonly unknown: ReadonlySet<number>;
}

/** What is remembered of a batch until it is settled. */
interface InFlight {
  readonly keys: Int32Array;
  /** The value sent, its count raised; 0 = delete. */
  readonly values: Int32Array;
}

/**
 * One round of changes on its way to a switch: all keys that were dirty when it started, in an order that does no harm
 * ({@link FlowModOrder}). Take batches with {@link next}, send them, and {@link settle} each with its fates, in any order.
 * The round is over when `next` has returned `undefined` and every batch is settled, or when it is cancelled.
 */
export class FlowModRound {
  /** Everything up to this revision of the table is in the switch once the round is over and nothing was refused or is unknown. */
  readonly revision: number;
  /** Flow-mods that the round had to send when it started. */
  readonly size: number;
  readonly #store: PackedStore;
  readonly #todo: OrderedKeys;
  readonly #inFlight: Map<FlowModBatch, InFlight> = new Map();
  readonly #ended: () => void;
  #position = 0;
  #over = false;

  /** Of the room: made by `DesiredFlowTable.startRound`. */
  constructor(store: PackedStore, todo: OrderedKeys, revision: number, ended: () => void) {
    this.#store = store;
    this.#todo = todo;
    this.#ended = ended;
    this.revision = revision;
    this.size = todo.length;
    // They are the round's now; a further change makes them dirty for the next one only after `next` has taken them.
    claim(store, todo);
    store.dirtyCount += todo.length;
    store.roundOpen = true;
  }

  /** Starts a round, or `undefined` when there is nothing to send. */
  static start(store: PackedStore, order: FlowModOrder, revision: number, ended: () => void): FlowModRound | undefined {
    const todo = orderDirty(store, order);
    store.dirty.truncate(0);
    return todo.length === 0 ? undefined : new FlowModRound(store, todo, revision, ended);
  }

  /**
   * The next batch: what is wanted now, which may be newer than the round. `undefined` when nothing is left. Throws `BATCH_LIMIT`
   * when `maxFlowMods` is not at least 1.
   */
  next(limit: BatchLimit): FlowModBatch | undefined {
    if (!(limit.maxFlowMods >= 1)) {
      throw new OfsyncError("BATCH_LIMIT", `maxFlowMods is ${limit.maxFlowMods}, but must be at least 1`, {
        place: { field: "maxFlowMods" },
      });
    }
    if (this.#over) return undefined;
    const most = Math.min(limit.maxFlowMods, this.#todo.length - this.#position);
    const keys = new Int32Array(most);
    const values = new Int32Array(most);
    const commands = new Uint8Array(most);
    const flows = new FlowList(Math.max(1, Math.min(most, 1 << 20)));
    this.#take(limit.maxBytes ?? Number.POSITIVE_INFINITY, keys, values, commands, flows);
    if (flows.length === 0) {
      this.#endIfDone();
      return undefined;
    }
    const batch = new PackedBatch(commands, flows);
    this.#inFlight.set(batch, { keys, values });
    return batch;
  }

  /** Takes keys until one of the arrays is full; ends with its loop (see change-set.ts). */
  #take(maxBytes: number, keys: Int32Array, values: Int32Array, commands: Uint8Array, flows: FlowList): void {
    const store = this.#store;
    const m = store.arena.words;
    let count = 0;
    let bytes = 0;
    while (count < keys.length && this.#position < this.#todo.length) {
      if (this.#position % AHEAD === 0) {
        store.readAhead(this.#todo.keys, this.#position, Math.min(this.#todo.length, this.#position + AHEAD));
      }
      const key = this.#todo.keys[this.#position] as number;
      const flags = m[key + KEY_FLAGS] as number;
      const operation = store.operationFor(key);
      if (operation !== NOTHING) {
        if ((operation === DELETE) !== (((this.#todo.places[this.#position] as number) & 3) === DELETE)) {
          // It changed sides meanwhile: here it would break the order. The next round has it.
          m[key + KEY_FLAGS] = flags & ~IN_ROUND;
          store.dirty.push(key);
          this.#position++;
          continue;
        }
        bytes += encodedSize(store, key, operation);
        if (count > 0 && bytes > maxBytes) break;
      }
      this.#position++;
      store.clean(key);
      if (operation === NOTHING) {
        m[key + KEY_FLAGS] = flags & ~(DIRTY | IN_ROUND);
        store.dropIfIdle(key);
        continue;
      }
      m[key + KEY_FLAGS] = (flags & ~(DIRTY | IN_ROUND | REFUSED)) | IN_FLIGHT;
      const value = operation === DELETE ? 0 : store.wantedValue(key);
      if (value !== 0) store.values.retain(value);
      appendOperation(store, flows, key, operation);
      keys[count] = key;
      values[count] = value;
      commands[count] = operation - 1;
      count++;
    }
  }

  /**
   * Records what became of a batch. What was applied is installed, also if something else is wanted by now; what was refused is
   * as before and left alone until it changes; what is unknown has to be read back. A batch that is not in flight (settled
   * already, of another round, of a cancelled one) is ignored.
   */
  settle(batch: FlowModBatch, result: BatchFates): void {
    const entry = this.#inFlight.get(batch);
    if (entry === undefined) return;
    this.#inFlight.delete(batch);
    const store = this.#store;
    if (result.fate === "applied" && result.refused.size === 0 && result.unknown.size === 0) {
      confirmAll(store, entry, batch.length);
      if (this.#position >= this.#todo.length) this.#endIfDone();
      return;
    }
    for (let i = 0; i < batch.length; i++) {
      const key = entry.keys[i] as number;
      const value = entry.values[i] as number;
      const m = store.arena.words;
      const flags = (m[key + KEY_FLAGS] as number) & ~IN_FLIGHT;
      m[key + KEY_FLAGS] = flags;
      if (result.refused.has(i)) {
        if (value !== 0) store.values.release(value);
        if ((flags & DIRTY) === 0) m[key + KEY_FLAGS] = flags | REFUSED;
      } else if (result.fate === "unknown" || result.unknown.has(i)) {
        this.#markUnknown(key, value);
      } else store.setInstalled(key, value, false);
      store.dropIfIdle(key);
    }
    if (this.#position >= this.#todo.length) this.#endIfDone();
  }

  /** Ends the round: what was not taken waits for the next one, what is in flight is unknown. */
  cancel(): void {
    if (this.#over) return;
    const store = this.#store;
    for (; this.#position < this.#todo.length; this.#position++) {
      const key = this.#todo.keys[this.#position] as number;
      const at = key + KEY_FLAGS;
      store.arena.words[at] = (store.arena.words[at] as number) & ~IN_ROUND;
      if (!store.dropIfIdle(key)) store.dirty.push(key);
    }
    for (const entry of this.#inFlight.values()) {
      for (let i = 0; i < entry.keys.length; i++) {
        const key = entry.keys[i] as number;
        if (key === 0) break;
        const m = store.arena.words;
        m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) & ~IN_FLIGHT;
        this.#markUnknown(key, entry.values[i] as number);
      }
    }
    this.#inFlight.clear();
    this.#end();
  }

  /** The value sent (0 = deleted) may be there or not. What was known last stays as a hint. */
  #markUnknown(key: number, sent: number): void {
    const store = this.#store;
    const known = store.arena.words[key + KEY_INSTALLED] as number;
    if (sent !== 0) store.values.release(sent);
    if (known !== 0) store.values.retain(known);
    store.setInstalled(key, known, true);
  }

  #endIfDone(): void {
    if (this.#inFlight.size === 0 && this.#position >= this.#todo.length) this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#store.roundOpen = false;
    this.#ended();
  }
}

function claim(store: PackedStore, todo: OrderedKeys): void {
  const m = store.arena.words;
  for (let i = 0; i < todo.length; i++) {
    const at = (todo.keys[i] as number) + KEY_FLAGS;
    m[at] = (m[at] as number) | DIRTY | IN_ROUND;
  }
}

function confirmAll(store: PackedStore, { keys, values }: InFlight, count: number): void {
  for (let i = 0; i < count; i++) {
    if (i % AHEAD === 0) {
      const end = Math.min(count, i + AHEAD);
      store.readAhead(keys, i, end);
      if (values[i] === 0) store.readIndexAhead(keys, i, end);
    }
    const key = keys[i] as number;
    const value = values[i] as number;
    store.confirm(key, value);
    if (value === 0) store.dropIfIdle(key);
  }
}
