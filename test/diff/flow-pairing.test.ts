import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffTables } from "../../src/diff/diff-tables.ts";
import { orderFlowMods } from "../../src/diff/flow-mod-batch.ts";
import { FlowPairing } from "../../src/diff/flow-pairing.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { FlowList } from "../../src/table/flow-list.ts";
import { createFlowModView, type FlowMod } from "../../src/table/flow-mod.ts";
import { arbitraries } from "../../src/testing/arbitraries.ts";
import { formatDiffFlow } from "../../src/text/format-flow.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { runs, seeds } from "../seed.ts";

const OWNER = "00000000-0000-4000-8000-000000000001";

function pairingOf(installed: readonly Flow[], desired: readonly Flow[], size?: number): FlowPairing {
  const pairing = new FlowPairing(size, size);
  const view = createFlowModView();
  const list = FlowList.of([...installed, ...desired]);
  for (let i = 0; i < list.length; i++) {
    list.read(i, view);
    if (i < installed.length) pairing.addInstalled(view);
    else pairing.addDesired(view);
  }
  return pairing;
}

/** The same in runs of so many flows. */
function pairingOfRuns(installed: readonly Flow[], desired: readonly Flow[], size: number, run: number): FlowPairing {
  const pairing = new FlowPairing(size, size);
  for (let at = 0; at < installed.length; at += run) pairing.addInstalledRun(FlowList.of(installed.slice(at, at + run)));
  for (let at = 0; at < desired.length; at += run) pairing.addDesiredRun(FlowList.of(desired.slice(at, at + run)));
  return pairing;
}

function modsOf(pairing: FlowPairing): FlowMod[] {
  const differences = pairing.differences();
  return Array.from({ length: differences.length }, (_, i) => differences.flowModAt(i));
}

/** The same by way of tables. */
function tableMods(installed: readonly Flow[], desired: readonly Flow[]): FlowMod[] {
  const table = new DesiredFlowTable();
  for (const flow of installed) table.installed.set(flow);
  for (const flow of desired) table.setFlow(OWNER, flow);
  return [...diffTables(table, table.installed)];
}

const texts = (mods: readonly FlowMod[]): string[] =>
  mods.map((mod) => `${mod.command} ${formatDiffFlow(mod.flow)} ${mod.flow.flags}`).sort();
const flows = (...lines: string[]): Flow[] => lines.map((line) => parseFlow(line));

describe("FlowPairing", () => {
  it.each(seeds)("finds what diffTables finds (seed %i)", (seed) => {
    const { fewFlows, flow } = arbitraries(fc, { groups: [1], meters: [2] });
    const some = fc.array(fc.oneof(fewFlows, flow), { maxLength: 20 });
    fc.assert(
      fc.property(some, some, some, (a, b, both) => {
        const [installed, desired] = [
          [...a, ...both],
          [...both, ...b],
        ];
        expect(texts(modsOf(pairingOf(installed, desired, 1)))).toEqual(texts(tableMods(installed, desired)));
      }),
      { seed, numRuns: runs(300) },
    );
  });

  it.each(seeds)("takes runs of flows as it takes them one by one (seed %i)", (seed) => {
    const { fewFlows, flow } = arbitraries(fc, { groups: [1], meters: [2] });
    const some = fc.array(fc.oneof(fewFlows, flow), { maxLength: 60 });
    fc.assert(
      fc.property(some, some, some, fc.integer({ min: 1, max: 100 }), (a, b, both, size) => {
        const [installed, desired] = [
          [...a, ...both],
          [...both, ...b],
        ];
        const one = pairingOf(installed, desired, 1);
        const inRuns = pairingOfRuns(installed, desired, 1, size);
        // In the same order, too.
        const lines = (pairing: FlowPairing): string[] =>
          modsOf(pairing).map((mod) => `${mod.command} ${formatDiffFlow(mod.flow)} ${mod.flow.flags}`);
        expect(lines(inRuns)).toEqual(lines(one));
        expect([inRuns.installedCount, inRuns.desiredCount]).toEqual([one.installedCount, one.desiredCount]);
      }),
      { seed, numRuns: runs(300) },
    );
  });

  it("takes a list as it is after the last flow was taken back, and an empty one", () => {
    const [one, two] = flows("priority=1,ip actions=1", "priority=2,arp actions=2,3,4") as [Flow, Flow];
    const list = FlowList.of([one, two]);
    list.removeLast();
    const pairing = new FlowPairing();
    pairing.addInstalledRun(list);
    pairing.addDesiredRun(new FlowList());
    pairing.addDesiredRun(FlowList.of([one, two]));
    expect(modsOf(pairing)).toEqual([{ command: "add", flow: two }]);
  });

  it("compares by meaning, and knows what only lasts a moment", () => {
    const installed = flows(
      "tcp,reg0=1 actions=load:1->NXM_NX_REG1[]",
      "priority=2 actions=drop",
      "priority=3,reset_counts actions=drop",
    );
    const desired = flows(
      "reg0=1,tcp actions=set_field:1->reg1",
      "priority=2,send_flow_rem actions=drop",
      "priority=3 actions=drop",
    );
    expect(texts(modsOf(pairingOf(installed, desired)))).toEqual(texts(tableMods(installed, desired)));
  });

  it("of two flows with one key the later counts, whatever the first was", () => {
    const one = flows("priority=1 actions=output:1");
    const two = flows("priority=1 actions=output:2");
    expect(pairingOf(one, [...two, ...one]).differences().length).toBe(0);
    expect(pairingOf(one, [...one, ...two]).differences().length).toBe(1);
    expect(pairingOf([...two, ...one], one).differences().length).toBe(0);
    const pairing = pairingOf([], [...one, ...two]);
    expect([pairing.installedCount, pairing.desiredCount]).toEqual([0, 1]);
    expect(texts(modsOf(pairing))).toEqual(["add priority=1 actions=output:2 0"]);
  });

  it("tells both sides, by table and from the highest priority down", () => {
    const installed = flows(
      "table=2,priority=1 actions=drop",
      "table=1,priority=5 actions=drop",
      "table=254,priority=0 actions=drop",
    );
    const desired = flows(
      "table=1,priority=65535 actions=drop",
      "table=0,priority=0 actions=drop",
      "table=2,priority=1 actions=output:1",
    );
    const differences = pairingOf(installed, desired).differences();
    const view = createFlowModView();
    const seen = Array.from({ length: differences.length }, (_, i) => {
      const before = differences.readInstalled(i, view);
      const after = differences.readDesired(i, view);
      return `${before ? "-" : ""}${after ? "+" : ""}${view.table}/${view.priority}`;
    });
    expect(seen).toEqual(["+0/0", "+1/65535", "-1/5", "-+2/1", "-254/0"]);
  });

  it("grows, and its flow-mods can be ordered", () => {
    const many = (from: number, to: number): Flow[] =>
      Array.from({ length: to - from }, (_, i) => parseFlow(`priority=${from + i},reg0=${(from + i) * 7919} actions=output:1`));
    const pairing = pairingOf(many(0, 5000), many(1000, 6000), 1);
    expect([pairing.installedCount, pairing.desiredCount]).toEqual([5000, 5000]);
    const mods = orderFlowMods(modsOf(pairing));
    expect(mods.map((mod) => mod.command)).toEqual([...Array(1000).fill("add"), ...Array(1000).fill("delete")]);
  });
});
