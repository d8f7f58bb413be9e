import { Hono } from "hono";
import { OPERATOR_TENANT } from "../../../lib/operator";
import { TextField, Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Listing, NewCard } from "../../components/listing";
import { Empty } from "../../components/parts";
import { At } from "../../components/time";
import { PageError, type Refusal, refusedWith } from "../../errors";
import { path, type SiteContext, type SiteEnv, withQuery } from "../../site";
import { page } from "../../write";

const PAGE_SIZE = 50;

async function show(c: SiteContext, refusal: Refusal | null = null, values = { id: "", name: "" }): Promise<Response> {
  const site = c.get("site");
  if (!site.may.tenants.list) throw new PageError(404, "There is no such page.");
  const cursor = c.req.query("cursor");
  const list = await site.api.tenants.list({
    query: { limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) },
  });
  const here = path(site.base, "tenants");
  const errors = refusal?.errors ?? [];
  return page(
    c,
    { title: "Tenants", current: "Tenants", refusal },
    <>
      <PageHead title="Tenants" about="Your customers. Each has endpoints, keys and logs of its own." />
      <Listing
        {...{ c, list, here }}
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
          { name: "Created", cell: ({ createdAt }) => <At at={createdAt} /> },
        ]}
        empty={
          <Empty icon="people" title="No tenants yet">
            Create the first below.
          </Empty>
        }
      />
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

/** The operator's list of customers. */
export const tenantPages = new Hono<SiteEnv>()
  .get("/tenants", (c) => show(c))
  .post("/tenants", async (c) => {
    const form = c.get("form");
    const values = { id: textOf(form, "id"), name: textOf(form, "name") };
    const site = c.get("site");
    const refusal = await refusedWith(() => site.api.tenants.create(values));
    if (refusal !== null) return show(c, refusal, values);
    return c.redirect(withQuery(path(site.base, "tenants", values.id), { done: "created" }), 303);
  });
