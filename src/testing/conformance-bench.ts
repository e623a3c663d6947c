import { type Clock, systemClock } from "../clock.ts";
import type { FlowMod, FlowModCommand } from "../diff/flow-mod.ts";
import { flowModBatch } from "../diff/flow-mod-batch.ts";
import type { Flow } from "../flow/flow.ts";
import { collectFlows } from "../transport/installed-flow-chunk.ts";
import type { BatchResult, ReadFilter, SendOptions, Transport, TransportEvent } from "../transport/transport.ts";

/** A transport to be checked, with what the checks may do behind its back. Checks that need an absent part are skipped. */
export interface ConformanceTarget {
  /** Not opened yet, and connected to a switch without flows. */
  readonly transport: Transport;
  /** A flow that this switch refuses to add, such as one that outputs to a group which does not exist. */
  readonly refusedFlow?: Flow;
  /** Breaks the connection as a failing network does. The transport must come up again by itself. */
  readonly disconnect?: () => void | Promise<void>;
  /** Somebody else's changes at the switch. */
  readonly tamper?: {
    add(flow: Flow): void | Promise<void>;
    modify(flow: Flow): void | Promise<void>;
    delete(flow: Flow): void | Promise<void>;
  };
  /** Whether the transport tells `removed`; default true. */
  readonly tellsRemovals?: boolean;
  /** Called after the check, when the transport is closed. */
  readonly dispose?: () => void | Promise<void>;
}

export interface ConformanceOptions {
  /** Makes a fresh target for each check. */
  readonly create: () => ConformanceTarget | Promise<ConformanceTarget>;
  /** How long a check waits for something that should happen, in milliseconds; default 5,000. */
  readonly timeoutMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Flows in the biggest batch; default 3,000. */
  readonly manyFlows?: number;
}

/** What a check needs of its target, other than a transport. */
export type ConformanceNeed = "refusedFlow" | "disconnect" | "tamper" | "atomic" | "noAtomic" | "monitor" | "removals";

export interface CheckDefinition {
  readonly name: string;
  readonly needs?: readonly ConformanceNeed[];
  /** The body opens the transport itself. */
  readonly startsDown?: boolean;
  readonly body: (bench: ConformanceBench) => Promise<void>;
}

/** The hands of a check: the transport, what it told so far, and ways to act, to wait and to complain. */
export class ConformanceBench {
  readonly target: ConformanceTarget;
  readonly transport: Transport;
  readonly events: TransportEvent[] = [];
  readonly manyFlows: number;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(target: ConformanceTarget, options: ConformanceOptions) {
    this.target = target;
    this.transport = target.transport;
    this.manyFlows = options.manyFlows ?? 3_000;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.transport.subscribe((event) => this.events.push(event));
  }

  /** Why a check with this need must be skipped. Capabilities are known only once the transport is up. */
  lack(need: ConformanceNeed): string | undefined {
    const { target } = this;
    const { atomic, monitor } = this.transport.capabilities;
    switch (need) {
      case "refusedFlow":
        return target.refusedFlow === undefined ? "the target names no flow that its switch refuses" : undefined;
      case "disconnect":
        return target.disconnect === undefined ? "the target cannot break the connection" : undefined;
      case "tamper":
        return target.tamper === undefined ? "the target cannot change the switch behind the transport's back" : undefined;
      case "atomic":
        return atomic ? undefined : "the transport has no atomic batches";
      case "noAtomic":
        return atomic ? "the transport has atomic batches" : undefined;
      case "monitor":
        return monitor ? undefined : "the transport has no flow monitor";
      case "removals":
        return target.tellsRemovals === false ? "the transport does not tell removals" : undefined;
    }
  }

  /** Opens the transport and waits until it is up. */
  async open(): Promise<void> {
    this.transport.open();
    await this.until("the transport comes up after open()", () => this.transport.isUp);
  }

  /** Sends one batch and waits for its fate. */
  send(mods: readonly FlowMod[], options?: SendOptions): Promise<BatchResult> {
    return this.settles("send() settles", this.transport.send(flowModBatch(mods), options));
  }

  /** Sends one batch and expects that all of it is applied. */
  async apply(command: FlowModCommand, ...flows: readonly Flow[]): Promise<BatchResult> {
    const result = await this.send(flows.map((flow) => ({ command, flow })));
    this.expectApplied(result);
    return result;
  }

  async read(filter?: ReadFilter): Promise<Flow[]> {
    const flows = await this.settles("readFlows() ends", collectFlows(this.transport.readFlows(filter)));
    return flows.map((installed) => installed.flow);
  }

  expectApplied(result: BatchResult): void {
    const refused = [...result.refused].map(([index, error]) => `${index}: ${error.name}`).join(", ");
    must(
      result.fate === "applied" && result.unknown.size === 0 && refused === "",
      `everything is applied; but the fate is ${result.fate}, unknown ${[...result.unknown].join()}, refused ${refused}`,
    );
  }

  /** Expects exactly these flows, in any order, each with its whole value. */
  expectFlows(actual: readonly Flow[], wanted: readonly Flow[]): void {
    must(actual.length === wanted.length, `the read gives ${wanted.length} flows; it gave ${actual.length}`);
    for (const flow of wanted) {
      const there = actual.find((other) => other.sameKey(flow));
      must(there !== undefined, `the read gives the flow of table ${flow.table}, priority ${flow.priority}`);
      must(there.equals(flow), `the flow of table ${flow.table}, priority ${flow.priority} is read back as it was sent`);
    }
  }

  /** Expects a rejection with this code. */
  async rejects(code: string, what: string, promise: Promise<unknown>): Promise<void> {
    try {
      await this.settles(what, promise);
    } catch (error) {
      const actual = (error as { code?: unknown }).code;
      must(actual === code, `${what} fails with code ${code}; it failed with ${String(actual)}: ${String(error)}`);
      return;
    }
    must(false, `${what} fails with code ${code}; it did not fail`);
  }

  /** Waits until `condition` holds. */
  async until(expectation: string, condition: () => boolean): Promise<void> {
    const end = this.#clock.now() + this.#timeoutMs;
    while (!condition()) {
      must(this.#clock.now() < end, `${expectation}, within ${this.#timeoutMs} ms`);
      await this.pause(2);
    }
  }

  /** Waits for a promise, but not for ever. */
  async settles<T>(expectation: string, promise: Promise<T>): Promise<T> {
    let timer: unknown;
    const tooLate = new Promise<never>((_, reject) => {
      const error = new Error(`expected: ${expectation}, within ${this.#timeoutMs} ms`);
      timer = this.#clock.setTimeout(() => reject(error), this.#timeoutMs);
    });
    try {
      return await Promise.race([promise, tooLate]);
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }

  /**
   * Waits in many short steps: what else is due in that time, and what follows from it, has then had its turn, even in a process
   * that was held up and finds all its timers due at once.
   */
  async pause(ms: number): Promise<void> {
    for (let waited = 0; waited < ms; waited += 2) {
      await new Promise<void>((resolve) => void this.#clock.setTimeout(resolve, 2));
    }
  }
}

/** Complains when a rule is broken. */
export function must(condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new Error(`expected: ${expectation}`);
}
