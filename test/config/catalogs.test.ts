import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { CATALOG_NAMES, catalogOf } from "../../src/config/catalogs/catalogs";
import { sampleOf, warningsFor } from "../../src/config/catalogs/event-types";
import { PROFILE_NAMES } from "../../src/config/endpoints/profiles";
import { compile } from "../../src/lib/json/json-schema";
import { checkSchema } from "../../src/lib/json/json-schema-check";
import { call, fresh } from "../lib/api";

/** The events that the vendors' pages list. */
const VENDORS: Record<string, string[]> = {
  clearview: [
    "company.identified",
    "lead.hot",
    "lead.score_changed",
    "watchlist.hit",
    "visitor.returning",
    "page_view",
  ],
  clarm: ["purchase", "identify", "goal_achieved", "enterprise_alert", "visitor_enriched", "high_intent_visitor"],
  finder: ["save_lead"],
  snitcher: ["new_lead", "new_session", "contact_revealed"],
  visits: ["NEW_VISIT", "NEW_VISITOR"],
};

const all = Object.keys(VENDORS).flatMap((profile) => [...(catalogOf(profile) ?? [])]);
const sample = (name: string) => all.find((type) => type.name === name)?.sample as never;

/** Makes every place strict and every field required: what a sample that is complete satisfies. */
function inFull(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inFull);
  if (typeof schema !== "object" || schema === null) return schema;
  const whole = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, inFull(value)]));
  if (typeof whole.properties !== "object" || whole.type !== "object") return whole;
  return { ...whole, required: Object.keys(whole.properties as object), additionalProperties: false };
}

describe("the vendors' catalogs", () => {
  it("have every event of the vendors' pages, and no other", ({ expect }) => {
    expect([...CATALOG_NAMES]).toEqual(Object.keys(VENDORS));
    for (const [profile, names] of Object.entries(VENDORS)) {
      expect(
        catalogOf(profile)?.map(({ name }) => name),
        profile,
      ).toEqual(names);
      expect(PROFILE_NAMES as string[]).toContain(profile);
    }
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  it("warn of page views alone", ({ expect }) => {
    expect(all.filter(({ highVolume }) => highVolume).map(({ name }) => name)).toEqual(["page_view"]);
  });

  it.for(all.map((type) => [type.name, type] as const))("describe %s completely", ([, type], { expect }) => {
    expect(type.title).toMatch(/^[A-Z].{3,60}$/);
    expect(type.description).toMatch(/^[A-Z].{20,400}\.$/s);
    expect(type.group).toMatch(/^[A-Z][a-z]+$/);
    expect(typeof type.sample === "object" && type.sample !== null).toBe(true);
    expect(checkSchema(type.schema)).toEqual([]);
    expect(compile(JSON.stringify(type.schema))(type.sample)).toEqual([]);
  });

  // Events that the page shows with fewer of the company's fields, or contacts and leads that lack one.
  const partial = new Set([
    "lead.score_changed",
    "page_view",
    "visitor_enriched",
    "high_intent_visitor",
    "new_lead",
    "new_session",
    "contact_revealed",
  ]);
  const whole = all.filter(({ name }) => !partial.has(name));
  it.for(whole.map((type) => [type.name, type] as const))(
    "have every field in the sample of %s",
    ([, type], { expect }) => {
      expect(compile(JSON.stringify(inFull(type.schema)))(type.sample)).toEqual([]);
    },
  );

  it("keep the pages' facts", ({ expect }) => {
    expect(sample("company.identified")).toMatchObject({ company: { name: "Acme Corp", leadScore: 87 } });
    expect(sample("lead.score_changed")).toMatchObject({ previousScore: 78, newScore: 92 });
    expect(sample("purchase")).toMatchObject({ amount: 299, currency: "USD", plan: "growth" });
    expect(sample("new_lead")).toMatchObject({ id: 31519477, recent_sessions: [{ total_duration: 14 }] });
    expect(sample("contact_revealed")).toMatchObject([{ company: { annual_revenue: 7867000, total_funding: null } }]);
    expect(sample("NEW_VISIT")).toMatchObject({ screen: { touch: "true" }, device: { hardwareConcurrency: "6" } });
    const revealed = all.find(({ name }) => name === "contact_revealed")?.description;
    expect(revealed).toContain("`contact_revealed`");
    expect(revealed).toContain("`contacts.revealed`");
  });

  it("take one subject or a list of them from snitcher", ({ expect }) => {
    for (const type of catalogOf("snitcher") ?? []) {
      const check = compile(JSON.stringify(type.schema));
      const [subject] = [type.sample].flat();
      expect(check(subject)).toEqual([]);
      expect(check([subject, subject])).toEqual([]);
      expect(check([subject, { company: {} }]).map(({ path }) => path)).toContain("1.company.name");
    }
  });
});

describe("a sample", () => {
  it("is the registered type's, else the catalog's of the profile, else any catalog's", async ({ expect }) => {
    const name = fresh("own");
    expect(await sampleOf(env.DB, "clearview", name)).toBeNull();
    await call("PUT", `/v1/event-types/${name}`, `{"sample":{"2":1.0,"1":[]}}`);
    expect(await sampleOf(env.DB, "clearview", name)).toBe('{"2":1.0,"1":[]}');
    expect(JSON.parse((await sampleOf(env.DB, "visits", "NEW_VISIT")) ?? "")).toEqual(sample("NEW_VISIT"));
    expect(JSON.parse((await sampleOf(env.DB, "standard", "save_lead")) ?? "")).toEqual(sample("save_lead"));
    await call("PUT", "/v1/event-types/save_lead", { title: "Ours, without a sample" });
    expect(JSON.parse((await sampleOf(env.DB, "finder", "save_lead")) ?? "")).toEqual(sample("save_lead"));
    await call("PUT", "/v1/event-types/save_lead", { sample: [] });
    expect(await sampleOf(env.DB, "finder", "save_lead")).toBe("[]");
    await call("DELETE", "/v1/event-types/save_lead");
  });
});

describe("warnings", () => {
  const warnings = (...events: string[]) => warningsFor(env.DB, events, Date.now());

  it("are a sentence for each type of high volume and each deprecated one", async ({ expect }) => {
    const [busy, old, both, calm] = ["busy", "old", "both", "calm"].map(fresh) as [string, string, string, string];
    expect(await warnings("*", busy, old, both, calm)).toEqual([]);
    await call("PUT", `/v1/event-types/${busy}`, { highVolume: true });
    await call("PUT", `/v1/event-types/${old}`, { deprecated: true });
    await call("PUT", `/v1/event-types/${both}`, { highVolume: true, deprecated: true });
    await call("PUT", `/v1/event-types/${calm}`, {});
    expect(await warnings(calm, "unheard.of")).toEqual([]);
    const told = await warnings(busy, calm, old, both);
    expect(told).toEqual([
      expect.stringMatching(new RegExp(`^${busy} is a high-volume .*\\.$`)),
      expect.stringMatching(new RegExp(`^${old} is deprecated.*\\.$`)),
      expect.stringMatching(new RegExp(`^${both} is a high-volume .*\\.$`)),
      expect.stringMatching(new RegExp(`^${both} is deprecated.*\\.$`)),
    ]);
    const [star, ...more] = await warnings("*");
    expect(star).toContain(busy);
    expect(star).toContain(both);
    expect(star).not.toContain(calm);
    expect(more).toEqual([]);
    for (const name of [busy, old, both, calm]) await call("DELETE", `/v1/event-types/${name}`);
    expect(await warnings("*", busy, old)).toEqual([]);
  });

  it("know a vendor's page views before its catalog is installed, unless the operator says otherwise", async ({
    expect,
  }) => {
    expect(await warnings("page_view", "lead.hot")).toHaveLength(1);
    await call("PUT", "/v1/event-types/page_view", { highVolume: false });
    expect(await warnings("page_view")).toEqual([]);
    await call("DELETE", "/v1/event-types/page_view");
  });
});
