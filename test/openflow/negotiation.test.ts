import { afterEach, describe, expect, it } from "vitest";
import type { OfsyncError } from "../../src/errors.ts";
import type { OpenFlowTransportOptions } from "../../src/openflow/connection-options.ts";
import { type ConnectionState, connectSwitch, type OpenFlowTransport } from "../../src/openflow/openflow-transport.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { encodeMessage } from "../../src/wire/codec.ts";
import { FakeSwitch, type FakeSwitchOptions, until } from "./fake-switch.ts";

const open: { transport?: OpenFlowTransport; fake?: FakeSwitch } = {};

async function begin(
  options: FakeSwitchOptions,
  own: OpenFlowTransportOptions = {},
): Promise<{ transport: OpenFlowTransport; fake: FakeSwitch }> {
  const fake = await FakeSwitch.start(options);
  const transport = connectSwitch(fake.address, { backOff: { firstMs: 60_000, maxMs: 60_000 }, random: () => 0.99, ...own });
  open.fake = fake;
  open.transport = transport;
  transport.open();
  return { transport, fake };
}

async function failure(transport: OpenFlowTransport): Promise<OfsyncError> {
  await until(() => transport.state.phase === "waiting", "the attempt ends");
  const { state } = transport;
  if (state.phase !== "waiting") throw new Error("not waiting");
  return state.error;
}

afterEach(async () => {
  await open.transport?.close();
  await open.fake?.stop();
});

describe("the greeting", () => {
  it.each([
    [6, "OpenFlow15"],
    [5, "OpenFlow14"],
    [4, "OpenFlow13"],
  ])("agrees with a switch of version byte %i on %s", async (version, name) => {
    const { transport, fake } = await begin({ version });
    await until(() => transport.isUp, "up");
    expect(transport.state).toMatchObject({ phase: "up", epoch: 1, version: name, datapathId: 0x1234n, role: "equal" });
    expect(transport.capabilities).toEqual({ atomic: true, monitor: false, importance: version >= 5 });
    const hello = fake.peer.received[0];
    expect(hello).toMatchObject({ type: "hello", version: 6, versions: [4, 5, 6] });
  });

  it("takes the highest version that both bitmaps name", async () => {
    const { transport, fake } = await begin({ silent: true, version: 5 });
    await until(() => fake.peers.length === 1);
    fake.peer.raw(encodeMessage({ type: "hello", versions: [1, 5] }, { version: 6, xid: 0 }));
    await until(() => transport.isUp, "up");
    expect(transport.state).toMatchObject({ version: "OpenFlow14" });
  });

  it("takes a hello without a bitmap at its header's word", async () => {
    const { transport, fake } = await begin({ silent: true, version: 5 });
    await until(() => fake.peers.length === 1);
    fake.peer.raw(new Uint8Array([5, 0, 0, 8, 0, 0, 0, 0]));
    await until(() => transport.isUp, "up");
    expect(transport.state).toMatchObject({ version: "OpenFlow14" });
  });

  it("refuses a switch that speaks OpenFlow 1.0 only, in words it can read", async () => {
    const { transport, fake } = await begin({ version: 1, silent: true });
    await until(() => fake.peers.length === 1);
    fake.peer.raw(new Uint8Array([1, 0, 0, 8, 0, 0, 0, 7]));
    const error = await failure(transport);
    expect(error).toMatchObject({ code: "VERSION_UNSUPPORTED", openflowError: "OFPHFC_INCOMPATIBLE" });
    expect(error.message).toMatch(/speaks OpenFlow10, this side OpenFlow13, OpenFlow14, OpenFlow15/);
    await fake.peer.closed;
    expect(fake.peer.received.at(-1)).toMatchObject({ type: "error", version: 1, error: "OFPHFC_INCOMPATIBLE" });
  });

  it("tells when the switch refuses us", async () => {
    const { transport, fake } = await begin({ silent: true });
    await until(() => fake.peers.length === 1);
    fake.peer.send({ type: "error", error: "OFPHFC_INCOMPATIBLE", data: new TextEncoder().encode("only 1.0 here\u0007") });
    const error = await failure(transport);
    expect(error).toMatchObject({ code: "VERSION_UNSUPPORTED" });
    expect(error.message).toContain('"only 1.0 here"');
  });

  it("ends when something else than a hello comes first", async () => {
    const { transport, fake } = await begin({ silent: true });
    await until(() => fake.peers.length === 1);
    fake.peer.send({ type: "barrierReply" });
    expect(await failure(transport)).toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  it("ends when the bytes are no OpenFlow at all", async () => {
    const { transport, fake } = await begin({ silent: true });
    await until(() => fake.peers.length === 1);
    fake.peer.raw(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
    // The header's length field reads 0x5450: more never comes.
    fake.peer.socket.end();
    expect(await failure(transport)).toMatchObject({ code: "CONNECTION_CLOSED" });
    expect((await failure(transport)).message).toMatch(/28 bytes into a message/);
  });

  it("ends when the switch sends another version than agreed", async () => {
    const { transport, fake } = await begin({});
    await until(() => transport.isUp, "up");
    fake.peer.raw(encodeMessage({ type: "barrierReply" }, { version: 5, xid: 99 }));
    expect(await failure(transport)).toMatchObject({ code: "PROTOCOL_ERROR", openflowError: "OFPBRC_BAD_VERSION" });
  });

  it("ends when the switch does not finish in time", async () => {
    const clock = new ManualClock();
    const { transport, fake } = await begin(
      { answer: (_, message) => message.type === "featuresRequest" },
      { clock, connectTimeoutMs: 3000 },
    );
    await until(() => fake.peers[0]?.types().includes("featuresRequest") === true);
    clock.advance(2999);
    expect(transport.state.phase).toBe("negotiating");
    clock.advance(1);
    expect(await failure(transport)).toMatchObject({ code: "HANDSHAKE_TIMEOUT" });
  });

  it("answers echo requests while it negotiates, and after", async () => {
    const { transport, fake } = await begin({ silent: true });
    await until(() => fake.peers.length === 1);
    fake.peer.send({ type: "echoRequest", data: new Uint8Array([1, 2, 3]) }, 77);
    fake.peer.send({ type: "hello", versions: [6] });
    await until(() => transport.isUp, "up");
    expect(fake.peer.received).toContainEqual({ type: "echoReply", version: 6, xid: 77, data: new Uint8Array([1, 2, 3]) });
    fake.peer.send({ type: "echoRequest", data: new Uint8Array(0) }, 78);
    await until(() => fake.peer.received.some((message) => message.type === "echoReply" && message.xid === 78));
  });

  it("does not take an auxiliary connection for the main one", async () => {
    const { transport } = await begin({
      answer: (peer, message) => {
        if (message.type !== "featuresRequest") return false;
        const { xid } = message;
        const rest = { buffers: 0, tables: 1, capabilities: 0, actions: 0, ports: [] };
        peer.send({ type: "featuresReply", datapathId: 1n, auxiliaryId: 3, ...rest }, xid);
        return true;
      },
    });
    expect(await failure(transport)).toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  it("works when every byte comes on its own", async () => {
    const fake = await FakeSwitch.start({ silent: true });
    open.fake = fake;
    const transport = connectSwitch(fake.address);
    open.transport = transport;
    transport.open();
    await until(() => fake.peers.length === 1);
    const { socket } = fake.peer;
    const write = socket.write.bind(socket);
    socket.write = ((bytes: Uint8Array) => {
      for (const byte of bytes) write(new Uint8Array([byte]));
      return true;
    }) as typeof socket.write;
    fake.peer.send({ type: "hello", versions: [4, 5, 6] });
    await until(() => transport.isUp, "up");
  });

  it("sets a length for packets where the switch would stay silent without one", async () => {
    const { transport, fake } = await begin({
      answer: (peer, message) => {
        if (message.type !== "getConfigRequest") return false;
        peer.send({ type: "getConfigReply", flags: 1, missSendLength: 0 }, message.xid);
        return true;
      },
    });
    await until(() => transport.isUp && fake.peer.types().includes("setConfig"), "set-config");
    expect(fake.peer.received.find((message) => message.type === "setConfig")).toMatchObject({ flags: 1, missSendLength: 128 });
    const types = fake.peer.types();
    expect(types.indexOf("setAsync")).toBeLessThan(types.indexOf("setConfig"));
  });
});

describe("roles", () => {
  const primary = { role: "primary", generationId: 5n } as const;

  it("sends nothing but the role request before the switch has confirmed it", async () => {
    let held: (() => void) | undefined;
    const { transport, fake } = await begin(
      {
        answer: (peer, message) => {
          if (message.type !== "roleRequest") return false;
          held = () => peer.answer(message);
          return true;
        },
      },
      primary,
    );
    await until(() => held !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(fake.peer.types()).toEqual(["hello", "featuresRequest", "roleRequest"]);
    expect(fake.peer.received[2]).toMatchObject({ role: "master", generationId: 5n });
    expect(transport.isUp).toBe(false);
    held?.();
    await until(() => transport.isUp, "up");
    expect(transport.state).toMatchObject({ role: "primary" });
  });

  it("reports a stale generation, and asks for a new one each time", async () => {
    let generation = 7n;
    const clock = new ManualClock();
    const { transport, fake } = await begin(
      {
        answer: (peer, message) => {
          if (message.type !== "roleRequest" || (message.generationId ?? 0n) > 7n) return false;
          peer.error("OFPRRFC_STALE", message.xid);
          return true;
        },
      },
      { role: "primary", generationId: () => generation++, clock },
    );
    const error = await failure(transport);
    expect(error).toMatchObject({ code: "ROLE_STALE", openflowError: "OFPRRFC_STALE" });
    expect(error.message).toMatch(/generation 7 /);
    clock.advance(60_000);
    await until(() => transport.isUp, "up");
    expect(fake.peers.length).toBe(2);
  });

  it("ends when the switch gives another role than asked for", async () => {
    const { transport } = await begin(
      {
        answer: (peer, message) => {
          if (message.type !== "roleRequest") return false;
          peer.send({ type: "roleReply", role: "equal", generationId: 5n }, message.xid);
          return true;
        },
      },
      primary,
    );
    expect(await failure(transport)).toMatchObject({ code: "ROLE_REFUSED" });
  });

  it("follows the switch when another controller takes over", async () => {
    const { transport, fake } = await begin({}, primary);
    await until(() => transport.isUp, "up");
    const states: ConnectionState[] = [];
    transport.subscribeState((state) => states.push(state));
    fake.peer.send({ type: "roleStatus", role: "slave", reason: 0, generationId: 6n });
    await until(() => states.length === 1);
    expect(states[0]).toMatchObject({ phase: "up", role: "secondary" });
  });

  it("needs a generation id for a role", () => {
    expect(() => connectSwitch("unix:/nowhere", { role: "primary" })).toThrowError(/generationId/);
  });
});
