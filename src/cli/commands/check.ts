import { type Contender, DesiredFlowTable, formatFlow, sameMeaning } from "../../index.ts";
import type { Command } from "../command.ts";
import { describeError } from "../error-text.ts";
import { COMPAT_STRICT, type Reading, readingOf, VERSION_OF_FORMS } from "../flow-lines.ts";
import { type FlowSet, keyOf, type PlacedFlow, placeOf, readFlowSet } from "../flow-set.ts";
import { keyText } from "../flow-text.ts";
import { maskedFields } from "../match-fields.ts";
import { OWNER_OPTION, ownerRuleOf } from "../owners.ts";
import { findShadowed, type ShadowCandidate } from "../shadow.ts";
import type { Terminal } from "../terminal.ts";

/** Exit status when all lines are flows but something about them is odd. */
const FINDINGS = 2;

type FindingKind = "error" | "duplicate" | "conflict" | "unreachable";

/** One thing that is odd. */
interface Finding {
  readonly kind: FindingKind;
  readonly file: string;
  readonly line: number;
  /** For people. */
  readonly text: string;
  /** For `--json`. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** `ofsync check`: what is wrong with a set of flows. */
export const check: Command = {
  usage: "check [OPTIONS] [FILE...]",
  help: `
Reads all files (or standard input) as one desired table and tells what is wrong with it:

  error        a line that is no flow, or that ovs-ofctl would silently change
  duplicate    one owner wants the same key (table, priority, match) twice; the last line counts
  conflict     several owners want one key with different values; says who wins
  unreachable  a flow that no packet can hit, because one flow of higher priority in its table covers it

$ ofsync check flows.txt
$ ofsync check acl.txt routing.txt
$ ofsync check --owner comment --json flows.txt

A flow with a conjunction() action takes no packets by itself, so it makes no other flow unreachable. A flow that
several others cover only together is not found.

Exit status: 0 nothing found, 2 something odd was found, 1 there are lines that are no flows.`,
  options: {
    openflow: VERSION_OF_FORMS,
    compat: COMPAT_STRICT,
    owner: OWNER_OPTION,
    json: { type: "boolean", help: "one JSON object per finding" },
  },
  async run(input, terminal) {
    const reading = readingOf(input);
    const set = await readFlowSet(input.operands, ownerRuleOf(input), reading, terminal);
    const table = new DesiredFlowTable();
    for (const { owner, flow } of set.flows) table.setFlow(owner, flow);
    const findings = [...errors(set, terminal), ...duplicates(set), ...conflicts(set, table), ...unreachable(set, reading)];
    for (const finding of findings) {
      const { kind, file, line, text, detail } = finding;
      if (input.has("json")) terminal.line(JSON.stringify({ kind, file, line, ...detail }));
      else if (kind === "error") terminal.line(text);
      else terminal.line(`${file}:${line}: ${terminal.paint("yellow", kind)}: ${text}`);
      await terminal.drained();
    }
    if (!input.has("json")) terminal.note(summary(set, findings));
    return set.bad.length > 0 ? 1 : findings.length > 0 ? FINDINGS : 0;
  },
};

function errors(set: FlowSet, terminal: Terminal): Finding[] {
  return set.bad.map(({ error, file, line, text }) => ({
    kind: "error",
    file,
    line,
    text: describeError(error, terminal, { file, text }),
    detail: { ...error.toJSON() },
  }));
}

/** Keys that one owner wants more than once, in the order of the lines. */
function duplicates({ flows, owners }: FlowSet): Finding[] {
  const last = new Map<string, PlacedFlow>();
  const findings: Finding[] = [];
  for (const placed of flows) {
    const slot = `${placed.owner} ${keyOf(placed.flow)}`;
    const before = last.get(slot);
    last.set(slot, placed);
    if (before === undefined) continue;
    const same = sameValue(before, placed);
    const key = keyText(placed.flow);
    findings.push({
      kind: "duplicate",
      file: placed.file,
      line: placed.line,
      text: `same key as ${placeOf(before)}, ${same ? "and the same value" : "but another value: the last line counts"}: ${key}`,
      detail: { key, of: placeOf(before), sameValue: same, owner: owners.nameOf(placed.owner) },
    });
  }
  return findings;
}

/** Keys that several owners want with different values. */
function conflicts({ flows, owners }: FlowSet, table: DesiredFlowTable): Finding[] {
  const places = new Map(flows.map((placed) => [`${placed.owner} ${keyOf(placed.flow)}`, placed]));
  const placeOfContender = ({ owner, flow }: Contender): PlacedFlow => places.get(`${owner} ${keyOf(flow)}`) as PlacedFlow;
  const findings: Finding[] = [];
  for (const { contenders } of table.conflicts()) {
    const [winner, ...others] = contenders.map(placeOfContender) as [PlacedFlow, ...PlacedFlow[]];
    const key = keyText(winner.flow);
    for (const other of others) {
      if (sameValue(winner, other)) continue;
      findings.push({
        kind: "conflict",
        file: other.file,
        line: other.line,
        text: `${owners.nameOf(other.owner)} loses to ${owners.nameOf(winner.owner)} (${placeOf(winner)}), which has the lower UUID: ${key}`,
        detail: { key, owner: owners.nameOf(other.owner), winner: owners.nameOf(winner.owner), winnerAt: placeOf(winner) },
      });
    }
  }
  return findings;
}

function unreachable({ flows }: FlowSet, reading: Reading): Finding[] {
  const candidates = flows.map(
    ({ flow }): ShadowCandidate => ({
      table: flow.table,
      priority: flow.priority,
      fields: maskedFields(flow.match),
      covers: !formatFlow(flow, { version: reading.version }).includes("conjunction("),
    }),
  );
  const findings: Finding[] = [];
  findShadowed(candidates, (index, by) => {
    const placed = flows[index] as PlacedFlow;
    const cover = flows[by] as PlacedFlow;
    findings.push({
      kind: "unreachable",
      file: placed.file,
      line: placed.line,
      text: `${keyText(placed.flow)} is covered by ${placeOf(cover)}: ${keyText(cover.flow)}`,
      detail: { key: keyText(placed.flow), by: placeOf(cover), byKey: keyText(cover.flow) },
    });
  });
  return findings.sort((a, b) => (a.file === b.file ? a.line - b.line : 0));
}

function sameValue(a: PlacedFlow, b: PlacedFlow): boolean {
  return a.flow.sameAttributes(b.flow) && sameMeaning(a.flow.instructions, b.flow.instructions);
}

function summary(set: FlowSet, findings: readonly Finding[]): string {
  const counts = new Map<FindingKind, number>();
  for (const { kind } of findings) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const parts = [...counts].map(([kind, count]) => `${count} ${kind}${count > 1 && kind !== "unreachable" ? "s" : ""}`);
  return `${set.flows.length} flows: ${parts.length === 0 ? "nothing odd" : parts.join(", ")}`;
}
