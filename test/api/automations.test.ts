import { describe, it } from "vitest";
import { type Answered, call, newEndpoint, newReceiver, newTenant, post } from "../lib/api";

const HOOK = "https://hooks.example.com/in";

function paths(answer: Answered): string[] {
  return answer.body.errors.map(({ path }: { path: string }) => path).sort();
}

async function created(tenant: string, what: "segments" | "automations", fields: object): Promise<Answered["body"]> {
  const answer = await call("POST", `/v1/tenants/${tenant}/${what}`, { name: "n", ...fields });
  if (answer.status !== 201) throw new Error(`it was refused: ${answer.text}`);
  return answer.body;
}

function webhook(endpoint: string) {
  return { type: "webhook", endpoint };
}

/** The endpoints that an event goes to. */
async function endpointsOf(tenant: string, event: string, data: object = {}): Promise<string[]> {
  const { deliveries } = await post(tenant, event, data);
  return deliveries.map(({ endpoint }: { endpoint: string }) => endpoint);
}

describe("an automation", () => {
  it("is created, read, changed and deleted", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/automations`;
    const { id: endpoint } = await newEndpoint(tenant, HOOK, { uid: "crm" });
    const { id: segment } = await created(tenant, "segments", { filter: { "data.score": { $gt: 1 } } });
    const posted = await call("POST", path, { name: "To sales", trigger: "lead.hot", actions: [webhook("crm")] });
    expect(posted.status).toBe(201);
    const automation = posted.body;
    expect(automation).toEqual({
      id: expect.stringMatching(/^aut_[0-9A-HJKMNP-TV-Z]{26}$/),
      name: "To sales",
      trigger: "lead.hot",
      segment: null,
      actions: [webhook(endpoint)],
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: automation.createdAt,
    });
    const own = `${path}/${automation.id}`;
    expect((await call("GET", own)).body).toEqual(automation);
    expect((await call("GET", path)).body).toEqual({ data: [automation], nextCursor: null });
    const patched = await call("PATCH", own, { segment });
    expect(patched.status).toBe(200);
    expect(patched.body).toEqual({ ...automation, segment, updatedAt: patched.body.updatedAt });
    const change = { name: "Both", trigger: "lead.cold", segment: null, actions: [webhook(endpoint), webhook("crm")] };
    expect((await call("PATCH", own, change)).body).toMatchObject({
      ...change,
      actions: [webhook(endpoint), webhook(endpoint)],
    });
    expect((await call("DELETE", own)).status).toBe(204);
    for (const method of ["GET", "DELETE"]) expect((await call(method, own)).status).toBe(404);
    expect((await call("PATCH", own, { name: "x" })).status).toBe(404);
    expect((await call("GET", path)).body.data).toEqual([]);
  });

  it("is of its tenant alone, and so is what it names", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const { id: endpoint } = await newEndpoint(tenant, HOOK, { uid: "crm" });
    const { id: segment } = await created(tenant, "segments", { filter: {} });
    const { id } = await created(tenant, "automations", { trigger: "lead.hot", actions: [webhook(endpoint)] });
    const path = `/v1/tenants/${other}/automations`;
    expect((await call("GET", `${path}/${id}`)).status).toBe(404);
    expect((await call("PATCH", `${path}/${id}`, { name: "mine" })).status).toBe(404);
    expect((await call("DELETE", `${path}/${id}`)).status).toBe(404);
    expect((await call("GET", path)).body.data).toEqual([]);
    const { id: own } = await newEndpoint(other, HOOK);
    const stolen = await call("POST", path, {
      name: "n",
      trigger: "lead.hot",
      segment,
      actions: [webhook(own), webhook(endpoint), webhook("crm")],
    });
    expect(stolen.status).toBe(422);
    expect(paths(stolen)).toEqual(["actions.1.endpoint", "actions.2.endpoint", "segment"]);
  });

  it("pages like every list", async ({ expect }) => {
    const tenant = await newTenant();
    const { id: endpoint } = await newEndpoint(tenant, HOOK);
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) {
      ids.push((await created(tenant, "automations", { name, trigger: "x", actions: [webhook(endpoint)] })).id);
    }
    const path = `/v1/tenants/${tenant}/automations?limit=2`;
    const first = (await call("GET", path)).body;
    const second = (await call("GET", `${path}&cursor=${first.nextCursor}`)).body;
    expect(second.nextCursor).toBeNull();
    expect([...first.data, ...second.data].map(({ id }: { id: string }) => id)).toEqual(ids.toSorted().toReversed());
  });
});

describe("an automation that is wrong", () => {
  it("is refused where it is wrong, and nothing is written", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/automations`;
    const { id: endpoint } = await newEndpoint(tenant, HOOK);
    const { id: persona } = await created(tenant, "segments", { filter: { title: "CEO" } });
    const fields = { trigger: "lead.hot", actions: [webhook(endpoint)] };
    const automation = await created(tenant, "automations", fields);
    const WRONG: [change: object, paths: string[]][] = [
      [{ name: "" }, ["name"]],
      [{ trigger: "with space" }, ["trigger"]],
      [{ trigger: "*" }, ["trigger"]],
      [{ trigger: null }, ["trigger"]],
      [{ segment: "seg_unheard-of" }, ["segment"]],
      [{ segment: "" }, ["segment"]],
      [{ segment: 5 }, ["segment"]],
      [{ segment: persona }, ["segment"]],
      [{ actions: [] }, ["actions"]],
      [{ actions: Array(11).fill(webhook(endpoint)) }, ["actions"]],
      [{ actions: webhook(endpoint) }, ["actions"]],
      [{ actions: [5] }, ["actions.0"]],
      [{ actions: [{ endpoint }] }, ["actions.0.type"]],
      [{ actions: [{ type: "email", endpoint }] }, ["actions.0.type"]],
      [{ actions: [{ type: "reveal_contacts", endpoint, limit: 0 }] }, ["actions.0.limit"]],
      [{ actions: [{ type: "reveal_contacts", endpoint, limit: 1.5 }] }, ["actions.0.limit"]],
      [{ actions: [{ type: "reveal_contacts", endpoint, persona: "seg_?" }] }, ["actions.0.persona"]],
      [{ actions: [{ type: "reveal_contacts", persona: 5 }] }, ["actions.0.endpoint", "actions.0.persona"]],
      [{ actions: [webhook(endpoint), { type: "webhook" }] }, ["actions.1.endpoint"]],
      [{ actions: [{ ...webhook(endpoint), url: HOOK }] }, ["actions.0.url"]],
      [
        { actions: [webhook("ep_unheard-of"), webhook(endpoint), webhook("")] },
        ["actions.0.endpoint", "actions.2.endpoint"],
      ],
      [{ enabled: true }, ["enabled"]],
    ];
    for (const [change, wrong] of WRONG) {
      const what = JSON.stringify(change).slice(0, 100);
      const posted = await call("POST", path, { name: "n", ...fields, ...change });
      expect(posted.status, `POST ${what}`).toBe(422);
      expect(paths(posted), `POST ${what}`).toEqual(wrong);
      const patched = await call("PATCH", `${path}/${automation.id}`, { name: "half", ...change });
      expect(patched.status, `PATCH ${what}`).toBe(422);
      expect(paths(patched), `PATCH ${what}`).toEqual(wrong);
    }
    expect(paths(await call("POST", path, {}))).toEqual(["actions", "name", "trigger"]);
    expect((await call("PATCH", `${path}/${automation.id}`, {})).status).toBe(422);
    expect((await call("GET", path)).body).toEqual({ data: [automation], nextCursor: null });
  });
});

describe("an event", () => {
  it("goes to what automations name besides its subscribers, once each, and really arrives", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id: silent } = await newEndpoint(tenant, receiver.url, { events: [] });
    const { id: subscribed } = await newEndpoint(tenant, receiver.url, { events: ["lead.hot"] });
    const { id: segment } = await created(tenant, "segments", { filter: { "data.score": { $gte: 80 } } });
    const actions = [webhook(subscribed), webhook(silent), webhook(silent)];
    await created(tenant, "automations", { trigger: "lead.hot", segment, actions });
    await created(tenant, "automations", { trigger: "lead.hot", segment, actions });
    expect(await endpointsOf(tenant, "lead.hot", { score: 79 })).toEqual([subscribed]);
    expect(await endpointsOf(tenant, "lead.cold", { score: 90 })).toEqual([]);
    expect(await endpointsOf(tenant, "lead.hot", { score: 80 })).toEqual([subscribed, silent]);
    expect(await receiver.arrived(3)).toHaveLength(3);
  });

  it("follows each change of automation and segment at once", async ({ expect }) => {
    const tenant = await newTenant();
    const { id: endpoint } = await newEndpoint(tenant, (await newReceiver()).url, { events: [] });
    const data = { plan: "pro" };
    expect(await endpointsOf(tenant, "lead.hot", data)).toEqual([]);
    const { id: segment } = await created(tenant, "segments", { filter: { "data.plan": "free" } });
    const { id } = await created(tenant, "automations", { trigger: "lead.hot", segment, actions: [webhook(endpoint)] });
    expect(await endpointsOf(tenant, "lead.hot", data)).toEqual([]);
    await call("PATCH", `/v1/tenants/${tenant}/segments/${segment}`, { filter: { "data.plan": "pro" } });
    expect(await endpointsOf(tenant, "lead.hot", data)).toEqual([endpoint]);
    await call("PATCH", `/v1/tenants/${tenant}/automations/${id}`, { trigger: "lead.cold" });
    expect(await endpointsOf(tenant, "lead.hot", data)).toEqual([]);
    await call("PATCH", `/v1/tenants/${tenant}/automations/${id}`, { trigger: "lead.hot", segment: null });
    expect(await endpointsOf(tenant, "lead.hot", {})).toEqual([endpoint]);
    await call("DELETE", `/v1/tenants/${tenant}/automations/${id}`);
    expect(await endpointsOf(tenant, "lead.hot", data)).toEqual([]);
  });

  it("passes over an automation's endpoint that is deleted", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    const { id: gone } = await newEndpoint(tenant, url, { events: [] });
    const { id: there } = await newEndpoint(tenant, url, { events: [] });
    const { id } = await created(tenant, "automations", { trigger: "x", actions: [webhook(gone), webhook(there)] });
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${gone}`);
    expect(await endpointsOf(tenant, "x")).toEqual([there]);
    expect((await call("PATCH", `/v1/tenants/${tenant}/automations/${id}`, { name: "still" })).status).toBe(200);
  });
});
