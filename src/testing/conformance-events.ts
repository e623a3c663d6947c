import type { TransportEvent } from "../transport/transport.ts";
import { type CheckDefinition, must } from "./conformance-bench.ts";
import { numberedFlow, outputTo } from "./numbered-flow.ts";

type Changed = Extract<TransportEvent, { type: "changed" }>;

const foreign = (events: readonly TransportEvent[]): Changed[] =>
  events.filter((event): event is Changed => event.type === "changed" && !event.own);

/** What is told without being asked. */
export const eventChecks: readonly CheckDefinition[] = [
  {
    name: "a listener that throws disturbs nobody, and one that left hears nothing",
    startsDown: true,
    body: async (bench) => {
      const { transport } = bench;
      let heard = 0;
      const leave = transport.subscribe(() => heard++);
      leave();
      leave();
      transport.subscribe(() => {
        throw new Error("a listener's own fault");
      });
      let afterTheFault = 0;
      transport.subscribe(() => afterTheFault++);
      await bench.open();
      await bench.until("the other listeners hear of the connection", () => afterTheFault > 0);
      must(heard === 0, "a listener that left hears nothing");
      await bench.apply("add", numberedFlow(1));
      bench.expectFlows(await bench.read(), [numberedFlow(1)]);
    },
  },
  {
    name: "the removal of a flow that asks for it is told with its reason",
    needs: ["removals"],
    body: async (bench) => {
      const flow = numberedFlow(1, { flags: 1, cookie: 5 });
      await bench.apply("add", flow, numberedFlow(2));
      await bench.apply("delete", flow, numberedFlow(2));
      const removed = (): TransportEvent[] => bench.events.filter((event) => event.type === "removed");
      await bench.until("the removal is told", () => removed().length > 0);
      await bench.pause(20);
      const [event] = removed();
      must(removed().length === 1, "only the flow that asks for it is told");
      must(event?.type === "removed" && event.reason === "delete", "the reason is delete");
      must(event.flow.sameKey(flow), "it names the flow");
    },
  },
  {
    name: "a hard timeout is told as such",
    needs: ["removals"],
    body: async (bench) => {
      await bench.apply("add", numberedFlow(1, { flags: 1, hardTimeout: 1 }));
      const removed = (): TransportEvent | undefined => bench.events.find((event) => event.type === "removed");
      await bench.until("the removal is told", () => removed() !== undefined);
      const event = removed();
      must(event?.type === "removed" && event.reason === "hardTimeout", "the reason is hardTimeout");
      bench.expectFlows(await bench.read(), []);
    },
  },
  {
    name: "others' changes are told as foreign, one's own never are",
    needs: ["monitor", "tamper"],
    body: async (bench) => {
      const { tamper } = bench.target;
      await bench.apply("add", numberedFlow(1), numberedFlow(2));
      await bench.apply("modify", numberedFlow(1, { instructions: outputTo(2) }));
      await bench.apply("delete", numberedFlow(2));
      await tamper?.add(numberedFlow(3));
      await tamper?.modify(numberedFlow(3, { instructions: outputTo(4) }));
      await tamper?.delete(numberedFlow(1));
      await bench.until("three foreign changes are told", () => foreign(bench.events).length >= 3);
      await bench.pause(20);
      const told = foreign(bench.events).map(({ change, flow }) => `${change} ${flow.match.bytes.at(-1)}`);
      must(told.join() === "added 3,modified 3,deleted 1", `added 3, modified 3, deleted 1; told: ${told.join()}`);
      const modified = foreign(bench.events)[1];
      must(modified?.flow.instructions.equals(outputTo(4)) === true, "a modification is told with the new instructions");
    },
  },
];
