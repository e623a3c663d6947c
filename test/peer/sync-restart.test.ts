import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { connectSwitch } from "../../src/openflow/openflow-transport.ts";
import { Synchroniser } from "../../src/sync/synchroniser.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { OpenVSwitch } from "./open-vswitch.ts";
import { describePeer } from "./peer-suite.ts";

const OWNER = "00000000-0000-4000-8000-00000000000a";
/** An Ethernet frame with an IPv4 and a UDP header, as ovs-appctl takes it. */
const FRAME =
  "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)";

describePeer("restart of a controller without loss", () => {
  let peer: OpenVSwitch;
  const running: Synchroniser[] = [];
  beforeAll(async () => {
    peer = await OpenVSwitch.start({ ports: ["p1", "p2"] });
  });
  afterEach(async () => {
    for (const sync of running.splice(0)) await sync.stop();
  });
  afterAll(() => peer.stop());

  function controller(flows: readonly string[]): { table: DesiredFlowTable; sync: Synchroniser } {
    const table = new DesiredFlowTable();
    table.setFlows(
      OWNER,
      flows.map((text) => parseFlow(text)),
    );
    const sync = new Synchroniser({ table, transport: connectSwitch(peer.address) });
    running.push(sync);
    sync.start();
    return { table, sync };
  }

  async function counters(filter: string): Promise<{ packets: number; duration: number }> {
    const text = await peer.ofctl("-O", "OpenFlow15", "dump-flows", peer.socketPath, filter);
    return {
      packets: Number(/n_packets=(\d+)/.exec(text)?.[1]),
      duration: Number(/duration=([\d.]+)s/.exec(text)?.[1]),
    };
  }

  it("a stream crosses a restart of the synchroniser and changes of other flows: every packet is counted", async () => {
    const stream = "table=0,priority=100,udp,nw_dst=10.0.0.2 actions=goto_table:5";
    const way = "table=5,priority=10 actions=output:2";
    const others = (round: number): string[] =>
      Array.from(
        { length: 500 },
        (_, i) => `table=7,priority=${i + 1},reg0=${(i * round) % 1000} actions=output:${1 + (round % 2)}`,
      );
    const first = controller([stream, way, ...others(1)]);
    await first.sync.settled();
    const before = await counters("table=0,udp,nw_dst=10.0.0.2");
    let sent = 0;
    let streaming = true;
    const pump = (async () => {
      while (streaming) {
        await peer.appctl("netdev-dummy/receive", "p1", FRAME, "--len", "64");
        sent++;
      }
    })();

    // However quick the rounds are: some of the stream goes through between any two of them.
    const more = async (): Promise<void> => {
      for (const until = sent + 3; sent < until; ) await new Promise((resolve) => setTimeout(resolve, 1));
    };

    try {
      for (let round = 2; round <= 6; round++) {
        await more();
        first.table.setFlows(
          OWNER,
          [stream, way, ...others(round)].map((text) => parseFlow(text)),
        );
        await first.sync.settled();
      }
      await first.sync.stop();
      for (let round = 7; round <= 9; round++) {
        await more();
        const next = controller([stream, way, ...others(round)]);
        await next.sync.settled();
        expect(next.sync.status().counters.adds + next.sync.status().counters.modifies).toBeLessThanOrEqual(500);
        await next.sync.stop();
      }
    } finally {
      streaming = false;
      await pump;
    }
    expect(sent).toBeGreaterThan(20);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await peer.appctl("revalidator/wait");
    await peer.appctl("revalidator/purge");
    const after = await counters("table=0,udp,nw_dst=10.0.0.2");
    expect(after.packets).toBe(sent);
    expect((await counters("table=5")).packets).toBe(sent);
    expect(after.duration).toBeGreaterThan(before.duration);
  }, 120_000);

  it("counters and age of a flow go on when its instructions change, and when its cookie changes", async () => {
    // What the datapath has not told yet of earlier packets would be counted for the new flow.
    await peer.appctl("revalidator/purge");
    const { table, sync } = controller(["priority=100,udp actions=output:2"]);
    await sync.settled();
    for (let i = 0; i < 5; i++) await peer.appctl("netdev-dummy/receive", "p1", FRAME, "--len", "64");
    await peer.appctl("revalidator/purge");
    expect((await counters("udp")).packets).toBe(5);
    table.setFlows(OWNER, [parseFlow("priority=100,udp actions=output:1")]);
    await sync.settled();
    expect((await counters("udp")).packets).toBe(5);
    table.setFlows(OWNER, [parseFlow("cookie=7,priority=100,udp actions=output:1")]);
    await sync.settled();
    expect((await counters("udp")).packets).toBe(5);
  });

  it("ofproto/trace finds its way at every moment of a reinstall", async () => {
    const flows = Array.from({ length: 2000 }, (_, i) => `table=3,priority=${i + 1} actions=output:2`);
    const first = controller(["priority=1,udp actions=goto_table:3", ...flows]);
    await first.sync.settled();
    await first.sync.stop();
    let tracing = true;
    let lost = 0;
    let traces = 0;
    const tracer = (async () => {
      while (tracing) {
        const text = await peer.appctl("ofproto/trace", "br0", "in_port=1,udp");
        traces++;
        if (!/Datapath actions: 2\b/.test(text)) lost++;
      }
    })();
    for (let i = 0; i < 3; i++) {
      const table = new DesiredFlowTable();
      table.setFlows(
        OWNER,
        ["priority=1,udp actions=goto_table:3", ...flows].map((text) => parseFlow(text)),
      );
      const sync = new Synchroniser({ table, transport: connectSwitch(peer.address), onConnect: "reinstall" });
      running.push(sync);
      sync.start();
      await sync.settled();
      expect(sync.status().counters).toMatchObject({ adds: 2001, atomicBatches: 1, readBacks: 0 });
      await sync.stop();
    }
    tracing = false;
    await tracer;
    expect(traces).toBeGreaterThan(3);
    expect(lost).toBe(0);
  }, 120_000);
});
