import {
  createFlowModView,
  DesiredFlowTable,
  diffTables,
  type Flow,
  FlowList,
  type FlowMod,
  formatDiffFlow,
  formatFlow,
  formatFlowMod,
  ownerFor,
} from "../../index.ts";
import { type Arguments, type Command, UsageError } from "../command.ts";
import { changeOf, count, type DiffTally, emptyTally, summaryLines } from "../diff-summary.ts";
import { COMPAT_EITHER, type Reading, readingOf, VERSION_OF_FORMS } from "../flow-lines.ts";
import { intoDesired, intoInstalled, type PackedTarget, readPacked } from "../packed-flows.ts";
import { SWITCH_OPTIONS } from "../switch-options.ts";
import type { Terminal } from "../terminal.ts";

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
    "flow-mods": { type: "boolean", help: "print the flow-mods, as add / modify_strict / delete_strict lines" },
    summary: { type: "boolean", help: "print counts only, per table" },
    json: { type: "boolean", help: "JSON: one object per change, or one for the summary" },
  },
  async run(input, terminal) {
    const [a, b] = operandsOf(input);
    const reading = readingOf(input, true);
    const table = new DesiredFlowTable();
    await readSide(a, input, reading, terminal, intoInstalled(table.installed));
    await readSide(b, input, reading, terminal, intoDesired(table, ownerFor("B")));
    const changes = [...diffTables(table, table.installed)].map((mod): Change => ({ mod, installed: installedFlow(table, mod) }));
    if (input.has("summary")) writeSummary(changes, table, input.has("json"), terminal);
    else if (input.has("json")) await writeJson(changes, reading, terminal);
    else if (input.has("flow-mods")) await writeFlowMods(changes, reading, terminal);
    else await writeLines(changes, terminal);
    return changes.length === 0 ? 0 : DIFFERENT;
  },
};

/** A flow-mod and what is installed under its key now. */
interface Change {
  readonly mod: FlowMod;
  readonly installed: Flow | undefined;
}

/** Reads the flows of a file or of a switch. */
async function readSide(
  operand: string,
  input: Arguments,
  reading: Reading,
  terminal: Terminal,
  target: PackedTarget,
): Promise<void> {
  if (!/^p?(unix|tcp|ssl):/.test(operand)) return await readPacked(operand, reading, terminal, target);
  // Loaded only when there is a switch: sockets and TLS would make the start longer.
  const { openSwitch } = await import("../switch.ts");
  const { transport, close } = await openSwitch(operand, input, terminal);
  const flows = new FlowList(1);
  const view = createFlowModView();
  try {
    for await (const chunk of transport.readFlows()) {
      for (let i = 0; i < chunk.length; i++) {
        chunk.read(i, view);
        flows.clear();
        flows.appendView(view);
        target(flows);
      }
    }
  } finally {
    await close();
  }
}

function installedFlow(table: DesiredFlowTable, mod: FlowMod): Flow | undefined {
  const state = table.installed.state(mod.flow);
  return state.state === "present" ? state.flow : undefined;
}

function operandsOf(input: Arguments): [string, string] {
  const [a, b, ...more] = input.operands;
  if (a === undefined || b === undefined || more.length > 0) throw new UsageError("needs two tables to compare, A and B");
  if (a === "-" && b === "-") throw new UsageError("only one of A and B can be standard input");
  return [a, b];
}

/** By table, then from the highest priority down: the order in which a switch looks at them. */
function byKey(x: Change, y: Change): number {
  return x.mod.flow.table - y.mod.flow.table || y.mod.flow.priority - x.mod.flow.priority;
}

async function writeLines(changes: Change[], terminal: Terminal): Promise<void> {
  for (const { mod, installed } of changes.sort(byKey)) {
    if (installed !== undefined) terminal.line(terminal.paint("red", `-${formatDiffFlow(installed)}`));
    if (mod.command !== "delete") terminal.line(terminal.paint("green", `+${formatDiffFlow(mod.flow)}`));
    await terminal.drained();
  }
}

async function writeFlowMods(changes: readonly Change[], reading: Reading, terminal: Terminal): Promise<void> {
  for (const { mod } of changes) {
    terminal.line(formatFlowMod(mod, { version: reading.version }));
    await terminal.drained();
  }
}

async function writeJson(changes: Change[], reading: Reading, terminal: Terminal): Promise<void> {
  const text = (flow: Flow): string => formatFlow(flow, { version: reading.version });
  for (const { mod, installed } of changes.sort(byKey)) {
    const entry = {
      change: changeOf(mod, installed !== undefined),
      flowMod: mod.command,
      table: mod.flow.table,
      priority: mod.flow.priority,
      ...(installed === undefined ? {} : { installed: text(installed) }),
      ...(mod.command === "delete" ? {} : { desired: text(mod.flow) }),
    };
    terminal.line(JSON.stringify(entry));
    await terminal.drained();
  }
}

function writeSummary(changes: readonly Change[], table: DesiredFlowTable, json: boolean, terminal: Terminal): void {
  const tally: DiffTally = emptyTally();
  for (const { mod, installed } of changes) count(tally, changeOf(mod, installed !== undefined), mod.flow.table);
  const { add, modify, delete: removed } = tally;
  if (json) {
    const tables = Object.fromEntries([...tally.tables].sort((a, b) => a[0] - b[0]));
    terminal.line(
      JSON.stringify({
        equal: changes.length === 0,
        installed: table.installed.size,
        desired: table.keyCount,
        add,
        modify,
        delete: removed,
        tables,
      }),
    );
    return;
  }
  terminal.line(
    `${table.installed.size} flows in A, ${table.keyCount} in B: ${changes.length === 0 ? "no difference" : `${changes.length} keys differ`}`,
  );
  if (changes.length > 0) for (const line of summaryLines(tally)) terminal.line(line);
}
