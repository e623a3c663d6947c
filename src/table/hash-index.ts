import { isOfsyncError, OfsyncError } from "../errors.ts";
import type { Arena } from "./arena.ts";
import {
  INDEX_DIRECTORY,
  INDEX_SHIFT,
  INDEX_SIZE,
  KIND_SEGMENT,
  KIND_SHIFT,
  MAX_DEPTH,
  SEGMENT_FULL,
  SEGMENT_HEADER,
  SEGMENT_SLOTS,
  SEGMENT_WORDS,
} from "./layout.ts";

const SLOT_WORDS: number = 2 * SEGMENT_SLOTS;
/** Upper bits of the hash that the first directory looks at. */
const FIRST_BITS = 4;

/**
 * From 32-bit hashes to refs, by extendible hashing: a directory, indexed by the upper bits of the hash, of SEGMENT blocks,
 * each an open-addressing table of (hash, ref) pairs that is indexed by the lower bits. A full segment is split in two, so the
 * index grows by small steps and never all at once; a miss reads one or two cache lines and no record at all.
 *
 * ```text
 *   SEGMENT   0  kind      1  depth: how many upper bits of the hash its entries share
 *             2  entries   3  unused        4…  slots: hash, ref (0 = empty), linear probing, no tombstones
 * ```
 *
 * To look something up: `let slot = start(hash)`; while the slot's ref is not 0, compare it if the slot's hash is the same, and
 * go on with `slot = after(slot, hash)`.
 */
export class HashIndex {
  readonly #arena: Arena;
  /** Where in the arena its STATE is. */
  readonly #state: number;
  readonly #scratch: Int32Array = new Int32Array(SLOT_WORDS);

  /** `state`: `KEYS_INDEX` or `OWNERS_INDEX`. */
  constructor(arena: Arena, state: number) {
    this.#arena = arena;
    this.#state = state;
    arena.ensure(SEGMENT_WORDS + 64);
    const segment = this.#allocateSegment(0);
    const directory = arena.allocateSide(1 << FIRST_BITS);
    const m = arena.words;
    m.fill(segment, directory, directory + (1 << FIRST_BITS));
    m[state + INDEX_DIRECTORY] = directory;
    m[state + INDEX_SHIFT] = 32 - FIRST_BITS;
  }

  get size(): number {
    return this.#arena.words[this.#state + INDEX_SIZE] as number;
  }

  /** Word index of the first slot where `hash` may be. */
  start(hash: number): number {
    return this.#segmentOf(this.#arena.words, hash) + SEGMENT_HEADER + 2 * (Math.imul(hash & 0xffff, SEGMENT_SLOTS) >>> 16);
  }

  #segmentOf(m: Int32Array, hash: number): number {
    const state = this.#state;
    return m[(m[state + INDEX_DIRECTORY] as number) + (hash >>> (m[state + INDEX_SHIFT] as number))] as number;
  }

  #count(difference: number): void {
    const m = this.#arena.words;
    m[this.#state + INDEX_SIZE] = (m[this.#state + INDEX_SIZE] as number) + difference;
  }

  /** The slot after `slot`. */
  after(slot: number, hash: number): number {
    const segment = this.#segmentOf(this.#arena.words, hash);
    const next = slot + 2;
    return next === segment + SEGMENT_WORDS ? segment + SEGMENT_HEADER : next;
  }

  /** Words to ask the arena for, so that `count` insertions find room for the segments they may need. */
  static wordsFor(count: number): number {
    return (SEGMENT_WORDS + 64) * (4 + Math.ceil(count / (SEGMENT_FULL / 2)));
  }

  /** Adds an entry. `slot`: the empty slot where the look-up of `hash` ended. Throws `CAPACITY` with nothing changed. */
  insert(slot: number, hash: number, ref: number): void {
    const words = this.#arena.words;
    const segment = this.#segmentOf(words, hash);
    const count = words[segment + 2] as number;
    if (count >= SEGMENT_FULL) {
      this.#insertSplitting(segment, hash, ref);
      return;
    }
    words[segment + 2] = count + 1;
    words[slot] = hash;
    words[slot + 1] = ref;
    this.#count(1);
  }

  /** Takes out the entry of `ref`, which must be there. */
  remove(hash: number, ref: number): void {
    const words = this.#arena.words;
    const segment = this.#segmentOf(words, hash);
    const first = segment + SEGMENT_HEADER;
    const end = segment + SEGMENT_WORDS;
    let hole = first + 2 * (Math.imul(hash & 0xffff, SEGMENT_SLOTS) >>> 16);
    while (words[hole + 1] !== ref) {
      hole += 2;
      if (hole === end) hole = first;
    }
    // Entries behind the hole move forward as long as that brings them no further than to where they belong.
    let next = hole;
    for (;;) {
      next += 2;
      if (next === end) next = first;
      const moved = words[next + 1] as number;
      if (moved === 0) break;
      const home = first + 2 * (Math.imul((words[next] as number) & 0xffff, SEGMENT_SLOTS) >>> 16);
      const distanceToHome = next >= home ? next - home : next - home + SLOT_WORDS;
      const distanceToHole = next >= hole ? next - hole : next - hole + SLOT_WORDS;
      if (distanceToHome >= distanceToHole) {
        words[hole] = words[next] as number;
        words[hole + 1] = moved;
        hole = next;
      }
    }
    words[hole] = 0;
    words[hole + 1] = 0;
    words[segment + 2] = (words[segment + 2] as number) - 1;
    this.#count(-1);
  }

  /** Longest run of slots that a look-up may have to read, for tests and the audit. */
  longestProbe(): number {
    const words = this.#arena.words;
    let longest = 0;
    for (const segment of this.#segments()) {
      let run = 0;
      for (let pass = 0; pass < 2; pass++) {
        for (let slot = segment + SEGMENT_HEADER; slot < segment + SEGMENT_WORDS; slot += 2) {
          run = words[slot + 1] === 0 ? 0 : run + 1;
          if (run > longest) longest = run;
        }
      }
    }
    return longest;
  }

  /** Every (hash, ref), in no particular order, for the audit. */
  *entries(): IterableIterator<readonly [hash: number, ref: number]> {
    for (const segment of this.#segments()) {
      const words = this.#arena.words;
      for (let slot = segment + SEGMENT_HEADER; slot < segment + SEGMENT_WORDS; slot += 2) {
        if (words[slot + 1] !== 0) yield [words[slot] as number, words[slot + 1] as number];
      }
    }
  }

  #segments(): Set<number> {
    const m = this.#arena.words;
    const directory = m[this.#state + INDEX_DIRECTORY] as number;
    return new Set(m.subarray(directory, directory + 2 ** (32 - (m[this.#state + INDEX_SHIFT] as number))));
  }

  #allocateSegment(depth: number): number {
    const { top } = this.#arena;
    const segment = this.#arena.allocate(SEGMENT_WORDS);
    const words = this.#arena.words;
    // Memory never used before is zero.
    if (segment < top) words.fill(0, segment, segment + SEGMENT_WORDS);
    words[segment] = KIND_SEGMENT << KIND_SHIFT;
    words[segment + 1] = depth;
    return segment;
  }

  #insertSplitting(full: number, hash: number, ref: number): void {
    let segment = full;
    try {
      while ((this.#arena.words[segment + 2] as number) >= SEGMENT_FULL) {
        if (!this.#split(segment)) break;
        segment = this.#segmentOf(this.#arena.words, hash);
      }
    } catch (error) {
      // No memory for another segment: as long as there are empty slots they will do.
      if (!isOfsyncError(error, "CAPACITY")) throw error;
    }
    const words = this.#arena.words;
    if ((words[segment + 2] as number) >= SEGMENT_SLOTS - 1) {
      throw new OfsyncError("CAPACITY", "the hash index cannot take another entry");
    }
    words[segment + 2] = (words[segment + 2] as number) + 1;
    this.#place(segment, hash, ref);
    this.#count(1);
  }

  #place(segment: number, hash: number, ref: number): void {
    const words = this.#arena.words;
    let slot = segment + SEGMENT_HEADER + 2 * (Math.imul(hash & 0xffff, SEGMENT_SLOTS) >>> 16);
    while (words[slot + 1] !== 0) {
      slot += 2;
      if (slot === segment + SEGMENT_WORDS) slot = segment + SEGMENT_HEADER;
    }
    words[slot] = hash;
    words[slot + 1] = ref;
  }

  /** Moves the entries whose next bit is set to a new segment. False when the hash has no more bits to tell them apart. */
  #split(segment: number): boolean {
    const depth = this.#arena.words[segment + 1] as number;
    if (depth >= MAX_DEPTH) return false;
    if (depth === 32 - (this.#arena.words[this.#state + INDEX_SHIFT] as number)) this.#doubleDirectory();
    const shift = this.#arena.words[this.#state + INDEX_SHIFT] as number;
    const sibling = this.#allocateSegment(depth + 1);
    const words = this.#arena.words;
    const scratch = this.#scratch;
    const first = segment + SEGMENT_HEADER;
    for (let i = 0; i < SLOT_WORDS; i++) scratch[i] = words[first + i] as number;
    words.fill(0, first, segment + SEGMENT_WORDS);
    words[segment + 1] = depth + 1;
    const bit = 31 - depth;
    let moved = 0;
    let anyHash = 0;
    for (let i = 0; i < SLOT_WORDS; i += 2) {
      const ref = scratch[i + 1] as number;
      if (ref === 0) continue;
      const hash = scratch[i] as number;
      anyHash = hash;
      const upper = (hash >>> bit) & 1;
      moved += upper;
      this.#place(upper === 0 ? segment : sibling, hash, ref);
    }
    words[sibling + 2] = moved;
    words[segment + 2] = (words[segment + 2] as number) - moved;
    // The directory positions that shared the old segment are consecutive; the upper half of them now leads to the new one.
    const span = 1 << (32 - shift - depth);
    const from = (words[this.#state + INDEX_DIRECTORY] as number) + (depth === 0 ? 0 : (anyHash >>> shift) & -span);
    words.fill(sibling, from + span / 2, from + span);
    return true;
  }

  #doubleDirectory(): void {
    const state = this.#state;
    const bits = 32 - (this.#arena.words[state + INDEX_SHIFT] as number);
    const grown = this.#arena.allocateSide(2 << bits);
    const m = this.#arena.words;
    const old = m[state + INDEX_DIRECTORY] as number;
    for (let i = 0; i < 1 << bits; i++) {
      m[grown + 2 * i] = m[old + i] as number;
      m[grown + 2 * i + 1] = m[old + i] as number;
    }
    m[state + INDEX_DIRECTORY] = grown;
    m[state + INDEX_SHIFT] = 31 - bits;
    this.#arena.freeSide(old);
  }
}
