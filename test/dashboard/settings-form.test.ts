import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, it } from "vitest";
import type { Endpoint } from "../../src/dashboard/components/pills";
import { readFilter } from "../../src/dashboard/forms/filter-form";
import { linesOf, recordOf } from "../../src/dashboard/pages/deliveries/record-lines";
import {
  bodyOf,
  changeOf,
  type EndpointValues,
  newValues,
  valuesOf,
} from "../../src/dashboard/pages/endpoints/endpoint-values";
import { call, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { holds } from "../lib/property";
import { Visitor, words } from "./visitor";

async function operator(): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  return visitor;
}

/** The fields as a browser sends them, with no box checked: text areas with its line ends, nothing around them. */
function sent({ enabled: _, events: __, filter, ...rest }: EndpointValues): Record<string, string> {
  const values = { ...rest, filter: JSON.stringify(readFilter(filter, "filter").filter ?? "").replace('""', "") };
  return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, text.trim().replaceAll("\n", "\r\n")]));
}

/** What a visitor types; a filter as JSON. */
type Change = Partial<Omit<EndpointValues, "filter">> & { filter?: string };

/** An endpoint's settings as a visitor sees and sends them. */
async function settings(fields: object = {}) {
  const tenant = await newTenant();
  const { id } = await newEndpoint(tenant, (await newReceiver()).url, { events: ["lead.hot"], ...fields });
  const at = `/v1/tenants/${tenant}/endpoints/${id}`;
  const page = `/dashboard/tenants/${tenant}/endpoints/${id}/settings`;
  const visitor = await operator();
  const read = async (): Promise<Endpoint> => (await call("GET", at)).body;
  const form = async ({ filter, ...change }: Change) => ({
    ...sent({ ...valuesOf(await read(), []), ...change }),
    ...(filter === undefined ? {} : { filter }),
  });
  return {
    read,
    page: () => visitor.get(page),
    save: async (change: Change) => visitor.submit(page, page, await form(change)),
    preview: async (change: Change, sample: object) =>
      words((await visitor.submit(page, `${page}/preview`, { ...(await form(change)), ...sample })).html),
  };
}

const SAMPLE = { sampleEvent: "lead.hot", sampleData: '{"score": 91}' };

describe("retry delays", () => {
  it("that are none stay none, can be said, and be left to the profile again", async ({ expect }) => {
    const { read, page, save } = await settings({ retry: [] });
    expect((await page()).html).toMatch(/id="f-retry"[^>]*value="none"/);
    expect((await save({ name: "CRM" })).headers.get("Location")).toMatch(/done=saved$/);
    expect(await read()).toMatchObject({ name: "CRM", retry: [] });
    await save({ retry: "" });
    expect((await read()).retry).toEqual([30, 120, 600, 3_600, 14_400]);
    await save({ retry: "None" });
    expect((await read()).retry).toEqual([]);
  });
});

describe("a signature header without a scheme", () => {
  it("is one for the profile's scheme, in the preview and when it is created", async ({ expect }) => {
    const tenant = await newTenant();
    const visitor = await operator();
    const base = `/dashboard/tenants/${tenant}/endpoints`;
    const { url } = await newReceiver();
    const fields = { ...sent(newValues("visits")), url, moreEvents: "lead.hot", header: "X-My-Token" };
    const preview = words((await visitor.submit(`${base}/new`, `${base}/preview`, { ...fields, ...SAMPLE })).html);
    expect(preview).toContain("X-My-Token");
    expect((await visitor.submit(`${base}/new`, base, fields)).status).toBe(303);
    const { body } = await call("GET", `/v1/tenants/${tenant}/endpoints`);
    expect(body.data[0].signature).toEqual({ scheme: "token", header: "X-My-Token" });
    const refused = await visitor.submit(`${base}/new`, base, { ...fields, profile: "svix", url: `${url}/2` });
    expect(words(refused.html)).toContain("cannot be chosen under the scheme svix");
  });

  it("is not the one that another scheme left in its field", async ({ expect }) => {
    const { read, save } = await settings({ profile: "snitcher", signature: { scheme: "github" } });
    await save({ scheme: "" });
    expect((await read()).signature).toEqual({ scheme: "hex", header: "Signature" });
  });
});

describe("another profile", () => {
  it("is previewed as it will be saved", async ({ expect }) => {
    const { read, save, preview } = await settings({ profile: "github", metadata: { team: "sales" } });
    const shown = await preview({ profile: "stripe" }, SAMPLE);
    expect(shown).toMatch(/Stripe-Signature t=\d+,v1=/);
    expect(shown).not.toContain("X-Hub-Signature-256 sha256");
    expect(shown).toMatch(/"event":"lead\.hot","timestamp"/);
    await save({ profile: "stripe" });
    const { format, signature } = await read();
    expect({ format, signature }).toEqual({
      format: "envelope",
      signature: { scheme: "stripe", header: "Stripe-Signature" },
    });
  });

  it("brings its own in place of what is as the old one has it, and keeps what differs", async ({ expect }) => {
    const same = { format: "flat", signature: { scheme: "github" } };
    const { read, save, preview } = await settings({ profile: "github", ...same, retry: [7], method: "PUT" });
    expect(await preview({ profile: "stripe" }, SAMPLE)).toContain("PUT with these headers");
    await save({ profile: "stripe" });
    expect(await read()).toMatchObject({
      format: "envelope",
      signature: { scheme: "stripe", header: "Stripe-Signature" },
      method: "PUT",
      retry: [7],
    });
  });

  it("that there is not is said, and nothing breaks", async ({ expect }) => {
    const { preview } = await settings();
    expect(await preview({ profile: "nonsense" }, SAMPLE)).toContain("There is no profile of that name.");
    expect(await preview({ profile: "" }, SAMPLE)).toContain("X-Webhook-Signature");
  });
});

describe("metadata", () => {
  it("comes back as it was, whatever its names and values have in them", async ({ expect }) => {
    const metadata = { "crm:id": "42", note: "two\nlines", plain: "a: b", '"q"': "x", " ": "", end: "blank " };
    const { read, save } = await settings({ metadata });
    expect((await save({ name: "CRM" })).status).toBe(303);
    expect(await read()).toMatchObject({ name: "CRM", metadata });
    const more = { ...metadata, team: "sales" };
    await save({ metadata: `${linesOf(metadata)}\nteam: sales` });
    expect((await read()).metadata).toEqual(more);
  });

  it("is read from its lines as it was written, always", ({ expect }) => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom(..." \"':\\\n\r\t\u0000\u2028"), fc.string()) });
    const record = fc.dictionary(text, text);
    holds(
      fc.property(record, (said) => {
        const through = linesOf(said).replace(/\r\n?|\n/g, "\r\n");
        expect(recordOf(through.trim())).toEqual({ ...said });
      }),
      500,
    );
  });
});

describe("the preview's filter", () => {
  it("says what is wrong with it", async ({ expect }) => {
    const { preview } = await settings();
    const unknown = await preview({ filter: '{"data.x": {"$gtt": 5}}' }, SAMPLE);
    expect(unknown).toContain("The filter cannot be used: data.x.$gtt $gtt is not a known operator");
    expect(unknown).toContain("POST with these headers");
    expect(await preview({ filter: "{bad" }, SAMPLE)).toContain("The filter cannot be used: it is not JSON");
    expect(await preview({ filter: "{bad" }, { sampleEvent: "no.sample" })).toContain("The filter cannot be used");
    const passed = await preview({ filter: '{"data.score": 91}' }, SAMPLE);
    expect(passed).toContain("passes the filter");
    expect(await preview({ filter: "" }, SAMPLE)).not.toContain("filter cannot be used");
  });
});

describe("durations", () => {
  it("are shown and typed with their units, and are seconds at the API", async ({ expect }) => {
    const { read, page, save } = await settings({ disableAfter: 604_800, timeout: 10, retry: [30, 5_400] });
    const { html } = await page();
    expect(html).toMatch(/id="f-disableAfter"[^>]*value="7 d"/);
    expect(html).toMatch(/id="f-timeout"[^>]*value="10 s"/);
    expect(html).toMatch(/id="f-retry"[^>]*value="30 s, 1 h 30 m"/);
    expect((await save({ disableAfter: "36 h", timeout: "5", retry: "2 m, 90" })).status).toBe(303);
    expect(await read()).toMatchObject({ disableAfter: 129_600, timeout: 5, retry: [120, 90] });
    const refused = await save({ disableAfter: "a while", retry: "1 h 30" });
    expect(refused.html).toMatch(/id="f-disableAfter-wrong">a while is no duration/);
    expect(refused.html).toMatch(/id="f-retry-wrong">1 h 30 is no duration/);
  });
});

describe("the filter of an endpoint", () => {
  it("is built from rows, and held against the events that it would have had", async ({ expect }) => {
    const tenant = await newTenant();
    const visitor = await operator();
    const list = `/dashboard/tenants/${tenant}/endpoints`;
    for (const score of [60, 90])
      await call("POST", `/v1/tenants/${tenant}/events`, { event: "lead.hot", data: { score } });
    await call("POST", `/v1/tenants/${tenant}/events`, { event: "other", data: { score: 95 } });
    const rows = {
      "filter.tab": "rows",
      "filter.join": "all",
      "filter.0.field": "data.score",
      "filter.0.operator": "$gte",
      "filter.0.value": "80",
    };
    const fields = { url: (await newReceiver()).url, profile: "clearview", moreEvents: "lead.hot", ...rows };
    const counted = await visitor.submit(`${list}/new`, list, { ...fields, "held.do": "count" });
    expect(counted.status).toBe(200);
    expect(words(counted.html)).toContain("1 of the last 3 events would have been for it.");
    expect((await visitor.submit(`${list}/new`, list, { ...fields, "filter.do": "add" })).html).toContain(
      "filter.1.field",
    );
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints`)).body.data).toEqual([]);
    const made = await visitor.submit(`${list}/new`, list, fields);
    const [, id] = /endpoints\/(ep_[0-9A-Z]+)/.exec(made.headers.get("Location") ?? "") ?? [];
    const at = `${list}/${id}/settings`;
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${id}`)).body.filter).toEqual({
      "data.score": { $gte: 80 },
    });
    const { html } = await visitor.get(at);
    expect(html).toMatch(/name="filter.0.value"[^>]*value="80"/);
    const again = await visitor.submit(at, at, { ...fields, "filter.0.value": "50", "held.do": "count" });
    expect(words(again.html)).toContain("2 of the last 3 events would have been for it.");
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${id}`)).body.filter).toEqual({
      "data.score": { $gte: 80 },
    });
  });
});

describe("what is wrong with a field", () => {
  it("is said in words that fit it", async ({ expect }) => {
    const { unread } = bodyOf({ ...newValues("clearview"), rateLimit: "1.5" });
    expect(unread).toEqual([{ path: "rateLimit", message: "1.5 is not a whole number" }]);
    const { save } = await settings();
    const said = words((await save({ moreEvents: "order.paid, ordré" })).html);
    expect(said).toContain("Events ordré must be 1-128");
    expect(said).not.toMatch(/\d must be 1-128/);
  });
});

describe("a change", () => {
  it("is nothing where no field was touched", async ({ expect }) => {
    for (const profile of ["clearview", "snitcher", "visits", "standard", "stripe"]) {
      const { read } = await settings({ profile, retry: [], metadata: { "a:b": "c\nd" }, headers: { "X-A": "b" } });
      const endpoint = await read();
      expect(changeOf(bodyOf(valuesOf(endpoint, [])).body, endpoint)).toEqual({});
    }
  });
});
