import { describe, it } from "vitest";

const PAGES = import.meta.glob<string>("../../src/dashboard/**/*.tsx", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** What scripts/fetched.js does of htmx. */
const KNOWN = ["get", "post", "trigger", "target", "swap", "select", "include", "indicator"];
const SWAPS = ["outerHTML", "innerHTML", "beforeend", "afterbegin", "none"];
const TRIGGER = /^(?:every \d+s|load|[a-z:]+(?: from:(?:body|closest [a-z]+|#[a-z-]+))?(?: delay:\d+ms)?)$/;

describe("parts that fetch themselves", () => {
  it("ask for nothing of htmx that our script does not do", ({ expect }) => {
    const sources = Object.entries(PAGES).flatMap(([file, text]) =>
      [...text.matchAll(/"?\bhx-([a-z-]+)"?(?:=|: )(?:"([^"]*)")?/g)].map(([, name = "", value]) => ({
        file,
        name,
        value,
      })),
    );
    expect(sources.length).toBeGreaterThan(5);
    expect(sources.filter(({ name }) => !KNOWN.includes(name))).toEqual([]);
    const said = (name: string) => sources.filter((one) => one.name === name).flatMap(({ value }) => value ?? []);
    expect(said("swap").filter((how) => !SWAPS.includes(how))).toEqual([]);
    expect(
      said("trigger")
        .flatMap((all) => all.split(/, */))
        .filter((one) => !TRIGGER.test(one)),
    ).toEqual([]);
  });
});
