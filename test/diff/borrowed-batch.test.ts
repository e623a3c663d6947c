import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import { createFlowModView, type FlowModBatch } from "../../src/diff/flow-mod.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { ownerFor } from "../../src/table/owner-id.ts";
import { describeMod, drop, flowOf, output, put } from "../table/flows.ts";

const U = ownerFor("u");
const V = ownerFor("v");

function asObjects(batch: FlowModBatch): string[] {
  return [...batch].map(describeMod);
}

/** What an encoder sees. */
function asBytes(batch: FlowModBatch): string[] {
  const view = createFlowModView();
  return Array.from({ length: batch.length }, (_, index) => {
    batch.read(index, view);
    const { matchBuffer, matchStart, matchLength, instructionsBuffer, instructionsStart, instructionsLength, ...numbers } = view;
    const match = matchBuffer.slice(matchStart, matchStart + matchLength);
    const instructions = instructionsBuffer.slice(instructionsStart, instructionsStart + instructionsLength);
    return JSON.stringify([numbers, [...match], [...instructions]]);
  });
}

/** A change of the table: which key, who, and what (0 = take it away). */
const changes = fc.array(fc.tuple(fc.nat(20), fc.boolean(), fc.nat(4), fc.boolean()), { maxLength: 60 });

function apply(table: DesiredFlowTable, steps: readonly (readonly [number, boolean, number, boolean])[]): void {
  for (const [key, first, port, wide] of steps) {
    const flow = flowOf(key, port === 1 ? drop : output(port), wide ? { cookie: 2n ** 40n + 7n, idleTimeout: port } : {});
    if (port === 0) table.removeFlow(first ? U : V, flow);
    else table.setFlow(first ? U : V, flow);
  }
}

describe("a batch of a table's own comparison", () => {
  it("stays what it was, whatever becomes of the table", () => {
    fc.assert(
      fc.property(changes, changes, changes, (installed, wanted, later) => {
        const table = new DesiredFlowTable();
        apply(table, installed);
        put(table);
        apply(table, wanted);
        const batch = diffTables(table, table.installed);
        const same = diffTables(table, table.installed);
        const objects = asObjects(batch);
        const bytes = asBytes(batch);
        apply(table, later);
        put(table);
        expect(asObjects(batch)).toEqual(objects);
        expect(asBytes(batch)).toEqual(bytes);
        table.clear();
        put(table);
        // New flows lie where the old ones lay.
        apply(table, wanted);
        expect(asObjects(same)).toEqual(objects);
        expect(asBytes(same)).toEqual(bytes);
        expect(same.counts).toEqual(batch.counts);
      }),
      { seed: 20261121, numRuns: 300 },
    );
  });

  it("outlives the memory of a table that grows", () => {
    const table = new DesiredFlowTable();
    for (let key = 0; key < 100; key++) table.addFlow(U, flowOf(key, output(key)));
    const batch = diffTables(table, table.installed);
    const objects = asObjects(batch);
    const bytes = asBytes(batch);
    for (let key = 100; key < 40_000; key++) table.addFlow(V, flowOf(key, output(key)));
    expect(asObjects(batch)).toEqual(objects);
    expect(asBytes(batch)).toEqual(bytes);
  });

  it("is copied bit by bit while the table changes, and what it read meanwhile is given back", () => {
    const table = new DesiredFlowTable();
    for (let key = 0; key < 5000; key++) table.addFlow(U, flowOf(key, output(key)));
    put(table);
    for (let key = 0; key < 5000; key++) table.setFlow(U, flowOf(key, output(key + 1)));
    const batch = diffTables(table, table.installed);
    const bytes = asBytes(batch);
    const { arena } = DesiredFlowTable.storeOf(table);
    let most = 0;
    for (let key = 4999; key >= 0; key--) {
      table.setFlow(U, flowOf(key, output(key + 7)));
      most = Math.max(most, arena.lentBlocks);
      if (key % 50 > 0 || key < 4500) continue;
      expect(asBytes(batch)).toEqual(bytes);
      table.validate();
    }
    expect(most).toBe(Math.floor(5000 / 32));
    expect(arena.lentBlocks).toBe(0);
    expect(asBytes(batch)).toEqual(bytes);
    expect(asObjects(batch)).toHaveLength(5000);
  });

  it("is copied at once when the table needs the memory", () => {
    const table = new DesiredFlowTable({ maxBytes: 400_000 });
    for (let key = 0; key < 2000; key++) table.addFlow(U, flowOf(key, output(key)));
    const batch = diffTables(table, table.installed);
    const bytes = asBytes(batch);
    for (let key = 0; key < 10; key++) table.setFlow(U, flowOf(key, output(key + 1)));
    const { arena } = DesiredFlowTable.storeOf(table);
    expect(arena.lentBlocks).toBeGreaterThan(0);
    expect(() => {
      for (let key = 2000; ; key++) table.addFlow(U, flowOf(key, output(key)));
    }).toThrow(expect.objectContaining({ code: "CAPACITY" }));
    expect(arena.lentBlocks).toBe(0);
    expect(asBytes(batch)).toEqual(bytes);
    table.validate();
  });

  it("says so when an index is outside", () => {
    const table = new DesiredFlowTable();
    table.addFlow(U, flowOf(1, output(1)));
    const batch = diffTables(table, table.installed);
    for (const index of [-1, 1, 0.5]) {
      expect(() => batch.at(index)).toThrow(RangeError);
      expect(() => batch.read(index, createFlowModView())).toThrow(RangeError);
    }
  });
});
