import type { MiddlewareHandler } from "hono";
import { Problem } from "../problems/problem";
import type { AppEnv } from "./context";

/** A 400 for a path whose percent-encoding is broken: what it names would be taken as it stands there. */
export const refuseBrokenPath: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { url } = c.req;
  try {
    if (url.includes("%")) decodeURIComponent(new URL(url).pathname);
  } catch {
    throw new Problem("path-malformed", "The path is not valid percent-encoded UTF-8.");
  }
  await next();
};
