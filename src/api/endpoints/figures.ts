import { endpointIds } from "../../config/endpoints/endpoints";
import { hourOf } from "../../contracts/figures";
import { endpointStub } from "../../contracts/find";
import { DAY } from "../../lib/time";
import type { AppContext } from "../http/context";
import { endpointOf } from "./endpoints";
import type { OfEndpoint } from "./stats-rows";

/** What is known of a tenant's deliveries; times in ms. */
export interface Known {
  figures: OfEndpoint[];
  /** Where the first whole hour or day begins. */
  since: number;
  /** When the oldest that waits was accepted. */
  oldestWaitingAt: number | null;
  /** From when the oldest of these figures are. */
  asOf: number;
}

/** The figures of a tenant's endpoints, or of one, of a span that is widened to whole hours or, by day, days. */
export async function figuresOfTenant(
  c: AppContext,
  endpoint: string | null,
  span: { since: number; until: number; by: "hour" | "day" | null },
): Promise<Known> {
  const { by, until } = span;
  const since = by === "day" ? span.since - (span.since % DAY) : hourOf(span.since);
  const tenant = c.get("tenant");
  const now = Date.now();
  const ids = endpoint === null ? await endpointIds(c.get("config"), tenant) : [(await endpointOf(c, endpoint)).id];
  const records = await Promise.all(
    ids.map(async (id) => ({ id, ...(await endpointStub(c.env, tenant, id).figures(since, until)) })),
  );
  const oldest = records.flatMap(({ oldestWaitingAt }) => oldestWaitingAt ?? []);
  return {
    figures: records.map(({ id, hours }) => [id, hours]),
    since,
    oldestWaitingAt: oldest.length === 0 ? null : Math.min(...oldest),
    asOf: now,
  };
}
