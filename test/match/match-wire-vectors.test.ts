import { expect, test } from "vitest";
import { ByteWriter, fromHex, toHex } from "../../src/bytes.ts";
import { isOfsyncError } from "../../src/errors.ts";
import type { Match } from "../../src/flow/match.ts";
import { type CookieMatch, decodeMatch, decodeOfp10Match, encodeMatch, encodeOfp10Match } from "../../src/flow/match-codec.ts";
import type { OxmVersion } from "../../src/flow/oxm.ts";
import { wireVersionOf } from "../../src/flow/version.ts";
import { formatMatch } from "../../src/text/format-match.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { type MatchWireVector, portsOf, readDepartures, readVectors } from "../text/vectors.ts";

function oxmVersion(vector: MatchWireVector): OxmVersion {
  return vector.oxm_hex === undefined ? 0 : wireVersionOf(vector.version);
}

function encode(vector: MatchWireVector, match: Match): string {
  const w = new ByteWriter();
  if (vector.ofp10_match_hex === undefined) encodeMatch(match, oxmVersion(vector), w);
  else encodeOfp10Match(match, w);
  return toHex(w.finish());
}

// The cookie that the last decoded NXM match carried; Nicira's flow messages have it behind the fields.
const cookie: CookieMatch = { value: 0n, mask: 0n };

function cookieHex(): string {
  if (cookie.mask === 0n) return "";
  const hex = (value: bigint): string => value.toString(16).padStart(16, "0");
  return cookie.mask === 0xffff_ffff_ffff_ffffn
    ? `00013c08${hex(cookie.value)}`
    : `00013d10${hex(cookie.value)}${hex(cookie.mask)}`;
}

function decode(vector: MatchWireVector): Match {
  cookie.value = 0n;
  cookie.mask = 0n;
  const bytes = fromHex(vector.oxm_hex ?? vector.nxm_hex ?? vector.ofp10_match_hex ?? "");
  if (bytes === undefined) throw new Error(`${vector.id} has no bytes`);
  if (vector.ofp10_match_hex !== undefined) return decodeOfp10Match(bytes, 0, bytes.length);
  return decodeMatch(bytes, 0, bytes.length, { strict: vector.strict ?? true, ...(oxmVersion(vector) === 0 ? { cookie } : {}) });
}

// The name of the OpenFlow error, or what was decoded.
function decodeOrError(vector: MatchWireVector): Match | string {
  try {
    return decode(vector);
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    expect(error.place.offset, vector.id).toBeGreaterThanOrEqual(0);
    return error.openflowError ?? error.code;
  }
}

function complaints(vector: MatchWireVector): string[] {
  return vector.oxm_text === undefined ? textComplaints(vector) : tlvComplaints(vector);
}

// Literal TLVs: decoded and encoded again, or refused.
function tlvComplaints(vector: MatchWireVector): string[] {
  const result = decodeOrError(vector);
  if (vector.error !== undefined) {
    return typeof result === "string" && vector.error.includes(result) ? [] : [`wanted ${vector.error}, got ${String(result)}`];
  }
  if (typeof result === "string") return [`refused: ${result}`];
  const wrong: string[] = [];
  const again = encode(vector, result) + cookieHex();
  // NXM matches are recorded with their padding.
  const wanted = vector.reencoded_hex ?? "";
  const padding = oxmVersion(vector) === 0 ? wanted.slice(again.length) : "";
  if (wanted.slice(0, wanted.length - padding.length) !== again || !/^(00){0,7}$/.test(padding))
    wrong.push(`bytes: wanted ${wanted}, got ${again}`);
  if (vector.text !== undefined && vector.text !== null && formatMatch(result) !== vector.text) {
    wrong.push(`text: wanted ${vector.text}, got ${formatMatch(result)}`);
  }
  return wrong;
}

function textComplaints(vector: MatchWireVector): string[] {
  const wrong: string[] = [];
  const hex = vector.oxm_hex ?? vector.nxm_hex ?? vector.ofp10_match_hex;
  const text = vector.text === "" ? "actions=drop" : `${vector.text},actions=drop`;
  let priority: number | undefined;
  try {
    // What ovs-ofctl sends is kept in full, also what its own print would not show.
    const flow = parseFlow(text, { compat: "ovs", version: vector.version, ports: portsOf(vector.context), showHidden: true });
    priority = flow.priority;
    const bytes = encode(vector, flow.match);
    if (bytes !== hex) wrong.push(`bytes: wanted ${hex}, got ${bytes}`);
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    if (error.openflowError === undefined || error.openflowError !== vector.switch_error)
      wrong.push(`text refused: ${error.message}`);
  }
  const result = decodeOrError(vector);
  if (typeof result === "string") {
    if (result !== vector.switch_error) wrong.push(`bytes refused: ${result}`);
  } else if (vector.decoded !== undefined && vector.context?.tlv_map === undefined) {
    // With a TLV map the switch knows longer values than the text has.
    const decoded = formatMatch(result, { priority });
    if (decoded !== vector.decoded) wrong.push(`print: wanted ${vector.decoded}, got ${decoded}`);
  }
  return wrong;
}

test("every match is encoded and decoded as by Open vSwitch 3.1: OXM, NXM and OpenFlow 1.0", () => {
  const vectors = readVectors<MatchWireVector>("match-wire");
  const departures = readDepartures();
  const wrong: string[] = [];
  let departed = 0;
  for (const vector of vectors) {
    const found = complaints(vector);
    if (departures.has(vector.id)) {
      departed++;
      if (found.length === 0) wrong.push(`${vector.id} is listed as a departure, but agrees`);
    } else if (found.length > 0)
      wrong.push(`${vector.id} ${vector.version} ${vector.text ?? vector.oxm_text}: ${found.join("; ")}`);
  }
  console.log(
    `match-wire: ${vectors.length} records, ${vectors.length - departed - wrong.length} passed, ${departed} departed on purpose`,
  );
  expect(wrong).toEqual([]);
  expect(vectors.length).toBe(2219);
  expect(departed).toBeLessThanOrEqual(vectors.length / 100);
});
