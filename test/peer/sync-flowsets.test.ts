import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Flow } from "../../src/flow/flow.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import { connectSwitch } from "../../src/openflow/openflow-transport.ts";
import type { SynchroniserOptions } from "../../src/sync/options.ts";
import type { SettledReport } from "../../src/sync/report.ts";
import { Synchroniser } from "../../src/sync/synchroniser.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { ChaosProxy } from "./chaos-proxy.ts";
import { flowSet, flowSetText, neededFlowMods } from "./flow-sets.ts";
import { OpenVSwitch } from "./open-vswitch.ts";
import { describePeer } from "./peer-suite.ts";

const OVN = "ovn-real-6k";
const OWNER = "00000000-0000-4000-8000-00000000000a";

describePeer("a synchroniser and a real switch: the flow sets", () => {
  let peer: OpenVSwitch;
  let proxy: ChaosProxy;
  beforeEach(async () => {
    peer = await OpenVSwitch.start();
    proxy = await ChaosProxy.start(peer.folder, peer.socketPath);
  });
  afterEach(async () => {
    await proxy.stop();
    await peer.stop();
  });

  /** Applies `flows` once, as the command would, and says what it took. */
  async function apply(
    flows: readonly Flow[],
    version: OpenFlowVersion,
    options: Partial<SynchroniserOptions> = {},
  ): Promise<{ report: SettledReport; flowMods: number }> {
    const table = new DesiredFlowTable();
    table.setFlows(OWNER, flows);
    const transport = connectSwitch(proxy.address, { versions: [version] });
    const sync = new Synchroniser({ table, transport, ...options });
    proxy.resetCounts();
    sync.start();
    const report = await sync.settled();
    expect(sync.status().counters.faults).toBe(0);
    await sync.stop();
    return { report, flowMods: proxy.flowMods };
  }

  function file(name: string, text: string): string {
    const path = join(peer.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** What `ovs-ofctl diff-flows` finds different between the switch and a file. */
  async function difference(path: string, version: OpenFlowVersion): Promise<string> {
    return (await peer.shell(`ovs-ofctl -O ${version} --no-names diff-flows ${peer.socketPath} ${path} || true`)).trim();
  }

  for (const set of ["l2-10", "ovn-1k", "ovn-20k", "ovn-100k"]) {
    it(`${set}: apply, change, apply: equal each time, and no more flow-mods than needed`, async () => {
      const desired = file("desired.txt", flowSetText(set, "desired.txt"));
      const installed = file("installed.txt", flowSetText(set, "to_install.txt"));
      await peer.ofctl("-O", "OpenFlow13", "--bundle", "add-flows", peer.socketPath, installed);

      const first = await apply(flowSet(set, "desired.txt"), "OpenFlow13");
      expect(first.report.refused).toEqual([]);
      const needed = neededFlowMods(set, "expected.diff.txt");
      expect(first.flowMods).toBeLessThanOrEqual(needed.writes + needed.deletes);
      expect(await difference(desired, "OpenFlow13")).toBe("");

      expect((await apply(flowSet(set, "desired.txt"), "OpenFlow15")).flowMods).toBe(0);

      const back = await apply(flowSet(set, "to_install.txt"), "OpenFlow13");
      expect(back.report.refused).toEqual([]);
      expect(await difference(installed, "OpenFlow13")).toBe("");
      expect((await apply(flowSet(set, "to_install.txt"), "OpenFlow14")).flowMods).toBe(0);
    }, 300_000);
  }

  /** What the flows of the real deployment refer to. */
  async function prepareForOvn(): Promise<void> {
    const ofctl = (...args: string[]): Promise<string> => peer.ofctl("-O", "OpenFlow15", ...args);
    await ofctl("add-tlv-map", peer.socketPath, "{class=0x102,type=0x80,len=4}->tun_metadata0");
    await ofctl("add-meter", peer.socketPath, "meter=1,kbps,band=type=drop,rate=1000");
    const groups = new Map<string, string>();
    for (const state of ["installed", "desired"]) {
      for (const line of flowSetText(OVN, `${state}.groups.txt`).split("\n")) {
        const id = /group_id=(\d+)/.exec(line)?.[1];
        if (id !== undefined) groups.set(id, line.trim());
      }
    }
    await ofctl("add-groups", peer.socketPath, file("groups.txt", [...groups.values()].join("\n")));
  }

  for (const version of ["OpenFlow13", "OpenFlow14", "OpenFlow15"] as const) {
    for (const state of ["installed", "desired"] as const) {
      it(`a real OVN deployment (${state}) in ${version}: a second apply sends nothing`, async () => {
        await prepareForOvn();
        const dump = version === "OpenFlow13" ? "OpenFlow13" : "OpenFlow15";
        const flows = flowSet(OVN, `${state}.${dump}.txt`, dump);
        const first = await apply(flows, version);
        expect(first.report.refused).toEqual([]);
        expect(first.flowMods).toBe(flows.length);
        expect(await peer.dumpFlows("", "OpenFlow15")).toHaveLength(flows.length);
        expect((await apply(flows, version)).flowMods).toBe(0);
        // What one version wrote, another one takes for the same.
        const other = version === "OpenFlow13" ? "OpenFlow15" : "OpenFlow13";
        expect((await apply(flows, other)).flowMods).toBe(0);
      });
    }
  }

  it("a real OVN deployment and its change: no more is sent than Open vSwitch finds different", async () => {
    await prepareForOvn();
    await apply(flowSet(OVN, "installed.OpenFlow13.txt"), "OpenFlow13");
    const needed = neededFlowMods(OVN, "expected.diff.OpenFlow13.txt");
    const change = await apply(flowSet(OVN, "desired.OpenFlow13.txt"), "OpenFlow13");
    expect(change.report.refused).toEqual([]);
    expect(change.flowMods).toBeLessThanOrEqual(needed.writes + needed.deletes);
    const desired = file("desired.txt", flowSetText(OVN, "desired.OpenFlow13.txt"));
    expect(await difference(desired, "OpenFlow13")).toBe("");
  });
});
