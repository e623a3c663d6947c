import { equalBytes } from "../bytes.ts";
import { FlowFlag } from "../flow/flow.ts";
import { instructionsMeaning } from "../flow/meaning.ts";
import type { FlowRun, PackedFlow } from "../flow/packed-flow.ts";
import { FlowList } from "../table/flow-list.ts";
import type { FlowMod } from "../table/flow-mod.ts";
import { KeyedHash } from "../table/keyed-hash.ts";
import { FLOW_COOKIE, FLOW_DATA, FLOW_EXTRA, FLOW_ID, FLOW_LENGTHS, LENGTH_MASK } from "../table/layout.ts";

/** Flags that act when a flow is added and do not last. */
const MOMENTARY: number = FlowFlag.checkOverlap | FlowFlag.resetCounts;

// A slot of the hash index is a pair, so that one look-up touches the index once and the flow once:
//   0  hash of the key
//   1  index of the installed flow, plus 1; 0 = none
//   2  index of the desired flow, plus 1; 0 = none, SAME = the value is the installed one and not stored again
//   3  where the words of one of the two begin, plus 1; 0 = the slot is free
const SLOT_WORDS = 4;
const INSTALLED = 1;
const DESIRED = 2;
const START = 3;
const SAME = -1;

/** So many flows of a run are looked up together. */
const GROUP = 32;

/**
 * Pairs the flows of two dumps by key: for a one-off comparison, when nothing is to be changed afterwards and no table is needed.
 * First all {@link addInstalled}, then all {@link addDesired}, then {@link differences}. Of two flows with the same key on one
 * side the later counts. Values are the same by the rule of `diffTables`; a desired flow that is installed as it is takes no
 * memory.
 */
export class FlowPairing {
  /** Installed flows, and desired ones that differ from them. */
  readonly #flows: FlowList;
  /** Keyed by numbers that no writer of a dump can know; a pairing does not live long enough for Node's crypto to be loaded. */
  readonly #hash = new KeyedHash(Array.from({ length: 3 }, () => Math.random() * 0x1_0000_0000));
  /** Hash index with linear probing, at most three quarters full. */
  #slots: Int32Array;
  #slotCount: number;
  #pairs = 0;
  #installedCount = 0;
  #desiredCount = 0;
  /** Of the flows of a group: where each begins, and the hash of its key. */
  readonly #starts = new Int32Array(GROUP + 1);
  readonly #hashes = new Int32Array(GROUP);
  /** Words that were read ahead come together here, so that reading them is not for nothing. */
  #ahead = 0;

  /** `flows`: how many to expect on one side; `words`: 32-bit words of memory for them. Both may be wrong: it grows. */
  constructor(flows = 1024, words: number = 32 * flows) {
    this.#flows = new FlowList(flows, words);
    this.#slotCount = 1024;
    while (3 * this.#slotCount < 4 * flows) this.#slotCount *= 2;
    this.#slots = new Int32Array(SLOT_WORDS * this.#slotCount);
  }

  /** Different keys that are installed. */
  get installedCount(): number {
    return this.#installedCount;
  }

  /** Different keys that are desired. */
  get desiredCount(): number {
    return this.#desiredCount;
  }

  /** The flow is installed. Its bytes must be canonical; they are copied. Throws what `FlowList.appendView` throws. */
  addInstalled(flow: PackedFlow): void {
    const index = this.#flows.length;
    this.#flows.appendView(flow);
    this.#setInstalled(this.#slotOf(index), index);
  }

  #setInstalled(slot: number, index: number): void {
    const slots = this.#slots;
    if (slots[slot + INSTALLED] === 0) this.#installedCount++;
    slots[slot + INSTALLED] = index + 1;
  }

  /** The flow is desired; likewise. */
  addDesired(flow: PackedFlow): void {
    const index = this.#flows.length;
    this.#flows.appendView(flow);
    const slot = this.#slotOf(index);
    const slots = this.#slots;
    if (slots[slot + DESIRED] === 0) this.#desiredCount++;
    const installed = slots[slot + INSTALLED] as number;
    const { words } = this.#flows;
    if (installed !== 0 && this.#sameValue(installed - 1, words, this.#flows.startOf(index), this.#flows.endOf(index))) {
      slots[slot + DESIRED] = SAME;
      this.#flows.removeLast();
    } else slots[slot + DESIRED] = index + 1;
  }

  /**
   * All flows of a run are installed, in its order: {@link addInstalled} for many, and quicker, since the look-ups of several
   * flows wait for memory together. Nothing is checked.
   */
  addInstalledRun(run: FlowRun): void {
    for (let from = 0, start = 0; from < run.length; from += GROUP) {
      const count = Math.min(GROUP, run.length - from);
      start = this.#readAhead(run.words, start, count);
      this.#addInstalledGroup(run.words, count);
    }
  }

  #addInstalledGroup(words: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const start = this.#starts[i] as number;
      const index = this.#flows.length;
      const copy = this.#append(words, start, this.#starts[i + 1] as number);
      this.#setInstalled(this.#slotFor(this.#flows.words, copy, this.#hashes[i] as number), index);
    }
  }

  /** All flows of a run are desired; likewise. */
  addDesiredRun(run: FlowRun): void {
    for (let from = 0, start = 0; from < run.length; from += GROUP) {
      const count = Math.min(GROUP, run.length - from);
      start = this.#readAhead(run.words, start, count);
      this.#addDesiredGroup(run.words, count);
    }
  }

  #addDesiredGroup(words: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const start = this.#starts[i] as number;
      const end = this.#starts[i + 1] as number;
      const hash = this.#hashes[i] as number;
      const slot = this.#find(words, start, hash);
      const installed = slot < 0 ? 0 : (this.#slots[slot + INSTALLED] as number);
      if (installed !== 0 && this.#sameValue(installed - 1, words, start, end)) {
        if (this.#slots[slot + DESIRED] === 0) this.#desiredCount++;
        this.#slots[slot + DESIRED] = SAME;
        continue;
      }
      const index = this.#flows.length;
      const copy = this.#append(words, start, end);
      const place = slot < 0 ? this.#slotFor(this.#flows.words, copy, hash) : slot;
      if (this.#slots[place + DESIRED] === 0) this.#desiredCount++;
      this.#slots[place + DESIRED] = index + 1;
    }
  }

  /**
   * Notes where the flows of a group begin and their hashes, and looks at the first slot and the record that each leads to, so that
   * these come into the cache while the next one is being hashed. Returns where the next group begins.
   */
  #readAhead(words: Int32Array, from: number, count: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const own = this.#flows.words;
    const starts = this.#starts;
    const hashes = this.#hashes;
    let start = from;
    for (let i = 0; i < count; i++) {
      starts[i] = start;
      hashes[i] = this.#hashAt(words, start);
      start = endOf(words, start);
    }
    starts[count] = start;
    let ahead = 0;
    for (let i = 0; i < count; i++) ahead ^= slots[(((hashes[i] as number) << 2) & mask) + START] as number;
    for (let i = 0; i < count; i++) ahead ^= own[slots[(((hashes[i] as number) << 2) & mask) + START] as number] as number;
    this.#ahead ^= ahead;
    return start;
  }

  /** Stores a flow; returns where it begins. */
  #append(words: Int32Array, start: number, end: number): number {
    const lengths = words[start + FLOW_LENGTHS] as number;
    const to = this.#flows.reserveWords(lengths & LENGTH_MASK, lengths >>> 16);
    const own = this.#flows.words;
    for (let i = start, j = to; i < end; i++, j++) own[j] = words[i] as number;
    return to;
  }

  /** The keys with a difference, by table, then from the highest priority down: the order in which a switch looks at them. */
  differences(): FlowDifferences {
    const slots = this.#slots;
    const { words } = this.#flows;
    const order = new Float64Array(this.#countDifferent());
    let count = 0;
    for (let at = 0; at < slots.length; at += SLOT_WORDS) {
      if (slots[at + START] === 0 || slots[at + DESIRED] === SAME) continue;
      const id = words[(slots[at + START] as number) - 1 + FLOW_ID] as number;
      // Table and inverted priority above the flow's index, which is below 2^29, so that those of one place keep their order.
      order[count++] = (id ^ 0xffff) * 0x2000_0000 + ((slots[at + INSTALLED] as number) || (slots[at + DESIRED] as number));
    }
    return this.#ordered(order.sort());
  }

  #ordered(order: Float64Array): FlowDifferences {
    const installed = new Int32Array(order.length);
    const desired = new Int32Array(order.length);
    for (let i = 0; i < order.length; i++) {
      const slot = this.#slotOf(((order[i] as number) % 0x2000_0000) - 1);
      installed[i] = (this.#slots[slot + INSTALLED] as number) - 1;
      desired[i] = (this.#slots[slot + DESIRED] as number) - 1;
    }
    return new FlowDifferences(this.#flows, installed, desired);
  }

  #countDifferent(): number {
    const slots = this.#slots;
    let count = 0;
    for (let at = 0; at < slots.length; at += SLOT_WORDS) if (slots[at + START] !== 0 && slots[at + DESIRED] !== SAME) count++;
    return count;
  }

  /** The slot for the key of the flow at `index`, taken if it was free. */
  #slotOf(index: number): number {
    const { words } = this.#flows;
    const start = this.#flows.startOf(index);
    return this.#slotFor(words, start, this.#hashAt(words, start));
  }

  #hashAt(words: Int32Array, start: number): number {
    const length = (words[start + FLOW_LENGTHS] as number) & LENGTH_MASK;
    return this.#hash.hash(words[start + FLOW_ID] as number, length, words, start + FLOW_DATA, (length + 3) >>> 2);
  }

  /** The slot for the key of the stored flow that begins at `start`, taken if it was free. */
  #slotFor(words: Int32Array, start: number, hash: number): number {
    const found = this.#find(words, start, hash);
    if (found >= 0) return found;
    if (4 * this.#pairs >= 3 * this.#slotCount) this.#growIndex();
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (hash << 2) & mask;
    while (slots[slot + START] !== 0) slot = (slot + SLOT_WORDS) & mask;
    this.#pairs++;
    slots[slot] = hash;
    slots[slot + START] = start + 1;
    return slot;
  }

  /** The slot of the key of a flow, wherever that is; -1 = none. */
  #find(words: Int32Array, start: number, hash: number): number {
    const own = this.#flows.words;
    const id = words[start + FLOW_ID] as number;
    const length = (words[start + FLOW_LENGTHS] as number) & LENGTH_MASK;
    const count = (length + 3) >>> 2;
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (hash << 2) & mask; ; slot = (slot + SLOT_WORDS) & mask) {
      const other = (slots[slot + START] as number) - 1;
      if (other < 0) return -1;
      if (slots[slot] !== hash || own[other + FLOW_ID] !== id) continue;
      if (((own[other + FLOW_LENGTHS] as number) & LENGTH_MASK) !== length) continue;
      if (sameWords(words, start + FLOW_DATA, own, other + FLOW_DATA, count)) return slot;
    }
  }

  #growIndex(): void {
    const old = this.#slots;
    this.#slotCount *= 2;
    const slots = new Int32Array(SLOT_WORDS * this.#slotCount);
    const mask = slots.length - 1;
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      if (old[at + START] === 0) continue;
      let slot = ((old[at] as number) << 2) & mask;
      while (slots[slot + START] !== 0) slot = (slot + SLOT_WORDS) & mask;
      for (let i = 0; i < SLOT_WORDS; i++) slots[slot + i] = old[at + i] as number;
    }
    this.#slots = slots;
  }

  /** Is the stored flow at `index` the same as `words[start, end)`, which has the same key? */
  #sameValue(index: number, words: Int32Array, start: number, end: number): boolean {
    const own = this.#flows.words;
    const at = this.#flows.startOf(index);
    return sameAttributes(own, at, words, start) && sameInstructions(own, at, words, start, end);
  }
}

/** What {@link FlowPairing} found. Valid as long as nothing is added to the pairing. */
export class FlowDifferences {
  readonly #flows: FlowList;
  /** Indexes of flows; negative = none. */
  readonly #installed: Int32Array;
  readonly #desired: Int32Array;

  /** Made by {@link FlowPairing.differences}. */
  constructor(flows: FlowList, installed: Int32Array, desired: Int32Array) {
    this.#flows = flows;
    this.#installed = installed;
    this.#desired = desired;
  }

  get length(): number {
    return this.#installed.length;
  }

  /** Fills `into` with the installed flow of difference `index`; false = there is none. */
  readInstalled(index: number, into: PackedFlow): boolean {
    return this.#read(this.#installed[index] as number, into);
  }

  /** Fills `into` with the desired flow; false = there is none. */
  readDesired(index: number, into: PackedFlow): boolean {
    return this.#read(this.#desired[index] as number, into);
  }

  /** What has to be sent to a switch. */
  flowModAt(index: number): FlowMod {
    const installed = this.#installed[index] as number;
    const desired = this.#desired[index] as number;
    if (desired < 0) return { command: "delete", flow: this.#flows.at(installed) };
    const modify = installed >= 0 && this.#sameAttributes(installed, desired);
    return { command: modify ? "modify" : "add", flow: this.#flows.at(desired) };
  }

  #sameAttributes(a: number, b: number): boolean {
    const { words } = this.#flows;
    return sameAttributes(words, this.#flows.startOf(a), words, this.#flows.startOf(b));
  }

  #read(flow: number, into: PackedFlow): boolean {
    if (flow < 0) return false;
    this.#flows.read(flow, into);
    return true;
  }
}

function sameAttributes(x: Int32Array, a: number, y: Int32Array, b: number): boolean {
  for (let i = FLOW_COOKIE; i < FLOW_EXTRA; i++) if (x[a + i] !== y[b + i]) return false;
  return (((x[a + FLOW_EXTRA] as number) ^ (y[b + FLOW_EXTRA] as number)) & ~MOMENTARY) === 0;
}

/** Of two flows with the same key. */
function sameInstructions(x: Int32Array, a: number, y: Int32Array, b: number, bEnd: number): boolean {
  // The key is the same, so the lengths of the matches are.
  if (x[a + FLOW_LENGTHS] === y[b + FLOW_LENGTHS]) {
    const skip = FLOW_DATA + matchWords(x, a);
    if (sameWords(x, a + skip, y, b + skip, bEnd - b - skip)) return true;
  }
  return equalBytes(instructionsMeaning(instructionsOf(x, a)), instructionsMeaning(instructionsOf(y, b)));
}

/** The canonical instruction bytes of the flow that begins at `start`, copied. */
function instructionsOf(words: Int32Array, start: number): Uint8Array {
  const from = words.byteOffset + 4 * (start + FLOW_DATA + matchWords(words, start));
  return new Uint8Array(words.buffer, from, (words[start + FLOW_LENGTHS] as number) >>> 16).slice();
}

function matchWords(words: Int32Array, start: number): number {
  return (((words[start + FLOW_LENGTHS] as number) & LENGTH_MASK) + 3) >>> 2;
}

/** Where the flow that begins at `start` ends. */
function endOf(words: Int32Array, start: number): number {
  const instructionWords = (((words[start + FLOW_LENGTHS] as number) >>> 16) + 3) >>> 2;
  return start + FLOW_DATA + matchWords(words, start) + instructionWords;
}

function sameWords(x: Int32Array, a: number, y: Int32Array, b: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (x[a + i] !== y[b + i]) return false;
  return true;
}
