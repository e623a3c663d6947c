// The usual case of putting, replacing and removing flows, for WebAssembly: test/core-compiler compiles this file into
// packed-core-code.ts (`npm run core:update`), and says what it may contain. It works in the arena that the classes of this room
// work in (layout.ts), on what packed-core-host.ts has written into the SCRATCH. What is not usual (several owners of one key, no
// memory left, a directory that has to grow) it leaves to the classes: it then returns BAIL, and has changed nothing.
import {
  ADDED_COUNT,
  AHEAD,
  CACHE_MASK,
  COARSE_STEP,
  CONTENDER_COUNT,
  DIRTY,
  EMPTY_OWNER_SLOT,
  EMPTY_SLOT,
  EPOCH,
  FLOW_DATA,
  FLOW_ID,
  FLOW_LENGTHS,
  FORMS,
  FRESH_DIRTY,
  IN_FLIGHT,
  KEY_COUNT,
  KEY_FLAGS,
  KEY_HASH,
  KEY_INSTALLED,
  KEY_MATCH,
  KEY_OTHERS,
  KEYS_INDEX,
  KIND_KEY,
  KIND_OWNER,
  KIND_REST,
  KIND_SHIFT,
  LAST_NODE,
  LAST_OWNER,
  LEFT_COUNT,
  LENGTH_MASK,
  LENT_COUNT,
  LIMIT,
  MEANING_KEPT,
  MERGED,
  NEW_KEY_FLAGS,
  NODE_NEXT,
  NODE_OWNER,
  NODE_PREVIOUS,
  NODE_VALUE,
  OWNER_COUNT,
  OWNER_FIRST,
  OWNER_HASH,
  OWNER_UUID,
  OWNER_WORDS,
  OWNERS_INDEX,
  PLAIN,
  REFUSED,
  REMOVED_COUNT,
  REPLACED_COUNT,
  SCRATCH,
  SCRATCH_DIRTY,
  SCRATCH_DIRTY_MOST,
  SCRATCH_HASHES,
  SCRATCH_OWNERS,
  SCRATCH_RUNS,
  SECRET_COUNT,
  SEGMENT_WORDS,
  TOP,
  UNKNOWN,
  VALUE_COUNT,
  VALUE_FLAGS,
  VALUE_NARROW_WORDS,
  VALUE_WIDE_WORDS,
} from "./layout.ts";
import {
  acquire,
  allocate,
  canInsert,
  copyFew,
  findKey,
  findOwner,
  free,
  get,
  hashOf,
  hashOfOwner,
  insert,
  isLastOwner,
  isLoose,
  isValueOf,
  isWide,
  matchWordsOf,
  readSlot,
  release,
  removeEntry,
  set,
  wouldSplit,
} from "./packed-core-base.ts";

/** Results of {@link put}; the others are those of PackedStore.put. */
const BAIL = -1;
const UNCHANGED = 0;
const ADDED = 1;
const REPLACED = 2;
const KEPT = 3;

const SEGMENT_BLOCK = (SEGMENT_WORDS + COARSE_STEP - 1) & -COARSE_STEP;
const MOST_CACHED = 16384;

// ---- keys and owners (as in key-store.ts and packed-store.ts)

/** The key is to be compared. There must be room in the SCRATCH. */
function touch(key: number): void {
  const flags = get(key + KEY_FLAGS);
  if ((flags & (DIRTY | REFUSED)) === DIRTY) return;
  set(key + KEY_FLAGS, (flags | DIRTY) & ~REFUSED);
  if ((flags & DIRTY) !== 0) return;
  const count = get(FRESH_DIRTY);
  set(get(SCRATCH) + SCRATCH_DIRTY + count, key);
  set(FRESH_DIRTY, count + 1);
}

function makeKey(flow: number, hash: number): number {
  const length = get(flow + FLOW_LENGTHS) & LENGTH_MASK;
  const count = (length + 3) >>> 2;
  const key = allocate(KEY_MATCH + count);
  set(key, (KIND_KEY << KIND_SHIFT) | get(flow + FLOW_ID));
  set(key + KEY_FLAGS, length | get(NEW_KEY_FLAGS));
  set(key + NODE_OWNER, 0);
  set(key + NODE_VALUE, 0);
  set(key + KEY_INSTALLED, 0);
  set(key + KEY_OTHERS, 0);
  set(key + KEY_HASH, hash);
  copyFew(key + KEY_MATCH, flow + FLOW_DATA, count);
  insert(KEYS_INDEX, get(EMPTY_SLOT), hash, key);
  return key;
}

function makeOwner(uuid: number, hash: number): number {
  const owner = allocate(OWNER_WORDS);
  set(owner, KIND_OWNER << KIND_SHIFT);
  copyFew(owner + OWNER_UUID, uuid, 4);
  set(owner + OWNER_FIRST, 0);
  set(owner + OWNER_HASH, hash);
  insert(OWNERS_INDEX, get(EMPTY_OWNER_SLOT), hash, owner);
  return owner;
}

function dropOwner(owner: number): void {
  removeEntry(OWNERS_INDEX, get(owner + OWNER_HASH), owner);
  free(owner, OWNER_WORDS);
}

/** Appends a node to the ring of its owner. */
function link(node: number, owner: number): void {
  const first = get(owner + OWNER_FIRST);
  set(owner, get(owner) + 1);
  set(CONTENDER_COUNT, get(CONTENDER_COUNT) + 1);
  if (first === 0) {
    set(owner + OWNER_FIRST, node);
    set(node + NODE_NEXT, node);
    set(node + NODE_PREVIOUS, node);
    set(OWNER_COUNT, get(OWNER_COUNT) + 1);
    return;
  }
  const last = get(first + NODE_PREVIOUS);
  set(node + NODE_NEXT, first);
  set(node + NODE_PREVIOUS, last);
  set(last + NODE_NEXT, node);
  set(first + NODE_PREVIOUS, node);
}

/** Is there memory at the top, and room in the SCRATCH, for whatever a flow of this length may need? */
function hasRoom(flow: number): boolean {
  const lengths = get(flow + FLOW_LENGTHS);
  const words = ((lengths & LENGTH_MASK) + (lengths >>> 16)) >>> 2;
  if (words > (SECRET_COUNT - 4) >>> 1) return false;
  if (get(TOP) + words + 2 * SEGMENT_BLOCK + 64 > get(LIMIT)) return false;
  if (isLoose()) {
    if (wouldSplit(KEY_MATCH + matchWordsOf(flow)) || wouldSplit(OWNER_WORDS)) return false;
    const header = isWide(flow) ? VALUE_WIDE_WORDS : VALUE_NARROW_WORDS;
    if (wouldSplit(header + (((lengths >>> 16) + 3) >>> 2))) return false;
  }
  // The cache of values has to grow.
  if (get(VALUE_COUNT) > get(CACHE_MASK) << 2 && get(CACHE_MASK) < MOST_CACHED - 1) return false;
  return get(FRESH_DIRTY) < SCRATCH_DIRTY_MOST;
}

/** The value of the flow for this key: the installed one if it is the same. */
function valueFor(key: number, flow: number): number {
  const installed = get(key + KEY_INSTALLED);
  if (installed === 0 || installed === get(key + NODE_VALUE) || !isValueOf(installed, flow)) return acquire(flow);
  set(installed, get(installed) + 1);
  return installed;
}

function noteForms(key: number, value: number): void {
  if ((get(value + VALUE_FLAGS) & PLAIN) === 0) set(key + KEY_FLAGS, get(key + KEY_FLAGS) | FORMS);
}

/** Can the KEY's value be replaced here? Not if there are others to win, or if somebody has to hear that the old one goes. */
function canChange(key: number): boolean {
  if (get(key + KEY_OTHERS) !== 0) return false;
  const old = get(key + NODE_VALUE);
  if ((get(old) & KIND_REST) !== 1) return true;
  return get(LENT_COUNT) === 0 && (get(old + VALUE_FLAGS) & MEANING_KEPT) === 0;
}

/** A winner without other contenders gets the value of the flow, which differs from its own. */
function changeValue(key: number, flow: number): void {
  const value = valueFor(key, flow);
  const old = get(key + NODE_VALUE);
  touch(key);
  set(key + NODE_VALUE, value);
  release(old);
  noteForms(key, value);
}

/** The owner with this UUID wants the flow; `replace`: also if it has another value for the key. */
export function put(uuid: number, flow: number, replace: number): number {
  return putHashed(uuid, flow, replace, hashOfKey(flow));
}

function hashOfKey(flow: number): number {
  return hashOf(get(flow + FLOW_ID), get(flow + FLOW_LENGTHS) & LENGTH_MASK, flow + FLOW_DATA, matchWordsOf(flow));
}

function wordsOf(flow: number): number {
  return FLOW_DATA + matchWordsOf(flow) + (((get(flow + FLOW_LENGTHS) >>> 16) + 3) >>> 2);
}

function putHashed(uuid: number, flow: number, replace: number, hash: number): number {
  // Matches that are longer than the secrets go have another hash; hasRoom refuses them.
  if (!hasRoom(flow)) return BAIL;
  let owner = get(LAST_OWNER);
  let ownerHash = 0;
  if (!isLastOwner(uuid)) {
    ownerHash = hashOfOwner(uuid);
    owner = findOwner(uuid, ownerHash);
    if (owner === 0 && !canInsert(OWNERS_INDEX, ownerHash, EMPTY_OWNER_SLOT)) return BAIL;
  }
  let key = findKey(flow, hash);
  if (key === 0) {
    if (!canInsert(KEYS_INDEX, hash, EMPTY_SLOT)) return BAIL;
    key = makeKey(flow, hash);
  } else if (get(key + NODE_OWNER) !== 0) {
    if (get(key + NODE_OWNER) !== owner) return BAIL;
    set(LAST_OWNER, owner);
    set(LAST_NODE, key);
    if (isValueOf(get(key + NODE_VALUE), flow)) return UNCHANGED;
    if (replace === 0) return KEPT;
    if (!canChange(key)) return BAIL;
    changeValue(key, flow);
    return REPLACED;
  }
  if (owner === 0) owner = makeOwner(uuid, ownerHash);
  set(LAST_OWNER, owner);
  const value = valueFor(key, flow);
  touch(key);
  noteForms(key, value);
  set(key + NODE_OWNER, owner);
  set(key + NODE_VALUE, value);
  link(key, owner);
  set(KEY_COUNT, get(KEY_COUNT) + 1);
  set(LAST_NODE, key);
  return ADDED;
}

/**
 * As {@link put} for `count` flows from `first` on in the SCRATCH, the owners of which are there too, each as often as SCRATCH_RUNS says.
 * All their places in the index are read first: they come from memory at the same time. Returns how many flows were put before
 * one that has to be left to the classes, and adds the results up in REPLACED_COUNT (replaced) and ADDED_COUNT.
 */
export function putRuns(first: number, count: number, replace: number): number {
  const scratch = get(SCRATCH);
  const hashes = scratch + SCRATCH_HASHES;
  let flow = first;
  let seen = 0;
  set(ADDED_COUNT, 0);
  set(REPLACED_COUNT, 0);
  for (let i = 0; i < count; i++) {
    const hash = hashOfKey(flow);
    set(hashes + i, hash);
    seen ^= readSlot(KEYS_INDEX, hash);
    flow += wordsOf(flow);
  }
  flow = first;
  let run = scratch + SCRATCH_RUNS;
  let left = get(run);
  let uuid = scratch + SCRATCH_OWNERS;
  set(AHEAD, seen);
  let added = 0;
  let replaced = 0;
  let done = 0;
  for (; done < count; done++) {
    while (left === 0) {
      run += 1;
      left = get(run);
      uuid += 4;
    }
    const result = putHashed(uuid, flow, replace, get(hashes + done));
    if (result === BAIL) break;
    if (result === ADDED) added++;
    if (result === REPLACED) replaced++;
    flow += wordsOf(flow);
    left--;
  }
  set(ADDED_COUNT, added);
  set(REPLACED_COUNT, replaced);
  return done;
}

/** The node of a KEY gets the value of the flow, which differs from its own; or BAIL. */
export function change(node: number, flow: number): number {
  if (get(node) >>> KIND_SHIFT !== KIND_KEY || !canChange(node) || !hasRoom(flow)) return BAIL;
  changeValue(node, flow);
  return REPLACED;
}

/** The OWNER with this UUID, 0 = none; what it wants is read, too, because it is going to be needed. */
export function ownerOf(uuid: number): number {
  if (isLastOwner(uuid)) return get(LAST_OWNER);
  const owner = findOwner(uuid, hashOfOwner(uuid));
  if (owner !== 0) {
    readBehind(owner);
    set(LAST_OWNER, owner);
  }
  return owner;
}

/**
 * What an owner wants mostly lies behind it, one block after the other, but each leads to the next only when it has come from memory.
 * So the next lines are read at once.
 */
function readBehind(owner: number): void {
  if (owner + 96 > get(TOP)) return;
  set(AHEAD, get(owner - 16) ^ get(owner + 16) ^ get(owner + 32) ^ get(owner + 48) ^ get(owner + 64));
}

/** Takes everything that the owner with this UUID wants away. Returns how many flows that were. */
export function remove(uuid: number): number {
  const owner = ownerOf(uuid);
  return owner === 0 ? 0 : removeOwner(owner);
}

/**
 * As {@link remove} for the first `count` owners in the SCRATCH; what is needed of all of them is read first. Returns how many owners
 * were removed before one that has to be left to the classes; REMOVED_COUNT tells how many flows that were.
 */
export function removeMany(count: number): number {
  const uuids = get(SCRATCH) + SCRATCH_OWNERS;
  const hashes = get(SCRATCH) + SCRATCH_HASHES;
  let seen = 0;
  for (let i = 0; i < count; i++) {
    const hash = hashOfOwner(uuids + (i << 2));
    set(hashes + i, hash);
    seen ^= readSlot(OWNERS_INDEX, hash);
  }
  for (let i = 0; i < count; i++) {
    const owner = readSlot(OWNERS_INDEX, get(hashes + i));
    seen ^= get(owner);
  }
  for (let i = 0; i < count; i++) {
    const owner = findOwner(uuids + (i << 2), get(hashes + i));
    set(hashes + i, owner);
    if (owner === 0) continue;
    const node = get(owner + OWNER_FIRST);
    seen ^= get(node) ^ get(node + NODE_NEXT);
  }
  for (let i = 0; i < count; i++) {
    const owner = get(hashes + i);
    if (owner === 0) continue;
    const node = get(owner + OWNER_FIRST);
    const next = get(node + NODE_NEXT);
    seen ^= get(get(node + NODE_VALUE)) ^ get(next) ^ get(next + NODE_NEXT);
  }
  for (let i = 0; i < count; i++) {
    const owner = get(hashes + i);
    if (owner === 0) continue;
    const next = get(get(owner + OWNER_FIRST) + NODE_NEXT);
    seen ^= get(get(next + NODE_VALUE)) ^ get(get(next + NODE_NEXT));
  }
  set(AHEAD, seen);
  let removed = 0;
  let done = 0;
  for (; done < count; done++) {
    // One that stands here twice is gone by now.
    const owner = get(hashes + done);
    if (owner === 0 || get(owner) >>> KIND_SHIFT !== KIND_OWNER) continue;
    const flows = removeOwner(owner);
    if (flows === BAIL) break;
    removed += flows;
  }
  set(REMOVED_COUNT, removed);
  return done;
}

function removeOwner(owner: number): number {
  const count = get(owner) & KIND_REST;
  const first = get(owner + OWNER_FIRST);
  if (get(FRESH_DIRTY) + count > SCRATCH_DIRTY_MOST) return BAIL;
  const lent = get(LENT_COUNT) !== 0;
  let node = first;
  for (let i = 0; i < count; i++) {
    if (get(node) >>> KIND_SHIFT !== KIND_KEY || get(node + KEY_OTHERS) !== 0) return BAIL;
    // Nobody will need it any more.
    if (get(node + KEY_INSTALLED) === 0) return BAIL;
    const value = get(node + NODE_VALUE);
    if ((lent && (get(value) & KIND_REST) <= count) || (get(value + VALUE_FLAGS) & MEANING_KEPT) !== 0) return BAIL;
    node = get(node + NODE_NEXT);
  }
  node = first;
  for (let i = 0; i < count; i++) {
    const next = get(node + NODE_NEXT);
    touch(node);
    release(get(node + NODE_VALUE));
    set(node + NODE_OWNER, 0);
    set(node + NODE_VALUE, 0);
    node = next;
  }
  set(KEY_COUNT, get(KEY_COUNT) - count);
  set(CONTENDER_COUNT, get(CONTENDER_COUNT) - count);
  set(OWNER_COUNT, get(OWNER_COUNT) - 1);
  dropOwner(owner);
  return count;
}

/**
 * What was sent for `count` keys is in the switch: their refs stand from `first` on, behind them the values sent (0 = deleted). Stops at
 * the first key that is not usual. Returns how many it did; LEFT_COUNT tells how many more keys are installed than before.
 */
export function confirm(first: number, count: number): number {
  const epoch = get(NEW_KEY_FLAGS);
  const lent = get(LENT_COUNT) !== 0;
  let installed = 0;
  let done = 0;
  for (; done < count; done++) {
    const key = get(first + done);
    const value = get(first + count + done);
    const flags = get(key + KEY_FLAGS) & ~IN_FLIGHT;
    if (get(key + NODE_VALUE) !== value || (flags & (DIRTY | UNKNOWN | MERGED | EPOCH)) !== epoch) break;
    const old = get(key + KEY_INSTALLED);
    if (old !== 0 && (get(old) & KIND_REST) === 1 && (lent || (get(old + VALUE_FLAGS) & MEANING_KEPT) !== 0)) break;
    if (value === 0 && lent) break;
    set(key + KEY_FLAGS, flags);
    set(key + KEY_INSTALLED, value);
    if (old !== 0) {
      release(old);
      installed--;
    }
    if (value !== 0) installed++;
    else {
      removeEntry(KEYS_INDEX, get(key + KEY_HASH), key);
      free(key, KEY_MATCH + (((flags & LENGTH_MASK) + 3) >>> 2));
    }
  }
  set(LEFT_COUNT, installed);
  return done;
}
