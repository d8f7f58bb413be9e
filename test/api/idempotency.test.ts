import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, it, vi } from "vitest";
import { type Answered, call, fresh, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { logObject } from "../send/harness";

const EVENT = { event: "lead.hot", data: { a: 1 } };

function send(tenant: string, key: string, body: unknown = EVENT): Promise<Answered> {
  return call("POST", `/v1/tenants/${tenant}/events`, body, { "Idempotency-Key": key });
}

describe("a repeat under an idempotency key", () => {
  it("answers the first event as a duplicate and delivers nothing again", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const key = fresh("key");
    const first = await send(tenant, key);
    expect(first.status).toBe(202);
    expect(first.body).not.toHaveProperty("duplicate");
    const repeat = await send(tenant, key);
    expect(repeat.status).toBe(200);
    expect(repeat.body).toEqual({ ...first.body, duplicate: true });
    // Another event, posted later, has arrived: the repeat would have been before it.
    await call("POST", `/v1/tenants/${tenant}/events`, { event: "lead.next", data: {} });
    const types = (await receiver.arrived(2)).map(({ headers }) => headers["x-webhook-event"]);
    expect(types.toSorted()).toEqual(["lead.hot", "lead.next"]);
  });

  it("answers the deliveries of then, whoever has subscribed since", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    await newEndpoint(tenant, url);
    const first = await send(tenant, "k");
    await newEndpoint(tenant, url);
    expect((await send(tenant, "k")).body.deliveries).toEqual(first.body.deliveries);
  });

  it("is refused when it says something else", async ({ expect }) => {
    const tenant = await newTenant();
    const first = await send(tenant, "k");
    for (const body of [
      { event: "lead.cold", data: { a: 1 } },
      { event: "lead.hot", data: { a: 2 } },
      { ...EVENT, timestamp: "2026-11-21T09:30:00Z" },
      { ...EVENT, id: "mine" },
    ]) {
      const answer = await send(tenant, "k", body);
      expect(answer.status, JSON.stringify(body)).toBe(422);
      expect(answer.body.errors).toEqual([{ path: "Idempotency-Key", message: expect.any(String) }]);
    }
    expect((await send(tenant, "k")).body).toMatchObject({ id: first.body.id, duplicate: true });
  });

  it("is a repeat though its members stand in another order", async ({ expect }) => {
    const tenant = await newTenant();
    await send(tenant, "k", '{"event":"lead.hot","data":{"a":1}}');
    expect((await send(tenant, "k", '{ "data":{"a":1}, "event":"lead.hot" }')).status).toBe(200);
  });

  it("is none under another tenant's key", async ({ expect }) => {
    const [one, two] = [await newTenant(), await newTenant()];
    const first = await send(one, "k");
    const second = await send(two, "k");
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.body.id).not.toBe(first.body.id);
  });

  it("is told by the caller's own id when there is no header", async ({ expect }) => {
    const tenant = await newTenant();
    const own = { ...EVENT, id: "order-7" };
    const first = await call("POST", `/v1/tenants/${tenant}/events`, own);
    expect(first.status).toBe(202);
    const repeat = await call("POST", `/v1/tenants/${tenant}/events`, own);
    expect(repeat.status).toBe(200);
    expect(repeat.body).toEqual({ ...first.body, duplicate: true });
    const other = await call("POST", `/v1/tenants/${tenant}/events`, { ...own, data: {} });
    expect(other.status).toBe(422);
    expect(other.body.errors[0].path).toBe("id");
    const keyed = await send(tenant, "another", { ...own, data: {} });
    expect([keyed.status, keyed.body.errors[0].path]).toEqual([422, "id"]);
    expect((await send(tenant, "another", own)).body).toEqual({ ...first.body, duplicate: true });
  });

  it("is told by key and id, where an event has both", async ({ expect }) => {
    const tenant = await newTenant();
    const own = { ...EVENT, id: "order-8" };
    const first = await send(tenant, "k", own);
    expect(first.status).toBe(202);
    const repeats = [
      await send(tenant, "k", own),
      await send(tenant, "other", own),
      await call("POST", `/v1/tenants/${tenant}/events`, own),
      await call("POST", `/v1/tenants/${tenant}/events/batch`, { events: [own] }),
    ];
    for (const { status, body } of repeats) {
      expect([status, (body.data?.[0] ?? body).id]).toEqual([200, first.body.id]);
    }
    const changed = { ...own, data: { a: 2 } };
    const refused = [
      [await send(tenant, "k", changed), "Idempotency-Key"],
      [await send(tenant, "other", changed), "id"],
      [await call("POST", `/v1/tenants/${tenant}/events`, changed), "id"],
      [await call("POST", `/v1/tenants/${tenant}/events/batch`, { events: [EVENT, changed] }), "events.1.id"],
      [await send(tenant, "k", { ...EVENT, id: "order-9" }), "Idempotency-Key"],
    ] as const;
    for (const [{ status, body }, path] of refused) expect([status, body.errors?.[0].path]).toEqual([422, path]);
    // A key is no id.
    expect((await send(tenant, "order-8", { event: "lead.hot", data: {} })).status).toBe(202);
    const events = (await call("GET", `/v1/tenants/${tenant}/events`)).body.data;
    expect(events).toHaveLength(2);
  });

  it("is told by the ids of a batch that has a key of its own", async ({ expect }) => {
    const tenant = await newTenant();
    const batch = (key: string, ...events: object[]) =>
      call("POST", `/v1/tenants/${tenant}/events/batch`, { events }, { "Idempotency-Key": key });
    const [one, two] = [
      { ...EVENT, id: "one" },
      { ...EVENT, id: "two" },
    ];
    const first = await batch("b", one, two, EVENT);
    expect(first.status).toBe(202);
    expect((await batch("b", one, two, EVENT)).body.data.map(({ id }: { id: string }) => id)).toEqual(
      first.body.data.map(({ id }: { id: string }) => id),
    );
    for (const [i, own] of [one, two].entries()) {
      const repeat = await call("POST", `/v1/tenants/${tenant}/events`, own);
      expect([repeat.status, repeat.body.id]).toEqual([200, first.body.data[i].id]);
      const changed = { ...own, data: {} };
      const other = await call("POST", `/v1/tenants/${tenant}/events`, changed);
      const covered = await batch("c", EVENT, changed);
      expect([other, covered].map(({ status, body }) => [status, body.errors?.[0].path])).toEqual([
        [422, "id"],
        [422, "events.1.id"],
      ]);
    }
    expect((await batch("d", { ...one, id: "three" }, { ...one, id: "three", data: {} })).status).toBe(422);
  });

  it("may have an id of anything but control characters and outer blanks", async ({ expect }) => {
    const tenant = await newTenant();
    const status = async (id: string) => (await call("POST", `/v1/tenants/${tenant}/events`, { ...EVENT, id })).status;
    for (const id of ["a\u0001b", "a\nb", "\u0000", "a\u007f", "\u0085", " a", "a ", "a\u00a0", " ", "\t"]) {
      expect([id, await status(id)]).toEqual([id, 422]);
    }
    for (const id of ["a b", "a.b/c", "ü😀", "\"'"]) expect([id, await status(id)]).toEqual([id, 202]);
  });

  it("is none without key and id", async ({ expect }) => {
    const tenant = await newTenant();
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await call("POST", `/v1/tenants/${tenant}/events`, EVENT)).body.id);
    expect(new Set(ids).size).toBe(3);
  });

  it("makes one event of fifty simultaneous requests", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(tenant, "k")));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status, body }) => status === 200 && body.duplicate === true)).toHaveLength(49);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body.deliveries[0].id)).size).toBe(1);
  });

  it("is one after the log's object was evicted, also when fifty come at once", async ({ expect }) => {
    const tenant = await newTenant();
    const first = await send(tenant, "k");
    await evictDurableObject(logObject(tenant));
    const repeats = await Promise.all(Array.from({ length: 50 }, () => send(tenant, "k")));
    for (const { status, body } of repeats) {
      expect(status).toBe(200);
      expect(body).toEqual({ ...first.body, duplicate: true });
    }
  });

  it("may not have a key that is too long", async ({ expect }) => {
    const tenant = await newTenant();
    expect((await send(tenant, "x".repeat(255))).status).toBe(202);
    const answer = await send(tenant, "x".repeat(256));
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path.toLowerCase()).toBe("idempotency-key");
  });
});

describe("a repeat under an idempotency key, by the clock", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  function at(time: string): void {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(new Date(time));
  }

  it("is one after midnight, until 24 h have passed", async ({ expect }) => {
    at("2027-03-01T23:59:00.000Z");
    const tenant = await newTenant();
    const first = await send(tenant, "k");
    expect(first.status).toBe(202);
    for (const time of ["2027-03-02T00:00:00.000Z", "2027-03-02T00:01:00.000Z", "2027-03-02T23:58:59.000Z"]) {
      at(time);
      const repeat = await send(tenant, "k");
      expect(repeat.status, time).toBe(200);
      expect(repeat.body).toEqual({ ...first.body, duplicate: true });
    }
    at("2027-03-02T23:59:01.000Z");
    const next = await send(tenant, "k");
    expect(next.status).toBe(202);
    expect(next.body.id).not.toBe(first.body.id);
    at("2027-03-03T00:00:01.000Z");
    expect((await send(tenant, "k")).body).toEqual({ ...next.body, duplicate: true });
  });

  it("is refused after midnight when it says something else", async ({ expect }) => {
    at("2027-03-01T23:59:00.000Z");
    const tenant = await newTenant();
    await send(tenant, "k");
    at("2027-03-02T00:01:00.000Z");
    expect((await send(tenant, "k", { event: "lead.hot", data: { a: 2 } })).status).toBe(422);
  });

  it("is one after midnight also when other keys came first", async ({ expect }) => {
    at("2027-03-01T23:59:00.000Z");
    const tenant = await newTenant();
    const first = await send(tenant, "k");
    at("2027-03-02T00:00:10.000Z");
    expect((await send(tenant, "other")).status).toBe(202);
    expect((await send(tenant, "k")).body).toEqual({ ...first.body, duplicate: true });
  });

  it("is one of fifty simultaneous requests on both sides of midnight", async ({ expect }) => {
    at("2027-03-02T00:00:00.001Z");
    const tenant = await newTenant();
    // Half of them come through isolates whose clocks are a second behind.
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        at(i % 2 === 0 ? "2027-03-02T00:00:00.001Z" : "2027-03-01T23:59:59.001Z");
        return send(tenant, "k");
      }),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  it("is one in a batch whose events were accepted on both sides of midnight", async ({ expect }) => {
    at("2027-03-01T23:59:00.000Z");
    const tenant = await newTenant();
    const batch = (ids: string[]) =>
      call("POST", `/v1/tenants/${tenant}/events/batch`, { events: ids.map((id) => ({ ...EVENT, id })) });
    const before = await batch(["a", "b"]);
    const whole = await call(
      "POST",
      `/v1/tenants/${tenant}/events/batch`,
      { events: [EVENT, EVENT] },
      { "Idempotency-Key": "k" },
    );
    at("2027-03-02T00:01:00.000Z");
    const after = await batch(["c", "b", "a"]);
    expect(after.status).toBe(202);
    expect(after.body.data.slice(1)).toEqual([
      { ...before.body.data[1], duplicate: true },
      { ...before.body.data[0], duplicate: true },
    ]);
    expect((await batch(["a", "c"])).body.data.map(({ id }: { id: string }) => id)).toEqual([
      before.body.data[0].id,
      after.body.data[0].id,
    ]);
    const again = await call(
      "POST",
      `/v1/tenants/${tenant}/events/batch`,
      { events: [EVENT, EVENT] },
      { "Idempotency-Key": "k" },
    );
    expect(again.status).toBe(200);
    expect(again.body.data).toEqual(whole.body.data.map((one: object) => ({ ...one, duplicate: true })));
  });

  it("is one of twenty simultaneous requests just after midnight", async ({ expect }) => {
    at("2027-03-01T23:59:59.000Z");
    const tenant = await newTenant();
    await send(tenant, "yesterday's");
    at("2027-03-02T00:00:00.001Z");
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(tenant, "k")));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  });

  it("is one though the first came through a clock that was still before midnight", async ({ expect }) => {
    at("2027-03-02T00:00:05.000Z");
    const tenant = await newTenant();
    expect((await send(tenant, "today's first")).status).toBe(202);
    at("2027-03-01T23:59:58.000Z");
    const late = await send(tenant, "k");
    expect(late.status).toBe(202);
    at("2027-03-02T00:00:10.000Z");
    expect((await send(tenant, "k")).body).toEqual({ ...late.body, duplicate: true });
    expect((await call("GET", `/v1/tenants/${tenant}/events/${late.body.id}`)).status).toBe(200);
  });
});
