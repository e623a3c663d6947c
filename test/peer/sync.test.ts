import { afterEach, beforeEach, expect, it } from "vitest";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import { connectSwitch } from "../../src/openflow/openflow-transport.ts";
import type { SyncEvent } from "../../src/sync/events.ts";
import type { SynchroniserOptions } from "../../src/sync/options.ts";
import { Synchroniser } from "../../src/sync/synchroniser.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { OpenVSwitch } from "./open-vswitch.ts";
import { describePeer } from "./peer-suite.ts";

const OWNER = "00000000-0000-4000-8000-00000000000a";

describePeer("a synchroniser and a real switch", () => {
  let peer: OpenVSwitch;
  const running: Synchroniser[] = [];
  beforeEach(async () => {
    peer = await OpenVSwitch.start();
  });
  afterEach(async () => {
    for (const sync of running.splice(0)) await sync.stop();
    await peer.stop();
  });

  interface Controller {
    readonly table: DesiredFlowTable;
    readonly sync: Synchroniser;
    readonly events: SyncEvent[];
  }

  function controller(
    version: OpenFlowVersion,
    flows: readonly string[],
    options: Partial<SynchroniserOptions> & { readonly monitor?: boolean } = {},
  ): Controller {
    const table = new DesiredFlowTable();
    table.setFlows(
      OWNER,
      flows.map((text) => parseFlow(text)),
    );
    const transport = connectSwitch(peer.address, { versions: [version], monitor: options.monitor ?? true });
    const sync = new Synchroniser({ table, transport, ...options });
    const events: SyncEvent[] = [];
    sync.subscribe((event) => events.push(event));
    running.push(sync);
    sync.start();
    return { table, sync, events };
  }

  const ofctl = (...args: string[]): Promise<string> => peer.ofctl("-O", "OpenFlow15", ...args);

  /** How long it takes until the switch dumps exactly this. */
  async function until(expected: readonly string[], limitMs: number): Promise<number> {
    const begun = Date.now();
    for (;;) {
      const dump = await peer.dumpFlows();
      const took = Date.now() - begun;
      if (JSON.stringify(dump) === JSON.stringify([...expected].sort())) return took;
      if (took > limitMs) expect(dump, `after ${took} ms`).toEqual([...expected].sort());
    }
  }

  const two = ["table=1, priority=5,tcp actions=output:1", "table=2, priority=5,udp actions=output:2"] as const;

  for (const version of ["OpenFlow13", "OpenFlow14", "OpenFlow15"] as const) {
    it(`${version}: a deleted, an altered and a foreign flow are put right within a second`, async () => {
      const { sync, events } = controller(version, two);
      await sync.settled();
      await ofctl("del-flows", "--strict", peer.socketPath, "table=1,priority=5,tcp");
      expect(await until(two, 1000)).toBeLessThan(1000);
      await ofctl("add-flow", peer.socketPath, "table=2,priority=5,udp,actions=output:9");
      expect(await until(two, 1000)).toBeLessThan(1000);
      await ofctl("add-flow", peer.socketPath, "table=2,cookie=5,priority=5,udp,actions=output:2");
      expect(await until(two, 1000)).toBeLessThan(1000);
      await ofctl("add-flow", peer.socketPath, "table=3,priority=1,actions=drop");
      expect(await until(two, 1000)).toBeLessThan(1000);
      const drift = events.flatMap((event) => (event.type === "drift" ? [`${event.kind} ${event.source}`] : []));
      expect(drift).toEqual(["missing monitor", "altered monitor", "altered monitor", "unwanted monitor"]);
    });

    it(`${version}: our own changes are no drift`, async () => {
      const { table, sync, events } = controller(version, two);
      await sync.settled();
      for (let round = 1; round <= 20; round++) {
        table.setFlows(
          OWNER,
          Array.from({ length: 50 }, (_, i) =>
            parseFlow(`table=${i % 4},priority=${i + (round % 3)} actions=output:${1 + (round % 2)}`),
          ),
        );
        if (round % 4 === 0) await sync.settled();
      }
      await sync.settled();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(events.filter((event) => event.type === "drift")).toEqual([]);
      expect(sync.status().counters).toMatchObject({ readBacks: 1, repaired: 0, unknown: 0 });
    });

    it(`${version}: refused flows are isolated with the switch's own error`, async () => {
      const { sync } = controller(version, [...two, "priority=1 actions=group:77", "priority=2 actions=output:3"]);
      const { refused } = await sync.settled();
      expect(refused.map((one) => one.error.name)).toEqual(["OFPBAC_BAD_OUT_GROUP"]);
      expect(await peer.dumpFlows()).toHaveLength(3);
      await ofctl("add-group", peer.socketPath, "group_id=77,type=all,bucket=output:1");
      await new Promise((resolve) => setTimeout(resolve, 1300));
      expect((await sync.settled()).refused).toEqual([]);
      expect(await peer.dumpFlows()).toHaveLength(4);
    });
  }

  it("without a monitor an audit finds all of it", async () => {
    const { sync, events } = controller("OpenFlow15", two, { monitor: false, audit: { minIntervalMs: 300 } });
    await sync.settled();
    await ofctl("del-flows", "--strict", peer.socketPath, "table=1,priority=5,tcp");
    await ofctl("add-flow", peer.socketPath, "table=2,priority=5,udp,actions=output:9");
    await ofctl("add-flow", peer.socketPath, "table=3,priority=1,actions=drop");
    await until(two, 3000);
    expect(events.filter((event) => event.type === "drift" && event.source === "readBack")).toHaveLength(3);
  });

  it("a flow that runs out is forgotten, one that is deleted comes back", async () => {
    const flow = "table=1, send_flow_rem idle_timeout=1, priority=5,tcp actions=output:1";
    const { table, sync, events } = controller("OpenFlow15", [
      "table=1,idle_timeout=1,send_flow_rem,priority=5,tcp actions=output:1",
      two[1],
    ]);
    await sync.settled();
    expect((await peer.dumpFlows()).length).toBe(2);
    await ofctl("del-flows", "--strict", peer.socketPath, "table=1,priority=5,tcp");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await sync.settled();
    expect(events.filter((event) => event.type === "drift")).toHaveLength(1);
    await until([two[1]], 8000);
    await sync.settled();
    expect(table.size, flow).toBe(1);
    expect(events.filter((event) => event.type === "expired")).toMatchObject([{ reason: "idleTimeout", action: "forgotten" }]);
    expect(events.filter((event) => event.type === "drift")).toHaveLength(1);
  }, 30_000);

  it("ours only: foreign flows stay, also on keys that we want and when we change ours", async () => {
    const foreign = " cookie=0x77, table=1, priority=5,tcp actions=output:9".trim();
    await ofctl("add-flow", peer.socketPath, "table=1,cookie=0x77,priority=5,tcp,actions=output:9");
    await ofctl("add-flow", peer.socketPath, "table=6,cookie=0x5599,priority=5,actions=drop");
    const ours = [
      "cookie=0x5501,table=1,priority=5,tcp actions=output:1",
      "cookie=0x5502,table=2,priority=5,udp actions=output:2",
    ];
    const { sync } = controller("OpenFlow15", ours, { ownership: { cookie: 0x5500n, mask: 0xff00n } });
    const report = await sync.settled();
    expect(report.refused).toMatchObject([{ error: { code: "SYNC_OCCUPIED" } }]);
    expect(await peer.dumpFlows()).toEqual([foreign, "cookie=0x5502, table=2, priority=5,udp actions=output:2"].sort());
    await ofctl("del-flows", "--strict", peer.socketPath, "table=1,priority=5,tcp");
    await until(
      ["cookie=0x5501, table=1, priority=5,tcp actions=output:1", "cookie=0x5502, table=2, priority=5,udp actions=output:2"],
      1000,
    );
  });

  it("a modify and a delete on their way miss what somebody wrote over our flow", async () => {
    const ours = [
      "cookie=0x5501,table=1,priority=5,tcp actions=output:1",
      "cookie=0x5502,table=2,priority=5,udp actions=output:2",
    ];
    for (const version of ["OpenFlow13", "OpenFlow15"] as const) {
      const { table, sync } = controller(version, ours, {
        ownership: { cookie: 0x5500n, mask: 0xff00n },
        monitor: false,
        audit: { when: "never" },
      });
      await sync.settled();
      await ofctl("add-flow", peer.socketPath, "table=1,cookie=0x77,priority=5,tcp,actions=output:9");
      await ofctl("add-flow", peer.socketPath, "table=2,cookie=0x77,priority=5,udp,actions=output:9");
      table.setFlows(OWNER, [parseFlow("cookie=0x5501,table=1,priority=5,tcp actions=output:4")]);
      await sync.settled();
      expect(sync.status().counters).toMatchObject({ modifies: 1, deletes: 1 });
      const dump = await peer.dumpFlows();
      expect(dump.map((line) => line.replace(/table=\d+, /, "")).sort()).toEqual([
        "cookie=0x77, priority=5,tcp actions=output:9",
        "cookie=0x77, priority=5,udp actions=output:9",
      ]);
      await sync.stop();
      await ofctl("del-flows", peer.socketPath);
    }
  });

  it("a full table: what fits goes in, the rest follows when there is room", async () => {
    await peer.limitTable(1, 10);
    const flows = Array.from({ length: 15 }, (_, i) => `table=1,priority=${i + 1} actions=drop`);
    const { table, sync } = controller("OpenFlow15", flows);
    const { refused } = await sync.settled();
    expect(refused.map((one) => one.error.name)).toEqual(Array(5).fill("OFPFMFC_TABLE_FULL"));
    expect(await peer.dumpFlows()).toHaveLength(10);
    const out = new Set(refused.map((one) => one.flow.priority));
    const inside = flows.filter((_, i) => !out.has(i + 1)).slice(0, 5);
    for (const text of inside) table.removeFlow(OWNER, parseFlow(text));
    expect((await sync.settled()).refused).toEqual([]);
    expect(await peer.dumpFlows()).toHaveLength(10);
  });

  it("a hundred synchronisers in one process: each switch has what its table says", async () => {
    const peers = [peer];
    const many = Array.from({ length: 100 }, (_, i) => {
      const table = new DesiredFlowTable();
      table.setFlow(OWNER, parseFlow(`cookie=${i + 1},table=${i % 200},priority=${i + 1} actions=output:1`));
      const ownership = { cookie: BigInt(i + 1), mask: 0xffffn };
      const sync = new Synchroniser({ table, transport: connectSwitch(peers[0]?.address ?? ""), ownership });
      running.push(sync);
      sync.start();
      return sync;
    });
    for (const sync of many) expect((await sync.settled()).refused).toEqual([]);
    expect(await peer.dumpFlows()).toHaveLength(100);
  });
});
