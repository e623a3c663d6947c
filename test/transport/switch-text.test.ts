import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/bytes.ts";
import { instructionsMeaning } from "../../src/flow/meaning.ts";
import { arbitraries } from "../../src/testing/arbitraries.ts";
import { ManualClock } from "../../src/testing/manual-clock.ts";
import { MemorySwitch } from "../../src/transport/memory-switch.ts";
import { seed } from "../seed.ts";
import { flow, inPort, output, upSwitch } from "./helpers.ts";

const read = (name: string): string => {
  const path = new URL(`../vectors/flowsets/${name}`, import.meta.url);
  return name.endsWith(".gz") ? gunzipSync(readFileSync(path)).toString() : readFileSync(path, "utf8");
};

describe("dump", () => {
  test("prints as ovs-ofctl does, by table, priority and match", async () => {
    const { device, clock, send } = await upSwitch();
    const web = flow({ table: 1, priority: 5, match: inPort(2), cookie: 0x1a, idleTimeout: 60, flags: 1, importance: 9 });
    await send("add", web, flow({ match: inPort(1) }), flow({ table: 1, priority: 7, instructions: output(0xffff_fffb) }));
    device.hit(web, 3, 180);
    await clock.run(1_500);
    expect(device.dump()).toBe(
      [
        "in_port=1 actions=output:1",
        "table=1, priority=7 actions=FLOOD",
        "cookie=0x1a, table=1, idle_timeout=60, send_flow_rem importance=9, priority=5,in_port=2 actions=output:1",
        "",
      ].join("\n"),
    );
    expect(device.dump({ stats: true, version: "OpenFlow13", filter: { table: 1, cookie: 0x1an } })).toBe(
      "cookie=0x1a, duration=1.500s, table=1, n_packets=3, n_bytes=180, idle_timeout=60, send_flow_rem priority=5,in_port=2 actions=output:1\n",
    );
  });
});

describe("load", () => {
  test("takes counters, ages, and the groups and meters that must have been there", async () => {
    const { device, clock, send } = await upSwitch();
    await send("add", flow({ cookie: 9 }));
    const text = [
      "OFPST_FLOW reply (OF1.5) (xid=0x2):",
      " cookie=0x7, duration=10.5s, table=3, n_packets=4, n_bytes=400, idle_age=1, priority=1,in_port=3 actions=meter:6,group:5",
      " # nothing else",
    ].join("\n");
    expect(device.load(text)).toBe(1);
    const [only, ...others] = device.flows();
    expect(others).toEqual([]);
    expect(only).toMatchObject({ packetCount: 4n, byteCount: 400n, durationSeconds: 10.5 });
    await clock.run(500);
    expect(device.dump({ stats: true })).toContain("duration=11s");
    expect((await send("add", flow({ instructions: only?.flow.instructions ?? output(1) }))).refused.size).toBe(0);
  });

  test("changes nothing when a line is bad", async () => {
    const { device, send } = await upSwitch();
    await send("add", flow());
    expect(() => device.load("in_port=1 actions=drop\nin_port=2 actions=nonsense\n")).toThrow(
      expect.objectContaining({ place: expect.objectContaining({ line: 2 }) }),
    );
    expect(() => device.load("in_port=1 actions=drop\n\nin_port=1 actions=output:1\n")).toThrow(
      expect.objectContaining({ code: "DUMP_DUPLICATE", place: { line: 3 } }),
    );
    expect(device.dump()).toBe("actions=output:1\n");
  });

  test("is seen by monitors as somebody else's doing", async () => {
    const { device, clock, send, events } = await upSwitch();
    await send("add", flow());
    events.length = 0;
    device.load("in_port=1 actions=drop");
    await clock.run(0);
    expect(events.map((event) => event.type === "changed" && `${event.change} ${event.own}`)).toEqual([
      "deleted false",
      "added false",
    ]);
  });
});

describe("load of a dump", () => {
  test("gives the same flows", () => {
    const { flow: anyFlow } = arbitraries(fc, { groups: [1], meters: [2] });
    fc.assert(
      fc.property(fc.array(anyFlow, { maxLength: 8 }), fc.boolean(), (flows, stats) => {
        const clock = new ManualClock();
        const device = new MemorySwitch({ clock, references: "any" });
        for (const one of flows) device.tamper.add(one);
        const text = device.dump({ stats });
        const other = new MemorySwitch({ clock });
        other.load(text);
        expect(other.dump({ stats })).toBe(text);
        const show = (from: MemorySwitch) =>
          from
            .flows()
            .map(({ flow: one }) => {
              const rest = [one.table, one.priority, one.cookie, one.idleTimeout, one.hardTimeout, one.importance, one.flags];
              return `${rest.join()} ${toHex(one.match.bytes)} ${toHex(instructionsMeaning(one.instructions.bytes))}`;
            })
            .sort();
        expect(show(other)).toEqual(show(device));
      }),
      { seed, numRuns: 500 },
    );
  });

  for (const name of ["desired", "installed"]) {
    for (const version of ["OpenFlow13", "OpenFlow15"] as const) {
      test(`of a real deployment gives the lines that Open vSwitch printed: ${name}, ${version}`, () => {
        const text = read(`ovn-real-6k/${name}.${version}.txt.gz`);
        const device = new MemorySwitch();
        const count = device.load(text);
        const wanted = lines(text);
        expect(count).toBe(wanted.length);
        expect(count).toBeGreaterThan(6_000);
        expect(lines(device.dump({ version }))).toEqual(wanted);
      });
    }

    test(`of a real deployment keeps the counters: ${name}`, () => {
      const text = read(`ovn-real-6k/${name}.OpenFlow15.stats.txt.gz`);
      const device = new MemorySwitch({ clock: new ManualClock() });
      device.load(text);
      // The switch keeps no ages beside the duration.
      const wanted = lines(text).map((line) => line.replace(/(idle|hard)_age=\d+, /g, ""));
      expect(lines(device.dump({ stats: true }))).toEqual(wanted.sort());
    });
  }
});

/** Flow lines in one order, without the heads of dumps. */
function lines(text: string): string[] {
  return (
    text
      .split("\n")
      // ovs-ofctl prints a dec_ttl that tells no controller as dec_ttl(), and reads that as dec_ttl; so do we.
      .map((line) => line.trim().replace("dec_ttl()", "dec_ttl"))
      .filter((line) => line !== "" && !/^(NXST|OFPST)_FLOW/.test(line))
      .sort()
  );
}
