// What README.md says of the results: made from them, so that no figure there is older than they are.
import { ratioText } from "./record.ts";
import type { Report, ResultLine } from "./report.ts";

const BEGIN = "<!-- from docs/benchmarks/results.json: npm run bench -- --report -->";
const END = "<!-- end of benchmarks -->";

/** Steps of the table that README.md tells, the best and the worst among them. */
const HEADLINES: readonly (readonly [name: string, words: string])[] = [
  ["full diff, 0 %", "comparing all with nothing changed"],
  ["incremental diff, 10000", "comparing 10,000 changes"],
  ["replace identical", "replacing flows by the same"],
  ["add", "adding"],
  ["remove by owner", "removing"],
];

/** The page with the section between the marks made anew. Throws if there are none. */
export function withSummary(page: string, report: Report): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md has no section between ${BEGIN} and ${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n${summary(report).join("\n\n")}\n${page.slice(end)}`;
}

function summary(report: Report): string[] {
  const at = (name: string): ResultLine | undefined => largest(report.results.filter((line) => line.name === name));
  const parts: string[] = [];
  const steps = [...new Set(report.results.map((line) => line.name))]
    .filter((name) => name.startsWith("table/"))
    .map((name) => at(name) as ResultLine)
    .filter((line) => line.goal !== undefined);
  if (steps.length > 0) {
    const met = steps.filter((line) => line.goal?.met === true).length;
    const told = HEADLINES.flatMap(([name, words]) => {
      const line = at(`table/${name}`);
      return line === undefined ? [] : [`${words} ${ratio(line)}`];
    });
    parts.push(
      "![Time of each step of the desired table, compared with C](docs/benchmarks/table-ratios.svg)",
      `Beside ${NAMES[steps[0]?.goal?.peer ?? ""] ?? "C"}, with ${sizeText(steps[0]?.size)} flows, in times of its time: ${told.join(", ")}. ` +
        `${met} of ${steps.length} steps are within their goals; [all of them](docs/benchmarks/README.md) ` +
        "([bench](bench/table.bench.ts)).",
    );
  }
  const change = at("latency/change and diff one flow");
  if (change !== undefined) {
    const longest = report.results.filter((line) => line.size === change.size && line.name.endsWith(", longest"));
    const operations = longest.filter((line) => !line.name.includes("pause"));
    const clock = Math.max(...operations.map((line) => line.value));
    const own = Math.max(...operations.map((line) => at(`${line.name}, processor`)?.value ?? 0));
    const pause = at("latency/collection pause, longest");
    parts.push(
      "![Cost of operations at 10k, 100k and 1M flows](docs/benchmarks/growth.svg)",
      `One change and its diff takes ${ratio(change)} times as long in a table of ${sizeText(change.size)} flows as in one of ` +
        `${sizeText(Number(change.peers[0]?.name.slice(1)))} (goal ${change.goal?.ratio}); the longest single operation there took ` +
        `${own.toFixed(1)} ms of processor time and ${clock.toFixed(1)} ms by the clock, the longest collection pause ` +
        `${pause?.value.toFixed(1)} ms (goal 10 ms; medians of ${change.runs} runs, [bench](bench/latency.bench.ts)).`,
    );
  }
  const memory = largest(report.results.filter((line) => line.name === "memory/allocated" && line.peers.length > 0));
  if (memory !== undefined) {
    const beside = memory.peers.map(
      (peer) => `${ratioText(peer.ratio)} of ${NAMES[peer.name] ?? peer.name} (${peer.value.toFixed(0)} B)`,
    );
    parts.push(
      "![Bytes per flow of ofsync and the C programs](docs/benchmarks/memory.svg)",
      `A flow, desired and installed, takes ${memory.value.toFixed(0)} bytes in a table of ${sizeText(memory.size)}` +
        `${beside.length === 0 ? "" : `: ${beside.join(", ")}`} ([bench](bench/memory.bench.ts)).`,
    );
  }
  return parts;
}

const NAMES: Readonly<Record<string, string>> = {
  ref: "the C reference",
  ordinary: "C as usually written",
  shared: "C with the same layout",
};

function largest(lines: readonly ResultLine[]): ResultLine | undefined {
  return lines.reduce<ResultLine | undefined>((most, line) => ((most?.size ?? -1) < (line.size ?? 0) ? line : most), undefined);
}

function ratio(line: ResultLine): string {
  return ratioText(line.peers.find((peer) => peer.name === line.goal?.peer)?.ratio ?? Number.NaN);
}

/** Such as 100k. */
export function sizeText(size = 0): string {
  if (size >= 1e6) return `${size / 1e6}M`;
  return size >= 1000 ? `${size / 1000}k` : String(size);
}
