/** The longest name there is room for. */
const LONGEST = 16;
/** Words of a slot: id (0 = free), length, and the name in four words, see {@link NameTable.find}. */
const SLOT = 6;

/**
 * Looks names of up to 16 characters up by their bytes: open addressing, without a string and without a loop over the characters. A
 * name is taken as four words that cover all of it: its first four bytes, its last four, and those from the fifth and from the ninth
 * on where it is longer than eight and twelve. Shorter names than four are one word. With the length these say what the name is.
 * Filled once, then read only.
 */
export class NameTable {
  readonly #slots: Int32Array;
  readonly #mask: number;
  readonly #room: number;
  #count = 0;

  /** Room for so many names. */
  constructor(room: number) {
    let size = 64;
    while (size < room * 2) size *= 2;
    this.#room = room;
    this.#mask = size - 1;
    this.#slots = new Int32Array(size * SLOT);
  }

  /** Gives a name of ASCII characters its id, which is above 0. */
  add(name: string, id: number): void {
    const size = name.length;
    if (this.#count === this.#room || size === 0 || size > LONGEST) throw new RangeError(`there is no room for the name ${name}`);
    this.#count++;
    const bytes = new Uint8Array(LONGEST);
    for (let i = 0; i < size; i++) bytes[i] = name.charCodeAt(i);
    const view = new DataView(bytes.buffer);
    const slots = this.#slots;
    const words = [
      firstWord(view, 0, size),
      lastWord(view, 0, size),
      size > 8 ? view.getInt32(4) : 0,
      size > 12 ? view.getInt32(8) : 0,
    ];
    let at = SLOT * (nameHash(words[0] as number, words[1] as number, size) & this.#mask);
    while (slots[at] !== 0) at = (at + SLOT) % slots.length;
    slots[at] = id;
    slots[at + 1] = size;
    for (const [i, word] of words.entries()) slots[at + 2 + i] = word;
  }

  /** Id of the name that is the bytes `start … end` of a view; 0 when there is none. */
  find(view: DataView, start: number, end: number): number {
    const size = end - start;
    if (size > LONGEST || size === 0) return 0;
    const slots = this.#slots;
    const first = firstWord(view, start, size);
    const last = lastWord(view, start, size);
    for (let slot = nameHash(first, last, size) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = SLOT * slot;
      const id = slots[at] as number;
      if (id === 0) return 0;
      if (slots[at + 2] !== first || slots[at + 3] !== last || slots[at + 1] !== size) continue;
      if (size <= 8) return id;
      if (slots[at + 4] !== view.getInt32(start + 4)) continue;
      if (size <= 12 || slots[at + 5] === view.getInt32(start + 8)) return id;
    }
  }
}

function firstWord(view: DataView, start: number, size: number): number {
  if (size >= 4) return view.getInt32(start);
  let word = 0;
  for (let i = 0; i < size; i++) word = (word << 8) | view.getUint8(start + i);
  return word;
}

function lastWord(view: DataView, start: number, size: number): number {
  return size > 4 ? view.getInt32(start + size - 4) : 0;
}

function nameHash(first: number, last: number, size: number): number {
  const hash = Math.imul(first ^ Math.imul(last, 0x9e37_79b1), 0x85eb_ca6b) + size;
  return hash ^ (hash >>> 15);
}

/** Characters of names: small letters, digits, `_`. */
export const NAME_CHARACTER: Uint8Array = /* @__PURE__ */ nameCharacters();

function nameCharacters(): Uint8Array {
  const found = new Uint8Array(256);
  found.fill(1, 97, 123);
  found.fill(1, 48, 58);
  found[95] = 1;
  return found;
}
