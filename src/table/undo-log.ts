/** What has to be done to undo a transaction, oldest first: owner, key, the value it had there (pinned; 0 = none). */
export class UndoLog {
  /** Stands for an owner: the key was REFUSED. */
  static readonly REFUSED = -1;
  /** Owners that lost their last flow; dropped only when the transaction ends, so that their refs stay good. */
  readonly emptied: Set<number> = new Set();
  #entries: Int32Array = new Int32Array(96);
  #length = 0;
  readonly #touched: Set<number> = new Set();

  record(owner: number, key: number, value: number): void {
    if (this.#length === this.#entries.length) {
      const grown = new Int32Array(this.#entries.length * 2);
      grown.set(this.#entries);
      this.#entries = grown;
    }
    this.#entries[this.#length++] = owner;
    this.#entries[this.#length++] = key;
    this.#entries[this.#length++] = value;
  }

  get size(): number {
    return this.#length / 3;
  }

  /** Every key that an entry names. */
  keys(): Set<number> {
    const keys = new Set<number>();
    for (let i = 0; i < this.#length; i += 3) keys.add(this.#entries[i + 1] as number);
    return keys;
  }

  /** Takes the entries from `savepoint` on out of the log, the last one first; {@link forEachTouched} still sees their keys. */
  takeBack(savepoint: number, visit: (owner: number, key: number, value: number) => void): void {
    const entries = this.#entries;
    while (this.#length > 3 * savepoint) {
      this.#length -= 3;
      this.#touched.add(entries[this.#length + 1] as number);
      visit(entries[this.#length] as number, entries[this.#length + 1] as number, entries[this.#length + 2] as number);
    }
  }

  /** Every key that was taken back. */
  forEachTouched(visit: (key: number) => void): void {
    for (const key of this.#touched) visit(key);
  }
}
