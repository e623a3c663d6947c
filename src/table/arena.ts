import { OfsyncError } from "../errors.ts";
import {
  ARENA_START,
  KIND_FREE,
  KIND_KEY,
  KIND_LENT,
  KIND_REST,
  KIND_SHIFT,
  KIND_VALUE,
  LENT_REST,
  LENT_VALUE,
} from "./layout.ts";
import { RefList } from "./ref-list.ts";

/** What a WebAssembly memory is to us: a buffer that grows where it stands. No WebAssembly code is involved. */
interface GrowableMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
type GrowableMemoryConstructor = new (descriptor: { initial: number; maximum: number }) => GrowableMemory;

/** Reads blocks that it has not had counted. */
export interface Borrower {
  /** Copies about `count` of the flows that it still reads from here; true when none is left. Must not throw, and must not touch the arena. */
  copySome(count: number): boolean;
}

/** Flows that a borrower copies for each block that is freed meanwhile. */
const COPIES_PER_FREE = 32;
/** Blocks kept for borrowers that are given back for each one that is freed when there are no borrowers any more. */
const RETURNS_PER_FREE = 4;

const PAGE_WORDS = 16384;
const MAX_PAGES = 65536;
/** Refs have 30 bits: 4 GiB. */
const MAX_WORDS = 1 << 30;
/** Up to here the arena grows by copying, which is quick and reserves no address space; beyond, in place. */
const COPY_UP_TO = 1 << 18;
/** Least growth in place, 2 MiB; else by a quarter: each step may cost V8 a collection of its heap. Untouched pages cost nothing. */
const LEAST_STEP = 1 << 19;
/** Sizes up to here have a free list of their own; larger blocks are rounded up to {@link COARSE_STEP}. */
const EXACT_WORDS = 832;
const COARSE_STEP = 64;
const CLASS_COUNT: number = EXACT_WORDS + 1 + Math.ceil((16400 - EXACT_WORDS) / COARSE_STEP);

/** Words that a block of `words` really takes. */
export function blockWords(words: number): number {
  return words <= EXACT_WORDS ? words : (words + COARSE_STEP - 1) & -COARSE_STEP;
}

/**
 * One growable array of 32-bit words and the blocks in it.
 *
 * Freed blocks go to the free list of their size and are used again, whole or split; they are never joined and never move.
 * `words` and `bytes` are replaced when the arena grows: read them again after every {@link ensure} or {@link allocate}.
 */
export class Arena {
  words: Int32Array;
  /** The same memory. */
  bytes: Uint8Array;
  /** First word never used. */
  top: number = ARENA_START;
  /** Words in free blocks below `top`. */
  freeWords = 0;
  readonly maxWords: number;
  readonly #free: Int32Array = new Int32Array(CLASS_COUNT);
  /** Weakly held: who borrowed and is forgotten need not copy anything. */
  #borrowers: WeakRef<Borrower>[] = [];
  /** Blocks that were freed while somebody might still read them (LENT): ref, words. */
  readonly #lent: RefList = new RefList();
  #memory: GrowableMemory | undefined;

  constructor(options: { readonly maxBytes?: number; readonly initialWords?: number } = {}) {
    this.maxWords = Math.min(MAX_WORDS, Math.floor((options.maxBytes ?? MAX_WORDS * 4) / 4));
    this.words = new Int32Array(Math.min(this.maxWords, options.initialWords ?? 4096));
    this.bytes = new Uint8Array(this.words.buffer);
  }

  /**
   * Makes sure that allocations of `words` altogether cannot fail: true. False near the limit, when they will succeed only if the
   * free blocks have the right sizes. Throws `CAPACITY`, with nothing changed, when there is not even as much free, or when the
   * host has no memory left.
   */
  ensure(words: number): boolean {
    if (this.top + words <= this.words.length) return true;
    if (this.#lent.length !== 0 && this.top + words > this.maxWords) this.#recall();
    if (this.top + words > this.maxWords && this.freeWords >= words) return false;
    this.#grow(this.top + words);
    return true;
  }

  /** Would {@link ensure} have to rely on free blocks, or throw? */
  isNearLimit(words: number): boolean {
    return this.top + words > this.maxWords;
  }

  /**
   * A block of `words` (see {@link blockWords}), its content undefined. Throws `CAPACITY` unless {@link ensure} has said that it
   * cannot fail.
   */
  allocate(words: number): number {
    const sizeClass = words <= EXACT_WORDS ? words : classOf(words);
    const ref = this.#free[sizeClass] as number;
    if (ref !== 0) {
      this.#free[sizeClass] = this.words[ref + 1] as number;
      this.freeWords -= words <= EXACT_WORDS ? words : blockWords(words);
      return ref;
    }
    return this.#allocateNew(blockWords(words));
  }

  free(ref: number, words: number): void {
    if ((this.#borrowers.length !== 0 || this.#lent.length !== 0) && this.#freeLent(ref, words)) return;
    this.#giveBack(ref, words);
  }

  /**
   * KEYs and VALUEs may be read without being counted, also when they are freed: then they are kept as LENT until the borrower has
   * copied what it needs, a few flows with each block that is freed.
   */
  lend(borrower: Borrower): void {
    this.#borrowers = this.#borrowers.filter((held) => held.deref() !== undefined);
    this.#borrowers.push(new WeakRef(borrower));
  }

  /** Blocks that are LENT. */
  get lentBlocks(): number {
    return this.#lent.length / 2;
  }

  /** Keeps a block for the borrowers: true; or, if there are none any more, gives some of those kept back. */
  #freeLent(ref: number, words: number): boolean {
    const borrower = this.#borrowers[0];
    if (borrower === undefined) {
      this.#returnLent(RETURNS_PER_FREE);
      return false;
    }
    if (borrower.deref()?.copySome(COPIES_PER_FREE) !== false) this.#borrowers.shift();
    const head = this.words[ref] as number;
    const kind = head >>> KIND_SHIFT;
    if (kind !== KIND_KEY && kind !== KIND_VALUE) return false;
    this.words[ref] = (head & LENT_REST) | (KIND_LENT << KIND_SHIFT) | (kind === KIND_VALUE ? LENT_VALUE : 0);
    this.#lent.push(ref);
    this.#lent.push(words);
    return true;
  }

  #returnLent(count: number): void {
    const lent = this.#lent;
    let { length } = lent;
    for (let i = 0; i < count && length > 0; i++) {
      length -= 2;
      this.#giveBack(lent.at(length), lent.at(length + 1));
    }
    lent.truncate(length);
  }

  /** Has everything copied at once that is lent, for want of memory. */
  #recall(): void {
    for (const borrower of this.#borrowers) borrower.deref()?.copySome(Number.POSITIVE_INFINITY);
    this.#borrowers = [];
    this.#returnLent(Number.POSITIVE_INFINITY);
  }

  #giveBack(ref: number, words: number): void {
    const size = blockWords(words);
    const sizeClass = classOf(words);
    this.words[ref] = (KIND_FREE << KIND_SHIFT) | size;
    this.words[ref + 1] = this.#free[sizeClass] as number;
    this.#free[sizeClass] = ref;
    this.freeWords += size;
  }

  /** First free block of a size class, for the audit. */
  freeListHead(sizeClass: number): number {
    return this.#free[sizeClass] ?? 0;
  }

  get sizeClasses(): number {
    return CLASS_COUNT;
  }

  #allocateNew(size: number): number {
    if (this.freeWords > this.top >>> 2 || this.top + size > this.maxWords) {
      const ref = this.#split(size);
      if (ref !== 0) return ref;
    }
    const ref = this.top;
    if (ref + size > this.words.length) this.#grow(ref + size);
    this.top = ref + size;
    return ref;
  }

  /** Much is free, but nothing of this size: takes the beginning of the smallest larger block, if there is one. */
  #split(size: number): number {
    for (let sizeClass = classOf(size + 2); sizeClass < CLASS_COUNT; sizeClass++) {
      const ref = this.#free[sizeClass] as number;
      if (ref === 0) continue;
      const whole = (this.words[ref] as number) & KIND_REST;
      const rest = whole - size;
      // What remains must itself be a possible block.
      if (rest < 2 || (rest > EXACT_WORDS && rest % COARSE_STEP !== 0)) continue;
      this.#free[sizeClass] = this.words[ref + 1] as number;
      this.freeWords -= whole;
      this.#giveBack(ref + size, rest);
      return ref;
    }
    return 0;
  }

  #grow(need: number): void {
    if (need > this.maxWords) {
      throw new OfsyncError("CAPACITY", `the table needs more than its limit of ${this.maxWords * 4} bytes`, {
        hint: "raise maxBytes, or spread the flows over several tables (4 GiB is the most one table can have)",
      });
    }
    const length = this.words.length;
    try {
      if (need <= COPY_UP_TO) this.#copyTo(Math.min(this.maxWords, Math.max(need, length * 2)));
      else this.#growInPlace(need, Math.min(this.maxWords, Math.max(need, length + Math.max(length >>> 2, LEAST_STEP))));
    } catch (cause) {
      if (cause instanceof OfsyncError) throw cause;
      throw new OfsyncError("CAPACITY", `no memory for a table of ${need * 4} bytes`, { cause });
    }
  }

  #growInPlace(need: number, wanted: number): void {
    const pages = Math.min(MAX_PAGES, Math.ceil(wanted / PAGE_WORDS));
    if (this.#memory !== undefined) {
      this.#memory.grow(pages - this.#memory.buffer.byteLength / (4 * PAGE_WORDS));
      this.#use(this.#memory.buffer);
      return;
    }
    const Memory = (globalThis as { WebAssembly?: { Memory?: GrowableMemoryConstructor } }).WebAssembly?.Memory;
    if (Memory !== undefined && this.words.length <= COPY_UP_TO) {
      let memory: GrowableMemory | undefined;
      try {
        memory = new Memory({ initial: pages, maximum: MAX_PAGES });
      } catch {
        // No address space to reserve: copying works with less.
        memory = undefined;
      }
      if (memory !== undefined) {
        const old = this.words;
        this.#memory = memory;
        this.#use(memory.buffer);
        this.words.set(old);
        return;
      }
    }
    this.#copyTo(Math.min(this.maxWords, Math.max(need, Math.ceil(this.words.length * 1.5))));
  }

  #copyTo(length: number): void {
    const old = this.words;
    this.#use(new ArrayBuffer(length * 4));
    this.words.set(old);
  }

  #use(buffer: ArrayBuffer): void {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }
}

function classOf(words: number): number {
  return words <= EXACT_WORDS ? words : EXACT_WORDS + Math.ceil((words - EXACT_WORDS) / COARSE_STEP);
}
