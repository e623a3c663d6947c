import { afterEach, describe, expect, it } from "vitest";
import type { OpenFlowTransportOptions } from "../../src/openflow/connection-options.ts";
import { connectSwitch, type OpenFlowTransport } from "../../src/openflow/openflow-transport.ts";
import { numberedFlow } from "../../src/testing/numbered-flow.ts";
import type { InstalledFlow } from "../../src/transport/transport.ts";
import { encodeMessage } from "../../src/wire/codec.ts";
import type { FlowStats } from "../../src/wire/flow-stats.ts";
import { type Answer, type FakePeer, FakeSwitch, until } from "./fake-switch.ts";

let fake: FakeSwitch | undefined;
let transport: OpenFlowTransport | undefined;
afterEach(async () => {
  await transport?.close();
  await fake?.stop();
});

/** A switch that does `read` when its flows are asked for. */
async function begin(
  read: (peer: FakePeer, xid: number) => void,
  version = 6,
  options: OpenFlowTransportOptions = {},
): Promise<OpenFlowTransport> {
  const answer: Answer = (peer, message) => {
    if (message.type === "flowStatsRequest") read(peer, message.xid);
    return message.type === "flowStatsRequest";
  };
  fake = await FakeSwitch.start({ version, answer });
  const made = connectSwitch(fake.address, { backOff: { firstMs: 60_000 }, ...options });
  transport = made;
  made.open();
  await until(() => made.isUp, "up");
  return made;
}

const stats = (n: number): FlowStats => {
  const { table, priority, match, instructions, cookie, idleTimeout, hardTimeout, importance, flags } = numberedFlow(n, {
    cookie: n,
  });
  const counters = { packetCount: 7n, byteCount: 900n, durationSeconds: 12, durationNanoseconds: 5 };
  return { table, priority, match, instructions, cookie, idleTimeout, hardTimeout, importance, flags, ...counters };
};

function reply(version: number, xid: number, flows: readonly FlowStats[], more: boolean): Uint8Array {
  return encodeMessage({ type: "flowStatsReply", flows, multipartFlags: more ? 1 : 0 }, { version: version as 6, xid });
}

async function collect(from: OpenFlowTransport): Promise<InstalledFlow[]> {
  const flows: InstalledFlow[] = [];
  for await (const chunk of from.readFlows()) flows.push(...chunk);
  return flows;
}

describe("reading the flows of a switch", () => {
  it.each([4, 5, 6])("joins all parts of the answer, version byte %i", async (version) => {
    const made = await begin((peer, xid) => {
      peer.raw(reply(version, xid, [stats(1), stats(2)], true));
      peer.raw(reply(version, xid, [], true));
      peer.raw(reply(version, xid, [stats(3)], false));
    }, version);
    const flows = await collect(made);
    expect(flows.map(({ flow }) => flow.cookie)).toEqual([1n, 2n, 3n]);
    expect(flows[2]).toMatchObject({ packetCount: 7n, byteCount: 900n, durationSeconds: 12 });
    expect(flows[2]?.flow.equals(numberedFlow(3, { cookie: 3 }))).toBe(true);
  });

  it("asks for what the filter says", async () => {
    const made = await begin((peer, xid) => peer.raw(reply(6, xid, [], false)));
    for await (const _ of made.readFlows({ table: 4, cookie: 0x1ffn, cookieMask: 0xf0n }))
      throw new Error("no flow was expected");
    for await (const _ of made.readFlows({ cookie: 5n })) throw new Error("no flow was expected");
    const requests = fake?.peer.received.filter((message) => message.type === "flowStatsRequest");
    expect(requests).toMatchObject([
      { table: 4, cookie: 0xf0n, cookieMask: 0xf0n, outPort: 0xffffffff, outGroup: 0xffffffff },
      { table: 255, cookie: 5n, cookieMask: 0xffff_ffff_ffff_ffffn },
    ]);
  });

  it("never ends early as if complete: the connection goes between two parts", async () => {
    const made = await begin((peer, xid) => {
      peer.raw(reply(6, xid, [stats(1)], true));
      peer.socket.end();
    });
    await expect(collect(made)).rejects.toMatchObject({ code: "TRANSPORT_DOWN" });
  });

  it("never ends early as if complete: an error comes after the first part", async () => {
    const made = await begin((peer, xid) => {
      peer.raw(reply(6, xid, [stats(1)], true));
      peer.error("OFPBRC_MULTIPART_BUFFER_OVERFLOW", xid);
    });
    await expect(collect(made)).rejects.toMatchObject({
      code: "READ_REFUSED",
      openflowError: "OFPBRC_MULTIPART_BUFFER_OVERFLOW",
    });
    expect(made.isUp).toBe(true);
  });

  it("fails with the byte when a flow cannot be decoded, and harms nothing else", async () => {
    let broken = true;
    const made = await begin((peer, xid) => {
      const good = reply(6, xid, [stats(1), stats(2)], false);
      // The length of the second flow reaches beyond the message.
      if (broken) new DataView(good.buffer).setUint16(16 + ((good.length - 16) >> 1), 4000);
      peer.raw(good);
    });
    await expect(collect(made)).rejects.toMatchObject({ code: "WIRE_LENGTH", openflowError: "OFPBRC_BAD_LEN" });
    broken = false;
    expect((await collect(made)).length).toBe(2);
    expect(made.epoch).toBe(1);
  });

  it("ends the connection when another message answers", async () => {
    const made = await begin((peer, xid) => peer.send({ type: "barrierReply" }, xid));
    await expect(collect(made)).rejects.toMatchObject({ code: "TRANSPORT_DOWN", cause: { code: "PROTOCOL_ERROR" } });
  });

  it("holds the switch back while the reader is slow, and lets it go on for others", async () => {
    const { made, written } = await endless();
    const reader = made.readFlows();
    let seen = (await reader.next()).value?.length ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 200));
    const held = written();
    expect(held).toBeLessThan(400);
    // Somebody else needs an answer: reading goes on for them.
    expect(
      (
        await made.send({
          length: 0,
          counts: { add: 0, modify: 0, delete: 0 },
          at: never,
          read: never,
          [Symbol.iterator]: () => [][Symbol.iterator](),
        })
      ).fate,
    ).toBe("applied");
    for await (const chunk of reader) seen += chunk.length;
    expect(seen).toBe(600 * 600);
  });

  it("goes on without a reader who has gone away and left the socket stopped", async () => {
    const { made, written } = await endless({ probeIntervalMs: 20, requestTimeoutMs: 100 });
    const events: string[] = [];
    made.subscribe((event) => events.push(event.type));
    const abandoned = made.readFlows();
    expect((await abandoned.next()).value?.length).toBe(600);
    await until(() => written() === 600, "the whole answer", 20_000);
    const { table, priority, match, cookie } = stats(1);
    const rest = { durationSeconds: 1, durationNanoseconds: 0, idleTimeout: 0, hardTimeout: 0, packetCount: 0n, byteCount: 0n };
    fake?.peer.send({ type: "flowRemoved", table, priority, match, cookie, reason: 2, ...rest });
    await until(() => events.includes("removed"), "an event behind the flows", 20_000);
    expect({ up: made.isUp, epoch: made.epoch }).toEqual({ up: true, epoch: 1 });
    await expect(abandoned.next()).rejects.toMatchObject({ code: "READ_BACKLOG" });
  });

  it("waits for a reader who takes its time but lives", async () => {
    const { made } = await endless({ probeIntervalMs: 20, requestTimeoutMs: 200 });
    let seen = 0;
    let chunks = 0;
    for await (const chunk of made.readFlows()) {
      seen += chunk.length;
      if (chunks++ < 8) await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(seen).toBe(600 * 600);
    expect(made.epoch).toBe(1);
  });
});

/** A switch with 360,000 flows; `written`: parts of its answer, 600 flows each, that it could send so far. */
async function endless(options: OpenFlowTransportOptions = {}): Promise<{ made: OpenFlowTransport; written(): number }> {
  let written = 0;
  const read = (peer: FakePeer, xid: number): void => {
    const flows = Array.from({ length: 600 }, (_, i) => stats(i + 1));
    const part = reply(6, xid, flows, true);
    const pump = (): void => {
      while (written < 600) {
        written++;
        if (!peer.socket.write(part)) {
          peer.socket.once("drain", pump);
          return;
        }
      }
      peer.raw(reply(6, xid, [], false));
    };
    pump();
  };
  return { made: await begin(read, 6, options), written: () => written };
}

function never(): never {
  throw new RangeError("the batch is empty");
}
