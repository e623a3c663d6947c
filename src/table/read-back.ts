import { OfsyncError } from "../errors.ts";
import type { Flow, FlowKey } from "../flow/flow.ts";
import type { PackedFlow } from "../flow/packed-flow.ts";
import { FlowList } from "./flow-list.ts";
import { ARENA_START, FRESH, IN_FLIGHT, KEY_FLAGS, KEY_INSTALLED, KIND_KEY, KIND_SHIFT, OBSERVED } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import { RefList } from "./ref-list.ts";
import { blockSizeAt } from "./store-scan.ts";

/**
 * A key that a read-back found other than it was known: `missing` (it was present), `appeared` (it was absent), `altered` (another
 * value that does not mean the same). Keys whose state was unknown are never named.
 */
export interface ReadBackChange {
  readonly kind: "missing" | "altered" | "appeared";
  readonly key: FlowKey;
  /** What is there now; undefined when missing. */
  readonly flow: Flow | undefined;
}

/** One reading of a whole switch. Nothing of it shows before {@link commit}. */
export interface ReadBack {
  /** The switch has this flow. Seen twice, the last one counts. */
  observe(flow: Flow | PackedFlow): void;
  /**
   * The reading is complete: what was observed is present, everything else absent, except what was learnt otherwise since it
   * began (a settled or still unsettled flow-mod, an event), which is newer. Ends the read-back. `onChange` then hears of every
   * key that was known to be otherwise; it may use the table.
   */
  commit(onChange?: (change: ReadBackChange) => void): void;
  /**
   * Does a part of {@link commit}: about `count` keys; true when it is done. Between the parts the table may be used: some of what was
   * read is known already, the rest not yet, and what is learnt meanwhile is newer. `onChange` hears of the changes of each part.
   */
  commitSome(count: number, onChange?: (change: ReadBackChange) => void): boolean;
  /**
   * The reading failed: nothing changes. Ends the read-back; does nothing when it is over. In the middle of a commit: the rest of it
   * is left undone.
   */
  abort(): void;
}

/** Where a commit is. */
const READING = 0;
const OBSERVED_KEYS = 1;
const OTHER_KEYS = 2;
const MARKS = 3;
const OVER = 4;

/**
 * Observed keys are kept (OBSERVED) with the values seen beside, until the reading is complete. Then they are told what was seen,
 * all others that they are absent, and at last the marks are taken away.
 */
export class OpenReadBack implements ReadBack {
  readonly #store: PackedStore;
  readonly #closed: () => void;
  readonly #keys: RefList = new RefList();
  readonly #values: RefList = new RefList();
  /** Keys of which something was learnt since the reading began. */
  readonly #fresh: RefList = new RefList();
  readonly #scratch: FlowList = new FlowList(1);
  /** The store's epoch when the reading began. */
  readonly #epoch: number;
  #phase = READING;
  /** Where in the present phase: index of a key, or of a word of the arena. */
  #at = 0;
  #changes: ReadBackChange[] = [];

  constructor(store: PackedStore, closed: () => void) {
    this.#store = store;
    this.#closed = closed;
    this.#epoch = store.epoch;
    store.freshKeys = this.#fresh;
  }

  observe(flow: Flow | PackedFlow): void {
    if (this.#phase !== READING) throw closedError();
    const store = this.#store;
    const scratch = this.#scratch;
    scratch.clear();
    if ("matchBuffer" in flow) scratch.appendView(flow);
    else scratch.append(flow);
    store.reserve(scratch.words, 0);
    const key = store.findOrMakeKey(scratch.words, 0);
    this.#values.push(store.valueToInstall(key, scratch.words, 0));
    this.#keys.push(key);
    const m = store.arena.words;
    m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) | OBSERVED;
  }

  commit(onChange?: (change: ReadBackChange) => void): void {
    this.commitSome(Number.POSITIVE_INFINITY, onChange);
  }

  commitSome(count: number, onChange?: (change: ReadBackChange) => void): boolean {
    if (this.#phase === OVER) throw closedError();
    if (this.#phase === READING) this.#phase = OBSERVED_KEYS;
    const store = this.#store;
    // What the commit itself says is not newer than what was read.
    store.freshKeys = undefined;
    const tells = onChange !== undefined;
    let left = count;
    if (this.#phase === OBSERVED_KEYS) left = this.#tellObserved(left, tells);
    if (this.#phase === OTHER_KEYS) left = this.#tellOthers(left, tells);
    if (this.#phase === MARKS) this.#takeMarks(left);
    if ((this.#phase as number) === OVER) this.#closed();
    else store.freshKeys = this.#fresh;
    const changes = this.#changes;
    this.#changes = [];
    if (onChange !== undefined) for (const change of changes) onChange(change);
    return (this.#phase as number) === OVER;
  }

  abort(): void {
    if (this.#phase === OVER) return;
    const store = this.#store;
    store.freshKeys = undefined;
    if (this.#phase <= OBSERVED_KEYS) {
      for (let i = this.#phase === READING ? 0 : this.#at; i < this.#values.length; i++) store.values.release(this.#values.at(i));
    }
    if (this.#phase !== MARKS) this.#begin(MARKS, 0);
    this.#takeMarks(Number.POSITIVE_INFINITY);
    this.#closed();
  }

  #begin(phase: number, at: number): void {
    this.#phase = phase;
    this.#at = at;
  }

  #tellObserved(count: number, tells: boolean): number {
    const store = this.#store;
    let left = count;
    for (; left > 0 && this.#at < this.#keys.length; this.#at++, left--) {
      const key = this.#keys.at(this.#at);
      const value = this.#values.at(this.#at);
      if (this.#isNewer(key)) store.values.release(value);
      else {
        if (tells) this.#noteObserved(key, value);
        store.setInstalled(key, value, false);
      }
    }
    if (this.#at === this.#keys.length) this.#begin(OTHER_KEYS, ARENA_START);
    return left;
  }

  /** Goes through the arena, which may grow meanwhile: what is new in it is FRESH or not installed. */
  #tellOthers(count: number, tells: boolean): number {
    const store = this.#store;
    let left = count;
    let at = this.#at;
    for (; left > 0 && at < store.arena.top; at += blockSizeAt(store.arena.words, at), left--) {
      const m = store.arena.words;
      if ((m[at] as number) >>> KIND_SHIFT !== KIND_KEY) continue;
      if (((m[at + KEY_FLAGS] as number) & OBSERVED) !== 0 || this.#isNewer(at)) store.tell(at);
      else this.#tellAbsent(at, m, tells);
    }
    this.#at = at;
    if (at < store.arena.top) return left;
    // Every key has been told something of this epoch, unless another one has begun.
    if (store.epoch === this.#epoch) store.allTold();
    this.#begin(MARKS, 0);
    return left;
  }

  #tellAbsent(key: number, m: Int32Array, tells: boolean): void {
    const store = this.#store;
    const isUnknown = store.isUnknown(key);
    if (m[key + KEY_INSTALLED] === 0 && !isUnknown) return;
    if (tells && !isUnknown) this.#changes.push({ kind: "missing", key: store.keyObject(key), flow: undefined });
    store.setInstalled(key, 0, false);
    store.dropIfIdle(key);
  }

  #takeMarks(count: number): void {
    const store = this.#store;
    const keys = this.#keys.length;
    const fresh = this.#fresh.length;
    let left = count;
    for (; left > 0 && this.#at < keys + fresh; this.#at++, left--) {
      const key = this.#at < keys ? this.#keys.at(this.#at) : this.#fresh.at(this.#at - keys);
      // Seen twice, it may be gone already.
      if (!store.isKey(key)) continue;
      const m = store.arena.words;
      m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) & ~(OBSERVED | FRESH);
      store.dropIfIdle(key);
    }
    if (this.#at < keys + fresh) return;
    this.#phase = OVER;
    for (const list of [this.#keys, this.#values, this.#fresh]) list.truncate(0);
  }

  /** Is what is known of a key newer than what was read? */
  #isNewer(key: number): boolean {
    const store = this.#store;
    const flags = store.arena.words[key + KEY_FLAGS] as number;
    if ((flags & (FRESH | IN_FLIGHT)) !== 0) return true;
    // What was read before everything became unknown says nothing any more of what was not absent then.
    return store.epoch !== this.#epoch && store.isUnknown(key);
  }

  #noteObserved(key: number, value: number): void {
    const store = this.#store;
    const m = store.arena.words;
    const known = m[key + KEY_INSTALLED] as number;
    if (known === value || store.isUnknown(key)) return;
    const { values } = store;
    if (known !== 0 && values.sameAttributes(known, value) && values.sameInstructions(known, value)) return;
    const kind = known === 0 ? "appeared" : "altered";
    this.#changes.push({ kind, key: store.keyObject(key), flow: store.flow(key, value) });
  }
}

function closedError(): OfsyncError {
  return new OfsyncError("READ_BACK_CLOSED", "this read-back is over");
}
