import { afterEach, describe, expect, it } from "vitest";
import type { FlowMod } from "../../src/diff/flow-mod.ts";
import { flowModBatch as batchOf } from "../../src/diff/flow-mod-batch.ts";
import { connectSwitch, type OpenFlowTransport } from "../../src/openflow/openflow-transport.ts";
import { numberedFlow } from "../../src/testing/numbered-flow.ts";
import { FakeSwitch, until } from "./fake-switch.ts";

let fake: FakeSwitch | undefined;
let transport: OpenFlowTransport | undefined;
afterEach(async () => {
  await transport?.close();
  await fake?.stop();
});

async function sentTo(hardware: string, mods: readonly FlowMod[], clearFirst = false): Promise<string[]> {
  fake = await FakeSwitch.start({ hardware });
  transport = connectSwitch(fake.address);
  const made = transport;
  made.open();
  await until(() => made.isUp, "up");
  const { peer } = fake;
  const before = peer.received.length;
  await made.send(batchOf(mods), clearFirst ? { clearFirst: {} } : {});
  return peer.received.slice(before).map((message) => {
    if (message.type !== "flowMod") return message.type;
    return `${message.command} ${message.table}`;
  });
}

const mods: readonly FlowMod[] = [
  { command: "add", flow: numberedFlow(1, { table: 2 }) },
  { command: "add", flow: numberedFlow(2, { table: 2 }) },
  { command: "modify", flow: numberedFlow(3, { table: 2 }) },
  { command: "add", flow: numberedFlow(4, { table: 1 }) },
  { command: "delete", flow: numberedFlow(5, { table: 1 }) },
];

describe("the order of a batch", () => {
  it("is kept by barriers between tables and before deletes", async () => {
    expect(await sentTo("some switch", mods)).toEqual([
      ...["add 2", "add 2", "modifyStrict 2", "barrierRequest", "add 1", "barrierRequest", "deleteStrict 1", "barrierRequest"],
    ]);
  });

  it("is kept by Open vSwitch itself", async () => {
    expect(await sentTo("Open vSwitch", mods)).toEqual([
      ...["add 2", "add 2", "modifyStrict 2", "add 1", "deleteStrict 1", "barrierRequest"],
    ]);
  });

  it("begins with clearing, behind a barrier", async () => {
    expect(await sentTo("some switch", mods.slice(0, 1), true)).toEqual([
      "delete 255",
      "barrierRequest",
      "add 2",
      "barrierRequest",
    ]);
  });
});
