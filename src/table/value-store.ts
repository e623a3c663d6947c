import { compareBytes, equalBytes } from "../bytes.ts";
import { instructionsMeaning } from "../flow/meaning.ts";
import type { Arena } from "./arena.ts";
import type { FlowModView } from "./flow-mod.ts";
import { CONJUNCTION, instructionsClass, isPlain } from "./instruction-scan.ts";
import {
  CACHE,
  CACHE_MASK,
  CLASS_CONJUNCTION,
  CLASS_MASK,
  CLASS_SHIFT,
  FLOW_COOKIE,
  FLOW_COOKIE_HIGH,
  FLOW_DATA,
  FLOW_EXTRA,
  FLOW_LENGTHS,
  FLOW_TIMEOUTS,
  KIND_REST,
  KIND_SHIFT,
  KIND_VALUE,
  LAST_VALUE,
  LENGTH_MASK,
  MEANING_KEPT,
  PLAIN,
  VALUE_COOKIE,
  VALUE_COOKIE_HIGH,
  VALUE_COUNT,
  VALUE_EXTRA,
  VALUE_FLAGS,
  VALUE_NARROW_WORDS,
  VALUE_TIMEOUTS,
  VALUE_WIDE_WORDS,
  WIDE,
} from "./layout.ts";
import { sameWords } from "./same-words.ts";

/** check_overlap and reset_counts act when a flow is added and leave no trace in the switch (OpenFlow 1.5.1 §7.3.4.2). */
const MOMENTARY_FLAGS = 6;
const SMALLEST_CACHE = 256;
const LARGEST_CACHE = 16384;

/**
 * The VALUE blocks of an arena: immutable, shared and counted. Equal values are shared when one of them is the last one used or
 * in a small cache of recent ones (direct-mapped, its entries may be stale), which catches what flows of one owner and popular values have in common without an index over
 * all values; two equal values that are not shared are still recognised as equal wherever it matters ({@link same}).
 */
export class ValueStore {
  readonly #arena: Arena;
  /** Meanings of the few values whose meaning has been asked for and is not their own bytes. */
  readonly #meanings: Map<number, Uint8Array> = new Map();

  constructor(arena: Arena) {
    this.#arena = arena;
    arena.ensure(2 * SMALLEST_CACHE + 64);
    const cache = arena.allocateSide(2 * SMALLEST_CACHE);
    arena.words[CACHE] = cache;
    arena.words[CACHE_MASK] = SMALLEST_CACHE - 1;
  }

  /** Number of values. */
  get size(): number {
    return this.#arena.words[VALUE_COUNT] as number;
  }

  /** Are there values whose block is not all there is of them? */
  get hasMeanings(): boolean {
    return this.#meanings.size !== 0;
  }

  /** Words that a value of `instructionBytes` takes at most. */
  static wordsFor(instructionBytes: number): number {
    return VALUE_WIDE_WORDS + ((instructionBytes + 3) >>> 2) + 64;
  }

  /** The value of the packed flow at `words[at]`, its count one higher: shared if possible, else a new block. */
  acquire(words: Int32Array, at: number): number {
    const m = this.#arena.words;
    const last = m[LAST_VALUE] as number;
    if (last !== 0 && (m[last] as number) >>> KIND_SHIFT === KIND_VALUE && this.equalsPacked(last, words, at)) {
      m[last] = (m[last] as number) + 1;
      return last;
    }
    return this.#acquireOther(words, at);
  }

  retain(value: number): void {
    const m = this.#arena.words;
    m[value] = (m[value] as number) + 1;
  }

  release(value: number): void {
    const m = this.#arena.words;
    const head = (m[value] as number) - 1;
    m[value] = head;
    if ((head & KIND_REST) === 0) this.#destroy(value);
  }

  /** Has `value` the attributes and instructions of the packed flow at `words[at]`, byte for byte? */
  equalsPacked(value: number, words: Int32Array, at: number): boolean {
    const m = this.#arena.words;
    const flags = m[value + VALUE_FLAGS] as number;
    const length = (words[at + FLOW_LENGTHS] as number) >>> 16;
    if ((flags & LENGTH_MASK) !== length || m[value + VALUE_COOKIE] !== words[at + FLOW_COOKIE]) return false;
    let from = value + VALUE_NARROW_WORDS;
    const cookieHigh = words[at + FLOW_COOKIE_HIGH] as number;
    const timeouts = words[at + FLOW_TIMEOUTS] as number;
    const extra = words[at + FLOW_EXTRA] as number;
    if ((flags & WIDE) !== 0) {
      if (
        m[value + VALUE_COOKIE_HIGH] !== cookieHigh ||
        m[value + VALUE_TIMEOUTS] !== timeouts ||
        m[value + VALUE_EXTRA] !== extra
      ) {
        return false;
      }
      from = value + VALUE_WIDE_WORDS;
    } else if ((cookieHigh | timeouts | extra) !== 0) return false;
    const data = at + FLOW_DATA + ((((words[at + FLOW_LENGTHS] as number) & LENGTH_MASK) + 3) >>> 2);
    return sameWords(m, from, words, data, (length + 3) >>> 2);
  }

  /** Same attributes and same instruction bytes? */
  sameBytes(a: number, b: number): boolean {
    return a === b || (this.#sameHead(a, b) && this.sameInstructionBytes(a, b));
  }

  /** As good as the same: instructions that mean the same, and attributes that a switch tells apart once the flow is there? */
  same(a: number, b: number): boolean {
    return a === b || (this.sameAttributes(a, b) && this.sameInstructions(a, b));
  }

  /** Same cookie, timeouts, importance, and flags but for those that act only when a flow is added? */
  sameAttributes(a: number, b: number): boolean {
    const m = this.#arena.words;
    if (m[a + VALUE_COOKIE] !== m[b + VALUE_COOKIE]) return false;
    const wide = (m[a + VALUE_FLAGS] as number) & WIDE;
    if (wide !== ((m[b + VALUE_FLAGS] as number) & WIDE)) return this.#isMomentary(wide !== 0 ? a : b);
    return (
      wide === 0 ||
      (m[a + VALUE_COOKIE_HIGH] === m[b + VALUE_COOKIE_HIGH] &&
        m[a + VALUE_TIMEOUTS] === m[b + VALUE_TIMEOUTS] &&
        (((m[a + VALUE_EXTRA] as number) ^ (m[b + VALUE_EXTRA] as number)) & ~MOMENTARY_FLAGS) === 0)
    );
  }

  /** Instructions that are the same by their bytes or by their meaning? */
  sameInstructions(a: number, b: number): boolean {
    if (this.sameInstructionBytes(a, b)) return true;
    const m = this.#arena.words;
    if (((m[a + VALUE_FLAGS] as number) & (m[b + VALUE_FLAGS] as number) & PLAIN) !== 0) return false;
    return equalBytes(this.#meaning(a), this.#meaning(b));
  }

  sameInstructionBytes(a: number, b: number): boolean {
    const m = this.#arena.words;
    const length = (m[a + VALUE_FLAGS] as number) & LENGTH_MASK;
    if (length !== ((m[b + VALUE_FLAGS] as number) & LENGTH_MASK)) return false;
    return sameWords(m, this.#instructionsAt(a), m, this.#instructionsAt(b), (length + 3) >>> 2);
  }

  /** Do no other bytes mean the same as these? (If not known to be so: false.) */
  isPlain(value: number): boolean {
    return ((this.#arena.words[value + VALUE_FLAGS] as number) & PLAIN) !== 0;
  }

  /** `CLASS_ALLOW`, `CLASS_DROP` or `CLASS_CONJUNCTION`; looked at once. */
  classOf(value: number): number {
    const m = this.#arena.words;
    const flags = m[value + VALUE_FLAGS] as number;
    if ((flags & CLASS_MASK) !== 0) return (flags & CLASS_MASK) >>> CLASS_SHIFT;
    const start = 4 * this.#instructionsAt(value);
    const found = instructionsClass(this.#arena.bytes, start, start + (flags & LENGTH_MASK));
    m[value + VALUE_FLAGS] = flags | (found << CLASS_SHIFT);
    return found;
  }

  /** A copy of the instruction bytes. */
  instructions(value: number): Uint8Array {
    const start = 4 * this.#instructionsAt(value);
    return this.#arena.bytes.slice(start, start + this.instructionsLength(value));
  }

  instructionsLength(value: number): number {
    return (this.#arena.words[value + VALUE_FLAGS] as number) & LENGTH_MASK;
  }

  /**
   * Writes attributes, length and instructions of the packed flow at `into[at]`, the instructions from word `to` on, behind its
   * match. Returns the word behind them.
   */
  writeTo(value: number, into: Int32Array, at: number, to: number): number {
    const m = this.#arena.words;
    const flags = m[value + VALUE_FLAGS] as number;
    const length = flags & LENGTH_MASK;
    into[at + FLOW_LENGTHS] = ((into[at + FLOW_LENGTHS] as number) & LENGTH_MASK) | (length << 16);
    into[at + FLOW_COOKIE] = m[value + VALUE_COOKIE] as number;
    let from = value + VALUE_NARROW_WORDS;
    if ((flags & WIDE) !== 0) {
      into[at + FLOW_COOKIE_HIGH] = m[value + VALUE_COOKIE_HIGH] as number;
      into[at + FLOW_TIMEOUTS] = m[value + VALUE_TIMEOUTS] as number;
      into[at + FLOW_EXTRA] = m[value + VALUE_EXTRA] as number;
      from = value + VALUE_WIDE_WORDS;
    } else {
      into[at + FLOW_COOKIE_HIGH] = 0;
      into[at + FLOW_TIMEOUTS] = 0;
      into[at + FLOW_EXTRA] = 0;
    }
    const shift = to - from;
    const end = from + ((length + 3) >>> 2);
    for (let i = from; i < end; i++) into[i + shift] = m[i] as number;
    return end + shift;
  }

  /** Fills a view with attributes and instructions of a value (0 = none); the ranges stay valid until the arena changes. */
  read(value: number, into: FlowModView): void {
    const m = this.#arena.words;
    const flags = value === 0 ? 0 : (m[value + VALUE_FLAGS] as number);
    const wide = (flags & WIDE) !== 0;
    const timeouts = wide ? (m[value + VALUE_TIMEOUTS] as number) : 0;
    const extra = wide ? (m[value + VALUE_EXTRA] as number) : 0;
    into.cookieLow = value === 0 ? 0 : (m[value + VALUE_COOKIE] as number) >>> 0;
    into.cookieHigh = wide ? (m[value + VALUE_COOKIE_HIGH] as number) >>> 0 : 0;
    into.idleTimeout = timeouts >>> 16;
    into.hardTimeout = timeouts & 0xffff;
    into.importance = extra >>> 16;
    into.flags = extra & 0xffff;
    into.instructionsBuffer = this.#arena.bytes;
    into.instructionsStart = 4 * (value + (wide ? VALUE_WIDE_WORDS : VALUE_NARROW_WORDS));
    into.instructionsLength = flags & LENGTH_MASK;
  }

  /** Size of the block that begins at `value`. */
  blockSize(value: number): number {
    const flags = this.#arena.words[value + VALUE_FLAGS] as number;
    return ((flags & WIDE) !== 0 ? VALUE_WIDE_WORDS : VALUE_NARROW_WORDS) + (((flags & LENGTH_MASK) + 3) >>> 2);
  }

  /**
   * The merge of conjunction values, best first, as a packed flow in `scratch` (its match left empty): the attributes of the
   * first, the union of all actions, conjunctions first and in order of id, clause, and number of clauses.
   */
  mergedConjunctions(values: readonly number[]): { instructions: Uint8Array; attributesOf: number } {
    const clauses: Uint8Array[] = [];
    for (const value of values) {
      if (this.classOf(value) !== CLASS_CONJUNCTION) continue;
      clauses.push(...CONJUNCTION.actionsOf(this.instructions(value)));
    }
    clauses.sort((a, b) => CONJUNCTION.rank(a) - CONJUNCTION.rank(b) || CONJUNCTION.compare(a, b) || compareBytes(a, b));
    const unique = clauses.filter((clause, i) => i === 0 || !equalBytes(clause, clauses[i - 1] as Uint8Array));
    return { instructions: CONJUNCTION.applyActions(unique), attributesOf: values[0] as number };
  }

  #sameHead(a: number, b: number): boolean {
    const m = this.#arena.words;
    const wide = (m[a + VALUE_FLAGS] as number) & WIDE;
    if (m[a + VALUE_COOKIE] !== m[b + VALUE_COOKIE] || wide !== ((m[b + VALUE_FLAGS] as number) & WIDE)) return false;
    return (
      wide === 0 ||
      (m[a + VALUE_COOKIE_HIGH] === m[b + VALUE_COOKIE_HIGH] &&
        m[a + VALUE_TIMEOUTS] === m[b + VALUE_TIMEOUTS] &&
        m[a + VALUE_EXTRA] === m[b + VALUE_EXTRA])
    );
  }

  /** Is nothing of the wide part set but flags that act only when a flow is added? */
  #isMomentary(value: number): boolean {
    const m = this.#arena.words;
    return (
      m[value + VALUE_COOKIE_HIGH] === 0 &&
      m[value + VALUE_TIMEOUTS] === 0 &&
      ((m[value + VALUE_EXTRA] as number) & ~MOMENTARY_FLAGS) === 0
    );
  }

  #instructionsAt(value: number): number {
    const flags = this.#arena.words[value + VALUE_FLAGS] as number;
    return value + ((flags & WIDE) !== 0 ? VALUE_WIDE_WORDS : VALUE_NARROW_WORDS);
  }

  #meaning(value: number): Uint8Array {
    const m = this.#arena.words;
    const flags = m[value + VALUE_FLAGS] as number;
    if ((flags & MEANING_KEPT) !== 0) return this.#meanings.get(value) as Uint8Array;
    const bytes = this.instructions(value);
    if ((flags & PLAIN) !== 0) return bytes;
    const meaning = instructionsMeaning(bytes);
    if (meaning === bytes) return bytes;
    this.#meanings.set(value, meaning);
    m[value + VALUE_FLAGS] = flags | MEANING_KEPT;
    return meaning;
  }

  #acquireOther(words: Int32Array, at: number): number {
    const lengths = words[at + FLOW_LENGTHS] as number;
    const length = lengths >>> 16;
    const count = (length + 3) >>> 2;
    const data = at + FLOW_DATA + (((lengths & LENGTH_MASK) + 3) >>> 2);
    // Any hash will do: the worst that can happen is that equal values are not shared.
    let hash = Math.imul((words[at + FLOW_COOKIE] as number) ^ length, 0x9e37_79b1);
    for (let i = data, end = data + count, factor = 0x85eb_ca6b; i < end; i++, factor = (factor + 0x3c6e_f372) | 0) {
      hash = (hash + Math.imul(words[i] as number, factor)) | 0;
    }
    hash ^= hash >>> 15;
    if (this.size > 4 * (this.#arena.words[CACHE_MASK] as number)) this.#growCache();
    const slot = this.#cacheSlot(hash);
    const cached = this.#arena.words[slot + 1] as number;
    if (cached !== 0 && this.#arena.words[slot] === hash) {
      const head = this.#arena.words[cached] as number;
      if (head >>> KIND_SHIFT === KIND_VALUE && this.equalsPacked(cached, words, at)) {
        this.#arena.words[cached] = head + 1;
        this.#arena.words[LAST_VALUE] = cached;
        return cached;
      }
    }
    const cookieHigh = words[at + FLOW_COOKIE_HIGH] as number;
    const timeouts = words[at + FLOW_TIMEOUTS] as number;
    const extra = words[at + FLOW_EXTRA] as number;
    const wide = (cookieHigh | timeouts | extra) !== 0;
    const header = wide ? VALUE_WIDE_WORDS : VALUE_NARROW_WORDS;
    const value = this.#arena.allocate(header + count);
    const m = this.#arena.words;
    m[value] = ((KIND_VALUE << KIND_SHIFT) | 1) as number;
    m[value + VALUE_COOKIE] = words[at + FLOW_COOKIE] as number;
    if (wide) {
      m[value + VALUE_COOKIE_HIGH] = cookieHigh;
      m[value + VALUE_TIMEOUTS] = timeouts;
      m[value + VALUE_EXTRA] = extra;
    }
    const to = value + header;
    for (let i = 0; i < count; i++) m[to + i] = words[data + i] as number;
    const plain = (extra & MOMENTARY_FLAGS) === 0 && isPlain(this.#arena.bytes, 4 * to, length) ? PLAIN : 0;
    m[value + VALUE_FLAGS] = length | (wide ? WIDE : 0) | plain;
    m[slot] = hash;
    m[slot + 1] = value;
    m[LAST_VALUE] = value;
    m[VALUE_COUNT] = (m[VALUE_COUNT] as number) + 1;
    return value;
  }

  #cacheSlot(hash: number): number {
    const m = this.#arena.words;
    return (m[CACHE] as number) + 2 * (hash & (m[CACHE_MASK] as number));
  }

  /** Makes the cache four times as large, if there is memory at hand. What was in it is not worth keeping. */
  #growCache(): void {
    const arena = this.#arena;
    const entries = 4 * ((arena.words[CACHE_MASK] as number) + 1);
    if (entries > LARGEST_CACHE || arena.top + 2 * entries + 64 > arena.words.length) return;
    const old = arena.words[CACHE] as number;
    arena.words[CACHE] = arena.allocateSide(2 * entries);
    arena.words[CACHE_MASK] = entries - 1;
    arena.freeSide(old);
  }

  #destroy(value: number): void {
    const m = this.#arena.words;
    const flags = m[value + VALUE_FLAGS] as number;
    if ((flags & MEANING_KEPT) !== 0) this.#meanings.delete(value);
    m[VALUE_COUNT] = (m[VALUE_COUNT] as number) - 1;
    this.#arena.free(value, this.blockSize(value));
  }
}
