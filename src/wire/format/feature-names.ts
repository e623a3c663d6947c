import { FIELDS } from "../../flow/fields.ts";

/** Names of what tables and groups can do, as Open vSwitch lists them. */

type ActionRow = readonly [name: string, of10: number, of11: number, of12: number];

// In Open vSwitch's own order of actions; numbers in OpenFlow 1.0, 1.1, and 1.2 and later, -1 = not there.
// biome-ignore format: a table is read by column
const ACTIONS: readonly ActionRow[] = [
  ["output", 0, 0, 0],
  ["group", -1, 22, 22],
  ["enqueue", 11, -1, -1],
  ["set_field", -1, -1, 25],
  ["set_vlan_vid", 1, 1, -1],
  ["set_vlan_pcp", 2, 2, -1],
  ["strip_vlan", 3, 18, 18],
  ["push_vlan", -1, 17, 17],
  ["mod_dl_src", 4, 3, -1],
  ["mod_dl_dst", 5, 4, -1],
  ["mod_nw_src", 6, 5, -1],
  ["mod_nw_dst", 7, 6, -1],
  ["mod_nw_tos", 8, 7, -1],
  ["mod_nw_ecn", -1, 8, -1],
  ["mod_nw_ttl", -1, 23, 23],
  ["mod_tp_src", 9, 9, -1],
  ["mod_tp_dst", 10, 10, -1],
  ["dec_ttl", -1, 24, 24],
  ["set_mpls_label", -1, 13, -1],
  ["set_mpls_tc", -1, 14, -1],
  ["set_mpls_ttl", -1, 15, 15],
  ["dec_mpls_ttl", -1, 16, 16],
  ["push_mpls", -1, 19, 19],
  ["pop_mpls", -1, 20, 20],
  ["set_queue", -1, 21, 21],
];

/** The actions behind a bit map (bit n = action type n of the version), as positions in Open vSwitch's order. */
export function actionsOfBitmap(bitmap: number, version: number): number[] {
  const column = version === 1 ? 1 : version === 2 ? 2 : 3;
  const found: number[] = [];
  ACTIONS.forEach((row, i) => {
    const number = row[column];
    if (number >= 0 && ((bitmap >>> number) & 1) === 1) found.push(i);
  });
  return found;
}

/** Names of positions that {@link actionsOfBitmap} gave. */
export function actionNames(actions: readonly number[]): string {
  return actions.length === 0 ? "<none>" : actions.map((i) => (ACTIONS[i] as ActionRow)[0]).join(" ");
}

/** The actions behind a bit map by name; `<none>` when there are none. */
export function actionBitmapText(bitmap: number, version: number): string {
  return actionNames(actionsOfBitmap(bitmap, version));
}

const INSTRUCTIONS: readonly (readonly [name: string, number: number])[] = [
  ["meter", 6],
  ["apply_actions", 4],
  ["clear_actions", 5],
  ["write_actions", 3],
  ["write_metadata", 2],
  ["goto_table", 1],
];

/** Instruction types in the order of execution. */
export function sortInstructions(types: Iterable<number>): number[] {
  const wanted = new Set(types);
  return INSTRUCTIONS.map(([, number]) => number).filter((number) => wanted.has(number));
}

/** Names of instruction types. */
export function instructionNames(types: readonly number[]): string {
  return types.map((type) => INSTRUCTIONS.find(([, number]) => number === type)?.[0] ?? String(type)).join(" ");
}

/** Field names, runs and common prefixes drawn together: `reg0...reg15`, `eth_{src,dst,type}`. `ids` ascending. */
export function fieldNames(ids: readonly number[]): string {
  return joinNames(
    ids.map((id) => FIELDS[id]?.name ?? ""),
    0,
  );
}

function joinNames(names: readonly string[], prefix: number): string {
  const parts: string[] = [];
  for (let i = 0; i < names.length; ) {
    const rest = names.slice(i);
    const [prefixRun, extra] = prefixRunOf(rest, prefix);
    const numberRun = numberRunOf(rest);
    const run = Math.max(prefixRun, numberRun);
    const first = (rest[0] as string).slice(prefix);
    if (numberRun >= prefixRun) parts.push(run > 1 ? `${first}...${(rest[run - 1] as string).slice(prefix)}` : first);
    else parts.push(`${first.slice(0, extra)}{${joinNames(rest.slice(0, run), prefix + extra)}}`);
    i += run;
  }
  return parts.join(prefix > 0 ? "," : " ");
}

/** How many names in a row share a prefix that ends in `_`, and how long that is. */
function prefixRunOf(names: readonly string[], prefix: number): readonly [run: number, extra: number] {
  if (names.length < 2) return [names.length, 0];
  const first = (names[0] as string).slice(prefix);
  const extra = commonPrefix(first, (names[1] as string).slice(prefix));
  if (extra === 0) return [1, 0];
  let run = 2;
  while (run < names.length && commonPrefix(first, (names[run] as string).slice(prefix)) > 0) run++;
  return [run, extra];
}

function commonPrefix(a: string, b: string): number {
  let end = 0;
  for (let i = 0; i < a.length && a[i] === b[i]; i++) if (a[i] === "_") end = i + 1;
  return end;
}

/** How many names in a row count up; two are no run. */
function numberRunOf(names: readonly string[]): number {
  let run = 1;
  while (run < names.length && isNext(names[run - 1] as string, names[run] as string)) run++;
  return run === 2 ? 1 : run;
}

function isNext(a: string, b: string): boolean {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const [left, right] = [a.slice(same), b.slice(same)];
  return /^\d{1,9}$/.test(left) && /^\d{1,9}$/.test(right) && Number(left) + 1 === Number(right);
}
