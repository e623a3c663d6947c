import { BorrowedBatch } from "./borrowed-batch.ts";
import { FlowList } from "./flow-list.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import { PackedBatch } from "./flow-mod-batch.ts";
import { BUCKETS, bucketOf, type FlowModOrder } from "./flow-mod-order.ts";
import { NOTHING } from "./key-store.ts";
import { ARENA_START, EPOCH, KEY_FLAGS, KEY_INSTALLED, KIND_KEY, KIND_SHIFT, MERGED, NODE_VALUE, UNKNOWN } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import { RefList } from "./ref-list.ts";
import { blockSizeAt } from "./store-scan.ts";

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
  let m = store.arena.words;
  const { epoch } = store;
  for (let at = ARENA_START, top = store.arena.top; at < top; at += blockSizeAt(m, at)) {
    if ((m[at] as number) >>> KIND_SHIFT !== KIND_KEY) continue;
    // Mostly what is wanted is what is installed: the same ref.
    const flags = m[at + KEY_FLAGS] as number;
    if (m[at + NODE_VALUE] === m[at + KEY_INSTALLED] && (flags & (MERGED | UNKNOWN | EPOCH)) === epoch) continue;
    const operation = store.operationFor(at);
    // It may have merged.
    m = store.arena.words;
    if (operation === NOTHING) continue;
    const bucket = bucketOf(operation, ((m[at] as number) >>> 16) & 0xff, order);
    counts[bucket] = (counts[bucket] as number) + 1;
    found.push(at);
    found.push(store.valueToSend(at, operation));
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
