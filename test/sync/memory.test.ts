// A controller makes millions of rounds in its life: none may leave anything behind.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { Synchroniser } from "../../src/sync/synchroniser.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import type { BatchResult, Transport } from "../../src/transport/transport.ts";
import { ALICE, flow } from "./harness.ts";

/** A switch that takes everything at once, and is behind every other time. */
function willing(): Transport {
  let batches = 0;
  const applied: BatchResult = { epoch: 1, fate: "applied", refused: new Map(), unknown: new Set(), bytes: 0 };
  return {
    epoch: 1,
    isUp: true,
    capabilities: { atomic: false, monitor: false, importance: true },
    get isBacklogged() {
      return batches++ % 2 === 0;
    },
    open() {},
    send: () => Promise.resolve(applied),
    async *readFlows() {},
    drained: () => Promise.resolve(),
    subscribe: () => () => {},
    close: () => Promise.resolve(),
  };
}

it("ten thousand rounds leave nothing behind", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const table = new DesiredFlowTable();
  const sync = new Synchroniser({ table, transport: willing(), audit: { when: "never" } });
  sync.start();
  const rounds = async (count: number): Promise<number> => {
    for (let i = 0; i < count; i++) {
      table.setFlow(ALICE, flow(1, 1 + (i % 2)));
      await sync.settled();
    }
    for (let i = 0; i < 3; i++) collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await rounds(2000);
  const after = await rounds(10_000);
  await sync.stop();
  expect((after - before) / 10_000, "bytes a round").toBeLessThan(200);
});
