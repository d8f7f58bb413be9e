import { figuresOf } from "../../config/endpoints/summaries";
import { hourOf } from "../../contracts/figures";
import { endpointStub, eventLogStub } from "../../contracts/find";
import { addDays, DAY, dayOf, dayStart, MINUTE } from "../../lib/time";
import type { AppContext } from "../http/context";
import { endpointOf } from "./endpoints";
import { putTogether } from "./known-figures";
import type { OfEndpoint } from "./stats-rows";

/** As many objects are asked at the most: those of so many endpoints, or the logs of the last two days. */
const ASKED = 3;

/** By so long after the end of a day its log has handed over what it accepted, in ms, unless endpoints are out of reach. */
const HANDED_OVER = 15 * MINUTE;

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

type Span = { since: number; until: number; by: "hour" | "day" | null };

/** The figures of a tenant's endpoints, or of one, of a span that is widened to whole hours or, by day, days. */
export async function figuresOfTenant(c: AppContext, endpoint: string | null, asked: Span): Promise<Known> {
  const { by, until } = asked;
  const span = { since: by === "day" ? asked.since - (asked.since % DAY) : hourOf(asked.since), until };
  if (endpoint !== null) return ofObjects(c, [(await endpointOf(c, endpoint)).id], span);
  const known = await figuresOf(c.get("config"), c.get("tenant"), { ...span, byHour: by === "hour" });
  if (known.last.length <= ASKED)
    return ofObjects(
      c,
      known.last.map(({ endpoint }) => endpoint),
      span,
    );
  const now = Date.now();
  const told = known.last.map(({ told }) => told?.at ?? 0);
  const put = putTogether(known, await logsOf(c, span, Math.min(...told), now), span);
  const oldest = known.last.flatMap(({ told }) => told?.oldestWaitingAt ?? []);
  return {
    figures: put.figures,
    since: span.since,
    oldestWaitingAt: first([...oldest, ...(put.oldestUntold === null ? [] : [put.oldestUntold])]),
    asOf: put.asOf ?? now,
  };
}

/** As the endpoints' objects say it now. */
async function ofObjects(c: AppContext, ids: readonly string[], span: Pick<Span, "since" | "until">): Promise<Known> {
  const { since, until } = span;
  const records = await Promise.all(
    ids.map(async (id) => ({ id, ...(await endpointStub(c.env, c.get("tenant"), id).figures(since, until)) })),
  );
  return {
    figures: records.map(({ id, hours }) => [id, hours]),
    since,
    oldestWaitingAt: first(records.flatMap(({ oldestWaitingAt }) => oldestWaitingAt ?? [])),
    asOf: Date.now(),
  };
}

/**
 * What the logs of today and yesterday know, where they touch the span. What is older, D1 was told; and of yesterday too,
 * where every endpoint has told (`told`, ms: the first of them) since all that was accepted then was handed over.
 */
async function logsOf(c: AppContext, { since, until }: Pick<Span, "since" | "until">, told: number, now: number) {
  const today = dayOf(now);
  const isTold = told >= dayStart(today) + HANDED_OVER;
  const days = [today, ...(isTold ? [] : [addDays(today, -1)])].filter(
    (day) => dayStart(day) < until && dayStart(day) + DAY > since,
  );
  const logs = await Promise.all(days.map((day) => eventLogStub(c.env, c.get("tenant"), day).figures()));
  // Of a day with shards each has its own; what much is delivered to tells D1 once a minute.
  return logs.map(({ shards = 1, ...log }) => (shards === 1 ? log : { ...log, accepted: {} }));
}

function first(times: readonly number[]): number | null {
  return times.length === 0 ? null : Math.min(...times);
}
