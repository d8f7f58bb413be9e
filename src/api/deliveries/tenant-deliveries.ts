import { z } from "@hono/zod-openapi";
import { endpointIds } from "../../config/endpoints/endpoints";
import { endpointStub } from "../../contracts/find";
import { type AppContext, router } from "../http/context";
import { page } from "../http/paging";
import { READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { inTenant } from "../spec/parameters";
import { inOrder, json, problems } from "../spec/schemas";
import { deliveriesPage, deliveriesQuery, endpointQuery, searchQuery, toDelivery, toFilter } from "./delivery-shape";
import { endpointNamed, searchDeliveries } from "./narrowed";

const narrowedQuery = inOrder(
  z.strictObject({ ...deliveriesQuery.shape, endpoint: endpointQuery, search: searchQuery }),
);
type Narrowed = z.output<typeof narrowedQuery>;

const list = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/deliveries",
  operationId: "listDeliveries",
  summary: "List the deliveries of all endpoints",
  description:
    "Of all endpoints of the tenant, merged by time, newest first. With `search` a page has the deliveries of as many events.",
  tags: ["Deliveries"],
  roles: READERS,
  request: { params: inTenant, query: narrowedQuery },
  responses: { 200: json(deliveriesPage, "newest first, over all endpoints"), ...problems(401, 404, 422) },
});

/** The list of deliveries over all of a tenant's endpoints. */
export const tenantDeliveryRoutes = router().openapi(list, async (c) => {
  const query = c.req.valid("query");
  const found = await deliveriesOver(c, query, query.cursor ?? null);
  return page(c, found.data, found.next);
});

/**
 * A page of a tenant's deliveries, newest first, before the id `before`: of all endpoints, of one, or of the events that
 * are found by something. `next`: the id before which the next page begins; `null`: there is none.
 */
export async function deliveriesOver(c: AppContext, query: Narrowed, before: string | null) {
  const tenant = c.get("tenant");
  const { limit, search } = query;
  const filter = toFilter(query);
  const endpoint = query.endpoint === undefined ? null : await endpointNamed(c, query.endpoint);
  if (search !== undefined) return searchDeliveries(c, { search, endpoint, filter, limit, before });
  const ids = endpoint === null ? await endpointIds(c.get("config"), tenant) : [endpoint];
  const pages = await Promise.all(
    ids.map(async (endpoint) => {
      const page = await endpointStub(c.env, tenant, endpoint).list(filter, limit, before);
      return { endpoint, ...page };
    }),
  );
  // An endpoint whose look ended early may have older ones: below the newest such end the merged order is not known.
  const end = pages.reduce((newest, { next }) => (next !== null && next > newest ? next : newest), "");
  const known = pages
    .flatMap(({ endpoint, deliveries }) => deliveries.map((record) => toDelivery(endpoint, record)))
    .filter(({ id }) => id >= end)
    .sort((a, b) => (a.id < b.id ? 1 : -1));
  const data = known.slice(0, limit);
  const whole = end === "" && known.length <= limit;
  const last = known.length > limit || end === "" ? data.at(-1)?.id : end;
  return { data, next: whole ? null : (last ?? null) };
}
