import { OfsyncError } from "../errors.ts";
import { type CoreCode, startCore } from "./core-code.ts";
import {
  ARENA_START,
  CLASS_COUNT,
  COARSE_STEP,
  EXACT_WORDS,
  FREE_HEADS,
  FREE_WORDS,
  KIND_FREE,
  KIND_KEY,
  KIND_LENT,
  KIND_REST,
  KIND_SHIFT,
  KIND_SIDE,
  KIND_VALUE,
  LARGEST_FREE,
  LENT_COUNT,
  LENT_REST,
  LENT_VALUE,
  LIMIT,
  STATE_WORDS,
  TOP,
} from "./layout.ts";
import { RefList } from "./ref-list.ts";

/** A WebAssembly memory: a buffer that grows where it stands. */
interface GrowableMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}
type GrowableMemoryConstructor = new (descriptor: { initial: number; maximum: number; shared: boolean }) => GrowableMemory;

/** Reads blocks that it has not had counted. */
export interface Borrower {
  /** Copies about `count` of the flows that it still reads from here; when none is left, returns the loan. Must not throw. */
  copySome(count: number): void;
}

/** Flows that a borrower copies for each block that is freed meanwhile. */
const COPIES_PER_FREE = 32;

const PAGE_WORDS = 16384;
const MAX_PAGES = 65536;
/** Refs have 30 bits: 4 GiB. */
const MAX_WORDS = 1 << 30;
/** Up to here, 64 KiB, the arena grows by copying, which is quick and reserves no address space; beyond, in place. */
const COPY_UP_TO = 1 << 14;
/** Least growth in place, 1 MiB. */
const LEAST_STEP = 1 << 18;
/** Larger arenas grow by this part of themselves where V8 does not count their memory. */
const STEP_SHIFT = 5;
/** Where it does, each step may cost a collection of its heap. */
const COUNTED_STEP_SHIFT = 2;
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
  readonly maxWords: number;
  /** Code that works on this memory; `undefined` while it is small, or where there is no WebAssembly. */
  core: CoreCode | undefined;
  /** Weakly held: who borrowed and is forgotten need not copy anything. */
  #borrowers: WeakRef<Borrower>[] = [];
  /** Blocks that were freed while somebody might still read them (LENT): ref, words. */
  readonly #lent: RefList = new RefList();
  #memory: GrowableMemory | undefined;
  /** Never touched, so it takes no memory: V8 does not count shared memory, and without this would not collect tables for its sake. */
  #counted: GrowableMemory | undefined;

  constructor(options: { readonly maxBytes?: number; readonly initialWords?: number } = {}) {
    this.maxWords = Math.min(MAX_WORDS, Math.floor((options.maxBytes ?? MAX_WORDS * 4) / 4));
    this.words = new Int32Array(0);
    this.bytes = new Uint8Array(0);
    const first = ARENA_START + STATE_WORDS;
    if (first > this.maxWords) this.#refuse();
    this.#use(new ArrayBuffer(4 * Math.min(this.maxWords, Math.max(first, options.initialWords ?? 4096))));
    this.words[ARENA_START] = (KIND_SIDE << KIND_SHIFT) | STATE_WORDS;
    this.words[TOP] = first;
  }

  /** First word never used. */
  get top(): number {
    return this.words[TOP] as number;
  }

  /** Words in free blocks below {@link top}. */
  get freeWords(): number {
    return this.words[FREE_WORDS] as number;
  }

  /**
   * Makes sure that allocations of `words` altogether cannot fail: true. False near the limit, when they will succeed only if the
   * free blocks have the right sizes. Throws `CAPACITY`, with nothing changed, when there is not even as much free, or when the
   * host has no memory left.
   */
  ensure(words: number): boolean {
    let need = this.top + words;
    if (need <= this.words.length) return true;
    if (this.#lent.length !== 0 && need > this.maxWords) {
      this.#recall();
      need = this.top + words;
    }
    if (need > this.maxWords && this.freeWords >= words) return false;
    this.#grow(need);
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
    const m = this.words;
    const head = FREE_HEADS + (words <= EXACT_WORDS ? words : classOf(words));
    const ref = m[head] as number;
    if (ref !== 0) {
      m[head] = m[ref + 1] as number;
      m[FREE_WORDS] = (m[FREE_WORDS] as number) - (words <= EXACT_WORDS ? words : blockWords(words));
      return ref;
    }
    return this.#allocateNew(blockWords(words));
  }

  free(ref: number, words: number): void {
    if (this.#borrowers.length !== 0 && this.#freeLent(ref, words)) return;
    this.#giveBack(ref, words);
  }

  /**
   * A SIDE block for `words` words, zeros; returns the first of them. It may be larger than any block that is ever free: then it is
   * new memory. Throws as {@link allocate}.
   */
  allocateSide(words: number): number {
    const size = blockWords(words + 1);
    const ref = size > LARGEST_FREE ? this.#takeTop(size) : this.allocate(size);
    this.words[ref] = (KIND_SIDE << KIND_SHIFT) | size;
    this.words.fill(0, ref + 1, ref + size);
    return ref + 1;
  }

  /** Frees the SIDE block whose words begin at `first`. */
  freeSide(first: number): void {
    let ref = first - 1;
    let size = (this.words[ref] as number) & KIND_REST;
    for (; size > LARGEST_FREE; ref += LARGEST_FREE, size -= LARGEST_FREE) this.#giveBack(ref, LARGEST_FREE);
    this.#giveBack(ref, size);
  }

  /**
   * KEYs and VALUEs may be read without being counted, also when they are freed: then they are kept as LENT until the borrower has
   * copied what it needs, a few flows with each block that is freed.
   */
  lend(borrower: Borrower): void {
    this.#borrowers = this.#borrowers.filter((held) => held.deref() !== undefined);
    this.#borrowers.push(new WeakRef(borrower));
    this.#noteLent();
  }

  /** A borrower has copied all it needs. */
  returnLoan(borrower: Borrower): void {
    this.#borrowers = this.#borrowers.filter((held) => held.deref() !== borrower);
    this.#noteLent();
  }

  /** Gives back what was kept when nobody may read it any more; tells the WebAssembly code whether it may free blocks. */
  #noteLent(): void {
    this.words[LENT_COUNT] = this.#borrowers.length;
    if (this.#borrowers.length > 0) return;
    const lent = this.#lent;
    for (let i = 0; i < lent.length; i += 2) this.#giveBack(lent.at(i), lent.at(i + 1));
    lent.truncate(0);
  }

  /** Blocks that are LENT. */
  get lentBlocks(): number {
    return this.#lent.length / 2;
  }

  /** Keeps a block for the borrowers: true; false if none needs it. */
  #freeLent(ref: number, words: number): boolean {
    const borrower = (this.#borrowers[0] as WeakRef<Borrower>).deref();
    if (borrower === undefined) {
      this.#borrowers.shift();
      this.#noteLent();
    } else borrower.copySome(COPIES_PER_FREE);
    const head = this.words[ref] as number;
    const kind = head >>> KIND_SHIFT;
    if (this.#borrowers.length === 0 || (kind !== KIND_KEY && kind !== KIND_VALUE)) return false;
    this.words[ref] = (head & LENT_REST) | (KIND_LENT << KIND_SHIFT) | (kind === KIND_VALUE ? LENT_VALUE : 0);
    this.#lent.push(ref);
    this.#lent.push(words);
    return true;
  }

  /** Has everything copied at once that is lent, for want of memory. */
  #recall(): void {
    for (const held of this.#borrowers) held.deref()?.copySome(Number.POSITIVE_INFINITY);
    this.#borrowers = [];
    this.#noteLent();
  }

  #giveBack(ref: number, words: number): void {
    const size = blockWords(words);
    const head = FREE_HEADS + classOf(words);
    const m = this.words;
    m[ref] = (KIND_FREE << KIND_SHIFT) | size;
    m[ref + 1] = m[head] as number;
    m[head] = ref;
    m[FREE_WORDS] = (m[FREE_WORDS] as number) + size;
  }

  /** First free block of a size class, for the audit. */
  freeListHead(sizeClass: number): number {
    return this.words[FREE_HEADS + sizeClass] as number;
  }

  get sizeClasses(): number {
    return CLASS_COUNT;
  }

  #allocateNew(size: number): number {
    if (this.freeWords > this.top >>> 2 || this.top + size > this.maxWords) {
      const ref = this.#split(size);
      if (ref !== 0) return ref;
    }
    return this.#takeTop(size);
  }

  #takeTop(size: number): number {
    const ref = this.top;
    if (ref + size > this.words.length) this.#grow(ref + size);
    this.words[TOP] = ref + size;
    return ref;
  }

  /** Much is free, but nothing of this size: takes the beginning of the smallest larger block, if there is one. */
  #split(size: number): number {
    for (let sizeClass = classOf(size + 2); sizeClass < CLASS_COUNT; sizeClass++) {
      const m = this.words;
      const ref = m[FREE_HEADS + sizeClass] as number;
      if (ref === 0) continue;
      const whole = (m[ref] as number) & KIND_REST;
      const rest = whole - size;
      // What remains must itself be a possible block.
      if (rest < 2 || (rest > EXACT_WORDS && rest % COARSE_STEP !== 0)) continue;
      m[FREE_HEADS + sizeClass] = m[ref + 1] as number;
      m[FREE_WORDS] = (m[FREE_WORDS] as number) - whole;
      this.#giveBack(ref + size, rest);
      return ref;
    }
    return 0;
  }

  #grow(need: number): void {
    if (need > this.maxWords) this.#refuse();
    const length = this.words.length;
    try {
      if (need <= COPY_UP_TO) this.#copyTo(Math.min(this.maxWords, Math.max(need, length * 2)));
      else {
        const shift = this.words.buffer instanceof ArrayBuffer ? COUNTED_STEP_SHIFT : STEP_SHIFT;
        this.#growInPlace(need, Math.min(this.maxWords, Math.max(need, length + Math.max(length >>> shift, LEAST_STEP))));
      }
    } catch (cause) {
      if (cause instanceof OfsyncError) throw cause;
      throw new OfsyncError("CAPACITY", `no memory for a table of ${need * 4} bytes`, { cause });
    }
  }

  #refuse(): never {
    throw new OfsyncError("CAPACITY", `the table needs more than its limit of ${this.maxWords * 4} bytes`, {
      hint: "raise maxBytes, or spread the flows over several tables (4 GiB is the most one table can have)",
    });
  }

  #growInPlace(need: number, wanted: number): void {
    const pages = Math.min(MAX_PAGES, Math.ceil(wanted / PAGE_WORDS));
    if (this.#memory !== undefined) {
      this.#memory.grow(pages - this.#memory.buffer.byteLength / (4 * PAGE_WORDS));
      this.#use(this.#memory.buffer);
      this.#count();
      return;
    }
    if (this.words.length <= COPY_UP_TO) {
      const memory = newMemory(pages);
      if (memory !== undefined) {
        const old = this.words;
        this.#memory = memory;
        this.#use(memory.buffer);
        this.words.set(old);
        this.words[LIMIT] = Math.min(this.maxWords, this.words.length);
        this.core = startCore(memory, !(memory.buffer instanceof ArrayBuffer));
        this.#count();
        return;
      }
    }
    this.#copyTo(Math.min(this.maxWords, Math.max(need, Math.ceil(this.words.length * 1.5))));
  }

  /** Lets V8 count an ordinary memory as large as the shared one; each time that has doubled, because each count may cost a collection. */
  #count(): void {
    const { byteLength } = this.words.buffer;
    if (this.words.buffer instanceof ArrayBuffer || byteLength < 2 * (this.#counted?.buffer.byteLength ?? 0)) return;
    this.#counted = newMemory(byteLength / (4 * PAGE_WORDS), [false]);
  }

  #copyTo(length: number): void {
    const old = this.words;
    this.#use(new ArrayBuffer(length * 4));
    this.words.set(old);
    this.words[LIMIT] = length;
  }

  #use(buffer: ArrayBufferLike): void {
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
    this.words[LIMIT] = Math.min(this.maxWords, this.words.length);
  }
}

/**
 * A memory of some pages; `undefined` where there is none, or no address space to reserve: copying works with less. A shared
 * memory, if the host has it, though it is shared with nobody: when it grows nobody loses what they had of it, so that V8 goes on
 * without looking at each access whether the memory is still there, and without a collection for memory that seems new.
 */
function newMemory(pages: number, kinds: readonly boolean[] = [true, false]): GrowableMemory | undefined {
  const Memory = (globalThis as { WebAssembly?: { Memory?: GrowableMemoryConstructor } }).WebAssembly?.Memory;
  if (Memory === undefined) return undefined;
  for (const shared of kinds) {
    try {
      return new Memory({ initial: pages, maximum: MAX_PAGES, shared });
    } catch {
      // Not this kind; the other may do.
    }
  }
  return undefined;
}

function classOf(words: number): number {
  return words <= EXACT_WORDS ? words : EXACT_WORDS + Math.ceil((words - EXACT_WORDS) / COARSE_STEP);
}
