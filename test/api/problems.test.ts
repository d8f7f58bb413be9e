import { describe, it } from "vitest";
import { PROBLEMS, type ProblemCode } from "../../src/api/problems/problem-codes";
import { problemsPage } from "../../src/api/problems/problem-page";
import { call, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { newKey } from "./world";

const SOURCES = import.meta.glob<string>("../../src/api/**/*.ts", { query: "?raw", import: "default", eager: true });

/** How to meet a cause: the request in a tenant with an endpoint; most of them in a line. */
type Meeting = (world: { tenant: string; at: string; endpoint: string }) => Promise<{ body: unknown; status: number }>;

const MEETINGS: Partial<Record<ProblemCode, Meeting>> = {
  "body-empty": ({ at }) => call("POST", `${at}/endpoints`),
  "body-not-json": ({ at }) => call("POST", `${at}/endpoints`, "{"),
  "body-not-utf8": ({ at }) => call("POST", `${at}/endpoints`, new Uint8Array([0x22, 0xff, 0x22])),
  "path-malformed": () => call("GET", "/v1/tenants/%ff"),
  "key-missing": () => call("GET", "/v1/tenants", undefined, { Authorization: "" }),
  "key-unknown": () => call("GET", "/v1/tenants", undefined, { Authorization: "Bearer nobody" }),
  "role-not-allowed": async ({ tenant, at }) =>
    call("GET", `${at}/keys`, undefined, { Authorization: `Bearer ${await newKey(tenant, "viewer")}` }),
  "path-unknown": () => call("GET", "/v1/nothing"),
  "tenant-unknown": () => call("GET", "/v1/tenants/nobody-here"),
  "endpoint-unknown": ({ at }) => call("GET", `${at}/endpoints/nobody`),
  "event-unknown": ({ at }) => call("GET", `${at}/events/evt_none`),
  "delivery-unknown": ({ endpoint }) => call("GET", `${endpoint}/deliveries/dlv_none`),
  "segment-unknown": ({ at }) => call("GET", `${at}/segments/seg_none`),
  "automation-unknown": ({ at }) => call("GET", `${at}/automations/aut_none`),
  "signal-unknown": ({ at }) => call("GET", `${at}/signals/sig_none`),
  "list-unknown": ({ at }) => call("GET", `${at}/lists/none`),
  "item-unknown": async ({ at }) => {
    await call("POST", `${at}/lists`, { name: "short" });
    return call("DELETE", `${at}/lists/short/items/none`);
  },
  "key-not-there": ({ at }) => call("DELETE", `${at}/keys/key_none`),
  "event-type-unknown": () => call("GET", "/v1/event-types/none.of.these"),
  "catalog-unknown": ({ at }) => call("POST", `${at}/signals/catalogs/none`),
  "uid-taken": async ({ at }) => {
    await call("POST", `${at}/endpoints`, { url: "https://a.example/", events: [], uid: "twice" });
    return call("POST", `${at}/endpoints`, { url: "https://a.example/", events: [], uid: "twice" });
  },
  "list-name-taken": async ({ at }) => {
    await call("POST", `${at}/lists`, { name: "twice" });
    return call("POST", `${at}/lists`, { name: "twice" });
  },
  "tenant-exists": ({ tenant }) => call("POST", "/v1/tenants", { id: tenant, name: "Again" }),
  "tenant-reserved": () => call("DELETE", "/v1/tenants/operator"),
  "endpoint-disabled": async ({ endpoint }) => {
    await call("PATCH", endpoint, { enabled: false });
    return call("POST", `${endpoint}/recover`, { since: "2026-01-01T00:00:00Z" });
  },
  "content-erased": async ({ tenant, at }) => {
    const { id } = await post(tenant);
    await call("DELETE", `${at}/events/${id}/content`);
    return call("POST", `${at}/events/${id}/replay`);
  },
  "segment-in-use": async ({ at, endpoint }) => {
    const { body } = await call("POST", `${at}/segments`, { name: "a", filter: { "data.a": 1 } });
    const actions = [{ type: "webhook", endpoint: endpoint.split("/").at(-1) }];
    await call("POST", `${at}/automations`, { name: "a", trigger: "never", segment: body.id, actions });
    return call("DELETE", `${at}/segments/${body.id}`);
  },
  "no-next-secret": ({ endpoint }) => call("POST", `${endpoint}/secret/promote`),
  "body-too-large": ({ at }) => call("POST", `${at}/events`, `"${"x".repeat(1_048_576)}"`),
  invalid: ({ at }) => call("POST", `${at}/endpoints`, {}),
  "idempotency-key-reused": async ({ at }) => {
    const headers = { "Idempotency-Key": "one" };
    await call("POST", `${at}/events`, { event: "a", data: {} }, headers);
    return call("POST", `${at}/events`, { event: "b", data: {} }, headers);
  },
};

async function world() {
  const tenant = await newTenant();
  const at = `/v1/tenants/${tenant}`;
  const { id } = await newEndpoint(tenant, (await newReceiver()).url);
  return { tenant, at, endpoint: `${at}/endpoints/${id}` };
}

describe("the causes of problems", () => {
  const codes = Object.keys(PROBLEMS) as ProblemCode[];

  it("are each thrown somewhere, and explained at the anchor that their type names", async ({ expect }) => {
    const all = Object.entries(SOURCES).filter(([file]) => !file.endsWith("problem-codes.ts"));
    const unused = codes.filter((code) => !all.some(([, text]) => text.includes(`"${code}"`)));
    expect(unused).toEqual([]);
    expect([...problemsPage().matchAll(/<section id="([^"]+)">/g)].map(([, id]) => id)).toEqual(codes);
  });

  it("have codes that stay: lower case with hyphens", ({ expect }) => {
    expect(codes.filter((code) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(code))).toEqual([]);
  });

  it.for(Object.entries(MEETINGS))("%s", async ([code, meet], { expect }) => {
    const { status, body } = await meet(await world());
    const { title } = PROBLEMS[code as ProblemCode];
    expect(body).toMatchObject({ code, type: `/docs/problems#${code}`, title, status });
    expect(status).toBe(PROBLEMS[code as ProblemCode].status);
  });
});

describe("what is said of a refused field", () => {
  const url = "https://a.example/";
  const table: [what: string, path: string, body: unknown, said: Record<string, string>][] = [
    ["nothing", "endpoints", {}, { url: "is missing", events: "is missing" }],
    ["another kind", "endpoints", { url: 1, events: [], name: true }, { url: "must be text", name: "must be text" }],
    ["no list", "endpoints", { url, events: "a" }, { events: "must be a list" }],
    ["no whole number", "endpoints", { url, events: [], timeout: 1.5 }, { timeout: "must be a whole number" }],
    ["too much", "endpoints", { url, events: [], timeout: 31 }, { timeout: "must be at most 30" }],
    ["too little", "endpoints", { url, events: [], timeout: 0 }, { timeout: "must be at least 1" }],
    ["too long", "endpoints", { url, events: [], name: "x".repeat(201) }, { name: "may have at most 200 characters" }],
    ["too short", "endpoints", { url, events: [], secret: "short" }, { secret: "must have at least 8 characters" }],
    ["empty", "segments", { name: " ", filter: { "data.a": 1 } }, { name: "must not be empty" }],
    ["too many", "endpoints", { url, events: [], retry: Array(21).fill(1) }, { retry: "may have at most 20 entries" }],
    [
      "none of a set",
      "endpoints",
      { url, events: [], method: "GOT" },
      { method: "must be one of POST, PUT, PATCH, GET" },
    ],
    ["unknown", "endpoints", { url, events: [], urls: 1 }, { urls: "is not a known field" }],
    [
      "a name in a record",
      "endpoints",
      { url, events: [], metadata: { ["k".repeat(65)]: "v" } },
      { [`metadata.${"k".repeat(65)}`]: "may have at most 64 characters" },
    ],
    ["no object", "lists", [], { "": "must be an object" }],
    [
      "a form among several",
      "automations",
      { name: "a", trigger: "a", actions: [{ type: "webhook" }] },
      { "actions.0.endpoint": "is missing" },
    ],
  ];
  it.for(table)("%s", async ([, path, body, said], { expect }) => {
    const answer = await call("POST", `/v1/tenants/${await newTenant()}/${path}`, body);
    expect(answer.status).toBe(422);
    const errors: { path: string; message: string }[] = answer.body.errors;
    expect(Object.fromEntries(errors.map((error) => [error.path, error.message]))).toEqual(said);
  });

  it("names what each of several forms may be when none was meant", async ({ expect }) => {
    const { endpoint } = await world();
    const answer = await call("POST", `${endpoint}/recover`, { since: "2026-01-01T00:00:00Z", status: 7 });
    expect(answer.body.errors).toEqual([{ path: "status", message: "must be one of failed, held, or must be a list" }]);
    const list = await call("POST", `${endpoint}/recover`, { since: "2026-01-01T00:00:00Z", status: ["odd"] });
    expect(list.body.errors).toEqual([{ path: "status.0", message: "must be one of failed, held" }]);
  });
});
