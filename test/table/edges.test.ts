import { describe, expect, it } from "vitest";
import { Flow } from "../../src/flow/flow.ts";
import { Match } from "../../src/flow/match.ts";
import { DesiredFlowTable, type FlowDraft } from "../../src/table/desired-table.ts";
import { FlowList } from "../../src/table/flow-list.ts";
import { InstalledFlowTable } from "../../src/table/installed-table.ts";
import { KeyedHash } from "../../src/table/keyed-hash.ts";
import { ownerFor } from "../../src/table/owner-id.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { RecordingLogger } from "../../src/testing/recording-logger.ts";
import { flowOf, numbers, output, put } from "./flows.ts";

const U = ownerFor("u");
const V = ownerFor("v");

describe("owners", () => {
  it("are UUIDs in any case, and always the same for a name", () => {
    const table = new DesiredFlowTable();
    table.addFlow("ABCDEF00-0000-4000-8000-000000000001", flowOf(1, output(1)));
    expect(table.owners()).toEqual(["abcdef00-0000-4000-8000-000000000001"]);
    expect(table.addFlow("abcdef00-0000-4000-8000-000000000001", flowOf(1, output(1)))).toBe("unchanged");
    expect(ownerFor("physical")).toBe(ownerFor("physical"));
    expect(ownerFor("physical")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it.each([
    "",
    "x",
    "abcdef00-0000-4000-8000-00000000000",
    "abcdef00x0000-4000-8000-000000000001",
    "gbcdef00-0000-4000-8000-000000000001",
    "abcdef0é-0000-4000-8000-000000000001",
    7,
    null,
    undefined,
    {},
  ])("refuses %j and changes nothing", (owner) => {
    const table = new DesiredFlowTable();
    for (const call of [
      () => table.addFlow(owner as string, flowOf(1, output(1))),
      () => table.setFlows(owner as string, []),
      () => table.removeFlows(owner as string),
      () => table.flowsOf(owner as string),
      () =>
        table.replaceAll([
          [U, flowOf(1, output(1))],
          [owner as string, flowOf(2, output(1))],
        ]),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: "OWNER_INVALID" }));
    }
    expect(table.size).toBe(0);
    expect(table.revision).toBe(0);
  });
});

describe("all or nothing", () => {
  it("one bad flow among many changes nothing", () => {
    const table = new DesiredFlowTable();
    table.setFlows(U, [flowOf(1, output(1))]);
    const bad = [flowOf(2, output(1)), { table: 1 } as unknown as Flow, flowOf(3, output(1))];
    expect(() => table.setFlows(U, bad)).toThrow(expect.objectContaining({ code: "FLOW_TYPE", place: { index: 1 } }));
    expect(() => table.replaceAll([[V, bad]])).toThrow(expect.objectContaining({ code: "FLOW_TYPE" }));
    expect(table.flowsOf(U)).toHaveLength(1);
    expect(table.ownerCount).toBe(1);
    expect(table.revision).toBe(1);
    table.validate();
  });

  it("a transaction that throws leaves no trace, events included; one that does not has one revision", () => {
    const table = new DesiredFlowTable();
    const events: unknown[] = [];
    table.addFlow(U, flowOf(1, output(1)));
    put(table);
    table.subscribe((event) => events.push(event));
    expect(() =>
      table.transaction(() => {
        table.removeFlows(U);
        table.addFlow(V, flowOf(1, output(2)));
        table.addFlow(V, flowOf(1, output(3)));
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(events).toEqual([]);
    expect(table.startRound()).toBeUndefined();
    table.transaction(() => {
      table.addFlow(V, flowOf(1, output(2)));
      table.addFlow(V, flowOf(2, output(2)));
    });
    expect(events).toEqual([{ type: "changed", revision: 2 }]);
  });

  it("a transaction inside another that is caught is undone alone", () => {
    const table = new DesiredFlowTable();
    table.transaction(() => {
      table.addFlow(U, flowOf(1, output(1)));
      expect(() =>
        table.transaction(() => {
          table.removeFlows(U);
          table.addFlow(V, flowOf(2, output(1)));
          throw new Error("inner");
        }),
      ).toThrow("inner");
      table.addFlow(U, flowOf(3, output(1)));
    });
    expect(table.owners()).toEqual([U]);
    expect(table.flowsOf(U)).toHaveLength(2);
    expect(table.revision).toBe(1);
    table.validate();
  });

  it("refuses asynchronous transactions, rounds inside transactions, and two rounds at a time", () => {
    const table = new DesiredFlowTable();
    expect(() => table.transaction(async () => table.addFlow(U, flowOf(1, output(1))))).toThrow(
      expect.objectContaining({ code: "TRANSACTION_ASYNC" }),
    );
    expect(table.size).toBe(0);
    table.addFlow(U, flowOf(1, output(1)));
    expect(() => table.transaction(() => table.startRound())).toThrow(expect.objectContaining({ code: "TRANSACTION_OPEN" }));
    const round = table.startRound();
    expect(() => table.startRound()).toThrow(expect.objectContaining({ code: "ROUND_OPEN" }));
    round?.cancel();
    expect(put(table)).toHaveLength(1);
  });

  it("a policy that throws leaves the table as it was", () => {
    let fails = false;
    const refuse = (): number => {
      if (fails) throw new Error("cannot decide");
      return 0;
    };
    const table = new DesiredFlowTable({
      policy: { name: "moody", compare: refuse, merge: (all) => (refuse() === 0 ? all[0]?.flow : undefined) },
    });
    table.addFlow(U, flowOf(1, output(1)));
    table.addFlow(V, flowOf(1, output(2)));
    const before = [...table].map(String);
    for (const change of [
      () => table.addFlow(ownerFor("w"), flowOf(1, output(3))),
      () => table.setFlow(U, flowOf(1, output(4))),
      () => table.setFlows(V, [flowOf(2, output(1)), flowOf(1, output(9))]),
    ]) {
      fails = true;
      expect(change).toThrow("cannot decide");
      fails = false;
      table.validate();
    }
    expect([...table].map(String)).toEqual(before);
    expect(table.winner(flowOf(1, output(1)))?.instructions.equals(output(table.owners()[0] === U ? 1 : 2))).toBe(true);
  });

  it("runs out of its limit with CAPACITY and without a change, and goes on when there is room again", () => {
    const table = new DesiredFlowTable({ maxBytes: 300_000 });
    let count = 0;
    const fill = (): void => {
      for (;;) {
        table.addFlow(U, flowOf(count, output(count)));
        count++;
      }
    };
    expect(fill).toThrow(expect.objectContaining({ code: "CAPACITY" }));
    table.validate();
    expect(count).toBeGreaterThan(1000);
    expect(table.size).toBe(count);
    const many = Array.from({ length: 3000 }, (_, i) => flowOf(1_000_000 + i, output(i)));
    const { revision } = table;
    expect(() => table.setFlows(V, many)).toThrow(expect.objectContaining({ code: "CAPACITY" }));
    expect(() => table.setFlows(V, many.slice(0, 250))).toThrow(expect.objectContaining({ code: "CAPACITY" }));
    expect(() => table.replaceAll([[V, many]])).toThrow(expect.objectContaining({ code: "CAPACITY" }));
    expect(table.size).toBe(count);
    expect(table.ownerCount).toBe(1);
    expect(table.revision).toBe(revision);
    table.validate();
    table.removeFlows(U);
    expect(table.setFlows(V, many.slice(0, 500)).added).toBe(500);
    table.validate();
  });
});

describe("editing, reading, following", () => {
  it("updateFlows edits an owner's flows as a draft", () => {
    const table = new DesiredFlowTable();
    table.setFlows(U, [flowOf(1, output(1)), flowOf(2, output(2))]);
    expect(table.updateFlows(U, () => undefined)).toMatchObject({ unchanged: 2, replaced: 0 });
    expect(table.revision).toBe(1);
    const result = table.updateFlows(U, (flows) => {
      const [first] = flows;
      if (first !== undefined) first.cookie = 7n;
      flows.push({ ...flowOf(3, output(3)), match: Match.any, cookie: 1 } as never);
    });
    expect(result).toMatchObject({ replaced: 1, added: 1, unchanged: 1 });
    expect(table.flowsOf(U).map(({ cookie }) => cookie)).toContain(7n);
    expect(() => table.updateFlows(U, (flows) => flows.splice(0, 1, { ...(flows[0] as FlowDraft), priority: -1 }))).toThrow(
      expect.objectContaining({ code: "FLOW_VALUE" }),
    );
    expect(table.size).toBe(3);
  });

  it("explains who wants a key, who wins, and where the switch stands", () => {
    const table = new DesiredFlowTable();
    const [low, high] = [U, V].sort() as [string, string];
    expect(table.explain(flowOf(1, output(1))).text).toContain("nobody wants this key");
    table.addFlow(high, flowOf(1, output(1)));
    table.addFlow(low, flowOf(1, output(2)));
    const explained = table.explain(flowOf(1, output(1)));
    expect(explained.contenders.map(({ owner, role }) => [owner, role])).toEqual([
      [low, "winner"],
      [high, "shadowed"],
    ]);
    expect(explained.text).toContain(`winner ${low}: lowest UUID, before ${high}`);
    expect(explained.text).toContain("actions=output:2");
    expect(explained.progress).toBe("pending");
    put(table);
    expect(table.explain(flowOf(1, output(1)))).toMatchObject({ progress: "inStep", installed: { state: "present" } });
    expect([...table.conflicts()].map(({ contenders }) => contenders.length)).toEqual([2]);
  });

  it("a snapshot stays, and brings the table back", () => {
    const table = new DesiredFlowTable();
    for (let i = 0; i < 20; i++) table.addFlow(i % 3 === 0 ? U : V, flowOf(i % 7, output(i), { table: i % 2 }));
    const before = [...table].map(([owner, flow]) => [owner, flow.table, flow.cookie]);
    const snapshot = table.snapshot();
    table.clear();
    expect(table.size).toBe(0);
    expect(snapshot.size).toBe(before.length);
    table.replaceAll(snapshot.entries());
    expect([...table].map(([owner, flow]) => [owner, flow.table, flow.cookie])).toEqual(before);
  });

  it("cursors keep each change once, at their own pace, and cost nothing when closed", () => {
    const table = new DesiredFlowTable();
    const early = table.changes();
    table.addFlow(U, flowOf(1, output(1)));
    const late = table.changes();
    table.setFlow(U, flowOf(1, output(2)));
    table.addFlow(U, flowOf(2, output(2)));
    table.removeFlow(U, flowOf(2, output(2)));
    put(table);
    expect(early.take().map(({ before, after }) => [before, after?.instructions.equals(output(2))])).toEqual([[undefined, true]]);
    expect(late.take()[0]?.before?.instructions.equals(output(1))).toBe(true);
    expect(early.take()).toEqual([]);
    table.setFlow(U, flowOf(1, output(3)));
    table.setFlow(U, flowOf(1, output(2)));
    expect(early.take()).toEqual([]);
    table.removeFlows(U);
    expect(early.pending).toBe(1);
    early.close();
    early.close();
    expect(late.take().map(({ after }) => after)).toEqual([undefined]);
    late.close();
    put(table);
    expect(table.validate()).toMatchObject({ keys: 0, values: 0, pins: 0 });
  });

  it("a cursor gives very many changes oldest first, a part at a time, and what changes again comes again", () => {
    const table = new DesiredFlowTable();
    const cursor = table.changes();
    const list = new FlowList();
    for (let key = 0; key < 40_000; key++) list.append(flowOf(key, output(1), { priority: key & 0xffff }));
    const owner = Int32Array.of(1, 2, 3, 4);
    for (let i = 0; i < list.length; i++) table.setPacked(owner, 0, list, i);
    expect(cursor.pending).toBe(40_000);
    expect(cursor.take(3).map(({ key }) => key.priority)).toEqual([0, 1, 2]);
    table.removePacked(owner, 0);
    // What came and went between two looks is no change; what was seen is gone now.
    expect(cursor.pending).toBe(40_000);
    const rest = cursor.take();
    expect(rest.map(({ key, after }) => [key.priority, after]).sort()).toEqual([0, 1, 2].map((key) => [key, undefined]));
    expect(cursor.pending).toBe(0);
    cursor.close();
    put(table);
    expect(table.validate()).toMatchObject({ keys: 0, values: 0, pins: 0 });
  });

  it("logs duplicates at most five times a minute, tells every one", () => {
    const logger = new RecordingLogger();
    const clock = new ManualClock();
    const table = new DesiredFlowTable({ logger, clock });
    let told = 0;
    table.subscribe((event) => {
      if (event.type === "duplicate") told++;
    });
    table.addFlow(U, flowOf(1, output(1)));
    for (let i = 0; i < 20; i++) table.addFlow(U, flowOf(1, output(2)));
    expect(told).toBe(20);
    expect(logger.lines).toHaveLength(5);
    clock.advance(60_000);
    table.addFlow(U, flowOf(1, output(2)));
    expect(logger.lines).toHaveLength(6);
  });

  it("a listener that throws disturbs neither the table nor the other listeners", () => {
    const logger = new RecordingLogger();
    const table = new DesiredFlowTable({ logger });
    let heard = 0;
    table.subscribe(() => {
      throw new Error("listener");
    });
    const stop = table.subscribe(() => heard++);
    table.addFlow(U, flowOf(1, output(1)));
    stop();
    table.addFlow(U, flowOf(2, output(1)));
    expect(heard).toBe(1);
    expect(logger.lines).toHaveLength(2);
  });
});

describe("the packed storage", () => {
  it("does not grow in a million steps of remove and add", () => {
    const table = new DesiredFlowTable();
    const next = numbers(7);
    const list = new FlowList();
    const keys = 2000;
    for (let key = 0; key < 2 * keys; key++)
      list.append(flowOf(key % keys, output(key % 97), { table: key % 5, cookie: key % 31 }));
    const owners = Int32Array.from({ length: 4 * 500 }, () => next(0x7fff_ffff));
    for (let step = 0; step < 20_000; step++) table.setPacked(owners, 4 * next(500), list, next(2 * keys));
    const steady = (): number => {
      put(table);
      return table.memory().allocatedBytes;
    };
    for (let step = 0; step < 200_000; step++) churn();
    const before = steady();
    for (let step = 0; step < 1_000_000; step++) churn();
    expect(steady()).toBeLessThanOrEqual(before * 1.02);
    table.clear();
    put(table);
    expect(table.validate()).toMatchObject({ keys: 0, contenders: 0, owners: 0, values: 0, pins: 0 });

    function churn(): void {
      const owner = 4 * next(500);
      if (next(3) === 0) table.removePacked(owners, owner);
      else table.setPacked(owners, owner, list, next(2 * keys));
      // Sometimes the switch keeps up, sometimes nobody ever looks.
      if (next(5000) === 0) put(table);
    }
  });

  it("keeps its look-ups short whatever the flows are", () => {
    const families: ((i: number) => Uint8Array)[] = [
      (i) => words(i),
      (i) => words(i << 16),
      (i) =>
        words(
          (i & 1) << 31,
          (i & 2) << 30,
          (i & 4) << 29,
          (i & 8) << 28,
          (i & 16) << 27,
          (i & 32) << 26,
          (i & 64) << 25,
          (i & 128) << 24,
          (i & 256) << 23,
          (i & 512) << 22,
          (i & 1024) << 21,
          (i & 2048) << 20,
          (i & 4096) << 19,
        ),
      // Differences that cancel each other in hashes that go from word to word.
      (i) =>
        words(...Array.from({ length: 13 }, (_, bit) => (((i >> bit) & 1) === 0 ? [0, 0] : [0x8000_0000, 0x8001_0000])).flat()),
      (i) => words(0, i, 0, -i),
    ];
    for (const [family, bytes] of families.entries()) {
      for (const seed of [
        [1, 2, 3],
        [0, 0, 0],
        [-1, 5, 77],
      ]) {
        const table = new DesiredFlowTable({ hashSeed: seed });
        for (let i = 0; i < 8192; i++) table.addFlow(U, new Flow({ match: Match.fromCanonical(bytes(i)) }));
        expect(table.size, `family ${family}`).toBe(8192);
        expect(table.validate().longestProbe).toBeLessThan(200);
      }
    }
  });

  it("draws a seed per process that nobody can know", () => {
    const data = Int32Array.of(1, 2, 3, 4);
    const [a, b] = [new KeyedHash(), new KeyedHash()].map((hash) => hash.hash(1, 2, data, 0, 4));
    expect(a).toBe(b);
    expect(new KeyedHash([1, 2, 3]).hash(1, 2, data, 0, 4)).not.toBe(new KeyedHash([1, 2, 4]).hash(1, 2, data, 0, 4));
  });

  it("spreads its hashes evenly", () => {
    const hash = new KeyedHash([9, 9, 9]);
    const buckets = new Int32Array(1024);
    for (let i = 0; i < 102_400; i++) {
      const bucket = hash.hash(0, 4, Int32Array.of(i), 0, 1) >>> 22;
      buckets[bucket] = (buckets[bucket] as number) + 1;
    }
    const squares = buckets.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    expect(squares).toBeGreaterThan(800);
    expect(squares).toBeLessThan(1300);
  });

  it("grows beyond what is copied, in place", () => {
    const table = new DesiredFlowTable();
    const list = new FlowList();
    const owners = Int32Array.of(1, 2, 3, 4);
    for (let key = 0; key < 70_000; key++) list.append(flowOf(key, output(key)));
    for (let i = 0; i < list.length; i++) table.setPacked(owners, 0, list, i);
    expect(table.memory().allocatedBytes).toBeGreaterThan(4 << 20);
    expect(table.winner(flowOf(69_999, output(0)))?.instructions.equals(output(69_999))).toBe(true);
    table.validate();
  });
});

describe("an installed table", () => {
  it("knows present, absent and unknown apart", () => {
    const installed = new InstalledFlowTable();
    installed.set(flowOf(1, output(1)));
    installed.setUnknown(flowOf(2, output(1)));
    expect([1, 2, 3].map((key) => installed.state(flowOf(key, output(1))).state)).toEqual(["present", "unknown", "absent"]);
    expect(installed.size).toBe(1);
    installed.markAllUnknown();
    expect(installed.size).toBe(0);
    expect([...installed.unknownKeys()]).toHaveLength(2);
    installed.clear();
    expect(installed.state(flowOf(1, output(1))).state).toBe("absent");
  });

  it("takes a read-back over all at once or not at all", () => {
    const installed = new InstalledFlowTable();
    installed.set(flowOf(1, output(1)));
    installed.set(flowOf(2, output(1)));
    const failed = installed.beginReadBack();
    failed.observe(flowOf(3, output(1)));
    expect(() => installed.beginReadBack()).toThrow(expect.objectContaining({ code: "READ_BACK_OPEN" }));
    failed.abort();
    failed.abort();
    expect([...installed]).toHaveLength(2);
    const complete = installed.beginReadBack();
    complete.observe(flowOf(2, output(2)));
    complete.observe(flowOf(3, output(1)));
    expect([...installed]).toHaveLength(2);
    const changes: string[] = [];
    complete.commit(({ kind }) => changes.push(kind));
    expect(changes.sort()).toEqual(["altered", "appeared", "missing"]);
    expect(() => complete.observe(flowOf(1, output(1)))).toThrow(expect.objectContaining({ code: "READ_BACK_CLOSED" }));
  });

  it("believes what was settled during a read-back rather than the reading", () => {
    const table = new DesiredFlowTable();
    table.addFlow(U, flowOf(1, output(1)));
    put(table);
    const reading = table.installed.beginReadBack();
    reading.observe(flowOf(1, output(1)));
    table.setFlow(U, flowOf(1, output(2)));
    table.addFlow(U, flowOf(2, output(2)));
    put(table);
    reading.commit();
    expect(table.installed.size).toBe(2);
    expect(put(table)).toEqual([]);
  });
});

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}
