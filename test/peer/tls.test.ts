import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { flowModBatch as batchOf } from "../../src/diff/flow-mod-batch.ts";
import type { OfsyncError } from "../../src/errors.ts";
import type { TlsOptions } from "../../src/openflow/connection-options.ts";
import { listenForSwitches, type SwitchListener } from "../../src/openflow/listener.ts";
import { connectSwitch, type OpenFlowTransport } from "../../src/openflow/openflow-transport.ts";
import { numberedFlow } from "../../src/testing/numbered-flow.ts";
import { until } from "../openflow/fake-switch.ts";
import { type Certificate, CertificateAuthority } from "./certificates.ts";
import { freePort, OpenVSwitch } from "./open-vswitch.ts";
import { describePeer } from "./peer-suite.ts";

describePeer("TLS with a real Open vSwitch", () => {
  let peer: OpenVSwitch;
  let port: number;
  let mine: Certificate;
  let switchs: Certificate;
  let stranger: Certificate;
  const open: { transport?: OpenFlowTransport | undefined; listener?: SwitchListener | undefined } = {};

  beforeAll(async () => {
    peer = await OpenVSwitch.start();
    const folder = join(peer.folder, "pki");
    mkdirSync(folder);
    const authority = new CertificateAuthority(folder, "good");
    mine = authority.sign("controller");
    switchs = authority.sign("switch");
    stranger = new CertificateAuthority(folder, "other").sign("stranger");
    port = await freePort();
  });
  afterEach(async () => {
    await open.transport?.close();
    await open.listener?.close();
    open.transport = undefined;
    open.listener = undefined;
    await peer.setController();
  });
  afterAll(() => peer.stop());

  const tlsOf = ({ key, certificate, authority }: Certificate, ca = authority): TlsOptions => ({ key, cert: certificate, ca });
  const switchPresents = ({ keyFile, certificateFile }: Certificate, authorityFile = mine.authorityFile): Promise<string> =>
    peer.setTls({ key: keyFile, certificate: certificateFile, authority: authorityFile });

  async function dialSwitch(tls: TlsOptions): Promise<OpenFlowTransport> {
    await peer.setController(`pssl:${port}:127.0.0.1`);
    const transport = connectSwitch(`ssl:127.0.0.1:${port}`, { tls, backOff: { firstMs: 20, maxMs: 50 } });
    open.transport = transport;
    transport.open();
    return transport;
  }

  /** The first failure that is not "nobody listens yet". */
  function failure(transport: OpenFlowTransport): Promise<OfsyncError> {
    return new Promise((resolve) => {
      transport.subscribeState((state) => {
        if (state.phase === "waiting" && state.error.code !== "CONNECT_FAILED") resolve(state.error);
      });
    });
  }

  async function listen(tls: TlsOptions): Promise<{ listener: SwitchListener; failures: OfsyncError[] }> {
    const listener = await listenForSwitches("pssl:0:127.0.0.1", { tls });
    open.listener = listener;
    const failures: OfsyncError[] = [];
    listener.subscribeFailures((error) => failures.push(error));
    return { listener, failures };
  }

  it("dials a switch when both trust each other, and carries flow-mods", async () => {
    await switchPresents(switchs);
    const transport = await dialSwitch(tlsOf(mine));
    await until(() => transport.isUp, "up", 10_000);
    const flows = Array.from({ length: 5000 }, (_, i) => ({ command: "add", flow: numberedFlow(i + 1) }) as const);
    expect((await transport.send(batchOf(flows))).fate).toBe("applied");
    expect((await transport.send(batchOf(flows.slice(0, 10)), { atomic: true })).fate).toBe("applied");
    expect((await peer.dumpFlows()).length).toBe(5000);
  });

  it("does not trust a switch of another authority", async () => {
    await switchPresents(stranger, mine.authorityFile);
    const transport = await dialSwitch(tlsOf(mine));
    expect(await failure(transport)).toMatchObject({ code: "TLS_FAILED" });
    expect(transport.epoch).toBe(0);
  });

  it("is not trusted by a switch when another authority signed for us", async () => {
    await switchPresents(switchs);
    const transport = await dialSwitch(tlsOf(stranger, mine.authority));
    const error = await failure(transport);
    expect(["TLS_FAILED", "CONNECTION_LOST", "CONNECTION_CLOSED"]).toContain(error.code);
    expect(transport.epoch).toBe(0);
  });

  it("asks for the name in the switch's certificate when told to", async () => {
    await switchPresents(switchs);
    const wrong = await dialSwitch({ ...tlsOf(mine), hostName: "elsewhere.example" });
    expect(await failure(wrong)).toMatchObject({ code: "TLS_FAILED" });
    await wrong.close();
    const wrongIp = await dialSwitch({ ...tlsOf(mine), hostName: "10.1.2.3" });
    expect(await failure(wrongIp)).toMatchObject({ code: "TLS_FAILED" });
    await wrongIp.close();
    for (const hostName of ["localhost", "127.0.0.1", "::1"]) {
      const right = await dialSwitch({ ...tlsOf(mine), hostName });
      await until(() => right.isUp, `up as ${hostName}`, 10_000);
      await right.close();
    }
  });

  it("a switch refuses a caller without a certificate", async () => {
    await switchPresents(switchs);
    await dialSwitch(tlsOf(mine));
    await until(() => open.transport?.isUp === true, "up", 10_000);
    const socket = connectTls({ port, host: "127.0.0.1", ca: mine.authority, checkServerIdentity: () => undefined });
    const ended = await new Promise<string>((resolve) => {
      socket.on("error", (error) => resolve(error.message));
      socket.on("close", () => resolve("closed"));
      socket.on("data", () => resolve("talked"));
      socket.resume();
    });
    expect(ended).not.toBe("talked");
  });

  it("listens for a switch that calls, when both trust each other", async () => {
    await switchPresents(switchs);
    const { listener } = await listen(tlsOf(mine));
    await peer.setController(`ssl:127.0.0.1:${listener.port}`);
    await until(() => [...listener.transports.values()][0]?.isUp === true, "a switch", 15_000);
    const transport = [...listener.transports.values()][0] as OpenFlowTransport;
    expect((await transport.send(batchOf([{ command: "add", flow: numberedFlow(1) }]))).fate).toBe("applied");
  });

  it("turns away a switch of another authority", async () => {
    await switchPresents(stranger, mine.authorityFile);
    const { listener, failures } = await listen(tlsOf(mine));
    await peer.setController(`ssl:127.0.0.1:${listener.port}`);
    await until(() => failures.length > 0, "a refusal", 15_000);
    expect(failures[0]).toMatchObject({ code: "TLS_FAILED" });
    expect(listener.transports.size).toBe(0);
  });

  it("is turned away by a switch that trusts another authority", async () => {
    await switchPresents(switchs, stranger.authorityFile);
    const { listener, failures } = await listen(tlsOf(mine));
    await peer.setController(`ssl:127.0.0.1:${listener.port}`);
    await until(() => failures.length > 0, "a refusal", 15_000);
    expect(["TLS_FAILED", "CONNECTION_LOST", "CONNECTION_CLOSED"]).toContain(failures[0]?.code);
    expect(listener.transports.size).toBe(0);
  });

  it("turns away a caller without a certificate, and one without TLS", async () => {
    const { listener, failures } = await listen(tlsOf(mine));
    const bare = connectTls({ port: listener.port, host: "127.0.0.1", ca: mine.authority, checkServerIdentity: () => undefined });
    bare.on("error", () => {});
    await until(() => failures.length === 1, "the first is turned away");
    const { connect } = await import("node:net");
    const plain = connect(listener.port, "127.0.0.1");
    plain.on("error", () => {});
    plain.write(new Uint8Array([6, 0, 0, 8, 0, 0, 0, 0]));
    await until(() => failures.length === 2, "the second is turned away");
    expect(failures.map((error) => error.code)).toEqual(["TLS_FAILED", "TLS_FAILED"]);
    bare.destroy();
    plain.destroy();
    expect(listener.transports.size).toBe(0);
  });
});
