// Runs the table through the steps that bench/c/steps.h runs and prints one line of JSON per step. Started by table.bench.ts,
// bundled as users get it:  node table-steps.mjs FLOWS
import { diffTables } from "../src/diff/diff-tables.ts";
import type { Flow } from "../src/flow/flow.ts";
import { BorrowedBatch } from "../src/table/borrowed-batch.ts";
import { DesiredFlowTable } from "../src/table/desired-table.ts";
import { createFlowModView, type FlowModBatch } from "../src/table/flow-mod.ts";
import type { BatchFates, FlowModRound } from "../src/table/flow-mod-round.ts";
import { formatOwner, type OwnerId } from "../src/table/owner-id.ts";
import { makeWorkload, type Workload } from "./workload.ts";

const APPLIED: BatchFates = { fate: "applied", refused: new Map(), unknown: new Set() };
const EVERYTHING = { maxFlowMods: Number.MAX_SAFE_INTEGER };
let quiet = true;

function print(line: object): void {
  if (!quiet) console.log(JSON.stringify(line));
}

function report(step: string, ns: number, units: number, check: number): void {
  print({ step, ns: ns / units, units, check });
}

function time<T>(run: () => T): [result: T, ns: number] {
  const start = process.hrtime.bigint();
  const result = run();
  return [result, Number(process.hrtime.bigint() - start)];
}

/** Goes through a batch as an encoder does. C has this in no step: its batch is pointers. */
function readAll(batch: FlowModBatch): number {
  const view = createFlowModView();
  let sum = 0;
  for (let i = 0; i < batch.length; i++) {
    batch.read(i, view);
    sum ^= (view.matchBuffer[view.matchStart] as number) ^ (view.instructionsBuffer[view.instructionsStart] as number);
  }
  return sum;
}

/** Copies what a batch has borrowed, as the table's next changes do if the batch is still there; so that no later step pays for it. */
function keep(batch: FlowModBatch): void {
  if (batch instanceof BorrowedBatch) batch.copySome(Number.POSITIVE_INFINITY);
}

/** Starts a round, and has everything compared at once that it would else compare bit by bit. */
function compared(table: DesiredFlowTable): FlowModRound | undefined {
  const round = table.startRound();
  return round === undefined || round.size === 0 ? undefined : round;
}

/** Takes everything of a round as one batch and settles it as applied. */
function finish(round: FlowModRound | undefined, units: number, apply: string, take: string | undefined): void {
  const [batch, takeNs] = time(() => round?.next(EVERYTHING));
  if (round === undefined || batch === undefined) throw new Error("a round without flow-mods");
  const [, ns] = time(() => round.settle(batch, APPLIED));
  report(apply, ns, units, batch.length);
  if (take !== undefined) report(take, takeNs, units, batch.length);
}

function run(w: Workload): DesiredFlowTable {
  const n = w.flowCount;
  const { uuids, first, shuffled, flows, others, mixed } = w;
  const table = new DesiredFlowTable();
  print({ flows: n, owners: w.ownerCount, sum: w.sum });
  let check = 0;

  let [, ns] = time(() => {
    for (let l = 0; l < w.ownerCount; l++) {
      for (let i = first[l] as number, end = first[l + 1] as number; i < end; i++) {
        if (table.setPacked(uuids, 4 * l, flows, i) === "added") check++;
      }
    }
  });
  report("add", ns, n, check);
  let [batch, diffNs] = time(() => diffTables(table, table.installed));
  report("full diff, 100 % to add", diffNs, n, batch.length);
  keep(batch);
  let [round, roundNs] = time(() => compared(table));
  report("incremental diff, all added", roundNs, n, round?.size ?? 0);
  finish(round, n, "apply adds", "take adds");
  [batch, diffNs] = time(() => diffTables(table, table.installed));
  report("full diff, 0 %", diffNs, n, batch.length);
  check = 0;
  [, ns] = time(() => {
    for (let x = 0; x < w.ownerCount; x++) {
      const l = shuffled[x] as number;
      check += table.replacePacked(uuids, 4 * l, flows, first[l] as number, first[l + 1] as number);
    }
  });
  report("replace identical", ns, n, check);

  const toggled = new Uint8Array(w.ownerCount);
  let position = 0;
  for (const size of [1, 100, 10_000]) {
    if (size > w.ownerCount) break;
    // The compiler has to see small rounds often before it is through with them.
    const rounds = size > 1000 ? 5 : quiet ? 5000 / size : 100;
    let sum = 0;
    let takeSum = 0;
    let applySum = 0;
    let found = 0;
    for (let r = 0; r < rounds; r++) {
      for (let i = 0; i < size; i++) {
        const l = shuffled[position] as number;
        position = position + 1 === w.ownerCount ? 0 : position + 1;
        toggled[l] = (toggled[l] as number) ^ 1;
        table.setPacked(uuids, 4 * l, toggled[l] === 1 ? others : flows, first[l] as number);
      }
      [round, ns] = time(() => compared(table));
      sum += ns;
      found += round?.size ?? 0;
      const [taken, takeNs] = time(() => round?.next(EVERYTHING));
      takeSum += takeNs;
      if (round !== undefined && taken !== undefined) {
        const current = round;
        applySum += time(() => current.settle(taken, APPLIED))[1];
      }
    }
    report(`incremental diff, ${size}`, sum, size * rounds, found / rounds);
    report(`apply changes, ${size}`, applySum, size * rounds, found / rounds);
    report(`take changes, ${size}`, takeSum, size * rounds, found / rounds);
  }
  for (let l = 0; l < w.ownerCount; l++) if (toggled[l] === 1) table.setPacked(uuids, 4 * l, flows, first[l] as number);
  settleAll(table);

  for (let l = 0; l < w.ownerCount; l++) {
    for (let i = first[l] as number, end = first[l + 1] as number; i < end; i++) {
      if (i % 100 === 0) table.setPacked(uuids, 4 * l, others, i);
    }
  }
  [batch, diffNs] = time(() => diffTables(table, table.installed));
  report("full diff, 1 %", diffNs, n, batch.length);
  keep(batch);
  [round] = time(() => compared(table));
  finish(round, batch.length, "apply 1 %", undefined);
  for (let l = 0; l < w.ownerCount; l++) {
    for (let i = first[l] as number, end = first[l + 1] as number; i < end; i++) table.setPacked(uuids, 4 * l, others, i);
  }
  [batch, diffNs] = time(() => diffTables(table, table.installed));
  report("full diff, 100 % changed", diffNs, n, batch.length);
  const changed = batch;
  [, ns] = time(() => readAll(changed));
  report("read the flow-mods of that diff", ns, n, changed.length);
  [, ns] = time(() => keep(changed));
  report("copy the flow-mods of that diff", ns, n, changed.length);
  [round] = time(() => compared(table));
  finish(round, batch.length, "apply 100 %", "take 100 %");
  check = 0;
  [, ns] = time(() => {
    for (let x = 0; x < w.ownerCount; x++) {
      const l = shuffled[x] as number;
      check += table.replacePacked(uuids, 4 * l, mixed, first[l] as number, first[l + 1] as number);
    }
  });
  report("replace, 1 change", ns, n, check);
  [round, ns] = time(() => compared(table));
  report("incremental diff of those", ns, round?.size ?? 0, round?.size ?? 0);
  finish(round, round?.size ?? 0, "apply those", undefined);
  check = 0;
  [, ns] = time(() => {
    for (let x = 0; x < w.ownerCount; x++) check += table.removePacked(uuids, 4 * (shuffled[x] as number));
  });
  report("remove by owner", ns, n, check);
  [round, ns] = time(() => compared(table));
  report("incremental diff, all removed", ns, n, round?.size ?? 0);
  finish(round, n, "apply deletes", "take deletes");
  print({ left: table.size + table.installed.size });
  return table;
}

/** The first step again as most programs take it: with a Flow object, and the owner's UUID as text. */
function runObjects(w: Workload): DesiredFlowTable {
  const objects = [...w.flows];
  const owners = Array.from({ length: w.ownerCount }, (_, l) => formatOwner(w.uuids, 4 * l));
  const table = new DesiredFlowTable();
  let check = 0;
  const [, ns] = time(() => {
    for (let l = 0; l < w.ownerCount; l++) {
      const owner = owners[l] as OwnerId;
      for (let i = w.first[l] as number, end = w.first[l + 1] as number; i < end; i++) {
        if (table.addFlow(owner, objects[i] as Flow) === "added") check++;
      }
    }
  });
  report("add, addFlow(owner, flow)", ns, w.flowCount, check);
  return table;
}

/** Adding and removing again as whole loads of them go in and out: in one call each. Between the two, the table is as in {@link run}. */
function runMany(w: Workload): DesiredFlowTable {
  const { uuids, first, shuffled, ownerCount } = w;
  const owners = new Int32Array(uuids.length);
  for (let x = 0; x < ownerCount; x++) {
    for (let i = 0; i < 4; i++) owners[4 * x + i] = uuids[4 * (shuffled[x] as number) + i] as number;
  }
  const table = new DesiredFlowTable();
  let [check, ns] = time(() => table.setPackedRuns(uuids, first, 0, ownerCount, w.flows));
  report("add, in one call", ns, w.flowCount, check);
  settleAll(table);
  for (const list of [w.others, w.mixed]) {
    for (let l = 0; l < ownerCount; l++) {
      table.replacePacked(uuids, 4 * l, list, first[l] as number, first[l + 1] as number);
    }
    settleAll(table);
  }
  [check, ns] = time(() => table.removePackedRuns(owners, 0, ownerCount));
  report("remove by owner, in one call", ns, w.flowCount, check);
  return table;
}

function settleAll(table: DesiredFlowTable): void {
  const round = table.startRound();
  const batch = round?.next(EVERYTHING);
  if (round !== undefined && batch !== undefined) round.settle(batch, APPLIED);
}

// Warm: V8 has seen everything, with as many flows as are measured. A table of each run is kept, because V8 drops what it has
// compiled for objects of a kind when the last one is gone.
const w = makeWorkload(Number(process.argv[2] ?? 100_000));
const small = w.flowCount < 60_000 ? w : makeWorkload(60_000);
const kept = [run(small), run(small), run(small), run(small)];
for (let i = 0; i < Math.max(1, 300_000 / w.flowCount); i++) kept[i % 4] = run(w);
globalThis.gc?.();
kept[0] = run(w);
quiet = false;
kept[1] = run(w);
quiet = true;
for (let i = 0; i < 3; i++) kept[2] = runMany(small);
quiet = false;
kept[3] = runMany(w);
quiet = true;
for (let i = 0; i < 3; i++) kept[2] = runObjects(small);
quiet = false;
kept[3] = runObjects(w);
