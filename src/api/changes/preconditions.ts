/**
 * Entity tags: what is read has one, and what is changed may name the one that was read (`If-Match`), so that nobody
 * overwrites what they have not seen.
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { repeated } from "../../config/version";
import type { AppContext, AppEnv } from "../http/context";
import { Problem } from "../problems/problem";
import { isNamed, tagOf } from "./etags";

/** Gives what is read its `ETag`: a hash of the answer. Whoever has it already (`If-None-Match`) is told so, with a 304. */
export const tagged: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  if (c.req.method !== "GET" && c.req.method !== "HEAD") return;
  if (c.res.status !== 200 || c.res.headers.has("ETag")) return;
  const tag = await tagOf(await c.res.clone().text());
  if (!isNamed(c.req.header("If-None-Match"), tag)) {
    c.res.headers.set("ETag", tag);
    return;
  }
  const { headers } = c.res;
  headers.delete("Content-Type");
  headers.set("ETag", tag);
  c.res = new Response(null, { status: 304, headers });
};

/** Gives the answer to a change the `ETag` that reading the thing would now give; `shown`: as it is then answered. */
export async function tagAs(c: AppContext, shown: object | string): Promise<void> {
  c.header("ETag", await tagFor(shown));
}

/** A 412 unless the thing is what the caller's `If-Match` names; `shown`: as it is answered, `null`: it is not there. */
export async function checkMatch(c: AppContext, shown: object | string | null): Promise<void> {
  const list = c.req.header("If-Match");
  if (list === undefined) return;
  const tag = shown === null ? null : await tagFor(shown);
  if (tag !== null && isNamed(list, tag)) return;
  const detail = "It is not what `If-Match` names: it was changed since it was read. Nothing was changed.";
  throw new Problem("precondition-failed", detail, tag === null ? {} : { headers: { ETag: tag } });
}

/**
 * Makes a change of a thing as it was read: one that the caller's `If-Match` names, and that nobody changes in between.
 * `change` throws `ChangedMeanwhile` where somebody did; it is then read and matched anew, see `repeated`.
 */
export async function changing<Row, Done>(
  c: AppContext,
  read: () => Promise<Row>,
  shown: (row: Row) => object | string | null | Promise<object | string>,
  change: (row: Row) => Promise<Done>,
): Promise<Done> {
  return repeated(async () => {
    const row = await read();
    await checkMatch(c, await shown(row));
    return change(row);
  });
}

/**
 * Deletes a thing: as it was read where the caller's `If-Match` names that, and nobody changes it in between; else, with
 * `null`, whatever it is by now.
 */
export async function deleting<Row, Done>(
  c: AppContext,
  read: () => Promise<Row>,
  shown: (row: Row) => object | Promise<object>,
  remove: (row: Row | null) => Promise<Done>,
): Promise<Done> {
  return c.req.header("If-Match") === undefined ? remove(null) : changing(c, read, shown, remove);
}

function tagFor(shown: object | string): Promise<string> {
  return tagOf(typeof shown === "string" ? shown : JSON.stringify(shown));
}
