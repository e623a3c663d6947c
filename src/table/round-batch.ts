import { flowAt, readFlowAt } from "./flow-list.ts";
import { FLOW_MOD_COMMANDS, type FlowMod, type FlowModBatch, type FlowModView } from "./flow-mod.ts";
import { DELETE_COMMAND } from "./flow-mod-batch.ts";
import type { FlowModRound } from "./flow-mod-round.ts";
import { AHEAD, DELETE } from "./key-store.ts";
import { DIRTY, IN_FLIGHT, KEY_FLAGS, REFUSED } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";
import { type RoundQueue, STILL_NEAR } from "./round-queue.ts";

const SMALLEST_BLOCK = 512;
const LARGEST_BLOCK = 16384;

/** Memory that small batches share, so that a batch of a few flow-mods needs none of its own. Never used twice. */
export class BatchMemory {
  /** What {@link reserve} gave, as words and as bytes. */
  words: Int32Array = new Int32Array(0);
  bytes: Uint8Array = new Uint8Array(0);
  #block: Int32Array = this.words;
  #blockBytes: Uint8Array = this.bytes;
  #used = 0;

  /** Makes room for `count` words in {@link words}; returns where. */
  reserve(count: number): number {
    if (4 * count > LARGEST_BLOCK) {
      this.words = new Int32Array(count);
      this.bytes = new Uint8Array(this.words.buffer);
      return 0;
    }
    if (this.#used + count > this.#block.length) {
      const length = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, 4 * count, 2 * this.#block.length));
      this.#block = new Int32Array(length);
      this.#blockBytes = new Uint8Array(this.#block.buffer);
      this.#used = 0;
    }
    this.words = this.#block;
    this.bytes = this.#blockBytes;
    const at = this.#used;
    this.#used = at + count;
    return at;
  }
}

/**
 * A batch of a round: copies of the flows, and what the round has to know to settle it.
 *
 * ```text
 *   base               one word per flow-mod: start of its packed flow (FlowList) << 2 | index of the command
 *   base + length      its key
 *   base + 2 * length  the value sent, its count raised; 0 = delete
 *   base + 3 * length  packed flows
 * ```
 */
export class RoundBatch implements FlowModBatch {
  readonly length: number;
  readonly words: Int32Array;
  readonly base: number;
  /** The round that it belongs to; undefined = settled. */
  round: FlowModRound | undefined;
  /** Batches of the round that are in flight. */
  next: RoundBatch | undefined = undefined;
  previous: RoundBatch | undefined = undefined;
  readonly #bytes: Uint8Array;
  #counts: FlowModBatch["counts"] | undefined = undefined;

  constructor(words: Int32Array, bytes: Uint8Array, base: number, length: number, round: FlowModRound) {
    this.words = words;
    this.#bytes = bytes;
    this.base = base;
    this.length = length;
    this.round = round;
  }

  get counts(): FlowModBatch["counts"] {
    this.#counts ??= this.#count();
    return this.#counts;
  }

  at(index: number): FlowMod {
    const entry = this.#entry(index);
    return {
      command: FLOW_MOD_COMMANDS[entry & 3] as FlowMod["command"],
      flow: flowAt(this.words, this.#bytes, entry >>> 2),
    };
  }

  read(index: number, into: FlowModView): void {
    const entry = this.#entry(index);
    readFlowAt(this.words, this.#bytes, entry >>> 2, into);
    into.command = entry & 3;
    if (into.command === DELETE_COMMAND) into.instructionsLength = 0;
  }

  *[Symbol.iterator](): IterableIterator<FlowMod> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  #entry(index: number): number {
    if (index >>> 0 !== index || index >= this.length) throw new RangeError(`index ${index} is not in 0 … ${this.length - 1}`);
    return this.words[this.base + index] as number;
  }

  #count(): FlowModBatch["counts"] {
    const counts = [0, 0, 0];
    for (let i = this.base, end = i + this.length; i < end; i++) {
      const command = (this.words[i] as number) & 3;
      counts[command] = (counts[command] as number) + 1;
    }
    return { add: counts[0] as number, modify: counts[1] as number, delete: counts[2] as number };
  }
}

/** Makes a batch of what the queue has gathered, and puts its keys in flight. Throws with nothing changed when there is no memory. */
export function takeBatch(store: PackedStore, queue: RoundQueue, count: number, round: FlowModRound): RoundBatch {
  const memory = store.batchMemory;
  const base = memory.reserve(3 * count + queue.flowWords);
  const batch = new RoundBatch(memory.words, memory.bytes, base, count, round);
  fill(store, queue.keys, queue.operations, memory.words, base, count);
  return batch;
}

function fill(
  store: PackedStore,
  keys: Int32Array,
  operations: Uint8Array,
  words: Int32Array,
  base: number,
  count: number,
): void {
  const m = store.arena.words;
  const far = count > STILL_NEAR;
  let at = base + 3 * count;
  for (let i = 0; i < count; i++) {
    if (far && i % AHEAD === 0) store.readAhead(keys, i, Math.min(count, i + AHEAD));
    const key = keys[i] as number;
    const operation = operations[i] as number;
    m[key + KEY_FLAGS] = ((m[key + KEY_FLAGS] as number) & ~(DIRTY | REFUSED)) | IN_FLIGHT;
    const value = store.valueToSend(key, operation);
    if (operation !== DELETE) store.values.retain(value);
    words[base + i] = (at << 2) | (operation - 1);
    words[base + count + i] = key;
    words[base + 2 * count + i] = operation === DELETE ? 0 : value;
    at += store.writeAt(words, at, key, value);
  }
}
