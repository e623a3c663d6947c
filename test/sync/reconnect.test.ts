import { afterAll, describe, expect, test } from "vitest";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { ALICE, BOB, expectNoFaults, flow, world } from "./harness.ts";

afterAll(expectNoFaults);

describe("a connection that comes back", () => {
  test("S88: the switch kept its flows: nothing is sent", async () => {
    const w = world();
    for (let i = 1; i <= 5; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    const { add } = w.device.received;
    w.device.disconnect();
    await w.clock.run(1000);
    expect(w.sync.state.name).toBe("inSync");
    expect(w.device.received).toMatchObject({ add, modify: 0, delete: 0 });
    expect(w.sync.status().counters).toMatchObject({ connects: 2, reconnects: 1 });
  });

  test("S88: the switch lost everything: all is written again, once", async () => {
    const w = world();
    for (let i = 1; i <= 5; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    w.device.restart();
    await w.clock.run(1000);
    expect(w.held()).toEqual(w.wanted());
    expect(w.device.received).toMatchObject({ add: 10, modify: 0, delete: 0 });
  });

  test("what changed meanwhile is sent, and only that: added, changed, removed, and tampered with", async () => {
    const w = world();
    for (let i = 1; i <= 6; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    w.device.setReachable(false);
    await w.settle();
    const before = w.device.received;
    w.table.setFlow(ALICE, flow(7));
    w.table.setFlow(ALICE, flow(1, 2));
    w.table.removeFlow(ALICE, flow(2));
    w.device.tamper.delete(flow(3));
    w.device.tamper.add(flow(4, 1, { cookie: 9 }));
    w.device.tamper.add(flow(8));
    w.device.setReachable(true);
    await w.clock.run(1000);
    expect(w.held()).toEqual(w.wanted());
    const { received } = w.device;
    expect([received.add - before.add, received.modify, received.delete]).toEqual([3, 1, 2]);
  });

  test("S90: no second waiting, however often it reconnects", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    for (let i = 0; i < 20; i++) {
      w.device.disconnect();
      await w.clock.run(100);
      expect(w.sync.state.name).toBe("inSync");
    }
    expect(w.device.received.add).toBe(1);
  });

  test("S98: while the switch is away nothing runs hot and nothing is built", async () => {
    const w = world();
    await w.begin();
    w.device.setReachable(false);
    await w.settle();
    const events = w.events.length;
    for (let i = 0; i < 1000; i++) w.table.setFlow(ALICE, flow(1 + (i % 3), i % 2));
    await w.clock.run(3_600_000);
    expect(w.events.length).toBe(events);
    expect(w.clock.pending).toBe(0);
    w.device.setReachable(true);
    await w.clock.run(1000);
    expect(w.device.received.add).toBe(3);
  });

  test("S86: the connection goes at any moment of the first install", async () => {
    for (let n = 1; n <= 10; n++) {
      const w = world({ device: { capabilities: { atomic: n % 2 === 0 } }, sync: { batch: { maxFlowMods: 3 } } });
      for (let i = 1; i <= 10; i++) w.table.setFlow(ALICE, flow(i));
      w.device.faults.disconnectAt(n);
      w.sync.start();
      await w.clock.run(1000);
      await w.sync.settled();
      expect(w.held()).toEqual(w.wanted());
      expect(w.device.received.delete).toBe(0);
    }
  });

  test("S100: removed and set again in one go leaves the flow alone", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    const { received } = w.device;
    w.table.removeFlows(ALICE);
    w.table.setFlow(BOB, flow(1));
    await w.settle();
    expect(w.device.received).toEqual(received);
  });
});

describe("a read-back that fails", () => {
  for (const how of ["error", "disconnect", "stall"] as const) {
    test(`${how} in the middle: nothing is deleted, nothing sent twice`, async () => {
      const w = world();
      for (let i = 1; i <= 10; i++) {
        w.device.tamper.add(flow(i));
        w.table.setFlow(ALICE, flow(i));
      }
      w.device.tamper.add(flow(20));
      w.device.faults.failReads({ afterFlows: 4, how, times: 3 });
      w.sync.start();
      await w.clock.run(100);
      expect(w.device.received).toMatchObject({ add: 0, modify: 0, delete: 0 });
      await w.clock.run(60_000);
      expect(w.held()).toEqual(w.wanted());
      expect(w.device.received).toMatchObject({ add: 0, modify: 0, delete: 1 });
    });
  }

  test("again and again: the waits grow and nothing is ever sent", async () => {
    const w = world();
    w.device.tamper.add(flow(1));
    w.table.setFlow(ALICE, flow(2));
    w.device.faults.failReads({ afterFlows: 1, how: "error", times: 1e9 });
    w.sync.start();
    await w.clock.run(600_000);
    expect(w.device.received).toMatchObject({ add: 0, delete: 0 });
    expect(w.device.received.reads).toBeLessThan(40);
    expect(w.sync.state).toMatchObject({ name: "backingOff" });
  });
});

describe("a controller that restarts", () => {
  test("a new synchroniser touches no flow that is right, and counters go on", async () => {
    const first = world();
    for (let i = 1; i <= 5; i++) first.table.setFlow(ALICE, flow(i));
    await first.begin();
    first.device.hit(flow(1), 10, 1000);
    const stopped = first.sync.stop();
    await first.clock.run(0);
    await stopped;

    const table = new DesiredFlowTable();
    for (let i = 1; i <= 5; i++) table.setFlow(BOB, flow(i, i === 2 ? 7 : 1));
    const before = first.device.received;
    const second = world({ clock: first.clock, table, sync: { transport: first.device.newTransport() } });
    await second.begin();
    const received = first.device.received;
    expect([received.add - before.add, received.modify, received.delete]).toEqual([0, 1, 0]);
    expect(first.device.get(flow(1))).toMatchObject({ packetCount: 10n, byteCount: 1000n });
  });

  test("S89: flows of the earlier life stay until the new ones are known: the first round removes only what nobody wants", async () => {
    const w = world();
    for (let i = 1; i <= 5; i++) w.device.tamper.add(flow(i));
    for (let i = 3; i <= 7; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    expect(w.held()).toEqual(w.wanted());
    expect(w.device.received).toMatchObject({ add: 2, modify: 0, delete: 2 });
  });

  test("a table whose synchroniser was stopped can be given to another one", async () => {
    const first = world();
    first.table.setFlow(ALICE, flow(1));
    await first.begin();
    await first.sync.stop();
    first.table.removeFlow(ALICE, flow(1));
    first.table.setFlow(ALICE, flow(2));
    const second = world({ clock: first.clock, table: first.table, sync: { transport: first.device.newTransport() } });
    await second.begin();
    expect(first.device.flows()).toHaveLength(1);
    expect(first.held()).toEqual(first.wanted());
  });
});
