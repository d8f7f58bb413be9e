import { readJson } from "../lib/json/exact";
import type { Warning } from "./guard";
import type { SiteContext } from "./site";

/** A part of a list as the API answers it. */
export interface ListOf<T> {
  data: T[];
  nextCursor: string | null;
}

/** The most of a list that a form proposes. Where there may be more it says so. */
export const MOST_PROPOSED = 1_000;

/** All of a list, page by page, or its first {@link MOST_PROPOSED}. */
export async function allOf<T>(
  read: (query: { limit: number; cursor?: string }) => Promise<{ data: readonly T[]; nextCursor: string | null }>,
): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | null | undefined; cursor !== null && all.length < MOST_PROPOSED; ) {
    const page = await read({ limit: 250, ...(cursor === undefined ? {} : { cursor }) });
    all.push(...page.data);
    cursor = page.nextCursor;
  }
  return all;
}

/** An answer about what was saved. */
export interface Saved {
  warnings?: Warning[];
}

/** Calls the API below the path's tenant: for what a form's JSON decides, rather than a type. */
export async function callTenant<T>(c: SiteContext, method: string, parts: string[], body?: unknown): Promise<T> {
  const at = ["/v1/tenants", c.req.param("tenant") ?? "", ...parts].map((part, i) =>
    i === 0 ? part : encodeURIComponent(part),
  );
  const text = await c.get("site").text(at.join("/"), body === undefined ? undefined : JSON.stringify(body), method);
  return (text === "" ? undefined : readJson(text)) as T;
}

/** A page of a tenant's list. */
export async function listTenantThings<T>(c: SiteContext, name: string, limit: number): Promise<ListOf<T>> {
  const cursor = c.req.query("cursor");
  const query = new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
  const tenant = encodeURIComponent(c.req.param("tenant") ?? "");
  return readJson(await c.get("site").text(`/v1/tenants/${tenant}/${name}?${query}`)) as ListOf<T>;
}
