const CHUNK = 1 << 14;
/** Entries of a whole {@link RefList.piece}. */
export const PIECE: number = CHUNK;

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

  /** The piece that holds the entries from `index` on, `index` being a multiple of {@link PIECE}. */
  piece(index: number): Int32Array {
    return this.#chunks[index >>> 14] as Int32Array;
  }

  /** Keeps the first `length` entries. */
  truncate(length: number): void {
    this.length = length;
    const chunks = Math.ceil(length / CHUNK);
    this.#chunks.length = chunks;
    this.#last = this.#chunks[chunks - 1] ?? new Int32Array(0);
    this.#used = length === 0 ? 0 : length - (chunks - 1) * CHUNK;
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
