// What the real switch does, as the transport relies on it: bundles, limits, roles, restarts, calling in.
import { writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { FlowMod } from "../../src/diff/flow-mod.ts";
import { flowModBatch as batchOf } from "../../src/diff/flow-mod-batch.ts";
import { Flow, FlowFlag } from "../../src/flow/flow.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import type { OpenFlowTransportOptions } from "../../src/openflow/connection-options.ts";
import { listenForSwitches } from "../../src/openflow/listener.ts";
import { connectSwitch, type OpenFlowTransport } from "../../src/openflow/openflow-transport.ts";
import { groupTo, numberedFlow, outputTo } from "../../src/testing/numbered-flow.ts";
import type { TransportEvent } from "../../src/transport/transport.ts";
import { until } from "../openflow/fake-switch.ts";
import { ChaosProxy } from "./chaos-proxy.ts";
import { freePort, OpenVSwitch } from "./open-vswitch.ts";
import { describePeer } from "./peer-suite.ts";

const VERSIONS: readonly OpenFlowVersion[] = ["OpenFlow13", "OpenFlow14", "OpenFlow15"];
const add = (flow: Flow): FlowMod => ({ command: "add", flow });

describePeer("Open vSwitch and the transport", () => {
  let peer: OpenVSwitch;
  const transports: OpenFlowTransport[] = [];
  const made: ChaosProxy[] = [];

  beforeAll(async () => {
    peer = await OpenVSwitch.start({ protocols: ["OpenFlow10", ...VERSIONS] });
  });
  beforeEach(() => peer.ofctl("-O", "OpenFlow15", "del-flows", peer.socketPath));
  afterEach(async () => {
    await Promise.all(transports.splice(0).map((transport) => transport.close()));
    await Promise.all(made.splice(0).map((proxy) => proxy.stop()));
  });
  afterAll(() => peer.stop());

  async function connect(options: OpenFlowTransportOptions = {}, address = peer.address): Promise<OpenFlowTransport> {
    const transport = connectSwitch(address, { backOff: { firstMs: 10, maxMs: 50 }, ...options });
    transports.push(transport);
    transport.open();
    await until(() => transport.isUp, "up", 10_000);
    return transport;
  }
  const proxy = async (): Promise<ChaosProxy> => {
    const one = await ChaosProxy.start(peer.folder, peer.socketPath, `facts${Math.random().toString(36).slice(2)}.sock`);
    made.push(one);
    return one;
  };

  describe.each(VERSIONS)("bundles in %s", (version) => {
    it("S75: a commit that fails changes nothing and names the culprit", async () => {
      const transport = await connect({ versions: [version] });
      const result = await transport.send(
        batchOf([add(numberedFlow(1)), add(numberedFlow(2, { instructions: groupTo(5) })), add(numberedFlow(3))]),
        { atomic: true },
      );
      expect(result.refused.get(1)).toEqual({ name: "OFPBAC_BAD_OUT_GROUP", type: 2, code: 9 });
      expect(result.refused.get(0)?.name).toBe("BATCH_OFPBAC_BAD_OUT_GROUP");
      expect(await peer.dumpFlows()).toEqual([]);
    });

    it("S76: an error while messages are added leads to a discard, not to a commit of the rest", async () => {
      const transport = await connect({ versions: [version] });
      // A match that needs a prerequisite which is not there: the switch cannot even take it into the bundle.
      const { Match } = await import("../../src/flow/match.ts");
      const bad = new Flow({
        match: Match.fromCanonical(new Uint8Array([0x80, 0, 0x16, 4, 10, 0, 0, 1])),
        instructions: outputTo(1),
      });
      const result = await transport.send(batchOf([add(numberedFlow(1)), add(bad), add(numberedFlow(3))]), { atomic: true });
      expect(result.refused.get(1)?.name).toMatch(/^OFPBMC_/);
      expect(result.refused.get(2)?.name).toMatch(/^BATCH_OFPBMC_/);
      expect(await peer.dumpFlows()).toEqual([]);
      expect((await transport.send(batchOf([add(numberedFlow(1))]), { atomic: true })).refused.size).toBe(0);
    });

    it("S79: a connection that goes before the commit leaves nothing behind", async () => {
      const between = await proxy();
      const transport = await connect({ versions: [version] }, between.address);
      between.cutAfter("up", 200_000);
      const mods = Array.from({ length: 5000 }, (_, i) => add(numberedFlow(i + 1)));
      expect(await transport.send(batchOf(mods), { atomic: true })).toMatchObject({ fate: "unknown", epoch: 1 });
      await until(() => transport.epoch === 2);
      expect(await peer.dumpFlows()).toEqual([]);
    });

    it("S82: the order inside a bundle is kept", async () => {
      const transport = await connect({ versions: [version] });
      const mods: FlowMod[] = [
        add(numberedFlow(1)),
        { command: "delete", flow: numberedFlow(1) },
        add(numberedFlow(1, { instructions: outputTo(2), cookie: 7 })),
      ];
      expect((await transport.send(batchOf(mods), { atomic: true })).refused.size).toBe(0);
      expect(await peer.dumpFlows()).toEqual(["cookie=0x7, in_port=1 actions=output:2"]);
    });

    it("a reinstall is one bundle: clear and add", async () => {
      await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "table=4,priority=9,actions=drop");
      const transport = await connect({ versions: [version] });
      await transport.send(batchOf([add(numberedFlow(1))]), { atomic: true, clearFirst: {} });
      expect(await peer.dumpFlows()).toEqual(["in_port=1 actions=output:1"]);
    });
  });

  it("S77: a bundle is never left idle at the switch: a sender that is held up before OPEN loses nothing", async () => {
    await peer.vsctl("set", "Open_vSwitch", ".", "other_config:bundle-idle-timeout=1");
    const between = await proxy();
    const transport = await connect({}, between.address);
    const mods = Array.from({ length: 3000 }, (_, i) => add(numberedFlow(i + 1)));
    between.cutAfter("up", Number.POSITIVE_INFINITY);
    // The network stops in the middle of the bundle for longer than the switch keeps it.
    between.stallAfter("up", 100_000);
    const sent = transport.send(batchOf(mods), { atomic: true });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    between.resume("up");
    const result = await sent;
    // The switch dropped the first part of the bundle: it must not be committed as if it were whole.
    expect(result.refused.size).toBe(mods.length);
    expect(result.refused.get(0)?.name).toBe("BATCH_OFPBFC_TIMEOUT");
    expect(await peer.dumpFlows()).toEqual([]);
    await peer.vsctl("remove", "Open_vSwitch", ".", "other_config", "bundle-idle-timeout");
  });

  it.each(VERSIONS)("a guard keeps modify and delete from flows with another cookie in %s", async (version) => {
    const transport = await connect({ versions: [version] });
    const guard = { cookie: 0xab_0000_0000_0000n, cookieMask: 0xff_0000_0000_0000n };
    const flow = (n: number, cookie: bigint): Flow => numberedFlow(n, { cookie });
    for (const atomic of [false, true]) {
      await transport.send(batchOf([1, 2].map((n) => add(flow(n, guard.cookie)))));
      await transport.send(batchOf([3, 4].map((n) => add(flow(n, 1n)))));
      const mods = [
        { command: "modify", flow: numberedFlow(1, { instructions: outputTo(2) }) },
        { command: "delete", flow: numberedFlow(2) },
        { command: "modify", flow: numberedFlow(3, { instructions: outputTo(2) }) },
        { command: "delete", flow: numberedFlow(4) },
      ] as const;
      expect((await transport.send(batchOf(mods), { atomic, guard })).refused.size).toBe(0);
      expect(await peer.dumpFlows()).toEqual([
        "cookie=0x1, in_port=3 actions=output:1",
        "cookie=0x1, in_port=4 actions=output:1",
        "cookie=0xab000000000000, in_port=1 actions=output:2",
      ]);
      await peer.ofctl("-O", "OpenFlow15", "del-flows", peer.socketPath);
    }
  });

  it("a full table refuses what does not fit and takes the rest", async () => {
    await peer.limitTable(6, 100);
    const transport = await connect();
    const mods = Array.from({ length: 150 }, (_, i) => add(numberedFlow(i + 1, { table: 6 })));
    const result = await transport.send(batchOf(mods));
    expect(result.refused.size).toBe(50);
    expect(new Set([...result.refused.values()].map((error) => error.name))).toEqual(new Set(["OFPFMFC_TABLE_FULL"]));
    expect([...result.refused.keys()].every((index) => index >= 100)).toBe(true);
    expect((await peer.dumpFlows("table=6")).length).toBe(100);
    await peer.limitTable(6, undefined);
  });

  it("an eviction is told", async () => {
    await peer.limitTable(7, 1, "evict");
    const transport = await connect();
    const events: TransportEvent[] = [];
    transport.subscribe((event) => events.push(event));
    await transport.send(batchOf([add(numberedFlow(1, { table: 7, idleTimeout: 1000, flags: 1 }))]));
    await transport.send(batchOf([add(numberedFlow(2, { table: 7, idleTimeout: 1000 }))]));
    await until(() => events.some((event) => event.type === "removed"), "the eviction");
    expect(events.find((event) => event.type === "removed")).toMatchObject({ reason: "eviction" });
    await peer.limitTable(7, undefined);
  });

  it.each(VERSIONS)("a monitor that cannot keep up tells of the gap, and goes on, in %s", async (version) => {
    const between = await proxy();
    const transport = await connect({ versions: [version] }, between.address);
    expect(transport.capabilities.monitor).toBe(true);
    const events: TransportEvent[] = [];
    transport.subscribe((event) => events.push(event));
    between.stall("down");
    const file = `${peer.folder}/many-${version}.txt`;
    writeFileSync(file, Array.from({ length: 20_000 }, (_, i) => `table=9,priority=${i + 1},actions=drop`).join("\n"));
    await peer.ofctl("-O", version, "add-flows", peer.socketPath, file);
    between.resume("down");
    await until(() => events.filter((event) => event.type === "gap").length === 2, "paused and resumed", 20_000);
    const before = events.length;
    await peer.ofctl("-O", version, "add-flow", peer.socketPath, "table=9,priority=65000,actions=drop");
    await until(
      () => events.slice(before).some((event) => event.type === "changed" && event.flow.priority === 65_000),
      "it goes on",
    );
  });

  describe("roles", () => {
    it.each(VERSIONS)("primary, stale and secondary in %s", async (version) => {
      const generation = BigInt(VERSIONS.indexOf(version) + 1) * 1000n;
      const first = await connect({ versions: [version], role: "primary", generationId: generation });
      expect(first.state).toMatchObject({ role: "primary" });
      expect((await first.send(batchOf([add(numberedFlow(1))]))).refused.size).toBe(0);
      // A later claim takes over; the first one is made secondary and may only read.
      const second = await connect({ versions: [version], role: "primary", generationId: generation + 1n });
      expect((await second.send(batchOf([add(numberedFlow(2))]))).refused.size).toBe(0);
      await until(() => first.state.phase === "up" && (first.state.role === "secondary" || version === "OpenFlow13"));
      const refused = await first.send(batchOf([add(numberedFlow(3))]));
      expect(refused.refused.get(0)?.name).toBe("OFPBRC_IS_SECONDARY");
      const stale = connectSwitch(peer.address, { versions: [version], role: "primary", generationId: generation });
      transports.push(stale);
      stale.open();
      await until(() => stale.state.phase === "waiting");
      expect(stale.state).toMatchObject({ error: { code: "ROLE_STALE" } });
      await stale.close();
      const reader = await connect({ versions: [version], role: "secondary", generationId: generation + 1n });
      expect((await reader.send(batchOf([add(numberedFlow(4))]))).refused.get(0)?.name).toBe("OFPBRC_IS_SECONDARY");
      let flows = 0;
      for await (const chunk of reader.readFlows()) flows += chunk.length;
      expect(flows).toBe(2);
    });
  });

  it("a switch that allows OpenFlow 1.0 only is refused politely", async () => {
    await peer.vsctl("set", "bridge", peer.bridge, "protocols=OpenFlow10");
    const transport = connectSwitch(peer.address, { backOff: { firstMs: 60_000 } });
    transports.push(transport);
    transport.open();
    await until(() => transport.state.phase === "waiting");
    expect(transport.state).toMatchObject({ error: { code: "VERSION_UNSUPPORTED", openflowError: "OFPHFC_INCOMPATIBLE" } });
    await peer.vsctl("set", "bridge", peer.bridge, `protocols=OpenFlow10,${VERSIONS.join(",")}`);
  });

  it("a switch that is killed takes all unanswered flow-mods into the unknown; the next connection finds it empty", async () => {
    const transport = await connect();
    await transport.send(batchOf([add(numberedFlow(1))]));
    const sends = Array.from({ length: 50 }, (_, i) => transport.send(batchOf([add(numberedFlow(i + 2))])));
    const killed = peer.killDaemon();
    const results = await Promise.all(sends);
    await killed;
    for (const result of results) expect(["applied", "unknown"]).toContain(result.fate);
    await until(() => !transport.isUp);
    peer.startDaemon();
    await until(() => transport.epoch === 2, "the second connection", 15_000);
    expect(await peer.dumpFlows()).toEqual([]);
  });

  it("S73: a switch that is stopped confirms nothing, and is given up in the end", async () => {
    const transport = await connect({ probeIntervalMs: 100, probeLimit: 3 });
    peer.pause();
    let settled = false;
    const sent = transport.send(batchOf([add(numberedFlow(1))]));
    void sent.then(() => {
      settled = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(settled).toBe(false);
    await until(() => !transport.isUp, "given up");
    expect(await sent).toMatchObject({ fate: "unknown" });
    peer.resume();
    await until(() => transport.isUp, "up again", 10_000);
  });

  it("a stop that is shorter than the limit does no harm", async () => {
    const transport = await connect({ probeIntervalMs: 200, probeLimit: 5 });
    peer.pause();
    const sent = transport.send(batchOf([add(numberedFlow(1))]));
    await new Promise((resolve) => setTimeout(resolve, 500));
    peer.resume();
    expect(await sent).toMatchObject({ fate: "applied", epoch: 1 });
  });

  it("works when every byte is handed over on its own, both ways", async () => {
    const between = await proxy();
    between.split(() => 1);
    const transport = await connect({}, between.address);
    const mods = Array.from({ length: 20 }, (_, i) => add(numberedFlow(i + 1)));
    expect((await transport.send(batchOf(mods))).fate).toBe("applied");
    expect((await transport.send(batchOf(mods), { atomic: true })).refused.size).toBe(0);
    let flows = 0;
    for await (const chunk of transport.readFlows()) flows += chunk.length;
    expect(flows).toBe(20);
  });

  it("calls in over TCP and is known by its datapath id", async () => {
    await peer.vsctl("set", "bridge", peer.bridge, "other_config:datapath-id=00000000000000ab");
    const listener = await listenForSwitches(`ptcp:${await freePort()}:127.0.0.1`);
    try {
      await peer.setController(`tcp:127.0.0.1:${listener.port}`);
      await until(() => listener.transports.get(0xabn)?.isUp === true, "the switch", 15_000);
      const transport = listener.transports.get(0xabn) as OpenFlowTransport;
      expect((await transport.send(batchOf([add(numberedFlow(1))]))).fate).toBe("applied");
      await peer.restartDaemon();
      await until(() => transport.epoch >= 2 && transport.isUp, "the switch again", 20_000);
      expect(listener.transports.size).toBe(1);
    } finally {
      await listener.close();
      await peer.setController();
    }
  });

  it("has no add that spares the flow on its key: neither CHECK_OVERLAP nor a guard keeps it", async () => {
    const transport = await connect();
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "cookie=0x77,priority=100,in_port=1,actions=drop");
    const ours = numberedFlow(1).with({ cookie: 0x55, priority: 100, flags: FlowFlag.checkOverlap, instructions: outputTo(2) });
    const result = await transport.send(batchOf([add(ours)]), { guard: { cookie: 0x55n, cookieMask: 0xffn } });
    expect(result.refused.size).toBe(0);
    expect(await peer.dumpFlows()).toEqual([expect.stringContaining("cookie=0x55,")]);
    // Whereas a modify and a delete do spare it.
    await peer.ofctl("-O", "OpenFlow15", "add-flow", peer.socketPath, "cookie=0x77,priority=100,in_port=1,actions=drop");
    for (const command of ["modify", "delete"] as const) {
      await transport.send(batchOf([{ command, flow: ours }]), { guard: { cookie: 0x55n, cookieMask: 0xffn } });
      expect(await peer.dumpFlows()).toEqual([expect.stringMatching(/cookie=0x77,.* actions=drop/)]);
    }
  });

  it("dials over TCP, IPv4 and IPv6", async () => {
    const [four, six] = [await freePort(), await freePort()];
    await peer.setController(`ptcp:${four}:127.0.0.1`, `ptcp:${six}:[::1]`);
    try {
      expect((await connect({}, `tcp:127.0.0.1:${four}`)).isUp).toBe(true);
      expect((await connect({}, `tcp:[::1]:${six}`)).isUp).toBe(true);
      expect((await connect({}, `tcp:localhost:${four}`)).isUp).toBe(true);
    } finally {
      await peer.setController();
    }
  });
});
