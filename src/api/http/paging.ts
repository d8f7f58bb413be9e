import type { AppContext } from "./context";

/** Which page of a list is asked for; `cursor`: what the page before ended with. */
export interface PageQuery {
  limit: number;
  cursor?: string | undefined;
}

/** Reads at most `limit` rows of a list after `before`, in their order. */
export type Reading<Row> = (limit: number, before: string | null) => Promise<readonly Row[]>;

const idOf = (row: unknown) => (row as { id: string }).id;

/** The rows of a page. One more is read, which only says whether there is a page after; `cursorOf`: what that begins after. */
export async function cut<Row>(
  { limit, cursor }: PageQuery,
  read: Reading<Row>,
  cursorOf: (row: Row) => string = idOf,
): Promise<{ page: Row[]; nextCursor: string | null }> {
  const rows = await read(limit + 1, cursor ?? null);
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { page, nextCursor: last === undefined ? null : cursorOf(last) };
}

/** Answers a page of rows; see {@link cut}. */
export async function pageOf<Row, Shape>(
  c: AppContext,
  query: PageQuery,
  read: Reading<Row>,
  toShape: (row: Row) => Shape,
  cursorOf?: (row: Row) => string,
) {
  const { page: rows, nextCursor } = await cut(query, read, cursorOf);
  return page(c, rows.map(toShape), nextCursor);
}

/** Answers a page of a list. */
export function page<Shape>(c: AppContext, data: Shape[], nextCursor: string | null) {
  linkNext(c, nextCursor);
  return c.json({ data, nextCursor }, 200);
}

/** Has the answer name the next page, if there is one, as a link (RFC 8288) beside the cursor. */
export function linkNext(c: AppContext, nextCursor: string | null): void {
  if (nextCursor === null) return;
  const url = new URL(c.req.url);
  url.searchParams.set("cursor", nextCursor);
  c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
}
