import { describe, expect, test } from "vitest";
import type { ConformanceTarget } from "../../src/testing/conformance-bench.ts";
import { groupTo, numberedFlow } from "../../src/testing/numbered-flow.ts";
import { transportConformance } from "../../src/testing/transport-conformance.ts";
import { MemorySwitch, type MemorySwitchOptions } from "../../src/transport/memory-switch.ts";
import type { Transport } from "../../src/transport/transport.ts";

const create = (options: MemorySwitchOptions = {}, prepare: (device: MemorySwitch) => void = () => {}): ConformanceTarget => {
  const device = new MemorySwitch({ connectDelayMs: 5, ...options });
  prepare(device);
  return {
    transport: device,
    refusedFlow: numberedFlow(1, { table: 200, instructions: groupTo(4_000_000) }),
    disconnect: () => device.disconnect(),
    tamper: device.tamper,
  };
};

const secondOf = (target: ConformanceTarget): ConformanceTarget => ({
  ...target,
  transport: (target.transport as MemorySwitch).newTransport(),
});

// A fixed sequence of numbers in [0, 1).
const numbers = (): (() => number) => {
  let state = 42;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 0x8000_0000;
    return state / 0x8000_0000;
  };
};

const variants: Record<string, { create: () => ConformanceTarget; skipped?: readonly string[] }> = {
  "as it comes": { create: () => create() },
  "on a slow wire": { create: () => create({}, (device) => device.faults.delay({ requestMs: 2, replyMs: 3 })) },
  "with replies and reads in random order": {
    create: () => create({ random: numbers(), chunkSize: 7 }, (device) => device.faults.shuffle({ replies: true, reads: true })),
  },
  "as a second controller": { create: () => secondOf(create()) },
  "without atomic batches, monitor and importance": {
    create: () => create({ capabilities: { atomic: false, monitor: false, importance: false } }),
    skipped: ["an atomic batch", "clearFirst", "a failed reinstall", "others' changes"],
  },
};

for (const [name, { create, skipped = ["asking for an atomic batch where there is none"] }] of Object.entries(variants)) {
  describe(`the in-memory switch is a conforming transport: ${name}`, () => {
    for (const check of transportConformance({ create })) {
      test.concurrent(check.name, async () => {
        const { status } = await check.run();
        expect(status).toBe(skipped.some((prefix) => check.name.startsWith(prefix)) ? "skipped" : "passed");
      });
    }
  });
}

/** Transports with one fault each: the suite must find it. */
const broken: Record<string, (device: MemorySwitch) => Partial<Transport>> = {
  "has no fault": () => ({}),
  "calls everything applied": (device) => ({
    send: async (batch, options) => ({
      ...(await device.send(batch, options)),
      fate: "applied",
      refused: new Map(),
      unknown: new Set(),
    }),
  }),
  "rejects when the switch refuses": (device) => ({
    send: async (batch, options) => {
      const result = await device.send(batch, options);
      if (result.refused.size > 0) throw new Error("refused");
      return result;
    },
  }),
  "takes the epoch of the answer": (device) => ({
    send: async (batch, options) => {
      const result = await device.send(batch, options);
      return { ...result, epoch: result.epoch + 1 };
    },
  }),
  "never answers an empty batch": (device) => ({
    send: (batch, options) => (batch.length === 0 ? new Promise(() => {}) : device.send(batch, options)),
  }),
  "ends a read early": (device) => ({
    readFlows: (filter) => ({
      async *[Symbol.asyncIterator]() {
        for await (const chunk of device.readFlows(filter)) {
          yield chunk;
          if (!device.isUp || chunk.length === 500) return;
        }
      },
    }),
  }),
  "forgets the filter": (device) => ({ readFlows: () => device.readFlows() }),
  "says nothing of connections": (device) => ({
    subscribe: (listener) =>
      device.subscribe((event) => {
        if (event.type !== "up" && event.type !== "down") listener(event);
      }),
  }),
  "takes its own changes for others'": (device) => ({
    subscribe: (listener) => device.subscribe((event) => listener(event.type === "changed" ? { ...event, own: false } : event)),
  }),
  "keeps nobody off its listeners": (device) => ({
    subscribe: (listener) => {
      device.subscribe(listener);
      return () => {};
    },
  }),
  "changes the order of batches": (device) => ({
    send: async (batch, options) => {
      if (batch.counts.delete > 0) await new Promise((resolve) => setTimeout(resolve, 2));
      return device.send(batch, options);
    },
  }),
  "ignores atomic": (device) => ({ send: (batch) => device.send(batch) }),
  "ignores the guard": (device) => ({
    send: (batch, { guard: _, ...options } = {}) => device.send(batch, options),
  }),
  "comes up again after close": (device) => ({
    close: async () => {
      device.disconnect();
    },
  }),
};

describe("the suite judges", () => {
  for (const [fault, breaking] of Object.entries(broken)) {
    test.concurrent(`a transport that ${fault}`, async () => {
      const target = (): ConformanceTarget => {
        const good = create();
        const device = good.transport as MemorySwitch;
        const bad = breaking(device);
        const transport = new Proxy(device, {
          get(inner, name) {
            const own = Reflect.get(bad, name);
            if (own !== undefined) return own;
            const value = Reflect.get(inner, name, inner);
            return typeof value === "function" ? value.bind(inner) : value;
          },
        });
        return { ...good, transport };
      };
      const complaints: string[] = [];
      const checks = transportConformance({ create: target, timeoutMs: fault === "has no fault" ? 20_000 : 500, manyFlows: 600 });
      await Promise.all(
        checks.map((check) => check.run().catch((error: unknown) => void complaints.push(`${check.name}: ${String(error)}`))),
      );
      // A hard timeout takes a second: too long for the patience of this test, and no proof of the fault.
      const found = complaints.filter((complaint) => !complaint.startsWith("a hard timeout"));
      if (fault === "has no fault") expect(found).toEqual([]);
      else expect(found).not.toEqual([]);
    });
  }
});
