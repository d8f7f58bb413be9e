/**
 * What the OpenAPI document owes whoever reads it or makes a client from it: rules for every operation, parameter,
 * property and header, which a new route keeps or fails here; and that it says what the service does.
 * @module
 */
import { exports } from "cloudflare:workers";
import { Validator } from "@cfworker/json-schema";
import { describe, it } from "vitest";
import "../../src/api/app";
import { isFor } from "../../src/api/http/route";
import { call, delivery, fresh } from "../lib/api";
import { inlined, type Operation, operationsOf, resolve, theDocument } from "./operations";
import { newWorld, pathIn } from "./world";

// biome-ignore lint/suspicious/noExplicitAny: the document as it comes
type Json = any;

const document = await theDocument();
const operations = operationsOf(document);

/** A schema of the document, and where it stands. */
interface Place {
  at: string;
  schema: Json;
}

/** Every schema within one, itself included, by where it stands; what is referred to stands elsewhere. */
function within({ at, schema }: Place): Place[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties = {}, items, additionalProperties, anyOf = [], oneOf = [], allOf = [] } = schema;
  const inner = [
    ...Object.entries(properties).map(([name, one]) => ({ at: `${at}.${name}`, schema: one })),
    { at: `${at}[]`, schema: items },
    { at: `${at}.*`, schema: additionalProperties },
    ...[...anyOf, ...oneOf, ...allOf].map((one, i) => ({ at: `${at}(${i})`, schema: one })),
  ];
  return [{ at, schema }, ...inner.flatMap(within)];
}

/** The operations and the webhooks as the document has them. */
const raw = [document.paths, document.webhooks].flatMap((items) =>
  Object.values<Json>(items).flatMap((item) => Object.values<Json>(item)),
);

/** The schemas of bodies, by operation and status. */
const bodies: Place[] = raw.flatMap(({ operationId, requestBody, responses }) =>
  [["request", requestBody] as const, ...Object.entries<Json>(responses)].flatMap(([what, part]) =>
    Object.values<Json>(resolve(document, part)?.content ?? {}).map(({ schema }) => ({
      at: `${operationId} ${what}`,
      schema,
    })),
  ),
);
const named: Place[] = Object.entries(document.components.schemas).map(([at, schema]) => ({ at, schema }));
const parameters: Place[] = [
  ...raw.flatMap(({ operationId, parameters = [] }) =>
    parameters.map((one: Json) => ({ at: `${operationId} ${one.name}`, schema: one.schema })),
  ),
  ...Object.entries<Json>(document.components.parameters).map(([at, { schema }]) => ({ at, schema })),
].filter(({ schema }) => schema !== undefined);
const headers = operations.flatMap(({ id, responses }) =>
  Object.entries<Json>(responses).flatMap(([status, response]) =>
    Object.entries<Json>(response.headers ?? {}).map(([name, header]) => ({ at: `${id} ${status} ${name}`, header })),
  ),
);
/** Every schema that stands anywhere. */
const schemas = [...named, ...bodies, ...parameters].flatMap(within);

const at = (places: readonly { at: string }[]) => places.map((place) => place.at);
const isText = (text: unknown) => typeof text === "string" && text.trim() !== "" && text !== "…";

/** What is said of a schema: there, or where it refers to. */
function aboutOf(schema: Json): unknown {
  if (schema.description !== undefined) return schema.description;
  const [first] = schema.anyOf ?? [];
  return resolve(document, first ?? schema).description;
}

/** What a value has against a schema of the document. */
function errorsOf(schema: Json, value: unknown): string[] {
  const { errors } = new Validator({ ...schema, components: document.components }, "2020-12", false).validate(value);
  return errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`);
}

describe("the document", () => {
  it("says of every operation what it does, beyond its summary", ({ expect }) => {
    const mute = raw.filter(
      ({ summary, description }) => !isText(description) || String(description).startsWith(String(summary)),
    );
    expect(mute.map(({ operationId }) => operationId)).toEqual([]);
  });

  it("says of every operation whom it is for, as the permissions have it", ({ expect }) => {
    const roles = ["operator", "admin", "producer", "viewer", "portal", "portal-viewer"] as const;
    const told = operations.map(({ id, description }) => [id, description.split("\n\n").at(-1)]);
    const known = operations.map(({ id, method, path }) => {
      const route = `${method} ${path.replace(/\{(\w+)\}/g, ":$1")}`;
      const may = roles.filter((role) => isFor(role, route)).map((role) => `\`${role}\``);
      return [id, path.startsWith("/v1/") ? `Roles: ${may.join(", ")}.` : "Needs no key."];
    });
    expect(told).toEqual(known);
  });

  it("says of every parameter what it is, and shows what stands in a path", ({ expect }) => {
    const all = [...operations.flatMap((operation) => operation.parameters.map((one) => ({ operation, one })))];
    expect(
      all.filter(({ one }) => !isText(one.description)).map(({ operation, one }) => [operation.id, one.name]),
    ).toEqual([]);
    for (const { operation, one } of all.filter(({ one }) => one.in === "path")) {
      expect(one.example, `${operation.id} ${one.name}`).toBeDefined();
      expect(errorsOf(one.schema, one.example), `${operation.id} ${one.name}`).toEqual([]);
    }
  });

  it("says of every property and of every named schema what it is", ({ expect }) => {
    const properties = schemas.flatMap(({ at, schema }) =>
      Object.entries<Json>(schema.properties ?? {}).map(([name, one]) => ({ at: `${at}.${name}`, one })),
    );
    expect(properties.length).toBeGreaterThan(300);
    expect(at(properties.filter(({ one }) => !isText(aboutOf(one))))).toEqual([]);
    expect(at(named.filter(({ schema }) => !isText(schema.description)))).toEqual([]);
  });

  it("says of every header of an answer what it is", ({ expect }) => {
    expect(at(headers.filter(({ header }) => !isText(header.description) || header.schema === undefined))).toEqual([]);
  });

  it("names every body, and every object in one, and says each once", ({ expect }) => {
    expect(at(bodies.filter(({ schema }) => schema.$ref === undefined))).toEqual([]);
    const nested = named.flatMap((place) => within(place).slice(1));
    expect(at(nested.filter(({ schema }) => schema.properties !== undefined))).toEqual([]);
    const texts = named.map(({ schema: { description: _, ...schema } }) => JSON.stringify(schema));
    const twice = named.filter((_, i) => texts.indexOf(texts[i] as string) !== i);
    expect(at(twice)).toEqual([]);
  });

  it("names every choice that stands in several places", ({ expect }) => {
    const choices = [...named.flatMap(within), ...parameters].filter(({ schema }) => (schema.enum?.length ?? 0) > 1);
    const texts = choices.map(({ schema }) => JSON.stringify(schema.enum));
    expect(at(choices.filter((_, i) => texts.indexOf(texts[i] as string) !== i))).toEqual([]);
  });

  it("says once what several operations take or answer", ({ expect }) => {
    const inline = raw.flatMap(({ parameters = [] }) => parameters.filter((one: Json) => one.$ref === undefined));
    const texts = inline.map((one) => JSON.stringify(one));
    expect(texts.filter((text, i) => texts.indexOf(text) !== i)).toEqual([]);
    const problems = raw.flatMap(({ responses }) =>
      Object.entries<Json>(responses).filter(([status, one]) => Number(status) >= 400 && one.$ref === undefined),
    );
    // A receiver's answers, in the webhooks, are no problems of ours.
    expect(problems.filter(([, { content }]) => content !== undefined)).toEqual([]);
  });

  it("has no component that nothing refers to", ({ expect }) => {
    const text = JSON.stringify(document);
    const unused = Object.entries<Json>(document.components).flatMap(([kind, parts]) =>
      Object.keys(parts).filter(
        (name) => kind !== "securitySchemes" && !text.includes(`"#/components/${kind}/${name}"`),
      ),
    );
    expect(unused).toEqual([]);
  });

  it("says beside every array what is in it", ({ expect }) => {
    const arrays = schemas.filter(({ schema }) => [schema.type].flat().includes("array"));
    expect(arrays.length).toBeGreaterThan(30);
    expect(at(arrays.filter(({ schema }) => schema.items === undefined))).toEqual([]);
  });

  it("shows examples that say something, each id with the letters that such ids begin with", ({ expect }) => {
    const empty: string[] = [];
    const look = (value: Json, where: string, schema: Json): void => {
      if (value === "…") empty.push(where);
      if (typeof value !== "object" || value === null) {
        const [, prefix] = /`([a-z]+_)…`/.exec(schema?.description ?? "") ?? [];
        if (prefix !== undefined && !String(value).startsWith(prefix)) empty.push(`${where}: ${value}`);
        return;
      }
      for (const [name, inner] of Object.entries(value)) {
        look(inner, `${where}.${name}`, Array.isArray(value) ? schema?.items : schema?.properties?.[name]);
      }
    };
    for (const { id, responses } of operations) {
      for (const { content } of Object.values<Json>(responses)) {
        const { example, schema } = content?.["application/json"] ?? {};
        look(example, id, schema);
      }
    }
    expect(empty).toEqual([]);
  });

  it("has nothing left of what made it", ({ expect }) => {
    expect(at(schemas.filter(({ schema }) => "x-about" in schema || "title" in schema))).toEqual([]);
  });
});

/** The operations that take a body of their own, each with an example that can be sent. */
const taking = operations.filter(({ body }) => body !== null && Object.keys(body.schema.properties ?? {}).length > 0);

describe("what the document says of bodies", () => {
  it("about saying nothing is what the service takes", async ({ expect }) => {
    const world = await newWorld();
    const surprises: unknown[] = [];
    for (const operation of taking) {
      const { status, body } = await send(operation, pathIn(world, operation), {});
      const refused = errorsOf(operation.body?.schema, {}).length > 0;
      if (refused !== (status === 422)) surprises.push([operation.id, refused, status, body?.errors]);
    }
    expect(surprises).toEqual([]);
  });

  it("about null is what the service takes, in every property", async ({ expect }) => {
    const world = await newWorld();
    const surprises: unknown[] = [];
    let asked = 0;
    for (const operation of taking) {
      const { schema, example } = operation.body as { schema: Json; example: Json };
      for (const name of Object.keys(schema.properties)) {
        asked++;
        const sent = { ...example, [name]: null };
        const { status, body } = await send(operation, pathIn(world, operation), sent);
        const told = (body?.errors ?? []).some(({ path }: Json) => path === name || path.startsWith(`${name}.`));
        const refused = errorsOf(schema.properties[name], null).length > 0;
        // A null that goes with nothing else that is said is refused in other words than one that is never taken.
        const meant = MEANT.has(`${operation.id} ${name}`);
        if (refused !== (status === 422 && told) && !meant) surprises.push([operation.id, name, refused, status, body]);
      }
    }
    expect(asked).toBeGreaterThan(60);
    expect(surprises).toEqual([]);
  });
});

/** Where `null` is taken, but not beside what the example says. */
const MEANT: ReadonlySet<string> = new Set(["createEndpoint secret"]);

async function send(operation: Operation, path: string, body: unknown) {
  return call(operation.method, path, body);
}

/** A schema that takes no property but those that it names. */
function closed(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, one]) => [name, closed(one)]));
  const isOpen = schema.properties === undefined || schema.additionalProperties !== undefined;
  return isOpen ? inner : { ...inner, additionalProperties: false };
}

/** What answers carry that belongs to the connection, or to HTTP itself. */
const OF_HTTP = ["content-type", "content-length", "date", "transfer-encoding", "connection", "vary", "server"];

describe("what the document says of answers", () => {
  it("is what the service answers, its headers included", async ({ expect }) => {
    const world = await newWorld();
    const { tenant = "", delivery: id = "", endpoint = "" } = world;
    await delivery(tenant, { id, endpoint }, "succeeded");
    const inOrder = operations.toSorted((a, b) => rank(a) - rank(b));
    const surprises: unknown[] = [];
    const seen = new Set<string>();
    for (const operation of inOrder) {
      const body = operation.id === "createTenant" ? { id: fresh("t"), name: "New" } : operation.body?.example;
      const answer = await send(operation, pathIn(world, operation), body);
      const said = operation.responses[answer.status];
      if (said === undefined) {
        surprises.push([operation.id, answer.status, "is not told of"]);
        continue;
      }
      if (answer.status < 300) seen.add(operation.id);
      const known = Object.keys(said.headers ?? {}).map((name) => name.toLowerCase());
      const more = [...answer.headers.keys()].filter((name) => !known.includes(name) && !OF_HTTP.includes(name));
      if (more.length > 0) surprises.push([operation.id, answer.status, more]);
      const content = Object.values<Json>(said.content ?? {})[0];
      if (content === undefined) continue;
      const open = answer.status >= 400 || operation.id === "getOpenApiDocument";
      const errors = errorsOf(open ? content.schema : closed(content.schema), answer.body);
      if (errors.length > 0) surprises.push([operation.id, answer.status, errors, answer.text.slice(0, 500)]);
    }
    expect(surprises).toEqual([]);
    const unseen = operations.filter(({ id }) => !seen.has(id)).map(({ id }) => id);
    expect(unseen).toEqual([]);
  });

  it("about headers is so: what it promises of every answer is there", async ({ expect }) => {
    const world = await newWorld();
    const missing: unknown[] = [];
    for (const operation of operations.filter(({ method }) => method === "GET")) {
      const answer = await send(operation, pathIn(world, operation), undefined);
      const promised = Object.keys(operation.responses[200].headers).filter((name) => name !== "Link");
      missing.push(...promised.filter((name) => !answer.headers.has(name)).map((name) => [operation.id, name]));
      const tag = answer.headers.get("ETag");
      if (tag === null) continue;
      const again = await call("GET", pathIn(world, operation), undefined, { "If-None-Match": tag });
      if (again.status === 304) continue;
      // What moves by itself between two looks has another tag.
      if (!/Health|Stats|Deliver|Event$|Explain/i.test(operation.id)) missing.push([operation.id, again.status]);
    }
    expect(missing).toEqual([]);
  });

  it("about a thing that was made is so: where it stands, and its tag", async ({ expect }) => {
    const world = await newWorld();
    const surprises: unknown[] = [];
    for (const operation of operations.filter(({ method, responses }) => method === "POST" && responses[201])) {
      const said = operation.responses[201].headers;
      const answer = await send(operation, pathIn(world, operation), operation.body?.example);
      if (answer.status !== 201) continue;
      for (const name of ["Location", "ETag"]) {
        if (answer.headers.has(name) !== name in said) surprises.push([operation.id, name]);
      }
    }
    expect(surprises).toEqual([]);
  });

  it("about refusals is so", async ({ expect }) => {
    const at = (init: RequestInit, path = "/v1/tenants") =>
      exports.default.fetch(new Request(`https://posthorn.test${path}`, init));
    const answers = [
      await at({ headers: { Authorization: "Bearer wrong" } }),
      await at({ method: "DELETE" }),
      await call("POST", "/v1/tenants", "<xml/>", { "Content-Type": "application/xml" }),
    ];
    for (const answer of answers) {
      const { headers } = inlined(document, document.components.responses[`Problem${answer.status}`]);
      const known = Object.keys(headers).map((name) => name.toLowerCase());
      const sent = [...answer.headers.keys()].filter((name) => !OF_HTTP.includes(name));
      expect(known, String(answer.status)).toEqual(expect.arrayContaining(sent));
    }
    expect(answers.map(({ status }) => status)).toEqual([401, 405, 415]);
  });
});

/** Deletions come last, and of these the innermost first. */
function rank({ method, path }: Operation): number {
  return method === "DELETE" ? 100 - path.length / 100 : 0;
}
