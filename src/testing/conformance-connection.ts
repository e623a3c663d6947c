import { flowModBatch } from "../diff/flow-mod-batch.ts";
import type { TransportEvent } from "../transport/transport.ts";
import { type CheckDefinition, must } from "./conformance-bench.ts";
import { numberedFlow } from "./numbered-flow.ts";

const connectionEvents = (events: readonly TransportEvent[]): string =>
  events
    .filter((event) => event.type === "up" || event.type === "down")
    .map((event) => `${event.type} ${event.epoch}`)
    .join(", ");

/** Coming up, going down, and what is said about it. */
export const connectionChecks: readonly CheckDefinition[] = [
  {
    name: "nothing happens before open(); then one connection comes up as epoch 1",
    startsDown: true,
    body: async (bench) => {
      const { transport } = bench;
      const first = { isUp: transport.isUp, epoch: transport.epoch };
      must(!first.isUp && first.epoch === 0, "a new transport is not up and its epoch is 0");
      await bench.pause(10);
      must(!transport.isUp && bench.events.length === 0, "it does not connect before open()");
      transport.open();
      transport.open();
      await bench.until("the transport comes up", () => transport.isUp);
      await bench.pause(10);
      must(transport.epoch === 1, `the first epoch is 1; it is ${transport.epoch}`);
      const seen = connectionEvents(bench.events);
      must(seen === "up 1", `one event "up 1" is told; told: ${seen}`);
    },
  },
  {
    name: "a batch without a connection ends as unknown",
    startsDown: true,
    body: async (bench) => {
      const result = await bench.send([{ command: "add", flow: numberedFlow(1) }]);
      must(result.fate === "unknown" && result.refused.size === 0, `the fate is unknown; it is ${result.fate}`);
    },
  },
  {
    name: "a broken connection is told, and comes back as the next epoch",
    needs: ["disconnect"],
    body: async (bench) => {
      await bench.apply("add", numberedFlow(1));
      await bench.target.disconnect?.();
      await bench.until("the transport comes up again", () => bench.transport.isUp && bench.transport.epoch === 2);
      const seen = connectionEvents(bench.events);
      must(seen === "up 1, down 1, up 2", `the events are up 1, down 1, up 2; told: ${seen}`);
      bench.expectFlows(await bench.read(), [numberedFlow(1)]);
      const result = await bench.apply("add", numberedFlow(2));
      must(result.epoch === 2, `the result's epoch is 2; it is ${result.epoch}`);
    },
  },
  {
    name: "batches that a broken connection leaves unanswered end as unknown, and none is called applied in vain",
    needs: ["disconnect"],
    body: async (bench) => {
      const { transport } = bench;
      const flows = Array.from({ length: 20 }, (_, i) => numberedFlow(i + 1));
      const sends = flows.map((flow) => transport.send(flowModBatch([{ command: "add", flow }])));
      await bench.target.disconnect?.();
      const results = await bench.settles("all batches settle", Promise.all(sends));
      await bench.until("the transport comes up again", () => transport.isUp && transport.epoch === 2);
      const present = await bench.read();
      for (const [index, result] of results.entries()) {
        const flow = flows[index] as (typeof flows)[0];
        const there = present.some((other) => other.sameKey(flow));
        must(result.epoch === 1, `the result's epoch is 1; it is ${result.epoch}`);
        must(result.refused.size === 0, "nothing is refused");
        must(result.fate === "unknown" || there, `flow ${index} was called applied, so it is in the switch`);
      }
    },
  },
  {
    name: "drained() resolves when nothing is behind",
    body: async (bench) => {
      await bench.apply("add", numberedFlow(1));
      await bench.settles("drained() resolves", bench.transport.drained());
      must(!bench.transport.isBacklogged, "the transport is not backlogged");
    },
  },
  {
    name: "close() settles what is under way, may be called twice, and is final",
    body: async (bench) => {
      const { transport } = bench;
      const sent = transport.send(flowModBatch([{ command: "add", flow: numberedFlow(1) }]));
      await bench.settles("close() resolves", Promise.all([transport.close(), transport.close()]));
      const result = await bench.settles("the batch settles", sent);
      must(result.refused.size === 0, "nothing is refused");
      must(!transport.isUp, "a closed transport is not up");
      await bench.settles("drained() resolves", transport.drained());
      await bench.pause(20);
      must(!transport.isUp && transport.epoch === 1, "it does not come up again");
      const late = await bench.send([{ command: "add", flow: numberedFlow(2) }]);
      must(late.fate === "unknown", `a batch after close() ends as unknown; it is ${late.fate}`);
      await bench.rejects("TRANSPORT_DOWN", "a read after close()", bench.read());
    },
  },
  {
    name: "a transport that was never opened can be closed",
    startsDown: true,
    body: async (bench) => {
      await bench.settles("close() resolves", bench.transport.close());
      must(bench.events.length === 0, "nothing is told");
    },
  },
];
