import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { TEMPLATES, typeOf } from "../../src/dashboard/pages/signals/rule-values";
import { call, delivery, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { Visitor, withKey, words } from "./visitor";

/** The form as a visitor fills it in: hot leads of a region, at a score of 80, to the CRM. */
async function formOf(fields: Record<string, string> = {}) {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  const tenant = await newTenant();
  const receiver = await newReceiver();
  const { id: crm } = await newEndpoint(tenant, receiver.url, { name: "CRM", events: ["nothing"] });
  const page = `/dashboard/tenants/${tenant}/automations/new`;
  const typed = {
    name: "Hot leads of DACH",
    form: "crosses",
    "crosses.path": "company.leadScore",
    "crosses.threshold": "80",
    entity: "company.domain",
    "filter.tab": "rows",
    "filter.join": "all",
    "filter.0.field": "data.company.country",
    "filter.0.operator": "$in",
    "filter.0.value": "DE, AT, CH",
    type: "webhook",
    endpoint: crm,
    once: fresh("once"),
    ...fields,
  };
  const list = async (what: string) => (await call("GET", `/v1/tenants/${tenant}/${what}`)).body.data;
  return {
    tenant,
    crm,
    visitor,
    page,
    typed,
    send: (more: Record<string, string> = {}) => visitor.submit(page, page, { ...typed, ...more }),
    made: async () => ({
      signals: await list("signals"),
      segments: await list("segments"),
      automations: await list("automations"),
    }),
  };
}

const lead = (domain: string, country: string, leadScore: number) => ({ company: { domain, country, leadScore } });

describe("When … and … then …", () => {
  it("makes signal, segment and automation, and the CRM gets what they say", async ({ expect }) => {
    const { tenant, crm, send, made } = await formOf();
    expect((await send()).headers.get("Location")).toMatch(/automations\?done=created$/);
    const { signals, segments, automations } = await made();
    expect(signals).toMatchObject([
      {
        emit: "hot_leads_of_dach",
        entity: "company.domain",
        when: { crosses: { path: "company.leadScore", threshold: 80 } },
      },
    ]);
    expect(segments).toMatchObject([{ filter: { "data.company.country": { $in: ["DE", "AT", "CH"] } } }]);
    expect(automations).toMatchObject([
      { trigger: "hot_leads_of_dach", segment: segments[0].id, actions: [{ type: "webhook", endpoint: crm }] },
    ]);
    const observations = [lead("a.example", "DE", 79), lead("a.example", "DE", 81), lead("b.example", "DK", 95)];
    await call("POST", `/v1/tenants/${tenant}/observations/batch`, { observations });
    const got = async () => (await call("GET", `/v1/tenants/${tenant}/endpoints/${crm}/deliveries`)).body.data;
    await until(
      () => "the CRM got nothing",
      async () => (await got()).length > 0,
    );
    const [{ id }] = await got();
    await delivery(tenant, { id, endpoint: crm }, "succeeded");
    const emitted = (await call("GET", `/v1/tenants/${tenant}/events?event=hot_leads_of_dach`)).body.data;
    expect([emitted.length, (await got()).length]).toEqual([2, 1]);
  });

  it("makes them once however often the form is sent, also at the same time", async ({ expect }) => {
    const { visitor, page, typed, made, send } = await formOf();
    const token = /name="_token" value="([^"]+)"/.exec((await visitor.get(page)).html)?.[1] ?? "";
    const all = await Promise.all([1, 2, 3].map(() => visitor.post(page, { _token: token, ...typed })));
    expect(all.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect((await send()).status).toBe(303);
    const { signals, segments, automations } = await made();
    expect([signals.length, segments.length, automations.length]).toEqual([1, 1, 1]);
  });

  it("makes all of them or none, and says what it took away again", async ({ expect }) => {
    const { send, made } = await formOf();
    const refused = await send({ endpoint: "ep_00000000000000000000000000" });
    expect(refused.status).toBe(422);
    expect(words(refused.html)).toContain(
      "The rule was not made. What was made of it before that is taken away again.",
    );
    expect(refused.html).toMatch(/id="f-endpoint-wrong">is not an endpoint of this tenant/);
    expect(await made()).toEqual({ signals: [], segments: [], automations: [] });
    // The form that it answers is another one: it is not answered with what is gone.
    const [, again = ""] = /name="once" value="([^"]+)"/.exec(refused.html) ?? [];
    expect((await send({ once: again })).status).toBe(303);
    expect((await made()).segments).toHaveLength(1);
  });

  it("makes nothing while a field is wrong, and says so at that field", async ({ expect }) => {
    const { send, made } = await formOf();
    for (const [more, id, said] of [
      [{ "crosses.threshold": "high" }, "f-crosses-threshold", "must be a number"],
      [{ "filter.0.value": "" }, "f-filter-0", "needs a value"],
      [{ "filter.0.field": "company.country" }, "f-filter-0", "can never match"],
      [{ endpoint: "" }, "f-endpoint", "is missing"],
      [{ name: "" }, "f-name", "is missing"],
      [{ emit: "not a type" }, "f-emit", "must be 1-128"],
      [{ form: "returnsAfter", "returnsAfter.seconds": "soon" }, "f-returnsAfter-seconds", "soon is no duration"],
      [{ form: "event", trigger: "" }, "f-trigger", "must be 1-128"],
      [{ type: "reveal_contacts", limit: "0" }, "f-limit", "must be"],
    ] as const) {
      const { status, html } = await send(more);
      expect([JSON.stringify(more), status]).toEqual([JSON.stringify(more), 422]);
      expect(html, JSON.stringify(more)).toMatch(new RegExp(`id="${id}-wrong">[^<]*${said}`));
    }
    const both = await send({ endpoint: "", "crosses.threshold": "high" });
    for (const id of ["f-endpoint", "f-crosses-threshold"]) expect(both.html).toContain(`id="${id}-wrong"`);
    expect(await made()).toEqual({ signals: [], segments: [], automations: [] });
  });

  it("does not share its event with another signal, of another name or its own", async ({ expect }) => {
    const { tenant, send, made } = await formOf();
    const other = { emit: "hot_leads_of_dach", entity: "id", when: { once: true } };
    for (const name of ["Other", "Hot leads of DACH"]) {
      const { body } = await call("POST", `/v1/tenants/${tenant}/signals`, { name, ...other });
      const { status, html } = await send();
      expect(status).toBe(422);
      expect(words(html)).toContain(`hot_leads_of_dach is what the signal ${name} emits`);
      expect((await made()).segments).toEqual([]);
      await call("DELETE", `/v1/tenants/${tenant}/signals/${body.id}`);
    }
  });

  it("says who will receive it and what would have set it off, before anything is made", async ({ expect }) => {
    const { tenant, send, made } = await formOf();
    await newEndpoint(tenant, (await newReceiver()).url, { name: "Archive", events: ["*"] });
    const ids: string[] = [];
    for (const data of [lead("a.example", "DE", 70), lead("a.example", "DE", 85), lead("b.example", "DK", 95)]) {
      ids.push((await post(tenant, "visited", data)).id);
    }
    const { status, html } = await send({ "held.do": "count" });
    expect(status).toBe(200);
    const said = words(html);
    expect(said).toContain("CRM will receive hot_leads_of_dach at http");
    expect(said).toContain("So will those that subscribe to hot_leads_of_dach , whatever its data: Archive.");
    expect(said).toContain("1 of the last 3 events would have set it off.");
    expect(html).toMatch(new RegExp(`Which matched.*${ids[1]}.*Which did not`, "s"));
    const event = await send({ form: "event", trigger: "visited", "held.do": "count" });
    expect(words(event.html)).toContain("2 of the last 3 events would have set it off.");
    expect(words((await send({ "filter.0.value": "", "held.do": "count" })).html)).toContain("Not counted yet");
    expect(await made()).toEqual({ signals: [], segments: [], automations: [] });
  });

  it("reveals the contacts of a persona of an event that comes anyway", async ({ expect }) => {
    const persona = {
      form: "event",
      trigger: "company.identified",
      type: "reveal_contacts",
      limit: "2",
      "filter.0.field": "",
      "filter.0.value": "",
      "persona.tab": "rows",
      "persona.0.field": "title",
      "persona.0.operator": "$startsWith",
      "persona.0.value": "VP",
    };
    const { tenant, crm, send, made } = await formOf(persona);
    const contacts = [
      { email: "vp@a.example", title: "VP Sales" },
      { email: "dev@a.example", title: "Developer" },
    ];
    const data = { company: { domain: "a.example" }, contacts };
    await post(tenant, "company.identified", data);
    expect(words((await send({ "held.do": "count" })).html)).toContain(
      "1 of the last 2 contacts would have been revealed.",
    );
    expect((await send()).status).toBe(303);
    const { signals, segments, automations } = await made();
    expect(signals).toEqual([]);
    expect(segments).toMatchObject([{ filter: { title: { $startsWith: "VP" } } }]);
    const action = { type: "reveal_contacts", endpoint: crm, persona: segments[0].id, limit: 2 };
    expect(automations).toMatchObject([{ trigger: "company.identified", segment: null, actions: [action] }]);
    await post(tenant, "company.identified", data);
    await until(
      () => "nothing was revealed",
      async () => (await call("GET", `/v1/tenants/${tenant}/endpoints/${crm}/deliveries`)).body.data.length === 1,
    );
  });

  it("begins with a template, each of which needs an endpoint and no more", async ({ expect }) => {
    for (const template of Object.keys(TEMPLATES)) {
      const { visitor, page, crm, made } = await formOf();
      const { status, html } = await visitor.get(`${page}?template=${template}`);
      expect(status).toBe(200);
      const fields: Record<string, string> = {};
      for (const [tag] of html.slice(html.indexOf('class="rule"')).matchAll(/<input[^>]*>/g)) {
        const [, name = ""] = / name="([^"]*)"/.exec(tag) ?? [];
        const [, value = ""] = / value="([^"]*)"/.exec(tag) ?? [];
        if (name !== "") fields[name] = value.replaceAll("&quot;", '"');
      }
      for (const [, name = "", options = ""] of html.matchAll(/<select[^>]* name="([^"]*)"[^>]*>(.*?)<\/select>/gs)) {
        fields[name] = /value="([^"]*)" selected/.exec(options)?.[1] ?? "";
      }
      const sent = await visitor.post(page, { ...fields, endpoint: crm });
      expect([template, sent.status]).toEqual([template, 303]);
      expect((await made()).automations).toHaveLength(1);
    }
  });

  it("is for whoever may make automations", async ({ expect }) => {
    const { tenant, page } = await formOf();
    const { visitor } = await withKey(tenant, "viewer");
    expect((await visitor.get(page)).status).toBe(403);
    expect((await visitor.get(page.replace("/new", ""))).html).not.toContain("/automations/new");
  });
});

describe("a rule's name", () => {
  it("is the name of its event unless that is given", ({ expect }) => {
    expect(typeOf("Hot leads of DACH → CRM!")).toBe("hot_leads_of_dach_crm");
    expect(typeOf("Größe über 250")).toBe("gro_e_uber_250");
    expect(typeOf("名前")).toBe("");
  });
});
