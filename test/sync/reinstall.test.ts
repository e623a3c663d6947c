import { afterAll, describe, expect, test } from "vitest";
import { ALICE, expectNoFaults, flow, world } from "./harness.ts";

afterAll(expectNoFaults);

const reinstall = { onConnect: "reinstall" } as const;

describe("onConnect: reinstall", () => {
  test("clears and writes everything in one atomic unit: no moment without flows", async () => {
    const w = world({ sync: { ...reinstall, batch: { maxFlowMods: 3 } } });
    for (let i = 1; i <= 20; i++) {
      w.device.tamper.add(flow(i));
      w.device.hit(flow(i), 5);
      if (i > 2) w.table.setFlow(ALICE, flow(i));
    }
    w.device.faults.delay({ requestMs: 10, replyMs: 10 });
    const sizes = new Set<number>();
    w.sync.start();
    for (let ms = 0; ms < 200; ms++) {
      await w.clock.run(1);
      sizes.add(w.device.size);
    }
    expect([...sizes]).toEqual([20, 18]);
    expect(w.held()).toEqual(w.wanted());
    expect(w.device.received).toMatchObject({ batches: 1, add: 18, reads: 0 });
    expect(w.device.get(flow(5))).toMatchObject({ packetCount: 0n });
    expect(await w.sync.settled()).toMatchObject({ pending: 0, refused: [] });
  });

  test("S78: what changes while it is under way is sent after it, so that its clearing cannot wipe it", async () => {
    for (const at of [1, 5, 10, 15, 20]) {
      const w = world({ sync: reinstall });
      w.table.setFlow(ALICE, flow(1));
      w.device.faults.delay({ requestMs: 10, replyMs: 10 });
      w.sync.start();
      await w.clock.run(at);
      w.table.setFlow(ALICE, flow(2));
      w.table.setFlow(ALICE, flow(1, 2));
      await w.clock.run(200);
      await w.sync.settled();
      expect(w.held()).toEqual(w.wanted());
    }
  });

  test("again on each new connection", async () => {
    const w = world({ sync: reinstall });
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    w.device.disconnect();
    await w.clock.run(1000);
    expect(w.device.received).toMatchObject({ batches: 2, add: 2, reads: 0 });
  });

  test("a refused flow is left out, the rest is reinstalled", async () => {
    const w = world({ sync: reinstall });
    const bad = (n: number) => w.device.faults.refuse((mod) => mod.flow.match.equals(flow(n).match), "OFPFMFC_EPERM", 1);
    bad(2);
    bad(4);
    w.device.tamper.add(flow(9));
    for (let i = 1; i <= 5; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    expect(w.device.size).toBe(3);
    expect(w.device.get(flow(9))).toBeUndefined();
    expect((await w.sync.settled()).refused).toHaveLength(2);
    await w.clock.run(5000);
    expect(w.held()).toEqual(w.wanted());
    expect(w.told("reinstallFallback")).toEqual([]);
  });

  test("too many refused flows: the difference is sent instead", async () => {
    const w = world({ sync: reinstall });
    w.device.faults.refuse(() => true, "OFPFMFC_EPERM", 100);
    w.device.tamper.add(flow(1));
    w.device.tamper.add(flow(99));
    for (let i = 1; i <= 30; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    expect(w.told("reinstallFallback")).toHaveLength(1);
    await w.clock.run(200_000);
    expect(w.held()).toEqual(w.wanted());
  });

  test("without atomic batches every flow is written over, then what is not wanted is deleted: no gap either", async () => {
    const w = world({ device: { capabilities: { atomic: false } }, sync: { ...reinstall, batch: { maxFlowMods: 2 } } });
    for (let i = 1; i <= 10; i++) {
      w.device.tamper.add(flow(i));
      if (i > 2) w.table.setFlow(ALICE, flow(i));
    }
    w.device.faults.delay({ requestMs: 5, replyMs: 5 });
    let least = 10;
    w.sync.start();
    for (let ms = 0; ms < 200; ms++) {
      await w.clock.run(1);
      least = Math.min(least, w.device.size);
    }
    expect(least).toBe(8);
    expect(w.device.received).toMatchObject({ add: 8, delete: 2 });
    expect(w.held()).toEqual(w.wanted());
    expect(w.told("reinstallFallback")).toMatchObject([{ reason: expect.stringContaining("all or nothing") }]);
  });

  test("an empty table empties the switch", async () => {
    const w = world({ sync: reinstall });
    w.device.tamper.add(flow(1));
    await w.begin();
    expect(w.device.size).toBe(0);
    await w.sync.settled();
  });

  test("its reply is lost: read back decides", async () => {
    for (const applied of [true, false]) {
      const w = world({ sync: reinstall, device: { replyTimeoutMs: 100 } });
      w.device.tamper.add(flow(9));
      w.table.setFlow(ALICE, flow(1));
      w.device.faults.loseReplies({ applied });
      w.sync.start();
      await w.clock.run(50);
      expect(w.sync.status().confirmedRevision).toBeUndefined();
      await w.clock.run(1000);
      expect(w.held()).toEqual(w.wanted());
      await w.sync.settled();
    }
  });

  test("the connection goes in the middle: the next connection reinstalls", async () => {
    const w = world({ sync: reinstall });
    for (let i = 1; i <= 5; i++) w.table.setFlow(ALICE, flow(i));
    w.device.faults.disconnectAt(3);
    w.sync.start();
    await w.clock.run(1000);
    expect(w.held()).toEqual(w.wanted());
  });

  test("somebody changes the switch meanwhile: what is known is put right", async () => {
    for (const at of [5, 15]) {
      const w = world({ sync: reinstall });
      for (let i = 1; i <= 3; i++) w.table.setFlow(ALICE, flow(i));
      w.device.faults.delay({ requestMs: 10, replyMs: 10 });
      w.sync.start();
      await w.clock.run(at);
      w.device.tamper.delete(flow(1));
      w.device.tamper.add(flow(2, 9));
      w.device.tamper.add(flow(7));
      await w.clock.run(500);
      await w.sync.settled();
      expect(w.held()).toEqual(w.wanted());
    }
  });
});
