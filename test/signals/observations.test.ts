import { describe, it } from "vitest";
import { call, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { emitted, eventOf, logged, newSignal, observe, seen } from "./world";

const HOUR = 3_600_000;
const at = (hours: number) => ({ at: new Date(Date.parse("2026-01-01T00:00:00Z") + hours * HOUR).toISOString() });

describe("an observation", () => {
  it("is turned into an event that is delivered like any other", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url, { events: ["lead.hot"] });
    const when = { crosses: { path: "company.leadScore", threshold: 70 } };
    await newSignal(tenant, when, { emit: "lead.hot", attach: { previousScore: "previous", newScore: "current" } });
    expect((await observe(tenant, seen("acme.com", 61))).body).toEqual({ events: [] });
    const text = '{"company": {"domain":"acme.com", "leadScore": 74.0}, "n": 12345678901234567890}';
    const hot = await observe(tenant, text);
    expect(hot.status).toBe(202);
    expect(hot.body).toEqual({ events: [{ id: expect.stringMatching(/^evt_/), event: "lead.hot" }] });
    const [request] = await receiver.arrived();
    // The observation's own text, with what is attached after it.
    expect(request?.body).toContain(`"data":${text.slice(0, -1)},"previousScore":61,"newScore":74}}`);
    expect(JSON.parse(request?.body ?? "")).toMatchObject({ id: hot.body.events[0].id, event: "lead.hot" });
    expect(await emitted(tenant, seen("acme.com", 90))).toEqual([]);
    expect(await emitted(tenant, seen("other.com", 90))).toEqual(["lead.hot"]);
  });

  it("fires each form as the contract says", async ({ expect }) => {
    const tenant = await newTenant();
    const score = { path: "company.leadScore" };
    await newSignal(tenant, { every: true }, { emit: "every" });
    await newSignal(tenant, { once: true }, { emit: "once" });
    await newSignal(tenant, { crosses: { ...score, threshold: 70 } }, { emit: "crosses" });
    await newSignal(tenant, { changesBy: { ...score, atLeast: 5 } }, { emit: "changes" });
    await newSignal(tenant, { returnsAfter: { seconds: 86_400 } }, { emit: "returns" });
    await newSignal(tenant, { inList: "watched" }, { emit: "listed" });
    expect(await emitted(tenant, seen("a.com", 68, at(0)))).toEqual(["every", "once"]);
    expect(await emitted(tenant, seen("a.com", 70, at(1)))).toEqual(["every", "crosses"]);
    await call("POST", `/v1/tenants/${tenant}/lists`, { name: "watched", items: ["a.com"] });
    expect(await emitted(tenant, seen("a.com", 73, at(25)))).toEqual(["every", "changes", "returns", "listed"]);
    expect(await emitted(tenant, seen("a.com", undefined, at(26)))).toEqual(["every", "listed"]);
    await call("DELETE", `/v1/tenants/${tenant}/lists/watched/items/a.com`);
    expect(await emitted(tenant, seen("a.com", 69, at(49)))).toEqual(["every"]);
    expect(await emitted(tenant, seen("a.com", 71, at(73)))).toEqual(["every", "crosses", "returns"]);
    expect(await emitted(tenant, seen("a.com", 68, at(74)))).toEqual(["every", "changes"]);
  });

  it("has its own time, which its event gets", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { returnsAfter: { seconds: 60 } }, { attach: { lastSeen: "previous" } });
    await observe(tenant, seen("a.com", 1, { at: "2026-11-20T10:00:00+02:00" }));
    const { body } = await observe(tenant, seen("a.com", 1, { at: "2026-11-20T08:01:00Z", lastSeen: "?" }));
    const event = await eventOf(tenant, body.events[0].id);
    expect(event.timestamp).toBe("2026-11-20T08:01:00.000Z");
    expect(event.data).toEqual({
      ...seen("a.com", 1, { at: "2026-11-20T08:01:00Z" }),
      lastSeen: "2026-11-20T08:00:00.000Z",
    });
    for (const wrong of ["yesterday", 5, null, "2026-11-20"]) {
      const answer = await observe(tenant, { at: wrong });
      expect([answer.status, answer.body.errors[0].path]).toEqual([422, "at"]);
    }
  });

  it("concerns several entities when rules name several paths", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true }, { emit: "company" });
    await newSignal(tenant, { once: true }, { emit: "visitor", entity: "visitor.id" });
    const visit = (domain: string, id: string | number) => ({ company: { domain }, visitor: { id } });
    expect(await emitted(tenant, visit("a.com", 7))).toEqual(["company", "visitor"]);
    expect(await emitted(tenant, visit("a.com", 8))).toEqual(["visitor"]);
    expect(await emitted(tenant, visit("b.com", "7"))).toEqual(["company"]);
    expect(await emitted(tenant, visit("B.com", "7"))).toEqual(["company"]);
  });

  it("that a rule's filter leaves out leaves the rule alone", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true }, { filter: { "data.page": { $startsWith: "/pricing" } } });
    expect(await emitted(tenant, seen("a.com", 1, { page: "/" }))).toEqual([]);
    expect((await observe(tenant, { page: "/" }, {}, "?strict=true")).status).toBe(202);
    expect(await emitted(tenant, seen("a.com", 1, { page: "/pricing/big" }))).toEqual(["it.fired"]);
    expect(await emitted(tenant, seen("a.com", 1, { page: "/pricing" }))).toEqual([]);
  });

  it("that a rule can make nothing of is said to be skipped, or refused when that is asked for", async ({ expect }) => {
    const tenant = await newTenant();
    const crossing = await newSignal(tenant, { crosses: { path: "company.leadScore", threshold: 1 } }, { name: "Hot" });
    const once = await newSignal(tenant, { once: true }, { entity: "visitor.id", emit: "visitor" });
    const bad = { company: { domain: "a.com", leadScore: "90" }, visitor: {} };
    const strict = await observe(tenant, bad, {}, "?strict=true");
    expect(strict.status).toBe(422);
    expect(strict.body.errors).toEqual([
      { path: "company.leadScore", message: expect.stringContaining(crossing) },
      { path: "visitor.id", message: expect.stringContaining(once) },
    ]);
    expect(strict.body.errors[0].message).toContain("Hot");
    const { status, body } = await observe(tenant, bad);
    expect(status).toBe(202);
    expect(body).toEqual({
      events: [],
      skipped: [
        { rule: crossing, path: "company.leadScore", reason: expect.stringContaining("is a string") },
        { rule: once, path: "visitor.id", reason: expect.stringContaining("is missing") },
      ],
    });
    expect((await observe(tenant, { ...bad, visitor: { id: "v" } })).body.events).toHaveLength(1);
    expect((await observe(tenant, { company: null }, {}, "?strict=maybe")).status).toBe(422);
    for (const none of ["[]", "1", '"x"', "null"]) expect((await observe(tenant, none)).status).toBe(422);
    const batch = await call("POST", `/v1/tenants/${tenant}/observations/batch?strict=true`, {
      observations: [{ ...seen("b.com", 5), visitor: { id: "w" } }, bad],
    });
    expect(batch.status).toBe(422);
    expect(batch.body.errors[0].path).toBe("observations.1.company.leadScore");
    expect(await logged(tenant)).toHaveLength(1);
  });

  it("without a rule for it does nothing", async ({ expect }) => {
    const tenant = await newTenant();
    expect((await observe(tenant, {})).body).toEqual({ events: [] });
  });

  it("is refused by a schema that its event's type enforces, and the answer says so", async ({ expect }) => {
    const tenant = await newTenant();
    const emit = `enforced.${tenant}`;
    await call("PUT", `/v1/event-types/${emit}`, { schema: { type: "object", required: ["name"] }, enforce: true });
    const id = await newSignal(tenant, { every: true }, { emit });
    const { body } = await observe(tenant, seen("a.com"));
    expect(body).toEqual({
      events: [],
      skipped: [{ rule: id, path: expect.stringContaining("data"), reason: expect.stringContaining(emit) }],
    });
    expect((await observe(tenant, seen("a.com", 1, { name: "A" }))).body.events).toHaveLength(1);
  });

  describe("that fires what a schema refuses", () => {
    const enforced = async (...required: string[]) => {
      const tenant = await newTenant();
      const emit = `enforced.${tenant}`;
      await call("PUT", `/v1/event-types/${emit}`, { schema: { type: "object", required }, enforce: true });
      return { tenant, emit };
    };
    const crosses = { crosses: { path: "company.leadScore", threshold: 70 } };

    it("leaves the rule alone, which fires at the next that is as it should be", async ({ expect }) => {
      const { tenant, emit } = await enforced("must", "was");
      const crossing = await newSignal(tenant, crosses, { emit, attach: { was: "previous" } });
      await newSignal(tenant, { once: true }, { emit });
      await newSignal(tenant, { once: true }, { emit: "plain" });
      expect(await emitted(tenant, seen("b.com"))).toEqual(["plain"]);
      expect((await observe(tenant, seen("a.com", 60))).body.skipped).toHaveLength(2);
      const refused = await observe(tenant, seen("a.com", 71));
      expect(refused.body.skipped).toContainEqual({
        rule: crossing,
        path: "data.must",
        reason: `the schema of ${emit} refuses it: is required`,
      });
      const { body } = await observe(tenant, seen("a.com", 72, { must: 1, was: 0 }));
      expect(body.events).toHaveLength(2);
      expect((await eventOf(tenant, body.events[0].id)).data).toMatchObject({ must: 1, was: 60 });
      expect(await emitted(tenant, seen("a.com", 73, { must: 1, was: 0 }))).toEqual([]);
    });

    it("is judged with what is attached", async ({ expect }) => {
      const { tenant, emit } = await enforced("was");
      await newSignal(tenant, crosses, { emit, attach: { was: "previous" } });
      expect((await observe(tenant, seen("a.com", 71), {}, "?strict=true")).body.events).toHaveLength(1);
    });

    it("is told again to a repeat, beside what it emits", async ({ expect }) => {
      const { tenant, emit } = await enforced("must");
      await newSignal(tenant, { every: true }, { emit });
      await newSignal(tenant, { every: true }, { emit: "plain" });
      const key = { "Idempotency-Key": "k" };
      const first = await observe(tenant, seen("a.com"), key);
      expect([first.body.events.length, first.body.skipped.length]).toEqual([1, 1]);
      expect((await observe(tenant, seen("a.com"), key)).body).toEqual({ ...first.body, duplicate: true });
    });

    it("is refused when that is asked for, and then nothing is observed", async ({ expect }) => {
      const { tenant, emit } = await enforced("must");
      const id = await newSignal(tenant, { once: true }, { emit, name: "Enforced" });
      await newSignal(tenant, { once: true }, { emit: "plain" });
      const strict = await observe(tenant, seen("a.com"), {}, "?strict=true");
      expect(strict.status).toBe(422);
      expect(strict.body.errors).toEqual([{ path: "data.must", message: expect.stringContaining(id) }]);
      expect(strict.body.errors[0].message).toContain("Enforced");
      const path = `/v1/tenants/${tenant}/observations/batch?strict=true`;
      const observations = [seen("b.com", 1, { must: 1 }), seen("c.com"), seen("b.com")];
      const batch = await call("POST", path, { observations });
      expect([batch.status, batch.body.errors.length]).toEqual([422, 1]);
      expect(batch.body.errors[0].path).toBe("observations.1.data.must");
      expect(await logged(tenant)).toEqual([]);
      expect(await emitted(tenant, seen("a.com", 1, { must: 1 }))).toEqual([emit, "plain"]);
      const both = await call("POST", path, { observations: observations.slice(0, 1) });
      expect(both.body.events).toHaveLength(2);
      const several = [seen("d.com", 1, { must: 1 }), seen("e.com", 1, { must: 1 }), seen("d.com")];
      expect((await call("POST", path, { observations: several })).body.events).toHaveLength(4);
    });
  });
});

describe("an idempotency key", () => {
  const key = { "Idempotency-Key": "k" };

  it("makes a repeat answer the same events and fire nothing", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    await newSignal(tenant, { every: true }, { entity: "visitor", emit: "visitor" });
    const observation = seen("a.com", 1, { visitor: "v" });
    const first = await observe(tenant, observation, key);
    expect([first.status, first.body.events.length]).toEqual([202, 2]);
    for (let i = 0; i < 3; i++) {
      const again = await observe(tenant, observation, key);
      expect([again.status, again.body]).toEqual([200, { ...first.body, duplicate: true }]);
    }
    expect((await observe(tenant, seen("a.com", 2, { visitor: "v" }), key)).status).toBe(422);
    expect((await observe(tenant, observation)).body.events).not.toEqual(first.body.events);
    expect(await logged(tenant)).toHaveLength(4);
  });

  it("covers what fired nothing too", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { changesBy: { path: "company.leadScore", atLeast: 5 } });
    await observe(tenant, seen("a.com", 1), key);
    expect(await emitted(tenant, seen("a.com", 6))).toEqual(["it.fired"]);
    expect((await observe(tenant, seen("a.com", 1), key)).body).toEqual({ events: [], duplicate: true });
  });

  it("covers a batch", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    const path = `/v1/tenants/${tenant}/observations/batch`;
    const body = { observations: [seen("a.com"), seen("b.com"), seen("a.com")] };
    const first = await call("POST", path, body, key);
    expect(first.status).toBe(202);
    const again = await call("POST", path, body, key);
    expect(again.status).toBe(200);
    expect(again.body.events).toEqual(first.body.events);
    const changed = { observations: [seen("a.com", 1), seen("b.com"), seen("a.com")] };
    expect((await call("POST", path, changed, key)).status).toBe(422);
    expect(await logged(tenant)).toHaveLength(3);
  });
});

describe("a batch of observations", () => {
  it("is observed in its order, and answered in it", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true }, { emit: "once" });
    await newSignal(tenant, { crosses: { path: "company.leadScore", threshold: 70 } }, { emit: "hot" });
    const scores = [60, 72, 65, 71];
    const observations = [...scores.map((score) => seen("a.com", score)), seen("b.com", 80), { company: {} }];
    const answer = await call("POST", `/v1/tenants/${tenant}/observations/batch`, { observations });
    expect(answer.status).toBe(202);
    const types = answer.body.data.map(({ events }: { events: { event: string }[] }) =>
      events.map(({ event }) => event),
    );
    expect(types).toEqual([["once"], ["hot"], [], ["hot"], ["once", "hot"], []]);
    expect(answer.body.data[5].skipped).toHaveLength(2);
    expect(answer.body.events).toEqual(answer.body.data.flatMap(({ events }: { events: object[] }) => events));
    expect(await logged(tenant)).toHaveLength(5);
  });

  it("has 1 to 100, each an object", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/observations/batch`;
    for (const observations of [[], Array(101).fill({}), [[]], "x", undefined]) {
      expect((await call("POST", path, { observations })).status).toBe(422);
    }
    expect((await call("POST", path, { observations: Array(100).fill({}), more: 1 })).status).toBe(422);
    expect((await call("POST", path, { observations: Array(100).fill({}) })).status).toBe(202);
  });
});
