import { describe, it } from "vitest";
import { explain, type Facts } from "../../src/accept/explain";
import type { DeliveryRecord } from "../../src/contracts/delivery";

const T0 = Date.parse("2026-11-21T09:30:00Z");
const ENDPOINT: NonNullable<Facts["endpoint"]> = {
  id: "ep_a",
  url: "https://receiver.example/",
  events: ["lead.hot"],
  filter: null,
  createdAt: T0 - 1_000,
  enabled: true,
  disabledReason: null,
  disabledAt: null,
  refusal: null,
};
const RECORD: DeliveryRecord = {
  id: "dlv_01JD00000000000000000000000",
  event: "lead.hot",
  status: "pending",
  waitReason: null,
  test: false,
  attempts: 0,
  lastStatusCode: null,
  lastError: null,
  nextAttemptAt: null,
  finishedAt: null,
};
const EVENT: Facts["event"] = {
  type: "lead.hot",
  acceptedAt: T0,
  erasedAt: null,
  subject: { event: "lead.hot", data: { score: 5, tags: ["a"] }, tenant: "t", timestamp: "2026-11-21T09:30:00.000Z" },
};
const automation = (filter: Facts["automations"][number]["filter"]) => ({
  trigger: "lead.hot",
  filter,
  endpoints: ["ep_a"],
});

function about(change: Omit<Partial<Facts>, "endpoint"> & { endpoint?: Partial<typeof ENDPOINT> | null }): Facts {
  const endpoint = change.endpoint === null ? null : { ...ENDPOINT, ...change.endpoint };
  return { event: EVENT, automations: [], delivery: null, ...change, endpoint };
}

function delivered(record: Partial<DeliveryRecord> | null, more: Partial<NonNullable<Facts["delivery"]>> = {}) {
  return { test: false, url: null, gone: false, record: record && { ...RECORD, ...record }, ...more };
}

interface Case {
  name: string;
  facts: Facts;
  outcome: string;
  says: RegExp;
  /** What to do; `null`: nothing. */
  remedy: RegExp | null;
}

const FILTERED = { filter: { "data.score": { $gte: 10 } } };

const CASES: Case[] = [
  {
    name: "not subscribed",
    facts: about({ endpoint: { events: ["lead.cold"] } }),
    outcome: "not-subscribed",
    says: /subscribes to lead\.cold, and not to lead\.hot/,
    remedy: /Subscribe the endpoint to lead\.hot/,
  },
  {
    name: "subscribed to nothing",
    facts: about({ endpoint: { events: [] } }),
    outcome: "not-subscribed",
    says: /no event types/,
    remedy: /Subscribe/,
  },
  {
    name: "created after the event",
    facts: about({ endpoint: { createdAt: T0 + 1 } }),
    outcome: "created-later",
    says: /created at 2026-11-21T09:30:00\.001Z, after/,
    remedy: /Replay/,
  },
  {
    name: "created after the event, which its filter would refuse",
    facts: about({ endpoint: { ...FILTERED, createdAt: T0 + 1 } }),
    outcome: "created-later",
    says: /after the event was accepted\. The endpoint's filter does not match: data\.score is 5/,
    remedy: /Change the filter/,
  },
  {
    name: "filtered out",
    facts: about({ endpoint: FILTERED }),
    outcome: "filtered",
    says: /data\.score is 5, and \$gte 10 is asked for/,
    remedy: /filter/,
  },
  {
    name: "filtered out for want of a field",
    facts: about({ endpoint: { filter: { "data.size": 3 } } }),
    outcome: "filtered",
    says: /data\.size is missing, and \$eq 3/,
    remedy: /filter/,
  },
  {
    name: "outside an automation's segment",
    facts: about({ endpoint: { events: [] }, automations: [automation(FILTERED.filter)] }),
    outcome: "filtered",
    says: /segment of an automation.*data\.score is 5/,
    remedy: /filter/,
  },
  {
    name: "subscribed since",
    facts: about({}),
    outcome: "subscribed-later",
    says: /another one at the time/,
    remedy: /Replay/,
  },
  {
    name: "erased before anyone could tell",
    facts: about({ endpoint: FILTERED, event: { ...EVENT, subject: null, erasedAt: T0 + 5 } }),
    outcome: "erased",
    says: /erased at 2026-11-21T09:30:00\.005Z/,
    remedy: null,
  },
  {
    name: "delivered",
    facts: about({
      delivery: delivered({ status: "succeeded", attempts: 2, lastStatusCode: 204, finishedAt: T0 + 9_000 }),
    }),
    outcome: "delivered",
    says: /Delivered at 2026-11-21T09:30:09\.000Z after 2 attempts; the receiver answered 204/,
    remedy: null,
  },
  {
    name: "delivered through an automation",
    facts: about({
      endpoint: { events: [] },
      automations: [automation(null)],
      delivery: delivered({ status: "succeeded", attempts: 1, lastStatusCode: 200, finishedAt: T0 }),
    }),
    outcome: "delivered",
    says: /an automation sends it there/,
    remedy: null,
  },
  {
    name: "a callback",
    facts: about({
      endpoint: null,
      delivery: delivered({ status: "succeeded", attempts: 1 }, { url: "https://cb.example/" }),
    }),
    outcome: "delivered",
    says: /https:\/\/cb\.example\/, which came with the event/,
    remedy: null,
  },
  {
    name: "on its way",
    facts: about({ delivery: delivered(null) }),
    outcome: "pending",
    says: /on its way/,
    remedy: null,
  },
  {
    name: "held, disabled by its failures",
    facts: about({
      endpoint: { enabled: false, disabledReason: "failing", disabledAt: T0 - 500 },
      delivery: delivered({ status: "held" }),
    }),
    outcome: "held",
    says: /disabled since 2026-11-21T09:29:59\.500Z, because it kept failing/,
    remedy: /Enable the endpoint, then recover/,
  },
  {
    name: "held, and enabled since",
    facts: about({ delivery: delivered({ status: "held" }) }),
    outcome: "held",
    says: /enabled again/,
    remedy: /recover/i,
  },
  {
    name: "waiting in the slow lane",
    facts: about({ delivery: delivered({ waitReason: "slow", nextAttemptAt: T0 + 1_000 }) }),
    outcome: "waiting",
    says: /slow lane\. Next attempt at 2026-11-21T09:30:01\.000Z/,
    remedy: /failed attempts/,
  },
  {
    name: "waiting as its receiver asked",
    facts: about({ delivery: delivered({ waitReason: "asked", nextAttemptAt: T0 + 1_000 }) }),
    outcome: "waiting",
    says: /answered 429 or 503 with a Retry-After.* Next attempt at 2026-11-21T09:30:01\.000Z/,
    remedy: /shorter Retry-After/,
  },
  {
    name: "waiting for the breaker",
    facts: about({
      delivery: delivered({ waitReason: "breaker", attempts: 1, lastError: "timeout", nextAttemptAt: T0 + 1_000 }),
    }),
    outcome: "waiting",
    says: /breaker is open.* Next attempt at 2026-11-21T09:30:01\.000Z\. The last attempt: the receiver did not answer/,
    remedy: /mend the receiver/,
  },
  {
    name: "waiting in the slow lane's queue",
    facts: about({ delivery: delivered({ waitReason: "slow", nextAttemptAt: null }) }),
    outcome: "waiting",
    says: /slow lane\. It is on its way to the queue\./,
    remedy: /failed attempts/,
  },
  {
    name: "waiting for a slot",
    facts: about({ delivery: delivered({ waitReason: "slots" }) }),
    outcome: "waiting",
    says: /under way already/,
    remedy: /answer faster/,
  },
  {
    name: "waiting for its rate",
    facts: about({ delivery: delivered({ waitReason: "rate" }) }),
    outcome: "waiting",
    says: /rate limit/,
    remedy: /rate limit/,
  },
  {
    name: "retrying",
    facts: about({
      delivery: delivered({
        status: "retrying",
        attempts: 3,
        lastStatusCode: 503,
        lastError: "status",
        nextAttemptAt: T0 + 60_000,
      }),
    }),
    outcome: "retrying",
    says: /3 attempts failed\. Next attempt at 2026-11-21T09:31:00\.000Z\. The last attempt: the receiver answered 503/,
    remedy: /response/,
  },
  {
    name: "failed",
    facts: about({ delivery: delivered({ status: "failed", attempts: 6, lastError: "timeout" }) }),
    outcome: "failed",
    says: /Given up after 6 attempts: the receiver did not answer in time/,
    remedy: /timeout/,
  },
  {
    name: "blocked by the URL policy",
    facts: about({
      endpoint: { refusal: "must name a public host" },
      delivery: delivered({ status: "retrying", attempts: 1, lastError: "blocked" }),
    }),
    outcome: "blocked",
    says: /not allowed: it must name a public host/,
    remedy: /public https URL/,
  },
  {
    name: "canceled with its endpoint",
    facts: about({ endpoint: null, delivery: delivered({ status: "canceled" }, { gone: true }) }),
    outcome: "deleted",
    says: /deleted before/,
    remedy: null,
  },
  {
    name: "canceled by an erasure",
    facts: about({
      event: { ...EVENT, subject: null, erasedAt: T0 + 5 },
      delivery: delivered({ status: "canceled" }),
    }),
    outcome: "erased",
    says: /erased at .* before it was delivered/,
    remedy: null,
  },
];

describe("the explanation of an event that is", () => {
  it.for(CASES)("$name", ({ facts, outcome, says, remedy }, { expect }) => {
    const said = explain(facts);
    expect(said.outcome).toBe(outcome);
    expect(said.delivered).toBe(outcome === "delivered");
    expect(said.detail).toMatch(says);
    if (remedy === null) expect(said.remedy).toBeNull();
    else expect(said.remedy).toMatch(remedy);
  });

  it("filtered out names the clause", ({ expect }) => {
    expect(explain(about({ endpoint: FILTERED })).clause).toEqual({
      path: "data.score",
      operator: "$gte",
      expected: 10,
      actual: 5,
    });
  });

  it("filtered out by the endpoint is let in by an automation", ({ expect }) => {
    const said = explain(about({ endpoint: FILTERED, automations: [automation(null)] }));
    expect(said.outcome).toBe("subscribed-later");
  });
});

describe("an explanation", () => {
  it("shows the beginning of what is long, and reads no further", ({ expect }) => {
    let reads = 0;
    const list = new Proxy(Array(100_000).fill("x"), {
      get: (target, key) => {
        if (/^\d/.test(String(key))) reads++;
        return Reflect.get(target, key);
      },
    });
    const subject = { data: { list, text: "é".repeat(50_000) } };
    const about = (filter: Record<string, unknown>) =>
      explain({
        event: { ...EVENT, subject },
        endpoint: { ...ENDPOINT, filter },
        automations: [],
        delivery: null,
      });
    const { clause, detail } = about({ "data.text": "e" });
    expect(clause?.actual).toBe(`"${"é".repeat(9_999)}…`);
    expect(detail.length).toBeLessThan(500);
    reads = 0;
    const { clause: other } = about({ "data.list": { $exists: false } });
    expect(other?.actual).toMatch(/^\["x","x".*…$/);
    expect(String(other?.actual)).toHaveLength(10_001);
    expect(reads).toBeLessThan(6_000);
    expect(about({ "data.text.y": 1 }).clause?.actual).toBeUndefined();
    expect(about({ data: { $not: { $exists: true } }, "data.text": 5 }).clause?.path).toBe("data");
  });
});
