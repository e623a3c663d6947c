import { OfsyncError } from "../errors.ts";
import type { Borrower } from "./arena.ts";
import { FlowList } from "./flow-list.ts";
import { FLOW_MOD_COMMANDS, type FlowMod, type FlowModBatch, type FlowModView } from "./flow-mod.ts";
import { DELETE_COMMAND } from "./flow-mod-batch.ts";
import { KEY_FLAGS, KEY_ID, KEY_MATCH, LENGTH_MASK } from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";

/** Flows copied into one list. */
const PIECE = 1024;

/**
 * A batch that reads its flows where the table keeps them. KEYs and VALUEs never change while they exist, so nothing is copied
 * before the table frees one of its blocks. From then on a few flows are copied with each block that is freed, which the table keeps
 * as it is meanwhile ({@link Arena.lend}); when all are copied, the batch is independent of the table.
 */
export class BorrowedBatch implements FlowModBatch, Borrower {
  readonly counts: { readonly add: number; readonly modify: number; readonly delete: number };
  readonly #store: PackedStore;
  readonly #commands: Uint8Array;
  /** Of each flow-mod; empty once all flows are copied. */
  #keys: Int32Array;
  /** Likewise; 0 = neither attributes nor instructions. */
  #values: Int32Array;
  /** The first flows, copied, {@link PIECE} to a list. */
  readonly #copies: FlowList[] = [];
  #copied = 0;
  #failure: unknown;

  private constructor(
    store: PackedStore,
    commands: Uint8Array,
    keys: Int32Array,
    values: Int32Array,
    counts: FlowModBatch["counts"],
  ) {
    this.#store = store;
    this.#commands = commands;
    this.#keys = keys;
    this.#values = values;
    this.counts = counts;
  }

  /** Takes the arrays over: none may be changed any more. `commands`: indexes into `FLOW_MOD_COMMANDS`. */
  static of(
    store: PackedStore,
    commands: Uint8Array,
    keys: Int32Array,
    values: Int32Array,
    counts: FlowModBatch["counts"],
  ): BorrowedBatch {
    const batch = new BorrowedBatch(store, commands, keys, values, counts);
    store.arena.lend(batch);
    return batch;
  }

  get length(): number {
    return this.#commands.length;
  }

  at(index: number): FlowMod {
    const command = FLOW_MOD_COMMANDS[this.#command(index)] as FlowMod["command"];
    if (index < this.#copied) return { command, flow: this.#copyOf(index).at(index % PIECE) };
    const list = new FlowList(1);
    this.#store.appendTo(list, this.#keys[index] as number, this.#values[index] as number);
    return { command, flow: list.at(0) };
  }

  read(index: number, into: FlowModView): void {
    const command = this.#command(index);
    if (index < this.#copied) this.#copyOf(index).read(index % PIECE, into);
    else this.#readBorrowed(index, into);
    into.command = command;
    if (command === DELETE_COMMAND) into.instructionsLength = 0;
  }

  *[Symbol.iterator](): IterableIterator<FlowMod> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  copySome(count: number): void {
    const { length } = this;
    try {
      const end = Math.min(length, this.#copied + count);
      while (this.#copied < end) this.#copyUpTo(Math.min(end, this.#copied - (this.#copied % PIECE) + PIECE));
    } catch (error) {
      // The table goes on without us; whoever still wants to read is told.
      this.#failure = error;
    }
    if (this.#copied < length && this.#failure === undefined) return;
    this.#keys = new Int32Array(0);
    this.#values = this.#keys;
    this.#store.arena.returnLoan(this);
  }

  /** Copies the flows up to `end` of the present piece. */
  #copyUpTo(end: number): void {
    const first = this.#copied;
    if (first % PIECE === 0) this.#copies.push(new FlowList(Math.min(PIECE, this.length - first)));
    const list = this.#copies[this.#copies.length - 1] as FlowList;
    for (let i = first; i < end; i++) {
      this.#store.appendTo(list, this.#keys[i] as number, this.#values[i] as number);
      this.#copied = i + 1;
    }
  }

  #copyOf(index: number): FlowList {
    return this.#copies[Math.floor(index / PIECE)] as FlowList;
  }

  #readBorrowed(index: number, into: FlowModView): void {
    const key = this.#keys[index] as number;
    const { arena, values } = this.#store;
    const id = arena.words[key + KEY_ID] as number;
    into.table = (id >>> 16) & 0xff;
    into.priority = id & 0xffff;
    into.matchBuffer = arena.bytes;
    into.matchStart = 4 * (key + KEY_MATCH);
    into.matchLength = (arena.words[key + KEY_FLAGS] as number) & LENGTH_MASK;
    values.read(this.#values[index] as number, into);
  }

  #command(index: number): number {
    if (this.#failure !== undefined) {
      throw new OfsyncError("CAPACITY", "there was no memory to keep this batch when the table changed", {
        cause: this.#failure,
      });
    }
    if (index >>> 0 !== index || index >= this.length) throw new RangeError(`index ${index} is not in 0 … ${this.length - 1}`);
    return this.#commands[index] as number;
  }
}
