import {
  ARENA_START,
  CONTENDER_KEY,
  CONTENDER_NEXT,
  DIRTY,
  IN_FLIGHT,
  KEY_FLAGS,
  KEY_HASH,
  KEY_ID_MASK,
  KEY_INSTALLED,
  KEY_MATCH,
  KEY_OTHERS,
  KIND_CONTENDER,
  KIND_FREE,
  KIND_KEY,
  KIND_LENT,
  KIND_OWNER,
  KIND_REST,
  KIND_SEGMENT,
  KIND_SHIFT,
  KIND_VALUE,
  LENGTH_MASK,
  MERGED,
  NODE_NEXT,
  NODE_OWNER,
  NODE_PREVIOUS,
  NODE_VALUE,
  OWNER_FIRST,
  OWNER_HASH,
  OWNER_UUID,
  REFUSED,
} from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import { blockSizeAt } from "./store-scan.ts";

/** What an audit counted. */
export interface AuditReport {
  readonly keys: number;
  readonly contenders: number;
  readonly owners: number;
  readonly values: number;
  /** References to values from outside the arena: flow-mods in flight, cursors, read-backs, transactions. */
  readonly pins: number;
  readonly longestProbe: number;
}

/** Checks the invariants that layout.ts lists; throws an `Error` that names the first one broken. */
export function auditStore(store: PackedStore): AuditReport {
  const m = store.arena.words;
  const keys: number[] = [];
  const owners: number[] = [];
  const values: number[] = [];
  const frees = new Set<number>();
  let contenderBlocks = 0;
  let segments = 0;
  let lent = 0;
  let freeWords = 0;
  let at = ARENA_START;
  while (at < store.arena.top) {
    const kind = (m[at] as number) >>> KIND_SHIFT;
    const size = blockSizeAt(m, at);
    check(size > 0, "A1", `block of size ${size} at ${at}`);
    if (kind === KIND_KEY) keys.push(at);
    else if (kind === KIND_OWNER) owners.push(at);
    else if (kind === KIND_VALUE) values.push(at);
    else if (kind === KIND_CONTENDER) contenderBlocks++;
    else if (kind === KIND_SEGMENT) segments++;
    else if (kind === KIND_LENT) lent++;
    else if (kind === KIND_FREE) {
      frees.add(at);
      freeWords += size;
    }
    at += size;
  }
  check(at === store.arena.top, "A1", `blocks end at ${at}, not at ${store.arena.top}`);
  check(freeWords === store.arena.freeWords, "A1", `${freeWords} words are free, counted ${store.arena.freeWords}`);
  let listedFree = 0;
  for (let sizeClass = 0; sizeClass < store.arena.sizeClasses; sizeClass++) {
    for (let ref = store.arena.freeListHead(sizeClass); ref !== 0; ref = m[ref + 1] as number) {
      check(frees.delete(ref), "A1", `free list ${sizeClass} leads to ${ref}, which is not free or twice in a list`);
      listedFree++;
    }
  }
  check(frees.size === 0, "A1", `${frees.size} free blocks are in no list (${listedFree} are)`);
  check(segments > 0, "A1", "no segments");
  check(lent === store.arena.lentBlocks, "A1", `${lent} blocks are lent, counted ${store.arena.lentBlocks}`);

  const references = new Map<number, number>();
  const refer = (value: number): void => {
    references.set(value, (references.get(value) ?? 0) + 1);
  };
  const nodesByOwner = new Map<number, Set<number>>();
  const noteNode = (node: number, owner: number): void => {
    const nodes = nodesByOwner.get(owner) ?? new Set();
    nodesByOwner.set(owner, nodes.add(node));
  };

  let contenders = 0;
  let wanted = 0;
  let installed = 0;
  let dirty = 0;
  let seenContenders = 0;
  const listed = new Set<number>();
  for (const [table, key] of [...store.waiting.entries(), ...store.queue.entries()]) {
    check(!listed.has(key), "K5", `key ${key} is twice in the lists`);
    listed.add(key);
    check(
      store.isKey(key) && (((m[key] as number) >>> 16) & 0xff) === table,
      "K5",
      `${key} is listed, but not a key of table ${table}`,
    );
  }
  const byText = new Set<string>();
  for (const key of keys) {
    const flags = m[key + KEY_FLAGS] as number;
    const length = flags & LENGTH_MASK;
    const count = (length + 3) >>> 2;
    const text = `${(m[key] as number) & KEY_ID_MASK}:${length}:${m.subarray(key + KEY_MATCH, key + KEY_MATCH + count).join()}`;
    check(!byText.has(text), "K1", `key ${key} exists twice`);
    byText.add(text);
    const hash = store.hash.hash((m[key] as number) & KEY_ID_MASK, length, m, key + KEY_MATCH, count);
    check(m[key + KEY_HASH] === hash, "K1", `key ${key} has another hash`);
    check(found(store.keys, m, hash, key), "K1", `key ${key} is not in the index`);

    const present = m[key + KEY_INSTALLED] as number;
    if (present !== 0) refer(present);
    if (present !== 0 && !store.isUnknown(key)) installed++;
    if ((flags & DIRTY) !== 0) dirty++;
    const owner = m[key + NODE_OWNER] as number;
    const others = m[key + KEY_OTHERS] as number;
    const seenOwners = new Set<number>();
    if (owner === 0) check(others === 0 && m[key + NODE_VALUE] === 0, "K2", `key ${key} has others but no winner`);
    else {
      wanted++;
      contenders++;
      seenOwners.add(owner);
      noteNode(key, owner);
      refer(m[key + NODE_VALUE] as number);
    }
    const first = others === 0 ? -1 : (m[others + NODE_OWNER] as number);
    check((first === 0) === ((flags & MERGED) !== 0), "K3", `key ${key}: MERGED does not tell the truth`);
    let previous = key;
    for (let other = others; other !== 0; other = m[other + CONTENDER_NEXT] as number) {
      check((m[other] as number) >>> KIND_SHIFT === KIND_CONTENDER, "K2", `key ${key} leads to ${other}, no contender`);
      check(m[other + CONTENDER_KEY] === key, "K2", `contender ${other} names another key than ${key}`);
      seenContenders++;
      if (m[other + NODE_VALUE] !== 0) refer(m[other + NODE_VALUE] as number);
      const theirs = m[other + NODE_OWNER] as number;
      if (theirs === 0) {
        check(other === others, "K3", `a merged value is not the first of the others of ${key}`);
        continue;
      }
      check(!seenOwners.has(theirs), "K2", `an owner stands twice at key ${key}`);
      seenOwners.add(theirs);
      contenders++;
      noteNode(other, theirs);
      check(store.inOrder(previous, other), "K2", `contenders of key ${key} are out of order`);
      previous = other;
    }
    if (first === 0 && m[others + NODE_VALUE] === 0) {
      check((flags & DIRTY) !== 0, "K3", `key ${key} is to be merged, but not dirty`);
      check(listed.has(key), "K5", `key ${key} is dirty, but in no list`);
      continue;
    }
    const value = store.wantedValue(key);
    if (value !== 0 && present !== 0 && value !== present) {
      check(!store.values.sameBytes(value, present), "K4", `key ${key} has equal values under two refs`);
    }
    const operation = store.operationFor(key);
    if (operation !== 0 && store.tracksChanges && !store.isUntold(key))
      check((flags & (DIRTY | IN_FLIGHT | REFUSED)) !== 0, "K5", `key ${key} differs, but nothing will be done`);
    check(((flags & DIRTY) !== 0) === listed.has(key), "K5", `key ${key} is dirty but in no list, or the other way round`);
    check(owner !== 0 || present !== 0 || store.hasReason(key), "K6", `key ${key} has no reason to exist`);
  }
  check(store.keys.size === keys.length, "K1", `index has ${store.keys.size} keys, there are ${keys.length}`);
  check(seenContenders === contenderBlocks, "K2", `${contenderBlocks} contender blocks, ${seenContenders} of them in use`);
  check(store.size === contenders, "O1", `${contenders} contenders, counted ${store.size}`);
  check(store.keyCount === wanted, "K2", `${wanted} keys are wanted, counted ${store.keyCount}`);
  check(store.installedCount === installed, "K5", `${installed} keys are installed, counted ${store.installedCount}`);
  check(store.dirtyCount === dirty && listed.size === dirty, "K5", `${dirty} keys are dirty, counted ${store.dirtyCount}`);

  let active = 0;
  for (const owner of owners) {
    const count = (m[owner] as number) & KIND_REST;
    if (count > 0) active++;
    else check(store.log !== undefined, "O1", `owner ${owner} has no flows`);
    const hash = store.hash.hash(m[owner + OWNER_UUID] as number, 0, m, owner + OWNER_UUID + 1, 3);
    check(m[owner + OWNER_HASH] === hash, "O1", `owner ${owner} has another hash`);
    check(found(store.owners, m, hash, owner), "O1", `owner ${owner} is not in the index`);
    const expected = nodesByOwner.get(owner) ?? new Set();
    check(expected.size === count, "O1", `owner ${owner} counts ${count} flows, but has ${expected.size}`);
    let node = m[owner + OWNER_FIRST] as number;
    for (let i = 0; i < count; i++) {
      check(expected.delete(node), "O1", `the ring of owner ${owner} leads to ${node}`);
      const next = m[node + NODE_NEXT] as number;
      check(m[next + NODE_PREVIOUS] === node, "O1", `the ring of owner ${owner} is broken at ${node}`);
      node = next;
    }
    check(count === 0 || node === m[owner + OWNER_FIRST], "O1", `the ring of owner ${owner} does not close`);
  }
  check(store.owners.size === owners.length, "O1", `index has ${store.owners.size} owners, there are ${owners.length}`);
  check(store.ownerCount === active, "O1", `${active} owners, counted ${store.ownerCount}`);

  let pins = 0;
  for (const value of values) {
    const count = (m[value] as number) & KIND_REST;
    const held = references.get(value) ?? 0;
    check(count >= held && count > 0, "V1", `value ${value} counts ${count} references, but has ${held}`);
    pins += count - held;
    references.delete(value);
  }
  check(references.size === 0, "V1", `${references.size} refs lead to no value`);
  check(store.values.size === values.length, "V1", `${values.length} values, counted ${store.values.size}`);
  return {
    keys: keys.length,
    contenders,
    owners: owners.length,
    values: values.length,
    pins,
    longestProbe: Math.max(store.keys.longestProbe(), store.owners.longestProbe()),
  };
}

function found(index: PackedStore["keys"], m: Int32Array, hash: number, ref: number): boolean {
  let slot = index.start(hash);
  while (m[slot + 1] !== 0) {
    if (m[slot + 1] === ref) return m[slot] === hash;
    slot = index.after(slot, hash);
  }
  return false;
}

function check(holds: boolean, rule: string, message: string): void {
  if (!holds) throw new Error(`invariant ${rule}: ${message}`);
}
