// Runs the conformance suite on the example of docs/custom-transport.md; started by custom-transport.test.ts. Prints one line a
// check.
import { flowModBatch, isOfsyncError, MemorySwitch, parseFlow, type SwitchErrorName, switchError } from "ofsync";
import { groupTo, numberedFlow, transportConformance } from "ofsync/testing";
import { type Agent, AgentTransport } from "../../docs/custom-transport.ts";

function create() {
  const device = new MemorySwitch();
  let isCut = false;
  const reach = async (): Promise<void> => {
    await Promise.resolve();
    if (isCut) throw new Error("no route to the agent");
  };
  const carryOut = (command: string): void => {
    const [, verb, cookie, mask, text = ""] = /^(\w+) (?:cookie=(\w+)\/(\w+),)?(.*)$/.exec(command) ?? [];
    if (cookie !== undefined && mask !== undefined) {
      const there = device.get(parseFlow(verb === "modify_strict" ? text : `${text} actions=drop`))?.flow;
      if (there !== undefined && (there.cookie & BigInt(mask)) !== BigInt(cookie)) return;
    }
    if (verb === "add") device.tamper.add(parseFlow(text));
    else if (verb === "modify_strict") device.tamper.modify(parseFlow(text));
    else device.tamper.delete(parseFlow(`${text} actions=drop`));
  };
  const agent: Agent = {
    async apply(commands) {
      await reach();
      return commands.map((command) => {
        try {
          carryOut(command);
          return null;
        } catch (error) {
          if (!isOfsyncError(error, "SWITCH_REFUSED")) throw error;
          return switchError(error.openflowError as SwitchErrorName);
        }
      });
    },
    async dump() {
      await reach();
      return device.dump({ stats: true });
    },
  };
  const transport = new AgentTransport(agent);
  return {
    transport,
    tellsRemovals: false,
    refusedFlow: numberedFlow(1, { table: 200, instructions: groupTo(4_000_000) }),
    // The transport finds out with the next thing it asks.
    disconnect: async () => {
      isCut = true;
      await transport.send(flowModBatch([]));
      isCut = false;
    },
  };
}

for (const check of transportConformance({ create })) {
  try {
    const outcome = await check.run();
    console.log(`${outcome.status}: ${check.name}`);
  } catch (error) {
    console.log(`failed: ${check.name}: ${String(error)}`);
  }
}
