import { afterAll, describe, expect, test } from "vitest";
import { groupTo } from "../../src/testing/numbered-flow.ts";
import { ALICE, expectNoFaults, flow, world } from "./harness.ts";

afterAll(expectNoFaults);

describe("a refused flow", () => {
  test("S75 and S83: it is isolated and reported; every other flow of the batch goes in", async () => {
    const w = world();
    await w.begin();
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2, 1, { instructions: groupTo(9) }));
    w.table.setFlow(ALICE, flow(3));
    await w.settle();
    const report = await w.sync.settled();
    expect(report.refused).toHaveLength(1);
    expect(report.refused[0]).toMatchObject({ command: "add", attempts: 1, error: { name: "OFPBAC_BAD_OUT_GROUP" } });
    expect(report.refused[0]?.flow.sameKey(flow(2))).toBe(true);
    expect(report.pending).toBe(0);
    expect(w.device.size).toBe(2);
    expect(w.told("refused")).toHaveLength(1);
    expect(w.sync.status()).toMatchObject({ refused: 1, counters: { refused: 1 } });
  });

  test("it is tried again with growing waits", async () => {
    const w = world({ sync: { retry: { initialMs: 1000, maxMs: 8000, jitter: 0 } } });
    w.device.faults.refuse(() => true, "OFPFMFC_EPERM");
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    const times: number[] = [];
    let seen = 0;
    for (let ms = 0; ms < 40_000; ms += 50) {
      await w.clock.run(50);
      if (w.device.received.refused > seen) {
        seen = w.device.received.refused;
        times.push(w.clock.now());
      }
    }
    const waits = times.slice(1).map((time, i) => time - (times[i] as number));
    expect(waits.slice(0, 5)).toEqual([950, 2000, 4000, 8000, 8000]);
    expect((await w.sync.settled()).refused[0]?.attempts).toBe(8);
  });

  test("a refused flow that is tried for ever costs other flows nothing", async () => {
    const w = world();
    w.device.faults.refuse((mod) => mod.flow.match.equals(flow(1).match), "OFPFMFC_EPERM");
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    for (let i = 2; i < 20; i++) {
      w.table.setFlow(ALICE, flow(i));
      await w.clock.run(777);
      expect(await w.sync.settled()).toMatchObject({ revision: w.table.revision, pending: 0 });
      expect(w.device.size).toBe(i - 1);
    }
  });

  test("it is tried at once when its content changes", async () => {
    const w = world();
    const end = w.device.faults.refuse((mod) => mod.flow.instructions.equals(flow(1, 7).instructions), "OFPFMFC_EPERM");
    w.table.setFlow(ALICE, flow(1, 7));
    await w.begin();
    expect(w.device.size).toBe(0);
    w.table.setFlow(ALICE, flow(1, 8));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
    expect((await w.sync.settled()).refused).toEqual([]);
    expect(w.sync.status().refused).toBe(0);
    end();
  });

  test("one whose owner gives it up is forgotten", async () => {
    const w = world();
    w.device.faults.refuse(() => true, "OFPFMFC_EPERM");
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    w.table.removeFlow(ALICE, flow(1));
    await w.settle();
    expect((await w.sync.settled()).refused).toEqual([]);
    const { received } = w.device;
    await w.clock.run(120_000);
    expect(w.device.received).toEqual(received);
  });

  test("a refused modify leaves the old flow, a refused delete the flow, and both are named", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.begin();
    const end = w.device.faults.refuse(() => true, "OFPFMFC_EPERM");
    w.table.setFlow(ALICE, flow(1, 5));
    w.table.removeFlow(ALICE, flow(2));
    await w.settle();
    const { refused } = await w.sync.settled();
    expect(refused.map((one) => one.command).sort()).toEqual(["delete", "modify"]);
    expect(w.device.get(flow(1))?.flow.equals(flow(1))).toBe(true);
    end();
    await w.clock.run(2000);
    expect(w.held()).toEqual(w.wanted());
    expect(w.told("accepted")).toHaveLength(2);
  });

  test("the definition it needed appears: it goes in at the next try (S94)", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1, 1, { instructions: groupTo(3) }));
    await w.begin();
    expect(w.device.size).toBe(0);
    w.device.addGroup(3);
    await w.clock.run(1100);
    expect(w.held()).toEqual(w.wanted());
    expect((await w.sync.settled()).refused).toEqual([]);
  });

  test("a new connection tries it at once", async () => {
    const w = world({ sync: { retry: { initialMs: 50_000 } } });
    const end = w.device.faults.refuse(() => true, "OFPFMFC_EPERM");
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    end();
    w.device.disconnect();
    await w.clock.run(200);
    expect(w.held()).toEqual(w.wanted());
  });
});

describe("a full table", () => {
  test("what found no room goes in when deletes have made some, without waiting", async () => {
    const w = world();
    w.device.limitTable(0, { maxFlows: 2 });
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.begin();
    w.table.removeFlow(ALICE, flow(1));
    w.table.removeFlow(ALICE, flow(2));
    w.table.setFlow(ALICE, flow(3));
    w.table.setFlow(ALICE, flow(4));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
    expect((await w.sync.settled()).refused).toEqual([]);
  });

  test("too many flows: as many as fit go in, the others are named; later room is filled at once", async () => {
    const w = world({ sync: { retry: { initialMs: 30_000 } } });
    w.device.limitTable(0, { maxFlows: 3 });
    for (let i = 1; i <= 5; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    expect(w.device.size).toBe(3);
    const { refused } = await w.sync.settled();
    expect(refused.map((one) => one.error.name)).toEqual(["OFPFMFC_TABLE_FULL", "OFPFMFC_TABLE_FULL"]);
    const [inside] = w.device.flows();
    w.table.removeFlow(ALICE, inside?.flow ?? flow(1));
    await w.settle();
    expect(w.device.size).toBe(3);
    expect((await w.sync.settled()).refused).toHaveLength(1);
  });

  test("a switch that evicts is not fought: the evicted flow waits its turn", async () => {
    const w = world({ sync: { retry: { initialMs: 1000, jitter: 0 } } });
    w.device.limitTable(0, { maxFlows: 2, overflow: "evict" });
    for (let i = 1; i <= 3; i++) w.table.setFlow(ALICE, flow(i, 1, { idleTimeout: 600, importance: i }));
    await w.begin();
    await w.clock.run(10);
    expect(w.device.size).toBe(2);
    expect(w.device.received.add).toBeLessThan(10);
    expect((await w.sync.settled()).refused.map((one) => one.error)).toMatchObject([{ code: "SYNC_EVICTED" }]);
    w.device.limitTable(0, undefined);
    await w.clock.run(10_000);
    expect(w.held()).toEqual(w.wanted());
  });
});

describe("bundles", () => {
  test("S76: nothing of an atomic batch with a bad flow counts as applied", async () => {
    const w = world();
    await w.begin();
    w.device.faults.refuse((mod) => mod.flow.match.equals(flow(2).match), "OFPFMFC_EPERM", 1);
    for (let i = 1; i <= 3; i++) w.table.setFlow(ALICE, flow(i));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
    expect(w.sync.status().counters).toMatchObject({ atomicBatches: 1, plainBatches: 1, adds: 6, applied: 3, refused: 0 });
  });

  test("without bundles every fate is known flow by flow", async () => {
    const w = world({ device: { capabilities: { atomic: false } } });
    await w.begin();
    w.device.faults.refuse((mod) => mod.flow.match.equals(flow(2).match), "OFPFMFC_EPERM", 1);
    for (let i = 1; i <= 3; i++) w.table.setFlow(ALICE, flow(i));
    await w.settle();
    expect(w.device.size).toBe(2);
    expect(w.sync.status().counters).toMatchObject({ atomicBatches: 0, plainBatches: 1, adds: 3, applied: 2, refused: 1 });
  });

  test("they can be forbidden", async () => {
    const w = world({ sync: { batch: { atomic: "never" } } });
    for (let i = 1; i <= 3; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    expect(w.sync.status().counters).toMatchObject({ atomicBatches: 0, plainBatches: 1 });
  });

  test("S77: a batch whose replies do not come is of unknown fate, read back, and only what is missing is sent", async () => {
    for (const applied of [true, false]) {
      const w = world({ device: { replyTimeoutMs: 500 } });
      await w.begin();
      w.device.faults.loseReplies({ applied });
      for (let i = 1; i <= 3; i++) w.table.setFlow(ALICE, flow(i));
      const settled = w.sync.settled();
      await w.clock.run(499);
      expect(w.sync.status().confirmedRevision).toBe(0);
      await w.clock.run(100);
      await settled;
      expect(w.held()).toEqual(w.wanted());
      expect(w.sync.status().counters).toMatchObject({ unknown: 3, adds: applied ? 3 : 6, readBacks: 2 });
    }
  });

  test("S79 and S87: a commit without an answer, connection lost: read back decides", async () => {
    for (const applied of [true, false]) {
      const w = world();
      await w.begin();
      w.device.faults.loseReplies({ applied, disconnect: true });
      for (let i = 1; i <= 3; i++) w.table.setFlow(ALICE, flow(i));
      const settled = w.sync.settled();
      await w.clock.run(500);
      expect(await settled).toMatchObject({ epoch: 2 });
      expect(w.held()).toEqual(w.wanted());
      expect(w.sync.status().counters.adds).toBe(applied ? 3 : 6);
    }
  });

  test("unknown again and again: it backs off instead of spinning", async () => {
    const w = world({ device: { replyTimeoutMs: 10, capabilities: { atomic: false } } });
    await w.begin();
    w.device.faults.loseFlowMods(() => true, { applied: false });
    w.table.setFlow(ALICE, flow(1));
    await w.clock.run(10_000);
    expect(w.device.received.add).toBeLessThan(12);
    expect(w.sync.status().confirmedRevision).toBe(0);
    w.device.faults.clear();
    await w.clock.run(30_000);
    expect(w.held()).toEqual(w.wanted());
    await w.sync.settled();
  });
});
