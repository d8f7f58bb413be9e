import fc from "fast-check";
import { describe, it } from "vitest";
import { delaysOf, durationText, secondsOf } from "../../../src/dashboard/forms/durations";
import { holds } from "../../lib/property";

describe("a duration", () => {
  it("is read with its units, in words and alone as seconds", ({ expect }) => {
    const said = {
      "7 d": 604_800,
      "1 h 30 m": 5_400,
      "1h30m": 5_400,
      "90": 90,
      "0": 0,
      "2 days": 172_800,
      "10 min": 600,
      "1.5 H": 5_400,
      "0.1 m": 6,
      "30 seconds": 30,
    };
    for (const [text, seconds] of Object.entries(said)) expect([text, secondsOf(text)]).toEqual([text, seconds]);
  });

  it("that is none is refused with what was typed", ({ expect }) => {
    for (const text of ["", "soon", "-1", "1 h 30", "7 dogs", "1e3", "d"]) {
      expect(() => secondsOf(text), text).toThrow(`${text} is no duration`);
    }
    expect(() => secondsOf("0.5 s")).toThrow("is no whole number of seconds");
  });

  it("is written as it is read, always", ({ expect }) => {
    holds(
      fc.property(fc.nat(1_000_000_000), (seconds) => {
        expect(secondsOf(durationText(seconds))).toBe(seconds);
      }),
      500,
    );
    expect([0, 30, 5_400, 604_800, 90_061].map(durationText)).toEqual([
      "0",
      "30 s",
      "1 h 30 m",
      "7 d",
      "1 d 1 h 1 m 1 s",
    ]);
  });

  it("may be one of some", ({ expect }) => {
    expect(delaysOf("30, 2 m , 1 h 30 m,")).toEqual([30, 120, 5_400]);
    expect(delaysOf("5 10")).toEqual([5, 10]);
    expect(() => delaysOf("30, later")).toThrow("later is no duration");
  });
});
