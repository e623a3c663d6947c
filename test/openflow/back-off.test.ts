import { describe, expect, it } from "vitest";
import { BackOff } from "../../src/openflow/back-off.ts";

describe("back-off", () => {
  it("doubles its bound up to the limit and starts over after a reset", () => {
    const backOff = new BackOff(() => 0.999999, { firstMs: 100, maxMs: 1000 });
    expect([1, 2, 3, 4, 5, 6].map(() => backOff.next())).toEqual([99, 199, 399, 799, 999, 999]);
    expect(backOff.attempts).toBe(6);
    backOff.reset();
    expect(backOff.next()).toBe(99);
  });

  it("never returns at once, and stays bounded after thousands of attempts", () => {
    const none = new BackOff(() => 0);
    for (let i = 0; i < 5000; i++) expect(none.next()).toBe(20);
    const all = new BackOff(() => 0.9999);
    for (let i = 0; i < 5000; i++) expect(all.next()).toBeLessThan(8000);
  });

  it("spreads delays over the whole range", () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48271) % 0x7fffffff;
      return seed / 0x7fffffff;
    };
    const backOff = new BackOff(random, { firstMs: 1000, maxMs: 1000 });
    const delays = Array.from({ length: 1000 }, () => backOff.next());
    for (let part = 0; part < 4; part++) {
      expect(delays.filter((delay) => Math.floor(delay / 250) === part).length).toBeGreaterThan(150);
    }
  });
});
