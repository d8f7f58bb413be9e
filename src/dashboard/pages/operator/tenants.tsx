import { Hono } from "hono";
import { PosthornError } from "../../../client/index";
import { OPERATOR_TENANT } from "../../../lib/operator";
import { Act, Refused, TextField, Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Listing, NewCard } from "../../components/listing";
import { Card, Empty, Notice } from "../../components/parts";
import { Ago, At } from "../../components/time";
import { PageError, type Refusal, refusedWith } from "../../errors";
import { needs } from "../../guard";
import { path, type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";

const PAGE_SIZE = 50;

interface Shown {
  refusal?: Refusal | null;
  values?: { id: string; name: string };
  /** A tenant whose deletion has not come to its end. */
  unfinished?: string;
}

async function show(c: SiteContext, { refusal = null, values = { id: "", name: "" }, unfinished }: Shown = {}) {
  const site = c.get("site");
  if (!site.may.tenants.list) throw new PageError(404, "There is no such page.");
  const [cursor, q] = [c.req.query("cursor"), c.req.query("q")?.trim() || undefined];
  const asked = { ...(cursor === undefined ? {} : { cursor }), ...(q === undefined ? {} : { q: q.slice(0, 255) }) };
  const list = await site.api.tenants.list({ query: { limit: PAGE_SIZE, include: "summary", ...asked } });
  const here = path(site.base, "tenants");
  const errors = refusal?.errors ?? [];
  const now = Date.now();
  return page(
    c,
    { title: "Tenants", current: "Tenants", refusal },
    <>
      <PageHead title="Tenants" about="Your customers. Each has endpoints, keys and logs of its own." />
      {unfinished === undefined ? null : (
        <Notice tone="warn">
          <strong>{unfinished}</strong> is gone for its keys, but not all that it had is removed yet.{" "}
          <Act visit={site} action={here} class="small" fields={{ delete: unfinished, confirm: unfinished }}>
            Go on
          </Act>
        </Notice>
      )}
      <Listing
        {...{ c, list, here }}
        query={{ q }}
        what="tenants"
        columns={[
          {
            name: "Name",
            class: "main-cell",
            cell: ({ id, name }) => (
              <>
                <a class="row-link" href={`${here}/${id}`}>
                  {name}
                </a>
                {id === OPERATOR_TENANT ? <span class="tag">the service's own</span> : null}
              </>
            ),
          },
          { name: "Id", cell: ({ id }) => <code>{id}</code> },
          {
            name: "Endpoints",
            class: "number",
            cell: ({ id, summary }) => <a href={`${here}/${id}/endpoints`}>{summary?.endpoints ?? 0}</a>,
          },
          {
            name: "Failing",
            class: "number",
            cell: ({ summary }) => (summary?.failing ? <strong class="bad">{summary.failing}</strong> : 0),
          },
          { name: "Waiting", class: "number", cell: ({ summary }) => summary?.waiting ?? 0 },
          {
            name: "Last success",
            cell: ({ summary }) =>
              summary?.lastSuccessAt ? <Ago at={summary.lastSuccessAt} now={now} /> : <span class="muted">—</span>,
          },
          { name: "Created", phone: "away", cell: ({ createdAt }) => <At at={createdAt} /> },
        ]}
        actions={({ id, name }) => (
          <a class="button small" href={`${here}/${id}/settings`} aria-label={`Settings of ${name}`}>
            Settings
          </a>
        )}
        empty={
          q === undefined ? (
            <Empty icon="people" title="No tenants yet">
              Create the first below.
            </Empty>
          ) : (
            <Empty icon="filter" title="No tenant matches">
              None has “{q}” in its id or name. <a href={here}>Show all</a>
            </Empty>
          )
        }
      >
        <form method="get" action={here} class="filters" aria-label="Search tenants">
          <label>
            Id or name
            <input name="q" type="search" value={q ?? ""} maxlength={255} autocomplete="off" />
          </label>
          <button type="submit">Search</button>
          {q === undefined ? null : <a href={here}>Clear</a>}
        </form>
      </Listing>
      <NewCard what="tenant" refusal={refusal}>
        <form method="post" action={here} class="inline">
          <Token visit={site} />
          <TextField name="id" label="Id" required value={values.id} errors={errors} placeholder="acme" />
          <TextField name="name" label="Name" required value={values.name} errors={errors} placeholder="Acme Inc." />
          <button type="submit" class="primary">
            Create
          </button>
        </form>
      </NewCard>
    </>,
  );
}

/** A tenant's name, and its deletion. */
async function settings(c: SiteContext, refusal: Refusal | null = null, said?: { name?: string; confirm?: string }) {
  const site = c.get("site");
  needs(site.may.tenants.update, "Only the operator renames and deletes tenants.");
  const { id, name } = await site.api.tenants.get(c.req.param("tenant") ?? "");
  const here = tenantPath(c, "settings");
  const [renaming, deleting] = said?.confirm === undefined ? [refusal, null] : [null, refusal];
  return page(
    c,
    { title: "Settings", refusal },
    <>
      <PageHead title={name} up={{ href: path(site.base, "tenants"), name: "Tenants" }} about={<code>{id}</code>} />
      <Card title="Name">
        <Refused refusal={renaming} what="The tenant was not renamed." />
        <form method="post" action={here} class="inline">
          <Token visit={site} />
          <TextField name="name" label="Name" required value={said?.name ?? name} errors={renaming?.errors ?? []} />
          <button type="submit" class="primary">
            Rename
          </button>
        </form>
      </Card>
      {id === OPERATOR_TENANT ? null : (
        <Card title="Delete the tenant">
          <Refused refusal={deleting} what="The tenant was not deleted." />
          <p>
            Its keys end at once, and its endpoints, events and deliveries go with it. What is waiting is not delivered
            any more. Nothing brings it back.
          </p>
          <form method="post" action={path(site.base, "tenants")} class="inline">
            <Token visit={site} />
            <input type="hidden" name="delete" value={id} />
            <TextField
              name="confirm"
              label={`Type ${id} to confirm`}
              required
              value={said?.confirm ?? ""}
              errors={deleting?.errors ?? []}
            />
            <button type="submit" class="danger">
              Delete
            </button>
          </form>
        </Card>
      )}
    </>,
  );
}

/** Deletes the tenant whose id was typed twice. Its own pages are gone from the first step on: so this is none of them. */
async function remove(c: SiteContext, id: string): Promise<Response> {
  const site = c.get("site");
  const form = c.get("form");
  if (textOf(form, "confirm").trim() !== id) {
    const back = withQuery(path(site.base, "tenants", id, "settings"), { unconfirmed: "1" });
    return c.redirect(back, 303);
  }
  try {
    await site.api.tenants.delete(id);
  } catch (error) {
    if (!(error instanceof PosthornError) || error.problem.code !== "deletion-unfinished") throw error;
    return show(c, { unfinished: id });
  }
  return c.redirect(withQuery(path(site.base, "tenants"), { done: "deleted" }), 303);
}

const UNCONFIRMED: Refusal = {
  detail: "What was typed is not its id.",
  errors: [{ path: "confirm", message: "must be the tenant's id" }],
};

/** The operator's list of customers. */
export const tenantPages = new Hono<SiteEnv>()
  .get("/tenants", (c) => show(c))
  .post("/tenants", async (c) => {
    const form = c.get("form");
    const gone = textOf(form, "delete");
    if (gone !== "") return remove(c, gone);
    const values = { id: textOf(form, "id"), name: textOf(form, "name") };
    const site = c.get("site");
    const refusal = await refusedWith(() => site.api.tenants.create(values));
    if (refusal !== null) return show(c, { refusal, values });
    return c.redirect(withQuery(path(site.base, "tenants", values.id), { done: "created" }), 303);
  })
  .get("/tenants/:tenant/settings", (c) =>
    c.req.query("unconfirmed") === "1" ? settings(c, UNCONFIRMED, { confirm: "" }) : settings(c),
  )
  .post("/tenants/:tenant/settings", async (c) => {
    const name = textOf(c.get("form"), "name");
    const refusal = await refusedWith(() => c.get("site").api.tenants.update(c.req.param("tenant"), { name }));
    if (refusal !== null) return settings(c, refusal, { name });
    return c.redirect(withQuery(tenantPath(c, "settings"), { done: "renamed" }), 303);
  });
