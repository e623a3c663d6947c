import { BorrowedBatch } from "./borrowed-batch.ts";
import { FlowList } from "./flow-list.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import { PackedBatch } from "./flow-mod-batch.ts";
import { BUCKETS, bucketOf, type FlowModOrder } from "./flow-mod-order.ts";
import { DELETE, NOTHING } from "./key-store.ts";
import { ARENA_START, EPOCH, KEY_FLAGS, KEY_INSTALLED, KIND_KEY, KIND_SHIFT, MERGED, NODE_VALUE, UNKNOWN } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import { blockSizeAt, keyWords } from "./store-scan.ts";

// The loops below stand in functions of their own that end with them: see docs/performance.md.

/** Turns counts into the positions where each bucket begins. */
function accumulate(counts: Int32Array): void {
  let position = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    counts[i] = position;
    position += count;
  }
}

/** Memory for so many keys is kept for the next comparison: what is new costs more than what is written to it. */
const LARGEST_KEPT = 65536;

/** What a comparison found, in the order in which it was found. */
class Found {
  /** Memory of the last comparison. */
  static spare: Found | undefined;
  length = 0;
  /** How many of each operation. */
  readonly operations: Int32Array = new Int32Array(4);
  keys: Int32Array = new Int32Array(1024);
  values: Int32Array = new Int32Array(1024);
  /** Bucket << 2 | operation. */
  places: Int32Array = new Int32Array(1024);

  grow(): void {
    this.keys = doubled(this.keys);
    this.values = doubled(this.values);
    this.places = doubled(this.places);
  }
}

function doubled(words: Int32Array): Int32Array {
  const grown = new Int32Array(2 * words.length);
  grown.set(words);
  return grown;
}

/** Compares everything: reads the arena from end to end, then puts what it found in order. The batch copies no flow yet. */
export function compareAll(store: PackedStore, order: FlowModOrder): FlowModBatch {
  const found = Found.spare ?? new Found();
  Found.spare = undefined;
  found.length = 0;
  found.operations.fill(0);
  const starts = new Int32Array(BUCKETS);
  findAll(store, order, found, starts);
  const total = found.length;
  const commands = new Uint8Array(total);
  if (total === 0) {
    Found.spare = found;
    return new PackedBatch(commands, new FlowList(1));
  }
  const keys = new Int32Array(total);
  const values = new Int32Array(total);
  accumulate(starts);
  arrange(found, starts, commands, keys, values);
  if (found.keys.length <= LARGEST_KEPT) Found.spare = found;
  const [, add, modify, remove] = found.operations as unknown as readonly [number, number, number, number];
  return BorrowedBatch.of(store, commands, keys, values, { add, modify, delete: remove });
}

/** Finds the keys that need something, and counts them by bucket. */
function findAll(store: PackedStore, order: FlowModOrder, found: Found, counts: Int32Array): void {
  let m = store.arena.words;
  let { keys, values, places } = found;
  let length = 0;
  const { operations } = found;
  const { epoch } = store;
  for (let next = ARENA_START, top = store.arena.top; next < top; ) {
    const at = next;
    if ((m[at] as number) >>> KIND_SHIFT !== KIND_KEY) {
      next = at + blockSizeAt(m, at);
      continue;
    }
    const flags = m[at + KEY_FLAGS] as number;
    next = at + keyWords(flags);
    const installed = m[at + KEY_INSTALLED] as number;
    let value = m[at + NODE_VALUE] as number;
    let operation = NOTHING;
    if ((flags & (MERGED | UNKNOWN | EPOCH)) === epoch) {
      // Mostly what is wanted is what is installed: the same ref.
      if (value === installed) continue;
      operation = store.operationBetween(value, installed, flags);
    } else {
      operation = store.operationFor(at);
      value = store.wantedValue(at);
      // It may have merged.
      m = store.arena.words;
    }
    if (operation === NOTHING) continue;
    const bucket = bucketOf(operation, ((m[at] as number) >>> 16) & 0xff, order);
    counts[bucket] = (counts[bucket] as number) + 1;
    operations[operation] = (operations[operation] as number) + 1;
    if (length === keys.length) {
      found.grow();
      ({ keys, values, places } = found);
    }
    keys[length] = at;
    values[length] = operation === DELETE ? installed : value;
    places[length++] = (bucket << 2) | operation;
    found.length = length;
  }
}

function arrange(found: Found, positions: Int32Array, commands: Uint8Array, keys: Int32Array, values: Int32Array): void {
  const { length, places } = found;
  const foundKeys = found.keys;
  const foundValues = found.values;
  for (let i = 0; i < length; i++) {
    const place = places[i] as number;
    const index = positions[place >>> 2] as number;
    positions[place >>> 2] = index + 1;
    commands[index] = (place & 3) - 1;
    keys[index] = foundKeys[i] as number;
    values[index] = foundValues[i] as number;
  }
}
