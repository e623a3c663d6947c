import { afterAll, describe, expect, test } from "vitest";
import type { BatchMessage, EventMessage } from "../../src/sync/diagnostics.ts";
import { METRICS, type Metrics } from "../../src/sync/metrics.ts";
import { RecordingLogger } from "../../src/testing/recording-logger.ts";
import { ALICE, expectNoFaults, flow, world } from "./harness.ts";

afterAll(expectNoFaults);

describe("what a synchroniser tells", () => {
  test("the way from start to in-sync, and back", async () => {
    const w = world();
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    w.device.disconnect();
    await w.clock.run(1000);
    await w.sync.stop();
    const way = w.told("state").map((event) => event.state.name);
    expect(way.join(" ")).toBe("connecting readingBack sending confirming inSync connecting readingBack inSync stopped");
  });

  test("counters and latency", async () => {
    const w = world();
    await w.begin();
    w.device.faults.delay({ requestMs: 20, replyMs: 30 });
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.clock.run(50);
    w.table.setFlow(ALICE, flow(1, 2));
    w.table.removeFlow(ALICE, flow(2));
    await w.clock.run(500);
    const status = w.sync.status();
    expect(status.counters).toMatchObject({ adds: 2, modifies: 1, deletes: 1, applied: 4, connects: 1, reconnects: 0 });
    expect(status.counters.bytesSent).toBe(w.device.received.bytes);
    expect(status.latency).toEqual({
      count: 4,
      lastMs: expect.any(Number),
      meanMs: expect.any(Number),
      maxMs: expect.any(Number),
    });
    expect(status.latency.maxMs).toBeGreaterThanOrEqual(50);
    expect(status.latency.maxMs).toBeLessThanOrEqual(150);
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
  });

  test("a listener that throws disturbs nobody", async () => {
    const logger = new RecordingLogger();
    const w = world({ sync: { logger } });
    let heard = 0;
    w.sync.subscribe(() => {
      throw new Error("mine");
    });
    const unsubscribe = w.sync.subscribe(() => {
      heard++;
    });
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    expect(w.held()).toEqual(w.wanted());
    const before = heard;
    expect(before).toBeGreaterThan(3);
    unsubscribe();
    w.table.setFlow(ALICE, flow(2));
    await w.settle();
    expect(heard).toBe(before);
  });

  test("a listener may change the table", async () => {
    const w = world();
    let once = true;
    w.sync.subscribe((event) => {
      if (event.type === "confirmed" && once) {
        once = false;
        w.table.setFlow(ALICE, flow(7));
      }
    });
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    expect(w.device.size).toBe(2);
  });

  test("metrics: only those that are listed, of the right kind, and equal to the counters", async () => {
    const kinds = new Map(METRICS.map((one) => [one.name, one.kind]));
    const sums = new Map<string, number>();
    const gauges = new Map<string, number>();
    const observed: number[] = [];
    const metrics: Metrics = {
      add: (name, value, labels) => {
        expect(kinds.get(name)).toBe("counter");
        const key = `${name} ${labels.switch} ${labels.kind ?? ""}`.trim();
        sums.set(key, (sums.get(key) ?? 0) + value);
      },
      set: (name, value) => {
        expect(kinds.get(name)).toBe("gauge");
        gauges.set(name, value);
      },
      observe: (name, value) => {
        expect(kinds.get(name)).toBe("histogram");
        observed.push(value);
      },
    };
    const w = world({ sync: { metrics, name: "br0" } });
    await w.begin();
    w.device.faults.delay({ replyMs: 250 });
    w.table.setFlow(ALICE, flow(1));
    await w.clock.run(300);
    w.device.faults.delay({ replyMs: 0 });
    w.device.tamper.delete(flow(1));
    await w.clock.run(300);
    expect(Object.fromEntries(sums)).toMatchObject({
      "ofsync_flow_mods_total br0 add": 2,
      "ofsync_flow_mod_fates_total br0 applied": 2,
      "ofsync_drift_total br0 repaired": 1,
      "ofsync_connects_total br0": 1,
      "ofsync_read_backs_total br0 complete": 1,
    });
    expect(observed).toEqual([0.25]);
    expect(gauges.get("ofsync_in_sync")).toBe(1);
    w.device.setReachable(false);
    await w.settle();
    expect(gauges.get("ofsync_in_sync")).toBe(0);
  });

  test("diagnostics: a channel for each event and one for batches, silent without subscribers", async () => {
    const published = new Map<string, unknown[]>();
    let listening = false;
    const diagnostics = {
      channel: (name: string) => {
        const messages: unknown[] = [];
        published.set(name, messages);
        return {
          get hasSubscribers() {
            return listening;
          },
          publish: (message: unknown) => void messages.push(message),
        };
      },
    };
    const w = world({ sync: { diagnostics, name: "br0" } });
    w.table.setFlow(ALICE, flow(1));
    await w.begin();
    expect([...published.values()].flat()).toEqual([]);
    listening = true;
    w.table.setFlow(ALICE, flow(2));
    await w.settle();
    const batches = published.get("ofsync:sync:batch") as BatchMessage[];
    expect(batches).toMatchObject([{ name: "br0", flowMods: 1, applied: 1, refused: 0, unknown: 0, atomic: false }]);
    const confirmed = published.get("ofsync:sync:confirmed") as EventMessage[];
    expect(confirmed).toMatchObject([{ name: "br0", event: { type: "confirmed", revision: 2 } }]);
  });
});

describe("options", () => {
  const bad: [string, Record<string, unknown>][] = [
    ["foreign", { foreign: "destroy" }],
    ["foreign", { foreign: "remove", ownership: { cookie: 1n, mask: 1n } }],
    ["adoptingOwner", { foreign: "adopt" }],
    ["onConnect", { onConnect: "reinstall", foreign: "keep" }],
    ["onConnect", { onConnect: "wipe" }],
    ["ownership.mask", { ownership: { cookie: 0n, mask: 0n } }],
    ["ownership.cookie", { ownership: { cookie: 2n, mask: 1n } }],
    ["ownership.cookie", { ownership: { cookie: 1, mask: 1n } }],
    ["batch.maxFlowMods", { batch: { maxFlowMods: 0 } }],
    ["batch.maxBytes", { batch: { maxBytes: 5 } }],
    ["batch.maxOutstanding", { batch: { maxOutstanding: 1.5 } }],
    ["batch.atomic", { batch: { atomic: "yes" } }],
    ["audit.bytesPerSecond", { audit: { bytesPerSecond: Number.NaN } }],
    ["retry.jitter", { retry: { jitter: 2 } }],
    ["retry.maxMs", { retry: { initialMs: 100, maxMs: 10 } }],
    ["expired", { expired: "never" }],
    ["stopTimeoutMs", { stopTimeoutMs: -1 }],
  ];
  for (const [field, options] of bad) {
    test(`${field}: ${Object.keys(options).join(", ")} is refused with its place`, () => {
      expect(() => world({ sync: options })).toThrow(expect.objectContaining({ code: "SYNC_OPTION", place: { field } }));
    });
  }
});
