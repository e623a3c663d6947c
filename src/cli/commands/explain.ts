import { DesiredFlowTable, type Flow, formatFlow, isOfsyncError, type OfsyncError, parseFlow } from "../../index.ts";
import { type Command, CommandFailure, UsageError } from "../command.ts";
import { describeError } from "../error-text.ts";
import { COMPAT_EITHER, type Reading, readingOf, VERSION_OF_FORMS } from "../flow-lines.ts";
import { type FlowSet, keyOf, type PlacedFlow, placeOf, readFlowSet } from "../flow-set.ts";
import { keyText } from "../flow-text.ts";
import { maskedFields } from "../match-fields.ts";
import { OWNER_OPTION, ownerRuleOf } from "../owners.ts";
import { coversFields, overlapFields } from "../shadow.ts";
import type { Terminal } from "../terminal.ts";

/** Exit status when nobody wants the key, or no flow takes the packet. */
const NOBODY = 2;

/** `ofsync explain`: who wants what, who wins and why. */
export const explain: Command = {
  usage: "explain [OPTIONS] KEY [FILE...]",
  help: `
Answers the two questions an operator asks of a flow table that is made by many:

  Who wants this flow? KEY is a table, a priority and a match, as in flow text. All contenders are shown, the winner
  first, with the owner, the place and the rule that decides.

  Which flow takes this packet? With --packet, KEY is a table and what is known of a packet. The flows of the table
  that could take it are shown from the highest priority down, up to the first that certainly does.

$ ofsync explain 'table=3,priority=100,ip,nw_dst=10.0.0.0/8' acl.txt routing.txt
$ ofsync explain --owner comment 'table=3,priority=100,ip' flows.txt
$ ofsync explain --packet 'table=0,in_port=1,tcp,tp_dst=80' flows.txt

Exit status: 0 somebody wants the flow (a flow takes the packet), 2 nobody does, 1 something went wrong.`,
  options: {
    openflow: VERSION_OF_FORMS,
    compat: COMPAT_EITHER,
    owner: OWNER_OPTION,
    packet: { type: "boolean", help: "KEY describes a packet" },
    json: { type: "boolean", help: "one JSON object" },
  },
  async run(input, terminal) {
    const reading = readingOf(input, true);
    const [text, ...paths] = input.operands;
    if (text === undefined) throw new UsageError("needs a KEY, such as 'table=3,priority=100,ip'");
    const wanted = parseKey(text, reading, terminal);
    const set = await readFlowSet(paths, ownerRuleOf(input), reading, terminal);
    const [bad] = set.bad;
    if (bad !== undefined) throw new CommandFailure(describeError(bad.error, terminal, { file: bad.file, text: bad.text }));
    const job = { wanted, set, reading, terminal, json: input.has("json") };
    return input.has("packet") ? explainPacket(job) : explainKey(job);
  },
};

interface Job {
  readonly wanted: Flow;
  readonly set: FlowSet;
  readonly reading: Reading;
  readonly terminal: Terminal;
  readonly json: boolean;
}

function parseKey(text: string, reading: Reading, terminal: Terminal): Flow {
  const whole = /(^|[\s,])actions?=/.test(text) ? text : `${text}${text.trim() === "" ? "" : ","}actions=drop`;
  try {
    return parseFlow(whole, reading);
  } catch (error) {
    if (isOfsyncError(error)) throw new CommandFailure(describeError(error as OfsyncError, terminal, { file: "KEY", text }));
    throw error;
  }
}

function explainKey({ wanted, set, reading, terminal, json }: Job): number {
  const table = new DesiredFlowTable();
  const places = new Map<string, PlacedFlow>();
  for (const placed of set.flows) {
    if (!placed.flow.sameKey(wanted)) continue;
    table.setFlow(placed.owner, placed.flow);
    places.set(placed.owner, placed);
  }
  const explanation = table.explain(wanted);
  const key = keyText(wanted);
  const contenders = explanation.contenders.map(({ owner, flow, role, reason }) => ({
    role,
    owner: set.owners.nameOf(owner),
    uuid: owner,
    place: placeOf(places.get(owner) as PlacedFlow),
    text: formatFlow(flow, { version: reading.version }),
    reason,
  }));
  if (json) {
    terminal.line(JSON.stringify({ key, rule: explanation.rule, contenders }));
    return contenders.length === 0 ? NOBODY : 0;
  }
  if (contenders.length === 0) {
    terminal.line(`nobody wants ${key}`);
    return NOBODY;
  }
  terminal.line(`${key}: ${contenders.length === 1 ? "one owner" : `${contenders.length} owners`}, rule: ${explanation.rule}`);
  for (const { role, owner, uuid, place, text, reason } of contenders) {
    const name = owner === uuid ? owner : `${owner} (${uuid})`;
    terminal.line(`  ${terminal.paint(role === "winner" ? "green" : "dim", role.padEnd(8))}  ${name}, ${place}: ${reason}`);
    terminal.line(`            ${text}`);
  }
  return 0;
}

function explainPacket({ wanted, set, reading, terminal, json }: Job): number {
  const packet = maskedFields(wanted.match);
  const inTable = winnersOf(set).filter(({ flow }) => flow.table === wanted.table);
  inTable.sort((a, b) => b.flow.priority - a.flow.priority);
  const possible: PlacedFlow[] = [];
  let certain: PlacedFlow | undefined;
  for (const placed of inTable) {
    const fields = maskedFields(placed.flow.match);
    if (!overlapFields(fields, packet)) continue;
    if (coversFields(fields, packet)) {
      certain = placed;
      break;
    }
    possible.push(placed);
  }
  const show = (placed: PlacedFlow): { owner: string; place: string; text: string } => ({
    owner: set.owners.nameOf(placed.owner),
    place: placeOf(placed),
    text: formatFlow(placed.flow, { version: reading.version }),
  });
  if (json) {
    terminal.line(JSON.stringify({ possible: possible.map(show), certain: certain === undefined ? null : show(certain) }));
  } else {
    for (const entry of possible.map(show))
      terminal.line(`${terminal.paint("yellow", "could take it")}  ${entry.place}: ${entry.text}`);
    if (certain === undefined) terminal.line("no flow of the table takes every such packet");
    else {
      const entry = show(certain);
      terminal.line(`${terminal.paint("green", "takes it     ")}  ${entry.place}: ${entry.text}`);
    }
  }
  return certain === undefined && possible.length === 0 ? NOBODY : 0;
}

/** The flows that win their keys: the others are not in the switch. */
function winnersOf(set: FlowSet): PlacedFlow[] {
  const winners = new Map<string, PlacedFlow>();
  for (const placed of set.flows) {
    const key = keyOf(placed.flow);
    const other = winners.get(key);
    if (other === undefined || placed.owner <= other.owner) winners.set(key, placed);
  }
  return [...winners.values()];
}
