import type { Hono, MiddlewareHandler } from "hono";
import { answerError, Problem } from "../problems/problem";
import type { AppEnv } from "./context";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** A path of the routes, ready to be compared, with what it takes. */
interface Known {
  segments: readonly string[];
  methods: ReadonlySet<string>;
}

/** The paths that an app has handlers for, by how many segments they have. What stands before all methods is no handler of its own. */
function pathsOf(app: Pick<Hono<AppEnv>, "routes">): Map<number, Known[]> {
  const paths = new Map<string, Set<string>>();
  for (const { method, path } of app.routes) {
    if (!METHODS.includes(method)) continue;
    paths.set(path, (paths.get(path) ?? new Set()).add(method));
  }
  return Map.groupBy(
    [...paths].map(([path, methods]) => ({ segments: path.split("/"), methods })),
    ({ segments }) => segments.length,
  );
}

function fits({ segments }: Known, asked: readonly string[]): boolean {
  return segments.every((segment, i) => (segment.startsWith(":") ? asked[i] !== "" : segment === asked[i]));
}

/**
 * Answers 405 to a method that a known path does not take, and 204 to `OPTIONS`, both with `Allow`. It asks for no key:
 * what paths there are is in the open document. `app`: its routes are all in place when the first request comes.
 */
export function refuseMethods(app: () => Pick<Hono<AppEnv>, "routes">): MiddlewareHandler<AppEnv> {
  let paths: Map<number, Known[]> | undefined;
  return async (c, next) => {
    const { method, path } = c.req;
    const verb = method === "HEAD" ? "GET" : method;
    paths ??= pathsOf(app());
    const asked = path.split("/");
    const known = (paths.get(asked.length) ?? []).filter((one) => fits(one, asked));
    if (known.length === 0 || known.some(({ methods }) => methods.has(verb))) return next();
    const taken = METHODS.filter((one) => known.some(({ methods }) => methods.has(one)));
    const allow = [...taken, ...(taken.includes("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
    if (method === "OPTIONS") return c.body(null, 204, { Allow: allow });
    const detail = `This path does not take ${method}. It takes ${allow}.`;
    return answerError(new Problem("method-not-allowed", detail, { headers: { Allow: allow } }), c);
  };
}
