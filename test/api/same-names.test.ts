import { describe, it } from "vitest";
import { call, delivery, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { emitted, eventOf, logged, newSignal, observe, seen } from "../signals/world";
import { type Operation, operationsOf, theDocument } from "./operations";
import { everythingIn, newWorld, pathIn, type World } from "./world";

/** What a tenant has under a name that another has as well: told apart by its content. */
type Content = "first" | "second";
const CONTENTS: readonly Content[] = ["first", "second"];

interface LookUp {
  what: string;
  /** Gives the tenant something of that name. */
  make: (tenant: string, name: string, content: Content) => Promise<unknown>;
  /** The content that the tenant finds by the name; `null`: it finds nothing. */
  find: (tenant: string, name: string) => Promise<unknown>;
}

const at = (tenant: string, path: string) => `/v1/tenants/${tenant}/${path}`;

/** Which content the name stands for, where a repeat of what was said under it is told, and anything else is refused. */
async function repeatOf(said: (content: Content) => Promise<boolean>): Promise<Content | null> {
  for (const content of CONTENTS) if (await said(content)) return content;
  return null;
}

/** What is said under a key that the tenant has said something under: another body is refused, a repeat is told to be one. */
function keyed(what: string, path: string, bodyOf: (content: Content) => unknown): LookUp {
  const say = (tenant: string, name: string, content: Content) =>
    call("POST", at(tenant, path), bodyOf(content), { "Idempotency-Key": name });
  const find = (tenant: string, name: string) =>
    repeatOf(async (content) => {
      const { status, headers, body } = await say(tenant, name, content);
      const one = body.data?.[0] ?? body;
      return status < 300 && (one.duplicate === true || headers.has("Idempotency-Replayed"));
    });
  return { what: `the Idempotency-Key of ${what}`, make: say, find };
}

/** Observes an entity with a score; answers its score before, as the event has it that each such observation emits. */
async function scored(tenant: string, key: string, leadScore: number): Promise<number | null> {
  const { body } = await call("GET", at(tenant, "signals"));
  const when = { changesBy: { path: "company.leadScore", atLeast: 1 } };
  if (body.data.length === 0) await newSignal(tenant, when, { attach: { was: "previous" } });
  const answer = await observe(tenant, seen(key, leadScore));
  const [fired] = answer.body.events;
  return fired === undefined ? null : (await eventOf(tenant, fired.id)).data.was;
}

const event = (content: Content) => ({ event: "e", data: { content } });
const company = (content: Content) => seen("acme.com", undefined, { content });

const LOOK_UPS: LookUp[] = [
  {
    what: "an endpoint's uid",
    make: async (tenant, uid, name) => newEndpoint(tenant, (await newReceiver()).url, { uid, name }),
    find: async (tenant, uid) => (await call("GET", at(tenant, `endpoints/${uid}`))).body.name ?? null,
  },
  {
    what: "an endpoint's uid, in an automation",
    make: async (tenant, uid, name) => newEndpoint(tenant, (await newReceiver()).url, { uid, name }),
    async find(tenant, uid) {
      const actions = [{ type: "webhook", endpoint: uid }];
      const { status, body } = await call("POST", at(tenant, "automations"), { name: "a", trigger: "t", actions });
      if (status === 422) return null;
      return (await call("GET", at(tenant, `endpoints/${body.actions[0].endpoint}`))).body.name;
    },
  },
  {
    what: "an endpoint's uid, deleted",
    make: async (tenant, uid, name) => newEndpoint(tenant, (await newReceiver()).url, { uid, name }),
    async find(tenant, uid) {
      const named = async () => {
        const { body } = await call("GET", at(tenant, "endpoints"));
        return body.data.map(({ name }: { name: string }) => name);
      };
      const [before = null] = await named();
      const { status } = await call("DELETE", at(tenant, `endpoints/${uid}`));
      return status === 204 && (await named()).length === 0 ? before : null;
    },
  },
  {
    what: "a list's name",
    make: (tenant, name, content) => call("POST", at(tenant, "lists"), { name, items: [content] }),
    find: async (tenant, name) => (await call("GET", at(tenant, `lists/${name}`))).body.items?.join() ?? null,
  },
  {
    what: "a list's name, in a signal",
    make: (tenant, name, content) => call("POST", at(tenant, "lists"), { name, items: [content] }),
    async find(tenant, name) {
      await newSignal(tenant, { inList: name }, { emit: "listed" });
      return repeatOf(async (content) => (await emitted(tenant, seen(content))).length > 0);
    },
  },
  {
    what: "an entity's key",
    make: (tenant, key, content) => scored(tenant, key, content === "first" ? 11 : 12),
    async find(tenant, key) {
      const before = await scored(tenant, key, 60);
      return before === 11 ? "first" : before === 12 ? "second" : before;
    },
  },
  {
    what: "a rule of a vendor's catalog",
    async make(tenant, name, content) {
      const { body } = await call("POST", at(tenant, "signals/catalogs/clearview"));
      await call("PATCH", at(tenant, `signals/${body.data[0].id}`), { name: `${name} ${content}` });
    },
    async find(tenant, name) {
      const { body } = await call("GET", at(tenant, "signals"));
      const ours = body.data.map((one: { name: string }) => one.name).filter((one: string) => one.startsWith(name));
      if (ours.length === 0) return null;
      // Installed once more it is found, and stays as it is.
      await call("POST", at(tenant, "signals/catalogs/clearview"));
      const again = (await call("GET", at(tenant, "signals"))).body.data;
      return again.length === body.data.length ? ours.join().slice(name.length + 1) : "installed twice";
    },
  },
  {
    what: "a company whose contacts are revealed up to a limit",
    async make(tenant, domain, content) {
      const endpoint = await newEndpoint(tenant, (await newReceiver()).url, { events: [] });
      const actions = [{ type: "reveal_contacts", endpoint: endpoint.id, limit: 1 }];
      await call("POST", at(tenant, "automations"), { name: "a", trigger: "new_lead", actions });
      await post(tenant, "new_lead", { company: { domain }, contacts: [{ email: `${content}@acme.com` }] });
      await until("the contact", async () => (await logged(tenant)).some((one) => one.event === "contact_revealed"));
    },
    async find(tenant) {
      const told = (await logged(tenant)).filter((one) => one.event === "contact_revealed");
      if (told.length === 0) return null;
      return (await eventOf(tenant, told[0].id)).data[0].email.replace(/@.*/, "");
    },
  },
  {
    what: "an event's type",
    async make(tenant, events, name) {
      await newEndpoint(tenant, (await newReceiver()).url, { events: [events], name });
    },
    async find(tenant, type) {
      const { deliveries } = await post(tenant, type);
      if (deliveries.length === 0) return null;
      const names = deliveries.map(async (one: { endpoint: string }) => {
        return (await call("GET", at(tenant, `endpoints/${one.endpoint}`))).body.name;
      });
      return (await Promise.all(names)).join();
    },
  },
  {
    what: "an event's type, in the lists of events and deliveries",
    async make(tenant, type, content) {
      await newEndpoint(tenant, (await newReceiver()).url);
      const { deliveries } = await post(tenant, type, { content });
      await delivery(tenant, deliveries[0], "succeeded");
    },
    async find(tenant, type) {
      const events = (await call("GET", at(tenant, `events?event=${type}`))).body.data;
      const deliveries = (await call("GET", at(tenant, `deliveries?event=${type}`))).body.data;
      if (events.length + deliveries.length === 0) return null;
      const found = await Promise.all(events.map(({ id }: { id: string }) => eventOf(tenant, id)));
      return deliveries.length === 1 ? found.map(({ data }) => data.content).join() : deliveries.length;
    },
  },
  {
    what: "an event's id",
    make: (tenant, id, content) => call("POST", at(tenant, "events"), { id, ...event(content) }),
    find: (tenant, id) =>
      repeatOf(
        async (content) =>
          (await call("POST", at(tenant, "events"), { id, ...event(content) })).body.duplicate === true,
      ),
  },
  keyed("an event", "events", event),
  keyed("a batch of events", "events/batch", (content) => ({ events: [event(content)] })),
  keyed("an observation", "observations", company),
  keyed("a batch of observations", "observations/batch", (content) => ({ observations: [company(content)] })),
  keyed("anything else that is made", "segments", (name) => ({ name, filter: { "data.a": 1 } })),
];

describe("a name that another tenant has as well", () => {
  it.for(LOOK_UPS.map((row) => [row.what, row] as const))(
    "finds one's own: %s",
    async ([, { make, find }], { expect }) => {
      const [first, second, third] = await Promise.all([newTenant(), newTenant(), newTenant()]);
      const name = fresh("name");
      await make(first, name, "first");
      await make(second, name, "second");
      // Whoever has none of it finds nothing, and what they ask changes nobody else's.
      expect(await find(third, name)).toBeNull();
      expect(await find(second, name)).toBe("second");
      expect(await find(first, name)).toBe("first");
    },
  );
});

/** Names that stand in paths besides ids, and what else a world needs of them. */
const NAMED: Record<string, { parameter: string; give: (world: World, name: string) => Promise<unknown> }> = {
  "an endpoint's uid": {
    parameter: "endpoint",
    give: ({ tenant = "", endpoint = "" }, uid) => call("PATCH", at(tenant, `endpoints/${endpoint}`), { uid }),
  },
  "a list's name": {
    parameter: "list",
    give: ({ tenant = "", list = "" }, name) => call("PATCH", at(tenant, `lists/${list}`), { name }),
  },
};

describe("an operation by a name that another tenant has as well", async () => {
  const operations = operationsOf(await theDocument());
  const last = ({ method, path }: Operation) => (method === "DELETE" ? 100 - path.length / 100 : 0);

  it.for(Object.entries(NAMED))("does nothing to theirs: %s", async ([, { parameter, give }], { expect }) => {
    const worlds = await Promise.all([newWorld(), newWorld(), newWorld()]);
    const [own, other, without] = worlds as [World, World, World];
    const name = fresh("name");
    for (const world of [own, other]) {
      await give(world, name);
      world[parameter] = name;
    }
    const before = await everythingIn(other, operations);
    const by = operations.filter(({ path }) => path.includes(`{${parameter}}`)).toSorted((a, b) => last(a) - last(b));
    expect(by.length).toBeGreaterThan(4);
    for (const operation of by) {
      const perform = (world: World) =>
        call(operation.method, pathIn({ ...world, [parameter]: name }, operation), operation.body?.example);
      expect([operation.id, (await perform(without)).status]).toEqual([operation.id, 404]);
      const { status, text } = await perform(own);
      expect([operation.id, [401, 403, 404].includes(status) || status >= 500 ? text : ""]).toEqual([operation.id, ""]);
    }
    expect(await everythingIn(other, operations)).toEqual(before);
  });
});

describe("what a body names", () => {
  it("is one's own, or is not there", async ({ expect }) => {
    const [own, other] = await Promise.all([newWorld(), newWorld()]);
    const uid = fresh("uid");
    await call("PATCH", at(other.tenant ?? "", `endpoints/${other.endpoint}`), { uid });
    const [mine] = [own.endpoint];
    const automation = (fields: object) => ({
      name: "a",
      trigger: "t",
      actions: [{ type: "webhook", endpoint: mine }],
      ...fields,
    });
    const revealing = (fields: object) =>
      automation({ actions: [{ type: "reveal_contacts", endpoint: mine, ...fields }] });
    for (const [body, path] of [
      [automation({ segment: other.segment }), "segment"],
      [automation({ actions: [{ type: "webhook", endpoint: other.endpoint }] }), "actions.0.endpoint"],
      [automation({ actions: [{ type: "webhook", endpoint: uid }] }), "actions.0.endpoint"],
      [revealing({ persona: other.segment }), "actions.0.persona"],
      [revealing({ endpoint: uid }), "actions.0.endpoint"],
    ] as const) {
      for (const [method, to] of [
        ["POST", "automations"],
        ["PATCH", `automations/${own.automation}`],
      ] as const) {
        const { status, body: refused } = await call(method, at(own.tenant ?? "", to), body);
        expect([status, refused.errors?.map((error: { path: string }) => error.path)]).toEqual([422, [path]]);
      }
    }
  });
});
