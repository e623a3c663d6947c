import type { FlowModView } from "../diff/flow-mod.ts";
import { Flow } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";
import { packFlow } from "../flow/packed-flow.ts";
import type { InstalledFlow, InstalledFlowChunk } from "./transport.ts";

/** A chunk made of objects: what a transport that does not decode the wire by itself answers a read with. */
export function installedFlowChunk(flows: readonly InstalledFlow[]): InstalledFlowChunk {
  return new ObjectChunk(flows);
}

/** Fills `into` with `flow`; `command` becomes 0. Nothing is copied: the ranges are the flow's own bytes. */
export function readFlowInto(flow: Flow, into: FlowModView): void {
  into.command = 0;
  packFlow(flow, into);
}

/** The flow that a view shows, as an object with bytes of its own. */
export function flowFromView(view: FlowModView): Flow {
  const { matchStart, instructionsStart } = view;
  return new Flow({
    table: view.table,
    priority: view.priority,
    match: Match.fromCanonical(view.matchBuffer.slice(matchStart, matchStart + view.matchLength)),
    instructions: Instructions.fromCanonical(
      view.instructionsBuffer.slice(instructionsStart, instructionsStart + view.instructionsLength),
    ),
    cookie: (BigInt(view.cookieHigh) << 32n) | BigInt(view.cookieLow),
    idleTimeout: view.idleTimeout,
    hardTimeout: view.hardTimeout,
    importance: view.importance,
    flags: view.flags,
  });
}

/** All flows of some chunks, as objects. */
export async function collectFlows(chunks: AsyncIterable<InstalledFlowChunk>): Promise<InstalledFlow[]> {
  const flows: InstalledFlow[] = [];
  for await (const chunk of chunks) for (const flow of chunk) flows.push(flow);
  return flows;
}

class ObjectChunk implements InstalledFlowChunk {
  readonly #flows: readonly InstalledFlow[];

  constructor(flows: readonly InstalledFlow[]) {
    this.#flows = flows;
  }

  get length(): number {
    return this.#flows.length;
  }

  at(index: number): InstalledFlow {
    const flow = this.#flows[index];
    if (flow === undefined) throw new RangeError(`no flow ${index} in a chunk of ${this.#flows.length}`);
    return flow;
  }

  read(index: number, into: FlowModView): void {
    readFlowInto(this.at(index).flow, into);
  }

  [Symbol.iterator](): Iterator<InstalledFlow> {
    return this.#flows[Symbol.iterator]();
  }
}
