import { describe, expect, it } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { InstalledFlowTable } from "../../src/table/installed-table.ts";
import { ownerFor } from "../../src/table/owner-id.ts";
import { naiveKey } from "../../src/testing/naive-table.ts";
import { announceSeeds, runs, seeds } from "../seed.ts";
import { ALL_APPLIED, flowOf, output, put } from "./flows.ts";

const U = ownerFor("u");
const KEYS = 24;

function numbers(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function flow(key: number, port: number): Flow {
  return flowOf(key, output(port), { table: key % 3 });
}

/** What is known, as a map from key to flow or "unknown"; keys that are absent are not in it. */
class Model {
  readonly known = new Map<string, Flow | "unknown">();
  /** While a reading is open: keys of which something newer is known. */
  newer: Set<string> | undefined;

  set(key: string, state: Flow | "unknown" | undefined): void {
    this.newer?.add(key);
    if (state === undefined) this.known.delete(key);
    else this.known.set(key, state);
  }

  forget(): void {
    for (const key of [...this.known.keys()]) this.set(key, "unknown");
  }

  commit(observed: ReadonlyMap<string, Flow>): void {
    const { newer } = this;
    this.newer = undefined;
    for (const key of [...this.known.keys()]) if (newer?.has(key) !== true && !observed.has(key)) this.known.delete(key);
    for (const [key, seen] of observed) if (newer?.has(key) !== true) this.known.set(key, seen);
  }
}

function compare(table: DesiredFlowTable, model: Model): void {
  table.validate();
  const { installed } = table;
  let present = 0;
  for (let key = 0; key < KEYS; key++) {
    const expected = model.known.get(naiveKey(flow(key, 1)));
    const seen = installed.state(flow(key, 1));
    if (expected === undefined || expected === "unknown") expect(seen.state).toBe(expected ?? "absent");
    else {
      present++;
      expect(seen.state === "present" && seen.flow.equals(expected)).toBe(true);
    }
  }
  expect(installed.size).toBe(present);
  expect([...installed.unknownKeys()]).toHaveLength(model.known.size - present);
  const copy = new InstalledFlowTable();
  for (const one of installed) copy.set(one);
  for (const one of installed.unknownKeys()) copy.setUnknown(one);
  const lines = (of: InstalledFlowTable): string[] =>
    [...diffTables(table, of)].map((mod) => `${mod.command} ${naiveKey(mod.flow)}`).sort();
  expect(lines(installed)).toEqual(lines(copy));
}

describe("what is known of the switch", () => {
  announceSeeds();
  it.each(seeds)("is the same however it was learnt, forgotten, read back in parts, and used meanwhile (seed %i)", (seed) => {
    const next = numbers(seed);
    for (let run = 0; run < runs(150); run++) {
      const table = new DesiredFlowTable();
      const model = new Model();
      /** In the middle of a commit it depends on how far it is what is absent and what is forgotten. */
      const change = (inCommit = false): void => {
        const key = next(KEYS);
        const text = naiveKey(flow(key, 1));
        const port = 1 + next(2);
        const what = next(9);
        if (what < 3) table.setFlow(U, flow(key, port));
        else if (what < 4) table.removeFlow(U, flow(key, port));
        else if (what < 6) {
          table.installed.set(flow(key, port));
          model.set(text, flow(key, port));
        } else if (what === 6 && !inCommit && model.known.has(text)) {
          table.installed.setAbsent(flow(key, port));
          model.set(text, undefined);
        } else if (what === 7) {
          table.installed.setUnknown(flow(key, port));
          model.set(text, "unknown");
        } else if (next(3) === 0 && !inCommit) {
          table.installed.markAllUnknown();
          model.forget();
        } else {
          const round = table.startRound();
          for (let batch = round?.next({ maxFlowMods: 3 }); batch !== undefined; batch = round?.next({ maxFlowMods: 3 })) {
            for (const mod of batch) model.set(naiveKey(mod.flow), mod.command === "delete" ? undefined : mod.flow);
            round?.settle(batch, ALL_APPLIED);
          }
        }
      };
      for (let step = 0; step < 30; step++) {
        change();
        compare(table, model);
        if (next(6) > 0) continue;
        const reading = table.installed.beginReadBack();
        model.newer = new Set();
        const observed = new Map<string, Flow>();
        for (let i = next(30); i > 0; i--) {
          const seen = flow(next(KEYS), 1 + next(2));
          reading.observe(seen);
          observed.set(naiveKey(seen), seen);
          if (next(4) === 0) change();
        }
        if (next(5) === 0) {
          reading.abort();
          model.newer = undefined;
        } else {
          let changes = 0;
          while (!reading.commitSome(1 + next(20), () => changes++)) if (next(3) === 0) change(true);
          model.commit(observed);
        }
        compare(table, model);
      }
    }
  });

  it("is forgotten in no time, and told to all keys by the next round", () => {
    const table = new DesiredFlowTable();
    for (let key = 0; key < 40_000; key++) table.addFlow(U, flow(key, 1));
    put(table);
    for (let time = 0; time < 20; time++) {
      table.installed.markAllUnknown();
      expect(table.installed.size).toBe(0);
      expect(table.pendingKeys).toBeGreaterThanOrEqual(40_000);
      expect(table.explain(flow(7, 1))).toMatchObject({ progress: "pending", installed: { state: "unknown" } });
      // Something is learnt again, so that forgetting means something.
      table.installed.set(flow(time, 1));
      expect(table.installed.size).toBe(1);
    }
    table.installed.markAllUnknown();
    table.validate();
    const sent = put(table);
    expect(sent).toHaveLength(40_000);
    expect(sent.map((mod) => mod.flow.table)).toEqual(sent.map((mod) => mod.flow.table).sort((a, b) => b - a));
    expect(table.startRound()).toBeUndefined();
    table.validate();
  });

  it("ends a commit that is given up in the middle without leaving a mark", () => {
    const table = new DesiredFlowTable();
    for (let key = 0; key < 100; key++) table.installed.set(flow(key, 1));
    const reading = table.installed.beginReadBack();
    for (let key = 0; key < 100; key++) reading.observe(flow(key, 2));
    expect(reading.commitSome(50)).toBe(false);
    expect(() => reading.observe(flow(1, 1))).toThrow(expect.objectContaining({ code: "READ_BACK_CLOSED" }));
    reading.abort();
    expect(() => reading.commitSome(1)).toThrow(expect.objectContaining({ code: "READ_BACK_CLOSED" }));
    expect(table.installed.size).toBe(100);
    table.installed.clear();
    put(table);
    expect(table.validate()).toMatchObject({ keys: 0, values: 0, pins: 0 });
    table.installed.beginReadBack().abort();
  });
});
