import { Instructions } from "../flow/instructions.ts";
import { Match } from "../flow/match.ts";
import { FlowList } from "./flow-list.ts";
import {
  CONTENDER_KEY,
  CONTENDER_NEXT,
  CONTENDER_WORDS,
  KEY_FLAGS,
  KEY_OTHERS,
  KIND_CONTENDER,
  KIND_KEY,
  KIND_SHIFT,
  MERGED,
  MERGED_BYTES,
  NODE_OWNER,
  NODE_PREVIOUS,
  NODE_VALUE,
} from "./layout.ts";
import type { PackedStore } from "./packed-store.ts";

/** The merge of all contenders of a key as a packed flow without match, or `undefined` if the policy takes the winner as it is. */
export function mergedFlow(store: PackedStore, key: number): FlowList | undefined {
  const nodes = store.nodesOf(key);
  if (store.policy.classes === true) {
    const m = store.arena.words;
    const { instructions, attributesOf } = store.values.mergedConjunctions(nodes.map((node) => m[node + NODE_VALUE] as number));
    const winner = store.flow(key, attributesOf);
    return FlowList.of([winner.with({ match: Match.any, instructions: Instructions.fromCanonical(instructions) })]);
  }
  const merged = store.policy.merge?.(nodes.map((node) => store.contender(node)));
  return merged === undefined ? undefined : FlowList.of([merged.with({ match: Match.any })]);
}

/** The contender behind the one at `node`, 0 = none. A merged value is none. */
export function contenderAfter(m: Int32Array, node: number): number {
  if ((m[node] as number) >>> KIND_SHIFT !== KIND_KEY) return m[node + CONTENDER_NEXT] as number;
  const other = m[node + KEY_OTHERS] as number;
  return ((m[node + KEY_FLAGS] as number) & MERGED) === 0 ? other : (m[other + CONTENDER_NEXT] as number);
}

/** Puts a merged value (0 = to be merged when somebody asks) before the other contenders of a key. */
export function linkMerged(store: PackedStore, key: number, block: number, value: number, bytes: number): void {
  const m = store.arena.words;
  m[block] = KIND_CONTENDER << KIND_SHIFT;
  m[block + CONTENDER_KEY] = key;
  m[block + NODE_OWNER] = 0;
  m[block + NODE_VALUE] = value;
  m[block + MERGED_BYTES] = bytes;
  m[block + NODE_PREVIOUS] = 0;
  m[block + CONTENDER_NEXT] = m[key + KEY_OTHERS] as number;
  m[key + KEY_OTHERS] = block;
  m[key + KEY_FLAGS] = (m[key + KEY_FLAGS] as number) | MERGED;
}

/** Takes the merged value of a key away. Returns how many bytes of instructions it could have at most, 0 = not known. */
export function unmerge(store: PackedStore, key: number): number {
  const m = store.arena.words;
  const flags = m[key + KEY_FLAGS] as number;
  if ((flags & MERGED) === 0) return 0;
  const merged = m[key + KEY_OTHERS] as number;
  m[key + KEY_OTHERS] = m[merged + CONTENDER_NEXT] as number;
  m[key + KEY_FLAGS] = flags & ~MERGED;
  const value = m[merged + NODE_VALUE] as number;
  const bytes = m[merged + MERGED_BYTES] as number;
  if (value !== 0) store.values.release(value);
  store.arena.free(merged, CONTENDER_WORDS);
  return bytes;
}

/** Bytes of instructions of all contenders of a key together. */
export function conjunctionBytes(store: PackedStore, key: number): number {
  const m = store.arena.words;
  let bytes = 0;
  for (let node = key; node !== 0; node = contenderAfter(m, node)) {
    bytes += store.values.instructionsLength(m[node + NODE_VALUE] as number);
  }
  return bytes;
}
