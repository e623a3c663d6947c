import { describe, expect, it } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import { createFlowModView, type FlowMod } from "../../src/diff/flow-mod.ts";
import { flowModBatch, orderFlowMods } from "../../src/diff/flow-mod-batch.ts";
import { formatFlowMod } from "../../src/diff/format-flow-mod.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { instructionsMeaning } from "../../src/flow/meaning.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { InstalledFlowTable } from "../../src/table/installed-table.ts";
import { isPlain } from "../../src/table/instruction-scan.ts";
import { ownerFor } from "../../src/table/owner-id.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { flowOf, output, put } from "../table/flows.ts";

const U = ownerFor("u");

/** Flow-mods that turn `installed` into `desired`, as text. */
function diff(desired: readonly string[], installed: readonly string[]): string[] {
  const table = new DesiredFlowTable();
  for (const text of desired) table.addFlow(U, parseFlow(text));
  const there = new InstalledFlowTable();
  for (const text of installed) there.set(parseFlow(text));
  const lines = [...diffTables(table, there)].map((mod) => formatFlowMod(mod));
  // The other road: read the switch back into the table's own records.
  const reading = table.installed.beginReadBack();
  for (const flow of there) reading.observe(flow);
  reading.commit();
  expect([...diffTables(table, table.installed)].map((mod) => formatFlowMod(mod)).sort()).toEqual([...lines].sort());
  expect(
    put(table)
      .map((mod) => formatFlowMod(mod))
      .sort(),
  ).toEqual([...lines].sort());
  expect(diffTables(table, table.installed)).toHaveLength(0);
  return lines;
}

describe("flow-mods between two tables", () => {
  it("adds what is missing, deletes what is not wanted, modifies what only acts differently", () => {
    expect(
      diff(
        ["table=1,priority=5,ip,actions=output:1", "table=2,priority=5,ip,actions=output:2", "table=3,actions=drop"],
        ["table=1,priority=5,ip,actions=output:1", "table=2,priority=5,ip,actions=output:3", "table=4,arp,actions=drop"],
      ),
    ).toEqual([
      "add table=3, actions=drop",
      "modify_strict table=2, priority=5,ip actions=output:2",
      "delete_strict table=4, arp",
    ]);
  });

  it("writes a flow anew when its cookie, a timeout, its importance or a lasting flag differs", () => {
    for (const attribute of ["cookie=0x1", "idle_timeout=5", "hard_timeout=5", "importance=3", "send_flow_rem"]) {
      const [line] = diff([`${attribute},table=1,actions=output:1`], ["table=1,actions=output:1"]);
      expect(line).toMatch(/^add /);
    }
  });

  it("takes no notice of flags that act only when a flow is added", () => {
    expect(diff(["check_overlap,table=1,actions=output:1"], ["table=1,actions=output:1"])).toEqual([]);
    expect(diff(["reset_counts,table=1,actions=output:1"], ["check_overlap,table=1,actions=output:1"])).toEqual([]);
    expect(diff(["reset_counts,cookie=1,table=1,actions=output:1"], ["table=1,actions=output:1"])).toHaveLength(1);
    expect(diff(["reset_counts,table=1,actions=output:2"], ["table=1,actions=output:1"])).toEqual([
      expect.stringMatching(/^modify_strict/) as unknown as string,
    ]);
  });

  it.each([
    ["load:5->NXM_NX_REG0[]", "set_field:5->reg0"],
    ["mod_dl_src:00:00:00:00:00:01", "set_field:00:00:00:00:00:01->eth_src"],
    ["strip_vlan", "pop_vlan"],
  ])("takes %s and %s for the same", (one, other) => {
    const match = one.includes("vlan") ? "vlan_tci=0x1000/0x1000" : "";
    expect(diff([`table=1,${match},actions=${one},output:1`], [`table=1,${match},actions=${other},output:1`])).toEqual([]);
    expect(diff([`table=1,${match},actions=${one},output:1`], [`table=1,${match},actions=${other},output:2`])).toHaveLength(1);
  });

  it("orders: later tables first for what comes, earlier tables first for what goes, deletes last or first", () => {
    const table = new DesiredFlowTable();
    for (const number of [0, 7, 3, 254]) table.addFlow(U, flowOf(number, output(1), { table: number }));
    const installed = new InstalledFlowTable();
    for (const number of [9, 0, 5]) installed.set(flowOf(100, output(1), { table: number }));
    const order = (mods: Iterable<FlowMod>): string[] => [...mods].map(({ command, flow }) => `${command} ${flow.table}`);
    const adds = ["add 254", "add 7", "add 3", "add 0"];
    const deletes = ["delete 0", "delete 5", "delete 9"];
    expect(order(diffTables(table, installed))).toEqual([...adds, ...deletes]);
    expect(order(diffTables(table, installed, { order: "deletesFirst" }))).toEqual([...deletes, ...adds]);
    const shuffled = [...diffTables(table, installed)].reverse();
    expect(order(orderFlowMods(shuffled))).toEqual([...adds, ...deletes]);
    expect(order(orderFlowMods(shuffled, "deletesFirst"))).toEqual([...deletes, ...adds]);
  });

  it("knows every state: unknown keys are written or deleted", () => {
    const table = new DesiredFlowTable();
    table.addFlow(U, flowOf(1, output(1)));
    const installed = new InstalledFlowTable();
    installed.setUnknown(flowOf(1, output(1)));
    installed.setUnknown(flowOf(2, output(1)));
    expect([...diffTables(table, installed)].map(({ command }) => command)).toEqual(["add", "delete"]);
  });
});

describe("a batch", () => {
  it("gives the same as objects and as numbers, and does not change with the table", () => {
    const table = new DesiredFlowTable();
    const flows: Flow[] = [1, 2, 3].map((key) =>
      flowOf(key, output(key), { cookie: 0xffff_ffff_0000_0000n + BigInt(key), idleTimeout: key, importance: 9 }),
    );
    table.setFlows(U, flows);
    const batch = diffTables(table, table.installed);
    table.clear();
    for (let key = 0; key < 5000; key++) table.addFlow(U, flowOf(key, output(9)));
    expect(batch.counts).toEqual({ add: 3, modify: 0, delete: 0 });
    const view = createFlowModView();
    for (let i = 0; i < batch.length; i++) {
      const { command, flow } = batch.at(i);
      batch.read(i, view);
      expect([command, view.command]).toEqual(["add", 0]);
      expect([view.table, view.priority, view.cookieHigh, view.cookieLow, view.idleTimeout, view.importance]).toEqual([
        flow.table,
        flow.priority,
        flow.cookieHigh,
        flow.cookieLow,
        flow.idleTimeout,
        flow.importance,
      ]);
      expect(view.matchBuffer.slice(view.matchStart, view.matchStart + view.matchLength)).toEqual(flow.match.bytes);
      expect(view.instructionsBuffer.slice(view.instructionsStart, view.instructionsStart + view.instructionsLength)).toEqual(
        flow.instructions.bytes,
      );
      expect(flows.some((one) => one.equals(flow))).toBe(true);
    }
    for (const index of [-1, 3, 0.5, Number.NaN]) expect(() => batch.at(index)).toThrow(RangeError);
  });

  it("can be made of objects; a delete carries no instructions", () => {
    const batch = flowModBatch([
      { command: "delete", flow: flowOf(1, output(1)) },
      { command: "modify", flow: flowOf(2, output(1)) },
    ]);
    const view = createFlowModView();
    batch.read(0, view);
    expect([view.command, view.instructionsLength]).toEqual([2, 0]);
    expect([...batch].map(({ command }) => command)).toEqual(["delete", "modify"]);
    expect(() => flowModBatch([{ command: "add", flow: {} as Flow }])).toThrow(expect.objectContaining({ code: "FLOW_TYPE" }));
    expect(() => flowModBatch([{ command: "replace" as "add", flow: flowOf(1, output(1)) }])).toThrow(
      expect.objectContaining({ code: "FLOW_MOD_COMMAND" }),
    );
  });
});

describe("instructions that are plain", () => {
  it("are their own meaning", () => {
    const actions = [
      "drop",
      "output:1",
      "controller",
      "controller(max_len=128)",
      "resubmit(,5)",
      "resubmit(1,5)",
      "resubmit:3",
      "goto_table:5",
      "conjunction(1,1/2),conjunction(2,2/2)",
      "set_field:5->reg0",
      "set_field:5->reg0,set_field:6->reg0",
      "set_field:5/7->reg0",
      "set_field:5->reg0,set_field:6->reg1,resubmit(,9)",
      "load:5->NXM_NX_REG0[]",
      "mod_nw_tos:16",
      "set_field:00:00:00:00:00:01->eth_src,output:2",
      "ct(table=5,zone=NXM_NX_REG13[0..15])",
      "ct(commit,nat(src=10.0.0.1))",
      "push_vlan:0x8100,set_field:4097->vlan_vid",
      "move:NXM_NX_REG0[]->NXM_NX_REG1[]",
      "note:00.00.00.00",
      "write_metadata:1/1,goto_table:7",
    ];
    let plain = 0;
    for (const text of actions) {
      const { bytes } = parseFlow(`table=1,ip,actions=${text}`, { compat: "ovs" }).instructions;
      if (!isPlain(bytes, 0, bytes.length)) continue;
      plain++;
      expect(instructionsMeaning(bytes), text).toBe(bytes);
    }
    expect(plain).toBeGreaterThanOrEqual(9);
  });
});
