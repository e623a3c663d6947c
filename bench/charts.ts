// The charts of docs/benchmarks, drawn from results.json alone.
import { ratioText } from "./record.ts";
import type { Report, ResultLine } from "./report.ts";
import { sizeText } from "./summary.ts";
import { Svg, textWidth } from "./svg.ts";

const WIDTH = 880;
/** Series of the charts, by the peer's name; 0 is the library. */
const LIBRARY = 0;
const ORDINARY = 1;
const SHARED = 2;
/** The C programs that are drawn: what the goals are set against, and the one with the library's own layout. */
const SHOWN = (report: Report): readonly [rival: string, shared: string] => [
  report.results.some((line) => line.peers.some((peer) => peer.name === "ref")) ? "ref" : "ordinary",
  "shared",
];
const NAMES: Readonly<Record<string, string>> = {
  library: "ofsync",
  ref: "the C reference",
  ordinary: "C, as usually written",
  shared: "C with ofsync's layout",
};

type Chart = readonly [file: string, svg: string];

/** Those charts for which there are figures. */
export function drawCharts(report: Report): Chart[] {
  const withC = (line: ResultLine): boolean => line.peers.some((peer) => SHOWN(report).includes(peer.name));
  const lines = largest(report.results);
  const size = Math.max(...lines.filter(withC).map((line) => line.size ?? 0));
  const charts: (Chart | undefined)[] = [
    ratioChart(
      "table-ratios.svg",
      `The desired table compared with C, ${sizeText(size)} flows`,
      lines.filter(withC),
      report,
      true,
    ),
    ratioChart(
      "other-ratios.svg",
      "The rest compared with its peers and limits",
      lines.filter((line) => line.goal !== undefined && !withC(line)),
      report,
      false,
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

/** One row per line: where the ratio to each peer is, and where it should be at most. */
function ratioChart(
  file: string,
  title: string,
  lines: readonly ResultLine[],
  report: Report,
  withC: boolean,
): Chart | undefined {
  if (lines.length === 0) return undefined;
  const [rival, shared] = SHOWN(report);
  const shown = (line: ResultLine): ResultLine["peers"] =>
    line.peers.filter((peer) => !withC || peer.name === rival || peer.name === shared);
  const ratios = lines.flatMap((line) => [...shown(line).map((peer) => peer.ratio), line.goal?.ratio ?? 1]);
  const labels = lines.map((line) => rowLabel(line, withC));
  const left = 20 + Math.max(...labels.map(textWidth));
  const right = WIDTH - 70;
  const ticks = TICKS.find((some) => covers(some, ratios) && (right - left) / (some.length - 1) >= 38) ?? [0.01, 1, 100];
  const [low, high] = [ticks[0] as number, ticks.at(-1) as number];
  const x = (ratio: number): number => {
    const inside = Math.min(high, Math.max(low, ratio));
    return left + ((right - left) * Math.log(inside / low)) / Math.log(high / low);
  };
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
  legend((to) => svg.mark(to, 72, LIBRARY), withC ? `against ${NAMES[rival]}` : "ofsync against what stands behind the stroke");
  if (withC) legend((to) => svg.mark(to, 72, SHARED), `against ${NAMES[shared]}`);
  legend((to) => svg.line(to, 65, to, 79, "goal"), "goal: at most here");
  legend((to) => svg.rect(to - 4, 68, 9, 9, "missed"), "goal missed");

  for (const tick of ticks) {
    svg.line(x(tick), top - 8, x(tick), bottom, tick === 1 ? "axis" : "grid");
    svg.text(x(tick), top - 14, String(tick), "soft small", "middle");
    svg.text(x(tick), bottom + 16, String(tick), "soft small", "middle");
  }
  for (const [row, line] of lines.entries()) {
    const y = top + 20 * row + 10;
    svg.text(left - 10, y + 4, labels[row] as string, "", "end");
    svg.line(left, y, right, y, "grid");
    if (line.goal !== undefined) svg.line(x(line.goal.ratio), y - 8, x(line.goal.ratio), y + 8, "goal");
    const main = shown(line).find((peer) => peer.name === line.goal?.peer) ?? shown(line)[0];
    for (const peer of shown(line)) svg.mark(x(peer.ratio), y, peer === main ? LIBRARY : SHARED);
    if (main !== undefined) svg.text(right + 14, y + 4, ratioText(main.ratio), line.goal?.met === false ? "missed head" : "");
  }
  svg.text((left + right) / 2, bottom + 38, "ratio to the peer, log scale (left of 1: ofsync takes less)", "soft", "middle");
  return [file, svg.finish(bottom + 54, title)];
}

const TICKS: readonly (readonly number[])[] = [
  [0.1, 0.2, 0.5, 1, 2],
  [0.05, 0.1, 0.2, 0.5, 1, 2],
  [0.05, 0.1, 0.2, 0.5, 1, 2, 5],
  [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
  [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
  [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100],
  [0.01, 0.1, 1, 10],
  [0.01, 0.1, 1, 10, 100],
  [0.001, 0.01, 0.1, 1, 10, 100],
];

function covers(ticks: readonly number[], ratios: readonly number[]): boolean {
  return ratios.every((ratio) => ratio >= (ticks[0] as number) && ratio <= (ticks.at(-1) as number));
}

function rowLabel(line: ResultLine, withC: boolean): string {
  const name = line.name.replace(/^table\//, "").replace("/", ", ");
  if (withC) return name;
  return `${name}${line.size === undefined ? "" : ` (${sizeText(line.size)})`} / ${line.goal?.peer}`;
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
  const drawn = ["library", ...SHOWN(report)];
  for (const [series, name] of drawn.map((program) => NAMES[program] as string).entries()) {
    svg.line(at, 72, at + 30, 72, `curve s${series}`);
    svg.mark(at + 15, 72, series);
    svg.text(at + 38, 76, name);
    at += 62 + textWidth(name);
  }
  svg.line(at, 72, at + 30, 72, "goal");
  svg.text(at + 38, 76, "goal: 1.5 times the smallest");
  const columns = 3;
  const width = (WIDTH - 40) / columns;
  for (const [index, panel] of panels.entries()) {
    growthPanel(
      svg,
      panel.title,
      panel.lines,
      drawn,
      20 + width * (index % columns),
      96 + 218 * Math.floor(index / columns),
      width,
    );
  }
  return ["growth.svg", svg.finish(96 + 218 * Math.ceil(panels.length / columns), title)];
}

function growthPanel(
  svg: Svg,
  title: string,
  lines: readonly ResultLine[],
  drawn: readonly string[],
  x0: number,
  y0: number,
  width: number,
): void {
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
      const which = drawn.indexOf(peer.name);
      if (which > 0) series[which]?.push([line.size as number, peer.value]);
    }
  }
  // Only of a line whose goal is to be as flat: its peer is itself in the smallest table.
  const flat = lines.find((line) => line.peers.some((peer) => peer.name.startsWith("@")));
  const goal = flat?.goal === undefined ? 0 : (flat.peers[0]?.value ?? 0) * flat.goal.ratio;
  const most = Math.max(goal, ...series.flat().map(([, value]) => value));
  const step = tickStep(most);
  const high = step * Math.ceil(most / step);
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
  if (goal > 0) svg.line(left, y(goal), right, y(goal), "goal");
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
  const most = Math.max(...lines.flatMap((line) => [line.value, ...line.peers.map((peer) => peer.value)]));
  const step = tickStep(most);
  const high = step * Math.ceil(most / step);
  const x = (bytes: number): number => left + ((right - left) * bytes) / high;
  const svg = new Svg(WIDTH);
  svg.text(20, 30, title, "title");
  svg.text(20, 50, subtitle(report), "soft");
  svg.line(26, 65, 26, 79, "goal");
  svg.text(38, 76, `goal: at most half of ${NAMES[SHOWN(report)[0]]}`);
  const groupHeight = 3 * 24 + 22;
  const top = 96;
  const bottom = top + groupHeight * lines.length;
  for (let bytes = 0; bytes <= high; bytes += step) {
    svg.line(x(bytes), top, x(bytes), bottom, bytes === 0 ? "axis" : "grid");
    svg.text(x(bytes), bottom + 18, String(bytes), "soft small", "middle");
  }
  for (const [index, line] of lines.entries()) {
    const y0 = top + groupHeight * index + 10;
    svg.text(20, y0 + 12, `${sizeText(line.size as number)} flows`, "head");
    const values = [line.value, ...SHOWN(report).map((name) => line.peers.find((peer) => peer.name === name)?.value)];
    const goal = (values[ORDINARY] ?? 0) * (line.goal?.ratio ?? 0);
    for (const [series, value] of values.entries()) {
      if (value === undefined) continue;
      const y = y0 + 24 * series;
      svg.text(left - 10, y + 13, NAMES[["library", ...SHOWN(report)][series] as string] as string, "", "end");
      svg.rect(left, y, x(value) - left, 18, `bar s${series}`);
      const end = series === LIBRARY ? Math.max(value, goal) : value;
      svg.text(x(end) + 8, y + 13, `${value.toFixed(0)} B`);
    }
    if (goal > 0) svg.line(x(goal), y0 - 3, x(goal), y0 + 21, "goal");
  }
  svg.text((left + right) / 2, bottom + 38, "bytes per flow", "soft", "middle");
  return ["memory.svg", svg.finish(bottom + 54, title)];
}

/** About four steps up to `high`: 1, 2 or 5 times a power of ten. */
function tickStep(high: number): number {
  const power = 10 ** Math.floor(Math.log10(high / 4));
  return power * ([1, 2, 5, 10].find((factor) => high / 4 / power <= factor) as number);
}
