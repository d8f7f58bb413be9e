import fc from "fast-check";
import { describe, it } from "vitest";
import { compile, type Filter, failingClause, matches } from "../../../src/lib/filter/filter";
import { filterErrors, MAX_FILTER_BYTES } from "../../../src/lib/filter/filter-errors";
import { MAX_VISITS, Visits } from "../../../src/lib/filter/visits";
import { holds } from "../property";

const DATA = {
  name: "Acme",
  score: 80,
  zero: 0,
  hot: true,
  nothing: null,
  empty: [],
  tags: ["saas", "b2b"],
  scores: [10, 90],
  mixed: [5, "5", null, ["deep"]],
  company: { name: "Acme", size: { min: 50, max: 200 }, "": "unnamed" },
  contacts: [
    { title: "CEO", emails: ["a@acme.test", "b@acme.test"] },
    { title: "VP Sales", emails: [] },
  ],
  grid: [[{ x: 1 }], [{ x: 2 }]],
  "0": "zeroth",
};
const SUBJECT = { event: "lead.hot", tenant: "acme", timestamp: "2026-11-21T09:30:00.000Z", data: DATA };

/** Conditions on `data` that hold and that do not. */
const HOLDS: [path: string, condition: unknown][] = [
  ["name", "Acme"],
  ["score", 80],
  ["hot", true],
  ["nothing", null],
  ["name", { $eq: "Acme" }],
  ["name", { $ne: "Other" }],
  ["score", { $ne: "80" }],
  ["score", { $gt: 79.5, $lt: 81 }],
  ["score", { $gte: 80, $lte: 80 }],
  ["name", { $gt: "Aaa", $lt: "B" }],
  ["name", { $in: ["Other", "Acme"] }],
  ["nothing", { $in: [null] }],
  ["name", { $nin: [] }],
  ["name", { $nin: ["Other"] }],
  ["name", { $exists: true }],
  ["nothing", { $exists: true }],
  ["empty", { $exists: true }],
  ["name", { $startsWith: "Ac" }],
  ["name", { $startsWith: "" }],
  ["name", { $endsWith: "me" }],
  ["name", { $not: { $startsWith: "B" } }],
  ["score", { $not: { $gt: 10, $lt: 50 } }],
  ["score", { $not: { $not: { $eq: 80 } } }],
  // Lists contain.
  ["tags", "saas"],
  ["tags", { $in: ["b2c", "b2b"] }],
  ["tags", { $startsWith: "sa" }],
  ["tags", { $ne: "b2c" }],
  ["tags", { $nin: ["b2c"] }],
  ["scores", { $gt: 80 }],
  ["scores", { $gt: 80, $lt: 20 }],
  ["mixed", null],
  ["mixed", "5"],
  ["mixed", ["deep"]],
  // Whole values.
  ["tags", ["saas", "b2b"]],
  ["tags", { $in: [["saas", "b2b"]] }],
  ["company.size", { max: 200, min: 50 }],
  ["company", { $ne: { name: "Acme" } }],
  ["empty", []],
  ["contacts", { title: "VP Sales", emails: [] }],
  // Paths.
  ["company.name", "Acme"],
  ["company.size.min", { $gte: 50 }],
  ["company.", "unnamed"],
  ["tags.0", "saas"],
  ["contacts.1.title", "VP Sales"],
  ["contacts.title", "CEO"],
  ["contacts.emails", "b@acme.test"],
  ["contacts.emails.0", "a@acme.test"],
  ["grid.1.x", 2],
  ["0", "zeroth"],
];

const FAILS: [path: string, condition: unknown][] = [
  ["name", "acme"],
  ["score", "80"],
  ["zero", null],
  ["zero", false],
  ["name", { $ne: "Acme" }],
  ["score", { $gt: 80 }],
  ["score", { $gt: 70, $lt: 75 }],
  ["score", { $gt: "7" }],
  ["name", { $gt: 0 }],
  ["hot", { $gte: 0 }],
  ["nothing", { $lte: 0 }],
  ["nothing", { $gte: 0 }],
  ["name", { $in: ["nobody"] }],
  ["name", { $nin: ["Acme"] }],
  ["name", { $exists: false }],
  ["nothing", { $exists: false }],
  ["score", { $startsWith: "8" }],
  ["name", { $not: { $eq: "Acme" } }],
  ["tags", "b2c"],
  ["tags", { $ne: "saas" }],
  ["tags", { $nin: ["x", "b2b"] }],
  ["tags", ["b2b", "saas"]],
  ["tags", ["saas"]],
  ["tags", { $not: { $eq: "saas" } }],
  ["scores", { $not: { $gt: 80 } }],
  ["empty", null],
  ["mixed", "deep"],
  ["company", { name: "Acme" }],
  ["company.size", { min: 50 }],
  ["company.size", [50, 200]],
  ["contacts.2.title", { $exists: true }],
  ["contacts.00.title", { $exists: true }],
  ["tags.-1", { $exists: true }],
  ["grid.x", { $exists: true }],
  // Never an inherited property.
  ["name.length", 4],
  ["tags.length", 2],
  ["grid.length", { $exists: true }],
  ["name.0", "A"],
  ["constructor", { $exists: true }],
  ["constructor.name", "Object"],
  ["toString", { $exists: true }],
  ["__proto__", { $exists: true }],
  ["name.__proto__.length", 0],
  ["tags.map.name", "map"],
];

const MISSING = ["missing", "company.missing", "name.missing", "nothing.missing", "empty.0", "empty.x", "score.1"];
const POSITIVE = [
  null,
  "x",
  [],
  {},
  { $eq: null },
  { $gt: -1 },
  { $gte: 0 },
  { $lt: 1 },
  { $lte: "" },
  { $in: [null, 0, ""] },
  { $exists: true },
  { $startsWith: "" },
  { $endsWith: "" },
];
const NEGATIVE = [{ $ne: null }, { $nin: [null, 0] }, { $exists: false }, { $not: { $lt: 1 } }, { $ne: "x", $nin: [] }];

function onData(path: string, condition: unknown): Filter {
  return { [`data.${path}`]: condition };
}

describe("a filter", () => {
  it("holds and fails by these tables", ({ expect }) => {
    for (const [path, condition] of [...HOLDS, ...FAILS]) expect(filterErrors(onData(path, condition))).toEqual([]);
    expect(HOLDS.filter(([path, condition]) => !matches(onData(path, condition), SUBJECT))).toEqual([]);
    expect(FAILS.filter(([path, condition]) => matches(onData(path, condition), SUBJECT))).toEqual([]);
  });

  it("of a missing key fails when it is positive and holds when it is negative", ({ expect }) => {
    for (const path of MISSING) {
      expect(POSITIVE.filter((condition) => matches(onData(path, condition), SUBJECT))).toEqual([]);
      expect(NEGATIVE.filter((condition) => !matches(onData(path, condition), SUBJECT))).toEqual([]);
    }
  });

  it("sees the event's type, tenant and time", ({ expect }) => {
    expect(matches({}, SUBJECT)).toBe(true);
    expect(matches({ event: { $startsWith: "lead." }, tenant: "acme" }, SUBJECT)).toBe(true);
    expect(matches({ timestamp: { $gte: "2026-11-21", $lt: "2026-11-22" } }, SUBJECT)).toBe(true);
    expect(matches({ timestamp: { $lt: "2026-11-21" } }, SUBJECT)).toBe(false);
    expect(matches({ data: DATA }, SUBJECT)).toBe(true);
  });

  it("joins others by $and, $or and $not, beside fields", ({ expect }) => {
    const yes = { "data.score": 80 };
    const no = { "data.score": 81 };
    expect(matches({ $and: [yes, {}] }, SUBJECT)).toBe(true);
    expect(matches({ $and: [yes, no] }, SUBJECT)).toBe(false);
    expect(matches({ $or: [no, yes] }, SUBJECT)).toBe(true);
    expect(matches({ $or: [no, no] }, SUBJECT)).toBe(false);
    expect(matches({ $not: no }, SUBJECT)).toBe(true);
    expect(matches({ $not: yes }, SUBJECT)).toBe(false);
    expect(matches({ event: "lead.hot", $or: [no, { $and: [yes, { $not: no }] }] }, SUBJECT)).toBe(true);
    expect(matches({ event: "lead.cold", $or: [yes] }, SUBJECT)).toBe(false);
  });

  it("takes keys of the data that look like a prototype's for what they are", ({ expect }) => {
    const data = JSON.parse('{"__proto__": {"a": 1}, "constructor": "x", "hasOwnProperty": 1, "length": 3}');
    const filter = JSON.parse('{"data.__proto__.a": 1, "data.constructor": "x", "data.hasOwnProperty": 1}');
    expect(matches(filter, { data })).toBe(true);
    expect(matches({ data: JSON.parse('{"__proto__": {"a": 1}}') }, { data: {} })).toBe(false);
    expect(matches({ data: { a: null } }, { data: { b: 1 } })).toBe(false);
    expect(matches({ data: JSON.parse('{"__proto__": {}}') }, { data: { b: 1 } })).toBe(false);
  });

  it("copes with data as deep and as long as a body can hold", ({ expect }) => {
    const deep = JSON.parse(`${"[".repeat(200_000)}1${"]".repeat(200_000)}`);
    const long = Array.from({ length: 200_000 }, (_, i) => ({ i }));
    const conditions = [1, [[1]], { $ne: 1 }, { $in: [deep[0]] }, { $not: { $gt: 1 } }];
    for (const condition of conditions) {
      matches({ "data.a.b": condition, data: condition, "data.0.0.0": condition }, { data: deep });
    }
    expect(matches({ "data.i": 199_999 }, { data: long })).toBe(true);
    expect(matches({ "data.i": { $gt: 199_999 } }, { data: long })).toBe(false);
  });
});

describe("what a filter costs", () => {
  const numbers = Array.from({ length: 60_000 }, (_, i) => i);

  it.for(["$in", "$nin"])("does not grow with the values of %s times those of the subject", (operator, { expect }) => {
    let reads = 0;
    const values = new Proxy(
      Array.from({ length: 1_000 }, (_, i) => -1 - i),
      {
        get: (list, key) => {
          if (/^\d/.test(String(key))) reads++;
          return Reflect.get(list, key);
        },
      },
    );
    const filter = { "data.x": { [operator]: values } };
    compile(filter);
    const once = reads;
    expect(matches(filter, { data: { x: numbers } })).toBe(operator === "$nin");
    expect(matches(filter, { data: { x: [...numbers, -1_000] } })).toBe(operator === "$in");
    // Each value was read when the filter was made ready, and none since.
    expect(once).toBeGreaterThanOrEqual(1_000);
    expect(reads).toBe(once);
  });

  it("does not grow with the lists and objects to be equal to times those in the subject", ({ expect }) => {
    let reads = 0;
    const counted = (i: number) => ({
      get i() {
        reads++;
        return i;
      },
    });
    const filter = { "data.x": { $in: Array.from({ length: 500 }, (_, i) => ({ i: -1 - i })) } };
    expect(matches(filter, { data: { x: numbers.map(counted) } })).toBe(false);
    expect(reads).toBe(numbers.length);
    expect(matches(filter, { data: { x: [...numbers.map(counted), { i: -500 }] } })).toBe(true);
  });

  it("reads of a value no more than what it is compared with has", ({ expect }) => {
    let reads = 0;
    const large = new Proxy(numbers, {
      get: (list, key) => {
        reads++;
        return Reflect.get(list, key);
      },
    });
    expect(matches({ "data.x": { $in: [[1, 2]] } }, { data: { x: [large] } })).toBe(false);
    expect(reads).toBeLessThan(10);
  });

  it("is the same however equal values are written", ({ expect }) => {
    const equal: [unknown, unknown][] = [
      [
        { a: 1, b: [{ c: null }] },
        { b: [{ c: null }], a: 1 },
      ],
      [[], []],
      [[[0]], [[-0]]],
      [{ '"': "\\" }, { '"': "\\" }],
    ];
    const unequal: [unknown, unknown][] = [
      [{ a: 1 }, { a: "1" }],
      [{ a: null }, { a: "null" }],
      [{ a: null }, { b: null }],
      [{ a: true }, { a: "true" }],
      [["a", "b"], ["a,b"]],
      [
        ["b", "a"],
        ["a", "b"],
      ],
      [[1], { 0: 1 }],
      [[[]], [{}]],
      [{}, []],
      [
        [1, [2]],
        [[1], 2],
      ],
    ];
    const alike = ([one, other]: [unknown, unknown]) =>
      [{ $in: ["x", one] }, { $eq: one }].map((condition) => matches({ "data.x": condition }, { data: { x: other } }));
    for (const pair of equal) expect(alike(pair), JSON.stringify(pair)).toEqual([true, true]);
    for (const pair of unequal) expect(alike(pair), JSON.stringify(pair)).toEqual([false, false]);
  });

  const huge = { data: { x: Array.from({ length: MAX_VISITS / 2 - 10 }, () => 0) } };
  const unlike: Filter = { "data.x": { $ne: 1 } };

  it("is bounded, and one condition on all that a body can hold is within it", ({ expect }) => {
    expect(matches(unlike, huge)).toBe(true);
    expect(matches({ $and: [unlike, unlike] }, huge)).toBe(true);
    expect(matches({ "data.x": { $in: [1] } }, huge)).toBe(false);
    expect(failingClause({ "data.x": { $in: [1] } }, huge)?.reason).toBeUndefined();
  });

  const beyond: Filter = { $and: [unlike, unlike, unlike] };
  it.for([
    beyond,
    { $not: beyond },
    { $not: { $not: beyond } },
    { $or: [beyond, {}] },
    { $or: [{ $not: beyond }, { tenant: { $exists: false } }] },
    { "data.x": { $ne: 1, $nin: [1], $not: { $eq: 1 } } },
    { "data.x": { $not: { $ne: 1, $nin: [1], $not: { $eq: 1 } } } },
    { $and: [unlike, unlike], "data.x.y.z": { $exists: false } },
    { $and: [unlike, unlike], "data.x": { $not: { $gt: 1 } } },
  ] as Filter[])("beyond it nothing matches, be it negated: %j", (filter, { expect }) => {
    expect(matches(filter, huge)).toBe(false);
    const clause = failingClause(filter, huge);
    expect(clause).toMatchObject({ path: expect.stringMatching(/^data\.x/), actual: undefined });
    expect(clause?.reason).toContain(String(MAX_VISITS));
  });

  it("is bounded for all filters of a request together, and for none more than when it is alone", ({ expect }) => {
    const visits = new Visits(2.5 * MAX_VISITS);
    const alone = failingClause(beyond, huge);
    expect(failingClause(beyond, huge, visits)).toEqual(alone);
    expect(failingClause(beyond, huge, visits)).toEqual(alone);
    expect(matches({ "data.x.0": 0 }, huge, visits)).toBe(true);
    expect(failingClause({ $and: [unlike, unlike] }, huge, visits)?.reason).toContain("together");
    expect(failingClause({ "data.x.0": 0 }, huge, visits)?.reason).toContain("together");
    expect(matches({}, huge, visits)).toBe(true);
  });
});

describe("the failing clause", () => {
  it("is the first that does not hold, with what was there", ({ expect }) => {
    const cases: [Filter, unknown][] = [
      [{ "data.score": 80 }, null],
      [
        { "data.name": "Acme", "data.score": { $gt: 10, $lt: 50 }, tenant: "other" },
        { path: "data.score", operator: "$lt", expected: 50, actual: 80 },
      ],
      [{ "data.name": "Other" }, { path: "data.name", operator: "$eq", expected: "Other", actual: "Acme" }],
      [{ "data.x": null }, { path: "data.x", operator: "$eq", expected: null, actual: undefined }],
      [
        { "data.contacts.title": "CTO" },
        { path: "data.contacts.title", operator: "$eq", expected: "CTO", actual: ["CEO", "VP Sales"] },
      ],
      [
        { "data.score": { $not: { $gt: 1 } } },
        { path: "data.score", operator: "$not", expected: { $gt: 1 }, actual: 80 },
      ],
      [
        { $and: [{ event: "lead.hot" }, { $and: [{ event: { $in: ["x"] } }] }] },
        { path: "event", operator: "$in", expected: ["x"], actual: "lead.hot" },
      ],
      [
        { $or: [{ event: "a" }, { event: "b" }] },
        { path: "", operator: "$or", expected: [{ event: "a" }, { event: "b" }], actual: undefined },
      ],
      [
        { $not: { event: "lead.hot" } },
        { path: "", operator: "$not", expected: { event: "lead.hot" }, actual: undefined },
      ],
    ];
    for (const [filter, clause] of cases) expect(failingClause(filter, SUBJECT)).toEqual(clause);
  });
});

const nested = (levels: number, inner: unknown) =>
  Array.from({ length: levels }).reduce<unknown>(
    (filter, _, i) => (i % 2 ? { $and: [filter] } : { $not: filter }),
    inner,
  );
const REFUSED: [filter: unknown, path: string][] = [
  [null, ""],
  [[], ""],
  ["text", ""],
  [5, ""],
  [undefined, ""],
  [{ $and: [] }, "$and"],
  [{ $or: [] }, "$or"],
  [{ $or: {} }, "$or"],
  [{ $or: [{ event: "a" }, 5] }, "$or.1"],
  [{ $or: [{ event: "a" }, { "data.x": { $gt: null } }] }, "$or.1.data.x.$gt"],
  [{ $not: 5 }, "$not"],
  [{ $not: [{ event: "a" }] }, "$not"],
  [{ $nor: [{ event: "a" }] }, "$nor"],
  [{ $where: "true" }, "$where"],
  [{ $gt: 5 }, "$gt"],
  [{ "data.x": { $regex: "a" } }, "data.x.$regex"],
  [{ "data.x": { $where: "true" } }, "data.x.$where"],
  [{ "data.x": { $elemMatch: 1 } }, "data.x.$elemMatch"],
  [{ "data.x": { $elemMatch: { a: { $like: 1 } } } }, "data.x.$elemMatch.a.$like"],
  [{ "data.x": { $: 1 } }, "data.x.$"],
  [{ "data.x": { $or: [{ $gt: 1 }] } }, "data.x.$or"],
  [{ "data.x": { $gt: 1, y: 2 } }, "data.x.y"],
  [{ "data.x": { y: { $gt: 1 } } }, "data.x"],
  [{ "data.x": [{ $gt: 1 }] }, "data.x"],
  [{ "data.x": { $in: "a" } }, "data.x.$in"],
  [{ "data.x": { $in: { a: 1 } } }, "data.x.$in"],
  [{ "data.x": { $in: [{ $gt: 1 }] } }, "data.x.$in"],
  [{ "data.x": { $in: Array(1001).fill(1) } }, "data.x.$in"],
  [{ "data.x": { $nin: null } }, "data.x.$nin"],
  [{ "data.x": { $gt: true } }, "data.x.$gt"],
  [{ "data.x": { $gte: [1] } }, "data.x.$gte"],
  [{ "data.x": { $lt: {} } }, "data.x.$lt"],
  [{ "data.x": { $lte: JSON.parse("1e999") } }, "data.x.$lte"],
  [{ "data.x": JSON.parse("1e999") }, "data.x"],
  [{ "data.x": { $exists: "yes" } }, "data.x.$exists"],
  [{ "data.x": { $exists: 1 } }, "data.x.$exists"],
  [{ "data.x": { $startsWith: 5 } }, "data.x.$startsWith"],
  [{ "data.x": { $endsWith: ["a"] } }, "data.x.$endsWith"],
  [{ "data.x": { $not: 5 } }, "data.x.$not"],
  [{ "data.x": { $not: {} } }, "data.x.$not"],
  [{ "data.x": { $not: { y: 1 } } }, "data.x.$not"],
  [{ "data.x": { $not: { $gt: null } } }, "data.x.$not.$gt"],
  [{ score: 5 }, "score"],
  [{ "": 5 }, ""],
  [{ dataset: 5 }, "dataset"],
  [{ __proto__x: 5 }, "__proto__x"],
];

describe("a filter that is saved", () => {
  it("is refused where it is wrong, and only there", ({ expect }) => {
    for (const [filter, path] of REFUSED) {
      const errors = filterErrors(filter);
      expect(
        errors.map((error) => error.path),
        JSON.stringify(filter),
      ).toEqual([path]);
      expect(errors[0]?.message).not.toBe("");
    }
    const errors = filterErrors({ "data.a": { $gt: 1, $foo: 1 }, "data.b": { $in: 1 }, $or: [{ x: 1 }] });
    expect(errors.map(({ path }) => path)).toEqual(["data.a.$foo", "data.b.$in", "$or.0.x"]);
    expect(errors[0]?.message).toContain("$startsWith");
  });

  it("nests at most 8 levels deep", ({ expect }) => {
    expect(filterErrors(nested(8, { event: "a" }))).toEqual([]);
    expect(filterErrors(nested(9, { event: "a" }))).toEqual([
      { path: "$not.$and.0.$not.$and.0.$not.$and.0.$not.$and.0.$not", message: expect.stringContaining("8 levels") },
    ]);
    const ops = (levels: number) =>
      Array.from({ length: levels }).reduce<unknown>((condition) => ({ $not: condition }), { $gt: 1 });
    expect(filterErrors({ data: ops(8) })).toEqual([]);
    expect(filterErrors({ data: ops(9) })).toHaveLength(1);
    const value = (levels: number) => Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 1);
    expect(filterErrors({ data: value(8) })).toEqual([]);
    expect(filterErrors({ data: value(9) })).toHaveLength(1);
    const bottomless = JSON.parse(`${'{"$not":'.repeat(100_000)}1${"}".repeat(100_000)}`);
    expect(filterErrors(bottomless)).toHaveLength(1);
    expect(filterErrors({ data: JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`) })).toHaveLength(1);
  });

  it("has at most 100 conditions", ({ expect }) => {
    const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`data.${i}`, i]));
    expect(filterErrors(fields(100))).toEqual([]);
    for (const many of [
      fields(101),
      { $or: Array(101).fill({ event: "a" }) },
      { $or: Array(101).fill({}) },
      { $and: [fields(60), { $not: fields(41) }] },
    ]) {
      expect(filterErrors(many)).toEqual([{ path: "", message: "has more than 100 conditions" }]);
    }
    expect(filterErrors({ $or: Array(100_000).fill(5) }).length).toBeLessThanOrEqual(101);
  });

  it("has at most 16 KB of JSON, in bytes", ({ expect }) => {
    const ofBytes = (bytes: number, letter: string) => {
      const rest = bytes - JSON.stringify({ "data.x": "" }).length;
      return { "data.x": letter.repeat(rest / new TextEncoder().encode(letter).byteLength) };
    };
    for (const letter of ["x", "é"]) {
      const bytes = MAX_FILTER_BYTES - (letter === "x" ? 0 : 1);
      expect(filterErrors(ofBytes(bytes, letter))).toEqual([]);
      expect(filterErrors(ofBytes(bytes + 2, letter))).toEqual([
        { path: "", message: expect.stringContaining("16384") },
      ]);
    }
  });

  it("starts at the event's fields, or wherever the caller says", ({ expect }) => {
    const filter = { title: "CEO", $or: [{ "emails.0": { $exists: true } }] };
    expect(filterErrors(filter).map(({ path }) => path)).toEqual(["title", "$or.0.emails.0"]);
    expect(filterErrors(filter, null)).toEqual([]);
    expect(filterErrors(filter, ["title", "emails"])).toEqual([]);
    expect(
      filterErrors({ event: "a", data: {}, "data.x": 1, tenant: "b", timestamp: { $gt: "2026-11-21T00:00:00Z" } }),
    ).toEqual([]);
  });
});

const key = fc.constantFrom("a", "b", "0", "1", "length", "constructor", "__proto__");
const scalar = fc.constantFrom<unknown>(null, true, false, 0, 1, 2, -1.5, "", "a", "ab", "b", "0");
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(key, tie("value"), { maxKeys: 3 }),
  ),
}));
const shallow = fc.oneof(scalar, fc.array(scalar, { maxLength: 2 }), fc.dictionary(key, scalar, { maxKeys: 2 }));
const orderable = fc.constantFrom<unknown>(0, 1, -1.5, "", "a", "ab");
const text = fc.constantFrom("", "a", "b");
const path = fc.array(key, { minLength: 1, maxLength: 3 }).map((keys) => `data.${keys.join(".")}`);
const { operators, filter } = fc.letrec<{ operators: Filter; filter: Filter }>((tie) => ({
  operators: fc
    .tuple(
      fc.record(
        {
          $eq: shallow,
          $ne: shallow,
          $gt: orderable,
          $gte: orderable,
          $lt: orderable,
          $lte: orderable,
          $in: fc.array(shallow, { maxLength: 3 }),
          $nin: fc.array(shallow, { maxLength: 3 }),
          $exists: fc.boolean(),
          $startsWith: text,
          $endsWith: text,
        },
        { requiredKeys: [] },
      ),
      fc.option(tie("operators"), { maxDepth: 2, nil: undefined }),
    )
    .map(([own, not]) => (not === undefined || Object.keys(not).length === 0 ? own : { ...own, $not: not })),
  filter: fc
    .tuple(
      fc.dictionary(path, fc.oneof(shallow, tie("operators")), { maxKeys: 2 }),
      fc.option(
        fc.oneof(
          fc.array(tie("filter"), { minLength: 1, maxLength: 3 }).map((parts) => ({ $and: parts })),
          fc.array(tie("filter"), { minLength: 1, maxLength: 3 }).map((parts) => ({ $or: parts })),
          tie("filter").map((part) => ({ $not: part })),
        ),
        { maxDepth: 3, nil: {} },
      ),
    )
    .map(([fields, group]) => ({ ...fields, ...group })),
}));

/** As they come from a request: plain JSON. */
const plain = <T>(arbitrary: fc.Arbitrary<T>) => arbitrary.map((made) => JSON.parse(JSON.stringify(made)) as T);
const aFilter = plain(filter);
const aSubject = plain(value).map((data) => ({ ...SUBJECT, data }));

/** What a filter means, said as plainly as can be. */
function meaning(given: Filter, subject: unknown): boolean {
  return Object.entries(given).every(([name, operand]) => {
    if (name === "$and") return (operand as Filter[]).every((part) => meaning(part, subject));
    if (name === "$or") return (operand as Filter[]).some((part) => meaning(part, subject));
    if (name === "$not") return !meaning(operand as Filter, subject);
    return all(
      /"\$/.test(JSON.stringify(operand)) ? (operand as object) : { $eq: operand },
      reach(subject, name.split(".")),
    );
  });
}

function all(condition: object, found: unknown[]): boolean {
  return Object.entries(condition).every(([operator, operand]) => one(operator, operand, found));
}

// biome-ignore lint/suspicious/noExplicitAny: operands are of every type
function one(operator: string, operand: any, found: unknown[]): boolean {
  const candidates = [...found, ...found.filter((it) => Array.isArray(it)).flat()];
  const alike = (it: unknown) => typeof it === typeof operand && (typeof it === "number" || typeof it === "string");
  // biome-ignore lint/suspicious/noExplicitAny: of the operand's type where it is used
  const some = (test: (it: any) => boolean) => candidates.some(test);
  switch (operator) {
    case "$eq":
      return some((it) => canonical(it) === canonical(operand));
    case "$in":
      return operand.some((item: unknown) => one("$eq", item, found));
    case "$gt":
      return some((it) => alike(it) && it > operand);
    case "$gte":
      return one("$gt", operand, found) || one("$eq", operand, found);
    case "$lt":
      return some((it) => alike(it) && it < operand);
    case "$lte":
      return one("$lt", operand, found) || one("$eq", operand, found);
    case "$startsWith":
      return some((it) => alike(it) && it.slice(0, operand.length) === operand);
    case "$endsWith":
      return some((it) => alike(it) && it.length >= operand.length && it.slice(it.length - operand.length) === operand);
    case "$exists":
      return operand ? found.length > 0 : found.length === 0;
    case "$ne":
      return !one("$eq", operand, found);
    case "$nin":
      return !one("$in", operand, found);
    case "$not":
      return !all(operand, found);
    default:
      throw new Error(operator);
  }
}

function reach(from: unknown, [first, ...rest]: string[]): unknown[] {
  if (first === undefined) return [from];
  if (typeof from !== "object" || from === null) return [];
  const inside = (it: unknown) => {
    const entry = Object.entries(it ?? {}).find(([name]) => name === first);
    return entry === undefined || typeof it !== "object" ? [] : reach(entry[1], rest);
  };
  if (Array.isArray(from) && !/^\d+$/.test(first)) return from.filter((it) => !Array.isArray(it)).flatMap(inside);
  return inside(from);
}

function canonical(it: unknown): string {
  if (typeof it !== "object" || it === null) return JSON.stringify(it);
  if (Array.isArray(it)) return `[${it.map(canonical)}]`;
  const members = Object.entries(it).map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.toSorted()}}`;
}

describe("any filter", () => {
  it("means what the reference says", ({ expect }) => {
    let matched = 0;
    let total = 0;
    holds(
      fc.property(aFilter, aSubject, (given, subject) => {
        const expected = meaning(given, subject);
        total++;
        if (expected) matched++;
        return matches(given, subject) === expected;
      }),
      5_000,
    );
    // Both answers are met often enough to mean something.
    expect(matched / total).toBeGreaterThan(0.1);
    expect(matched / total).toBeLessThan(0.9);
  });

  it("of one condition means what the reference says, on a path that is often there", () => {
    holds(
      fc.property(plain(operators), plain(value), (condition, data) => {
        const given = { "data.a": condition };
        for (const subject of [{ data: { a: data } }, { data: [{ a: data }, { b: 1 }] }, { data }]) {
          if (Object.keys(condition).length === 0) continue;
          if (matches(given, subject) !== meaning(given, subject)) return false;
        }
      }),
      5_000,
    );
  });

  it("is either matched or has a clause that fails on its own", () => {
    holds(
      fc.property(aFilter, aSubject, (given, subject) => {
        const clause = failingClause(given, subject);
        if (clause === null) return matches(given, subject);
        const { path: field, operator, expected } = clause;
        return !matches(field === "" ? { [operator]: expected } : { [field]: { [operator]: expected } }, subject);
      }),
      5_000,
    );
  });

  it("is refused by an answer or never throws", () => {
    holds(
      fc.property(fc.oneof(fc.anything(), fc.object(), filter), fc.anything(), (given, subject) => {
        if (filterErrors(given, null).length === 0) matches(given as Filter, subject);
      }),
      3_000,
    );
    holds(
      fc.property(aFilter, fc.anything({ withNullPrototype: true, withSparseArray: true }), (given, subject) => {
        matches(given, subject);
        matches(given, { data: subject });
      }),
      5_000,
    );
  });
});
