// A transport to a switch that only an agent beside it can reach: see custom-transport.md.
import {
  type BatchResult,
  type FlowModBatch,
  filterCovers,
  formatFlowMod,
  type InstalledFlow,
  type InstalledFlowChunk,
  installedFlowChunk,
  OfsyncError,
  parseFlows,
  type ReadFilter,
  type SendOptions,
  type SwitchError,
  type Transport,
  type TransportEvent,
  TransportListeners,
} from "ofsync";

/** However it is reached (HTTP, SSH, a queue): a call rejects when there is no answer. */
export interface Agent {
  /** Carries out one command a line; answers with the switch's error for those that it refused, `null` for the others. */
  apply(commands: readonly string[]): Promise<readonly (SwitchError | null)[]>;
  dump(): Promise<string>;
}

const UNKNOWN = { fate: "unknown", refused: new Map(), unknown: new Set<number>(), bytes: 0 } as const;

export class AgentTransport implements Transport {
  readonly capabilities = { atomic: false, monitor: false, importance: true };
  readonly isBacklogged = false;
  epoch = 0;
  isUp = false;
  readonly #agent: Agent;
  readonly #listeners = new TransportListeners(console);
  #state: "new" | "open" | "closed" = "new";
  #queue: Promise<unknown> = Promise.resolve();
  #goDown: (reason: string) => void = () => {};
  readonly #waiting = new Set<() => void>();

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  open(): void {
    if (this.#state !== "new") return;
    this.#state = "open";
    void this.#connect();
  }

  async send(batch: FlowModBatch, options: SendOptions = {}): Promise<BatchResult> {
    if (options.atomic || options.clearFirst)
      throw new OfsyncError("TRANSPORT_UNSUPPORTED", "the agent takes single commands only");
    const epoch = this.epoch;
    const { guard } = options;
    const only = guard === undefined ? "" : `cookie=0x${guard.cookie.toString(16)}/0x${guard.cookieMask.toString(16)},`;
    // As ovs-ofctl has it: a cookie with a mask says which flows a modify or delete is about.
    const commands = Array.from(batch, (mod) =>
      mod.command === "add" ? formatFlowMod(mod) : formatFlowMod(mod).replace(" ", ` ${only}`),
    );
    const errors = await this.#ask(() => this.#agent.apply(commands));
    if (errors === undefined) return { epoch, ...UNKNOWN };
    const refused = new Map<number, SwitchError>();
    for (const [index, error] of errors.entries()) if (error !== null) refused.set(index, error);
    return { epoch, fate: "applied", refused, unknown: new Set(), bytes: 0 };
  }

  async *readFlows(filter: ReadFilter = {}): AsyncGenerator<InstalledFlowChunk, void, undefined> {
    const text = await this.#ask(() => this.#agent.dump());
    if (text === undefined) throw new OfsyncError("TRANSPORT_DOWN", "the agent cannot be reached");
    const flows: InstalledFlow[] = [];
    for (const { flow, stats } of parseFlows(text)) {
      if (!filterCovers(filter, flow)) continue;
      const { packetCount = 0n, byteCount = 0n, durationSeconds = 0 } = stats ?? {};
      flows.push({ flow, packetCount, byteCount, durationSeconds });
    }
    yield installedFlowChunk(flows);
  }

  async drained(): Promise<void> {}

  subscribe(listener: (event: TransportEvent) => void): () => void {
    return this.#listeners.subscribe(listener);
  }

  async close(): Promise<void> {
    this.#state = "closed";
    this.#goDown("closed");
  }

  // One question at a time, so that batches keep their order; no answer once the connection has gone.
  async #ask<T>(question: () => Promise<T>): Promise<T | undefined> {
    if (!this.isUp) return undefined;
    const goDown = this.#goDown;
    const answer = this.#queue.then(question).catch((error: unknown) => {
      goDown(String(error));
      return undefined;
    });
    this.#queue = answer;
    return new Promise((resolve) => {
      const end = (result?: T): void => {
        this.#waiting.delete(end);
        resolve(result);
      };
      this.#waiting.add(end);
      void answer.then(end);
    });
  }

  // The agent is there when it answers. When it is not, ask again in a while.
  async #connect(): Promise<void> {
    while (this.#state === "open") {
      if (
        await this.#agent.dump().then(
          () => true,
          () => false,
        )
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (this.#state !== "open") return;
    const epoch = ++this.epoch;
    this.isUp = true;
    this.#queue = Promise.resolve();
    this.#goDown = (reason) => {
      if (!this.isUp || this.epoch !== epoch) return;
      this.isUp = false;
      for (const end of [...this.#waiting]) end();
      this.#listeners.emit({ type: "down", epoch, reason });
      void this.#connect();
    };
    this.#listeners.emit({ type: "up", epoch });
  }
}
