import { isOfsyncError, OfsyncError } from "../errors.ts";
import type { Flow } from "../flow/flow.ts";
import { createFlowModView, type FlowRun, type PackedFlow, packFlow } from "../flow/packed-flow.ts";
import { FastLineReader } from "./fast/line-reader.ts";
import { ScanHost } from "./fast/scan-host.ts";
import {
  DONE,
  FLOW_COOKIE,
  FLOW_COOKIE_HIGH,
  FLOW_COUNT,
  FLOW_DATA,
  FLOW_EXTRA,
  FLOW_ID,
  FLOW_LENGTHS,
  FLOW_TIMEOUTS,
  FLOWS,
  FULL,
  MISSING,
  NEXT_FLOW,
  TEXT,
  TEXT_BYTES,
} from "./fast/scan-layout.ts";
import { MAX_LINE } from "./line-splitter.ts";
import { parseFlowLineCarefully } from "./parse-flows.ts";
import type { ParseOptions } from "./parse-match.ts";

export interface FlowTextReaderOptions extends Omit<ParseOptions, "line"> {
  /** Takes each flow, with its 1-based line. The object and its byte ranges are reused: copy what is to be kept. */
  readonly onFlow: (flow: PackedFlow, line: number) => void;
  /**
   * Takes many flows together, where they are read together, with the line of the first: quicker than one by one. Their memory is
   * used again: copy what is to be kept. Other flows go to `onFlow`; all in the order of the text.
   */
  readonly onRun?: ((run: FlowRun, line: number) => void) | undefined;
  /** Takes each bad line with its text, and reading goes on. Default: the first bad line throws. */
  readonly onError?: ((error: OfsyncError, line: number, text: string) => void) | undefined;
}

/** Chunks from this size on are for the scanner in WebAssembly, or make it worth while to prime the fast road. */
const LARGE = 1 << 15;

/**
 * Reads a large file or dump of flows without an object per flow: the quick sibling of `parseFlows`, with the very same rules.
 * Feed it chunks of UTF-8 bytes, then call {@link finish}:
 *
 * ```ts
 * const list = new FlowList();
 * const reader = new FlowTextReader({ onFlow: (flow) => list.appendView(flow) });
 * for await (const chunk of createReadStream("flows.txt")) reader.push(chunk);
 * reader.finish();
 * ```
 *
 * Throws what `parseFlow` throws, with the line. A line of more than a million bytes is bad. After a throw the reader is spent.
 */
export class FlowTextReader {
  readonly #onFlow: (flow: PackedFlow, line: number) => void;
  readonly #onRun: ((run: FlowRun, line: number) => void) | undefined;
  readonly #onError: ((error: OfsyncError, line: number, text: string) => void) | undefined;
  readonly #options: ParseOptions;
  readonly #fast: FastLineReader;
  readonly #flow = createFlowModView();
  readonly #decoder = new TextDecoder();
  /** The start of a line whose end is still to come: `#rest[0, #restLength)`. */
  #rest: Uint8Array = new Uint8Array(512);
  #restLength = 0;
  #line = 0;
  /** Started for the first large chunk; `null`: there is none. */
  #host: ScanHost | null | undefined;

  constructor(options: FlowTextReaderOptions) {
    const { onFlow, onRun, onError, ...rest } = options;
    this.#onFlow = onFlow;
    this.#onRun = onRun;
    this.#onError = onError;
    this.#options = rest;
    this.#fast = new FastLineReader(rest);
  }

  /** Lines read so far. */
  get lines(): number {
    return this.#line;
  }

  /** Reads the lines that end in this chunk. */
  push(bytes: Uint8Array): void {
    // Node's buffers are another kind of object to the compiler, which would have to be ready for both.
    const chunk = bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let from = 0;
    if (this.#restLength > 0) {
      const at = chunk.indexOf(10);
      this.#keep(chunk, 0, at < 0 ? chunk.length : at);
      if (at < 0) return;
      this.#readRest();
      from = at + 1;
    }
    if (chunk.length - from >= LARGE) {
      this.#host ??= ScanHost.start(this.#options) ?? null;
      const to = chunk.lastIndexOf(10) + 1;
      if (this.#host === null) this.#fast.prime();
      else if (to > from) from = this.#readLines(this.#host, chunk, from, to);
    }
    for (let at = chunk.indexOf(10, from); at >= 0; at = chunk.indexOf(10, from)) {
      this.#read(chunk, from, at);
      from = at + 1;
    }
    this.#keep(chunk, from, chunk.length);
  }

  /** Reads the last line, when it has no line end. */
  finish(): void {
    if (this.#restLength > 0) this.#readRest();
    this.#host?.release();
    this.#host = undefined;
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    // One byte more than is allowed is enough to know that the line is too long.
    const size = Math.min(to - from, MAX_LINE + 1 - this.#restLength);
    if (this.#restLength + size > this.#rest.length) {
      const grown = new Uint8Array(Math.max(2 * this.#rest.length, this.#restLength + size));
      grown.set(this.#rest.subarray(0, this.#restLength));
      this.#rest = grown;
    }
    this.#rest.set(chunk.subarray(from, from + size), this.#restLength);
    this.#restLength += size;
  }

  /** Reads the whole lines in `chunk[from, to)` by the scanner in WebAssembly. Returns `to`. */
  #readLines(host: ScanHost, chunk: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; ) {
      let end = Math.min(to, at + TEXT_BYTES);
      if (end < to) end = chunk.lastIndexOf(10, end - 1) + 1;
      if (end > at) this.#scanLines(host, host.load(chunk, at, end));
      else {
        // A line with no room there.
        end = chunk.indexOf(10, at) + 1;
        this.#read(chunk, at, end - 1);
      }
      at = end;
    }
    return to;
  }

  /** Reads the lines that the scanner has been given, up to the byte `to`. */
  #scanLines(host: ScanHost, to: number): void {
    let from = 4 * TEXT;
    for (;;) {
      const result = host.scan(from, to);
      this.#deliver(host);
      if (result === DONE) return;
      from = host.line;
      if (result === FULL || (result === MISSING && host.learn())) continue;
      const end = host.bytes.indexOf(10, from);
      this.#read(host.bytes, from, end);
      from = end + 1;
    }
  }

  /** Hands over what the scanner has read. */
  #deliver(host: ScanHost): void {
    const { words, bytes } = host;
    const flow = this.#flow;
    const to = words[NEXT_FLOW] as number;
    const length = words[FLOW_COUNT] as number;
    words[NEXT_FLOW] = FLOWS;
    words[FLOW_COUNT] = 0;
    if (this.#onRun !== undefined && length > 0) {
      const line = this.#line + 1;
      this.#line += length;
      this.#onRun({ words: words.subarray(FLOWS, to), length }, line);
      return;
    }
    flow.matchBuffer = bytes;
    flow.instructionsBuffer = bytes;
    for (let at = FLOWS; at < to; ) {
      const id = words[at + FLOW_ID] as number;
      const lengths = words[at + FLOW_LENGTHS] as number;
      const timeouts = words[at + FLOW_TIMEOUTS] as number;
      const matchLength = lengths & 0xffff;
      const instructionsStart = at + FLOW_DATA + ((matchLength + 3) >>> 2);
      flow.table = id >>> 16;
      flow.priority = id & 0xffff;
      flow.cookieHigh = (words[at + FLOW_COOKIE_HIGH] as number) >>> 0;
      flow.cookieLow = (words[at + FLOW_COOKIE] as number) >>> 0;
      flow.idleTimeout = timeouts >>> 16;
      flow.hardTimeout = timeouts & 0xffff;
      flow.importance = 0;
      flow.flags = words[at + FLOW_EXTRA] as number;
      flow.matchStart = 4 * (at + FLOW_DATA);
      flow.matchLength = matchLength;
      flow.instructionsStart = 4 * instructionsStart;
      flow.instructionsLength = lengths >>> 16;
      at = instructionsStart + (((lengths >>> 16) + 3) >>> 2);
      this.#onFlow(flow, ++this.#line);
    }
  }

  #readRest(): void {
    const length = this.#restLength;
    this.#restLength = 0;
    this.#read(this.#rest, 0, length);
  }

  #read(bytes: Uint8Array, start: number, lineEnd: number): void {
    this.#line++;
    let end = lineEnd;
    while (end > start && isBlank(bytes[end - 1] as number)) end--;
    if (end === start) return;
    // Of a line that is too long only the start may be there, and a part of a flow can look like another flow.
    const tooLong = lineEnd - start > MAX_LINE;
    if (!tooLong && this.#fast.read(bytes, start, end, this.#flow)) {
      this.#onFlow(this.#flow, this.#line);
      return;
    }
    const line = this.#line;
    let flow: Flow | undefined;
    try {
      if (tooLong) {
        throw new OfsyncError("FLOW_LINE_TOO_LONG", `the line has more than ${MAX_LINE} bytes`, {
          place: { line, column: MAX_LINE },
        });
      }
      flow = parseFlowLineCarefully(this.#decoder.decode(bytes.subarray(start, end)), { ...this.#options, line })?.flow;
    } catch (error) {
      if (this.#onError === undefined || !isOfsyncError(error)) throw error;
      this.#onError(error, line, this.#decoder.decode(bytes.subarray(start, Math.min(end, start + MAX_LINE))));
      return;
    }
    if (flow === undefined) return;
    packFlow(flow, this.#flow);
    this.#onFlow(this.#flow, line);
  }
}

function isBlank(c: number): boolean {
  return c === 32 || c === 9 || c === 13;
}
