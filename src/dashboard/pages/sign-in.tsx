import { Hono } from "hono";
import { isRefusedTooOften, REFUSALS_PERIOD } from "../../api/refusals";
import { openPortalLink } from "../../config/portal-links";
import { randomHex } from "../../lib/crypto";
import { secretsKey, secretsKeys } from "../../lib/env";
import { log } from "../../lib/log";
import { HOUR, SECOND } from "../../lib/time";
import { TextField, Token, textOf } from "../components/form";
import { BarePage } from "../components/layout";
import { Notice } from "../components/parts";
import { PageError } from "../errors";
import { setSession, setTheme, themeOf } from "../guard";
import { holderOf } from "../identity";
import { type Holder, sealSession } from "../session";
import { type SiteContext, type SiteEnv, type Visit, withQuery } from "../site";
import { html } from "../write";

/** How long a session lasts that a key has opened, in ms. */
const SESSION_LIFE = 12 * HOUR;

const SignIn = ({ visit, next, wrong, ended }: { visit: Visit; next: string; wrong?: string; ended?: boolean }) => (
  <BarePage visit={visit} title="Sign in">
    <h1>Sign in</h1>
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
        hint="The operator's key, or a tenant's key of the role admin or viewer. It is checked and not kept; you stay signed in for 12 hours."
      />
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
  </BarePage>
);

const PortalClosed = ({ visit, ended }: { visit: Visit; ended: boolean }) => (
  <BarePage visit={visit} title="Portal closed">
    <h1>{ended ? "Your session has ended" : "This portal opens with a link"}</h1>
    <p>Go back to the application that you came from, and open your webhooks there again. A link works once.</p>
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
    const visit = c.get("visit");
    // A HEAD only looks: it does not use the link up.
    if (visit.base !== "/portal" || c.req.method !== "GET") throw new PageError(404, "There is nothing here.");
    const now = Date.now();
    const link = await openPortalLink(c.env.DB, c.req.param("token"), now, secretsKeys(c.env));
    if (link === null) {
      await limitRefusals(c, "portal link");
      throw new PageError(
        401,
        "This link was used before, or has ended. Open your webhooks again from your application.",
      );
    }
    await begin(c, { kind: "portal", tenant: link.tenant, key: link.id }, link.expiresAt, now);
    return c.redirect(visit.base, 303);
  })
  .post("/sign-out", (c) => {
    setSession(c, "", 0);
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
  setSession(c, await sealSession(secretsKey(c.env), session), Math.ceil((expiresAt - now) / SECOND));
}

/** Whether a path leads to our own pages: never elsewhere after a sign-in. What an address never holds is refused. */
function isOwnPath(text: string, base: string): boolean {
  const plain = /^[!-[\]-~]*$/.test(text);
  return plain && (text === base || text.startsWith(`${base}/`) || text.startsWith(`${base}?`));
}
