import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FlowPairing } from "../../src/diff/flow-pairing.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { FlowList } from "../../src/table/flow-list.ts";
import * as tableLayout from "../../src/table/layout.ts";
import { ScanHost } from "../../src/text/fast/scan-host.ts";
import * as layout from "../../src/text/fast/scan-layout.ts";
import { FlowTextReader } from "../../src/text/flow-text-reader.ts";
import { formatDiffFlow } from "../../src/text/format-flow.ts";
import { parseFlow } from "../../src/text/parse-flow.ts";
import { coreCode, SCAN_CORE, targetOf } from "../core-compiler/core-code.ts";

// That the scanner reads lines as the other roads do is tested with these, in fast-road.test.ts.

const set = (name: string): string =>
  gunzipSync(readFileSync(new URL(`../vectors/flowsets/${name}.gz`, import.meta.url))).toString();
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Read {
  readonly flows: readonly string[];
  readonly errors: readonly string[];
  readonly lines: number;
}

/** Reads a text in chunks; with `runs`, many flows at a time. */
function read(bytes: Uint8Array, size: number, runs: boolean): Read {
  const flows: string[] = [];
  const errors: string[] = [];
  const put = (flow: Flow, line: number): unknown => flows.push(`${line} ${formatDiffFlow(flow)} ${flow.flags}`);
  const list = new FlowList();
  const reader = new FlowTextReader({
    compat: "ovs",
    onFlow(flow, line) {
      list.clear();
      list.appendView(flow);
      put(list.at(0), line);
    },
    onRun: runs
      ? ({ words, length }, line) => {
          // A pairing takes what a FlowList has, so it is asked what there is.
          const pairing = new FlowPairing();
          pairing.addInstalledRun({ words, length });
          expect(pairing.installedCount).toBeGreaterThan(0);
          list.clear();
          for (let i = 0, at = 0; i < length; i++) at = append(list, words, at);
          for (let i = 0; i < length; i++) put(list.at(i), line + i);
        }
      : undefined,
    onError: (error, line) => errors.push(`${line} ${error.code} ${error.place.column}`),
  });
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  reader.finish();
  return { flows, errors, lines: reader.lines };
}

function append(list: FlowList, words: Int32Array, at: number): number {
  const lengths = words[at + tableLayout.FLOW_LENGTHS] as number;
  const [matchBytes, instructionBytes] = [lengths & 0xffff, lengths >>> 16];
  const end = at + tableLayout.FLOW_DATA + ((matchBytes + 3) >>> 2) + ((instructionBytes + 3) >>> 2);
  const to = list.reserveWords(matchBytes, instructionBytes);
  list.words.set(words.subarray(at, end), to);
  return end;
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("the scanner in WebAssembly", () => {
  it("is compiled from its present source", () => {
    expect(readFileSync(targetOf(SCAN_CORE), "utf8")).toBe(coreCode(SCAN_CORE));
  });

  it("lays flows out as the table does", () => {
    const shared = Object.entries(layout).filter(([name]) => name.startsWith("FLOW_"));
    const ofTable = new Map<string, unknown>(Object.entries(tableLayout));
    // Room and count are the scanner's own.
    const same = shared.filter(([name, value]) => ofTable.get(name) === value).map(([name]) => name);
    expect(same.length).toBe(shared.length - 2);
    expect(same).toContain("FLOW_DATA");
  });

  it("gives the same flows with their lines, in pieces of any size, one by one or in runs, or without WebAssembly", () => {
    const text = set("ovn-20k/installed.txt");
    const lines = text.split("\n");
    // Between the usual lines all that is not usual.
    const odd = [
      ...[
        "# a comment",
        "",
        "   ",
        "priority=x actions=drop",
        "tcp6,tp_dst=5 actions=drop # why\r",
        "NXST_FLOW reply (xid=0x4):",
      ],
      ...[
        `ip actions=${"output:7,".repeat(700)}drop`,
        `ip actions=${"resubmit(,7),".repeat(700)}8`,
        `# ${"x".repeat(600_000)}`,
        "é actions=drop",
      ],
    ];
    for (let i = 0; i < odd.length; i++) lines.splice(1500 * i + 7, 0, odd[i] as string);
    const bytes = encode(lines.join("\n"));
    const careful = read(bytes, 16_384, false);
    expect(careful.flows.length).toBeGreaterThan(20_000);
    expect(careful.errors.length).toBe(3);
    const start = vi.spyOn(ScanHost, "start");
    for (const [size, runs] of [
      [40_000, false],
      [262_144, true],
      [1 << 24, false],
      [1 << 24, true],
    ] as const) {
      expect(read(bytes, size, runs)).toEqual(careful);
    }
    expect(start).toHaveBeenCalledTimes(4);
    start.mockReturnValue(undefined);
    expect(read(bytes, 262_144, true)).toEqual(careful);
  });

  it("is not there where the host has no WebAssembly, or where other rules hold", () => {
    expect(ScanHost.start({ version: "OpenFlow10" })).toBeUndefined();
    expect(ScanHost.start({ showHidden: true })).toBeUndefined();
    vi.stubGlobal("WebAssembly", undefined);
    expect(ScanHost.start({})).toBeUndefined();
  });

  it("is used again by the next reader, and never by two at a time", () => {
    const bytes = encode(set("ovn-20k/desired.txt"));
    const careful = read(bytes, 16_384, false);
    const first: string[] = [];
    const outer = new FlowTextReader({
      compat: "ovs",
      onFlow: (flow, line) => first.push(`${line} ${flow.table} ${flow.matchLength}`),
    });
    outer.push(bytes.subarray(0, 100_000));
    // In between, another one reads all.
    expect(read(bytes, 262_144, true)).toEqual(careful);
    outer.push(bytes.subarray(100_000));
    outer.finish();
    const alone: string[] = [];
    const again = new FlowTextReader({
      compat: "ovs",
      onFlow: (flow, line) => alone.push(`${line} ${flow.table} ${flow.matchLength}`),
    });
    again.push(bytes);
    again.finish();
    expect(first).toEqual(alone);
    // Not by toBe, which would compare all of their memory.
    const [a, b] = [ScanHost.start({}), ScanHost.start({})];
    expect(a === b).toBe(false);
    a?.release();
    expect(ScanHost.start({}) === a).toBe(true);
    b?.release();
    expect(ScanHost.start({ onWarning: () => {} }) === b).toBe(false);
    expect(ScanHost.start({ compat: "ovs", version: "OpenFlow13" }) === b).toBe(false);
    expect(ScanHost.start({}) === b).toBe(true);
  });

  it("forgets actions when there are too many, and reads on", () => {
    const actions = Array.from(
      { length: 20_000 },
      (_, i) =>
        `ip,priority=${i % 999} actions=move:NXM_NX_REG0[0..${i % 31}]->NXM_NX_REG${i % 16}[0..${i % 31}],load:${i}->NXM_NX_REG3[]`,
    );
    const bytes = encode(`${[...actions, ...actions].join("\n")}\n`);
    const { flows, errors } = read(bytes, 1 << 18, false);
    expect(errors).toEqual([]);
    expect(flows.length).toBe(40_000);
    expect(flows[39_999]).toBe(`40000 ${formatDiffFlow(parseFlow(actions[19_999] as string))} 0`);
    expect(flows[12_345]).toBe(`12346 ${formatDiffFlow(parseFlow(actions[12_345] as string))} 0`);
  });
});
