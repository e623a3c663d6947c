import type { Arena } from "./arena.ts";
import {
  FLOW_DATA,
  FLOW_LENGTHS,
  LENGTH_MASK,
  SCRATCH,
  SCRATCH_FLOWS,
  SCRATCH_FLOWS_WORDS,
  SCRATCH_OWNERS,
  SCRATCH_WORDS,
} from "./layout.ts";

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
    const lengths = words[from + FLOW_LENGTHS] as number;
    const count = FLOW_DATA + (((lengths & LENGTH_MASK) + 3) >>> 2) + (((lengths >>> 16) + 3) >>> 2);
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

  /**
   * For `count` flows that stand in `words[from … to)`: how many of them are, one by one, the first that the owner has, their values
   * having been replaced where they differ. `REPLACED_COUNT` and `LEFT_COUNT` of the arena tell the rest. Or BAIL.
   */
  replacePrefix(uuid: Int32Array, at: number, words: Int32Array, from: number, to: number, count: number): number {
    const { core } = this.#arena;
    const scratch = core === undefined || to - from > SCRATCH_FLOWS_WORDS ? 0 : this.#scratch();
    if (core === undefined || scratch === 0) return BAIL;
    const m = this.#arena.words;
    copyOwner(uuid, at, m, scratch + SCRATCH_OWNERS);
    copyWords(words, from, m, scratch + SCRATCH_FLOWS, to - from);
    return core.replacePrefix(scratch + SCRATCH_OWNERS, scratch + SCRATCH_FLOWS, count);
  }

  /** The first word of the SCRATCH, made when it is first needed; 0 if there is no memory for it. */
  #scratch(): number {
    const arena = this.#arena;
    const present = arena.words[SCRATCH] as number;
    if (present !== 0) return present;
    if (arena.top + SCRATCH_WORDS + 64 > arena.maxWords) return 0;
    arena.ensure(SCRATCH_WORDS + 64);
    const scratch = arena.allocateSide(SCRATCH_WORDS);
    arena.words[SCRATCH] = scratch;
    return scratch;
  }
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
