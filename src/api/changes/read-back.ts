/**
 * What is read can be written: who reads a thing, changes a field and sends it all back is not refused for what only the
 * service can say.
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { compareNumbers, isContainer, isNumeric, readJson } from "../../lib/json/exact";
import type { AppContext, AppEnv } from "../http/context";
import { invalid, Problem } from "../problems/problem";
import { checkMatch } from "./preconditions";

type Reader = (c: AppContext) => Response | Promise<Response>;
type Fields = Record<string, unknown>;

/** The handlers that answer what is at a path, by the path of their route. */
const readers = new Map<string, Reader>();

/** Notes what reads a path, for those that write there. */
export function noteReader(path: string, reader: Reader): void {
  readers.set(path, reader);
}

/**
 * Takes out of a body what its route does not know and the thing at the path says of itself: as it is now; a 422 where it
 * is another. `known`: what the route takes. Of a PATCH all goes that is as it is, so that what an endpoint leaves to its
 * profile stays left to it.
 */
export function takeReadOnly(path: string, known: ReadonlySet<string>): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    const reader = readers.get(path);
    const body: unknown = c.req.header("Content-Type") === undefined ? null : await c.req.json();
    if (reader !== undefined && isFields(body) && Object.keys(body).some((name) => !known.has(name))) {
      const current = await currentOf(c, reader);
      if (current !== null) {
        const written = writable(body, current, known, c.req.method === "PATCH");
        c.req.json = (async () => written) as typeof c.req.json;
      }
    }
    await next();
  };
}

/**
 * Heeds `If-Match` where nothing is read at the path itself: it is then held against the thing that the path lies in, and
 * against nothing where there is none. What can be read where it is changed sees to it in its own statement.
 */
export function matchAround(path: string): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (c.req.header("If-Match") !== undefined && !readers.has(path)) {
      const reader = readers.get(thingAround(path));
      await checkMatch(c, reader === undefined ? null : await textOf(c, reader));
    }
    await next();
  };
}

/** The path of the nearest thing that a path lies in; "": of none. */
function thingAround(path: string): string {
  let around = path;
  do around = around.slice(0, around.lastIndexOf("/"));
  while (around !== "" && !(around.endsWith("}") && readers.has(around)));
  return around;
}

/** The thing as it is answered now; `null`: it is not there. */
async function currentOf(c: AppContext, reader: Reader): Promise<Fields | null> {
  const text = await textOf(c, reader);
  return text === null ? null : readJson(text);
}

/** The same as text. */
async function textOf(c: AppContext, reader: Reader): Promise<string | null> {
  c.req.addValidatedData("param", c.req.param() as never);
  try {
    return await (await reader(c)).text();
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

function writable(body: Fields, current: Fields, known: ReadonlySet<string>, merges: boolean): Fields {
  const isReadOnly = (name: string) => !known.has(name) && Object.hasOwn(current, name);
  const entries = Object.entries(body);
  const moved = entries.filter(([name, value]) => isReadOnly(name) && !same(value, current[name]));
  if (moved.length > 0) {
    const unknown = Object.keys(body).filter((name) => !known.has(name) && !Object.hasOwn(current, name));
    throw invalid(
      ...moved.map(([path]) => ({ path, message: "is read-only: leave it out, or as it is" })),
      ...unknown.map((path) => ({ path, message: "is not a known field" })),
    );
  }
  const rest = entries.filter(([name]) => !isReadOnly(name));
  const changed = merges ? rest.filter(([name, value]) => !same(value, current[name])) : rest;
  // Where nothing is changed, saying so is no mistake.
  return Object.fromEntries(changed.length > 0 ? changed : rest);
}

function isFields(value: unknown): value is Fields {
  return isContainer(value) && !Array.isArray(value);
}

/** Whether two JSON values are the same, in whatever order their members are and however their numbers are written. Pure. */
export function same(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => same(one, b[i]));
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b) === 0;
  if (!isFields(a) || !isFields(b)) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
  );
}
