/**
 * What stands before every page: headers, who it is, and that a form is ours.
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, getSignedCookie, setCookie, setSignedCookie } from "hono/cookie";
import { csrf } from "hono/csrf";
import { secureHeaders } from "hono/secure-headers";
import { createClient, PosthornError, type Problem } from "../client/index";
import { isPortal } from "../config/access/principal";
import { frameAncestors, secretsKey } from "../contracts/env";
import { randomHex } from "../lib/crypto";
import { readJson } from "../lib/json/exact";
import { readLimited } from "../lib/net/limited-body";
import { PageError } from "./errors";
import { labelOf } from "./forms/labels";
import { principalOf } from "./identity";
import { formToken, isFormToken, readSession, type Session, sessionKey } from "./session";
import { BASES, type Base, type Call, mayOf, type SiteContext, type SiteEnv, THEMES, type Theme } from "./site";

/** The largest form, in bytes: a sample and a filter. */
export const MAX_FORM = 262_144;
/** How long a browser keeps the theme, and the visit of somebody who is not signed in, in seconds. */
const YEAR = 31_536_000;
const SESSION = "posthorn_session";
const VISIT = "posthorn_visit";
const THEME = "posthorn_theme";
const WARNINGS = "posthorn_warnings";
const MOST_WARNINGS = 5;

/** What the API warns of, having saved it. */
export interface Warning {
  path: string;
  message: string;
}

export { frameAncestors };

/** Nothing from elsewhere, and no script or style in the page. */
const HEADERS = {
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", "data:"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
  // Within the site the address is told: without it the browser would hide the origin of forms, which is checked.
  referrerPolicy: "same-origin",
  permissionsPolicy: { camera: [], geolocation: [], microphone: [] },
  xFrameOptions: "DENY",
  // It would bind every name below the host's own, which is not ours to say.
  strictTransportSecurity: false,
};
const alone = secureHeaders(HEADERS);
/** For pages that may stand in another one, which X-Frame-Options and a resource policy cannot say. */
const framed = secureHeaders({
  ...HEADERS,
  contentSecurityPolicy: { ...HEADERS.contentSecurityPolicy, frameAncestors: [(c) => frameAncestors(c.env).join(" ")] },
  xFrameOptions: false,
  crossOriginResourcePolicy: false,
});

/** What every page is served with; it stands in frames only where the operator allows them. */
export const headers: MiddlewareHandler<SiteEnv> = async (c, next) => {
  await (mayBeFramed(c) ? framed : alone)(c, next);
  c.header("Cache-Control", "no-store");
};

function mayBeFramed(c: SiteContext): boolean {
  return baseOf(c) === "/portal" && frameAncestors(c.env).length > 0;
}

/** Where the page stands. */
export function baseOf(c: SiteContext): Base {
  return BASES.find((base) => c.req.path === base || c.req.path.startsWith(`${base}/`)) ?? "/dashboard";
}

/** How cookies are set here: a portal in another site's frame needs ones that this allows. */
function cookieOptions(c: SiteContext) {
  const base = baseOf(c);
  const common = { path: base, httpOnly: true } as const;
  if (mayBeFramed(c)) {
    return { ...common, sameSite: "None", secure: true, partitioned: true } as const;
  }
  return { ...common, sameSite: "Lax", secure: new URL(c.req.url).protocol === "https:" } as const;
}

/** Gives the browser its session. `seconds`: how long it lasts. */
export async function setSession(c: SiteContext, session: Session, seconds: number): Promise<void> {
  const key = await sessionKey(secretsKey(c.env));
  await setSignedCookie(c, SESSION, JSON.stringify(session), key, { ...cookieOptions(c), maxAge: seconds });
}

/** Takes the browser's session away. */
export function dropSession(c: SiteContext): void {
  deleteCookie(c, SESSION, cookieOptions(c));
}

/** The session that the browser has; `null`: none, one that is not ours, or one that has ended. */
async function sessionOf(c: SiteContext, now: number): Promise<Session | null> {
  const text = await getSignedCookie(c, await sessionKey(secretsKey(c.env)), SESSION);
  return text ? readSession(text, now) : null;
}

/** What is known of a visitor before they are: the theme, and what their forms carry. */
export const visit: MiddlewareHandler<SiteEnv> = async (c, next) => {
  const asked = themeOf(c.req.query("theme"));
  if (asked !== null) setTheme(c, asked);
  let id = getCookie(c, VISIT);
  if (id === undefined || !/^[0-9a-f]{32}$/.test(id)) {
    id = randomHex(16);
    setCookie(c, VISIT, id, cookieOptions(c));
  }
  const url = new URL(c.req.url);
  const session = getCookie(c, SESSION) === undefined ? null : await sessionOf(c, Date.now());
  c.set("session", session);
  c.set("visit", {
    base: baseOf(c),
    theme: asked ?? themeOf(getCookie(c, THEME)) ?? "auto",
    // Inside a session its own token is the only one that counts.
    token: await formToken(secretsKey(c.env), session?.id ?? id),
    here: c.req.method === "GET" ? url.pathname + url.search : startOf(c),
  });
  await next();
};

/** The page to return to from an answer to a form, whose own path may be no page: its endpoint's, or its section's. */
function startOf(c: SiteContext): string {
  const section = /^\/[a-z]+\/tenants\/[^/]+(?:\/endpoints\/ep_[0-9A-Z]{26}|\/[a-z-]+)?(?=\/|$)/;
  return section.exec(c.req.path)?.[0] ?? baseOf(c);
}

/** The theme of that name, or `null`. */
export function themeOf(text: string | undefined): Theme | null {
  return THEMES.find((theme) => theme === text) ?? null;
}

/** Has the browser remember the theme. */
export function setTheme(c: SiteContext, theme: Theme): void {
  setCookie(c, THEME, theme, { ...cookieOptions(c), maxAge: YEAR });
}

/** Keeps what is to be known of what was just saved for the page that follows. */
export function keepWarnings(c: SiteContext, warnings: readonly Warning[] = []): void {
  if (warnings.length === 0) return;
  // A cookie has room for a few.
  const text = JSON.stringify(
    warnings.slice(0, MOST_WARNINGS).map(({ path, message }) => {
      const { label, rest } = labelOf(path);
      return [label, rest, message]
        .filter((word) => word !== "")
        .join(" ")
        .slice(0, 300);
    }),
  );
  setCookie(c, WARNINGS, text, { ...cookieOptions(c), maxAge: 60 });
}

/** What was kept by the answer before this one, once. */
export function takeWarnings(c: SiteContext): string[] {
  const text = getCookie(c, WARNINGS);
  if (text === undefined) return [];
  deleteCookie(c, WARNINGS, cookieOptions(c));
  try {
    const read = JSON.parse(text) as unknown;
    return Array.isArray(read) ? read.map(String) : [];
  } catch {
    // Not ours.
    return [];
  }
}

/** Knows who is signed in, as long as they still may be; others are sent to sign in. */
export function signedIn(call: Call): MiddlewareHandler<SiteEnv> {
  return async (c, next) => {
    const now = Date.now();
    const session = c.get("session");
    const principal = session && (await principalOf(c, session, now));
    const there = c.get("visit");
    const expected = (there.base === "/portal") === isPortal(principal?.role);
    if (session === null || principal === null || !expected) {
      const had = getCookie(c, SESSION) !== undefined;
      if (had) dropSession(c);
      return toSignIn(c, had);
    }
    const { origin } = new URL(c.req.url);
    const send = (request: Request) => call(principal, request, c.env, c.executionCtx as ExecutionContext);
    c.set("site", {
      ...there,
      principal,
      endsAt: session.expiresAt,
      api: createClient({ url: origin, fetch: send, parse: readJson }),
      text: (path, ...how) => textOf(send, new URL(path, origin), ...how),
      send,
      may: mayOf(principal.role),
    });
    await next();
  };
}

/** Another tenant is not there for anybody, nor is one of none for the operator: also on pages that ask the API nothing. */
export const ofTenant: MiddlewareHandler<SiteEnv> = async (c, next) => {
  const { principal, api } = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  if (principal.tenant === null) await api.tenants.get(tenant);
  else if (principal.tenant !== tenant) throw new PageError(404, "There is no such tenant.");
  await next();
};

/** Refuses a page to whoever may not do what it is for. The API would as well, but only once the form is sent. */
export function needs(may: boolean, refusal: string): void {
  if (!may) throw new PageError(403, refusal);
}

async function textOf(
  send: (request: Request) => Promise<Response>,
  url: URL,
  body?: string,
  method?: string,
  headers: Record<string, string> = {},
) {
  const verb = method ?? (body === undefined ? "GET" : "POST");
  const init = body === undefined ? { headers } : { body, headers: { "Content-Type": "application/json", ...headers } };
  const response = await send(new Request(url, { method: verb, ...init }));
  const text = await response.text();
  if (!response.ok) throw new PosthornError(`${verb} ${url.pathname}`, JSON.parse(text) as Problem, response.headers);
  return text;
}

function toSignIn(c: SiteContext, ended: boolean): Response {
  const { base, here } = c.get("visit");
  const back = c.req.method === "GET" && here !== base ? `next=${encodeURIComponent(here)}` : "";
  const query = [ended ? "ended=1" : "", base === "/portal" ? "" : back].filter((part) => part !== "").join("&");
  const target = `${base}/sign-in${query === "" ? "" : `?${query}`}`;
  // A part of a page cannot be replaced by a sign-in form: the whole page goes there.
  if (c.req.header("HX-Request") !== undefined) return c.body(null, 204, { "HX-Redirect": `${base}/sign-in?ended=1` });
  return c.redirect(target, 303);
}

/** The form that a body is; what is none has no fields. */
function formIn(body: Uint8Array<ArrayBuffer>, type: string): Promise<FormData> {
  return new Response(body, { headers: { "Content-Type": type } }).formData().catch(() => new FormData());
}

/**
 * Refuses what comes from another site. A browser says of a form where it is from in two ways, and each that it says has to
 * be right; the package by itself takes what is right in one of them.
 */
export const ownSite = csrf({
  origin: (origin, c) => isOwn(origin, c) && c.req.header("Sec-Fetch-Site") !== "cross-site",
  secFetchSite: (site, c) => site === "same-origin" && isOwn(c.req.header("Origin"), c),
});

function isOwn(origin: string | undefined, c: Context): boolean {
  return origin === undefined || origin === new URL(c.req.url).origin;
}

/** Takes a form only with the token of this session or visit, which nobody else's page can know. */
export const ownForms: MiddlewareHandler<SiteEnv> = async (c, next) => {
  if (c.req.method === "GET" || c.req.method === "HEAD") return next();
  const body = await readLimited(c.req.raw, MAX_FORM);
  if (body === null) throw new PageError(413, "That is too much for a form. Use the API for payloads of this size.");
  const form = await formIn(body, c.req.header("Content-Type") ?? "");
  const token = String(form.get("_token") ?? "");
  const id = c.get("session")?.id ?? getCookie(c, VISIT);
  if (id === undefined || !(await isFormToken(secretsKey(c.env), id, token))) {
    throw new PageError(
      403,
      "This form has grown old. Go back, reload the page and send it again. Nothing was changed.",
    );
  }
  c.set("form", form);
  await next();
};
