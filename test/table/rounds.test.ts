import { describe, expect, it } from "vitest";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { FlowList } from "../../src/table/flow-list.ts";
import type { FlowModBatch } from "../../src/table/flow-mod.ts";
import type { FlowModRound } from "../../src/table/flow-mod-round.ts";
import { ownerFor } from "../../src/table/owner-id.ts";
import { ALL_APPLIED, flowOf, output, put } from "./flows.ts";

const U = ownerFor("u");
const owner = Int32Array.of(1, 2, 3, 4);
const BATCH = { maxFlowMods: 500 };

/** Flows of all tables in turn, `count` of them from key `from` on. */
function manyFlows(from: number, count: number, port = 1): FlowList {
  const list = new FlowList(count);
  for (let i = from; i < from + count; i++) list.append(flowOf(i, output(port), { table: (i * 7) % 250 }));
  return list;
}

function setAll(table: DesiredFlowTable, list: FlowList): void {
  for (let i = 0; i < list.length; i++) table.setPacked(owner, 0, list, i);
}

/** Rank of each flow-mod in the order that makes before it breaks. */
function ranks(batches: readonly FlowModBatch[]): number[] {
  return batches
    .flatMap((batch) => [...batch])
    .map(({ command, flow }) => (command === "delete" ? 1000 + flow.table : 255 - flow.table));
}

function drain(round: FlowModRound | undefined): { batches: FlowModBatch[]; empty: number } {
  const batches: FlowModBatch[] = [];
  let empty = 0;
  for (let batch = round?.next(BATCH); batch !== undefined; batch = round?.next(BATCH)) {
    if (batch.length === 0) empty++;
    else batches.push(batch);
    round?.settle(batch, ALL_APPLIED);
  }
  return { batches, empty };
}

describe("a round over very many changes", () => {
  it("keeps the order over all of its batches, and counts the same whether it is asked or not", () => {
    const table = new DesiredFlowTable();
    setAll(table, manyFlows(0, 30_000));
    put(table);
    table.removePacked(owner, 0);
    setAll(table, manyFlows(20_000, 30_000, 2));
    const round = table.startRound();
    const size = round?.size;
    const { batches } = drain(round);
    const order = ranks(batches);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).toHaveLength(50_000);
    expect(size).toBe(50_000);
    expect(round?.size).toBe(50_000);
    expect(table.startRound()).toBeUndefined();
    expect(table.pendingKeys).toBe(0);
    table.validate();
  });

  it("gives empty batches rather than compare too much at once, and ends", () => {
    const table = new DesiredFlowTable();
    setAll(table, manyFlows(0, 60_000));
    put(table);
    // All there and back, and one that is left in the table that comes last.
    setAll(table, manyFlows(0, 60_000, 2));
    setAll(table, manyFlows(0, 60_000, 1));
    table.addFlow(U, flowOf(1_000_000, output(1), { table: 0 }));
    const round = table.startRound();
    const { batches, empty } = drain(round);
    expect(empty).toBeGreaterThan(0);
    expect(batches.map(({ length }) => length)).toEqual([1]);
    expect(table.startRound()).toBeUndefined();
    table.validate();
  });

  it("deletes whatever number of flows, the first tables first", () => {
    const table = new DesiredFlowTable();
    setAll(table, manyFlows(0, 40_000));
    put(table);
    table.removePacked(owner, 0);
    const { batches } = drain(table.startRound());
    const order = ranks(batches);
    expect(order).toHaveLength(40_000);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(table.validate()).toMatchObject({ keys: 0, values: 0, pins: 0 });
  });

  it("that is cancelled leaves the rest to the next one, in order, again and again", () => {
    const table = new DesiredFlowTable();
    setAll(table, manyFlows(0, 30_000));
    put(table);
    table.removePacked(owner, 0);
    setAll(table, manyFlows(15_000, 30_000, 2));
    const sent = new Set<string>();
    for (let cancels = 0; cancels < 4; cancels++) {
      const round = table.startRound(cancels % 2 === 0 ? {} : { order: "deletesFirst" });
      if (cancels > 1) expect(round?.size).toBeGreaterThan(20_000);
      for (let i = 0; i < 3; i++) {
        const batch = round?.next(BATCH);
        if (batch === undefined) throw new Error("the round ended early");
        for (const { flow } of batch) sent.add(`${flow.table} ${flow.match.bytes.join()}`);
        round?.settle(batch, ALL_APPLIED);
      }
      round?.cancel();
      table.validate();
      setAll(table, manyFlows(50_000 + 100 * cancels, 100));
      table.validate();
    }
    const { batches } = drain(table.startRound());
    const order = ranks(batches);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    for (const { flow } of batches.flatMap((batch) => [...batch])) sent.add(`${flow.table} ${flow.match.bytes.join()}`);
    expect(sent.size).toBe(45_000 + 400);
    expect(table.startRound()).toBeUndefined();
    table.validate();
  });

  it("does not keep what came and went before it", () => {
    const table = new DesiredFlowTable();
    const list = manyFlows(0, 20_000);
    const peak = (): number => {
      for (let i = 0; i < list.length; i += 1000) {
        for (let k = i; k < i + 1000; k++) table.setPacked(owner, 0, list, k);
        table.removePacked(owner, 0);
      }
      return table.memory().allocatedBytes;
    };
    const first = peak();
    for (let i = 0; i < 10; i++) expect(peak()).toBeLessThanOrEqual(2 * first);
    expect(table.pendingKeys).toBeLessThan(10_000);
    expect(table.startRound()).toBeUndefined();
    expect(table.validate()).toMatchObject({ keys: 0, values: 0, pins: 0 });
  });

  it("a batch stays readable when it is settled, and one of another round is not settled twice", () => {
    const table = new DesiredFlowTable();
    setAll(table, manyFlows(0, 10));
    const round = table.startRound();
    const batch = round?.next({ maxFlowMods: 100 });
    if (round === undefined || batch === undefined) throw new Error("nothing to send");
    expect(batch.counts).toEqual({ add: 10, modify: 0, delete: 0 });
    const before = [...batch].map(String);
    round.settle(batch, ALL_APPLIED);
    round.settle(batch, { fate: "unknown", refused: new Map(), unknown: new Set() });
    table.removePacked(owner, 0);
    put(table);
    expect([...batch].map(String)).toEqual(before);
    expect(() => batch.at(10)).toThrow(RangeError);
    expect(table.installed.size).toBe(0);
  });
});
