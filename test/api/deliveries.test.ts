import { runInDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import { LIST_LOOK } from "../../src/endpoint/read/read";
import { encodeTime } from "../../src/lib/ids";
import { HOUR, iso } from "../../src/lib/time";
import { type Answered, call, delivery, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { endpointObject, failures } from "../send/harness";

interface Shown {
  id: string;
  endpoint: string;
  event: string;
  status: string;
}

/** Rows in an endpoint's ledger as if deliveries had been accepted at `at` (ms), one per ms. */
async function addRows(
  tenant: string,
  endpoint: string,
  count: number,
  { at, status, index = 0 }: { at: number; status: string; index?: number },
): Promise<string[]> {
  const object = endpointObject(tenant, endpoint) as unknown as DurableObjectStub;
  return runInDurableObject(object, (_, { storage }) =>
    Array.from({ length: count }, (_, i) => {
      const id = `dlv_${encodeTime(at + i)}${"0".repeat(16)}${index}`;
      const values = [id, "lead.hot", status, 1, status === "succeeded" ? 200 : 500];
      storage.sql.exec("INSERT INTO deliveries (id, event, status, attempts, code) VALUES (?, ?, ?, ?, ?)", ...values);
      return id;
    }),
  );
}

/** All pages of a list. */
async function walk(path: string): Promise<{ rows: Shown[]; pages: Shown[][] }> {
  const pages: Shown[][] = [];
  let cursor = "";
  for (;;) {
    const { status, body, text } = await call("GET", `${path}${cursor}`);
    if (status !== 200) throw new Error(text);
    pages.push(body.data);
    if (body.nextCursor === null) return { rows: pages.flat(), pages };
    cursor = `&cursor=${body.nextCursor}`;
  }
}

const idsOf = (answer: Answered) => answer.body.data.map(({ id }: Shown) => id);

describe("the list of an endpoint's deliveries", () => {
  it("filters by status, event, code and time", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({}, { status: 503 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [] });
    const [good] = (await post(tenant, "lead.hot")).deliveries;
    await delivery(tenant, good, "succeeded");
    const [bad] = (await post(tenant, "lead.cold")).deliveries;
    const failed = await delivery(tenant, bad, "failed");
    const path = `/v1/tenants/${tenant}/endpoints/${id}/deliveries`;
    const list = async (query: string) => idsOf(await call("GET", `${path}?${query}`));
    expect(await list("")).toEqual([bad.id, good.id]);
    expect(await list("status=succeeded")).toEqual([good.id]);
    expect(await list("status=failed")).toEqual([bad.id]);
    expect(await list("status=failed,succeeded,held")).toEqual([bad.id, good.id]);
    expect(await list("status=held,pending")).toEqual([]);
    expect(await list("event=lead.cold")).toEqual([bad.id]);
    expect(await list("code=503")).toEqual([bad.id]);
    expect(await list("code=5xx")).toEqual([bad.id]);
    expect(await list("code=2xx&status=failed")).toEqual([]);
    expect(await list(`since=${failed.createdAt}`)).toEqual([bad.id]);
    expect(await list(`until=${failed.createdAt}`)).toEqual([good.id]);
    const listed = (await call("GET", `${path}?status=failed`)).body.data[0];
    const { attemptLog: _, ...shown } = failed;
    expect(listed).toEqual(shown);
  });

  it("may answer an empty page and go on after it", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, "https://receiver.example/");
    const at = Date.now() - HOUR;
    const [rare] = await addRows(tenant, id, 1, { at, status: "failed" });
    await addRows(tenant, id, LIST_LOOK + 100, { at: at + 1, status: "succeeded" });
    const { rows, pages } = await walk(`/v1/tenants/${tenant}/endpoints/${id}/deliveries?code=500`);
    expect(rows.map((row) => row.id)).toEqual([rare]);
    expect(pages.map((page) => page.length)).toEqual([0, 1]);
  });

  it.for([
    ["status", "lost"],
    ["status", "failed,lost"],
    ["status", ""],
    ["event", "no spaces"],
    ["code", "600"],
    ["code", "5x"],
    ["code", "abc"],
    ["since", "yesterday"],
    ["until", "2026-11-21"],
    ["limit", "0"],
    ["limit", "251"],
    ["limit", "many"],
    ["cursor", "evt_1"],
    ["stauts", "failed"],
  ])("refuses %s=%s, naming the parameter", async ([name = "", value = ""], { expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, "https://receiver.example/");
    for (const path of [`endpoints/${id}/deliveries`, "deliveries"]) {
      const answer = await call("GET", `/v1/tenants/${tenant}/${path}?${name}=${encodeURIComponent(value)}`);
      expect(answer.status).toBe(422);
      expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual([name]);
    }
  });
});

describe("the list of a tenant's deliveries", () => {
  it("merges its endpoints by time, each delivery once and with its endpoint's name", async ({ expect }) => {
    const tenant = await newTenant();
    const endpoints = await Promise.all([1, 2, 3].map(() => newEndpoint(tenant, "https://receiver.example/")));
    const at = Date.now() - HOUR;
    const all: [string, string][] = [];
    for (const [index, { id }] of endpoints.entries()) {
      const ids = await addRows(tenant, id, 7 + 3 * index, { at, status: "succeeded", index });
      all.push(...ids.map((row): [string, string] => [row, id]));
    }
    all.sort(([a], [b]) => (a < b ? 1 : -1));
    for (const limit of [1, 4, 30, 250]) {
      const { rows, pages } = await walk(`/v1/tenants/${tenant}/deliveries?limit=${limit}`);
      expect(rows.map(({ id, endpoint }) => [id, endpoint])).toEqual(all);
      expect(pages.length).toBe(Math.ceil(all.length / limit));
    }
  });

  it("leaves nothing out where one endpoint's look ends before another's", async ({ expect }) => {
    const tenant = await newTenant();
    const [busy, calm] = [
      await newEndpoint(tenant, "https://a.example/"),
      await newEndpoint(tenant, "https://b.example/"),
    ];
    const at = Date.now() - HOUR;
    const early = await addRows(tenant, busy.id, 2, { at, status: "failed" });
    await addRows(tenant, busy.id, LIST_LOOK + 500, { at: at + 10, status: "succeeded" });
    const calmIds = [
      ...(await addRows(tenant, calm.id, 2, { at: at + 5, status: "failed", index: 1 })),
      ...(await addRows(tenant, calm.id, 2, { at: at + 2_000, status: "failed", index: 1 })),
    ];
    const expected = [...early, ...calmIds].sort().reverse();
    for (const filter of ["code=500", "status=failed,succeeded&code=5xx", "status=failed"]) {
      const { rows } = await walk(`/v1/tenants/${tenant}/deliveries?${filter}&limit=3`);
      expect(rows.map(({ id }) => id)).toEqual(expected);
    }
  });

  it("is empty for a tenant without endpoints, and knows nothing of other tenants'", async ({ expect }) => {
    const [one, other] = [await newTenant(), await newTenant()];
    const { id } = await newEndpoint(other, "https://receiver.example/");
    await addRows(other, id, 1, { at: Date.now(), status: "failed" });
    expect((await call("GET", `/v1/tenants/${one}/deliveries`)).body).toEqual({ data: [], nextCursor: null });
  });
});

describe("the totals of a tenant", () => {
  it("are by hour and endpoint, of the last day unless told otherwise", async ({ expect }) => {
    const tenant = await newTenant();
    const [a, b] = [await newEndpoint(tenant, "https://a.example/"), await newEndpoint(tenant, "https://b.example/")];
    const hour = Date.now() - (Date.now() % HOUR) - 2 * HOUR;
    await addRows(tenant, a.id, 3, { at: hour, status: "succeeded" });
    await addRows(tenant, a.id, 2, { at: hour + HOUR, status: "failed" });
    await addRows(tenant, b.id, 1, { at: hour, status: "held", index: 1 });
    await addRows(tenant, b.id, 1, { at: hour - 30 * HOUR, status: "canceled", index: 1 });
    const none = { succeeded: 0, failed: 0, retrying: 0, pending: 0, held: 0, canceled: 0 };
    const rows = [
      { hour: iso(hour), endpoint: a.id, ...none, succeeded: 3, attempts: 3 },
      { hour: iso(hour), endpoint: b.id, ...none, held: 1, attempts: 1 },
      { hour: iso(hour + HOUR), endpoint: a.id, ...none, failed: 2, attempts: 2 },
    ];
    const { body } = await call("GET", `/v1/tenants/${tenant}/stats`);
    expect(body.truncated).toBe(false);
    expect(body.data).toHaveLength(3);
    expect(body.data).toEqual(expect.arrayContaining(rows));
    expect(body.data[2]).toEqual(rows[2]);
    const span = `since=${iso(hour - 30 * HOUR)}&until=${iso(hour)}`;
    expect((await call("GET", `/v1/tenants/${tenant}/stats?${span}`)).body.data).toEqual([
      { hour: iso(hour - 30 * HOUR), endpoint: b.id, ...none, canceled: 1, attempts: 1 },
    ]);
  });

  it.for([
    ["since=2026-11-01T00:00:00Z&until=2026-11-08T00:00:01Z", "since"],
    ["since=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z", "since"],
    ["since=lately", "since"],
    ["until=soon", "until"],
    ["hour=1", "hour"],
  ])("refuse %s", async ([query, name], { expect }) => {
    const answer = await call("GET", `/v1/tenants/${await newTenant()}/stats?${query}`);
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path).toBe(name);
  });
});

describe("an endpoint's health", () => {
  it("has the counts of the last day and the latency of what succeeded", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, {});
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [3600] });
    const path = `/v1/tenants/${tenant}/endpoints/${id}/health`;
    const none = { pending: 0, retrying: 0, succeeded: 0, failed: 0, held: 0, canceled: 0 };
    const empty = { counts: none, latency: { p50: null, p95: null, p99: null }, truncated: false };
    expect((await call("GET", path)).body).toMatchObject(empty);
    await post(tenant);
    await failures(tenant, id, 1);
    expect((await call("GET", path)).body).toMatchObject({ ...empty, counts: { ...none, retrying: 1 } });
    const [ref] = (await post(tenant)).deliveries;
    const { attemptLog } = await delivery(tenant, ref, "succeeded");
    const ms = attemptLog[0].durationMs;
    const { counts, latency } = (await call("GET", path)).body;
    expect(counts).toEqual({ ...none, retrying: 1, succeeded: 1 });
    expect(latency.p50).toBeGreaterThanOrEqual(ms);
    expect(latency.p50).toBeLessThanOrEqual(ms * 1.101);
    expect(latency).toEqual({ p50: latency.p50, p95: latency.p50, p99: latency.p50 });
  });
});

describe("an endpoint's rate limit", () => {
  it("is null unless given, can be changed and taken back, and is 1 to 1000", async ({ expect }) => {
    const tenant = await newTenant();
    const { id, rateLimit } = await newEndpoint(tenant, "https://receiver.example/");
    expect(rateLimit).toBeNull();
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    expect((await call("PATCH", path, { rateLimit: 7 })).body.rateLimit).toBe(7);
    expect((await call("GET", path)).body.rateLimit).toBe(7);
    for (const wrong of [0, 1001, 1.5, "7"]) {
      const answer = await call("PATCH", path, { rateLimit: wrong });
      expect([answer.status, answer.body.errors?.[0].path]).toEqual([422, "rateLimit"]);
    }
    expect((await call("PATCH", path, { rateLimit: null })).body.rateLimit).toBeNull();
  });

  it("spreads a burst over time, and everything arrives with one attempt each", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url, { rateLimit: 2 });
    const refs = [];
    for (let i = 0; i < 6; i++) refs.push((await post(tenant)).deliveries[0]);
    const done = await Promise.all(refs.map((ref) => delivery(tenant, ref, "succeeded")));
    expect(done.every(({ attempts }) => attempts === 1)).toBe(true);
    const times = done.map(({ attemptLog }) => Date.parse(attemptLog[0].at)).sort((a, b) => a - b);
    // Two at once, then two a second: six take two seconds, less what lies between the grant and the request.
    expect((times[5] as number) - (times[0] as number)).toBeGreaterThan(1_800);
    expect(await receiver.seen()).toHaveLength(6);
  });
});
