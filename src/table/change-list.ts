/** Tables that a key can be of. */
const TABLES = 256;
/** One word that leads to the next chunk, then entries: with them a chunk fills two lines of the cache. */
const CHUNK_WORDS = 32;
const CHUNK_MASK: number = CHUNK_WORDS - 1;
const SEGMENT_SHIFT = 14;
const SEGMENT_WORDS: number = 1 << SEGMENT_SHIFT;
const SEGMENT_MASK: number = SEGMENT_WORDS - 1;
const SMALLEST_SEGMENT = 1024;

/** The memory of the change lists of one store, handed out in chunks. Grows by segments, so that no step copies what is there. */
export class ChunkMemory {
  /** Position `at` is word `at & SEGMENT_MASK` of segment `at >>> SEGMENT_SHIFT`. The first one starts small and grows. */
  segments: Int32Array[] = [new Int32Array(0)];
  #top = 0;
  /** First chunk to use again; its first word leads to the next one, less one; -1 = none. */
  #free = -1;

  get bytes(): number {
    let words = 0;
    for (const segment of this.segments) words += segment.length;
    return 4 * words;
  }

  /** Is it more than what is kept in any case? */
  get isLarge(): boolean {
    return this.segments.length > 1;
  }

  /** Position of a chunk's first word. */
  allocate(): number {
    const free = this.#free;
    if (free >= 0) {
      this.#free = this.word(free);
      return free;
    }
    const chunk = this.#top;
    const last = this.segments.length - 1;
    const segment = this.segments[last] as Int32Array;
    if ((chunk & SEGMENT_MASK) === 0 && chunk > 0) this.segments.push(new Int32Array(SEGMENT_WORDS));
    else if (segment.length === (chunk & SEGMENT_MASK)) {
      const grown = new Int32Array(Math.max(SMALLEST_SEGMENT, segment.length * 4));
      grown.set(segment);
      this.segments[last] = grown;
    }
    this.#top = chunk + CHUNK_WORDS;
    return chunk;
  }

  release(chunk: number): void {
    this.setWord(chunk, this.#free);
    this.#free = chunk;
  }

  word(at: number): number {
    return (this.segments[at >>> SEGMENT_SHIFT] as Int32Array)[at & SEGMENT_MASK] as number;
  }

  setWord(at: number, word: number): void {
    (this.segments[at >>> SEGMENT_SHIFT] as Int32Array)[at & SEGMENT_MASK] = word;
  }

  /** Forgets all chunks. */
  reset(): void {
    this.segments = [new Int32Array(0)];
    this.#top = 0;
    this.#free = -1;
  }
}

/**
 * Refs of keys by table, first in, first out within each. Appending costs the same whatever is there, and so does finding the lowest
 * or highest table that has any: keys are in the order of their tables without being sorted.
 *
 * A table that was used keeps its last chunk, so that lists of a few entries come and go without allocation.
 */
export class ChangeList {
  length = 0;
  readonly #memory: ChunkMemory;
  /** Per table the position of its first entry; 0 = it has no chunk. */
  readonly #heads: Int32Array = new Int32Array(TABLES);
  /** Per table the position behind its last entry; the end of a chunk when it is full. Equal to the head = no entry. */
  readonly #tails: Int32Array = new Int32Array(TABLES);
  /** One bit per table with an entry. */
  readonly #used: Int32Array = new Int32Array(TABLES / 32);

  constructor(memory: ChunkMemory) {
    this.#memory = memory;
  }

  push(table: number, ref: number): void {
    let at = this.#tails[table] as number;
    if ((at & CHUNK_MASK) < 2) at = this.#begin(table, at);
    this.#tails[table] = at + 1;
    (this.#memory.segments[at >>> SEGMENT_SHIFT] as Int32Array)[at & SEGMENT_MASK] = ref;
    this.length++;
  }

  /** The lowest table that has an entry, -1 = none. */
  lowest(): number {
    const used = this.#used;
    for (let i = 0; i < used.length; i++) {
      const bits = used[i] as number;
      if (bits !== 0) return 32 * i + 31 - Math.clz32(bits & -bits);
    }
    return -1;
  }

  /** The highest table that has an entry, -1 = none. */
  highest(): number {
    const used = this.#used;
    for (let i = used.length - 1; i >= 0; i--) {
      const bits = used[i] as number;
      if (bits !== 0) return 32 * i + 31 - Math.clz32(bits);
    }
    return -1;
  }

  /** How many of a table's first entries lie side by side: at least one if it has any. */
  spanOf(table: number): number {
    const head = this.#heads[table] as number;
    const tail = this.#tails[table] as number;
    const end = (head | CHUNK_MASK) + 1;
    return tail > head && tail <= end ? tail - head : head === tail ? 0 : end - head;
  }

  /** The memory in which they lie; entries of the span stay there until they are dropped. */
  segmentOf(table: number): Int32Array {
    return this.#memory.segments[(this.#heads[table] as number) >>> SEGMENT_SHIFT] as Int32Array;
  }

  /** Where in {@link segmentOf} the first of them is. */
  offsetOf(table: number): number {
    return (this.#heads[table] as number) & SEGMENT_MASK;
  }

  /** Drops the first `count` entries of a table, at most its span. */
  drop(table: number, count: number): void {
    const head = (this.#heads[table] as number) + count;
    this.length -= count;
    if (head === this.#tails[table]) {
      const start = ((head - 1) & ~CHUNK_MASK) + 1;
      this.#heads[table] = start;
      this.#tails[table] = start;
      this.#used[table >>> 5] = (this.#used[table >>> 5] as number) & ~(1 << (table & 31));
    } else if ((head & CHUNK_MASK) === 0) {
      const chunk = head - CHUNK_WORDS;
      this.#heads[table] = this.#memory.word(chunk) + 1;
      this.#memory.release(chunk);
    } else this.#heads[table] = head;
  }

  /** The first entry of a table, 0 = none. */
  first(table: number): number {
    const head = this.#heads[table] as number;
    return head === this.#tails[table] ? 0 : this.#memory.word(head);
  }

  /** Takes the first entry of a table, 0 = none. */
  take(table: number): number {
    const ref = this.first(table);
    if (ref !== 0) this.drop(table, 1);
    return ref;
  }

  /** Moves all entries of another list of the same memory here. */
  takeAll(other: ChangeList): void {
    for (let table = other.lowest(); table >= 0; table = other.lowest()) {
      for (let span = other.spanOf(table); span > 0; span = other.spanOf(table)) {
        const segment = other.segmentOf(table);
        const from = other.offsetOf(table);
        for (let i = from; i < from + span; i++) this.push(table, segment[i] as number);
        other.drop(table, span);
      }
    }
  }

  /** The list is empty and its memory has been reset. */
  reset(): void {
    this.#heads.fill(0);
    this.#tails.fill(0);
  }

  /** How many entries each table has. */
  counts(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const [table] of this.entries()) counts.set(table, (counts.get(table) ?? 0) + 1);
    return counts;
  }

  /** Every entry. */
  *entries(): IterableIterator<readonly [table: number, ref: number]> {
    for (let table = 0; table < TABLES; table++) {
      const tail = this.#tails[table] as number;
      for (let at = this.#heads[table] as number; at !== tail; ) {
        yield [table, this.#memory.word(at)];
        at++;
        if (at !== tail && (at & CHUNK_MASK) === 0) at = this.#memory.word(at - CHUNK_WORDS) + 1;
      }
    }
  }

  /** Room for an entry at the beginning of a chunk: the one the table has, or a new one. */
  #begin(table: number, at: number): number {
    if ((at & CHUNK_MASK) === 1) {
      this.#used[table >>> 5] = (this.#used[table >>> 5] as number) | (1 << (table & 31));
      return at;
    }
    const chunk = this.#memory.allocate();
    if (at !== 0) this.#memory.setWord(at - CHUNK_WORDS, chunk);
    else {
      this.#heads[table] = chunk + 1;
      this.#used[table >>> 5] = (this.#used[table >>> 5] as number) | (1 << (table & 31));
    }
    return chunk + 1;
  }
}
