import { expect, test } from "vitest";
import { usdOfMonth } from "../bench/month";
import { documentText } from "./printed";

test("a month's costs in the guide are what the prices and the bench's counts make", () => {
  const section = documentText("src/docs/cost.md").split("## A month")[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| ([\d,]+) +\| \$([\d,]+) +\|$/gm)];
  const told = rows.map((row) => row.slice(1).map((text) => Number(text.replaceAll(",", ""))));
  expect(told.map(([events]) => events)).toEqual([10_000, 1_000_000, 100_000_000]);
  for (const [events = 0, usd] of told) expect(usd).toBe(Math.round(usdOfMonth(events)));
});
