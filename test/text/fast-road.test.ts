import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOfsyncError } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { createFlowModView, type PackedFlow } from "../../src/flow/packed-flow.ts";
import { FastLineReader } from "../../src/text/fast/line-reader.ts";
import { ScanHost } from "../../src/text/fast/scan-host.ts";
import {
  DONE,
  FLOW_COOKIE,
  FLOW_COOKIE_HIGH,
  FLOW_COUNT,
  FLOW_DATA,
  FLOW_EXTRA,
  FLOW_ID,
  FLOW_LENGTHS,
  FLOW_TIMEOUTS,
  FLOWS,
  MISSING,
  NEXT_FLOW,
  TEXT,
  TEXT_BYTES,
} from "../../src/text/fast/scan-layout.ts";
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

/** What the scanner in WebAssembly makes of a line; `undefined`: it leaves it to others. */
function scanned(host: ScanHost, line: Uint8Array): string | undefined {
  if (line.includes(10) || line.length >= TEXT_BYTES) return undefined;
  const to = host.load(Uint8Array.of(...line, 10), 0, line.length + 1);
  host.words[NEXT_FLOW] = FLOWS;
  host.words[FLOW_COUNT] = 0;
  let result = host.scan(4 * TEXT, to);
  while (result === MISSING && host.learn()) result = host.scan(4 * TEXT, to);
  if (result !== DONE) return undefined;
  const { words, bytes } = host;
  expect(words[FLOW_COUNT]).toBe(1);
  const [id, lengths, timeouts] = [words[FLOWS + FLOW_ID], words[FLOWS + FLOW_LENGTHS], words[FLOWS + FLOW_TIMEOUTS]] as [
    number,
    number,
    number,
  ];
  const matchStart = 4 * (FLOWS + FLOW_DATA);
  const matchLength = lengths & 0xffff;
  const instructionsStart = matchStart + ((matchLength + 3) & ~3);
  const instructionsLength = lengths >>> 16;
  // Behind the last byte there are zeros up to the next word: flows are compared and hashed in words.
  const padding = [...bytes.subarray(matchStart + matchLength, instructionsStart)];
  expect(padding.every((byte) => byte === 0)).toBe(true);
  expect(4 * (words[NEXT_FLOW] as number)).toBe(instructionsStart + ((instructionsLength + 3) & ~3));
  return describePacked({
    table: id >>> 16,
    priority: id & 0xffff,
    cookieHigh: words[FLOWS + FLOW_COOKIE_HIGH] as number,
    cookieLow: words[FLOWS + FLOW_COOKIE] as number,
    idleTimeout: timeouts >>> 16,
    hardTimeout: timeouts & 0xffff,
    importance: (words[FLOWS + FLOW_EXTRA] as number) >>> 16,
    flags: (words[FLOWS + FLOW_EXTRA] as number) & 0xffff,
    matchBuffer: bytes,
    matchStart,
    matchLength,
    instructionsBuffer: bytes,
    instructionsStart,
    instructionsLength,
  });
}

const hosts = new Map<Compat, ScanHost>();

function hostFor(compat: Compat): ScanHost {
  const host = hosts.get(compat) ?? ScanHost.start({ compat });
  if (host === undefined) throw new Error("there is no WebAssembly");
  hosts.set(compat, host);
  return host;
}

/** Compares all roads over lines; returns how many lines took the fast one, and how many WebAssembly read. */
function compareRoads(lines: readonly string[], compat: Compat): { fast: number; byCore: number; differences: string[] } {
  const reader = new FastLineReader({ compat });
  const packed = createFlowModView();
  let fast = 0;
  let byCore = 0;
  const differences: string[] = [];
  for (const line of lines) {
    const bytes = encode(line);
    const core = scanned(hostFor(compat), bytes);
    const isFast = reader.read(bytes, 0, bytes.length, packed);
    if (core !== undefined) byCore++;
    if (isFast) fast++;
    if (!isFast && core === undefined) continue;
    const quick = isFast ? describePacked(packed) : (core as string);
    if (core !== undefined && core !== quick) differences.push(`${line}\n  core    ${core}\n  fast    ${quick}`);
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
  return { fast, byCore, differences: differences.slice(0, 5) };
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
        const { fast, byCore, differences } = compareRoads(lines, compat);
        expect(differences).toEqual([]);
        // The fast roads are worth their code only if most lines take them.
        expect(fast / lines.length).toBeGreaterThan(0.6);
        expect(byCore / fast).toBeGreaterThan(0.98);
      });
    }

    it(`every text vector, ${compat}`, () => {
      const lines = ["match-text.jsonl.gz", "actions-text.jsonl.gz"]
        .flatMap((path) => load(path).split("\n"))
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as { flow_text?: string; text: string; version: string })
        .filter(({ version }) => version === "OpenFlow15")
        .map(({ flow_text, text }) => flow_text ?? text);
      const { fast, byCore, differences } = compareRoads(lines, compat);
      expect(differences).toEqual([]);
      expect(fast).toBeGreaterThan(100);
      expect(byCore).toBeGreaterThan(100);
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

  it.each(["strict", "ovs"] as const)("values at their edges, %s", (compat) => {
    const numbers = [
      "0",
      "1",
      "00",
      "01",
      "63",
      "65",
      "64",
      "252",
      "253",
      "254",
      "255",
      "256",
      "4095",
      "4096",
      "65279",
      "65280",
      "65535",
      "65536",
    ];
    numbers.push(
      "999999999",
      "4294967294",
      "4294967295",
      "4294967296",
      "4294967299",
      "9999999999",
      "999999999999999",
      "1e3",
      "-1",
      "+1",
    );
    numbers.push("0x", "0x0", "0xff", "0xFF", "0x100", "0xffff", "0x10000", "0xffffffff", "0x100000000", "0xffffffffffffffff");
    numbers.push("0x10000000000000000", `0x${"f".repeat(32)}`, `0x${"f".repeat(33)}`, `0x${"0".repeat(40)}1`);
    const masks = [
      "",
      "/0",
      "/1",
      "/0x1",
      "/0xff",
      "/0xffff",
      "/0xffffffff",
      "/0xffffffffffffffff",
      `/0x${"f".repeat(32)}`,
      "/-1",
      "/",
    ];
    const addresses = [
      "1.2.3.4",
      "0.0.0.0",
      "255.255.255.255",
      "1.2.3.256",
      "1.2.3",
      "01.2.3.4",
      "1.2.3.4.5",
      "1.2.3.0004",
      "1.2.3.4444444444",
    ];
    const prefixes = [
      "",
      "/0",
      "/1",
      "/24",
      "/31",
      "/32",
      "/33",
      "/255.255.0.0",
      "/255.0.255.0",
      "/0.0.0.0",
      "/255.255.255.255",
      "/x",
    ];
    const long = [
      "::",
      "::1",
      "1::",
      "fe80::1:2",
      "1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7::",
      "::2:3:4:5:6:7:8",
      "1::2::3",
      "1:2:3",
      "::1.2.3.4",
      "12345::",
      ":1",
      "1:",
      "::g",
    ];
    const longPrefixes = [
      "",
      "/0",
      "/1",
      "/64",
      "/127",
      "/128",
      "/129",
      "/ffff::",
      "/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
      "/::",
    ];
    const macs = [
      "01:02:03:04:05:06",
      "aB:Cd:eF:00:00:00",
      "1:2:3:4:5:6",
      "01:02:03:04:05",
      "01:02:03:04:05:06:07",
      "01-02-03-04-05-06",
      "0g:00:00:00:00:00",
    ];
    const macMasks = ["", "/ff:ff:ff:ff:ff:ff", "/01:00:00:00:00:00", "/00:00:00:00:00:00", "/ff"];
    const states = [
      "+trk",
      "-trk",
      "+new-est+rel-rpl+inv+trk",
      "+snat",
      "+trk+trk",
      "+trk-trk",
      "trk",
      "+",
      "+tr",
      "+trkx",
      "0x21/0x21",
      "0x22/0x21",
      "-inv",
      "+inv",
    ];
    const both = (values: readonly string[], ends: readonly string[]): string[] =>
      values.flatMap((value) => ends.map((end) => value + end));
    const fields: readonly (readonly [string, readonly string[]])[] = [
      ...["conj_id", "in_port", "table", "priority", "cookie", "idle_timeout", "dl_vlan"].map((name) => [name, numbers] as const),
      ...["reg3", "xreg1", "xxreg0", "metadata", "tun_id", "pkt_mark", "ct_mark", "ct_label", "ct_zone"].map(
        (name) => [name, both(numbers, masks)] as const,
      ),
      ...["dl_type", "vlan_tci", "importance"].map(
        (name) => [name, [...numbers, "0x1000/0x1000", "0x0000/0x1000", "0x0800"]] as const,
      ),
      ...["ip,nw_ttl", "ip,nw_tos", "ip,nw_proto", "icmp,icmp_type", "icmp6,icmpv6_code", "arp,arp_op", "ip,ip_dscp"].map(
        (name) => [name, numbers] as const,
      ),
      ...["tcp,tp_dst", "udp,tp_src", "sctp6,tp_dst", "udp6,udp_src", "ip,tp_dst", "arp,tp_src"].map(
        (name) => [name, both(numbers, masks)] as const,
      ),
      ...["ip,nw_src", "tcp,ip_dst", "arp,arp_spa", "ipv6,nw_dst", "tun_src", "nw_src"].map(
        (name) => [name, both(addresses, prefixes)] as const,
      ),
      ...["ipv6,ipv6_src", "tcp6,ipv6_dst", "icmp6,icmp_type=135,icmp_code=0,nd_target", "ip,ipv6_src"].map(
        (name) => [name, both(long, longPrefixes)] as const,
      ),
      ...["dl_src", "eth_dst", "arp,arp_sha", "icmp6,icmp_type=136,nd_tll", "icmp6,icmp_type=135,nd_tll"].map(
        (name) => [name, both(macs, macMasks)] as const,
      ),
      ["ct_state", states],
      ["ip,nw_frag", ["no", "yes", "first", "later", "not_later", "x"]],
    ];
    const matches = fields.flatMap(([name, values]) => values.map((value) => `${name}=${value} actions=drop`));
    const actions = [
      ...both(["output:", "resubmit(,", "conjunction(7,1/", "conjunction(7,3/"], numbers).map((text) =>
        text.includes("(") ? `${text})` : text,
      ),
      ...numbers.flatMap((value) => [
        value,
        `conjunction(${value},1/2)`,
        `conjunction(7,${value}/64)`,
        `resubmit(${value},3)`,
        `load:${value}->NXM_NX_REG0[]`,
      ]),
      ...both(numbers, masks).flatMap((value) =>
        ["reg0", "xreg7", "xxreg3", "metadata", "tun_id", "pkt_mark", "in_port", "reg16"].map(
          (name) => `set_field:${value}->${name}`,
        ),
      ),
      ...both(addresses, prefixes).flatMap((value) =>
        ["ip_src", "nw_dst", "tun_dst", "arp_spa"].map((name) => `set_field:${value}->${name}`),
      ),
      ...both(macs, macMasks).flatMap((value) => ["eth_src", "dl_dst", "arp_tha"].map((name) => `set_field:${value}->${name}`)),
      ...[
        "",
        "drop",
        "drop,1",
        "1,drop",
        "1,,2",
        "1,",
        ",1",
        "1 2",
        "drop ",
        "output",
        "output:",
        "output:NXM_NX_REG0[]",
        "resubmit",
        "resubmit(,3",
        "resubmit(3)",
        "LOCAL",
        "output:LOCAL",
      ],
      ...[
        "conjunction(1,1/2),conjunction(2,2/2)",
        "conjunction(1,1/2),1",
        "move:NXM_NX_REG0[]->NXM_NX_REG1[],2",
        "ct(commit,1",
        "ct()),1",
        "dec_ttl,goto_table:9",
        "write_actions(1)",
      ],
    ].flatMap((text) => [`ip actions=${text}`, `arp,actions=${text}`]);
    const frames = [
      "actions =drop",
      "action=drop",
      "ip actions=drop,",
      "ip, actions=drop",
      ",ip actions=drop",
      "ip,,tcp actions=drop",
      "ip  ,  tp_dst=1 actions=drop",
      "ip\tactions=drop",
      "ip,ip actions=drop",
      "tcp,udp actions=drop",
      "send_flow_rem,send_flow_rem actions=drop",
      "send_flow_rem=1 actions=drop",
      "reset_counts,check_overlap,priority=3 actions=drop",
      "actions=drop\0",
      "ip\0actions=drop",
      "priority=5\0,ip actions=drop",
      "reg0=1,reg0=2 actions=drop",
      "reg1=1,xreg0=2 actions=drop",
      "reg0=1,reg1=2/0x3,xxreg1=7 actions=drop",
    ];
    const { fast, byCore, differences } = compareRoads([...matches, ...actions, ...frames], compat);
    expect(differences).toEqual([]);
    expect(fast).toBeGreaterThan(1000);
    expect(byCore).toBeGreaterThan(1000);
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
