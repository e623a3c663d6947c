import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { flowModBatch as batchOf } from "../../src/diff/flow-mod-batch.ts";
import type { OfsyncError } from "../../src/errors.ts";
import {
  formatDatapathId,
  type ListenOptions,
  listenForSwitches,
  type SwitchArrival,
  type SwitchListener,
} from "../../src/openflow/listener.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { numberedFlow } from "../../src/testing/numbered-flow.ts";
import { callIn, type FakePeer, type FakeSwitchOptions, until } from "./fake-switch.ts";

let folder = "";
let listener: SwitchListener | undefined;
const arrivals: SwitchArrival[] = [];
const failures: OfsyncError[] = [];

async function listen(options: ListenOptions = {}): Promise<SwitchListener> {
  const made = await listenForSwitches(`punix:${folder}/c.sock`, options);
  listener = made;
  made.subscribe((arrival) => arrivals.push(arrival));
  made.subscribeFailures((error) => failures.push(error));
  return made;
}
const call = (options: FakeSwitchOptions = {}): Promise<FakePeer> => callIn({ path: `${folder}/c.sock` }, options);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ofsync-listen-"));
  arrivals.length = 0;
  failures.length = 0;
});
afterEach(async () => {
  await listener?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("listening for switches", () => {
  it("gives each switch a transport of its own", async () => {
    const made = await listen();
    await call({ datapathId: 1n });
    await call({ datapathId: 0xffff_ffff_ffff_ffffn, version: 4 });
    await until(() => [...made.transports.values()].filter((transport) => transport.isUp).length === 2, "two switches");
    expect(arrivals.map(({ datapathId }) => formatDatapathId(datapathId)).sort()).toEqual([
      "0000000000000001",
      "ffffffffffffffff",
    ]);
    expect(made.transports.get(1n)?.state).toMatchObject({ phase: "up", version: "OpenFlow15", datapathId: 1n });
    expect(made.transports.get(0xffff_ffff_ffff_ffffn)?.state).toMatchObject({ version: "OpenFlow13" });
    const result = await made.transports.get(1n)?.send(batchOf([{ command: "add", flow: numberedFlow(1) }]));
    expect(result).toMatchObject({ fate: "applied", epoch: 1 });
  });

  it("tells of a switch before it is up, so that nothing is missed", async () => {
    const made = await listen();
    const seen: string[] = [];
    made.subscribe(({ transport }) => {
      seen.push(`arrived ${transport.isUp}`);
      transport.subscribe((event) => seen.push(event.type));
    });
    await call();
    await until(() => seen.length === 2);
    expect(seen).toEqual(["arrived false", "up"]);
  });

  it("keeps the transport when the switch calls again, and drops the old connection", async () => {
    const made = await listen();
    const first = await call({ answer: (_, message) => message.type === "barrierRequest" });
    await until(() => made.transports.get(0x1234n)?.isUp === true);
    const { transport } = arrivals[0] as SwitchArrival;
    const events: string[] = [];
    transport.subscribe((event) => events.push(event.type));
    const sent = transport.send(batchOf([{ command: "add", flow: numberedFlow(1) }]));
    await call();
    await first.closed;
    await until(() => transport.epoch === 2, "second epoch");
    expect(await sent).toMatchObject({ fate: "unknown", epoch: 1 });
    expect(events).toEqual(["down", "up"]);
    expect(arrivals.length).toBe(1);
    expect(await transport.send(batchOf([{ command: "add", flow: numberedFlow(1) }]))).toMatchObject({
      fate: "applied",
      epoch: 2,
    });
  });

  it("waits for a switch that went", async () => {
    const made = await listen();
    const peer = await call();
    await until(() => made.transports.get(0x1234n)?.isUp === true);
    const { transport } = arrivals[0] as SwitchArrival;
    peer.socket.destroy();
    await until(() => !transport.isUp);
    expect(transport.state).toMatchObject({ phase: "waiting", retryInMs: undefined, error: { code: "CONNECTION_CLOSED" } });
    await call();
    await until(() => transport.epoch === 2);
  });

  it("forgets a switch whose transport was closed", async () => {
    const made = await listen();
    await call();
    await until(() => made.transports.get(0x1234n)?.isUp === true);
    const { transport } = arrivals[0] as SwitchArrival;
    await transport.close();
    expect(made.transports.size).toBe(0);
    await call();
    await until(() => made.transports.get(0x1234n)?.isUp === true);
    expect(arrivals.length).toBe(2);
    expect(arrivals[1]?.transport).not.toBe(transport);
    expect(transport.isUp).toBe(false);
  });

  it("is not disturbed by callers that break the protocol, stay silent or go", async () => {
    const clock = new ManualClock();
    const made = await listen({ clock, connectTimeoutMs: 1000 });
    const silent = await call({ silent: true });
    const old = await call({ silent: true, version: 1 });
    old.raw(new Uint8Array([1, 0, 0, 8, 0, 0, 0, 0]));
    const liar = await call({ silent: true });
    liar.raw(new Uint8Array([6, 0, 0, 1, 0, 0, 0, 0]));
    const gone = await call({ silent: true });
    gone.socket.destroy();
    await call({ datapathId: 5n });
    await until(() => made.transports.get(5n)?.isUp === true && failures.length === 3, "one good, three bad");
    clock.advance(1000);
    await silent.closed;
    await until(() => failures.length === 4);
    // A caller that goes without a word is closed or lost, by the moment.
    const codes = failures.map((error) => error.code.replace("CONNECTION_LOST", "CONNECTION_CLOSED"));
    expect(codes.sort()).toEqual([...["CONNECTION_CLOSED", "HANDSHAKE_TIMEOUT", "PROTOCOL_ERROR", "VERSION_UNSUPPORTED"]]);
    expect(made.transports.size).toBe(1);
  });

  it("bounds callers that negotiate and switches that it knows", async () => {
    const made = await listen({ maxNegotiating: 2, maxSwitches: 1 });
    const one = await call({ silent: true });
    const two = await call({ silent: true });
    const three = await call({ silent: true });
    await three.closed;
    expect(failures.map((error) => error.code)).toEqual(["LISTEN_OVERLOAD"]);
    one.socket.destroy();
    two.socket.destroy();
    await until(() => failures.length === 3);
    await call({ datapathId: 1n });
    await until(() => made.transports.size === 1);
    const other = await call({ datapathId: 2n });
    await other.closed;
    expect(made.transports.size).toBe(1);
    expect(failures.at(-1)?.code).toBe("LISTEN_OVERLOAD");
    await call({ datapathId: 1n });
    await until(() => made.transports.get(1n)?.epoch === 2, "a known switch may come again");
  });

  it("closes everything it has", async () => {
    const made = await listen();
    const known = await call();
    const negotiating = await call({ silent: true, datapathId: 2n });
    await until(() => made.transports.get(0x1234n)?.isUp === true);
    await made.close();
    await made.close();
    await Promise.all([known.closed, negotiating.closed]);
    expect(made.transports.size).toBe(0);
    await expect(call()).rejects.toThrow();
  });

  it("lets only its own user at a Unix socket", async () => {
    await listen();
    expect(statSync(`${folder}/c.sock`).mode & 0o777).toBe(0o600);
  });

  it("listens on TCP, IPv4 and IPv6, and tells its port", async () => {
    const made = await listenForSwitches("ptcp:0:127.0.0.1");
    listener = made;
    made.subscribe((arrival) => arrivals.push(arrival));
    expect(made.address).toBe(`ptcp:${made.port}:127.0.0.1`);
    await callIn({ port: made.port, host: "127.0.0.1" });
    await until(() => made.transports.get(0x1234n)?.isUp === true);
    expect(arrivals[0]?.remoteAddress).toBe("127.0.0.1");
    await made.close();
    const six = await listenForSwitches("ptcp:0:[::1]");
    listener = six;
    await callIn({ port: six.port, host: "::1" });
    await until(() => six.transports.get(0x1234n)?.isUp === true);
  });

  it("says why it cannot listen", async () => {
    const made = await listenForSwitches("ptcp:0:127.0.0.1");
    listener = made;
    await expect(listenForSwitches(`ptcp:${made.port}:127.0.0.1`)).rejects.toMatchObject({ code: "LISTEN_FAILED" });
    await expect(listenForSwitches("pssl:0:127.0.0.1")).rejects.toMatchObject({
      code: "OPTION_INVALID",
      place: { field: "tls" },
    });
    await expect(listenForSwitches("tcp:127.0.0.1:1")).rejects.toMatchObject({ code: "ADDRESS_INVALID" });
    const probe = connect(made.port, "127.0.0.1");
    await new Promise((resolve) => probe.once("connect", resolve));
    probe.destroy();
  });
});
