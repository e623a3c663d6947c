import fc from "fast-check";
import { expect, test } from "vitest";
import type { Flow } from "../../src/flow/flow.ts";
import type { SynchroniserOptions } from "../../src/sync/options.ts";
import type { SettledReport } from "../../src/sync/report.ts";
import type { MemorySwitchOptions } from "../../src/transport/memory-switch.ts";
import { ALICE, BOB, describeFlow, expectNoFaults, flow, type World, world } from "./harness.ts";

/** `OFSYNC_SEED` repeats a run, `OFSYNC_RUNS` makes it longer. */
const seed = Number(process.env.OFSYNC_SEED ?? 20_261_121);
const runs = Number(process.env.OFSYNC_RUNS ?? 60);

const KEYS = 12;
const OURS = 0x5500n;
const MASK = 0xff00n;

type Step =
  | {
      readonly do: "set" | "remove";
      readonly owner: number;
      readonly key: number;
      readonly to: number;
      readonly priority: number;
    }
  | { readonly do: "storm"; readonly count: number; readonly to: number }
  | { readonly do: "tamperAdd" | "tamperDelete" | "tamperModify" | "foreign"; readonly key: number; readonly to: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "settled" }
  | { readonly do: "cut"; readonly carriedOut: boolean }
  | { readonly do: "cutAt"; readonly n: number }
  | { readonly do: "restart" | "gap" | "clear" }
  | { readonly do: "loseReplies"; readonly applied: boolean; readonly disconnect: boolean }
  | { readonly do: "loseFlowMods"; readonly key: number; readonly applied: boolean; readonly times: number }
  | { readonly do: "refuse"; readonly key: number; readonly times: number }
  | { readonly do: "full"; readonly flows: number }
  | { readonly do: "backlog"; readonly on: boolean }
  | { readonly do: "delay"; readonly requestMs: number; readonly replyMs: number }
  | { readonly do: "shuffle" }
  | { readonly do: "failRead"; readonly after: number; readonly how: "error" | "disconnect" | "stall" };

const key = fc.integer({ min: 1, max: KEYS });
const to = fc.integer({ min: 1, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom("set" as const, "remove" as const),
      owner: fc.integer({ min: 0, max: 1 }),
      key,
      to,
      priority: fc.constantFrom(100, 200),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("storm" as const), count: fc.integer({ min: 5, max: 60 }), to }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("tamperAdd" as const, "tamperDelete" as const, "tamperModify" as const, "foreign" as const),
      key,
      to,
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 0, 1, 20, 150, 1000, 12_000) }) },
  { weight: 4, arbitrary: fc.constant({ do: "settled" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cut" as const), carriedOut: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cutAt" as const), n: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("restart" as const, "gap" as const, "clear" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("loseReplies" as const), applied: fc.boolean(), disconnect: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("loseFlowMods" as const),
      key,
      applied: fc.boolean(),
      times: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("refuse" as const), key, times: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("full" as const), flows: fc.integer({ min: 0, max: KEYS }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("backlog" as const), on: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("delay" as const),
      requestMs: fc.integer({ min: 0, max: 40 }),
      replyMs: fc.integer({ min: 0, max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "shuffle" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("failRead" as const),
      after: fc.integer({ min: 0, max: 6 }),
      how: fc.constantFrom("error" as const, "disconnect" as const, "stall" as const),
    }),
  },
);

interface Setting {
  readonly monitor: boolean;
  readonly owned: boolean;
  readonly atomic: boolean;
  readonly reinstall: boolean;
}

const setting: fc.Arbitrary<Setting> = fc.record({
  monitor: fc.boolean(),
  owned: fc.boolean(),
  atomic: fc.boolean(),
  reinstall: fc.boolean(),
});

/** Plays the steps and checks every acknowledgement at the moment it is given. */
class Play {
  readonly world: World;
  readonly #setting: Setting;
  /** Foreign flows that must be untouched at any time: what the switch should report of them. */
  readonly #foreign = new Map<string, string>();
  /** When a key was last changed behind our back, until a read-back or the monitor can have told. */
  readonly #tampered = new Map<string, number>();
  acknowledgements = 0;

  constructor(chosen: Setting) {
    this.#setting = chosen;
    const device: MemorySwitchOptions = {
      capabilities: { monitor: chosen.monitor, atomic: chosen.atomic },
      replyTimeoutMs: 3000,
      maxFlowModsInFlight: 24,
      chunkSize: 5,
    };
    const sync: Partial<SynchroniserOptions> = {
      batch: { maxFlowMods: 5, maxOutstanding: 3 },
      retry: { initialMs: 300, maxMs: 3000 },
      audit: { minIntervalMs: 1500 },
      onConnect: chosen.reinstall ? "reinstall" : "difference",
      ...(chosen.owned ? { ownership: { cookie: OURS, mask: MASK } } : {}),
    };
    this.world = world({ device, sync });
    if (!chosen.owned) return;
    for (const n of [2, 5, KEYS + 3]) this.#putForeign(this.#wanted(n, 9, 100).with({ cookie: 0x1234n }));
  }

  async run(steps: readonly Step[]): Promise<void> {
    const { clock, sync } = this.world;
    sync.start();
    for (const one of steps) {
      await this.#play(one);
      if (one.do !== "wait") await clock.run(0);
      this.#checkForeign();
    }
    await this.#calm();
  }

  async #calm(): Promise<void> {
    const { clock, device, table, sync } = this.world;
    device.faults.clear();
    device.limitTable(0, undefined);
    device.tamper.deleteAll({ table: 1 });
    await clock.run(70_000);
    const report = await this.#within(sync.settled(), 120_000);
    const occupied = new Set(report.refused.map((one) => placeOf(one.flow)));
    const held = device.flows().map((one) => one.flow);
    const ours = held.filter((one) => !this.#foreign.has(placeOf(one)));
    const wanted = [...table.winners()].filter((one) => !occupied.has(placeOf(one)));
    expect(ours.map(describeFlow).sort()).toEqual(wanted.map(describeFlow).sort());
    for (const one of report.refused) expect(one.error.name === "OfsyncError" && this.#foreign.has(placeOf(one.flow))).toBe(true);
    expect(report.pending).toBe(0);
    this.#checkForeign();
    expect(sync.status()).toMatchObject({ state: { name: "inSync" }, outstanding: 0 });
    expect(sync.status().counters.faults).toBe(0);
    await sync.stop();
    expect(clock.pending).toBe(0);
  }

  async #play(one: Step): Promise<void> {
    const { clock, device, table, sync } = this.world;
    const { faults, tamper } = device;
    switch (one.do) {
      case "set":
        table.setFlow(one.owner === 0 ? ALICE : BOB, this.#wanted(one.key, one.to, one.priority));
        return;
      case "remove":
        table.removeFlow(one.owner === 0 ? ALICE : BOB, this.#wanted(one.key, one.to, one.priority));
        return;
      case "storm":
        for (let i = 0; i < one.count; i++) {
          table.setFlow(ALICE, this.#wanted(1 + (i % KEYS), 1 + ((i + one.to) % 3), 100));
          if (i % 7 === 0) await clock.run(i % 2);
        }
        return;
      case "tamperAdd":
        this.#tamper(this.#wanted(one.key, one.to + 5, 100), () => tamper.add(this.#wanted(one.key, one.to + 5, 100)));
        return;
      case "tamperDelete":
        this.#tamper(this.#wanted(one.key, one.to, 100), () => tamper.delete(this.#wanted(one.key, one.to, 100)));
        return;
      case "tamperModify":
        this.#tamper(this.#wanted(one.key, one.to + 5, 100), () => tamper.modify(this.#wanted(one.key, one.to + 5, 100)));
        return;
      case "foreign":
        if (this.#setting.owned) this.#putForeign(this.#wanted(KEYS + one.key, one.to, 100).with({ cookie: 0x77n }));
        return;
      case "wait":
        await clock.run(one.ms);
        return;
      case "settled":
        sync.settled().then(
          (report) => this.#acknowledged(report),
          (error: unknown) => expect(error).toMatchObject({ code: "SYNC_STOPPED" }),
        );
        return;
      case "cut":
        device.disconnect("a test", one.carriedOut ? "carriedOut" : "lost");
        return;
      case "cutAt":
        faults.disconnectAt(one.n);
        return;
      case "restart":
        device.restart();
        for (const [place, text] of [...this.#foreign]) if (text !== "") this.#foreign.delete(place);
        return;
      case "gap":
        faults.loseEvents(1);
        return;
      case "clear":
        faults.clear();
        device.limitTable(0, undefined);
        return;
      case "loseReplies":
        faults.loseReplies(one);
        return;
      case "loseFlowMods":
        faults.loseFlowMods((mod) => mod.flow.match.equals(flow(one.key).match), one);
        return;
      case "refuse":
        faults.refuse((mod) => mod.flow.match.equals(flow(one.key).match), "OFPFMFC_EPERM", one.times);
        return;
      case "full":
        device.limitTable(0, { maxFlows: one.flows });
        return;
      case "backlog":
        faults.backlog(one.on);
        return;
      case "delay":
        faults.delay(one);
        return;
      case "shuffle":
        faults.shuffle({ replies: true, reads: true });
        return;
      case "failRead":
        faults.failReads({ afterFlows: one.after, how: one.how });
        return;
      default: {
        const never: never = one;
        throw new Error(`no such step: ${JSON.stringify(never)}`);
      }
    }
  }

  #wanted(n: number, output: number, priority: number): Flow {
    return flow(n, output, { priority, ...(this.#setting.owned ? { cookie: OURS | BigInt(n) } : {}) });
  }

  #tamper(one: Flow, act: () => void): void {
    if (this.#foreign.has(placeOf(one))) return;
    try {
      act();
    } catch (error) {
      expect(error).toMatchObject({ code: "SWITCH_REFUSED" });
      return;
    }
    this.#tampered.set(placeOf(one), this.world.clock.now());
  }

  #putForeign(one: Flow): void {
    try {
      this.world.device.tamper.add(one);
    } catch (error) {
      expect(error).toMatchObject({ code: "SWITCH_REFUSED" });
      return;
    }
    this.#foreign.set(placeOf(one), describeFlow(one));
  }

  #checkForeign(): void {
    for (const text of this.#foreign.values()) expect(this.world.held()).toContain(text);
  }

  /** Right now, everything up to the report's revision has to be in the switch. */
  #acknowledged(report: SettledReport): void {
    this.acknowledgements++;
    const { table, device, clock } = this.world;
    if (report.revision !== table.revision) return;
    const refused = new Set(report.refused.map((one) => placeOf(one.flow)));
    const justTampered = (place: string): boolean => {
      const at = this.#tampered.get(place);
      // With a monitor, word of it is under way for as long as a reply may travel; without one only an audit tells.
      return at !== undefined && (!this.#setting.monitor || clock.now() - at <= 100);
    };
    const held = new Map(device.flows().map((one) => [placeOf(one.flow), describeFlow(one.flow)]));
    for (const wanted of table.winners()) {
      const place = placeOf(wanted);
      if (refused.has(place) || justTampered(place)) continue;
      expect(held.get(place), "an acknowledged flow is not in the switch").toBe(describeFlow(wanted));
    }
    const places = new Set([...table.winners()].map(placeOf));
    for (const place of held.keys()) {
      if (places.has(place) || refused.has(place) || this.#foreign.has(place) || justTampered(place)) continue;
      expect.fail(`a flow that nobody wants is acknowledged as gone: ${place}`);
    }
  }

  async #within(promise: Promise<SettledReport>, ms: number): Promise<SettledReport> {
    let done = false;
    const watched = promise.finally(() => {
      done = true;
    });
    await this.world.clock.runUntil(() => done, ms);
    return watched;
  }
}

function placeOf(one: Flow): string {
  return describeFlow(one).split(" cookie")[0] as string;
}

test(`whatever happens, the switch ends up equal and no acknowledgement is false (seed ${seed}, ${runs} runs)`, async () => {
  let acknowledgements = 0;
  const property = fc.asyncProperty(
    setting,
    fc.array(step, { minLength: 20, maxLength: 120, size: "max" }),
    async (chosen, steps) => {
      const failures: unknown[] = [];
      const onReject = (reason: unknown): void => {
        failures.push(reason);
      };
      process.on("unhandledRejection", onReject);
      try {
        const play = new Play(chosen);
        await play.run(steps);
        acknowledgements += play.acknowledgements;
      } finally {
        process.off("unhandledRejection", onReject);
      }
      if (failures.length > 0) throw failures[0];
    },
  );
  await fc.assert(property, { seed, numRuns: runs, interruptAfterTimeLimit: 110_000, markInterruptAsFailure: true });
  expect(acknowledgements).toBeGreaterThan(runs);
  expectNoFaults();
}, 120_000);
