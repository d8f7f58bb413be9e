import { describe, it } from "vitest";
import { optionsOf, PARTS } from "./options.ts";

describe("the bench's options", () => {
  it("name parts in any order and form, and run in their own", ({ expect }) => {
    expect(optionsOf([])).toEqual({ json: false, model: false, quick: false, parts: PARTS });
    expect(optionsOf(["--only", "cost,accept", "--only", "signing", "--json"])).toMatchObject({
      json: true,
      parts: ["signing", "accept", "cost"],
    });
  });

  it("are refused with what there is, and shown to whoever asks", ({ expect }) => {
    for (const args of [["--only", "speed"], ["--only", "cost,"], ["--fast"], ["cost"]])
      expect(optionsOf(args)).toMatchObject({ asked: false, say: expect.stringContaining("--only PART") });
    expect(optionsOf(["--help"])).toMatchObject({ asked: true, say: expect.stringContaining("neighbour") });
  });
});
