import equal from "fast-deep-equal";
import { Immer } from "immer";
import { type Clock, systemClock } from "../clock.ts";
import { OfsyncError } from "../errors.ts";
import { Flow, type FlowInit, type FlowKey } from "../flow/flow.ts";
import { type Logger, silentLogger } from "../log.ts";
import { ChangeCursor } from "./change-cursor.ts";
import { type Explanation, explainKey } from "./explanation.ts";
import { draftOf, type FlowDraft } from "./flow-draft.ts";
import { FlowList } from "./flow-list.ts";
import type { FlowModOrder } from "./flow-mod-order.ts";
import { FlowModRound } from "./flow-mod-round.ts";
import { putRuns, removeFlowsOf, removeOwners } from "./flow-runs.ts";
import { InstalledFlowTable, packKey } from "./installed-table.ts";
import type { StoreOptions } from "./key-store.ts";
import { KEY_OTHERS, KIND_REST, NODE_NEXT, NODE_OWNER, NODE_VALUE, OWNER_FIRST } from "./layout.ts";
import { formatOwner, type OwnerId, readOwner } from "./owner-id.ts";
import { putMarked, ReplaceCounts, replaceOwnerFlows } from "./owner-replacement.ts";
import { ADDED, KEPT, PackedStore, REPLACED, UNCHANGED } from "./packed-store.ts";
import { type Contender, lowestUuid, type WinnerPolicy } from "./policy.ts";
import { DesiredSnapshot } from "./snapshot.ts";
import { type AuditReport, auditStore } from "./store-audit.ts";
import { keysOf, sortKeys } from "./store-scan.ts";
import type { TableEvent } from "./table-event.ts";

export type { FlowDraft, OwnerId, TableEvent };

/** What `addFlow` and `setFlow` did. `duplicate`: the owner has another value for this key, which was kept. */
export type PutResult = "added" | "replaced" | "unchanged" | "duplicate";

/** What `setFlows` and `replaceAll` did, in flows. */
export interface ReplaceResult {
  readonly added: number;
  readonly replaced: number;
  readonly removed: number;
  readonly unchanged: number;
  /** Ignored, because the same owner gave the same key with another value before. */
  readonly duplicates: number;
}

/** One owner's flows, as `replaceAll` takes them. An owner may come several times. */
export type OwnedFlows = readonly [owner: OwnerId, flows: Flow | Iterable<Flow> | FlowList];

/** Several owners who want the same key with different values. */
export interface Conflict {
  readonly key: FlowKey;
  /** In order, the winner first. */
  readonly contenders: readonly Contender[];
}

export interface DesiredFlowTableOptions extends StoreOptions {
  /** Who wins; default {@link lowestUuid}. */
  readonly policy?: WinnerPolicy;
  /** Hears of duplicates, at most 5 a minute, and of listeners that throw. Default: silent. */
  readonly logger?: Logger;
  /** For the rate limit of the log; default: the host's. */
  readonly clock?: Clock;
}

const DUPLICATES_PER_MINUTE = 5;
/** Calls with more flows than this undo by log what they did if memory runs out, instead of asking for all of it first. */
const RESERVE_AT_ONCE = 256;

const immer = /* @__PURE__ */ new Immer({ autoFreeze: true });

/**
 * Who wants which flows in one switch. Owners contend for keys (table, priority, match); the winner of each key is what the
 * switch should hold. Winners depend only on who wants what, never on the order in which it was said.
 *
 * Every method either does all it says or throws and changes nothing. Besides the errors named there, all that add flows throw
 * `OWNER_INVALID` (not a UUID), `FLOW_TYPE` (not a flow), `FLOW_TOO_LARGE` and `CAPACITY`. Flows are immutable; nothing that
 * the table returns changes later.
 *
 * Iterating gives every contender as `[owner, flow]`: keys by table ascending, priority descending and match bytes ascending,
 * the contenders of a key winner first. It costs a sort; `winners()` likewise.
 */
export class DesiredFlowTable implements Iterable<readonly [OwnerId, Flow]> {
  /** What is known of the switch that this table serves. */
  readonly installed: InstalledFlowTable;
  readonly #store: PackedStore;
  readonly #scratch: FlowList = new FlowList(4);
  readonly #counts: ReplaceCounts = new ReplaceCounts();
  readonly #uuid: Int32Array = new Int32Array(4);
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** A policy that orders by value or merges runs code that may throw: every change is made inside a transaction then. */
  readonly #guarded: boolean;
  readonly #listeners: Set<(event: TableEvent) => void> = new Set();
  #pendingEvents: TableEvent[] = [];
  #revision = 0;
  #depth = 0;
  #changed = false;
  #round: FlowModRound | undefined;
  readonly #roundEnded = (): void => {
    this.#round = undefined;
  };
  /** The owner in #uuid; "" = none. */
  #lastOwnerText = "";
  #logWindowEnds = Number.NEGATIVE_INFINITY;
  #loggedInWindow = 0;

  constructor(options: DesiredFlowTableOptions = {}) {
    const policy = options.policy ?? lowestUuid;
    this.#store = new PackedStore(policy, options);
    this.#guarded = policy !== lowestUuid;
    this.#logger = options.logger ?? silentLogger;
    this.#clock = options.clock ?? systemClock;
    this.installed = InstalledFlowTable.sharing(this.#store);
  }

  // ---- size

  /** Contenders: pairs of owner and key. */
  get size(): number {
    return this.#store.size;
  }

  /** Keys that at least one owner wants. */
  get keyCount(): number {
    return this.#store.keyCount;
  }

  get ownerCount(): number {
    return this.#store.ownerCount;
  }

  /** Grows by one with each call or transaction that changed something. */
  get revision(): number {
    return this.#revision;
  }

  // ---- changing

  /** The owner wants this flow too. If it wants the key already with another value, that one stays (`duplicate`). */
  addFlow(owner: OwnerId, flow: Flow): PutResult {
    return this.#putOne(owner, flow, false);
  }

  /** The owner wants this flow; another value that it wanted for the key is replaced. */
  setFlow(owner: OwnerId, flow: Flow): PutResult {
    return this.#putOne(owner, flow, true);
  }

  /** These are all the flows that the owner wants; the others it wanted go. Of two for one key the first counts. */
  setFlows(owner: OwnerId, flows: Iterable<Flow> | FlowList): ReplaceResult {
    const list = flows instanceof FlowList ? flows : FlowList.of(flows);
    this.#readOwner(owner);
    const counts = new ReplaceCounts();
    this.#replaceFlows(this.#uuid, 0, list, 0, list.length, counts);
    return { ...counts };
  }

  /**
   * Edits an owner's flows as an array of plain objects; what the recipe leaves in the array is what the owner wants then. What
   * the recipe returns is ignored.
   */
  updateFlows(owner: OwnerId, recipe: (flows: FlowDraft[]) => unknown): ReplaceResult {
    const drafts: FlowDraft[] = this.flowsOf(owner).map(draftOf);
    const edited: readonly FlowInit[] = immer.produce(drafts, (flows: FlowDraft[]): void => {
      recipe(flows);
    });
    // An edit that ends where it began is none, whichever way it went.
    if (edited === drafts || equal(edited, drafts)) {
      return { added: 0, replaced: 0, removed: 0, unchanged: drafts.length, duplicates: 0 };
    }
    return this.setFlows(
      owner,
      edited.map((init) => new Flow(init)),
    );
  }

  /** The owner does not want this key any more. True if it did. */
  removeFlow(owner: OwnerId, key: FlowKey): boolean {
    this.#readOwner(owner);
    packKey(this.#scratch, key);
    const ownerRef = this.#store.findOwner(this.#uuid, 0);
    const ref = ownerRef === 0 ? 0 : this.#store.findKey(this.#scratch.words, 0);
    const node = ref === 0 ? 0 : this.#store.nodeOf(ref, ownerRef);
    if (node === 0) return false;
    this.#change(true, () => {
      this.#store.removeNode(node, ref);
      return true;
    });
    return true;
  }

  /** The owner wants nothing any more. Returns how many flows it wanted. */
  removeFlows(owner: OwnerId): number {
    this.#readOwner(owner);
    return this.removePacked(this.#uuid, 0);
  }

  /** None of these owners wants anything any more: under one revision, and quicker than one by one. Returns how many flows they wanted. */
  removeOwners(owners: Iterable<OwnerId>): number {
    const all = [...owners];
    const uuids = new Int32Array(4 * all.length);
    for (const [i, owner] of all.entries()) readOwner(owner, uuids, 4 * i);
    return this.removePackedRuns(uuids, 0, all.length);
  }

  /**
   * These are all the flows that anybody wants: a full recompute. Only true differences become changes. Of two flows of one
   * owner for one key the first counts.
   */
  replaceAll(entries: Iterable<OwnedFlows>): ReplaceResult {
    const result = new ReplaceCounts();
    const store = this.#store;
    const uuid = new Int32Array(4);
    this.transaction(() => {
      try {
        for (const [owner, flows] of entries) {
          readOwner(owner, uuid, 0);
          const list = flows instanceof FlowList ? flows : FlowList.of(isIterable(flows) ? flows : [flows]);
          const known = result.duplicates;
          for (let i = 0; i < list.length; i++) putMarked(store, uuid, 0, list, i, result);
          for (const index of result.duplicateIndexes.slice(known)) this.#noteDuplicate(uuid, 0, list, index);
        }
        for (const key of keysOf(store.arena.words, store.arena.top, true)) {
          // By owner: taking one away may move the block of another.
          const doomed = store.nodesOf(key).filter((node) => !store.isMarked(node));
          for (const owner of doomed.map((node) => store.arena.words[node + NODE_OWNER] as number)) {
            store.removeNode(store.nodeOf(key, owner), key);
            result.removed++;
          }
        }
        this.#changed ||= result.changes > 0;
      } finally {
        for (const key of keysOf(store.arena.words, store.arena.top, true)) {
          for (const node of store.nodesOf(key)) store.mark(node, false);
        }
      }
    });
    return { ...result };
  }

  /** Nobody wants anything any more. */
  clear(): void {
    this.#change(true, () => {
      const owners = [...this.#store.owners.entries()].map(([, owner]) => owner);
      let removed = 0;
      for (const owner of owners) removed += this.#store.removeOwner(owner);
      return removed > 0;
    });
  }

  /**
   * Runs `change` and keeps all of its changes under one revision, or, if it throws, none of them; the error reaches the caller.
   * A transaction inside a transaction is a part of it: if it throws, everything up to the outermost is undone, unless the
   * error is caught in between, in which case only the inner one's changes stay undone. `change` must not be asynchronous
   * (`TRANSACTION_ASYNC`), and no round may be started or settled in it.
   */
  transaction<T>(change: () => T): T {
    if (this.#depth > 0) return this.#nested(change);
    const events = this.#pendingEvents.length;
    this.#depth = 1;
    this.#changed = false;
    this.#store.begin();
    let result: T;
    try {
      result = change();
      refuseAsync(result);
    } catch (error) {
      this.#store.rollback();
      this.#pendingEvents.length = events;
      this.#depth = 0;
      this.#changed = false;
      throw error;
    }
    this.#store.commit();
    this.#depth = 0;
    if (this.#changed) this.#announce();
    else this.#flushEvents();
    return result;
  }

  // ---- packed flows

  /** As {@link addFlow}, for the UUID in `owners[ownerAt …]` (four big-endian words) and the flow at `index` of a list. */
  addPacked(owners: Int32Array, ownerAt: number, flows: FlowList, index: number): PutResult {
    return RESULTS[this.#putPacked(owners, ownerAt, flows, index, false)] as PutResult;
  }

  /** As {@link setFlow}, likewise. */
  setPacked(owners: Int32Array, ownerAt: number, flows: FlowList, index: number): PutResult {
    return RESULTS[this.#putPacked(owners, ownerAt, flows, index, true)] as PutResult;
  }

  /** As {@link setFlows}, with the flows from `from` up to `to`. Returns how many flows were added, replaced or removed. */
  replacePacked(owners: Int32Array, ownerAt: number, flows: FlowList, from: number, to: number): number {
    this.#counts.reset();
    return this.#replaceFlows(owners, ownerAt, flows, from, to, this.#counts);
  }

  #replaceFlows(owners: Int32Array, ownerAt: number, flows: FlowList, from: number, to: number, counts: ReplaceCounts): number {
    if (from === to) return this.#removeAll(owners, ownerAt, counts);
    const store = this.#store;
    const simple = !this.#guarded && this.#depth === 0 && to - from <= RESERVE_AT_ONCE;
    if (!simple || !store.reserveList(flows.endOf(to - 1) - flows.startOf(from), to - from)) {
      this.#change(true, () => {
        replaceOwnerFlows(store, owners, ownerAt, flows, from, to, counts);
        this.#noteDuplicates(owners, ownerAt, flows, counts);
        return counts.changes > 0;
      });
      return counts.changes;
    }
    replaceOwnerFlows(store, owners, ownerAt, flows, from, to, counts);
    if (counts.duplicates > 0) this.#noteDuplicates(owners, ownerAt, flows, counts);
    // A listener may call again, so read it before.
    const { changes } = counts;
    if (changes > 0) this.#announce();
    else if (counts.duplicates > 0) this.#flushEvents();
    return changes;
  }

  /**
   * As {@link setPacked} for many flows at once, under one revision: all of them, or none if it throws. Owner `i` from `from` up to
   * `to` has its UUID in `owners[4 * i …]` and the flows `first[i]` up to `first[i + 1]` of the list. Returns how many flows were added
   * or replaced.
   */
  setPackedRuns(owners: Int32Array, first: Int32Array, from: number, to: number, flows: FlowList): number {
    const begin = first[from] as number;
    const end = first[to] as number;
    if (from >= to || begin === end) return 0;
    const store = this.#store;
    let changed = 0;
    const simple =
      !this.#guarded && this.#depth === 0 && store.reserveList(flows.endOf(end - 1) - flows.startOf(begin), end - begin);
    this.#change(!simple, () => {
      changed = putRuns(store, owners, first, from, to, flows);
      return changed > 0;
    });
    return changed;
  }

  /** As {@link removePacked} for the UUIDs in `owners[4 * from …]` up to `owners[4 * to …]`, under one revision. */
  removePackedRuns(owners: Int32Array, from: number, to: number): number {
    let removed = 0;
    this.#change(false, () => {
      removed = removeOwners(this.#store, owners, from, to);
      return removed > 0;
    });
    return removed;
  }

  /** As {@link removeFlows}. */
  removePacked(owners: Int32Array, ownerAt: number): number {
    if (!this.#guarded && this.#depth === 0) {
      const count = removeFlowsOf(this.#store, owners, ownerAt);
      if (count !== 0) this.#announce();
      return count;
    }
    const owner = this.#store.findOwner(owners, ownerAt);
    if (owner === 0 || this.#store.sizeOf(owner) === 0) return 0;
    let removed = 0;
    this.#change(false, () => {
      removed = this.#store.removeOwner(owner);
      return true;
    });
    return removed;
  }

  // ---- reading

  /** What should be installed for a key: the winner, or the merge of all contenders. */
  winner(key: FlowKey): Flow | undefined {
    const ref = this.#findKey(key);
    if (ref === 0) return undefined;
    const value = this.#store.wantedValue(ref);
    return value === 0 ? undefined : this.#store.flow(ref, value);
  }

  /** Who wants a key, in order, the winner first. */
  contenders(key: FlowKey): Contender[] {
    const ref = this.#findKey(key);
    return ref === 0 ? [] : this.#store.nodesOf(ref).map((node) => this.#store.contender(node));
  }

  /** What an owner wants, in the order in which the table is iterated. */
  flowsOf(owner: OwnerId): Flow[] {
    this.#readOwner(owner);
    const store = this.#store;
    const ref = store.findOwner(this.#uuid, 0);
    if (ref === 0) return [];
    const m = store.arena.words;
    const count = (m[ref] as number) & KIND_REST;
    const values = new Map<number, number>();
    const keys = new Int32Array(count);
    let node = m[ref + OWNER_FIRST] as number;
    for (let i = 0; i < count; i++) {
      keys[i] = store.keyOfNode(node);
      values.set(keys[i] as number, m[node + NODE_VALUE] as number);
      node = m[node + NODE_NEXT] as number;
    }
    return [...sortKeys(m, store.arena.bytes, keys)].map((key) => store.flow(key, values.get(key) as number));
  }

  /** The owners that want something, ascending. */
  owners(): OwnerId[] {
    const store = this.#store;
    const m = store.arena.words;
    const found: OwnerId[] = [];
    for (const [, owner] of store.owners.entries()) {
      if (((m[owner] as number) & KIND_REST) !== 0) found.push(store.ownerId(owner));
    }
    return found.sort();
  }

  *[Symbol.iterator](): IterableIterator<readonly [OwnerId, Flow]> {
    const store = this.#store;
    for (const key of this.#sortedKeys()) {
      if (!store.isKey(key)) continue;
      for (const { owner, flow } of store.nodesOf(key).map((node) => store.contender(node))) yield [owner, flow];
    }
  }

  /** What the switch should hold: one flow per key, in the order in which the table is iterated. */
  *winners(): IterableIterator<Flow> {
    const store = this.#store;
    for (const key of this.#sortedKeys()) {
      const value = store.isKey(key) ? store.wantedValue(key) : 0;
      if (value !== 0) yield store.flow(key, value);
    }
  }

  /** The keys that several owners want with different values, in the order in which the table is iterated. */
  *conflicts(): IterableIterator<Conflict> {
    const store = this.#store;
    const several = this.#sortedKeys().filter((key) => store.arena.words[key + KEY_OTHERS] !== 0);
    for (const key of several) {
      if (!store.isKey(key)) continue;
      const nodes = store.nodesOf(key);
      const m = store.arena.words;
      const first = m[(nodes[0] as number) + NODE_VALUE] as number;
      if (nodes.every((node) => store.values.same(m[node + NODE_VALUE] as number, first))) continue;
      yield { key: store.keyObject(key), contenders: nodes.map((node) => store.contender(node)) };
    }
  }

  /** Who wants a key, who wins and by which rule, and what is known of the switch. */
  explain(key: FlowKey): Explanation {
    return explainKey(this.#store, this.#findKey(key), key, this.contenders(key), this.winner(key), this.installed.state(key));
  }

  /**
   * The contents as they are now, for ever: a copy, packed (about 90 bytes a flow, and about as quick as copying memory). Give its
   * `entries()` to `replaceAll` to go back to it.
   */
  snapshot(): DesiredSnapshot {
    const store = this.#store;
    const flows = new FlowList(Math.max(1, store.size));
    const owners = new Int32Array(4 * store.size);
    for (const key of this.#sortedKeys()) {
      const m = store.arena.words;
      for (const node of store.nodesOf(key)) {
        const owner = m[node + NODE_OWNER] as number;
        for (let i = 0; i < 4; i++) owners[4 * flows.length + i] = m[owner + 1 + i] as number;
        store.appendTo(flows, key, m[node + NODE_VALUE] as number);
      }
    }
    return new DesiredSnapshot(this.#revision, owners, flows);
  }

  // ---- following and sending

  /** Registers a listener; the returned function removes it. What a listener throws goes to the logger. */
  subscribe(listener: (event: TableEvent) => void): () => void {
    const own = (event: TableEvent): void => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Follows the winners from now on, independent of the switch and of other cursors. */
  changes(): ChangeCursor {
    return new ChangeCursor(this.#store);
  }

  /**
   * Starts to bring the switch up to date: a round over all keys that differ, except refused ones. `undefined` when there is
   * nothing to send. Throws `ROUND_OPEN` while another round is under way, `TRANSACTION_OPEN` inside a transaction.
   */
  startRound(options?: { readonly order?: FlowModOrder }): FlowModRound | undefined {
    if (this.#depth > 0) throw new OfsyncError("TRANSACTION_OPEN", "a round cannot start inside a transaction");
    if (this.#round !== undefined) {
      throw new OfsyncError("ROUND_OPEN", "the last round is not over yet", { hint: "settle its batches or cancel it" });
    }
    const round = FlowModRound.start(this.#store, options?.order ?? "makeBeforeBreak", this.#revision, this.#roundEnded);
    this.#round = round;
    return round;
  }

  /** Keys that wait for a round, about: an upper bound. */
  get pendingKeys(): number {
    const store = this.#store;
    return store.hasUntold ? store.keys.size : store.dirtyCount;
  }

  /** Tries a refused key again in the next round. */
  retry(key: FlowKey): void {
    const ref = this.#findKey(key);
    if (ref !== 0) this.#store.touch(ref);
  }

  // ---- upkeep

  /** Bytes of memory held, used and free for reuse. */
  memory(): { readonly allocatedBytes: number; readonly usedBytes: number; readonly freeBytes: number } {
    const store = this.#store;
    const outside = store.chunkMemory.bytes;
    const allocated = 4 * store.arena.words.length + outside;
    const free = 4 * store.arena.freeWords;
    return { allocatedBytes: allocated, usedBytes: 4 * store.arena.top - free + outside, freeBytes: free };
  }

  /** Checks every invariant of the packed storage, slowly; throws an `Error` that names the first one broken. For tests. */
  validate(): AuditReport {
    return auditStore(this.#store);
  }

  /** Of the rooms table and diff. */
  static storeOf(table: DesiredFlowTable): PackedStore {
    return table.#store;
  }

  // ---- inside

  #readOwner(owner: OwnerId): void {
    if (owner === this.#lastOwnerText && owner !== "") return;
    this.#lastOwnerText = "";
    readOwner(owner, this.#uuid, 0);
    this.#lastOwnerText = owner;
  }

  #findKey(key: FlowKey): number {
    packKey(this.#scratch, key);
    return this.#store.findKey(this.#scratch.words, 0);
  }

  #sortedKeys(): Int32Array {
    const { words, bytes, top } = this.#store.arena;
    return sortKeys(words, bytes, keysOf(words, top, true));
  }

  #putOne(owner: OwnerId, flow: Flow, replace: boolean): PutResult {
    this.#readOwner(owner);
    this.#scratch.clear();
    this.#scratch.append(flow);
    return RESULTS[this.#putPacked(this.#uuid, 0, this.#scratch, 0, replace)] as PutResult;
  }

  #putPacked(owners: Int32Array, ownerAt: number, flows: FlowList, index: number, replace: boolean): number {
    if (this.#guarded) {
      let guarded = UNCHANGED;
      this.#change(false, () => {
        guarded = this.#store.put(owners, ownerAt, flows.words, flows.startOf(index), replace);
        return guarded === ADDED || guarded === REPLACED;
      });
      if (guarded === KEPT) this.#reportDuplicate(owners, ownerAt, flows, index);
      return guarded;
    }
    const done = this.#store.put(owners, ownerAt, flows.words, flows.startOf(index), replace);
    if (done === KEPT) this.#reportDuplicate(owners, ownerAt, flows, index);
    else if (done !== UNCHANGED) {
      if (this.#depth > 0) this.#changed = true;
      else this.#announce();
    }
    return done;
  }

  /** Runs a change: inside a transaction if the policy may throw or `log` says so. `change` tells whether it changed anything. */
  #change(log: boolean, change: () => boolean): void {
    if (this.#depth === 0 && (log || this.#guarded)) {
      this.transaction(() => {
        if (change()) this.#changed = true;
      });
      return;
    }
    if (this.#depth > 0 && (log || this.#guarded)) {
      this.#nested(() => {
        if (change()) this.#changed = true;
      });
      return;
    }
    if (!change()) return;
    if (this.#depth > 0) this.#changed = true;
    else this.#announce();
  }

  #nested<T>(change: () => T): T {
    const savepoint = this.#store.savepoint();
    const events = this.#pendingEvents.length;
    const changed = this.#changed;
    this.#depth++;
    try {
      const result = change();
      refuseAsync(result);
      return result;
    } catch (error) {
      this.#store.rollbackTo(savepoint);
      this.#pendingEvents.length = events;
      this.#changed = changed;
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /** To replace all flows of an owner by none. */
  #removeAll(owners: Int32Array, ownerAt: number, counts: ReplaceCounts): number {
    counts.removed = this.removePacked(owners, ownerAt);
    return counts.removed;
  }

  #noteDuplicates(owners: Int32Array, ownerAt: number, flows: FlowList, counts: ReplaceCounts): void {
    for (const index of counts.duplicateIndexes) this.#noteDuplicate(owners, ownerAt, flows, index);
  }

  #reportDuplicate(owners: Int32Array, ownerAt: number, flows: FlowList, index: number): void {
    this.#noteDuplicate(owners, ownerAt, flows, index);
    if (this.#depth === 0) this.#flushEvents();
  }

  #noteDuplicate(owners: Int32Array, ownerAt: number, flows: FlowList, index: number): void {
    const store = this.#store;
    const owner = formatOwner(owners, ownerAt);
    const key = store.findKey(flows.words, flows.startOf(index));
    const node = store.nodeOf(key, store.findOwner(owners, ownerAt));
    const event: TableEvent = {
      type: "duplicate",
      owner,
      kept: store.flow(key, store.arena.words[node + NODE_VALUE] as number),
      ignored: flows.at(index),
    };
    this.#pendingEvents.push(event);
  }

  #announce(): void {
    this.#revision++;
    if (this.#listeners.size === 0 && this.#pendingEvents.length === 0) return;
    this.#pendingEvents.push({ type: "changed", revision: this.#revision });
    this.#flushEvents();
  }

  #flushEvents(): void {
    if (this.#pendingEvents.length === 0) return;
    const events = this.#pendingEvents;
    this.#pendingEvents = [];
    for (const event of events) {
      if (event.type === "duplicate") this.#logDuplicate(event);
      for (const listener of this.#listeners) {
        try {
          listener(event);
        } catch (error) {
          this.#logger.error("a listener of the desired table threw", error);
        }
      }
    }
  }

  #logDuplicate(event: TableEvent): void {
    const now = this.#clock.now();
    if (now >= this.#logWindowEnds) {
      this.#logWindowEnds = now + 60_000;
      this.#loggedInWindow = 0;
    }
    if (++this.#loggedInWindow <= DUPLICATES_PER_MINUTE) {
      this.#logger.warn("an owner gave a key twice with different values; the first was kept", event);
    }
  }
}

const RESULTS: readonly PutResult[] = ["unchanged", "added", "replaced", "duplicate"];

function isIterable(value: Flow | Iterable<Flow>): value is Iterable<Flow> {
  return typeof (value as Partial<Iterable<Flow>>)[Symbol.iterator] === "function";
}

function refuseAsync(result: unknown): void {
  if (typeof (result as { then?: unknown } | null | undefined)?.then === "function") {
    throw new OfsyncError("TRANSACTION_ASYNC", "a transaction cannot be asynchronous", {
      hint: "fetch what you need first, then change the table",
    });
  }
}
