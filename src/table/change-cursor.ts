import type { Flow, FlowKey } from "../flow/flow.ts";
import { ChangeList, ChunkMemory } from "./change-list.ts";
import type { StoreObserver } from "./key-store.ts";
import type { PackedStore } from "./packed-store.ts";

/** What became of one key since the cursor last looked. At least one of `before` and `after` is there, and they differ. */
export interface WinnerChange {
  readonly key: FlowKey;
  /** The winner then; `undefined` = nobody wanted the key. */
  readonly before: Flow | undefined;
  /** The winner now. */
  readonly after: Flow | undefined;
}

/** A Map that grows is filled anew at once: many small ones keep each such step short. */
const SHARDS = 64;

/**
 * Follows the winners of a desired table at its own pace. Each key that changed is kept once, however often it changes, and not
 * at all when it is back to what it was. Costs memory only for what is pending; close it when it is not needed any more.
 */
export class ChangeCursor {
  readonly #store: PackedStore;
  readonly #memory: ChunkMemory = new ChunkMemory();
  /** Pending keys, oldest first (whatever their table is). */
  readonly #keys: ChangeList = new ChangeList(this.#memory);
  /** Each with its value when the cursor last saw it (pinned; 0 = none). */
  readonly #values: readonly Map<number, number>[] = Array.from({ length: SHARDS }, () => new Map<number, number>());
  readonly #observer: StoreObserver;
  #closed = false;

  /** Of the room: made by `DesiredFlowTable.changes`. */
  constructor(store: PackedStore) {
    this.#store = store;
    this.#observer = {
      changing: (key) => {
        const values = this.#shardOf(key);
        if (values.has(key)) return;
        const value = store.wantedValue(key);
        if (value !== 0) store.values.retain(value);
        values.set(key, value);
        this.#keys.push(0, key);
      },
      holds: (key) => this.#shardOf(key).has(key),
    };
    store.observers = [...store.observers, this.#observer];
  }

  /** Keys that may have changed; an upper bound of what {@link take} returns. */
  get pending(): number {
    return this.#keys.length;
  }

  /** Takes up to `limit` changes (default: all), oldest first. */
  take(limit: number = Number.POSITIVE_INFINITY): WinnerChange[] {
    const changes: WinnerChange[] = [];
    const store = this.#store;
    while (changes.length < limit && this.#keys.length > 0) {
      const key = this.#keys.first(0);
      const before = this.#shardOf(key).get(key) as number;
      const after = store.wantedValue(key);
      if (before !== after && (before === 0 || after === 0 || !store.values.same(before, after))) {
        changes.push({
          key: store.keyObject(key),
          before: before === 0 ? undefined : store.flow(key, before),
          after: after === 0 ? undefined : store.flow(key, after),
        });
      }
      this.#forget(key, before);
    }
    return changes;
  }

  /** Stops following. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#store.observers = this.#store.observers.filter((observer) => observer !== this.#observer);
    for (let key = this.#keys.first(0); key !== 0; key = this.#keys.first(0)) {
      this.#forget(key, this.#shardOf(key).get(key) as number);
    }
  }

  #shardOf(key: number): Map<number, number> {
    return this.#values[(key ^ (key >>> 6)) % SHARDS] as Map<number, number>;
  }

  /** Of the oldest one. */
  #forget(key: number, before: number): void {
    this.#keys.take(0);
    if (this.#keys.length === 0 && this.#memory.isLarge) {
      this.#memory.reset();
      this.#keys.reset();
    }
    this.#shardOf(key).delete(key);
    if (before !== 0) this.#store.values.release(before);
    this.#store.dropIfIdle(key);
  }
}
