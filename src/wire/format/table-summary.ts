import { FIELDS, type Field } from "../../flow/fields.ts";
import { fieldByOxmName, oxmHeaderFor } from "../../flow/oxm.ts";
import type { FeatureField, FeatureId, TableFeatureProperty, TableFeatures } from "../table-features.ts";
import type { LegacyTableStats, TableStats } from "../table-stats.ts";
import { actionsOfBitmap, sortInstructions } from "./feature-names.ts";

/** What the text of a table's features is made of: sets of fields and actions, whatever the version encoded them as. */

/** Ascending, each once. */
export type Ids = readonly number[];

export interface ActionSummary {
  readonly actions: Ids;
  /** Field ids. */
  readonly setFields: Ids;
}

export interface InstructionSummary {
  readonly nextTables: Ids;
  readonly instructions: Ids;
  readonly write: ActionSummary;
  readonly apply: ActionSummary;
}

export interface TableSummary {
  readonly table: number;
  readonly name: string;
  readonly command: number;
  readonly metadataMatch: bigint;
  readonly metadataWrite: bigint;
  /** What becomes of packets that miss; `undefined` where the version does not say. */
  readonly miss: "controller" | "continue" | "drop" | undefined;
  readonly eviction: boolean | undefined;
  readonly vacancyEvents: boolean | undefined;
  readonly maxEntries: number;
  /** For packets that hit and for those that miss. */
  readonly onHit: InstructionSummary;
  readonly onMiss: InstructionSummary;
  readonly match: Ids;
  readonly mask: Ids;
  readonly wildcard: Ids;
}

const NO_ACTIONS: ActionSummary = { actions: [], setFields: [] };
const NO_INSTRUCTIONS: InstructionSummary = { nextTables: [], instructions: [], write: NO_ACTIONS, apply: NO_ACTIONS };

export function sameIds(a: Ids, b: Ids): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

function sorted(ids: Iterable<number>): number[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

function idOf(name: string): number {
  return (FIELDS.find((field) => field.name === name) as Field).id;
}

/** The miss behaviour that OpenFlow 1.1 and 1.2 configure. */
export function missOf(config: number): "controller" | "continue" | "drop" {
  const names = ["controller", "continue", "drop", "controller"] as const;
  return names[config & 3] as "controller" | "continue" | "drop";
}

const WILDCARDS_10: readonly (readonly [bits: number, field: string])[] = [
  [0x000001, "in_port"],
  [0x000002, "vlan_vid"],
  [0x000004, "eth_src"],
  [0x000008, "eth_dst"],
  [0x000010, "eth_type"],
  [0x000020, "nw_proto"],
  [0x000040, "tcp_src"],
  [0x000080, "tcp_dst"],
  [0x003f00, "ip_src"],
  [0x0fc000, "ip_dst"],
  [0x100000, "vlan_pcp"],
  [0x200000, "nw_tos"],
];

const FIELDS_11: readonly string[] = [
  "in_port",
  "vlan_vid",
  "vlan_pcp",
  "eth_type",
  "nw_tos",
  "nw_proto",
  "tcp_src",
  "tcp_dst",
  "mpls_label",
  "mpls_tc",
  "",
  "eth_src",
  "eth_dst",
  "ip_src",
  "ip_dst",
  "metadata",
];

function fields10(bits: number): number[] {
  return sorted(WILDCARDS_10.filter(([mask]) => (bits & mask) !== 0).map(([, name]) => idOf(name)));
}

function fields11(bits: bigint): number[] {
  return sorted(FIELDS_11.flatMap((name, i) => (name !== "" && ((Number(bits) >>> i) & 1) === 1 ? [idOf(name)] : [])));
}

/** Bit n = type n of OpenFlow 1.2's basic class. */
function fields12(bits: bigint): number[] {
  return sorted(
    FIELDS.filter((field) => {
      const header = oxmHeaderFor(field, 3);
      if (header === undefined || header.oxmClass !== 0x8000 || header.type >= 64 || header.since > 3) return false;
      return fieldByOxmName(header.name) === field && ((bits >> BigInt(header.type)) & 1n) === 1n;
    }).map(({ id }) => id),
  );
}

function bitsOf(bits: number): number[] {
  return Array.from({ length: 32 }, (_, i) => i).filter((i) => ((bits >>> i) & 1) === 1);
}

/** Of what OpenFlow 1.0 to 1.2 tell beside a table's counters. */
function summarizeLegacy(table: number, legacy: LegacyTableStats, version: number): TableSummary {
  const base = {
    ...summarizeNothing(table),
    name: legacy.name,
    maxEntries: legacy.maxEntries,
  };
  if (version === 1) {
    const match = fields10(Number(legacy.wildcards));
    return { ...base, match, wildcard: match };
  }
  const instructions = sortInstructions(bitsOf(legacy.instructions).filter((type) => type <= 5));
  const write = actionsOfBitmap(legacy.writeActions, version);
  // Open vSwitch shows the write-actions of OpenFlow 1.1 for both.
  const apply = version === 2 ? write : actionsOfBitmap(legacy.applyActions, version);
  const on: InstructionSummary = {
    nextTables: [],
    instructions,
    write: { actions: write, setFields: version === 2 ? [] : fields12(legacy.writeSetFields) },
    apply: { actions: apply, setFields: version === 2 ? [] : fields12(legacy.applySetFields) },
  };
  const fields = version === 2 ? fields11 : fields12;
  const wildcard = fields(legacy.wildcards);
  return {
    ...base,
    miss: missOf(legacy.config),
    metadataMatch: legacy.metadataMatch,
    metadataWrite: legacy.metadataWrite,
    onHit: on,
    onMiss: on,
    match: sorted([...fields(legacy.match), ...wildcard]),
    wildcard,
  };
}

function summarizeNothing(table: number): TableSummary {
  return {
    table,
    name: "",
    command: 0,
    metadataMatch: 0n,
    metadataWrite: 0n,
    miss: undefined,
    eviction: undefined,
    vacancyEvents: undefined,
    maxEntries: 0,
    onHit: NO_INSTRUCTIONS,
    onMiss: NO_INSTRUCTIONS,
    match: [],
    mask: [],
    wildcard: [],
  };
}

/** Of a table's counters. */
export function summarizeStats(stats: TableStats, version: number): TableSummary {
  return stats.legacy === undefined ? summarizeNothing(stats.table) : summarizeLegacy(stats.table, stats.legacy, version);
}

function fieldIds(fields: readonly FeatureField[], masked: boolean): number[] {
  return sorted(fields.flatMap(({ field, masked: own }) => (field === undefined || own !== masked ? [] : [idOf(field)])));
}

function actionIds(ids: readonly FeatureId[], version: number): number[] {
  let bitmap = 0;
  for (const { id } of ids) if (id < 32) bitmap |= 1 << id;
  return actionsOfBitmap(bitmap >>> 0, version);
}

type Named = { readonly [N in Exclude<TableFeatureProperty["feature"], "other">]?: TableFeatureProperty };

/** Of a table's features. */
export function summarizeFeatures(features: TableFeatures, version: number): TableSummary {
  const named: Named = Object.fromEntries(features.properties.map((property) => [property.feature, property]));
  const ids = (name: keyof Named): readonly FeatureId[] => pick(named[name], "ids");
  const tables = (name: keyof Named): number[] => sorted(pick(named[name], "tables"));
  const fields = (name: keyof Named, masked = false): number[] => fieldIds(pick(named[name], "fields"), masked);
  const on = (miss: "" | "Miss"): InstructionSummary => {
    // What is not said of a miss is as it is of a hit.
    const or = <N extends keyof Named>(name: N): keyof Named => {
      const own = `${name}${miss}` as keyof Named;
      return named[own] === undefined ? name : own;
    };
    return {
      nextTables: tables(or("nextTables")),
      instructions: sortInstructions(ids(or("instructions")).map(({ id }) => id)),
      write: { actions: actionIds(ids(or("writeActions")), version), setFields: fields(or("writeSetField")) },
      apply: { actions: actionIds(ids(or("applyActions")), version), setFields: fields(or("applySetField")) },
    };
  };
  const mask = fields("match", true);
  const match = sorted([...fields("match"), ...mask]);
  const wildcard = sorted([...fields("wildcards"), ...mask]).filter((id) => match.includes(id));
  return {
    ...summarizeNothing(features.table),
    name: features.name,
    command: version >= 6 ? features.command : 0,
    metadataMatch: features.metadataMatch,
    metadataWrite: features.metadataWrite,
    ...(version >= 5 ? { eviction: (features.capabilities & 4) !== 0, vacancyEvents: (features.capabilities & 8) !== 0 } : {}),
    maxEntries: features.maxEntries,
    onHit: on(""),
    onMiss: on("Miss"),
    match,
    mask,
    wildcard,
  };
}

function pick(property: TableFeatureProperty | undefined, part: "ids"): readonly FeatureId[];
function pick(property: TableFeatureProperty | undefined, part: "tables"): readonly number[];
function pick(property: TableFeatureProperty | undefined, part: "fields"): readonly FeatureField[];
function pick(property: TableFeatureProperty | undefined, part: "ids" | "tables" | "fields"): readonly unknown[] {
  if (property === undefined || !(part in property)) return [];
  return (property as unknown as Readonly<Record<typeof part, readonly unknown[]>>)[part];
}
