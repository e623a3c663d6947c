import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { flowModBatch as batchOf } from "../../src/diff/flow-mod-batch.ts";
import type { OfsyncError } from "../../src/errors.ts";
import { Flow } from "../../src/flow/flow.ts";
import type { OpenFlowTransportOptions } from "../../src/openflow/connection-options.ts";
import { connectSwitch, type OpenFlowTransport } from "../../src/openflow/openflow-transport.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { numberedFlow } from "../../src/testing/numbered-flow.ts";
import type { TransportEvent } from "../../src/transport/transport.ts";
import { FakeSwitch, type FakeSwitchOptions, until } from "./fake-switch.ts";

const PROBE = 1000;

class Bench {
  readonly clock = new ManualClock();
  readonly events: TransportEvent[] = [];
  fake!: FakeSwitch;
  transport!: OpenFlowTransport;

  async begin(options: FakeSwitchOptions = {}, own: OpenFlowTransportOptions = {}): Promise<void> {
    this.fake = await FakeSwitch.start(options);
    this.transport = connectSwitch(this.fake.address, {
      clock: this.clock,
      random: () => 0.5,
      probeIntervalMs: PROBE,
      probeLimit: 3,
      backOff: { firstMs: 100_000, maxMs: 100_000 },
      ...own,
    });
    this.transport.subscribe((event) => this.events.push(event));
    this.transport.open();
    await until(() => this.transport.isUp, "up");
  }

  /** Lets one probe interval pass, then gives the sockets time to carry what that led to. */
  async tick(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.clock.advance(PROBE);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  }

  async failure(): Promise<OfsyncError> {
    await until(() => this.transport.state.phase === "waiting", "the connection ends");
    const { state } = this.transport;
    if (state.phase !== "waiting") throw new Error("not waiting");
    return state.error;
  }

  async end(): Promise<void> {
    await this.transport.close();
    await this.fake.stop();
  }
}

let bench = new Bench();
afterEach(async () => {
  await bench.end();
  bench = new Bench();
});

describe("a silent peer", () => {
  it("is probed, and is dead after so many unanswered probes", async () => {
    await bench.begin({ answer: (_, message) => message.type === "echoRequest" });
    await bench.tick(4);
    expect(bench.transport.isUp).toBe(true);
    expect(bench.fake.peer.types().filter((type) => type === "echoRequest").length).toBe(3);
    await bench.tick();
    expect(await bench.failure()).toMatchObject({ code: "CONNECTION_DEAD" });
    expect(bench.events.at(-1)).toMatchObject({ type: "down", epoch: 1 });
  });

  it("lives as long as it answers", async () => {
    await bench.begin({
      answer: (peer, message) => {
        if (message.type === "echoRequest") peer.send({ type: "echoReply", data: message.data }, message.xid);
        return message.type === "echoRequest";
      },
    });
    await bench.tick(20);
    expect(bench.transport.isUp).toBe(true);
  });

  it("lives when it says anything at all", async () => {
    await bench.begin({ answer: (_, message) => message.type === "echoRequest" });
    for (let i = 0; i < 10; i++) {
      bench.fake.peer.send({ type: "echoRequest", data: new Uint8Array(0) }, i);
      await bench.tick();
    }
    expect(bench.transport.isUp).toBe(true);
  });

  it("is not blamed for our own absence", async () => {
    await bench.begin();
    // Three intervals pass without the sockets being looked at: the answers are there, but could not be heard.
    bench.clock.advance(3 * PROBE);
    await bench.tick(10);
    expect(bench.transport.isUp).toBe(true);
  });
});

describe("a peer that breaks the framing", () => {
  it.each([0, 7])("is left when a header announces %i bytes", async (length) => {
    await bench.begin();
    bench.fake.peer.raw(new Uint8Array([6, 21, 0, length, 0, 0, 0, 1, 9, 9, 9]));
    const error = await bench.failure();
    expect(error).toMatchObject({ code: "PROTOCOL_ERROR", openflowError: "OFPBRC_BAD_LEN", place: { offset: 2 } });
    expect(error.cause).toMatchObject({ code: "WIRE_LENGTH" });
  });

  it("is left when it stalls in the middle of a message, whatever time it is given", async () => {
    await bench.begin();
    bench.fake.peer.raw(new Uint8Array([6, 21, 0x40, 0, 0, 0, 0, 1]));
    await until(() => true);
    await bench.tick(2);
    expect(bench.transport.isUp).toBe(true);
    await bench.tick(4);
    expect(["CONNECTION_STALLED", "CONNECTION_DEAD"]).toContain((await bench.failure()).code);
  });

  it("is left when it drips a message byte by byte to look alive", async () => {
    await bench.begin();
    bench.fake.peer.raw(new Uint8Array([6, 21, 0x40, 0, 0, 0, 0, 1]));
    for (let i = 0; i < 4; i++) {
      await bench.tick();
      bench.fake.peer.raw(new Uint8Array([0]));
    }
    await bench.tick(2);
    expect(await bench.failure()).toMatchObject({ code: "CONNECTION_STALLED" });
    expect((await bench.failure()).message).toMatch(/stalls in the middle of a message/);
  });

  it("is left when it answers a request with another message", async () => {
    await bench.begin({
      answer: (peer, message) => {
        if (message.type !== "barrierRequest") return false;
        peer.send(
          {
            type: "featuresReply",
            datapathId: 1n,
            buffers: 0,
            tables: 1,
            auxiliaryId: 0,
            capabilities: 0,
            actions: 0,
            ports: [],
          },
          message.xid,
        );
        return true;
      },
    });
    const result = await bench.transport.send(batchOf([{ command: "add", flow: numberedFlow(1) }]));
    expect(result).toMatchObject({ epoch: 1, fate: "unknown" });
    expect(await bench.failure()).toMatchObject({ code: "PROTOCOL_ERROR" });
  });
});

describe("a peer that does not read", () => {
  const large = batchOf(Array.from({ length: 60_000 }, (_, i) => ({ command: "add", flow: numberedFlow(i + 1) }) as const));

  it("holds the sender back, and is left in the end", async () => {
    await bench.begin();
    bench.fake.peer.socket.pause();
    const sent = bench.transport.send(large);
    await until(() => bench.transport.isBacklogged, "backlogged");
    let drained = false;
    void bench.transport.drained().then(() => {
      drained = true;
    });
    await bench.tick(2);
    expect(drained).toBe(false);
    // Far less than the whole batch of some 6 MB has been encoded: encoding waits for the socket.
    await bench.tick(6);
    expect(await bench.failure()).toMatchObject({ code: expect.stringMatching(/^CONNECTION_(STALLED|DEAD)$/) });
    const result = await sent;
    expect(result.fate).toBe("unknown");
    expect(result.bytes).toBeLessThan(1 << 20);
    await bench.transport.drained();
    expect(bench.transport.isBacklogged).toBe(false);
  });

  it("is left although it talks all the time", async () => {
    await bench.begin();
    bench.fake.peer.socket.pause();
    const sent = bench.transport.send(large);
    await until(() => bench.transport.isBacklogged, "backlogged");
    for (let i = 0; i < 8 && bench.transport.isUp; i++) {
      bench.fake.peer.raw(new Uint8Array([6, 12, 0, 8, 0, 0, 0, 0]));
      await bench.tick();
    }
    expect(await bench.failure()).toMatchObject({ code: "CONNECTION_STALLED" });
    expect((await sent).fate).toBe("unknown");
  });

  it("cannot fill our memory with answers to its echo requests", async () => {
    await bench.begin({}, { maxOutputBytes: 64 * 1024 });
    const { peer } = bench.fake;
    peer.socket.pause();
    const flood = new Uint8Array(64 * 1024 - 16);
    flood.set([6, 2, flood.length >> 8, flood.length & 0xff]);
    for (let i = 0; i < 100 && !peer.socket.destroyed; i++) {
      peer.raw(flood);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(await bench.failure()).toMatchObject({ code: "CONNECTION_STALLED" });
  });
});

describe("a lost connection", () => {
  it("leaves every unanswered flow-mod unknown, but a refusal that was heard is one", async () => {
    await bench.begin({
      answer: (peer, message, bytes) => {
        if (bytes[1] === 14 && bytes[31] === 2) peer.error("OFPFMFC_TABLE_FULL", message.xid);
        if (message.type === "barrierRequest") peer.socket.end();
        return message.type === "barrierRequest";
      },
    });
    const mods = [1, 2, 3].map((priority) => ({ command: "add", flow: new Flow({ priority }) }) as const);
    const result = await bench.transport.send(batchOf(mods));
    expect(result).toMatchObject({ epoch: 1, fate: "unknown" });
    expect([...result.refused]).toEqual([[1, { name: "OFPFMFC_TABLE_FULL", type: 5, code: 1 }]]);
  });

  it("never takes an answer of an older connection for one of the present", async () => {
    const barriers: number[] = [];
    await bench.begin(
      {
        answer: (_, message) => {
          if (message.type === "barrierRequest") barriers.push(message.xid);
          return message.type === "barrierRequest";
        },
      },
      { backOff: { firstMs: 10, maxMs: 10 } },
    );
    const first = bench.transport.send(batchOf([{ command: "add", flow: numberedFlow(1) }]));
    await until(() => barriers.length === 1);
    bench.fake.peer.socket.destroy();
    expect(await first).toMatchObject({ epoch: 1, fate: "unknown" });
    await until(() => bench.transport.state.phase === "waiting");
    bench.clock.advance(100);
    await until(() => bench.transport.epoch === 2, "second connection");
    const second = bench.transport.send(batchOf([{ command: "add", flow: new Flow({ priority: 2 }) }]));
    await until(() => barriers.length === 2);
    let settled = false;
    void second.then(() => {
      settled = true;
    });
    bench.fake.peer.send({ type: "barrierReply" }, (barriers[1] as number) + 1000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(settled).toBe(false);
    bench.fake.peer.send({ type: "barrierReply" }, barriers[1] as number);
    expect(await second).toMatchObject({ epoch: 2, fate: "applied" });
  });

  it("comes back with growing, bounded delays, and starts over after a good time", async () => {
    await bench.begin({}, { backOff: { firstMs: 100, maxMs: 400 }, random: () => 0.999, stableAfterMs: 5000 });
    const delays: (number | undefined)[] = [];
    bench.transport.subscribeState((state) => {
      if (state.phase === "waiting") delays.push(state.retryInMs);
    });
    await bench.fake.unlisten();
    for (let i = 1; i <= 5; i++) {
      await until(() => delays.length === i, `attempt ${i}`);
      bench.clock.advance(400);
    }
    expect(delays.slice(0, 5)).toEqual([99, 199, 399, 399, 399]);
    await bench.fake.listen();
    await until(() => {
      bench.clock.advance(400);
      return bench.transport.isUp;
    }, "up again");
    bench.fake.peer.socket.destroy();
    const before = delays.length;
    await until(() => delays.length > before);
    expect(delays.at(-1)).toBe(399);
    bench.clock.advance(400);
    await until(() => bench.transport.isUp, "up a third time");
    bench.clock.advance(900);
    await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it("says why it cannot connect", async () => {
    await bench.begin();
    const transport = connectSwitch("unix:/nonexistent/x.mgmt", { clock: bench.clock });
    transport.open();
    await until(() => transport.state.phase === "waiting");
    expect(transport.state).toMatchObject({ error: { code: "CONNECT_FAILED" }, attempt: 1 });
    await transport.close();
  });

  it("stops waiting when it is closed", async () => {
    await bench.begin();
    bench.fake.peer.socket.destroy();
    await bench.failure();
    await bench.transport.close();
    expect(bench.transport.state).toEqual({ phase: "closed" });
    expect(bench.clock.pending).toBe(0);
  });
});

describe("listeners", () => {
  it("that throw disturb nobody", async () => {
    await bench.begin();
    const seen: string[] = [];
    bench.transport.subscribe(() => {
      throw new Error("on purpose");
    });
    bench.transport.subscribe((event) => seen.push(event.type));
    bench.fake.peer.socket.destroy();
    await bench.failure();
    expect(seen).toEqual(["down"]);
  });

  it("keep nothing alive after close()", async () => {
    await bench.begin();
    await bench.transport.close();
    await bench.fake.peer.closed;
    expect(bench.clock.pending).toBe(0);
    const probe = connect(bench.fake.path);
    await new Promise((resolve) => probe.once("connect", resolve));
    probe.destroy();
  });
});
