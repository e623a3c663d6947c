import { BorrowedBatch } from "./borrowed-batch.ts";
import { FlowList } from "./flow-list.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import { PackedBatch } from "./flow-mod-batch.ts";
import { DELETE, NOTHING } from "./key-store.ts";
import {
  ARENA_START,
  DIRTY,
  KEY_FLAGS,
  KEY_INSTALLED,
  KIND_KEY,
  KIND_SHIFT,
  LENGTH_MASK,
  MERGED,
  NODE_VALUE,
  REFUSED,
  UNKNOWN,
} from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import { PIECE, RefList } from "./ref-list.ts";
import { blockSizeAt } from "./store-scan.ts";

/**
 * In which order flow-mods go out: `makeBeforeBreak` adds and modifies before it deletes, `deletesFirst` the other way round
 * (for a table that is full). Adds and modifies of later tables go first, so that what a flow jumps to is there before it;
 * deletes of earlier tables go first, so that nothing jumps any more to what goes away. Within a table the order is unspecified.
 */
export type FlowModOrder = "makeBeforeBreak" | "deletesFirst";

/** Buckets of the order: 256 tables, first or second stage. */
const BUCKETS = 512;

export function bucketOf(operation: number, table: number, order: FlowModOrder): number {
  const place = operation === DELETE ? table : 255 - table;
  const second = (operation === DELETE) === (order === "makeBeforeBreak");
  return second ? 256 + place : place;
}

/** Keys whose records are read together before they are worked on. */
export const AHEAD = 16;

/** Keys and what to do with them, in the order in which to do it. */
export interface OrderedKeys {
  readonly length: number;
  readonly keys: Int32Array;
  /** For each: bucket << 2 | operation. */
  readonly places: Int32Array;
}

// The loops below stand in functions of their own that end with them: V8 compiles a long loop while it runs, and would fall back
// to the interpreter behind it, at a cost of microseconds, each time (docs/performance.md).

/**
 * Compares the dirty keys and puts those that need something in order. Keys that need nothing are cleaned (and dropped if
 * nothing needs them); the others stay dirty.
 */
export function orderDirty(store: PackedStore, order: FlowModOrder): OrderedKeys {
  const found = new Int32Array(store.dirty.length);
  const foundPlaces = new Int32Array(store.dirty.length);
  const length = findDirty(store, order, found, foundPlaces);
  if (length <= FEW) {
    sortFew(found, foundPlaces, length);
    return { length, keys: found, places: foundPlaces };
  }
  const starts = new Int32Array(BUCKETS);
  for (let i = 0; i < length; i++) {
    const bucket = (foundPlaces[i] as number) >>> 2;
    starts[bucket] = (starts[bucket] as number) + 1;
  }
  accumulate(starts);
  const keys = new Int32Array(length);
  const places = new Int32Array(length);
  scatter(found, foundPlaces, length, starts, keys, places);
  return { length, keys, places };
}

/** Up to so many keys are sorted by hand, without going through all buckets. */
const FEW = 32;

function sortFew(keys: Int32Array, places: Int32Array, length: number): void {
  for (let i = 1; i < length; i++) {
    const key = keys[i] as number;
    const place = places[i] as number;
    let to = i;
    for (; to > 0 && (places[to - 1] as number) >>> 2 > place >>> 2; to--) {
      keys[to] = keys[to - 1] as number;
      places[to] = places[to - 1] as number;
    }
    keys[to] = key;
    places[to] = place;
  }
}

function scatter(
  found: Int32Array,
  foundPlaces: Int32Array,
  length: number,
  starts: Int32Array,
  keys: Int32Array,
  places: Int32Array,
): void {
  for (let i = 0; i < length; i++) {
    const place = foundPlaces[i] as number;
    const to = starts[place >>> 2] as number;
    starts[place >>> 2] = to + 1;
    keys[to] = found[i] as number;
    places[to] = place;
  }
}

/** Fills `found` and `places` (bucket << 2 | operation) with the dirty keys that need something; returns how many. */
function findDirty(store: PackedStore, order: FlowModOrder, found: Int32Array, places: Int32Array): number {
  let count = 0;
  for (let from = 0, { length } = store.dirty; from < length; from += PIECE) {
    count = findDirtyIn(store, order, store.dirty.piece(from), Math.min(PIECE, length - from), found, places, count);
  }
  return count;
}

function findDirtyIn(
  store: PackedStore,
  order: FlowModOrder,
  dirty: Int32Array,
  length: number,
  found: Int32Array,
  places: Int32Array,
  countBefore: number,
): number {
  const m = store.arena.words;
  let count = countBefore;
  for (let i = 0; i < length; i++) {
    if (i % AHEAD === 0) store.readAhead(dirty, i, Math.min(length, i + AHEAD));
    const key = dirty[i] as number;
    if ((m[key] as number) >>> KIND_SHIFT !== KIND_KEY) continue;
    const flags = m[key + KEY_FLAGS] as number;
    if ((flags & DIRTY) === 0) continue;
    const operation = (flags & REFUSED) !== 0 ? NOTHING : store.operationFor(key);
    store.clean(key);
    if (operation === NOTHING) {
      store.dropIfIdle(key);
      continue;
    }
    found[count] = key;
    places[count] = (bucketOf(operation, ((m[key] as number) >>> 16) & 0xff, order) << 2) | operation;
    count++;
  }
  return count;
}

/** Turns counts into the positions where each bucket begins. */
function accumulate(counts: Int32Array): void {
  let position = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    counts[i] = position;
    position += count;
  }
}

/** Compares everything: reads the arena from end to end, then puts what it found in order. The batch copies no flow yet. */
export function compareAll(store: PackedStore, order: FlowModOrder): FlowModBatch {
  const found = new RefList();
  const starts = new Int32Array(BUCKETS);
  findAll(store, order, found, starts);
  const total = found.length / 3;
  const commands = new Uint8Array(total);
  if (total === 0) return new PackedBatch(commands, new FlowList(1));
  const keys = new Int32Array(total);
  const values = new Int32Array(total);
  accumulate(starts);
  arrange(found, starts, commands, keys, values);
  return BorrowedBatch.of(store, commands, keys, values);
}

/** Finds the keys that need something (key, value, bucket << 2 | operation), and counts them by bucket. */
function findAll(store: PackedStore, order: FlowModOrder, found: RefList, counts: Int32Array): void {
  const m = store.arena.words;
  for (let at = ARENA_START, top = store.arena.top; at < top; at += blockSizeAt(m, at)) {
    if ((m[at] as number) >>> KIND_SHIFT !== KIND_KEY) continue;
    // Mostly what is wanted is what is installed: the same ref.
    const flags = m[at + KEY_FLAGS] as number;
    if (m[at + NODE_VALUE] === m[at + KEY_INSTALLED] && (flags & (MERGED | UNKNOWN)) === 0) continue;
    const operation = store.operationFor(at);
    if (operation === NOTHING) continue;
    const bucket = bucketOf(operation, ((m[at] as number) >>> 16) & 0xff, order);
    counts[bucket] = (counts[bucket] as number) + 1;
    found.push(at);
    found.push(valueOfOperation(store, at, operation));
    found.push((bucket << 2) | operation);
  }
}

function arrange(found: RefList, positions: Int32Array, commands: Uint8Array, keys: Int32Array, values: Int32Array): void {
  for (let i = 0, { length } = found; i < length; i += 3) {
    const place = found.at(i + 2);
    const index = positions[place >>> 2] as number;
    positions[place >>> 2] = index + 1;
    commands[index] = (place & 3) - 1;
    keys[index] = found.at(i);
    values[index] = found.at(i + 1);
  }
}

function valueOfOperation(store: PackedStore, key: number, operation: number): number {
  return operation === DELETE ? (store.arena.words[key + KEY_INSTALLED] as number) : store.wantedValue(key);
}

/** Appends what has to be sent for an operation on a key. */
export function appendOperation(store: PackedStore, flows: FlowList, key: number, operation: number): void {
  store.appendTo(flows, key, valueOfOperation(store, key, operation));
}

/** Bytes of an encoded flow-mod for this key and value, about: what limits of batches count. */
export function encodedSize(store: PackedStore, key: number, operation: number): number {
  const m = store.arena.words;
  const match = ((m[key + KEY_FLAGS] as number) & LENGTH_MASK) + 4;
  const instructions = operation === DELETE ? 0 : store.values.instructionsLength(store.wantedValue(key));
  return 48 + ((match + 7) & ~7) + instructions;
}
