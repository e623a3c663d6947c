import type { FlowList } from "./flow-list.ts";
import { ADDED_COUNT, REMOVED_COUNT, REPLACED_COUNT } from "./layout.ts";
import { BAIL } from "./packed-core-host.ts";
import { ADDED, type PackedStore, REPLACED } from "./packed-store.ts";

/**
 * Puts flow after flow, owner `i` from `from` up to `to` having the flows `first[i]` up to `first[i + 1]`; another value that an owner
 * has for a key is replaced. Returns how many flows changed something.
 */
export function putRuns(
  store: PackedStore,
  owners: Int32Array,
  first: Int32Array,
  from: number,
  to: number,
  flows: FlowList,
): number {
  let changed = 0;
  let index = first[from] as number;
  for (let owner = from; owner < to; ) {
    if (index >= (first[owner + 1] as number)) {
      owner++;
      continue;
    }
    const done = store.isUsual ? store.core.putRuns(owners, first, owner, to, flows, index) : BAIL;
    if (done > 0) {
      const m = store.arena.words;
      changed += (m[ADDED_COUNT] as number) + (m[REPLACED_COUNT] as number);
      index += done;
      continue;
    }
    const result = store.put(owners, 4 * owner, flows.words, flows.startOf(index), true);
    if (result === ADDED || result === REPLACED) changed++;
    index++;
  }
  return changed;
}

/** Takes everything that the owners from `from` up to `to` want away. Returns how many flows that were. */
export function removeOwners(store: PackedStore, owners: Int32Array, from: number, to: number): number {
  let removed = 0;
  for (let owner = from; owner < to; ) {
    const done = store.isUsual ? store.core.removeMany(owners, owner, to) : BAIL;
    if (done > 0) {
      removed += store.arena.words[REMOVED_COUNT] as number;
      owner += done;
    } else {
      removed += removeFlowsOf(store, owners, 4 * owner);
      owner++;
    }
  }
  return removed;
}

/** Takes everything that the owner with this UUID wants away. Returns how many flows that were. */
export function removeFlowsOf(store: PackedStore, uuid: Int32Array, at: number): number {
  if (store.isUsual) {
    const done = store.core.remove(uuid, at);
    if (done !== BAIL) return done;
  }
  const owner = store.findOwner(uuid, at);
  return owner === 0 || store.sizeOf(owner) === 0 ? 0 : store.removeOwner(owner);
}
