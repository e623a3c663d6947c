import { afterAll, describe, expect, test } from "vitest";
import { ADOPTER, ALICE, describeFlow, expectNoFaults, flow, type World, type WorldOptions, world } from "./harness.ts";

afterAll(expectNoFaults);

const ownership = { cookie: 0x5500n, mask: 0xff00n };
const ours = (n: number, to = 1) => flow(n, to, { cookie: 0x5500n | BigInt(n) });
const theirs = (n: number, to = 1) => flow(n, to, { cookie: 0x7700n });

function owned(options: WorldOptions = {}): World {
  return world({ ...options, sync: { ownership, ...options.sync } });
}

describe("with an ownership mask", () => {
  test("foreign flows stay, flows of ours that nobody wants go", async () => {
    const w = owned();
    w.device.tamper.add(theirs(1));
    w.device.tamper.add(ours(2));
    w.device.tamper.add(ours(3));
    w.table.setFlow(ALICE, ours(3));
    w.table.setFlow(ALICE, ours(4));
    await w.begin();
    expect(w.held()).toEqual([theirs(1), ours(3), ours(4)].map(describeFlow).sort());
    expect(w.device.received).toMatchObject({ add: 1, modify: 0, delete: 1 });
    expect(w.sync.status().foreign).toBe(1);
  });

  test("a foreign flow on a wanted key is not touched; the flow goes in when the place is free", async () => {
    const w = owned();
    w.device.tamper.add(theirs(1));
    w.table.setFlow(ALICE, ours(1));
    w.table.setFlow(ALICE, ours(2));
    await w.begin();
    expect(w.held()).toEqual([theirs(1), ours(2)].map(describeFlow).sort());
    const report = await w.sync.settled();
    expect(report.refused).toMatchObject([
      { command: "add", error: { code: "SYNC_OCCUPIED" }, retryInMs: Number.POSITIVE_INFINITY },
    ]);
    expect(w.sync.status().counters).toMatchObject({ withheld: 1, refused: 0 });
    w.device.tamper.delete(theirs(1));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
    expect((await w.sync.settled()).refused).toEqual([]);
  });

  test("a key that is wanted later than the foreign flow was seen is occupied as well", async () => {
    const w = owned({ device: { capabilities: { monitor: false } }, sync: { audit: { when: "never" } } });
    w.device.tamper.add(theirs(1));
    await w.begin();
    w.table.setFlow(ALICE, ours(1));
    await w.settle();
    expect(w.held()).toEqual([describeFlow(theirs(1))]);
    expect((await w.sync.settled()).refused).toHaveLength(1);
  });

  test("a foreign flow that goes away during the read-back does not block its place for ever", async () => {
    for (const at of [9, 10, 11, 19, 20, 21]) {
      const w = owned({ device: { chunkSize: 1 } });
      for (let i = 1; i <= 5; i++) w.device.tamper.add(theirs(i));
      w.table.setFlow(ALICE, ours(5));
      w.device.faults.delay({ requestMs: 10, replyMs: 10 });
      w.sync.start();
      await w.clock.run(at);
      w.device.tamper.delete(theirs(5));
      await w.clock.run(500);
      expect(w.held()).toContain(describeFlow(ours(5)));
      expect((await w.sync.settled()).refused).toEqual([]);
    }
  });

  test("without a monitor, the next audit finds the place free", async () => {
    const w = owned({ device: { capabilities: { monitor: false } } });
    w.device.tamper.add(theirs(1));
    w.table.setFlow(ALICE, ours(1));
    await w.begin();
    w.device.tamper.delete(theirs(1));
    await w.clock.run(7000);
    expect(w.held()).toEqual(w.wanted());
  });

  test("somebody writes over a flow of ours: the place is theirs, and that is reported", async () => {
    const w = owned();
    w.table.setFlow(ALICE, ours(1));
    await w.begin();
    w.device.tamper.add(theirs(1));
    await w.clock.run(60_000);
    expect(w.held()).toEqual([describeFlow(theirs(1))]);
    expect(w.told("drift")).toMatchObject([{ kind: "altered", action: "kept" }]);
    expect((await w.sync.settled()).refused).toMatchObject([{ error: { code: "SYNC_OCCUPIED" } }]);
    w.table.removeFlow(ALICE, ours(1));
    await w.settle();
    expect(w.held()).toEqual([describeFlow(theirs(1))]);
    expect((await w.sync.settled()).refused).toEqual([]);
  });

  test("without a monitor, too: a modify or a delete on its way does not hit what somebody wrote over our flow", async () => {
    for (const change of ["modify", "delete"] as const) {
      const w = owned({ device: { capabilities: { monitor: false } }, sync: { audit: { when: "never" } } });
      w.table.setFlow(ALICE, ours(1));
      await w.begin();
      w.device.tamper.add(theirs(1, 4));
      if (change === "modify") w.table.setFlow(ALICE, ours(1, 2));
      else w.table.removeFlow(ALICE, ours(1));
      await w.settle();
      expect(w.device.received[change]).toBe(1);
      expect(w.held()).toEqual([describeFlow(theirs(1, 4))]);
    }
  });

  test("what others do to their own flows is none of our business", async () => {
    const w = owned();
    w.table.setFlow(ALICE, ours(1));
    await w.begin();
    const { received } = w.device;
    w.device.tamper.add(theirs(5));
    w.device.tamper.modify(theirs(5, 2));
    w.device.tamper.delete(theirs(5));
    w.device.tamper.add(theirs(6));
    await w.clock.run(60_000);
    expect(w.device.received).toEqual(received);
    expect(w.told("drift")).toEqual([]);
  });

  test("what others do to our flows is undone", async () => {
    const w = owned();
    w.table.setFlow(ALICE, ours(1));
    w.table.setFlow(ALICE, ours(2));
    await w.begin();
    w.device.tamper.modify(ours(1, 9));
    w.device.tamper.delete(ours(2));
    w.device.tamper.add(ours(8));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
  });

  test("a flow with a cookie that is not ours is never sent", async () => {
    const w = owned();
    w.table.setFlow(ALICE, flow(1, 1, { cookie: 0x6601n }));
    w.table.setFlow(ALICE, ours(2));
    await w.begin();
    expect(w.held()).toEqual([describeFlow(ours(2))]);
    expect((await w.sync.settled()).refused).toMatchObject([{ error: { code: "SYNC_OUTSIDE_OWNERSHIP" } }]);
    w.table.setFlow(ALICE, ours(1));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
  });

  test("a reinstall clears what is ours and nothing else", async () => {
    const w = owned({ sync: { onConnect: "reinstall" } });
    w.device.tamper.add(theirs(1));
    w.device.tamper.add(theirs(2));
    w.device.tamper.add(ours(3));
    w.device.tamper.add(ours(4));
    w.table.setFlow(ALICE, ours(1));
    w.table.setFlow(ALICE, ours(4));
    await w.begin();
    expect(w.held()).toEqual([theirs(1), theirs(2), ours(4)].map(describeFlow).sort());
    expect((await w.sync.settled()).refused).toMatchObject([{ error: { code: "SYNC_OCCUPIED" } }]);
  });
});

describe("without a mask", () => {
  test("keep: flows of others stay, flows that we put there and gave up while away are removed", async () => {
    const w = world({ sync: { foreign: "keep" } });
    w.device.tamper.add(flow(9));
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.begin();
    w.device.setReachable(false);
    await w.settle();
    w.table.removeFlow(ALICE, flow(1));
    w.device.setReachable(true);
    await w.clock.run(1000);
    expect(w.held()).toEqual([flow(2), flow(9)].map(describeFlow).sort());
    w.table.setFlow(ALICE, flow(9, 3));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
  });

  test("adopt: what is there belongs to the adopting owner and is defended from then on", async () => {
    const w = world({ sync: { foreign: "adopt", adoptingOwner: ADOPTER } });
    w.device.tamper.add(flow(8));
    w.device.tamper.add(flow(9));
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    expect(w.device.received).toMatchObject({ add: 1, modify: 0, delete: 0 });
    expect(w.table.flowsOf(ADOPTER)).toHaveLength(2);
    expect(w.sync.status().counters.adopted).toBe(2);
    w.device.tamper.delete(flow(8));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
    await w.sync.settled();
  });

  test("adopt: a failed read adopts nothing", async () => {
    const w = world({ sync: { foreign: "adopt", adoptingOwner: ADOPTER } });
    for (let i = 1; i <= 5; i++) w.device.tamper.add(flow(i));
    w.device.faults.failReads({ afterFlows: 3, how: "error" });
    w.sync.start();
    await w.clock.run(50);
    expect(w.table.size).toBe(0);
    await w.clock.run(5000);
    expect(w.table.flowsOf(ADOPTER)).toHaveLength(5);
  });
});
