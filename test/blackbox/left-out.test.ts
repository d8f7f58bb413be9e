import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Project } from "./project";

const { isPartial, lastLine, leftOutOf, SWITCHED_OFF } = await import(
  /* @vite-ignore */ join(import.meta.dirname, "../../scripts/lib/left-out.mjs")
);

describe("a test that is left out", () => {
  const report = (...assertionResults: { fullName: string; status: string; meta?: { leftOut?: string } }[]) => ({
    testResults: [{ assertionResults }, { assertionResults: [] }],
  });
  const all = report(
    { fullName: "a", status: "passed", meta: {} },
    { fullName: " b", status: "skipped", meta: { leftOut: "Chromium" } },
    { fullName: "c", status: "failed" },
    { fullName: "d", status: "skipped", meta: { leftOut: "Chromium" } },
    { fullName: "e", status: "pending" },
    { fullName: "f", status: "todo", meta: {} },
    { fullName: "g", status: "skipped", meta: { leftOut: "python3" } },
  );

  test("is told with what it wants; one without a reason is switched off, unless only some were asked for", () => {
    expect([...leftOutOf(all, false)]).toEqual([
      ["Chromium", ["b", "d"]],
      [SWITCHED_OFF, ["e", "f"]],
      ["python3", ["g"]],
    ]);
    expect([...leftOutOf(all, true)]).toEqual([
      ["Chromium", ["b", "d"]],
      ["python3", ["g"]],
    ]);
  });

  test("makes a run partial, unless it wants another language", () => {
    const left = (...wants: string[]) => new Map(wants.map((name) => [name, ["a"]]));
    expect(isPartial(left())).toBe(false);
    expect(isPartial(left("the language PHP", "the language Ruby"))).toBe(false);
    expect(isPartial(left("the language PHP", "Chromium"))).toBe(true);
    expect(isPartial(left(SWITCHED_OFF))).toBe(true);
  });

  test("is counted in the last line", () => {
    const counted = { passed: 12, failed: 1 };
    expect(lastLine(counted, new Map())).toBe("12 passed, 1 failed");
    expect(lastLine(counted, leftOutOf(all, true))).toBe(
      "12 passed, 1 failed, 3 left out (2 want Chromium, 1 wants python3)",
    );
  });

  test.for([
    ["leaves the run green by hand", {}, 0],
    ["fails the run with CI set", { CI: "true" }, 1],
  ] as const)("%s", async ([, ci, status]) => {
    const project = await Project.copy();
    const ended = await project.run("scripts/test.mjs", ["browser/signals"], { CHROMIUM: "/nowhere/chromium", ...ci });
    expect(ended.stdout).toMatch(/Left out, for want of Chromium:\n {2}- \S.*\n/);
    expect(ended.stdout).toMatch(/\n0 passed, 0 failed, (\d+) left out \(\1 wants? Chromium\)\n$/);
    expect(ended.status).toBe(status);
  });
});
