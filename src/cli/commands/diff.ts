import { statSync } from "node:fs";
import {
  createFlowModView,
  type FlowDifferences,
  type FlowMod,
  FlowPairing,
  FlowTextWriter,
  flowFromView,
  formatDiffFlow,
  formatFlow,
  formatFlowMod,
  orderFlowMods,
  type PortNames,
} from "../../index.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { changeOf, count, emptyTally, summaryLines } from "../diff-summary.ts";
import { COMPAT_EITHER, type Reading, readingOf, VERSION_OF_FORMS } from "../flow-lines.ts";
import { type PackedTarget, type RunTarget, readPacked } from "../packed-flows.ts";
import { NAMES_OPTION, PORTS_OPTION, portsOf, printedNames } from "../port-map.ts";
import { SWITCH_OPTIONS } from "../switch-options.ts";
import type { Style, Terminal } from "../terminal.ts";

/** Exit status of a comparison that found a difference. */
const DIFFERENT = 2;

/** `ofsync diff`: how two tables differ. */
export const diff: Command = {
  usage: "diff [OPTIONS] A B",
  help: `
Compares two flow tables and prints what turns A into B, as "ovs-ofctl diff-flows" does: a line with "-" for a flow
that only A has, "+" for one that only B has, both for one that both have with other actions, cookie, timeouts,
importance or flags. A and B are files in the text form of ovs-ofctl, as you wrote them or as a switch dumped them;
"-" is standard input, and a name that ends in .gz is unpacked. Either may be a switch: unix:/path, tcp:host[:port],
ssl:host[:port], or ptcp:[port] and pssl:[port] to wait for one that calls in.

$ ofsync diff installed.txt desired.txt
$ ovs-ofctl dump-flows br0 | ofsync diff - desired.txt
$ ofsync diff unix:/var/run/openvswitch/br0.mgmt desired.txt
$ ofsync diff --flow-mods installed.txt desired.txt
$ ofsync diff --summary yesterday.txt today.txt

Flows are compared by what they mean: the order of fields, unusual spellings, statistics, and the different forms in
which OpenFlow versions write one action make no difference. When a file has one key (table, priority, match) twice,
the last line counts, as with ovs-ofctl. Lines are read as ovs-ofctl reads them. --compat ovs also tells what it
silently changes, --compat strict makes that an error.

--flow-mods prints the flow-mods that would be sent, in an order that is safe: adds and modifies before deletes.
With --json every change is one line: {"change":"add"|"modify"|"delete","table":…,"installed":"…","desired":"…"}.

Exit status: 0 the tables are equal, 2 they differ, 1 something went wrong.`,
  options: {
    openflow: VERSION_OF_FORMS,
    compat: COMPAT_EITHER,
    ...SWITCH_OPTIONS,
    ports: PORTS_OPTION,
    names: NAMES_OPTION,
    "flow-mods": { type: "boolean", help: "print the flow-mods, as add / modify_strict / delete_strict lines" },
    summary: { type: "boolean", help: "print counts only, per table" },
    json: { type: "boolean", help: "JSON: one object per change, or one for the summary" },
  },
  async run(input, terminal) {
    const [a, b] = operandsOf(input);
    const ports = portsOf(input);
    const names = printedNames(input, ports);
    const reading: Reading = { ...readingOf(input, true), ...(ports === undefined ? {} : { ports }) };
    const pairing = await pairSides(a, b, input, reading, terminal);
    const changes = pairing.differences();
    if (input.has("summary")) writeSummary(changes, pairing, input.has("json"), terminal);
    else if (input.has("json")) await writeJson(changes, reading, names, terminal);
    else if (input.has("flow-mods")) await writeFlowMods(changes, reading, names, terminal);
    else await writeLines(changes, names, terminal);
    return changes.length === 0 ? 0 : DIFFERENT;
  },
};

/** Reads both sides, one after the other. */
async function pairSides(a: string, b: string, input: Arguments, reading: Reading, terminal: Terminal): Promise<FlowPairing> {
  const pairing = pairingFor(a);
  await readSide(a, input, reading, terminal, {
    flow: (flow) => pairing.addInstalled(flow),
    run: (run) => pairing.addInstalledRun(run),
  });
  await readSide(b, input, reading, terminal, {
    flow: (flow) => pairing.addDesired(flow),
    run: (run) => pairing.addDesiredRun(run),
  });
  return pairing;
}

/** Where the flows of a side go. */
interface Side {
  readonly flow: PackedTarget;
  readonly run: RunTarget;
}

/** Room for the flows of a file: memory that turns out not to be needed is never touched. */
function pairingFor(path: string): FlowPairing {
  const size = path === "-" ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  // A line of a dump has 100 to 200 bytes, and takes about two thirds of that when it is packed.
  return size === 0 ? new FlowPairing() : new FlowPairing(Math.ceil(size / 160) + 16, Math.ceil(size / 6) + 1024);
}

const SWITCH = /^p?(unix|tcp|ssl):/;

/** Reads the flows of a file or of a switch. */
async function readSide(operand: string, input: Arguments, reading: Reading, terminal: Terminal, side: Side): Promise<void> {
  if (!SWITCH.test(operand)) return await readPacked(operand, reading, terminal, side.flow, side.run);
  // Loaded only when there is a switch: sockets and TLS would make the start longer.
  const { openSwitch } = await import("../switch.ts");
  const { transport, close } = await openSwitch(operand, input, terminal);
  const view = createFlowModView();
  try {
    for await (const chunk of transport.readFlows()) {
      for (let i = 0; i < chunk.length; i++) {
        chunk.read(i, view);
        side.flow(view);
      }
    }
  } finally {
    await close();
  }
}

function operandsOf(input: Arguments): [string, string] {
  const [a, b, ...more] = input.operands;
  if (a === undefined || b === undefined || more.length > 0) throw new UsageError("needs two tables to compare, A and B");
  if (a === "-" && b === "-") throw new UsageError("only one of A and B can be standard input");
  return [a, b];
}

/** So much text is collected before it goes out. */
const PIECE = 1 << 16;

async function writeLines(changes: FlowDifferences, names: PortNames | undefined, terminal: Terminal): Promise<void> {
  const writer = new FlowTextWriter();
  const flow = createFlowModView();
  const red = marks(terminal, "red");
  const green = marks(terminal, "green");
  const put = (sign: string, [on, off]: readonly [string, string]): void => {
    writer.write(on + sign);
    if (names === undefined) writer.writeDiffFlow(flow);
    else writer.write(formatDiffFlow(flowFromView(flow), { names }));
    writer.write(off);
    writer.write("\n");
  };
  for (let i = 0; i < changes.length; i++) {
    if (changes.readInstalled(i, flow)) put("-", red);
    if (changes.readDesired(i, flow)) put("+", green);
    if (writer.length < PIECE) continue;
    terminal.write(writer.text());
    writer.clear();
    await terminal.drained();
  }
  terminal.write(writer.text());
}

/** What stands before and behind coloured text. */
function marks(terminal: Terminal, style: Style): readonly [string, string] {
  const [on = "", off = ""] = terminal.paint(style, "|").split("|");
  return [on, off];
}

async function writeFlowMods(
  changes: FlowDifferences,
  reading: Reading,
  names: PortNames | undefined,
  terminal: Terminal,
): Promise<void> {
  const mods: FlowMod[] = [];
  for (let i = 0; i < changes.length; i++) mods.push(changes.flowModAt(i));
  for (const mod of orderFlowMods(mods)) {
    terminal.line(formatFlowMod(mod, { version: reading.version, names }));
    await terminal.drained();
  }
}

async function writeJson(
  changes: FlowDifferences,
  reading: Reading,
  names: PortNames | undefined,
  terminal: Terminal,
): Promise<void> {
  const view = createFlowModView();
  const text = (): string => formatFlow(flowFromView(view), { version: reading.version, names });
  for (let i = 0; i < changes.length; i++) {
    const { command, flow } = changes.flowModAt(i);
    const wasInstalled = changes.readInstalled(i, view);
    const entry = {
      change: changeOf(command !== "delete", wasInstalled),
      flowMod: command,
      table: flow.table,
      priority: flow.priority,
      ...(wasInstalled ? { installed: text() } : {}),
      ...(changes.readDesired(i, view) ? { desired: text() } : {}),
    };
    terminal.line(JSON.stringify(entry));
    await terminal.drained();
  }
}

function writeSummary(changes: FlowDifferences, pairing: FlowPairing, json: boolean, terminal: Terminal): void {
  const tally = emptyTally();
  const view = createFlowModView();
  for (let i = 0; i < changes.length; i++) {
    const wasInstalled = changes.readInstalled(i, view);
    const isDesired = changes.readDesired(i, view);
    count(tally, changeOf(isDesired, wasInstalled), view.table);
  }
  const { add, modify, delete: removed } = tally;
  const { installedCount: installed, desiredCount: desired } = pairing;
  const equal = changes.length === 0;
  if (json) {
    const tables = Object.fromEntries([...tally.tables].sort((a, b) => a[0] - b[0]));
    terminal.line(JSON.stringify({ equal, installed, desired, add, modify, delete: removed, tables }));
    return;
  }
  terminal.line(`${installed} flows in A, ${desired} in B: ${equal ? "no difference" : `${changes.length} keys differ`}`);
  if (!equal) for (const line of summaryLines(tally)) terminal.line(line);
}
