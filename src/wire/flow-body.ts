import type { ByteWriter } from "../bytes.ts";
import { isOfsyncError, OfsyncError } from "../errors.ts";
import type { Action } from "../flow/actions/action.ts";
import { isWire15 } from "../flow/actions/instruction-list.ts";
import { translateCanonical } from "../flow/actions/translate.ts";
import { decodeActions, decodeInstructions, encodeActions, encodeInstructions } from "../flow/actions/wire.ts";
import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";
import {
  type CookieMatch,
  decodeMatch,
  decodeOfp10Match,
  encodeMatch,
  encodeMatchBytes,
  encodeOfp10Match,
} from "../flow/match-codec.ts";
import { matchFactsOf } from "../flow/match-facts.ts";
import type { WireVersion } from "../flow/version.ts";
import { readOfp11Match } from "./ofp11-match.ts";
import { portFrom16 } from "./port-number.ts";
import { failEncode, failWire } from "./wire-error.ts";
import type { WireReader } from "./wire-reader.ts";

/** Matches and actions as messages carry them: with their lengths, their padding, and the forms of the older versions. */

const OXM_MATCH = 1;
const STANDARD_MATCH = 0;
const OFP10_MATCH_BYTES = 40;
/** `OFPFW10_ALL`: every wildcard bit of OpenFlow 1.0. */
const OFP10_WILDCARDS = 0x003fffff;

/** Reads an `ofp_match` with its padding; OpenFlow 1.1's own structure is taken, too. */
export function readMatch(reader: WireReader): Match {
  return readPadded(reader, true);
}

/** The same, passing over fields that are not known or lack their prerequisite: what came with a packet. */
export function readMatchLoosely(reader: WireReader): Match {
  return readPadded(reader, false);
}

function readPadded(reader: WireReader, strict: boolean): Match {
  const start = reader.at;
  reader.need(4, "a match", "OFPBMC_BAD_LEN");
  const type = reader.u16();
  const length = reader.u16();
  if (type === STANDARD_MATCH && strict) return readOfp11Match(reader, start, length);
  const known = type === OXM_MATCH;
  if (!known && strict) failWire("WIRE_VALUE", `match type ${type}`, start, "OFPBMC_BAD_TYPE");
  const padded = (length + 7) & ~7;
  if (length < 4) failWire("WIRE_LENGTH", `match of ${length} bytes`, start + 2, "OFPBMC_BAD_LEN");
  if (!known) failWire("WIRE_VALUE", `match type ${type}`, start, "OFPBMC_BAD_TYPE");
  if (padded - 4 > reader.left) failWire("WIRE_LENGTH", `match of ${length} bytes`, start + 2, "OFPBMC_BAD_LEN");
  const match = decodeMatch(reader.bytes, start + 4, start + length, { strict });
  reader.at = start + padded;
  return match;
}

/** A match with the cookie that Nicira's messages carry inside it. */
export interface NxMatch {
  readonly match: Match;
  readonly cookie: bigint;
  /** 0 = none. */
  readonly cookieMask: bigint;
}

/** Reads `length` bytes of NXM and their padding. `withCookie`: the cookie field is allowed. */
export function readNxMatch(reader: WireReader, length: number, withCookie: boolean): NxMatch {
  const cookie: CookieMatch = { value: 0n, mask: 0n };
  const match = readNx(reader, length, withCookie ? { strict: true, cookie } : { strict: true });
  return { match, cookie: cookie.value, cookieMask: cookie.mask };
}

/** {@link readMatchLoosely} for NXM. */
export function readNxMatchLoosely(reader: WireReader, length: number): Match {
  return readNx(reader, length, { strict: false });
}

function readNx(reader: WireReader, length: number, options: { strict: boolean; cookie?: CookieMatch }): Match {
  const start = reader.at;
  const padded = (length + 7) & ~7;
  if (padded > reader.left) failWire("WIRE_LENGTH", `match of ${length} bytes`, start, "OFPBMC_BAD_LEN");
  const match = decodeMatch(reader.bytes, start, start + length, options);
  reader.at = start + padded;
  return match;
}

/** Reads bare TLVs to the end of `reader`, as packet-in properties have them. */
export function readMatchTlvs(reader: WireReader): Match {
  const match = decodeMatch(reader.bytes, reader.at, reader.end, { strict: false });
  reader.at = reader.end;
  return match;
}

/** Reads OpenFlow 1.0's match; `exact`: it has no wildcard at all. */
export function readMatch10(reader: WireReader): { readonly match: Match; readonly exact: boolean } {
  const start = reader.at;
  reader.need(OFP10_MATCH_BYTES, "a match", "OFPBRC_BAD_LEN");
  const exact = (reader.view.getUint32(start) & OFP10_WILDCARDS) === 0;
  const match = decodeOfp10Match(reader.bytes, start, start + OFP10_MATCH_BYTES);
  reader.skip(OFP10_MATCH_BYTES);
  return { match, exact };
}

/** Appends an `ofp_match` with its padding; returns its length without padding. */
export function putMatch(w: ByteWriter, match: Match, version: number): number {
  return putMatchBytes(w, match.bytes, 0, match.bytes.length, version as WireVersion);
}

/** Appends bare TLVs. */
export function putMatchTlvs(w: ByteWriter, match: Match, version: number): void {
  encodeMatch(match, version < 3 ? 0 : (version as WireVersion), w);
}

/**
 * Appends an `ofp_match` from canonical bytes: a copy in OpenFlow 1.5, translated before. Returns its length without padding.
 */
export function putMatchBytes(w: ByteWriter, buffer: Uint8Array, start: number, length: number, version: WireVersion): number {
  if (version === 6) {
    const size = (4 + length + 7) & ~7;
    const at = w.extend(size);
    w.view.setUint32(at, 0x0001_0000 | (4 + length));
    copy(w, at + 4, buffer, start, length);
    for (let i = at + 4 + length; i < at + size; i++) w.buffer[i] = 0;
    return 4 + length;
  }
  if (version === 2) failEncode("OpenFlow 1.1 matches are read, not written", "version");
  const at = w.reserve(4);
  encodeMatchBytes(buffer.subarray(start, start + length), version, w);
  const size = w.length - at;
  w.view.setUint32(at, 0x0001_0000 | size);
  w.padTo(8, at);
  return size;
}

const COOKIE = 0x00013c08;
const COOKIE_MASKED = 0x00013d10;
const WHOLE_COOKIE = 0xffff_ffff_ffff_ffffn;

/** Appends NXM and its padding, with a cookie to match when its mask is not 0; returns the length without padding. */
export function putNxMatch(w: ByteWriter, match: Match, cookie: bigint, cookieMask: bigint): number {
  const start = w.length;
  encodeMatch(match, 0, w);
  if (cookieMask !== 0n) {
    w.u32(cookieMask === WHOLE_COOKIE ? COOKIE : COOKIE_MASKED);
    w.u64(cookie & cookieMask);
    if (cookieMask !== WHOLE_COOKIE) w.u64(cookieMask);
  }
  const length = w.length - start;
  w.padTo(8, start);
  return length;
}

/** Appends OpenFlow 1.0's 40-byte match. Throws when it cannot say this match. */
export function putMatch10(w: ByteWriter, match: Match): void {
  try {
    encodeOfp10Match(match, w);
  } catch (error) {
    if (!isOfsyncError(error, "MATCH_NOT_IN_OPENFLOW10")) throw error;
    failEncode(`${error.message}; use the form "nicira"`, "match");
  }
}

/**
 * Reads instructions to the end of `reader`. With `match` they must fit it, and a `goto_table` must lead beyond `table`, as in
 * a flow-mod; without, they are taken as a switch reports them.
 */
export function readInstructions(reader: WireReader, match: Match | undefined, table: number): Instructions {
  const { bytes, at, end, version } = reader;
  reader.at = end;
  if (at === end) return Instructions.drop;
  try {
    const read = decodeInstructions(bytes, at, end, version, match === undefined ? undefined : matchFactsOf(match));
    if (match !== undefined) checkGoto(reader, at, table);
    return read;
  } catch (error) {
    throw asWireError(error, at);
  }
}

const GOTO_TABLE = 1;

function checkGoto(reader: WireReader, start: number, table: number): void {
  if (reader.version === 1 || table === 255) return;
  for (let at = start; at < reader.end; at += reader.view.getUint16(at + 2)) {
    if (reader.view.getUint16(at) !== GOTO_TABLE) continue;
    const next = reader.view.getUint8(at + 4);
    if (next <= table) failWire("WIRE_VALUE", `goto_table ${next} leads back from ${table}`, at + 4, "OFPBIC_BAD_TABLE_ID");
  }
}

/** Actions that clash with their match, or that have no canonical form, are a fault of the message like any other. */
export function asWireError(error: unknown, offset: number): unknown {
  if (!isOfsyncError(error) || error.code.startsWith("WIRE_")) return error;
  return new OfsyncError("WIRE_ACTION", error.message, {
    place: { offset, ...error.place },
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    openflowError: error.openflowError ?? "OFPBAC_BAD_ARGUMENT",
    cause: error,
  });
}

/** Reads actions to the end of `reader` as the instructions that they stand for: OpenFlow 1.0, and Nicira's messages of any version. */
export function readActionsAsInstructions(reader: WireReader, match: Match | undefined, table: number): Instructions {
  if (reader.version === 1) return readInstructions(reader, match, table);
  const start = reader.at;
  const actions = readActions(reader, reader.left);
  try {
    return Instructions.ofActions(actions, match === undefined ? undefined : matchFactsOf(match), table);
  } catch (error) {
    throw asWireError(error, start);
  }
}

/** Reads `length` bytes of actions. */
export function readActions(reader: WireReader, length: number): Action[] {
  const start = reader.at;
  if (length > reader.left) failWire("WIRE_LENGTH", `actions of ${length} bytes`, start, "OFPBRC_BAD_LEN");
  reader.skip(length);
  return length === 0 ? [] : decodeActions(reader.bytes, start, start + length, reader.version);
}

/** Appends instructions (in OpenFlow 1.0: actions). */
export function putInstructions(w: ByteWriter, instructions: Instructions, version: number, match: Match): void {
  encodeInstructions(instructions, version as WireVersion, w, matchFactsOf(match));
}

/** Appends the actions of instructions that have nothing else: OpenFlow 1.0, and Nicira's messages of any version. */
export function putActionsOf(w: ByteWriter, instructions: Instructions, version: number, match: Match): void {
  if (version === 1) putInstructions(w, instructions, 1, match);
  else encodeActions(instructions.actions, version as WireVersion, w);
}

/** Appends actions. */
export function putActions(w: ByteWriter, actions: readonly Action[], version: number): void {
  encodeActions(actions, version as WireVersion, w);
}

/**
 * Appends instructions from canonical bytes: a copy in OpenFlow 1.5 when the standard has all of them. Actions that meet their
 * match here for the first time take their form from it.
 */
export function putInstructionBytes(
  w: ByteWriter,
  buffer: Uint8Array,
  start: number,
  length: number,
  version: WireVersion,
  matchBuffer: Uint8Array,
  matchStart: number,
  matchLength: number,
): void {
  if (length === 0) return;
  if (version === 6 && isWire15(buffer, start, start + length)) {
    const at = w.extend(length);
    copy(w, at, buffer, start, length);
    return;
  }
  // Without facts of the match, and with nothing left when it has to go the long way.
  if ((version === 4 || version === 5) && translateCanonical(buffer, start, start + length, version, w)) return;
  const match = Match.fromCanonical(matchBuffer.subarray(matchStart, matchStart + matchLength));
  putInstructions(w, Instructions.fromCanonical(buffer.subarray(start, start + length)), version, match);
}

/** Short runs byte by byte: a call of `set` costs more than it saves below about a hundred bytes. */
function copy(w: ByteWriter, at: number, source: Uint8Array, start: number, length: number): void {
  const target = w.buffer;
  if (length > 96) {
    target.set(source.subarray(start, start + length), at);
    return;
  }
  for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number;
}

const IN_PORT = 0x80000004;

/** The match of exactly one input port. */
export function inPortMatch(port: number): Match {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, IN_PORT);
  view.setUint32(4, port);
  return decodeMatch(bytes, 0, 8);
}

/** The input port that a match names; `undefined` when it names none. */
export function inPortOf(match: Match): number | undefined {
  const entry = match.entries().find(({ name }) => name === "in_port_oxm" || name === "in_port");
  if (entry === undefined) return undefined;
  let port = 0;
  for (const byte of entry.value) port = port * 256 + byte;
  return entry.value.length === 2 ? portFrom16(port) : port;
}

const PIPELINE_FIELDS = /^(?:metadata|in_port|in_port_oxm|packet_type|x{0,2}reg\d+|tun_(?!ttl$|tos$).*)$/;

/** Throws when a match names anything that is read from the packet: a packet-out may give only what comes beside it. */
export function checkPipelineFields(match: Match, offset: number): void {
  const other = match.entries().find(({ name }) => !PIPELINE_FIELDS.test(name));
  if (other !== undefined) {
    failWire("WIRE_VALUE", `${other.name} is read from the packet`, offset, "OFPBRC_PIPELINE_FIELDS_ONLY");
  }
}
