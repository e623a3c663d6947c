import { afterAll, describe, expect, test } from "vitest";
import { ALICE, expectNoFaults, flow, stateOf, world } from "./harness.ts";

afterAll(expectNoFaults);

describe("back-pressure", () => {
  test("S69: while the switch is behind nothing is sent; what changed meanwhile goes as one flow-mod a key", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    w.device.faults.backlog(true);
    for (let i = 0; i < 5000; i++) w.table.setFlow(ALICE, flow(1 + (i % 4), i % 3));
    await w.clock.run(60_000);
    expect(w.device.received.add).toBe(1);
    expect(w.sync.state.name).toBe("backlogged");
    w.device.faults.backlog(false);
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
    const { add, modify } = w.device.received;
    // Flow 1 ended as it was.
    expect(add + modify).toBe(1 + 3);
  });

  test("no more batches are under way than allowed, none larger than allowed", async () => {
    const w = world({ sync: { batch: { maxFlowMods: 10, maxOutstanding: 3 } } });
    await w.begin();
    w.device.faults.delay({ requestMs: 5, replyMs: 5 });
    for (let i = 1; i <= 200; i++) w.table.setFlow(ALICE, flow(i));
    let most = 0;
    let done = false;
    const settled = w.sync.settled().finally(() => {
      done = true;
    });
    while (!done) {
      await w.clock.run(1);
      most = Math.max(most, w.sync.status().outstanding);
    }
    await settled;
    expect(most).toBe(30);
    expect(w.device.received.batches).toBe(20);
  });

  test("the bytes of a batch are limited too", async () => {
    const w = world({ sync: { batch: { maxBytes: 1024 } } });
    for (let i = 1; i <= 100; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    expect(w.device.received.batches).toBeGreaterThanOrEqual(Math.floor(w.device.received.bytes / 1024));
    expect(w.held()).toEqual(w.wanted());
  });

  test("a storm without end: acknowledgements go on, memory does not grow", async () => {
    const w = world({ device: { maxFlowModsInFlight: 50 }, sync: { batch: { maxFlowMods: 20 } } });
    await w.begin();
    w.device.faults.delay({ requestMs: 3, replyMs: 3 });
    const acknowledged: number[] = [];
    const next = (): void => {
      void w.sync.settled(w.table.revision + 1).then(
        (report) => {
          acknowledged.push(report.revision);
          next();
        },
        () => {},
      );
    };
    next();
    let memory = 0;
    for (let ms = 0; ms < 3000; ms++) {
      for (let i = 0; i < 10; i++) w.table.setFlow(ALICE, flow(1 + ((ms * 7 + i * 13) % 100), (ms + i) % 50));
      await w.clock.run(1);
      if (ms === 1000) memory = w.table.memory().usedBytes;
    }
    expect(w.table.revision).toBeGreaterThan(25_000);
    expect(acknowledged.length).toBeGreaterThan(50);
    expect(w.table.memory().usedBytes).toBeLessThan(memory * 1.5);
    expect(w.sync.status().outstanding).toBeLessThanOrEqual(80);
    await w.clock.run(1000);
    expect(w.held()).toEqual(w.wanted());
    await w.sync.stop();
  });

  test("flows are put in before others are taken away, later tables first, and never the other way round", async () => {
    const w = world({ sync: { batch: { maxFlowMods: 4, atomic: "never" } } });
    for (let i = 1; i <= 20; i++) w.table.setFlow(ALICE, flow(i, 1, { table: i % 3 }));
    await w.begin();
    const batches: string[] = [];
    const seen = new Set<unknown>();
    w.device.faults.delay({ requestMs: 1, replyMs: 1 });
    for (let i = 1; i <= 20; i++) {
      w.table.removeFlow(ALICE, flow(i, 1, { table: i % 3 }));
      w.table.setFlow(ALICE, flow(100 + i, 1, { table: i % 3 }));
    }
    for (let ms = 0; ms < 100; ms++) {
      await w.clock.run(1);
      const batch = w.device.lastBatch;
      if (batch === undefined || seen.has(batch)) continue;
      seen.add(batch);
      for (const { command, flow: one } of batch) batches.push(`${command} ${one.table}`);
    }
    expect(w.held()).toEqual(w.wanted());
    const firstDelete = batches.findIndex((one) => one.startsWith("delete"));
    expect(batches.slice(firstDelete).every((one) => one.startsWith("delete"))).toBe(true);
    const tables = batches.slice(firstDelete - 20, firstDelete).map((one) => Number(one.split(" ")[1]));
    expect(tables).toEqual([...tables].sort((a, b) => b - a));
  });

  test("an atomic batch that has to be sent once more is not overtaken by the deletes that follow it", async () => {
    const w = world({ sync: { batch: { maxFlowMods: 3 } } });
    for (let i = 1; i <= 3; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    w.device.faults.delay({ requestMs: 5, replyMs: 5 });
    w.device.faults.refuse((mod) => mod.flow.match.equals(flow(6).match), "OFPFMFC_EPERM", 1);
    for (let i = 1; i <= 3; i++) {
      w.table.removeFlow(ALICE, flow(i));
      w.table.setFlow(ALICE, flow(3 + i));
    }
    let least = 3;
    for (let ms = 0; ms < 100; ms++) {
      await w.clock.run(1);
      least = Math.min(least, w.device.size);
    }
    expect(least).toBe(3);
    expect(w.held()).toEqual(w.wanted());
  });

  test("waiting for the switch does not outlive the connection", async () => {
    const w = world();
    await w.begin();
    w.device.faults.backlog(true);
    w.table.setFlow(ALICE, flow(1));
    await w.settle();
    const settled = w.sync.settled();
    w.device.disconnect();
    w.device.faults.backlog(false);
    await w.clock.run(1000);
    expect(await stateOf(settled)).toBe("resolved");
    expect(w.held()).toEqual(w.wanted());
  });
});
