import { describe, it } from "vitest";
import { type Answered, call, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import type { Answer } from "../lib/servers/receive";

type Receiver = Awaited<ReturnType<typeof newReceiver>>;

interface Busy {
  tenant: string;
  endpoint: string;
  receiver: Receiver;
  /** Events that are being delivered to it, in their order. */
  events: { id: string; deliveries: { id: string }[] }[];
}

/** How an endpoint is busy when an end is made of it. */
interface Shape {
  plan: Answer;
  fields?: object;
  /** How many events it has got; a batch takes 100. */
  events: number;
  /** It was disabled meanwhile, and they are recovered. */
  recovered?: boolean;
  /** How many requests have come when the end is made, and how many must have come to one that is let be. */
  seen: number;
  least: number;
}

const SHAPES: Record<string, Shape> = {
  "with a slow receiver": { plan: { delayMs: 1_500 }, fields: { timeout: 8 }, events: 30, seen: 3, least: 30 },
  "in the midst of a batch": { plan: { delayMs: 60 }, events: 100, seen: 12, least: 100 },
  "in the midst of a recovery": { plan: { delayMs: 15 }, events: 300, recovered: true, seen: 20, least: 300 },
  "with a rate limit": { plan: {}, fields: { rateLimit: 20 }, events: 60, seen: 5, least: 60 },
  "with a receiver that hangs": { plan: { misbehave: "hang" }, fields: { timeout: 3 }, events: 30, seen: 2, least: 10 },
  "whose every attempt fails": { plan: { status: 400 }, fields: { retry: [1, 1] }, events: 30, seen: 10, least: 60 },
};

async function busy({ plan, fields, events, recovered, seen }: Shape): Promise<Busy> {
  const tenant = await newTenant();
  const receiver = await newReceiver(plan);
  const { id: endpoint } = await newEndpoint(tenant, receiver.url, { ...fields, enabled: !recovered });
  const posted: Busy["events"] = [];
  for (let from = 0; from < events; from += 100) {
    const some = Array.from({ length: Math.min(100, events - from) }, (_, i) => ({ event: "e", data: { i } }));
    posted.push(...(await call("POST", `/v1/tenants/${tenant}/events/batch`, { events: some })).body.data);
  }
  if (recovered) {
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint}`;
    await until("all to be held", async () => {
      return (await call("GET", `${path}/health`)).body.counts.held === events;
    });
    await call("PATCH", path, { enabled: true });
    await call("POST", `${path}/recover`, { since: "2020-01-01T00:00:00Z" });
  }
  await receiver.arrived(seen);
  return { tenant, endpoint, receiver, events: posted };
}

/** What makes an end, and the deliveries that it is about: `null`, all. */
const ENDS: Record<string, (one: Busy) => { ends: () => Promise<Answered>; about: string | null; status: number }> = {
  "is disabled": ({ tenant, endpoint }) => ({
    ends: () => call("PATCH", `/v1/tenants/${tenant}/endpoints/${endpoint}`, { enabled: false }),
    about: null,
    status: 200,
  }),
  "is deleted": ({ tenant, endpoint }) => ({
    ends: () => call("DELETE", `/v1/tenants/${tenant}/endpoints/${endpoint}`),
    about: null,
    status: 204,
  }),
  "is deleted with its tenant": ({ tenant }) => ({
    ends: () => call("DELETE", `/v1/tenants/${tenant}`),
    about: null,
    status: 204,
  }),
  "has its last event erased": ({ tenant, events }) => ({
    ends: () => call("DELETE", `/v1/tenants/${tenant}/events/${events.at(-1)?.id}/content`),
    about: events.at(-1)?.deliveries[0]?.id ?? "",
    status: 204,
  }),
};

describe.for(Object.keys(SHAPES))("an endpoint %s", (name) => {
  const shape = SHAPES[name] as Shape;

  it("that ends gets no more requests after the answer than that says", async ({ expect }) => {
    // One that is let be shows when whatever may still come has come.
    const witness = busy(shape);
    const all = await Promise.all(
      Object.entries(ENDS).map(async ([end, of]) => {
        const one = await busy(shape);
        const { ends, about, status } = of(one);
        const answer = await ends();
        const before = (await one.receiver.seen()).length;
        return { end, one, about, status, answer, before };
      }),
    );
    await (await witness).receiver.arrived(shape.least);
    for (const { end, one, about, status, answer, before } of all) {
      expect(answer.status, end).toBe(status);
      expect(answer.headers.get("In-Flight"), end).toMatch(/^\d+$/);
      const later = (await one.receiver.seen()).slice(before);
      const meant = later.filter(({ headers }) => about === null || headers["x-webhook-id"] === about);
      expect(meant.length, end).toBeLessThanOrEqual(Number(answer.headers.get("In-Flight")));
    }
  });
});

describe.concurrent("an end that comes when nothing is under way", () => {
  it.for(Object.keys(ENDS))("says so: one that %s", async (end, { expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id: endpoint } = await newEndpoint(tenant, receiver.url);
    const event = await post(tenant);
    await receiver.arrived();
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint}/deliveries`;
    await until("its success", async () => (await call("GET", path)).body.data[0]?.status === "succeeded");
    const ends = ENDS[end]?.({ tenant, endpoint, receiver, events: [event] });
    expect((await ends?.ends())?.headers.get("In-Flight")).toBe("0");
  });
});

describe.concurrent("a callback", () => {
  it("of a tenant that is deleted is not sent any more", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const query = `?webhook_url=${encodeURIComponent(receiver.url)}`;
    for (let i = 0; i < 8; i++)
      await call("POST", `/v1/tenants/${tenant}/events${query}`, { event: fresh("e"), data: {} });
    await receiver.arrived(3);
    const answer = await call("DELETE", `/v1/tenants/${tenant}`);
    const before = (await receiver.seen()).length;
    expect(answer.status).toBe(204);
    const witness = await newReceiver({ status: 500 });
    const other = await newTenant();
    await call("POST", `/v1/tenants/${other}/events?webhook_url=${encodeURIComponent(witness.url)}`, {
      event: "e",
      data: {},
    });
    // Its first retry comes after 2 s, and so would theirs.
    await witness.arrived(2);
    expect((await receiver.seen()).length - before).toBeLessThanOrEqual(Number(answer.headers.get("In-Flight")));
  });
});
