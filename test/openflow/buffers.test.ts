// Memory for encoding is used again and again: never while a byte of it still waits in the socket.
import { afterEach, expect, it } from "vitest";
import { flowModBatch as batchOf } from "../../src/diff/flow-mod-batch.ts";
import { connectSwitch, type OpenFlowTransport } from "../../src/openflow/openflow-transport.ts";
import { numberedFlow } from "../../src/testing/numbered-flow.ts";
import type { BatchResult } from "../../src/transport/transport.ts";
import { decodeMessage } from "../../src/wire/codec.ts";
import { FakeSwitch, until } from "./fake-switch.ts";

let fake: FakeSwitch | undefined;
let transport: OpenFlowTransport | undefined;
afterEach(async () => {
  await transport?.close();
  await fake?.stop();
});

it.each([
  ["plain, small and large in turn", false],
  ["bundles", true],
])("%s: what a peer reads late is what was sent", async (_, atomic) => {
  fake = await FakeSwitch.start({ hardware: "Open vSwitch" });
  transport = connectSwitch(fake.address, { backlogBytes: 1 << 30 });
  transport.open();
  const made = transport;
  await until(() => made.isUp, "up");
  const { peer } = fake;
  const begin = peer.received.length;
  peer.socket.pause();
  const sizes = Array.from({ length: 120 }, (_, i) => (i % 3 === 0 ? 1200 : 1 + (i % 5)));
  const results: Promise<BatchResult>[] = [];
  let cookie = 0;
  for (const size of sizes) {
    const mods = Array.from({ length: size }, () => ({ command: "add", flow: numberedFlow(++cookie, { cookie }) }) as const);
    results.push(made.send(batchOf(mods), { atomic: atomic && size > 1 }));
    if (results.length % 40 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  peer.socket.resume();
  for (const { fate, refused } of await Promise.all(results))
    expect({ fate, refused: refused.size }).toEqual({ fate: "applied", refused: 0 });
  const cookies: number[] = [];
  for (const message of peer.received.slice(begin)) {
    const inner = message.type === "bundleAdd" ? decodeMessage(message.message) : message;
    if (inner.type === "flowMod") cookies.push(Number(inner.cookie));
  }
  expect(cookies.length).toBe(cookie);
  expect(cookies.every((one, index) => one === index + 1)).toBe(true);
});
