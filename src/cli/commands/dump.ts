import { formatFlow } from "../../index.ts";
import type { OpenFlowTransport } from "../../openflow.ts";
import { type Command, UsageError } from "../command.ts";
import { DEFAULT_VERSION } from "../flow-lines.ts";
import { NAMES_OPTION, PortMap } from "../port-map.ts";
import { Progress } from "../progress.ts";
import { openSwitch } from "../switch.ts";
import { SWITCH_OPTIONS, VERSION_OPTION } from "../switch-options.ts";

/** `ofsync dump`: the flows of a switch. */
export const dump: Command = {
  usage: "dump [OPTIONS] SWITCH",
  help: `
Reads the flows of a switch and prints them in canonical text, one a line, as "ovs-ofctl --no-stats --no-names
dump-flows" does. SWITCH is unix:/path, tcp:host[:port], ssl:host[:port], or the name of a local Open vSwitch bridge;
ptcp:[port][:address] and pssl:[port][:address] wait for a switch that calls in.

$ ofsync dump br0
$ ofsync dump --table 10 tcp:192.0.2.1:6653
$ ofsync dump unix:/var/run/openvswitch/br0.mgmt > installed.txt

With --names ports have the names that the switch gives them, as with "ovs-ofctl --names". What is printed is good as
an input of all other commands (with names: of those that have --ports). A read that cannot be completed prints an error
and exits with 1; it never ends early as if it were complete.`,
  options: {
    openflow: VERSION_OPTION,
    ...SWITCH_OPTIONS,
    table: { type: "string", value: "N", help: "only this table" },
    stats: { type: "boolean", help: "with counters and duration" },
    names: NAMES_OPTION,
  },
  async run(input, terminal) {
    const [address, ...more] = input.operands;
    if (address === undefined || more.length > 0) throw new UsageError("needs one SWITCH");
    const table = input.number("table", 0, 254);
    const { transport, close } = await openSwitch(address, input, terminal);
    const progress = new Progress(terminal, "reading", "flows", undefined);
    try {
      const version = transport.state.phase === "up" ? transport.state.version : DEFAULT_VERSION;
      const stats = input.has("stats");
      const names = input.has("names") ? await portNamesOf(transport) : undefined;
      let count = 0;
      for await (const chunk of transport.readFlows(table === undefined ? {} : { table })) {
        for (const installed of chunk)
          terminal.line(formatFlow(installed.flow, stats ? { version, names, stats: installed } : { version, names }));
        count += chunk.length;
        progress.update(count);
        await terminal.drained();
      }
    } finally {
      progress.end();
      await close();
    }
    return 0;
  },
};

async function portNamesOf(transport: OpenFlowTransport): Promise<PortMap> {
  const map = new PortMap();
  for (const { name, port } of await transport.readPorts()) map.add(name, port);
  return map;
}
