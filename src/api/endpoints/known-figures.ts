import type { KnownFigures } from "../../config/endpoints/summaries";
import type { LogFigures } from "../../contracts/event-log";
import {
  acceptedOf,
  type Figures,
  type HourFigures,
  NO_HOUR,
  NO_TALLY,
  OTHERS,
  sumOf,
  type Tally,
  UNANSWERED,
} from "../../contracts/figures";
import type { OfEndpoint } from "./stats-rows";

/** Figures of a tenant's endpoints put together; times in ms. */
export interface Put {
  figures: OfEndpoint[];
  /** From when the oldest of them are that may have changed since; `null`: all that was accepted is in them. */
  asOf: number | null;
  /** The hour of the oldest delivery that was accepted and of which no endpoint has told. */
  oldestUntold: number | null;
}

/** A tally of deliveries that were accepted and of which nothing more is known. */
function pending(count: number): Tally {
  const [, ...rest] = NO_TALLY;
  return [count, ...rest];
}

/**
 * Figures of a span (ms, `until` exclusive) from what the endpoints told D1, from what they told the logs of the days since,
 * and from what these accepted: that of which no endpoint has told yet is pending. Pure.
 */
export function putTogether(
  { last, parts }: KnownFigures,
  logs: readonly LogFigures[],
  { since, until }: { since: number; until: number },
): Put {
  const within = (hours: Figures) =>
    Object.entries(hours).filter(([hour]) => Number(hour) >= since && Number(hour) < until);
  const asOf: number[] = [];
  const untold: number[] = [];
  const figures = last.map(({ endpoint, told }): OfEndpoint => {
    const before = parts.filter((part) => part.endpoint === endpoint).map(({ hours, days }) => hours ?? days);
    const known = new Map<string, HourFigures>(before.flatMap(within));
    const tellings = [
      ...(told === null ? [] : [{ at: told.at, hours: told.figures }]),
      ...logs.flatMap(({ told }) => told[endpoint] ?? []),
    ].toSorted((a, b) => a.at - b.at);
    for (const { hours } of tellings) for (const [hour, of] of within(hours)) known.set(hour, of);
    const missing = logs
      .flatMap(({ accepted }) => Object.entries(accepted[endpoint] ?? {}))
      .filter(([hour]) => Number(hour) >= since && Number(hour) < until)
      .filter(([hour, types]) => add(known, hour, types));
    if (missing.length > 0) {
      asOf.push(tellings.at(-1)?.at ?? Number(missing[0]?.[0]));
      untold.push(...missing.map(([hour]) => Number(hour)));
    }
    return [endpoint, Object.fromEntries(known)];
  });
  const first = (times: number[]) => (times.length === 0 ? null : Math.min(...times));
  return { figures, asOf: first(asOf), oldestUntold: first(untold) };
}

/** Adds to an hour what was accepted beyond what is known of it; answers whether there was any. */
function add(known: Map<string, HourFigures>, hour: string, types: Readonly<Record<string, number>>): boolean {
  const { events, codes } = known.get(hour) ?? NO_HOUR;
  const all = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  // Where some types are not told apart, no more is said of what is left.
  const left: [type: string, count: number][] =
    OTHERS in events
      ? [[OTHERS, all(Object.values(types)) - all(Object.values(events).map(acceptedOf))]]
      : Object.entries(types).map(([type, count]) => [type, count - acceptedOf(events[type] ?? NO_TALLY)]);
  const more = left.filter(([, count]) => count > 0);
  if (more.length === 0) return false;
  const plus = (tally: Readonly<Tally> = NO_TALLY, count: number) => sumOf([tally, pending(count)]);
  known.set(hour, {
    events: { ...events, ...Object.fromEntries(more.map(([type, count]) => [type, plus(events[type], count)])) },
    codes: { ...codes, [UNANSWERED]: plus(codes[UNANSWERED], all(more.map(([, count]) => count))) },
  });
  return true;
}
