/**
 * A proxy between the library and a switch that can be told to misbehave: to cut the connection at any byte, to stall, to hand
 * bytes over in pieces of any size. It never alters, repeats or reorders bytes. It counts the messages that pass, by type.
 */
import { rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";

/** `up`: towards the switch; `down`: from the switch. */
export type Direction = "up" | "down";

/** Message counts by OpenFlow type number, and those inside BUNDLE_ADD, of what has passed whole. */
export interface MessageCounts {
  readonly [type: number]: number;
}

const FLOW_MOD = 14;
const BUNDLE_ADD = 34;
const EXPERIMENTER = 4;

/** Counts messages in a stream that is split anywhere. Of a message it needs the first 20 bytes only. */
class MessageCounter {
  readonly counts: Record<number, number> = {};
  readonly commands: Record<number, number> = {};
  flowMods = 0;
  readonly #head = new Uint8Array(48);
  #have = 0;
  #left = 0;

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        this.#have = 0;
        this.#left = -1;
      }
      if (this.#left < 0) {
        this.#head[this.#have++] = chunk[at++] as number;
        if (this.#have === 8) {
          const length = ((this.#head[2] as number) << 8) | (this.#head[3] as number);
          this.#left = Math.max(0, length - 8);
          if (this.#left === 0) this.#count();
        }
        continue;
      }
      const take = Math.min(this.#left, chunk.length - at);
      const keep = Math.min(take, this.#head.length - this.#have);
      if (keep > 0) this.#head.set(chunk.subarray(at, at + keep), this.#have);
      this.#have += Math.max(0, keep);
      at += take;
      this.#left -= take;
      if (this.#left === 0) this.#count();
    }
  }

  #count(): void {
    const type = this.#head[1] as number;
    this.counts[type] = (this.counts[type] ?? 0) + 1;
    let start = -1;
    if (type === FLOW_MOD) start = 0;
    else if (type === BUNDLE_ADD) start = 16;
    else if (type === EXPERIMENTER && this.#head[8] === 0x4f && this.#head[15] === 0xfd) start = 24;
    if (start < 0) return;
    const inner = type === FLOW_MOD ? type : this.#head[start + 1];
    if (inner !== FLOW_MOD) return;
    this.flowMods++;
    const commandAt = start + 25;
    if (commandAt < this.#have) {
      const command = this.#head[commandAt] as number;
      this.commands[command] = (this.commands[command] ?? 0) + 1;
    }
  }
}

interface Pipe {
  readonly near: Socket;
  readonly far: Socket;
}

export class ChaosProxy {
  readonly path: string;
  readonly #target: string;
  readonly #server: Server;
  readonly #pipes = new Set<Pipe>();
  readonly #stalled: Record<Direction, boolean> = { up: false, down: false };
  readonly #cutAfter: Record<Direction, number> = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  readonly #stallAfter: Record<Direction, number> = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  #pieces: (() => number) | undefined;
  #refuse = false;
  #counters: Record<Direction, MessageCounter> = { up: new MessageCounter(), down: new MessageCounter() };
  /** Connections taken so far. */
  connections = 0;
  readonly bytes: Record<Direction, number> = { up: 0, down: 0 };

  private constructor(path: string, target: string) {
    this.path = path;
    this.#target = target;
    this.#server = createServer((near) => this.#accept(near));
  }

  /** Listens on `proxy.sock` (or `name`) in `folder` and passes everything on to the Unix socket `target`. */
  static async start(folder: string, target: string, name = "proxy.sock"): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(join(folder, name), target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(proxy.path, resolve);
    });
    return proxy;
  }

  get address(): string {
    return `unix:${this.path}`;
  }

  /** Messages that have passed since the start or {@link resetCounts}, by type. */
  messages(direction: Direction): MessageCounts {
    return this.#counters[direction].counts;
  }

  /** Flow-mods towards the switch, bundled or not, and by command number. */
  get flowMods(): number {
    return this.#counters.up.flowMods;
  }
  get flowModCommands(): Readonly<Record<number, number>> {
    return this.#counters.up.commands;
  }

  /** Counts anew. Call it only while no message is half way. */
  resetCounts(): void {
    this.#counters = { up: new MessageCounter(), down: new MessageCounter() };
  }

  /** Ends all connections now. */
  cut(): void {
    for (const { near, far } of this.#pipes) {
      near.destroy();
      far.destroy();
    }
  }

  /** Ends the connection after `bytes` more bytes of that direction, in the middle of whatever is there. */
  cutAfter(direction: Direction, bytes: number): void {
    this.#cutAfter[direction] = bytes;
  }

  /** Passes nothing in that direction until {@link resume}; bytes wait. */
  stall(direction: Direction): void {
    this.#stalled[direction] = true;
    for (const pipe of this.#pipes) (direction === "up" ? pipe.near : pipe.far).pause();
  }

  /** {@link stall}s when about `bytes` more bytes of that direction have passed. */
  stallAfter(direction: Direction, bytes: number): void {
    this.#stallAfter[direction] = bytes;
  }

  resume(direction: Direction): void {
    this.#stalled[direction] = false;
    this.#stallAfter[direction] = Number.POSITIVE_INFINITY;
    for (const pipe of this.#pipes) (direction === "up" ? pipe.near : pipe.far).resume();
  }

  /** Hands bytes over in pieces of the sizes that `size` gives (at least 1); `undefined` ends that. */
  split(size: (() => number) | undefined): void {
    this.#pieces = size;
  }

  /** New connections are closed at once until called with `false`. */
  refuseConnections(refuse: boolean): void {
    this.#refuse = refuse;
  }

  /** Everything normal again; nothing that waits is lost. */
  behave(): void {
    this.#pieces = undefined;
    this.#refuse = false;
    this.#cutAfter.up = Number.POSITIVE_INFINITY;
    this.#cutAfter.down = Number.POSITIVE_INFINITY;
    this.resume("up");
    this.resume("down");
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
    rmSync(this.path, { force: true });
  }

  #accept(near: Socket): void {
    this.connections++;
    if (this.#refuse) {
      near.destroy();
      return;
    }
    const far = connect(this.#target);
    const pipe = { near, far };
    this.#pipes.add(pipe);
    // A connection is one stream: a new one starts at a message boundary.
    for (const direction of ["up", "down"] as const) {
      const fresh = new MessageCounter();
      Object.assign(fresh.counts, this.#counters[direction].counts);
      Object.assign(fresh.commands, this.#counters[direction].commands);
      fresh.flowMods = this.#counters[direction].flowMods;
      this.#counters[direction] = fresh;
    }
    this.#pass("up", near, far);
    this.#pass("down", far, near);
    const end = (): void => {
      near.destroy();
      far.destroy();
      this.#pipes.delete(pipe);
    };
    for (const socket of [near, far]) {
      socket.on("error", end);
      socket.on("close", end);
    }
    if (this.#stalled.up) near.pause();
    if (this.#stalled.down) far.pause();
  }

  #pass(direction: Direction, from: Socket, to: Socket): void {
    from.on("data", (chunk: Uint8Array) => {
      let bytes = chunk;
      const left = this.#cutAfter[direction];
      if (left < bytes.length) bytes = bytes.subarray(0, left);
      this.#cutAfter[direction] = left - bytes.length;
      this.bytes[direction] += bytes.length;
      this.#stallAfter[direction] -= bytes.length;
      if (this.#stallAfter[direction] <= 0) this.stall(direction);
      this.#counters[direction].push(bytes);
      const cutNow = bytes.length < chunk.length;
      if (this.#pieces === undefined) {
        if (!to.write(bytes)) {
          from.pause();
          to.once("drain", () => {
            if (!this.#stalled[direction]) from.resume();
          });
        }
        if (cutNow) {
          this.#cutAfter[direction] = Number.POSITIVE_INFINITY;
          // What was passed on must arrive before the end does.
          to.end();
          from.destroy();
        }
        return;
      }
      from.pause();
      void this.#hand(bytes, to).then(() => {
        if (cutNow) {
          this.#cutAfter[direction] = Number.POSITIVE_INFINITY;
          to.end();
          from.destroy();
        } else if (!this.#stalled[direction]) from.resume();
      });
    });
  }

  async #hand(bytes: Uint8Array, to: Socket): Promise<void> {
    for (let at = 0; at < bytes.length && !to.destroyed; ) {
      const size = Math.max(1, Math.floor(this.#pieces?.() ?? bytes.length));
      const piece = bytes.subarray(at, at + size);
      at += size;
      await new Promise<void>((resolve) => {
        to.write(piece, () => setImmediate(resolve));
      });
    }
  }
}
