import { env, exports } from "cloudflare:workers";
import { describe, it, vi } from "vitest";
import { call, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { operationsOf, theDocument } from "./operations";
import { newKey, newWorld, pathIn } from "./world";

const document = await theDocument();
const operations = operationsOf(document);
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** A request without a key. */
function openly(method: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(new Request(`https://posthorn.test${path}`, { method, headers }));
}

describe("methods", () => {
  it("of every path are told by OPTIONS, and any other is a 405 that names them", async ({ expect }) => {
    const world = await newWorld();
    for (const path of new Set(operations.map((operation) => operation.path))) {
      const taken = operations.filter((operation) => operation.path === path);
      const at = pathIn(world, taken[0] as (typeof taken)[number]);
      const options = await openly("OPTIONS", at);
      expect([options.status, await options.text()], path).toEqual([204, ""]);
      const allow = (options.headers.get("Allow") ?? "").split(", ");
      expect(allow, path).toEqual(expect.arrayContaining(["OPTIONS", ...taken.map(({ method }) => method)]));
      for (const method of METHODS.filter((one) => !allow.includes(one))) {
        const refused = await call(method, at);
        expect([refused.status, refused.body.code], `${method} ${path}`).toEqual([405, "method-not-allowed"]);
        expect(refused.headers.get("Allow")).toBe(options.headers.get("Allow"));
      }
    }
  });

  it("of a path that is none are a 404, whichever", async ({ expect }) => {
    for (const method of METHODS) expect((await call(method, "/v1/nothing/at/all")).status, method).toBe(404);
    expect((await openly("OPTIONS", "/nothing")).status).toBe(404);
  });

  it("that are taken need a key as ever, and HEAD is one where GET is", async ({ expect }) => {
    const { at } = { at: `/v1/tenants/${await newTenant()}` };
    expect((await openly("PATCH", at)).status).toBe(401);
    expect((await call("HEAD", at)).status).toBe(200);
  });
});

describe("what is made", () => {
  it("is where Location says, for every operation that answers 201", async ({ expect }) => {
    const tenant = await newTenant();
    const at = `/v1/tenants/${tenant}`;
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const requests: [method: string, path: string, body?: object][] = [
      ["POST", "/v1/tenants", { id: fresh("t"), name: "a" }],
      ["PUT", `/v1/tenants/${fresh("t")}`, { name: "a" }],
      ["POST", `${at}/keys`, { name: "a", role: "viewer" }],
      ["POST", `${at}/portal-links`],
      ["POST", `${at}/endpoints`, { url: "https://a.example/", events: [] }],
      ["POST", `${at}/segments`, { name: "a", filter: { "data.a": 1 } }],
      ["POST", `${at}/automations`, { name: "a", trigger: "a", actions: [{ type: "webhook", endpoint: id }] }],
      ["POST", `${at}/signals`, { name: "a", emit: "a", entity: "a", when: { once: true } }],
      ["POST", `${at}/signals/catalogs/clearview`],
      ["POST", `${at}/lists`, { name: "A list / of names", items: [] }],
      ["PUT", `${at}/lists/A%20list%20%2F%20of%20names/items/caf%C3%A9`],
      ["PUT", `/v1/event-types/${fresh("type")}`, { title: "A" }],
      ["POST", "/v1/event-types/catalogs/clearview"],
    ];
    const walked = new Set<string>();
    for (const [method, path, body] of requests) {
      const answer = await call(method, path, body);
      expect(answer.status, `${method} ${path} ${answer.text}`).toBe(201);
      const location = answer.headers.get("Location") ?? "";
      const shown = await call("GET", location);
      // What cannot be read by itself is at least a path that is known.
      expect([200, 405, 404], `${location}`).toContain(shown.status);
      if (shown.status === 200 && answer.body.id !== undefined) expect(shown.body.id).toBe(answer.body.id);
      if (shown.status === 404) expect(location).toMatch(/\/portal-links\/|\/signals\/catalogs\//);
      walked.add(
        `${method} ${path
          .split("/")
          .filter((part) => /^[a-z-]+$/.test(part))
          .join("/")}`,
      );
    }
    const made = operations.filter(({ responses }) => "201" in responses);
    expect(walked.size).toBe(made.length);
    for (const { id, responses } of made) expect(responses[201].headers, id).toHaveProperty("Location");
  });
});

describe("a body", () => {
  const event = '{"event":"lead.hot","data":{}}';
  const told = (headers: Record<string, string>, body: string | Uint8Array = event) =>
    newTenant().then((tenant) => call("POST", `/v1/tenants/${tenant}/events`, body, headers));

  it.for([
    "text/html",
    "text/plain; charset=utf-16",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/jsonl",
    "nonsense",
  ])("that says it is %s is a 415", async (type, { expect }) => {
    const { status, body, headers } = await told({ "Content-Type": type });
    expect([status, body.code, headers.get("Accept")]).toEqual([415, "media-type-unsupported", "application/json"]);
  });

  it.for([
    "application/json",
    "Application/JSON; charset=UTF-8",
    'application/json;charset="utf-8"',
    "application/cloudevents+json",
  ])("that says it is %s is read", async (type, { expect }) =>
    expect((await told({ "Content-Type": type })).status).toBe(202),
  );

  it("of no type is read, and one of the type that curl or fetch give anything is what it is", async ({ expect }) => {
    for (const type of ["application/x-www-form-urlencoded", "text/plain", "text/plain;charset=UTF-8"]) {
      expect((await told({ "Content-Type": type })).status, type).toBe(202);
      expect((await told({ "Content-Type": type }, "event=lead.hot")).status, type).toBe(415);
    }
    expect((await told({ "Content-Type": "" }, new TextEncoder().encode(event))).status).toBe(202);
  });

  it("that is compressed is a 415, whatever it is inside", async ({ expect }) => {
    for (const encoding of ["gzip", "br", "deflate", "gzip, identity"]) {
      const { status, body, headers } = await told({ "Content-Encoding": encoding });
      expect([status, body.code], encoding).toEqual([415, "encoding-unsupported"]);
      expect(headers.get("Accept-Encoding")).toBe("identity");
    }
    expect((await told({ "Content-Encoding": "identity" })).status).toBe(202);
  });
});

describe("a request's id", () => {
  it("is in every answer, problem and log line: the caller's where it is sane", async ({ expect }) => {
    const tenant = await newTenant();
    const lines: string[] = [];
    const spies = [vi.spyOn(console, "log"), vi.spyOn(console, "error")];
    for (const spy of spies) spy.mockImplementation((line) => void lines.push(String(line)));
    try {
      const id = fresh("my-request");
      const made = await call(
        "POST",
        `/v1/tenants/${tenant}/segments`,
        { name: "a", filter: { "data.a": 1 } },
        { "X-Request-Id": id },
      );
      expect(made.headers.get("X-Request-Id")).toBe(id);
      const events = await call(
        "POST",
        `/v1/tenants/${tenant}/events`,
        { event: "a", data: {} },
        { "X-Request-Id": id },
      );
      expect(events.status).toBe(202);
      const steps = lines.map((line) => JSON.parse(line)).filter(({ requestId }) => requestId === id);
      expect(steps.map(({ step }) => step)).toEqual(["config.changed", "event.accepted"]);
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    const refused = await call("GET", "/v1/tenants/nobody", undefined, { "X-Request-Id": "abc" });
    expect([refused.headers.get("X-Request-Id"), refused.body.requestId]).toEqual(["abc", "abc"]);
  });

  it("is a new one otherwise, also on pages, and never the same twice", async ({ expect }) => {
    const odd = ["", "a b", "x".repeat(129), '"quoted"', "<b>"];
    const ids: string[] = [];
    for (const given of odd) {
      const answer = await openly("GET", "/health", { "X-Request-Id": given });
      ids.push(answer.headers.get("X-Request-Id") ?? "");
    }
    for (const path of ["/docs/limits", "/dashboard/sign-in", "/portal", "/nowhere", "/"]) {
      ids.push((await openly("GET", path)).headers.get("X-Request-Id") ?? "");
    }
    for (const id of ids) expect(id).toMatch(/^req_[0-9A-Z]{26}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("of two requests at once are kept apart", async ({ expect }) => {
    const ids = Array.from({ length: 20 }, (_, i) => `r${i}`);
    const answers = await Promise.all(
      ids.map((id) => call("GET", "/v1/tenants/nobody", undefined, { "X-Request-Id": id })),
    );
    expect(answers.map(({ body }) => body.requestId)).toEqual(ids);
  });
});

describe("lists", () => {
  it("link to their next page as far as there is one, keeping what was asked for", async ({ expect }) => {
    const tenant = await newTenant();
    const at = `/v1/tenants/${tenant}`;
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    for (const name of ["a", "b", "c"]) {
      await call("POST", `${at}/segments`, { name, filter: { "data.a": 1 } });
      await call("POST", `${at}/lists`, { name });
      await call("POST", `${at}/portal-links`, {});
      await newKey(tenant, "viewer");
      await call("POST", `${at}/automations`, { name, trigger: "a", actions: [{ type: "webhook", endpoint: id }] });
      await call("POST", `${at}/signals`, { name, emit: "a", entity: "a", when: { once: true } });
      await call("POST", `${at}/endpoints`, { url: "https://a.example/", events: [] });
      await call("PUT", `/v1/event-types/${fresh("type")}`, {});
      await post(tenant, "paged");
      await newTenant();
    }
    await until("the deliveries to be known", async () => {
      const { body } = await call("GET", `${at}/endpoints/${id}/deliveries?limit=3`);
      return body.data.length === 3;
    });
    const lists = operations.filter(
      ({ method, responses }) =>
        method === "GET" && responses[200]?.content?.["application/json"]?.schema?.properties?.nextCursor,
    );
    expect(lists.length).toBeGreaterThan(9);
    for (const { id: name, path, responses } of lists) {
      expect(responses[200].headers, name).toHaveProperty("Link");
      let next: string | undefined = `${path.replace("{tenant}", tenant).replace("{endpoint}", id)}?limit=2`;
      let pages = 0;
      do {
        const page = await call("GET", next);
        expect(page.status, next).toBe(200);
        const [, link] = /^<([^>]+)>; rel="next"$/.exec(page.headers.get("Link") ?? "") ?? [];
        const cursor = link === undefined ? null : new URL(link, "https://posthorn.test").searchParams.get("cursor");
        expect(cursor, next).toBe(page.body.nextCursor);
        if (link !== undefined) expect(link).toContain("limit=2");
        next = link;
        pages++;
      } while (next !== undefined && pages < 3);
      expect(pages, name).toBeGreaterThan(1);
    }
  });
});

describe("another origin", () => {
  it("may read nothing that the Worker answers", async ({ expect }) => {
    for (const path of ["/health", "/docs/limits", "/v1/tenants", "/dashboard/sign-in"]) {
      const { headers } = await openly("GET", path, { Origin: "https://elsewhere.example" });
      expect(headers.get("Access-Control-Allow-Origin"), path).toBeNull();
    }
  });
});

describe("a 429", () => {
  it("says how long to wait, in both ways", async ({ expect }) => {
    const tenant = await newTenant();
    const rate = { limit: async () => ({ success: false }) };
    const before = env.ACCEPT_RATE;
    Object.assign(env, { ACCEPT_RATE: rate });
    try {
      const { status, body, headers } = await call("POST", `/v1/tenants/${tenant}/events`, { event: "a", data: {} });
      expect([status, body.code]).toEqual([429, "rate-limited"]);
      expect([headers.get("Retry-After"), headers.get("RateLimit")]).toEqual(["10", '"events";r=0;t=10']);
    } finally {
      Object.assign(env, { ACCEPT_RATE: before });
    }
  });
});
