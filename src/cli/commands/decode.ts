import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { isOfsyncError, type OfsyncError } from "../../index.ts";
import { decodeMessage, Framer, formatMessage, messageToJson, type OpenFlowMessage } from "../../openflow.ts";
import { type Command, CommandFailure, UsageError } from "../command.ts";
import { describeError } from "../error-text.ts";
import { inputName } from "../input.ts";

/** `ofsync decode`: OpenFlow bytes to text. */
export const decode: Command = {
  usage: "decode [OPTIONS] [FILE...]",
  help: `
Reads OpenFlow messages and prints each as one readable line, as "ovs-ofctl ofp-print" does. The files (or standard
input) hold a binary stream, such as the payload of a captured connection in one direction, or hexadecimal digits, in
which white space and "#" comments mean nothing; which of the two it is shows by itself. --verbose prints messages with
many records on many lines.

$ ofsync decode captured.bin
$ echo '04 02 00 08 00 00 00 01' | ofsync decode
$ ofsync encode 'tcp,tp_dst=80,actions=1' | ofsync decode --json

A message that is malformed is told with the byte at fault, and the next one is read. Of an answer with many records,
those before the bad one are printed (with --json as "before"). After a length field that cannot be right the stream is
lost, and the rest of it is not read.

Exit status: 0 every message was good, 1 at least one was not.`,
  options: {
    hex: { type: "boolean", help: "the input is hexadecimal digits" },
    binary: { type: "boolean", help: "the input is binary" },
    verbose: { type: "boolean", short: "v", help: "all records and data, on as many lines as it takes" },
    json: { type: "boolean", help: "one JSON object per message" },
  },
  async run(input, terminal) {
    if (input.has("hex") && input.has("binary")) throw new UsageError("--hex and --binary exclude each other");
    const json = input.has("json");
    const textOf = (message: OpenFlowMessage): string =>
      input.has("verbose") ? formatMessage(message).trimEnd() : oneLine(message);
    let bad = 0;
    for (const path of input.operands.length === 0 ? ["-"] : input.operands) {
      const framer = new Framer();
      let offset = 0;
      const onMessage = (bytes: Uint8Array): void => {
        const start = offset;
        offset += bytes.length;
        try {
          const message = decodeMessage(bytes);
          if (json) terminal.line(JSON.stringify({ offset: start, ok: true, message: messageToJson(message) }));
          else terminal.line(textOf(message));
        } catch (error) {
          if (!isOfsyncError(error)) throw error;
          bad += 1;
          const before = readableBefore(error, bytes);
          if (json) {
            const part = before === undefined ? {} : { before: messageToJson(before) };
            terminal.line(JSON.stringify({ offset: start, ok: false, ...error.toJSON(), ...part }));
            return;
          }
          if (before !== undefined) terminal.line(textOf(before));
          terminal.note(`${inputName(path)}: message at byte ${start}: ${describeError(error, terminal)}`);
        }
      };
      try {
        for await (const chunk of byteChunks(path, input.has("hex") ? "hex" : input.has("binary") ? "binary" : "guess")) {
          framer.push(chunk, onMessage);
          await terminal.drained();
        }
        if (framer.pending > 0)
          throw new CommandFailure(`${inputName(path)} ends inside a message, ${framer.pending} bytes of it are there`);
      } catch (error) {
        if (isOfsyncError(error))
          throw new CommandFailure(`${inputName(path)}: at byte ${offset}: ${describeError(error, terminal)}`);
        throw error;
      }
    }
    return bad === 0 ? 0 : 1;
  },
};

function oneLine(message: OpenFlowMessage): string {
  return formatMessage(message, { verbosity: 1 })
    .trim()
    .replace(/\s*\n\s*/g, "; ");
}

const MULTIPART_REPLY = 19;
const MULTIPART_HEAD = 16;
/** So many places before the fault are tried for the beginning of the bad record. */
const TRIES = 1024;

/** The records in front of the one that cannot be read, as a message of their own; records are aligned to 8 bytes. */
function readableBefore({ place }: OfsyncError, bytes: Uint8Array): OpenFlowMessage | undefined {
  if (bytes[1] !== MULTIPART_REPLY || place.offset === undefined) return undefined;
  const from = Math.min(place.offset, bytes.length) & ~7;
  for (let end = from, tries = 0; end > MULTIPART_HEAD && tries < TRIES; end -= 8, tries++) {
    const part = bytes.slice(0, end);
    new DataView(part.buffer).setUint16(2, end);
    try {
      return decodeMessage(part);
    } catch (error) {
      if (!isOfsyncError(error)) throw error;
    }
  }
  return undefined;
}

async function* byteChunks(path: string, form: "hex" | "binary" | "guess"): AsyncGenerator<Uint8Array> {
  const stream: Readable = path === "-" ? process.stdin : createReadStream(path);
  let digits: HexReader | undefined = form === "hex" ? new HexReader(path) : undefined;
  let first = true;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    if (first && form === "guess" && looksHexadecimal(chunk)) digits = new HexReader(path);
    first = false;
    yield digits === undefined ? chunk : digits.push(chunk);
  }
  digits?.end();
}

/** A binary message begins with a version byte from 1 to 6, which no text does. */
function looksHexadecimal(chunk: Uint8Array): boolean {
  const byte = chunk[0];
  return byte !== undefined && (byte >= 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
}

/** Reads hexadecimal digits that may be split anywhere. */
class HexReader {
  readonly #path: string;
  #half = -1;
  #comment = false;
  #line = 1;

  constructor(path: string) {
    this.#path = path;
  }

  push(chunk: Uint8Array): Uint8Array {
    const bytes = new Uint8Array((chunk.length >> 1) + 1);
    let length = 0;
    for (const code of chunk) {
      if (code === 0x0a) {
        this.#line += 1;
        this.#comment = false;
      }
      if (code === 0x23) this.#comment = true;
      if (this.#comment || code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) continue;
      const digit = hexDigit(code);
      if (digit < 0) {
        throw new CommandFailure(
          `${inputName(this.#path)}:${this.#line}: "${String.fromCharCode(code)}" is no hexadecimal digit`,
        );
      }
      if (this.#half < 0) this.#half = digit;
      else {
        bytes[length++] = (this.#half << 4) | digit;
        this.#half = -1;
      }
    }
    return bytes.subarray(0, length);
  }

  end(): void {
    if (this.#half >= 0) throw new CommandFailure(`${inputName(this.#path)}: an odd number of hexadecimal digits`);
  }
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
