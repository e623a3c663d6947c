import { equalBytes } from "../bytes.ts";
import { FlowFlag } from "../flow/flow.ts";
import { instructionsMeaning } from "../flow/meaning.ts";
import type { PackedFlow } from "../flow/packed-flow.ts";
import { FlowList } from "../table/flow-list.ts";
import type { FlowMod } from "../table/flow-mod.ts";
import { KeyedHash } from "../table/keyed-hash.ts";
import { FLOW_COOKIE, FLOW_DATA, FLOW_EXTRA, FLOW_ID, FLOW_LENGTHS, LENGTH_MASK } from "../table/layout.ts";

/** Flags that act when a flow is added and do not last. */
const MOMENTARY: number = FlowFlag.checkOverlap | FlowFlag.resetCounts;

/** In {@link FlowPairing}'s `#desired`: the same value as the installed one, which is not stored again. */
const SAME = -1;

/**
 * Pairs the flows of two dumps by key: for a one-off comparison, when nothing is to be changed afterwards and no table is needed.
 * First all {@link addInstalled}, then all {@link addDesired}, then {@link differences}. Of two flows with the same key on one
 * side the later counts. Values are the same by the rule of `diffTables`; a desired flow that is installed as it is takes no
 * memory.
 */
export class FlowPairing {
  /** Installed flows, and desired ones that differ from them; for each pair, indexes into it. */
  readonly #flows: FlowList;
  readonly #hash = new KeyedHash();
  /** Hash index with linear probing, at most half full: two words a slot, hash and pair + 1 (0 = free). */
  #slots: Int32Array;
  #mask: number;
  /** Per pair, index in {@link #flows} plus 1; 0 = none, {@link SAME} in `#desired`. */
  #installed: Int32Array;
  #desired: Int32Array;
  #pairs = 0;
  #installedCount = 0;
  #desiredCount = 0;
  /** Slot of the key that {@link #find} did not find, and its hash. */
  #slot = 0;
  #hashFound = 0;

  /** `flows`: how many to expect on one side; `words`: 32-bit words of memory for them. Both may be wrong: it grows. */
  constructor(flows = 1024, words: number = 32 * flows) {
    this.#flows = new FlowList(flows, words);
    this.#installed = new Int32Array(flows);
    this.#desired = new Int32Array(flows);
    let slots = 1024;
    while (slots < 2 * flows) slots *= 2;
    this.#slots = new Int32Array(2 * slots);
    this.#mask = slots - 1;
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
    const index = this.#append(flow);
    let pair = this.#find(index);
    if (pair < 0) pair = this.#addPair();
    if (this.#installed[pair] === 0) this.#installedCount++;
    this.#installed[pair] = index + 1;
  }

  /** The flow is desired; likewise. */
  addDesired(flow: PackedFlow): void {
    const index = this.#append(flow);
    let pair = this.#find(index);
    if (pair < 0) pair = this.#addPair();
    if (this.#desired[pair] === 0) this.#desiredCount++;
    const installed = this.#installed[pair] as number;
    if (installed !== 0 && this.#sameValue(installed - 1, index)) {
      this.#desired[pair] = SAME;
      this.#flows.removeLast();
    } else this.#desired[pair] = index + 1;
  }

  /** The keys with a difference, by table, then from the highest priority down: the order in which a switch looks at them. */
  differences(): FlowDifferences {
    const pairs = new Int32Array(this.#countDifferent());
    const order = new Float64Array(pairs.length);
    const { words } = this.#flows;
    for (let pair = 0, to = 0; pair < this.#pairs; pair++) {
      const desired = this.#desired[pair] as number;
      if (desired === SAME) continue;
      const id = words[this.#flows.startOf((desired || (this.#installed[pair] as number)) - 1) + FLOW_ID] as number;
      // Table and inverted priority above the pair, of which there are fewer than 2^29.
      order[to++] = (id ^ 0xffff) * 0x2000_0000 + pair;
    }
    order.sort();
    for (let i = 0; i < order.length; i++) pairs[i] = (order[i] as number) % 0x2000_0000;
    const installed = pairs.map((pair) => (this.#installed[pair] as number) - 1);
    const desired = pairs.map((pair) => (this.#desired[pair] as number) - 1);
    return new FlowDifferences(this.#flows, installed, desired);
  }

  #countDifferent(): number {
    let count = 0;
    for (let pair = 0; pair < this.#pairs; pair++) if (this.#desired[pair] !== SAME) count++;
    return count;
  }

  #append(flow: PackedFlow): number {
    this.#flows.appendView(flow);
    return this.#flows.length - 1;
  }

  /** The pair with the key of a flow in the list; -1 = none. */
  #find(index: number): number {
    const flows = this.#flows;
    const { words } = flows;
    const start = flows.startOf(index);
    const id = words[start + FLOW_ID] as number;
    const length = (words[start + FLOW_LENGTHS] as number) & LENGTH_MASK;
    const count = (length + 3) >>> 2;
    const hash = this.#hash.hash(id, length, words, start + FLOW_DATA, count);
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const pair = (slots[2 * slot + 1] as number) - 1;
      if (pair < 0) {
        this.#slot = slot;
        this.#hashFound = hash;
        return -1;
      }
      if (slots[2 * slot] !== hash) continue;
      const other = flows.startOf(((this.#installed[pair] as number) || (this.#desired[pair] as number)) - 1);
      if (words[other + FLOW_ID] !== id || ((words[other + FLOW_LENGTHS] as number) & LENGTH_MASK) !== length) continue;
      if (sameWords(words, start + FLOW_DATA, other + FLOW_DATA, count)) return pair;
    }
  }

  /** A pair for the key that {@link #find} has just not found. */
  #addPair(): number {
    const pair = this.#pairs++;
    this.#slots[2 * this.#slot] = this.#hashFound;
    this.#slots[2 * this.#slot + 1] = pair + 1;
    if (pair >= this.#installed.length) {
      this.#installed = twice(this.#installed);
      this.#desired = twice(this.#desired);
    }
    if (2 * this.#pairs > this.#mask) this.#growIndex();
    return pair;
  }

  #growIndex(): void {
    const old = this.#slots;
    const slots = new Int32Array(2 * old.length);
    const mask = slots.length / 2 - 1;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue;
      let slot = (old[at] as number) & mask;
      while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
      slots[2 * slot] = old[at] as number;
      slots[2 * slot + 1] = old[at + 1] as number;
    }
    this.#slots = slots;
    this.#mask = mask;
  }

  #sameValue(a: number, b: number): boolean {
    return sameAttributes(this.#flows, a, b) && sameInstructions(this.#flows, a, b);
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
    const modify = installed >= 0 && sameAttributes(this.#flows, installed, desired);
    return { command: modify ? "modify" : "add", flow: this.#flows.at(desired) };
  }

  #read(flow: number, into: PackedFlow): boolean {
    if (flow < 0) return false;
    this.#flows.read(flow, into);
    return true;
  }
}

function sameAttributes(flows: FlowList, a: number, b: number): boolean {
  const { words } = flows;
  const x = flows.startOf(a);
  const y = flows.startOf(b);
  for (let i = FLOW_COOKIE; i < FLOW_EXTRA; i++) if (words[x + i] !== words[y + i]) return false;
  return (((words[x + FLOW_EXTRA] as number) ^ (words[y + FLOW_EXTRA] as number)) & ~MOMENTARY) === 0;
}

function sameInstructions(flows: FlowList, a: number, b: number): boolean {
  const { words } = flows;
  const x = flows.startOf(a);
  const y = flows.startOf(b);
  // The key is the same, so the lengths of the matches are.
  if (words[x + FLOW_LENGTHS] === words[y + FLOW_LENGTHS]) {
    const skip = FLOW_DATA + ((((words[x + FLOW_LENGTHS] as number) & LENGTH_MASK) + 3) >>> 2);
    if (sameWords(words, x + skip, y + skip, flows.endOf(a) - x - skip)) return true;
  }
  return equalBytes(instructionsMeaning(flows.instructionsOf(a)), instructionsMeaning(flows.instructionsOf(b)));
}

function sameWords(words: Int32Array, a: number, b: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (words[a + i] !== words[b + i]) return false;
  return true;
}

function twice(array: Int32Array): Int32Array {
  const grown = new Int32Array(2 * array.length + 1);
  grown.set(array);
  return grown;
}
