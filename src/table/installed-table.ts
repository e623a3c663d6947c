import { OfsyncError } from "../errors.ts";
import type { Flow, FlowKey } from "../flow/flow.ts";
import { Instructions } from "../flow/instructions.ts";
import type { PackedFlow } from "../flow/packed-flow.ts";
import { compareAll } from "./change-set.ts";
import { FlowList } from "./flow-list.ts";
import type { FlowModBatch } from "./flow-mod.ts";
import type { FlowModOrder } from "./flow-mod-order.ts";
import { FRESH, IN_FLIGHT, KEY_FLAGS, KEY_INSTALLED, OBSERVED, UNKNOWN } from "./layout.ts";
import { PackedStore } from "./packed-store.ts";
import { lowestUuid } from "./policy.ts";
import { RefList } from "./ref-list.ts";
import { keysOf, sortKeys } from "./store-scan.ts";

/** What is known about one key of a switch. */
export type InstalledState =
  | { readonly state: "present"; readonly flow: Flow }
  | { readonly state: "absent" }
  | { readonly state: "unknown" };

/**
 * A key that a read-back found other than it was known: `missing` (it was present), `appeared` (it was absent), `altered` (another
 * value that does not mean the same). Keys whose state was unknown are never named.
 */
export interface ReadBackChange {
  readonly kind: "missing" | "altered" | "appeared";
  readonly key: FlowKey;
  /** What is there now; undefined when missing. */
  readonly flow: Flow | undefined;
}

/** One reading of a whole switch. Nothing of it shows before {@link commit}. */
export interface ReadBack {
  /** The switch has this flow. Seen twice, the last one counts. */
  observe(flow: Flow | PackedFlow): void;
  /**
   * The reading is complete: what was observed is present, everything else absent, except what was learnt otherwise since it
   * began (a settled or still unsettled flow-mod, an event), which is newer. Ends the read-back. `onChange` then hears of every
   * key that was known to be otherwise; it may use the table.
   */
  commit(onChange?: (change: ReadBackChange) => void): void;
  /** The reading failed: nothing changes. Ends the read-back; does nothing when it is over. */
  abort(): void;
}

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
    store.setInstalled(key, installedValue(store, key, flows, at), false);
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
    const store = this.#store;
    for (const key of keysOf(store.arena.words, store.arena.top, false)) {
      const known = store.arena.words[key + KEY_INSTALLED] as number;
      if (known === 0) continue;
      store.values.retain(known);
      store.setInstalled(key, known, true);
    }
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
    if (((m[ref + KEY_FLAGS] as number) & UNKNOWN) !== 0) return { state: "unknown" };
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
    const keys = keysOf(store.arena.words, store.arena.top, false).filter(
      (key) => ((store.arena.words[key + KEY_FLAGS] as number) & UNKNOWN) !== 0,
    );
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
  const m = store.arena.words;
  return m[key + KEY_INSTALLED] !== 0 && ((m[key + KEY_FLAGS] as number) & UNKNOWN) === 0;
}

/** The value of a packed flow, shared with what the key wants or has where the bytes are the same; its count raised. */
function installedValue(store: PackedStore, key: number, flows: FlowList, at: number): number {
  const wanted = store.wantedValue(key);
  if (wanted !== 0 && store.values.equalsPacked(wanted, flows.words, at)) {
    store.values.retain(wanted);
    return wanted;
  }
  const known = store.arena.words[key + KEY_INSTALLED] as number;
  if (known !== 0 && store.values.equalsPacked(known, flows.words, at)) {
    store.values.retain(known);
    return known;
  }
  return store.values.acquire(flows.words, at);
}

/** Observed keys are kept (OBSERVED) with the values seen beside, until the reading is complete. */
class OpenReadBack implements ReadBack {
  readonly #store: PackedStore;
  readonly #closed: () => void;
  readonly #keys: RefList = new RefList();
  readonly #values: RefList = new RefList();
  readonly #scratch: FlowList = new FlowList(1);
  #open = true;

  constructor(store: PackedStore, closed: () => void) {
    this.#store = store;
    this.#closed = closed;
    store.freshKeys = new RefList();
  }

  observe(flow: Flow | PackedFlow): void {
    if (!this.#open) throw new OfsyncError("READ_BACK_CLOSED", "this read-back is over");
    const store = this.#store;
    const scratch = this.#scratch;
    scratch.clear();
    if ("matchBuffer" in flow) scratch.appendView(flow);
    else scratch.append(flow);
    store.reserve(scratch.words, 0);
    const key = store.findOrMakeKey(scratch.words, 0);
    this.#values.push(installedValue(store, key, scratch, 0));
    this.#keys.push(key);
    const m = store.arena.words;
    m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) | OBSERVED;
  }

  commit(onChange?: (change: ReadBackChange) => void): void {
    if (!this.#open) throw new OfsyncError("READ_BACK_CLOSED", "this read-back is over");
    const store = this.#store;
    const fresh = this.#close();
    const changes: ReadBackChange[] = [];
    for (let i = 0; i < this.#keys.length; i++) {
      const key = this.#keys.at(i);
      const value = this.#values.at(i);
      if (isNewer(store, key)) store.values.release(value);
      else {
        if (onChange !== undefined) this.#noteObserved(changes, key, value);
        store.setInstalled(key, value, false);
      }
    }
    for (const key of keysOf(store.arena.words, store.arena.top, false)) {
      const m = store.arena.words;
      const flags = m[key + KEY_FLAGS] as number;
      if ((flags & OBSERVED) === 0 && !isNewer(store, key) && (m[key + KEY_INSTALLED] !== 0 || (flags & UNKNOWN) !== 0)) {
        if (onChange !== undefined && (flags & UNKNOWN) === 0) {
          changes.push({ kind: "missing", key: store.keyObject(key), flow: undefined });
        }
        store.setInstalled(key, 0, false);
        store.dropIfIdle(key);
      }
    }
    this.#forget(fresh);
    if (onChange !== undefined) for (const change of changes) onChange(change);
  }

  abort(): void {
    if (!this.#open) return;
    const fresh = this.#close();
    for (let i = 0; i < this.#values.length; i++) this.#store.values.release(this.#values.at(i));
    this.#forget(fresh);
  }

  #noteObserved(changes: ReadBackChange[], key: number, value: number): void {
    const store = this.#store;
    const m = store.arena.words;
    const known = m[key + KEY_INSTALLED] as number;
    if (((m[key + KEY_FLAGS] as number) & UNKNOWN) !== 0 || known === value) return;
    const { values } = store;
    if (known !== 0 && values.sameAttributes(known, value) && values.sameInstructions(known, value)) return;
    const kind = known === 0 ? "appeared" : "altered";
    changes.push({ kind, key: store.keyObject(key), flow: store.flow(key, value) });
  }

  #close(): RefList {
    this.#open = false;
    const fresh = this.#store.freshKeys as RefList;
    this.#store.freshKeys = undefined;
    this.#closed();
    return fresh;
  }

  #forget(fresh: RefList): void {
    const store = this.#store;
    const m = store.arena.words;
    for (const list of [this.#keys, fresh]) {
      for (let i = 0; i < list.length; i++) {
        const key = list.at(i);
        // Seen twice, it may be gone already.
        if (!store.isKey(key)) continue;
        m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) & ~(OBSERVED | FRESH);
        store.dropIfIdle(key);
      }
      list.truncate(0);
    }
    this.#values.truncate(0);
  }
}

function isNewer(store: PackedStore, key: number): boolean {
  return ((store.arena.words[key + KEY_FLAGS] as number) & (FRESH | IN_FLIGHT)) !== 0;
}
