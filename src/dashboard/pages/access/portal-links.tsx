import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { listTenantThings } from "../../api-json";
import { Act, SelectField, TextField, Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Listing, NewCard } from "../../components/listing";
import { Block, Card, Copyable, Notice } from "../../components/parts";
import { Ago, At } from "../../components/time";
import { type Refusal, refusalOf, refused } from "../../errors";
import { secondsOf } from "../../forms/durations";
import { frameAncestors, needs } from "../../guard";
import { type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";

/** How long links last that people make. */
const LIVES = ["15 m", "1 h", "8 h", "1 d", "7 d"];
const THEMES: readonly (readonly [string, string])[] = [
  ["", "as the visitor's system"],
  ["light", "light"],
  ["dark", "dark"],
];

const RIGHTS: readonly (readonly [string, string])[] = [
  ["manage", "manages endpoints"],
  ["read", "only reads"],
];
const PAGE_SIZE = 50;

interface Made {
  url: string;
  expiresAt: string;
}

type Link = Awaited<ReturnType<Client["portalLinks"]["get"]>>;

/** What became of a link. */
const State: FC<{ link: Link; now: number }> = ({ link: { openedAt, endedAt }, now }) => {
  if (endedAt !== null) return <span class="muted">closed by its visitor</span>;
  if (openedAt === null) return <span class="muted">not opened yet</span>;
  return (
    <>
      opened <Ago at={openedAt} now={now} />
    </>
  );
};

async function show(
  c: SiteContext,
  made: Made | null = null,
  refusal: Refusal | null = null,
  lasts = "1 h",
): Promise<Response> {
  const site = c.get("site");
  needs(site.may.portalLinks.list, "Your role does not make portal links.");
  const tenant = c.req.param("tenant") ?? "";
  const now = Date.now();
  const list = await listTenantThings<Link>(c, "portal-links", PAGE_SIZE);
  const here = tenantPath(c, "portal-links");
  const { origin } = new URL(c.req.url);
  const ancestors = frameAncestors(c.env);
  const call = `curl -X POST ${origin}/v1/tenants/${tenant}/portal-links \\
  -H "Authorization: Bearer $POSTHORN_KEY" -d '{"expiresIn": 3600}'`;
  return page(
    c,
    { title: "Portal links", current: "Portal links", refusal },
    <>
      <PageHead title="Portal links" about="Open this dashboard for one customer: endpoints and logs, no API keys." />
      {made === null ? null : (
        <Notice tone="good">
          <p>
            <strong>The link opens one session,</strong> with a button. Both end at <At at={made.expiresAt} />.
          </p>
          <Copyable text={made.url} label="Copy the link" />
        </Notice>
      )}
      <NewCard what="link" refusal={refusal}>
        <form method="post" action={here} class="inline">
          <Token visit={site} />
          <TextField name="expiresIn" label="Lasts" value={lasts} list="lives" errors={refusal?.errors ?? []} />
          <datalist id="lives">
            {LIVES.map((life) => (
              <option value={life} />
            ))}
          </datalist>
          <SelectField name="rights" label="Its visitor" value="manage" options={RIGHTS} />
          <TextField name="path" label="Opens at" placeholder="/endpoints" errors={refusal?.errors ?? []} />
          <SelectField name="theme" label="Theme" value="" options={THEMES} />
          <button type="submit" class="primary">
            Create the link
          </button>
        </form>
      </NewCard>
      <Listing
        {...{ c, list, here }}
        what="links"
        title="Links and sessions"
        columns={[
          {
            name: "Made",
            cell: ({ createdAt, madeBy }) => (
              <>
                <At at={createdAt} /> <small class="muted clip">by {madeBy ?? "somebody"}</small>
              </>
            ),
          },
          {
            name: "Session",
            cell: (link) => (
              <>
                <State link={link} now={now} />
                {link.readOnly ? ", only reads" : ""}
              </>
            ),
          },
          { name: "Ends", cell: ({ expiresAt }) => <At at={expiresAt} /> },
        ]}
        actions={({ id }) => (
          <Act
            visit={site}
            action={`${here}/revoke`}
            class="small danger"
            fields={{ link: id }}
            label={`Revoke ${id}`}
            asks="Revoke this link? Whoever came by it is signed out."
          >
            Revoke
          </Act>
        )}
        empty={<p>There are none that last.</p>}
      />
      <Card title="From your application">
        <p>Make a link when your customer opens the page, and send them there, or show it in a frame.</p>
        <Block text={call} label="How your back end makes a link" />
        <p class="hint">
          {ancestors.length === 0
            ? "No page may show it in a frame so far: name your origins in FRAME_ANCESTORS. "
            : `These origins may show it in a frame: ${ancestors.join(", ")}. `}
          Append <code>?theme=light</code> or <code>?theme=dark</code> to the link to choose one.
        </p>
      </Card>
    </>,
  );
}

/** Seconds as the API takes them. Throws a refusal. */
function lastsOf(text: string): number {
  try {
    return secondsOf(text);
  } catch (error) {
    throw refused("That cannot be read.", [{ path: "expiresIn", message: (error as Error).message }]);
  }
}

/** Links that open the portal. */
export const portalLinkPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/portal-links", (c) => show(c))
  .post("/tenants/:tenant/portal-links", async (c) => {
    const form = c.get("form");
    const theme = textOf(form, "theme");
    const lasts = textOf(form, "expiresIn");
    try {
      const expiresIn = lastsOf(lasts);
      const readOnly = textOf(form, "rights") === "read";
      const path = textOf(form, "path");
      const fields = { expiresIn, readOnly, ...(path === "" ? {} : { path }) };
      const made = await c.get("site").api.portalLinks.create(c.req.param("tenant"), fields);
      return show(c, { ...made, url: theme === "light" || theme === "dark" ? `${made.url}?theme=${theme}` : made.url });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      return show(c, null, refusal, lasts);
    }
  })
  .post("/tenants/:tenant/portal-links/revoke", async (c) => {
    await c.get("site").api.portalLinks.delete(c.req.param("tenant"), textOf(c.get("form"), "link"));
    return c.redirect(withQuery(tenantPath(c, "portal-links"), { done: "revoked" }), 303);
  });
