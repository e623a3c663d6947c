import { OfsyncError } from "../errors.ts";
import type { Borrower } from "./arena.ts";
import { FlowList } from "./flow-list.ts";
import { FLOW_MOD_COMMANDS, type FlowMod, type FlowModBatch, type FlowModView } from "./flow-mod.ts";
import { DELETE_COMMAND, PackedBatch } from "./flow-mod-batch.ts";
import { KEY_FLAGS, KEY_ID, KEY_MATCH, LENGTH_MASK } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";

/**
 * A batch that reads its flows where the table keeps them. KEYs and VALUEs never change while they exist, so nothing is copied
 * before the table frees one of its blocks; then all are ({@link Arena.lend}), and the batch is independent of the table.
 */
export class BorrowedBatch implements FlowModBatch, Borrower {
  readonly counts: { readonly add: number; readonly modify: number; readonly delete: number };
  readonly #store: PackedStore;
  readonly #commands: Uint8Array;
  /** Of each flow-mod; empty once the flows are copied. */
  #keys: Int32Array;
  /** Likewise; 0 = neither attributes nor instructions. */
  #values: Int32Array;
  #copy: PackedBatch | undefined;
  #failure: unknown;

  private constructor(store: PackedStore, commands: Uint8Array, keys: Int32Array, values: Int32Array) {
    this.#store = store;
    this.#commands = commands;
    this.#keys = keys;
    this.#values = values;
    this.counts = PackedBatch.count(commands);
  }

  /** Takes the arrays over: none may be changed any more. `commands`: indexes into `FLOW_MOD_COMMANDS`. */
  static of(store: PackedStore, commands: Uint8Array, keys: Int32Array, values: Int32Array): BorrowedBatch {
    const batch = new BorrowedBatch(store, commands, keys, values);
    store.arena.lend(batch);
    return batch;
  }

  get length(): number {
    return this.#commands.length;
  }

  at(index: number): FlowMod {
    const own = this.#own();
    if (own !== undefined) return own.at(index);
    this.#check(index);
    const list = new FlowList(1);
    this.#store.appendTo(list, this.#keys[index] as number, this.#values[index] as number);
    return { command: FLOW_MOD_COMMANDS[this.#commands[index] as number] as FlowMod["command"], flow: list.at(0) };
  }

  read(index: number, into: FlowModView): void {
    const own = this.#own();
    if (own !== undefined) {
      own.read(index, into);
      return;
    }
    this.#check(index);
    const key = this.#keys[index] as number;
    const { arena, values } = this.#store;
    const id = arena.words[key + KEY_ID] as number;
    into.command = this.#commands[index] as number;
    into.table = (id >>> 16) & 0xff;
    into.priority = id & 0xffff;
    into.matchBuffer = arena.bytes;
    into.matchStart = 4 * (key + KEY_MATCH);
    into.matchLength = (arena.words[key + KEY_FLAGS] as number) & LENGTH_MASK;
    values.read(this.#values[index] as number, into);
    if (into.command === DELETE_COMMAND) into.instructionsLength = 0;
  }

  *[Symbol.iterator](): IterableIterator<FlowMod> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  recall(): void {
    if (this.#copy !== undefined || this.#failure !== undefined) return;
    try {
      this.#copy = new PackedBatch(this.#commands, this.#copyFlows());
    } catch (error) {
      // The table goes on without us; whoever still wants to read is told.
      this.#failure = error;
    }
    this.#keys = new Int32Array(0);
    this.#values = this.#keys;
  }

  #own(): PackedBatch | undefined {
    if (this.#failure === undefined) return this.#copy;
    throw new OfsyncError("CAPACITY", "there was no memory to keep this batch when the table changed", { cause: this.#failure });
  }

  #check(index: number): void {
    if (index >>> 0 !== index || index >= this.length) throw new RangeError(`index ${index} is not in 0 … ${this.length - 1}`);
  }

  #copyFlows(): FlowList {
    const store = this.#store;
    const { length } = this;
    let words = 0;
    for (let i = 0; i < length; i++) words += store.wordsOf(this.#keys[i] as number, this.#values[i] as number);
    const flows = new FlowList(length, words);
    for (let i = 0, at = 0; i < length; i++) {
      flows.setStart(i, at);
      at += store.writeAt(flows.words, at, this.#keys[i] as number, this.#values[i] as number);
    }
    flows.close(length);
    return flows;
  }
}
