import { Validator } from "@cfworker/json-schema";
import { describe, it } from "vitest";
import { FORMATS } from "../../src/contracts/wire";
import { checkSchema } from "../../src/lib/json/json-schema-check";
import { bodyText } from "../../src/send/request/render";
import { call, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { DOCUMENT, inlined, operationsOf, resolve, theDocument } from "./operations";

const document = await theDocument();
const operations = operationsOf(document);

/** Everything in a JSON value, with where it is. */
function walk(value: unknown, visit: (value: unknown, key: string, path: string) => void, path = "", key = ""): void {
  visit(value, key, path);
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) walk(inner, visit, `${path}/${name}`, name);
}

/** What a value has against a schema of the document. */
function errorsOf(schema: object, value: unknown): string[] {
  const { errors } = new Validator({ ...schema, components: document.components } as object, "2020-12", false).validate(
    value,
  );
  return errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`);
}

describe("the OpenAPI document", () => {
  it("is of OpenAPI 3.1", ({ expect }) => {
    expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "Posthorn" }, servers: [{ url: "/" }] });
    expect(document.info.version).toEqual(expect.any(String));
  });

  it("has only the fields that OpenAPI gives an operation", ({ expect }) => {
    const known = "operationId summary description tags parameters requestBody responses security deprecated".split(
      " ",
    );
    for (const items of [document.paths, document.webhooks]) {
      for (const [path, item] of Object.entries<object>(items)) {
        for (const [method, operation] of Object.entries<object>(item as Record<string, object>)) {
          expect(["get", "put", "post", "patch", "delete"], path).toContain(method);
          expect(known, `${method} ${path}`).toEqual(expect.arrayContaining(Object.keys(operation)));
        }
      }
    }
  });

  it("gives every operation an id of its own, a summary and a known tag", ({ expect }) => {
    const tags = document.tags.map(({ name }: { name: string }) => name);
    const nameless = operations.filter(({ id, summary }) => !/^[a-z][A-Za-z]+$/.test(id ?? "") || !summary);
    expect(nameless.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
    const ids = operations.map(({ id }) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    for (const operation of operations) {
      expect(operation.tags, operation.id).toHaveLength(1);
      expect(tags, operation.id).toContain(operation.tags[0]);
    }
    for (const webhook of Object.values(document.webhooks as Record<string, { post: { tags: string[] } }>)) {
      expect(tags).toContain(webhook.post.tags[0]);
    }
    const used = [...operations.map((operation) => operation.tags[0]), "Webhooks"];
    expect(tags.filter((tag: string) => !used.includes(tag))).toEqual([]);
  });

  it("says of every operation what it answers when it goes well, and in JSON", ({ expect }) => {
    for (const { id, responses } of operations) {
      const good = Object.keys(responses).filter((status) => status.startsWith("2"));
      expect(good, id).not.toEqual([]);
      for (const status of good) {
        const { description, content } = responses[status];
        expect(description, id).toBeTruthy();
        expect(Object.keys(content ?? {}), id).toEqual(status === "204" ? [] : ["application/json"]);
      }
    }
  });

  it("says of every operation how it may be refused, always with a problem", ({ expect }) => {
    for (const { id, path, body, parameters, security, responses } of operations) {
      const statuses = Object.keys(responses);
      if (security.length > 0 && path.startsWith("/v1/"))
        expect(statuses, id).toEqual(expect.arrayContaining(["401", "403", "405", "503"]));
      if (path.includes("{tenant}")) expect(statuses, id).toContain("404");
      if (body !== null) expect(statuses, id).toEqual(expect.arrayContaining(["400", "413", "415", "422"]));
      if (parameters.some((parameter) => parameter.in === "query")) expect(statuses, id).toContain("422");
      for (const status of statuses.filter((status) => Number(status) >= 400)) {
        const content = responses[status].content;
        expect(Object.keys(content), `${id} ${status}`).toEqual(["application/problem+json"]);
        const { schema, example } = content["application/problem+json"];
        expect(schema).toEqual(inlined(document, document.components.schemas.Problem));
        expect(errorsOf(schema, example)).toEqual([]);
        expect(example.status).toBe(Number(status));
      }
    }
  });

  it("has a problem's schema that its own refusals fit", async ({ expect }) => {
    const { schemas } = document.components;
    for (const [path, body] of [
      ["/v1/nothing", undefined],
      ["/v1/tenants/UPPER", { name: "x" }],
    ] as const) {
      const answer = await call(body === undefined ? "GET" : "PUT", path, body);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(errorsOf(schemas.Problem, answer.body)).toEqual([]);
    }
  });

  it("declares every parameter of a path, and no other", ({ expect }) => {
    for (const { id, path, parameters } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = parameters.filter((parameter) => parameter.in === "path");
      expect(declared.map(({ name }) => name).toSorted(), id).toEqual(named.toSorted());
      expect(
        declared.every(({ required }) => required === true),
        id,
      ).toBe(true);
      const keys = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(keys).size, id).toBe(keys.length);
    }
  });

  it("refers only to what it has", ({ expect }) => {
    const broken: string[] = [];
    walk(document, (value, key, path) => {
      if (key !== "$ref" || typeof value !== "string") return;
      try {
        resolve(document, { $ref: value });
      } catch {
        broken.push(`${path}: ${value}`);
      }
    });
    expect(broken).toEqual([]);
  });

  it("holds usable JSON Schemas, and nothing of what made them", ({ expect }) => {
    const wrong: string[] = [];
    walk(document, (value, key, path) => {
      if (/^_|^~|^zod$|^def$|^_def$|^_zod$|typeName|checks/.test(key)) wrong.push(path);
      if (key === "schema" && typeof value === "object" && value !== null && !path.includes("/properties/schema")) {
        const { $ref, ...schema } = value as Record<string, unknown>;
        for (const error of checkSchema(schema)) wrong.push(`${path}/${error.path}: ${error.message}`);
      }
    });
    expect(wrong).toEqual([]);
    expect(JSON.stringify(document)).not.toMatch(/ZodError|"~standard"|invalid_type/);
  });

  it("asks for a key everywhere but where none is needed", ({ expect }) => {
    expect(document.components.securitySchemes).toMatchObject({ key: { type: "http", scheme: "bearer" } });
    const open = operations.filter(({ security }) => security.length === 0 || security.some((one) => !("key" in one)));
    expect(open.map(({ path }) => path)).toEqual(["/health"]);
    expect(document.paths[DOCUMENT].get.security).toEqual([]);
  });

  it("shows an example of every body, which its schema allows", ({ expect }) => {
    const bodies = operations.filter(({ body }) => body !== null);
    expect(bodies.filter(({ body }) => body?.example === undefined).map(({ id }) => id)).toEqual([]);
    for (const { id, body } of bodies) expect(errorsOf(body?.schema, body?.example), id).toEqual([]);
  });

  it("shows an example of every answer, which its schema allows", ({ expect }) => {
    for (const { id, responses } of operations) {
      for (const [status, { content }] of Object.entries(responses)) {
        const answer = content?.["application/json"];
        if (!status.startsWith("2") || answer === undefined) continue;
        expect(answer.example, id).toBeDefined();
        expect(errorsOf(answer.schema, answer.example), `${id} ${JSON.stringify(answer.example)}`).toEqual([]);
      }
    }
  });

  it("allows in its queries what the service does", ({ expect }) => {
    const code = operations.find(({ id }) => id === "listDeliveries")?.parameters.find(({ name }) => name === "code");
    for (const value of ["500", "5xx", "5XX"]) expect(errorsOf(code?.schema, value), value).toEqual([]);
    for (const value of ["600", "5x", "abc"]) expect(errorsOf(code?.schema, value), value).not.toEqual([]);
  });

  it("refuses unknown fields in every body", ({ expect }) => {
    const lax = operations.filter(({ body }) => body && body.schema.additionalProperties !== false);
    // An observation is any object.
    expect(lax.map(({ id }) => id)).toEqual(["postObservation"]);
  });
});

describe("the webhooks of the document", () => {
  it("describe each body format as it is rendered", ({ expect }) => {
    expect(Object.keys(document.webhooks).toSorted()).toEqual([...FORMATS].toSorted());
    const event = {
      tenant: "acme",
      payloadId: "evt_01KAJ3Q8Z500W7X8Y9Z0A1B2C3",
      type: "company.identified",
      timestamp: Date.UTC(2026, 10, 21, 9, 30),
      data: '{"company":{"domain":"acme.com"}}',
    };
    for (const format of FORMATS) {
      const content = Object.values<{ schema: object; example: unknown }>(
        document.webhooks[format].post.requestBody.content,
      )[0];
      const rendered = JSON.parse(bodyText(format, event));
      expect(content?.example, format).toEqual(rendered);
      const schema = inlined(document, content?.schema);
      expect(errorsOf({ ...schema, additionalProperties: format === "flat" }, rendered), format).toEqual([]);
    }
  });

  it("name every header that a delivery carries", async ({ expect }) => {
    const described: { name: string; required: boolean }[] = inlined(document, document.webhooks.flat.post.parameters);
    const names = described.map(({ name }) => name.toLowerCase());
    const tenant = await newTenant();
    for (const profile of ["clearview", "visits", "snitcher", "standard", "svix", "github", "stripe"]) {
      const receiver = await newReceiver();
      await newEndpoint(tenant, receiver.url, { profile, events: [`of.${profile}`] });
      await post(tenant, `of.${profile}`);
      const [request] = await receiver.arrived();
      const sent = Object.keys(request?.headers ?? {});
      const ours = sent.filter((name) => /webhook|signature|svix/i.test(name) && name !== "signature");
      expect(names, profile).toEqual(expect.arrayContaining(ours));
      const missing = described.filter(({ name, required }) => required && !sent.includes(name.toLowerCase()));
      expect(missing, profile).toEqual([]);
    }
  });
});
