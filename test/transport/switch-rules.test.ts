// How a switch changes its tables, rule by rule. Timings and cookies were compared with Open vSwitch 3.1.
import { describe, expect, test } from "vitest";
import { Instructions } from "../../src/flow/instructions.ts";
import { Match } from "../../src/flow/match.ts";
import {
  actions,
  add,
  batchOf,
  bytes,
  flow,
  gotoTable,
  group,
  inPort,
  meter,
  modify,
  output,
  refusals,
  remove,
  upSwitch,
} from "./helpers.ts";

describe("add", () => {
  test("over a flow keeps the counters and restarts the duration", async () => {
    const { device, clock, send } = await upSwitch();
    await send("add", flow({ cookie: 1 }));
    device.hit(flow(), 3, 300);
    await clock.run(5_000);
    await send("add", flow({ cookie: 2, instructions: output(2) }));
    expect(device.get(flow())).toMatchObject({ packetCount: 3n, byteCount: 300n, durationSeconds: 0 });
    expect(device.get(flow())?.flow.cookie).toBe(2n);
    expect(device.size).toBe(1);
  });

  test("with resetCounts sets the counters to zero", async () => {
    const { device, send } = await upSwitch();
    await send("add", flow());
    device.hit(flow(), 3, 300);
    await send("add", flow({ flags: 4 }));
    expect(device.get(flow())).toMatchObject({ packetCount: 0n, byteCount: 0n });
  });

  test("replaces timeouts, importance and flags", async () => {
    const { device, send } = await upSwitch();
    await send("add", flow({ idleTimeout: 10, hardTimeout: 20, importance: 3, flags: 1 }));
    const other = flow({ idleTimeout: 7, flags: 8 });
    await send("add", other);
    expect(device.get(flow())?.flow.equals(other)).toBe(true);
  });

  test("with a cookie of all ones keeps the old cookie, but gives it to a new flow", async () => {
    const { device, send } = await upSwitch();
    const ones = 0xffff_ffff_ffff_ffffn;
    await send("add", flow({ cookie: 7 }));
    await send("add", flow({ cookie: ones }), flow({ cookie: ones, match: inPort(9) }));
    expect(device.get(flow())?.flow.cookie).toBe(7n);
    expect(device.get(flow({ match: inPort(9) }))?.flow.cookie).toBe(ones);
  });

  test("tells tables, priorities and matches apart", async () => {
    const { device, send } = await upSwitch();
    await send("add", flow(), flow({ table: 1 }), flow({ priority: 1 }), flow({ match: inPort(1) }));
    expect(device.size).toBe(4);
    expect(device.sizeOf(0)).toBe(3);
    expect(device.sizeOf(77)).toBe(0);
  });
});

describe("modify", () => {
  test("keeps cookie, timeouts, flags, counters and duration", async () => {
    const { device, clock, send } = await upSwitch();
    const before = flow({ cookie: 1, idleTimeout: 100, hardTimeout: 200, importance: 3, flags: 1 });
    await send("add", before);
    device.hit(before, 5, 500);
    await clock.run(3_000);
    await send("modify", flow({ cookie: 2, instructions: output(2) }));
    expect(device.get(before)).toMatchObject({ packetCount: 5n, byteCount: 500n, durationSeconds: 3 });
    expect(device.get(before)?.flow.equals(before.with({ instructions: output(2) }))).toBe(true);
  });

  test("of a missing flow does nothing, whatever it names", async () => {
    const { device, send, events } = await upSwitch();
    expect(refusals(await send("modify", flow({ instructions: group(9) })))).toEqual({});
    expect(device.size).toBe(0);
    expect(events).toEqual([]);
  });

  test("to an unknown group is refused and changes nothing", async () => {
    const { device, send } = await upSwitch();
    await send("add", flow());
    expect(refusals(await send("modify", flow({ instructions: group(9) })))).toEqual({ 0: "OFPBAC_BAD_OUT_GROUP" });
    expect(device.get(flow())?.flow.instructions.equals(output(1))).toBe(true);
  });

  test("that changes nothing is not told by the monitor", async () => {
    const { send, events } = await upSwitch();
    await send("add", flow());
    await send("modify", flow());
    expect(events.map((event) => event.type === "changed" && event.change)).toEqual(["added"]);
  });
});

describe("delete", () => {
  test("removes exactly its key and does not look at the value", async () => {
    const { device, send } = await upSwitch();
    await send("add", flow({ cookie: 1 }), flow({ priority: 1 }));
    await send("delete", flow({ cookie: 2, instructions: output(9) }));
    expect(device.flows().map((one) => one.flow.priority)).toEqual([1]);
  });

  test("of a missing flow does nothing", async () => {
    const { send, events } = await upSwitch();
    expect((await send("delete", flow({ flags: 1 }))).fate).toBe("applied");
    expect(events).toEqual([]);
  });
});

describe("table limits", () => {
  test("refuse one flow too many, but never a change of a flow that is there", async () => {
    const { device, send } = await upSwitch();
    device.limitTable(0, { maxFlows: 2 });
    const result = await send(
      "add",
      flow(),
      flow({ match: inPort(1) }),
      flow({ match: inPort(2) }),
      flow({ table: 1 }),
      flow({ cookie: 5 }),
    );
    expect(refusals(result)).toEqual({ 2: "OFPFMFC_TABLE_FULL" });
    expect(result.refused.get(2)).toEqual({ name: "OFPFMFC_TABLE_FULL", type: 5, code: 1 });
    await send("delete", flow());
    expect(refusals(await send("add", flow({ match: inPort(2) })))).toEqual({});
    device.limitTable(0, undefined);
    expect(refusals(await send("add", flow({ match: inPort(3) })))).toEqual({});
  });

  test("evict the least important flow with a timeout, of those the one that would expire next", async () => {
    const { device, send, events } = await upSwitch();
    device.limitTable(0, { maxFlows: 4, overflow: "evict" });
    const permanent = flow({ match: inPort(1) });
    const important = flow({ match: inPort(2), importance: 5, hardTimeout: 10, flags: 1 });
    const late = flow({ match: inPort(3), importance: 1, idleTimeout: 200, flags: 1 });
    const soon = flow({ match: inPort(4), importance: 1, hardTimeout: 100, flags: 1 });
    await send("add", permanent, important, late, soon);
    const evicted = async (n: number): Promise<unknown> => {
      events.length = 0;
      const result = await send("add", flow({ match: inPort(n) }));
      expect(refusals(result)).toEqual({});
      return events.flatMap((event) => (event.type === "removed" ? [event.reason, event.flow.match.bytes.at(-1)] : []));
    };
    expect(await evicted(11)).toEqual(["eviction", 4]);
    expect(await evicted(12)).toEqual(["eviction", 3]);
    expect(await evicted(13)).toEqual(["eviction", 2]);
    expect(refusals(await send("add", flow({ match: inPort(14) })))).toEqual({ 0: "OFPFMFC_TABLE_FULL" });
    expect(device.sizeOf(0)).toBe(4);
  });

  test("that come later evict what is too much, as far as it may go", async () => {
    const { device, send } = await upSwitch();
    await send("add", flow(), flow({ match: inPort(1), idleTimeout: 5 }), flow({ match: inPort(2), idleTimeout: 5 }));
    device.limitTable(0, { maxFlows: 0, overflow: "evict" });
    expect(device.size).toBe(1);
  });
});

describe("checkOverlap", () => {
  const udp = (port: number): Match =>
    Match.fromCanonical(bytes(`80000a02080080001401118000${"20"}02${port.toString(16).padStart(4, "0")}`));
  const checked = (match: Match, priority = 100) => flow({ match, priority, flags: 2 });

  test("refuses a flow when one packet could match both at the same priority", async () => {
    const { device, send } = await upSwitch();
    await send("add", flow({ match: inPort(1), priority: 100 }));
    const ethernet = Match.fromCanonical(bytes("80000606000000000001"));
    expect(refusals(await send("add", checked(ethernet)))).toEqual({ 0: "OFPFMFC_OVERLAP" });
    expect(refusals(await send("add", checked(ethernet, 101)))).toEqual({});
    expect(refusals(await send("add", checked(inPort(2))))).toEqual({});
    expect(refusals(await send("add", checked(Match.any)))).toEqual({ 0: "OFPFMFC_OVERLAP" });
    expect(device.size).toBe(3);
  });

  test("looks at masks bit by bit", async () => {
    const { send } = await upSwitch();
    const metadata = (value: string, mask: string): Match =>
      Match.fromCanonical(bytes(`80000510${value.padStart(16, "0")}${mask.padStart(16, "0")}`));
    await send("add", flow({ match: metadata("01", "03"), priority: 100 }));
    expect(refusals(await send("add", checked(metadata("02", "03"))))).toEqual({});
    expect(refusals(await send("add", checked(metadata("10", "30"))))).toEqual({ 0: "OFPFMFC_OVERLAP" });
    expect(refusals(await send("add", checked(metadata("05", "0d"))))).toEqual({ 0: "OFPFMFC_OVERLAP" });
    expect(refusals(await send("add", checked(metadata("07", "07"))))).toEqual({});
  });

  test("knows that other ports, protocols and packet types cannot meet", async () => {
    const { send } = await upSwitch();
    await send("add", flow({ match: udp(53), priority: 100 }));
    expect(refusals(await send("add", checked(udp(54))))).toEqual({});
    const tcp = Match.fromCanonical(bytes("80000a0208008000140106"));
    expect(refusals(await send("add", checked(tcp)))).toEqual({});
    const ipv4Packet = Match.fromCanonical(bytes("8000580400010800"));
    expect(refusals(await send("add", checked(ipv4Packet)))).toEqual({});
    const ip = Match.fromCanonical(bytes("80000a020800"));
    expect(refusals(await send("add", checked(ip)))).toEqual({ 0: "OFPFMFC_OVERLAP" });
  });

  test("is not asked for a key that is there already", async () => {
    const { send } = await upSwitch();
    await send("add", flow({ match: inPort(1) }), flow());
    expect(refusals(await send("add", flow({ match: inPort(1), flags: 2, instructions: output(3) })))).toEqual({});
  });
});

describe("what a flow names", () => {
  test("must exist: groups and meters, also inside clone, ct and write-actions", async () => {
    const { device, send } = await upSwitch();
    const inClone = actions("ffff001800002320002a0000000000000016000800000005");
    const inCt = actions("ffff0020000023200023000000000000000000ff000000000016000800000005");
    const written = Instructions.fromCanonical(bytes("00030010000000000016000800000005"));
    const all = [group(5), inClone, inCt, written].map((instructions, i) => flow({ match: inPort(i), instructions }));
    expect(refusals(await send("add", ...all))).toEqual(Object.fromEntries(all.map((_, i) => [i, "OFPBAC_BAD_OUT_GROUP"])));
    expect(refusals(await send("add", flow({ instructions: meter(3) })))).toEqual({ 0: "OFPMMFC_INVALID_METER" });
    device.addGroup(5);
    device.addMeter(3);
    expect(refusals(await send("add", ...all, flow({ instructions: meter(3) })))).toEqual({});
    expect(device.size).toBe(5);
  });

  test("takes the flow with it when it is removed", async () => {
    const { device, clock, send, events } = await upSwitch();
    device.addGroup(5);
    device.addMeter(3);
    const grouped = flow({ match: inPort(1), instructions: group(5), flags: 1 });
    const metered = flow({ match: inPort(2), instructions: meter(3), flags: 1 });
    await send("add", grouped, metered, flow());
    events.length = 0;
    device.removeGroup(5);
    device.removeMeter(3);
    await clock.run(0);
    expect(device.flows().map((one) => one.flow.match.bytes.length)).toEqual([0]);
    expect(events.flatMap((event) => (event.type === "removed" ? [event.reason] : []))).toEqual(["groupDelete", "meterDelete"]);
  });

  test("need not exist when the switch was told not to look", async () => {
    const { send } = await upSwitch({ references: "any" });
    expect(refusals(await send("add", flow({ instructions: group(5) })))).toEqual({});
  });

  test("as the next table must lie ahead", async () => {
    const { send } = await upSwitch({ tables: 10 });
    const jump = (from: number, to: number) => flow({ table: from, match: inPort(to + 1), instructions: gotoTable(to) });
    const result = await send("add", jump(3, 4), jump(3, 3), jump(3, 2), jump(3, 9), jump(3, 10));
    expect(refusals(result)).toEqual({ 1: "OFPBIC_BAD_TABLE_ID", 2: "OFPBIC_BAD_TABLE_ID", 4: "OFPBIC_BAD_TABLE_ID" });
    expect(refusals(await send("modify", jump(3, 4).with({ instructions: gotoTable(0) })))).toEqual({ 0: "OFPBIC_BAD_TABLE_ID" });
    expect(refusals(await send("add", flow({ table: 10 })))).toEqual({ 0: "OFPBRC_BAD_TABLE_ID" });
  });
});

describe("what is the switch's own", () => {
  test("cannot be used: its last table, recirculation and hashes", async () => {
    const { device, send } = await upSwitch();
    const internal = [
      flow({ match: Match.of({ recirc_id: 1 }) }),
      flow({ match: Match.of({ reg0: 1, dp_hash: "1/3", eth_type: 0x800 }) }),
    ];
    expect(refusals(await send("add", flow({ table: 254 }), ...internal))).toEqual({
      0: "OFPBRC_EPERM",
      1: "OFPBRC_EPERM",
      2: "OFPBRC_EPERM",
    });
    expect(refusals(await send("delete", flow({ table: 254 })))).toEqual({});
    expect(refusals(await send("modify", flow({ table: 254 })))).toEqual({});
    expect(refusals(await send("add", flow({ table: 253, instructions: gotoTable(254) })))).toEqual({});
    expect(device.size).toBe(1);
  });
});

describe("timeouts", () => {
  test("remove a flow when its time is over, and say why", async () => {
    const { device, clock, send, events } = await upSwitch();
    const idle = flow({ match: inPort(1), idleTimeout: 10, flags: 1 });
    const hard = flow({ match: inPort(2), hardTimeout: 20, flags: 1 });
    await send("add", idle, hard, flow({ match: inPort(3), hardTimeout: 20 }));
    events.length = 0;
    await clock.run(8_000);
    device.hit(idle, 1);
    await clock.run(9_999);
    expect(device.size).toBe(3);
    await clock.run(1);
    expect(device.size).toBe(2);
    await clock.run(3_000);
    expect(device.size).toBe(0);
    const removed = events.flatMap((event) =>
      event.type === "removed" ? [`${event.reason} ${event.flow.match.bytes.at(-1)}`] : [],
    );
    expect(removed).toEqual(["idleTimeout 1", "hardTimeout 2"]);
    const changed = events.flatMap((event) => (event.type === "changed" ? [`${event.change} ${event.reason} ${event.own}`] : []));
    expect(changed).toEqual(["deleted idleTimeout false", "deleted hardTimeout false", "deleted hardTimeout false"]);
  });

  test("an add over a flow restarts the hard timeout, but the last packet stays the last packet", async () => {
    const { device, clock, send } = await upSwitch();
    await send("add", flow({ match: inPort(1), hardTimeout: 5 }), flow({ match: inPort(2) }));
    await clock.run(4_000);
    await send("add", flow({ match: inPort(1), hardTimeout: 5 }), flow({ match: inPort(2), idleTimeout: 6 }));
    await clock.run(1_999);
    expect(device.size).toBe(2);
    await clock.run(1);
    expect(device.flows().map((one) => one.flow.match.bytes.at(-1))).toEqual([1]);
    await clock.run(3_000);
    expect(device.size).toBe(0);
  });

  test("a modify restarts the hard timeout and not the idle timeout", async () => {
    const { device, clock, send } = await upSwitch();
    await send("add", flow({ match: inPort(3), hardTimeout: 5 }), flow({ match: inPort(4), idleTimeout: 5 }));
    await clock.run(3_500);
    await send("modify", flow({ match: inPort(3) }), flow({ match: inPort(4) }));
    await clock.run(2_200);
    expect(device.flows().map((one) => one.flow.match.bytes.at(-1))).toEqual([3]);
    await clock.run(2_800);
    expect(device.size).toBe(0);
  });

  test("act also when nobody is connected", async () => {
    const { device, clock, send } = await upSwitch();
    await send("add", flow({ hardTimeout: 5 }));
    await device.close();
    expect(clock.pending).toBe(0);
    clock.advance(5_000);
    expect(device.size).toBe(0);
  });
});

describe("FLOW_REMOVED", () => {
  test("is sent to every controller, and only for flows that ask for it", async () => {
    const { device, clock, send, events } = await upSwitch();
    const other = device.newTransport();
    const heard: string[] = [];
    other.subscribe((event) =>
      heard.push(event.type === "changed" ? `${event.change} ${event.own ? "own" : "foreign"}` : event.type),
    );
    other.open();
    await clock.run(0);
    await send("add", flow({ flags: 1 }), flow({ match: inPort(1) }));
    await send("delete", flow(), flow({ match: inPort(1) }));
    expect(heard).toEqual(["up", "added foreign", "added foreign", "deleted foreign", "removed", "deleted foreign"]);
    expect(
      events.map((event) => (event.type === "changed" ? `${event.change} ${event.own ? "own" : "foreign"}` : event.type)),
    ).toEqual(["added own", "added own", "deleted own", "removed", "deleted own"]);
  });
});

describe("an atomic batch", () => {
  test("that fails leaves flows, counters, evictions and timeouts as they were", async () => {
    const { device, clock, send, events } = await upSwitch();
    device.limitTable(1, { maxFlows: 1, overflow: "evict" });
    const evictable = flow({ table: 1, idleTimeout: 50, flags: 1 });
    await send("add", flow({ cookie: 1 }), evictable, flow({ match: inPort(1) }));
    device.hit(flow(), 9, 900);
    const before = device.flows();
    events.length = 0;
    const sent = device.send(
      batchOf(
        add(flow({ cookie: 2, flags: 4 })),
        add(flow({ table: 1, match: inPort(7) })),
        remove(flow({ match: inPort(1) })),
        modify(flow({ instructions: output(8) })),
        add(flow({ instructions: group(77) })),
        add(flow({ match: inPort(3) })),
      ),
      { atomic: true },
    );
    await clock.run(0);
    const result = await sent;
    expect(refusals(result)).toEqual({
      0: "BATCH_OFPBAC_BAD_OUT_GROUP",
      1: "BATCH_OFPBAC_BAD_OUT_GROUP",
      2: "BATCH_OFPBAC_BAD_OUT_GROUP",
      3: "BATCH_OFPBAC_BAD_OUT_GROUP",
      4: "OFPBAC_BAD_OUT_GROUP",
      5: "BATCH_OFPBAC_BAD_OUT_GROUP",
    });
    expect(events).toEqual([]);
    const order = (flows: typeof before) => [...flows].sort((a, b) => a.flow.match.bytes.length - b.flow.match.bytes.length);
    expect(order(device.flows())).toEqual(order(before));
    await clock.run(50_000);
    expect(device.get(evictable)).toBeUndefined();
  });

  test("with clearFirst swaps the whole content in one go", async () => {
    const { device, clock, send } = await upSwitch();
    await send("add", flow({ cookie: 0x11 }), flow({ cookie: 0x21, match: inPort(1) }));
    const sent = device.send(batchOf(add(flow({ cookie: 0x12, match: inPort(2) }))), {
      atomic: true,
      clearFirst: { cookie: 0x10n, cookieMask: 0xf0n },
    });
    await clock.run(0);
    expect((await sent).fate).toBe("applied");
    expect(device.flows().map((one) => one.flow.cookie)).toEqual([0x21n, 0x12n]);
  });
});

describe("what others do", () => {
  test("is foreign to the monitor and obeys the same rules", async () => {
    const { device, clock, events } = await upSwitch();
    device.tamper.add(flow({ cookie: 1 }));
    device.tamper.modify(flow({ instructions: output(2) }));
    device.tamper.delete(flow());
    device.tamper.delete(flow());
    device.tamper.add(flow({ cookie: 2 }));
    device.tamper.deleteAll({ cookie: 2n });
    await clock.run(0);
    expect(events.map((event) => event.type === "changed" && `${event.change} ${event.own}`)).toEqual([
      "added false",
      "modified false",
      "deleted false",
      "added false",
      "deleted false",
    ]);
    expect(() => device.tamper.add(flow({ instructions: group(1) }))).toThrow(
      expect.objectContaining({ code: "SWITCH_REFUSED", openflowError: "OFPBAC_BAD_OUT_GROUP" }),
    );
  });
});

test("the counters tell what was received", async () => {
  const { device, send } = await upSwitch();
  await send("add", flow(), flow({ match: inPort(1) }), flow({ instructions: group(1), match: inPort(2) }));
  await send("modify", flow());
  await send("delete", flow());
  expect(device.received).toEqual({
    add: 3,
    modify: 1,
    delete: 1,
    refused: 1,
    batches: 3,
    reads: 0,
    // 48 bytes and the match, padded to 8; 24 of instructions for an output, 16 for a group.
    bytes: 48 + 8 + 24 + (48 + 16 + 24) + (48 + 16 + 16) + (48 + 8 + 24) + (48 + 8),
  });
  expect(device.lastBatch?.length).toBe(1);
  expect(() => device.hit(flow(), 1)).toThrow(expect.objectContaining({ code: "FLOW_NOT_FOUND" }));
});
