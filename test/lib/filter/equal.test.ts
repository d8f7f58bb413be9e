import { describe, it } from "vitest";
import { type Filter, failingClause, matches } from "../../../src/lib/filter/filter";
import { filterErrors, filterWarnings } from "../../../src/lib/filter/filter-errors";
import { pathKey, splitPath } from "../../../src/lib/filter/path";
import { keyAt, numberAt } from "../../../src/lib/filter/path-values";
import { containsText } from "../../../src/lib/filter/substring";
import {
  areApart,
  compareNumbers,
  ExactNumber,
  type Numeric,
  numberText,
  numeric,
  readJson,
} from "../../../src/lib/json/exact";
import { compile } from "../../../src/lib/json/json-schema";

const BIG = "9007199254740993";
const NEIGHBOUR = "9007199254740992";
const DEEP = 200_000;

/** Pairs of numbers as they are written, and the sign of their order. */
const ORDER: [a: string, b: string, order: number][] = [
  [BIG, BIG, 0],
  [BIG, NEIGHBOUR, 1],
  [NEIGHBOUR, BIG, -1],
  [BIG, `${BIG}.0`, 0],
  [BIG, "9.007199254740993e15", 0],
  [BIG, "900719925474099300E-2", 0],
  [`-${BIG}`, `-${NEIGHBOUR}`, -1],
  [`-${BIG}`, BIG, -1],
  ["12345678901234567890", "12345678901234567891", -1],
  ["12345678901234567890", "12345678901234567168", 1],
  ["0.1", "0.1000000000000000055511151231257827", -1],
  ["0.30000000000000004", "0.3", 1],
  ["0.1234567890123456789", "0.1234567890123456788", 1],
  ["1", "1.0", 0],
  ["1e3", "1000", 0],
  ["1000", "1E+3", 0],
  ["0", "-0", 0],
  ["0", "-0.000e5", 0],
  ["0", "0e99999999999999999999", 0],
  ["1e400", "1e400", 0],
  ["1e400", `1${"0".repeat(400)}`, 0],
  ["1e400", "1e401", -1],
  ["-1e400", "0", -1],
  ["-1e400", `-${BIG}`, -1],
  [`-${BIG}`, "-1000", -1],
  ["-1e-400", "-2e-400", 1],
  ["1e-400", "0", 1],
  ["1e-400", "2e-400", -1],
  ["1e400", "1.7976931348623157e308", 1],
  ["1e100000000000000", "1e100000000000001", -1],
];

describe("numbers that are compared", () => {
  it.for(ORDER)("%s and %s: %d", ([a, b, order], { expect }) => {
    const [x, y] = [readJson(a), readJson(b)];
    const signs = (value: number) => Math.sign(value) + 0;
    expect([signs(compareNumbers(x, y)), signs(compareNumbers(y, x))]).toEqual([order, 0 - order]);
    const held = (operator: string) => matches({ "data.n": { [operator]: x } }, readJson(`{"data": {"n": ${b}}}`));
    const said = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"].filter(held);
    expect(said).toEqual(
      order === 0 ? ["$eq", "$gte", "$lte"] : order > 0 ? ["$ne", "$lt", "$lte"] : ["$ne", "$gt", "$gte"],
    );
    expect(matches({ "data.n": { $in: [7, x, "a"] } }, readJson(`{"data": {"n": ${b}}}`))).toBe(order === 0);
    expect(matches({ "data.n": { $nin: [7, x, "a"] } }, readJson(`{"data": {"n": ${b}}}`))).toBe(order !== 0);
    const nested = (n: string) => readJson(`{"data": {"n": [{"a": [${n}], "b": 1}]}}`);
    expect(matches(nested(a), nested(b))).toBe(order === 0);
    expect(matches({ "data.n.a": x }, nested(b))).toBe(order === 0);
  });

  it("are not texts that look like them", ({ expect }) => {
    for (const n of [BIG, "5", "1e400"]) {
      const filter = readJson(`{"data.n": ${n}}`);
      expect(matches(filter, readJson(`{"data": {"n": ${n}}}`))).toBe(true);
      expect(matches(filter, { data: { n } })).toBe(false);
      expect(matches({ "data.n": n }, readJson(`{"data": {"n": ${n}}}`))).toBe(false);
      expect(matches(readJson(`{"data.n": {"$lte": ${n}}}`), { data: { n } })).toBe(false);
    }
  });

  it("are not compared at all where their exponents have no end, and are equal when written alike", ({ expect }) => {
    const [a, b] = [readJson(`1e${"9".repeat(300_000)}`), readJson(`1e${"9".repeat(299_999)}8`)] as [Numeric, Numeric];
    expect(compareNumbers(a, b)).toBeNaN();
    for (const operator of ["$eq", "$gt", "$gte", "$lt", "$lte"]) {
      expect(matches({ n: { [operator]: a } }, { n: b })).toBe(false);
    }
    expect(matches({ n: a }, { n: a })).toBe(true);
  });

  it("are doubles wherever those print as the same decimal", ({ expect }) => {
    const plain = [
      "1",
      "1.50",
      "0.1",
      "1e21",
      "1e-7",
      "9007199254740992",
      "12345678901234567000",
      "0.30000000000000004",
      "-0",
    ];
    for (const text of [...plain, "5e-324", "1.7976931348623157e308"]) expect(typeof numeric(text)).toBe("number");
    for (const text of [BIG, "1e309", "1e-325", "0.10000000000000001", "12345678901234567890"]) {
      expect(numeric(text)).toBeInstanceOf(ExactNumber);
      expect(JSON.stringify({ a: [numeric(text)] })).toBe(`{"a":[${text}]}`);
    }
  });

  it("are read as JSON.parse reads everything else, at any depth", ({ expect }) => {
    const texts = [
      `{"a\\u0041\\"": [true, false, null, "\\\\", "", {}, []], "__proto__": {"x": 1}, "b": -1.5e2, "b": "${BIG}"}`,
      ` [ "x:1234567890123456789 , 1e400" , 1234567890123456 ,\n\t{ "k" : [ ] } ] `,
    ];
    for (const text of texts) {
      const plain = readJson(`[${BIG}, ${text}]`)[1];
      expect(plain).toEqual(JSON.parse(text));
      expect(JSON.stringify(plain)).toBe(JSON.stringify(JSON.parse(text)));
      expect(Object.getPrototypeOf(plain)).toBe(Array.isArray(plain) ? Array.prototype : Object.prototype);
    }
    let value = readJson(`${"[".repeat(DEEP)}${BIG}${"]".repeat(DEEP)}`);
    for (let i = 0; i < DEEP; i++) value = value[0];
    expect(value.text).toBe(BIG);
    for (const wrong of ["", "[1", `{"a": ${BIG},}`, `0${BIG}`, `${BIG}.`])
      expect(() => readJson(wrong)).toThrow(SyntaxError);
  });

  it("are apart by as much as their decimals say", ({ expect }) => {
    const apart = (a: string, b: string, least: string) => areApart(numeric(a), numeric(b), numeric(least));
    expect([apart(NEIGHBOUR, BIG, "1"), apart(BIG, NEIGHBOUR, "1"), apart(NEIGHBOUR, BIG, "2")]).toEqual([
      true,
      true,
      false,
    ]);
    expect([apart("0.2", "0.3", "0.1"), apart("0.1", "0.3", "0.2"), apart("0.2", "0.3", "0.11")]).toEqual([
      true,
      true,
      false,
    ]);
    expect([apart("1e400", "0", "1e400"), apart("1e400", "1", "1e400")]).toEqual([true, false]);
  });
});

describe("an entity's key", () => {
  it.for([
    [BIG, BIG],
    [`${BIG}.0`, BIG],
    ["9.007199254740993e15", BIG],
    ["12345678901234567890", "12345678901234567890"],
    ["1000000000000000000000000", "1000000000000000000000000"],
    ["1e24", "1000000000000000000000000"],
    ["5", "5"],
    ["5.0", "5"],
    ["-0", "0"],
    ["0.00000001", "0.00000001"],
    ["0.1234567890123456789", "0.1234567890123456789"],
    ["-12.5", "-12.5"],
  ])("that is the number %s is the same as the text %s", ([number, text], { expect }) => {
    expect(keyAt(readJson(`{"k": ${number}}`), "k")).toBe(text);
    expect(keyAt({ k: text }, "k")).toBe(text);
  });

  it("has an end, whatever the exponent", ({ expect }) => {
    expect(numberText(numeric("1e400"))).toBe(`1${"0".repeat(400)}`);
    expect(numberText(numeric("1e99999999")).length).toBeLessThan(30);
    expect(numberAt(readJson('{"n": 1e99999999}'), "n")).toBeNull();
  });
});

const subject = (timestamp: string, data: unknown = {}) => ({ event: "a", tenant: "t", timestamp, data });
const TIME = "2026-11-21T09:30:00.000Z";

describe("the time of an event", () => {
  it.for<[operator: string, operand: unknown, holds: boolean]>([
    ["$eq", "2026-11-21T09:30:00Z", true],
    ["$eq", "2026-11-21T09:30Z", true],
    ["$eq", "2026-11-21T11:30:00+02:00", true],
    ["$eq", "2026-11-20T23:30:00.000-10:00", true],
    ["$eq", "2026-11-21T09:30:00.0001Z", false],
    ["$lt", "2026-11-21T09:30:00.0001Z", true],
    ["$gte", "2026-11-21T11:30:00+02:00", true],
    ["$gt", "2026-11-21T10:30:00+02:00", true],
    ["$lt", "2026-11-21T10:30:00+02:00", false],
    ["$in", ["2026-11-21T11:30:00+02:00"], true],
    ["$nin", ["2026-11-21T11:30:00+02:00"], false],
    ["$not", { $gte: "2026-11-21T11:30:00+02:00" }, false],
    ["$exists", true, true],
  ])("%s %j: %s", ([operator, operand, holds], { expect }) => {
    const filter = { timestamp: { [operator]: operand } };
    expect(filterErrors(filter)).toEqual([]);
    expect(matches(filter, subject(TIME))).toBe(holds);
    expect(matches({ $or: [{ event: "b" }, filter] }, subject(TIME))).toBe(holds);
  });

  it("is shown as an instant, as what was asked for", ({ expect }) => {
    const asked: Filter = { timestamp: { $gt: "2026-11-21T11:30:00+02:00" } };
    expect(failingClause(asked, subject(TIME))).toMatchObject({ expected: TIME, actual: TIME });
  });

  it("is refused what names none, as long as it is that of an event", ({ expect }) => {
    const wrong = [
      "soon",
      "2026-11-21",
      "2026-11-21T09:30:00",
      "2026-02-30T00:00:00Z",
      "2026-11-21T25:00:00Z",
      5,
      null,
      {},
    ];
    for (const operand of wrong) {
      expect(filterErrors({ timestamp: operand }).map(({ path }) => path)).toEqual(["timestamp"]);
      expect(filterErrors({ timestamp: { $gt: TIME, $ne: operand } }).map(({ path }) => path)).toEqual([
        "timestamp.$ne",
      ]);
      expect(filterErrors({ $not: { timestamp: { $in: [TIME, operand] } } })).toHaveLength(1);
      expect(filterErrors({ "data.timestamp": operand, "data.x": { $elemMatch: { timestamp: operand } } })).toEqual([]);
    }
    expect(filterErrors({ timestamp: 5 }, null)).toEqual([]);
    expect(filterErrors({ timestamp: "soon" }, null)).toHaveLength(1);
  });

  it("is a text for filters from before that compare it as one", ({ expect }) => {
    expect(matches({ timestamp: { $gte: "2026-11-21", $lt: "2026-11-22" } }, subject(TIME))).toBe(true);
    expect(matches({ timestamp: { $startsWith: "2026-11" } }, subject(TIME))).toBe(true);
  });
});

describe("a path", () => {
  it.for<[path: string, keys: string[]]>([
    ["a.b", ["a", "b"]],
    ["a\\.b.c", ["a.b", "c"]],
    ["data.labels.app\\.kubernetes\\.io/name", ["data", "labels", "app.kubernetes.io/name"]],
    ["a\\\\.b", ["a\\", "b"]],
    ["a\\\\\\.b", ["a\\.b"]],
    ["a\\b", ["a\\b"]],
    ["a\\", ["a\\"]],
    ["a..b", ["a", "", "b"]],
    ["😀\\.é", ["😀.é"]],
  ])("%s leads through %j", ([path, keys], { expect }) => {
    expect(splitPath(path)).toEqual(keys);
    expect(splitPath(keys.map(pathKey).join("."))).toEqual(keys);
  });

  it("reaches keys with dots in filters and signals", ({ expect }) => {
    const data = { labels: { "app.kubernetes.io/name": "web", app: { x: 1 } }, "a.b": [{ "c.d": 5 }] };
    expect(matches({ "data.labels.app\\.kubernetes\\.io/name": "web" }, subject(TIME, data))).toBe(true);
    expect(matches({ "data.a\\.b.c\\.d": { $gt: 4 } }, subject(TIME, data))).toBe(true);
    expect(matches({ "data.labels.app.kubernetes.io/name": "web" }, subject(TIME, data))).toBe(false);
    expect(keyAt(data, "labels.app\\.kubernetes\\.io/name")).toBe("web");
    expect(numberAt(data, "a\\.b.0.c\\.d")).toBe(5);
    expect(filterErrors({ "data\\.x": 1 })).toHaveLength(1);
  });
});

const ITEMS = {
  items: [
    { sku: "a", n: 1 },
    { sku: "b", n: 5, tags: ["x"] },
  ],
  scores: [2, 9],
  grid: [[1, 9], [4]],
};

describe("$elemMatch", () => {
  it.for<[condition: object, holds: boolean]>([
    [{ "data.items": { $elemMatch: { sku: "b", n: { $gt: 4 } } } }, true],
    [{ "data.items": { $elemMatch: { sku: "a", n: { $gt: 4 } } } }, false],
    [{ "data.items.sku": "a", "data.items.n": { $gt: 4 } }, true],
    [{ "data.scores": { $elemMatch: { $gt: 3, $lt: 8 } } }, false],
    [{ "data.scores": { $gt: 3, $lt: 8 } }, true],
    [{ "data.scores": { $elemMatch: { $gt: 8, $lt: 10 } } }, true],
    [{ "data.scores": { $elemMatch: { $not: { $gt: 8 } } } }, true],
    [{ "data.scores": { $not: { $elemMatch: { $gt: 8 } } } }, false],
    [{ "data.items": { $elemMatch: { $or: [{ sku: "z" }, { tags: "x" }] } } }, true],
    [{ "data.items": { $elemMatch: { $not: { sku: { $in: ["a", "b"] } } } } }, false],
    [{ "data.items": { $elemMatch: { tags: { $elemMatch: { $startsWith: "x" } } } } }, true],
    [{ "data.grid": { $elemMatch: { $elemMatch: { $gt: 8 } } } }, true],
    [{ "data.grid": { $elemMatch: { $elemMatch: { $gt: 9 } } } }, false],
    [{ "data.scores": { $elemMatch: { a: { $exists: false } } } }, false],
    [{ "data.items.0": { $elemMatch: { sku: "a" } } }, false],
    [{ "data.none": { $elemMatch: {} } }, false],
  ])("%j: %s", ([filter, holds], { expect }) => {
    expect(filterErrors(filter)).toEqual([]);
    expect(matches(filter as Filter, subject(TIME, ITEMS))).toBe(holds);
  });

  it("is one clause, with the list that has no such element", ({ expect }) => {
    const condition = { sku: "a", n: { $gt: 4 } };
    expect(failingClause({ "data.items": { $elemMatch: condition } }, subject(TIME, ITEMS))).toEqual({
      path: "data.items",
      operator: "$elemMatch",
      expected: condition,
      actual: ITEMS.items,
    });
  });

  it("that would look at too many values is told as it stands in the filter", ({ expect }) => {
    const rows = Array.from({ length: 1_200 }, () => ({ a: Array.from({ length: 1_000 }, () => 1) }));
    const filter = { "data.rows": { $elemMatch: { a: 2 } } };
    expect(failingClause(filter, subject(TIME, { rows }))).toMatchObject({
      path: "data.rows",
      operator: "$elemMatch",
      reason: expect.stringContaining("look at more than"),
    });
  });

  it("is refused what is no condition of an element", ({ expect }) => {
    const paths = (operand: unknown) => filterErrors({ "data.x": { $elemMatch: operand } }).map(({ path }) => path);
    for (const operand of [1, null, "a", []]) expect(paths(operand)).toEqual(["data.x.$elemMatch"]);
    expect(paths({ $like: 1 })).toEqual(["data.x.$elemMatch.$like"]);
    expect(paths({ $gt: 1, sku: 2 })).toEqual(["data.x.$elemMatch.sku"]);
    expect(paths({ a: { $in: 1 }, $or: [] })).toEqual(["data.x.$elemMatch.a.$in", "data.x.$elemMatch.$or"]);
    expect(filterErrors({ $elemMatch: {} })).toHaveLength(1);
    let deep: object = { a: 1 };
    for (let i = 0; i < 20; i++) deep = { a: { $elemMatch: deep } };
    expect(filterErrors({ "data.x": { $elemMatch: deep } })[0]?.message).toContain("nested deeper");
  });
});

describe("$contains", () => {
  it.for<[value: unknown, operand: unknown, holds: boolean]>([
    ["Grand Hotel", "Hotel", true],
    ["Grand Hotel", "hotel", false],
    ["abc", "", true],
    ["5", 5, false],
    [["a", "b"], "b", true],
    [["abc"], "b", false],
    [[1, { a: [1.0] }], { a: [1] }, true],
    [[1, null], null, true],
    [{ a: 1 }, "a", false],
    [5, 5, false],
  ])("%j of %j: %s", ([value, operand, holds], { expect }) => {
    const filter = { "data.x": { $contains: operand } };
    expect(filterErrors(filter)).toEqual([]);
    expect(matches(filter, subject(TIME, { x: value }))).toBe(holds);
    expect(matches({ "data.x": { $not: { $contains: operand } } }, subject(TIME, { x: value }))).toBe(!holds);
    expect(matches(filter, subject(TIME))).toBe(false);
  });

  it("takes exact numbers, and each text that a path leads to", ({ expect }) => {
    const data = readJson(`{"ids": [1, ${BIG}], "items": [{"name": "blue"}, {"name": "red"}]}`);
    expect(matches(readJson(`{"data.ids": {"$contains": ${BIG}}}`), { data })).toBe(true);
    expect(matches(readJson(`{"data.ids": {"$contains": ${NEIGHBOUR}}}`), { data })).toBe(false);
    expect(matches({ "data.items.name": { $contains: "ed" } }, { data })).toBe(true);
  });

  it("finds in long texts what the runtime would find", ({ expect }) => {
    const letters = (length: number, seed: number) =>
      Array.from({ length }, (_, i) => "ab"[((i * seed * 7919) >> 4) & 1]).join("");
    for (let seed = 1; seed < 40; seed++) {
      const text = letters(600, seed);
      for (const part of [text.slice(100, 100 + 17 + seed), letters(17 + (seed % 5), seed + 1), `${"a".repeat(20)}b`]) {
        expect(containsText(part)(text)).toBe(text.includes(part));
      }
    }
  });
});

describe("a schema", () => {
  const verdict = (schema: string, value: string) => compile(schema)(readJson(value)).length === 0;

  it.for<[schema: string, value: string, fits: boolean]>([
    [`{"const": ${BIG}}`, BIG, true],
    [`{"const": ${BIG}}`, NEIGHBOUR, false],
    [`{"const": ${NEIGHBOUR}}`, BIG, false],
    [`{"const": ${NEIGHBOUR}}`, NEIGHBOUR, true],
    [`{"const": ${BIG}}`, `"${BIG}"`, false],
    [`{"enum": [${NEIGHBOUR}, 9007199254740994]}`, BIG, false],
    [`{"enum": [${NEIGHBOUR}, ${BIG}, 9007199254740994]}`, BIG, true],
    [`{"enum": [${NEIGHBOUR}, ${BIG}, 9007199254740994]}`, "9007199254740994", true],
    [`{"enum": [${NEIGHBOUR}, ${BIG}, 9007199254740994]}`, "9007199254740995", false],
    [`{"const": {"a": [${BIG}]}}`, `{"a": [${BIG}]}`, true],
    [`{"const": {"a": [${BIG}]}}`, `{"a": [${NEIGHBOUR}]}`, false],
    ['{"const": 0.1}', "0.1000000000000000055511151231257827", false],
    ['{"const": 1e400}', "1e400", true],
    ['{"const": 1e400}', "1e401", false],
    ['{"const": 1000}', "1e3", true],
    ['{"const": 1}', "1.0", true],
    ['{"const": 0}', "-0", true],
    [`{"maximum": ${NEIGHBOUR}}`, BIG, false],
    [`{"maximum": ${BIG}}`, BIG, true],
    [`{"exclusiveMinimum": ${BIG}}`, BIG, false],
    [`{"minimum": -${NEIGHBOUR}}`, `-${BIG}`, false],
    ['{"type": "integer"}', BIG, true],
    ['{"type": "integer"}', "1.00000000000000000001", false],
    ['{"type": "integer"}', "9007199254740992.5", false],
    ['{"type": "integer"}', "4503599627370497.5", false],
    ['{"type": "integer"}', "123456789012345678.25", false],
    ['{"type": "integer"}', "1234567890123456780.0", true],
    ['{"type": "integer"}', "1e400", true],
    ['{"type": ["integer", "string"]}', "9007199254740993.5", false],
    ['{"type": ["integer", "number"]}', "9007199254740993.5", true],
    ['{"not": {"type": "integer"}}', "9007199254740993.5", true],
    ['{"not": {"type": "integer"}}', BIG, false],
    ['{"anyOf": [{"type": "integer"}, {"const": 9007199254740993.5}]}', "9007199254740993.5", true],
    ['{"multipleOf": 2}', BIG, false],
    ['{"multipleOf": 2}', "9007199254740994", true],
    ['{"multipleOf": 2}', "90071992547409931", false],
    ['{"multipleOf": 2}', "-90071992547409932", true],
    ['{"multipleOf": 10}', "12345678901234567891", false],
    ['{"multipleOf": 10}', "12345678901234567890", true],
    ['{"multipleOf": 0.00000000000000000001}', "1.000000000000000000035", false],
    ['{"multipleOf": 0.00000000000000000001}', "1.00000000000000000003", true],
    ['{"multipleOf": 0.01, "allOf": [{"minimum": 1}]}', "19.99", true],
    [`{"multipleOf": ${BIG}}`, "18014398509481986", true],
    [`{"multipleOf": ${BIG}}`, "18014398509481985", false],
    [`{"multipleOf": ${BIG}}`, '"a text"', true],
    ['{"type": "number"}', "1e400", true],
    ['{"type": "object"}', "1e400", false],
    ['{"uniqueItems": true}', `[${BIG}, ${NEIGHBOUR}, 9007199254740994]`, true],
    ['{"uniqueItems": true}', `[${BIG}, ${BIG}.0]`, false],
    ['{"minLength": 3}', '"abc"', true],
  ])("%s of %s: %s", ([schema, value, fits], { expect }) => {
    expect(verdict(schema, value)).toBe(fits);
    expect(verdict(`{"properties": {"v": {"items": ${schema}}}}`, `{"v": [${value}], "other": ${BIG}}`)).toBe(fits);
  });

  it("tells of numbers as they are written", ({ expect }) => {
    const [error] = compile(`{"properties": {"id": {"const": ${BIG}}}}`)(readJson('{"id": 9007199254740995}'));
    expect(error?.path).toBe("id");
    expect(error?.message).toContain(BIG);
  });
});

describe("a filter that is well formed", () => {
  const NEVER: [filter: object, path: string][] = [
    [{ event: 5 }, "event"],
    [{ event: { a: 1 } }, "event"],
    [{ "event.name": "a" }, "event.name"],
    [{ event: "a", $and: [{ event: "b" }] }, "$and.0.event"],
    [{ event: { $in: [] } }, "event.$in"],
    [{ "data.x": { $in: [] } }, "data.x.$in"],
    [{ event: { $exists: false } }, "event.$exists"],
    [{ tenant: { $startsWith: "a", $eq: "b" } }, "tenant.$eq"],
    [{ event: { $startsWith: "a" }, $and: [{ event: { $startsWith: "b" } }] }, "$and.0.event.$startsWith"],
    [{ event: { $gt: "b", $lt: "a" } }, "event.$lt"],
    [{ timestamp: { $gt: TIME, $lt: TIME } }, "timestamp.$lt"],
    [{ timestamp: { $gte: TIME, $lt: "2026-11-21T10:00:00+02:00" } }, "timestamp.$lt"],
    [{ timestamp: { $eq: TIME, $ne: "2026-11-21T11:30:00+02:00" } }, "timestamp.$ne"],
    [{ "data.x": { $exists: false, $eq: 1 } }, "data.x.$eq"],
    [{ "data.x": { $eq: 1, $ne: 1 } }, "data.x.$ne"],
    [{ "data.x": { $in: [1, 2], $nin: [2, 1, 3] } }, "data.x.$nin"],
    [{ "data.x": { $elemMatch: { a: { $in: [] } } } }, "data.x.$elemMatch.a.$in"],
    [{ $not: {} }, "$not"],
    [{ $or: [{ event: 1 }, { tenant: 2 }] }, "$or.0.event"],
  ];

  it.for(NEVER)("is refused where nothing could ever match: %j", ([filter, path], { expect }) => {
    const errors = filterErrors(filter);
    expect(errors.map((error) => error.path)).toContain(path);
    expect(errors.every(({ message }) => message.startsWith("can never match"))).toBe(true);
  });

  const WARNED: [filter: object, path: string, message: string][] = [
    [{ data: { status: "paid" } }, "data", "is exact equality; for a part write data.status"],
    [{ "data.a\\.b": { "c.d": 1 } }, "data.a\\.b", "is exact equality; for a part write data.a\\.b.c\\.d"],
    [{ $or: [{ event: 5 }, { event: "a" }] }, "$or.0.event", "can never match"],
    [{ "data.x": { $gt: 5, $lt: 3 } }, "data.x.$lt", "use $elemMatch"],
    [{ "data.x": 1, $and: [{ "data.x": 2 }] }, "$and.0.data.x", "use $elemMatch"],
    [{ "data.x": { $gt: 5, $lt: "a" } }, "data.x.$lt", "use $elemMatch"],
    [{ $not: { event: 5 } }, "$not", "excludes nothing"],
  ];

  it.for(WARNED)("is saved with a warning: %j", ([filter, path, message], { expect }) => {
    expect(filterErrors(filter)).toEqual([]);
    const warnings = filterWarnings(filter as Filter);
    expect(warnings.map((warning) => warning.path)).toEqual([path]);
    expect(warnings[0]?.message).toContain(message);
  });

  it.for<object>([
    {},
    { event: "a", "data.x": { $gt: 5, $lte: 6 }, $or: [{ event: "a" }, { tenant: "b" }] },
    { data: { $eq: { status: "paid" } }, "data.list": [1, 2], "data.n": null, "data.o": {} },
    { "data.x": { $exists: true, $ne: null, $nin: [1, 2] }, "data.y": { $exists: false } },
    { timestamp: { $gte: TIME, $lte: "2026-11-21T11:30:00+02:00" }, event: { $in: ["a", 5] } },
    { "data.x": { $elemMatch: { sku: "a", n: { $gt: 1 } }, $not: { $contains: 5 } } },
    { event: { $startsWith: "lead.", $ne: "lead.cold" }, "event.x": { $exists: false } },
  ])("is nothing to warn of: %j", (filter, { expect }) => {
    expect([filterErrors(filter), filterWarnings(filter as Filter)]).toEqual([[], []]);
  });
});
