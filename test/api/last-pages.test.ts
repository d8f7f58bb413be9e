import { afterEach, describe, it, vi } from "vitest";
import { call, delivery, newTenant, post } from "../lib/api";
import { operationsOf, theDocument } from "./operations";
import { newKey, newWorld, pathIn, type World } from "./world";

/** The lists of the document. */
const LISTS = operationsOf(await theDocument()).filter(
  ({ method, responses }) =>
    method === "GET" && responses[200]?.content?.["application/json"]?.schema?.properties?.nextCursor,
);

/** Filters of some of them that leave something out of what the test makes. */
const FILTERS: Record<string, string[]> = {
  listEvents: ["event=paged"],
  listDeliveries: ["event=paged", "status=succeeded", "code=2xx"],
  listEndpointDeliveries: ["event=paged", "status=succeeded", "code=2xx"],
};

/** A world with two more of each thing that is listed, and the two oldest deliveries of another type and outcome. */
async function listed(): Promise<World> {
  const world = await newWorld();
  const { tenant = "", endpoint = "" } = world;
  const at = `/v1/tenants/${tenant}`;
  for (const name of ["b", "c"]) {
    await call("POST", `${at}/segments`, { name, filter: {} });
    await call("POST", `${at}/lists`, { name });
    await call("POST", `${at}/portal-links`, {});
    await newKey(tenant, "viewer");
    await call("POST", `${at}/automations`, { name, trigger: "a", actions: [{ type: "webhook", endpoint }] });
    await call("POST", `${at}/signals`, { name, emit: "a", entity: "a", when: { once: true } });
    await call("POST", `${at}/endpoints`, { url: `https://${name}.example/`, events: [] });
    await call("PUT", `/v1/event-types/${tenant}.${name}`, {});
    await newTenant();
    const [ref] = (await post(tenant, "paged")).deliveries;
    await delivery(tenant, ref, "succeeded");
  }
  return world;
}

describe("a page that is just full, and the last", () => {
  const cases = LISTS.flatMap((list) =>
    ["", ...(FILTERS[list.id] ?? [])].map((filter) => ({ list, filter, name: `${list.id} ${filter}`.trim() })),
  );

  it("is asked for of every list, also where its filter leaves something out", async ({ expect }) => {
    expect(LISTS.length).toBeGreaterThan(9);
    const ids = LISTS.map(({ id }) => id);
    for (const id of Object.keys(FILTERS)) expect(ids).toContain(id);
    const world = await listed();
    const surprises: string[] = [];
    for (const { list, filter, name } of cases) {
      const page = async (limit: number, cursor = "") => {
        const query = [`limit=${limit}`, filter, cursor && `cursor=${encodeURIComponent(cursor)}`].filter(Boolean);
        const { status, body, headers } = await call("GET", `${pathIn(world, list)}?${query.join("&")}`);
        if (status !== 200) throw new Error(`${name} was answered ${status}`);
        return { ...body, hasLink: headers.has("Link") } as { data: unknown[]; nextCursor: string; hasLink: boolean };
      };
      const all = (await page(250)).data;
      const count = all.length;
      if (count < 2) surprises.push(`${name} has ${count}: the test makes too few`);
      const full = await page(count);
      if (full.nextCursor !== null || full.hasLink) surprises.push(`${name}: the last page of ${count} has a cursor`);
      const first = await page(count - 1);
      if (first.nextCursor === null || !first.hasLink)
        surprises.push(`${name}: ${count - 1} of ${count} have no cursor`);
      // The rest is just full as well.
      const rest = await page(1, first.nextCursor);
      if (rest.nextCursor !== null) surprises.push(`${name}: the last page of one has a cursor`);
      expect([...first.data, ...rest.data], name).toEqual(all);
    }
    expect(surprises).toEqual([]);
  });
});

describe("the last page of events over days", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is known as such though the days before are asked for it", async ({ expect }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(new Date("2027-03-01T12:00:00.000Z"));
    const tenant = await newTenant();
    const first = await post(tenant);
    vi.setSystemTime(new Date("2027-03-03T12:00:00.000Z"));
    const second = await post(tenant);
    const page = async (query: string) => (await call("GET", `/v1/tenants/${tenant}/events?${query}`)).body;
    expect(await page("limit=2")).toMatchObject({ data: [{ id: second.id }, { id: first.id }], nextCursor: null });
    const newest = await page("limit=1");
    expect(newest.data).toEqual([expect.objectContaining({ id: second.id })]);
    expect(await page(`limit=1&cursor=${newest.nextCursor}`)).toMatchObject({
      data: [{ id: first.id }],
      nextCursor: null,
    });
    // Two days before it without any: nothing more is there.
    vi.setSystemTime(new Date("2027-03-05T12:00:00.000Z"));
    expect(await page("limit=2")).toMatchObject({ nextCursor: null });
    expect(await page("limit=1&since=2027-03-02T00:00:00Z")).toMatchObject({ nextCursor: null });
  });
});
