// What the tables take, one line of JSON per figure. Started by memory.bench.ts, bundled as users get it:
//   node memory-steps.mjs FLOWS             desired and installed, the flows of bench/c/workload.h up to a million
//   node memory-steps.mjs FLOWS churn STEPS then STEPS flows removed and added, never one like those there
//   node memory-steps.mjs FLOWS work        then a diff, a change of 1 %, a diff, and everything removed
import { diffTables } from "../src/diff/diff-tables.ts";
import { DesiredFlowTable } from "../src/table/desired-table.ts";
import { makeWorkload, type Workload } from "./workload.ts";

const flowCount = Number(process.argv[2] ?? 100_000);
const mode = process.argv[3] ?? "";
/** Flows made at a time: what is given to the table is not to be counted with it. */
const PART = mode === "" ? Math.min(flowCount, 1_000_000) : Math.min(flowCount / 10, 100_000);
/** Of the parts made so far, and of the next. */
const seeds: (number | undefined)[] = [undefined];
const table = new DesiredFlowTable();

function print(line: object): void {
  console.log(JSON.stringify(line));
}

function part(index: number, variants = false): Workload {
  const w = makeWorkload(PART, variants, seeds[index]);
  seeds[index + 1] = w.end;
  return w;
}

function add(w: Workload, owner: number): number {
  let added = 0;
  for (let i = w.first[owner] as number, end = w.first[owner + 1] as number; i < end; i++) {
    if (table.setPacked(w.uuids, 4 * owner, w.flows, i) === "added") added++;
  }
  return added;
}

/** Everything that waits is installed. */
function settle(): void {
  const round = table.startRound();
  for (let batch = round?.next({ maxFlowMods: 10_000 }); batch !== undefined; batch = round?.next({ maxFlowMods: 10_000 })) {
    round?.settle(batch, { fate: "applied", refused: new Map(), unknown: new Set() });
  }
}

interface Use {
  readonly allocated: number;
  readonly used: number;
  readonly resident: number;
}

function use(): Use {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { allocatedBytes, usedBytes } = table.memory();
  return { allocated: allocatedBytes, used: usedBytes, resident: process.memoryUsage.rss() };
}

function timed<T>(step: string, units: number, run: () => T): T {
  const start = performance.now();
  const result = run();
  print({ step, ns: ((performance.now() - start) * 1e6) / units });
  return result;
}

/** Replaces the flows of `old` by those of `next`, an owner at a time. Returns how many steps that were. */
function exchange(old: Workload, next: Workload): number {
  let steps = 0;
  let waiting = 0;
  for (let owner = 0, most = Math.max(old.ownerCount, next.ownerCount); owner < most; owner++) {
    if (owner < old.ownerCount) waiting += table.removePacked(old.uuids, 4 * owner);
    if (owner < next.ownerCount) waiting += add(next, owner);
    if (waiting >= 2048) {
      settle();
      steps += waiting;
      waiting = 0;
    }
  }
  settle();
  return steps + waiting;
}

/** Twice as many flows as the table holds are made before, so that nothing but the table takes or frees memory meanwhile. */
function churn(steps: number): void {
  const parts = Array.from({ length: 20 }, (_, index) => part(index));
  for (const w of parts.slice(0, 10)) for (let owner = 0; owner < w.ownerCount; owner++) add(w, owner);
  settle();
  const before = use();
  let done = 0;
  for (let i = 0; done < steps; i++) done += exchange(parts[i % 20] as Workload, parts[(i + 10) % 20] as Workload);
  print({ churn: { steps: done, flows: table.size, before, after: use() } });
}

function work(): void {
  const parts = Math.round(flowCount / PART);
  let added = 0;
  let addMs = 0;
  for (let i = 0; i < parts; i++) {
    const w = part(i);
    const start = performance.now();
    for (let owner = 0; owner < w.ownerCount; owner++) added += add(w, owner);
    addMs += performance.now() - start;
  }
  print({ step: "add", ns: (addMs * 1e6) / flowCount });
  timed("round over everything", flowCount, settle);
  const { allocated } = use();
  print({ bytesPerFlow: allocated / flowCount });
  const nothing = timed("full diff, 0 %", flowCount, () => diffTables(table, table.installed).length);
  if (nothing !== 0) throw new Error(`${nothing} differences from what was installed`);
  for (let i = 0; i < parts; i++) {
    const w = part(i, true);
    for (let owner = 0; owner < w.ownerCount; owner += 40) {
      table.setPacked(w.uuids, 4 * owner, w.others, w.first[owner] as number);
    }
  }
  const changes = timed("full diff, 1 %", flowCount, () => diffTables(table, table.installed).length);
  timed("round over 1 %", changes, settle);
  let removed = 0;
  let removeMs = 0;
  for (let i = 0; i < parts; i++) {
    const w = part(i);
    const start = performance.now();
    for (let owner = 0; owner < w.ownerCount; owner++) removed += table.removePacked(w.uuids, 4 * owner);
    removeMs += performance.now() - start;
  }
  print({ step: "remove by owner", ns: (removeMs * 1e6) / flowCount });
  timed("round over all removed", flowCount, settle);
  if (removed !== added || table.size !== 0 || table.installed.size !== 0) {
    throw new Error(`${added} flows added, ${removed} removed, ${table.size} and ${table.installed.size} left`);
  }
  print({ changes, added, peakResidentMiB: process.resourceUsage().maxRSS / 1024 });
}

if (mode === "churn") churn(Number(process.argv[4] ?? 10_000_000));
else if (mode === "work") work();
else {
  const w = part(0);
  const before = use();
  for (let owner = 0; owner < w.ownerCount; owner++) add(w, owner);
  settle();
  const after = use();
  print({
    sum: w.sum,
    flows: w.flowCount,
    bytesPerFlow: after.allocated / flowCount,
    usedBytesPerFlow: after.used / flowCount,
    residentBytesPerFlow: (after.resident - before.resident) / flowCount,
  });
}
