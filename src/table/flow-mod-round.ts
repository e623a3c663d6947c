import { OfsyncError } from "../errors.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import type { FlowModOrder } from "./flow-mod-order.ts";
import { AHEAD } from "./key-store.ts";
import { DIRTY, EPOCH, IN_FLIGHT, KEY_FLAGS, KEY_INSTALLED, LEFT_COUNT, MERGED, NODE_VALUE, REFUSED, UNKNOWN } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import { RoundBatch, takeBatch } from "./round-batch.ts";
import { LEAST_LOOKS } from "./round-queue.ts";

export interface BatchLimit {
  /** At most this many flow-mods; at least 1. */
  readonly maxFlowMods: number;
  /** At most about this many bytes of encoded OpenFlow 1.5 messages; the first flow-mod always fits. Default: no limit. */
  readonly maxBytes?: number;
}

/** Keys of batches up to here have been read a moment ago. */
const FEW = 256;

/** Keys of a batch that the WebAssembly code gets at a time, and the least for which calling it is worth its while. */
const CONFIRMED_AT_ONCE = 64;
const WORTH_A_CALL = 4;

/** The fates of a batch's flow-mods; a transport's `BatchResult` is one. */
export interface BatchFates {
  /** Fate of every flow-mod without an entry in `refused` and `unknown`. */
  readonly fate: "applied" | "unknown";
  /** By index in the batch. */
  readonly refused: ReadonlyMap<number, unknown>;
  /** Indexes whose fate is unknown although `fate` is `applied`. */
  readonly unknown: ReadonlySet<number>;
}

/**
 * One round of changes on its way to a switch: all keys that had changed when it started, in an order that does no harm
 * ({@link FlowModOrder}). Take batches with {@link next}, send them, and {@link settle} each with its fates, in any order.
 * The round is over when `next` has returned `undefined` and every batch is settled, or when it is cancelled.
 *
 * What changed is compared as batches are asked for, so that no step takes long, however much has changed.
 */
export class FlowModRound {
  /** Everything up to this revision of the table is in the switch once the round is over and nothing was refused or is unknown. */
  readonly revision: number;
  readonly #store: PackedStore;
  readonly #ended: () => void;
  /** The first of the batches in flight. */
  #inFlight: RoundBatch | undefined = undefined;
  #taken = 0;
  #size = -1;
  #over = false;

  /** Of the room: made by `DesiredFlowTable.startRound`. */
  constructor(store: PackedStore, revision: number, ended: () => void) {
    this.#store = store;
    this.#ended = ended;
    this.revision = revision;
  }

  /** Starts a round, or `undefined` when there is nothing to send. */
  static start(store: PackedStore, order: FlowModOrder, revision: number, ended: () => void): FlowModRound | undefined {
    const { queue } = store;
    if (store.dirtyCount === 0 && !store.hasUntold) return undefined;
    queue.open(order);
    try {
      queue.lookForOne(LEAST_LOOKS);
    } catch (error) {
      queue.close();
      throw error;
    }
    if (!queue.isDone) return new FlowModRound(store, revision, ended);
    queue.close();
    return undefined;
  }

  /**
   * Flow-mods that the round has to send, as of when this is first asked. To count them, all that changed is compared in one go,
   * which `next` does bit by bit.
   */
  get size(): number {
    if (this.#size < 0) {
      const { queue } = this.#store;
      if (!this.#over) while (queue.hasUnlooked) queue.look(Number.POSITIVE_INFINITY);
      this.#size = this.#taken + (this.#over ? 0 : queue.found);
    }
    return this.#size;
  }

  /**
   * The next batch: what is wanted now, which may be newer than the round. `undefined` when nothing is left. A batch is empty when
   * very many keys in a row turned out to need nothing: then just go on. Throws `BATCH_LIMIT` when `maxFlowMods` is not at least 1.
   */
  next(limit: BatchLimit): FlowModBatch | undefined {
    const { maxFlowMods, maxBytes } = limit;
    if (!(maxFlowMods >= 1)) {
      throw new OfsyncError("BATCH_LIMIT", `maxFlowMods is ${maxFlowMods}, but must be at least 1`, {
        place: { field: "maxFlowMods" },
      });
    }
    if (this.#over) return undefined;
    const { queue } = this.#store;
    const count = queue.gather(maxFlowMods, maxBytes ?? Number.POSITIVE_INFINITY);
    if (count === 0 && queue.isDone) {
      this.#endIfDone();
      return undefined;
    }
    const batch = takeBatch(this.#store, queue, count, this);
    if (count === 0) {
      // Nothing of it will ever be settled.
      batch.round = undefined;
      return batch;
    }
    this.#taken += count;
    const first = this.#inFlight;
    if (first !== undefined) {
      batch.next = first;
      first.previous = batch;
    }
    this.#inFlight = batch;
    return batch;
  }

  /**
   * Records what became of a batch. What was applied is installed, also if something else is wanted by now; what was refused is
   * as before and left alone until it changes; what is unknown has to be read back. A batch that is not in flight (settled
   * already, of another round, of a cancelled one) is ignored.
   */
  settle(batch: FlowModBatch, result: BatchFates): void {
    if (!(batch instanceof RoundBatch) || batch.round !== this) return;
    this.#land(batch);
    const store = this.#store;
    if (result.fate === "applied" && result.refused.size === 0 && result.unknown.size === 0) confirmAll(store, batch);
    else this.#settleEach(batch, result);
    this.#endIfDone();
  }

  #settleEach(batch: RoundBatch, result: BatchFates): void {
    const store = this.#store;
    const { words, base, length } = batch;
    for (let i = 0; i < length; i++) {
      const key = words[base + length + i] as number;
      const value = words[base + 2 * length + i] as number;
      const m = store.arena.words;
      const flags = (m[key + KEY_FLAGS] as number) & ~IN_FLIGHT;
      m[key + KEY_FLAGS] = flags;
      if (result.refused.has(i)) {
        if (value !== 0) store.values.release(value);
        if ((flags & DIRTY) === 0) m[key + KEY_FLAGS] = flags | REFUSED;
      } else if (result.fate === "unknown" || result.unknown.has(i)) markUnknown(store, key, value);
      else store.setInstalled(key, value, false);
      store.dropIfIdle(key);
    }
  }

  /** Ends the round: what was not taken waits for the next one, what is in flight is unknown. */
  cancel(): void {
    if (this.#over) return;
    const store = this.#store;
    for (let batch = this.#inFlight; batch !== undefined; batch = this.#inFlight) {
      this.#land(batch);
      const { words, base, length } = batch;
      for (let i = 0; i < length; i++) {
        const key = words[base + length + i] as number;
        const m = store.arena.words;
        m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) & ~IN_FLIGHT;
        markUnknown(store, key, words[base + 2 * length + i] as number);
      }
    }
    this.#end();
  }

  /** Takes a batch out of those in flight. */
  #land(batch: RoundBatch): void {
    const { next, previous } = batch;
    if (previous === undefined) this.#inFlight = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    batch.next = undefined;
    batch.previous = undefined;
    batch.round = undefined;
  }

  #endIfDone(): void {
    if (this.#inFlight === undefined && this.#store.queue.isDone) this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#store.queue.close();
    this.#ended();
  }
}

/** The value sent (0 = deleted) may be there or not. What was known last stays as a hint. */
function markUnknown(store: PackedStore, key: number, sent: number): void {
  const known = store.arena.words[key + KEY_INSTALLED] as number;
  if (sent !== 0) store.values.release(sent);
  if (known !== 0) store.values.retain(known);
  store.setInstalled(key, known, true);
}

/** All of a batch is in the switch. */
function confirmAll(store: PackedStore, batch: RoundBatch): void {
  const { words, base, length } = batch;
  const values = length;
  const end = base + 2 * length;
  const isWorthIt = length >= WORTH_A_CALL;
  // Behind a key that the code leaves to us there are often more of the kind.
  let again = base + length;
  for (let at = base + length; at < end; ) {
    if (length > FEW && (at - base) % AHEAD === 0) readAhead(store, words, at, Math.min(end, at + CONFIRMED_AT_ONCE), values);
    if (isWorthIt && at >= again) {
      const done = !store.isUsualToConfirm
        ? 0
        : store.core.confirm(words, at, at + values, Math.min(end - at, CONFIRMED_AT_ONCE));
      if (done > 0) {
        store.installedCount += store.arena.words[LEFT_COUNT] as number;
        at += done;
        continue;
      }
      again = at + AHEAD;
    }
    confirmOne(store, words[at] as number, words[at + values] as number);
    at++;
  }
}

function confirmOne(store: PackedStore, key: number, value: number): void {
  const m = store.arena.words;
  const flags = (m[key + KEY_FLAGS] as number) & ~IN_FLIGHT;
  m[key + KEY_FLAGS] = flags;
  const usual = (flags & (DIRTY | UNKNOWN | MERGED | EPOCH)) === store.epoch && store.freshKeys === undefined;
  if (m[key + NODE_VALUE] !== value || !usual) store.setInstalled(key, value, false);
  else {
    // By hand: it is still what is wanted.
    const old = m[key + KEY_INSTALLED] as number;
    m[key + KEY_INSTALLED] = value;
    if (value !== 0) store.installedCount++;
    if (old !== 0) {
      store.installedCount--;
      store.values.release(old);
    }
  }
  if (value === 0) store.dropIfIdle(key);
}

/** Reads what confirming these keys will touch, so that the processor waits for all of it together. */
function readAhead(store: PackedStore, words: Int32Array, from: number, to: number, values: number): void {
  store.readAhead(words, from, to);
  if (words[from + values] === 0) store.readIndexAhead(words, from, to);
}
