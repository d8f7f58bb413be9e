import fc from "fast-check";
import { describe, it } from "vitest";
import { filterValuesIn, readFilter, shownFilter } from "../../../src/dashboard/forms/filter-form";
import {
  fromRows,
  type Group,
  inWords,
  isGroup,
  MAX_LEVELS,
  OPERATORS,
  type Part,
  toRows,
} from "../../../src/dashboard/forms/rows";
import { readValue, readValues, valuesText, valueText } from "../../../src/dashboard/forms/values";
import { type Filter, matches } from "../../../src/lib/filter/filter";
import { filterErrors } from "../../../src/lib/filter/filter-errors";
import { numeric, readJson } from "../../../src/lib/json/exact";
import { holds } from "../../lib/property";

const awkward = fc.constantFrom(
  "4711",
  "true",
  "null",
  "",
  " a",
  '"',
  '"a"',
  '"a',
  "a,b",
  '"a", b',
  "a\nb",
  "\u0000",
  "\ud800",
  "\ufeff",
  "1e5",
  "-0",
  "01",
);
const text = fc.oneof(awkward, fc.string({ unit: "grapheme" }), fc.string());
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom("12345678901234567890", "0.1234567890123456789", "1e400", "-9007199254740993").map(numeric),
);
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const field = fc.constantFrom("event", "data.a", "data.a.b", "data.list", "data.a\\.b", "data.__proto__", "data.0");
const condition: fc.Arbitrary<unknown> = fc.oneof(
  scalar,
  fc.record({ $eq: scalar }),
  fc.record({ $ne: scalar }),
  fc.record({ $in: fc.array(scalar, { minLength: 1, maxLength: 3 }), $gte: number }),
  fc.record({ $nin: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
  fc.record({ $gte: fc.oneof(number, text), $lt: number }),
  fc.record({ $contains: scalar }),
  fc.record({ $startsWith: text, $endsWith: text }),
  fc.record({ $exists: fc.boolean() }),
);
const leaf = fc.dictionary(field, condition, { minKeys: 1, maxKeys: 3 });
const filter: fc.Arbitrary<Filter> = fc.oneof(
  leaf,
  fc.record({ $or: fc.array(leaf, { minLength: 1, maxLength: 3 }), event: scalar }),
  fc.record({
    $and: fc.array(fc.oneof(leaf, fc.record({ $or: fc.array(leaf, { minLength: 1, maxLength: 2 }) })), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
  fc.record({
    $or: fc.array(fc.oneof(leaf, fc.record({ $and: fc.array(leaf, { minLength: 1, maxLength: 2 }) })), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
);
const subject = fc.record({
  event: scalar,
  data: fc.record(
    {
      a: fc.oneof(scalar, fc.record({ b: scalar })),
      "a.b": scalar,
      list: fc.array(scalar, { maxLength: 3 }),
      0: scalar,
    },
    { requiredKeys: [] },
  ),
});

function groupOf(filter: unknown): Group {
  const rows = toRows(filter);
  if ("why" in rows) throw new Error(rows.why);
  return rows.group;
}

/** The fields of a form that shows it, as a browser sends them. */
function sent(group: Group, name: string, form = new FormData(), at = name): FormData {
  form.set(`${at}.join`, group.join);
  for (const [i, part] of group.parts.entries()) {
    if (isGroup(part)) sent(part, name, form, `${at}.${i}`);
    else
      for (const [key, value] of Object.entries(part))
        form.set(`${at}.${i}.${key}`, value.replace(/\r\n?|\n/g, "\r\n"));
  }
  return form;
}

describe("a line", () => {
  it("says a value so that the same is read, always", ({ expect }) => {
    holds(
      fc.property(scalar, fc.array(scalar, { minLength: 1 }), (value, values) => {
        expect(readValue(` ${valueText(value)} `)).toEqual(Object.is(value, -0) ? 0 : value);
        expect(JSON.stringify(readValues(valuesText(values)))).toBe(JSON.stringify(values));
        if (typeof value === "string") expect(readValue(valueText(value, true), true)).toBe(value);
      }),
      2_000,
    );
  });

  it("has numbers as they are written, and text in quotes", ({ expect }) => {
    expect(JSON.stringify(readValue("12345678901234567890"))).toBe("12345678901234567890");
    expect(readValue('"4711"')).toBe("4711");
    expect(readValue("4711")).toBe(4_711);
    expect(readValue("04711")).toBe("04711");
    expect(readValues('DE, "A, B", true')).toEqual(["DE", "A, B", true]);
  });
});

describe("rows", () => {
  it("of a filter mean the same as it, and stay what they are", ({ expect }) => {
    holds(
      fc.property(filter, subject, (one, about) => {
        const group = groupOf(one);
        const { filter: back, errors } = fromRows(group);
        expect(errors).toEqual([]);
        expect(matches(back as Filter, about)).toBe(matches(one, about));
        expect(fromRows(groupOf(back)).filter).toEqual(back);
        expect(filterErrors(back).length === 0).toBe(filterErrors(one).length === 0);
      }),
      2_000,
    );
  });

  it("that nobody touched leave a filter as it is written", ({ expect }) => {
    holds(
      fc.property(filter, (one) => {
        const shown = shownFilter(one);
        expect(shown.tab).toBe("rows");
        const form = sent(shown.group, "filter");
        form.set("filter.tab", "rows");
        if (shown.was !== "") form.set("filter.was", shown.was.replace(/\n/g, "\r\n"));
        expect(JSON.stringify(readFilter(filterValuesIn(form, "filter"), "filter").filter)).toBe(JSON.stringify(one));
      }),
      1_000,
    );
  });

  it("write what people write", ({ expect }) => {
    const row = (field: string, operator: string, value: string): Part => ({ field, operator, value });
    const group: Group = {
      join: "all",
      parts: [
        row("data.company.country", "$in", "DE, AT, CH"),
        row("data.score", "$gte", "80"),
        row("data.score", "$lt", "12345678901234567890"),
        row("", "$eq", ""),
        { join: "any", parts: [row("data.a\\.b", "$eq", '"4711"'), row("data.x", "missing", "")] },
      ],
    };
    expect(JSON.stringify(fromRows(group).filter)).toBe(
      '{"data.company.country":{"$in":["DE","AT","CH"]},"data.score":{"$gte":80,"$lt":12345678901234567890},' +
        '"$or":[{"data.a\\\\.b":"4711"},{"data.x":{"$exists":false}}]}',
    );
    const twice: Group = { join: "all", parts: [row("data.tags", "$eq", "a"), row("data.tags", "$eq", "b")] };
    expect(fromRows(twice).filter).toEqual({ $and: [{ "data.tags": "a" }, { "data.tags": "b" }] });
    expect(fromRows({ join: "any", parts: [] })).toEqual({ filter: null, errors: [] });
  });

  it("are said in words, and those that cannot be are not", ({ expect }) => {
    const filter = { event: "a", $or: [{ "data.b": { $gte: 5, $lt: 9 } }, { "data.c": { $exists: false } }] };
    expect(inWords(filter)).toBe(
      "event is a and ((data.b is at least 5 and data.b is under 9) or data.c does not exist)",
    );
    expect(inWords({ "data.l": { $elemMatch: { a: 1 } } })).toBe(null);
    expect(inWords({})).toBe(null);
  });

  it("say where something is missing", ({ expect }) => {
    const parts = [
      { field: "", operator: "$eq", value: "1" },
      { join: "any" as const, parts: [{ field: "data.a", operator: "$in", value: " , " }] },
      { field: "$where", operator: "$eq", value: "1" },
    ];
    expect(fromRows({ join: "all", parts }).errors).toEqual([
      { at: "0", message: "needs a field" },
      { at: "1.0", message: 'data.a needs a value; "" is the empty text' },
      { at: "2", message: "$where is no field" },
    ]);
  });

  it("do not show what they have no words for, and say why", ({ expect }) => {
    const said: [unknown, string][] = [
      [{ "data.l": { $elemMatch: { a: 1 } } }, "they have no $elemMatch"],
      [{ $not: { event: "a" } }, "they have no $not"],
      [{ "data.a": { $not: { $eq: 1 } } }, "they have no $not"],
      [{ "data.a": [1] }, "a list, an object"],
      [{ "data.a": { b: 1 } }, "a list, an object"],
      [{ "data.a": { $in: [] } }, "plain values"],
      [{ "data.a": { $in: [[1]] } }, "plain values"],
      [{ "data.a": { $exists: 1 } }, "they have no $exists"],
      [{ "data.a": { $startsWith: 1 } }, "no text"],
      [{ $or: [{}, { event: "a" }] }, "nothing in it"],
      [{ $or: [] }, "no list"],
      [{ " data": 1 }, "does not fit a line"],
      [[1], "no object"],
      [null, "no object"],
    ];
    for (const [one, why] of said)
      expect(toRows(one), JSON.stringify(one)).toEqual({ why: expect.stringContaining(why) });
    const deep = `${'{"$or":[{"event":"a"},{"$and":[{"event":"b"},'.repeat(3)}{"event":"c"}${"]}]}".repeat(3)}`;
    expect(toRows(readJson(deep))).toEqual({ why: expect.stringContaining(`more than ${MAX_LEVELS} deep`) });
    expect(toRows(readJson(`${'{"$and":['.repeat(20_000)}{}${"]}".repeat(20_000)}`))).toHaveProperty("why");
  });

  it("have words for each operator that takes a value", ({ expect }) => {
    expect(Object.values(OPERATORS).map(([words]) => words)).toEqual(
      expect.arrayContaining([
        "is",
        "is not",
        "is one of",
        "is at least",
        "is at most",
        "is over",
        "is under",
        "contains",
        "starts with",
        "exists",
        "does not exist",
      ]),
    );
  });
});

describe("the form of a filter", () => {
  const typed = (fields: Record<string, string>) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    return filterValuesIn(form, "filter");
  };
  const one = {
    "filter.tab": "rows",
    "filter.join": "any",
    "filter.0.field": "data.a",
    "filter.0.operator": "$gte",
    "filter.0.value": "5",
  };
  const row = { field: "data.a", operator: "$gte", value: "5" };
  const blank = { field: "", operator: "$eq", value: "" };

  it("gets rows and groups, and loses them, and keeps what was typed", ({ expect }) => {
    expect(typed({ ...one, "filter.do": "add" }).group).toEqual({ join: "any", parts: [row, blank] });
    const grouped = typed({ ...one, "filter.do": "group" }).group;
    expect(grouped).toEqual({ join: "any", parts: [row, { join: "all", parts: [blank] }] });
    const inner = {
      "filter.1.join": "all",
      "filter.1.0.field": "data.b",
      "filter.1.0.operator": "$eq",
      "filter.1.0.value": "x",
    };
    const both = { ...one, ...inner };
    expect(typed({ ...both, "filter.do": "add 1" }).group.parts[1]).toEqual({
      join: "all",
      parts: [{ field: "data.b", operator: "$eq", value: "x" }, blank],
    });
    expect(typed({ ...both, "filter.do": "remove 1.0" }).group.parts).toEqual([row]);
    expect(typed({ ...both, "filter.do": "remove 0" }).group.parts).toHaveLength(1);
    expect(typed({ ...both, "filter.do": "remove 7.7" }).group.parts).toHaveLength(2);
  });

  it("becomes JSON and rows again", ({ expect }) => {
    const json = typed({ ...one, "filter.do": "json" });
    expect(json).toMatchObject({
      tab: "json",
      json: '{\n  "$or": [\n    {\n      "data.a": {\n        "$gte": 5\n      }\n    }\n  ]\n}',
    });
    const back = typed({ "filter.tab": "json", filter: json.json, "filter.do": "rows" });
    expect(back).toMatchObject({ tab: "rows", group: { join: "any", parts: [row] } });
    const stays = typed({ "filter.tab": "json", filter: '{"data.l": {"$elemMatch": {"a": 1}}}', "filter.do": "rows" });
    expect(stays).toMatchObject({ tab: "json", note: expect.stringContaining("$elemMatch") });
    expect(typed({ "filter.tab": "json", filter: "{bad", "filter.do": "rows" })).toMatchObject({
      tab: "json",
      json: "{bad",
      note: expect.stringContaining("not JSON"),
    });
    const unfinished = typed({ ...one, "filter.0.value": "", "filter.do": "json" });
    expect(unfinished).toMatchObject({ tab: "rows", note: expect.stringContaining("needs a value") });
  });

  it("is read as JSON alone where it has no rows, as a program sends it", ({ expect }) => {
    expect(readFilter(typed({ filter: '{"data.n": 12345678901234567890}' }), "filter")).toEqual({
      filter: { "data.n": numeric("12345678901234567890") },
      errors: [],
    });
    expect(readFilter(typed({ filter: "" }), "filter")).toEqual({ filter: null, errors: [] });
    expect(readFilter(typed({ filter: "{" }), "filter").errors[0]).toMatchObject({ path: "filter" });
  });
});
