import { describe, it, onTestFinished, vi } from "vitest";
import { call, fresh, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { newSignal } from "../signals/world";

/** What each posted thing has in its data, to be found in what is parsed. */
const mark = (i: number) => `mark-${i}-of-this-test`;

/** A tenant with all that looks at an event's data: a filter, a schema, a segment, and contacts to be revealed. */
async function world() {
  const tenant = await newTenant();
  const path = `/v1/tenants/${tenant}`;
  const event = fresh("type");
  const properties = { mark: { type: "string" }, contacts: { type: "array" } };
  await call("PUT", `/v1/event-types/${event}`, { schema: { properties, required: ["mark"] }, enforce: true });
  const { url } = await newReceiver();
  const endpoint = await newEndpoint(tenant, url, {
    events: [event],
    filter: { "data.mark": { $startsWith: "mark" } },
  });
  const filter = { "data.company.domain": { $exists: true } };
  const segment = (await call("POST", `${path}/segments`, { name: "s", filter })).body.id;
  const persona = (await call("POST", `${path}/segments`, { name: "p", filter: { title: "CEO" } })).body.id;
  for (const limit of [1, 2, 3]) {
    const actions = [
      { type: "webhook", endpoint: endpoint.id },
      { type: "reveal_contacts", endpoint: endpoint.id, persona, limit },
    ];
    await call("POST", `${path}/automations`, { name: "a", trigger: event, segment, actions });
  }
  return { tenant, path, event, endpoint };
}

const data = (i: number) => ({
  mark: mark(i),
  company: { domain: `${i}.example` },
  contacts: [{ email: `${mark(i)}@example.com`, title: "CEO" }],
});

/** Counts, from now to the test's end, how often a text was parsed that has a posted thing's contacts in it. */
function counting() {
  const parse = vi.spyOn(JSON, "parse");
  onTestFinished(() => parse.mockRestore());
  return (i: number) => parse.mock.calls.filter(([text]) => String(text).includes(`${mark(i)}@example.com`)).length;
}

describe("the bytes of a body", () => {
  it("of an event are parsed at most twice on its way in, whatever looks at its data", async ({ expect }) => {
    const { path, event } = await world();
    const parsed = counting();
    const posted = await call("POST", `${path}/events`, { event, data: data(0) }, { "Idempotency-Key": fresh("k") });
    // The answer has no data in it, so none of this is the test's own.
    expect(posted.status).toBe(202);
    expect(posted.body.deliveries).toHaveLength(1);
    expect(parsed(0)).toBeGreaterThan(0);
    expect(parsed(0)).toBeLessThanOrEqual(2);
  });

  it("of a batch are parsed at most twice, those of each event in it included", async ({ expect }) => {
    const { path, event } = await world();
    const events = [0, 1, 2].map((i) => ({ event, data: data(i) }));
    const parsed = counting();
    const posted = await call("POST", `${path}/events/batch`, { events });
    expect(posted.status).toBe(202);
    for (const i of [0, 1, 2]) {
      expect(parsed(i)).toBeGreaterThan(0);
      expect(parsed(i)).toBeLessThanOrEqual(2);
    }
  });

  it.for(["one", "batch"])(
    "of observations (%s) are parsed once here and once by their entity",
    async (way, { expect }) => {
      const { tenant, path } = await world();
      const filter = { "data.mark": { $exists: true } };
      for (let i = 0; i < 5; i++) await newSignal(tenant, { once: true }, { emit: "x", filter });
      // Rules that fire would have their events read as well.
      await call("POST", `${path}/observations`, data(0));
      const parsed = counting();
      const answer =
        way === "one"
          ? await call("POST", `${path}/observations`, data(0))
          : await call("POST", `${path}/observations/batch`, { observations: [data(0)] });
      expect([answer.status, answer.body.events]).toEqual([202, []]);
      expect(parsed(0)).toBe(2);
    },
  );

  it("that rules fire are parsed once for all their events", async ({ expect }) => {
    const { tenant, path } = await world();
    await newEndpoint(tenant, (await newReceiver()).url, { filter: { "data.mark": mark(0) } });
    for (let i = 0; i < 5; i++) await newSignal(tenant, { every: true }, { emit: "x" });
    const parsed = counting();
    expect((await call("POST", `${path}/observations`, data(0))).body.events).toHaveLength(5);
    expect(parsed(0)).toBe(3);
  });
});
