import { expect, test } from "vitest";
import { usdOfMonth } from "../bench/month";
import { documentText } from "./printed";

test("a month's costs in the guide are what the prices and the bench's counts make", () => {
  const section = documentText("src/docs/cost.md").split("## A month")[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| ([\d,]+) +\| \$([\d,]+) +\| \$([\d,]+) +\|$/gm)];
  const told = rows.map((row) => row.slice(1).map((text) => Number(text.replaceAll(",", ""))));
  expect(told.map(([events]) => events)).toEqual([10_000, 1_000_000, 100_000_000]);
  for (const [events = 0, whole, sampled] of told) {
    expect([whole, sampled]).toEqual([Math.round(usdOfMonth(events)), Math.round(usdOfMonth(events, 0.1))]);
  }
});
