import fc from "fast-check";
import { expect, test } from "vitest";
import { coversFields, findShadowed, type MaskedField, overlapFields, type ShadowCandidate } from "../../src/cli/shadow.ts";

// Small domains, so that flows often cover each other: three fields of one byte, four bits used.
const field = (name: string): fc.Arbitrary<MaskedField> =>
  fc.tuple(fc.constantFrom(1, 3, 7, 12, 15), fc.nat(15)).map(([mask, value]) => ({
    name,
    mask: new Uint8Array([mask]),
    value: new Uint8Array([value & mask]),
  }));
const flows: fc.Arbitrary<ShadowCandidate[]> = fc.array(
  fc.record({
    table: fc.nat(1),
    priority: fc.nat(4),
    fields: fc
      .tuple(fc.option(field("a")), fc.option(field("b")), fc.option(field("c")))
      .map((fields) => fields.filter((entry) => entry !== null)),
    covers: fc.boolean(),
  }),
  { maxLength: 25 },
);

const SPACE = Array.from({ length: 4096 }, (_, i) => [i & 15, (i >> 4) & 15, i >> 8] as const);
const matches = (fields: readonly MaskedField[], packet: readonly [number, number, number]): boolean =>
  fields.every(({ name, value, mask }) => ((packet["abc".indexOf(name)] as number) & (mask[0] as number)) === value[0]);

test("shadowed flows are exactly those that one flow of higher priority covers, told by trying all packets", () => {
  fc.assert(
    fc.property(flows, (list) => {
      const found = new Map<number, number>();
      findShadowed(list, (flow, by) => {
        expect(found.has(flow)).toBe(false);
        found.set(flow, by);
      });
      list.forEach((flow, index) => {
        const packets = SPACE.filter((packet) => matches(flow.fields, packet));
        const above = list.filter(
          (other) =>
            other.covers &&
            other.table === flow.table &&
            other.priority > flow.priority &&
            packets.every((packet) => matches(other.fields, packet)),
        );
        const by = found.get(index);
        if (above.length === 0) expect(by).toBeUndefined();
        else {
          expect(above).toContain(list[by as number]);
          expect(list[by as number]?.priority).toBe(Math.max(...above.map((other) => other.priority)));
        }
      });
    }),
    { seed: 20240101, numRuns: 60 },
  );
});

test("cover and overlap agree with trying all packets", () => {
  fc.assert(
    fc.property(flows, (list) => {
      for (const a of list.slice(0, 5)) {
        const ofA = SPACE.filter((packet) => matches(a.fields, packet));
        for (const b of list.slice(0, 5)) {
          expect(coversFields(b.fields, a.fields)).toBe(ofA.every((packet) => matches(b.fields, packet)));
          expect(overlapFields(b.fields, a.fields)).toBe(ofA.some((packet) => matches(b.fields, packet)));
        }
      }
    }),
    { seed: 20240102, numRuns: 60 },
  );
});

test("a large table is searched in little time", () => {
  const list: ShadowCandidate[] = [];
  for (let i = 0; i < 50_000; i++) {
    const value = new Uint8Array([10, i >> 16, i >> 8, i & 255]);
    list.push({
      table: 0,
      priority: 100,
      covers: true,
      fields: [{ name: "ip_dst", value, mask: new Uint8Array([255, 255, 255, 255]) }],
    });
  }
  list.push({
    table: 0,
    priority: 200,
    covers: true,
    fields: [{ name: "ip_dst", value: new Uint8Array([10, 0, 0, 0]), mask: new Uint8Array([255, 255, 255, 0]) }],
  });
  let count = 0;
  findShadowed(list, () => {
    count += 1;
  });
  expect(count).toBe(256);
});
