// What packed-core.ts is made of: blocks, hashes, indexes and values in the arena, as the classes of this room have them, written
// again for WebAssembly (test/core-compiler says in what kind of TypeScript).
import {
  APPLY_ACTIONS,
  CT_BYTES,
  EXPERIMENTER,
  GOTO_TABLE,
  NICIRA,
  NXAST_CONJUNCTION,
  NXAST_CT,
  NXAST_RESUBMIT_TABLE,
  OUTPUT,
  SET_FIELD,
} from "./instruction-scan.ts";
import {
  CACHE,
  CACHE_MASK,
  COARSE_STEP,
  EMPTY_OWNER_SLOT,
  EMPTY_SLOT,
  EXACT_WORDS,
  FLOW_COOKIE,
  FLOW_COOKIE_HIGH,
  FLOW_DATA,
  FLOW_EXTRA,
  FLOW_ID,
  FLOW_LENGTHS,
  FLOW_TIMEOUTS,
  FREE_HEADS,
  FREE_WORDS,
  INDEX_DIRECTORY,
  INDEX_SHIFT,
  INDEX_SIZE,
  KEY_FLAGS,
  KEY_ID_MASK,
  KEY_MATCH,
  KEYS_INDEX,
  KIND_FREE,
  KIND_OWNER,
  KIND_REST,
  KIND_SEGMENT,
  KIND_SHIFT,
  KIND_VALUE,
  LAST_OWNER,
  LAST_VALUE,
  LENGTH_MASK,
  MAX_DEPTH,
  OWNER_UUID,
  OWNERS_INDEX,
  PLAIN,
  SCRATCH,
  SCRATCH_SPLIT,
  SECRETS,
  SEGMENT_FULL,
  SEGMENT_HEADER,
  SEGMENT_SLOTS,
  SEGMENT_WORDS,
  TOP,
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

/** The word at an index of the arena. */
export declare function get(word: number): number;
export declare function set(word: number, value: number): void;
/** The byte at an index of the arena. */
declare function getByte(byte: number): number;
declare function copyWords(to: number, from: number, count: number): void;
declare function clearWords(at: number, count: number): void;

const SLOT_WORDS = 2 * SEGMENT_SLOTS;
const MOMENTARY_FLAGS = 6;

// ---- arena (as in arena.ts)

function classOf(words: number): number {
  return words <= EXACT_WORDS ? words : EXACT_WORDS + ((words - EXACT_WORDS + COARSE_STEP - 1) >>> 6);
}

function blockWords(words: number): number {
  return words <= EXACT_WORDS ? words : (words + COARSE_STEP - 1) & -COARSE_STEP;
}

/** A block; there must be room for it at the top. */
export function allocate(words: number): number {
  const head = FREE_HEADS + classOf(words);
  const ref = get(head);
  const size = blockWords(words);
  if (ref !== 0) {
    set(head, get(ref + 1));
    set(FREE_WORDS, get(FREE_WORDS) - size);
    return ref;
  }
  const top = get(TOP);
  set(TOP, top + size);
  return top;
}

export function free(ref: number, words: number): void {
  const head = FREE_HEADS + classOf(words);
  const size = blockWords(words);
  set(ref, (KIND_FREE << KIND_SHIFT) | size);
  set(ref + 1, get(head));
  set(head, ref);
  set(FREE_WORDS, get(FREE_WORDS) + size);
}

/** Is so much free that new blocks are made of larger ones that are? That is for the classes. */
export function isLoose(): boolean {
  return get(FREE_WORDS) > get(TOP) >>> 2;
}

/** Would it then? */
export function wouldSplit(words: number): boolean {
  return get(FREE_HEADS + classOf(words)) === 0;
}

// ---- hash (as in keyed-hash.ts)

export function hashOf(first: number, second: number, from: number, count: number): number {
  let sum = Math.imul((first & 0xffff) + get(SECRETS), (first >>> 16) + get(SECRETS + 1));
  sum += Math.imul(second & 0xffff, get(SECRETS + 2)) + get(SECRETS + 3);
  let secret = SECRETS + 4;
  let at = from;
  const end = from + count;
  for (; at < end - 1; at += 2) {
    const word = get(at);
    const other = get(at + 1);
    sum += Math.imul((word & 0xffff) + get(secret), (word >>> 16) + get(secret + 1));
    sum += Math.imul((other & 0xffff) + get(secret + 2), (other >>> 16) + get(secret + 3));
    secret += 4;
  }
  if (at < end) {
    const word = get(at);
    sum += Math.imul((word & 0xffff) + get(secret), (word >>> 16) + get(secret + 1));
  }
  let hash = Math.imul(sum ^ (sum >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}

function sameWords(a: number, b: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (get(a + i) !== get(b + i)) return false;
  return true;
}

export function copyFew(to: number, from: number, count: number): void {
  for (let i = 0; i < count; i++) set(to + i, get(from + i));
}

// ---- indexes (as in hash-index.ts)

function segmentOf(index: number, hash: number): number {
  return get(get(index + INDEX_DIRECTORY) + (hash >>> get(index + INDEX_SHIFT)));
}

function homeOf(segment: number, hash: number): number {
  return segment + SEGMENT_HEADER + ((Math.imul(hash & 0xffff, SEGMENT_SLOTS) >>> 16) << 1);
}

/** Reads the place in an index where the look-up of a hash begins, so that it is near when it is looked up. */
export function readSlot(index: number, hash: number): number {
  return get(homeOf(segmentOf(index, hash), hash) + 1);
}

/** The KEY of the flow at `flow`, 0 = none. */
export function findKey(flow: number, hash: number): number {
  const segment = segmentOf(KEYS_INDEX, hash);
  const end = segment + SEGMENT_WORDS;
  const id = get(flow + FLOW_ID);
  const length = get(flow + FLOW_LENGTHS) & LENGTH_MASK;
  let slot = homeOf(segment, hash);
  for (;;) {
    const key = get(slot + 1);
    if (key === 0) {
      set(EMPTY_SLOT, slot);
      return 0;
    }
    if (get(slot) === hash && isKeyOf(key, flow, id, length)) return key;
    slot += 2;
    if (slot === end) slot = segment + SEGMENT_HEADER;
  }
}

function isKeyOf(key: number, flow: number, id: number, length: number): boolean {
  if ((get(key) & KEY_ID_MASK) !== id || (get(key + KEY_FLAGS) & LENGTH_MASK) !== length) return false;
  return sameWords(key + KEY_MATCH, flow + FLOW_DATA, (length + 3) >>> 2);
}

export function hashOfOwner(uuid: number): number {
  return hashOf(get(uuid), 0, uuid + 1, 3);
}

function isOwner(owner: number, uuid: number): boolean {
  return (
    get(owner + OWNER_UUID) === get(uuid) &&
    get(owner + OWNER_UUID + 1) === get(uuid + 1) &&
    get(owner + OWNER_UUID + 2) === get(uuid + 2) &&
    get(owner + OWNER_UUID + 3) === get(uuid + 3)
  );
}

/** The OWNER with this UUID, 0 = none. */
export function findOwner(uuid: number, hash: number): number {
  const segment = segmentOf(OWNERS_INDEX, hash);
  const end = segment + SEGMENT_WORDS;
  let slot = homeOf(segment, hash);
  for (;;) {
    const owner = get(slot + 1);
    if (owner === 0) {
      set(EMPTY_OWNER_SLOT, slot);
      return 0;
    }
    if (get(slot) === hash && isOwner(owner, uuid)) return owner;
    slot += 2;
    if (slot === end) slot = segment + SEGMENT_HEADER;
  }
}

export function isLastOwner(uuid: number): boolean {
  const last = get(LAST_OWNER);
  return last !== 0 && get(last) >>> KIND_SHIFT === KIND_OWNER && isOwner(last, uuid);
}

/**
 * Is there room for another entry with this hash, or can it be made without the directory growing? `slotAt`: the word that names
 * the empty slot for it, which changes then.
 */
export function canInsert(index: number, hash: number, slotAt: number): boolean {
  const segment = segmentOf(index, hash);
  if (get(segment + 2) < SEGMENT_FULL) return true;
  const depth = get(segment + 1);
  if (depth >= MAX_DEPTH || depth + get(index + INDEX_SHIFT) >= 32) return false;
  if (isLoose() && get(FREE_HEADS + SEGMENT_WORDS) === 0) return false;
  split(index, segment, hash);
  const half = segmentOf(index, hash);
  set(slotAt, emptySlot(half, hash));
  return get(half + 2) < SEGMENT_FULL;
}

function emptySlot(segment: number, hash: number): number {
  let slot = homeOf(segment, hash);
  while (get(slot + 1) !== 0) {
    slot += 2;
    if (slot === segment + SEGMENT_WORDS) slot = segment + SEGMENT_HEADER;
  }
  return slot;
}

/** Moves the entries whose next bit is set to a new segment. */
function split(index: number, segment: number, hash: number): void {
  const depth = get(segment + 1);
  const sibling = allocate(SEGMENT_WORDS);
  clearWords(sibling, SEGMENT_WORDS);
  set(sibling, KIND_SEGMENT << KIND_SHIFT);
  set(sibling + 1, depth + 1);
  set(segment + 1, depth + 1);
  const old = get(SCRATCH) + SCRATCH_SPLIT;
  copyWords(old, segment + SEGMENT_HEADER, SLOT_WORDS);
  clearWords(segment + SEGMENT_HEADER, SLOT_WORDS);
  const bit = 31 - depth;
  let moved = 0;
  for (let at = old, end = old + SLOT_WORDS; at < end; at += 2) {
    const ref = get(at + 1);
    if (ref === 0) continue;
    const entry = get(at);
    const upper = (entry >>> bit) & 1;
    moved += upper;
    const slot = emptySlot(upper === 0 ? segment : sibling, entry);
    set(slot, entry);
    set(slot + 1, ref);
  }
  set(sibling + 2, moved);
  set(segment + 2, get(segment + 2) - moved);
  const shift = get(index + INDEX_SHIFT);
  const span = 1 << (32 - shift - depth);
  const half = span >>> 1;
  let position = get(index + INDEX_DIRECTORY) + half;
  if (depth !== 0) position += (hash >>> shift) & -span;
  for (let i = 0; i < half; i++) set(position + i, sibling);
}

/** There must be room. */
export function insert(index: number, slot: number, hash: number, ref: number): void {
  const segment = segmentOf(index, hash);
  set(segment + 2, get(segment + 2) + 1);
  set(slot, hash);
  set(slot + 1, ref);
  set(index + INDEX_SIZE, get(index + INDEX_SIZE) + 1);
}

export function removeEntry(index: number, hash: number, ref: number): void {
  const segment = segmentOf(index, hash);
  const first = segment + SEGMENT_HEADER;
  const end = segment + SEGMENT_WORDS;
  let hole = homeOf(segment, hash);
  while (get(hole + 1) !== ref) {
    hole += 2;
    if (hole === end) hole = first;
  }
  let next = hole;
  for (;;) {
    next += 2;
    if (next === end) next = first;
    const moved = get(next + 1);
    if (moved === 0) break;
    const movedHash = get(next);
    const home = homeOf(segment, movedHash);
    const toHome = next >= home ? next - home : next - home + SLOT_WORDS;
    const toHole = next >= hole ? next - hole : next - hole + SLOT_WORDS;
    if (toHome >= toHole) {
      set(hole, movedHash);
      set(hole + 1, moved);
      hole = next;
    }
  }
  set(hole, 0);
  set(hole + 1, 0);
  set(segment + 2, get(segment + 2) - 1);
  set(index + INDEX_SIZE, get(index + INDEX_SIZE) - 1);
}

// ---- values (as in value-store.ts)

export function matchWordsOf(flow: number): number {
  return ((get(flow + FLOW_LENGTHS) & LENGTH_MASK) + 3) >>> 2;
}

export function isWide(flow: number): boolean {
  return (get(flow + FLOW_COOKIE_HIGH) | get(flow + FLOW_TIMEOUTS) | get(flow + FLOW_EXTRA)) !== 0;
}

/** Has `value` the attributes and instructions of the flow, byte for byte? */
export function isValueOf(value: number, flow: number): boolean {
  const flags = get(value + VALUE_FLAGS);
  const length = get(flow + FLOW_LENGTHS) >>> 16;
  if ((flags & LENGTH_MASK) !== length || get(value + VALUE_COOKIE) !== get(flow + FLOW_COOKIE)) return false;
  let from = value + VALUE_NARROW_WORDS;
  if ((flags & WIDE) !== 0) {
    if (get(value + VALUE_COOKIE_HIGH) !== get(flow + FLOW_COOKIE_HIGH)) return false;
    if (get(value + VALUE_TIMEOUTS) !== get(flow + FLOW_TIMEOUTS)) return false;
    if (get(value + VALUE_EXTRA) !== get(flow + FLOW_EXTRA)) return false;
    from = value + VALUE_WIDE_WORDS;
  } else if (isWide(flow)) return false;
  return sameWords(from, flow + FLOW_DATA + matchWordsOf(flow), (length + 3) >>> 2);
}

/** The value of the flow, its count one higher: shared if possible, else a new block. */
export function acquire(flow: number): number {
  const last = get(LAST_VALUE);
  if (last !== 0 && get(last) >>> KIND_SHIFT === KIND_VALUE && isValueOf(last, flow)) {
    set(last, get(last) + 1);
    return last;
  }
  const length = get(flow + FLOW_LENGTHS) >>> 16;
  const count = (length + 3) >>> 2;
  const data = flow + FLOW_DATA + matchWordsOf(flow);
  let hash = Math.imul(get(flow + FLOW_COOKIE) ^ length, 0x9e37_79b1);
  let factor = 0x85eb_ca6b;
  for (let i = data, end = data + count; i < end; i++) {
    hash += Math.imul(get(i), factor);
    factor += 0x3c6e_f372;
  }
  hash ^= hash >>> 15;
  const slot = get(CACHE) + ((hash & get(CACHE_MASK)) << 1);
  const cached = get(slot + 1);
  if (cached !== 0 && get(slot) === hash && get(cached) >>> KIND_SHIFT === KIND_VALUE && isValueOf(cached, flow)) {
    set(cached, get(cached) + 1);
    set(LAST_VALUE, cached);
    return cached;
  }
  const wide = isWide(flow);
  const header = wide ? VALUE_WIDE_WORDS : VALUE_NARROW_WORDS;
  const value = allocate(header + count);
  set(value, (KIND_VALUE << KIND_SHIFT) | 1);
  set(value + VALUE_COOKIE, get(flow + FLOW_COOKIE));
  if (wide) {
    set(value + VALUE_COOKIE_HIGH, get(flow + FLOW_COOKIE_HIGH));
    set(value + VALUE_TIMEOUTS, get(flow + FLOW_TIMEOUTS));
    set(value + VALUE_EXTRA, get(flow + FLOW_EXTRA));
  }
  const to = value + header;
  copyFew(to, data, count);
  let flags = length;
  if (wide) flags |= WIDE;
  if ((get(flow + FLOW_EXTRA) & MOMENTARY_FLAGS) === 0 && isPlain(to << 2, length)) flags |= PLAIN;
  set(value + VALUE_FLAGS, flags);
  set(slot, hash);
  set(slot + 1, value);
  set(LAST_VALUE, value);
  set(VALUE_COUNT, get(VALUE_COUNT) + 1);
  return value;
}

export function release(value: number): void {
  const head = get(value) - 1;
  set(value, head);
  if ((head & KIND_REST) !== 0) return;
  const flags = get(value + VALUE_FLAGS);
  const header = (flags & WIDE) !== 0 ? VALUE_WIDE_WORDS : VALUE_NARROW_WORDS;
  set(VALUE_COUNT, get(VALUE_COUNT) - 1);
  free(value, header + (((flags & LENGTH_MASK) + 3) >>> 2));
}

// ---- instructions (as in instruction-scan.ts)

function getShort(byte: number): number {
  return (getByte(byte) << 8) | getByte(byte + 1);
}

/** The bytes from `start` on; positions are counted from there, because addresses may be above 2^31. */
function isPlain(start: number, length: number): boolean {
  let at = 0;
  while (at < length) {
    const type = getShort(start + at);
    const size = getShort(start + at + 2);
    if (size < 8 || at + size > length) return false;
    if (type === APPLY_ACTIONS) {
      if (!arePlainActions(start + at + 8, size - 8)) return false;
    } else if (type !== GOTO_TABLE) return false;
    at += size;
  }
  return true;
}

function arePlainActions(start: number, length: number): boolean {
  let position = 0;
  let setBefore = -1;
  while (position < length) {
    const at = start + position;
    const type = getShort(at);
    const size = getShort(at + 2);
    if (size < 8 || position + size > length) return false;
    let field = -1;
    if (type === EXPERIMENTER) {
      if (getShort(at + 4) !== 0 || getShort(at + 6) !== NICIRA) return false;
      const subtype = getShort(at + 8);
      if (subtype === NXAST_CT) {
        if (size !== CT_BYTES) return false;
      } else if (subtype !== NXAST_RESUBMIT_TABLE && subtype !== NXAST_CONJUNCTION) return false;
    } else if (type === SET_FIELD) {
      const oxmClass = getShort(at + 4);
      const fieldAndMask = getByte(at + 6);
      if (oxmClass === 0 || oxmClass === EXPERIMENTER || (fieldAndMask & 1) !== 0) return false;
      field = (oxmClass << 8) | fieldAndMask;
      if (field === setBefore) return false;
    } else if (type === OUTPUT) {
      // Only an output to the controller has a length to send.
      if (getShort(at + 8) !== 0 && (getShort(at + 4) !== 0xffff || getShort(at + 6) !== 0xfffd)) return false;
    } else return false;
    setBefore = field;
    position += size;
  }
  return true;
}
