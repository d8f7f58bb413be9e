import fc from "fast-check";
import { describe, it } from "vitest";
import { holds, holdsAsync, sharesOf } from "./property";

describe("properties", () => {
  it("give two thirds of their runs to the first seed and a third to the second", ({ expect }) => {
    expect(sharesOf(600, [7, 8])).toEqual([
      { seed: 7, numRuns: 400 },
      { seed: 8, numRuns: 200 },
    ]);
    expect(sharesOf(600, [7])).toEqual([{ seed: 7, numRuns: 600 }]);
    for (const many of [1, 2, 3, 15, 100]) {
      expect(sharesOf(many, [7, 8]).reduce((sum, { numRuns }) => sum + numRuns, 0)).toBe(many);
    }
    expect(sharesOf(2, [7, 8])).toEqual([{ seed: 7, numRuns: 2 }]);
  });

  it("begin with the same cases from the same seed, however many follow", ({ expect }) => {
    const cases = (numRuns: number) => fc.sample(fc.array(fc.string()), { seed: 7, numRuns });
    expect(cases(60).slice(0, 20)).toEqual(cases(20));
  });

  it("are tried as often as is asked for, and name the seed of a case that fails", async ({ expect }) => {
    let tried = 0;
    holds(
      fc.property(fc.nat(), () => {
        tried++;
      }),
      30,
    );
    expect(tried % 30).toBe(0);
    expect(tried).toBeGreaterThan(0);

    const said = /Property failed[\s\S]*seed: (-?\d+)[\s\S]*FC_SEED=\1 /;
    expect(() => holds(fc.property(fc.nat(), fails), 3)).toThrow(said);
    await expect(holdsAsync(fc.asyncProperty(fc.nat(), fails), 3)).rejects.toThrow(said);
  });
});

function fails(): never {
  throw new Error("always");
}
