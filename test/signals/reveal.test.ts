import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { describe, it, vi } from "vitest";
import { contactsOf } from "../../src/event-log/reveal";
import { Entity } from "../../src/signals/object";
import { type Answered, call, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { logObject } from "../send/harness";
import { emitted, eventOf, logged, newSignal, seen } from "./world";

const contact = (name: string, title = "VP Sales") => ({ first_name: name, email: `${name}@acme.com`, title });

/** A tenant whose automation reveals contacts to an endpoint. */
async function world(action: object = {}, fields: object = {}) {
  const tenant = await newTenant();
  const [receiver, other] = [await newReceiver(), await newReceiver()];
  const endpoint = await newEndpoint(tenant, receiver.url, { events: [], profile: "snitcher" });
  await newEndpoint(tenant, other.url, { events: ["contact_revealed"] });
  const actions = [{ type: "reveal_contacts", endpoint: endpoint.id, ...action }];
  const made = await call("POST", `/v1/tenants/${tenant}/automations`, {
    name: "a",
    trigger: "new_lead",
    actions,
    ...fields,
  });
  if (made.status !== 201) throw new Error(made.text);
  return { tenant, receiver, other, endpoint: endpoint.id as string, automation: made.body };
}

async function newSegment(tenant: string, filter: object): Promise<string> {
  return (await call("POST", `/v1/tenants/${tenant}/segments`, { name: "s", filter })).body.id;
}

/** The lists of contacts that the tenant's log says were revealed, oldest first, once there are `count`: nobody waits for it. */
async function revealed(tenant: string, count: number): Promise<string[][]> {
  const events = await until(`${count} lists`, async () => {
    const found = (await logged(tenant)).filter(({ event }) => event === "contact_revealed");
    return found.length >= count && found;
  });
  const whole = await Promise.all(events.map(({ id }) => eventOf(tenant, id)));
  return whole.map(({ data }) => data.map(({ first_name }: { first_name: string }) => first_name));
}

const lead = (...contacts: object[]) => ({ company: { domain: "acme.com" }, contacts });

describe("revealing contacts", () => {
  it("sends those that match the persona to that endpoint alone, as a new event whose data is the list", async ({
    expect,
  }) => {
    const { tenant, receiver, other, endpoint, automation } = await world({ limit: 5 });
    expect(automation.actions).toEqual([{ type: "reveal_contacts", endpoint, persona: null, limit: 5 }]);
    const persona = await newSegment(tenant, { title: { $startsWith: "VP" } });
    const path = `/v1/tenants/${tenant}/automations/${automation.id}`;
    await call("PATCH", path, { actions: [{ type: "reveal_contacts", endpoint, persona, limit: 2 }] });
    await post(tenant, "new_lead", lead(contact("ann"), contact("bob", "Clerk"), contact("cat"), contact("dan")));
    const [request] = await receiver.arrived();
    expect(JSON.parse(request?.body ?? "")).toEqual({
      event: "contact_revealed",
      subjects: [contact("ann"), contact("cat")],
    });
    expect(request?.headers["x-webhook-event"]).toBe("contact_revealed");
    const [event] = (await logged(tenant)).filter((one) => one.event === "contact_revealed");
    const whole = await eventOf(tenant, event.id);
    expect(whole.deliveries.map((one: { endpoint: string }) => one.endpoint)).toEqual([endpoint]);
    const { body } = await call("GET", `/v1/tenants/${tenant}/events/${event.id}/explain`);
    const why = body.data.find((one: { endpoint: string }) => one.endpoint === endpoint);
    expect(why.detail).toContain("automation revealed");
    // The limit is the company's, over time, and a contact is revealed once.
    await post(tenant, "new_lead", lead(contact("ann"), contact("eve")));
    await post(tenant, "new_lead", { ...lead(contact("ann"), contact("eve")), company: { domain: "b.com" } });
    expect(await revealed(tenant, 2)).toEqual([
      ["ann", "cat"],
      ["ann", "eve"],
    ]);
    expect(await other.seen()).toEqual([]);
    expect((await call("DELETE", `/v1/tenants/${tenant}/segments/${persona}`)).status).toBe(409);
  });

  it("reveals each contact once, without a limit too", async ({ expect }) => {
    const { tenant } = await world();
    await post(tenant, "new_lead", lead(contact("ann"), { ...contact("ann"), email: " ANN@acme.com" }));
    await post(tenant, "new_lead", lead(contact("bob"), contact("ann")));
    await post(tenant, "new_lead", lead(contact("bob")));
    await post(tenant, "new_lead", lead(contact("bob"), contact("cat")));
    expect(await revealed(tenant, 3)).toEqual([["ann"], ["bob"], ["cat"]]);
  });

  it("is not set off by another event, outside the segment, without contacts or without a company", async ({
    expect,
  }) => {
    const { tenant, endpoint, automation } = await world();
    const segment = await newSegment(tenant, { "data.size": { $gte: 10 } });
    await call("PATCH", `/v1/tenants/${tenant}/automations/${automation.id}`, { segment });
    await post(tenant, "lead", { ...lead(contact("ann")), size: 10 });
    await post(tenant, "new_lead", { ...lead(contact("ann")), size: 9 });
    await post(tenant, "new_lead", { ...lead(), size: 10 });
    for (const data of [{ contacts: [contact("ann")] }, { ...lead(), contacts: { a: 1 } }, { company: 1 }]) {
      await post(tenant, "new_lead", { ...data, size: 10 });
    }
    await call("POST", `/v1/tenants/${tenant}/events`, { event: "new_lead", data: [1] });
    // Those before it would have been revealed before it.
    await post(tenant, "new_lead", { ...lead(contact("ann")), size: 10 });
    expect(await revealed(tenant, 1)).toEqual([["ann"]]);
    const { url } = await newReceiver();
    const next = await newEndpoint(tenant, url, { events: [] });
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${endpoint}`);
    await post(tenant, "new_lead", { ...lead(contact("bob")), size: 10 });
    const actions = [{ type: "reveal_contacts", endpoint: next.id }];
    await call("POST", `/v1/tenants/${tenant}/automations`, { name: "b", trigger: "new_lead", actions });
    await post(tenant, "new_lead", { ...lead(contact("cat")), size: 10 });
    expect(await revealed(tenant, 2)).toEqual([["ann"], ["cat"]]);
  });

  it("knows a company whose key is a number as its text, and as signals do", async ({ expect }) => {
    const { tenant } = await world();
    const of = (domain: string, name: string) =>
      call(
        "POST",
        `/v1/tenants/${tenant}/events`,
        `{"event": "new_lead", "data": {"company": {"domain": ${domain}}, "contacts": [${JSON.stringify(contact(name))}]}}`,
      );
    await of("9007199254740993", "ann");
    expect(await revealed(tenant, 1)).toEqual([["ann"]]);
    // The same contact of the same company, and of its neighbour.
    await of('"9007199254740993"', "ann");
    await of("9007199254740992", "ann");
    expect(await revealed(tenant, 2)).toEqual([["ann"], ["ann"]]);
  });

  it("is set off by batches and by signals, and derived events set off nothing", async ({ expect }) => {
    const { tenant, endpoint } = await world();
    const actions = [
      { type: "webhook", endpoint },
      { type: "reveal_contacts", endpoint },
    ];
    await call("POST", `/v1/tenants/${tenant}/automations`, { name: "b", trigger: "contact_revealed", actions });
    await newSignal(tenant, { once: true }, { emit: "new_lead" });
    expect(await emitted(tenant, { ...seen("acme.com"), contacts: [contact("ann")] })).toEqual(["new_lead"]);
    const events = ["bob", "cat"].map((name) => ({ event: "new_lead", data: lead(contact(name), contact("ann")) }));
    expect((await call("POST", `/v1/tenants/${tenant}/events/batch`, { events })).status).toBe(202);
    expect(await revealed(tenant, 3)).toEqual([["ann"], ["bob"], ["cat"]]);
  });

  it("keeps the contact's text as it was posted", async ({ expect }) => {
    const { tenant, receiver } = await world();
    const text = '{"id": 12345678901234567890, "score":1.0,  "2":0,"1":0}';
    const data = `{"company":{"domain":"acme.com"},"contacts":[ ${text} ]}`;
    await call("POST", `/v1/tenants/${tenant}/events`, `{"event":"new_lead","data":${data}}`);
    const [request] = await receiver.arrived();
    expect(request?.body).toBe(`{"event":"contact_revealed","subjects":[${text}]}`);
  });

  it("is waited for by nobody: an entity that does not answer holds no answer back", async ({ expect }) => {
    const { tenant } = await world();
    let asked = 0;
    let go = () => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { reveal } = Entity.prototype;
    vi.spyOn(Entity.prototype, "reveal").mockImplementation(async function (this: Entity, request) {
      asked++;
      await held;
      return reveal.call(this, request);
    });
    for (const name of ["ann", "bob"]) await post(tenant, "new_lead", lead(contact(name)));
    await until("the entity to be asked", async () => asked === 2);
    expect((await logged(tenant)).map(({ event }) => event)).toEqual(["new_lead", "new_lead"]);
    go();
    expect((await revealed(tenant, 2)).toSorted()).toEqual([["ann"], ["bob"]]);
    vi.restoreAllMocks();
  });

  it("is done later by the event's log when it could not be done at once, and then once", async ({ expect }) => {
    const { tenant } = await world({ limit: 1 });
    let asked = 0;
    const lost = vi.spyOn(Entity.prototype, "reveal").mockImplementation(() => {
      asked++;
      return Promise.reject(new Error("Network connection lost"));
    });
    await post(tenant, "new_lead", lead(contact("ann"), contact("bob")));
    await until("the entity to be asked", async () => asked === 1);
    // What was to be done in memory dies with the object.
    const log = logObject(tenant);
    await evictDurableObject(log);
    lost.mockRestore();
    expect((await logged(tenant)).map(({ event }) => event)).toEqual(["new_lead"]);
    // An hour later may be another day, whose log has what is derived then.
    const later = Date.now() + 3_600_000;
    vi.spyOn(Date, "now").mockReturnValue(later);
    try {
      for (let i = 0; i < 3; i++) await runDurableObjectAlarm(log);
      expect(await revealed(tenant, 1)).toEqual([["ann"]]);
    } finally {
      vi.restoreAllMocks();
    }
  });
});

describe("a contact's identity", () => {
  const identities = (...contacts: object[]): string[] =>
    contactsOf(JSON.stringify({ contacts }), { contacts }).map(({ identity }: { identity: string }) => identity);

  it("is its address, else its page, else its id, else all of it", ({ expect }) => {
    const ann = { email: "a@x.com", linkedin_url: "l" };
    expect(identities(ann, { ...ann, id: 5 }, { email: "A@X.com " })).toEqual(Array(3).fill("email:a@x.com"));
    expect(identities({ email: null, linkedin_url: "L" }, { email: "", linkedinUrl: "l" })).toEqual([
      "linkedin_url:l",
      "linkedinUrl:l",
    ]);
    expect(identities({ id: 5 }, { id: "5" }, { name: "x" })).toEqual(["id:5", "id:5", '{"name":"x"}']);
  });
});

describe("an automation's answer", () => {
  it("names an endpoint by its id", async ({ expect }) => {
    const { tenant, endpoint } = await world();
    const { body }: Answered = await call("POST", `/v1/tenants/${tenant}/automations`, {
      name: "a",
      trigger: "x",
      actions: [
        { type: "reveal_contacts", endpoint, limit: null, persona: null },
        { type: "webhook", endpoint },
      ],
    });
    expect(body.actions).toEqual([
      { type: "reveal_contacts", endpoint, limit: null, persona: null },
      { type: "webhook", endpoint },
    ]);
  });
});
