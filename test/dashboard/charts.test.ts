import fc from "fast-check";
import { describe, it } from "vitest";
import {
  barsPath,
  LatencyChart,
  levelsOf,
  percent,
  SuccessChart,
  stepsPath,
  VolumeChart,
} from "../../src/dashboard/components/figures/chart";
import {
  allOf,
  ceiling,
  type Point,
  pointsOf,
  reachOf,
  SPANS,
  type SpanName,
  spanNamed,
  successOf,
  trendOf,
} from "../../src/dashboard/components/figures/points";
import { CodesChart, Sparkline } from "../../src/dashboard/components/figures/small";
import { DAY, HOUR } from "../../src/lib/time";
import { holds } from "../lib/property";
import { words } from "./visitor";

const NOW = Date.UTC(2026, 10, 21, 12, 30);
const COUNTS = { succeeded: 3, failed: 1, retrying: 2, pending: 4, held: 5, canceled: 6 };
const row = (at: number, latency = { p50: null, p95: null } as { p50: number | null; p95: number | null }) => ({
  from: new Date(at).toISOString(),
  latency,
  ...COUNTS,
});
const point = (over: Partial<Point>): Point => ({
  at: NOW,
  succeeded: 0,
  waiting: 0,
  failed: 0,
  other: 0,
  p50: null,
  p95: null,
  ...over,
});

describe("points", () => {
  it("are there for every step, also for those without deliveries, and lose none within", ({ expect }) => {
    const { since, until } = reachOf("24h", NOW);
    const rows = [until - HOUR, until - HOUR, since, since - 1, until].map((at) => row(at));
    const points = pointsOf(rows, since, until, HOUR);
    expect(points.length).toBe(24);
    expect(points.at(-1)).toMatchObject({ at: until - HOUR, succeeded: 6, waiting: 12, failed: 2, other: 22 });
    expect(points[0]).toMatchObject({ at: since, other: 11 });
    expect(points.reduce((sum, one) => sum + allOf(one), 0)).toBe(3 * 21);
  });

  it("reach over whole steps to the one that has begun, as far back before them again", ({ expect }) => {
    for (const name of Object.keys(SPANS) as SpanName[]) {
      const { before, since, until } = reachOf(name, NOW);
      expect(until, name).toBeGreaterThan(NOW);
      expect(until - NOW, name).toBeLessThanOrEqual(SPANS[name].step);
      expect([since - before, until - since], name).toEqual([SPANS[name].length, SPANS[name].length]);
      expect(since % SPANS[name].step, name).toBe(0);
    }
    expect(reachOf("30d", NOW).until % DAY).toBe(0);
  });

  it("are of a day where the address names no span", ({ expect }) => {
    expect(["7d", "24h", "9y", "toString", undefined].map(spanNamed)).toEqual(["7d", "24h", "24h", "24h", "24h"]);
  });

  it("say a rate where something is finished, and a latency where something was answered", ({ expect }) => {
    expect(successOf(point({ waiting: 5 }))).toBeNull();
    expect(successOf(point({ succeeded: 3, failed: 1 }))).toBe(75);
    const rows = [row(NOW, { p50: null, p95: 20 }), row(NOW, { p50: 5, p95: 70 })];
    expect(pointsOf(rows, NOW, NOW + HOUR, HOUR)[0]).toMatchObject({ p50: 5, p95: 70 });
  });
});

describe("a figure's trend", () => {
  it("is against the span before, and says where there was nothing", ({ expect }) => {
    expect([trendOf(0, 0), trendOf(3, 0), trendOf(5, 5), trendOf(6, 4), trendOf(1, 4), trendOf(90, 2)]).toEqual([
      null,
      null,
      "as before",
      "+50 %",
      "−75 %",
      "45 times as many",
    ]);
  });
});

describe("a chart", () => {
  it("is as high as a round number that holds all", ({ expect }) => {
    expect([0, 5, 6, 11, 50, 51, 1_001].map(ceiling)).toEqual([4, 6, 6, 20, 60, 60, 2_000]);
  });

  it("lays bars on each other, and never over its top", ({ expect }) => {
    const series = ["a", "b"].map((name, index) => ({
      name,
      class: name,
      of: (one: Point) => (index === 0 ? one.succeeded : one.failed),
    }));
    const points = [point({ succeeded: 3, failed: 1 }), point({ failed: 2 })];
    expect(levelsOf({ kind: "bars", series, points }, [0, 4])).toEqual([
      [25, null],
      [0, 50],
    ]);
    expect(barsPath([25, null], [100, 100])).toBe("M0.12 100V25h.76V100z");
    holds(
      fc.property(fc.array(fc.record({ succeeded: fc.nat(99_999), failed: fc.nat(99_999) })), (counts) => {
        const many = counts.map(point);
        const top = ceiling(Math.max(0, ...many.map(allOf)));
        const levels = levelsOf({ kind: "bars", series, points: many }, [0, top]).flat();
        expect(levels.every((level) => level === null || (level >= 0 && level <= 100))).toBe(true);
      }),
      100,
    );
  });

  it("breaks a line where there is nothing", ({ expect }) => {
    expect(stepsPath([10, 20, null, 30])).toBe("M0 10h1V20h1M3 30h1");
  });

  it("says its values as a table too, and each axis names its zone", ({ expect }) => {
    const { since, until } = reachOf("7d", NOW);
    const points = pointsOf([row(NOW, { p50: 40, p95: 1_500 })], since, until, HOUR);
    for (const chart of [VolumeChart, SuccessChart, LatencyChart]) {
      const html = String(chart({ points, span: "7d" }));
      expect(html.match(/<tr>/g)?.length).toBe(1 + 7 * 24);
      expect(html).toMatch(/data-zone="true">UTC.*class="axis"/);
      expect(html).not.toContain("NaN");
    }
    expect(words(String(LatencyChart({ points, span: "7d" })))).toContain("1.5 s");
    expect(String(VolumeChart({ points, span: "7d" }))).toContain(
      "Deliveries: 3 succeeded, 6 waiting, 1 failed, 11 held or canceled",
    );
    expect(String(SuccessChart({ points, span: "7d" }))).toContain("succeeded from 75 % to 75 %");
  });

  it("tells nearly all from all, and 3 % from 100 %", ({ expect }) => {
    expect([0, 3, 3.14, 50.4, 99.5, 99.99, 100].map(percent)).toEqual([
      "0 %",
      "3 %",
      "3.1 %",
      "50 %",
      "99.5 %",
      "> 99.9 %",
      "100 %",
    ]);
  });

  it("of codes has the most at full length, and says where there are none", ({ expect }) => {
    const html = String(
      CodesChart({
        codes: [
          { code: "503", count: 8 },
          { code: "timeout", count: 2 },
        ],
      }),
    );
    expect([...html.matchAll(/width="(\d+)"/g)].map(([, width]) => width)).toEqual(["100", "25"]);
    expect(words(String(CodesChart({ codes: [] })))).toContain("None in this time.");
  });

  it("in a row is a word where nothing was, and says its sum where something was", ({ expect }) => {
    expect(words(String(Sparkline({ points: [point({})], about: "Last 24 h" }))).trim()).toBe("nothing");
    expect(String(Sparkline({ points: [point({ succeeded: 4, failed: 1 })], about: "Last 24 h" }))).toContain(
      "Last 24 h: 5 deliveries, 1 failed",
    );
  });
});
