// Times single operations on a table, each by itself, and prints one line of JSON per kind of operation. Started by
// latency.bench.ts, bundled as users get it:  node latency-steps.mjs FLOWS
//
// Collection pauses are observed beside: `gc` says how many there were during these operations and how long the longest took.
// They are part of the operations they fall into, and so is whatever else the machine did meanwhile.
import { PerformanceObserver } from "node:perf_hooks";
import { diffTables } from "../src/diff/diff-tables.ts";
import { createFlowModView } from "../src/diff/flow-mod.ts";
import { DesiredFlowTable } from "../src/table/desired-table.ts";
import type { FlowList } from "../src/table/flow-list.ts";
import type { BatchFates, FlowModRound } from "../src/table/flow-mod-round.ts";
import { makeWorkload, type Workload } from "./workload.ts";

const APPLIED: BatchFates = { fate: "applied", refused: new Map(), unknown: new Set() };
/** As the synchroniser sends them. */
const BATCH = { maxFlowMods: 2048 };
/** Keys of a read-back that the synchroniser makes knowledge at a time. */
const COMMIT = 4096;
/** Single changes that are timed. */
const CHANGES = 100_000;

let quiet = true;
const pauses: { start: number; ms: number }[] = [];
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) pauses.push({ start: entry.startTime, ms: entry.duration });
});
observer.observe({ entryTypes: ["gc"] });

/** Nanoseconds of each operation; made before, so that keeping them takes no memory. */
const samples = new Float64Array(2_000_000);
let count = 0;
let phaseStart = 0;
/**
 * Processor time of this process when it was last asked for, in microseconds. An operation of more than a millisecond may have
 * been one during which the system ran something else: the processor time since then tells the two apart.
 */
let processorTime = 0;
let longestOwn = 0;

function processorMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function begin(): void {
  count = 0;
  longestOwn = 0;
  processorTime = processorMicroseconds();
  phaseStart = performance.now();
}

async function end(op: string): Promise<void> {
  const phaseEnd = performance.now();
  // The observer hears of collections when the loop has turned.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const gc = pauses.filter((pause) => pause.start >= phaseStart && pause.start <= phaseEnd).map((pause) => pause.ms);
  pauses.length = 0;
  if (quiet) return;
  const sorted = samples.subarray(0, count).sort();
  const at = (share: number): number => sorted[Math.min(count - 1, Math.floor(share * count))] as number;
  const slow = sorted.length - sorted.findLastIndex((ns) => ns <= 1e6) - 1;
  const longest = gc.reduce((most, ms) => Math.max(most, ms), 0);
  print({
    op,
    count,
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
    longestOwn,
    overOneMs: slow,
    gc: { count: gc.length, longestMs: longest },
  });
}

function print(line: object): void {
  console.log(JSON.stringify(line));
}

function note(start: number): void {
  const ns = (performance.now() - start) * 1e6;
  samples[count++] = ns;
  if (ns > 1e6) noteSlow(ns);
  else {
    if (ns > longestOwn) longestOwn = ns;
    if ((count & 63) === 0) processorTime = processorMicroseconds();
  }
}

function noteSlow(ns: number): void {
  const now = processorMicroseconds();
  longestOwn = Math.max(longestOwn, Math.min(ns, 1000 * (now - processorTime)));
  processorTime = now;
}

let touched = 0;

/** Reads what is given to the table, as somebody has who just made it: its own way through memory is not the table's. */
function touch(w: Workload, owner: number, list: FlowList, from: number, to: number): void {
  for (let k = 0; k < 4; k++) touched ^= w.uuids[4 * owner + k] as number;
  for (let i = list.startOf(from), end = list.endOf(to - 1); i < end; i++) touched ^= list.words[i] as number;
}

/** Brings the switch up to date in batches; taking a batch is one operation, settling it another. */
function settle(round: FlowModRound | undefined): void {
  for (;;) {
    let start = performance.now();
    const batch = round?.next(BATCH);
    note(start);
    if (round === undefined || batch === undefined) return;
    start = performance.now();
    round.settle(batch, APPLIED);
    note(start);
  }
}

function setAll(table: DesiredFlowTable, w: Workload, list: FlowList): void {
  for (let owner = 0; owner < w.ownerCount; owner++) {
    for (let i = w.first[owner] as number, to = w.first[owner + 1] as number; i < to; i++) {
      table.setPacked(w.uuids, 4 * owner, list, i);
    }
  }
}

async function run(w: Workload, changes: number): Promise<void> {
  const { uuids, first, shuffled, flows, others, mixed, ownerCount } = w;
  const table = new DesiredFlowTable();

  begin();
  for (let owner = 0; owner < ownerCount; owner++) {
    for (let i = first[owner] as number, to = first[owner + 1] as number; i < to; i++) {
      touch(w, owner, flows, i, i + 1);
      const start = performance.now();
      table.setPacked(uuids, 4 * owner, flows, i);
      note(start);
    }
  }
  await end("add");

  begin();
  let start = performance.now();
  const round = table.startRound();
  note(start);
  await end("start a round over everything");
  begin();
  settle(round);
  await end("batch of 2048");

  // One change at a time: what is wanted changes, the difference is found, sent and confirmed.
  const toggled = new Uint8Array(ownerCount);
  begin();
  for (let x = 0; x < changes; x++) {
    const owner = shuffled[x % ownerCount] as number;
    toggled[owner] = (toggled[owner] as number) ^ 1;
    const list = toggled[owner] === 1 ? others : flows;
    const i = first[owner] as number;
    touch(w, owner, list, i, i + 1);
    start = performance.now();
    table.setPacked(uuids, 4 * owner, list, i);
    const one = table.startRound();
    const batch = one?.next(BATCH);
    if (one !== undefined && batch !== undefined) one.settle(batch, APPLIED);
    note(start);
  }
  await end("change, diff and confirm one flow");

  // The same, only up to the difference found.
  begin();
  for (let x = 0; x < changes; x++) {
    const owner = shuffled[x % ownerCount] as number;
    toggled[owner] = (toggled[owner] as number) ^ 1;
    const list = toggled[owner] === 1 ? others : flows;
    const i = first[owner] as number;
    touch(w, owner, list, i, i + 1);
    start = performance.now();
    table.setPacked(uuids, 4 * owner, list, i);
    const one = table.startRound();
    note(start);
    const batch = one?.next(BATCH);
    if (one !== undefined && batch !== undefined) one.settle(batch, APPLIED);
  }
  await end("change and diff one flow");
  for (let owner = 0; owner < ownerCount; owner++) {
    if (toggled[owner] === 1) table.setPacked(uuids, 4 * owner, flows, first[owner] as number);
  }

  // The connection is lost, and the switch is read back.
  begin();
  start = performance.now();
  table.installed.markAllUnknown();
  note(start);
  await end("everything becomes unknown");
  const reading = table.installed.beginReadBack();
  const view = createFlowModView();
  begin();
  for (let i = 0; i < flows.length; i++) {
    flows.read(i, view);
    start = performance.now();
    reading.observe(view);
    note(start);
  }
  await end("observe a flow");
  begin();
  for (let done = false; !done; ) {
    start = performance.now();
    done = reading.commitSome(COMMIT);
    note(start);
  }
  await end("part of a read-back, 4096 keys");
  // Of two owners of a key the bench's read-back has both flows: the last one counts.
  settle(table.startRound());

  // All changes while somebody holds what a full comparison found.
  setAll(table, w, others);
  const held = diffTables(table, table.installed);
  begin();
  for (let x = 0; x < changes; x++) {
    const owner = shuffled[x % ownerCount] as number;
    const i = first[owner] as number;
    touch(w, owner, flows, i, i + 1);
    start = performance.now();
    table.setPacked(uuids, 4 * owner, flows, i);
    note(start);
  }
  await end("change one flow while the batch of a full comparison is held");
  if (held.length === 0) throw new Error("nothing was found");
  const half = table.startRound();
  for (let i = 0; i < 4; i++) half?.next(BATCH);
  setAll(table, w, flows);
  begin();
  start = performance.now();
  half?.cancel();
  note(start);
  await end("cancel a round over everything");
  settle(table.startRound());

  begin();
  for (let x = 0; x < ownerCount; x++) {
    const owner = shuffled[x] as number;
    const from = first[owner] as number;
    const to = first[owner + 1] as number;
    touch(w, owner, mixed, from, to);
    start = performance.now();
    table.replacePacked(uuids, 4 * owner, mixed, from, to);
    note(start);
  }
  await end("replace an owner's flows");
  // Much has changed and waits; none of it is sent yet.
  begin();
  for (let x = 0; x < ownerCount; x++) {
    const owner = shuffled[x] as number;
    touch(w, owner, flows, first[owner] as number, (first[owner] as number) + 1);
    start = performance.now();
    table.removePacked(uuids, 4 * owner);
    note(start);
  }
  await end("remove an owner's flows");
  begin();
  const waiting = table.startRound();
  count = 0;
  settle(waiting);
  await end("batch of 2048 deletes");

  if (table.size + table.installed.size > 0 || diffTables(table, table.installed).length > 0)
    throw new Error("something is left");
}

// Compiled code first: with the size that is measured where that is quick, or the smaller size would be measured colder.
const size = Number(process.argv[2] ?? 100_000);
const changes = Math.min(CHANGES, 10 * size);
const warm = makeWorkload(Math.min(size, 100_000));
for (let i = 0; i < 4; i++) await run(warm, changes);
globalThis.gc?.();
const w = size === warm.flowCount ? warm : makeWorkload(size);
quiet = false;
await run(w, changes);
observer.disconnect();
if (touched === 0) throw new Error("nothing was read");
