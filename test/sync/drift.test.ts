import { afterAll, describe, expect, test } from "vitest";
import { FlowFlag } from "../../src/flow/flow.ts";
import { ADOPTER, ALICE, expectNoFaults, flow, world } from "./harness.ts";

afterAll(expectNoFaults);

const withoutMonitor = { capabilities: { monitor: false } };

describe("with a flow monitor", () => {
  test("S102: a deleted flow is put back within a second", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.begin();
    w.device.faults.delay({ requestMs: 20, replyMs: 20 });
    w.device.tamper.delete(flow(1));
    await w.clock.run(60);
    expect(w.held()).toEqual(w.wanted());
    expect(w.told("drift")).toMatchObject([{ kind: "missing", action: "repaired", source: "monitor" }]);
    expect(w.sync.status().counters.repaired).toBe(1);
  });

  test("an altered flow is set right: modify for instructions, add for the rest", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.begin();
    w.device.tamper.modify(flow(1, 9));
    w.device.tamper.add(flow(2, 1, { cookie: 7 }));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
    expect(w.sync.status().counters).toMatchObject({ modifies: 1, adds: 3, repaired: 2 });
    expect(w.told("drift").map((event) => event.kind)).toEqual(["altered", "altered"]);
  });

  test("S103: a foreign flow is removed, kept or adopted, as the policy says", async () => {
    const removing = world();
    await removing.begin();
    removing.device.tamper.add(flow(9));
    await removing.settle();
    expect(removing.held()).toEqual([]);
    expect(removing.told("drift")).toMatchObject([{ kind: "unwanted", action: "removed" }]);

    const keeping = world({ sync: { foreign: "keep" } });
    await keeping.begin();
    keeping.device.tamper.add(flow(9));
    await keeping.clock.run(60_000);
    expect(keeping.device.size).toBe(1);
    expect(keeping.told("drift")).toMatchObject([{ kind: "unwanted", action: "kept" }]);
    expect(keeping.sync.status().counters).toMatchObject({ kept: 1, deletes: 0 });

    const adopting = world({ sync: { foreign: "adopt", adoptingOwner: ADOPTER } });
    await adopting.begin();
    adopting.device.tamper.add(flow(9));
    await adopting.settle();
    expect(adopting.table.flowsOf(ADOPTER)).toHaveLength(1);
    expect(adopting.device.received.add).toBe(0);
    adopting.device.tamper.delete(flow(9));
    await adopting.settle();
    expect(adopting.device.size).toBe(1);
    adopting.table.removeFlows(ADOPTER);
    await adopting.settle();
    expect(adopting.device.size).toBe(0);
  });

  test("our own changes are no drift", async () => {
    const w = world();
    await w.begin();
    for (let i = 1; i <= 20; i++) w.table.setFlow(ALICE, flow(i % 7, i % 3));
    await w.settle();
    for (let i = 1; i <= 20; i++) w.table.removeFlow(ALICE, flow(i % 5));
    await w.settle();
    expect(w.told("drift")).toEqual([]);
    expect(w.sync.status().counters).toMatchObject({ repaired: 0, readBacks: 1 });
  });

  test("somebody does what we want anyway: no drift, nothing to send", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    const { received } = w.device;
    w.device.tamper.add(flow(1));
    w.device.tamper.delete(flow(8));
    await w.settle();
    expect(w.device.received).toEqual(received);
    expect(w.told("drift")).toEqual([]);
  });

  test("a change that crosses ours on the way: read back decides, not a guess", async () => {
    for (const requestMs of [0, 5, 10]) {
      const w = world();
      w.table.setFlow(ALICE, flow(1));
      await w.begin();
      w.device.faults.delay({ requestMs, replyMs: 10 });
      w.table.setFlow(ALICE, flow(1, 2));
      await w.clock.run(1);
      w.device.tamper.delete(flow(1));
      const settled = w.sync.settled();
      await w.clock.run(200);
      await settled;
      expect(w.held()).toEqual(w.wanted());
    }
  });

  test("a change that hits a flow-mod which is made and not yet sent is not overlooked", async () => {
    const w = world({ sync: { batch: { maxFlowMods: 2, atomic: "never" } } });
    for (let i = 1; i <= 4; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    w.device.faults.delay({ requestMs: 10, replyMs: 10 });
    // The second batch changes flow 3 and deletes flow 4, so it waits until the first is answered.
    for (let i = 1; i <= 3; i++) w.table.setFlow(ALICE, flow(i, 2));
    w.table.removeFlow(ALICE, flow(4));
    w.device.tamper.delete(flow(3));
    await w.clock.run(500);
    await w.sync.settled();
    expect(w.held()).toEqual(w.wanted());
  });

  test("the FLOW_REMOVED that follows what the monitor told is not taken for a second deletion", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1, 1, { flags: FlowFlag.sendFlowRemoved }));
    await w.begin();
    for (let i = 1; i <= 5; i++) {
      w.device.tamper.delete(flow(1));
      await w.clock.run(10);
      expect(w.told("drift")).toHaveLength(i);
      expect(w.device.received.add).toBe(1 + i);
    }
    expect(w.sync.status().counters.readBacks).toBe(1);
  });

  test("lost events: the switch is read back before anything is confirmed", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.begin();
    w.device.faults.loseEvents(3);
    w.device.tamper.delete(flow(1));
    w.device.tamper.add(flow(2, 9));
    w.device.tamper.add(flow(3));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
    expect(w.sync.status().counters.readBacks).toBe(2);
    expect(w.told("drift").map((event) => event.source)).toEqual(["readBack", "readBack", "readBack"]);
  });

  test("events that get lost after the read-back for the first of them are not overlooked", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.begin();
    w.device.faults.loseEvents(2);
    w.device.tamper.delete(flow(1));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
    w.device.faults.clear();
    w.device.faults.loseEvents(3);
    w.device.tamper.add(flow(5));
    await w.settle();
    w.device.tamper.delete(flow(1));
    await w.settle();
    w.device.tamper.delete(flow(2));
    await w.settle();
    expect(w.held()).toEqual(w.wanted());
  });

  test("changes during the first read-back are not overlooked", async () => {
    for (const at of [5, 15, 25]) {
      const w = world();
      w.device.tamper.add(flow(1));
      w.device.tamper.add(flow(3));
      w.table.setFlow(ALICE, flow(1));
      w.table.setFlow(ALICE, flow(2));
      w.device.faults.delay({ requestMs: 10, replyMs: 10 });
      w.sync.start();
      await w.clock.run(at);
      w.device.tamper.delete(flow(1));
      w.device.tamper.delete(flow(3));
      w.device.tamper.add(flow(4));
      await w.clock.run(200);
      await w.sync.settled();
      expect(w.held()).toEqual(w.wanted());
    }
  });
});

describe("without a monitor", () => {
  test("audits find what is missing, altered and unwanted", async () => {
    const w = world({ device: withoutMonitor });
    for (let i = 1; i <= 4; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    w.device.tamper.delete(flow(1));
    w.device.tamper.modify(flow(2, 9));
    w.device.tamper.add(flow(9));
    await w.clock.run(4000);
    expect(w.told("drift")).toEqual([]);
    await w.clock.run(2000);
    expect(w.held()).toEqual(w.wanted());
    const seen = w.told("drift").map((event) => `${event.kind} ${event.action} ${event.source}`);
    expect(seen.sort()).toEqual(["altered repaired readBack", "missing repaired readBack", "unwanted removed readBack"]);
    expect(w.sync.status().counters).toMatchObject({ audits: 1, repaired: 3 });
  });

  test("their interval follows from the budget of bytes", async () => {
    const w = world({ device: withoutMonitor, sync: { audit: { bytesPerSecond: 100, minIntervalMs: 1000 } } });
    for (let i = 1; i <= 20; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    await w.clock.run(600_000);
    const { counters } = w.sync.status();
    const bytes = w.told("readBack").at(-1)?.result.bytes ?? 0;
    expect(bytes).toBe(20 * (80 + 8 + 24));
    expect(counters.audits).toBeGreaterThan(20);
    expect(counters.bytesRead / 600).toBeLessThanOrEqual(100);
  });

  test("they can be switched off, or on beside a monitor", async () => {
    const never = world({ device: withoutMonitor, sync: { audit: { when: "never" } } });
    await never.begin();
    await never.clock.run(100_000);
    expect(never.device.received.reads).toBe(1);

    const always = world({ sync: { audit: { when: "always" } } });
    await always.begin();
    await always.clock.run(20_000);
    expect(always.sync.status().counters.audits).toBe(3);

    const byMonitor = world();
    await byMonitor.begin();
    await byMonitor.clock.run(100_000);
    expect(byMonitor.device.received.reads).toBe(1);
  });

  test("changes go on being sent while an audit reads, and neither spoils the other", async () => {
    const w = world({ device: { ...withoutMonitor, chunkSize: 1 }, sync: { audit: { minIntervalMs: 100 } } });
    for (let i = 1; i <= 10; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    w.device.faults.delay({ requestMs: 7, replyMs: 13 });
    for (let i = 0; i < 400; i++) {
      if (i % 3 === 0) w.table.setFlow(ALICE, flow(1 + (i % 10), i % 4));
      else if (i % 3 === 1) w.table.removeFlow(ALICE, flow(1 + (i % 10)));
      await w.clock.run(5);
    }
    await w.clock.run(500);
    expect(w.held()).toEqual(w.wanted());
    expect(w.told("drift")).toEqual([]);
    expect(w.sync.status().counters.audits).toBeGreaterThan(10);
  });

  test("a failed audit changes nothing and is tried again", async () => {
    const w = world({ device: withoutMonitor });
    for (let i = 1; i <= 4; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    w.device.faults.failReads({ afterFlows: 2, how: "error" });
    await w.clock.run(7000);
    expect(w.told("readBackFailed")).toMatchObject([{ purpose: "audit" }]);
    expect(w.device.received.delete).toBe(0);
    expect(w.sync.state.name).toBe("inSync");
    await w.clock.run(7000);
    expect(w.sync.status().counters.audits).toBe(1);
  });

  test("an audit that is cut off by the connection does no harm", async () => {
    const w = world({ device: withoutMonitor });
    for (let i = 1; i <= 4; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    w.device.faults.failReads({ afterFlows: 2, how: "disconnect" });
    await w.clock.run(12_000);
    expect(w.device.received).toMatchObject({ add: 4, delete: 0 });
    expect(w.held()).toEqual(w.wanted());
  });
});
