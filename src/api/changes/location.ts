import type { MiddlewareHandler } from "hono";
import type { AppContext, AppEnv } from "../http/context";

/** Says where what a POST has made stands: below where it was posted, under its id. */
export function locateAt(c: AppContext, id: string): void {
  c.header("Location", `${new URL(c.req.url).pathname}/${encodeURIComponent(id)}`);
}

/** Every 201 says where what was made stands: where its handler says, else where the request went. */
export const locate: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  if (c.res.status !== 201 || c.res.headers.has("Location")) return;
  c.res.headers.set("Location", new URL(c.req.url).pathname);
};
