// Random batches: the in-memory switch holds what the naive one holds, refuses what it refuses, and tells every change.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FlowMod } from "../../src/diff/flow-mod.ts";
import { Flow } from "../../src/flow/flow.ts";
import { Match } from "../../src/flow/match.ts";
import { groupTo, outputTo } from "../../src/testing/numbered-flow.ts";
import type { TransportEvent } from "../../src/transport/transport.ts";
import { seed } from "../seed.ts";
import { batchOf, bytes, upSwitch } from "./helpers.ts";
import { NaiveSwitch } from "./naive-switch.ts";

// A universe of 128 packets: metadata of 4 bits, 8 ports. Whether two matches overlap is found by trying all of them.
interface SmallMatch {
  readonly port: number | undefined;
  readonly value: number;
  readonly mask: number;
}

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, "0");

function toMatch({ port, value, mask }: SmallMatch): Match {
  const inPort = port === undefined ? "" : `80000004${hex(port, 8)}`;
  const metadata = mask === 0 ? "" : `80000510${hex(value & mask, 16)}${hex(mask, 16)}`;
  return Match.fromCanonical(bytes(inPort + metadata));
}

function lets(match: Match, port: number, metadata: number): boolean {
  const view = new DataView(match.bytes.buffer, match.bytes.byteOffset, match.bytes.byteLength);
  for (let at = 0; at < view.byteLength; ) {
    if (view.getUint32(at) === 0x80000004) {
      if (view.getUint32(at + 4) !== port) return false;
      at += 8;
    } else {
      if ((metadata & Number(view.getBigUint64(at + 12))) !== Number(view.getBigUint64(at + 4))) return false;
      at += 20;
    }
  }
  return true;
}

function overlap(a: Flow, b: Flow): boolean {
  for (let port = 0; port < 8; port++) {
    for (let metadata = 0; metadata < 16; metadata++) {
      if (lets(a.match, port, metadata) && lets(b.match, port, metadata)) return true;
    }
  }
  return false;
}

const smallMatch = fc.record({
  port: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  value: fc.nat(15),
  mask: fc.constantFrom(0, 1, 3, 5, 8, 14),
});

const smallFlow = fc
  .record({
    table: fc.nat(1),
    priority: fc.integer({ min: 1, max: 2 }),
    match: smallMatch.map(toMatch),
    group: fc.nat(3),
    cookie: fc.nat(3),
    idleTimeout: fc.constantFrom(0, 0, 3, 7),
    hardTimeout: fc.constantFrom(0, 0, 4, 9),
    importance: fc.nat(2),
    flags: fc.constantFrom(0, 0, 1, 2, 4, 8),
  })
  .map(({ group, ...init }) => new Flow({ ...init, instructions: group === 0 ? outputTo(init.cookie + 1) : groupTo(group) }));

const flowMod: fc.Arbitrary<FlowMod> = fc.record({
  command: fc.constantFrom("add", "add", "modify", "delete"),
  flow: smallFlow,
});

type Step =
  | { readonly kind: "batch"; readonly mods: readonly FlowMod[]; readonly atomic: boolean }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "hit"; readonly index: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("batch"), mods: fc.array(flowMod, { maxLength: 8 }), atomic: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait"), ms: fc.constantFrom(500, 1_000, 2_500) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hit"), index: fc.nat(20) }) },
);

const line = (flow: Flow, packets: bigint, age: number): string =>
  [flow.table, flow.priority, flow.match.bytes.join("."), flow.cookie, flow.idleTimeout, flow.hardTimeout]
    .concat([flow.importance, flow.flags, flow.instructions.bytes.join("."), packets, age])
    .join(" ");

test("the in-memory switch equals the naive one after every step", async () => {
  const runs = { batches: 0, refused: 0, expired: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.integer({ min: 2, max: 6 }),
      fc.boolean(),
      async (steps, maxFlows, evicts) => {
        const { device, clock, events } = await upSwitch();
        const groups = new Set([1, 2]);
        for (const id of groups) device.addGroup(id);
        for (const table of [0, 1]) device.limitTable(table, { maxFlows, overflow: evicts ? "evict" : "refuse" });
        const naive = new NaiveSwitch({
          groups,
          maxFlows,
          evicts,
          groupOf: (flow) => [1, 2, 3].find((id) => flow.instructions.equals(groupTo(id))) ?? 0,
          overlap,
        });
        const told = new Map<string, Flow>();
        for (const one of steps) {
          if (one.kind === "batch") {
            const sent = device.send(batchOf(...one.mods), { atomic: one.atomic });
            await clock.run(0);
            const result = await sent;
            const errors = naive.batch(one.mods, one.atomic);
            expect(one.mods.map((_, i) => result.refused.get(i)?.name)).toEqual(errors);
            runs.batches++;
            runs.refused += result.refused.size;
          } else if (one.kind === "wait") {
            await clock.run(one.ms);
            naive.now += one.ms;
            const before = naive.flows.length;
            naive.expire();
            runs.expired += before - naive.flows.length;
          } else {
            const entry = naive.flows[one.index % Math.max(1, naive.flows.length)];
            if (entry !== undefined) {
              entry.packets += 1n;
              entry.used = naive.now;
              device.hit(entry.flow, 1);
            }
          }
          await clock.run(0);
          // An idle timeout that an add brings to a flow long unused is over at once.
          naive.expire();
          const actual = device.flows().map(({ flow, packetCount, durationSeconds }) => line(flow, packetCount, durationSeconds));
          const wanted = naive.flows.map(({ flow, packets, created }) => line(flow, packets, (naive.now - created) / 1000));
          expect(actual.sort()).toEqual(wanted.sort());
          follow(told, events.splice(0));
          expect([...told.values()].map((flow) => line(flow, 0n, 0)).sort()).toEqual(
            naive.flows.map(({ flow }) => line(flow, 0n, 0)).sort(),
          );
        }
      },
    ),
    { seed, numRuns: 2_000 },
  );
  // The walk must have met what it is there for.
  expect(runs.batches).toBeGreaterThan(2_000);
  expect(runs.refused).toBeGreaterThan(1_000);
  expect(runs.expired).toBeGreaterThan(20);
});

/** Keeps a copy of the switch from the monitor's events alone. */
function follow(told: Map<string, Flow>, events: readonly TransportEvent[]): void {
  for (const event of events) {
    if (event.type !== "changed") continue;
    const key = `${event.flow.table} ${event.flow.priority} ${event.flow.match.bytes.join(".")}`;
    if (event.change === "deleted") told.delete(key);
    else told.set(key, event.flow);
  }
}
