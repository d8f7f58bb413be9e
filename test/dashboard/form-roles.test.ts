import { env } from "cloudflare:workers";
import { describe, inject, it } from "vitest";
import { callAs } from "../../src/api/http/inside";
import { dashboard } from "../../src/dashboard/dashboard";
import { BASES, type Base } from "../../src/dashboard/site";
import { IDENTITIES, type Identity } from "../api/identities";
import { operationsOf, theDocument } from "../api/operations";
import { everythingIn, newWorld, type World } from "../api/world";
import { call, delivery, fresh } from "../lib/api";
import { inPortal, type Seen, Visitor, withKey } from "./visitor";

/** What a form does for whoever may send it, as its answer tells: leads on, shows a page, or asks for a sign-in. */
type Answer = "leads on" | "shows" | "signs in" | "refused" | "unknown" | "nothing here";

interface Row {
  may: readonly Identity[];
  answer: Answer;
  /** What it is sent with. */
  fields?: (world: World) => Record<string, string>;
}

const OPERATOR: readonly Identity[] = ["operator"];
const ADMINS: readonly Identity[] = ["operator", "admin"];
/** Who manages endpoints: a portal is for that. */
const MANAGERS: readonly Identity[] = ["operator", "admin", "portal"];
const READERS: readonly Identity[] = ["operator", "admin", "viewer", "portal", "portal-viewer"];

const SINCE = "2026-01-01T00:00:00Z";
const ENDPOINT = "/tenants/:tenant/endpoints/:endpoint";

/** An endpoint as its form says it. */
const endpoint = () => ({ url: `${inject("receiver")}/in/${fresh("form")}`, events: "*", enabled: "yes" });
const sampled = () => ({ ...endpoint(), sampleEvent: "lead.hot", sampleData: '{"score": 91}' });
const signal = () => ({ name: "s", emit: "a.b", entity: "company.domain", form: "once" });
const automation = ({ endpoint = "" }: World) => ({
  name: "a",
  trigger: "t",
  "type.0": "webhook",
  "endpoint.0": endpoint,
});
const segment = () => ({ name: "s", filter: '{"data.a": 1}' });

/**
 * Who may send which form. One that is not here fails the suite. In this order each finds what it is for; whoever may not
 * is refused, and a producer, who has nothing to see, is sent to sign in.
 */
const FORMS: Record<string, Row> = {
  "/tenants": { may: OPERATOR, answer: "leads on", fields: () => ({ id: fresh("t"), name: "New" }) },
  "/tenants/:tenant/event-types/install": {
    may: OPERATOR,
    answer: "leads on",
    fields: () => ({ catalog: "clearview" }),
  },
  "/tenants/:tenant/event-types": { may: OPERATOR, answer: "leads on", fields: () => ({ name: fresh("type") }) },
  "/tenants/:tenant/event-types/:name/edit": { may: OPERATOR, answer: "leads on", fields: () => ({ title: "New" }) },
  "/tenants/:tenant/event-types/:name/delete": { may: OPERATOR, answer: "leads on" },
  "/tenants/:tenant/endpoints": { may: MANAGERS, answer: "leads on", fields: endpoint },
  "/tenants/:tenant/endpoints/preview": { may: MANAGERS, answer: "shows", fields: sampled },
  [`${ENDPOINT}/settings/preview`]: { may: MANAGERS, answer: "shows", fields: sampled },
  [`${ENDPOINT}/settings`]: { may: MANAGERS, answer: "leads on", fields: endpoint },
  [`${ENDPOINT}/test`]: {
    may: MANAGERS,
    answer: "shows",
    fields: () => ({ event: "lead.hot", data: '{"score": 91}' }),
  },
  [`${ENDPOINT}/recover`]: { may: MANAGERS, answer: "leads on", fields: () => ({ recoverSince: SINCE }) },
  // Of one that is not there.
  [`${ENDPOINT}/cancel-recovery`]: { may: MANAGERS, answer: "nothing here", fields: () => ({ recovery: "rcv_none" }) },
  [`${ENDPOINT}/probe`]: { may: MANAGERS, answer: "leads on" },
  [`${ENDPOINT}/reveal`]: { may: MANAGERS, answer: "shows" },
  "/tenants/:tenant/settings": { may: OPERATOR, answer: "leads on", fields: () => ({ name: "Renamed" }) },
  [`${ENDPOINT}/rotate`]: { may: MANAGERS, answer: "leads on" },
  [`${ENDPOINT}/promote`]: { may: MANAGERS, answer: "leads on" },
  [`${ENDPOINT}/deliveries/:delivery/check`]: { may: MANAGERS, answer: "shows", fields: () => ({ pasted: "x" }) },
  [`${ENDPOINT}/deliveries/:delivery/resend`]: { may: MANAGERS, answer: "leads on" },
  "/tenants/:tenant/deliveries/resend": {
    may: MANAGERS,
    answer: "shows",
    fields: ({ endpoint = "", delivery = "" }) => ({ delivery: `${endpoint}/${delivery}` }),
  },
  "/tenants/:tenant/events/:event/replay": { may: MANAGERS, answer: "leads on" },
  "/tenants/:tenant/events/:event/erase": { may: ADMINS, answer: "leads on" },
  [`${ENDPOINT}/disable`]: { may: MANAGERS, answer: "leads on" },
  [`${ENDPOINT}/enable`]: { may: MANAGERS, answer: "leads on" },
  "/tenants/:tenant/keys": { may: ADMINS, answer: "shows", fields: () => ({ name: "k", role: "viewer" }) },
  "/tenants/:tenant/keys/revoke": { may: ADMINS, answer: "leads on", fields: ({ keyId = "" }) => ({ key: keyId }) },
  "/tenants/:tenant/portal-links": {
    may: ADMINS,
    answer: "shows",
    fields: () => ({ expiresIn: "60", rights: "read" }),
  },
  "/tenants/:tenant/portal-links/revoke": { may: ADMINS, answer: "leads on", fields: ({ link = "" }) => ({ link }) },
  "/tenants/:tenant/segments": { may: ADMINS, answer: "leads on", fields: segment },
  "/tenants/:tenant/segments/:segment": { may: ADMINS, answer: "leads on", fields: segment },
  "/tenants/:tenant/automations": { may: ADMINS, answer: "leads on", fields: automation },
  "/tenants/:tenant/automations/:automation": { may: ADMINS, answer: "leads on", fields: automation },
  "/tenants/:tenant/automations/new": {
    may: ADMINS,
    answer: "leads on",
    fields: ({ endpoint = "" }) => ({
      name: fresh("rule"),
      form: "once",
      entity: "company.domain",
      type: "webhook",
      endpoint,
      once: fresh("once"),
    }),
  },
  // A dry run stores nothing.
  "/tenants/:tenant/signals/try": {
    may: READERS,
    answer: "shows",
    fields: () => ({ ...signal(), observations: '{"company": {"domain": "a.com"}}' }),
  },
  "/tenants/:tenant/signals/:signal/try": {
    may: ADMINS,
    answer: "shows",
    fields: () => ({ ...signal(), observations: '{"company": {"domain": "a.com"}}' }),
  },
  "/tenants/:tenant/signals": { may: ADMINS, answer: "leads on", fields: signal },
  "/tenants/:tenant/signals/install": { may: ADMINS, answer: "leads on", fields: () => ({ catalog: "clearview" }) },
  "/tenants/:tenant/signals/:signal": { may: ADMINS, answer: "leads on", fields: signal },
  "/tenants/:tenant/lists": {
    may: ADMINS,
    answer: "leads on",
    fields: () => ({ name: fresh("list"), items: "a.com" }),
  },
  "/tenants/:tenant/lists/:list/add": { may: ADMINS, answer: "leads on", fields: () => ({ item: "b.com" }) },
  "/tenants/:tenant/lists/:list/remove": { may: ADMINS, answer: "leads on", fields: ({ item = "" }) => ({ item }) },
  "/tenants/:tenant/lists/:list/delete": { may: ADMINS, answer: "leads on" },
  "/tenants/:tenant/signals/:signal/delete": { may: ADMINS, answer: "leads on" },
  "/tenants/:tenant/automations/:automation/delete": { may: ADMINS, answer: "leads on" },
  "/tenants/:tenant/segments/:segment/delete": { may: ADMINS, answer: "leads on" },
  [`${ENDPOINT}/delete`]: { may: MANAGERS, answer: "leads on" },
};

/** Forms of everybody, signed in or not: what they answer at the dashboard and at the portal. */
const OPEN: Record<string, { fields: Record<string, string>; answers: Record<Base, Answer> }> = {
  "/theme": { fields: { theme: "dark" }, answers: { "/dashboard": "leads on", "/portal": "leads on" } },
  // With what nobody gave out.
  "/sign-in": { fields: { key: "wrong" }, answers: { "/dashboard": "unknown", "/portal": "nothing here" } },
  "/open/:token": { fields: {}, answers: { "/dashboard": "nothing here", "/portal": "unknown" } },
  "/sign-out": { fields: {}, answers: { "/dashboard": "signs in", "/portal": "signs in" } },
};

const STATUSES: Readonly<Record<number, Answer>> = {
  200: "shows",
  303: "leads on",
  401: "unknown",
  403: "refused",
  404: "nothing here",
};

function answerOf({ status, headers, html }: Seen): Answer | string {
  if (/\/sign-in(?:\?|$)/.test(headers.get("Location") ?? "")) return "signs in";
  return STATUSES[status] ?? `${status} ${/<h1>.*?<\/p>/s.exec(html)?.[0]}`;
}

/** The paths that take a form, below the dashboard's or the portal's base. */
function formsOf(base: Base): string[] {
  const { routes } = dashboard(callAs);
  const taking = routes.filter(({ method, path }) => !["ALL", "GET"].includes(method) && path.startsWith(`${base}/`));
  return [...new Set(taking.map(({ path }) => path.slice(base.length)))].toSorted();
}

/** Somebody of that identity with the pages before them. */
async function visitorOf(tenant: string, identity: Identity): Promise<{ visitor: Visitor; base: Base }> {
  if (identity === "portal" || identity === "portal-viewer") {
    return { visitor: await inPortal(tenant, { readOnly: identity === "portal-viewer" }), base: "/portal" };
  }
  if (identity !== "operator") return { visitor: (await withKey(tenant, identity)).visitor, base: "/dashboard" };
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  return { visitor, base: "/dashboard" };
}

function filled(path: string, world: World): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(world[name] ?? `no-${name}`));
}

describe("the table of forms", () => {
  it("has a row for every form, at the dashboard and at the portal, and no other", ({ expect }) => {
    const rows = [...Object.keys(FORMS), ...Object.keys(OPEN)].toSorted();
    for (const base of BASES) expect(formsOf(base)).toEqual(rows);
  });
});

describe("a form", () => {
  const operations = theDocument().then(operationsOf);

  it.for(IDENTITIES)(
    "is taken from %s where the table says so; any other changes nothing",
    async (identity, { expect }) => {
      const world = await newWorld();
      const tenant = world.tenant ?? "";
      await delivery(tenant, { id: world.delivery ?? "", endpoint: world.endpoint ?? "" }, "succeeded");
      const { visitor, base } = await visitorOf(tenant, identity);
      // Every page of theirs carries the token that all of their forms take.
      const page = identity === "producer" ? `${base}/sign-in` : `${base}/tenants/${tenant}/endpoints`;
      const send = async (path: string, fields: Record<string, string>) =>
        answerOf(await visitor.submit(page, base + filled(path, world), fields));
      const stateOf = async () => {
        const { text } = await call("GET", `/v1/tenants/${tenant}/deliveries`);
        return [...(await everythingIn(world, await operations)), text];
      };
      const rows = Object.entries(FORMS);
      const before = await stateOf();
      const refused = identity === "producer" ? "signs in" : "refused";
      const others = rows.filter(([, { may }]) => !may.includes(identity));
      for (const [path, { fields }] of others) {
        expect([path, await send(path, fields?.(world) ?? {})]).toEqual([path, refused]);
      }
      expect(await stateOf()).toEqual(before);
      const own = rows.filter(([, { may }]) => may.includes(identity));
      for (const [path, { answer, fields }] of own) {
        expect([path, await send(path, fields?.(world) ?? {})]).toEqual([path, answer]);
      }
      for (const [path, { fields, answers }] of Object.entries(OPEN)) {
        expect([path, await send(path, fields)]).toEqual([path, answers[base]]);
      }
      expect(visitor.session(base)).toBe("");
    },
  );
});
