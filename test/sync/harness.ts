import { expect } from "vitest";
import type { Random } from "../../src/clock.ts";
import type { Flow, FlowInit } from "../../src/flow/flow.ts";
import type { SyncEvent } from "../../src/sync/events.ts";
import type { SynchroniserOptions } from "../../src/sync/options.ts";
import { SYNC_TRANSITIONS, type SyncStateName } from "../../src/sync/state.ts";
import { Synchroniser } from "../../src/sync/synchroniser.ts";
import { DesiredFlowTable } from "../../src/table/desired-table.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { numberedFlow, outputTo } from "../../src/testing/numbered-flow.ts";
import { MemorySwitch, type MemorySwitchOptions } from "../../src/transport/memory-switch.ts";

export const ALICE = "00000000-0000-4000-8000-00000000000a";
export const BOB = "00000000-0000-4000-8000-00000000000b";
export const ADOPTER = "00000000-0000-4000-8000-0000000000ad";

/** `in_port=n actions=output:to`. */
export function flow(n: number, to = 1, init: FlowInit = {}): Flow {
  return numberedFlow(n, { instructions: outputTo(to), ...init });
}

/** Numbers in [0, 1) that are the same on each run (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export interface World {
  readonly clock: ManualClock;
  readonly device: MemorySwitch;
  readonly table: DesiredFlowTable;
  readonly sync: Synchroniser;
  /** Everything that the synchroniser told. */
  readonly events: SyncEvent[];
  /** Events of one type. */
  told<Type extends SyncEvent["type"]>(type: Type): Extract<SyncEvent, { type: Type }>[];
  /** The flows of the switch, as `in_port→cookie` free text for reading: sorted. */
  held(): string[];
  /** The winners of the desired table, likewise. */
  wanted(): string[];
  /** Starts and runs until in step. */
  begin(): Promise<void>;
  /** Lets what needs no time happen. */
  settle(): Promise<void>;
}

export interface WorldOptions {
  readonly device?: MemorySwitchOptions;
  readonly sync?: Partial<SynchroniserOptions>;
  readonly seed?: number;
  readonly table?: DesiredFlowTable;
  readonly clock?: ManualClock;
  readonly memorySwitch?: MemorySwitch;
}

/** A desired table, an in-memory switch and the synchroniser between them, on a clock that stands still. */
export function world(options: WorldOptions = {}): World {
  const clock = options.clock ?? new ManualClock();
  const random = seeded(options.seed ?? 1);
  const device = options.memorySwitch ?? new MemorySwitch({ clock, random, ...options.device });
  const table = options.table ?? new DesiredFlowTable();
  const sync = new Synchroniser({ table, transport: device, clock, random, ...options.sync });
  const events: SyncEvent[] = [];
  const told = <Type extends SyncEvent["type"]>(type: Type): Extract<SyncEvent, { type: Type }>[] =>
    events.filter((event): event is Extract<SyncEvent, { type: Type }> => event.type === type);
  sync.subscribe((event) => {
    events.push(event);
    if (event.type === "fault") faults.push(event.error);
    if (event.type === "state") checkTransition(event.previous.name, event.state.name);
  });
  return {
    clock,
    device,
    table,
    sync,
    events,
    told,
    held: () =>
      device
        .flows()
        .map(({ flow: one }) => describeFlow(one))
        .sort(),
    wanted: () => [...table.winners()].map(describeFlow).sort(),
    begin: async () => {
      sync.start();
      await clock.run(0);
    },
    settle: () => clock.run(0),
  };
}

/** Errors that should not happen and transitions that {@link SYNC_TRANSITIONS} does not have. */
const faults: unknown[] = [];
const illegalTransitions: string[] = [];

/** After every file: there were none of either. */
export function expectNoFaults(): void {
  expect(faults).toEqual([]);
  expect(illegalTransitions).toEqual([]);
}

function checkTransition(from: SyncStateName, to: SyncStateName): void {
  if (!SYNC_TRANSITIONS[from].includes(to)) illegalTransitions.push(`${from} → ${to}`);
}

/** All of a flow, in an order that sorts by key. */
export function describeFlow(one: Flow): string {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const { table, priority, match, cookie, idleTimeout, hardTimeout, importance, flags, instructions } = one;
  return [
    table,
    priority,
    hex(match.bytes),
    `cookie=${cookie}`,
    idleTimeout,
    hardTimeout,
    importance,
    flags & 0x19,
    hex(instructions.bytes),
  ].join(" ");
}

/** The state of a promise without waiting for it. */
export async function stateOf(promise: Promise<unknown>): Promise<"pending" | "resolved" | "rejected"> {
  const pending = Symbol("pending");
  try {
    return (await Promise.race([promise, Promise.resolve(pending)])) === pending ? "pending" : "resolved";
  } catch {
    return "rejected";
  }
}
