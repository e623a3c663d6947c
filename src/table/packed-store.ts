import { ChangeList } from "./change-list.ts";
import { type FlowList, MAX_FLOW_BYTES } from "./flow-list.ts";
import { HashIndex } from "./hash-index.ts";
import { instructionsClass } from "./instruction-scan.ts";
import { KeyStore, type StoreOptions } from "./key-store.ts";
import {
  CLASS_CONJUNCTION,
  CONTENDER_KEY,
  CONTENDER_MARKED,
  CONTENDER_NEXT,
  CONTENDER_WORDS,
  DIRTY,
  FORMS,
  KEY_FLAGS,
  KEY_INSTALLED,
  KEY_OTHERS,
  KIND_CONTENDER,
  KIND_KEY,
  KIND_OWNER,
  KIND_REST,
  KIND_SHIFT,
  LAST_OWNER,
  LENT_COUNT,
  MARKED,
  MERGED_BYTES,
  NODE_NEXT,
  NODE_OWNER,
  NODE_PREVIOUS,
  NODE_VALUE,
  OWNER_FIRST,
  OWNER_HASH,
  OWNER_UUID,
  OWNER_WORDS,
  OWNERS_INDEX,
  REFUSED,
} from "./layout.ts";
import { conjunctionBytes, contenderAfter, linkMerged, mergedFlow, unmerge } from "./merged-flow.ts";
import { formatOwner, type OwnerId } from "./owner-id.ts";
import { BAIL, PackedCoreHost } from "./packed-core-host.ts";
import type { Contender, WinnerPolicy } from "./policy.ts";
import { BatchMemory } from "./round-batch.ts";
import { RoundQueue } from "./round-queue.ts";
import { UndoLog } from "./undo-log.ts";
import { ValueStore } from "./value-store.ts";

/** Words of an arena that is likely to be in the processor's caches, 2 MiB. */
const NEAR_WORDS = 1 << 19;

/** What became of a flow that was put. */
export const UNCHANGED = 0;
export const ADDED = 1;
export const REPLACED = 2;
/** The owner has another value for this key, which was kept. */
export const KEPT = 3;

/**
 * Desired and installed flows of one switch in packed form: the KEYs with owners, contenders and transactions.
 *
 * A method either does all of what it says or throws with nothing changed: memory is asked for before the first change, and a
 * user's policy runs inside an undo log ({@link begin}).
 */
export class PackedStore extends KeyStore {
  readonly owners: HashIndex;
  readonly policy: WinnerPolicy;
  readonly core: PackedCoreHost;
  /** What the present round has yet to send. */
  readonly queue: RoundQueue;
  readonly batchMemory: BatchMemory = new BatchMemory();
  readonly #ordered: boolean;
  readonly #merging: boolean;
  #ownerSlot = 0;
  #ownerHash = 0;
  /** While a transaction is undone, a policy that throws is passed over. */
  #undoing = false;

  constructor(policy: WinnerPolicy, options: StoreOptions = {}) {
    super(options);
    this.policy = policy;
    this.#ordered = policy.compare !== undefined || policy.classes === true;
    this.#merging = policy.merge !== undefined || policy.classes === true;
    this.owners = new HashIndex(this.arena, OWNERS_INDEX);
    this.core = new PackedCoreHost(this.arena);
    this.queue = new RoundQueue(this, new ChangeList(this.chunkMemory));
  }

  /** Keys that are DIRTY. */
  get dirtyCount(): number {
    return this.waiting.length + this.queue.length;
  }

  /** Starts to log changes. */
  begin(): void {
    this.log = new UndoLog();
  }

  /** Keeps the changes since {@link begin}. */
  commit(): void {
    const log = this.log as UndoLog;
    this.log = undefined;
    log.takeBack(0, (_owner, _key, value) => {
      if (value !== 0) this.values.release(value);
    });
    log.forEachTouched((key) => {
      if (this.isKey(key)) this.dropIfIdle(key);
    });
    this.#dropEmptied(log);
  }

  /** Undoes the changes since {@link begin}. */
  rollback(): void {
    const log = this.log as UndoLog;
    this.rollbackTo(0);
    this.log = undefined;
    log.forEachTouched((key) => {
      if (this.isKey(key)) this.dropIfIdle(key);
    });
    this.#dropEmptied(log);
  }

  /** Where the log is now; {@link rollbackTo} comes back to it. */
  savepoint(): number {
    return (this.log as UndoLog).size;
  }

  /** Undoes what was done since `savepoint`; the transaction goes on. */
  rollbackTo(savepoint: number): void {
    const log = this.log as UndoLog;
    const refused: number[] = [];
    this.log = undefined;
    this.#undoing = true;
    log.takeBack(savepoint, (owner, key, value) => {
      if (owner === UndoLog.REFUSED) {
        refused.push(key);
        return;
      }
      const node = this.nodeOf(key, owner);
      if (node !== 0) this.#takeOut(node, key, true);
      if (value !== 0) this.#insert(key, owner, value, true);
      else log.emptied.add(owner);
    });
    this.#undoing = false;
    this.log = log;
    // What was refused and is as it was stays refused.
    const m = this.arena.words;
    for (const key of refused) m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) | REFUSED;
  }

  #dropEmptied(log: UndoLog): void {
    for (const owner of log.emptied) {
      // An owner that came and went twice may be gone already.
      if ((this.arena.words[owner] as number) >>> KIND_SHIFT !== KIND_OWNER) continue;
      if (((this.arena.words[owner] as number) & KIND_REST) === 0) this.#dropOwner(owner);
    }
  }

  /**
   * The owner whose UUID is `uuid[at …]` wants the packed flow at `words[from]`. A different value that it already has for the
   * key is replaced, or with `replace` false kept ({@link KEPT}).
   */
  put(uuid: Int32Array, at: number, words: Int32Array, from: number, replace: boolean): number {
    if (this.isUsual) {
      const done = this.core.put(uuid, at, words, from, replace);
      if (done !== BAIL) return done;
    }
    this.reserve(words, from);
    let owner = this.findOwner(uuid, at);
    let key = this.findKey(words, from);
    if (key !== 0 && owner !== 0) {
      const node = this.nodeOf(key, owner);
      if (node !== 0) {
        this.lastNode = node;
        if (this.values.equalsPacked(this.arena.words[node + NODE_VALUE] as number, words, from)) return UNCHANGED;
        if (!replace) return KEPT;
        this.changeValue(node, key, words, from);
        if (this.#ordered || this.#merging) this.lastNode = this.nodeOf(key, owner);
        return REPLACED;
      }
    }
    let value = 0;
    try {
      if (key === 0) key = this.makeKey(words, from);
      if (owner === 0) owner = this.#makeOwner(uuid, at);
      value = this.#valueFor(key, words, from);
      if (this.arena.words[key + NODE_OWNER] === 0 && this.log === undefined && this.observers.length === 0) {
        this.#insertFirst(key, owner, value);
        return ADDED;
      }
      this.#insert(key, owner, value, false);
    } catch (error) {
      // Out of memory, or a policy threw. If the flow is in already, the log takes it out again.
      if (value !== 0 && this.nodeOf(key, owner) === 0) this.values.release(value);
      if (owner !== 0) this.#dropOwnerIfEmpty(owner);
      if (key !== 0) this.dropIfIdle(key);
      throw error;
    }
    this.lastNode = this.nodeOf(key, owner);
    return ADDED;
  }

  /** The node of an owner at a key gets the value of the packed flow at `words[from]`, which differs from its own. */
  changeValue(node: number, key: number, words: Int32Array, from: number): void {
    if (node === key && this.isFar && this.core.change(node, words, from) !== BAIL) return;
    this.#assign(node, key, this.#valueFor(key, words, from));
  }

  /** The value of a packed flow, counted for the caller: the installed one if it is the same (K4). */
  #valueFor(key: number, words: Int32Array, from: number): number {
    const m = this.arena.words;
    const installed = m[key + KEY_INSTALLED] as number;
    // The present value has been looked at already.
    if (installed === 0 || installed === m[key + NODE_VALUE] || !this.values.equalsPacked(installed, words, from)) {
      return this.values.acquire(words, from);
    }
    this.values.retain(installed);
    return installed;
  }

  /** The usual case of {@link #insert}, by hand: nobody wants the key so far, and nobody watches. */
  #insertFirst(key: number, owner: number, value: number): void {
    const m = this.arena.words;
    const flags = m[key + KEY_FLAGS] as number;
    if ((flags & (DIRTY | REFUSED)) !== DIRTY) this.markDirty(key, flags);
    if (!this.values.isPlain(value)) m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) | FORMS;
    m[key + NODE_OWNER] = owner;
    m[key + NODE_VALUE] = value;
    this.#link(key, owner);
    this.keyCount++;
    this.lastNode = key;
  }

  /** Is it up to nobody else what becomes of a flow that has a key for itself? Then {@link core} may do it. */
  get isUsual(): boolean {
    return this.log === undefined && this.observers.length === 0 && !this.#ordered && !this.#merging;
  }

  /**
   * May {@link core} replace values, and is it worth it? Not while everything is in the processor's caches: what it needs has to be
   * copied into the arena first.
   */
  get isFar(): boolean {
    return this.arena.top > NEAR_WORDS && this.isUsual;
  }

  /** Has nobody else to hear of what is installed, and of what is freed? */
  get isUsualToConfirm(): boolean {
    const isLent = this.arena.words[LENT_COUNT] !== 0;
    return !isLent && this.log === undefined && this.observers.length === 0 && this.freshKeys === undefined;
  }

  /** Takes everything that an owner wants away. Returns how many flows that were. */
  removeOwner(owner: number): number {
    let m = this.arena.words;
    const count = (m[owner] as number) & KIND_REST;
    const simple = this.observers.length === 0 && this.log === undefined;
    let node = m[owner + OWNER_FIRST] as number;
    for (let i = 0; i < count; i++) {
      const next = m[node + NODE_NEXT] as number;
      if ((m[node] as number) >>> KIND_SHIFT === KIND_KEY && m[node + KEY_OTHERS] === 0 && simple) {
        // The usual case, by hand: the only contender of a key.
        const flags = m[node + KEY_FLAGS] as number;
        if ((flags & (DIRTY | REFUSED)) !== DIRTY) this.markDirty(node, flags);
        const value = m[node + NODE_VALUE] as number;
        m[node + NODE_OWNER] = 0;
        m[node + NODE_VALUE] = 0;
        this.values.release(value);
        this.keyCount--;
        if (m[node + KEY_INSTALLED] === 0) this.dropIfIdle(node);
      } else {
        const key = (m[node] as number) >>> KIND_SHIFT === KIND_KEY ? node : (m[node + CONTENDER_KEY] as number);
        this.log?.record(owner, key, this.#pinned(m[node + NODE_VALUE] as number));
        this.#detach(node, key);
        this.dropIfIdle(key);
        m = this.arena.words;
      }
      node = next;
    }
    this.size -= count;
    m[owner] = KIND_OWNER << KIND_SHIFT;
    m[owner + OWNER_FIRST] = 0;
    if (count > 0) this.ownerCount--;
    this.#dropOwnerIfEmpty(owner);
    return count;
  }

  /** Takes one node away; drops what is no longer needed. */
  removeNode(node: number, key: number): void {
    const m = this.arena.words;
    const owner = m[node + NODE_OWNER] as number;
    this.#takeOut(node, key, false);
    this.dropIfIdle(key);
    this.#dropOwnerIfEmpty(owner);
  }

  /** The OWNER whose UUID is `uuid[at …]`, 0 = none. */
  findOwner(uuid: Int32Array, at: number): number {
    const m = this.arena.words;
    const a = uuid[at] as number;
    const b = uuid[at + 1] as number;
    const c = uuid[at + 2] as number;
    const d = uuid[at + 3] as number;
    const last = m[LAST_OWNER] as number;
    if (last !== 0 && (m[last] as number) >>> KIND_SHIFT === KIND_OWNER) {
      if (m[last + 1] === a && m[last + 2] === b && m[last + 3] === c && m[last + 4] === d) return last;
    }
    const hash = this.hash.hash(a, 0, uuid, at + 1, 3);
    const owners = this.owners;
    let slot = owners.start(hash);
    for (;;) {
      const owner = m[slot + 1] as number;
      if (owner === 0) {
        this.#ownerSlot = slot;
        this.#ownerHash = hash;
        return 0;
      }
      if (m[slot] === hash && m[owner + 1] === a && m[owner + 2] === b && m[owner + 3] === c && m[owner + 4] === d) {
        m[LAST_OWNER] = owner;
        return owner;
      }
      slot = owners.after(slot, hash);
    }
  }

  /** The node of `owner` at `key`, 0 = none. */
  nodeOf(key: number, owner: number): number {
    const m = this.arena.words;
    if (m[key + NODE_OWNER] === owner) return key;
    for (let other = m[key + KEY_OTHERS] as number; other !== 0; other = m[other + CONTENDER_NEXT] as number) {
      if (m[other + NODE_OWNER] === owner) return other;
    }
    return 0;
  }

  /** Is it right that the contender at `before` stands before the one at `after`? For the audit. */
  inOrder(before: number, after: number): boolean {
    const m = this.arena.words;
    return this.#before(before, this.keyOfNode(after), m[after + NODE_OWNER] as number, m[after + NODE_VALUE] as number);
  }

  /** Class of instruction bytes outside the arena. */
  classOfBytes(bytes: Uint8Array): number {
    return instructionsClass(bytes, 0, bytes.length);
  }

  keyOfNode(node: number): number {
    const m = this.arena.words;
    return (m[node] as number) >>> KIND_SHIFT === KIND_KEY ? node : (m[node + CONTENDER_KEY] as number);
  }

  /** Does a contender of this key stay where it is when it gets another value? */
  keepsPlace(key: number): boolean {
    return this.arena.words[key + KEY_OTHERS] === 0 || !(this.#ordered || this.#merging);
  }

  /** The nodes of a key in the order of the policy, the winner first. */
  nodesOf(key: number): number[] {
    const m = this.arena.words;
    const nodes: number[] = [];
    if (m[key + NODE_OWNER] !== 0) nodes.push(key);
    for (let other = m[key + KEY_OTHERS] as number; other !== 0; other = m[other + CONTENDER_NEXT] as number) {
      if (m[other + NODE_OWNER] !== 0) nodes.push(other);
    }
    return nodes;
  }

  isMarked(node: number): boolean {
    const m = this.arena.words;
    if ((m[node] as number) >>> KIND_SHIFT === KIND_KEY) return ((m[node + KEY_FLAGS] as number) & MARKED) !== 0;
    return ((m[node] as number) & CONTENDER_MARKED) !== 0;
  }

  /** Marks a node as given again in the current replacement, or takes the mark away. */
  mark(node: number, on: boolean): void {
    const m = this.arena.words;
    const at = (m[node] as number) >>> KIND_SHIFT === KIND_KEY ? node + KEY_FLAGS : node;
    const bit = at === node ? CONTENDER_MARKED : MARKED;
    m[at] = on ? (m[at] as number) | bit : (m[at] as number) & ~bit;
  }

  ownerId(owner: number): OwnerId {
    return formatOwner(this.arena.words, owner + OWNER_UUID);
  }

  contender(node: number): Contender {
    const m = this.arena.words;
    return {
      owner: this.ownerId(m[node + NODE_OWNER] as number),
      flow: this.flow(this.keyOfNode(node), m[node + NODE_VALUE] as number),
    };
  }

  #pinned(value: number): number {
    this.values.retain(value);
    return value;
  }

  /** Makes an OWNER that {@link findOwner} has just not found. */
  #makeOwner(uuid: Int32Array, at: number): number {
    const owner = this.arena.allocate(OWNER_WORDS);
    const m = this.arena.words;
    m[owner] = KIND_OWNER << KIND_SHIFT;
    for (let i = 0; i < 4; i++) m[owner + OWNER_UUID + i] = uuid[at + i] as number;
    m[owner + OWNER_FIRST] = 0;
    m[owner + OWNER_HASH] = this.#ownerHash;
    try {
      this.owners.insert(this.#ownerSlot, this.#ownerHash, owner);
    } catch (error) {
      this.arena.free(owner, OWNER_WORDS);
      throw error;
    }
    m[LAST_OWNER] = owner;
    return owner;
  }

  #dropOwnerIfEmpty(owner: number): void {
    if (((this.arena.words[owner] as number) & KIND_REST) !== 0) return;
    if (this.log !== undefined) this.log.emptied.add(owner);
    else this.#dropOwner(owner);
  }

  #dropOwner(owner: number): void {
    const m = this.arena.words;
    this.owners.remove(m[owner + OWNER_HASH] as number, owner);
    this.arena.free(owner, OWNER_WORDS);
  }

  /** Gives a node another value (counted for us). */
  #assign(node: number, key: number, value: number): void {
    const m = this.arena.words;
    const old = m[node + NODE_VALUE] as number;
    if (!this.keepsPlace(key)) {
      // Its place among the contenders may change with it.
      const owner = m[node + NODE_OWNER] as number;
      this.log?.record(owner, key, this.#pinned(old));
      this.#takeOut(node, key, true);
      this.#insert(key, owner, value, true);
      return;
    }
    this.log?.record(m[node + NODE_OWNER] as number, key, this.#pinned(old));
    if (node === key) {
      if (this.observers.length === 0) this.touch(key);
      else this.changing(key);
    }
    m[node + NODE_VALUE] = value;
    this.values.release(old);
    if (node === key && !this.values.isPlain(value)) m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) | FORMS;
  }

  /** Adds a contender; `quiet` = not to the log. Its place is found before anything is changed. */
  #insert(key: number, owner: number, value: number, quiet: boolean): void {
    let m = this.arena.words;
    if (m[key + NODE_OWNER] === 0) {
      if (!quiet) this.log?.record(owner, key, 0);
      if (this.observers.length === 0) this.touch(key);
      else this.changing(key);
      m[key + NODE_OWNER] = owner;
      m[key + NODE_VALUE] = value;
      this.#link(key, owner);
      this.keyCount++;
      if (m[key + KEY_INSTALLED] !== 0) this.unify(key);
      else if (!this.values.isPlain(value)) m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) | FORMS;
      return;
    }
    // Behind which of the present contenders?
    let previous = 0;
    for (let node = key; node !== 0 && this.#before(node, key, owner, value); node = contenderAfter(this.arena.words, node))
      previous = node;
    const merging = this.#mayMerge(key);
    if (merging && this.observers.length > 0) this.wantedValue(key);
    const block = this.arena.allocate(CONTENDER_WORDS);
    m = this.arena.words;
    if (!quiet) this.log?.record(owner, key, 0);
    if (previous === 0 || merging) this.changing(key);
    const bytes = merging ? unmerge(this, key) : 0;
    m[block] = KIND_CONTENDER << KIND_SHIFT;
    m[block + CONTENDER_KEY] = key;
    if (previous === 0) {
      // The winner of up to now steps back.
      m[block + NODE_OWNER] = m[key + NODE_OWNER] as number;
      m[block + NODE_VALUE] = m[key + NODE_VALUE] as number;
      this.#relink(key, block);
      if (((m[key + KEY_FLAGS] as number) & MARKED) !== 0) m[block] = (m[block] as number) | CONTENDER_MARKED;
      m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) & ~MARKED;
      m[block + CONTENDER_NEXT] = m[key + KEY_OTHERS] as number;
      m[key + KEY_OTHERS] = block;
      m[key + NODE_OWNER] = owner;
      m[key + NODE_VALUE] = value;
      this.#link(key, owner);
      this.unify(key);
    } else {
      m[block + NODE_OWNER] = owner;
      m[block + NODE_VALUE] = value;
      const link = previous === key ? key + KEY_OTHERS : previous + CONTENDER_NEXT;
      m[block + CONTENDER_NEXT] = m[link] as number;
      m[link] = block;
      this.#link(block, owner);
    }
    if (merging) this.#merge(key, bytes === 0 ? 0 : bytes + this.values.instructionsLength(value));
  }

  /** Does the contender at `node` stand before one of `owner` with `value`? */
  #before(node: number, key: number, owner: number, value: number): boolean {
    const m = this.arena.words;
    const other = m[node + NODE_OWNER] as number;
    if (this.#ordered) {
      const theirs = m[node + NODE_VALUE] as number;
      if (this.policy.classes === true) {
        const difference = this.values.classOf(theirs) - this.values.classOf(value);
        if (difference !== 0) return difference < 0;
      } else if (this.policy.compare !== undefined) {
        const candidate: Contender = { owner: this.ownerId(owner), flow: this.flow(key, value) };
        try {
          const order = this.policy.compare(this.contender(node), candidate);
          if (order < 0) return true;
          if (order > 0) return false;
        } catch (error) {
          // While undoing there is no way to refuse: what cannot be compared falls back on the UUIDs.
          if (!this.#undoing) throw error;
        }
      }
    }
    for (let i = OWNER_UUID; i < OWNER_UUID + 4; i++) {
      const a = m[other + i] as number;
      const b = m[owner + i] as number;
      if (a !== b) return a >>> 0 < b >>> 0;
    }
    return true;
  }

  /** Removes a node from its key and its owner's ring; the log is written unless `quiet`. Does not drop key or owner. */
  #takeOut(node: number, key: number, quiet: boolean): void {
    const m = this.arena.words;
    const owner = m[node + NODE_OWNER] as number;
    if (!quiet) this.log?.record(owner, key, this.#pinned(m[node + NODE_VALUE] as number));
    this.#unlink(node, owner);
    this.#detach(node, key);
  }

  /** Removes a node that is in no ring any more from its key. */
  #detach(node: number, key: number): void {
    const merging = this.#mayMerge(key);
    if (merging && this.observers.length > 0 && !this.#undoing) this.wantedValue(key);
    const m = this.arena.words;
    if (node === key || merging) this.changing(key);
    const bytes = merging ? unmerge(this, key) : 0;
    this.values.release(m[node + NODE_VALUE] as number);
    if (node === key) {
      m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) & ~MARKED;
      const next = m[key + KEY_OTHERS] as number;
      if (next === 0) {
        m[key + NODE_OWNER] = 0;
        m[key + NODE_VALUE] = 0;
        this.keyCount--;
        return;
      }
      m[key + KEY_OTHERS] = m[next + CONTENDER_NEXT] as number;
      m[key + NODE_OWNER] = m[next + NODE_OWNER] as number;
      m[key + NODE_VALUE] = m[next + NODE_VALUE] as number;
      if (((m[next] as number) & CONTENDER_MARKED) !== 0) m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) | MARKED;
      this.#relink(next, key);
      this.arena.free(next, CONTENDER_WORDS);
      this.unify(key);
    } else {
      let link = key + KEY_OTHERS;
      while (m[link] !== node) link = (m[link] as number) + CONTENDER_NEXT;
      m[link] = m[node + CONTENDER_NEXT] as number;
      this.arena.free(node, CONTENDER_WORDS);
    }
    // Behind a winner that is not merged there may be some that are.
    if (merging || (node === key && this.#merging)) this.#merge(key, bytes);
  }

  /** Can what is wanted at a key depend on its other contenders too? */
  #mayMerge(key: number): boolean {
    if (!this.#merging) return false;
    return (
      this.policy.merge !== undefined || this.values.classOf(this.arena.words[key + NODE_VALUE] as number) === CLASS_CONJUNCTION
    );
  }

  /**
   * Merges the contenders of a key, if the policy says so: a user's policy at once, because it may throw; conjunctions when somebody asks
   * ({@link mergeNow}), so that many owners of one key cost no merge each. `bytes`: most that conjunctions come to, 0 = not known.
   */
  #merge(key: number, bytes: number): void {
    if (this.arena.words[key + KEY_OTHERS] !== 0 && !this.#undoing) this.#mergeOrThrow(key, bytes);
    else if (this.arena.words[key + KEY_OTHERS] !== 0) {
      try {
        this.#mergeOrThrow(key, bytes);
      } catch {
        // While undoing there is no way to refuse: what cannot be merged stands as it is.
      }
    }
    this.unify(key);
  }

  #mergeOrThrow(key: number, bytes: number): void {
    if (this.policy.classes !== true) {
      const packed = mergedFlow(this, key);
      if (packed === undefined) return;
      this.reserve(packed.words, 0);
      const block = this.arena.allocate(CONTENDER_WORDS);
      try {
        linkMerged(this, key, block, this.values.acquire(packed.words, 0), 0);
      } catch (error) {
        this.arena.free(block, CONTENDER_WORDS);
        throw error;
      }
      return;
    }
    if (this.values.classOf(this.arena.words[key + NODE_VALUE] as number) !== CLASS_CONJUNCTION) return;
    const most = bytes === 0 ? conjunctionBytes(this, key) : bytes;
    if (!this.#undoing) this.arena.ensure(CONTENDER_WORDS + ValueStore.wordsFor(most));
    linkMerged(this, key, this.arena.allocate(CONTENDER_WORDS), 0, most);
    // It may be more than fits a flow-mod: that has to be said now.
    if (most > MAX_FLOW_BYTES) this.mergeNow(key);
  }

  override mergeNow(key: number): number {
    const packed = mergedFlow(this, key) as FlowList;
    this.reserve(packed.words, 0);
    const value = this.values.acquire(packed.words, 0);
    const m = this.arena.words;
    const block = m[key + KEY_OTHERS] as number;
    m[block + NODE_VALUE] = value;
    m[block + MERGED_BYTES] = this.values.instructionsLength(value);
    this.unify(key);
    return m[block + NODE_VALUE] as number;
  }

  /** Appends a node to the ring of its owner. */
  #link(node: number, owner: number): void {
    const m = this.arena.words;
    const head = m[owner] as number;
    const first = m[owner + OWNER_FIRST] as number;
    m[owner] = head + 1;
    this.size++;
    if (first === 0) {
      m[owner + OWNER_FIRST] = node;
      m[node + NODE_NEXT] = node;
      m[node + NODE_PREVIOUS] = node;
      this.ownerCount++;
      return;
    }
    const last = m[first + NODE_PREVIOUS] as number;
    m[node + NODE_NEXT] = first;
    m[node + NODE_PREVIOUS] = last;
    m[last + NODE_NEXT] = node;
    m[first + NODE_PREVIOUS] = node;
  }

  #unlink(node: number, owner: number): void {
    const m = this.arena.words;
    m[owner] = (m[owner] as number) - 1;
    this.size--;
    const next = m[node + NODE_NEXT] as number;
    if (next === node) {
      m[owner + OWNER_FIRST] = 0;
      this.ownerCount--;
      return;
    }
    const previous = m[node + NODE_PREVIOUS] as number;
    m[next + NODE_PREVIOUS] = previous;
    m[previous + NODE_NEXT] = next;
    if (m[owner + OWNER_FIRST] === node) m[owner + OWNER_FIRST] = next;
  }

  /** Moves a node to the end of its owner's ring. */
  moveToEnd(node: number): void {
    const m = this.arena.words;
    const owner = m[node + NODE_OWNER] as number;
    const first = m[owner + OWNER_FIRST] as number;
    if (first === node) m[owner + OWNER_FIRST] = m[node + NODE_NEXT] as number;
    else if (m[first + NODE_PREVIOUS] !== node) {
      this.#unlink(node, owner);
      this.#link(node, owner);
    }
  }

  /** The block `to` takes the place of `from` in the ring of the owner they stand for. */
  #relink(from: number, to: number): void {
    const m = this.arena.words;
    const owner = m[from + NODE_OWNER] as number;
    const next = m[from + NODE_NEXT] as number;
    const previous = m[from + NODE_PREVIOUS] as number;
    if (next === from) {
      m[to + NODE_NEXT] = to;
      m[to + NODE_PREVIOUS] = to;
    } else {
      m[to + NODE_NEXT] = next;
      m[to + NODE_PREVIOUS] = previous;
      m[next + NODE_PREVIOUS] = to;
      m[previous + NODE_NEXT] = to;
    }
    if (m[owner + OWNER_FIRST] === from) m[owner + OWNER_FIRST] = to;
  }
}
