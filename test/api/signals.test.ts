import { describe, it } from "vitest";
import { SIGNAL_CATALOG_NAMES, signalCatalogOf } from "../../src/config/rules/signal-catalogs";
import { type Answered, call, newTenant } from "../lib/api";
import { emitted, logged, newSignal, observe, rule, seen } from "../signals/world";

const SCORE = "company.leadScore";

function paths({ body }: Answered): string[] {
  return body.errors.map(({ path }: { path: string }) => path).sort();
}

/** The types that catalog rules emit, observation by observation. */
async function sequence(tenant: string, ...observations: object[]): Promise<string[][]> {
  const types: string[][] = [];
  for (const observation of observations) types.push(await emitted(tenant, observation));
  return types;
}

const atHour = (hours: number) => ({
  at: new Date(Date.parse("2026-01-01T00:00:00Z") + hours * 3_600_000).toISOString(),
});

describe("a signal", () => {
  it("is created, read, changed and deleted", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/signals`;
    const given = {
      name: "Hot",
      emit: "lead.hot",
      entity: "company.domain",
      filter: { "data.country": "DK" },
      when: { crosses: { path: SCORE, threshold: 70 } },
      attach: { before: "previous" },
    };
    const created = await call("POST", path, given);
    expect(created.status).toBe(201);
    const { id, createdAt } = created.body;
    expect(id).toMatch(/^sig_[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(created.body).toEqual({ ...given, id, catalog: null, createdAt, updatedAt: createdAt });
    expect((await call("GET", `${path}/${id}`)).body).toEqual(created.body);
    const bare = await call("POST", path, rule({ once: true }));
    expect(bare.body).toMatchObject({ filter: null, attach: null });
    expect((await call("GET", path)).body).toEqual({ data: [bare.body, created.body], nextCursor: null });
    const first = await call("GET", `${path}?limit=1`);
    expect(first.body.nextCursor).toBe(bare.body.id);
    expect((await call("GET", `${path}?limit=1&cursor=${first.body.nextCursor}`)).body.data).toEqual([created.body]);
    const patched = await call("PATCH", `${path}/${id}`, { filter: null, name: "Warm" });
    expect(patched.body).toEqual({ ...created.body, filter: null, name: "Warm", updatedAt: patched.body.updatedAt });
    expect((await call("DELETE", `${path}/${id}`)).status).toBe(204);
    for (const method of ["GET", "DELETE"]) expect((await call(method, `${path}/${id}`)).status).toBe(404);
    expect((await call("PATCH", `${path}/${id}`, { name: "x" })).status).toBe(404);
  });

  it.for([
    [{}, ["emit", "entity", "name", "when"]],
    [rule({}), ["when"]],
    [rule({ every: true, once: true }), ["when"]],
    [rule({ every: false }), ["when.every"]],
    [rule({ often: true }), ["when.often"]],
    [rule({ crosses: { path: SCORE } }), ["when.crosses.threshold"]],
    [rule({ crosses: { path: SCORE, threshold: "70" } }), ["when.crosses.threshold"]],
    [rule({ crosses: { path: "a..b", threshold: 1 } }), ["when.crosses.path"]],
    [rule({ crosses: { path: "", threshold: 1, below: true } }), ["when.crosses.below", "when.crosses.path"]],
    [rule({ changesBy: { path: ".a", atLeast: 0 } }), ["when.changesBy.atLeast", "when.changesBy.path"]],
    [rule({ changesBy: { path: SCORE, atLeast: -5 } }), ["when.changesBy.atLeast"]],
    [rule({ returnsAfter: { seconds: 0 } }), ["when.returnsAfter.seconds"]],
    [rule({ returnsAfter: { seconds: 366 * 86_400 } }), ["when.returnsAfter.seconds"]],
    [rule({ returnsAfter: 60 }), ["when.returnsAfter"]],
    [rule({ inList: "" }), ["when.inList"]],
    [rule({ inList: ["a"] }), ["when.inList"]],
    [rule({ once: true }, { attach: { a: "previous" } }), ["attach"]],
    [rule({ crosses: { path: SCORE, threshold: 1 } }, { attach: { a: "next" } }), ["attach.a"]],
    [rule({ once: true }, { entity: "a." }), ["entity"]],
    [rule({ once: true }, { emit: "two words" }), ["emit"]],
    [rule({ once: true }, { filter: { "company.domain": "a" } }), ["filter.company.domain"]],
    [rule({ once: true }, { filter: { event: "a" } }), ["filter.event"]],
    [rule({ once: true }, { filter: { "data.a": { $near: 1 } } }), ["filter.data.a.$near"]],
    [rule({ once: true }, { enabled: true }), ["enabled"]],
  ] as const)("that is wrong is refused where it is wrong: %j", async ([body, wrong], { expect }) => {
    const tenant = await newTenant();
    const answer = await call("POST", `/v1/tenants/${tenant}/signals`, body);
    expect([answer.status, paths(answer)]).toEqual([422, wrong]);
    const tried = await call("POST", `/v1/tenants/${tenant}/signals/test`, { rule: body, observations: [{}] });
    expect([tried.status, paths(tried)]).toEqual([422, wrong.map((path) => `rule.${path}`)]);
    expect((await call("GET", `/v1/tenants/${tenant}/signals`)).body.data).toEqual([]);
  });

  it("is not changed into one that attaches what it does not compare", async ({ expect }) => {
    const tenant = await newTenant();
    const id = await newSignal(tenant, { crosses: { path: SCORE, threshold: 1 } }, { attach: { a: "current" } });
    const answer = await call("PATCH", `/v1/tenants/${tenant}/signals/${id}`, { when: { once: true } });
    expect([answer.status, paths(answer)]).toEqual([422, ["attach"]]);
    const both = { when: { once: true }, attach: null };
    expect((await call("PATCH", `/v1/tenants/${tenant}/signals/${id}`, both)).body).toMatchObject(both);
  });

  it("that is changed holds from then on, and fires nothing of the past again", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/signals/`;
    const hot = (threshold: number) => ({ when: { crosses: { path: SCORE, threshold } } });
    const crossing = await newSignal(tenant, hot(70).when, { emit: "hot" });
    const once = await newSignal(tenant, { once: true }, { emit: "once" });
    expect(await sequence(tenant, seen("a.com", 65), seen("a.com", 72))).toEqual([["once"], ["hot"]]);
    await call("PATCH", path + crossing, hot(60));
    await call("PATCH", path + once, { name: "x", emit: "renamed", when: { every: true } });
    expect(await sequence(tenant, seen("a.com", 71))).toEqual([["renamed"]]);
    await call("PATCH", path + crossing, hot(80));
    await call("PATCH", path + once, { when: { once: true } });
    expect(await sequence(tenant, seen("a.com", 79), seen("a.com", 80))).toEqual([[], ["hot"]]);
  });

  it("that is deleted takes its memory along: another like it knows nothing", async ({ expect }) => {
    const tenant = await newTenant();
    const id = await newSignal(tenant, { once: true });
    expect(await emitted(tenant, seen("a.com"))).toEqual(["it.fired"]);
    await call("DELETE", `/v1/tenants/${tenant}/signals/${id}`);
    expect(await emitted(tenant, seen("a.com"))).toEqual([]);
    await newSignal(tenant, { once: true });
    expect(await sequence(tenant, seen("a.com"), seen("a.com"))).toEqual([["it.fired"], []]);
  });

  it("is one of 100 at most", async ({ expect }) => {
    const tenant = await newTenant();
    await Promise.all(Array.from({ length: 96 }, () => newSignal(tenant, { once: true })));
    expect((await call("POST", `/v1/tenants/${tenant}/signals/catalogs/clearview`)).status).toBe(409);
    for (let i = 0; i < 4; i++) await newSignal(tenant, { once: true });
    expect((await call("POST", `/v1/tenants/${tenant}/signals`, rule({ once: true }))).status).toBe(409);
    expect((await observe(tenant, seen("a.com"))).body.events).toHaveLength(100);
  });
});

describe("a vendor's signals", () => {
  it("are there for those whose pages say when events fire", async ({ expect }) => {
    const tenant = await newTenant();
    expect(SIGNAL_CATALOG_NAMES).toEqual(["clearview", "clarm", "snitcher", "visits"]);
    for (const none of ["finder", "standard", "nobody", "constructor"]) {
      expect((await call("POST", `/v1/tenants/${tenant}/signals/catalogs/${none}`)).status, none).toBe(404);
    }
    for (const profile of SIGNAL_CATALOG_NAMES) {
      const { status, body } = await call("POST", `/v1/tenants/${tenant}/signals/catalogs/${profile}`);
      expect(status).toBe(201);
      const emits = body.data.map(({ emit }: { emit: string }) => emit);
      expect(emits).toEqual(signalCatalogOf(profile)?.map(({ emit }) => emit));
      expect(body.data.every(({ catalog }: { catalog: string }) => catalog === profile)).toBe(true);
      // As they could be posted.
      for (const { id, catalog, createdAt, updatedAt, ...given } of body.data) {
        expect((await call("POST", `/v1/tenants/${tenant}/signals`, given)).status, given.name).toBe(201);
      }
    }
  });

  it("installed again stay as the tenant changed them, and what was deleted comes back", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/signals`;
    const first = await call("POST", `${path}/catalogs/clearview`);
    const [identified, hot] = first.body.data;
    const changed = { when: { crosses: { path: SCORE, threshold: 85 } }, emit: "lead.burning" };
    await call("PATCH", `${path}/${hot.id}`, changed);
    const again = await call("POST", `${path}/catalogs/clearview`);
    expect(again.status).toBe(200);
    expect(again.body.data).toHaveLength(6);
    expect(again.body.data[1]).toMatchObject({ ...changed, id: hot.id });
    await call("DELETE", `${path}/${identified.id}`);
    const third = await call("POST", `${path}/catalogs/clearview`);
    expect(third.status).toBe(201);
    expect((await call("GET", path)).body.data).toHaveLength(6);
    const { body } = await call("GET", `/v1/audit?tenant=${tenant}`);
    const actions = body.data.map(({ action }: { action: string }) => action);
    expect(actions.filter((action: string) => action === "signals.installed")).toHaveLength(2);
  });

  it("fire as ClearView's page says", async ({ expect }) => {
    const tenant = await newTenant();
    await call("POST", `/v1/tenants/${tenant}/signals/catalogs/clearview`);
    await call("POST", `/v1/tenants/${tenant}/lists`, { name: "watchlist", items: ["b.com"] });
    const a = (score: number, hours: number) => seen("a.com", score, atHour(hours));
    expect(await sequence(tenant, a(66, 0), a(70, 1), a(71, 2), a(71, 26), seen("b.com", 1), a(64, 26))).toEqual([
      ["company.identified", "page_view"],
      ["lead.hot", "page_view"],
      ["lead.score_changed", "page_view"],
      ["visitor.returning", "page_view"],
      ["company.identified", "watchlist.hit", "page_view"],
      ["lead.score_changed", "page_view"],
    ]);
    const changed = (await logged(tenant)).find(({ event }) => event === "lead.score_changed");
    const { body } = await call("GET", `/v1/tenants/${tenant}/events/${changed?.id}`);
    expect(body.data).toMatchObject({ previousScore: 66, newScore: 71 });
  });

  it("fire as the other vendors' pages say", async ({ expect }) => {
    const tenant = await newTenant();
    for (const profile of ["clarm", "snitcher", "visits"]) {
      await call("POST", `/v1/tenants/${tenant}/signals/catalogs/${profile}`);
    }
    const v = { visitor_id: "v_1" };
    const company = { company: { name: "Acme" } };
    expect(await sequence(tenant, v, { ...v, ...company }, { ...v, ...company, intent_score: 70 })).toEqual([
      [],
      ["visitor_enriched"],
      ["high_intent_visitor"],
    ]);
    const lead = (hours: number) => seen("a.com", undefined, atHour(hours));
    expect(await sequence(tenant, lead(0), lead(0.4), lead(0.9), lead(1))).toEqual([
      ["new_lead"],
      [],
      ["new_session"],
      [],
    ]);
    const visit = (id: string) => ({ visitor: { id } });
    expect(await sequence(tenant, visit("1"), visit("1"), visit("2"))).toEqual([
      ["NEW_VISIT", "NEW_VISITOR"],
      ["NEW_VISIT"],
      ["NEW_VISIT", "NEW_VISITOR"],
    ]);
  });
});

describe("a dry run", () => {
  it("says what rules that are not saved would emit, and stores nothing", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/signals/test`;
    const changes = rule({ changesBy: { path: SCORE, atLeast: 5 } }, { attach: { from: "previous", to: "current" } });
    const observations = [seen("a.com", 1), seen("b.com", 9), seen("a.com", 6), { company: 1 }];
    const { status, body } = await call("POST", path, { rule: changes, observations });
    expect(status).toBe(200);
    const skipped = [{ rule: "rule", path: "company.domain", reason: expect.any(String) }];
    expect(body).toEqual({
      data: [
        { events: [] },
        { events: [] },
        { events: [{ rule: "rule", event: "it.fired", data: { ...seen("a.com", 6), from: 1, to: 6 } }] },
        { events: [], skipped },
      ],
    });
    const several = await call("POST", path, { rules: [rule({ once: true }), rule({ every: true })], observations });
    const fired = several.body.data.map(({ events }: { events: { rule: string }[] }) => events.map((one) => one.rule));
    expect(fired).toEqual([["rules.0", "rules.1"], ["rules.0", "rules.1"], ["rules.1"], []]);
    expect((await call("GET", `/v1/tenants/${tenant}/signals`)).body.data).toEqual([]);
    expect(await logged(tenant)).toEqual([]);
  });

  it("tries the saved rules when none are given, as for entities that are not known", async ({ expect }) => {
    const tenant = await newTenant();
    await call("POST", `/v1/tenants/${tenant}/lists`, { name: "l", items: ["a.com"] });
    const once = await newSignal(tenant, { once: true });
    const listed = await newSignal(tenant, { inList: "l" });
    expect(await emitted(tenant, seen("a.com"))).toHaveLength(2);
    const observations = [seen("a.com"), seen("b.com"), seen("a.com")];
    for (let i = 0; i < 2; i++) {
      const { body } = await call("POST", `/v1/tenants/${tenant}/signals/test`, { observations });
      const fired = body.data.map(({ events }: { events: { rule: string }[] }) => events.map((one) => one.rule));
      expect(fired).toEqual([[once, listed], [once], [listed]]);
    }
    expect(await emitted(tenant, seen("b.com"))).toEqual(["it.fired"]);
    const both = { rule: rule({ once: true }), rules: [rule({ once: true })], observations };
    expect(paths(await call("POST", `/v1/tenants/${tenant}/signals/test`, both))).toEqual(["rules"]);
  });

  it("goes by the observations' own times, and keeps their text", async ({ expect }) => {
    const tenant = await newTenant();
    const observations = [0, 2, 3].map((hours) => seen("a.com", 1, atHour(hours)));
    const answer = await call("POST", `/v1/tenants/${tenant}/signals/test`, {
      rule: rule({ returnsAfter: { seconds: 7_200 } }, { attach: { since: "previous" } }),
      observations,
    });
    expect(answer.body.data.map(({ events }: { events: unknown[] }) => events.length)).toEqual([0, 1, 0]);
    expect(answer.body.data[1].events[0].data.since).toBe("2026-01-01T00:00:00.000Z");
    const text = '{"company":{"domain":"a"},"n":1.0, "since":12345678901234567890}';
    const body = `{"rule":${JSON.stringify(rule({ every: true }))},"observations":[${text}]}`;
    expect((await call("POST", `/v1/tenants/${tenant}/signals/test`, body)).text).toContain(text);
  });
});
