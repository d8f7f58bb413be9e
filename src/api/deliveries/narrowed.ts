import { findEndpoint } from "../../config/endpoints/endpoints";
import { findTenant } from "../../config/tenants";
import type { DeliveryFilter } from "../../contracts/endpoint";
import type { Event } from "../../contracts/event";
import { endpointStub, eventLogStub } from "../../contracts/find";
import { listEvents } from "../../event-log/list";
import { mapBounded } from "../../lib/bounded";
import { deliveryId, eventRef, parseCallbackId, ulidOf } from "../../lib/ids";
import type { AppContext } from "../http/context";
import { invalid } from "../problems/problem";
import { toDelivery, unseen } from "./delivery-shape";

/** Objects that are asked side by side. */
const LANES = 20;
const ENDPOINT_ID = /^ep_[0-9A-Z]{26}$/;

/** The id of the endpoint that a query names by its id or `uid`, which may be of one that is deleted. Throws a 422. */
export async function endpointNamed(c: AppContext, name: string): Promise<string> {
  const found = await findEndpoint(c.get("config"), c.get("tenant"), name);
  if (found !== null) return found.id;
  if (ENDPOINT_ID.test(name)) return name;
  throw invalid({ path: "endpoint", message: "is no endpoint of this tenant" });
}

/** Which deliveries of the events that are found are asked for. */
interface Searched {
  search: string;
  endpoint: string | null;
  filter: DeliveryFilter;
  limit: number;
  /** Of events before that of this delivery. */
  before: string | null;
}

/**
 * A page of the deliveries of events that are found by something, newest first: first the events, then what became of
 * each at its endpoints. `next`: the id before which the next page begins.
 */
export async function searchDeliveries(c: AppContext, { search, endpoint, filter, limit, before }: Searched) {
  const tenant = c.get("tenant");
  const createdAt = (await findTenant(c.get("config"), tenant))?.createdAt ?? 0;
  const { event, since, until, statuses, codes } = filter;
  const { events, next } = await listEvents(
    c.env,
    tenant,
    {
      search,
      event: event ?? undefined,
      endpoint: endpoint ?? undefined,
      since: since ?? undefined,
      until: until ?? undefined,
      limit,
      before: before === null ? null : ulidOf(before),
      createdAt,
    },
    Date.now(),
  );
  const found = await mapBounded(events, LANES, async ({ ulid }) => {
    const [read = null] = await eventLogStub(c.env, tenant, eventRef(ulid)).read([ulid]);
    return read === null ? [] : deliveriesOf(c, read, endpoint);
  });
  const fits = ({ status, lastStatusCode: code }: ReturnType<typeof toDelivery>) =>
    (statuses === null || statuses.includes(status)) &&
    (codes === null || (code !== null && code >= codes.from && code <= codes.to));
  return { data: found.flat().filter(fits), next: next === null ? null : deliveryId(next, 0) };
}

async function deliveriesOf(c: AppContext, { ulid, type, matches }: Event, endpoint: string | null) {
  const asked = matches.flatMap((match, index) => {
    const isAsked = endpoint === null ? parseCallbackId(match.endpoint) === null : match.endpoint === endpoint;
    return isAsked ? [{ ...match, id: deliveryId(ulid, index) }] : [];
  });
  return mapBounded(asked, LANES, async ({ endpoint, id, test }) => {
    const { records, gone } = await endpointStub(c.env, c.get("tenant"), endpoint).look([id]);
    return toDelivery(endpoint, records[0] ?? unseen(id, type, gone, test));
  });
}
