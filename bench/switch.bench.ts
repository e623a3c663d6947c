// How near the transport comes to what the switch can take: the same flow-mods as pre-encoded bytes in one stream (the ceiling),
// through OpenFlowTransport.send (plain and atomic), from a filled desired table to confirmed by a Synchroniser with its default
// options (reading the empty switch back first, flow monitor, bundles), and from a file against `ovs-ofctl add-flows --bundle`.
// Then reading all flows back against `ovs-ofctl dump-flows`, and one change with all flows installed against the same bytes by
// hand. All run in turn on one switch, emptied in between; ratios count, not absolute figures. The CPU time of this process beside
// the table's line hardly depends on what else the machine does.
import { readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { ByteWriter } from "../src/bytes.ts";
import { createFlowModView, type FlowModBatch } from "../src/diff/flow-mod.ts";
import { flowModBatch } from "../src/diff/flow-mod-batch.ts";
import type { Flow } from "../src/flow/flow.ts";
import { connectSwitch, type OpenFlowTransport } from "../src/openflow/openflow-transport.ts";
import { Synchroniser } from "../src/sync/synchroniser.ts";
import { DesiredFlowTable } from "../src/table/desired-table.ts";
import { FlowList } from "../src/table/flow-list.ts";
import { ownerFor } from "../src/table/owner-id.ts";
import { FlowTextReader } from "../src/text/flow-text-reader.ts";
import { parseFlows } from "../src/text/parse-flows.ts";
import { encodeMessage } from "../src/wire/codec.ts";
import { encodeBundledFlowMod, encodeFlowMod } from "../src/wire/flow-mod-encoder.ts";
import { Framer } from "../src/wire/framer.ts";
import { missingOpenVSwitch, OpenVSwitch } from "../test/peer/open-vswitch.ts";
import { flowLines } from "./flow-lines.ts";
import { type Measured, measured, record, smoke } from "./record.ts";

const VERSION = 6;
const FIRST_XID = 0x100_0000;
const CLEAR = ["-O", "OpenFlow15", "del-flows"] as const;

/** The ceiling: bytes that were made before go through a bare socket, then a barrier. */
class BareSender {
  readonly #socket: Socket;
  readonly #framer = new Framer();
  #waiting: { type: number; resolve: () => void } | undefined;
  errors = 0;

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on("data", (chunk: Uint8Array) => {
      this.#framer.push(chunk, (message) => {
        const type = message[1] as number;
        if (type === 1) this.errors++;
        if (type === 2) this.#socket.write(encodeMessage({ type: "echoReply", data: message.slice(8) }, { version: VERSION }));
        if (type !== this.#waiting?.type) return;
        const { resolve } = this.#waiting;
        this.#waiting = undefined;
        resolve();
      });
    });
  }

  async greet(): Promise<void> {
    await this.exchange(encodeMessage({ type: "hello", versions: [VERSION] }, { version: VERSION }), 0);
  }

  /** Writes bytes and waits for a message of that type. */
  exchange(bytes: Uint8Array, answer: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { type: answer, resolve };
      this.#socket.write(bytes);
    });
  }

  async plain(bytes: Uint8Array): Promise<void> {
    this.#socket.write(bytes);
    await this.barrier();
  }

  async bundle(bytes: Uint8Array): Promise<void> {
    const control = (kind: "openRequest" | "commitRequest"): Uint8Array =>
      encodeMessage({ type: "bundleControl", bundleId: 1, control: kind, flags: 3 }, { version: VERSION, xid: 1 });
    this.#socket.write(control("openRequest"));
    this.#socket.write(bytes);
    await this.barrier();
    await this.exchange(control("commitRequest"), 33);
  }

  barrier(): Promise<void> {
    return this.exchange(encodeMessage({ type: "barrierRequest" }, { version: VERSION, xid: 2 }), 21);
  }

  close(): void {
    this.#socket.destroy();
  }
}

function encodeAll(batch: FlowModBatch, bundled: boolean): Uint8Array {
  const writer = new ByteWriter(batch.length * 200 + 1024);
  const view = createFlowModView();
  for (let i = 0; i < batch.length; i++) {
    batch.read(i, view);
    if (bundled) encodeBundledFlowMod(writer, view, VERSION, FIRST_XID + i, 1, 3);
    else encodeFlowMod(writer, view, VERSION, FIRST_XID + i);
  }
  return writer.finish();
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await body();
  return performance.now() - start;
}

function expectApplied(result: { fate: string; refused: ReadonlyMap<number, unknown> }): void {
  if (result.fate !== "applied" || result.refused.size > 0)
    throw new Error(`not applied: ${JSON.stringify([...result.refused].slice(0, 3))}`);
}

/** Bytes of a file that are read before what they say goes to the table, and the event loop gets its turn. */
const PART = 64 * 1024;

/** From a file to confirmed: what was read is on its way to the switch while the rest is read. */
async function sendFile(file: string, transport: OpenFlowTransport, atomic: "whenPossible" | "never"): Promise<void> {
  const table = new DesiredFlowTable();
  const synchroniser = new Synchroniser({ table, transport, closeTransport: false, batch: { atomic } });
  synchroniser.start();
  const bytes = readFileSync(file);
  const list = new FlowList();
  const reader = new FlowTextReader({ onFlow: (flow) => list.appendView(flow) });
  for (let at = 0; at < bytes.length; at += PART) {
    reader.push(bytes.subarray(at, at + PART));
    if (at + PART >= bytes.length) reader.finish();
    table.setFlows(ownerFor(`part ${at}`), list);
    list.clear();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await settle(synchroniser);
  await synchroniser.stop();
}

async function connected(transport: OpenFlowTransport): Promise<OpenFlowTransport> {
  transport.open();
  while (!transport.isUp) await new Promise((resolve) => setTimeout(resolve, 5));
  return transport;
}

/** From a filled table to confirmed, the whole way. */
async function settle(synchroniser: Synchroniser): Promise<void> {
  const { refused } = await synchroniser.settled();
  if (refused.length > 0) throw new Error(`${refused.length} flows were refused`);
}

async function readAll(transport: OpenFlowTransport): Promise<number> {
  let count = 0;
  for await (const chunk of transport.readFlows()) count += chunk.length;
  return count;
}

/** What the lines about loading share. */
interface Load {
  readonly peer: OpenVSwitch;
  readonly file: string;
  readonly count: number;
  readonly rounds: number;
  /** Without a monitor: it would tell of the ceiling's flows as changes by somebody else, at the expense of both. */
  readonly transport: OpenFlowTransport;
  readonly bare: BareSender;
}

/** Times by name. Before each the switch is emptied, unless there is something else to do. */
class Times {
  readonly #times: Record<string, number[]> = {};
  readonly #load: Load;

  constructor(load: Load) {
    this.#load = load;
  }

  clear(): Promise<string> {
    const { peer } = this.#load;
    return peer.ofctl(...CLEAR, peer.socketPath);
  }

  async run(name: string, body: () => Promise<unknown>, prepare: () => Promise<unknown> = () => this.clear()): Promise<void> {
    await prepare();
    this.#times[name] ??= [];
    (this.#times[name] as number[]).push(await timed(body));
  }

  /** The first round warms up the switch and the compiler and is not counted. */
  forget(): void {
    for (const list of Object.values(this.#times)) list.length = 0;
  }

  against(name: string, peerName: string, goal: number): void {
    const { count } = this.#load;
    const perFlow = (of: string): Measured => measured((this.#times[of] as number[]).map((ms) => (1000 * ms) / count));
    const peer = { name: peerName, ...perFlow(peerName) };
    record({ name: `switch/${name}`, size: count, ...perFlow(name), unit: "us/flow", peer, goal });
  }
}

const asIs = async (): Promise<void> => {};

async function measure(peer: OpenVSwitch, count: number, rounds: number): Promise<void> {
  const file = join(peer.folder, `flows-${count}.txt`);
  writeFileSync(file, `${flowLines(count).join("\n")}\n`);
  const transport = await connected(connectSwitch(peer.address, { versions: ["OpenFlow15"], monitor: false }));
  const bare = new BareSender(peer.socketPath);
  await bare.greet();
  const load = { peer, file, count, rounds, transport, bare };
  await sending(load);
  // By now the flow objects of the lines before are garbage: who reads a file has none, and collecting around them takes time.
  await filesAndReading(load);
  await oneChange(peer, count, flowsOf(file), bare, transport);
  if (bare.errors > 0) throw new Error(`${bare.errors} errors from the switch`);
  bare.close();
  await transport.close();
  await peer.ofctl(...CLEAR, peer.socketPath);
}

function flowsOf(file: string): Flow[] {
  return Array.from(parseFlows(readFileSync(file, "utf8")), ({ flow }) => flow);
}

/** Flow-mods that are at hand: the ceiling, the transport, a table and its synchroniser. */
async function sending(load: Load): Promise<void> {
  const { peer, count, rounds, transport, bare } = load;
  const flows = flowsOf(load.file);
  const batch = flowModBatch(flows.map((flow) => ({ command: "add", flow })));
  const bytes = { plain: encodeAll(batch, false), bundle: encodeAll(batch, true) };
  const owner = ownerFor("bench");
  const ownCpu: number[] = [];
  const times = new Times(load);
  for (let i = 0; i <= rounds; i++) {
    if (i === 1) times.forget();
    await times.run("ceiling plain", () => bare.plain(bytes.plain));
    await times.run("send plain", async () => expectApplied(await transport.send(batch)));
    await times.run("ceiling bundle", () => bare.bundle(bytes.bundle));
    await times.run("send atomic", async () => expectApplied(await transport.send(batch, { atomic: true })));
    await times.clear();
    const table = new DesiredFlowTable();
    for (const flow of flows) table.addFlow(owner, flow);
    const synchroniser = new Synchroniser({
      table,
      transport: await connected(connectSwitch(peer.address, { versions: ["OpenFlow15"] })),
    });
    const before = process.cpuUsage();
    const fromTable = (): Promise<void> => {
      synchroniser.start();
      return settle(synchroniser);
    };
    await times.run("table", fromTable, asIs);
    const { user, system } = process.cpuUsage(before);
    await synchroniser.stop();
    if (i > 0) ownCpu.push((user + system) / count);
  }
  times.against("send plain", "ceiling plain", 1.11);
  times.against("send atomic", "ceiling bundle", 1.11);
  times.against("table", "ceiling plain", 1.11);
  record({ name: "switch/table, CPU of this process", size: count, unit: "us/flow", ...measured(ownCpu) });
}

/** From a file to confirmed, with bundles and without, and all flows read back; the ceiling beside it once more. */
async function filesAndReading(load: Load): Promise<void> {
  const { peer, file, count, rounds, transport, bare } = load;
  const bytes = encodeAll(flowModBatch(flowsOf(file).map((flow) => ({ command: "add", flow }))), false);
  const ownCpu: number[] = [];
  const times = new Times(load);
  for (let i = 0; i <= rounds; i++) {
    if (i === 1) times.forget();
    await times.run("file, ceiling", () => bare.plain(bytes));
    await times.run("file", () => sendFile(file, transport, "whenPossible"));
    const before = process.cpuUsage();
    await times.run("file, no bundles", () => sendFile(file, transport, "never"));
    const { user, system } = process.cpuUsage(before);
    if (i > 0) ownCpu.push((user + system) / count);
    await times.run("ofctl file", () => peer.ofctl("-O", "OpenFlow15", "--bundle", "add-flows", peer.socketPath, file));
    const dump = join(peer.folder, "dump.txt");
    await times.run("ofctl dump", () => peer.shell(`ovs-ofctl -O OpenFlow15 dump-flows ${peer.socketPath} > ${dump}`), asIs);
    let seen = 0;
    const read = async (): Promise<void> => {
      seen = await readAll(transport);
    };
    await times.run("read", read, asIs);
    if (seen !== count) throw new Error(`read ${seen} of ${count} flows`);
  }
  times.against("file", "ofctl file", 1 / 2.5);
  times.against("file, no bundles", "ofctl file", 1 / 2.5);
  times.against("file, ceiling", "ofctl file", 1 / 2.5);
  record({ name: "switch/file, no bundles, CPU of this process", size: count, unit: "us/flow", ...measured(ownCpu) });
  times.against("read", "ofctl dump", 1);
}

/**
 * One change with everything installed: the same flow-mod by hand, through the transport, and through a table and its
 * synchroniser. As many changes as are measured go before, for the compiler.
 */
async function oneChange(
  peer: OpenVSwitch,
  count: number,
  flows: readonly Flow[],
  bare: BareSender,
  transport: OpenFlowTransport,
): Promise<void> {
  const owner = ownerFor("bench");
  const table = new DesiredFlowTable();
  table.setFlows(owner, flows);
  const synchroniser = new Synchroniser({
    table,
    transport: await connected(connectSwitch(peer.address, { versions: ["OpenFlow15"], monitor: false })),
  });
  synchroniser.start();
  await settle(synchroniser);
  const flow = flows[0] as Flow;
  const one = flowModBatch([{ command: "add", flow }]);
  const oneBytes = encodeAll(one, false);
  const latencies: Record<"bare" | "send" | "table", number[]> = { bare: [], send: [], table: [] };
  const changes = smoke ? 50 : 2000;
  for (let i = 0; i < 2 * changes; i++) {
    if (i === changes) for (const list of Object.values(latencies)) list.length = 0;
    const changed = flow.with({ cookie: i });
    const ways = [
      async () => latencies.bare.push(await timed(() => bare.plain(oneBytes))),
      async () => latencies.send.push(await timed(async () => expectApplied(await transport.send(one)))),
      async () => {
        const change = (): Promise<void> => {
          table.setFlow(owner, changed);
          return settle(synchroniser);
        };
        latencies.table.push(await timed(change));
      },
    ];
    // Each in every place: a switch that has just answered one connection is slower or quicker to look at another.
    const [first, step] = [i % 3, i % 2 === 0 ? 1 : 2];
    for (let at = 0; at < 3; at++) await ways[(first + at * step) % 3]?.();
  }
  await synchroniser.stop();
  const microseconds = (values: readonly number[]): Measured => measured(values.map((value) => 1000 * value));
  const peerLine = { name: "by hand", ...microseconds(latencies.bare) };
  for (const [name, values] of [
    ["one change, send", latencies.send],
    ["one change, table to confirmed", latencies.table],
  ] as const) {
    record({ name: `switch/${name}`, size: count, unit: "us", ...microseconds(values), peer: peerLine, goal: 1.5 });
  }
}

const missing = missingOpenVSwitch();
if (missing !== undefined) {
  console.log(missing);
} else {
  const peer = await OpenVSwitch.start();
  try {
    for (const [count, rounds] of smoke
      ? [[2000, 1]]
      : [
          [10_000, 5],
          [100_000, 5],
        ]) {
      await measure(peer, count as number, rounds as number);
    }
  } finally {
    await peer.stop();
  }
}
