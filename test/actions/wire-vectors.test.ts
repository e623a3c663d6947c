import { expect, test } from "vitest";
import { ByteWriter, fromHex, toHex } from "../../src/bytes.ts";
import { isOfsyncError } from "../../src/errors.ts";
import { decodeActions, decodeInstructions, encodeActions, encodeInstructions } from "../../src/flow/actions/wire.ts";
import { matchFactsOf, noFacts } from "../../src/flow/match-facts.ts";
import { type OpenFlowVersion, wireVersionOf } from "../../src/flow/version.ts";
import { formatActionList, formatInstructions } from "../../src/text/actions/format-instructions.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { portsOf, readDepartures, readVectors } from "../text/vectors.ts";

interface ActionWireVector {
  readonly id: string;
  readonly version: OpenFlowVersion;
  readonly kind: "actions" | "instructions";
  readonly hex: string;
  readonly text?: string;
  readonly text_in?: string;
  readonly error?: string;
  readonly standalone_error?: string;
  readonly reencode_diff?: readonly string[];
  readonly match?: string;
  readonly context?: { readonly port_map?: Readonly<Record<string, number | "LOCAL">> };
}

// "7: 01 -> 00": byte 7 comes out differently; "(none)": not at all.
function reencoded(hex: string, changes: readonly string[]): string {
  const bytes: (number | undefined)[] = [...(fromHex(hex) ?? [])];
  for (const change of changes) {
    const [, index, , to] = /^(\d+): (\S+) -> (\S+)$/.exec(change) ?? [];
    bytes[Number(index)] = to === "(none)" ? undefined : Number.parseInt(to ?? "", 16);
  }
  return toHex(Uint8Array.from(bytes.filter((byte) => byte !== undefined)));
}

function refusal(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (!isOfsyncError(error) || error.openflowError === undefined) throw error;
    expect(error.place.offset).toBeTypeOf("number");
    return error.openflowError;
  }
}

function faults(vector: ActionWireVector): string[] {
  const { version, kind, text_in: textIn } = vector;
  const wire = wireVersionOf(version);
  const bytes = fromHex(vector.hex) ?? new Uint8Array();
  const bare = kind === "actions" && textIn === undefined;
  const found: string[] = [];
  const check = (what: string, got: string | undefined, wanted: string | undefined): void => {
    if (got !== wanted) found.push(`${what}: ${got} instead of ${wanted}`);
  };
  if (vector.error !== undefined) {
    check(
      "error",
      refusal(() => void (bare ? decodeActions(bytes, 0, bytes.length, wire) : decodeInstructions(bytes, 0, bytes.length, wire))),
      vector.error,
    );
    return found;
  }
  const w = new ByteWriter();
  const wanted = reencoded(vector.hex, vector.reencode_diff ?? []);
  if (bare) {
    const actions = decodeActions(bytes, 0, bytes.length, wire);
    encodeActions(actions, wire, w);
    check(
      "text",
      `actions=${formatActionList(actions)}`.replace("pop_vlan", wire === 1 ? "strip_vlan" : "pop_vlan"),
      vector.text,
    );
    check("bytes", toHex(w.finish()), wanted);
    return found;
  }
  const instructions = decodeInstructions(bytes, 0, bytes.length, wire);
  encodeInstructions(instructions, wire, w);
  check("bytes", toHex(w.finish()), wanted);
  // The empty action set is printed when it comes in, and not kept.
  if (vector.text !== "actions=write_actions(drop)")
    check("text", `actions=${formatInstructions(instructions, version)}`, vector.text);
  if (vector.standalone_error !== undefined && wire > 1) {
    check(
      "without its match",
      refusal(() => void decodeInstructions(bytes, 0, bytes.length, wire, noFacts())),
      vector.standalone_error,
    );
  }
  if (textIn !== undefined) {
    const flow = parseFlow(textIn, { compat: "ovs", version, ports: portsOf(vector.context) });
    w.clear();
    encodeInstructions(flow.instructions, wire, w);
    check("bytes of the text", toHex(w.finish()), vector.hex.toLowerCase());
    check(
      "refused with its match",
      refusal(() => void decodeInstructions(bytes, 0, bytes.length, wire, matchFactsOf(flow.match))),
      undefined,
    );
  }
  return found;
}

test("all action bytes decode to the same text and encode to the same bytes, and faults have the switch's error and an offset", () => {
  const vectors = readVectors<ActionWireVector>("actions-wire");
  const expected = readDepartures();
  const unlisted: string[] = [];
  let passed = 0;
  for (const vector of vectors) {
    const found = faults(vector);
    if (found.length === 0) passed++;
    else if (!expected.has(vector.id))
      unlisted.push(`${vector.id} ${vector.version} ${vector.text_in ?? vector.hex}: ${found.join("; ")}`);
  }
  console.info(
    `actions-wire: ${passed} passed, ${vectors.length - passed - unlisted.length} departed on purpose, of ${vectors.length}`,
  );
  expect(vectors.length).toBe(1384);
  expect(unlisted).toEqual([]);
});
