import { describe, expect, it, vi } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { ownerFor } from "../../src/table/owner-id.ts";
import { ovnClasses } from "../../src/table/policy.ts";
import { ValueStore } from "../../src/table/value-store.ts";
import { NaiveTable, naiveKey } from "../../src/testing/naive-table.ts";
import { ALL_APPLIED, conjunction, drop, flowOf, numbers, output, put } from "./flows.ts";

const owners = Array.from({ length: 60 }, (_, i) => ownerFor(`owner ${i}`));
const KEY = flowOf(1, output(1));

describe("conjunctions of many owners", () => {
  it("are merged when somebody asks, and then as if they had been all along", () => {
    for (let run = 0; run < 60; run++) {
      const next = numbers(run * 7919 + 1);
      const table = new DesiredFlowTable({ policy: ovnClasses });
      const naive = new NaiveTable(ovnClasses);
      const cursor = run % 3 === 0 ? table.changes() : undefined;
      for (let step = 0; step < 60; step++) {
        const owner = owners[next(12)] as string;
        const instructions = [conjunction(next(9)), conjunction(next(9), next(9)), drop, output(1)][
          next(20) < 17 ? next(2) : 2 + next(2)
        ];
        const flow = flowOf(next(2), instructions ?? drop, { cookie: next(3) });
        const what = next(10);
        if (what < 6) {
          table.setFlow(owner, flow);
          naive.setFlow(owner, flow);
        } else if (what < 9) {
          table.removeFlow(owner, flow);
          naive.removeFlow(owner, flow);
        } else {
          expect(() =>
            table.transaction(() => {
              table.setFlow(owner, flow);
              table.removeFlows(owners[next(12)] as string);
              throw new Error("on purpose");
            }),
          ).toThrow("on purpose");
        }
        table.validate();
        if (next(8) > 0) continue;
        const which = next(4);
        if (which === 0) put(table);
        else if (which === 1) expect(diffTables(table, table.installed).length).toBeLessThanOrEqual(2);
        else if (which === 2) cursor?.take();
        table.validate();
      }
      for (const key of [0, 1]) {
        const expected = naive.winner(naiveKey(flowOf(key, drop)));
        const seen = table.winner(flowOf(key, drop));
        expect(seen === undefined ? seen : String([...seen.instructions.bytes, seen.cookie])).toEqual(
          expected === undefined ? expected : String([...expected.instructions.bytes, expected.cookie]),
        );
      }
      put(table);
      cursor?.close();
      for (const { flow } of diffTables(table, table.installed)) throw new Error(`not in step: ${naiveKey(flow)}`);
      table.clear();
      put(table);
      expect(table.validate()).toMatchObject({ keys: 0, values: 0, pins: 0 });
    }
  });

  it("that fit no flow-mod together are refused at once, and the table stays as it was", () => {
    const table = new DesiredFlowTable({ policy: ovnClasses });
    // 40 owners with 100 conjunctions each would need 64 kB of actions; each of them is 16 bytes.
    const clauses = (owner: number): number[] => Array.from({ length: 100 }, (_, i) => 100 * owner + i);
    let accepted = 0;
    let refusal: unknown;
    for (const [i, owner] of owners.entries()) {
      try {
        table.addFlow(owner, flowOf(1, conjunction(...clauses(i))));
        accepted++;
      } catch (error) {
        refusal ??= error;
      }
    }
    expect(refusal).toMatchObject({ code: "FLOW_TOO_LARGE" });
    expect(accepted).toBe(40);
    expect(table.size).toBe(40);
    table.validate();
    expect(table.winner(KEY)?.instructions.bytes.length).toBe(8 + 16 * 4000);
    // The same clauses again need no room.
    expect(table.addFlow(ownerFor("another"), flowOf(1, conjunction(...clauses(3))))).toBe("added");
    expect(table.winner(KEY)?.instructions.bytes.length).toBe(8 + 16 * 4000);
    table.validate();
  });

  it("that there is no memory to merge say so when asked, and lose nothing", () => {
    const table = new DesiredFlowTable({ policy: ovnClasses, maxBytes: 160_000 });
    for (let i = 0; i < 40; i++) table.addFlow(owners[i] as string, flowOf(1, conjunction(i, 100 + i)));
    table.addFlow(ownerFor("other"), flowOf(2, output(1)));
    // Something that leaves room for the merge when it goes.
    table.addFlow(ownerFor("filler"), flowOf(3, conjunction(...Array.from({ length: 200 }, (_, i) => i))));
    let filled = 0;
    try {
      for (; ; filled++) table.addFlow(ownerFor("filler"), flowOf(100 + filled, output(filled)));
    } catch (error) {
      expect(error).toMatchObject({ code: "CAPACITY" });
    }
    expect(() => table.winner(KEY)).toThrow(expect.objectContaining({ code: "CAPACITY" }));
    expect(() => table.startRound()?.size).toThrow(expect.objectContaining({ code: "CAPACITY" }));
    table.validate();
    table.removeFlows(ownerFor("filler"));
    const round = table.startRound();
    let sent = 0;
    for (let batch = round?.next({ maxFlowMods: 10 }); batch !== undefined; batch = round?.next({ maxFlowMods: 10 })) {
      sent += batch.length;
      round?.settle(batch, ALL_APPLIED);
    }
    expect(sent).toBe(2);
    table.validate();
  });

  it("cost no merge each", () => {
    const table = new DesiredFlowTable({ policy: ovnClasses });
    const merges = vi.spyOn(ValueStore.prototype, "mergedConjunctions");
    try {
      for (let i = 0; i < 4000; i++) table.addFlow(ownerFor(`many ${i}`), flowOf(1, conjunction(i)));
      // A few to know whether all of them together still fit a flow-mod.
      expect(merges.mock.calls.length).toBeLessThan(20);
      expect(table.winner(KEY)?.instructions.bytes.length).toBe(8 + 16 * 4000);
      expect(merges).toHaveBeenCalled();
    } finally {
      merges.mockRestore();
    }
  });
});
