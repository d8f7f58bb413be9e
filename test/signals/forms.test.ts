import { describe, it } from "vitest";
import type { When } from "../../src/contracts/signal";
import { keyAt, numberAt, valueAt } from "../../src/lib/filter/path-values";
import { evaluate, type Fire, type RuleMemory } from "../../src/signals/forms";

const NOW = Date.parse("2026-11-21T00:00:00Z");
const HOUR = 3_600_000;

/** What a rule fires over a sequence; `null` where it does not. Each step may have a value, a time and lists. */
function fires(
  when: When | When[],
  steps: { v?: unknown; at?: number; now?: number; lists?: string[] }[],
): (Fire | null)[] {
  let memory: RuleMemory = {};
  return steps.map(({ v, at = 0, now = NOW, lists = [] }, i) => {
    const form = Array.isArray(when) ? (when[i] as When) : when;
    const seen = { data: v === undefined ? {} : { v }, at: NOW + at, listed: new Set(lists) };
    const result = evaluate(form, memory, seen, now);
    memory = result.memory;
    return result.fire ?? null;
  });
}

const values = (...list: unknown[]) => list.map((v) => ({ v }));
const hit = (previous: number | null, current: number | null): Fire => ({ previous, current });
const HIT = hit(null, null);

describe("every and once", () => {
  it("fire at each observation, and at the first", ({ expect }) => {
    expect(fires({ every: true }, values(1, 2))).toEqual([HIT, HIT]);
    expect(fires({ once: true }, values(1, 2, 3))).toEqual([HIT, null, null]);
  });
});

describe("crosses", () => {
  const when: When = { crosses: { path: "v", threshold: 70 } };

  it("fires when the value comes to the threshold or over it, and arms again below", ({ expect }) => {
    const fired = fires(when, values(69.9, 70, 71, 70, 69, 70));
    expect(fired).toEqual([null, hit(69.9, 70), null, null, null, hit(69, 70)]);
  });

  it("takes an unknown value for one that was under it", ({ expect }) => {
    expect(fires(when, values(90, 91))).toEqual([hit(null, 90), null]);
  });

  it("is left alone by what is no number", ({ expect }) => {
    const fired = fires(when, [...values(80, "60", null, [60], { n: 60 }, true), {}, { v: 80 }]);
    expect(fired).toEqual([hit(null, 80), null, null, null, null, null, null, null]);
  });

  it("with a new threshold does not fire for what was over it before", ({ expect }) => {
    const at = (threshold: number): When => ({ crosses: { path: "v", threshold } });
    expect(fires([at(70), at(60), at(60), at(60)], values(65, 66, 59, 60))).toEqual([null, null, null, hit(59, 60)]);
    expect(fires([at(70), at(80), at(80)], values(75, 76, 80))).toEqual([hit(null, 75), null, hit(76, 80)]);
  });
});

describe("changesBy of values too large to tell so small a step", () => {
  it("does not fire while the value stays", ({ expect }) => {
    for (const large of [1_700_000_000_000_000, Number.MAX_SAFE_INTEGER, 1e300]) {
      expect(fires({ changesBy: { path: "v", atLeast: 1 } }, values(large, large, large)).map(Boolean)).toEqual([
        false,
        false,
        false,
      ]);
    }
  });
});

describe("changesBy", () => {
  const when: When = { changesBy: { path: "v", atLeast: 5 } };

  it("compares with the first value until it has fired, then with that at which it fired", ({ expect }) => {
    const fired = fires(when, values(50, 53, 54.5, 55, 59, 51, 50));
    expect(fired).toEqual([null, null, null, hit(50, 55), null, null, hit(55, 50)]);
  });

  it("sees a slow drift", ({ expect }) => {
    expect(fires(when, values(1, 2, 3, 4, 5, 6)).filter(Boolean)).toEqual([hit(1, 6)]);
  });

  it("takes decimal fractions as they are written", ({ expect }) => {
    const tenth: When = { changesBy: { path: "v", atLeast: 0.1 } };
    expect(fires(tenth, values(0.2, 0.3, 0.4, 0.49, 0.5)).map(Boolean)).toEqual([false, true, true, false, true]);
    expect(fires(tenth, values(1.1, 1.2, 1.3)).map(Boolean)).toEqual([false, true, true]);
    expect(fires({ changesBy: { path: "v", atLeast: 1 } }, values(1e9, 1e9 + 0.999)).map(Boolean)).toEqual([
      false,
      false,
    ]);
  });
});

describe("returnsAfter", () => {
  const when: When = { returnsAfter: { seconds: 3_600 } };

  it("fires when the entity was not seen for so long, to the millisecond", ({ expect }) => {
    const fired = fires(when, [{ at: -9 * HOUR }, { at: -8 * HOUR - 1 }, { at: -7 * HOUR - 1 }, { at: -6 * HOUR - 2 }]);
    expect(fired).toEqual([null, null, hit(NOW - 8 * HOUR - 1, NOW - 7 * HOUR - 1), null]);
  });

  it("takes what comes late for no return, and counts from the latest time", ({ expect }) => {
    const fired = fires(when, [{ at: -5 * HOUR }, { at: -20 * HOUR }, { at: -4.5 * HOUR }, { at: -3.5 * HOUR }]);
    expect(fired.map(Boolean)).toEqual([false, false, false, true]);
  });

  it("recovers from a producer whose clock once ran ahead", ({ expect }) => {
    const fired = fires(when, [
      { at: 1_000 * HOUR },
      { at: 0, now: NOW },
      { at: 0.5 * HOUR, now: NOW + 0.5 * HOUR },
      { at: 2 * HOUR, now: NOW + 2 * HOUR },
    ]);
    expect(fired.map(Boolean)).toEqual([false, false, false, true]);
  });

  it("takes what comes late for no return among times ahead of the clock either", async ({ expect }) => {
    const days = [37, 39, 38, 39.5, 40.5].map((day) => ({ at: day * 24 * HOUR }));
    const fired = fires({ returnsAfter: { seconds: 86_400 } }, days);
    expect(fired.map(Boolean)).toEqual([false, true, false, false, true]);
    const near = [{ at: 0 }, { at: 2 * HOUR }, { at: 1 * HOUR }, { at: 2.5 * HOUR }];
    expect(fires(when, near).map(Boolean)).toEqual([false, true, false, false]);
  });

  it("believes times ahead of the clock as long as all are", ({ expect }) => {
    const fired = fires(when, [{ at: HOUR }, { at: 1.5 * HOUR }, { at: 2.5 * HOUR }]);
    expect(fired.map(Boolean)).toEqual([false, false, true]);
  });
});

describe("inList", () => {
  it("fires at each observation while the key is on the list", ({ expect }) => {
    const fired = fires({ inList: "a" }, [{ lists: ["a"] }, { lists: ["a", "b"] }, { lists: ["b"] }, {}]);
    expect(fired).toEqual([HIT, HIT, null, null]);
  });
});

describe("a rule whose form changes", () => {
  it("still knows what it knew when it is changed back", ({ expect }) => {
    const forms: When[] = [{ once: true }, { every: true }, { once: true }];
    expect(fires(forms, values(1, 1, 1))).toEqual([HIT, HIT, null]);
  });

  it("begins anew with a new path", ({ expect }) => {
    const at = (path: string): When => ({ crosses: { path, threshold: 1 } });
    expect(fires([at("v"), at("v.n"), at("v.n")], values(2, { n: 3 }, { n: 4 }))).toEqual([
      hit(null, 2),
      hit(null, 3),
      null,
    ]);
  });
});

describe("a path", () => {
  const data = JSON.parse(
    '{"a": {"b": [{"c": 1}, 2], "": 3, "length": 9}, "n": 5, "s": "x", "t": true, "__proto__": {"p": 1}}',
  );

  it("leads through objects and, by number, lists, and to what is there itself", ({ expect }) => {
    const found = ["a.b.0.c", "a.b.1", "n", "a.length", "__proto__.p"].map((path) => valueAt(data, path));
    expect(found).toEqual([1, 2, 5, 9, 1]);
    const missing = ["a.b.c", "a.b.length", "a.b.01", "a.x", "s.length", "s.0", "constructor", "n.toFixed", "toString"];
    for (const path of missing) expect(valueAt(data, path), path).toBeUndefined();
  });

  it("leads to a key that is a text or a number", ({ expect }) => {
    expect(["s", "n", "t", "a", "a.b", "nothing"].map((path) => keyAt(data, path))).toEqual([
      "x",
      "5",
      null,
      null,
      null,
      null,
    ]);
    expect(keyAt({ k: "" }, "k")).toBeNull();
    expect(keyAt({ k: " A " }, "k")).toBe(" A ");
    expect(numberAt(JSON.parse('{"n": 1e999}'), "n")).toBeNull();
  });
});
