import { OfsyncError } from "../errors.ts";
import { Flow } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";
import type { PackedFlow } from "../flow/packed-flow.ts";
import { FLOW_COOKIE, FLOW_COOKIE_HIGH, FLOW_DATA, FLOW_EXTRA, FLOW_ID, FLOW_LENGTHS, FLOW_TIMEOUTS } from "./layout.ts";

/** An OpenFlow message holds at most 65535 bytes, of which a flow-mod's own fields take 56 and the ends of the match up to 11. */
export const MAX_FLOW_BYTES = 65464;

/**
 * Flows in canonical form, one after the other in one run of memory: the quickest way into a table, and out of it. A parser or
 * decoder appends what it reads, and hands the whole list over; no object is made per flow.
 *
 * ```text
 *   per flow, in 32-bit words:   0  table << 16 | priority            3  cookie, upper half
 *                                1  instruction bytes << 16           4  idle timeout << 16 | hard timeout
 *                                   | match bytes                     5  importance << 16 | flags
 *                                2  cookie, lower half                6… match, instructions, each padded with zeros
 * ```
 */
export class FlowList implements Iterable<Flow> {
  /** Of the room: the memory. Replaced when the list grows. */
  words: Int32Array;
  #bytes: Uint8Array;
  /** First word of each flow, and of what follows the last. */
  #starts: Int32Array;
  #length = 0;

  /** `capacity`: flows to make room for, and `words` of memory for all of them; the list grows as needed. */
  constructor(capacity = 16, words: number = capacity * 32) {
    this.words = new Int32Array(words);
    this.#bytes = new Uint8Array(this.words.buffer);
    this.#starts = new Int32Array(capacity + 1);
  }

  /** A list of these flows. Throws `FLOW_TYPE` with the index of the first thing that is no flow. */
  static of(flows: Iterable<Flow>): FlowList {
    if (typeof flows !== "object" || flows === null || !(Symbol.iterator in flows)) {
      throw new OfsyncError(
        "FLOW_TYPE",
        `flows must be an array or another iterable of Flow, not ${flows === null ? "null" : typeof flows}`,
      );
    }
    const list = new FlowList();
    for (const flow of flows) list.append(flow);
    return list;
  }

  get length(): number {
    return this.#length;
  }

  /** Of the room: where in {@link words} the flow at `index` begins. */
  startOf(index: number): number {
    return this.#starts[index] as number;
  }

  /** Of the room: the word behind the flow at `index`. */
  endOf(index: number): number {
    return this.#starts[index + 1] as number;
  }

  /** Forgets the flows; keeps the memory. */
  clear(): void {
    this.#length = 0;
  }

  /** Appends a flow. Throws `FLOW_TYPE` for anything else, `FLOW_TOO_LARGE` when no flow-mod can carry it. */
  append(flow: Flow): void {
    const index = this.#length;
    // A flow of another copy of this package is as good as one of ours: what counts is that it was checked when it was made.
    if (!(flow instanceof Flow) && !isFlowLike(flow)) {
      throw new OfsyncError("FLOW_TYPE", `entry ${index} is not a Flow`, {
        place: { index },
        hint: "make it with new Flow({…}), parseFlow(text) or flow`…`",
      });
    }
    const match = flow.match.bytes;
    const instructions = flow.instructions.bytes;
    const start = this.#reserve(match.length, instructions.length);
    const words = this.words;
    words[start + FLOW_ID] = (flow.table << 16) | flow.priority;
    words[start + FLOW_COOKIE] = flow.cookieLow;
    words[start + FLOW_COOKIE_HIGH] = flow.cookieHigh;
    words[start + FLOW_TIMEOUTS] = (flow.idleTimeout << 16) | flow.hardTimeout;
    words[start + FLOW_EXTRA] = (flow.importance << 16) | flow.flags;
    const data = 4 * (start + FLOW_DATA);
    copyBytes(match, 0, this.#bytes, data, match.length);
    copyBytes(instructions, 0, this.#bytes, data + padded(match.length), instructions.length);
  }

  /**
   * Appends a flow given as numbers and byte ranges, which must be canonical: nothing is checked but the ranges.
   * Throws `FLOW_VALUE` for a number out of range, `FLOW_TOO_LARGE` when no flow-mod can carry it.
   */
  appendView(view: PackedFlow): void {
    if (view.table >>> 0 > 254 || view.priority >>> 0 > 0xffff) {
      throw new OfsyncError("FLOW_VALUE", `table ${view.table} or priority ${view.priority} is out of range`, {
        place: { index: this.#length, field: view.table >>> 0 > 254 ? "table" : "priority" },
      });
    }
    const start = this.#reserve(view.matchLength, view.instructionsLength);
    const words = this.words;
    words[start + FLOW_ID] = (view.table << 16) | view.priority;
    words[start + FLOW_COOKIE] = view.cookieLow;
    words[start + FLOW_COOKIE_HIGH] = view.cookieHigh;
    words[start + FLOW_TIMEOUTS] = (view.idleTimeout << 16) | (view.hardTimeout & 0xffff);
    words[start + FLOW_EXTRA] = (view.importance << 16) | (view.flags & 0xffff);
    const data = 4 * (start + FLOW_DATA);
    copyBytes(view.matchBuffer, view.matchStart, this.#bytes, data, view.matchLength);
    const behind = data + padded(view.matchLength);
    copyBytes(view.instructionsBuffer, view.instructionsStart, this.#bytes, behind, view.instructionsLength);
  }

  /** Makes an object of the flow at `index`. Throws `RangeError` outside 0 … length-1. */
  at(index: number): Flow {
    if (index >>> 0 !== index || index >= this.#length) throw new RangeError(`index ${index} is not in 0 … ${this.#length - 1}`);
    return flowAt(this.words, this.#bytes, this.#starts[index] as number);
  }

  /** Fills `into` with the numbers and byte ranges of the flow at `index`; they stay valid until the list is changed. */
  read(index: number, into: PackedFlow): void {
    if (index >>> 0 !== index || index >= this.#length) throw new RangeError(`index ${index} is not in 0 … ${this.#length - 1}`);
    readFlowAt(this.words, this.#bytes, this.#starts[index] as number, into);
  }

  /** Forgets the last flow. */
  removeLast(): void {
    if (this.#length > 0) this.#length--;
  }

  /** Appends the flow at `index` of another list. */
  copyFrom(other: FlowList, index: number): void {
    const from = other.startOf(index);
    const words = other.words;
    const to = this.#reserve(matchLengthOf(words, from), instructionsLengthOf(words, from));
    const target = this.words;
    for (let i = from, j = to, end = other.endOf(index); i < end; i++, j++) target[j] = words[i] as number;
  }

  *[Symbol.iterator](): IterableIterator<Flow> {
    for (let i = 0; i < this.#length; i++) yield this.at(i);
  }

  /** Of the room: appends room for a flow with these lengths, which are set, and returns where it begins. */
  reserveWords(matchBytes: number, instructionBytes: number): number {
    return this.#reserve(matchBytes, instructionBytes);
  }

  /** Of the room: the flow at `index` has been written at `start`. Call {@link close} when all are. */
  setStart(index: number, start: number): void {
    this.#starts[index] = start;
  }

  /** Of the room: `length` flows have been written, so that they fill the memory and follow each other. */
  close(length: number): void {
    this.#starts[length] = this.words.length;
    this.#length = length;
  }

  #reserve(matchBytes: number, instructionBytes: number): number {
    if (matchBytes + instructionBytes > MAX_FLOW_BYTES) {
      throw new OfsyncError(
        "FLOW_TOO_LARGE",
        `a flow of ${matchBytes} bytes of match and ${instructionBytes} of instructions fits no flow-mod`,
        { place: { index: this.#length } },
      );
    }
    const index = this.#length;
    const start = index === 0 ? 0 : (this.#starts[index] as number);
    const matchWords = (matchBytes + 3) >>> 2;
    const end = start + FLOW_DATA + matchWords + ((instructionBytes + 3) >>> 2);
    if (end > this.words.length) this.#growWords(end);
    if (index + 1 >= this.#starts.length) {
      const grown = new Int32Array(this.#starts.length * 2 + 1);
      grown.set(this.#starts);
      this.#starts = grown;
    }
    this.#starts[index] = start;
    this.#starts[index + 1] = end;
    const words = this.words;
    words[start + FLOW_LENGTHS] = (instructionBytes << 16) | matchBytes;
    // The padding is compared and hashed with the rest.
    if ((matchBytes & 3) !== 0) words[start + FLOW_DATA + matchWords - 1] = 0;
    if ((instructionBytes & 3) !== 0) words[end - 1] = 0;
    this.#length = index + 1;
    return start;
  }

  #growWords(atLeast: number): void {
    const grown = new Int32Array(Math.max(atLeast, this.words.length * 2));
    grown.set(this.words);
    this.words = grown;
    this.#bytes = new Uint8Array(grown.buffer);
  }
}

/** Makes an object of the packed flow that begins at `start`; `bytes` is the same memory. */
export function flowAt(words: Int32Array, bytes: Uint8Array, start: number): Flow {
  const matchBytes = matchLengthOf(words, start);
  const data = 4 * (start + FLOW_DATA);
  const behind = data + padded(matchBytes);
  const instructions = bytes.slice(behind, behind + instructionsLengthOf(words, start));
  return packedFlow(words, start, bytes.slice(data, data + matchBytes), instructions);
}

/** Fills `into` with the numbers and byte ranges of the packed flow that begins at `start`; `bytes` is the same memory. */
export function readFlowAt(words: Int32Array, bytes: Uint8Array, start: number, into: PackedFlow): void {
  into.table = (words[start + FLOW_ID] as number) >>> 16;
  into.priority = (words[start + FLOW_ID] as number) & 0xffff;
  into.cookieLow = (words[start + FLOW_COOKIE] as number) >>> 0;
  into.cookieHigh = (words[start + FLOW_COOKIE_HIGH] as number) >>> 0;
  into.idleTimeout = (words[start + FLOW_TIMEOUTS] as number) >>> 16;
  into.hardTimeout = (words[start + FLOW_TIMEOUTS] as number) & 0xffff;
  into.importance = (words[start + FLOW_EXTRA] as number) >>> 16;
  into.flags = (words[start + FLOW_EXTRA] as number) & 0xffff;
  const matchBytes = matchLengthOf(words, start);
  into.matchBuffer = bytes;
  into.matchStart = 4 * (start + FLOW_DATA);
  into.matchLength = matchBytes;
  into.instructionsBuffer = bytes;
  into.instructionsStart = into.matchStart + padded(matchBytes);
  into.instructionsLength = instructionsLengthOf(words, start);
}

/** The flow that begins at `start`, with these bytes. */
export function packedFlow(words: Int32Array, start: number, match: Uint8Array, instructions: Uint8Array): Flow {
  const timeouts = words[start + FLOW_TIMEOUTS] as number;
  const extra = words[start + FLOW_EXTRA] as number;
  return new Flow({
    table: ((words[start + FLOW_ID] as number) >>> 16) & 0xff,
    priority: (words[start + FLOW_ID] as number) & 0xffff,
    match: Match.fromCanonical(match),
    instructions: Instructions.fromCanonical(instructions),
    cookie: cookieOf(words[start + FLOW_COOKIE_HIGH] as number, words[start + FLOW_COOKIE] as number),
    idleTimeout: timeouts >>> 16,
    hardTimeout: timeouts & 0xffff,
    importance: extra >>> 16,
    flags: extra & 0xffff,
  });
}

/** Two halves as a cookie; a plain number where that is exact. */
export function cookieOf(high: number, low: number): bigint | number {
  return high === 0 ? low >>> 0 : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function matchLengthOf(words: Int32Array, start: number): number {
  return (words[start + FLOW_LENGTHS] as number) & 0xffff;
}

function instructionsLengthOf(words: Int32Array, start: number): number {
  return (words[start + FLOW_LENGTHS] as number) >>> 16;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function copyBytes(from: Uint8Array, fromStart: number, to: Uint8Array, toStart: number, length: number): void {
  if (length > 128) to.set(from.subarray(fromStart, fromStart + length), toStart);
  else for (let i = 0; i < length; i++) to[toStart + i] = from[fromStart + i] as number;
}

function isFlowLike(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const flow = value as Partial<Flow>;
  return (
    Object.isFrozen(value) &&
    flow.match?.bytes instanceof Uint8Array &&
    flow.instructions?.bytes instanceof Uint8Array &&
    typeof flow.table === "number" &&
    typeof flow.priority === "number" &&
    typeof flow.cookieLow === "number" &&
    typeof flow.sameAttributes === "function"
  );
}
