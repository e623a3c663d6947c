import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import type { FlowModBatch } from "../../src/diff/flow-mod.ts";
import { OfsyncError } from "../../src/errors.ts";
import type { Instructions } from "../../src/flow/instructions.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { FlowList } from "../../src/table/flow-list.ts";
import { BAIL } from "../../src/table/packed-core-host.ts";
import { coreCode, TABLE_CORE, targetOf } from "../core-compiler/core-code.ts";
import { runs, seeds } from "../seed.ts";
import { apply, describeMod, flowOf, output, put, startCode } from "./flows.ts";

const HOST = (
  globalThis as unknown as { WebAssembly: { Memory: new (descriptor: object) => object; Module: unknown; Instance: unknown } }
).WebAssembly;
const HOST_PARTS = { Memory: HOST.Memory, Module: HOST.Module, Instance: HOST.Instance };

const OWNERS = 60;
const KEYS = 400;
const uuids = Int32Array.from({ length: 4 * OWNERS }, (_, i) => Math.imul(i + 1, 0x9e37_79b1));

/** Two ways to set a register, which mean the same. */
const FORMS = [apply("ffff0018 00002320 0007 001f 00010004 00000000 00000005"), apply("00190010 00010004 00000005 00000000")];

/** The same keys with several values: some are wide, some have instructions of several forms. */
const flows: FlowList = (() => {
  const list = new FlowList();
  for (let value = 0; value < 4; value++) {
    for (let key = 0; key < KEYS; key++) {
      const flow = flowOf(key, value === 2 ? (FORMS[key & 1] as Instructions) : output(value * (1 + (key % 3))));
      list.append(flow.with(value === 3 ? { idleTimeout: 7, cookie: 1n << 40n } : { cookie: key >> 1 }));
      // The same in another form.
      if (value === 2) list.append(flow.with({ cookie: key >> 1, instructions: FORMS[1 - (key & 1)] as Instructions }));
    }
  }
  return list;
})();

type Step =
  | { readonly type: "add" | "set"; readonly owner: number; readonly flow: number }
  | { readonly type: "replace"; readonly owner: number; readonly from: number; readonly count: number }
  | { readonly type: "remove"; readonly owner: number }
  | { readonly type: "set runs"; readonly from: number; readonly counts: readonly number[] }
  | { readonly type: "remove runs"; readonly from: number; readonly to: number }
  | { readonly type: "send" | "compare" | "churn" };

// Few, so that they meet; in "churn" there are many.
const arbOwner = fc.nat(3);
const arbFlow = fc.oneof(
  fc.nat(9),
  fc.nat(flows.length - 1),
  fc.nat({ max: 4 }).chain((i) => fc.nat(9).map((k) => i * KEYS + k)),
);
const arbStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom("add" as const, "set" as const), owner: arbOwner, flow: arbFlow }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("replace" as const),
      owner: arbOwner,
      from: arbFlow,
      count: fc.integer({ min: 0, max: 12 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("remove" as const), owner: arbOwner }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("set runs" as const),
      from: fc.nat(20),
      counts: fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(4) }, fc.nat(300)), { maxLength: OWNERS - 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("remove runs" as const), from: fc.nat(OWNERS), to: fc.nat(OWNERS) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom("send" as const, "compare" as const, "churn" as const) }) },
);

interface Kept {
  readonly batch: FlowModBatch;
  readonly text: readonly string[];
}

function textOf(batch: FlowModBatch): string[] {
  return Array.from({ length: batch.length }, (_, i) => describeMod(batch.at(i))).sort();
}

function settle(table: DesiredFlowTable): void {
  const round = table.startRound();
  const batch = round?.next({ maxFlowMods: 1e6 });
  if (round === undefined) return;
  if (batch !== undefined) round.settle(batch, { fate: "applied", refused: new Map(), unknown: new Set() });
  round.next({ maxFlowMods: 1 });
}

/** What a step says. Comparisons are kept, so that the table has lent its blocks when the next step changes it. */
function run(table: DesiredFlowTable, step: Step, kept: Kept[]): unknown {
  switch (step.type) {
    case "add":
      return table.addPacked(uuids, 4 * step.owner, flows, step.flow);
    case "set":
      return table.setPacked(uuids, 4 * step.owner, flows, step.flow);
    case "replace":
      return table.replacePacked(uuids, 4 * step.owner, flows, step.from, Math.min(flows.length, step.from + step.count));
    case "remove":
      return table.removePacked(uuids, 4 * step.owner);
    case "set runs": {
      const first = Int32Array.from({ length: step.counts.length + 3 }, () => step.from);
      for (const [i, count] of step.counts.entries()) first[i + 3] = Math.min(flows.length, (first[i + 2] as number) + count);
      return table.setPackedRuns(uuids, first, 2, first.length - 1, flows);
    }
    case "remove runs":
      return table.removePackedRuns(uuids, step.from, step.to);
    case "send":
      settle(table);
      return table.installed.size;
    case "compare": {
      const batch = diffTables(table, table.installed);
      const text = textOf(batch);
      kept.push({ batch, text });
      return text;
    }
    case "churn":
      // Many keys of one owner come and go: segments are split, lists of free blocks fill.
      for (let i = 0; i < KEYS; i++) table.setPacked(uuids, 0, flows, KEYS + i);
      settle(table);
      return table.removePacked(uuids, 0);
  }
}

function contents(table: DesiredFlowTable): string[] {
  return [...table].map(
    ([owner, flow]) =>
      `${owner} ${flow.table} ${flow.priority} ${flow.match.bytes} ${flow.cookie} ${flow.idleTimeout} ${flow.instructions.bytes}`,
  );
}

describe("the code of large tables", () => {
  it("is what its source says", () => {
    expect(readFileSync(targetOf(TABLE_CORE), "utf8")).toBe(coreCode(TABLE_CORE));
  });

  for (const seed of seeds) {
    it(`does what the classes do (seed ${seed})`, () => {
      fc.assert(
        fc.property(fc.array(arbStep, { minLength: 1, maxLength: 60 }), (steps) => {
          const [fast, slow] = [new DesiredFlowTable(), new DesiredFlowTable()];
          startCode(fast);
          for (const name of ["put", "putRuns", "remove", "removeMany", "ownerOf", "change"] as const) {
            vi.spyOn(DesiredFlowTable.storeOf(slow).core, name).mockReturnValue(BAIL);
          }
          const kept: Kept[] = [];
          for (const step of steps) expect(run(fast, step, kept), JSON.stringify(step)).toEqual(run(slow, step, kept));
          for (const { batch, text } of kept) expect(textOf(batch)).toEqual(text);
          fast.validate();
          slow.validate();
          expect(contents(fast)).toEqual(contents(slow));
          expect([fast.size, fast.keyCount, fast.ownerCount, fast.revision, fast.pendingKeys]).toEqual([
            slow.size,
            slow.keyCount,
            slow.ownerCount,
            slow.revision,
            slow.pendingKeys,
          ]);
          settle(fast);
          fast.validate();
          expect(diffTables(fast, fast.installed)).toHaveLength(0);
        }),
        { seed, numRuns: runs(60) },
      );
    });
  }

  it("does most of the work itself", () => {
    const table = new DesiredFlowTable();
    startCode(table);
    const { core } = DesiredFlowTable.storeOf(table);
    const results: number[] = [];
    const put = vi.spyOn(core, "put");
    for (let i = 0; i < KEYS; i++) table.setPacked(uuids, 4 * (i >> 3), flows, i);
    for (const { value } of put.mock.results) results.push(value as number);
    expect(results.filter((result) => result >= 0).length).toBeGreaterThan(0.95 * KEYS);
    settle(table);
    const remove = vi.spyOn(core, "remove");
    for (let owner = 0; owner < KEYS >> 3; owner++) table.removePacked(uuids, 4 * owner);
    expect(remove.mock.results.every(({ value }) => (value as number) >= 0)).toBe(true);
    table.validate();
  });

  it("has its memory counted, so that tables are collected for its sake", () => {
    const table = new DesiredFlowTable();
    const before = process.memoryUsage().external;
    for (let words = 1 << 15; words <= 1 << 24; words *= 2) DesiredFlowTable.storeOf(table).arena.ensure(words);
    const bytes = table.memory().allocatedBytes;
    expect(bytes).toBeGreaterThan(4 << 24);
    expect(process.memoryUsage().external - before).toBeGreaterThan(bytes / 2);
  });

  it("replaces values where they are", () => {
    const table = new DesiredFlowTable();
    startCode(table);
    const change = vi.spyOn(DesiredFlowTable.storeOf(table).core, "change");
    table.replacePacked(uuids, 0, flows, 0, 10);
    settle(table);
    expect(table.replacePacked(uuids, 0, flows, KEYS, KEYS + 10)).toBe(10);
    expect(change.mock.results.filter(({ value }) => value !== BAIL)).toHaveLength(10);
    table.validate();
    for (let i = KEYS; i < KEYS + 10; i++) expect(table.winner(flows.at(i))?.equals(flows.at(i))).toBe(true);
    expect(diffTables(table, table.installed)).toHaveLength(10);
    expect(table.replacePacked(uuids, 0, flows, KEYS, KEYS + 10)).toBe(0);
  });

  it("sets and removes many owners' flows at once, all or none", () => {
    const table = new DesiredFlowTable({ maxBytes: 100_000 });
    const all = Int32Array.from({ length: OWNERS + 1 }, (_, i) => i * 10);
    expect(table.setPackedRuns(uuids, all, 3, 9, flows)).toBe(60);
    expect([table.size, table.ownerCount, table.revision]).toEqual([60, 6, 1]);
    expect(table.setPackedRuns(uuids, all, 3, 9, flows)).toBe(0);
    expect(table.revision).toBe(1);
    expect(() => table.setPackedRuns(uuids, all, 0, OWNERS, flows)).toThrow(expect.objectContaining({ code: "CAPACITY" }));
    table.validate();
    expect([table.size, table.ownerCount, table.revision]).toEqual([60, 6, 1]);
    const owners = table.owners();
    expect(table.removeOwners(owners.slice(0, 4))).toBe(40);
    expect([table.size, table.ownerCount, table.revision]).toEqual([20, 2, 2]);
    expect(() => table.removeOwners([owners[4] as string, "nobody"])).toThrow(expect.objectContaining({ code: "OWNER_INVALID" }));
    expect(table.removeOwners([])).toBe(0);
    expect([table.size, table.revision]).toEqual([20, 2]);
    table.transaction(() => {
      expect(table.removePackedRuns(uuids, 0, OWNERS)).toBe(20);
      expect(table.setPackedRuns(uuids, all, 0, 2, flows)).toBe(20);
    });
    expect([table.size, table.revision]).toEqual([20, 3]);
    table.validate();
  });

  it("leaves a batch as it was when a value that it borrowed goes", () => {
    const table = new DesiredFlowTable();
    startCode(table);
    table.setPacked(uuids, 0, flows, 0);
    const batch = diffTables(table, table.installed);
    const text = textOf(batch);
    expect(table.setPacked(uuids, 0, flows, KEYS)).toBe("replaced");
    expect(textOf(batch)).toEqual(text);
    table.validate();
  });

  it("knows that other bytes may mean the same, also when they replace plain ones", () => {
    const table = new DesiredFlowTable();
    startCode(table);
    const list = FlowList.of([output(1), ...FORMS, output(1)].map((instructions) => flowOf(1, instructions)));
    const sent: number[] = [];
    for (let i = 0; i < list.length; i++) {
      table.setPacked(uuids, 0, list, i);
      sent.push(diffTables(table, table.installed).length);
      settle(table);
      table.validate();
    }
    expect(sent).toEqual([1, 1, 0, 1]);
    table.removePacked(uuids, 0);
    settle(table);
    table.validate();
  });

  it("knows it too when the other form is what the switch has", () => {
    const table = new DesiredFlowTable();
    startCode(table);
    const list = FlowList.of([output(1), ...FORMS].map((instructions) => flowOf(1, instructions)));
    table.setPacked(uuids, 0, list, 0);
    const read = table.installed.beginReadBack();
    read.observe(list.at(1));
    read.commit();
    expect(table.setPacked(uuids, 0, list, 2)).toBe("replaced");
    expect(put(table)).toEqual([]);
  });

  it("is left alone when there is no memory for what it needs: a removal succeeds", () => {
    const table = new DesiredFlowTable();
    table.setPacked(uuids, 0, flows, 0);
    startCode(table);
    const { arena } = DesiredFlowTable.storeOf(table);
    const ensure = vi.spyOn(arena, "ensure").mockImplementation(() => {
      throw new OfsyncError("CAPACITY", "no memory left");
    });
    expect(table.removePacked(uuids, 0)).toBe(1);
    expect(ensure).toHaveBeenCalled();
    ensure.mockRestore();
    table.validate();
  });

  describe("where the host has none", () => {
    afterEach(() => vi.unstubAllGlobals());

    it.each([
      ["no WebAssembly at all", undefined],
      ["a policy that forbids code", { ...HOST_PARTS, Module: refuse, Instance: refuse }],
      ["no shared memory", { ...HOST_PARTS, Memory: ordinaryMemory }],
      ["no address space", { ...HOST_PARTS, Memory: refuse }],
    ])("works all the same: %s", async (_name, host) => {
      vi.resetModules();
      vi.stubGlobal("WebAssembly", host);
      const fresh = await import("../../src/table/desired-table.ts");
      const lists = await import("../../src/table/flow-list.ts");
      const table = new fresh.DesiredFlowTable();
      const list = new lists.FlowList();
      for (let i = 0; i < 5000; i++) list.append(flowOf(i, output(i & 7)));
      for (let i = 0; i < list.length; i++) table.setPacked(uuids, 4 * (i % OWNERS), list, i);
      table.validate();
      expect(table.size).toBe(5000);
      for (let owner = 0; owner < OWNERS; owner++) table.removePacked(uuids, 4 * owner);
      expect(table.size).toBe(0);
      table.validate();
    });
  });
});

function refuse(): never {
  throw new EvalError("refused");
}

function ordinaryMemory(descriptor: { readonly initial: number; readonly maximum: number; readonly shared: boolean }): object {
  if (descriptor.shared) throw new TypeError("no shared memory");
  return new HOST.Memory({ ...descriptor, shared: false });
}
