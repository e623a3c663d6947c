import type { TableDescReply, TableDescription, TableMod, TableStatus } from "../table.ts";
import type { TableFeaturesMessage } from "../table-features.ts";
import type { TableStats, TableStatsReply } from "../table-stats.ts";
import { actionNames, fieldNames, instructionNames } from "./feature-names.ts";
import {
  type ActionSummary,
  type Ids,
  type InstructionSummary,
  missOf,
  sameIds,
  summarizeFeatures,
  summarizeStats,
  type TableSummary,
} from "./table-summary.ts";
import { alternateHex, bitNames } from "./text-parts.ts";

/** Texts of messages about tables. */

const EVICTION_FLAGS: ReadonlyMap<number, string> = new Map([
  [1, "OTHER"],
  [2, "IMPORTANCE"],
  [4, "LIFETIME"],
]);

const EVICTION = 4;
const VACANCY_EVENTS = 8;

function onOff(config: number, bit: number): string {
  return (config & bit) === 0 ? "off" : "on";
}

function evictionFlags(flags: number | undefined): string {
  return flags === undefined ? "(default)" : bitNames(flags, EVICTION_FLAGS, "|");
}

export function tableModText(message: TableMod): string {
  const { table, config, version, vacancy } = message;
  let text = table === 255 ? " table_id: ALL_TABLES" : ` table_id=${table}`;
  if (version <= 3) return `${text}, flow_miss_config=${missOf(config)}`;
  if (version === 4) return text;
  text += `, eviction=${onOff(config, EVICTION)}`;
  if (message.evictionFlags !== undefined) text += `, eviction_flags=${evictionFlags(message.evictionFlags)}`;
  text += `, vacancy=${onOff(config, VACANCY_EVENTS)}`;
  if ((config & VACANCY_EVENTS) !== 0) text += ` vacancy:${vacancy?.down ?? 0},${vacancy?.up ?? 0}`;
  return text;
}

function tableDescriptionText(table: TableDescription): string {
  const { config, vacancy } = table;
  let text = `\n  table ${table.table}:\n   eviction=${onOff(config, EVICTION)} `;
  text += `eviction_flags=${evictionFlags(table.evictionFlags)}\n   vacancy=${onOff(config, VACANCY_EVENTS)}`;
  if ((config & VACANCY_EVENTS) !== 0) {
    text += ` vacancy_down=${vacancy?.down ?? 0}% vacancy_up=${vacancy?.up ?? 0}% vacancy=${vacancy?.now ?? 0}%`;
  }
  return `${text}\n`;
}

export function tableStatusText(message: TableStatus): string {
  const reason = message.reason === "vacancyDown" ? "VACANCY_DOWN" : "VACANCY_UP";
  return ` reason=${reason}\ntable_desc:-${tableDescriptionText(message.table)}`;
}

export function tableDescText(message: TableDescReply): string {
  return message.tables.map(tableDescriptionText).join("");
}

export function tableStatsText(message: TableStatsReply): string {
  return listTables(message.tables.map((stats) => ({ summary: summarizeStats(stats, message.version), stats })));
}

export function tableFeaturesText(message: TableFeaturesMessage): string {
  return listTables(message.tables.map((features) => ({ summary: summarizeFeatures(features, message.version) })));
}

interface Listed {
  readonly summary: TableSummary;
  readonly stats?: TableStats;
}

/** One table after the other; what is as before is not said again, and whole runs of equal tables become one line. */
function listTables(tables: readonly Listed[]): string {
  let text = "";
  let ditto: [first: number, last: number] | undefined;
  const endDitto = (): void => {
    if (ditto === undefined) return;
    const [first, last] = ditto;
    text += first === last ? `\n  table ${first}: ditto\n` : `\n  tables ${first}...${last}: ditto\n`;
    ditto = undefined;
  };
  tables.forEach((listed, i) => {
    const { summary, stats } = listed;
    const before = tables[i - 1];
    if (before === undefined && summary.command !== 0) text += `\n  command: ${COMMANDS[summary.command]}`;
    const sameStats = stats === undefined || (before?.stats !== undefined && isSameStats(stats, before.stats));
    const sameFeatures = before !== undefined && isSameTable(summary, before.summary);
    if (sameStats && sameFeatures && summary.name === "") {
      ditto = [ditto?.[0] ?? summary.table, summary.table];
      return;
    }
    endDitto();
    text += `\n  table ${summary.table}${summary.name === "" ? "" : ` ("${summary.name}")`}:`;
    if (sameStats && sameFeatures) {
      text += " ditto";
      return;
    }
    text += "\n";
    if (stats !== undefined) text += `    active=${stats.active}, lookup=${stats.lookups}, matched=${stats.matched}\n`;
    if (sameFeatures) text += isEmptyTable(summary) ? "" : "    (same features)\n";
    else text += featuresText(summary, before?.summary);
  });
  endDitto();
  return text;
}

const COMMANDS: readonly string[] = ["replace", "modify", "enable", "disable"];

function isSameStats(a: TableStats, b: TableStats): boolean {
  return a.active === b.active && a.lookups === b.lookups && a.matched === b.matched;
}

function isSameActions(a: ActionSummary, b: ActionSummary): boolean {
  return sameIds(a.actions, b.actions) && sameIds(a.setFields, b.setFields);
}

/** The next tables of neighbours also count as the same when they differ in the second one alone. */
function isSameNext(a: Ids, aTable: number, b: Ids, bTable: number): boolean {
  if (bTable === aTable + 1 && a.includes(bTable) && !b.includes(bTable)) {
    return sameIds(
      a.filter((id) => id !== bTable),
      b,
    );
  }
  return aTable === bTable + 1 ? isSameNext(b, bTable, a, aTable) : sameIds(a, b);
}

function isSameInstructions(a: InstructionSummary, aTable: number, b: InstructionSummary, bTable: number): boolean {
  return (
    isSameNext(a.nextTables, aTable, b.nextTables, bTable) &&
    sameIds(a.instructions, b.instructions) &&
    isSameActions(a.write, b.write) &&
    isSameActions(a.apply, b.apply)
  );
}

function isEmptyActions({ actions, setFields }: ActionSummary): boolean {
  return actions.length === 0 && setFields.length === 0;
}

function isEmptyInstructions(on: InstructionSummary): boolean {
  const { nextTables, instructions, write, apply } = on;
  return nextTables.length === 0 && instructions.length === 0 && isEmptyActions(write) && isEmptyActions(apply);
}

function isSameTable(a: TableSummary, b: TableSummary): boolean {
  return (
    a.metadataMatch === b.metadataMatch &&
    a.metadataWrite === b.metadataWrite &&
    a.miss === b.miss &&
    a.eviction === b.eviction &&
    a.vacancyEvents === b.vacancyEvents &&
    a.maxEntries === b.maxEntries &&
    isSameInstructions(a.onHit, a.table, b.onHit, b.table) &&
    isSameInstructions(a.onMiss, a.table, b.onMiss, b.table) &&
    sameIds(a.match, b.match)
  );
}

function isEmptyTable(table: TableSummary): boolean {
  return (
    table.metadataMatch === 0n &&
    table.metadataWrite === 0n &&
    table.miss === undefined &&
    table.eviction === undefined &&
    table.vacancyEvents === undefined &&
    table.maxEntries === 0 &&
    isEmptyInstructions(table.onHit) &&
    isEmptyInstructions(table.onMiss) &&
    table.match.length === 0
  );
}

function featuresText(table: TableSummary, before: TableSummary | undefined): string {
  let text = "";
  if (table.metadataMatch !== 0n || table.metadataWrite !== 0n) {
    text += `    metadata: match=${alternateHex(table.metadataMatch)} write=${alternateHex(table.metadataWrite)}\n`;
  }
  if (table.miss !== undefined) text += `    config=${table.miss}\n`;
  if (table.eviction !== undefined) text += `    eviction: ${table.eviction ? "" : "not "}supported\n`;
  if (table.vacancyEvents !== undefined) text += `    vacancy events: ${table.vacancyEvents ? "" : "not "}supported\n`;
  if (table.maxEntries !== 0) text += `    max_entries=${table.maxEntries}\n`;
  return text + bothInstructionsText(table, before) + matchingText(table, before);
}

function bothInstructionsText(table: TableSummary, before: TableSummary | undefined): string {
  const { onHit, onMiss } = table;
  const own = table.table;
  if (
    before !== undefined &&
    isSameInstructions(onHit, own, before.onHit, before.table) &&
    isSameInstructions(onMiss, own, before.onMiss, before.table)
  ) {
    return isEmptyInstructions(onHit) ? "" : "    (same instructions)\n";
  }
  if (!isSameInstructions(onHit, own, onMiss, own)) {
    return (
      `    instructions (other than table miss):\n${instructionsText(onHit, before?.onHit)}` +
      `    instructions (table miss):\n${instructionsText(onMiss, before?.onMiss)}`
    );
  }
  if (isEmptyInstructions(onHit)) return "";
  return `    instructions (table miss and others):\n${instructionsText(onHit, before?.onHit)}`;
}

function nextTablesText(tables: Ids): string {
  const runs: string[] = [];
  for (let i = 0; i < tables.length; ) {
    let end = i;
    while (tables[end + 1] === (tables[end] as number) + 1) end++;
    runs.push(end === i ? String(tables[i]) : `${tables[i]}-${tables[end]}`);
    i = end + 1;
  }
  return runs.join(",");
}

function instructionsText(on: InstructionSummary, before: InstructionSummary | undefined): string {
  let text = "";
  if (on.nextTables.length > 0) text += `      next tables: ${nextTablesText(on.nextTables)}\n`;
  if (on.instructions.length > 0) {
    const same = before !== undefined && sameIds(on.instructions, before.instructions);
    text += same ? "      (same instructions)\n" : `      instructions: ${instructionNames(on.instructions)}\n`;
  }
  const { write, apply } = on;
  if (
    before !== undefined &&
    isSameActions(write, before.write) &&
    isSameActions(apply, before.apply) &&
    write.setFields.length > 0
  ) {
    return `${text}      (same actions)\n`;
  }
  if (!isSameActions(write, apply)) {
    return `${text}      Write-Actions features:\n${actionsText(write)}      Apply-Actions features:\n${actionsText(apply)}`;
  }
  return isEmptyActions(write) ? text : `${text}      Write-Actions and Apply-Actions features:\n${actionsText(write)}`;
}

function actionsText({ actions, setFields }: ActionSummary): string {
  const list = actions.length === 0 ? "" : `        actions: ${actionNames(actions)}\n`;
  return setFields.length === 0 ? list : `${list}        supported on Set-Field: ${fieldNames(setFields)}\n`;
}

function matchingText(table: TableSummary, before: TableSummary | undefined): string {
  const { match, mask, wildcard } = table;
  if (match.length === 0) return "";
  if (before !== undefined && sameIds(match, before.match)) return "    (same matching)\n";
  let text = "    matching:\n";
  for (const [title, masked, wild] of [
    ["arbitrary mask", true, true],
    ["exact match or wildcard", false, true],
    ["must exact match", false, false],
  ] as const) {
    const ids = match.filter((id) => mask.includes(id) === masked && wildcard.includes(id) === wild);
    if (ids.length > 0) text += `      ${title}: ${fieldNames(ids)}\n`;
  }
  return text;
}
