import { Hono } from "hono";
import { Refused, SelectField, Token, textOf } from "../components/form";
import { PageHead } from "../components/layout";
import { Block, Card, Copyable, Notice } from "../components/parts";
import { At } from "../components/time";
import { type Refusal, refusalOf } from "../errors";
import { frameAncestors, needs } from "../guard";
import { type SiteContext, type SiteEnv, tenantPath } from "../site";
import { page } from "../write";

const LIVES: readonly (readonly [string, string])[] = [
  ["900", "15 minutes"],
  ["3600", "1 hour"],
  ["28800", "8 hours"],
  ["86400", "1 day"],
  ["604800", "7 days"],
];
const THEMES: readonly (readonly [string, string])[] = [
  ["", "as the visitor's system"],
  ["light", "light"],
  ["dark", "dark"],
];

interface Made {
  url: string;
  expiresAt: string;
}

function show(c: SiteContext, made: Made | null = null, refusal: Refusal | null = null): Response {
  const site = c.get("site");
  needs(c, "configure", "Your role does not make portal links.");
  const tenant = c.req.param("tenant") ?? "";
  const here = tenantPath(c, "portal-links");
  const { origin } = new URL(c.req.url);
  const ancestors = frameAncestors(c.env);
  const call = `curl -X POST ${origin}/v1/tenants/${tenant}/portal-links \\
  -H "Authorization: Bearer $POSTHORN_KEY" -d '{"expiresIn": 3600}'`;
  return page(
    c,
    { title: "Portal links", current: "Portal links", status: refusal === null ? 200 : 422 },
    <>
      <PageHead title="Portal links" about="Open this dashboard for one customer: endpoints and logs, no API keys." />
      {made === null ? null : (
        <Notice tone="good">
          <p>
            <strong>The link works once.</strong> It and the session it opens end at <At at={made.expiresAt} />.
          </p>
          <Copyable text={made.url} label="Copy the link" />
        </Notice>
      )}
      <Card title="New link">
        <Refused refusal={refusal} what="The link was not created." />
        <form method="post" action={here} class="inline">
          <Token visit={site} />
          <SelectField name="expiresIn" label="Lasts" value="3600" options={LIVES} />
          <SelectField name="theme" label="Theme" value="" options={THEMES} />
          <button type="submit" class="primary">
            Create the link
          </button>
        </form>
      </Card>
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

/** Links that open the portal. */
export const portalLinkPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/portal-links", (c) => show(c))
  .post("/tenants/:tenant/portal-links", async (c) => {
    const form = c.get("form");
    const theme = textOf(form, "theme");
    try {
      const expiresIn = Number(textOf(form, "expiresIn"));
      const made = await c.get("site").api.portalLinks.create(c.req.param("tenant"), { expiresIn });
      return show(c, { ...made, url: theme === "light" || theme === "dark" ? `${made.url}?theme=${theme}` : made.url });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      return show(c, null, refusal);
    }
  });
