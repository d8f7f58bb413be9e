import type { AppContext } from "./context";

/**
 * Answers a page of a list: of rows that were asked for with one more than `limit`, which only says whether there is a
 * page after. `cursorOf`: what the next page begins after.
 */
export function pageOf<Row, Shape>(
  c: AppContext,
  rows: readonly Row[],
  limit: number,
  toShape: (row: Row) => Shape,
  cursorOf: (row: Row) => string,
) {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  const nextCursor = last === undefined ? null : cursorOf(last);
  linkNext(c, nextCursor);
  return c.json({ data: page.map(toShape), nextCursor }, 200);
}

/** Has the answer name the next page, if there is one, as a link (RFC 8288) beside the cursor. */
export function linkNext(c: AppContext, nextCursor: string | null): void {
  if (nextCursor === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set("cursor", nextCursor);
  c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
}
