import type { Flow, FlowKey } from "../flow/flow.ts";
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

/**
 * Follows the winners of a desired table at its own pace. Each key that changed is kept once, however often it changes, and not
 * at all when it is back to what it was. Costs memory only for what is pending; close it when it is not needed any more.
 */
export class ChangeCursor {
  readonly #store: PackedStore;
  /** Key to its value when the cursor last saw it (pinned; 0 = none). */
  readonly #pending: Map<number, number> = new Map();
  readonly #observer: StoreObserver;
  #closed = false;

  /** Of the room: made by `DesiredFlowTable.changes`. */
  constructor(store: PackedStore) {
    this.#store = store;
    this.#observer = {
      changing: (key) => {
        if (this.#pending.has(key)) return;
        const value = store.wantedValue(key);
        if (value !== 0) store.values.retain(value);
        this.#pending.set(key, value);
      },
      holds: (key) => this.#pending.has(key),
    };
    store.observers = [...store.observers, this.#observer];
  }

  /** Keys that may have changed; an upper bound of what {@link take} returns. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Takes up to `limit` changes (default: all), oldest first. */
  take(limit: number = Number.POSITIVE_INFINITY): WinnerChange[] {
    const changes: WinnerChange[] = [];
    const store = this.#store;
    for (const [key, before] of this.#pending) {
      if (changes.length >= limit) break;
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
    for (const [key, before] of this.#pending) this.#forget(key, before);
  }

  #forget(key: number, before: number): void {
    this.#pending.delete(key);
    if (before !== 0) this.#store.values.release(before);
    this.#store.dropIfIdle(key);
  }
}
