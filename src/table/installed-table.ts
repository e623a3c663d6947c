import { OfsyncError } from "../errors.ts";
import type { Flow, FlowKey } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import { compareAll } from "./change-set.ts";
import { FlowList } from "./flow-list.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import type { FlowModOrder } from "./flow-mod-order.ts";
import { KEY_INSTALLED } from "./layout.ts";
import { PackedStore } from "./packed-store.ts";
import { lowestUuid } from "./policy.ts";
import { OpenReadBack, type ReadBack, type ReadBackChange } from "./read-back.ts";
import { keysOf, sortKeys } from "./store-scan.ts";

export type { ReadBack, ReadBackChange };

/** What is known about one key of a switch. */
export type InstalledState =
  | { readonly state: "present"; readonly flow: Flow }
  | { readonly state: "absent" }
  | { readonly state: "unknown" };

/**
 * What we know of a switch: each key is present with a value, absent, or unknown. A `DesiredFlowTable` has one of its own
 * (`table.installed`) that shares its records; constructed alone it stands for some other switch or a dump.
 */
export class InstalledFlowTable implements Iterable<Flow> {
  readonly #store: PackedStore;
  readonly #scratch: FlowList = new FlowList(1);
  #readBack: OpenReadBack | undefined;

  constructor(options: { readonly maxBytes?: number; readonly hashSeed?: readonly number[] } = {}) {
    const shared = (options as { [STORE]?: PackedStore })[STORE];
    this.#store = shared ?? new PackedStore(lowestUuid, options);
    if (shared === undefined) this.#store.tracksChanges = false;
  }

  /** Flows known to be present. */
  get size(): number {
    return this.#store.installedCount;
  }

  /** The flow is present. Throws `FLOW_TYPE`, `CAPACITY`. */
  set(flow: Flow): void {
    this.#pack(flow);
    this.setPacked(this.#scratch, 0);
  }

  /** The flow at `index` of a packed list is present. */
  setPacked(flows: FlowList, index: number): void {
    const at = flows.startOf(index);
    const store = this.#store;
    store.reserve(flows.words, at);
    const key = store.findOrMakeKey(flows.words, at);
    store.setInstalled(key, store.valueToInstall(key, flows.words, at), false);
  }

  /** The key is not there. */
  setAbsent(key: FlowKey): void {
    const ref = this.#find(key);
    if (ref === 0) return;
    this.#store.setInstalled(ref, 0, false);
    this.#store.dropIfIdle(ref);
  }

  /** Whether the key is there, and with which value, is not known. */
  setUnknown(key: FlowKey): void {
    this.#packKey(key);
    const store = this.#store;
    store.reserve(this.#scratch.words, 0);
    const ref = store.findOrMakeKey(this.#scratch.words, 0);
    const known = store.arena.words[ref + KEY_INSTALLED] as number;
    if (known !== 0) store.values.retain(known);
    store.setInstalled(ref, known, true);
  }

  /** Everything that was present may or may not be. */
  markAllUnknown(): void {
    this.#store.forgetInstalled();
  }

  /** Everything is absent. */
  clear(): void {
    const store = this.#store;
    for (const key of keysOf(store.arena.words, store.arena.top, false)) {
      store.setInstalled(key, 0, false);
      store.dropIfIdle(key);
    }
  }

  /** What is known about a key. */
  state(key: FlowKey): InstalledState {
    const ref = this.#find(key);
    if (ref === 0) return { state: "absent" };
    const m = this.#store.arena.words;
    if (this.#store.isUnknown(ref)) return { state: "unknown" };
    const value = m[ref + KEY_INSTALLED] as number;
    return value === 0 ? { state: "absent" } : { state: "present", flow: this.#store.flow(ref, value) };
  }

  /** The flows known to be present: by table ascending, priority descending, match bytes ascending. */
  *[Symbol.iterator](): IterableIterator<Flow> {
    const store = this.#store;
    const keys = keysOf(store.arena.words, store.arena.top, false).filter((key) => isPresent(store, key));
    sortKeys(store.arena.words, store.arena.bytes, keys);
    for (const key of keys) {
      // The table may have been changed between two steps.
      if (store.isKey(key) && isPresent(store, key)) yield store.flow(key, store.arena.words[key + KEY_INSTALLED] as number);
    }
  }

  /** Keys whose state is unknown, in the same order. */
  *unknownKeys(): IterableIterator<FlowKey> {
    const store = this.#store;
    const keys = keysOf(store.arena.words, store.arena.top, false).filter((key) => store.isUnknown(key));
    sortKeys(store.arena.words, store.arena.bytes, keys);
    for (const key of keys) if (store.isKey(key)) yield store.keyObject(key);
  }

  /** Starts to read the switch back. Throws `READ_BACK_OPEN` while another reading is open. */
  beginReadBack(): ReadBack {
    if (this.#readBack !== undefined) {
      throw new OfsyncError("READ_BACK_OPEN", "a read-back of this table is open already", { hint: "commit or abort it first" });
    }
    this.#readBack = new OpenReadBack(this.#store, () => {
      this.#readBack = undefined;
    });
    return this.#readBack;
  }

  /** Of the room. */
  static sharing(store: PackedStore): InstalledFlowTable {
    return new InstalledFlowTable({ [STORE]: store } as object);
  }

  /** Of the rooms table and diff. */
  static storeOf(table: InstalledFlowTable): PackedStore {
    return table.#store;
  }

  /** Of the rooms table and diff: the full comparison of a store with itself. */
  static compare(table: InstalledFlowTable, order: FlowModOrder): FlowModBatch {
    return compareAll(table.#store, order);
  }

  #find(key: FlowKey): number {
    this.#packKey(key);
    return this.#store.findKey(this.#scratch.words, 0);
  }

  #pack(flow: Flow): void {
    this.#scratch.clear();
    this.#scratch.append(flow);
  }

  #packKey(key: FlowKey): void {
    packKey(this.#scratch, key);
  }
}

const STORE: unique symbol = Symbol("store");

/** Makes `scratch` hold one flow with this key and an empty value. Throws `FLOW_TYPE`, `FLOW_VALUE`. */
export function packKey(scratch: FlowList, key: FlowKey): void {
  if (typeof key !== "object" || key === null || !((key.match?.bytes as unknown) instanceof Uint8Array)) {
    throw new OfsyncError("FLOW_TYPE", "a key must have table, priority and match; a Flow is one", { place: { field: "key" } });
  }
  const none = Instructions.drop.bytes;
  scratch.clear();
  scratch.appendView({
    table: key.table,
    priority: key.priority,
    cookieHigh: 0,
    cookieLow: 0,
    idleTimeout: 0,
    hardTimeout: 0,
    importance: 0,
    flags: 0,
    matchBuffer: key.match.bytes,
    matchStart: 0,
    matchLength: key.match.bytes.length,
    instructionsBuffer: none,
    instructionsStart: 0,
    instructionsLength: 0,
  });
}

function isPresent(store: PackedStore, key: number): boolean {
  return store.arena.words[key + KEY_INSTALLED] !== 0 && !store.isUnknown(key);
}
