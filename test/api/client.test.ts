import { env, exports } from "cloudflare:workers";
import { describe, it } from "vitest";
import { type ClientOptions, createClient, PosthornError } from "../../src/client/index";
import { OPERATIONS } from "../../src/client/operations";
import { fresh, newReceiver, newTenant, until } from "../lib/api";
import { theDocument } from "./operations";

function client(options: Partial<ClientOptions> = {}) {
  return createClient({
    url: "https://posthorn.test",
    key: env.OPERATOR_KEY,
    fetch: (request) => exports.default.fetch(request),
    ...options,
  });
}

/** What a call is refused with. */
async function refusal(calling: Promise<unknown>): Promise<PosthornError> {
  const error = await calling.then(
    () => null,
    (error) => error,
  );
  if (error instanceof PosthornError) return error;
  throw new Error(`it was not refused as it should be: ${error}`);
}

describe("the typed client", () => {
  it("takes an event from its post to its delivery", async ({ expect }) => {
    const posthorn = client();
    const tenant = fresh("t");
    const receiver = await newReceiver();
    await posthorn.tenants.put(tenant, { name: "Test" });
    const endpoint = await posthorn.endpoints.create(tenant, { url: receiver.url, events: ["lead.hot"] });
    const event = await posthorn.events.post(tenant, { event: "lead.hot", data: { score: 91 } });
    expect(event.deliveries).toEqual([{ id: expect.any(String), endpoint: endpoint.id }]);
    const id = event.deliveries[0]?.id ?? "";
    const delivery = await until("the delivery", async () => {
      const seen = await posthorn.deliveries.get(tenant, endpoint.id, id);
      return seen.status === "succeeded" && seen;
    });
    expect(delivery.attemptLog[0]?.statusCode).toBe(200);
    expect((await receiver.seen())[0]?.body).toContain('"score":91');
  });

  it("pages through a list with its query", async ({ expect }) => {
    const posthorn = client();
    const tenant = await newTenant();
    const made = [];
    for (const name of ["a", "b", "c"]) {
      made.unshift((await posthorn.segments.create(tenant, { name, filter: { "data.n": 1 } })).id);
    }
    const first = await posthorn.segments.list(tenant, { query: { limit: 2 } });
    const second = await posthorn.segments.list(tenant, { query: { limit: 2, cursor: first.nextCursor ?? "" } });
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(made);
    expect(second.nextCursor).toBeNull();
  });

  it("sends headers along and tells a repeat by its answer", async ({ expect }) => {
    const posthorn = client();
    const tenant = await newTenant();
    const event = { event: "lead.hot", data: {} };
    const options = { headers: { "Idempotency-Key": "once" } };
    const first = await posthorn.events.post(tenant, event, options);
    expect(await posthorn.events.post(tenant, event, options)).toEqual({ ...first, duplicate: true });
  });

  it("answers nothing for what answers nothing", async ({ expect }) => {
    const posthorn = client();
    const tenant = await newTenant();
    const { id } = await posthorn.segments.create(tenant, { name: "a", filter: {} });
    expect(await posthorn.segments.delete(tenant, id)).toBeUndefined();
    expect((await refusal(posthorn.segments.get(tenant, id))).problem.status).toBe(404);
  });

  it("keeps an odd id within its part of the path", async ({ expect }) => {
    const tenant = await newTenant();
    const { problem } = await refusal(client().endpoints.get(tenant, "../../../v1/event-types?x=#"));
    expect(problem.detail).toBe("There is no such endpoint.");
  });

  it("throws a refusal as the problem it is", async ({ expect }) => {
    const tenant = await newTenant();
    const error = await refusal(client().endpoints.create(tenant, { url: "not a url", events: [] }));
    expect(error.problem).toMatchObject({ status: 422, code: "invalid", type: "/docs/problems#invalid" });
    expect(error.problem.errors?.map(({ path }) => path)).toEqual(["url"]);
    expect(error.message).toMatch(/^POST \/v1\/tenants\/\S+\/endpoints was answered 422 .*url: /);
  });

  it("throws without a key", async ({ expect }) => {
    const error = await refusal(client({ key: undefined }).tenants.get("acme"));
    expect(error.problem.status).toBe(401);
    expect(error.headers.get("WWW-Authenticate")).toMatch(/^Bearer/);
  });

  it("makes a problem of what something in between answers", async ({ expect }) => {
    const gateway = async () => new Response("<h1>bad gateway</h1>", { status: 502, statusText: "Bad Gateway" });
    const { problem } = await refusal(client({ fetch: gateway }).service.health());
    expect(problem).toMatchObject({ status: 502, title: "Bad Gateway", detail: "<h1>bad gateway</h1>" });
  });

  it("has a method for every operation of the document, and no other", async ({ expect }) => {
    const { paths } = await theDocument();
    const documented = Object.entries<object>(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ":$1")}`),
    );
    const offered: string[] = Object.values(OPERATIONS).flatMap((resource) => Object.values(resource));
    expect(offered.toSorted()).toEqual(documented.filter((route) => route !== "GET /openapi.json").toSorted());
  });
});
