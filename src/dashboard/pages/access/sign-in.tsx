import { Hono } from "hono";
import { isRefusedTooOften, REFUSALS_PERIOD } from "../../../api/http/refusal-rate";
import { openPortalLink, type PortalLink, seePortalLink } from "../../../config/access/portal-links";
import { databasesOf, findInAny } from "../../../config/databases";
import { secretsKeys } from "../../../contracts/env";
import { randomHex } from "../../../lib/crypto";
import { log } from "../../../lib/log";
import { HOUR, SECOND } from "../../../lib/time";
import { TextField, Token, textOf } from "../../components/form";
import { BarePage } from "../../components/layout";
import { Notice } from "../../components/parts";
import { PageError } from "../../errors";
import { dropSession, setSession, setTheme, themeOf } from "../../guard";
import { end, holderOf, makers, principalOf } from "../../identity";
import type { Holder } from "../../session";
import { type SiteContext, type SiteEnv, type Visit, withQuery } from "../../site";
import { html } from "../../write";

/** How long a session lasts that a key has opened, in ms. */
const SESSION_LIFE = 12 * HOUR;

const SignIn = ({ visit, next, wrong, ended }: { visit: Visit; next: string; wrong?: string; ended?: boolean }) => (
  <BarePage visit={visit} title="Sign in">
    <h1>Sign in</h1>
    <p class="about">See what was delivered, and mend what was not.</p>
    {ended ? <Notice tone="info">Your session has ended, or your key was revoked. Sign in again.</Notice> : null}
    {wrong === undefined ? null : <Notice tone="bad">{wrong}</Notice>}
    <form method="post" action={`${visit.base}/sign-in`} class="stack">
      <Token visit={visit} />
      <input type="hidden" name="next" value={next} />
      <TextField
        name="key"
        label="API key"
        type="password"
        required
        autocomplete="current-password"
        hint="You stay signed in for 12 hours. The key itself is not kept."
      />
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
    <details class="quiet">
      <summary>Which key?</summary>
      <p class="hint">
        The operator's key is the deployment's secret <code>OPERATOR_KEY</code>. A tenant's key, with the role admin or
        viewer, is created under <em>API keys</em>.
      </p>
    </details>
  </BarePage>
);

const PortalClosed = ({ visit, ended }: { visit: Visit; ended: boolean }) => (
  <BarePage visit={visit} title="Portal closed">
    <h1>{ended ? "Your session has ended" : "This portal opens with a link"}</h1>
    <p>Go back to the application that you came from, and open your webhooks there again. A link works once.</p>
  </BarePage>
);

const OpenPortal = ({ visit, action }: { visit: Visit; action: string }) => (
  <BarePage visit={visit} title="Open your webhooks">
    <h1>Open your webhooks</h1>
    <p>The link that brought you here works once, in this browser.</p>
    <form method="post" action={action} class="stack">
      <Token visit={visit} />
      <button type="submit" class="primary">
        Open
      </button>
    </form>
  </BarePage>
);

/** Signs in and out, for those with a key and those with a link. */
export const signInPages = new Hono<SiteEnv>()
  .get("/sign-in", (c) => {
    const visit = c.get("visit");
    const ended = c.req.query("ended") !== undefined;
    if (visit.base === "/portal") return html(c, <PortalClosed visit={visit} ended={ended} />, ended ? 200 : 401);
    return html(c, <SignIn visit={visit} next={c.req.query("next") ?? ""} ended={ended} />);
  })
  .post("/sign-in", async (c) => {
    const visit = c.get("visit");
    if (visit.base === "/portal") throw new PageError(404, "There is nothing here.");
    const form = c.get("form");
    const next = textOf(form, "next");
    const now = Date.now();
    const holder = await holderOf(c, textOf(form, "key"), now);
    if (holder === null || holder === "producer") {
      log("dashboard.sign-in.refused", { reason: holder ?? "unknown" });
      await limitRefusals(c, "sign-in");
      const wrong =
        holder === null
          ? "That key is not known. Check that it was copied whole."
          : "A key of the role producer may only post events: it has nothing to see here.";
      return html(c, <SignIn visit={visit} next={next} wrong={wrong} />, 401);
    }
    await begin(c, holder, now + SESSION_LIFE, now);
    return c.redirect(isOwnPath(next, visit.base) ? next : visit.base, 303);
  })
  .get("/open/:token", async (c) => {
    const link = await linkOf(c);
    if (await isInside(c, link)) return c.redirect(startOf(link), 303);
    if (link.openedAt !== null) throw await linkRefused(c);
    // Whoever only looks, such as a scanner of mails, does not use it up: the button does.
    return html(c, <OpenPortal visit={c.get("visit")} action={c.req.path} />);
  })
  .post("/open/:token", async (c) => {
    const seen = await linkOf(c);
    if (await isInside(c, seen)) return c.redirect(startOf(seen), 303);
    const now = Date.now();
    const { env } = c;
    const token = c.req.param("token");
    const made = await makers(env);
    const link = await findInAny(databasesOf(env), (d1) => openPortalLink(d1, token, now, secretsKeys(env), made));
    if (link === null) throw await linkRefused(c);
    await begin(c, { kind: "portal", tenant: link.tenant, key: link.id }, link.expiresAt, now);
    return c.redirect(startOf(link), 303);
  })
  .post("/sign-out", async (c) => {
    const session = c.get("session");
    // On the server first: should that fail, there is still somebody who can try again.
    if (session !== null) await end(c.env, session, Date.now());
    dropSession(c);
    const { base } = c.get("visit");
    return c.redirect(withQuery(`${base}/sign-in`, base === "/portal" ? { ended: 1 } : {}), 303);
  })
  .post("/theme", (c) => {
    const form = c.get("form");
    const theme = themeOf(textOf(form, "theme"));
    if (theme !== null) setTheme(c, theme);
    const { base } = c.get("visit");
    const back = textOf(form, "back");
    return c.redirect(isOwnPath(back, base) ? withoutTheme(c, back) : base, 303);
  });

/** The link of the path, opened or not. Throws when it has ended or there is none. */
async function linkOf(c: SiteContext): Promise<PortalLink> {
  if (c.get("visit").base !== "/portal") throw new PageError(404, "There is nothing here.");
  const { env } = c;
  const token = c.req.param("token") ?? "";
  const [now, made] = [Date.now(), await makers(env)];
  // A link does not say whose it is.
  const link = await findInAny(databasesOf(env), (d1) => seePortalLink(d1, token, now, secretsKeys(env), made));
  if (link === null) throw await linkRefused(c);
  return link;
}

/** Whether the visitor is in the session that the link opened. */
async function isInside(c: SiteContext, link: PortalLink): Promise<boolean> {
  const session = c.get("session");
  if (session?.holder.kind !== "portal" || session.holder.key !== link.id) return false;
  return (await principalOf(c, session, Date.now())) !== null;
}

/** Where a link leads to. */
function startOf({ tenant, path }: PortalLink): string {
  return path === null ? "/portal" : `/portal/tenants/${tenant}${path}`;
}

async function linkRefused(c: SiteContext): Promise<PageError> {
  await limitRefusals(c, "portal link");
  const what = "This link was used before, or has ended. Open your webhooks again from your application.";
  return new PageError(401, what);
}

/** Counts a refusal; throws where that were too many. */
async function limitRefusals(c: SiteContext, kind: "sign-in" | "portal link"): Promise<void> {
  if (!(await isRefusedTooOften(c.env, kind, c.req.raw))) return;
  c.header("Retry-After", String(REFUSALS_PERIOD));
  throw new PageError(429, "That were many attempts. Wait a minute, then try again.");
}

/** A page without the theme that its address asks for: the one that was just chosen holds. */
function withoutTheme(c: SiteContext, back: string): string {
  const there = new URL(back, c.req.url);
  there.searchParams.delete("theme");
  return there.pathname + there.search;
}

async function begin(c: SiteContext, holder: Holder, expiresAt: number, now: number): Promise<void> {
  const session = { id: randomHex(16), holder, expiresAt };
  log("dashboard.signed-in", {
    kind: holder.kind,
    ...(holder.kind === "operator" ? {} : { tenant: holder.tenant, key: holder.key }),
  });
  await setSession(c, session, Math.ceil((expiresAt - now) / SECOND));
}

/** Whether a path leads to our own pages: never elsewhere after a sign-in. What an address never holds is refused. */
function isOwnPath(text: string, base: string): boolean {
  const plain = /^[!-[\]-~]*$/.test(text);
  return plain && (text === base || text.startsWith(`${base}/`) || text.startsWith(`${base}?`));
}
