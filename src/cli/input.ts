import { closeSync, createReadStream, openSync, type ReadStream, readSync, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CommandFailure } from "./command.ts";
import { Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** A longer line is no flow; refusing it keeps a binary file from filling the memory. */
const LONGEST_LINE = 16 * 1024 * 1024;
const CHUNK = 1024 * 1024;
const PIECE = 256 * 1024;

/** How a file is called in messages. */
export function inputName(path: string): string {
  return path === "-" ? "standard input" : path;
}

/**
 * The bytes of a file in pieces, with progress for whoever is watching. `-` is standard input; a name that ends in `.gz` is
 * unpacked. The file is never held as a whole; each piece is valid only until the next is asked for.
 */
export async function* byteChunks(path: string, terminal: Terminal): AsyncGenerator<Uint8Array> {
  const status = path === "-" ? undefined : statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() === true) throw new CommandFailure(`${path} is a directory`);
  if (status?.isFile() === true && !path.endsWith(".gz")) return yield* plainFile(path, status.size, terminal);
  const file = path === "-" ? undefined : createReadStream(path, { highWaterMark: CHUNK });
  const total = status?.size ?? 0;
  const progress = new Progress(terminal, `reading ${inputName(path)}`, "kB", undefined);
  let bytes = 0;
  try {
    for await (const chunk of path.endsWith(".gz") ? unpacked(path, file ?? process.stdin) : (file ?? process.stdin)) {
      yield chunk as Uint8Array;
      bytes += (chunk as Uint8Array).length;
      progress.update(bytes / 1000, total === 0 ? undefined : (file as ReadStream).bytesRead / total);
      await terminal.drained();
    }
  } finally {
    progress.end();
    file?.destroy();
  }
}

/** A plain file is read into the same memory again and again: a stream would leave a new buffer behind for every piece. */
async function* plainFile(path: string, size: number, terminal: Terminal): AsyncGenerator<Uint8Array> {
  const progress = new Progress(terminal, `reading ${inputName(path)}`, "kB", undefined);
  const buffer = new Uint8Array(PIECE);
  const file = openSync(path, "r");
  let bytes = 0;
  try {
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
      yield buffer.subarray(0, read);
      bytes += read;
      progress.update(bytes / 1000, size === 0 ? undefined : bytes / size);
      await terminal.drained();
    }
  } finally {
    progress.end();
    closeSync(file);
  }
}

/**
 * Calls `visit` with each line of a file, numbered from 1, without its line end. A `visit` that returns `false` ends the reading.
 */
export async function eachLine(path: string, terminal: Terminal, visit: (text: string, line: number) => boolean): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  let line = 0;
  for await (const bytes of byteChunks(path, terminal)) {
    const chunk = decoder.decode(bytes, { stream: true });
    let start = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", start)) {
      const text = rest + chunk.slice(start, end);
      rest = "";
      line += 1;
      start = end + 1;
      if (!visit(withoutReturn(text), line)) return;
    }
    rest += chunk.slice(start);
    if (rest.length > LONGEST_LINE) throw new CommandFailure(`${inputName(path)}: line ${line + 1} is longer than 16 MiB`);
  }
  rest += decoder.decode();
  if (rest !== "") visit(withoutReturn(rest), line + 1);
}

function withoutReturn(text: string): string {
  return text.endsWith("\r") ? text.slice(0, -1) : text;
}

async function* unpacked(path: string, packed: Readable): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK });
  packed.on("error", (error) => gunzip.destroy(error));
  try {
    yield* packed.pipe(gunzip) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (isZlibError(error)) throw new CommandFailure(`${path}: not a gzip file, or a damaged one (${error.message})`);
    throw error;
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}
