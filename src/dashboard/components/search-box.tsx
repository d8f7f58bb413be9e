import type { FC } from "hono/jsx";
import { path, type Site } from "../site";

/** Where a visitor's search is: on a tenant's pages in what it has, else in everything; `null`: they may search nothing. */
export function searchPath({ base, may }: Site, tenant: string | null): string | null {
  if (tenant !== null) return may.search.tenant ? path(base, "tenants", tenant, "search") : null;
  return may.search.all ? path(base, "search") : null;
}

/** The search of every page: `/` or Ctrl-K leads there, and it works without a script. */
export const SearchBox: FC<{ site: Site; tenant: string | null }> = ({ site, tenant }) => {
  const action = searchPath(site, tenant);
  return action === null ? null : (
    <search class="search-box">
      <form method="get" action={action}>
        <input
          type="search"
          id="search"
          name="q"
          required
          maxlength={255}
          autocomplete="off"
          aria-label="Search"
          aria-keyshortcuts="/ Control+K"
          placeholder="Search  /"
          title="An id, an order number, an endpoint's name: press / or Ctrl-K"
        />
      </form>
    </search>
  );
};
