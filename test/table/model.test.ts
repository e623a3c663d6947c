import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import type { FlowMod, FlowModBatch } from "../../src/diff/flow-mod.ts";
import { Flow } from "../../src/flow/flow.ts";
import { Match } from "../../src/flow/match.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import type { FlowModRound } from "../../src/table/flow-mod-round.ts";
import { InstalledFlowTable } from "../../src/table/installed-table.ts";
import { lowestUuid, ovnClasses, type WinnerPolicy } from "../../src/table/policy.ts";
import { NaiveTable, naiveKey, naiveOrder } from "../../src/testing/naive-table.ts";
import { announceSeeds, runs, seeds } from "../seed.ts";
import { apply, conjunction, describeMod, drop, matchOf, output, startCode } from "./flows.ts";

const OWNERS = ["0", "1", "7", "a", "f"].map((digit) => `${digit}0000000-0000-4000-8000-00000000000${digit}`);
const MATCHES = [Match.any, ...[1, 2, 3].map(matchOf), Match.fromCanonical(Uint8Array.of(1, 2, 3, 4, 5)), longMatch()];
/** `load:5->NXM_NX_REG0[]` as two Nicira register loads of different bytes could mean the same; here a longer plain one. */
const VALUES = [
  drop,
  output(1),
  output(2),
  conjunction(1),
  conjunction(3, 2),
  conjunction(2),
  apply(...Array<string>(30).fill(RESUBMIT())),
];

function RESUBMIT(): string {
  return "ffff0010 00002320 000e fff8 05 000000";
}
function longMatch(): Match {
  return Match.fromCanonical(Uint8Array.from({ length: 301 }, (_, i) => i & 0xff));
}

/** A user's policies: one that compares by priority of the cookie, one that merges by taking the greatest cookie. */
const byCookie: WinnerPolicy = {
  name: "highest cookie",
  compare: (a, b) => (a.flow.cookie === b.flow.cookie ? 0 : a.flow.cookie > b.flow.cookie ? -1 : 1),
};
const mergeCookies: WinnerPolicy = {
  name: "sum of cookies",
  merge: (contenders) =>
    contenders.length > 3
      ? undefined
      : (contenders[0] as { flow: Flow }).flow.with({
          cookie: contenders.reduce((sum, { flow }) => sum + (flow.cookie & 0xffffn), 0n),
        }),
};

const arbFlow: fc.Arbitrary<Flow> = fc
  .record({
    table: fc.constantFrom(0, 3, 254),
    priority: fc.constantFrom(0, 65535),
    match: fc.constantFrom(...MATCHES),
    instructions: fc.constantFrom(...VALUES),
    cookie: fc.constantFrom(0n, 1n, 2n, 0xffff_ffff_0000_0001n),
    idleTimeout: fc.constantFrom(0, 0, 0, 65535),
    flags: fc.constantFrom(0, 0, 0, 1, 2, 4),
  })
  .map((init) => new Flow(init));
const arbOwner = fc.constantFrom(...OWNERS);

type Step =
  | { readonly type: "add" | "set"; readonly owner: string; readonly flow: Flow }
  | { readonly type: "removeKey"; readonly owner: string; readonly flow: Flow }
  | { readonly type: "removeOwner"; readonly owner: string }
  | { readonly type: "setFlows"; readonly owner: string; readonly flows: readonly Flow[] }
  | { readonly type: "replaceAll"; readonly entries: readonly (readonly [string, Flow])[] }
  | { readonly type: "clear" }
  | { readonly type: "transaction"; readonly steps: readonly Step[]; readonly fails: boolean }
  | { readonly type: "installed"; readonly what: "set" | "absent" | "unknown"; readonly flow: Flow }
  | { readonly type: "readBack"; readonly flows: readonly Flow[]; readonly commit: boolean }
  | { readonly type: "allUnknown" }
  | {
      readonly type: "round";
      readonly limit: number;
      readonly fates: readonly number[];
      readonly deletesFirst: boolean;
      readonly between: readonly Step[];
      readonly cancel: boolean;
    }
  | { readonly type: "retry"; readonly flow: Flow };

const arbChange: fc.Arbitrary<Step> = fc.oneof(
  { weight: 50, arbitrary: fc.record({ type: fc.constantFrom("add" as const, "set" as const), owner: arbOwner, flow: arbFlow }) },
  { weight: 20, arbitrary: fc.record({ type: fc.constant("removeKey" as const), owner: arbOwner, flow: arbFlow }) },
  { weight: 10, arbitrary: fc.record({ type: fc.constant("removeOwner" as const), owner: arbOwner }) },
  {
    weight: 30,
    arbitrary: fc.record({ type: fc.constant("setFlows" as const), owner: arbOwner, flows: fc.array(arbFlow, { maxLength: 6 }) }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant("replaceAll" as const),
      entries: fc.array(fc.tuple(arbOwner, arbFlow), { maxLength: 12 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("clear" as const) }) },
);
const arbStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 120, arbitrary: arbChange },
  {
    weight: 30,
    arbitrary: fc.record({
      type: fc.constant("transaction" as const),
      steps: fc.array(arbChange, { maxLength: 4 }),
      fails: fc.boolean(),
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      type: fc.constant("installed" as const),
      what: fc.constantFrom("set" as const, "absent" as const, "unknown" as const),
      flow: arbFlow,
    }),
  },
  {
    weight: 20,
    arbitrary: fc.record({
      type: fc.constant("readBack" as const),
      flows: fc.array(arbFlow, { maxLength: 8 }),
      commit: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("allUnknown" as const) }) },
  {
    weight: 40,
    arbitrary: fc.record({
      type: fc.constant("round" as const),
      limit: fc.integer({ min: 1, max: 9 }),
      fates: fc.array(fc.constantFrom(0, 0, 0, 1, 2), { minLength: 1, maxLength: 5 }),
      deletesFirst: fc.boolean(),
      between: fc.array(arbChange, { maxLength: 2 }),
      cancel: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("retry" as const), flow: arbFlow }) },
);

/** Runs the same steps on the packed table and on the naive one, and compares everything after each. */
class Pair {
  readonly table: DesiredFlowTable;
  naive: NaiveTable;
  /** Refused keys with the winner that was refused; as long as it is the winner without a break the key is left alone. */
  readonly refused: Map<string, Flow | undefined> = new Map();
  /** Keys of which it is open whether they are left alone, because they changed there and back. */
  readonly unsure: Set<string> = new Set();

  constructor(policy: WinnerPolicy, large: boolean) {
    this.table = new DesiredFlowTable({ policy });
    if (large) startCode(this.table);
    this.naive = new NaiveTable(policy);
  }

  step(step: Step): void {
    const before = this.naive.winners();
    const refusedBefore = new Map(this.refused);
    this.#run(step, this.naive);
    const after = this.naive.winners();
    for (const [key, winner] of this.refused) {
      if (!same(after.get(key), winner)) this.refused.delete(key);
      else if (refusedBefore.get(key) === winner && !same(before.get(key), winner)) this.refused.delete(key);
    }
    this.compare();
  }

  #run(step: Step, naive: NaiveTable): void {
    const { table } = this;
    switch (step.type) {
      case "add":
        expect(table.addFlow(step.owner, step.flow)).toBe(naive.addFlow(step.owner, step.flow));
        this.#passing(step.flow);
        return;
      case "set":
        table.setFlow(step.owner, step.flow);
        naive.setFlow(step.owner, step.flow);
        this.#passing(step.flow);
        return;
      case "removeKey":
        expect(table.removeFlow(step.owner, step.flow)).toBe(naive.removeFlow(step.owner, step.flow));
        return;
      case "removeOwner":
        expect(table.removeFlows(step.owner)).toBe(naive.removeFlows(step.owner));
        return;
      case "setFlows":
        table.setFlows(step.owner, step.flows);
        naive.setFlows(step.owner, step.flows);
        this.#allPassing();
        return;
      case "replaceAll":
        table.replaceAll(step.entries);
        naive.replaceAll(step.entries);
        this.#allPassing();
        return;
      case "clear":
        table.clear();
        naive.wanted.clear();
        return;
      case "transaction": {
        const copy = naive.clone();
        const revision = table.revision;
        const run = (): void =>
          table.transaction(() => {
            for (const inner of step.steps) this.#run(inner, copy);
            if (step.fails) throw new Error("on purpose");
          });
        this.#allPassing();
        if (step.fails) {
          expect(run).toThrow("on purpose");
          expect(table.revision).toBe(revision);
        } else {
          run();
          naive.wanted = copy.wanted;
          expect(table.revision - revision).toBeLessThanOrEqual(1);
        }
        return;
      }
      case "installed":
        this.#allPassing();
        if (step.what === "set") {
          table.installed.set(step.flow);
          naive.installed.set(naiveKey(step.flow), { state: "present", flow: step.flow });
        } else if (step.what === "absent") {
          table.installed.setAbsent(step.flow);
          naive.installed.delete(naiveKey(step.flow));
        } else {
          table.installed.setUnknown(step.flow);
          naive.installed.set(naiveKey(step.flow), { state: "unknown" });
        }
        return;
      case "allUnknown":
        this.#allPassing();
        table.installed.markAllUnknown();
        for (const key of naive.installed.keys()) naive.installed.set(key, { state: "unknown" });
        return;
      case "readBack": {
        this.#allPassing();
        const reading = table.installed.beginReadBack();
        for (const flow of step.flows) reading.observe(flow);
        table.validate();
        if (step.commit) {
          reading.commit();
          naive.installed = new Map(step.flows.map((flow) => [naiveKey(flow), { state: "present", flow }]));
        } else reading.abort();
        return;
      }
      case "retry":
        table.retry(step.flow);
        this.refused.delete(naiveKey(step.flow));
        return;
      case "round":
        this.#round(step);
        return;
    }
  }

  #passing(flow: Flow): void {
    this.unsure.add(naiveKey(flow));
  }

  #allPassing(): void {
    for (const key of this.refused.keys()) this.unsure.add(key);
  }

  #round(step: Extract<Step, { type: "round" }>): void {
    const order = step.deletesFirst ? "deletesFirst" : "makeBeforeBreak";
    const expected = this.naive.operations();
    const round = this.table.startRound({ order });
    const todo = new Set(expected.keys());
    for (const key of this.refused.keys()) todo.delete(key);
    if (round === undefined) {
      expect([...todo].filter((key) => !this.unsure.has(key))).toEqual([]);
      return;
    }
    let calls = 0;
    const sent = new Set<string>();
    const all: FlowMod[] = [];
    const open: { batch: FlowModBatch; winners: Map<string, Flow> }[] = [];
    for (
      let batch = round.next({ maxFlowMods: step.limit });
      batch !== undefined;
      batch = round.next({ maxFlowMods: step.limit })
    ) {
      const operations = this.naive.operations();
      for (const mod of batch) {
        const key = naiveKey(mod.flow);
        expect(sent.has(key)).toBe(false);
        sent.add(key);
        const wanted = operations.get(key);
        expect(wanted?.command).toBe(mod.command);
        if (wanted?.flow !== undefined) expect(describeMod(mod)).toBe(describeMod({ ...mod, flow: wanted.flow }));
      }
      all.push(...batch);
      open.push({ batch, winners: this.naive.winners() });
      this.table.validate();
      const change = step.between[calls++];
      if (change !== undefined) {
        this.#run(change, this.naive);
        this.#allPassing();
      }
      // Settle late: one batch stays in flight while the next is taken.
      if (open.length > 1) this.#settle(round, step, open.shift() as { batch: FlowModBatch; winners: Map<string, Flow> });
      if (step.cancel && calls === 2) break;
    }
    checkOrder(all, step.deletesFirst);
    if (step.cancel && calls >= 2) {
      for (const { batch } of open) {
        for (const { flow } of batch) this.naive.installed.set(naiveKey(flow), { state: "unknown" });
      }
      round.cancel();
      for (const { batch } of open) round.settle(batch, { fate: "applied", refused: new Map(), unknown: new Set() });
    } else {
      while (open.length > 0) this.#settle(round, step, open.shift() as { batch: FlowModBatch; winners: Map<string, Flow> });
      if (step.between.length === 0) {
        for (const key of todo) if (!this.unsure.has(key)) expect(sent.has(key)).toBe(true);
        for (const key of sent) expect(expected.has(key)).toBe(true);
      }
    }
    this.unsure.clear();
    for (const key of this.refused.keys()) this.unsure.add(key);
  }

  #settle(
    round: FlowModRound,
    step: Extract<Step, { type: "round" }>,
    entry: { batch: FlowModBatch; winners: Map<string, Flow> },
  ): void {
    const refused = new Map<number, unknown>();
    const unknown = new Set<number>();
    const { batch, winners } = entry;
    for (let i = 0; i < batch.length; i++) {
      const mod = batch.at(i);
      const key = naiveKey(mod.flow);
      const fate = step.fates[i % step.fates.length];
      if (fate === 1) {
        refused.set(i, new Error("refused"));
        this.refused.set(key, winners.get(key));
      } else if (fate === 2) {
        unknown.add(i);
        this.naive.installed.set(key, { state: "unknown" });
      } else if (mod.command === "delete") this.naive.installed.delete(key);
      else this.naive.installed.set(key, { state: "present", flow: mod.flow });
    }
    round.settle(batch, { fate: "applied", refused, unknown });
    this.table.validate();
  }

  compare(): void {
    const { table, naive } = this;
    table.validate();
    const winners = naive.winners();
    expect(table.size).toBe(naive.size);
    expect(table.keyCount).toBe(winners.size);
    expect([...table.winners()].map(describeFlow)).toEqual([...winners.values()].sort(naiveOrder).map(describeFlow));
    expect(table.owners()).toEqual(naive.owners());
    expect(table.ownerCount).toBe(naive.owners().length);
    for (const owner of OWNERS) expect(table.flowsOf(owner).map(describeFlow)).toEqual(naive.flowsOf(owner).map(describeFlow));
    for (const [key, flow] of winners) {
      expect(table.contenders(flow).map(({ owner }) => owner)).toEqual(naive.contenders(key).map(({ owner }) => owner));
    }
    let present = 0;
    for (const [, known] of naive.installed) {
      if (known.state !== "present") continue;
      present++;
      const seen = table.installed.state(known.flow);
      expect(seen.state).toBe("present");
      if (seen.state === "present") expect(describeFlow(seen.flow)).toBe(describeFlow(known.flow));
    }
    expect(table.installed.size).toBe(present);
    expect([...table.installed.unknownKeys()].map(naiveKey).sort()).toEqual(
      [...naive.installed]
        .filter(([, { state }]) => state === "unknown")
        .map(([key]) => key)
        .sort(),
    );
    // Three roads, one answer: the shared records, a table from outside, the model.
    const expected = [...naive.operations()].map(([key, { command }]) => `${command} ${key}`).sort();
    const shared = diffTables(table, table.installed);
    const foreign = diffTables(table, copyOf(table));
    for (const batch of [shared, foreign]) {
      const mods = [...batch];
      expect(mods.map(({ command, flow }) => `${command} ${naiveKey(flow)}`).sort()).toEqual(expected);
      checkOrder(mods, false);
    }
  }
}

/** An installed table of its own with the same contents. */
function copyOf(table: DesiredFlowTable): InstalledFlowTable {
  const copy = new InstalledFlowTable({ hashSeed: [1, 2, 3] });
  for (const flow of table.installed) copy.set(flow);
  for (const key of table.installed.unknownKeys()) copy.setUnknown(key);
  return copy;
}

function checkOrder(mods: readonly FlowMod[], deletesFirst: boolean): void {
  const ranks = mods.map(({ command, flow }) => {
    const isDelete = command === "delete";
    return (isDelete === deletesFirst ? 0 : 1000) + (isDelete ? flow.table : 255 - flow.table);
  });
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
}

function describeFlow(flow: Flow): string {
  return `${naiveKey(flow)} c=${flow.cookie} i=${flow.idleTimeout} f=${flow.flags} ${[...flow.instructions.bytes].join(".")}`;
}

function same(a: Flow | undefined, b: Flow | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.equals(b));
}

describe("the packed table does what the naive one does", () => {
  beforeAll(announceSeeds);
  for (const seed of seeds) {
    for (const policy of [lowestUuid, ovnClasses, byCookie, mergeCookies]) {
      it(`after every step, with ${policy.name} (seed ${seed})`, () => {
        fc.assert(
          fc.property(fc.array(arbStep, { minLength: 1, maxLength: 30 }), (steps) => {
            const pair = new Pair(policy, false);
            for (const step of steps) pair.step(step);
          }),
          { seed, numRuns: runs(150) },
        );
      });
    }

    it(`after every step, with the code of large tables (seed ${seed})`, () => {
      fc.assert(
        fc.property(fc.array(arbStep, { minLength: 1, maxLength: 30 }), (steps) => {
          const pair = new Pair(lowestUuid, true);
          for (const step of steps) pair.step(step);
        }),
        { seed, numRuns: runs(150) },
      );
    });

    it(`any order of the same contributions gives the same winners (seed ${seed})`, () => {
      const arbContributions = fc.uniqueArray(fc.tuple(arbOwner, arbFlow), {
        selector: ([owner, flow]) => `${owner} ${naiveKey(flow)}`,
        maxLength: 40,
      });
      for (const policy of [lowestUuid, ovnClasses, byCookie, mergeCookies]) {
        fc.assert(
          fc.property(
            arbContributions.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
            fc.array(fc.tuple(arbOwner, arbFlow), { maxLength: 10 }),
            ([list, shuffled], noise) => {
              const [one, two, whole] = [0, 1, 2].map(() => new DesiredFlowTable({ policy })) as [
                DesiredFlowTable,
                DesiredFlowTable,
                DesiredFlowTable,
              ];
              for (const [owner, flow] of list) one.addFlow(owner, flow);
              // The long way: noise comes and goes.
              for (const [owner, flow] of noise) two.setFlow(owner, flow);
              for (const [owner, flow] of shuffled) two.setFlow(owner, flow);
              const kept = new Set(list.map(([owner, flow]) => `${owner} ${naiveKey(flow)}`));
              for (const [owner, flow] of noise) if (!kept.has(`${owner} ${naiveKey(flow)}`)) two.removeFlow(owner, flow);
              whole.replaceAll(shuffled);
              const winners = [one, two, whole].map((table) => [...table.winners()].map(describeFlow));
              expect(winners[1]).toEqual(winners[0]);
              expect(winners[2]).toEqual(winners[0]);
              expect([...two].map(([owner, flow]) => owner + describeFlow(flow))).toEqual(
                [...one].map(([owner, flow]) => owner + describeFlow(flow)),
              );
            },
          ),
          { seed, numRuns: runs(300) },
        );
      }
    });
  }
});
