import type { FlowMod, FlowModBatch, FlowModView } from "../diff/flow-mod.ts";
import { createFlowModView, FLOW_MOD_COMMANDS } from "../diff/flow-mod.ts";

/** Some of the flow-mods of another batch, in its order. `indexes[i]` is where number `i` stands in the whole batch. */
export class SelectedFlowMods implements FlowModBatch {
  readonly indexes: readonly number[];
  readonly counts: { readonly add: number; readonly modify: number; readonly delete: number };
  readonly #whole: FlowModBatch;

  constructor(whole: FlowModBatch, indexes: readonly number[]) {
    this.#whole = whole;
    this.indexes = indexes;
    const counts = { add: 0, modify: 0, delete: 0 };
    const view = createFlowModView();
    for (const index of indexes) {
      whole.read(index, view);
      const command = FLOW_MOD_COMMANDS[view.command];
      if (command !== undefined) counts[command]++;
    }
    this.counts = counts;
  }

  get length(): number {
    return this.indexes.length;
  }

  at(index: number): FlowMod {
    return this.#whole.at(this.#indexInWhole(index));
  }

  read(index: number, into: FlowModView): void {
    this.#whole.read(this.#indexInWhole(index), into);
  }

  *[Symbol.iterator](): Iterator<FlowMod> {
    for (const index of this.indexes) yield this.#whole.at(index);
  }

  #indexInWhole(index: number): number {
    const inWhole = this.indexes[index];
    if (inWhole === undefined) throw new RangeError(`index ${index} is outside 0 … ${this.indexes.length - 1}`);
    return inWhole;
  }
}
