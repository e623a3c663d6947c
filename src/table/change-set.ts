import { FlowList } from "./flow-list.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import { PackedBatch } from "./flow-mod-batch.ts";
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
import { DELETE, NOTHING, type PackedStore } from "./packed-store.ts";
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

/**
 * Compares the dirty keys and puts those that need something in order. Keys that need nothing are cleaned (and dropped if
 * nothing needs them); the others stay dirty.
 */
export function orderDirty(store: PackedStore, order: FlowModOrder): OrderedKeys {
  const dirty = store.dirty;
  const total = dirty.length;
  const found = new Int32Array(total);
  const buckets = new Uint16Array(total);
  const operations = new Uint8Array(total);
  const starts = new Int32Array(BUCKETS + 1);
  let count = 0;
  for (let i = 0; i < total; i++) {
    const key = dirty.at(i);
    const m = store.arena.words;
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
    buckets[count] = bucket;
    operations[count] = operation;
    starts[bucket + 1] = (starts[bucket + 1] as number) + 1;
    count++;
  }
  for (let i = 1; i <= BUCKETS; i++) starts[i] = (starts[i] as number) + (starts[i - 1] as number);
  const keys = new Int32Array(count);
  const ordered = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const bucket = buckets[i] as number;
    const to = starts[bucket] as number;
    starts[bucket] = to + 1;
    keys[to] = found[i] as number;
    ordered[to] = operations[i] as number;
  }
  return { keys, operations: ordered, length: count };
}

/** Compares everything: reads the arena from end to end, then writes the flow-mods in their order. */
export function compareAll(store: PackedStore, order: FlowModOrder): FlowModBatch {
  const m = store.arena.words;
  const top = store.arena.top;
  const found = new RefList();
  const counts = new Int32Array(BUCKETS);
  let words = 0;
  for (let at = ARENA_START; at < top; at += blockSizeAt(m, at)) {
    if ((m[at] as number) >>> KIND_SHIFT !== KIND_KEY) continue;
    // Mostly what is wanted is what is installed: the same ref.
    const flags = m[at + KEY_FLAGS] as number;
    if (m[at + NODE_VALUE] === m[at + KEY_INSTALLED] && (flags & (MERGED | UNKNOWN)) === 0) continue;
    const operation = store.operationFor(at);
    if (operation === NOTHING) continue;
    const bucket = bucketOf(operation, ((m[at] as number) >>> 16) & 0xff, order);
    counts[bucket] = (counts[bucket] as number) + 1;
    found.push(at);
    found.push((bucket << 2) | operation);
    words += wordsOfOperation(store, at, operation);
  }
  const total = found.length / 2;
  let position = 0;
  for (let i = 0; i < BUCKETS; i++) {
    const count = counts[i] as number;
    counts[i] = position;
    position += count;
  }
  const keys = new Int32Array(total);
  const commands = new Uint8Array(total);
  for (let i = 0; i < found.length; i += 2) {
    const place = found.at(i + 1);
    const to = counts[place >>> 2] as number;
    counts[place >>> 2] = to + 1;
    keys[to] = found.at(i);
    commands[to] = (place & 3) - 1;
  }
  const flows = new FlowList(total, words);
  for (let i = 0; i < total; i++) appendOperation(store, flows, keys[i] as number, (commands[i] as number) + 1);
  return new PackedBatch(commands, flows);
}

/** Words that the flow of an operation takes in a {@link FlowList}. */
function wordsOfOperation(store: PackedStore, key: number, operation: number): number {
  const value = operation === DELETE ? (store.arena.words[key + KEY_INSTALLED] as number) : store.wantedValue(key);
  const match = ((store.arena.words[key + KEY_FLAGS] as number) & LENGTH_MASK) + 3;
  return FLOW_DATA + (match >>> 2) + (value === 0 ? 0 : (store.values.instructionsLength(value) + 3) >>> 2);
}

/** Appends what has to be sent for an operation on a key. */
export function appendOperation(store: PackedStore, flows: FlowList, key: number, operation: number): void {
  const value = operation === DELETE ? (store.arena.words[key + KEY_INSTALLED] as number) : store.wantedValue(key);
  store.appendTo(flows, key, value);
}

/** Bytes of an encoded flow-mod for this key and value, about: what limits of batches count. */
export function encodedSize(store: PackedStore, key: number, operation: number): number {
  const m = store.arena.words;
  const match = ((m[key + KEY_FLAGS] as number) & LENGTH_MASK) + 4;
  const instructions = operation === DELETE ? 0 : store.values.instructionsLength(store.wantedValue(key));
  return 48 + ((match + 7) & ~7) + instructions;
}
