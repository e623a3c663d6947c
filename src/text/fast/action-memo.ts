/** Entries that may lie behind each other in the index. Chance makes a dozen; more is a text written to make look-ups slow. */
const LONGEST_RUN = 64;

/**
 * Remembers what the careful road made of single actions, by their text: real tables write the same few thousand actions over
 * and over. A hash index over two byte arenas, no string and no object per entry. Bounded in entries and in the length of a
 * look-up: beyond either, it forgets everything.
 */
export class ActionMemo {
  readonly #limit: number;
  /** Five words an entry: hash, start and length of the text, start and length of the result. Text start -1 = free. */
  #slots = new Int32Array(0);
  #count = 0;
  #text: Uint8Array = new Uint8Array(1 << 12);
  #textUsed = 0;
  #results: Uint8Array = new Uint8Array(1 << 12);
  #resultsUsed = 0;
  #mask = 0;

  /** Where the entry found last lies in {@link results}. */
  start = 0;
  length = 0;

  constructor(limit: number = 1 << 16) {
    this.#limit = limit;
    this.#clear();
  }

  get results(): Uint8Array {
    return this.#results;
  }

  #clear(): void {
    this.#slots = new Int32Array(5 * 1024).fill(-1);
    this.#mask = 1023;
    this.#count = 0;
    this.#textUsed = 0;
    this.#resultsUsed = 0;
  }

  /** Hash of `bytes[start, end)` under `context`, whatever else the result depends on. */
  static hash(bytes: Uint8Array, start: number, end: number, context: number): number {
    let hash = context;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x85ebca6b);
    return hash ^ (hash >>> 13);
  }

  /** Looks the text up; true: {@link start} and {@link length} say where its result lies. */
  find(bytes: Uint8Array, start: number, end: number, context: number, hash: number): boolean {
    const slots = this.#slots;
    const text = this.#text;
    const size = end - start;
    let slot = hash & this.#mask;
    for (let steps = 0; steps < LONGEST_RUN; steps++, slot = (slot + 1) & this.#mask) {
      const at = 5 * slot;
      const textStart = slots[at + 1] as number;
      if (textStart < 0) return false;
      if (slots[at] !== hash || slots[at + 2] !== size + 4) continue;
      if (readContext(text, textStart) !== context) continue;
      let i = 0;
      while (i < size && text[textStart + 4 + i] === bytes[start + i]) i++;
      if (i < size) continue;
      this.start = slots[at + 3] as number;
      this.length = slots[at + 4] as number;
      return true;
    }
    this.#clear();
    return false;
  }

  /** Remembers `result` for the text, which {@link find} did not find. */
  add(bytes: Uint8Array, start: number, end: number, context: number, hash: number, result: Uint8Array): void {
    if (this.#count >= this.#limit) this.#clear();
    if (2 * this.#count >= this.#mask) this.#grow();
    const textStart = this.#textUsed;
    this.#text = reserve(this.#text, textStart, end - start + 4);
    for (let i = 0; i < 4; i++) this.#text[textStart + i] = context >>> (8 * i);
    this.#text.set(bytes.subarray(start, end), textStart + 4);
    this.#textUsed += end - start + 4;
    const resultStart = this.#resultsUsed;
    this.#results = reserve(this.#results, resultStart, result.length);
    this.#results.set(result, resultStart);
    this.#resultsUsed += result.length;
    this.#count++;
    this.#insert(hash, textStart, end - start + 4, resultStart, result.length);
    this.start = resultStart;
    this.length = result.length;
  }

  #insert(hash: number, textStart: number, textLength: number, resultStart: number, resultLength: number): void {
    let slot = hash & this.#mask;
    while ((this.#slots[5 * slot + 1] as number) >= 0) slot = (slot + 1) & this.#mask;
    const at = 5 * slot;
    this.#slots[at] = hash;
    this.#slots[at + 1] = textStart;
    this.#slots[at + 2] = textLength;
    this.#slots[at + 3] = resultStart;
    this.#slots[at + 4] = resultLength;
  }

  #grow(): void {
    const old = this.#slots;
    const size = (this.#mask + 1) * 2;
    this.#slots = new Int32Array(5 * size).fill(-1);
    this.#mask = size - 1;
    for (let at = 0; at < old.length; at += 5) {
      const textStart = old[at + 1] as number;
      if (textStart >= 0) {
        this.#insert(old[at] as number, textStart, old[at + 2] as number, old[at + 3] as number, old[at + 4] as number);
      }
    }
  }
}

function readContext(text: Uint8Array, at: number): number {
  return (
    (text[at] as number) | ((text[at + 1] as number) << 8) | ((text[at + 2] as number) << 16) | ((text[at + 3] as number) << 24)
  );
}

function reserve(bytes: Uint8Array, used: number, more: number): Uint8Array {
  if (used + more <= bytes.length) return bytes;
  const grown = new Uint8Array(Math.max(2 * bytes.length, used + more));
  grown.set(bytes.subarray(0, used));
  return grown;
}
