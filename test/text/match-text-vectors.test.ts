import { expect, test } from "vitest";
import { isOfsyncError, type OfsyncError } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { formatFlow } from "../../src/text/format-flow.ts";
import { formatMatch } from "../../src/text/format-match.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { type MatchTextVector, portsOf, readDepartures, readVectors } from "./vectors.ts";

// The reasons that ovs-ofctl gives, and the codes in which ofsync gives the same reason. First match wins.
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/OFPBAC_MATCH_INCONSISTENT/, "FIELD_NOT_ON_WIRE"],
  [/invalid mask for field|prefix bits not between/, "FIELD_MASK"],
  [/set multiple times/, "FIELD_DUPLICATE"],
  [/^field (priority|table|cookie|\w+_timeout|importance) missing value/, "FLOW_VALUE_MISSING"],
  [/^unknown keyword|missing value$/, "FLOW_KEYWORD"],
  [/invalid or unknown port for|port value out of range for/, "FIELD_PORT"],
  [/unknown (TCP|ct_state|tunnel) flag|can be specified only once/, "FIELD_FLAGS"],
  [/starting bit|ending bit|syntax error expecting|unknown field `/, "FIELD_SUBFIELD"],
  [/too large for/, "FIELD_RANGE"],
  [/invalid (IP|IPv6|Ethernet) address|bad syntax for|unknown fragment type/, "FIELD_SYNTAX"],
  [/unknown table/, "FLOW_TABLE"],
  [/cannot use a cookie mask/, "FLOW_COOKIE_MASK"],
  [/invalid (priority|idle_timeout|hard_timeout|importance) "|invalid numeric format/, "FLOW_VALUE"],
];

function codeOf(error: string): string {
  const text = error.replace(/^ovs-ofctl: /, "");
  return REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? `no code for: ${text}`;
}

function read(vector: MatchTextVector): Flow | OfsyncError {
  try {
    return parseFlow(vector.flow_text, { compat: "ovs", version: vector.version, ports: portsOf(vector.context) });
  } catch (error) {
    if (isOfsyncError(error)) return error;
    throw error;
  }
}

// What is wrong with how the text was read, or undefined.
function complaint(vector: MatchTextVector): string | undefined {
  const result = read(vector);
  const failed = isOfsyncError(result);
  if (vector.ofctl_decode_error !== undefined) {
    const got = failed ? result.openflowError : "no error";
    return got === vector.ofctl_decode_error ? undefined : `wanted ${vector.ofctl_decode_error}, got ${got}`;
  }
  if (!vector.accepted) {
    const wanted = codeOf(vector.error as string);
    const got = failed ? result.code : "no error";
    return got === wanted ? undefined : `wanted ${wanted} (${vector.error}), got ${got}`;
  }
  if (failed) return `refused: ${result.code} ${result.message}`;
  const text = formatMatch(result.match, { priority: result.priority });
  if (text !== vector.normalised) return `wanted ${vector.normalised}, got ${text}`;
  // With a TLV map the switch may cut tunnel metadata, which no text knows of; OpenFlow 1.0 dumps show no flags.
  if (vector.switch_dump === undefined || vector.switch_normalised !== vector.normalised) return undefined;
  const dump = formatFlow(result, { version: vector.version });
  return dump === vector.switch_dump.trim() ? undefined : `wanted ${vector.switch_dump.trim()}, got ${dump}`;
}

test("every match text is read and printed as by ovs-ofctl 3.1, or refused for the same reason", () => {
  const vectors = readVectors<MatchTextVector>("match-text");
  const departures = readDepartures();
  const wrong: string[] = [];
  let departed = 0;
  for (const vector of vectors) {
    const found = complaint(vector);
    if (departures.has(vector.id)) {
      departed++;
      if (found === undefined) wrong.push(`${vector.id} is listed as a departure, but agrees`);
    } else if (found !== undefined) wrong.push(`${vector.id} ${vector.version} ${vector.text}: ${found}`);
  }
  console.log(
    `match-text: ${vectors.length} records, ${vectors.length - departed - wrong.length} passed, ${departed} departed on purpose`,
  );
  expect(wrong).toEqual([]);
  expect(vectors.length).toBe(2548);
  expect(departed).toBeLessThanOrEqual(vectors.length / 100);
});

test("every accepted text that strict reading takes too gives the same flow", () => {
  let both = 0;
  for (const vector of readVectors<MatchTextVector>("match-text")) {
    const lenient = read(vector);
    let strict: Flow;
    try {
      strict = parseFlow(vector.flow_text, { version: vector.version, ports: portsOf(vector.context) });
    } catch (error) {
      if (!isOfsyncError(error)) throw error;
      expect(error.place.column, vector.text).toBeGreaterThan(0);
      continue;
    }
    if (isOfsyncError(lenient)) throw new Error(`strict reading takes ${vector.text}, ovs-ofctl does not: ${lenient.message}`);
    expect(strict.equals(lenient), vector.text).toBe(true);
    both++;
  }
  expect(both).toBeGreaterThan(1000);
});
