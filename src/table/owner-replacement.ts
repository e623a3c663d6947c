import type { FlowList } from "./flow-list.ts";
import {
  CONTENDER_KEY,
  FLOW_DATA,
  FLOW_ID,
  FLOW_LENGTHS,
  KEY_FLAGS,
  KEY_ID,
  KEY_ID_MASK,
  KEY_MATCH,
  KIND_KEY,
  KIND_REST,
  KIND_SHIFT,
  LENGTH_MASK,
  NODE_NEXT,
  NODE_VALUE,
  OWNER_FIRST,
} from "./layout.ts";
import { BAIL } from "./packed-core-host.ts";
import { ADDED, KEPT, type PackedStore, REPLACED } from "./packed-store.ts";
import { sameWords } from "./same-words.ts";

/** What a replacement did, in flows. */
export class ReplaceCounts {
  /** Indexes of the duplicates, if there are any. */
  #duplicateIndexes: number[] | undefined;
  added = 0;
  replaced = 0;
  removed = 0;
  unchanged = 0;
  /** Ignored, because the same owner gave the same key with another value before. */
  duplicates = 0;

  reset(): void {
    this.added = 0;
    this.replaced = 0;
    this.removed = 0;
    this.unchanged = 0;
    this.duplicates = 0;
    this.#duplicateIndexes = undefined;
  }

  noteDuplicate(index: number): void {
    this.duplicates++;
    if (this.#duplicateIndexes === undefined) this.#duplicateIndexes = [];
    this.#duplicateIndexes.push(index);
  }

  get duplicateIndexes(): readonly number[] {
    return this.#duplicateIndexes ?? [];
  }

  get changes(): number {
    return this.added + this.replaced + this.removed;
  }
}

/**
 * Makes the flows `from` … `to` of a list all that the owner wants. What it has done when it throws is for the undo log;
 * marks are gone in any case.
 */
export function replaceOwnerFlows(
  store: PackedStore,
  uuid: Int32Array,
  at: number,
  flows: FlowList,
  from: number,
  to: number,
  counts: ReplaceCounts,
): void {
  let known = store.isFar ? store.core.ownerOf(uuid, at) : BAIL;
  if (known === BAIL) known = store.findOwner(uuid, at);
  if (known === 0) {
    putAll(store, uuid, at, flows, from, to, counts);
    return;
  }
  let index = from + replacePrefix(store, known, flows, from, to, counts);
  const left = ((store.arena.words[known] as number) & KIND_REST) - (index - from);
  if (index === to && left === 0) return;
  markFirst(store, known, index - from);
  try {
    for (; index < to; index++) putMarked(store, uuid, at, flows, index, counts);
  } catch (error) {
    unmark(store, store.findOwner(uuid, at));
    throw error;
  }
  const owner = store.findOwner(uuid, at);
  if (owner !== 0) counts.removed += sweep(store, owner);
}

/** Of an owner that wants nothing so far: what it has when one of its flows comes is a duplicate of another. */
function putAll(
  store: PackedStore,
  uuid: Int32Array,
  at: number,
  flows: FlowList,
  from: number,
  to: number,
  counts: ReplaceCounts,
): void {
  for (let index = from; index < to; index++) {
    const done = store.put(uuid, at, flows.words, flows.startOf(index), false);
    if (done === ADDED) counts.added++;
    else if (done === KEPT) counts.noteDuplicate(index);
  }
}

/** Goes along the ring as long as the keys are the same, and sets the values that differ. Returns how many flows that were. */
function replacePrefix(
  store: PackedStore,
  owner: number,
  flows: FlowList,
  from: number,
  to: number,
  counts: ReplaceCounts,
): number {
  const words = flows.words;
  let m = store.arena.words;
  let node = m[owner + OWNER_FIRST] as number;
  let index = from;
  let start = flows.startOf(from);
  for (const end = Math.min(to, from + ((m[owner] as number) & KIND_REST)); index < end; index++) {
    const key = (m[node] as number) >>> KIND_SHIFT === KIND_KEY ? node : (m[node + CONTENDER_KEY] as number);
    const lengths = words[start + FLOW_LENGTHS] as number;
    if (((m[key + KEY_ID] as number) & KEY_ID_MASK) !== words[start + FLOW_ID]) break;
    if (((((m[key + KEY_FLAGS] as number) ^ lengths) & LENGTH_MASK) as number) !== 0) break;
    const matchWords = ((lengths & LENGTH_MASK) + 3) >>> 2;
    const behind = start + FLOW_DATA + matchWords;
    if (!sameWords(m, key + KEY_MATCH, words, start + FLOW_DATA, matchWords)) break;
    const next = m[node + NODE_NEXT] as number;
    if (store.values.equalsPacked(m[node + NODE_VALUE] as number, words, start)) counts.unchanged++;
    else {
      // Where its place among the contenders depends on the value, its place in the ring may change too.
      if (!store.keepsPlace(key)) break;
      store.changeValue(node, key, words, start);
      m = store.arena.words;
      counts.replaced++;
    }
    node = next;
    start = behind + (((lengths >>> 16) + 3) >>> 2);
  }
  return index - from;
}

/** Puts a flow, marks its node and moves it to the end of the ring; or notes it as a duplicate of one that is marked. */
export function putMarked(
  store: PackedStore,
  uuid: Int32Array,
  at: number,
  flows: FlowList,
  index: number,
  counts: ReplaceCounts,
): void {
  const start = flows.startOf(index);
  let done = store.put(uuid, at, flows.words, start, false);
  const marked = done !== ADDED && store.isMarked(store.lastNode);
  if (marked) {
    if (done === KEPT) counts.noteDuplicate(index);
    return;
  }
  if (done === KEPT) done = store.put(uuid, at, flows.words, start, true);
  if (done === ADDED) counts.added++;
  else if (done === REPLACED) counts.replaced++;
  else counts.unchanged++;
  store.mark(store.lastNode, true);
  store.moveToEnd(store.lastNode);
}

function markFirst(store: PackedStore, owner: number, count: number): void {
  const m = store.arena.words;
  let node = m[owner + OWNER_FIRST] as number;
  for (let i = 0; i < count; i++) {
    store.mark(node, true);
    node = m[node + NODE_NEXT] as number;
  }
}

function unmark(store: PackedStore, owner: number): void {
  if (owner === 0) return;
  const m = store.arena.words;
  let node = m[owner + OWNER_FIRST] as number;
  for (let left = node === 0 ? 0 : (m[owner] as number) & KIND_REST; left > 0; left--) {
    store.mark(node, false);
    node = m[node + NODE_NEXT] as number;
  }
}

/** Removes the nodes of an owner that are not marked, and takes the marks away. */
function sweep(store: PackedStore, owner: number): number {
  const m = store.arena.words;
  const doomed: number[] = [];
  let node = m[owner + OWNER_FIRST] as number;
  for (let left = (m[owner] as number) & KIND_REST; left > 0; left--) {
    if (store.isMarked(node)) store.mark(node, false);
    else doomed.push(store.keyOfNode(node));
    node = m[node + NODE_NEXT] as number;
  }
  // By key: taking one away may move the block of another.
  for (const key of doomed) store.removeNode(store.nodeOf(key, owner), key);
  return doomed.length;
}
