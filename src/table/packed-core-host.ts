import type { Arena } from "./arena.ts";
import type { FlowList } from "./flow-list.ts";
import {
  FLOW_DATA,
  FLOW_LENGTHS,
  LENGTH_MASK,
  SCRATCH,
  SCRATCH_FLOWS,
  SCRATCH_FLOWS_WORDS,
  SCRATCH_OWNERS,
  SCRATCH_OWNERS_MOST,
  SCRATCH_RUNS,
  SCRATCH_WORDS,
} from "./layout.ts";

/** Flows that are put in one go; what is read ahead for them has to stay in the cache. */
const GROUP = 128;

/** The WebAssembly code did nothing: the classes have to do it. */
export const BAIL = -1;

/**
 * Hands flows to the WebAssembly code of an arena (packed-core.ts), which works on what stands in the arena: copies what is given
 * into the SCRATCH and calls it. Where there is no such code, everything is {@link BAIL}.
 */
export class PackedCoreHost {
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** As `PackedStore.put`, or BAIL. */
  put(uuid: Int32Array, at: number, words: Int32Array, from: number, replace: boolean): number {
    const { core } = this.#arena;
    if (core === undefined) return BAIL;
    const count = wordsOf(words, from);
    const scratch = this.#scratch();
    if (scratch === 0 || count > SCRATCH_FLOWS_WORDS) return BAIL;
    const m = this.#arena.words;
    copyOwner(uuid, at, m, scratch + SCRATCH_OWNERS);
    copyWords(words, from, m, scratch + SCRATCH_FLOWS, count);
    return core.put(scratch + SCRATCH_OWNERS, scratch + SCRATCH_FLOWS, replace ? 1 : 0);
  }

  /** As `PackedStore.removeOwner`, for a UUID that may be no owner's; or BAIL. */
  remove(uuid: Int32Array, at: number): number {
    const { core } = this.#arena;
    const scratch = core === undefined ? 0 : this.#scratch();
    if (core === undefined || scratch === 0) return BAIL;
    copyOwner(uuid, at, this.#arena.words, scratch + SCRATCH_OWNERS);
    return core.remove(scratch + SCRATCH_OWNERS);
  }

  /** The OWNER with this UUID, 0 = none, what it wants being on its way from memory; or BAIL. */
  ownerOf(uuid: Int32Array, at: number): number {
    const { core } = this.#arena;
    const scratch = core === undefined ? 0 : this.#scratch();
    if (core === undefined || scratch === 0) return BAIL;
    copyOwner(uuid, at, this.#arena.words, scratch + SCRATCH_OWNERS);
    return core.ownerOf(scratch + SCRATCH_OWNERS);
  }

  /** As `PackedStore.changeValue`, or BAIL. */
  change(node: number, words: Int32Array, from: number): number {
    const { core } = this.#arena;
    const count = wordsOf(words, from);
    const scratch = core === undefined || count > SCRATCH_FLOWS_WORDS ? 0 : this.#scratch();
    if (core === undefined || scratch === 0) return BAIL;
    copyWords(words, from, this.#arena.words, scratch + SCRATCH_FLOWS, count);
    return core.change(node, scratch + SCRATCH_FLOWS);
  }

  /**
   * Puts the flows from `index` on that belong to the owners from `owner` up to `end`, owner `i` having the flows `first[i]` up to
   * `first[i + 1]`: as many as the SCRATCH takes. Returns how many were put before one that has to be left to the classes; `ADDED_COUNT`
   * and `REPLACED_COUNT` of the arena tell more. Or BAIL.
   */
  putRuns(owners: Int32Array, first: Int32Array, owner: number, end: number, flows: FlowList, index: number): number {
    const { core } = this.#arena;
    const scratch = core === undefined ? 0 : this.#scratch();
    if (core === undefined || scratch === 0) return BAIL;
    const m = this.#arena.words;
    const runs = scratch + SCRATCH_RUNS;
    const start = flows.startOf(index);
    let count = 0;
    let used = 0;
    while (used < SCRATCH_OWNERS_MOST && owner + used < end) {
      const behind = first[owner + used + 1] as number;
      let run = behind - index - count;
      if (count + run > GROUP || flows.endOf(behind - 1) - start > SCRATCH_FLOWS_WORDS) run = fitting(flows, index, count, run);
      m[runs + used] = run;
      used++;
      count += run;
      if (index + count < behind) break;
    }
    if (count === 0) return BAIL;
    m.set(owners.subarray(4 * owner, 4 * (owner + used)), scratch + SCRATCH_OWNERS);
    // V8 copies byte by byte unless both begin in the same half of eight bytes.
    const to = scratch + SCRATCH_FLOWS + ((scratch + SCRATCH_FLOWS + start) & 1);
    m.set(flows.words.subarray(start, flows.endOf(index + count - 1)), to);
    return core.putRuns(to, count, 1);
  }

  /** Removes the owners from `from` on, up to `to`, as many as the SCRATCH takes; results as of {@link putRuns}, with `REMOVED_COUNT`. */
  removeMany(owners: Int32Array, from: number, to: number): number {
    const { core } = this.#arena;
    const scratch = core === undefined ? 0 : this.#scratch();
    if (core === undefined || scratch === 0) return BAIL;
    const count = Math.min(to - from, SCRATCH_OWNERS_MOST);
    this.#arena.words.set(owners.subarray(4 * from, 4 * (from + count)), scratch + SCRATCH_OWNERS);
    return core.removeMany(count);
  }

  /**
   * Confirms up to `count` of the keys at `words[keys …]`, for which the values at `words[values …]` were sent (0 = deleted). Returns
   * how many of the first of them; `LEFT_COUNT` of the arena tells how many more are installed. 0 = the next is for the classes.
   */
  confirm(words: Int32Array, keys: number, values: number, count: number): number {
    const { core } = this.#arena;
    const scratch = core === undefined ? 0 : this.#scratch();
    if (core === undefined || scratch === 0) return 0;
    const m = this.#arena.words;
    copyWords(words, keys, m, scratch + SCRATCH_FLOWS, count);
    copyWords(words, values, m, scratch + SCRATCH_FLOWS + count, count);
    return core.confirm(scratch + SCRATCH_FLOWS, count);
  }

  /** The first word of the SCRATCH, made when it is first needed; 0 if there is no memory for it. */
  #scratch(): number {
    const arena = this.#arena;
    const present = arena.words[SCRATCH] as number;
    if (present !== 0) return present;
    if (arena.top + SCRATCH_WORDS + 64 > arena.maxWords) return 0;
    try {
      arena.ensure(SCRATCH_WORDS + 64);
    } catch {
      // The host has no memory left (CAPACITY). The classes may not need any: a removal must not fail for want of this.
      return 0;
    }
    const scratch = arena.allocateSide(SCRATCH_WORDS);
    arena.words[SCRATCH] = scratch;
    return scratch;
  }
}

/** How many of `most` more flows there is room for, `count` being there. */
function fitting(flows: FlowList, index: number, count: number, most: number): number {
  const start = flows.startOf(index);
  let fit = 0;
  while (fit < most && count + fit < GROUP && flows.endOf(index + count + fit) - start <= SCRATCH_FLOWS_WORDS) fit++;
  return fit;
}

/** Words that a packed flow takes. */
function wordsOf(words: Int32Array, from: number): number {
  const lengths = words[from + FLOW_LENGTHS] as number;
  return FLOW_DATA + (((lengths & LENGTH_MASK) + 3) >>> 2) + (((lengths >>> 16) + 3) >>> 2);
}

function copyOwner(from: Int32Array, at: number, to: Int32Array, target: number): void {
  to[target] = from[at] as number;
  to[target + 1] = from[at + 1] as number;
  to[target + 2] = from[at + 2] as number;
  to[target + 3] = from[at + 3] as number;
}

/** Eight at a time, so that V8 looks at the arrays once for all of them; up to seven words too many, which do no harm. */
function copyWords(from: Int32Array, at: number, to: Int32Array, target: number, count: number): void {
  if (count > 512 || at + count + 7 > from.length) {
    to.set(from.subarray(at, at + count), target);
    return;
  }
  let a = at;
  let b = target;
  for (const end = at + count; a < end; a += 8, b += 8) {
    to[b] = from[a] as number;
    to[b + 1] = from[a + 1] as number;
    to[b + 2] = from[a + 2] as number;
    to[b + 3] = from[a + 3] as number;
    to[b + 4] = from[a + 4] as number;
    to[b + 5] = from[a + 5] as number;
    to[b + 6] = from[a + 6] as number;
    to[b + 7] = from[a + 7] as number;
  }
}
