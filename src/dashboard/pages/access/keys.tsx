import { Hono } from "hono";
import { ROLES } from "../../../config/access/keys";
import { Act, Refused, SelectField, TextField, Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Card, Copyable, Empty, Notice, Pager } from "../../components/parts";
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
  const cursor = c.req.query("cursor");
  const now = Date.now();
  const list = await site.api.keys.list(c.req.param("tenant") ?? "", {
    query: { limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) },
  });
  const here = tenantPath(c, "keys");
  return page(
    c,
    { title: "API keys", current: "API keys", status: refusal === null ? 200 : 422 },
    <>
      <PageHead title="API keys" about="What this tenant's services and people call the API with." />
      {made === null ? null : (
        <Notice tone="good">
          <p>
            <strong>Copy the key now: it is shown this once.</strong>
          </p>
          <Copyable text={made} label="Copy the key" />
        </Notice>
      )}
      <Card>
        {list.data.length === 0 ? (
          <Empty icon="key" title="No keys yet">
            Create one below: a producer's for the back end that posts events.
          </Empty>
        ) : (
          <table class="rows">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                <th scope="col">Created</th>
                <th scope="col">Last used</th>
                <th scope="col">
                  <span class="hidden-text">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.data.map((key) => (
                <tr>
                  <td data-name="Name">
                    {key.name} <small class="muted clip">{key.id}</small>
                  </td>
                  <td data-name="Role" title={ABOUT[key.role]}>
                    {key.role}
                  </td>
                  <td data-name="Created">
                    <At at={key.createdAt} />
                  </td>
                  <td data-name="Last used">
                    {key.lastUsedAt === null ? <span class="muted">never</span> : <Ago at={key.lastUsedAt} now={now} />}
                  </td>
                  <td class="row-actions">
                    <Act
                      visit={site}
                      action={`${here}/revoke`}
                      class="small danger"
                      fields={{ key: key.id }}
                      label={`Revoke ${key.name}`}
                      asks={`Revoke ${key.name}? Whatever calls with it is refused from then on.`}
                    >
                      Revoke
                    </Act>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <Pager
          next={list.nextCursor === null ? null : withQuery(here, { cursor: list.nextCursor })}
          first={cursor === undefined ? null : here}
          what="keys"
        />
      </Card>
      <Card title="New key">
        <Refused refusal={refusal} what="The key was not created." />
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
      </Card>
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
