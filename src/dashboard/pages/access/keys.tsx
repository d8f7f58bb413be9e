import { Hono } from "hono";
import type { Client } from "../../../client/index";
import { ROLES } from "../../../config/access/keys";
import { listTenantThings } from "../../api-json";
import { Act, SelectField, TextField, Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Listing, NewCard } from "../../components/listing";
import { Copyable, Empty, Notice } from "../../components/parts";
import { Ago, At } from "../../components/time";
import { PageError, type Refusal, refusalOf } from "../../errors";
import { type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";

const PAGE_SIZE = 50;
const ABOUT = {
  admin: "everything in this tenant",
  producer: "posts events, reads nothing",
  viewer: "reads all but secrets and keys",
};

type Key = Awaited<ReturnType<Client["keys"]["list"]>>["data"][number];

interface Shown {
  refusal: Refusal | null;
  name: string;
  /** A key that was just made. */
  made: string | null;
}

async function show(
  c: SiteContext,
  { refusal, name, made }: Shown = { refusal: null, name: "", made: null },
): Promise<Response> {
  const site = c.get("site");
  const now = Date.now();
  const list = await listTenantThings<Key>(c, "keys", PAGE_SIZE);
  const here = tenantPath(c, "keys");
  return page(
    c,
    { title: "API keys", current: "API keys", refusal },
    <>
      <PageHead title="API keys" about="API keys for this tenant's services and people." />
      {made === null ? null : (
        <Notice tone="good">
          <p>
            <strong>Copy the key now: it is shown this once.</strong>
          </p>
          <Copyable text={made} label="Copy the key" />
        </Notice>
      )}
      <Listing
        {...{ c, list, here }}
        what="keys"
        columns={[
          {
            name: "Name",
            cell: ({ name, id }) => (
              <>
                {name} <small class="muted clip">{id}</small>
              </>
            ),
          },
          { name: "Role", about: ({ role }) => ABOUT[role], cell: ({ role }) => role },
          { name: "Created", cell: ({ createdAt }) => <At at={createdAt} /> },
          {
            name: "Last used",
            cell: ({ lastUsedAt: at }) => (at === null ? <span class="muted">never</span> : <Ago at={at} now={now} />),
          },
        ]}
        actions={({ id, name }) => (
          <Act
            visit={site}
            action={`${here}/revoke`}
            class="small danger"
            fields={{ key: id }}
            label={`Revoke ${name}`}
            asks={`Revoke ${name}? Whatever calls with it is refused from then on.`}
          >
            Revoke
          </Act>
        )}
        empty={
          <Empty icon="key" title="No keys yet">
            Create one below: a producer's for the back end that posts events.
          </Empty>
        }
      />
      <NewCard what="key" refusal={refusal}>
        <form method="post" action={here} class="inline">
          <Token visit={site} />
          <TextField
            name="name"
            label="Name"
            required
            value={name}
            errors={refusal?.errors ?? []}
            placeholder="production back end"
          />
          <SelectField
            name="role"
            label="Role"
            value="producer"
            options={ROLES.map((role): [string, string] => [role, `${role}: ${ABOUT[role]}`])}
          />
          <button type="submit" class="primary">
            Create
          </button>
        </form>
      </NewCard>
    </>,
  );
}

/** A tenant's keys. */
export const keyPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/keys", (c) => show(c))
  .post("/tenants/:tenant/keys", async (c) => {
    const form = c.get("form");
    const name = textOf(form, "name");
    const role = ROLES.find((known) => known === textOf(form, "role"));
    if (role === undefined) throw new PageError(422, "There is no such role.");
    try {
      const { key } = await c.get("site").api.keys.create(c.req.param("tenant"), { name, role });
      return show(c, { refusal: null, name: "", made: key });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      return show(c, { refusal, name, made: null });
    }
  })
  .post("/tenants/:tenant/keys/revoke", async (c) => {
    await c.get("site").api.keys.delete(c.req.param("tenant"), textOf(c.get("form"), "key"));
    return c.redirect(withQuery(tenantPath(c, "keys"), { done: "revoked" }), 303);
  });
