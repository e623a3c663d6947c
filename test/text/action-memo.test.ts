import { expect, it } from "vitest";
import { ActionMemo } from "../../src/text/fast/action-memo.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

it("tells texts apart that have one hash, and what was matched around them", () => {
  const memo = new ActionMemo();
  const found = (text: string, context: number): string | undefined => {
    const bytes = encode(text);
    if (!memo.find(bytes, 0, bytes.length, context, 7)) return undefined;
    return String.fromCharCode(...memo.results.subarray(memo.start, memo.start + memo.length));
  };
  for (const [text, context, result] of [
    ["ct(commit)", 1, "a"],
    ["ct(commit)", 2, "b"],
    ["ct_clear", 1, "c"],
  ] as const) {
    expect(found(text, context)).toBeUndefined();
    const bytes = encode(text);
    memo.add(bytes, 0, bytes.length, context, 7, encode(result));
  }
  expect([found("ct(commit)", 1), found("ct(commit)", 2), found("ct_clear", 1), found("ct_clear", 2)]).toEqual([
    "a",
    "b",
    "c",
    undefined,
  ]);
});

it("keeps look-ups short when all texts have one hash: it forgets rather than search on", () => {
  const memo = new ActionMemo();
  const known = (n: number): boolean => {
    const bytes = encode(`group:${n}`);
    return memo.find(bytes, 0, bytes.length, 0, 7);
  };
  for (let n = 0; n < 500; n++) {
    if (known(n)) throw new Error("found what was not added");
    const bytes = encode(`group:${n}`);
    memo.add(bytes, 0, bytes.length, 0, 7, bytes);
    expect(known(n)).toBe(true);
  }
  expect(known(0)).toBe(false);
});

it("grows, and forgets when it is full", () => {
  const memo = new ActionMemo(3000);
  for (let n = 0; n < 7000; n++) {
    const bytes = encode(`group:${n}`);
    const hash = ActionMemo.hash(bytes, 0, bytes.length, 0);
    if (memo.find(bytes, 0, bytes.length, 0, hash)) throw new Error("found what was not added");
    memo.add(bytes, 0, bytes.length, 0, hash, bytes);
  }
  const bytes = encode("group:6999");
  expect(memo.find(bytes, 0, bytes.length, 0, ActionMemo.hash(bytes, 0, bytes.length, 0))).toBe(true);
  expect(memo.results.length).toBeLessThan(1 << 17);
});
