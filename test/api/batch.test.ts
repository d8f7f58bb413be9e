import { describe, it } from "vitest";
import { type Answered, call, fresh, newEndpoint, newReceiver, newTenant } from "../lib/api";

function batch(tenant: string, events: unknown, headers: Record<string, string> = {}): Promise<Answered> {
  const body = typeof events === "string" ? events : { events };
  return call("POST", `/v1/tenants/${tenant}/events/batch`, body, headers);
}

/** How many events the tenant has. */
async function written(tenant: string): Promise<number> {
  return (await call("GET", `/v1/tenants/${tenant}/events?limit=250`)).body.data.length;
}

const event = (n: number) => ({ event: "lead.hot", data: { n } });

describe("a batch", () => {
  it("is accepted in its order and delivered, each event once", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id: endpoint } = await newEndpoint(tenant, receiver.url);
    const events = Array.from({ length: 30 }, (_, n) => event(n));
    const answer = await batch(tenant, events);
    expect(answer.status).toBe(202);
    expect(Object.keys(answer.body)).toEqual(["data"]);
    const ids: string[] = answer.body.data.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(30);
    expect(answer.body.data[7]).toEqual({
      id: ids[7],
      event: "lead.hot",
      timestamp: expect.any(String),
      deliveries: [{ id: `dlv_${ids[7]?.slice(4)}0`, endpoint }],
    });
    const bodies = (await receiver.arrived(30)).map(({ body }) => JSON.parse(body));
    const byId = new Map(bodies.map((body) => [body.id, body.data.n]));
    expect(ids.map((id) => byId.get(id))).toEqual(events.map(({ data }) => data.n));
  });

  it("keeps the text of each event's data", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url, { profile: "finder" });
    const texts = ['{"2":1.0,"1":12345678901234567890}', '[ {"a" : "]}, "} ,2]', '{"z":"\\u00e9\\"","a":-0.0}'];
    const items = texts.map((text, n) => `{ "data" : ${text} ,"event":"e.${n}"}`);
    const answer = await batch(tenant, `{"events" : [ ${items.join(" , ")} ] }`);
    expect(answer.status).toBe(202);
    const seen = await receiver.arrived(3);
    expect(seen.map(({ body }) => body).toSorted()).toEqual(texts.toSorted());
    const shown = await call("GET", `/v1/tenants/${tenant}/events/${answer.body.data[1].id}`);
    expect(shown.text).toContain(`"data":${texts[1]}`);
  });

  it("takes from 1 to 100 events", async ({ expect }) => {
    const tenant = await newTenant();
    expect((await batch(tenant, [])).status).toBe(422);
    expect(
      (
        await batch(
          tenant,
          Array.from({ length: 101 }, (_, n) => event(n)),
        )
      ).status,
    ).toBe(422);
    expect(
      (
        await batch(
          tenant,
          Array.from({ length: 100 }, (_, n) => event(n)),
        )
      ).body.data,
    ).toHaveLength(100);
    expect((await batch(tenant, [{ event: "e", data: { text: "x".repeat(1_048_576) } }])).status).toBe(413);
  });

  it("writes nothing when one of its events is refused, and names each fault", async ({ expect }) => {
    const tenant = await newTenant();
    const faults: [object, string][] = [
      [{ event: "no spaces", data: {} }, "events.3.event"],
      [{ data: {} }, "events.3.event"],
      [{ event: "e" }, "events.3.data"],
      [{ event: "e", data: 1 }, "events.3.data"],
      [{ event: "e", data: {}, timestamp: "yesterday" }, "events.3.timestamp"],
      [{ event: "e", data: {}, id: "" }, "events.3.id"],
      [{ event: "e", data: {}, more: 1 }, "events.3.more"],
    ];
    for (const [fault, path] of faults) {
      const answer = await batch(tenant, [event(0), event(1), event(2), fault]);
      expect(answer.status).toBe(422);
      expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual([path]);
    }
    expect((await call("POST", `/v1/tenants/${tenant}/events/batch`, { events: [event(0)], more: 1 })).status).toBe(
      422,
    );
    expect(await written(tenant)).toBe(0);
  });

  it("is held to enforced schemas as a whole", async ({ expect }) => {
    const tenant = await newTenant();
    const type = fresh("order").replaceAll("-", "_");
    const schema = { type: "object", required: ["n"], properties: { n: { type: "number" } } };
    await call("PUT", `/v1/event-types/${type}`, { schema, enforce: true });
    const answer = await batch(tenant, [
      event(0),
      { event: type, data: { n: "one" } },
      { event: type, data: { n: 1 } },
    ]);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([{ path: "events.1.data.n", message: expect.any(String) }]);
    expect(await written(tenant)).toBe(0);
  });
});

describe("a batch under an idempotency key", () => {
  it("is accepted once, and a repeat answers all its events", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    await newEndpoint(tenant, url);
    const headers = { "Idempotency-Key": "k" };
    const events = [{ ...event(1), id: "one" }, { ...event(2), id: "two" }, event(3)];
    const first = await batch(tenant, events, headers);
    expect(first.status).toBe(202);
    await batch(tenant, [event(9)]);
    const repeat = await batch(tenant, events, headers);
    expect(repeat.status).toBe(200);
    expect(repeat.body.data).toEqual(first.body.data.map((one: object) => ({ ...one, duplicate: true })));
    const other = await batch(tenant, [event(1)], headers);
    expect(other.status).toBe(422);
    expect(other.body.errors).toEqual([{ path: "Idempotency-Key", message: expect.any(String) }]);
    // The same key on a single post says something else too.
    const single = await call("POST", `/v1/tenants/${tenant}/events`, event(1), headers);
    expect(single.status).toBe(422);
    expect(await written(tenant)).toBe(4);
  });

  it("makes one batch of fifty simultaneous requests", async ({ expect }) => {
    const tenant = await newTenant();
    const headers = { "Idempotency-Key": "k" };
    const answers = await Promise.all(Array.from({ length: 50 }, () => batch(tenant, [event(1), event(2)], headers)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
    expect(new Set(answers.map(({ body }) => body.data.map(({ id }: { id: string }) => id).join())).size).toBe(1);
    expect(await written(tenant)).toBe(2);
  });
});

describe("an event's own id in a batch", () => {
  it("is its idempotency key: a repeat among new ones answers the first", async ({ expect }) => {
    const tenant = await newTenant();
    const own = { ...event(1), id: "order-1" };
    const first = await call("POST", `/v1/tenants/${tenant}/events`, own);
    const answer = await batch(tenant, [event(2), own, { ...event(3), id: "order-3" }]);
    expect(answer.status).toBe(202);
    expect(answer.body.data[1]).toEqual({ ...first.body, duplicate: true });
    expect(answer.body.data[0]).not.toHaveProperty("duplicate");
    expect(answer.body.data[2]).not.toHaveProperty("duplicate");
    expect(await written(tenant)).toBe(3);
    const repeat = await call("POST", `/v1/tenants/${tenant}/events`, { ...event(3), id: "order-3" });
    expect(repeat.body).toMatchObject({ id: answer.body.data[2].id, duplicate: true });
  });

  it("may come twice in one request and is one event", async ({ expect }) => {
    const tenant = await newTenant();
    const own = { ...event(1), id: "order-1" };
    const answer = await batch(tenant, [own, own]);
    expect(answer.status).toBe(202);
    expect(answer.body.data[1]).toEqual({ ...answer.body.data[0], duplicate: true });
    expect(await written(tenant)).toBe(1);
  });

  it("refuses the whole request when it was used with another body", async ({ expect }) => {
    const tenant = await newTenant();
    await call("POST", `/v1/tenants/${tenant}/events`, { ...event(1), id: "order-1" });
    const answer = await batch(tenant, [event(2), { ...event(9), id: "order-1" }]);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([{ path: "events.1.id", message: expect.any(String) }]);
    expect(await written(tenant)).toBe(1);
    const twice = await batch(tenant, [
      { ...event(1), id: "two" },
      { ...event(2), id: "two" },
    ]);
    expect(twice.body.errors[0].path).toBe("events.1.id");
    expect(await written(tenant)).toBe(1);
  });
});

describe("a repeat of what a schema refuses by now", () => {
  it("answers the first event, alone and in a batch; what is new is refused", async ({ expect }) => {
    const tenant = await newTenant();
    const type = fresh("order").replaceAll("-", "_");
    const old = { event: type, data: { a: 1 }, id: "order-1" };
    const first = await call("POST", `/v1/tenants/${tenant}/events`, old);
    const keyed = await batch(tenant, [{ event: type, data: { b: 1 } }], { "Idempotency-Key": "k" });
    await call("PUT", `/v1/event-types/${type}`, { schema: { type: "object", required: ["n"] }, enforce: true });

    const repeat = await call("POST", `/v1/tenants/${tenant}/events`, old);
    expect(repeat.status).toBe(200);
    expect(repeat.body).toEqual({ ...first.body, duplicate: true });
    const mixed = await batch(tenant, [old, event(2)]);
    expect(mixed.status).toBe(202);
    expect(mixed.body.data[0].id).toBe(first.body.id);
    const whole = await batch(tenant, [{ event: type, data: { b: 1 } }], { "Idempotency-Key": "k" });
    expect(whole.status).toBe(200);
    expect(whole.body.data[0].id).toBe(keyed.body.data[0].id);

    // Its id says that it is the same.
    const named = await call("POST", `/v1/tenants/${tenant}/events`, old, { "Idempotency-Key": "new" });
    expect(named.body).toEqual({ ...first.body, duplicate: true });

    const before = await written(tenant);
    for (const answer of [
      await call("POST", `/v1/tenants/${tenant}/events`, { ...old, id: "order-2" }),
      await batch(tenant, [event(3), { ...old, id: "order-2" }]),
      await batch(tenant, [old], { "Idempotency-Key": "new" }),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.body.errors[0].path).toMatch(/data\.n$|data$/);
    }
    expect(await written(tenant)).toBe(before);
  });
});
