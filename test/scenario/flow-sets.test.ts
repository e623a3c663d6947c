// From one table to the other, end to end: the installed dump goes into the in-memory switch, the switch is read back, the
// difference to the desired flows is sent, and the switch holds exactly what is desired.
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { InstalledFlowTable } from "../../src/table/installed-table.ts";
import { ownerFor } from "../../src/table/owner-id.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { parseFlows } from "../../src/text/parse-flows.ts";
import { MemorySwitch } from "../../src/transport/memory-switch.ts";
import { line, readBack, sendRound, upSwitch } from "./keeper.ts";

const root = new URL("../vectors/flowsets/", import.meta.url);

function read(set: string, name: string): string {
  const folder = new URL(`${set}/`, root);
  if (readdirSync(folder).includes(`${name}.gz`)) return gunzipSync(readFileSync(new URL(`${name}.gz`, folder))).toString();
  return readFileSync(new URL(name, folder), "utf8");
}

interface Pair {
  readonly set: string;
  readonly installed: string;
  readonly desired: string;
  /** What ovs-ofctl diff-flows said, and whether that was all there is. */
  readonly expected: string;
}

const pairs: readonly Pair[] = [
  ...["l2-10", "ovn-1k", "ovn-20k", "ovn-100k"].map((set) => {
    return { set, installed: "installed.txt", desired: "desired.txt", expected: "expected.diff.txt" };
  }),
  {
    set: "ovn-real-6k",
    installed: "installed.OpenFlow13.txt",
    desired: "desired.OpenFlow13.txt",
    expected: "expected.diff.OpenFlow13.txt",
  },
  {
    set: "ovn-real-6k",
    installed: "installed.OpenFlow15.txt",
    desired: "desired.OpenFlow15.txt",
    expected: "expected.diff.OpenFlow15.reparseable.txt",
  },
  // The same switch, seen before in one version and wanted now in another: no more differs than in one version.
  {
    set: "ovn-real-6k",
    installed: "installed.OpenFlow13.txt",
    desired: "desired.OpenFlow15.txt",
    expected: "expected.diff.OpenFlow15.reparseable.txt",
  },
];

/** Of the lines of a diff: how many keys come, go, and change. A line names its key before the cookie or the actions. */
function changesIn(diff: string): { come: number; go: number; change: number } {
  const keys = { "-": new Set<string>(), "+": new Set<string>() };
  for (const one of diff.split("\n")) {
    const sign = one[0];
    if (sign !== "-" && sign !== "+") continue;
    keys[sign].add(one.slice(1).replace(/ ?(cookie|idle_timeout|hard_timeout|importance|actions)=.*$/, ""));
  }
  const change = [...keys["-"]].filter((key) => keys["+"].has(key)).length;
  return { come: keys["+"].size - change, go: keys["-"].size - change, change };
}

describe.each(pairs)("$set: $installed to $desired", ({ set, installed, desired, expected }) => {
  test("the switch ends up with the desired flows, by no more flow-mods than needed", async () => {
    // The clock stands still: no flow runs out, no answer is late, however slow the machine.
    const device = await upSwitch({ clock: new ManualClock() });
    const held = device.load(read(set, installed));
    const other = new MemorySwitch({ clock: new ManualClock() });
    // Half of the lines are spelt as only ovs-ofctl takes them, such as 10.0.0.7/24.
    const wanted = other.load(read(set, desired), { compat: set === "ovn-real-6k" ? "strict" : "ovs" });
    // The groups and meters that the new flows need are there before the flows.
    for (const { flow } of other.flows()) {
      for (const action of flow.instructions.actions) if (action.type === "group") device.addGroup(action.group);
    }
    const table = new DesiredFlowTable();
    table.setFlows(
      ownerFor("controller"),
      other.flows().map(({ flow }) => flow),
    );
    expect(table.keyCount).toBe(wanted);
    expect(await readBack(table, device)).toBe(held);

    // The full comparison, against the table's own knowledge and against a table from outside, and the round: all the same.
    const outside = new InstalledFlowTable();
    for (const { flow } of device.flows()) outside.set(flow);
    const full = [...diffTables(table, table.installed)];
    const foreign = [...diffTables(table, outside)];
    const before = device.received;
    const sent = await sendRound(table, device);
    expect(sent.refused.size).toBe(0);
    expect(sent.mods.map(line).sort()).toEqual(full.map(line).sort());
    expect(foreign.map(line).sort()).toEqual(full.map(line).sort());

    const { come, go, change } = changesIn(read(set, expected));
    const deletes = sent.mods.filter((mod) => mod.command === "delete").length;
    expect({ deletes, others: sent.mods.length - deletes }).toEqual({ deletes: go, others: come + change });
    expect(device.received.refused - before.refused).toBe(0);

    // The switch has it, whichever way one looks.
    expect(device.size).toBe(wanted);
    const held13 = new Set(device.dump({ version: "OpenFlow13" }).split("\n"));
    const wanted13 = other.dump({ version: "OpenFlow13" }).split("\n");
    expect(wanted13.filter((one) => !held13.has(one))).toEqual([]);

    // And that is all: nothing is left to do, also after reading it back.
    expect((await sendRound(table, device)).mods).toEqual([]);
    await readBack(table, device);
    expect((await sendRound(table, device)).mods).toEqual([]);
    expect(diffTables(table, table.installed).length).toBe(0);
  }, 240_000);
});

describe("one switch, seen in OpenFlow 1.3 and in 1.5", () => {
  test.each(["installed", "desired"])(
    "%s: no difference at all, though thousands of flows are written differently",
    async (name) => {
      const device = await upSwitch({ clock: new ManualClock() });
      device.load(read("ovn-real-6k", `${name}.OpenFlow13.txt`));
      const table = new DesiredFlowTable();
      const owner = ownerFor("controller");
      for (const { flow } of parseFlows(read("ovn-real-6k", `${name}.OpenFlow15.txt`))) table.addFlow(owner, flow);
      await readBack(table, device);
      const differently = [...table.winners()].filter((flow) => {
        const there = device.get(flow);
        return there === undefined || !there.flow.instructions.equals(flow.instructions);
      });
      expect(differently.length).toBeGreaterThan(1_000);
      expect(diffTables(table, table.installed).length).toBe(0);
      expect((await sendRound(table, device)).mods).toEqual([]);
    },
  );
});
