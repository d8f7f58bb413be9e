import { afterEach, describe, it, vi } from "vitest";
import { type Answered, call, newTenant, post } from "../lib/api";

function list(tenant: string, query = ""): Promise<Answered> {
  return call("GET", `/v1/tenants/${tenant}/events${query}`);
}

/** Every page from the first on, and the ids on them in their order. */
async function walk(tenant: string, query: string): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let cursor = "";
  for (let pages = 1; ; pages++) {
    const { body } = await list(tenant, `${query}${cursor}`);
    ids.push(...body.data.map(({ id }: { id: string }) => id));
    if (body.nextCursor === null) return { ids, pages };
    cursor = `&cursor=${body.nextCursor}`;
    if (pages > 50) throw new Error("the list does not end");
  }
}

describe("the list of events", () => {
  it("is newest first, without data and deliveries, page by page", async ({ expect }) => {
    const tenant = await newTenant();
    const posted: string[] = [];
    for (let i = 0; i < 7; i++) posted.push((await post(tenant, `e.${i % 2}`)).id);
    const newest = posted.toReversed();
    const { status, body } = await list(tenant);
    expect(status).toBe(200);
    expect(body.data[0]).toEqual({ id: newest[0], event: "e.0", timestamp: expect.any(String) });
    expect(body.data.map(({ id }: { id: string }) => id)).toEqual(newest);
    expect(body.nextCursor).toBeNull();
    expect(await walk(tenant, "?limit=3")).toEqual({ ids: newest, pages: 3 });
    const odd = newest.filter((_, i) => i % 2 === 1);
    expect((await walk(tenant, "?limit=2&event=e.1")).ids).toEqual(odd);
  });

  it("knows nothing of other tenants, and is empty for a new one", async ({ expect }) => {
    const [one, two] = [await newTenant(), await newTenant()];
    await post(one);
    expect((await list(two)).body).toEqual({ data: [], nextCursor: null });
    expect((await list("nobody")).status).toBe(404);
  });

  it("refuses wrong values", async ({ expect }) => {
    const tenant = await newTenant();
    for (const [query, path] of [
      ["limit=0", "limit"],
      ["limit=251", "limit"],
      ["event=no%20spaces", "event"],
      ["since=yesterday", "since"],
      ["until=1", "until"],
      ["cursor=evt_x", "cursor"],
    ]) {
      const answer = await list(tenant, `?${query}`);
      expect(answer.status, query).toBe(422);
      expect(answer.body.errors[0].path).toBe(path);
    }
  });
});

describe("the list of events over days", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  function at(time: string): void {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(new Date(time));
  }

  it("goes back day by day, at most seven for a page, and ends with the tenant's beginning", async ({ expect }) => {
    at("2027-03-01T12:00:00.000Z");
    const tenant = await newTenant();
    const posted: string[] = [];
    for (const time of ["2027-03-01T12:01:00.000Z", "2027-03-01T23:59:59.999Z", "2027-03-02T00:00:00.000Z"]) {
      at(time);
      posted.push((await post(tenant)).id);
    }
    at("2027-03-20T12:00:00.000Z");
    posted.push((await post(tenant)).id);
    const first = await list(tenant);
    expect(first.body.data.map(({ id }: { id: string }) => id)).toEqual([posted[3]]);
    expect(first.body.nextCursor).not.toBeNull();
    const empty = await list(tenant, `?cursor=${first.body.nextCursor}`);
    expect(empty.body.data).toEqual([]);
    expect(empty.body.nextCursor).not.toBeNull();
    expect(await walk(tenant, "?limit=50")).toEqual({ ids: posted.toReversed(), pages: 3 });
    expect((await walk(tenant, "?limit=1")).ids).toEqual(posted.toReversed());
  });

  it("filters by the time of acceptance, whatever time the event tells of", async ({ expect }) => {
    at("2027-03-01T12:00:00.000Z");
    const tenant = await newTenant();
    const ids: string[] = [];
    for (const time of ["2027-03-01T12:00:00.000Z", "2027-03-02T12:00:00.000Z", "2027-03-03T12:00:00.000Z"]) {
      at(time);
      const body = { event: "e", data: {}, timestamp: "2020-01-01T00:00:00Z" };
      ids.push((await call("POST", `/v1/tenants/${tenant}/events`, body)).body.id);
    }
    const between = async (query: string) => (await walk(tenant, `?${query}`)).ids;
    // Inclusive and exclusive, to the millisecond.
    expect(await between("since=2027-03-02T12:00:00.000Z")).toEqual([ids[2], ids[1]]);
    expect(await between("since=2027-03-02T12:00:00.001Z")).toEqual([ids[2]]);
    expect(await between("until=2027-03-02T12:00:00.000Z")).toEqual([ids[0]]);
    expect(await between("until=2027-03-02T12:00:00.001Z")).toEqual([ids[1], ids[0]]);
    expect(await between("since=2027-03-02T00:00:00Z&until=2027-03-03T00:00:00Z")).toEqual([ids[1]]);
    expect(await between("since=2027-03-02T12:00:00Z&until=2027-03-02T12:00:00Z")).toEqual([]);
    expect(await between("since=2028-01-01T00:00:00Z")).toEqual([]);
    expect(await between("until=2026-01-01T00:00:00Z")).toEqual([]);
  });

  it("goes back no more than 31 days", async ({ expect }) => {
    at("2027-03-01T12:00:00.000Z");
    const tenant = await newTenant();
    const old = await post(tenant);
    at("2027-04-01T11:00:00.000Z");
    expect((await walk(tenant, "?limit=50")).ids).toEqual([old.id]);
    at("2027-04-02T12:00:00.000Z");
    expect((await walk(tenant, "?limit=50")).ids).toEqual([]);
  });
});
