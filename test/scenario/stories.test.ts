// What no dump can show: owners who contend, flows that are refused, connections that break. Told on the in-memory switch.
import { describe, expect, test } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import { formatFlowMod } from "../../src/diff/format-flow-mod.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { InstalledFlowTable } from "../../src/table/installed-table.ts";
import { flow } from "../../src/text/flow-template.ts";
import { readBack, sendRound, up, upSwitch } from "./keeper.ts";

const anna = "00000000-0000-4000-8000-00000000000a";
const bert = "00000000-0000-4000-8000-00000000000b";

const texts = (mods: Iterable<Parameters<typeof formatFlowMod>[0]>): string[] => [...mods].map((mod) => formatFlowMod(mod));

describe("two owners of one key", () => {
  test("the lower UUID wins; when it leaves the other one shows, with the counters going on", async () => {
    const device = await upSwitch();
    const table = new DesiredFlowTable();
    table.addFlow(bert, flow`priority=10,in_port=1,actions=output:2`);
    expect(texts((await sendRound(table, device)).mods)).toEqual(["add priority=10,in_port=1 actions=output:2"]);
    device.hit(flow`priority=10,in_port=1,actions=drop`, 5, 500);

    table.addFlow(anna, flow`priority=10,in_port=1,actions=output:1`);
    expect(texts((await sendRound(table, device)).mods)).toEqual(["modify_strict priority=10,in_port=1 actions=output:1"]);

    table.removeFlows(anna);
    expect(texts((await sendRound(table, device)).mods)).toEqual(["modify_strict priority=10,in_port=1 actions=output:2"]);
    expect(device.dump({ stats: true })).toContain("n_packets=5, n_bytes=500");

    table.removeFlows(bert);
    expect(texts((await sendRound(table, device)).mods)).toEqual(["delete_strict priority=10,in_port=1"]);
    expect(device.size).toBe(0);
  });

  test("one who comes and goes behind the winner sends nothing", async () => {
    const device = await upSwitch();
    const table = new DesiredFlowTable();
    table.addFlow(anna, flow`in_port=1,actions=output:1`);
    await sendRound(table, device);
    const before = device.received;
    table.addFlow(bert, flow`in_port=1,actions=output:2`);
    await sendRound(table, device);
    table.removeFlows(bert);
    await sendRound(table, device);
    expect(device.received).toEqual(before);
  });

  test("to and fro within one round shows nothing; the same set again neither", async () => {
    const device = await upSwitch();
    const table = new DesiredFlowTable();
    const mine = [flow`in_port=1,actions=output:1`, flow`in_port=2,actions=mod_dl_src:00:00:00:00:00:01,output:1`];
    table.setFlows(anna, mine);
    await sendRound(table, device);
    const before = device.received;
    table.setFlow(anna, flow`in_port=1,actions=drop`);
    table.setFlow(anna, flow`in_port=1,actions=output:1`);
    table.removeFlows(anna);
    table.setFlows(anna, [...mine].reverse());
    // Says the same in other words.
    table.setFlow(anna, flow`in_port=2,actions=set_field:00:00:00:00:00:01->eth_src,output:1`);
    await sendRound(table, device);
    expect(device.received).toEqual(before);
  });
});

describe("what differs decides what is sent", () => {
  test("only instructions: a modify, and the flow's past stays; anything else: an add over it", async () => {
    const device = await upSwitch();
    const table = new DesiredFlowTable();
    table.addFlow(anna, flow`in_port=1,actions=output:1`);
    table.addFlow(anna, flow`in_port=2,actions=output:1`);
    await sendRound(table, device);
    table.setFlow(anna, flow`in_port=1,actions=output:7`);
    table.setFlow(anna, flow`in_port=2,cookie=0x5,actions=output:1`);
    expect(texts((await sendRound(table, device)).mods).sort()).toEqual([
      "add cookie=0x5, in_port=2 actions=output:1",
      "modify_strict in_port=1 actions=output:7",
    ]);
    expect(device.dump()).toBe("in_port=1 actions=output:7\ncookie=0x5, in_port=2 actions=output:1\n");
  });

  test("flows go in before those that lead to them, and out after them", async () => {
    const device = await upSwitch();
    const table = new DesiredFlowTable();
    table.setFlows(anna, [
      flow`table=0,actions=goto_table:5`,
      flow`table=5,actions=goto_table:9`,
      flow`table=9,actions=output:1`,
    ]);
    expect((await sendRound(table, device)).mods.map((mod) => mod.flow.table)).toEqual([9, 5, 0]);
    table.clear();
    expect((await sendRound(table, device)).mods.map((mod) => mod.flow.table)).toEqual([0, 5, 9]);
  });
});

describe("a refused flow", () => {
  test("stays out alone, and goes in when its group is there and it is asked for again", async () => {
    const device = await upSwitch();
    const table = new DesiredFlowTable();
    const bad = flow`in_port=2,actions=group:7`;
    table.setFlows(anna, [flow`in_port=1,actions=output:1`, bad, flow`in_port=3,actions=output:1`]);
    const { refused } = await sendRound(table, device);
    expect([...refused].map(([one, error]) => [one.equals(bad), error.name])).toEqual([[true, "OFPBAC_BAD_OUT_GROUP"]]);
    expect(device.size).toBe(2);
    // It is left alone until something about it changes.
    expect((await sendRound(table, device)).mods).toEqual([]);
    device.addGroup(7);
    table.retry(bad);
    expect((await sendRound(table, device)).refused.size).toBe(0);
    expect(device.size).toBe(3);
    // The group goes, and takes the flow with it. Only reading back can tell.
    device.removeGroup(7);
    await readBack(table, device);
    expect(texts(diffTables(table, table.installed))).toEqual(["add in_port=2 actions=group:7"]);
  });

  test("of a full table goes in after the deletes, when those come first", async () => {
    const device = await upSwitch();
    device.limitTable(0, { maxFlows: 2 });
    const table = new DesiredFlowTable();
    table.setFlows(anna, [flow`in_port=1,actions=drop`, flow`in_port=2,actions=drop`]);
    await sendRound(table, device);
    const fresh = [flow`in_port=3,actions=drop`, flow`in_port=4,actions=drop`];
    table.setFlows(anna, fresh);
    const first = await sendRound(table, device);
    expect([...first.refused.values()].map((error) => error.name)).toEqual(["OFPFMFC_TABLE_FULL", "OFPFMFC_TABLE_FULL"]);
    expect(device.size).toBe(0);
    for (const one of fresh) table.retry(one);
    expect((await sendRound(table, device)).refused.size).toBe(0);

    table.setFlows(anna, [flow`in_port=5,actions=drop`, flow`in_port=6,actions=drop`]);
    expect((await sendRound(table, device, "deletesFirst")).refused.size).toBe(0);
    expect(device.size).toBe(2);
  });
});

describe("a broken connection", () => {
  test("leaves what was under way unknown; reading back settles it without a needless flow-mod", async () => {
    const device = await upSwitch();
    const table = new DesiredFlowTable();
    table.setFlows(
      anna,
      Array.from({ length: 10 }, (_, i) => flow`in_port=${i + 1},actions=output:1`),
    );
    device.faults.disconnectAt(7);
    expect((await sendRound(table, device)).unknown).toBe(true);
    expect(device.size).toBe(6);
    const states = () => [...table.winners()].map((one) => table.installed.state(one).state);
    expect(new Set(states())).toEqual(new Set(["unknown"]));
    await up(device);
    await readBack(table, device);
    expect(states().sort()).toEqual([...Array(4).fill("absent"), ...Array(6).fill("present")]);
    expect((await sendRound(table, device)).mods).toHaveLength(4);
    expect(device.size).toBe(10);
  });

  test("in the middle of a read deletes nothing", async () => {
    const device = await upSwitch({ chunkSize: 3 });
    const table = new DesiredFlowTable();
    table.setFlows(
      anna,
      Array.from({ length: 10 }, (_, i) => flow`in_port=${i + 1},actions=output:1`),
    );
    await sendRound(table, device);
    for (const how of ["error", "disconnect"] as const) {
      device.faults.failReads({ afterFlows: 5, how });
      await expect(readBack(table, device)).rejects.toThrow();
      expect(diffTables(table, table.installed).length).toBe(0);
      await up(device);
    }
    await readBack(table, device);
    expect((await sendRound(table, device)).mods).toEqual([]);
    expect(device.received.delete).toBe(0);
  });
});

test("a restarted switch is filled again, and a stranger's changes are undone", async () => {
  const device = await upSwitch();
  const table = new DesiredFlowTable();
  table.setFlows(anna, [flow`in_port=1,actions=output:1`, flow`in_port=2,actions=output:2`, flow`in_port=3,actions=output:3`]);
  await sendRound(table, device);
  const wanted = device.dump();
  device.restart();
  await up(device);
  await readBack(table, device);
  expect((await sendRound(table, device)).mods).toHaveLength(3);
  expect(device.dump()).toBe(wanted);

  device.tamper.modify(flow`in_port=1,actions=drop`);
  device.tamper.delete(flow`in_port=2,actions=drop`);
  device.tamper.add(flow`in_port=4,actions=drop`);
  await readBack(table, device);
  expect(texts((await sendRound(table, device)).mods).sort()).toEqual([
    "add in_port=2 actions=output:2",
    "delete_strict in_port=4",
    "modify_strict in_port=1 actions=output:1",
  ]);
  expect(device.dump()).toBe(wanted);
});

test("a dump goes from one switch to another", async () => {
  const [device, other] = [await upSwitch({ references: "any" }), await upSwitch()];
  const table = new DesiredFlowTable();
  table.setFlows(anna, [
    flow`ip,nw_dst=10.0.0.0/8,actions=ct(commit,table=4),group:3`,
    flow`table=4,priority=0,actions=meter:2,NORMAL`,
  ]);
  await sendRound(table, device);
  other.load(device.dump());
  const installed = new InstalledFlowTable();
  for (const { flow: one } of other.flows()) installed.set(one);
  expect(diffTables(table, installed).length).toBe(0);
});
