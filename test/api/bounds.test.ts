import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { MAX_LOADED_BYTES, MAX_OF_EACH } from "../../src/config/limits";
import { invalidateSnapshot } from "../../src/config/snapshot";
import { MAX_FILTER_BYTES } from "../../src/lib/filter/filter-errors";
import { type Answered, call, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { rule } from "../signals/world";

const URL = "https://receiver.example/";

/** A filter over `field` whose JSON has so many bytes. */
function filterOf(bytes: number, field = "data.x"): object {
  const empty = JSON.stringify({ [field]: "" }).length;
  return { [field]: "x".repeat(bytes - empty) };
}

/** A tenant, and what saves each thing that has a filter. */
async function world() {
  const tenant = await newTenant();
  const path = `/v1/tenants/${tenant}`;
  const create = {
    endpoint: (filter: object) => call("POST", `${path}/endpoints`, { url: URL, events: ["a"], filter }),
    segment: (filter: object) => call("POST", `${path}/segments`, { name: "s", filter }),
    signal: (filter: object) => call("POST", `${path}/signals`, rule({ once: true }, { filter })),
    automation: (body: object = {}) => call("POST", `${path}/automations`, { name: "a", trigger: "a", ...body }),
  };
  return { tenant, path, create };
}

const told = ({ status, body }: Answered) => [status, body.errors?.map(({ path }: { path: string }) => path)];

describe("a filter", () => {
  it.for(["endpoint", "segment", "signal"] as const)(
    "has at most 16 KB of JSON, in bytes: that of an endpoint, a segment, a signal (%s)",
    async (kind, { expect }) => {
      const { path, create } = await world();
      const kept = await create[kind](filterOf(MAX_FILTER_BYTES));
      expect(kept.status).toBe(201);
      const wide = { "data.x": "é".repeat(MAX_FILTER_BYTES / 2) };
      for (const filter of [filterOf(MAX_FILTER_BYTES + 1), wide]) {
        for (const answer of [
          await create[kind](filter),
          await call("PATCH", `${path}/${kind}s/${kept.body.id}`, { filter }),
        ]) {
          expect(told(answer)).toEqual([422, ["filter"]]);
          expect(answer.body.errors[0].message).toContain(String(MAX_FILTER_BYTES));
        }
      }
      const { body } = await call("GET", `${path}/${kind}s/${kept.body.id}`);
      expect(body.filter).toEqual(filterOf(MAX_FILTER_BYTES));
    },
  );

  it("that is larger since before goes on working, lets the rest be changed, and is not saved again", async ({
    expect,
  }) => {
    const { tenant, path, create } = await world();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const segment = (await create.segment({ "data.y": 1 })).body.id;
    const large = { "data.x": { $in: Array.from({ length: 1_000 }, (_, i) => `value number ${i} of a list`) } };
    const store = async (table: string, which: string) => {
      await env.DB.prepare(`UPDATE ${table} SET filter = ? WHERE id = ?`).bind(JSON.stringify(large), which).run();
      invalidateSnapshot(tenant);
    };
    await store("endpoints", id);
    await store("segments", segment);
    const actions = [{ type: "webhook", endpoint: id }];
    expect((await create.automation({ segment, actions })).status).toBe(201);
    expect((await post(tenant, "lead.hot", { x: "value number 7 of a list" })).deliveries).toHaveLength(1);
    expect((await post(tenant, "lead.hot", { x: "another" })).deliveries).toHaveLength(0);
    for (const what of [`endpoints/${id}`, `segments/${segment}`]) {
      expect((await call("PATCH", `${path}/${what}`, { name: "renamed" })).status).toBe(200);
      expect(told(await call("PATCH", `${path}/${what}`, { filter: large }))).toEqual([422, ["filter"]]);
      expect((await call("GET", `${path}/${what}`)).body).toMatchObject({ name: "renamed", filter: large });
    }
  });
});

describe("what is matched of a tenant", () => {
  /** A tenant whose load is so many bytes, in signals, and what another may have besides. */
  async function loaded(bytes: number) {
    const { tenant, path, create } = await world();
    const [segment, endpoint] = [(await create.segment({ event: "a" })).body.id, (await create.endpoint({})).body.id];
    const signal = (await create.signal({})).body.id;
    const insert = env.DB.prepare("UPDATE signals SET filter = ? WHERE id = ?");
    await insert.bind(JSON.stringify(filterOf(bytes)), signal).run();
    return { tenant, path, create, segment, endpoint, signal };
  }

  it("is at most 256 KB: what would make it more is refused, wherever it is saved", async ({ expect }) => {
    const { tenant, path, create, segment, endpoint, signal } = await loaded(MAX_LOADED_BYTES - 10_000);
    const large = filterOf(12_000);
    // A segment that nobody uses is not loaded.
    expect((await create.segment(large)).status).toBe(201);
    const unused = (await create.segment(large)).body.id;
    const actions = [{ type: "webhook", endpoint }];
    const reveal = [{ type: "reveal_contacts", endpoint, persona: unused }];
    const automation = (await create.automation({ segment, actions })).body.id;
    const before = await everything(path);
    const refused: [Answered, string][] = [
      [await create.endpoint(large), "filter"],
      [await call("PATCH", `${path}/endpoints/${endpoint}`, { filter: large }), "filter"],
      [await call("PATCH", `${path}/endpoints/${endpoint}`, { events: longEvents() }), "events"],
      [await create.signal(large), "filter"],
      [await call("PATCH", `${path}/segments/${segment}`, { filter: large }), "filter"],
      [await create.automation({ segment: unused, actions }), "segment"],
      [await create.automation({ actions: reveal }), "actions"],
      [await call("PATCH", `${path}/automations/${automation}`, { segment: unused }), "segment"],
      [await call("PATCH", `${path}/automations/${automation}`, { actions: reveal }), "actions"],
    ];
    for (const [answer, field] of refused) {
      expect(told(answer)).toEqual([422, [field]]);
      expect(answer.body.errors[0].message).toContain(String(MAX_LOADED_BYTES));
    }
    expect(await everything(path)).toEqual(before);
    const { body: audit } = await call("GET", `/v1/audit?tenant=${tenant}`);
    expect(audit.data.filter(({ action }: { action: string }) => action.endsWith(".updated"))).toEqual([]);
    // As large as what is left.
    expect((await create.endpoint(filterOf(5_000))).status).toBe(201);
    expect((await call("PATCH", `${path}/signals/${signal}`, { filter: filterOf(16_000) })).status).toBe(200);
    expect((await create.automation({ segment: unused, actions })).status).toBe(201);
  });

  it("that is more since before may stay and become less, not more", async ({ expect }) => {
    const { path, create, endpoint, signal } = await loaded(MAX_LOADED_BYTES + 50_000);
    expect((await call("PATCH", `${path}/signals/${signal}`, { name: "other" })).status).toBe(200);
    expect((await call("PATCH", `${path}/endpoints/${endpoint}`, { name: "other" })).status).toBe(200);
    expect((await call("PATCH", `${path}/endpoints/${endpoint}`, { events: [] })).status).toBe(200);
    expect(told(await call("PATCH", `${path}/endpoints/${endpoint}`, { events: ["more"] }))).toEqual([422, ["events"]]);
    expect(told(await call("POST", `${path}/signals/catalogs/clearview`))).toEqual([422, [""]]);
    expect(told(await create.automation({ actions: [{ type: "webhook", endpoint }] }))).toEqual([422, ["actions"]]);
    expect((await call("GET", `${path}/signals`)).body.data).toHaveLength(1);
  });

  it("counts a segment once, however many automations use it", async ({ expect }) => {
    const { path, create, endpoint } = await loaded(MAX_LOADED_BYTES - 40_000);
    const segment = (await create.segment(filterOf(16_000))).body.id;
    const actions = [{ type: "webhook", endpoint }];
    for (let i = 0; i < 5; i++) expect((await create.automation({ segment, actions })).status).toBe(201);
    expect((await call("GET", `${path}/automations`)).body.data).toHaveLength(5);
  });

  it("does not pass its limit by simultaneous changes", async ({ expect }) => {
    const { path, create } = await loaded(MAX_LOADED_BYTES - 30_000);
    const answers = await Promise.all(Array.from({ length: 8 }, () => create.endpoint(filterOf(9_000))));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 422, 422, 422, 422, 422]);
    expect((await call("GET", `${path}/endpoints`)).body.data).toHaveLength(4);
  });
});

/** Event types that take more than 10 KB. */
function longEvents(): string[] {
  return Array.from({ length: 100 }, (_, i) => `${i}${"x".repeat(120)}`);
}

async function everything(path: string): Promise<string[]> {
  const lists = ["endpoints", "segments", "automations", "signals"];
  return Promise.all(lists.map(async (list) => (await call("GET", `${path}/${list}`)).text));
}

describe("of each kind", () => {
  it.for(["segments", "automations", "signals", "lists"] as const)(
    "a tenant has at most 100 %s, also when they are created at once",
    async (kind, { expect }) => {
      const { path, create } = await world();
      const endpoint = (await create.endpoint({})).body.id;
      const body = (i: number) =>
        ({
          segments: { name: "s", filter: {} },
          automations: { name: "a", trigger: "a", actions: [{ type: "webhook", endpoint }] },
          signals: rule({ once: true }),
          lists: { name: `l${i}` },
        })[kind];
      const answers = await Promise.all(
        Array.from({ length: MAX_OF_EACH + 5 }, (_, i) => call("POST", `${path}/${kind}`, body(i))),
      );
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(MAX_OF_EACH);
      const refused = answers.filter(({ status }) => status === 409);
      expect(refused).toHaveLength(5);
      expect(refused[0]?.body.detail).toBe(`A tenant has at most 100 ${kind}.`);
      const { body: page } = await call("GET", `${path}/${kind}?limit=250`);
      expect(page.data).toHaveLength(MAX_OF_EACH);
      const [first] = page.data;
      await call("DELETE", `${path}/${kind}/${kind === "lists" ? first.name : first.id}`);
      expect((await call("POST", `${path}/${kind}`, body(1_000))).status).toBe(201);
    },
  );
});
