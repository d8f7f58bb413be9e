import {
  acceptedIn,
  type Figures,
  hourOf,
  NO_HOUR,
  type Summary,
  sumOf,
  sumsOf,
  type Untold,
} from "../contracts/figures";
import type { Sql } from "../lib/sql";
import { DAY, HOUR } from "../lib/time";
import { BY_ALARM, CREDIT, ENOUGH, isEnough, type LastTold, type Turn, turnOf } from "./policy/telling";
import { firstIdAt } from "./storage/row";
import type { Stores } from "./stores";

/** What is remembered of what D1 was told, as it is stored; times in ms. */
export interface Told extends LastTold {
  /** From here on its hours are in its summary, before in `parts`. */
  from: number;
  /** Whole UTC days, oldest first. */
  parts: readonly (readonly [from: number, until: number])[];
  /** Those of them that have changed since, or are still to be told, by where they begin. */
  late: readonly number[];
}

/** What D1 is to be told, and what is remembered once it was. */
export interface Telling {
  summary: Summary;
  day: { accepted: number; succeeded: number; failed: number };
  from: number;
  hours: Figures;
  over: { from: number; until: number; hours: Figures; days: Figures }[];
  then: Told;
}

/** The most days that are told at once. */
const PARTS = 3;
/** The rows that are looked at for the last success. */
const LOOK = 200;

/**
 * Tells D1 how the endpoint fares: a summary and its figures by hour, of which D1 has a copy for all that asks for many
 * endpoints. All of it can be made anew from the rows; what is in memory only saves rows.
 */
export class Teller {
  readonly #sql: Sql;
  readonly #stores: Stores;
  #told: Told | null;
  /** How far the rows' changes were seen, and how many there were since it was told. */
  #seen: number;
  #changes = 0;
  #credit: number;
  /** What `#seen` was when it was made that is told or was last, and the hours that have changed since. */
  #toldAt = 0;
  readonly #meanwhile = new Set<number>();
  #notBefore = 0;

  constructor(sql: Sql, stores: Stores) {
    this.#sql = sql;
    this.#stores = stores;
    this.#told = stores.values.load<Told>("told");
    this.#seen = this.#figures.changes;
    this.#credit = this.#told === null ? BY_ALARM : 0;
  }

  get #figures() {
    return this.#stores.deliveries.figures;
  }

  /** After a change: remembers which days D1 has otherwise by now. */
  noteChanges(): void {
    const { changes } = this.#figures;
    this.#changes += changes - this.#seen;
    this.#credit = Math.min(this.#credit + changes - this.#seen, CREDIT);
    this.#seen = changes;
    const hours = this.#figures.takeChanged();
    for (const hour of hours) this.#meanwhile.add(hour);
    if (this.#told === null) return;
    const late = new Set([...this.#told.late, ...partsOf(this.#told, hours)]);
    if (late.size > this.#told.late.length) this.#save({ ...this.#told, late: [...late] });
  }

  /** When D1 is to be told next; `null`: it knows. While a job goes on step by step nobody is told of its steps. */
  turn(now: number): Turn | null {
    const { clearing, state } = this.#stores;
    if (clearing !== null || state.settings === null || state.settings.callback || state.stored.gone) return null;
    const { waiting, held } = this.#figures.standing;
    const late = (this.#told?.late.length ?? 0) > 0;
    const stands = { state: state.health(now).state, waiting, held };
    const turn = turnOf(this.#told, { ...stands, changes: this.#changes, credit: this.#credit, late });
    return turn && { ...turn, at: Math.max(turn.at, this.#notBefore) };
  }

  /** Whether D1 is to be told at `now` (ms). */
  isDue(now: number): boolean {
    const turn = this.turn(now);
    if (turn === null || turn.at > now) return false;
    const told = this.#told;
    if (turn.alarm || told === null || now < told.at + DAY || this.#changes >= ENOUGH) return true;
    const since = this.#sql.first<{ n: number }>(
      "SELECT count(*) AS n FROM (SELECT 1 FROM deliveries WHERE id >= ? LIMIT ?)",
      ...[firstIdAt(told.at), ENOUGH],
    );
    return isEnough(told, since?.n ?? 0, now);
  }

  /** What D1 is told at `now` (ms); `keptSince`: nothing of before is kept. */
  telling(now: number, keptSince: number): Telling {
    const from = now - (now % DAY) - DAY;
    const told = this.#told;
    const first = told === null ? this.#firstDay() : told.from;
    const kept = (told?.parts ?? []).filter(([, until]) => until > keptSince);
    const fresh = told === null ? daysBetween(first, from) : first < from ? [[first, from] as const] : [];
    const parts = [...kept, ...fresh];
    const due = [...(told?.late ?? []), ...fresh.map(([start]) => start)];
    const [today, later] = [due.slice(0, PARTS), due.slice(PARTS)];
    const over = parts.filter(([start]) => today.includes(start)).map(([start, end]) => this.#part(start, end));
    const hours = this.#figures.of(from, now + 1);
    this.#figures.write(now);
    const summary = this.summary(now);
    const { state, waiting, held } = summary;
    const then = { at: now, before: told?.at ?? 0, from, parts, late: later, state, waiting, held };
    this.#toldAt = this.#seen;
    this.#meanwhile.clear();
    return { summary, day: this.#day(now), from, hours, over: over.filter((part) => part !== null), then };
  }

  /** D1 knows what it was to be told. */
  told(then: Told): void {
    this.#changes = this.#seen - this.#toldAt;
    this.#credit = Math.max(this.#credit - BY_ALARM, 0);
    this.#save({ ...then, late: [...new Set([...then.late, ...partsOf(then, [...this.#meanwhile])])] });
  }

  /** D1 is out of reach until `until` (ms), as far as is known. */
  postpone(until: number): void {
    this.#notBefore = until;
  }

  /** The hours that D1 may not know of yet, and when they are from; `null`: it knows all. */
  untold(now: number): Untold | null {
    if (this.#told === null || this.#stores.clearing !== null) return null;
    const since = hourOf(this.#told.at) - HOUR;
    return { at: now, hours: this.#figures.of(Math.max(since, this.#told.from), now + 1) };
  }

  /** How the endpoint fares, in short. */
  summary(now: number): Summary {
    const { state } = this.#stores;
    const { state: stands, failingSince } = state.health(now);
    const { waiting, oldestWaitingAt, held } = this.#figures.standing;
    return {
      at: now,
      state: stands,
      failingSince,
      failedShare: this.#failedShare(now),
      waiting,
      oldestWaitingAt,
      held,
      lastSuccessAt: state.lastSuccessAt ?? this.#lastSuccess(state.stored.lastSuccessAt),
      lastFailure: state.stored.lastFailure,
    };
  }

  /**
   * Of the attempts of the last hour: failed ones are known each, of those that succeeded how many deliveries of this hour
   * and, as far as it lies within sixty minutes, the one before did.
   */
  #failedShare(now: number): number | null {
    const failed = this.#stores.state.failedLately(now);
    const hour = hourOf(now);
    const hours = this.#figures.of(hour - HOUR, now + 1);
    const succeeded = (of: number) => sumsOf(total({ [of]: hours[of] ?? NO_HOUR })).succeeded;
    const all = failed + succeeded(hour) + Math.round(succeeded(hour - HOUR) * (1 - (now - hour) / HOUR));
    return all === 0 ? null : failed / all;
  }

  /** Since the object woke there was none: what was stored may be of long ago, and the latest rows tell of one since. */
  #lastSuccess(stored: number | null): number | null {
    const row = this.#sql.first<{ at: number | null }>(
      "SELECT max(finished) AS at FROM (SELECT finished, status FROM deliveries ORDER BY id DESC LIMIT ?) WHERE status = 'succeeded'",
      LOOK,
    );
    return stored === null ? (row?.at ?? null) : Math.max(stored, row?.at ?? 0);
  }

  #day(now: number): Telling["day"] {
    const { accepted, succeeded, failed } = sumsOf(total(this.#figures.of(now - DAY, now + 1)));
    return { accepted, succeeded, failed };
  }

  /** `null`: nothing was accepted in it. */
  #part(from: number, until: number): Telling["over"][number] | null {
    const hours = this.#figures.of(from, until);
    const days: Figures = {};
    for (const [key, { events, codes }] of Object.entries(hours)) {
      const day = Number(key) - (Number(key) % DAY);
      days[day] ??= { events: {}, codes: {} };
      for (const [name, tally] of Object.entries(events))
        days[day].events[name] = sumOf([days[day].events[name] ?? [], tally]);
      for (const [name, tally] of Object.entries(codes))
        days[day].codes[name] = sumOf([days[day].codes[name] ?? [], tally]);
    }
    return Object.values(hours).some((hour) => acceptedIn(hour) > 0) ? { from, until, hours, days } : null;
  }

  #firstDay(): number {
    const at = this.#figures.first() ?? Number.POSITIVE_INFINITY;
    return at - (at % DAY);
  }

  #save(told: Told): void {
    this.#stores.values.save("told", told);
    this.#told = told;
  }
}

/** Those of the parts that have one of these hours, by where they begin. */
function partsOf({ parts, from }: Pick<Told, "parts" | "from">, hours: readonly number[]): number[] {
  const over = hours.filter((hour) => hour < from);
  return parts.filter(([first, end]) => over.some((hour) => hour >= first && hour < end)).map(([first]) => first);
}

function total(hours: Figures) {
  return sumOf(Object.values(hours).flatMap(({ events }) => Object.values(events)));
}

/** The UTC days from one to another, each as a part. */
function daysBetween(first: number, end: number): (readonly [number, number])[] {
  const days: [number, number][] = [];
  for (let day = first; day < end; day += DAY) days.push([day, day + DAY]);
  return days;
}
