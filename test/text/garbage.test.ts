import fc from "fast-check";
import { expect, test } from "vitest";
import { isOfsyncError } from "../../src/errors.ts";
import { FIELDS } from "../../src/flow/fields.ts";
import { formatFlow } from "../../src/text/format-flow.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { parseFlows } from "../../src/text/parse-flows.ts";
import { seed } from "../seed.ts";

const word = fc.oneof(
  fc.constantFrom(...FIELDS.flatMap((field) => [field.name, ...field.aliases, ...field.headers.map((header) => header.name)])),
  fc.constantFrom(
    "ip",
    "tcp",
    "tcp6",
    "icmp6",
    "arp",
    "mpls",
    "eth",
    "table",
    "priority",
    "cookie",
    "idle_timeout",
    "actions",
    "drop",
    "output",
  ),
  fc.constantFrom(
    "0",
    "1",
    "0x",
    "-1",
    "0xffffffffffffffffffff",
    "1e9",
    "10.0.0.0",
    "::",
    "ff:ff:ff:ff:ff:ff",
    "+new",
    "LOCAL",
    "[0..3]",
    "[",
    "\0",
    "\u{1f600}",
  ),
  fc.string({ maxLength: 6 }),
);
const glue = fc.constantFrom("=", ",", "/", ":", " ", "(", ")", "[", "]", "..", "->", "\t", "#", '"', "");
const nearly = fc.array(fc.tuple(word, glue), { maxLength: 12 }).map((parts) => parts.flat().join(""));

test("garbage is refused with an OfsyncError that lies inside the text, or read to something that prints", () => {
  let read = 0;
  fc.assert(
    fc.property(
      fc.oneof(nearly, fc.string({ maxLength: 60, unit: "binary" })),
      fc.constantFrom<"strict" | "ovs">("strict", "ovs"),
      (text, compat) => {
        for (const line of [text, `${text},actions=drop`]) {
          try {
            const flow = parseFlow(line, { compat });
            read++;
            formatFlow(flow);
          } catch (error) {
            if (!isOfsyncError(error)) throw error;
            const { column } = error.place;
            expect(column, line).toBeGreaterThanOrEqual(1);
            expect(column, line).toBeLessThanOrEqual(line.length + 1);
            expect(error.place.line).toBe(1);
          }
        }
        for (const result of parseFlows(text, { compat, keepGoing: true })) if (result.ok) read++;
      },
    ),
    { seed, numRuns: 6000 },
  );
  expect(read).toBeGreaterThan(100);
});

test("a nested or endless value neither hangs nor overflows", () => {
  for (const text of [
    `packet_type=${"(".repeat(100_000)}`,
    `reg0[${"0".repeat(100_000)}]=1`,
    `reg0=0x${"0".repeat(100_000)}1`,
    `metadata=${"9".repeat(100_000)}`,
    `ct_state=${"+trk".repeat(20_000)}`,
    `ipv6_src=${":".repeat(100_000)}`,
    `${"a".repeat(100_000)}=1`,
    `${"reg0=1,".repeat(3_000)}`,
  ]) {
    const started = performance.now();
    for (const compat of ["strict", "ovs"] as const) {
      try {
        parseFlow(`${text},actions=drop`, { compat });
      } catch (error) {
        if (!isOfsyncError(error)) throw error;
      }
    }
    expect(performance.now() - started, text.slice(0, 30)).toBeLessThan(2_000);
  }
});
