import { ByteWriter } from "../bytes.ts";
import { CANONICAL } from "../flow/actions/codec.ts";
import { decodeInstructionList, encodeInstructionList } from "../flow/actions/instruction-list.ts";
import { Flow } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";
import { decodeIntoDraft } from "../flow/match-decode.ts";
import { MatchDraft } from "../flow/match-draft.ts";
import { encodeDraft } from "../flow/match-encode.ts";
import type { FlowModView } from "../flow/packed-flow.ts";
import type { WireVersion } from "../flow/version.ts";
import { isPlainCanonicalInstructions } from "./canonical-instructions-scan.ts";
import { isPlainCanonicalMatch } from "./canonical-match-scan.ts";
import { asWireError } from "./flow-body.ts";
import { HEADER_BYTES, identifyMessage, readHeader } from "./header.ts";
import { mergeRegisters } from "./register-merge.ts";
import { failWire } from "./wire-error.ts";

/** One flow of a chunk, as objects. */
export interface ReportedFlow {
  readonly flow: Flow;
  readonly packetCount: bigint;
  readonly byteCount: bigint;
  readonly durationSeconds: number;
}

/**
 * Columns per flow, 32 bits each. Ranges lie in the message, or in the chunk's own bytes when the column `OWN` says so: that is
 * where matches and instructions go that did not come in canonical form.
 *
 * | column | what |
 * | --- | --- |
 * | RECORD | where the flow begins in the message |
 * | MATCH, MATCH_LENGTH | canonical match |
 * | INSTRUCTIONS, INSTRUCTIONS_LENGTH | canonical instructions |
 * | STATS | where the counters begin: 1.5's `ofp_stats`; before, they lie at fixed places of the record |
 * | OWN | bit 0: the match, bit 1: the instructions lie in the chunk's own bytes |
 */
const RECORD = 0;
const MATCH = 1;
const MATCH_LENGTH = 2;
const INSTRUCTIONS = 3;
const INSTRUCTIONS_LENGTH = 4;
const STATS = 5;
const OWN = 6;
const COLUMNS = 7;

const MATCH_OWN = 1;
const INSTRUCTIONS_OWN = 2;

const draft = /* @__PURE__ */ new MatchDraft();

/**
 * The flows of one flow-stats reply (OpenFlow 1.3 to 1.5), packed: numbers and byte ranges are read from the message's own bytes,
 * objects are made on demand. The message must not be written to as long as the chunk is in use.
 */
export class FlowChunk implements Iterable<ReportedFlow> {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #version: WireVersion;
  readonly #own: ByteWriter;
  #columns: Int32Array;
  #length = 0;

  /** Decodes the records in `bytes[start, end)`. Use {@link decodeFlowChunk}. */
  constructor(bytes: Uint8Array, start: number, end: number, version: WireVersion) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#version = version;
    // Before 1.5 most matches are put together anew.
    this.#own = new ByteWriter(version === 6 ? 0 : (end - start) >> 1);
    // A flow takes at least 48 bytes in 1.3 and 1.4, and 40 in 1.5: 24, an empty match and empty counters.
    this.#columns = new Int32Array(Math.floor((end - start) / 40) * COLUMNS);
    for (let at = start; at < end; ) at = this.#record(at, end);
    this.#columns = this.#columns.slice(0, this.#length * COLUMNS);
  }

  /** How many flows. */
  get length(): number {
    return this.#length;
  }

  /** The flow at `index` as objects with bytes of their own. Throws `RangeError` outside 0 … length-1. */
  at(index: number): ReportedFlow {
    const view: FlowModView = {
      command: 0,
      table: 0,
      priority: 0,
      cookieHigh: 0,
      cookieLow: 0,
      idleTimeout: 0,
      hardTimeout: 0,
      importance: 0,
      flags: 0,
      matchBuffer: this.#bytes,
      matchStart: 0,
      matchLength: 0,
      instructionsBuffer: this.#bytes,
      instructionsStart: 0,
      instructionsLength: 0,
    };
    this.read(index, view);
    const { matchBuffer, matchStart, matchLength, instructionsBuffer, instructionsStart, instructionsLength } = view;
    const match = Match.fromCanonical(matchBuffer.slice(matchStart, matchStart + matchLength));
    const instructions = Instructions.fromCanonical(
      instructionsBuffer.slice(instructionsStart, instructionsStart + instructionsLength),
    );
    const cookie = (BigInt(view.cookieHigh) << 32n) | BigInt(view.cookieLow);
    const { table, priority, idleTimeout, hardTimeout, importance, flags } = view;
    const flow = new Flow({ table, priority, match, instructions, cookie, idleTimeout, hardTimeout, importance, flags });
    return { flow, ...this.#counters(index) };
  }

  /** Fills `into` for the flow at `index`; the ranges stay valid as long as the chunk and its message do. */
  read(index: number, into: FlowModView): void {
    if (!(index >= 0 && index < this.#length)) throw new RangeError(`flow ${index} of a chunk of ${this.#length}`);
    const columns = this.#columns;
    const row = index * COLUMNS;
    const own = columns[row + OWN] as number;
    const record = columns[row + RECORD] as number;
    const view = this.#view;
    into.command = 0;
    into.matchBuffer = (own & MATCH_OWN) === 0 ? this.#bytes : this.#own.buffer;
    into.matchStart = columns[row + MATCH] as number;
    into.matchLength = columns[row + MATCH_LENGTH] as number;
    into.instructionsBuffer = (own & INSTRUCTIONS_OWN) === 0 ? this.#bytes : this.#own.buffer;
    into.instructionsStart = columns[row + INSTRUCTIONS] as number;
    into.instructionsLength = columns[row + INSTRUCTIONS_LENGTH] as number;
    if (this.#version === 6) {
      into.table = view.getUint8(record + 4);
      into.priority = view.getUint16(record + 6);
      into.idleTimeout = view.getUint16(record + 8);
      into.hardTimeout = view.getUint16(record + 10);
      into.flags = view.getUint16(record + 12);
      into.importance = view.getUint16(record + 14);
      into.cookieHigh = view.getUint32(record + 16);
      into.cookieLow = view.getUint32(record + 20);
      return;
    }
    into.table = view.getUint8(record + 2);
    into.priority = view.getUint16(record + 12);
    into.idleTimeout = view.getUint16(record + 14);
    into.hardTimeout = view.getUint16(record + 16);
    into.flags = view.getUint16(record + 18);
    into.importance = this.#version >= 5 ? view.getUint16(record + 20) : 0;
    into.cookieHigh = view.getUint32(record + 24);
    into.cookieLow = view.getUint32(record + 28);
  }

  *[Symbol.iterator](): IterableIterator<ReportedFlow> {
    for (let i = 0; i < this.#length; i++) yield this.at(i);
  }

  #counters(index: number): Omit<ReportedFlow, "flow"> {
    const row = index * COLUMNS;
    const view = this.#view;
    if (this.#version !== 6) {
      const record = this.#columns[row + RECORD] as number;
      return {
        packetCount: view.getBigUint64(record + 32),
        byteCount: view.getBigUint64(record + 40),
        durationSeconds: view.getUint32(record + 4),
      };
    }
    const counters = { packetCount: 0n, byteCount: 0n, durationSeconds: 0 };
    const start = this.#columns[row + STATS] as number;
    const end = start + view.getUint16(start + 2);
    for (let at = start + 4; at < end; at += 4 + view.getUint8(at + 3)) {
      const header = view.getUint32(at);
      if (header === 0x80020008) counters.durationSeconds = view.getUint32(at + 4);
      else if (header === 0x80020808) counters.packetCount = view.getBigUint64(at + 4);
      else if (header === 0x80020a08) counters.byteCount = view.getBigUint64(at + 4);
    }
    return counters;
  }

  /** Decodes one record; returns where the next begins. */
  #record(at: number, end: number): number {
    const view = this.#view;
    const header = this.#version === 6 ? 24 : 48;
    if (end - at < header + 8) failWire("WIRE_LENGTH", `flow of ${end - at} bytes`, at, "OFPBRC_BAD_LEN");
    const next = at + view.getUint16(at);
    if (next < at + header + 8 || next > end) {
      failWire("WIRE_LENGTH", `flow of ${next - at} bytes, ${end - at} are left`, at, "OFPBRC_BAD_LEN");
    }
    if (view.getUint8(at + (this.#version === 6 ? 4 : 2)) === 255) {
      failWire("WIRE_VALUE", "no flow is in table 255", at, "OFPBRC_BAD_TABLE_ID");
    }
    const row = this.#length * COLUMNS;
    const columns = this.#columns;
    columns[row + RECORD] = at;
    let body = this.#match(at + header, next, row);
    const flags = view.getUint16(at + (this.#version === 6 ? 12 : 18));
    if ((flags & ~0x1f) !== 0) failWire("WIRE_VALUE", `flags 0x${flags.toString(16)}`, at, "OFPFMFC_BAD_FLAGS");
    if (this.#version === 6) {
      columns[row + STATS] = body;
      body = this.#stats(body, next);
    }
    this.#instructions(body, next, row);
    this.#length++;
    return next;
  }

  #match(at: number, end: number, row: number): number {
    const view = this.#view;
    const length = view.getUint16(at + 2);
    if (view.getUint16(at) !== 1) failWire("WIRE_VALUE", "not an OXM match", at, "OFPBMC_BAD_TYPE");
    const next = at + ((length + 7) & ~7);
    if (length < 4 || next > end) failWire("WIRE_LENGTH", `match of ${length} bytes`, at + 2, "OFPBMC_BAD_LEN");
    const columns = this.#columns;
    const start = at + 4;
    if (isPlainCanonicalMatch(this.#bytes, view, start, at + length)) {
      columns[row + MATCH] = start;
      columns[row + MATCH_LENGTH] = length - 4;
      return next;
    }
    if (this.#version < 6 && this.#mergedMatch(start, at + length, row)) return next;
    draft.clear();
    decodeIntoDraft(this.#bytes, start, at + length, draft);
    const own = this.#own.length;
    encodeDraft(draft, 6, this.#own);
    columns[row + OWN] = (columns[row + OWN] as number) | MATCH_OWN;
    columns[row + MATCH] = own;
    columns[row + MATCH_LENGTH] = this.#own.length - own;
    return next;
  }

  /** Before 1.5 registers come in halves. With these put together, most matches are canonical; false = this one is not. */
  #mergedMatch(start: number, end: number, row: number): boolean {
    const own = this.#own;
    const from = own.length;
    if (
      !mergeRegisters(this.#view, this.#bytes, start, end, own) ||
      !isPlainCanonicalMatch(own.buffer, own.view, from, own.length)
    ) {
      own.length = from;
      return false;
    }
    const columns = this.#columns;
    columns[row + OWN] = (columns[row + OWN] as number) | MATCH_OWN;
    columns[row + MATCH] = from;
    columns[row + MATCH_LENGTH] = own.length - from;
    return true;
  }

  /** Checks 1.5's counters; returns where they end. */
  #stats(at: number, end: number): number {
    const view = this.#view;
    const length = end - at < 4 ? 0 : view.getUint16(at + 2);
    const next = at + ((length + 7) & ~7);
    if (length < 4 || next > end) failWire("WIRE_LENGTH", `statistics of ${length} bytes`, at, "OFPBMC_BAD_LEN");
    for (let entry = at + 4; entry < at + length; ) {
      const size = at + length - entry < 4 ? 0x100 : 4 + view.getUint8(entry + 3);
      if (entry + size > at + length) failWire("WIRE_LENGTH", "a statistic is cut off", entry, "OFPBMC_BAD_LEN");
      entry += size;
    }
    return next;
  }

  #instructions(at: number, end: number, row: number): void {
    const columns = this.#columns;
    if (isPlainCanonicalInstructions(this.#bytes, this.#view, at, end, this.#version === 6)) {
      columns[row + INSTRUCTIONS] = at;
      columns[row + INSTRUCTIONS_LENGTH] = end - at;
      return;
    }
    const own = this.#own.length;
    try {
      encodeInstructionList(decodeInstructionList(this.#bytes, at, end, this.#version, false), CANONICAL, this.#own);
    } catch (error) {
      throw asWireError(error, at);
    }
    columns[row + OWN] = (columns[row + OWN] as number) | INSTRUCTIONS_OWN;
    columns[row + INSTRUCTIONS] = own;
    columns[row + INSTRUCTIONS_LENGTH] = this.#own.length - own;
  }
}

/**
 * Decodes a whole flow-stats reply (OpenFlow 1.3 to 1.5) into a chunk. Nothing is copied but what did not come in canonical form.
 *
 * Throws {@link OfsyncError} with a `WIRE_` code, the byte in `place.offset` and the `openflowError`: `WIRE_MESSAGE` for any other
 * message, the codes of `decodeMessage` for a malformed one.
 */
export function decodeFlowChunk(message: Uint8Array): FlowChunk {
  if (message.length < HEADER_BYTES || readHeader(message).length !== message.length) {
    failWire("WIRE_TRUNCATED", `${message.length} bytes are not the whole message`, 0, "OFPBRC_BAD_LEN");
  }
  const { version } = readHeader(message);
  const identified = identifyMessage(message, 0, message.length);
  if (identified.encoding === undefined || identified.encoding.type !== "flowStatsReply" || version < 4) {
    failWire("WIRE_MESSAGE", "not a flow-stats reply of OpenFlow 1.3 to 1.5", 0, "OFPBRC_BAD_STAT");
  }
  return new FlowChunk(message, identified.bodyStart, message.length, version as WireVersion);
}
