import { afterAll, describe, expect, test } from "vitest";
import { FlowFlag } from "../../src/flow/flow.ts";
import { ALICE, BOB, expectNoFaults, flow, world } from "./harness.ts";

afterAll(expectNoFaults);

const telling = { flags: FlowFlag.sendFlowRemoved };
const blind = { capabilities: { monitor: false } };

describe("a flow whose time is over", () => {
  for (const [how, device] of [
    ["told by the monitor", {}],
    ["told by FLOW_REMOVED", blind],
  ] as const) {
    test(`${how}: it is forgotten, which is no drift`, async () => {
      const w = world({ device });
      w.table.setFlow(ALICE, flow(1, 1, { idleTimeout: 10, ...telling }));
      w.table.setFlow(ALICE, flow(2, 1, { hardTimeout: 20, ...telling }));
      w.table.setFlow(ALICE, flow(3));
      await w.begin();
      await w.clock.run(10_000);
      expect(w.told("expired")).toMatchObject([{ reason: "idleTimeout", action: "forgotten" }]);
      await w.clock.run(10_000);
      expect(w.told("expired")).toHaveLength(2);
      expect(w.table.size).toBe(1);
      expect(w.held()).toEqual(w.wanted());
      expect(w.told("drift")).toEqual([]);
      expect(w.device.received.add).toBe(3);
      expect(w.sync.status().counters).toMatchObject({ expired: 2, repaired: 0 });
      w.table.setFlow(ALICE, flow(1, 1, { idleTimeout: 10, ...telling }));
      await w.settle();
      expect(w.device.size).toBe(2);
    });

    test(`${how}: with the policy reinstall it comes back`, async () => {
      const w = world({ device, sync: { expired: "reinstall" } });
      w.table.setFlow(ALICE, flow(1, 1, { idleTimeout: 10, ...telling }));
      await w.begin();
      await w.clock.run(10_001);
      expect(w.held()).toEqual(w.wanted());
      expect(w.told("expired")).toMatchObject([{ action: "reinstalled" }]);
      expect(w.told("drift")).toEqual([]);
    });
  }

  test("nobody tells: an audit takes it for run out when it can be, and for deleted when it cannot", async () => {
    const w = world({ device: blind, sync: { audit: { minIntervalMs: 2000 } } });
    w.table.setFlow(ALICE, flow(1, 1, { idleTimeout: 10 }));
    w.table.setFlow(ALICE, flow(2, 1, { hardTimeout: 60 }));
    await w.begin();
    w.device.tamper.delete(flow(1));
    await w.clock.run(4000);
    expect(w.told("drift")).toMatchObject([{ kind: "missing", action: "repaired" }]);
    await w.clock.run(70_000);
    expect(w.told("drift")).toHaveLength(1);
    expect(w.told("expired")).toMatchObject([{ reason: "readBack" }, { reason: "readBack" }]);
    expect(w.table.size).toBe(0);
    expect(w.device.received.add).toBe(3);
  });

  test("somebody deletes it before its time: that is drift", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1, 1, { idleTimeout: 10 }));
    await w.begin();
    await w.clock.run(3000);
    w.device.tamper.delete(flow(1));
    await w.settle();
    expect(w.told("drift")).toHaveLength(1);
    expect(w.held()).toEqual(w.wanted());
  });

  test("the flow of another owner without a timeout takes its place", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1, 1, { hardTimeout: 5 }));
    w.table.setFlow(BOB, flow(1, 2));
    await w.begin();
    await w.clock.run(5001);
    expect(w.table.size).toBe(1);
    expect(w.held()).toEqual(w.wanted());
  });

  test("a switch that restarted has lost it: it comes back unless its hard timeout is over", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1, 1, { idleTimeout: 10 }));
    w.table.setFlow(ALICE, flow(2, 1, { hardTimeout: 10 }));
    w.table.setFlow(ALICE, flow(3, 1, { hardTimeout: 100 }));
    await w.begin();
    await w.clock.run(5000);
    w.device.hit(flow(1), 1);
    w.device.setReachable(false);
    w.device.restart();
    await w.clock.run(8000);
    w.device.setReachable(true);
    await w.clock.run(1000);
    expect(w.held()).toEqual(w.wanted());
    expect(w.device.size).toBe(2);
    expect(w.told("expired")).toMatchObject([{ flow: { hardTimeout: 10 }, reason: "readBack" }]);
  });

  test("an old flow that runs out while its successor is under way does not take the successor with it", async () => {
    for (let at = 9_960; at < 10_040; at += 10) {
      const w = world();
      w.table.setFlow(ALICE, flow(1, 1, { hardTimeout: 10, ...telling }));
      await w.begin();
      w.device.faults.delay({ requestMs: 20, replyMs: 20 });
      await w.clock.run(at);
      w.table.setFlow(ALICE, flow(1, 2));
      await w.clock.run(5000);
      await w.sync.settled();
      expect(w.held()).toEqual(w.wanted());
      expect(w.table.size).toBe(1);
    }
  });
});
