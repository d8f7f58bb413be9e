import type { Attempt, DeliveryRecord } from "../../contracts/delivery";
import type {
  DeliveryFilter,
  DeliveryPage,
  FiguresRecord,
  RecentRecord,
  StorageRecord,
} from "../../contracts/endpoint";
import { sumOf, sumsOf } from "../../contracts/figures";
import { DAY } from "../../lib/time";
import { statusOf, stored } from "../jobs/foreseen";
import { attemptsOf } from "../storage/attempt-log";
import type { Head } from "../storage/row";
import type { Stores } from "../stores";
import { type Conditions, toRecord } from "./waits";

/** The most rows that one page of a list reads. */
export const LIST_LOOK = 1_000;

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
      const row = this.#stores.head(id, now);
      return row && this.#record(row, around, now);
    });
  }

  /** The attempts of a delivery, oldest first. */
  attempts(id: string): Attempt[] {
    const row = this.#stores.deliveries.get(id);
    return row === null ? [] : attemptsOf(row.log);
  }

  /** A page of deliveries as they are at `now` (ms), newest first, that come before the id `before`. */
  list(filter: DeliveryFilter, limit: number, before: string | null, now: number): DeliveryPage {
    const { statuses, event, codes, attempt } = filter;
    const around = this.#stores.conditions(now);
    const deliveries: DeliveryRecord[] = [];
    let looked = 0;
    let last: string | null = null;
    for (const row of this.#newest(filter, before, now)) {
      if (looked === LIST_LOOK) return { deliveries, next: last };
      looked++;
      const fits =
        (statuses === null || statuses.includes(row.status)) &&
        (event === null || row.event === event) &&
        (codes === null || (row.code !== null && row.code >= codes.from && row.code <= codes.to)) &&
        (attempt === undefined || this.attempts(row.id).some(({ id }) => id === attempt));
      // Only what fits makes a next page: a full one may be the last.
      if (fits && deliveries.length === limit) return { deliveries, next: last };
      last = row.id;
      if (fits) deliveries.push(this.#record(row, around, now));
    }
    return { deliveries, next: null };
  }

  /** How much is kept, and from when on. */
  storage(): StorageRecord {
    return this.#stores.capacity.record();
  }

  /** How the last 24 h went, by whole hours of acceptance. */
  recent(now: number): RecentRecord {
    const tallies = Object.values(this.figures(now - DAY, now + 1).hours).flatMap(({ codes }) => Object.values(codes));
    const { accepted: _, attempts: __, latency, ...counts } = sumsOf(sumOf(tallies));
    return { counts, latency };
  }

  /** What was accepted in the hours that a span of time touches (ms, `until` exclusive), and what stands open. */
  figures(since: number, until: number): FiguresRecord {
    const { clearing, deliveries } = this.#stores;
    const { figures } = deliveries;
    if (clearing === null) return { hours: figures.of(since, until), ...figures.standing };
    const { waiting, held } = figures.standing;
    return {
      hours: figures.of(since, until, (row) => statusOf(clearing, row)),
      waiting: 0,
      oldestWaitingAt: null,
      held: clearing.kind === "hold" ? held + waiting : 0,
    };
  }

  #record(row: Head, around: Conditions, now: number): DeliveryRecord {
    const { leases } = this.#stores;
    return toRecord(row, leases.isOut(row.id, now) ? (leases.get(row.id) ?? null) : null, around, now);
  }

  *#newest({ statuses, since, until }: DeliveryFilter, before: string | null, now: number): Generator<Head, undefined> {
    const { deliveries, clearing } = this.#stores;
    const rows = deliveries.newest({ statuses: statuses && stored(clearing, statuses), since, until }, before);
    for (const row of rows) yield this.#stores.shown(row, now);
  }
}
