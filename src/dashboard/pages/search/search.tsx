import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { PageHead } from "../../components/layout";
import { Rows } from "../../components/listing";
import { Card, Empty, Notice } from "../../components/parts";
import { searchPath } from "../../components/search-box";
import { PageError, readOr } from "../../errors";
import type { Site, SiteContext, SiteEnv } from "../../site";
import { page } from "../../write";

type Found = Awaited<ReturnType<Client["search"]["all"]>>;

/** The page of a hit: pages stand where the API has things. */
function hrefOf({ base }: Site, { path }: Found["data"][number]): string {
  return path.replace(/^\/v1/, base);
}

/** What can be searched for, in the words of whoever looks. */
const Searchable: FC<{ all: boolean }> = ({ all }) => (
  <ul>
    <li>
      An id: <code>evt_…</code>, <code>dlv_…</code>, <code>att_…</code>, <code>ep_…</code>, whole.
    </li>
    <li>An event's own id, or the key that it was posted with.</li>
    <li>
      A value in an event, such as an order's number, where its type names that path as <code>searchable</code>.
    </li>
    <li>
      A part of an endpoint's name, <code>uid</code> or URL{all ? ", or of a tenant's id or name" : ""}.
    </li>
  </ul>
);

async function show(c: SiteContext): Promise<Response> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? null;
  const q = c.req.query("q")?.trim() ?? "";
  if (searchPath(site, tenant) === null) throw new PageError(404, "There is no such page.");
  const query = { query: { q } };
  const { found, refusal } =
    q === ""
      ? { found: null, refusal: null }
      : await readOr(tenant === null ? site.api.search.all(query) : site.api.search.tenant(tenant, query));
  // Whoever sees all tenants need not know in which one to look.
  const further = tenant !== null && found?.data.length === 0 && site.may.search.all;
  const shown = further ? await site.api.search.all(query) : found;
  const [only] = shown?.data ?? [];
  if (only !== undefined && shown?.data.length === 1) return c.redirect(hrefOf(site, only), 303);
  const all = tenant === null || further;
  return page(
    c,
    { title: "Search", refusal },
    <>
      <PageHead
        title="Search"
        about={
          q === "" ? undefined : (
            <>
              For “{q}”{further ? " in all tenants" : ""}
            </>
          )
        }
      />
      {refusal === null ? null : <Notice tone="bad">{refusal.detail}</Notice>}
      <Card>
        <form method="get" action={c.req.path} class="filters" aria-label="Search again">
          <label>
            What to look for
            <input name="q" value={q} required maxlength={255} size={40} autocomplete="off" />
          </label>
          <button type="submit" class="primary">
            Search
          </button>
        </form>
        {shown === null || shown.data.length === 0 ? (
          <Empty icon="filter" title={q === "" ? "What can be searched" : "Nothing found"}>
            <Searchable all={site.may.search.all} />
          </Empty>
        ) : (
          <Rows
            rows={shown.data}
            columns={[
              { name: "What", cell: ({ kind }) => <span class="tag">{kind}</span> },
              {
                name: "Name",
                class: "main-cell",
                cell: (hit) => (
                  <a class="row-link" href={hrefOf(site, hit)}>
                    {hit.title}
                  </a>
                ),
              },
              { name: "Id", class: "clip", cell: ({ id }) => <code>{id}</code> },
              ...(all ? [{ name: "Tenant", cell: ({ tenant }: { tenant: string }) => <code>{tenant}</code> }] : []),
            ]}
          />
        )}
        {shown?.truncated ? (
          <p class="hint">
            Not everything was looked at, or is shown: say more of it
            {all ? ", or search on the pages of one tenant" : ""}.
          </p>
        ) : null}
      </Card>
    </>,
  );
}

/** What a search finds; a single hit leads straight to its page. */
export const searchPages = new Hono<SiteEnv>().get("/search", show).get("/tenants/:tenant/search", show);
