import type { ChangeList } from "./change-list.ts";
import type { FlowModOrder } from "./flow-mod-order.ts";
import { AHEAD, DELETE, NOTHING } from "./key-store.ts";
import { DIRTY, FLOW_DATA, KEY_FLAGS, LENGTH_MASK } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import { RefList } from "./ref-list.ts";

/** Keys compared at a time, before what was found is taken. */
const SLICE = 1024;
/** Keys compared for each flow-mod asked for, and in any case, when none of them needs anything: a few milliseconds. */
const LOOKS_PER_FLOW_MOD = 8;
export const LEAST_LOOKS = 16384;
/** Lists up to here have been read a moment ago. */
export const STILL_NEAR = 4096;
const SMALLEST_SCRATCH = 64;
const LARGEST_KEPT = 65536;

/**
 * What a round has yet to send, for one round at a time. Nothing is sorted and nothing looked at before it is asked for.
 *
 * The keys come by table. They are compared in the order of the round's first stage, so that what belongs into this stage is in
 * order as it is found (`ready`), and what belongs into the second stage, where the tables go the other way round, is in order when
 * it is taken from the end (`later`).
 *
 * Invariant: every DIRTY key is exactly once in the store's waiting list or here, and only DIRTY keys are. Such a key is not
 * dropped, so that no ref is ever out of date.
 */
export class RoundQueue {
  /** Of the last {@link gather}: keys, and what to do with each. */
  keys: Int32Array = new Int32Array(SMALLEST_SCRATCH);
  operations: Uint8Array = new Uint8Array(SMALLEST_SCRATCH);
  /** Words that their flows take. */
  flowWords = 0;
  readonly #store: PackedStore;
  #unlooked: ChangeList;
  readonly #ready: RefList = new RefList();
  readonly #later: RefList = new RefList();
  /** Entries of `ready`, counted from its end, that are left. */
  #readyLeft = 0;
  /** Flow-mods gathered so far, and their bytes. */
  #count = 0;
  #bytes = 0;
  #deletesFirst = false;
  /** The keys that wait are not here yet, because there may be others that should wait. */
  #gathering = false;
  /** What the last two lists hold was left by a round that was cancelled, and is in no order. */
  #unordered = false;

  constructor(store: PackedStore, spare: ChangeList) {
    this.#store = store;
    this.#unlooked = spare;
  }

  /** Keys that are here. */
  get length(): number {
    return this.#unlooked.length + this.#readyLeft + this.#later.length;
  }

  /** Flow-mods known so far that are left. */
  get found(): number {
    return this.#unordered ? 0 : this.#readyLeft + this.#later.length;
  }

  get hasUnlooked(): boolean {
    return this.#unordered || this.#gathering || this.#unlooked.length > 0;
  }

  /** Is nothing left? */
  get isDone(): boolean {
    return !this.hasUnlooked && this.found === 0;
  }

  /** Takes over all keys that wait, for a round in this order. */
  open(order: FlowModOrder): void {
    this.#deletesFirst = order === "deletesFirst";
    this.#gathering = this.#store.hasUntold;
    if (!this.#gathering) this.#takeWaiting();
  }

  #takeWaiting(): void {
    const store = this.#store;
    const { waiting } = store;
    store.waiting = this.#unlooked;
    this.#unlooked = waiting;
  }

  /** Makes some more keys wait that should; when all do, takes them over. Returns how many it looked at. */
  #gatherWaiting(most: number): number {
    const told = this.#store.tellSome(most);
    this.#gathering = this.#store.hasUntold;
    if (!this.#gathering) this.#takeWaiting();
    return told;
  }

  /** What is left waits for the next round. */
  close(): void {
    this.#gathering = false;
    const { waiting } = this.#store;
    const unlooked = this.#unlooked;
    // The shorter one is moved.
    if (unlooked.length > waiting.length) {
      this.#store.waiting = unlooked;
      this.#unlooked = waiting;
    }
    if (this.#unlooked.length > 0) this.#store.waiting.takeAll(this.#unlooked);
    this.#unordered = this.#readyLeft + this.#later.length > 0;
    if (this.#unordered && this.#readyLeft + this.#later.length <= STILL_NEAR) this.#order(STILL_NEAR, this.#store.waiting);
    if (this.keys.length > LARGEST_KEPT) {
      this.keys = new Int32Array(SMALLEST_SCRATCH);
      this.operations = new Uint8Array(SMALLEST_SCRATCH);
    }
    if (this.#store.dirtyCount === 0 && this.#store.chunkMemory.isLarge) {
      this.#store.chunkMemory.reset();
      this.#store.waiting.reset();
      this.#unlooked.reset();
    }
  }

  /** Compares keys until something is found that needs a flow-mod, all are compared, or `most` are. */
  lookForOne(most: number): void {
    for (let left = most; left > 0 && this.hasUnlooked && this.found === 0; ) left -= this.look(Math.min(left, SLICE));
  }

  /** Compares about `most` keys, those of the next tables. Returns how many. */
  look(most: number): number {
    if (this.#gathering) return this.#gatherWaiting(most);
    if (this.#unordered) return this.#order(most, this.#unlooked);
    const unlooked = this.#unlooked;
    let looked = 0;
    while (looked < most && unlooked.length > 0) {
      const table = this.#deletesFirst ? unlooked.lowest() : unlooked.highest();
      const span = unlooked.spanOf(table);
      this.#lookAt(unlooked.segmentOf(table), unlooked.offsetOf(table), span);
      unlooked.drop(table, span);
      looked += span;
    }
    return looked;
  }

  #lookAt(segment: Int32Array, from: number, span: number): void {
    const store = this.#store;
    if (span > 2) store.readHeadsAhead(segment, from, from + span);
    // What may fail comes first.
    if (store.policy.classes === true) for (let i = from; i < from + span; i++) store.wantedValue(segment[i] as number);
    const m = store.arena.words;
    for (let i = from, end = from + span; i < end; i++) {
      const key = segment[i] as number;
      const operation = store.stageOf(key);
      if (operation === NOTHING) {
        m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) & ~DIRTY;
        store.dropIfIdle(key);
      } else if ((operation === DELETE) === this.#deletesFirst) {
        this.#ready.push(key);
        this.#readyLeft++;
      } else this.#later.push(key);
    }
  }

  /**
   * Finds what to send next, up to `max` flow-mods of together about `maxBytes`: see {@link keys}. Returns how many; 0 if nothing is
   * left, or if very many keys (of those asked for, eight times as many) needed nothing. Marks nothing yet.
   */
  gather(max: number, maxBytes: number): number {
    this.flowWords = 0;
    this.#bytes = 0;
    this.#count = 0;
    try {
      this.#gather(max, maxBytes);
    } catch (error) {
      // No memory for a merge: what was taken out waits for the next round.
      for (let i = 0; i < this.#count; i++) this.#passOver(this.keys[i] as number, this.operations[i] as number);
      throw error;
    }
    return this.#count;
  }

  #gather(max: number, maxBytes: number): void {
    for (let looks = Math.max(LEAST_LOOKS, LOOKS_PER_FLOW_MOD * max); this.#count < max && this.#bytes <= maxBytes; ) {
      if (this.#readyLeft > 0 && !this.#unordered) this.#gatherReady(max, maxBytes);
      else if (this.hasUnlooked) {
        if (looks <= 0) break;
        looks -= this.look(SLICE);
      } else if (this.#later.length > 0) this.#gatherLater(max, maxBytes);
      else break;
    }
  }

  // The loops stand in functions of their own that end with them: see docs/performance.md.

  #gatherReady(max: number, maxBytes: number): void {
    const ready = this.#ready;
    const deletes = this.#deletesFirst;
    const far = ready.length > STILL_NEAR;
    while (this.#count < max && this.#readyLeft > 0) {
      const index = ready.length - this.#readyLeft;
      if (far && index % AHEAD === 0) this.#store.readAhead(ready.piece(index), ready.offset(index), ready.offset(index) + AHEAD);
      const key = ready.at(index);
      const operation = this.#store.operationFor(key);
      if (operation === NOTHING || (operation === DELETE) !== deletes) this.#passOver(key, operation);
      else if (this.#fits(key, operation, maxBytes)) this.#note(key, operation);
      else break;
      this.#readyLeft--;
    }
    if (this.#readyLeft === 0) ready.truncate(0);
  }

  #gatherLater(max: number, maxBytes: number): void {
    const later = this.#later;
    const deletes = !this.#deletesFirst;
    let index = later.length - 1;
    const far = index >= STILL_NEAR;
    try {
      for (; this.#count < max && index >= 0; index--) {
        if (far && index % AHEAD === AHEAD - 1) {
          this.#store.readAhead(later.piece(index), later.offset(index) + 1 - AHEAD, later.offset(index) + 1);
        }
        const key = later.at(index);
        const operation = this.#store.operationFor(key);
        if (operation === NOTHING || (operation === DELETE) !== deletes) this.#passOver(key, operation);
        else if (this.#fits(key, operation, maxBytes)) this.#note(key, operation);
        else break;
      }
    } finally {
      later.truncate(index + 1);
    }
  }

  /** It changed since it was compared: it needs nothing now, or what it needs would break the order here and waits for the next round. */
  #passOver(key: number, operation: number): void {
    const store = this.#store;
    const m = store.arena.words;
    if (operation !== NOTHING) {
      store.waiting.push(((m[key] as number) >>> 16) & 0xff, key);
      return;
    }
    m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) & ~DIRTY;
    store.dropIfIdle(key);
  }

  /** Is there room for this flow-mod? If so, counts its words and bytes. */
  #fits(key: number, operation: number, maxBytes: number): boolean {
    const store = this.#store;
    const value = store.valueToSend(key, operation);
    const match = (store.arena.words[key + KEY_FLAGS] as number) & LENGTH_MASK;
    const instructions = value === 0 ? 0 : store.values.instructionsLength(value);
    // Encoded as OpenFlow 1.5.
    this.#bytes += 48 + ((match + 11) & ~7) + (operation === DELETE ? 0 : instructions);
    if (this.#count > 0 && this.#bytes > maxBytes) return false;
    this.flowWords += FLOW_DATA + ((match + 3) >>> 2) + ((instructions + 3) >>> 2);
    return true;
  }

  #note(key: number, operation: number): void {
    const count = this.#count++;
    if (count === this.keys.length) this.#extend();
    this.keys[count] = key;
    this.operations[count] = operation;
  }

  #extend(): void {
    const keys = new Int32Array(2 * this.keys.length);
    keys.set(this.keys);
    this.keys = keys;
    const operations = new Uint8Array(keys.length);
    operations.set(this.operations);
    this.operations = operations;
  }

  /** Every key that is here, for the audit. */
  *entries(): IterableIterator<readonly [table: number, ref: number]> {
    yield* this.#unlooked.entries();
    const m = this.#store.arena.words;
    const { length } = this.#ready;
    const left = Array.from({ length: this.#readyLeft }, (_, i) => this.#ready.at(length - 1 - i));
    for (let i = 0; i < this.#later.length; i++) left.push(this.#later.at(i));
    for (const key of left) yield [((m[key] as number) >>> 16) & 0xff, key];
  }

  /** Moves up to `most` keys that are in no order to a list by table. Returns how many. */
  #order(most: number, to: ChangeList): number {
    const m = this.#store.arena.words;
    let moved = 0;
    for (; moved < most && this.#readyLeft > 0; moved++, this.#readyLeft--) {
      const key = this.#ready.at(this.#ready.length - this.#readyLeft);
      to.push(((m[key] as number) >>> 16) & 0xff, key);
    }
    if (this.#readyLeft === 0) this.#ready.truncate(0);
    let index = this.#later.length;
    for (; moved < most && index > 0; moved++) {
      const key = this.#later.at(--index);
      to.push(((m[key] as number) >>> 16) & 0xff, key);
    }
    this.#later.truncate(index);
    this.#unordered = this.#readyLeft + index > 0;
    return moved;
  }
}
