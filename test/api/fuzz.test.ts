import { Validator } from "@cfworker/json-schema";
import fc from "fast-check";
import { describe, it } from "vitest";
import { PROBLEMS } from "../../src/api/problems/problem-codes";
import { type Answered, call, delivery, newReceiver } from "../lib/api";
import { holdsAsync } from "../lib/property";
import { arbitraryOf, mutated, oddText } from "./arbitrary";
import { type Operation, operationsOf, theDocument } from "./operations";
import { newWorld, pathIn, type World } from "./world";

/** How often each operation is driven at least, and how often at most within its share of so many ms. */
const FEWEST = 20;
const RUNS = 100;
const BUDGET = 10_000;

const document = await theDocument();
const operations = operationsOf(document).toSorted((a, b) => rank(a) - rank(b));

/** Deletions come last, and of these the innermost first. */
function rank({ method, path }: Operation): number {
  return method === "DELETE" ? 100 - path.length / 100 : 0;
}

interface Try {
  path: string;
  body: string | undefined;
  headers: Record<string, string>;
}

/** Requests to an operation: as the document has them, and a little or far off. */
function triesOf(operation: Operation, world: World, url: string): fc.Arbitrary<Try> {
  const known = new Map([
    ["url", url],
    ["endpoint", world.endpoint ?? ""],
    ["segment", world.segment ?? ""],
  ]);
  const segments = operation.path.split("/").map((segment) => {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) return fc.constant(segment);
    return fc.oneof(
      { weight: 6, arbitrary: fc.constant(encodeURIComponent(world[name] ?? "x")) },
      { weight: 1, arbitrary: oddText.map((text) => encodeURIComponent(text.toWellFormed())) },
      { weight: 1, arbitrary: fc.constantFrom("%", "%zz", "%ff", "%00", "%2e%2e", "%2F", "*", ":id", "a;b") },
    );
  });
  const query = operation.parameters
    .filter((parameter) => parameter.in === "query")
    .map(({ name, schema }) =>
      fc.tuple(
        fc.constant(name),
        fc.option(fc.oneof(arbitraryOf(schema, document, known), oddText), { nil: undefined, freq: 2 }),
      ),
    );
  const headers = operation.parameters
    .filter((parameter) => parameter.in === "header")
    .map(({ name }) =>
      fc.tuple(
        fc.constant(name),
        fc.string({ maxLength: 300 }).filter((text) => /^[ -~]*$/.test(text)),
      ),
    );
  return fc.record({
    path: fc
      .tuple(fc.tuple(...segments), fc.tuple(...query), fc.boolean())
      .map(
        ([parts, pairs, stranger]) => parts.join("/") + search([...pairs, ...(stranger ? [["x", "1"] as const] : [])]),
      ),
    body: operation.body === null ? fc.constant(undefined) : bodies(operation.body, known),
    headers: fc.tuple(...headers).map((pairs) => Object.fromEntries(pairs)),
  });
}

function search(pairs: (readonly [string, unknown])[]): string {
  const given = pairs.filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value).toWellFormed()]))}`;
}

function bodies(
  { schema, example }: NonNullable<Operation["body"]>,
  known: ReadonlyMap<string, string>,
): fc.Arbitrary<string> {
  // The example is what most surely gets past the checks, changed in one place too.
  const valid = fc.oneof(fc.constant(example), arbitraryOf(schema, document, known));
  return fc.oneof(
    { weight: 4, arbitrary: valid.map((value) => JSON.stringify(value)) },
    { weight: 8, arbitrary: mutated(valid).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "",
        " ",
        "{",
        "null",
        "[]",
        '"',
        "{} {}",
        `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
      ),
    },
  );
}

/** What is wrong with an answer; `null`: nothing. */
function complaint(operation: Operation, { status, headers, body, text }: Answered): string | null {
  if (status >= 500) return `a ${status}`;
  if (status >= 400) {
    if (headers.get("Content-Type") !== "application/problem+json") return `a ${status} that is no problem+json`;
    if (body.status !== status || typeof body.title !== "string" || typeof body.detail !== "string") {
      return "a problem without its fields";
    }
    if (body.type !== `/docs/problems#${body.code}` || !(body.code in PROBLEMS)) return "a problem without a cause";
    const told: { message: string }[] = body.errors ?? [];
    const foreign = told.find(({ message }) =>
      /^(?:Invalid|Too|Unrecognized|Expected)\b|\b(?:expected|received)\b/.test(message),
    );
    if (foreign !== undefined) return `words that are not ours: ${foreign.message}`;
    // An odd path may be another operation's, or nobody's.
    return null;
  }
  const schema = operation.responses[status]?.content?.["application/json"]?.schema;
  if (text === "" || schema === undefined) return null;
  const validator = new Validator({ ...schema, components: document.components }, "2020-12", false);
  const { errors } = validator.validate(body);
  const [error] = errors.slice(-1);
  return error === undefined ? null : `a ${status} unlike its schema: ${error.instanceLocation} ${error.error}`;
}

describe("the request that is the document's example", () => {
  it("is taken by every operation: there is something behind the checks that random ones meet", async ({ expect }) => {
    const world = await newWorld();
    const { tenant = "", delivery: id = "", endpoint = "" } = world;
    await delivery(tenant, { id, endpoint }, "succeeded");
    const refused: Record<string, string> = {};
    for (const operation of operations) {
      const { status, text } = await call(operation.method, pathIn(world, operation), operation.body?.example);
      if (status >= 300) refused[operation.id] = `${status} ${text}`;
    }
    expect(refused).toEqual({});
  });
});

describe("random requests made from the OpenAPI document", () => {
  const each = BUDGET / operations.length;
  it.for(operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
    "%s answers none of 20 and more with a 5xx, what it refuses with a problem, all else by its schema",
    async ([, operation], { expect }) => {
      const world = await newWorld();
      const { url } = await newReceiver();
      let tried = 0;
      const property = fc.asyncProperty(triesOf(operation, world, url), async ({ path, body, headers }) => {
        tried++;
        const answer = await call(operation.method, path, body, headers);
        const wrong = complaint(operation, answer);
        if (wrong !== null) throw new Error(`${wrong}: ${answer.text.slice(0, 300)}`);
      });
      await holdsAsync(property, FEWEST);
      expect(tried).toBeGreaterThanOrEqual(FEWEST);
      await holdsAsync(property, RUNS - FEWEST, each);
    },
  );
});
