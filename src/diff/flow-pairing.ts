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
  /** Hash index with linear probing, at most half full. */
  #slots: Int32Array;
  #slotCount: number;
  #pairs = 0;
  #installedCount = 0;
  #desiredCount = 0;

  /** `flows`: how many to expect on one side; `words`: 32-bit words of memory for them. Both may be wrong: it grows. */
  constructor(flows = 1024, words: number = 32 * flows) {
    this.#flows = new FlowList(flows, words);
    this.#slotCount = 1024;
    while (this.#slotCount < 2 * flows) this.#slotCount *= 2;
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
    const slot = this.#slotOf(index);
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
    if (installed !== 0 && this.#sameValue(installed - 1, index)) {
      slots[slot + DESIRED] = SAME;
      this.#flows.removeLast();
    } else slots[slot + DESIRED] = index + 1;
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
    const flows = this.#flows;
    const { words } = flows;
    const start = flows.startOf(index);
    const id = words[start + FLOW_ID] as number;
    const length = (words[start + FLOW_LENGTHS] as number) & LENGTH_MASK;
    const count = (length + 3) >>> 2;
    const hash = this.#hash.hash(id, length, words, start + FLOW_DATA, count);
    if (2 * this.#pairs >= this.#slotCount) this.#growIndex();
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = (hash << 2) & mask; ; slot = (slot + SLOT_WORDS) & mask) {
      const other = (slots[slot + START] as number) - 1;
      if (other < 0) {
        this.#pairs++;
        slots[slot] = hash;
        slots[slot + START] = start + 1;
        return slot;
      }
      if (slots[slot] !== hash || words[other + FLOW_ID] !== id) continue;
      if (((words[other + FLOW_LENGTHS] as number) & LENGTH_MASK) !== length) continue;
      if (sameWords(words, start + FLOW_DATA, other + FLOW_DATA, count)) return slot;
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
