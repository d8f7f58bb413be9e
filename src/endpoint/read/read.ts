import type { Attempt, DeliveryRecord } from "../../contracts/delivery";
import type {
  DeliveryFilter,
  DeliveryPage,
  HourRecord,
  RecentRecord,
  StatsRecord,
  StorageRecord,
} from "../../contracts/endpoint";
import { deliveryTime } from "../../lib/ids";
import { DAY, HOUR } from "../../lib/time";
import { foreseen, statusOf, stored } from "../jobs/foreseen";
import { attemptsOf } from "../storage/attempt-log";
import { type Brief, countByStatus, type Head } from "../storage/row";
import type { Stores } from "../stores";
import { latencyOf } from "./totals";
import { toRecord } from "./waits";

/** The most rows that one page of a list, one look at the last day and one of totals read. */
export const LIST_LOOK = 1_000;
const RECENT_LOOK = 1_000;
export const STATS_LOOK = 10_000;

/** What people read of an endpoint's deliveries. Nothing here writes. */
export class Reading {
  readonly #stores: Stores;

  constructor(stores: Stores) {
    this.#stores = stores;
  }

  /** What is remembered of these deliveries at `now` (ms), `null` where nothing is. */
  look(ids: readonly string[], now: number): (DeliveryRecord | null)[] {
    const around = this.#stores.conditions(now);
    return ids.map((id) => {
      const row = this.#stores.head(id);
      return row && toRecord(row, around, now);
    });
  }

  /** The attempts of a delivery, oldest first. */
  attempts(id: string): Attempt[] {
    const row = this.#stores.deliveries.get(id);
    return row === null ? [] : attemptsOf(row.log);
  }

  /** A page of deliveries as they are at `now` (ms), newest first, that come before the id `before`. */
  list(filter: DeliveryFilter, limit: number, before: string | null, now: number): DeliveryPage {
    const { statuses, event, codes } = filter;
    const around = this.#stores.conditions(now);
    const deliveries: DeliveryRecord[] = [];
    let looked = 0;
    let last: string | null = null;
    for (const row of this.#newest(filter, before)) {
      if (looked === LIST_LOOK) return { deliveries, next: last };
      looked++;
      const fits =
        (statuses === null || statuses.includes(row.status)) &&
        (event === null || row.event === event) &&
        (codes === null || (row.code !== null && row.code >= codes.from && row.code <= codes.to));
      // Only what fits makes a next page: a full one may be the last.
      if (fits && deliveries.length === limit) return { deliveries, next: last };
      last = row.id;
      if (fits) deliveries.push(toRecord(row, around, now));
    }
    return { deliveries, next: null };
  }

  /** How much is kept, and from when on. */
  storage(): StorageRecord {
    return this.#stores.capacity.record();
  }

  /** How the last 24 h went, as far as the newest deliveries tell. */
  recent(now: number): RecentRecord {
    const rows = this.#brief(now - DAY, now + 1, RECENT_LOOK + 1);
    const looked = rows.slice(0, RECENT_LOOK);
    const durations = looked.flatMap(({ status, duration }) =>
      status === "succeeded" && duration !== null ? [duration] : [],
    );
    return { counts: countByStatus(looked), latency: latencyOf(durations), truncated: rows.length > RECENT_LOOK };
  }

  /** Totals by hour of acceptance over a span of time (ms, `until` exclusive). */
  stats(since: number, until: number): StatsRecord {
    const rows = this.#brief(since, until, STATS_LOOK + 1);
    const hours = new Map<number, HourRecord>();
    for (const { id, status, attempts } of rows.slice(0, STATS_LOOK)) {
      const at = deliveryTime(id);
      const hour = at - (at % HOUR);
      const totals = hours.get(hour) ?? { hour, attempts: 0, ...countByStatus([]) };
      totals[status]++;
      totals.attempts += attempts;
      hours.set(hour, totals);
    }
    return { hours: [...hours.values()].reverse(), truncated: rows.length > STATS_LOOK };
  }

  *#newest({ statuses, since, until }: DeliveryFilter, before: string | null): Generator<Head, undefined> {
    const { deliveries, clearing } = this.#stores;
    const rows = deliveries.newest({ statuses: statuses && stored(clearing, statuses), since, until }, before);
    for (const row of rows) yield foreseen(clearing, row);
  }

  #brief(since: number, until: number, limit: number): Brief[] {
    const { deliveries, clearing } = this.#stores;
    return deliveries.brief(since, until, limit).map((row) => ({ ...row, status: statusOf(clearing, row) }));
  }
}
