import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteWriter, toHex } from "../../src/bytes.ts";
import type { Action } from "../../src/flow/actions/action.ts";
import { Instructions } from "../../src/flow/instructions.ts";
import { Match } from "../../src/flow/match.ts";
import { decodeMatch, encodeMatch } from "../../src/flow/match-codec.ts";
import { matchFactsOf } from "../../src/flow/match-facts.ts";
import { arbitraries } from "../../src/testing/arbitraries.ts";
import { MemorySwitch } from "../../src/transport/memory-switch.ts";
import { seed } from "../seed.ts";

const { flow, fewFlows, fewOwners, operation, owner, instructions } = arbitraries(fc, { groups: [1, 2], meters: [3] });

test("generated flows are canonical, and of a wide variety", () => {
  const fields = new Set<string>();
  const actions = new Set<string>();
  let masked = 0;
  const note = (list: readonly Action[]): void => {
    for (const action of list) {
      actions.add(action.type);
      if ("actions" in action && action.actions !== undefined) note(action.actions);
    }
  };
  fc.assert(
    fc.property(flow, (one) => {
      const again = decodeMatch(one.match.bytes, 0, one.match.bytes.length);
      expect(toHex(again.bytes)).toBe(toHex(one.match.bytes));
      const w = new ByteWriter();
      encodeMatch(one.match, 6, w);
      expect(toHex(w.finish())).toBe(toHex(one.match.bytes));
      const list = one.instructions.actions;
      const rebuilt = Instructions.ofActions(list, matchFactsOf(one.match), one.table);
      expect(toHex(rebuilt.bytes)).toBe(toHex(one.instructions.bytes));
      for (const entry of one.match.entries()) {
        fields.add(entry.name);
        if (entry.mask !== undefined) masked++;
      }
      note(list);
    }),
    { seed, numRuns: 3_000 },
  );
  expect(fields.size).toBeGreaterThan(55);
  expect(actions.size).toBeGreaterThan(34);
  expect(masked).toBeGreaterThan(500);
});

test("generated flows can be said as objects again", () => {
  fc.assert(
    fc.property(flow, ({ match }) => {
      expect(toHex(Match.of(match.toJSON()).bytes)).toBe(toHex(match.bytes));
    }),
    { seed, numRuns: 1_000 },
  );
});

test("the in-memory switch takes every generated flow", () => {
  const device = new MemorySwitch();
  device.addGroup(1);
  device.addGroup(2);
  device.addMeter(3);
  fc.assert(
    fc.property(flow, instructions, (one, other) => {
      device.tamper.add(one);
      expect(device.get(one)?.flow.equals(one)).toBe(true);
      device.tamper.modify(one.with({ table: 0, instructions: other }));
    }),
    { seed, numRuns: 1_000 },
  );
});

test("few flows and owners collide, many owners do not", () => {
  const keys = fc.sample(fewFlows, { numRuns: 200, seed }).map((one) => `${one.table} ${toHex(one.match.bytes)}`);
  expect(new Set(keys).size).toBeLessThanOrEqual(12);
  expect(new Set(fc.sample(fewOwners, { numRuns: 200, seed })).size).toBeLessThanOrEqual(6);
  expect(new Set(fc.sample(owner, { numRuns: 200, seed })).size).toBeGreaterThan(190);
  expect(new Set(fc.sample(operation, { numRuns: 200, seed }).map((one) => one.kind)).size).toBe(6);
});
