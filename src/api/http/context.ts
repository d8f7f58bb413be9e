import { OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Principal } from "../../config/access/principal";
import type { Snapshot } from "../../config/snapshot";
import type { Env } from "../../contracts/env";
import { idempotent, keyHeader } from "../changes/idempotency";
import { matchAround, noteReader, takeReadOnly } from "../changes/read-back";
import { invalidFrom } from "../problems/field-wording";
import { Problem } from "../problems/problem";
import { named } from "../spec/schemas";
import { RememberingRouter } from "./remembering-router";

/** What the middleware leaves for the handlers. */
export interface AppEnv {
  Bindings: Env;
  Variables: {
    principal: Principal;
    /** The tenant of the path, known to exist. */
    tenant: string;
    snapshot: Snapshot;
    /** The database of that tenant's configuration. */
    config: D1Database;
  };
}

export type AppContext = Context<AppEnv>;

/**
 * A router whose routes are described by zod schemas; what a schema refuses is a 422 naming each field. A route of the
 * API that describes no query, or no body where it could have one, takes none: what is said there is not passed over.
 */
export function router(): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>({
    router: new RememberingRouter(),
    defaultHook: (result, c) => {
      // Also where the schema has nothing against it: nobody who sends nothing means to take everything away.
      if (result.target === "json") refuseEmpty(c);
      if (result.success) return;
      throw invalidFrom(result.error);
    },
  });
  const { openapi } = routes;
  routes.openapi = ((route, handler, hook) => {
    if (route.method === "get") noteReader(route.path, handler as unknown as Parameters<typeof noteReader>[1]);
    return openapi(strict(route), handler, hook);
  }) as typeof openapi;
  return routes;
}

const NOTHING = named("EmptyBody", z.strictObject({}), "An object without fields.");

const REPLAYED = { "Idempotency-Replayed": { $ref: "#/components/headers/Idempotency-Replayed" } };

function strict<R extends RouteConfig>(route: R): R {
  if (!route.path.startsWith("/v1/")) return route;
  const writes = ["post", "put", "patch"].includes(route.method);
  // Events and observations, which say so themselves, have their own way to know a repeat.
  const ownKeys = route.request?.headers !== undefined;
  const keyed = route.method === "post" && !ownKeys;
  const known = fieldsOf(route);
  const before = [
    ...(keyed ? [idempotent] : []),
    ...(["put", "patch", "delete"].includes(route.method) ? [matchAround(route.path)] : []),
    ...(known === null ? [] : [takeReadOnly(route.path, known)]),
  ];
  const noBody = { body: { required: false, content: { "application/json": { schema: NOTHING, example: {} } } } };
  const request = { query: NOTHING, ...(writes ? noBody : {}), ...(keyed ? { headers: keyHeader } : {}) };
  // None in the Worker, which makes no document: scripts/lib/trim/document.mjs.
  const { responses = {} } = route;
  return {
    ...route,
    middleware: before,
    request: { ...request, ...route.request },
    responses: keyed ? replayable(responses) : responses,
  };
}

/** Answers of a route whose successes are kept under the caller's `Idempotency-Key`. */
function replayable(responses: RouteConfig["responses"]): RouteConfig["responses"] {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      status.startsWith("2") && "description" in response ? { ...response, headers: REPLAYED } : response,
    ]),
  );
}

/** What the body of a route that changes what can be read may name; `null`: it is none such. */
function fieldsOf({ method, request }: RouteConfig): ReadonlySet<string> | null {
  if (method !== "put" && method !== "patch") return null;
  const content = request?.body?.content["application/json"];
  if (content === undefined || !("schema" in content)) return null;
  return content.schema instanceof z.ZodObject ? new Set(Object.keys(content.schema.shape)) : null;
}

/** What a schema makes of a value; a 422 naming each field when it refuses it. */
export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidFrom(result.error);
}

/** The query of a request as a validator has it: what is said twice is a list. */
export function queryOf(c: AppContext): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [
      name,
      values.length === 1 ? (values[0] as string) : values,
    ]),
  );
}

/** The JSON body of a request as the schema reads it; a 400 when there is none. */
export async function parsedBody<T extends z.ZodType>(c: AppContext, schema: T): Promise<z.output<T>> {
  refuseEmpty(c);
  return parsed(schema, await c.req.json());
}

/** A 400 for a body without a type, which is an empty one, see `readBody`. For routes whose schema allows any object. */
export function refuseEmpty(c: Pick<AppContext, "req">): void {
  if (c.req.header("Content-Type") === undefined)
    throw new Problem("body-empty", "The body is empty; it must be JSON.");
}
