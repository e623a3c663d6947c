import { describe, expect, test } from "vitest";
import { RecordingLogger } from "../../src/testing/recording-logger.ts";
import { collectFlows } from "../../src/transport/installed-flow-chunk.ts";
import type { BatchResult, TransportEvent } from "../../src/transport/transport.ts";
import { add, batchOf, flow, inPort, refusals, upSwitch } from "./helpers.ts";

const flows = (count: number) => Array.from({ length: count }, (_, i) => flow({ match: inPort(i + 1) }));
const types = (events: readonly TransportEvent[]) => events.map((event) => event.type);

describe("refusing", () => {
  test("follows the predicate, as often as asked, with any error", async () => {
    const { device, send } = await upSwitch();
    device.faults.refuse(({ flow: { match } }) => match.bytes.at(-1) === 2, "OFPFMFC_EPERM", 2);
    const stop = device.faults.refuse((mod) => mod.command === "delete", { name: "OFPFMFC_UNKNOWN", type: 5, code: 0 });
    expect(refusals(await send("add", ...flows(3)))).toEqual({ 1: "OFPFMFC_EPERM" });
    expect(refusals(await send("add", ...flows(3)))).toEqual({ 1: "OFPFMFC_EPERM" });
    expect(refusals(await send("add", ...flows(3)))).toEqual({});
    expect(refusals(await send("delete", ...flows(1)))).toEqual({ 0: "OFPFMFC_UNKNOWN" });
    stop();
    expect(refusals(await send("delete", ...flows(1)))).toEqual({});
    expect(device.size).toBe(2);
  });
});

describe("losing", () => {
  for (const applied of [true, false]) {
    test(`a reply ${applied ? "after" : "before"} the batch was carried out: unknown after the time-out`, async () => {
      const { device, clock } = await upSwitch({ replyTimeoutMs: 2_000 });
      device.faults.loseReplies({ applied });
      let result: BatchResult | undefined;
      void device.send(batchOf(...flows(2).map(add))).then((value) => {
        result = value;
      });
      await clock.run(1_999);
      expect(result).toBeUndefined();
      await clock.run(1);
      expect(result).toMatchObject({ fate: "unknown", epoch: 1 });
      expect(device.size).toBe(applied ? 2 : 0);
      expect(device.isUp).toBe(true);
      const next = device.send(batchOf(add(flow())));
      await clock.run(0);
      expect((await next).fate).toBe("applied");
    });

    test(`a reply ${applied ? "after" : "before"} the batch was carried out, and the connection with it`, async () => {
      const { device, clock, events } = await upSwitch();
      device.faults.loseReplies({ applied, disconnect: true });
      const sent = device.send(batchOf(...flows(2).map(add)));
      await clock.run(0);
      expect((await sent).fate).toBe("unknown");
      expect(device.isUp).toBe(false);
      expect(types(events).at(-1)).toBe("down");
      await clock.run(100);
      expect(device.epoch).toBe(2);
      expect(device.size).toBe(applied ? 2 : 0);
    });

    test(`single flow-mods ${applied ? "after" : "before"} they were carried out`, async () => {
      const { device, send } = await upSwitch();
      device.faults.loseFlowMods((mod) => mod.flow.match.bytes.at(-1) === 2, { applied, times: 1 });
      const result = await send("add", ...flows(3));
      expect(result.fate).toBe("applied");
      expect([...result.unknown]).toEqual([1]);
      expect(device.size).toBe(applied ? 3 : 2);
    });
  }
});

describe("disconnecting", () => {
  test("at the n-th flow-mod carries out those before it, and says nothing of them", async () => {
    const { device, clock, send, events } = await upSwitch();
    await send("add", flow());
    device.faults.disconnectAt(3);
    const sent = [device.send(batchOf(...flows(2).map(add))), device.send(batchOf(...flows(5).slice(2).map(add)))];
    await clock.run(0);
    expect((await Promise.all(sent)).map((result) => result.fate)).toEqual(["applied", "unknown"]);
    expect(device.size).toBe(3);
    expect(types(events)).toEqual(["changed", "changed", "changed", "down"]);
    expect(() => device.faults.disconnectAt(0)).toThrow(RangeError);
  });

  test("in an atomic batch leaves nothing of it", async () => {
    const { device, clock } = await upSwitch();
    device.faults.disconnectAt(3);
    const sent = device.send(batchOf(...flows(5).map(add)), { atomic: true });
    await clock.run(0);
    expect((await sent).fate).toBe("unknown");
    expect(device.size).toBe(0);
  });

  test("loses requests under way, or lets the switch still carry them out", async () => {
    for (const inFlight of ["lost", "carriedOut"] as const) {
      const { device, clock, events } = await upSwitch();
      device.faults.delay({ requestMs: 50 });
      const sent = device.send(batchOf(...flows(2).map(add)));
      await clock.run(10);
      device.disconnect("cable pulled", inFlight);
      expect((await sent).fate).toBe("unknown");
      expect(device.size).toBe(inFlight === "lost" ? 0 : 2);
      expect(events).toEqual([{ type: "down", epoch: 1, reason: "cable pulled" }]);
      await clock.run(200);
      expect(device.size).toBe(inFlight === "lost" ? 0 : 2);
    }
  });

  test("comes back after a while, and not while the switch is unreachable", async () => {
    const { device, clock, events } = await upSwitch({ connectDelayMs: 300 });
    device.setReachable(false);
    await clock.run(10_000);
    expect(device.isUp).toBe(false);
    device.setReachable(true);
    await clock.run(299);
    expect(device.isUp).toBe(false);
    await clock.run(1);
    expect(device.epoch).toBe(2);
    expect(types(events)).toEqual(["down", "up"]);
  });

  test("replies of an older connection are never heard", async () => {
    const { device, clock } = await upSwitch();
    device.faults.delay({ replyMs: 50 });
    const sent = device.send(batchOf(add(flow())));
    await clock.run(10);
    expect(device.size).toBe(1);
    device.disconnect();
    expect(await sent).toMatchObject({ epoch: 1, fate: "unknown" });
    await clock.run(1_000);
  });

  test("a closed transport stays closed", async () => {
    const { device, clock } = await upSwitch();
    device.disconnect();
    await device.close();
    await clock.run(10_000);
    expect(device.epoch).toBe(1);
    expect(clock.pending).toBe(0);
    device.open();
    await clock.run(10_000);
    expect(device.epoch).toBe(1);
  });
});

test("a restart loses flows and groups without a word", async () => {
  const { device, clock, send, events } = await upSwitch();
  device.addGroup(1);
  device.limitTable(0, { maxFlows: 1 });
  await send("add", flow({ flags: 1 }));
  events.length = 0;
  device.restart();
  await clock.run(100);
  expect(types(events)).toEqual(["down", "up"]);
  expect(device.size).toBe(0);
  expect(refusals(await send("add", ...flows(2)))).toEqual({ 1: "OFPFMFC_TABLE_FULL" });
});

describe("reading", () => {
  const readOf = async (how: "error" | "disconnect" | "stall", afterFlows: number) => {
    const { device, clock, send } = await upSwitch({ chunkSize: 10, replyTimeoutMs: 1_000 });
    await send("add", ...flows(35));
    device.faults.failReads({ afterFlows, how });
    let seen = 0;
    const read = async (): Promise<string> => {
      try {
        for await (const chunk of device.readFlows()) seen += chunk.length;
        return "complete";
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    const outcome = read();
    await clock.run(2_000);
    return { outcome: await outcome, seen, device, clock };
  };

  test("fails half-way with an error of the switch; the next one is complete", async () => {
    const { outcome, seen, device, clock } = await readOf("error", 15);
    expect([outcome, seen]).toEqual(["TRANSPORT_READ_FAILED", 15]);
    const again = collectFlows(device.readFlows());
    await clock.run(0);
    expect(await again).toHaveLength(35);
  });

  test("fails at once, before the first flow", async () => {
    const { outcome, seen } = await readOf("error", 0);
    expect([outcome, seen]).toEqual(["TRANSPORT_READ_FAILED", 0]);
  });

  test("fails after the last flow: complete only when it says so", async () => {
    const { outcome, seen } = await readOf("error", 1_000);
    expect([outcome, seen]).toEqual(["TRANSPORT_READ_FAILED", 35]);
  });

  test("loses the connection half-way", async () => {
    const { outcome, seen } = await readOf("disconnect", 20);
    expect([outcome, seen]).toEqual(["TRANSPORT_DOWN", 20]);
  });

  test("stalls until patience ends", async () => {
    const { outcome, seen } = await readOf("stall", 20);
    expect([outcome, seen]).toEqual(["TRANSPORT_TIMEOUT", 20]);
  });

  test("stalls until the connection goes", async () => {
    const { device, clock, send } = await upSwitch();
    await send("add", ...flows(3));
    device.faults.failReads({ afterFlows: 0, how: "stall" });
    const outcome = collectFlows(device.readFlows()).catch((error: unknown) => (error as { code: string }).code);
    await clock.run(50);
    device.disconnect();
    expect(await outcome).toBe("TRANSPORT_DOWN");
  });

  test("sees the table of one moment", async () => {
    const { device, clock, send } = await upSwitch({ chunkSize: 2 });
    await send("add", ...flows(6));
    const iterator = device.readFlows()[Symbol.asyncIterator]();
    const first = iterator.next();
    await clock.run(0);
    expect((await first).value.length).toBe(2);
    await send("delete", ...flows(6));
    let rest = 0;
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next()) rest += step.value.length;
    expect(rest).toBe(4);
  });
});

describe("being behind", () => {
  test("on demand", async () => {
    const { device, clock } = await upSwitch();
    device.faults.backlog(true);
    expect(device.isBacklogged).toBe(true);
    let drained = false;
    void device.drained().then(() => {
      drained = true;
    });
    await clock.run(1_000);
    expect(drained).toBe(false);
    device.faults.backlog(false);
    await clock.run(0);
    expect([drained, device.isBacklogged]).toEqual([true, false]);
  });

  test("because more is under way than allowed", async () => {
    const { device, clock } = await upSwitch({ maxFlowModsInFlight: 3 });
    device.faults.delay({ requestMs: 10 });
    const first = device.send(batchOf(...flows(3).map(add)));
    expect(device.isBacklogged).toBe(false);
    void device.send(batchOf(add(flow())));
    expect(device.isBacklogged).toBe(true);
    const drained = device.drained();
    await clock.run(10);
    await first;
    await drained;
    expect(device.isBacklogged).toBe(false);
  });

  test("ends with the connection", async () => {
    const { device } = await upSwitch();
    device.faults.backlog(true);
    const drained = device.drained();
    device.disconnect();
    await drained;
    expect(device.isBacklogged).toBe(false);
  });
});

describe("monitor events", () => {
  test("that get lost leave a gap where the loss begins, and one where it ends", async () => {
    const { device, clock, events } = await upSwitch();
    device.faults.loseEvents(3);
    for (const one of flows(5)) device.tamper.add(one);
    await clock.run(0);
    expect(types(events)).toEqual(["gap", "gap", "changed", "changed"]);
  });

  test("a loss of one event is one gap; one that is ended early has its second gap then", async () => {
    const { device, clock, events } = await upSwitch();
    device.faults.loseEvents(1);
    for (const one of flows(2)) device.tamper.add(one);
    await clock.run(0);
    expect(types(events)).toEqual(["gap", "changed"]);
    device.faults.loseEvents(9);
    for (const one of flows(2)) device.tamper.delete(one);
    await clock.run(0);
    expect(types(events)).toEqual(["gap", "changed", "gap"]);
    device.faults.clear();
    device.tamper.add(flow());
    await clock.run(0);
    expect(types(events)).toEqual(["gap", "changed", "gap", "gap", "changed"]);
  });

  test("come before the reply of the batch that caused them", async () => {
    const { device, clock } = await upSwitch();
    device.faults.delay({ requestMs: 5, replyMs: 7 });
    const order: string[] = [];
    device.subscribe((event) => order.push(event.type));
    void device.send(batchOf(...flows(2).map(add))).then(() => order.push("reply"));
    await clock.run(12);
    expect(order).toEqual(["changed", "changed", "reply"]);
  });

  test("reach every listener, also beside one that throws", async () => {
    const logger = new RecordingLogger();
    const { device, clock } = await upSwitch({ logger });
    let heard = 0;
    device.subscribe(() => {
      throw new Error("mine");
    });
    device.subscribe(() => heard++);
    device.tamper.add(flow());
    await clock.run(0);
    expect(heard).toBe(1);
    expect(logger.messages("error")).toHaveLength(1);
  });
});

test("random order is the same each time for the same numbers", async () => {
  const runOnce = async (): Promise<string> => {
    let state = 7;
    const random = (): number => {
      state = (state * 16_807) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    const { device, clock } = await upSwitch({ random, chunkSize: 4 });
    device.faults.shuffle({ replies: true, reads: true });
    const order: number[] = [];
    for (const [index, one] of flows(12).entries()) void device.send(batchOf(add(one))).then(() => order.push(index));
    await clock.run(0);
    const read = collectFlows(device.readFlows());
    await clock.run(0);
    const ports = (await read).map((one) => one.flow.match.bytes.at(-1));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect([...ports].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    return `${order.join()} ${ports.join()}`;
  };
  const once = await runOnce();
  expect(await runOnce()).toBe(once);
  expect(once).not.toContain("0,1,2,3,4,5,6,7,8,9,10,11");
});

test("delays may change from one request to the next, the order does not", async () => {
  const { device, clock } = await upSwitch();
  const delays = [50, 0, 20, 0];
  device.faults.delay({ requestMs: () => delays.shift() ?? 0, replyMs: 5 });
  const order: number[] = [];
  for (let i = 1; i <= 4; i++) void device.send(batchOf(add(flow({ cookie: i })))).then(() => order.push(i));
  await clock.run(54);
  expect(order).toEqual([]);
  await clock.run(1);
  expect(order).toEqual([1, 2, 3, 4]);
  expect(device.get(flow())?.flow.cookie).toBe(4n);
});

test("clear() ends all faults", async () => {
  const { device, clock, send } = await upSwitch();
  device.faults.refuse(() => true, "OFPFMFC_EPERM");
  device.faults.loseReplies({ applied: false, times: 9 });
  device.faults.loseFlowMods(() => true, { applied: false });
  device.faults.disconnectAt(1);
  device.faults.delay({ requestMs: 1_000, replyMs: 1_000 });
  device.faults.failReads({ afterFlows: 0, how: "error" });
  device.faults.loseEvents(9);
  device.faults.backlog(true);
  device.faults.clear();
  expect(await send("add", ...flows(2))).toMatchObject({ fate: "applied", epoch: 1 });
  const read = collectFlows(device.readFlows());
  await clock.run(0);
  expect(await read).toHaveLength(2);
  expect(device.isBacklogged).toBe(false);
});

test("options out of range are refused", async () => {
  await expect(upSwitch({ tables: 0 })).rejects.toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  await expect(upSwitch({ tables: 256 })).rejects.toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
});
