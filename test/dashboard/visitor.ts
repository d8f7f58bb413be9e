import { exports } from "cloudflare:workers";
import { vi } from "vitest";
import { Endpoint } from "../../src/index";
import { call } from "../lib/api";

const ORIGIN = "https://posthorn.test";

/** A page as a visitor sees it. */
export interface Seen {
  status: number;
  headers: Headers;
  html: string;
}

/** A browser without a screen: it keeps cookies by path, and sends forms with what they carry. */
export class Visitor {
  readonly cookies = new Map<string, { value: string; path: string; text: string }>();

  /** Asks for a path without following where it leads. */
  async get(path: string, headers: Record<string, string> = {}): Promise<Seen> {
    return this.#send(
      new Request(ORIGIN + path, { headers: { ...headers, ...this.#cookie(path) }, redirect: "manual" }),
    );
  }

  /** Sends a form of that page: its token, and these fields. */
  async submit(page: string, action: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
    const { html } = await this.get(page);
    const token = /name="_token" value="([^"]+)"/.exec(html)?.[1] ?? "";
    return this.post(action, { _token: token, ...fields }, headers);
  }

  /** Sends fields as they are. */
  async post(
    path: string,
    fields: Record<string, string> | string[][],
    headers: Record<string, string> = {},
  ): Promise<Seen> {
    const all = { Origin: ORIGIN, "Sec-Fetch-Site": "same-origin", ...headers, ...this.#cookie(path) };
    const body = new URLSearchParams(fields);
    return this.#send(new Request(ORIGIN + path, { method: "POST", headers: all, body, redirect: "manual" }));
  }

  /** Signs in with a key. */
  async signIn(key: string): Promise<Seen> {
    return this.submit("/dashboard/sign-in", "/dashboard/sign-in", { key });
  }

  /** Opens a portal link as a person does: looks at its page and presses the button. */
  async open(link: string): Promise<Seen> {
    const page = await this.get(link);
    if (page.status !== 200) return page;
    const token = /name="_token" value="([^"]+)"/.exec(page.html)?.[1] ?? "";
    return this.post(new URL(link, ORIGIN).pathname, { _token: token });
  }

  async #send(request: Request): Promise<Seen> {
    const response = await exports.default.fetch(request);
    for (const text of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      const path = /; Path=([^;]+)/.exec(text)?.[1] ?? "/";
      if (/Max-Age=0/.test(text)) this.cookies.delete(`${path} ${name}`);
      else this.cookies.set(`${path} ${name}`, { value, path, text });
    }
    return { status: response.status, headers: response.headers, html: await response.text() };
  }

  #cookie(path: string): Record<string, string> {
    const sent = [...this.cookies]
      .filter(([, cookie]) => path.startsWith(cookie.path))
      .map(([name, { value }]) => `${name.split(" ")[1]}=${value}`);
    return sent.length === 0 ? {} : { Cookie: sent.join("; ") };
  }

  /** The session's cookie as it was set. */
  session(base = "/dashboard"): string {
    return this.cookies.get(`${base} posthorn_session`)?.text ?? "";
  }
}

/** A visitor who is signed in with a new key of the tenant. */
export async function withKey(tenant: string, role: string): Promise<{ visitor: Visitor; id: string }> {
  const { body } = await call("POST", `/v1/tenants/${tenant}/keys`, { name: role, role });
  const visitor = new Visitor();
  await visitor.signIn(body.key);
  return { visitor, id: body.id };
}

/** A new portal link's path. */
export async function portalLink(tenant: string, fields: object = {}): Promise<string> {
  const { body } = await call("POST", `/v1/tenants/${tenant}/portal-links`, fields);
  return new URL(body.url).pathname;
}

/** A visitor whom a portal link let in. */
export async function inPortal(tenant: string, fields: object = {}): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.open(await portalLink(tenant, fields));
  return visitor;
}

/** The text of a page without its tags. */
export function words(html: string): string {
  return html
    .replace(/<[^>]+>/g, " ")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")
    .replace(/\s+/g, " ");
}

/** Counts the calls of endpoints' objects from here on. */
export function objectCalls(): () => string[] {
  const names = Object.getOwnPropertyNames(Endpoint.prototype).filter(
    (name) => name !== "constructor" && name !== "alarm",
  );
  const spies = names.map((name) => [name, vi.spyOn(Endpoint.prototype, name as "list")] as const);
  return () => spies.flatMap(([name, spy]) => spy.mock.calls.map(() => name));
}
