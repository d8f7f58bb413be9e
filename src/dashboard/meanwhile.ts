/**
 * Two who change one thing at once: a form carries what it was rendered from, so that it changes what its reader changed
 * and nothing else, and tells them when somebody else changed the same.
 * @module
 */

import { tagOf } from "../api/changes/etags";
import { same } from "../api/changes/read-back";
import { PosthornError } from "../client/index";
import { listAudit } from "../config/access/audit";
import { configOf } from "../config/databases";
import type { Env } from "../contracts/env";
import { readJson } from "../lib/json/exact";
import { type Refusal, refused } from "./errors";
import type { Warning } from "./guard";
import type { SiteContext } from "./site";

/** The name of the field that carries it. */
export const READ = "_read";
/** The most rows of the audit that are looked through for who it was. */
const LOOKED_THROUGH = 100;

type Fields = Record<string, unknown>;

/** What a form was rendered from; `fallback` where it does not say, or nothing that could be it. */
export function readIn<T extends { id: string }>(form: FormData, fallback: T): T {
  try {
    const read = readJson(String(form.get(READ) ?? ""));
    // Only what differs from it is written, and the API checks that: it needs to be no more than the same thing.
    return read?.id === fallback.id ? { ...fallback, ...read } : fallback;
  } catch {
    return fallback;
  }
}

/** The fields of a change that somebody else has changed since they were read, to something else. Pure. */
export function clashes(change: Fields, read: object, now: object): string[] {
  const [before, after] = [read as Fields, now as Fields];
  return Object.keys(change).filter(
    (name) => !same(before[name], after[name]) && !same(change[name], after[name] ?? null),
  );
}

/** The refusal of a change that clashes; `since`: when what was read was last changed, in ms. */
export async function clashRefusal(
  env: Env,
  tenant: string,
  target: string,
  since: number,
  names: readonly string[],
): Promise<Refusal> {
  const who = await changerOf(env, tenant, target, since);
  const message = `was changed meanwhile by ${who}`;
  return {
    detail: `It was changed meanwhile by ${who}. Look at what it is now; saving once more puts yours in its place.`,
    errors: names.map((path) => ({ path, message })),
  };
}

/** Who changed it last since then, in words; the audit knows. */
async function changerOf(env: Env, tenant: string, target: string, since: number): Promise<string> {
  const rows = await listAudit(await configOf(env, tenant), { tenant, since, until: null }, LOOKED_THROUGH, null);
  const actor = rows.find((row) => row.target === target)?.actor;
  if (actor === undefined) return "somebody else";
  if (actor === "operator") return "the operator";
  return actor.startsWith("lnk_") ? `a visitor of the portal (${actor})` : `the key ${actor}`;
}

/**
 * Changes a thing of the path's tenant as a form says: what its reader has changed of what the form was rendered from.
 * Answers what the API warns of. Throws the API's refusal, and one of its kind where somebody else has changed the same meanwhile.
 */
export async function patchRead(c: SiteContext, parts: readonly string[], said: Fields, tries = 3): Promise<Warning[]> {
  const tenant = c.req.param("tenant") ?? "";
  const at = `/v1/${["tenants", tenant, ...parts].map(encodeURIComponent).join("/")}`;
  const site = c.get("site");
  const text = await site.text(at);
  const now = readJson(text) as { id: string; updatedAt: string };
  const read = readIn(c.get("form"), now);
  const change = Object.fromEntries(
    Object.entries(said).filter(([name, value]) => !same(value ?? null, (read as unknown as Fields)[name] ?? null)),
  );
  if (Object.keys(change).length === 0) return [];
  const clashing = clashes(change, read, now);
  if (clashing.length > 0) {
    const { detail, errors } = await clashRefusal(c.env, tenant, now.id, Date.parse(read.updatedAt), clashing);
    throw refused(detail, errors, "Changed meanwhile", 409);
  }
  try {
    const saved = await site.text(at, JSON.stringify(change), "PATCH", { "If-Match": await tagOf(text) });
    return (readJson(saved) as { warnings?: Warning[] }).warnings ?? [];
  } catch (error) {
    // In the very moment between reading and writing: what is clashing is told by the next look.
    if (isStale(error) && tries > 0) return patchRead(c, parts, said, tries - 1);
    throw error;
  }
}

/** Whether a change was refused since the thing is not what was read. */
export function isStale(error: unknown): boolean {
  return error instanceof PosthornError && error.problem.code === "precondition-failed";
}

/** What a form carries that is shown again: what it carried, unless its refusal shows what somebody else made of it. */
export function carriedOn<T extends { id: string }>(c: SiteContext, now: T, refusal: Refusal | null): T {
  const form = c.get("form") as FormData | undefined;
  const clashed = refusal?.errors.some(({ message }) => message.startsWith("was changed meanwhile by ")) ?? false;
  return form === undefined || clashed ? now : readIn(form, now);
}
