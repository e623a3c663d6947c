import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOfsyncError } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { createFlowModView, type PackedFlow } from "../../src/flow/packed-flow.ts";
import { FastLineReader } from "../../src/text/fast/line-reader.ts";
import { FlowTextReader } from "../../src/text/flow-text-reader.ts";
import type { Compat } from "../../src/text/parse-context.ts";
import { parseFlow, parseFlowCarefully, parseFlowReading } from "../../src/text/parse-flow.ts";
import { parseFlowLineCarefully, parseFlowLineReading, parseFlows } from "../../src/text/parse-flows.ts";
import { runs, seeds } from "../seed.ts";

const vectors = new URL("../vectors/", import.meta.url);

function load(path: string): string {
  const bytes = readFileSync(new URL(path, vectors));
  return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What a road made of a line, as text that can be compared. */
function describeFlow(flow: Flow): string {
  const { table, priority, cookie, idleTimeout, hardTimeout, importance, flags } = flow;
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  return JSON.stringify([
    table,
    priority,
    cookie.toString(16),
    idleTimeout,
    hardTimeout,
    importance,
    flags,
    hex(flow.match.bytes),
    hex(flow.instructions.bytes),
  ]);
}

function describePacked(flow: PackedFlow): string {
  const hex = (bytes: Uint8Array, start: number, length: number): string =>
    Buffer.from(bytes.subarray(start, start + length)).toString("hex");
  const cookie = (BigInt(flow.cookieHigh >>> 0) << 32n) | BigInt(flow.cookieLow >>> 0);
  return JSON.stringify([
    flow.table,
    flow.priority,
    cookie.toString(16),
    flow.idleTimeout,
    flow.hardTimeout,
    flow.importance,
    flow.flags,
    hex(flow.matchBuffer, flow.matchStart, flow.matchLength),
    hex(flow.instructionsBuffer, flow.instructionsStart, flow.instructionsLength),
  ]);
}

/** Compares both roads over lines; returns how many lines took the fast one. */
function compareRoads(lines: readonly string[], compat: Compat): { fast: number; differences: string[] } {
  const reader = new FastLineReader({ compat });
  const packed = createFlowModView();
  let fast = 0;
  const differences: string[] = [];
  for (const line of lines) {
    const bytes = encode(line);
    if (!reader.read(bytes, 0, bytes.length, packed)) continue;
    fast++;
    const quick = describePacked(packed);
    let careful: string;
    try {
      const reading = parseFlowCarefully(line, { compat });
      careful = describeFlow(reading.flow);
      if (careful === quick && describeFlow(parseFlow(line, { compat })) !== quick) differences.push(`parseFlow: ${line}`);
      for (const other of [parseFlowReading(line, { compat }), parseFlowLineReading(line, { compat })]) {
        if (other === undefined || describeFlow(other.flow) !== careful || !isDeepStrictEqual(other.stats, reading.stats)) {
          differences.push(`parseFlowReading: ${line}`);
        }
      }
    } catch (error) {
      if (!isOfsyncError(error)) throw error;
      careful = `${error.code}: ${error.message}`;
    }
    if (quick !== careful) differences.push(`${line}\n  fast    ${quick}\n  careful ${careful}`);
  }
  return { fast, differences: differences.slice(0, 5) };
}

const FLOW_SETS = [
  "ovn-1k/installed.txt",
  "ovn-1k/desired.txt",
  "ovn-20k/installed.txt.gz",
  "ovn-20k/desired.txt.gz",
  "ovn-real-6k/installed.OpenFlow13.txt.gz",
  "ovn-real-6k/desired.OpenFlow15.txt.gz",
  "ovn-real-6k/desired.OpenFlow15.stats.txt.gz",
];

describe("the fast road reads what the careful road reads", () => {
  for (const compat of ["strict", "ovs"] as const) {
    for (const path of FLOW_SETS) {
      it(`${path}, ${compat}`, () => {
        const lines = load(`flowsets/${path}`)
          .split("\n")
          .map((line) => line.trimEnd())
          .filter((line) => line !== "");
        const { fast, differences } = compareRoads(lines, compat);
        expect(differences).toEqual([]);
        // The fast road is worth its code only if most lines take it.
        expect(fast / lines.length).toBeGreaterThan(0.6);
      });
    }

    it(`every text vector, ${compat}`, () => {
      const lines = ["match-text.jsonl.gz", "actions-text.jsonl.gz"]
        .flatMap((path) => load(path).split("\n"))
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as { flow_text?: string; text: string; version: string })
        .filter(({ version }) => version === "OpenFlow15")
        .map(({ flow_text, text }) => flow_text ?? text);
      const { fast, differences } = compareRoads(lines, compat);
      expect(differences).toEqual([]);
      expect(fast).toBeGreaterThan(100);
    });
  }

  it.each(["strict", "ovs"] as const)("addresses and ports inside ct, %s", (compat) => {
    const nats = [
      ...[
        "src",
        "dst",
        "src=",
        "dst=:1",
        "src=0.0.0.0",
        "dst=10.0.0.1",
        "src=255.255.255.255",
        "dst=1.1.1.1:1",
        "dst=10.0.0.1:8001",
      ],
      ...[
        "dst=10.0.0.1:0",
        "dst=10.0.0.1:65535",
        "dst=10.0.0.1:65536",
        "src=10.0.0.1-10.0.0.9",
        "src=10.0.0.1:1-9",
        "dst=[fd00::1]:80",
      ],
      ...[
        "src=10.0.0.1,random",
        "dst=10.0.0.01",
        "dst=10.0.0.1:0x50",
        "src=10.0.0.1,dst=10.0.0.2",
        "src=10.0.0.256",
        "dst=10.0.0.1:",
      ],
    ];
    const lines = nats.flatMap((nat) => [
      `ip actions=ct(commit,table=22,zone=NXM_NX_REG13[0..15],nat(${nat}),exec(set_field:0x2/0x2->ct_mark))`,
      `tcp actions=ct(nat(${nat}),commit),resubmit(,3)`,
      `ip actions=ct(commit,nat(${nat}),nat(${nat}))`,
      `ip actions=ct(commit,exec(ct(commit,nat(${nat}))))`,
      `ip actions=clone(ct(commit,nat(${nat})))`,
      `tcp6 actions=ct(commit,force,nat(${nat}))`,
      `ip actions=ct(table=4,nat(${nat}))`,
      `actions=ct(commit,nat(${nat}))`,
    ]);
    const { fast, differences } = compareRoads([...lines, ...lines], compat);
    expect(differences).toEqual([]);
    expect(fast).toBeGreaterThan(lines.length / 2);
  });

  it.each(["strict", "ovs"] as const)("statistics, well-formed or not, %s", (compat) => {
    const names = ["duration", "n_packets", "n_bytes", "idle_age", "hard_age"];
    const values = [
      ...["0", "7", "007", "4294967296", "9999999999", "12345678901", "18446744073709551615", "123456789012345678901"],
      ...[
        "0s",
        "1.040s",
        "007.5s",
        "12345678901s",
        "1.123456789s",
        "1.1234567890s",
        "1.s",
        ".5s",
        "1s5",
        "s",
        "",
        "?",
        "0x1",
        "-1",
        "1.5",
      ],
    ];
    const lines = names.flatMap((name) =>
      values.flatMap((value) => [
        `${name}=${value} actions=drop`,
        `cookie=0x5, duration=3.5s, table=1, ${name}=${value}, n_bytes=7, priority=3,ip actions=drop`,
        ` ${name}=${value}, ${name}=${value}, actions=drop`,
      ]),
    );
    const { fast, differences } = compareRoads(lines, compat);
    expect(differences).toEqual([]);
    expect(fast).toBeGreaterThan(40);
    // Also where the fast road gives up: the careful one has the word, whichever door the line comes through.
    for (const line of lines) {
      const [given, wanted] = [parseFlowLineReading, parseFlowLineCarefully].map((read) => {
        try {
          return read(line, { compat })?.stats;
        } catch (error) {
          return isOfsyncError(error) ? error.code : error;
        }
      });
      expect(given, line).toEqual(wanted);
    }
  });

  it.each(seeds)("mutated lines: never accepts what the careful road refuses (seed %i)", (seed) => {
    const lines = (load("flowsets/ovn-1k/desired.txt") + load("flowsets/ovn-real-6k/desired.OpenFlow15.stats.txt.gz"))
      .split("\n")
      .filter((line) => line !== "");
    const piece = fc.constantFrom(
      ",",
      " ",
      "=",
      "/",
      "0x",
      "1",
      "65536",
      "-1",
      "ip",
      "tcp",
      "nw_src=1.2.3.4",
      "->",
      ":",
      "(",
      ")",
      "drop",
      "\t",
      "#",
      "é",
    );
    fc.assert(
      fc.property(fc.constantFrom(...lines), fc.nat(400), fc.nat(6), piece, (line, at, cut, insert) => {
        const position = at % (line.length + 1);
        const mutated = line.slice(0, position) + insert + line.slice(position + cut);
        const text = mutated.trimEnd();
        for (const compat of ["strict", "ovs"] as const) expect(compareRoads([text], compat).differences).toEqual([]);
      }),
      { numRuns: runs(4000), seed },
    );
  });
});

describe("FlowTextReader", () => {
  const text = load("flowsets/ovn-1k/installed.txt");

  it("gives the same flows however the bytes are cut", () => {
    const whole: string[] = [];
    for (const { flow, line } of parseFlows(text, { compat: "ovs" })) whole.push(`${line} ${describeFlow(flow)}`);
    const bytes = encode(text.slice(0, 20_000));
    const expected = whole.slice(0, 20_000);
    for (const size of [1, 7, 64, 4096, 1 << 20]) {
      const seen: string[] = [];
      const reader = new FlowTextReader({
        compat: "ovs",
        onFlow: (flow, line) => seen.push(`${line} ${describePacked(flow)}`),
        onError: () => {},
      });
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      // The cut ends inside a line, which is left alone here.
      expect(seen).toEqual(expected.slice(0, seen.length));
      expect(seen.length).toBeGreaterThan(50);
    }
  });

  it("passes over heads, comments and blank lines, and reports bad lines with their number", () => {
    const flows: number[] = [];
    const errors: [number, string][] = [];
    const reader = new FlowTextReader({
      onFlow: (_flow, line) => flows.push(line),
      onError: (error, line) => errors.push([line, error.code]),
    });
    reader.push(
      encode(
        "OFPST_FLOW reply (OF1.5) (xid=0x2): flags=[more]\n# nothing\n\nip,actions=drop\r\npriority=x,actions=drop\n  \ntcp actions=2 # two",
      ),
    );
    reader.finish();
    expect(flows).toEqual([4, 7]);
    expect(errors.map(([line]) => line)).toEqual([5]);
    expect(reader.lines).toBe(7);
  });

  it("keeps its memory bounded when a line never ends", () => {
    const errors: string[] = [];
    const reader = new FlowTextReader({ onFlow: () => {}, onError: (error) => errors.push(error.code) });
    const chunk = new Uint8Array(1 << 16).fill(97);
    for (let i = 0; i < 64; i++) reader.push(chunk);
    reader.push(encode("\nip,actions=drop\n"));
    expect(errors).toEqual(["FLOW_LINE_TOO_LONG"]);
  });

  it("never takes the start of a line that is too long for a flow", () => {
    const errors: string[] = [];
    const reader = new FlowTextReader({ onFlow: () => errors.push("a flow"), onError: (error) => errors.push(error.code) });
    const head = "ip,actions=";
    // Cut where the longest line ends, this would be a whole flow with output:1.
    reader.push(encode(`${head + " ".repeat((1 << 20) - head.length - 8)}output:1`));
    reader.push(encode("2\n"));
    reader.push(encode(`ip,actions=1 #${"x".repeat(1 << 20)}\n`));
    expect(errors).toEqual(["FLOW_LINE_TOO_LONG", "FLOW_LINE_TOO_LONG"]);
  });
});
