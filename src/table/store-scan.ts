import { blockWords } from "./arena.ts";
import {
  CONTENDER_WORDS,
  KEY_FLAGS,
  KEY_MATCH,
  KIND_CONTENDER,
  KIND_FREE,
  KIND_KEY,
  KIND_LENT,
  KIND_OWNER,
  KIND_REST,
  KIND_SEGMENT,
  KIND_SHIFT,
  KIND_SIDE,
  KIND_VALUE,
  LENGTH_MASK,
  LENT_VALUE,
  OWNER_WORDS,
  SEGMENT_WORDS,
  VALUE_FLAGS,
  VALUE_NARROW_WORDS,
  VALUE_WIDE_WORDS,
  WIDE,
} from "./layout.ts";

const SEGMENT_BLOCK: number = blockWords(SEGMENT_WORDS);

/** Words of a KEY block with these flags. */
export function keyWords(flags: number): number {
  return blockWords(KEY_MATCH + (((flags & LENGTH_MASK) + 3) >>> 2));
}

/** Words of the block that begins at `at`, whatever it is. */
export function blockSizeAt(m: Int32Array, at: number): number {
  const head = m[at] as number;
  let kind = head >>> KIND_SHIFT;
  if (kind === KIND_LENT) kind = (head & LENT_VALUE) !== 0 ? KIND_VALUE : KIND_KEY;
  if (kind === KIND_KEY) return blockWords(KEY_MATCH + ((((m[at + KEY_FLAGS] as number) & LENGTH_MASK) + 3) >>> 2));
  if (kind === KIND_VALUE) {
    const flags = m[at + VALUE_FLAGS] as number;
    const header = (flags & WIDE) !== 0 ? VALUE_WIDE_WORDS : VALUE_NARROW_WORDS;
    return blockWords(header + (((flags & LENGTH_MASK) + 3) >>> 2));
  }
  if (kind === KIND_OWNER) return OWNER_WORDS;
  if (kind === KIND_CONTENDER) return CONTENDER_WORDS;
  if ((kind === KIND_FREE || kind === KIND_SIDE) && (head & KIND_REST) !== 0) return head & KIND_REST;
  if (kind === KIND_SEGMENT) return SEGMENT_BLOCK;
  throw new Error(`arena is corrupt at word ${at}: kind ${kind}`);
}

/** The KEYs that somebody wants, or all, in the order of the arena. */
export function keysOf(m: Int32Array, top: number, wantedOnly: boolean): Int32Array {
  let keys = new Int32Array(1024);
  let count = 0;
  for (let at = 2; at < top; at += blockSizeAt(m, at)) {
    if ((m[at] as number) >>> KIND_SHIFT !== KIND_KEY || (wantedOnly && m[at + 2] === 0)) continue;
    if (count === keys.length) {
      const grown = new Int32Array(count * 2);
      grown.set(keys);
      keys = grown;
    }
    keys[count++] = at;
  }
  return keys.subarray(0, count);
}

/** Sorts keys as tables are read: table ascending, priority descending, match bytes ascending. */
export function sortKeys(m: Int32Array, bytes: Uint8Array, keys: Int32Array): Int32Array {
  return keys.sort((a, b) => {
    const idA = (m[a] as number) & 0x00ff_ffff;
    const idB = (m[b] as number) & 0x00ff_ffff;
    if (idA >>> 16 !== idB >>> 16) return (idA >>> 16) - (idB >>> 16);
    if (idA !== idB) return (idB & 0xffff) - (idA & 0xffff);
    const lengthA = (m[a + KEY_FLAGS] as number) & LENGTH_MASK;
    const lengthB = (m[b + KEY_FLAGS] as number) & LENGTH_MASK;
    const startA = 4 * (a + KEY_MATCH);
    const startB = 4 * (b + KEY_MATCH);
    for (let i = 0, end = Math.min(lengthA, lengthB); i < end; i++) {
      const difference = (bytes[startA + i] as number) - (bytes[startB + i] as number);
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB;
  });
}
