/**
 * Looks names up by their bytes: open addressing over a hash that the caller computes while it scans, so that no string is
 * made. Filled once, then read only.
 */
export class NameTable {
  readonly #slots: Int32Array;
  readonly #text: Uint8Array;
  readonly #mask: number;

  #used = 0;

  /** Room for so many names of 16 characters on average. */
  constructor(room: number) {
    let size = 64;
    while (size < room * 4) size *= 2;
    this.#mask = size - 1;
    // Three words a slot: id (0 = free), start of the name, length of the name.
    this.#slots = new Int32Array(size * 3);
    this.#text = new Uint8Array(16 * room);
  }

  /** Gives a name its id, which is above 0. */
  add(name: string, id: number): void {
    const text = this.#text;
    const used = this.#used;
    if (used + name.length > text.length) throw new RangeError("the table of names has no more room");
    let hash = NAME_HASH_START;
    for (let i = 0; i < name.length; i++) {
      const c = name.charCodeAt(i);
      text[used + i] = c;
      hash = nameHash(hash, c);
    }
    const slots = this.#slots;
    let slot = hash & this.#mask;
    while (slots[3 * slot] !== 0) slot = (slot + 1) & this.#mask;
    slots[3 * slot] = id;
    slots[3 * slot + 1] = used;
    slots[3 * slot + 2] = name.length;
    this.#used = used + name.length;
  }

  /** Id of the name `bytes[start, end)` whose hash is `hash`; 0 when there is none. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const slots = this.#slots;
    const text = this.#text;
    const length = end - start;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const id = slots[3 * slot] as number;
      if (id === 0) return 0;
      if (slots[3 * slot + 2] !== length) continue;
      const at = slots[3 * slot + 1] as number;
      let i = 0;
      while (i < length && text[at + i] === bytes[start + i]) i++;
      if (i === length) return id;
    }
  }
}

/** Start value of {@link nameHash}. */
export const NAME_HASH_START = 0;

/** Mixes one more character into the hash of a name. */
export function nameHash(hash: number, c: number): number {
  return (Math.imul(hash, 31) + c) | 0;
}
