import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { PageHead } from "../../components/layout";
import { type Column, Listing } from "../../components/listing";
import { Empty } from "../../components/parts";
import { nameOf } from "../../components/pills";
import { Ago, At } from "../../components/time";
import { PageError } from "../../errors";
import { path, type Site, type SiteContext, type SiteEnv, tenantPath } from "../../site";
import { page } from "../../write";
import { EndpointFrame, endpointPath } from "../endpoints/endpoint-frame";

const PAGE_SIZE = 50;

export type AuditEntry = Awaited<ReturnType<Client["audit"]["ofTenant"]>>["data"][number];

/** What a key or link is called; of others their ids say who it was. */
type Names = ReadonlyMap<string, string>;

const NOBODY: Names = new Map();

/** Who did it. */
export const Actor: FC<{ actor: string; names?: Names }> = ({ actor, names = NOBODY }) => {
  if (actor === "operator") return <>the operator</>;
  if (actor === "posthorn") return <>Posthorn by itself</>;
  const name = names.get(actor);
  return (
    <>
      {name ?? (actor.startsWith("lnk_") ? "a portal link" : "a key")} <small class="muted">{actor}</small>
    </>
  );
};

/** What was done, in words: `endpoint disabled`. */
export function deedOf({ action, fields }: Pick<AuditEntry, "action" | "fields">): string {
  const deed = action.replace("portallink", "portal link").replace("eventtype", "event type").replaceAll(".", " ");
  return fields === null || fields.length === 0 ? deed : `${deed}: ${fields.join(", ")}`;
}

/** Who changed what, and when, in columns; `tenant`: with whose it was. */
export function auditColumns(
  site: Site,
  now: number,
  { names = NOBODY, tenant = false }: { names?: Names; tenant?: boolean } = {},
): readonly Column<AuditEntry>[] {
  return [
    {
      name: "When",
      phone: "state",
      class: "whole",
      about: ({ at }) => at,
      cell: ({ at }) => <Ago at={at} now={now} />,
    },
    { name: "Who", cell: ({ actor }) => <Actor actor={actor} names={names} /> },
    { name: "What", class: "main-cell", cell: (entry) => deedOf(entry) },
    {
      name: "To what",
      class: "clip",
      cell: ({ target, tenant }) =>
        tenant !== null && target.startsWith("ep_") ? (
          <a href={endpointPath(site, tenant, target)}>{names.get(target) ?? <code>{target}</code>}</a>
        ) : (
          (names.get(target) ?? <code>{target}</code>)
        ),
    },
    ...(tenant
      ? [
          {
            name: "Tenant",
            class: "whole" as const,
            cell: ({ tenant }: AuditEntry) =>
              tenant === null ? (
                <span class="muted">all</span>
              ) : (
                <a href={path(site.base, "tenants", tenant)}>{tenant}</a>
              ),
          },
        ]
      : []),
    { name: "Time", phone: "away", cell: ({ at }) => <At at={at} /> },
  ];
}

/** What the tenant's keys and endpoints are called, as far as one page of each tells. */
async function namesIn(site: Site, tenant: string): Promise<Names> {
  const query = { query: { limit: 250 } };
  const [keys, endpoints] = await Promise.all([
    site.may.keys.list ? site.api.keys.list(tenant, query) : { data: [] },
    site.api.endpoints.list(tenant, query),
  ]);
  return new Map([
    ...keys.data.map(({ id, name, role }) => [id, `${name} (${role} key)`] as const),
    ...endpoints.data.map((endpoint) => [endpoint.id, nameOf(endpoint)] as const),
  ]);
}

async function entries(c: SiteContext, target: string | undefined, here: string) {
  const site = c.get("site");
  if (!site.may.audit.ofTenant) throw new PageError(404, "There is no such page.");
  const tenant = c.req.param("tenant") ?? "";
  const cursor = c.req.query("cursor");
  const query = { limit: PAGE_SIZE, ...(target ? { target } : {}), ...(cursor === undefined ? {} : { cursor }) };
  const [list, names] = await Promise.all([site.api.audit.ofTenant(tenant, { query }), namesIn(site, tenant)]);
  return (
    <Listing
      {...{ c, list, here }}
      query={{ target: c.req.query("target") }}
      what="entries"
      columns={auditColumns(site, Date.now(), { names })}
      empty={
        <Empty icon="list" title="No changes yet">
          Changes stand here for 400 days, with who made them.
        </Empty>
      }
    >
      {c.req.param("endpoint") === undefined ? (
        <form method="get" action={here} class="filters" aria-label="Filter the audit">
          <label>
            Of
            <input name="target" value={target ?? ""} placeholder="ep_…, key_…" size={34} autocomplete="off" />
          </label>
          <button type="submit">Filter</button>
          {target ? <a href={here}>Clear</a> : null}
        </form>
      ) : null}
    </Listing>
  );
}

/** Who changed what of a tenant, and of an endpoint; for the operator of everything. */
export const auditPages = new Hono<SiteEnv>()
  .get("/audit", async (c) => {
    const site = c.get("site");
    if (!site.may.audit.list) throw new PageError(404, "There is no such page.");
    const cursor = c.req.query("cursor");
    const list = await site.api.audit.list({
      query: { limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) },
    });
    return page(
      c,
      { title: "Audit", current: "Now" },
      <>
        <PageHead title="Audit" about="Who changed what, over all tenants, newest first." />
        <Listing
          {...{ c, list }}
          here={path(site.base, "audit")}
          what="entries"
          columns={auditColumns(site, Date.now(), { tenant: true })}
          empty={<Empty icon="list" title="No changes yet" />}
        />
      </>,
    );
  })
  .get("/tenants/:tenant/audit", async (c) => {
    const listing = await entries(c, c.req.query("target")?.trim(), tenantPath(c, "audit"));
    return page(
      c,
      { title: "Audit", current: "Audit" },
      <>
        <PageHead title="Audit" about="Who changed what, newest first; also who read a secret." />
        {listing}
      </>,
    );
  })
  .get("/tenants/:tenant/endpoints/:endpoint/audit", async (c) => {
    const site = c.get("site");
    const tenant = c.req.param("tenant");
    const endpoint = await site.api.endpoints.get(tenant, c.req.param("endpoint"));
    const listing = await entries(c, endpoint.id, endpointPath(site, tenant, endpoint.id, "audit"));
    return page(
      c,
      { title: `Audit · ${nameOf(endpoint)}`, current: "Endpoints" },
      <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Audit">
        {listing}
      </EndpointFrame>,
    );
  });
