import { createReadStream, type ReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CommandFailure } from "./command.ts";
import { Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** A longer line is no flow; refusing it keeps a binary file from filling the memory. */
const LONGEST_LINE = 16 * 1024 * 1024;
const CHUNK = 1024 * 1024;

/** How a file is called in messages. */
export function inputName(path: string): string {
  return path === "-" ? "standard input" : path;
}

/**
 * Calls `visit` with each line of a file, numbered from 1, without its line end. `-` is standard input; a name that ends in
 * `.gz` is unpacked. The file is never held as a whole. A `visit` that returns `false` ends the reading.
 */
export async function eachLine(path: string, terminal: Terminal, visit: (text: string, line: number) => boolean): Promise<void> {
  const source = path === "-" ? undefined : createReadStream(path, { highWaterMark: CHUNK });
  const progress = new Progress(terminal, `reading ${inputName(path)}`, "lines", undefined);
  const meter = source === undefined || !terminal.watched ? undefined : new ByteMeter(path, source);
  let rest = "";
  let line = 0;
  try {
    for await (const chunk of decoded(path, source)) {
      let start = 0;
      for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", start)) {
        const piece = chunk.slice(start, end);
        line += 1;
        start = end + 1;
        const text = rest === "" ? piece : rest + piece;
        rest = "";
        if (visit(text.endsWith("\r") ? text.slice(0, -1) : text, line) === false) return;
      }
      rest += chunk.slice(start);
      if (rest.length > LONGEST_LINE) throw new CommandFailure(`${inputName(path)}: line ${line + 1} is longer than 16 MiB`);
      progress.update(line, meter?.share);
      await terminal.drained();
    }
    if (rest !== "") visit(rest.endsWith("\r") ? rest.slice(0, -1) : rest, line + 1);
  } finally {
    progress.end();
    source?.destroy();
  }
}

async function* decoded(path: string, source: ReadStream | undefined): AsyncGenerator<string> {
  const bytes: Readable = source ?? process.stdin;
  if (path.endsWith(".gz")) {
    const unpacked = createGunzip({ chunkSize: CHUNK });
    bytes.on("error", (error) => unpacked.destroy(error));
    bytes.pipe(unpacked).setEncoding("utf8");
    try {
      yield* unpacked as AsyncIterable<string>;
    } catch (error) {
      if (isZlibError(error)) throw new CommandFailure(`${path}: not a gzip file, or a damaged one (${error.message})`);
      throw error;
    }
    return;
  }
  bytes.setEncoding("utf8");
  yield* bytes as AsyncIterable<string>;
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}

/** How much of a file has been read. */
class ByteMeter {
  readonly #total: number;
  readonly #source: ReadStream;

  constructor(path: string, source: ReadStream) {
    this.#total = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    this.#source = source;
  }

  get share(): number | undefined {
    return this.#total === 0 ? undefined : this.#source.bytesRead / this.#total;
  }
}
