// The charts of docs/benchmarks, drawn from results.json alone.
import type { Report, ResultLine } from "./report.ts";
import { Svg, textWidth } from "./svg.ts";

const WIDTH = 880;
/** Series of the charts, by the peer's name; 0 is the library. */
const LIBRARY = 0;
const ORDINARY = 1;
const SHARED = 2;
const NAMES: readonly string[] = ["ofsync", "C, as usually written", "C with ofsync's layout"];

type Chart = readonly [file: string, svg: string];

/** Those charts for which there are figures. */
export function drawCharts(report: Report): Chart[] {
  const { results } = report;
  const ofTable = results.filter((line) => line.name.startsWith("table/") && line.peers.length > 0);
  const charts: (Chart | undefined)[] = [
    ratioChart("table-ratios.svg", "Time of the desired table, compared with C", largest(ofTable), report),
    ratioChart(
      "other-ratios.svg",
      "Everything else that has a goal",
      largest(results.filter((line) => line.goal !== undefined && !line.name.startsWith("table/"))),
      report,
    ),
    growthChart(report),
    memoryChart(report),
  ];
  return charts.filter((chart) => chart !== undefined);
}

/** Of each name the line with the largest size. */
function largest(lines: readonly ResultLine[]): ResultLine[] {
  const found = new Map<string, ResultLine>();
  for (const line of lines) if ((found.get(line.name)?.size ?? -1) < (line.size ?? 0)) found.set(line.name, line);
  return [...found.values()];
}

function subtitle(report: Report): string {
  const { cpu, cores, node, openVSwitch } = report.machine;
  return `${cpu}, ${cores} cores, Node ${node}, Open vSwitch ${openVSwitch}; medians`;
}

function sizeText(size: number): string {
  if (size >= 1e6) return `${size / 1e6}M`;
  return size >= 1000 ? `${size / 1000}k` : String(size);
}

/** One row per line: where the ratio to each peer is, and where it should be at most. */
function ratioChart(file: string, title: string, lines: readonly ResultLine[], report: Report): Chart | undefined {
  if (lines.length === 0) return undefined;
  const ratios = lines.flatMap((line) => [...line.peers.map((peer) => peer.ratio), line.goal?.ratio ?? 1]);
  const ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];
  const low = ticks.findLast((tick) => tick <= Math.min(...ratios)) ?? 0.01;
  const high = ticks.find((tick) => tick >= Math.max(...ratios)) ?? 100;
  const labels = lines.map((line) => rowLabel(line));
  const left = 20 + Math.max(...labels.map(textWidth));
  const right = WIDTH - 70;
  const x = (ratio: number): number =>
    left + ((right - left) * Math.log(Math.min(high, Math.max(low, ratio)) / low)) / Math.log(high / low);
  const top = 112;
  const bottom = top + 20 * lines.length;

  const svg = new Svg(WIDTH);
  svg.text(20, 30, title, "title");
  svg.text(20, 50, subtitle(report), "soft");
  let at = 20;
  const legend = (draw: (x: number) => void, text: string): void => {
    draw(at + 6);
    svg.text(at + 18, 76, text);
    at += 38 + textWidth(text);
  };
  const shared = lines.some((line) => line.peers.some((peer) => peer.name === "shared"));
  legend((to) => svg.mark(to, 72, LIBRARY), shared ? `against ${NAMES[ORDINARY]}` : "ofsync against its peer");
  if (shared) legend((to) => svg.mark(to, 72, SHARED), `against ${NAMES[SHARED]}`);
  legend((to) => svg.line(to, 65, to, 79, "goal"), "goal: at most here");
  legend((to) => svg.rect(to - 4, 68, 9, 9, "missed"), "ratio that missed its goal");

  for (const tick of ticks.filter((tick) => tick >= low && tick <= high)) {
    svg.line(x(tick), top - 8, x(tick), bottom, tick === 1 ? "axis" : "grid");
    svg.text(x(tick), top - 14, String(tick), "soft small", "middle");
    svg.text(x(tick), bottom + 16, String(tick), "soft small", "middle");
  }
  for (const [row, line] of lines.entries()) {
    const y = top + 20 * row + 10;
    svg.text(left - 10, y + 4, labels[row] as string, "", "end");
    svg.line(left, y, right, y, "grid");
    if (line.goal !== undefined) svg.line(x(line.goal.ratio), y - 8, x(line.goal.ratio), y + 8, "goal");
    const main = line.peers.find((peer) => peer.name === line.goal?.peer) ?? line.peers[0];
    for (const peer of line.peers) svg.mark(x(peer.ratio), y, peer === main ? LIBRARY : SHARED);
    if (main !== undefined) svg.text(right + 14, y + 4, main.ratio.toFixed(2), line.goal?.met === false ? "missed head" : "");
  }
  svg.text((left + right) / 2, bottom + 38, "ratio to the peer, log scale (left of 1: ofsync takes less)", "soft", "middle");
  return [file, svg.finish(bottom + 54, title)];
}

function rowLabel(line: ResultLine): string {
  const name = line.name.replace(/^table\//, "").replace("/", ": ");
  const peer = line.name.startsWith("table/") ? "" : ` / ${line.goal?.peer}`;
  return `${name}${line.size === undefined ? "" : ` (${sizeText(line.size)})`}${peer}`;
}

/** What is shown over the table's size, in the order of the panels. */
const PANELS: readonly (readonly [name: string, title: string])[] = [
  ["table/add", "add a flow"],
  ["table/replace, 1 change", "replace an owner's flows, 1 new"],
  ["table/remove by owner", "remove by owner"],
  ["table/incremental diff, 100", "incremental diff of 100 changes"],
  ["table/full diff, 1 %", "full diff, 1 % changed"],
  ["latency/change and diff one flow", "one change and its diff (median)"],
];

/** Cost of an operation against the number of flows in the table. */
function growthChart(report: Report): Chart | undefined {
  const panels = PANELS.map(([name, title]) => ({ title, lines: report.results.filter((line) => line.name === name) })).filter(
    (panel) => panel.lines.length > 1,
  );
  if (panels.length === 0) return undefined;
  const title = "Cost of an operation as the table grows";
  const svg = new Svg(WIDTH);
  svg.text(20, 30, title, "title");
  svg.text(20, 50, subtitle(report), "soft");
  let at = 20;
  for (const [series, name] of NAMES.entries()) {
    svg.line(at, 72, at + 30, 72, `curve s${series}`);
    svg.mark(at + 15, 72, series);
    svg.text(at + 38, 76, name);
    at += 62 + textWidth(name);
  }
  const columns = 3;
  const width = (WIDTH - 40) / columns;
  for (const [index, panel] of panels.entries()) {
    growthPanel(svg, panel.title, panel.lines, 20 + width * (index % columns), 96 + 218 * Math.floor(index / columns), width);
  }
  return ["growth.svg", svg.finish(96 + 218 * Math.ceil(panels.length / columns), title)];
}

function growthPanel(svg: Svg, title: string, lines: readonly ResultLine[], x0: number, y0: number, width: number): void {
  const left = x0 + 56;
  const right = x0 + width - 22;
  const top = y0 + 34;
  const bottom = y0 + 160;
  const sizes = lines.map((line) => line.size as number);
  const [first, last] = [Math.min(...sizes), Math.max(...sizes)];
  const x = (size: number): number => left + ((right - left) * Math.log(size / first)) / Math.log(last / first);
  const series: [number, number][][] = [[], [], []];
  for (const line of lines) {
    series[LIBRARY]?.push([line.size as number, line.value]);
    for (const peer of line.peers) {
      const which = ["", "ordinary", "shared"].indexOf(peer.name);
      if (which > 0) series[which]?.push([line.size as number, peer.value]);
    }
  }
  const step = tickStep(Math.max(...series.flat().map(([, value]) => value)));
  const high = step * Math.ceil(Math.max(...series.flat().map(([, value]) => value)) / step);
  const y = (value: number): number => bottom - ((bottom - top) * value) / high;
  svg.text(x0 + width / 2 + 10, y0 + 16, title, "head", "middle");
  for (let value = 0; value <= high + step / 2; value += step) {
    svg.line(left, y(value), right, y(value), value === 0 ? "axis" : "grid");
    svg.text(left - 8, y(value) + 4, String(value), "soft small", "end");
  }
  for (const size of sizes) {
    svg.line(x(size), bottom, x(size), bottom + 5, "axis");
    svg.text(x(size), bottom + 18, sizeText(size), "soft small", "middle");
  }
  svg.text((left + right) / 2, bottom + 36, "flows in the table, log scale", "soft small", "middle");
  svg.verticalText(x0 + 12, (top + bottom) / 2, lines[0]?.unit === "ns" ? "ns" : "ns per flow", "soft small");
  // The library last, on top.
  for (const which of [SHARED, ORDINARY, LIBRARY]) {
    const points = (series[which] as [number, number][]).map(([size, value]): [number, number] => [x(size), y(value)]);
    if (points.length > 1) svg.polyline(points, `curve s${which}`);
    for (const [px, py] of points) svg.mark(px, py, which);
  }
}

/** Bytes per flow, desired and installed together, of the library and both C programs. */
function memoryChart(report: Report): Chart | undefined {
  const lines = report.results.filter((line) => line.name === "memory/allocated" && line.peers.length > 0);
  if (lines.length === 0) return undefined;
  const title = "Memory per flow, desired and installed together";
  const left = 190;
  const right = WIDTH - 110;
  const high = 50 * Math.ceil(Math.max(...lines.flatMap((line) => [line.value, ...line.peers.map((peer) => peer.value)])) / 50);
  const x = (bytes: number): number => left + ((right - left) * bytes) / high;
  const svg = new Svg(WIDTH);
  svg.text(20, 30, title, "title");
  svg.text(20, 50, subtitle(report), "soft");
  svg.line(26, 65, 26, 79, "goal");
  svg.text(38, 76, "goal: at most half of C as usually written");
  const groupHeight = 3 * 24 + 22;
  const top = 96;
  const bottom = top + groupHeight * lines.length;
  for (let bytes = 0; bytes <= high; bytes += 50) {
    svg.line(x(bytes), top, x(bytes), bottom, bytes === 0 ? "axis" : "grid");
    svg.text(x(bytes), bottom + 18, String(bytes), "soft small", "middle");
  }
  for (const [index, line] of lines.entries()) {
    const y0 = top + groupHeight * index + 10;
    svg.text(20, y0 + 12, `${sizeText(line.size as number)} flows`, "head");
    const values = [line.value, ...["ordinary", "shared"].map((name) => line.peers.find((peer) => peer.name === name)?.value)];
    for (const [series, value] of values.entries()) {
      if (value === undefined) continue;
      const y = y0 + 24 * series;
      svg.text(left - 10, y + 13, series === 0 || index === 0 ? (NAMES[series] as string) : (NAMES[series] as string), "", "end");
      svg.rect(left, y, x(value) - left, 18, `bar s${series}`);
      svg.text(x(value) + 8, y + 13, `${value.toFixed(0)} B`);
    }
    const ordinary = values[1];
    if (ordinary !== undefined) svg.line(x(ordinary / 2), y0 - 3, x(ordinary / 2), y0 + 21, "goal");
  }
  svg.text((left + right) / 2, bottom + 38, "bytes per flow", "soft", "middle");
  return ["memory.svg", svg.finish(bottom + 54, title)];
}

/** About four steps up to `high`: 1, 2 or 5 times a power of ten. */
function tickStep(high: number): number {
  const power = 10 ** Math.floor(Math.log10(high / 4));
  return power * ([1, 2, 5, 10].find((factor) => high / 4 / power <= factor) as number);
}
