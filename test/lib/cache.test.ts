import { describe, it } from "vitest";
import { Cache } from "../../src/lib/cache";

describe("a cache that is bounded by bytes", () => {
  it("forgets what was not asked for the longest", ({ expect }) => {
    const cache = new Cache<number>(306);
    for (const [i, key] of ["a", "b", "c"].entries()) cache.set(key, i, 100);
    expect(cache.get("a")).toBe(0);
    cache.set("d", 3, 100);
    expect([cache.get("a"), cache.get("b"), cache.get("c"), cache.get("d")]).toEqual([0, undefined, 2, 3]);
    expect(cache.bytes).toBe(306);
  });

  it("counts an entry that is set anew once, and one that is deleted not at all", ({ expect }) => {
    const cache = new Cache<string>(1_000);
    cache.set("a", "first", 100);
    cache.set("a", "second", 50);
    expect([cache.get("a"), cache.bytes]).toEqual(["second", 52]);
    cache.delete("a");
    cache.delete("a");
    expect([cache.get("a"), cache.bytes]).toEqual([undefined, 0]);
  });

  it("does not keep what is larger than all of it, and keeps the others", ({ expect }) => {
    const cache = new Cache<number>(300);
    cache.set("small", 1, 10);
    cache.set("large", 2, 300);
    expect([cache.get("small"), cache.get("large")]).toEqual([1, undefined]);
  });
});
