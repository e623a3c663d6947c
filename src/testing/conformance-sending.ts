import type { FlowMod } from "../diff/flow-mod.ts";
import { flowModBatch } from "../diff/flow-mod-batch.ts";
import { type CheckDefinition, must } from "./conformance-bench.ts";
import { numberedFlow, outputTo } from "./numbered-flow.ts";

const added = (from: number, count: number): FlowMod[] =>
  Array.from({ length: count }, (_, i): FlowMod => ({ command: "add", flow: numberedFlow(from + i) }));

/** What is sent arrives, in order, and its fate is told truly. */
export const sendingChecks: readonly CheckDefinition[] = [
  {
    name: "an added flow is in the switch, with its whole value",
    body: async (bench) => {
      const importance = bench.transport.capabilities.importance ? 7 : 0;
      const flow = numberedFlow(1, {
        table: 3,
        priority: 100,
        cookie: 0x1234_5678_9abc_def0n,
        idleTimeout: 1000,
        hardTimeout: 2000,
        importance,
        flags: 1,
      });
      await bench.apply("add", flow);
      bench.expectFlows(await bench.read(), [flow]);
    },
  },
  {
    name: "an empty batch is applied once the switch has confirmed",
    body: async (bench) => bench.expectApplied(await bench.send([])),
  },
  {
    name: "adding over a flow replaces its whole value",
    body: async (bench) => {
      await bench.apply("add", numberedFlow(1, { cookie: 1 }));
      const other = numberedFlow(1, { cookie: 2, idleTimeout: 900, instructions: outputTo(2) });
      await bench.apply("add", other);
      bench.expectFlows(await bench.read(), [other]);
    },
  },
  {
    name: "a modify changes the instructions and leaves cookie and timeouts",
    body: async (bench) => {
      const before = numberedFlow(1, { cookie: 1, idleTimeout: 900 });
      await bench.apply("add", before);
      await bench.apply("modify", numberedFlow(1, { cookie: 2, instructions: outputTo(2) }));
      bench.expectFlows(await bench.read(), [before.with({ instructions: outputTo(2) })]);
    },
  },
  {
    name: "a delete removes exactly its key",
    body: async (bench) => {
      const others = [numberedFlow(2), numberedFlow(1, { priority: 1 }), numberedFlow(1, { table: 1 })];
      await bench.apply("add", numberedFlow(1), ...others);
      await bench.apply("delete", numberedFlow(1, { cookie: 99 }));
      bench.expectFlows(await bench.read(), others);
    },
  },
  {
    name: "modify and delete of a missing flow are applied and do nothing",
    body: async (bench) => {
      await bench.apply("modify", numberedFlow(1));
      await bench.apply("delete", numberedFlow(2));
      bench.expectFlows(await bench.read(), []);
    },
  },
  {
    name: "a guard keeps modify and delete from flows with another cookie, and says that they were applied",
    body: async (bench) => {
      const [ours, gone] = [numberedFlow(1, { cookie: 0x11 }), numberedFlow(2, { cookie: 0x12 })];
      const theirs = [numberedFlow(3, { cookie: 0x21 }), numberedFlow(4, { cookie: 0x22 })] as const;
      await bench.apply("add", ours, gone, ...theirs);
      const batch: FlowMod[] = [
        { command: "modify", flow: ours.with({ instructions: outputTo(2) }) },
        { command: "modify", flow: theirs[0].with({ instructions: outputTo(2) }) },
        { command: "delete", flow: gone },
        { command: "delete", flow: theirs[1] },
      ];
      const guard = { cookie: 0x10n, cookieMask: 0xf0n };
      bench.expectApplied(await bench.send(batch, { guard }));
      bench.expectFlows(await bench.read(), [ours.with({ instructions: outputTo(2) }), ...theirs]);
      if (!bench.transport.capabilities.atomic) return;
      await bench.apply("add", ours, gone);
      bench.expectApplied(await bench.send(batch, { guard, atomic: true }));
      bench.expectFlows(await bench.read(), [ours.with({ instructions: outputTo(2) }), ...theirs]);
    },
  },
  {
    name: "a big batch arrives complete",
    body: async (bench) => {
      const mods = added(1, bench.manyFlows);
      bench.expectApplied(await bench.send(mods));
      bench.expectFlows(
        await bench.read(),
        mods.map((mod) => mod.flow),
      );
    },
  },
  {
    name: "batches that are sent without waiting keep their order",
    body: async (bench) => {
      const { transport } = bench;
      const sends = [1, 2, 3, 4, 5].flatMap((port) => [
        transport.send(flowModBatch([{ command: "delete", flow: numberedFlow(1) }])),
        transport.send(flowModBatch([{ command: "add", flow: numberedFlow(1, { instructions: outputTo(port) }) }])),
      ]);
      for (const result of await bench.settles("all batches settle", Promise.all(sends))) bench.expectApplied(result);
      bench.expectFlows(await bench.read(), [numberedFlow(1, { instructions: outputTo(5) })]);
    },
  },
  {
    name: "results carry the epoch of the connection",
    body: async (bench) => {
      const { epoch } = bench.transport;
      const result = await bench.apply("add", numberedFlow(1));
      must(result.epoch === epoch, `the result's epoch is ${epoch}; it is ${result.epoch}`);
    },
  },
  {
    name: "a refused flow-mod does not stop the others of its batch",
    needs: ["refusedFlow"],
    body: async (bench) => {
      const good = [numberedFlow(1, { table: 9 }), numberedFlow(2, { table: 9 })] as const;
      const bad = bench.target.refusedFlow as (typeof good)[0];
      const result = await bench.send([good[0], bad, good[1]].map((flow) => ({ command: "add", flow })));
      must(result.fate === "applied" && result.unknown.size === 0, "all fates are known");
      must(
        result.refused.size === 1 && result.refused.has(1),
        `exactly index 1 is refused; got ${[...result.refused.keys()].join()}`,
      );
      const error = result.refused.get(1);
      must(error !== undefined && error.name !== "", "the refusal has the switch's error");
      bench.expectFlows(await bench.read(), good);
    },
  },
  {
    name: "the refused flow-mods of a big batch are told apart from the good ones",
    needs: ["refusedFlow"],
    body: async (bench) => {
      const bad = bench.target.refusedFlow as ReturnType<typeof numberedFlow>;
      const mods = added(1, 1_000).map((mod, i) => (i % 100 === 50 ? { ...mod, flow: bad.with({ priority: i }) } : mod));
      const result = await bench.send(mods);
      const indexes = [...result.refused.keys()].sort((a, b) => a - b).join();
      must(indexes === "50,150,250,350,450,550,650,750,850,950", `each hundredth flow-mod is refused; got ${indexes}`);
      const flows = await bench.read();
      must(flows.length === 990, `the other 990 are in the switch; it holds ${flows.length}`);
    },
  },
  {
    name: "an atomic batch is applied as a whole",
    needs: ["atomic"],
    body: async (bench) => {
      await bench.apply("add", numberedFlow(1), numberedFlow(2));
      const changed = numberedFlow(2, { instructions: outputTo(2) });
      const result = await bench.send(
        [
          { command: "add", flow: numberedFlow(3) },
          { command: "modify", flow: changed },
          { command: "delete", flow: numberedFlow(1) },
        ],
        { atomic: true },
      );
      bench.expectApplied(result);
      bench.expectFlows(await bench.read(), [changed, numberedFlow(3)]);
    },
  },
  {
    name: "an atomic batch with a refused flow-mod changes nothing and names the culprit",
    needs: ["atomic", "refusedFlow"],
    body: async (bench) => {
      await bench.apply("add", numberedFlow(1));
      const bad = bench.target.refusedFlow as ReturnType<typeof numberedFlow>;
      const result = await bench.send(
        [
          { command: "add", flow: numberedFlow(2) },
          { command: "delete", flow: numberedFlow(1) },
          { command: "add", flow: bad },
          { command: "add", flow: numberedFlow(3) },
        ],
        { atomic: true },
      );
      const culprit = result.refused.get(2)?.name;
      must(culprit !== undefined && !culprit.startsWith("BATCH_"), `index 2 is the culprit; its error is ${culprit}`);
      for (const index of [0, 1, 3]) {
        const name = result.refused.get(index)?.name;
        must(name === `BATCH_${culprit}`, `index ${index} is refused with BATCH_${culprit}; its error is ${name}`);
      }
      bench.expectFlows(await bench.read(), [numberedFlow(1)]);
      await bench.apply("add", numberedFlow(4));
    },
  },
  {
    name: "clearFirst deletes what its filter covers and nothing else, together with the batch",
    needs: ["atomic"],
    body: async (bench) => {
      const foreign = numberedFlow(3, { cookie: 0x20_0000_0001n });
      await bench.apply(
        "add",
        numberedFlow(1, { cookie: 0x10_0000_0001n }),
        numberedFlow(2, { cookie: 0x10_0000_0002n }),
        foreign,
      );
      const kept = numberedFlow(2, { cookie: 0x10_0000_0003n });
      const result = await bench.send([{ command: "add", flow: kept }], {
        atomic: true,
        clearFirst: { cookie: 0x10_0000_0000n, cookieMask: 0xff_0000_0000n },
      });
      bench.expectApplied(result);
      bench.expectFlows(await bench.read(), [kept, foreign]);
    },
  },
  {
    name: "a failed reinstall leaves the flows in place",
    needs: ["atomic", "refusedFlow"],
    body: async (bench) => {
      await bench.apply("add", numberedFlow(1), numberedFlow(2));
      const bad = bench.target.refusedFlow as ReturnType<typeof numberedFlow>;
      const result = await bench.send([{ command: "add", flow: bad }], { atomic: true, clearFirst: {} });
      must(result.refused.has(0), "the bad flow is refused");
      bench.expectFlows(await bench.read(), [numberedFlow(1), numberedFlow(2)]);
    },
  },
  {
    name: "asking for an atomic batch where there is none throws TRANSPORT_UNSUPPORTED",
    needs: ["noAtomic"],
    body: async (bench) => {
      const attempt = async (): Promise<unknown> => bench.send([{ command: "add", flow: numberedFlow(1) }], { atomic: true });
      await bench.rejects("TRANSPORT_UNSUPPORTED", "an atomic batch", attempt());
      bench.expectFlows(await bench.read(), []);
    },
  },
];
