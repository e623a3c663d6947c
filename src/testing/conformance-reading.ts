import { createFlowModView } from "../diff/flow-mod.ts";
import type { Flow } from "../flow/flow.ts";
import { flowFromView } from "../transport/installed-flow-chunk.ts";
import { type CheckDefinition, must } from "./conformance-bench.ts";
import { numberedFlow } from "./numbered-flow.ts";

/** A read is complete or fails. */
export const readingChecks: readonly CheckDefinition[] = [
  {
    name: "an empty switch is read as empty, not as an error",
    body: async (bench) => bench.expectFlows(await bench.read(), []),
  },
  {
    name: "a read gives each flow once, and only what its filter covers",
    body: async (bench) => {
      const all: Flow[] = [];
      for (let i = 1; i <= 600; i++) all.push(numberedFlow(i, { table: i % 3, cookie: BigInt(i % 4) << 32n }));
      await bench.apply("add", ...all);
      bench.expectFlows(await bench.read(), all);
      bench.expectFlows(
        await bench.read({ table: 1 }),
        all.filter((flow) => flow.table === 1),
      );
      bench.expectFlows(
        await bench.read({ cookie: 1n << 32n, cookieMask: 1n << 32n }),
        all.filter((flow) => (flow.cookieHigh & 1) === 1),
      );
      bench.expectFlows(
        await bench.read({ table: 2, cookie: 3n << 32n, cookieMask: 0xffff_ffff_ffff_ffffn }),
        all.filter((flow) => flow.table === 2 && flow.cookieHigh === 3),
      );
      bench.expectFlows(await bench.read({ table: 77 }), []);
    },
  },
  {
    name: "a chunk says the same as objects and as numbers",
    body: async (bench) => {
      await bench.apply("add", ...Array.from({ length: 50 }, (_, i) => numberedFlow(i + 1, { cookie: i, priority: i })));
      const view = createFlowModView();
      let seen = 0;
      for await (const chunk of bench.transport.readFlows()) {
        const objects = [...chunk];
        must(objects.length === chunk.length, "a chunk iterates over as many flows as its length says");
        for (const [index, { flow, packetCount, byteCount, durationSeconds }] of objects.entries()) {
          chunk.read(index, view);
          must(flowFromView(view).equals(flow), `read(${index}) gives the same flow as iterating`);
          must(chunk.at(index).flow.equals(flow), `at(${index}) gives the same flow as iterating`);
          must(packetCount === 0n && byteCount === 0n, "no packet was counted");
          must(durationSeconds >= 0, "the duration is not negative");
          seen++;
        }
      }
      must(seen === 50, `50 flows are read; ${seen} were`);
    },
  },
  {
    name: "a read that is given up does not harm what follows",
    body: async (bench) => {
      await bench.apply("add", ...Array.from({ length: bench.manyFlows }, (_, i) => numberedFlow(i + 1)));
      for await (const chunk of bench.transport.readFlows()) if (chunk.length > 0) break;
      await bench.apply("delete", numberedFlow(1));
      const flows = await bench.read();
      must(flows.length === bench.manyFlows - 1, `a second read gives ${bench.manyFlows - 1} flows; it gave ${flows.length}`);
    },
  },
  {
    name: "reads and batches may be under way together",
    body: async (bench) => {
      await bench.apply("add", numberedFlow(1), numberedFlow(2));
      const reads = [bench.read(), bench.read({ table: 5 })];
      const sent = bench.apply("add", numberedFlow(3));
      const [all, none] = await Promise.all(reads);
      await sent;
      must(all !== undefined && (all.length === 2 || all.length === 3), `the read gives 2 or 3 flows; it gave ${all?.length}`);
      must(none?.length === 0, "a read of an empty table gives nothing");
    },
  },
  {
    name: "a read without a connection throws TRANSPORT_DOWN",
    startsDown: true,
    body: async (bench) => bench.rejects("TRANSPORT_DOWN", "a read before open()", bench.read()),
  },
  {
    name: "a read that loses its connection throws TRANSPORT_DOWN, or had everything",
    needs: ["disconnect"],
    body: async (bench) => {
      await bench.apply("add", ...Array.from({ length: bench.manyFlows }, (_, i) => numberedFlow(i + 1)));
      let seen = 0;
      const read = async (): Promise<void> => {
        for await (const chunk of bench.transport.readFlows()) {
          if (seen === 0) await bench.target.disconnect?.();
          seen += chunk.length;
        }
      };
      try {
        await bench.settles("the read ends", read());
      } catch (error) {
        const { code } = error as { code?: unknown };
        must(code === "TRANSPORT_DOWN", `the read fails with TRANSPORT_DOWN; it failed with ${String(error)}`);
        return;
      }
      must(seen === bench.manyFlows, `a read that ends as complete gives ${bench.manyFlows} flows; it gave ${seen}`);
    },
  },
];
