import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, it } from "vitest";
import { nodeDiagnostics } from "../../src/openflow/diagnostics.ts";
import { ALICE, flow, world } from "../sync/harness.ts";

it("what a synchroniser does is published on Node's diagnostics channels", async () => {
  const heard: unknown[] = [];
  const listen = (message: unknown): void => {
    heard.push(message);
  };
  subscribe("ofsync:sync:batch", listen);
  try {
    const w = world({ sync: { diagnostics: nodeDiagnostics, name: "br0" } });
    w.table.setFlow(ALICE, flow(1));
    w.table.setFlow(ALICE, flow(2));
    await w.begin();
    expect(heard).toMatchObject([{ name: "br0", epoch: 1, flowMods: 2, atomic: true, applied: 2 }]);
    unsubscribe("ofsync:sync:batch", listen);
    w.table.setFlow(ALICE, flow(3));
    await w.settle();
    expect(heard).toHaveLength(1);
  } finally {
    unsubscribe("ofsync:sync:batch", listen);
  }
});
