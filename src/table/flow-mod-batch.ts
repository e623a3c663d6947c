import type { Flow } from "../flow/flow.ts";
import type { FlowList } from "./flow-list.ts";
import { FLOW_MOD_COMMANDS, type FlowMod, type FlowModBatch, type FlowModView } from "./flow-mod.ts";

/** Index of `delete` in `FLOW_MOD_COMMANDS`. */
export const DELETE_COMMAND = 2;

/** A {@link FlowModBatch} that holds its flows packed. */
export class PackedBatch implements FlowModBatch {
  readonly counts: { readonly add: number; readonly modify: number; readonly delete: number };
  readonly #commands: Uint8Array;
  readonly #flows: FlowList;

  /** Takes both over: neither may be changed any more. `commands`: indexes into `FLOW_MOD_COMMANDS`, one per flow. */
  constructor(commands: Uint8Array, flows: FlowList) {
    this.#commands = commands;
    this.#flows = flows;
    this.counts = PackedBatch.count(commands.subarray(0, flows.length));
  }

  /** How many of each. */
  static count(commands: Uint8Array): FlowModBatch["counts"] {
    const counts = [0, 0, 0];
    for (let i = 0; i < commands.length; i++) {
      const command = commands[i] as number;
      counts[command] = (counts[command] as number) + 1;
    }
    return { add: counts[0] as number, modify: counts[1] as number, delete: counts[2] as number };
  }

  get length(): number {
    return this.#flows.length;
  }

  at(index: number): FlowMod {
    const flow: Flow = this.#flows.at(index);
    return { command: FLOW_MOD_COMMANDS[this.#commands[index] as number] as FlowMod["command"], flow };
  }

  read(index: number, into: FlowModView): void {
    this.#flows.read(index, into);
    into.command = this.#commands[index] as number;
    if (into.command === DELETE_COMMAND) into.instructionsLength = 0;
  }

  *[Symbol.iterator](): IterableIterator<FlowMod> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}
