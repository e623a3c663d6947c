import { isOfsyncError, OfsyncError } from "../errors.ts";
import type { Flow } from "../flow/flow.ts";
import { createFlowModView, type PackedFlow, packFlow } from "../flow/packed-flow.ts";
import { FastLineReader } from "./fast/line-reader.ts";
import { MAX_LINE } from "./line-splitter.ts";
import { parseFlowLineCarefully } from "./parse-flows.ts";
import type { ParseOptions } from "./parse-match.ts";

export interface FlowTextReaderOptions extends Omit<ParseOptions, "line"> {
  /** Takes each flow, with its 1-based line. The object and its byte ranges are reused: copy what is to be kept. */
  readonly onFlow: (flow: PackedFlow, line: number) => void;
  /** Takes each bad line with its text, and reading goes on. Default: the first bad line throws. */
  readonly onError?: ((error: OfsyncError, line: number, text: string) => void) | undefined;
}

/** Chunks from this size on make it worth while to {@link FastLineReader.prime} the fast road. */
const PRIME_FROM = 1 << 15;

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
  readonly #onError: ((error: OfsyncError, line: number, text: string) => void) | undefined;
  readonly #options: ParseOptions;
  readonly #fast: FastLineReader;
  readonly #flow = createFlowModView();
  readonly #decoder = new TextDecoder();
  /** The start of a line whose end is still to come: `#rest[0, #restLength)`. */
  #rest: Uint8Array = new Uint8Array(512);
  #restLength = 0;
  #line = 0;

  constructor(options: FlowTextReaderOptions) {
    const { onFlow, onError, ...rest } = options;
    this.#onFlow = onFlow;
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
    if (chunk.length >= PRIME_FROM) this.#fast.prime();
    let from = 0;
    if (this.#restLength > 0) {
      const at = chunk.indexOf(10);
      this.#keep(chunk, 0, at < 0 ? chunk.length : at);
      if (at < 0) return;
      this.#readRest();
      from = at + 1;
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
