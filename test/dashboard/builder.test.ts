import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { latestEvents } from "../../src/event-log/list";
import { call, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { inPortal, Visitor, withKey, words } from "./visitor";

async function operator(): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  return visitor;
}

/** A row of a builder called `filter`, as a form sends it. */
const row = (at: string | number, field: string, operator: string, value: string) => ({
  [`filter.${at}.field`]: field,
  [`filter.${at}.operator`]: operator,
  [`filter.${at}.value`]: value,
});
const ROWS = { "filter.tab": "rows", "filter.join": "all" };

async function segments() {
  const tenant = await newTenant();
  const page = `/dashboard/tenants/${tenant}/segments`;
  const visitor = await operator();
  const read = async () => (await call("GET", `/v1/tenants/${tenant}/segments`)).body.data;
  return {
    tenant,
    page,
    visitor,
    read,
    send: (fields: object) => visitor.submit(page, page, { name: "S", ...fields }),
  };
}

describe("a segment in rows", () => {
  it("is saved as the filter that they say", async ({ expect }) => {
    const { tenant, page, visitor, send } = await segments();
    const { status } = await send({
      ...ROWS,
      ...row(0, "data.company.country", "$in", "DE, AT, CH"),
      ...row(1, "data.id", "$eq", "12345678901234567890"),
      ...row(2, "", "$eq", ""),
    });
    expect(status).toBe(303);
    expect((await call("GET", `/v1/tenants/${tenant}/segments`)).text).toContain(
      '"filter":{"data.company.country":{"$in":["DE","AT","CH"]},"data.id":12345678901234567890}',
    );
    expect(words((await visitor.get(page)).html)).toContain(
      "data.company.country is one of DE, AT, CH and data.id is 12345678901234567890",
    );
  });

  it("gets a row more without being saved, and keeps what was typed", async ({ expect }) => {
    const { read, send } = await segments();
    const { status, html } = await send({ ...ROWS, ...row(0, 'data.a"<b>', "$gte", "7"), "filter.do": "add" });
    expect(status).toBe(200);
    expect(html).toContain('name="filter.1.field"');
    expect(html).toContain('value="data.a&quot;&lt;b&gt;"');
    expect(html).toMatch(/<option value="\$gte" selected/);
    expect(html).toContain('name="filter.join"');
    expect(await read()).toEqual([]);
  });

  it("is told at the row what is wrong with it", async ({ expect }) => {
    const { send } = await segments();
    const { status, html } = await send({
      ...ROWS,
      ...row(0, "data.a", "$gte", ""),
      ...row(1, "data.b", "$gt", "true"),
    });
    expect(status).toBe(422);
    expect(html).toMatch(/id="f-filter-0-wrong">data\.a needs a value/);
    const refused = await send({ ...ROWS, ...row(0, "data.a", "$gte", "1"), ...row(1, "data.b", "$gt", "true") });
    expect(refused.html).toMatch(/id="f-filter-1-wrong">must be a number or a string/);
    expect(refused.html).not.toContain("f-filter-0-wrong");
    expect(words((await send(ROWS)).html)).toContain("needs a condition");
  });

  it("opens as JSON where rows do not say it, with the reason", async ({ expect }) => {
    const { tenant, page, visitor } = await segments();
    const filter = { "data.items": { $elemMatch: { sku: "a" } } };
    const { body } = await call("POST", `/v1/tenants/${tenant}/segments`, { name: "S", filter });
    const { html } = await visitor.get(`${page}/${body.id}`);
    expect(words(html)).toContain("The conditions do not show it: they have no $elemMatch.");
    expect(html).toContain('name="filter.tab" value="json"');
    expect(words(html)).toContain('"$elemMatch"');
  });

  it("stays as it is written when only its name is changed", async ({ expect }) => {
    const { tenant, page, visitor, read } = await segments();
    const filter = { $and: [{ "data.a": { $eq: 1 } }, { "data.b": { $gte: 2 } }] };
    const { body } = await call("POST", `/v1/tenants/${tenant}/segments`, { name: "S", filter });
    const at = `${page}/${body.id}`;
    const { html } = await visitor.get(at);
    const fields = Object.fromEntries(
      [...html.matchAll(/<input[^>]*? name="(filter[^"]*)"[^>]*? value="([^"]*)"/g)].map(([, name, value]) => [
        name as string,
        (value as string).replaceAll("&quot;", '"'),
      ]),
    );
    expect(fields["filter.0.field"]).toBe("data.a");
    const all = { "filter.join": "all", ...fields, "filter.0.operator": "$eq", "filter.1.operator": "$gte", name: "T" };
    expect((await visitor.submit(at, at, all)).status).toBe(303);
    expect(await read()).toMatchObject([{ name: "T", filter }]);
  });

  it("proposes the fields of types and of what came, with a dot in a key escaped", async ({ expect }) => {
    const { tenant, page, visitor } = await segments();
    await post(tenant, "seen", { "a.b": { deep: "x" }, list: [{ sku: "1" }], contacts: [{ title: "VP" }] });
    await call("PUT", "/v1/event-types/builder.told", {
      sample: { fromSample: 1 },
      schema: { properties: { fromSchema: {} } },
    });
    const { html } = await visitor.get(page);
    for (const path of ["data.a\\.b.deep", "data.list.sku", "data.fromSample", "data.fromSchema", "event"]) {
      expect(html, path).toContain(`<option value="${path}"`);
    }
    const about = await visitor.submit(page, page, { name: "S", about: "contacts", ...ROWS, "filter.do": "add" });
    expect(about.html).toContain('<option value="title"');
    expect(about.html).not.toContain('<option value="data.list.sku"');
  });
});

describe("what a filter would have matched", () => {
  it("is counted over the latest events, saved or not, and told of each", async ({ expect }) => {
    const { tenant, send } = await segments();
    const ids: string[] = [];
    for (let score = 1; score <= 5; score++) ids.push((await post(tenant, "scored", { score })).id);
    const { status, html } = await send({ ...ROWS, ...row(0, "data.score", "$gte", "4"), "held.do": "count" });
    expect(status).toBe(200);
    expect(words(html)).toContain("2 of the last 5 events would have matched.");
    expect(html).toMatch(new RegExp(`Which matched.*${ids[4]}.*${ids[3]}.*Which did not, and why.*${ids[2]}`, "s"));
    expect(words(html)).toContain("data.score is at least 4: it has 3");
    const part = await send({ ...ROWS, ...row(0, "data.score", "$exists", ""), "held.do": "count" });
    expect(words(part.html)).toContain("5 of the last 5 events");
    expect(words((await send({ ...ROWS, ...row(0, "data.score", "$eq", ""), "held.do": "count" })).html)).toContain(
      "Not counted yet",
    );
  });

  it("may be contacts, as a persona looks at them", async ({ expect }) => {
    const { tenant, send } = await segments();
    const contacts = [
      { email: "vp@a.example", title: "VP Sales" },
      { email: "dev@a.example", title: "Developer" },
    ];
    await post(tenant, "company.identified", { contacts });
    const { html } = await send({
      about: "contacts",
      ...ROWS,
      ...row(0, "title", "$startsWith", "VP"),
      "held.do": "count",
    });
    expect(words(html)).toContain("1 of the last 2 contacts would have matched.");
    expect(words(html)).toContain("dev@a.example");
  });

  it("is nothing of another tenant's, nor of what was erased", async ({ expect }) => {
    const { tenant, send } = await segments();
    await post(await newTenant(), "scored", { score: 9 });
    const { id } = await post(tenant, "scored", { score: 9 });
    await call("DELETE", `/v1/tenants/${tenant}/events/${id}/content`);
    const { html } = await send({ ...ROWS, ...row(0, "data.score", "$exists", ""), "held.do": "count" });
    expect(words(html)).toContain("There are no events yet.");
  });

  it("reads a bounded number of characters, from the newest on", async ({ expect }) => {
    const tenant = await newTenant();
    const posted = [];
    for (let i = 0; i < 6; i++) posted.push((await post(tenant, "large", { i, text: "x".repeat(990_000) })).id);
    const events = await latestEvents(env as never, tenant, { limit: 200, createdAt: 0 }, Date.now());
    expect(events.map(({ ulid }) => `evt_${ulid}`)).toEqual(posted.toReversed().slice(0, events.length));
    expect(events.length).toBeGreaterThan(3);
    expect(events.length).toBeLessThan(6);
  });

  it("is for whoever may change segments", async ({ expect }) => {
    const tenant = await newTenant();
    const page = `/dashboard/tenants/${tenant}/segments`;
    const { visitor } = await withKey(tenant, "viewer");
    expect((await visitor.get(page)).html).not.toContain('name="filter.tab"');
    const asked = { ...ROWS, "held.do": "count" };
    const refused = await visitor.submit(page, page, asked, { "HX-Request": "true" });
    expect(refused.status).toBe(403);
    const portal = await inPortal(tenant);
    expect((await portal.get(page.replace("dashboard", "portal"))).html).not.toContain('name="filter.tab"');
  });
});

describe("an automation's form", () => {
  it("has room for one action more than there are, and is asked for another without being sent", async ({ expect }) => {
    const { tenant, visitor } = await segments();
    const page = `/dashboard/tenants/${tenant}/automations`;
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const actions = (html: string) => [...html.matchAll(/<legend>Action (\d)/g)].map(([, number]) => number);
    expect(actions((await visitor.get(page)).html)).toEqual(["1"]);
    const fields = { name: "A", trigger: "a", "type.0": "webhook", "endpoint.0": id };
    const asked = await visitor.submit(page, page, { ...fields, "actions.do": "add" });
    expect([asked.status, actions(asked.html)]).toEqual([200, ["1", "2"]]);
    expect((await call("GET", `/v1/tenants/${tenant}/automations`)).body.data).toEqual([]);
    expect((await visitor.submit(page, page, fields)).status).toBe(303);
  });
});
