import { describe, it } from "vitest";
import { usdOfMonth } from "./month";

const [cost = ""] = Object.values(
  import.meta.glob<string>("../../src/docs/cost.md", { query: "?raw", import: "default", eager: true }),
);

describe("a month's costs in the guide", () => {
  it("are what the prices and the bench's counts make", ({ expect }) => {
    const section = cost.split("## A month")[1]?.split("\n## ")[0] ?? "";
    const rows = [...section.matchAll(/^\| ([\d,]+) +\| \$([\d,]+) +\| \$([\d,]+) +\|$/gm)];
    const told = rows.map((row) => row.slice(1).map((text) => Number(text.replaceAll(",", ""))));
    expect(told.map(([events]) => events)).toEqual([10_000, 1_000_000, 100_000_000]);
    for (const [events = 0, whole, sampled] of told) {
      expect([whole, sampled]).toEqual([Math.round(usdOfMonth(events)), Math.round(usdOfMonth(events, 0.1))]);
    }
  });
});
