import { describe, it } from "vitest";
import { emittedData } from "../../src/signals/data";

describe("the data of an emitted event", () => {
  it("is the observation's text when nothing is attached", ({ expect }) => {
    const text = ' { "b" : 1.0, "1":2 } ';
    expect(emittedData(text)).toBe(text);
    expect(emittedData(text, {})).toBe(text);
  });

  it("has what is attached after it, and no name twice", ({ expect }) => {
    expect(emittedData('{"2":1.0, "1":"}"}', { p: null, q: 5 })).toBe('{"2":1.0, "1":"}","p":null,"q":5}');
    expect(emittedData(" {} ", { p: 1 })).toBe('{"p":1}');
    expect(emittedData("{ }", { p: 1 })).toBe('{"p":1}');
    expect(emittedData('{"p": 1.0, "a": 1.0, "p": 2}', { p: 3 })).toBe('{"a":1.0,"p":3}');
    expect(emittedData('{"p":1}', { p: "x" })).toBe('{"p":"x"}');
    const own = JSON.parse('{"__proto__": 1}');
    expect(emittedData('{"a":1}', own)).toBe('{"a":1,"__proto__":1}');
  });
});
