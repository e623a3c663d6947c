import { FlowList } from "./flow-list.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import { PackedBatch } from "./flow-mod-batch.ts";
import { DELETE, NOTHING } from "./key-store.ts";
import {
  ARENA_START,
  DIRTY,
  FLOW_DATA,
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
import { RefList } from "./ref-list.ts";
import { blockSizeAt } from "./store-scan.ts";

/**
 * In which order flow-mods go out: `makeBeforeBreak` adds and modifies before it deletes, `deletesFirst` the other way round
 * (for a table that is full). Adds and modifies of later tables go first, so that what a flow jumps to is there before it;
 * deletes of earlier tables go first, so that nothing jumps any more to what goes away. Within a table the order is unspecified.
 */
export type FlowModOrder = "makeBeforeBreak" | "deletesFirst";

/** Buckets of the order: 256 tables, first or second stage. */
const BUCKETS = 512;

/** Kept, because most rounds are small. */
const DIRTY_STARTS: Int32Array = /* @__PURE__ */ new Int32Array(BUCKETS);

export function bucketOf(operation: number, table: number, order: FlowModOrder): number {
  const place = operation === DELETE ? table : 255 - table;
  const second = (operation === DELETE) === (order === "makeBeforeBreak");
  return second ? 256 + place : place;
}

/** Keys and what to do with them, in the order in which to do it. */
export interface OrderedKeys {
  readonly keys: Int32Array;
  readonly operations: Uint8Array;
  readonly length: number;
}

// The loops below stand in functions of their own that end with them: V8 compiles a long loop while it runs, and would fall back
// to the interpreter behind it, at a cost of microseconds, each time (docs/performance.md).

/**
 * Compares the dirty keys and puts those that need something in order. Keys that need nothing are cleaned (and dropped if
 * nothing needs them); the others stay dirty.
 */
export function orderDirty(store: PackedStore, order: FlowModOrder): OrderedKeys {
  const { length } = store.dirty;
  const found = new Int32Array(length);
  const places = new Int32Array(length);
  const starts = DIRTY_STARTS.fill(0);
  const count = findDirty(store, order, found, places, starts);
  accumulate(starts);
  const keys = new Int32Array(count);
  const operations = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const place = places[i] as number;
    const to = starts[place >>> 2] as number;
    starts[place >>> 2] = to + 1;
    keys[to] = found[i] as number;
    operations[to] = place & 3;
  }
  return { keys, operations, length: count };
}

/** Fills `found` and `places` (bucket << 2 | operation) with the dirty keys that need something, and counts the buckets. */
function findDirty(store: PackedStore, order: FlowModOrder, found: Int32Array, places: Int32Array, counts: Int32Array): number {
  const dirty = store.dirty;
  const m = store.arena.words;
  let count = 0;
  for (let i = 0, { length } = dirty; i < length; i++) {
    const key = dirty.at(i);
    if ((m[key] as number) >>> KIND_SHIFT !== KIND_KEY) continue;
    const flags = m[key + KEY_FLAGS] as number;
    if ((flags & DIRTY) === 0) continue;
    const operation = (flags & REFUSED) !== 0 ? NOTHING : store.operationFor(key);
    store.clean(key);
    if (operation === NOTHING) {
      store.dropIfIdle(key);
      continue;
    }
    const bucket = bucketOf(operation, ((m[key] as number) >>> 16) & 0xff, order);
    found[count] = key;
    places[count] = (bucket << 2) | operation;
    counts[bucket] = (counts[bucket] as number) + 1;
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

/** Compares everything: reads the arena from end to end, then writes the flow-mods in their order. */
export function compareAll(store: PackedStore, order: FlowModOrder): FlowModBatch {
  const found = new RefList();
  const counts = new Int32Array(BUCKETS);
  const words = new Int32Array(BUCKETS);
  findAll(store, order, found, counts, words);
  const total = found.length / 2;
  const flows = new FlowList(total, sumOf(words));
  const commands = new Uint8Array(total);
  accumulate(counts);
  accumulate(words);
  writeAll(store, found, counts, words, flows, commands);
  flows.close(total);
  return new PackedBatch(commands, flows);
}

/** Finds the keys that need something (key, bucket << 2 | operation), and counts flow-mods and their words by bucket. */
function findAll(store: PackedStore, order: FlowModOrder, found: RefList, counts: Int32Array, words: Int32Array): void {
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
    words[bucket] = (words[bucket] as number) + wordsOfOperation(store, at, operation);
    found.push(at);
    found.push((bucket << 2) | operation);
  }
}

/** Writes each flow-mod to its place; in the order of the arena, so that it is read from end to end once more. */
function writeAll(
  store: PackedStore,
  found: RefList,
  positions: Int32Array,
  starts: Int32Array,
  flows: FlowList,
  commands: Uint8Array,
): void {
  for (let i = 0, { length } = found; i < length; i += 2) {
    const key = found.at(i);
    const place = found.at(i + 1);
    const bucket = place >>> 2;
    const index = positions[bucket] as number;
    const start = starts[bucket] as number;
    positions[bucket] = index + 1;
    commands[index] = (place & 3) - 1;
    const value = valueOfOperation(store, key, place & 3);
    starts[bucket] = start + store.writeAt(flows.words, start, key, value);
    flows.setStart(index, start);
  }
}

function sumOf(counts: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += counts[i] as number;
  return sum;
}

function valueOfOperation(store: PackedStore, key: number, operation: number): number {
  return operation === DELETE ? (store.arena.words[key + KEY_INSTALLED] as number) : store.wantedValue(key);
}

/** Words that the flow of an operation takes in a {@link FlowList}. */
export function wordsOfOperation(store: PackedStore, key: number, operation: number): number {
  const value = valueOfOperation(store, key, operation);
  const match = ((store.arena.words[key + KEY_FLAGS] as number) & LENGTH_MASK) + 3;
  return FLOW_DATA + (match >>> 2) + (value === 0 ? 0 : (store.values.instructionsLength(value) + 3) >>> 2);
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
