// The report: docs/benchmarks/results.json, and the table and the charts made from it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { drawCharts } from "./charts.ts";
import { type BenchRecord, type Measured, ratioText } from "./record.ts";
import { withSummary } from "./summary.ts";

/** One line: what was measured, and beside whom. */
export interface ResultLine extends Measured {
  /** Such as `table/add`: the benchmark, and what of it. */
  readonly name: string;
  readonly size?: number;
  readonly unit: string;
  readonly peers: readonly (Measured & { readonly name: string; readonly ratio: number })[];
  /** Largest ratio to that peer that the project aims at. */
  readonly goal?: { readonly peer: string; readonly ratio: number; readonly met: boolean };
}

export interface Report {
  readonly machine: Readonly<Record<string, string | number>>;
  /** When each benchmark ran. */
  readonly dates: Readonly<Record<string, string>>;
  readonly results: readonly ResultLine[];
}

const root = join(new URL(".", import.meta.url).pathname, "..");
const folder = join(root, "docs/benchmarks");
const readme = join(root, "README.md");
const file = join(folder, "results.json");

/** Writes what was recorded. Benchmarks that did not run keep what an earlier run on the same machine found. */
export function writeReport(records: readonly BenchRecord[]): void {
  const machine = describeMachine();
  const results = merge(records);
  const ran = new Set(results.map(benchOf));
  const earlier = readReport();
  const kept = earlier !== undefined && JSON.stringify(earlier.machine) === JSON.stringify(machine) ? earlier : undefined;
  const date = new Date().toISOString().slice(0, 10);
  const report: Report = {
    machine,
    dates: { ...kept?.dates, ...Object.fromEntries([...ran].map((bench) => [bench, date])) },
    results: [...(kept?.results.filter((line) => !ran.has(benchOf(line))) ?? []), ...results],
  };
  mkdirSync(folder, { recursive: true });
  // A line of the file for each line of the benchmarks.
  const lines = report.results.map((line) => `  ${JSON.stringify(line)}`).join(",\n");
  const head = JSON.stringify({ ...report, results: [] }, null, 2).replace(/\[\]\n}$/, "");
  writeFileSync(file, `${head}[\n${lines}\n  ]\n}\n`);
}

/** Makes the table, the charts and what the project's README says of the last report. Tells which files of the folder. */
export function writePages(): string[] {
  const report = readReport();
  if (report === undefined) throw new Error("docs/benchmarks/results.json is missing: npm run bench -- --report");
  const charts = drawCharts(report);
  const pages = [["README.md", tablePage(report)] as const, ...charts];
  for (const [name, text] of pages) writeFileSync(join(folder, name), text);
  writeFileSync(readme, withSummary(readFileSync(readme, "utf8"), report));
  return pages.map(([name]) => name);
}

/** Every line for people to read. */
function tablePage(report: Report): string {
  const { cpu, cores, memoryGiB, system, node, openVSwitch, gcc } = report.machine;
  const page = [
    "# Benchmark results",
    "",
    "Made by `npm run bench -- --report` from [results.json](results.json); [performance](../performance.md) says what they mean.",
    "Medians, with the lowest and the highest of the runs. A ratio is that of the medians; below 1 the library takes less (of a",
    "throughput: gives less).",
    "",
    `Machine: ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}; Node ${node}, Open vSwitch ${openVSwitch}, gcc ${gcc}.`,
  ];
  for (const [bench, date] of Object.entries(report.dates)) {
    const file = `${bench === "cli" ? "cli-diff" : bench}.bench.ts`;
    page.push("", `## ${bench} ([${file}](../../bench/${file}), ${date})`, "");
    page.push("| what | size | median | spread | runs | peers | goal |", "| --- | --: | --: | --: | --: | --- | --- |");
    for (const line of report.results.filter((result) => benchOf(result) === bench)) {
      const spread = line.spread === undefined ? "" : line.spread.map(digits).join(" – ");
      const peers = line.peers.map((peer) => `${peer.name} ${digits(peer.value)}: **${ratioText(peer.ratio)}**`).join("; ");
      const goal = line.goal === undefined ? "" : `≤ ${digits(line.goal.ratio)}, ${line.goal.met ? "met" : "missed"}`;
      const cells = [line.name.slice(bench.length + 1), line.size ?? "", `${digits(line.value)} ${line.unit}`, spread];
      page.push(`| ${[...cells, line.runs ?? 1, peers, goal].join(" | ")} |`);
    }
  }
  return `${page.join("\n")}\n`;
}

/** To three digits, without an exponent. */
function digits(value: number): string {
  return String(Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3)));
}

function readReport(): Report | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Report) : undefined;
}

function benchOf(line: ResultLine): string {
  return line.name.split("/")[0] as string;
}

/** One line for all peers of a figure. */
function merge(records: readonly BenchRecord[]): ResultLine[] {
  const lines = new Map<string, ResultLine>();
  for (const { peer, goal, ...own } of records) {
    const key = `${own.name} ${own.size}`;
    const { peers, ...line } = lines.get(key) ?? { ...own, peers: [] };
    const ratio = peer === undefined ? 0 : own.value / peer.value;
    lines.set(key, {
      ...line,
      peers: peer === undefined ? peers : [...peers, { ...peer, ratio: rounded(ratio) }],
      ...(peer === undefined || goal === undefined ? {} : { goal: { peer: peer.name, ratio: goal, met: ratio <= goal } }),
    });
  }
  return [...lines.values()].map((line) => JSON.parse(JSON.stringify(line, shorten)) as ResultLine);
}

function shorten(key: string, value: unknown): unknown {
  return typeof value === "number" && key !== "size" ? rounded(value) : value;
}

/** To four digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function describeMachine(): Report["machine"] {
  return {
    cpu: (cpus()[0]?.model ?? "unknown").trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.version.slice(1),
    openVSwitch: versionOf("ovs-ofctl", /Open vSwitch\) (\S+)/),
    gcc: versionOf("gcc", /(\d+\.\d+\.\d+)/),
  };
}

function versionOf(program: string, pattern: RegExp): string {
  const { stdout, error } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return (error === undefined ? pattern.exec(stdout)?.[1] : undefined) ?? "not installed";
}
