import { afterAll, describe, expect, test } from "vitest";
import { ALICE, BOB, expectNoFaults, flow, stateOf, world } from "./harness.ts";

afterAll(expectNoFaults);

describe("settled", () => {
  test("S61: it resolves when the switch has answered, not before", async () => {
    const w = world();
    await w.begin();
    w.device.faults.delay({ replyMs: 50 });
    w.table.setFlow(ALICE, flow(1));
    const settled = w.sync.settled();
    await w.clock.run(49);
    expect(w.held()).toHaveLength(1);
    expect(await stateOf(settled)).toBe("pending");
    await w.clock.run(1);
    expect(await settled).toEqual({ revision: w.table.revision, epoch: 1, refused: [], pending: 0 });
  });

  test("S62: a change while one is under way: each caller waits for what it named", async () => {
    const w = world();
    await w.begin();
    w.device.faults.delay({ requestMs: 10, replyMs: 10 });
    w.table.setFlow(ALICE, flow(1));
    const first = w.sync.settled();
    await w.clock.run(5);
    w.table.setFlow(ALICE, flow(2));
    const second = w.sync.settled();
    await w.clock.run(15);
    expect(await first).toMatchObject({ revision: 1, pending: 1 });
    expect(await stateOf(second)).toBe("pending");
    await w.clock.run(20);
    expect(await second).toMatchObject({ revision: 2, pending: 0 });
  });

  test("S63: a change that needs no flow-mod is confirmed with what is under way, not before", async () => {
    const w = world();
    await w.begin();
    w.device.faults.delay({ replyMs: 10 });
    w.table.setFlow(ALICE, flow(1));
    await w.clock.run(1);
    w.table.setFlow(BOB, flow(1, 2));
    const settled = w.sync.settled();
    await w.clock.run(8);
    expect(await stateOf(settled)).toBe("pending");
    await w.clock.run(2);
    expect(await settled).toMatchObject({ revision: 2, pending: 0 });
    expect(w.device.received).toMatchObject({ add: 1, modify: 0, delete: 0 });
  });

  test("S64 and S13: with nothing to do it resolves at once and nothing is sent", async () => {
    const w = world();
    await w.begin();
    w.table.setFlow(ALICE, flow(1));
    await w.settle();
    const before = w.device.received;
    await w.sync.settled();
    w.table.setFlow(ALICE, flow(1));
    await w.clock.run(1000);
    await w.sync.settled();
    expect(w.device.received).toEqual(before);
  });

  test("S65: a revision that comes while a batch is under way is not confirmed by that batch", async () => {
    const w = world();
    await w.begin();
    w.device.faults.delay({ requestMs: 30, replyMs: 30 });
    w.table.setFlow(ALICE, flow(1));
    await w.clock.run(31);
    w.table.setFlow(ALICE, flow(1, 2));
    const settled = w.sync.settled();
    await w.clock.run(29);
    expect(await stateOf(settled)).toBe("pending");
    await w.clock.run(60);
    await settled;
    expect(w.held()).toEqual(w.wanted());
  });

  test("S66: asking for an older revision resolves at once, with what is confirmed", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.begin();
    expect(await w.sync.settled(1)).toMatchObject({ revision: 2, pending: 0 });
    expect(await w.sync.settled(0)).toMatchObject({ revision: 2 });
  });

  test("S67 and S101: what is not yet in the table is not confirmed, however much else is", async () => {
    const w = world();
    await w.begin();
    const later = w.sync.settled(w.table.revision + 2);
    w.table.setFlow(ALICE, flow(1));
    await w.clock.run(1000);
    expect(await stateOf(later)).toBe("pending");
    w.table.setFlow(ALICE, flow(2));
    await w.settle();
    expect(await later).toMatchObject({ revision: 2 });
    expect(w.held()).toEqual(w.wanted());
  });

  test("S71 and S82: a full replacement while the switch is busy costs one flow-mod a key at most", async () => {
    const w = world();
    for (let i = 1; i <= 10; i++) w.table.setFlow(ALICE, flow(i));
    await w.begin();
    w.device.faults.delay({ requestMs: 10, replyMs: 10 });
    w.table.setFlow(ALICE, flow(1, 5));
    await w.clock.run(1);
    for (let to = 2; to <= 4; to++) {
      w.table.clear();
      w.table.setFlows(
        ALICE,
        Array.from({ length: 10 }, (_, i) => flow(i + 1, to)),
      );
    }
    w.table.setFlows(
      ALICE,
      Array.from({ length: 10 }, (_, i) => flow(i + 1, i < 5 ? 1 : 6)),
    );
    await w.clock.run(200);
    expect(w.held()).toEqual(w.wanted());
    // Flow 1 twice, flows 6 to 10 once; flows 2 to 5 ended as they were.
    expect(w.device.received).toMatchObject({ add: 10, modify: 7, delete: 0 });
  });

  test("S68: a revision beyond 32 bits is waited for exactly", async () => {
    const w = world();
    await w.begin();
    w.table.setFlow(ALICE, flow(1));
    const far = w.sync.settled(2 ** 32 + 1);
    await w.clock.run(1000);
    expect(await stateOf(far)).toBe("pending");
    const stopped = w.sync.stop();
    await expect(far).rejects.toMatchObject({ code: "SYNC_STOPPED" });
    await stopped;
  });

  test("S72: a change in any state before in-sync is sent without another push", async () => {
    const w = world();
    w.device.faults.delay({ requestMs: 10, replyMs: 10 });
    w.sync.start();
    for (let i = 1; i <= 12; i++) {
      w.table.setFlow(ALICE, flow(i));
      await w.clock.run(3);
    }
    await w.clock.run(200);
    expect(w.held()).toEqual(w.wanted());
    expect(w.sync.state.name).toBe("inSync");
  });

  test("S73: a switch that stands still acknowledges nothing until it goes on", async () => {
    const w = world({ device: { replyTimeoutMs: 1e9 } });
    await w.begin();
    w.device.faults.delay({ requestMs: 60_000 });
    w.table.setFlow(ALICE, flow(1));
    const settled = w.sync.settled();
    await w.clock.run(59_000);
    expect(await stateOf(settled)).toBe("pending");
    await w.clock.run(2000);
    expect(await settled).toMatchObject({ revision: 1 });
  });

  test("S74: after the connection is lost nothing is acknowledged, not even what once was", async () => {
    const w = world();
    await w.begin();
    w.table.setFlow(ALICE, flow(1));
    await w.settle();
    expect(w.sync.status().confirmedRevision).toBe(1);
    w.device.setReachable(false);
    await w.settle();
    const old = w.sync.settled(1);
    w.table.setFlow(ALICE, flow(2));
    const fresh = w.sync.settled();
    await w.clock.run(60_000);
    expect(await stateOf(old)).toBe("pending");
    expect(await stateOf(fresh)).toBe("pending");
    expect(w.sync.status().confirmedRevision).toBeUndefined();
    w.device.setReachable(true);
    await w.clock.run(1000);
    expect(await fresh).toMatchObject({ revision: 2, epoch: 2 });
    expect(await old).toMatchObject({ epoch: 2 });
  });

  test("a reply of the old connection confirms nothing on the new one", async () => {
    const w = world();
    await w.begin();
    w.device.faults.loseReplies({ applied: false, disconnect: true });
    w.table.setFlow(ALICE, flow(1));
    const settled = w.sync.settled();
    await w.clock.run(50);
    expect(await stateOf(settled)).toBe("pending");
    expect(w.held()).toEqual([]);
    await w.clock.run(1000);
    expect(await settled).toMatchObject({ epoch: 2 });
    expect(w.held()).toEqual(w.wanted());
  });

  test("it can be called before start and waits", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    const settled = w.sync.settled();
    await w.settle();
    expect(await stateOf(settled)).toBe("pending");
    await w.begin();
    expect(await settled).toMatchObject({ revision: 1 });
  });

  test("an aborted signal ends the waiting with its reason, and only that caller's", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    const abort = new AbortController();
    const impatient = w.sync.settled(undefined, { signal: abort.signal });
    const patient = w.sync.settled();
    abort.abort(new Error("enough"));
    await expect(impatient).rejects.toThrow("enough");
    await expect(w.sync.settled(1, { signal: abort.signal })).rejects.toThrow("enough");
    expect(w.sync.status().waiting).toBe(1);
    await w.begin();
    await patient;
  });

  test("a revision that is no number is refused", async () => {
    const w = world();
    await expect(w.sync.settled(-1)).rejects.toMatchObject({ code: "SYNC_OPTION" });
    await expect(w.sync.settled(1.5)).rejects.toMatchObject({ code: "SYNC_OPTION" });
  });

  test("somebody else's change takes the acknowledgement back until it is undone", async () => {
    const w = world();
    await w.begin();
    w.table.setFlow(ALICE, flow(1));
    await w.settle();
    w.device.faults.delay({ requestMs: 10, replyMs: 10 });
    w.device.tamper.delete(flow(1));
    await w.clock.run(10);
    const settled = w.sync.settled();
    expect(await stateOf(settled)).toBe("pending");
    await w.clock.run(20);
    await settled;
    expect(w.held()).toEqual(w.wanted());
  });
});

test("drift that is seen while a round is under way: the round's answers do not confirm", async () => {
  const w = world();
  w.table.setFlow(ALICE, flow(1));
  await w.begin();
  w.device.faults.delay({ requestMs: 10, replyMs: 20 });
  w.table.setFlow(ALICE, flow(2));
  let held: string[] | undefined;
  const settled = w.sync.settled().then(() => {
    held = w.held();
  });
  await w.clock.run(5);
  w.device.tamper.delete(flow(1));
  await w.clock.run(200);
  await settled;
  expect(held).toEqual(w.wanted());
});

describe("stop", () => {
  test("waiters are rejected, the switch keeps its flows, nothing more is sent (S104)", async () => {
    const w = world();
    await w.begin();
    w.table.setFlow(ALICE, flow(1));
    await w.settle();
    w.device.faults.delay({ replyMs: 10 });
    w.table.setFlow(ALICE, flow(2));
    const settled = w.sync.settled();
    const stopped = w.sync.stop();
    await expect(settled).rejects.toMatchObject({ code: "SYNC_STOPPED" });
    await w.clock.run(5000);
    await stopped;
    await w.sync.stop();
    const { received } = w.device;
    w.table.setFlow(ALICE, flow(3));
    await w.clock.run(5000);
    expect(w.device.received).toEqual(received);
    expect(w.held()[0]).toBe(w.wanted()[0]);
    expect(w.sync.state).toEqual({ name: "stopped" });
    await expect(w.sync.settled()).rejects.toMatchObject({ code: "SYNC_STOPPED" });
    expect(() => w.sync.start()).toThrow(expect.objectContaining({ code: "SYNC_STOPPED" }));
  });

  test("answers to what is already sent are waited for, within limits", async () => {
    const w = world({ sync: { stopTimeoutMs: 200 } });
    await w.begin();
    w.device.faults.delay({ replyMs: 100 });
    w.table.setFlow(ALICE, flow(1));
    await w.settle();
    let stopped = false;
    void w.sync.stop().then(() => {
      stopped = true;
    });
    await w.clock.run(99);
    expect(stopped).toBe(false);
    await w.clock.run(1);
    expect(stopped).toBe(true);
    expect(w.table.installed.size).toBe(0);
    expect(w.clock.pending).toBe(0);
  });

  test("a switch that never answers does not hold it up for longer", async () => {
    const w = world({ sync: { stopTimeoutMs: 200 } });
    await w.begin();
    w.device.faults.delay({ replyMs: 1e9 });
    w.table.setFlow(ALICE, flow(1));
    await w.settle();
    let stopped = false;
    void w.sync.stop().then(() => {
      stopped = true;
    });
    await w.clock.run(200);
    expect(stopped).toBe(true);
  });

  test("in every state it ends", async () => {
    for (const at of [0, 1, 5, 10, 15, 25, 100, 150]) {
      const w = world({ device: { maxFlowModsInFlight: 1 } });
      w.device.faults.delay({ requestMs: 10, replyMs: 10 });
      w.table.setFlow(ALICE, flow(1));
      w.table.setFlow(ALICE, flow(2));
      w.sync.start();
      await w.clock.run(at);
      if (at === 100) w.device.setReachable(false);
      if (at === 150) w.device.faults.failReads({ afterFlows: 0, how: "stall" });
      if (at === 150) w.device.faults.loseEvents(1);
      let stopped = false;
      void w.sync.stop().then(() => {
        stopped = true;
      });
      await w.clock.run(1000);
      expect(stopped, `stopped after ${at} ms`).toBe(true);
    }
  });

  test("the transport stays open when asked", async () => {
    const w = world({ sync: { closeTransport: false } });
    await w.begin();
    await w.sync.stop();
    expect(w.device.isUp).toBe(true);
  });

  test("a synchroniser that was never started can be stopped", async () => {
    const w = world();
    await w.sync.stop();
    expect(w.sync.state.name).toBe("stopped");
  });
});
