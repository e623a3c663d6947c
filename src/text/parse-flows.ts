import { isOfsyncError, OfsyncError } from "../errors.ts";
import type { Flow } from "../flow/flow.ts";
import type { FlowStats } from "./flow-attributes.ts";
import { LineSplitter, MAX_LINE, type TextLine } from "./line-splitter.ts";
import { type FlowReading, parseFlowCarefully, parseFlowQuickly, parseFlowReading } from "./parse-flow.ts";
import type { ParseOptions } from "./parse-match.ts";

/** One flow of a file. */
export interface FlowLine {
  readonly ok: true;
  /** 1-based. */
  readonly line: number;
  readonly flow: Flow;
  /** Statistics that stood beside it; `undefined`: none. */
  readonly stats: FlowStats | undefined;
}

/** A line that is no flow. */
export interface BadFlowLine {
  readonly ok: false;
  /** 1-based. */
  readonly line: number;
  readonly error: OfsyncError;
  readonly text: string;
}

export interface ParseFlowsOptions extends Omit<ParseOptions, "line"> {
  /** Yield a bad line as `{ ok: false, error }` and go on, instead of throwing; default false. */
  readonly keepGoing?: boolean | undefined;
}

/** Text in pieces; a piece may end anywhere, also inside a line or a UTF-8 character. */
export type TextChunks = Iterable<string | Uint8Array>;
export type AsyncTextChunks = AsyncIterable<string | Uint8Array>;

/**
 * Reads a whole file, dump or stream of flows, one a line: `for (const { flow } of parseFlows(text))`. Blank lines, `#` comments and
 * the head of a dump (`NXST_FLOW reply (xid=0x4):`) are passed over. Of an asynchronous source, such as a file stream, the result is
 * asynchronous too. Flows come as they are read; nothing is gathered.
 *
 * The first bad line throws its `OfsyncError` (with the line), unless `keepGoing`. A line of more than a million characters is bad.
 */
export function parseFlows(
  source: string | TextChunks,
  options: ParseFlowsOptions & { readonly keepGoing: true },
): Generator<FlowLine | BadFlowLine>;
export function parseFlows(
  source: string | TextChunks,
  options?: ParseFlowsOptions & { readonly keepGoing?: false | undefined },
): Generator<FlowLine>;
export function parseFlows(
  source: AsyncTextChunks,
  options: ParseFlowsOptions & { readonly keepGoing: true },
): AsyncGenerator<FlowLine | BadFlowLine>;
export function parseFlows(
  source: AsyncTextChunks,
  options?: ParseFlowsOptions & { readonly keepGoing?: false | undefined },
): AsyncGenerator<FlowLine>;
export function parseFlows(
  source: string | TextChunks | AsyncTextChunks,
  options: ParseFlowsOptions = {},
): Generator<FlowLine | BadFlowLine> | AsyncGenerator<FlowLine | BadFlowLine> {
  if (typeof source === "string") return readAll([source], options);
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return readAllAsync(source, options);
    if (Symbol.iterator in source) return readAll(source instanceof Uint8Array ? [source] : source, options);
  }
  throw new OfsyncError("FLOW_SOURCE", "flows are read from a text, or from an iterable or async iterable of chunks", {
    hint: "pass a string, an array of strings or bytes, or a stream",
  });
}

function* readAll(chunks: TextChunks, options: ParseFlowsOptions): Generator<FlowLine | BadFlowLine> {
  const splitter = new LineSplitter();
  for (const chunk of chunks) yield* readLines(splitter.push(checkedChunk(chunk)), options);
  yield* readLines(splitter.end(), options);
}

async function* readAllAsync(chunks: AsyncTextChunks, options: ParseFlowsOptions): AsyncGenerator<FlowLine | BadFlowLine> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield* readLines(splitter.push(checkedChunk(chunk)), options);
  yield* readLines(splitter.end(), options);
}

function checkedChunk(chunk: unknown): string | Uint8Array {
  if (typeof chunk === "string" || chunk instanceof Uint8Array) return chunk;
  throw new OfsyncError(
    "FLOW_SOURCE",
    `flows are read from chunks of text or bytes, not from ${chunk === null ? "null" : typeof chunk}`,
  );
}

function* readLines(lines: Iterable<TextLine>, options: ParseFlowsOptions): Generator<FlowLine | BadFlowLine> {
  const lineOptions = { ...options, line: 0 };
  for (const { text, line, tooLong } of lines) {
    let reading: FlowReading | undefined;
    try {
      if (tooLong) {
        throw new OfsyncError("FLOW_LINE_TOO_LONG", `the line has more than ${MAX_LINE} characters`, {
          place: { line, column: MAX_LINE, text: `${text.slice(0, 57)}...` },
        });
      }
      lineOptions.line = line;
      reading = parseFlowLineReading(text, lineOptions);
    } catch (error) {
      if (options.keepGoing !== true || !isOfsyncError(error)) throw error;
      yield { ok: false, line, error, text };
      continue;
    }
    if (reading !== undefined) yield { ok: true, line, flow: reading.flow, stats: reading.stats };
  }
}

/**
 * Reads one line of a file or dump; `undefined` for a line without a flow: blank, a comment, the head of a dump. Throws like
 * `parseFlow`.
 */
export function parseFlowLine(text: string, options: ParseOptions = {}): Flow | undefined {
  return parseFlowLineReading(text, options)?.flow;
}

/** {@link parseFlowLine}, and the statistics. */
export function parseFlowLineReading(text: string, options: ParseOptions = {}): FlowReading | undefined {
  return parseFlowQuickly(text, options) ?? parseFlowLineCarefully(text, options);
}

/** {@link parseFlowLineReading} for a line that the fast road has been tried with. */
export function parseFlowLineCarefully(text: string, options: ParseOptions): FlowReading | undefined {
  const content = withoutComment(text, options.compat === "ovs");
  if (content.trim() === "" || DUMP_HEAD.test(content)) return undefined;
  return content === text ? parseFlowCarefully(content, options) : parseFlowReading(content, options);
}

const DUMP_HEAD = /^\s*(?:NXST|OFPST)_FLOW reply\b/;

// A comment runs from # to the end of the line. ovs-ofctl sees one also inside the quotes of a port name.
function withoutComment(text: string, everywhere: boolean): string {
  const hash = text.indexOf("#");
  if (hash < 0) return text;
  if (everywhere || !text.includes('"')) return text.slice(0, hash);
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text[at];
    if (code === '"') quoted = !quoted;
    else if (code === "\\" && quoted) at++;
    else if (code === "#" && !quoted) return text.slice(0, at);
  }
  return text;
}
