const CHUNK = 1 << 14;

/** A list of refs that grows by pieces, so that no append ever copies what is there. */
export class RefList {
  length = 0;
  readonly #chunks: Int32Array[] = [];
  #last: Int32Array = new Int32Array(0);
  #used = 0;

  push(ref: number): void {
    if (this.#used === this.#last.length) this.#extend();
    this.#last[this.#used++] = ref;
    this.length++;
  }

  at(index: number): number {
    return (this.#chunks[index >>> 14] as Int32Array)[index & (CHUNK - 1)] as number;
  }

  /** The piece that holds the entry at `index`. */
  piece(index: number): Int32Array {
    return this.#chunks[index >>> 14] as Int32Array;
  }

  /** Where in its {@link piece} the entry at `index` is. */
  offset(index: number): number {
    return index & (CHUNK - 1);
  }

  /** Keeps the first `length` entries, and the memory of the first piece. */
  truncate(length: number): void {
    this.length = length;
    if (this.#chunks.length <= 1) {
      this.#used = length;
      return;
    }
    const chunks = Math.max(1, Math.ceil(length / CHUNK));
    this.#chunks.length = chunks;
    this.#last = this.#chunks[chunks - 1] as Int32Array;
    this.#used = length - (chunks - 1) * CHUNK;
  }

  set(index: number, ref: number): void {
    (this.#chunks[index >>> 14] as Int32Array)[index & (CHUNK - 1)] = ref;
  }

  #extend(): void {
    if (this.#chunks.length === 0 || this.#last.length === CHUNK) {
      // The first piece starts small: most lists are short.
      this.#last = new Int32Array(this.#chunks.length === 0 ? 64 : CHUNK);
      this.#chunks.push(this.#last);
      this.#used = 0;
      return;
    }
    const grown = new Int32Array(Math.min(CHUNK, this.#last.length * 4));
    grown.set(this.#last);
    this.#chunks[this.#chunks.length - 1] = grown;
    this.#last = grown;
  }
}
