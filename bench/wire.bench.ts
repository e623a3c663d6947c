// Encoding flow-mods and reading flow-stats replies: nanoseconds per flow, and bytes per second beside a plain memory copy of the
// same bytes. The flows are those of an OVN chassis; see flow-lines.ts.
import { ByteWriter } from "../src/bytes.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { FlowModView } from "../src/flow/packed-flow.ts";
import type { WireVersion } from "../src/flow/version.ts";
import { parseFlow } from "../src/text/parse-flow.ts";
import { decodeMessage, encodeMessage } from "../src/wire/codec.ts";
import { decodeFlowChunk } from "../src/wire/flow-chunk.ts";
import { encodeBundledFlowMod, encodeFlowMod } from "../src/wire/flow-mod-encoder.ts";
import { Framer } from "../src/wire/framer.ts";
import { flowLines } from "./flow-lines.ts";
import { measured, record, smoke } from "./record.ts";

const SIZE = smoke ? 1000 : 50_000;
const ROUNDS = smoke ? 2 : 15;
const NAMES: Readonly<Record<number, string>> = { 4: "1.3", 5: "1.4", 6: "1.5" };
const flows = flowLines(SIZE).map((line) => parseFlow(line));

// All matches and all instructions one behind the other, as a table has them.
const matches = new ByteWriter();
const instructions = new ByteWriter();
const ranges = new Int32Array(4 * flows.length);
for (const [index, flow] of flows.entries()) {
  ranges.set([matches.length, flow.match.bytes.length, instructions.length, flow.instructions.bytes.length], 4 * index);
  matches.bytes(flow.match.bytes);
  instructions.bytes(flow.instructions.bytes);
}

const view: FlowModView = {
  command: 0,
  table: 0,
  priority: 0,
  cookieHigh: 0,
  cookieLow: 0,
  idleTimeout: 0,
  hardTimeout: 0,
  importance: 0,
  flags: 0,
  matchBuffer: matches.buffer,
  matchStart: 0,
  matchLength: 0,
  instructionsBuffer: instructions.buffer,
  instructionsStart: 0,
  instructionsLength: 0,
};

function show(index: number): void {
  const flow = flows[index] as Flow;
  view.table = flow.table;
  view.priority = flow.priority;
  view.cookieHigh = flow.cookieHigh;
  view.cookieLow = flow.cookieLow;
  view.matchStart = ranges[4 * index] as number;
  view.matchLength = ranges[4 * index + 1] as number;
  view.instructionsStart = ranges[4 * index + 2] as number;
  view.instructionsLength = ranges[4 * index + 3] as number;
}

/** Nanoseconds of each run, after one that does not count. */
function time(run: () => void): number[] {
  run();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    run();
    times.push(Number(process.hrtime.bigint() - start));
  }
  return times;
}

/** Copies as many bytes as a plain copy of a big array does, in pieces of up to 64 kB. */
function copyTimes(bytes: number): number[] {
  const from = new Uint8Array(bytes).fill(1);
  const to = new Uint8Array(bytes);
  return time(() => {
    for (let at = 0; at < bytes; at += 65_536) to.set(from.subarray(at, at + 65_536), at);
  });
}

function report(name: string, times: readonly number[], bytes: number): void {
  record({ name: `wire/${name}`, size: SIZE, unit: "ns/flow", ...measured(times.map((ns) => ns / SIZE)) });
  const throughput = (ns: number): number => (bytes / ns) * 1000;
  const peer = { name: "memory copy", ...measured(copyTimes(bytes).map(throughput)) };
  record({ name: `wire/${name}, throughput`, size: SIZE, unit: "MB/s", ...measured(times.map(throughput)), peer });
}

const w = new ByteWriter(70_000);

function encodeAll(version: WireVersion, bundled: boolean): number {
  let bytes = 0;
  w.clear();
  for (let i = 0; i < SIZE; i++) {
    if (w.length > 60_000) {
      bytes += w.length;
      w.clear();
    }
    show(i);
    if (bundled) encodeBundledFlowMod(w, view, version, i, 1, 3);
    else encodeFlowMod(w, view, version, i);
  }
  return bytes + w.length;
}

for (const version of [6, 5, 4] as const) {
  for (const bundled of [false, true]) {
    const bytes = encodeAll(version, bundled);
    const name = `encode ${bundled ? "bundled flow-mod" : "flow-mod"} ${NAMES[version]}`;
    report(
      name,
      time(() => encodeAll(version, bundled)),
      bytes,
    );
  }
}

/** The flows as a switch reports them: multipart replies of up to 60 kB. */
function replies(version: WireVersion): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let start = 0; start < flows.length; start += 300) {
    const part = flows.slice(start, start + 300).map((flow, index) => ({
      table: flow.table,
      priority: flow.priority,
      match: flow.match,
      instructions: flow.instructions,
      cookie: flow.cookie,
      idleTimeout: 0,
      hardTimeout: 0,
      importance: 0,
      flags: 0,
      durationSeconds: 77,
      durationNanoseconds: 1000 * index,
      packetCount: BigInt(index),
      byteCount: BigInt(60 * index),
    }));
    messages.push(encodeMessage({ type: "flowStatsReply", version, xid: 9, flows: part }));
  }
  return messages;
}

let sum = 0;
for (const version of [6, 5, 4] as const) {
  const messages = replies(version);
  const bytes = messages.reduce((total, message) => total + message.length, 0);
  const packed = time(() => {
    for (const message of messages) {
      const chunk = decodeFlowChunk(message);
      for (let i = 0; i < chunk.length; i++) {
        chunk.read(i, view);
        sum += view.matchLength;
      }
    }
  });
  report(`read flow-stats ${NAMES[version]}`, packed, bytes);
  const objects = time(() => {
    for (const message of messages) sum += (decodeMessage(message) as { flows: readonly unknown[] }).flows.length;
  });
  report(`decode flow-stats ${NAMES[version]} to objects`, objects, bytes);
}

// A dump as it comes from a socket, in pieces of 64 kB.
const stream = new Uint8Array(replies(6).reduce((total, message) => total + message.length, 0));
let filled = 0;
for (const message of replies(6)) {
  stream.set(message, filled);
  filled += message.length;
}
const framing = time(() => {
  const framer = new Framer();
  for (let at = 0; at < stream.length; at += 65_536) {
    framer.push(stream.subarray(at, at + 65_536), (message) => {
      sum += message.length;
    });
  }
});
report("frame flow-stats 1.5", framing, stream.length);
if (sum === 0) throw new Error("nothing was read");
