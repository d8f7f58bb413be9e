import { Hono } from "hono";
import { callTenant, listTenantThings } from "../../api-json";
import { Act, Refused, TextArea, TextField, Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Listing, NewCard, Rows } from "../../components/listing";
import { Card, Empty, Pager } from "../../components/parts";
import { At } from "../../components/time";
import { type Refusal, refusedWith } from "../../errors";
import { type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";

const PAGE_SIZE = 50;
/** Items of a list on one page; the API answers them all at once. */
const ITEMS_SIZE = 200;

interface Head {
  name: string;
  size: number;
  updatedAt: string;
}

/** The items of a text: one per line. */
function itemsOf(text: string): string[] {
  return [
    ...new Set(
      text
        .split(/\r?\n/)
        .map((line) => line.trim())
        .filter((line) => line !== ""),
    ),
  ];
}

async function show(
  c: SiteContext,
  refusal: Refusal | null = null,
  values = { name: "", items: "" },
): Promise<Response> {
  const site = c.get("site");
  const here = tenantPath(c, "lists");
  const list = await listTenantThings<Head>(c, "lists", PAGE_SIZE);
  const errors = refusal?.errors ?? [];
  return page(
    c,
    { title: "Lists", current: "Lists", refusal },
    <>
      <PageHead title="Lists" about="Values that signals look up, such as the domains of a watch list." />
      <Listing
        {...{ c, list, here }}
        what="lists"
        columns={[
          {
            name: "Name",
            class: "main-cell",
            cell: ({ name }) => (
              <a class="row-link" href={`${here}/${encodeURIComponent(name)}`}>
                {name}
              </a>
            ),
          },
          { name: "Items", class: "number", cell: ({ size }) => size },
          { name: "Changed", cell: ({ updatedAt }) => <At at={updatedAt} /> },
        ]}
        empty={
          <Empty icon="list" title="No lists yet">
            A signal may name a list before it is there; then it is empty.
          </Empty>
        }
      />
      <NewCard may={site.may.lists.create} what="list" refusal={refusal}>
        <form method="post" action={here}>
          <Token visit={site} />
          <TextField name="name" label="Name" required value={values.name} errors={errors} placeholder="watchlist" />
          <TextArea
            name="items"
            label="Items"
            code
            rows={4}
            value={values.items}
            errors={errors}
            placeholder="acme.com"
            hint="One per line."
          />
          <button type="submit" class="primary">
            Create
          </button>
        </form>
      </NewCard>
    </>,
  );
}

/** Where a page of so many items begins: what `from` says, if it is there. */
function startIn(from: string | undefined, length: number): number {
  const asked = /^\d{1,9}$/.test(from ?? "") ? Number(from) : 0;
  return asked < length ? asked : Math.max(0, length - ITEMS_SIZE);
}

async function showOne(c: SiteContext, refusal: Refusal | null = null): Promise<Response> {
  const site = c.get("site");
  const name = c.req.param("list") ?? "";
  const list = await callTenant<Head & { items: string[] }>(c, "GET", ["lists", name]);
  const here = tenantPath(c, "lists", list.name);
  const from = startIn(c.req.query("from"), list.items.length);
  const next = from + ITEMS_SIZE;
  return page(
    c,
    { title: list.name, current: "Lists", refusal },
    <>
      <PageHead
        title={list.name}
        up={{ href: tenantPath(c, "lists"), name: "Lists" }}
        about={`${list.items.length} items`}
      >
        {site.may.lists.delete ? (
          <Act
            visit={site}
            action={`${here}/delete`}
            class="danger"
            asks={`Delete the list ${list.name}? For signals that name it, it is then empty.`}
          >
            Delete the list
          </Act>
        ) : null}
      </PageHead>
      <Refused refusal={refusal} what="The list was not changed." />
      <Card>
        {site.may.lists.putItem ? (
          <form method="post" action={`${here}/add`} class="inline">
            <Token visit={site} />
            <TextField name="item" label="Item" required placeholder="acme.com" errors={refusal?.errors ?? []} />
            <button type="submit">Add</button>
          </form>
        ) : null}
        {list.items.length === 0 ? (
          <Empty icon="list" title="Nothing is on it" />
        ) : (
          <Rows
            rows={list.items.slice(from, next)}
            columns={[{ name: "Item", cell: (item) => <code>{item}</code> }]}
            actions={(item) =>
              site.may.lists.deleteItem ? (
                <Act
                  visit={site}
                  action={`${here}/remove`}
                  class="small"
                  fields={from === 0 ? { item } : { item, from: String(from) }}
                  label={`Take off ${item}`}
                >
                  Take off
                </Act>
              ) : null
            }
          />
        )}
        <Pager
          next={next < list.items.length ? withQuery(here, { from: next }) : null}
          first={from === 0 ? null : here}
          what="items"
          byName
        />
      </Card>
    </>,
  );
}

/** Lists. */
export const listPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/lists", (c) => show(c))
  .post("/tenants/:tenant/lists", async (c) => {
    const form = c.get("form");
    const values = { name: textOf(form, "name"), items: textOf(form, "items") };
    const body = { name: values.name, items: itemsOf(values.items) };
    const refusal = await refusedWith(() => callTenant(c, "POST", ["lists"], body));
    if (refusal !== null) return show(c, refusal, values);
    return c.redirect(withQuery(tenantPath(c, "lists", values.name), { done: "created" }), 303);
  })
  .get("/tenants/:tenant/lists/:list", (c) => showOne(c))
  .post("/tenants/:tenant/lists/:list/add", async (c) => {
    const list = c.req.param("list");
    const refusal = await refusedWith(() =>
      callTenant(c, "PUT", ["lists", list, "items", textOf(c.get("form"), "item")]),
    );
    if (refusal !== null) return showOne(c, refusal);
    return c.redirect(withQuery(tenantPath(c, "lists", list), { done: "added" }), 303);
  })
  .post("/tenants/:tenant/lists/:list/remove", async (c) => {
    const list = c.req.param("list");
    const form = c.get("form");
    await callTenant(c, "DELETE", ["lists", list, "items", textOf(form, "item")]);
    const query = { from: textOf(form, "from"), done: "removed" };
    return c.redirect(withQuery(tenantPath(c, "lists", list), query), 303);
  })
  .post("/tenants/:tenant/lists/:list/delete", async (c) => {
    await callTenant(c, "DELETE", ["lists", c.req.param("list")]);
    return c.redirect(withQuery(tenantPath(c, "lists"), { done: "deleted" }), 303);
  });
