import { env, exports } from "cloudflare:workers";
import { describe, it } from "vitest";
import { PROBLEMS } from "../../src/api/problems/problem-codes";
import { bytes, limitsOf } from "../../src/api/spec/limits-page";
import { generated } from "../../src/api/spec/pages";
import type { Shape } from "../../src/api/spec/reading";
import { boundsOf, fieldsIn, kindOf, list } from "../../src/api/spec/reference-fields";
import { DOCS_POLICY } from "../../src/docs/frame";
import { SECTIONS } from "../../src/docs/menu";
import { SLOTS } from "../../src/endpoint/policy/admission";
import { operationsOf, theDocument } from "./operations";

// biome-ignore lint/suspicious/noExplicitAny: tests read JSON as it comes
type Json = any;

const limits = async () => {
  const answer = await exports.default.fetch(new Request("https://posthorn.test/docs/limits", { redirect: "manual" }));
  return { answer, text: await answer.text() };
};

const { files, found } = generated();
const pages = new Map(files);
const document = await theDocument();

describe("the pages under /docs that are made of the code", () => {
  it("are made once, but for the limits, which each deployment has its own of", async ({ expect }) => {
    expect([...pages.keys()]).toEqual([
      "openapi.json",
      "docs/api.html",
      "docs/calls.html",
      "docs/problems.html",
      "docs/reasons.html",
    ]);
    expect(JSON.parse(pages.get("openapi.json") ?? "")).toEqual(document);
    const { answer } = await limits();
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("Content-Security-Policy")).toBe(DOCS_POLICY);
  });

  it.for(["api", "calls", "limits", "problems", "reasons"])(
    "%s is in the menu, and needs no script",
    async (name, { expect }) => {
      const text = pages.get(`docs/${name}.html`) ?? (await limits()).text;
      expect(text).toContain(`href="/docs/${name}" aria-current="page"`);
      for (const { pages } of SECTIONS) {
        for (const page of pages) expect(text).toContain(`href="/docs/${page.name}"`);
      }
      expect(text).not.toMatch(/<style| style="|<script>| on\w+="/);
      expect(text).not.toMatch(/>undefined<|\[object |NaN/);
    },
  );
});

/** What a section of the reference says, as a reader sees it. */
function section(id: string): string {
  const text = pages.get("docs/api.html") ?? "";
  const at = text.indexOf(`<section class="call" id="${id}">`);
  const shape = at < 0 ? text.indexOf(`<section id="${id}">`) : at;
  return plain(shape < 0 ? "" : text.slice(shape, text.indexOf("</section>", shape)));
}

function plain(html: string): string {
  return html
    .replace(/<[^>]+>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}

/** A text of the document as it is shown. */
const shown = (text: string) => text.replaceAll("`", "").replaceAll(/\s+/g, " ");
const saying = (id: string) => section(id).replaceAll(/\s+/g, " ");

describe("/docs/api", () => {
  const all = operationsOf(document);

  it("shows of every operation and webhook its roles, parameters, body, answers, examples and problems", ({
    expect,
  }) => {
    const sent = operationsOf({ ...document, paths: document.webhooks });
    expect(sent.length).toBeGreaterThan(4);
    for (const { id, method, path, summary, description, parameters, body, responses } of [...all, ...sent]) {
      const text = saying(id);
      const call = path.startsWith("/") ? `${method} ${path}` : `The body format ${path}`;
      const wanted = [call, summary, ...description.split("\n\n")];
      for (const { name, description = "" } of parameters) wanted.push(name, description);
      for (const [name, { description = "" }] of Object.entries<{ description?: string }>(
        body?.schema.properties ?? {},
      )) {
        wanted.push(name, description);
      }
      if (body?.example !== undefined) wanted.push(JSON.stringify(body.example, null, 2));
      for (const [status, { description, content, headers = {} }] of Object.entries(responses)) {
        wanted.push(status);
        if (content?.["application/problem+json"] !== undefined) continue;
        wanted.push(description, ...Object.keys(headers));
        const { example } = content?.["application/json"] ?? {};
        if (example !== undefined) wanted.push(JSON.stringify(example, null, 2));
      }
      for (const one of wanted) expect(text, id).toContain(shown(one));
      if (path.startsWith("/v1/")) expect(text, id).toMatch(/Roles: operator[,.]/);
    }
    expect(saying("getOpenApiDocument")).toContain("GET /openapi.json");
  });

  it("shows every shape with its fields, and every problem and header that operations refer to", ({ expect }) => {
    const { schemas, headers, responses } = document.components;
    for (const [name, { description = "", properties = {}, enum: values = [] }] of Object.entries<Json>(schemas)) {
      const fields = Object.entries<Json>(properties).flatMap(([field, { description = "" }]) => [field, description]);
      for (const one of [description, ...fields, ...values])
        expect(saying(`shape-${name}`), name).toContain(shown(`${one}`));
    }
    for (const [name, { description }] of Object.entries<Json>(responses)) {
      expect(saying(name.replace("P", "p").replace("m", "m-")), name).toContain(shown(description));
    }
    for (const [name, { description }] of Object.entries<Json>(headers)) {
      expect(shown(plain(pages.get("docs/api.html") ?? "")), name).toContain(shown(description));
    }
  });

  it("says what a value is: its kind, its bounds, and what lies in one that has no name", ({ expect }) => {
    const kind = (schema: Shape) => plain(kindOf(schema));
    expect(kind({ $ref: "#/components/schemas/Key" })).toBe("Key");
    expect(kind({ anyOf: [{ $ref: "#/components/schemas/Key" }, { type: "null" }] })).toBe("Key or null");
    expect(kind({ type: ["string", "null"], format: "date-time" })).toBe("string (date-time) or null");
    expect(kind({ type: "array", items: { type: "array", items: { enum: ["a", 1] } } })).toBe("list of list of a or 1");
    expect(kind({ type: "object", additionalProperties: { type: "integer" } })).toBe("object of integer");
    expect(kind({ const: null })).toBe("null");
    expect(kind({})).toBe("anything");
    const bounds = (schema: Shape) => boundsOf(schema).map(plain);
    expect(bounds({ minimum: 1, maximum: 250, default: 50 })).toEqual(["1 to 250", "default 50"]);
    expect(bounds({ maxLength: 3, pattern: "^a<b" })).toEqual(["at most 3 characters", "matches ^a<b"]);
    expect(bounds({ minItems: 1, items: { exclusiveMinimum: 0 }, readOnly: true })).toEqual([
      "at least 1 items",
      "each above 0",
      "read only",
    ]);
    const inner = { type: "array", items: { type: "object", properties: { b: { type: "string" } }, required: ["b"] } };
    expect(plain(list(fieldsIn({ properties: { a: inner } })))).toBe("a list of object\na[].b string, required");
  });
});

describe("/docs/calls", () => {
  it("has every operation of the document, with who may make it", ({ expect }) => {
    const text = pages.get("docs/calls.html") ?? "";
    for (const { id, method, path } of operationsOf(document)) {
      expect(text).toContain(`<a href="/docs/api#${id}"><code>${method} ${path.replaceAll("&", "&amp;")}</code></a>`);
    }
    const who = (id: string) => new RegExp(`#${id}".*?</td><td>.*?</td><td>.*?</td><td>(.*?)</td>`).exec(text)?.[1];
    const takes = (id: string) => new RegExp(`#${id}".*?</td><td>.*?</td><td>(.*?)</td>`).exec(text)?.[1];
    expect(takes("rotateSecret")).toBe("<code>secret?</code> <code>overlap?</code>");
    expect(takes("postEvent")).toMatch(/<code>\?webhook_url=<\/code>.*<code>event<\/code> <code>data<\/code>/);
    // Those that the document says once for all lists stand as references there.
    for (const name of ["limit", "cursor", "event", "since", "until"]) {
      expect(takes("listEvents")).toContain(`<code>?${name}=</code>`);
    }
    expect(who("postEvent")).toBe("operator, admin, producer");
    expect(who("listTenants")).toBe("operator");
    expect(who("getHealth")).toBe("anybody");
  });
});

describe("/docs/limits", () => {
  it("has the numbers of the code and of this deployment", async ({ expect }) => {
    const { text } = await limits();
    expect(text).toContain(`${SLOTS} per endpoint`);
    expect(text).toContain("<code>MAX_ENDPOINTS</code>");
    const other = new Map(limitsOf({ ...env, MAX_ENDPOINTS: "7", RETENTION_DAYS: "14" }));
    expect(other.get("endpoints of a tenant")).toContain("7 (");
    expect(other.get("retention of events and their deliveries")).toContain("14 days");
  });

  it("says bytes in the largest unit that fits", ({ expect }) => {
    expect([1_048_576, 16_384, 60_000, 8_000_000_000, 1_000_000, 999].map(bytes)).toEqual([
      "1 MiB",
      "16 KiB",
      "60 KB",
      "8 GB",
      "1 MB",
      "999 bytes",
    ]);
  });
});

describe("the search", () => {
  it("finds every call, every shape and every cause of a problem", ({ expect }) => {
    const hrefs = found.map(({ href }) => href);
    expect(hrefs).toEqual(expect.arrayContaining(Object.keys(PROBLEMS).map((code) => `/docs/problems#${code}`)));
    expect(hrefs).toEqual(expect.arrayContaining(operationsOf(document).map(({ id }) => `/docs/api#${id}`)));
    const shapes = Object.keys(document.components.schemas);
    expect(hrefs).toEqual(expect.arrayContaining(shapes.map((name) => `/docs/api#shape-${name}`)));
  });
});
