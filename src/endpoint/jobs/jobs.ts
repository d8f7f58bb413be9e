import type { DeliveryStatus } from "../../contracts/delivery";
import type { Sql } from "../../lib/sql";
import { MINUTE } from "../../lib/time";
import { firstIdAt, HEAD, type Head } from "../storage/row";
import type { Values } from "../storage/values";
import { CHANGES, type Job, type Span } from "./kinds";

/** The most rows that one step rewrites: all of a long outage's at once would take seconds. */
export const AT_ONCE = 2_000;
/** The most rows that one step of expiry looks at. */
export const EXPIRE_LOOK = 500;
/** How often what waits is looked through, in ms. */
const EXPIRE_EVERY = MINUTE;
/** The most recoveries that wait to be carried out: each is a span of its own that is gone through. */
export const MOST_RECOVERIES = 10;
/** The most deliveries that are counted before a recovery; all are recovered. */
export const COUNT_MOST = 100_000;

/** SQL: rows of a job, by the index of what has not succeeded. */
const ROWS = `deliveries INDEXED BY deliveries_unsuccessful`;
const OF_STATUS = "status <> 'succeeded' AND status";
const NOT_LATER = "(finished IS NULL OR finished <= ?)";

/** From the first to the last id there can be. */
const ALL: Omit<Span, "statuses"> = { since: 0, until: Number.MAX_SAFE_INTEGER };

/** The jobs as earlier versions kept them: what was put out of work, and what people had asked to recover. */
interface Earlier {
  clearance: { plan: { to: "held" | "canceled"; at: number; left: DeliveryStatus[] } | null };
  recoveries: { list: (Span & { after: string; askedAt: number })[] };
}

/**
 * What is done to many deliveries: one job after the other, each a step at a time, the oldest rows first. A step takes the
 * next rows of the job's states and moves its cursor; the first is taken at once, the alarm goes on. The cursor is stored
 * with the jobs; that of expiry, which goes through all that waits again and again, is kept in memory. Times in ms.
 */
export class Jobs {
  readonly #sql: Sql;
  readonly #values: Values;
  readonly #atOnce: number;
  #list: readonly Job[];
  /** How far expiry has looked, while it looks, and when it begins anew. */
  #expiring: Job | null = null;
  #expireAt = 0;

  /** `atOnce`: the most rows that one step rewrites. */
  constructor(sql: Sql, values: Values, atOnce: number) {
    this.#sql = sql;
    this.#values = values;
    this.#atOnce = atOnce;
    this.#list = values.load<{ list: Job[] }>("jobs")?.list ?? this.#earlier();
  }

  /** There is more to do. */
  get pending(): boolean {
    return this.#list.length > 0 || this.#expiring !== null;
  }

  /** What is being held or canceled: nothing may be sent before it is through. */
  get clearing(): Job | null {
    const [first] = this.#list;
    return first === undefined || first.kind === "recover" ? null : first;
  }

  /** The endpoint is disabled: what is unfinished is held, and no recovery is wished any more. */
  hold(now: number): void {
    if (this.clearing?.kind !== "cancel") this.#begin({ ...ALL, kind: "hold", statuses: ["pending", "retrying"] }, now);
  }

  /** The endpoint is deleted: what is unfinished is canceled. */
  cancel(now: number): void {
    this.#begin({ ...ALL, kind: "cancel", statuses: ["pending", "retrying", "held"] }, now);
  }

  /** A person wants deliveries again; `false`: too many such wishes wait. */
  recover(span: Span, now: number): boolean {
    if (this.#recoveries.length >= MOST_RECOVERIES) return false;
    const isClearing = this.clearing !== null;
    this.#list = [...this.#list, { ...span, kind: "recover", at: now, after: "" }];
    if (isClearing) this.#save();
    else this.goOn(now);
    return true;
  }

  /** Takes the next step. */
  goOn(now: number): void {
    const [job, ...others] = this.#list;
    if (job === undefined || job.kind === "expire") return;
    const { since, at, after } = job;
    const { rows, last } = this.#next<{ id: string }>("id", job, this.#atOnce);
    const end = rows.at(-1)?.id;
    for (const status of end === undefined ? [] : job.statuses) {
      for (const { set, where } of CHANGES[job.kind]) {
        this.#sql.all(
          `UPDATE ${ROWS} SET ${set}
           WHERE ${OF_STATUS} = ?3 AND id > ?4 AND id <= ?5 AND id >= ?6 AND (finished IS NULL OR finished <= ?2) AND ${where}`,
          ...[now, at, status, after, end as string, firstIdAt(since)],
        );
      }
    }
    this.#list = last === null ? others : [{ ...job, after: last }, ...others];
    this.#save();
  }

  /** The next part of what waits, was accepted until `until` and is due at `now`; nothing until it is time to look again. */
  overdue(until: number, now: number): Head[] {
    if (this.#expiring === null && now < this.#expireAt) return [];
    const span = { since: 0, until: until + 1, statuses: ["pending", "retrying"] } satisfies Span;
    const job: Job = { ...span, kind: "expire", at: now, after: this.#expiring?.after ?? "" };
    const { rows, last } = this.#next<Head>(HEAD, job, EXPIRE_LOOK);
    this.#expiring = last === null ? null : { ...job, after: last };
    if (last === null) this.#expireAt = now + EXPIRE_EVERY;
    return rows.filter(({ due }) => due !== null && due <= now);
  }

  /**
   * How many deliveries of a span are recoverable, up to `most`: those that nobody has asked for yet, since the others are
   * on their way already, and those that are yet to be held.
   */
  recoverable(span: Span, most: number): number {
    let count = 0;
    for (const status of span.statuses) {
      const others = this.#recoveries.filter(({ statuses }) => statuses.includes(status));
      const unasked = others.map(() => ` AND NOT (id >= ? AND id > ? AND id < ? AND ${NOT_LATER})`).join("");
      const of = others.flatMap((job) => [firstIdAt(job.since), job.after, firstIdAt(job.until), job.at]);
      count += this.#count(status, span, unasked, of, most - count);
    }
    const { clearing } = this;
    if (clearing?.kind !== "hold" || !span.statuses.includes("held")) return count;
    for (const status of clearing.statuses) {
      count += this.#count(status, span, " AND test = 0 AND began <= ?", [clearing.at], most - count);
    }
    return count;
  }

  get #recoveries(): Job[] {
    return this.#list.filter(({ kind }) => kind === "recover");
  }

  #count(status: DeliveryStatus, { since, until }: Span, meant: string, of: SqlStorageValue[], most: number): number {
    const counted = this.#sql.first<{ n: number }>(
      `SELECT count(*) AS n FROM (SELECT 1 FROM ${ROWS} WHERE ${OF_STATUS} = ? AND id >= ? AND id < ?${meant} LIMIT ?)`,
      ...[status, firstIdAt(since), firstIdAt(until), ...of, most],
    );
    return counted?.n ?? 0;
  }

  /** The next rows of a job, oldest first. `last`: the id to go on after; `null`: there are no more. */
  #next<T extends { id: string }>(columns: string, job: Job, limit: number): { rows: T[]; last: string | null } {
    const { statuses, since, until, after, at } = job;
    const rows = statuses
      .flatMap((status) =>
        this.#sql.all<T>(
          `SELECT ${columns} FROM ${ROWS}
           WHERE ${OF_STATUS} = ? AND id >= ? AND id > ? AND id < ? AND ${NOT_LATER} ORDER BY id LIMIT ?`,
          ...[status, firstIdAt(since), after, firstIdAt(until), at, limit],
        ),
      )
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
    return { rows, last: rows.length < limit ? null : (rows.at(-1)?.id ?? null) };
  }

  #save(): void {
    this.#values.save("jobs", { list: this.#list });
  }

  #begin(job: Omit<Job, "at" | "after">, now: number): void {
    this.#list = [{ ...job, at: now, after: "" }];
    this.goOn(now);
  }

  /** A row that was done with has another state by now, so that what was put out of work may begin anew. */
  #earlier(): Job[] {
    const plan = this.#values.load<Earlier["clearance"]>("clearance")?.plan ?? null;
    const asked = this.#values.load<Earlier["recoveries"]>("recoveries")?.list ?? [];
    const kind = plan?.to === "held" ? "hold" : "cancel";
    const clearing: Job[] = plan === null ? [] : [{ ...ALL, kind, at: plan.at, statuses: plan.left, after: "" }];
    return [...clearing, ...asked.map(({ askedAt, ...job }): Job => ({ ...job, kind: "recover", at: askedAt }))];
  }
}
