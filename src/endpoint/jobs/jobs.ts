import type { RecoveryRecord } from "../../contracts/endpoint";
import { newId } from "../../lib/ids";
import type { Sql } from "../../lib/sql";
import { MINUTE } from "../../lib/time";
import type { Leases } from "../memory/leases";
import type { FigureTable } from "../storage/figures";
import { firstIdAt, HEAD, type Head, isOf } from "../storage/row";
import type { Values } from "../storage/values";
import { type Asked, isOfSteps, stepAt, stepped, told, withAsked } from "./asked";
import { CHANGES, type Job, type Span } from "./kinds";

/** The most rows that one step rewrites: all of a long outage's at once would take seconds. */
export const AT_ONCE = 2_000;
/** The most rows that one step of expiry looks at, and gives up. */
export const EXPIRE_LOOK = 2_000;
export const EXPIRE_AT_ONCE = 500;
/** How often what waits is looked through, in ms. */
const EXPIRE_EVERY = MINUTE;
/** The most recoveries that wait to be carried out: each is a span of its own that is gone through. */
export const MOST_RECOVERIES = 10;
/** The most deliveries that are counted before a recovery; all are recovered. */
export const COUNT_MOST = 100_000;

/** From the first to the last id there can be. */
const ALL = { since: 0, until: Number.MAX_SAFE_INTEGER };
/** Before the first of what waits. */
const START = { due: 0, id: "" };

/** SQL: what has not been finished since a job was asked for. */
const NOT_LATER = "(finished IS NULL OR finished <= ?)";

/** The jobs as earlier versions kept them: what was put out of work, and what people had asked to recover. */
interface Earlier {
  clearance: { plan: { to: "held" | "canceled"; at: number } | null };
  recoveries: { list: (Span & { after: string; askedAt: number })[] };
}

/**
 * What is done to many deliveries: one job after the other, each a step at a time, the oldest rows first. A step takes the
 * next rows of the job and moves its cursor; the first is taken at once, the alarm goes on. The cursor is stored
 * with the jobs; that of expiry, which goes through all that waits again and again, is kept in memory. Times in ms.
 */
export class Jobs {
  readonly #sql: Sql;
  readonly #values: Values;
  readonly #leases: Leases;
  readonly #figures: FigureTable;
  readonly #atOnce: number;
  #list: readonly Job[];
  #asked: readonly Asked[];
  /** How far expiry has looked, while it finds something, and when it begins anew. */
  #expiring: { due: number; id: string } | null = null;
  #expireAt = 0;

  /** `atOnce`: the most rows that one step rewrites. */
  constructor(sql: Sql, values: Values, leases: Leases, figures: FigureTable, atOnce: number) {
    this.#sql = sql;
    this.#figures = figures;
    this.#leases = leases;
    this.#values = values;
    this.#atOnce = atOnce;
    const stored = values.load<{ list: Job[]; asked?: Asked[] }>("jobs");
    this.#list = stored?.list ?? this.#earlier();
    this.#asked = stored?.asked ?? [];
  }

  /** There is more to do. */
  get pending(): boolean {
    return this.#list.length > 0 || this.#expiring !== null;
  }

  /** What is being held or canceled: nothing may be sent before it is through. */
  get clearing(): Job | null {
    const [first] = this.#list;
    return first?.kind === "hold" || first?.kind === "cancel" ? first : null;
  }

  /** The endpoint is disabled: what is unfinished is held, and no recovery is wished any more. */
  hold(now: number): void {
    if (this.clearing?.kind !== "cancel") this.#begin({ ...ALL, kind: "hold", statuses: [], waiting: START }, now);
  }

  /** The endpoint is deleted: what is unfinished is canceled. */
  cancel(now: number): void {
    this.#begin({ ...ALL, kind: "cancel", statuses: ["held"], waiting: START }, now);
  }

  /** A person wants `count` deliveries again; answers the recovery's id, or `null`: too many such wishes wait. */
  recover(span: Span, count: number, now: number): string | null {
    if (this.#recoveries.length >= MOST_RECOVERIES) return null;
    const isClearing = this.clearing !== null;
    const id = newId("rcv", now);
    this.#asked = withAsked(this.#asked, id, span, count, now);
    this.#list = [...this.#list, { ...span, kind: "recover", id, at: now, after: "" }];
    if (isClearing) this.#save();
    else this.goOn(now);
    return id;
  }

  /** The recoveries that are remembered, newest first. */
  get recoveries(): RecoveryRecord[] {
    const isOn = ({ id }: Asked) => this.#recoveries.some((job) => job.id === id);
    return this.#asked.map((asked) => told(asked, isOn(asked), this.#waitingOf(asked))).reverse();
  }

  /**
   * A person does not want them any more: what was not tried yet is put back, but for what is with the receiver. Answers
   * whether it was on; `null`: there is no such recovery.
   */
  stop(id: string, now: number): boolean | null {
    const record = this.recoveries.find((one) => one.id === id);
    if (record === undefined) return null;
    if (record.state !== "running") return false;
    this.#change(id, (asked) => ({ ...asked, canceledAt: now }));
    const others = this.#list.filter((job) => job.id !== id);
    const isClearing = this.clearing !== null;
    this.#list = [
      ...others.slice(0, isClearing ? 1 : 0),
      { ...ALL, kind: "stop", id, statuses: [], at: now, after: "", waiting: START },
      ...others.slice(isClearing ? 1 : 0),
    ];
    if (isClearing) this.#save();
    else this.goOn(now);
    return true;
  }

  #change(id: string | undefined, change: (asked: Asked) => Asked): void {
    this.#asked = this.#asked.map((asked) => (asked.id === id ? change(asked) : asked));
  }

  /** How many of what a recovery has made due are still to be tried. */
  #waitingOf({ steps }: Asked): number {
    if (steps.length === 0) return 0;
    const counted = this.#sql.first<{ n: number }>(
      `SELECT count(*) AS n FROM deliveries INDEXED BY deliveries_due WHERE due IS NOT NULL AND ${isOfSteps("?1")}`,
      JSON.stringify(steps),
    );
    return counted?.n ?? 0;
  }

  /** Takes the next step. */
  goOn(now: number): void {
    const [job, ...others] = this.#list;
    if (job === undefined) return;
    const { ids, rest } = job.waiting === undefined ? this.#ended(job) : this.#waiting(job, job.waiting);
    this.#figures.changedTogether(ids);
    const held = JSON.stringify(this.#leases.held(now).map(({ delivery }) => delivery));
    const asked = this.#asked.find(({ id }) => id === job.id);
    const at = asked === undefined || job.kind === "stop" ? now : stepAt(asked, now);
    for (const { set, where } of CHANGES[job.kind]) {
      const changed = this.#sql.all<{ id: string }>(
        `UPDATE deliveries SET ${set}
         WHERE ?1 + ?2 > 0 AND ?3 <> '' AND ?5 <> '' AND id IN (SELECT value FROM json_each(?4)) AND ${where} RETURNING id`,
        ...[at, job.at, held, JSON.stringify(ids), JSON.stringify(asked?.steps ?? [])],
      );
      if (job.kind === "recover") this.#change(job.id, (asked) => stepped(asked, changed.length, at));
      if (job.kind === "stop") {
        for (const { id } of changed) this.#leases.forget(id);
        this.#change(job.id, (asked) => ({ ...asked, stopped: asked.stopped + changed.length }));
      }
    }
    this.#list = rest === null ? others : [rest, ...others];
    // What is unfinished is through, and there is room for what has ended.
    if (rest !== null && ids.length < this.#atOnce) this.goOn(now);
    else this.#save();
  }

  /** The next part of what waits and is due at `now`, of what was accepted until `until`; nothing until it is time to look again. */
  overdue(until: number, now: number): Head[] {
    if (this.#expiring === null && now < this.#expireAt) return [];
    const looked = this.#after(this.#expiring ?? START, now, EXPIRE_LOOK);
    const old = looked.filter(({ id }) => id < firstIdAt(until + 1)).slice(0, EXPIRE_AT_ONCE);
    const last = old.length === EXPIRE_AT_ONCE ? old.at(-1) : looked.at(-1);
    // The longest due come first: as long as none of so many has waited for too long, it can wait for a while itself.
    const isThrough = old.length < EXPIRE_AT_ONCE && looked.length < EXPIRE_LOOK;
    this.#expiring = old.length > 0 && !isThrough ? (last ?? null) : null;
    if (this.#expiring === null) this.#expireAt = now + EXPIRE_EVERY;
    const ids = JSON.stringify(old.map(({ id }) => id));
    return this.#sql.all<Head>(`SELECT ${HEAD} FROM deliveries WHERE id IN (SELECT value FROM json_each(?))`, ids);
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
      count += this.#count(`INDEXED BY deliveries_unsuccessful WHERE ${isOf(status)}`, span, unasked, of, most - count);
    }
    const { clearing } = this;
    if (clearing?.kind !== "hold" || !span.statuses.includes("held")) return count;
    const waiting = "INDEXED BY deliveries_due WHERE due IS NOT NULL";
    return count + this.#count(waiting, span, " AND test = 0 AND began <= ?", [clearing.at], most - count);
  }

  get #recoveries(): Job[] {
    return this.#list.filter(({ kind }) => kind === "recover");
  }

  #count(rows: string, { since, until }: Span, meant: string, of: SqlStorageValue[], most: number): number {
    const counted = this.#sql.first<{ n: number }>(
      `SELECT count(*) AS n FROM (SELECT 1 FROM deliveries ${rows} AND id >= ? AND id < ?${meant} LIMIT ?)`,
      ...[firstIdAt(since), firstIdAt(until), ...of, most],
    );
    return counted?.n ?? 0;
  }

  /** The next of what waits for a job, the longest due first, and what is left of the job then; `null`: nothing. */
  #waiting({ waiting: _, ...job }: Job, from: { due: number; id: string }): { ids: string[]; rest: Job | null } {
    const rows = this.#after(from, Number.MAX_SAFE_INTEGER, this.#atOnce);
    const last = rows.length === this.#atOnce ? rows.at(-1) : undefined;
    const ids = rows.map(({ id }) => id);
    if (last !== undefined) return { ids, rest: { ...job, waiting: last } };
    return { ids, rest: job.statuses.length > 0 ? job : null };
  }

  /** The next of what a job means that has ended, oldest first; likewise. */
  #ended(job: Job): { ids: string[]; rest: Job | null } {
    const { statuses, since, until, after, at } = job;
    const ids = statuses
      .flatMap((status) =>
        this.#sql.all<{ id: string }>(
          `SELECT id FROM deliveries INDEXED BY deliveries_unsuccessful
           WHERE ${isOf(status)} AND id >= ? AND id > ? AND id < ? AND ${NOT_LATER} ORDER BY id LIMIT ?`,
          ...[firstIdAt(since), after, firstIdAt(until), at, this.#atOnce],
        ),
      )
      .map(({ id }) => id)
      .sort()
      .slice(0, this.#atOnce);
    return { ids, rest: ids.length < this.#atOnce ? null : { ...job, after: ids.at(-1) ?? after } };
  }

  /** The rows that are due after another, until `until`. */
  #after({ due, id }: { due: number; id: string }, until: number, limit: number): { due: number; id: string }[] {
    return this.#sql.all(
      `SELECT due, id FROM deliveries INDEXED BY deliveries_due
       WHERE due IS NOT NULL AND due <= ? AND (due, id) > (?, ?) ORDER BY due, id LIMIT ?`,
      ...[until, due, id, limit],
    );
  }

  #save(): void {
    this.#values.save("jobs", { list: this.#list, asked: this.#asked });
  }

  #begin(job: Omit<Job, "at" | "after">, now: number): void {
    // What was to be sent again is not any more.
    this.#asked = this.#asked.map((asked) => {
      const waiting = this.#waitingOf(asked);
      const isOn = waiting > 0 || this.#recoveries.some(({ id }) => id === asked.id);
      return isOn && asked.canceledAt === null ? { ...asked, canceledAt: now, stopped: waiting } : asked;
    });
    this.#list = [{ ...job, at: now, after: "" }];
    this.goOn(now);
  }

  /** A row that was done with has another state by now, so that what was put out of work may begin anew. */
  #earlier(): Job[] {
    const plan = this.#values.load<Earlier["clearance"]>("clearance")?.plan ?? null;
    const asked = this.#values.load<Earlier["recoveries"]>("recoveries")?.list ?? [];
    const kind = plan?.to === "held" ? "hold" : "cancel";
    const statuses: Job["statuses"] = kind === "cancel" ? ["held"] : [];
    const clearing: Job[] = plan === null ? [] : [{ ...ALL, kind, at: plan.at, statuses, waiting: START, after: "" }];
    return [...clearing, ...asked.map(({ askedAt, ...job }): Job => ({ ...job, kind: "recover", at: askedAt }))];
  }
}
