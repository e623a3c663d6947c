import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Flow } from "../../src/flow/flow.ts";
import type { OpenFlowVersion } from "../../src/flow/version.ts";
import { connectSwitch } from "../../src/openflow/openflow-transport.ts";
import { groupTo, numberedFlow } from "../../src/testing/numbered-flow.ts";
import { transportConformance } from "../../src/testing/transport-conformance.ts";
import { formatFlow } from "../../src/text/format-flow.ts";
import { ChaosProxy } from "./chaos-proxy.ts";
import { OpenVSwitch } from "./open-vswitch.ts";
import { describePeer } from "./peer-suite.ts";

const VERSIONS: readonly OpenFlowVersion[] = ["OpenFlow13", "OpenFlow14", "OpenFlow15"];

describePeer("the OpenFlow transport with a real Open vSwitch", () => {
  let peer: OpenVSwitch;
  let proxies = 0;
  beforeAll(async () => {
    peer = await OpenVSwitch.start();
  });
  afterAll(() => peer.stop());

  describe.each(VERSIONS)("%s keeps the contract of transports", (version) => {
    const text = (flow: Flow): string => formatFlow(flow, { version });
    const ofctl = async (...args: string[]): Promise<void> => {
      await peer.ofctl("-O", version, ...args);
    };
    for (const check of transportConformance({
      create: async () => {
        await ofctl("del-flows", peer.socketPath);
        const proxy = await ChaosProxy.start(peer.folder, peer.socketPath, `proxy${++proxies}.sock`);
        return {
          transport: connectSwitch(proxy.address, { versions: [version], backOff: { firstMs: 10, maxMs: 50 } }),
          refusedFlow: numberedFlow(4_000_000, { table: 9, instructions: groupTo(77) }),
          disconnect: () => proxy.cut(),
          tamper: {
            add: (flow) => ofctl("add-flow", peer.socketPath, text(flow)),
            modify: (flow) => ofctl("--strict", "mod-flows", peer.socketPath, text(flow)),
            delete: (flow) => ofctl("--strict", "del-flows", peer.socketPath, text(flow).replace(/ ?actions=.*/, "")),
          },
          dispose: async () => {
            await proxy.stop();
            rmSync(proxy.path, { force: true });
          },
        };
      },
    })) {
      it(check.name, async () => {
        const outcome = await check.run();
        const lacksNothing = outcome.status === "passed" || check.name.includes("where there is none");
        expect(lacksNothing, JSON.stringify(outcome)).toBe(true);
      });
    }
  });
});
