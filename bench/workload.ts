import { createFlowModView } from "../src/diff/flow-mod.ts";
import { FlowList } from "../src/table/flow-list.ts";

/** The workload of bench/c/workload.h, byte for byte: the check sums of both must agree. */
export interface Workload {
  readonly flowCount: number;
  readonly ownerCount: number;
  /** Four words each. */
  readonly uuids: Int32Array;
  /** First flow of each owner, and one more. */
  readonly first: Int32Array;
  readonly shuffled: Int32Array;
  readonly sum: string;
  /** State of the random numbers after the last flow. */
  readonly end: number;
  /** The flows, with their actions inside an apply-actions instruction and the first word of the owner as cookie. */
  readonly flows: FlowList;
  /** The same with the target table one higher. */
  readonly others: FlowList;
  /** As `others`, but the first flow of each owner as in `flows`. */
  readonly mixed: FlowList;
}

const PRIORITIES = [1, 2, 10, 34, 50, 70, 80, 90, 100, 100, 110, 120, 1000, 2000, 2001, 65535] as const;

/** The seed of bench/c/workload.h. */
const SEED = 0x2545_f491;

/** The workload of `n` flows; `variants` false leaves `others` and `mixed` empty. `seed`: the `end` of another, to go on from there. */
export function makeWorkload(n: number, variants = true, seed: number = SEED): Workload {
  let state = seed;
  const rng = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const bytes = new Uint8Array(108 * n + 128);
  let at = 0;
  const put8 = (v: number): void => {
    bytes[at++] = v;
  };
  const put16 = (v: number): void => {
    put8(v >>> 8);
    put8(v);
  };
  const put32 = (v: number): void => {
    put16(v >>> 16);
    put16(v);
  };
  const put = (...words: number[]): void => words.forEach(put32);
  const reg = (index: number, v: number): void => put(0x0001_0004 | (index << 9), v);
  const mac = (header: number, v: number): void => {
    put32(header);
    put16(0x0200);
    put32(v);
  };
  const type = (v: number): void => {
    put32(0x8000_0a02);
    put16(v);
  };
  const proto = (v: number): void => {
    put32(0x8000_1401);
    put8(v);
  };
  const port16 = (header: number, v: number): void => {
    put32(header);
    put16(v);
  };
  const setReg = (index: number, v: number): void => {
    put32(0x0019_0010);
    reg(index, v);
    put32(0);
  };
  const resubmit = (table: number): void => {
    put(0xffff_0010, 0x2320, 0x000e_fff8);
    put8(table);
    put8(0);
    put16(0);
  };
  const match = (kind: number, dp: number, port: number, x: number, y: number): void => {
    if (kind === 0 || kind === 2 || kind === 7) reg(14, port);
    if (kind === 1 || kind === 4 || kind === 5) reg(15, port);
    put(0x8000_0408, 0, dp);
    if (kind === 0) mac(0x8000_0806, x);
    else if (kind === 1) mac(0x8000_0606, x);
    else if (kind === 2) {
      type(0x800);
      put(0x8000_1604, x);
    } else if (kind === 3) {
      const mask = 0xffff_ffff << (8 - (y & 7));
      type(0x800);
      put(0x8000_1908, x & mask, mask);
    } else if (kind === 7) {
      type(0x86dd);
      put(0x8000_3610, 0xfd00_0000, 0, x, y);
    } else {
      if (kind === 4) put(0x0001_d308, 0x21, 0x23);
      if (kind === 6) put(0x0001_d308, 0x21, 0x21);
      type(0x800);
      proto(kind === 5 ? 17 : 6);
      put(kind === 4 ? 0x8000_1604 : 0x8000_1804, x);
      port16(kind === 5 ? 0x8000_2002 : 0x8000_1c02, y & 0xffff);
    }
  };
  const actions = (kind: number, c: number, table: number): void => {
    if (kind === 1) setReg(10, c);
    if (kind === 2) {
      setReg(0, c & 0xffff);
      put(0xffff_0018, 0x2320);
      put16(0x23);
      put16(0);
      put32(0x0001_1a04);
      put16(15);
      put8(table);
      put8(0);
      put32(0);
      return;
    }
    if (kind === 3) {
      put32(0x0019_0010);
      mac(0x8000_0806, c);
      put16(0);
      setReg(15, 1 + (c & 0x7fff));
    }
    resubmit(table);
  };

  const uuids = new Int32Array(4 * n);
  const first = new Int32Array(n + 1);
  const table = new Uint8Array(n);
  const priority = new Uint16Array(n);
  const matchStart = new Uint32Array(n);
  const matchLength = new Uint8Array(n);
  const actionsStart = new Uint32Array(n);
  const actionsLength = new Uint8Array(n);
  const targetAt = new Uint8Array(n);
  let ownerCount = 0;
  for (let i = 0; i < n; ) {
    const l = ownerCount++;
    first[l] = i;
    for (let k = 0; k < 4; k++) uuids[4 * l + k] = rng();
    uuids[4 * l + 1] = ((uuids[4 * l + 1] as number) & 0xffff_0fff) | 0x4000;
    uuids[4 * l + 2] = ((uuids[4 * l + 2] as number) & 0x3fff_ffff) | 0x8000_0000;
    const count = 1 + (rng() & 3);
    const ownTable = rng() % 80;
    const ownPriority = PRIORITIES[rng() & 15] as number;
    const kind = rng() & 7;
    let how = rng() & 3;
    const dp = 1 + (rng() % 4096);
    const port = 1 + (rng() % 32767);
    const c = rng();
    if (how === 2 && kind < 2) how = 1;
    for (const end = Math.min(n, i + count); i < end; i++) {
      const x = rng();
      const y = rng();
      let ownHow = how;
      if (rng() % 1000 === 0 && (first[l] as number) > 0) {
        const twin = rng() % (first[l] as number);
        table[i] = table[twin] as number;
        priority[i] = priority[twin] as number;
        matchStart[i] = matchStart[twin] as number;
        matchLength[i] = matchLength[twin] as number;
        ownHow = 1;
      } else {
        table[i] = ownTable;
        priority[i] = ownPriority;
        matchStart[i] = at;
        match(kind, dp, port, x, y);
        matchLength[i] = at - (matchStart[i] as number);
      }
      actionsStart[i] = at;
      actions(ownHow, c, (table[i] as number) + 1);
      actionsLength[i] = at - (actionsStart[i] as number);
      targetAt[i] = (actionsLength[i] as number) - (ownHow === 2 ? 6 : 4);
    }
  }
  first[ownerCount] = n;

  let hash = 0x811c_9dc5;
  const step = (v: number): void => {
    hash = Math.imul(hash ^ (v & 255), 0x0100_0193);
  };
  for (let l = 0; l < ownerCount; l++) {
    for (let i = first[l] as number; i < (first[l + 1] as number); i++) {
      for (let k = 0; k < 16; k++) step((uuids[4 * l + (k >> 2)] as number) >>> (24 - 8 * (k & 3)));
      for (const v of [table[i], (priority[i] as number) >>> 8, priority[i], matchLength[i], actionsLength[i]]) step(v as number);
      for (let k = 0; k < (matchLength[i] as number); k++) step(bytes[(matchStart[i] as number) + k] as number);
      for (let k = 0; k < (actionsLength[i] as number); k++) step(bytes[(actionsStart[i] as number) + k] as number);
    }
  }

  const lists = [new FlowList(n), new FlowList(variants ? n : 1), new FlowList(variants ? n : 1)] as const;
  const view = createFlowModView();
  const instructions = new Uint8Array(128);
  instructions[1] = 4;
  view.matchBuffer = bytes;
  view.instructionsBuffer = instructions;
  for (let l = 0; l < ownerCount; l++) {
    for (let i = first[l] as number; i < (first[l + 1] as number); i++) {
      const start = actionsStart[i] as number;
      const length = actionsLength[i] as number;
      view.table = table[i] as number;
      view.priority = priority[i] as number;
      view.cookieLow = uuids[4 * l] as number;
      view.matchStart = matchStart[i] as number;
      view.matchLength = matchLength[i] as number;
      view.instructionsLength = 8 + length;
      instructions[3] = 8 + length;
      for (let k = 0; k < length; k++) instructions[8 + k] = bytes[start + k] as number;
      lists[0].appendView(view);
      if (!variants) continue;
      if (i === first[l]) lists[2].appendView(view);
      const target = 8 + (targetAt[i] as number);
      instructions[target] = (instructions[target] as number) + 1;
      lists[1].appendView(view);
      if (i !== first[l]) lists[2].appendView(view);
    }
  }

  const end = state;
  const shuffled = Int32Array.from({ length: ownerCount }, (_, i) => i);
  state = 0x0123_4567;
  for (let i = ownerCount - 1; i >= 1; i--) {
    const j = rng() % (i + 1);
    const other = shuffled[j] as number;
    shuffled[j] = shuffled[i] as number;
    shuffled[i] = other;
  }
  return {
    flowCount: n,
    ownerCount,
    uuids,
    first,
    shuffled,
    end,
    sum: (hash >>> 0).toString(16).padStart(8, "0"),
    flows: lists[0],
    others: lists[1],
    mixed: lists[2],
  };
}
