import { expect, test } from "vitest";
import { isOfsyncError, type OfsyncError } from "../../src/errors.ts";
import { matchFactsOf } from "../../src/flow/match-facts.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import { formatInstructions } from "../../src/text/actions/format-instructions.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { portsOf, readDepartures, readVectors } from "../text/vectors.ts";

interface ActionTextVector {
  readonly id: string;
  readonly text: string;
  readonly version: OpenFlowVersion;
  readonly accepted: boolean;
  readonly normalised?: string | null;
  readonly error?: string;
  readonly ofctl_decode_error?: string;
  readonly context?: { readonly port_map?: Readonly<Record<string, number | "LOCAL">> };
}

// The reasons that ovs-ofctl gives, and the codes in which ofsync gives the same reason. First match wins.
const REASONS: readonly (readonly [RegExp, RegExp])[] = [
  [/^no usable protocol/, /^ACTION_(MATCH|VERSION)$/],
  [/^actions are invalid with specified match/, /^(ACTION_MATCH|FIELD_NOT_ON_WIRE)$/],
  [/must not be accompanied/, /^ACTION_DROP$/],
  [/^unknown action/, /^ACTION_UNKNOWN$/],
  [/invalid instruction ordering|^duplicate .* instruction/, /^ACTION_ORDER$/],
  [
    /instruction not allowed here|"conjunction" actions may|nested (action|modification)|outside of (ct|"ct") action/,
    /^ACTION_NESTING$/,
  ],
  [/is read-only$/, /^ACTION_READ_ONLY$/],
  [/not a valid OXM field name|unknown field `|experimenter OXM field/, /^ACTION_FIELD$/],
  [/unknown fields|unknown algorithm|unknown member_type|unknown reason/, /^ACTION_VALUE$/],
  [/unknown table|invalid table|table id 255|resubmit to unknown table/, /^ACTION_TABLE$/],
  [/unknown (truncate )?port|unsupported truncate port/, /^ACTION_PORT$/],
  [/unknown key|invalid key|unknown keyword|unknown parameter|Invalid decap argument/, /^ACTION_KEY$/],
  [
    /"conjunction" syntax is|missing (source|`->'|field name|member delimiter)|garbage before|not enough arguments|at least one "in_port"/,
    /^ACTION_SYNTAX$/,
  ],
  [/value too large for/, /^FIELD_RANGE$/],
  [/bad syntax for/, /^FIELD_SYNTAX$/],
  [/./, /^ACTION_VALUE$/],
];

interface Outcome {
  readonly text?: string;
  readonly refusedAs?: string | undefined;
  readonly error?: OfsyncError;
}

function outcome(vector: ActionTextVector): Outcome {
  try {
    const flow = parseFlow(vector.text, { compat: "ovs", version: vector.version, ports: portsOf(vector.context) });
    try {
      return { text: `actions=${formatInstructions(flow.instructions, vector.version, { facts: matchFactsOf(flow.match) })}` };
    } catch (error) {
      if (!isOfsyncError(error)) throw error;
      return { refusedAs: error.openflowError };
    }
  } catch (error) {
    if (!isOfsyncError(error)) throw error;
    return { error };
  }
}

// Undefined: as Open vSwitch does it.
function departure(vector: ActionTextVector): string | undefined {
  const { text, refusedAs, error } = outcome(vector);
  if (!vector.accepted) {
    const said = (vector.error ?? "").replace(/^ovs-ofctl: /, "");
    if (error === undefined) return `accepted, but ovs-ofctl says: ${said}`;
    const code = REASONS.find(([pattern]) => pattern.test(said))?.[1];
    return code?.test(error.code) === true ? undefined : `${error.code} (${error.message}), but ovs-ofctl says: ${said}`;
  }
  if (error !== undefined) return `rejected: ${error.code} ${error.message}`;
  if (vector.ofctl_decode_error !== undefined)
    return refusedAs === vector.ofctl_decode_error ? undefined : `not refused as ${vector.ofctl_decode_error}`;
  return text === vector.normalised ? undefined : `${text ?? refusedAs} instead of ${vector.normalised}`;
}

test("all action texts read and print as with ovs-ofctl, in four versions, and are rejected for the same reason", () => {
  const vectors = readVectors<ActionTextVector>("actions-text");
  const expected = readDepartures();
  const found = new Map<string, string>();
  for (const vector of vectors) {
    const fault = departure(vector);
    if (fault !== undefined) found.set(vector.id, `${vector.version} ${vector.text}: ${fault}`);
  }
  const unlisted = [...found].filter(([id]) => !expected.has(id));
  const departed = vectors.filter(({ id }) => expected.has(id)).length;
  console.info(`actions-text: ${vectors.length - found.size} passed, ${departed} departed on purpose, of ${vectors.length}`);
  expect(vectors.length).toBe(1884);
  expect(unlisted).toEqual([]);
  expect(vectors.filter(({ id }) => expected.has(id) && !found.has(id)).map(({ id }) => id)).toEqual([]);
  expect(departed).toBeLessThan(vectors.length / 100);
});
