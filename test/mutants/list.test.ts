import { describe, it } from "vitest";
import { MUTANTS } from "./list";

const SOURCES = import.meta.glob<string>("../../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });
const TESTS = import.meta.glob<string>("../**/*.test.ts", { query: "?raw", import: "default", eager: true });

/** Its text; "": there is no such file. */
function textOf(file: string): string {
  return SOURCES[`../../${file}`] ?? TESTS[file.replace(/^test\//, "../")] ?? "";
}

describe("the changes of npm run test:mutants", () => {
  it("have names of their own, and are many", ({ expect }) => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(100);
  });

  it("each stand once in their files, and change something", ({ expect }) => {
    const stale = MUTANTS.filter(({ file, find }) => textOf(file).split(find).length !== 2);
    expect(stale.map(({ name, file, find }) => `${name}: not once in ${file}: ${find}`)).toEqual([]);
    expect(MUTANTS.filter(({ find, replace }) => find === replace)).toEqual([]);
  });

  it("each name tests that are there", ({ expect }) => {
    const stale = MUTANTS.flatMap(({ name, tests }) =>
      tests
        .filter(({ file, only = "" }) => !textOf(file).includes(only) || textOf(file) === "")
        .map(({ file, only }) => `${name}: not in ${file}: ${only}`),
    );
    expect(stale).toEqual([]);
    expect(MUTANTS.filter(({ tests }) => tests.length === 0)).toEqual([]);
  });
});
