import { Flow, type FlowKey } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";
import { Arena } from "./arena.ts";
import { ChangeList, ChunkMemory } from "./change-list.ts";
import { cookieOf, type FlowList } from "./flow-list.ts";
import { HashIndex } from "./hash-index.ts";
import { KeyedHash } from "./keyed-hash.ts";
import {
  ARENA_START,
  CONTENDER_COUNT,
  DIRTY,
  EPOCH,
  FLOW_DATA,
  FLOW_ID,
  FLOW_LENGTHS,
  FORMS,
  FRESH,
  FRESH_DIRTY,
  IN_FLIGHT,
  KEY_COUNT,
  KEY_FLAGS,
  KEY_HASH,
  KEY_ID,
  KEY_ID_MASK,
  KEY_INSTALLED,
  KEY_MATCH,
  KEY_OTHERS,
  KEYS_INDEX,
  KIND_KEY,
  KIND_REST,
  KIND_SHIFT,
  LAST_NODE,
  LENGTH_MASK,
  MERGED,
  NEW_KEY_FLAGS,
  NEXT_EPOCH,
  NODE_OWNER,
  NODE_VALUE,
  OBSERVED,
  OWNER_COUNT,
  REFUSED,
  SCRATCH,
  SCRATCH_DIRTY,
  SECRET_COUNT,
  SECRETS,
  UNKNOWN,
} from "./layout.ts";
import type { RefList } from "./ref-list.ts";
import { sameWords } from "./same-words.ts";
import { blockSizeAt } from "./store-scan.ts";
import { UndoLog } from "./undo-log.ts";
import { ValueStore } from "./value-store.ts";

export interface StoreOptions {
  /** Limit of the arena; default and most 4 GiB. */
  readonly maxBytes?: number;
  /** Seed of the hashes; default: random, one per process. */
  readonly hashSeed?: readonly number[];
}

/** What a comparison asks for; one more than the index in `FLOW_MOD_COMMANDS`. */
export const NOTHING = 0;
export const ADD = 1;
export const MODIFY = 2;
export const DELETE = 3;

/** Keys whose records are read together before they are worked on ({@link KeyStore.readAhead}). */
export const AHEAD = 16;

/** Words an operation may need beyond the flow itself: a few splits of each index. */
const SLACK_WORDS = 4096;
/** What a flow may take besides its own words: the heads of KEY, VALUE and CONTENDER. */
const PER_FLOW_WORDS = 32;
/** A KEY with one of these is kept though nobody wants it and nothing is installed. */
const KEEP: number = IN_FLIGHT | UNKNOWN | OBSERVED | FRESH;
/** So many keys may wait to be compared before those that nobody needs any more are looked for among them. */
const WAITING_UNSWEPT = 4096;

/** Words that putting `count` packed flows of `length` words altogether takes at most. */
function mostWords(length: number, count: number): number {
  return SLACK_WORDS + length + count * (PER_FLOW_WORDS + 2) + 2 * HashIndex.wordsFor(count);
}

/** Hears of every key whose winner is about to change. */
export interface StoreObserver {
  /** `key` is about to get another winner. */
  changing(key: number): void;
  /** Does it still need the KEY block? */
  holds(key: number): boolean;
}

/**
 * The KEYs of a store: finding and making them, what is wanted and installed at each, which of them changed. Works on refs and packed
 * flows ({@link FlowList}); objects are made only by the methods that say so. The layout and its invariants are in layout.ts.
 */
export abstract class KeyStore {
  readonly arena: Arena;
  readonly values: ValueStore;
  readonly keys: HashIndex;
  readonly hash: KeyedHash;
  /** Keys known to be installed. */
  installedCount = 0;
  readonly chunkMemory: ChunkMemory = new ChunkMemory();
  #waiting: ChangeList = new ChangeList(this.chunkMemory);
  /** Does anybody ask for changes? Not of a table that only says what some switch holds: then no key becomes DIRTY. */
  tracksChanges = true;
  observers: StoreObserver[] = [];
  /** Open while a transaction runs. */
  log: UndoLog | undefined;
  /** Keys that became FRESH while a read-back is open. */
  freshKeys: RefList | undefined;
  /** What {@link readAhead} read: kept, so that no compiler takes the reading away. */
  ahead = 0;
  /** The KEYs from here up to `#sweepEnd` may be of an older epoch. */
  #sweepAt: number = ARENA_START;
  #sweepEnd: number = ARENA_START;
  /** Epochs that KEYs may be of besides the present one. */
  #oldEpochs = 0;
  /** Keys that stay only because they wait to be compared, about. */
  #idle = 0;
  #slot = 0;
  #hashFound = 0;

  constructor(options: StoreOptions = {}) {
    this.arena = new Arena(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes });
    this.values = new ValueStore(this.arena);
    this.hash = new KeyedHash(options.hashSeed);
    this.hash.copySecrets(this.arena.words, SECRETS, SECRET_COUNT);
    this.keys = new HashIndex(this.arena, KEYS_INDEX);
  }

  /** Keys that somebody wants. */
  get keyCount(): number {
    return this.arena.words[KEY_COUNT] as number;
  }

  set keyCount(count: number) {
    this.arena.words[KEY_COUNT] = count;
  }

  /** Contenders of all keys. */
  get size(): number {
    return this.arena.words[CONTENDER_COUNT] as number;
  }

  set size(count: number) {
    this.arena.words[CONTENDER_COUNT] = count;
  }

  /** Owners that want something. */
  get ownerCount(): number {
    return this.arena.words[OWNER_COUNT] as number;
  }

  set ownerCount(count: number) {
    this.arena.words[OWNER_COUNT] = count;
  }

  /** The node that the last {@link put} found or made. */
  get lastNode(): number {
    return this.arena.words[LAST_NODE] as number;
  }

  set lastNode(node: number) {
    this.arena.words[LAST_NODE] = node;
  }

  /** What was learnt in an older epoch is not known any more. */
  get epoch(): number {
    return this.arena.words[NEW_KEY_FLAGS] as number;
  }

  set epoch(epoch: number) {
    this.arena.words[NEW_KEY_FLAGS] = epoch;
  }

  /** Keys that became DIRTY since the last round began. */
  get waiting(): ChangeList {
    if (this.arena.words[FRESH_DIRTY] !== 0) this.#takeFreshDirty();
    return this.#waiting;
  }

  set waiting(list: ChangeList) {
    this.#waiting = list;
  }

  /** What the WebAssembly code has made DIRTY joins the others that wait. */
  #takeFreshDirty(): void {
    const m = this.arena.words;
    const from = (m[SCRATCH] as number) + SCRATCH_DIRTY;
    const end = from + (m[FRESH_DIRTY] as number);
    m[FRESH_DIRTY] = 0;
    const list = this.#waiting;
    for (let i = from; i < end; i++) {
      const key = m[i] as number;
      list.push(((m[key] as number) >>> 16) & 0xff, key);
    }
  }

  /** Asks for the memory that putting this packed flow may take. Throws `CAPACITY`. */
  reserve(words: Int32Array, at: number): void {
    const lengths = words[at + FLOW_LENGTHS] as number;
    this.#ensure(SLACK_WORDS + (((lengths & LENGTH_MASK) + (lengths >>> 16)) >>> 2) * 2);
  }

  /** Asks for the memory that putting `count` packed flows of `length` words may take. False = it may yet fail. */
  reserveList(length: number, count: number): boolean {
    return this.#ensure(mostWords(length, count));
  }

  /** Likewise, but near the limit false instead of `CAPACITY`: they may need less. */
  reserveIfRoom(length: number, count: number): boolean {
    return !this.arena.isNearLimit(mostWords(length, count)) && this.arena.ensure(mostWords(length, count));
  }

  #ensure(words: number): boolean {
    // Near the limit, what waits but is not needed any more goes at once.
    if (this.#idle > this.waiting.length >>> 2 && this.arena.isNearLimit(words)) this.#sweepAll();
    return this.arena.ensure(words);
  }

  isKey(ref: number): boolean {
    return (this.arena.words[ref] as number) >>> KIND_SHIFT === KIND_KEY;
  }

  /** The KEY of the packed flow at `words[at]`, 0 = none. Remembers where it would have to be inserted. */
  findKey(words: Int32Array, at: number): number {
    const id = words[at + FLOW_ID] as number;
    const length = (words[at + FLOW_LENGTHS] as number) & LENGTH_MASK;
    const count = (length + 3) >>> 2;
    const data = at + FLOW_DATA;
    const hash = this.hash.hash(id, length, words, data, count);
    this.#hashFound = hash;
    const m = this.arena.words;
    const keys = this.keys;
    let slot = keys.start(hash);
    for (;;) {
      const key = m[slot + 1] as number;
      if (key === 0) {
        this.#slot = slot;
        return 0;
      }
      if (m[slot] === hash && this.keyEquals(key, words, at)) return key;
      slot = keys.after(slot, hash);
    }
  }

  /** Is `key` the key of the packed flow at `words[at]`? */
  keyEquals(key: number, words: Int32Array, at: number): boolean {
    const m = this.arena.words;
    if (((m[key + KEY_ID] as number) & KEY_ID_MASK) !== words[at + FLOW_ID]) return false;
    const length = (words[at + FLOW_LENGTHS] as number) & LENGTH_MASK;
    if (((m[key + KEY_FLAGS] as number) & LENGTH_MASK) !== length) return false;
    return sameWords(m, key + KEY_MATCH, words, at + FLOW_DATA, (length + 3) >>> 2);
  }

  /** The KEY of the packed flow at `words[at]`, made if there is none. Memory must have been reserved. */
  findOrMakeKey(words: Int32Array, at: number): number {
    return this.findKey(words, at) || this.makeKey(words, at);
  }

  /** Flows of an OWNER. */
  sizeOf(owner: number): number {
    return (this.arena.words[owner] as number) & KIND_REST;
  }

  /** Has a KEY that nobody wants and that is not installed a reason to exist? For the audit. */
  hasReason(key: number): boolean {
    const flags = this.arena.words[key + KEY_FLAGS] as number;
    return (flags & (KEEP | DIRTY)) !== 0 || this.log !== undefined || this.#isObserved(key);
  }

  /** The value that should be installed at `key`, 0 = none. Throws `CAPACITY` if it has to be merged and there is no memory for it. */
  wantedValue(key: number): number {
    const m = this.arena.words;
    if (((m[key + KEY_FLAGS] as number) & MERGED) === 0) return m[key + NODE_VALUE] as number;
    return (m[(m[key + KEY_OTHERS] as number) + NODE_VALUE] as number) || this.mergeNow(key);
  }

  /** Makes the merged value of a key that is MERGED and has none yet; returns it. Throws `CAPACITY`. */
  abstract mergeNow(key: number): number;

  /** The value that a flow-mod shows: the one that is wanted, or of a delete the one that goes. 0 = not known. */
  valueToSend(key: number, operation: number): number {
    return operation === DELETE ? (this.arena.words[key + KEY_INSTALLED] as number) : this.wantedValue(key);
  }

  /** What has to be done so that the switch holds what is wanted at `key`. */
  operationFor(key: number): number {
    let m = this.arena.words;
    let flags = m[key + KEY_FLAGS] as number;
    let wanted = m[key + NODE_VALUE] as number;
    if ((flags & MERGED) !== 0) {
      wanted = this.wantedValue(key);
      m = this.arena.words;
      flags = m[key + KEY_FLAGS] as number;
    }
    const installed = m[key + KEY_INSTALLED] as number;
    if ((flags & (UNKNOWN | EPOCH)) !== this.epoch && this.isUnknown(key)) return wanted === 0 ? DELETE : ADD;
    return wanted === installed ? NOTHING : this.operationBetween(wanted, installed, flags);
  }

  /**
   * NOTHING, DELETE, or ADD for an ADD or MODIFY: as much of {@link operationFor} as it takes to put a key in order, mostly without
   * reading the values. Two that are wanted and installed under different refs differ (K4), unless other bytes may mean the same.
   */
  stageOf(key: number): number {
    const m = this.arena.words;
    const flags = m[key + KEY_FLAGS] as number;
    if ((flags & (MERGED | UNKNOWN | EPOCH | FORMS)) !== (m[NEW_KEY_FLAGS] as number)) return this.operationFor(key);
    const wanted = m[key + NODE_VALUE] as number;
    if (wanted === m[key + KEY_INSTALLED]) return NOTHING;
    return wanted === 0 ? DELETE : ADD;
  }

  /** Likewise for a key with these flags, which wants one value and has another, both of which are known. */
  operationBetween(wanted: number, installed: number, flags: number): number {
    if (wanted === 0) return DELETE;
    if (installed === 0) return ADD;
    if (!this.values.sameAttributes(wanted, installed)) return ADD;
    return (flags & FORMS) !== 0 && this.values.sameInstructions(wanted, installed) ? NOTHING : MODIFY;
  }

  /**
   * Reads the records of some keys, and of their values, that are about to be worked on one by one. The reads do not depend on
   * each other, so the processor waits for all of them together and not for each in turn.
   */
  readAhead(keys: Int32Array, from: number, to: number): void {
    const m = this.arena.words;
    let seen = 0;
    for (let i = from; i < to; i++) {
      const key = keys[i] as number;
      seen ^= (m[key] as number) ^ (m[key + KEY_HASH] as number);
    }
    for (let i = from; i < to; i++) {
      const key = keys[i] as number;
      // A ref in a list may be out of date.
      if ((m[key] as number) >>> KIND_SHIFT !== KIND_KEY) continue;
      seen ^= (m[m[key + NODE_VALUE] as number] as number) ^ (m[m[key + KEY_INSTALLED] as number] as number);
    }
    this.ahead = seen;
  }

  /** Likewise, but only as much of the records as {@link stageOf} takes. All must be KEYs. */
  readHeadsAhead(keys: Int32Array, from: number, to: number): void {
    const m = this.arena.words;
    let seen = 0;
    for (let i = from; i < to; i++) seen ^= (m[keys[i] as number] as number) ^ (m[(keys[i] as number) + KEY_INSTALLED] as number);
    this.ahead = seen;
  }

  /** Likewise the places in the index of keys that are about to be dropped. */
  readIndexAhead(keys: Int32Array, from: number, to: number): void {
    const m = this.arena.words;
    let seen = 0;
    for (let i = from; i < to; i++) seen ^= m[this.keys.start(m[(keys[i] as number) + KEY_HASH] as number)] as number;
    this.ahead = seen;
  }

  /** Makes `key` wait for the next round, and gives a refused one another chance. */
  touch(key: number): void {
    const flags = this.arena.words[key + KEY_FLAGS] as number;
    if ((flags & (DIRTY | REFUSED)) !== DIRTY) this.markDirty(key, flags);
  }

  /** Frees a KEY that nothing needs any more; if it waits to be compared, only then. */
  dropIfIdle(key: number): void {
    const m = this.arena.words;
    const flags = m[key + KEY_FLAGS] as number;
    if (m[key + NODE_OWNER] !== 0 || m[key + KEY_INSTALLED] !== 0 || (flags & KEEP) !== 0 || this.log !== undefined) return;
    if (this.observers.length !== 0 && this.#isObserved(key)) return;
    if ((flags & DIRTY) === 0) this.#dropKey(key, flags);
    else {
      this.#idle++;
      if (this.waiting.length > WAITING_UNSWEPT) this.#sweep(((m[key] as number) >>> 16) & 0xff, 2);
    }
  }

  #dropKey(key: number, flags: number): void {
    this.keys.remove(this.arena.words[key + KEY_HASH] as number, key);
    this.arena.free(key, KEY_MATCH + (((flags & LENGTH_MASK) + 3) >>> 2));
  }

  /**
   * For each key that stays only because it waits, two of the same table are looked at, the first one of them first: so that if no
   * round ever comes, at most half of those that wait are such keys.
   */
  #sweep(table: number, count: number, needed?: ReadonlySet<number>): void {
    const m = this.arena.words;
    for (let i = 0; i < count; i++) {
      const key = this.waiting.take(table);
      if (key === 0) return;
      const flags = m[key + KEY_FLAGS] as number;
      const idle = m[key + NODE_OWNER] === 0 && m[key + KEY_INSTALLED] === 0 && (flags & KEEP) === 0;
      if (idle && needed?.has(key) !== true && !(this.observers.length !== 0 && this.#isObserved(key))) {
        this.#dropKey(key, flags);
        if (this.#idle > 0) this.#idle--;
      } else this.waiting.push(table, key);
    }
  }

  #sweepAll(): void {
    this.#idle = 0;
    const needed = this.log?.keys();
    for (const [table, count] of this.waiting.counts()) this.#sweep(table, count, needed);
  }

  #isObserved(key: number): boolean {
    return this.observers.some((observer) => observer.holds(key));
  }

  /**
   * Records what is installed at `key`: `value` (whose count the caller has raised for us) or 0, known for sure or not.
   * Keeps the rules K4 and K5; does not drop the key.
   */
  setInstalled(key: number, value: number, unknown: boolean): void {
    const m = this.arena.words;
    const old = m[key + KEY_INSTALLED] as number;
    let flags = m[key + KEY_FLAGS] as number;
    if (old !== 0 && (flags & (UNKNOWN | EPOCH)) === this.epoch) this.installedCount--;
    if (value !== 0 && !unknown) this.installedCount++;
    flags = (flags & ~(UNKNOWN | EPOCH)) | this.epoch | (unknown ? UNKNOWN : 0);
    if (value !== 0 && !this.values.isPlain(value)) flags |= FORMS;
    m[key + KEY_FLAGS] = flags;
    m[key + KEY_INSTALLED] = value;
    if (old !== 0) this.values.release(old);
    if (value !== 0) this.unify(key);
    if ((flags & (DIRTY | IN_FLIGHT | REFUSED)) === 0 && this.tracksChanges && this.operationFor(key) !== NOTHING) {
      this.touch(key);
    }
    if (this.freshKeys !== undefined) this.#noteFresh(key, this.freshKeys);
  }

  /** The value of the packed flow at `words[at]`, shared with what the key wants or has where the bytes are the same; its count raised. */
  valueToInstall(key: number, words: Int32Array, at: number): number {
    const wanted = this.wantedValue(key);
    if (wanted !== 0 && this.values.equalsPacked(wanted, words, at)) {
      this.values.retain(wanted);
      return wanted;
    }
    const known = this.arena.words[key + KEY_INSTALLED] as number;
    if (known !== 0 && this.values.equalsPacked(known, words, at)) {
      this.values.retain(known);
      return known;
    }
    return this.values.acquire(words, at);
  }

  /** Is it not known what the switch holds at `key`? */
  isUnknown(key: number): boolean {
    const m = this.arena.words;
    const flags = m[key + KEY_FLAGS] as number;
    return (flags & UNKNOWN) !== 0 || ((flags & EPOCH) !== this.epoch && m[key + KEY_INSTALLED] !== 0);
  }

  /** Everything that is present is unknown from now on. The KEYs are told bit by bit, by {@link tellSome}. */
  forgetInstalled(): void {
    // Then all that is not absent is unknown already. An open read-back has to know of it in any case.
    if (this.installedCount === 0 && this.freshKeys === undefined) return;
    if (this.#oldEpochs === EPOCH / NEXT_EPOCH) this.tellSome(Number.POSITIVE_INFINITY);
    this.epoch = (this.epoch + NEXT_EPOCH) & EPOCH;
    this.#oldEpochs++;
    this.installedCount = 0;
    this.#sweepAt = ARENA_START;
    this.#sweepEnd = this.arena.top;
  }

  /** May there be KEYs of an older epoch? */
  get hasUntold(): boolean {
    return this.#sweepAt < this.#sweepEnd;
  }

  /** Is `key` one that {@link tellSome} has yet to come to? For the audit. */
  isUntold(key: number): boolean {
    return key >= this.#sweepAt && key < this.#sweepEnd;
  }

  /** Makes KEYs of an older epoch UNKNOWN, going through about `count` blocks, and wait for the next round. Returns how many it did. */
  tellSome(count: number): number {
    const m = this.arena.words;
    let at = this.#sweepAt;
    let done = 0;
    for (const end = this.#sweepEnd; at < end && done < count; at += blockSizeAt(m, at), done++) {
      if ((m[at] as number) >>> KIND_SHIFT === KIND_KEY) this.tell(at);
    }
    this.#sweepAt = at;
    if (!this.hasUntold) this.allTold();
    return done;
  }

  /** No KEY is of an older epoch any more. */
  allTold(): void {
    this.#sweepAt = this.#sweepEnd;
    this.#oldEpochs = 0;
  }

  /** Makes a KEY of an older epoch UNKNOWN, and wait for the next round. */
  tell(key: number): void {
    const m = this.arena.words;
    const flags = m[key + KEY_FLAGS] as number;
    if ((flags & EPOCH) === this.epoch || m[key + KEY_INSTALLED] === 0) return;
    m[key + KEY_FLAGS] = (flags & ~EPOCH) | this.epoch | UNKNOWN;
    if ((flags & (DIRTY | IN_FLIGHT | REFUSED)) === 0 && this.tracksChanges) this.touch(key);
  }

  #noteFresh(key: number, list: RefList): void {
    const m = this.arena.words;
    const flags = m[key + KEY_FLAGS] as number;
    if ((flags & FRESH) !== 0) return;
    m[key + KEY_FLAGS] = flags | FRESH;
    list.push(key);
  }

  /** The key as an object. */
  keyObject(key: number): FlowKey {
    const id = this.arena.words[key] as number;
    return { table: (id >>> 16) & 0xff, priority: id & 0xffff, match: this.match(key) };
  }

  match(key: number): Match {
    const start = 4 * (key + KEY_MATCH);
    return Match.fromCanonical(
      this.arena.bytes.slice(start, start + ((this.arena.words[key + KEY_FLAGS] as number) & LENGTH_MASK)),
    );
  }

  /** The flow of a key and a value as an object. */
  flow(key: number, value: number): Flow {
    const id = this.arena.words[key] as number;
    const scratch = new Int32Array(FLOW_DATA + ((this.values.instructionsLength(value) + 3) >>> 2));
    this.values.writeTo(value, scratch, 0, FLOW_DATA);
    const timeouts = scratch[4] as number;
    const extra = scratch[5] as number;
    return new Flow({
      table: (id >>> 16) & 0xff,
      priority: id & 0xffff,
      match: this.match(key),
      instructions: Instructions.fromCanonical(this.values.instructions(value)),
      cookie: cookieOf(scratch[3] as number, scratch[2] as number),
      idleTimeout: timeouts >>> 16,
      hardTimeout: timeouts & 0xffff,
      importance: extra >>> 16,
      flags: extra & 0xffff,
    });
  }

  /** Appends the flow of `key` with `value` (0 = neither attributes nor instructions) to a list. */
  appendTo(list: FlowList, key: number, value: number): void {
    const length = (this.arena.words[key + KEY_FLAGS] as number) & LENGTH_MASK;
    const at = list.reserveWords(length, value === 0 ? 0 : this.values.instructionsLength(value));
    this.writeAt(list.words, at, key, value);
  }

  /** Words that the flow of `key` with `value` takes in a {@link FlowList}. */
  wordsOf(key: number, value: number): number {
    const match = ((this.arena.words[key + KEY_FLAGS] as number) & LENGTH_MASK) + 3;
    return FLOW_DATA + (match >>> 2) + (value === 0 ? 0 : (this.values.instructionsLength(value) + 3) >>> 2);
  }

  /** Writes the same at a place; returns how many words that are. */
  writeAt(words: Int32Array, at: number, key: number, value: number): number {
    const m = this.arena.words;
    const length = (m[key + KEY_FLAGS] as number) & LENGTH_MASK;
    words[at + FLOW_ID] = (m[key] as number) & KEY_ID_MASK;
    words[at + FLOW_LENGTHS] = length;
    const from = key + KEY_MATCH;
    const shift = at + FLOW_DATA - from;
    const end = from + ((length + 3) >>> 2);
    for (let i = from; i < end; i++) words[i + shift] = m[i] as number;
    if (value !== 0) return this.values.writeTo(value, words, at, end + shift) - at;
    words.fill(0, at + 2, at + FLOW_DATA);
    return end + shift - at;
  }

  protected markDirty(key: number, flags: number): void {
    if ((flags & REFUSED) !== 0 && this.log !== undefined) this.log.record(UndoLog.REFUSED, key, 0);
    const m = this.arena.words;
    m[key + KEY_FLAGS] = (flags | DIRTY) & ~REFUSED;
    if ((flags & DIRTY) === 0) this.waiting.push(((m[key] as number) >>> 16) & 0xff, key);
  }

  protected makeKey(words: Int32Array, at: number): number {
    const length = (words[at + FLOW_LENGTHS] as number) & LENGTH_MASK;
    const count = (length + 3) >>> 2;
    const key = this.arena.allocate(KEY_MATCH + count);
    const m = this.arena.words;
    m[key] = (KIND_KEY << KIND_SHIFT) | (words[at + FLOW_ID] as number);
    m[key + KEY_FLAGS] = length | this.epoch;
    m[key + NODE_OWNER] = 0;
    m[key + NODE_VALUE] = 0;
    m[key + KEY_INSTALLED] = 0;
    m[key + KEY_OTHERS] = 0;
    m[key + KEY_HASH] = this.#hashFound;
    const to = key + KEY_MATCH;
    const shift = at + FLOW_DATA - to;
    for (let i = to, end = to + count; i < end; i++) m[i] = words[i + shift] as number;
    try {
      this.keys.insert(this.#slot, this.#hashFound, key);
    } catch (error) {
      this.arena.free(key, KEY_MATCH + count);
      throw error;
    }
    return key;
  }

  /** A value that is on its way to the winner: shares the ref of what is installed if the bytes are the same (K4). */
  protected unify(key: number): void {
    const m = this.arena.words;
    const installed = m[key + KEY_INSTALLED] as number;
    const holder = ((m[key + KEY_FLAGS] as number) & MERGED) === 0 ? key : (m[key + KEY_OTHERS] as number);
    const wanted = m[holder + NODE_VALUE] as number;
    if (wanted === 0) return;
    if (!this.values.isPlain(wanted)) m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) | FORMS;
    if (installed === 0 || installed === wanted || !this.values.sameBytes(wanted, installed)) return;
    this.values.retain(installed);
    m[holder + NODE_VALUE] = installed;
    this.values.release(wanted);
  }

  protected changing(key: number): void {
    for (const observer of this.observers) observer.changing(key);
    this.touch(key);
  }
}
