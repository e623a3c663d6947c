// Text to flows and back, per flow: without an object per flow (FlowTextReader, FlowTextWriter), with one (parseFlow,
// parseFlowReading, parseFlows, formatFlow), and "ovs-ofctl diff-flows", which reads both files and prints their differences, per flow
// read.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createFlowModView,
  FlowList,
  FlowTextReader,
  FlowTextWriter,
  formatFlow,
  parseFlow,
  parseFlowReading,
  parseFlows,
} from "../src/index.ts";
import { flowLines } from "./flow-lines.ts";
import { type Measured, measured, record, smoke } from "./record.ts";

const size = smoke ? 1000 : 100_000;
const rounds = smoke ? 1 : 5;
const lines = flowLines(size);
const others = flowLines(size, 0x2545_f491);
const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`);

/** Microseconds per flow; what `work` returns keeps it from being optimised away. */
function perFlow(count: number, work: () => number): Measured {
  const times: number[] = [];
  let sum = 0;
  for (let i = 0; i < rounds + 1; i++) {
    const start = process.cpuUsage();
    sum += work();
    const { user, system } = process.cpuUsage(start);
    if (i > 0) times.push((user + system) / count);
  }
  if (sum === 0) throw new Error("nothing was done");
  return measured(times);
}

/** Time of the peer, in microseconds per flow; `undefined` where it is not installed. */
function peer(): Measured | undefined {
  const folder = mkdtempSync(join(tmpdir(), "ofsync-bench-"));
  try {
    const [a, b] = [lines, others].map((text, i) => {
      const path = join(folder, `${i}.txt`);
      writeFileSync(path, text.join("\n"));
      return path;
    }) as [string, string];
    const times: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const start = performance.now();
      const run = spawnSync("ovs-ofctl", ["-O", "OpenFlow15", "--no-names", "diff-flows", a, b], {
        stdio: ["ignore", "ignore", "ignore"],
      });
      if (run.error !== undefined) return undefined;
      times.push(((performance.now() - start) * 1000) / (2 * size));
    }
    return measured(times);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const theirs = peer();
const beside = theirs === undefined ? {} : { peer: { name: "ovs-ofctl diff-flows", ...theirs } };
const few = lines.slice(0, size / 10);
const flows = few.map((line) => parseFlow(line));
const list = FlowList.of(flows);
const view = createFlowModView();

record({
  name: "text/FlowTextReader",
  size,
  unit: "us/flow",
  ...beside,
  ...perFlow(size, () => {
    let sum = 0;
    const reader = new FlowTextReader({ onFlow: (flow) => (sum += flow.matchLength) });
    reader.push(bytes);
    reader.finish();
    return sum;
  }),
});
record({
  name: "text/FlowTextWriter",
  size: few.length,
  unit: "us/flow",
  ...perFlow(few.length, () => {
    const writer = new FlowTextWriter();
    for (let i = 0; i < list.length; i++) {
      list.read(i, view);
      writer.writeDiffFlow(view);
    }
    return writer.length;
  }),
});
record({
  name: "text/parseFlow",
  size: few.length,
  unit: "us/flow",
  ...beside,
  ...perFlow(few.length, () => few.reduce((sum, line) => sum + parseFlow(line).match.bytes.length, 0)),
});
const dumped = few.map((line, i) => ` duration=${i % 100}.5s, n_packets=${7 * i}, n_bytes=${420 * i}, idle_age=3, ${line}`);
record({
  name: "text/parseFlowReading, with statistics",
  size: few.length,
  unit: "us/flow",
  ...beside,
  ...perFlow(few.length, () => dumped.reduce((sum, line) => sum + (parseFlowReading(line).stats?.idleAge ?? 0), 0)),
});
const dump = dumped.join("\n");
record({
  name: "text/parseFlows, with statistics",
  size: few.length,
  unit: "us/flow",
  ...beside,
  ...perFlow(few.length, () => {
    let sum = 0;
    for (const { stats } of parseFlows(dump)) sum += stats?.idleAge ?? 0;
    return sum;
  }),
});
record({
  name: "text/formatFlow",
  size: few.length,
  unit: "us/flow",
  ...beside,
  ...perFlow(few.length, () => flows.reduce((sum, flow) => sum + formatFlow(flow).length, 0)),
});
