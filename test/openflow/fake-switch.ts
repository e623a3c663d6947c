/** A switch made of a few lines: it greets, answers what it is told to answer, and misbehaves on demand. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BundleControlType } from "../../src/wire/bundle.ts";
import { decodeMessage, encodeMessage, type MessageToEncode } from "../../src/wire/codec.ts";
import { Framer } from "../../src/wire/framer.ts";
import type { OpenFlowMessage } from "../../src/wire/messages.ts";

export type Answer = (peer: FakePeer, message: OpenFlowMessage, bytes: Uint8Array) => boolean | undefined;

export interface FakeSwitchOptions {
  /** Version byte, default 6 (OpenFlow 1.5). */
  readonly version?: number;
  readonly datapathId?: bigint;
  /** Sees every message first; returning true keeps the fake from answering by itself. */
  readonly answer?: Answer;
  /** As the description says, default something else than Open vSwitch. */
  readonly hardware?: string;
  /** Do not greet. */
  readonly silent?: boolean;
}

/** The fake's end of one connection. */
export class FakePeer {
  readonly socket: Socket;
  readonly received: OpenFlowMessage[] = [];
  readonly #framer = new Framer();
  readonly #options: FakeSwitchOptions;
  readonly version: number;
  readonly closed: Promise<void>;

  constructor(socket: Socket, options: FakeSwitchOptions) {
    this.socket = socket;
    this.#options = options;
    this.version = options.version ?? 6;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.on("data", (chunk: Uint8Array) => {
      this.#framer.push(chunk, (bytes) => this.#take(bytes));
    });
    if (options.silent !== true) this.send({ type: "hello", versions: [this.version] });
  }

  types(): string[] {
    return this.received.map((message) => message.type);
  }

  send(message: MessageToEncode, xid = 0): void {
    if (!this.socket.destroyed) this.socket.write(encodeMessage(message, { version: this.version as 6, xid }));
  }

  raw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  error(name: string, xid: number, data: Uint8Array = new Uint8Array(64)): void {
    this.send({ type: "error", error: name, data }, xid);
  }

  /** What a friendly switch answers. */
  answer(message: OpenFlowMessage): void {
    if (message.type === "flowMonitorRequest") this.error("OFPBRC_BAD_STAT", message.xid);
    const reply = this.#replyTo(message);
    if (reply !== undefined) this.send(reply, message.xid);
  }

  #replyTo(message: OpenFlowMessage): MessageToEncode | undefined {
    switch (message.type) {
      case "featuresRequest": {
        const rest = { buffers: 0, tables: 254, auxiliaryId: 0, capabilities: 0x4f, actions: 0, ports: [] };
        return { type: "featuresReply", datapathId: this.#options.datapathId ?? 0x1234n, ...rest };
      }
      case "descRequest": {
        const rest = { software: "", serialNumber: "", datapath: "" };
        return { type: "descReply", manufacturer: "nobody", hardware: this.#options.hardware ?? "fake", ...rest };
      }
      case "getConfigRequest":
        return { type: "getConfigReply", flags: 0, missSendLength: 128 };
      case "echoRequest":
        return { type: "echoReply", data: message.data };
      case "barrierRequest":
        return { type: "barrierReply" };
      case "roleRequest":
        return { ...message, type: "roleReply" };
      case "bundleControl": {
        const { bundleId, control, flags } = message;
        const reply = typeof control === "string" ? control.replace("Request", "Reply") : control;
        return { type: "bundleControl", bundleId, control: reply as BundleControlType, flags };
      }
      default:
        return undefined;
    }
  }

  #take(bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    this.received.push(message);
    if (this.#options.answer?.(this, message, bytes) === true) return;
    this.answer(message);
  }
}

/** Listens on a Unix socket of its own. */
export class FakeSwitch {
  readonly #folder = mkdtempSync(join(tmpdir(), "ofsync-fake-"));
  readonly path: string = join(this.#folder, "switch.sock");
  readonly peers: FakePeer[] = [];
  readonly #server: Server;
  /** Replaced while it runs, it holds for later connections. */
  options: FakeSwitchOptions;

  private constructor(options: FakeSwitchOptions) {
    this.options = options;
    this.#server = createServer((socket) => this.peers.push(new FakePeer(socket, this.options)));
  }

  static async start(options: FakeSwitchOptions = {}): Promise<FakeSwitch> {
    const fake = new FakeSwitch(options);
    await fake.listen();
    return fake;
  }

  get address(): string {
    return `unix:${this.path}`;
  }

  /** The peer of the newest connection. */
  get peer(): FakePeer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error("nobody has connected");
    return peer;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.path, resolve));
  }

  /** Stops taking connections and cuts those there are. */
  async unlisten(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const peer of this.peers) peer.socket.destroy();
    await closed;
  }

  async stop(): Promise<void> {
    await this.unlisten();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A switch that calls in. */
export async function callIn(
  target: { path: string } | { port: number; host: string },
  options: FakeSwitchOptions = {},
): Promise<FakePeer> {
  const socket = connect(target);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return new FakePeer(socket, options);
}

/** Waits, in real time, until `condition` holds. */
export async function until(condition: () => boolean, what = "the condition", limitMs = 5000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what} did not come true within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
