import type { Firing, ObserveRequest, Refused, RevealRequest } from "../contracts/entity";
import { CONTACT_REVEALED } from "../contracts/signal";
import { newId } from "../lib/ids";
import { fromPortable, readJson } from "../lib/json/exact";
import type { Sql } from "../lib/sql";
import { DAY } from "../lib/time";
import { type EntityRow, emissionOf, toRemembered, type Waiting } from "./entity-row";
import { evaluate, pruned } from "./forms";
import { judgeBy } from "./judge";
import { KEY_LIFE, Known } from "./known";
import type { Judged, Pending, Remembered, Taken } from "./remembered";
import { ENTITY_STEPS } from "./tables";

/** A row that changes nothing but the time is written so often at most, in ms. */
const TOUCH_AFTER = DAY;

/** The most observations that wait for their events to be emitted; an alarm takes all of them up. */
export const MAX_PENDING = 1_000;

/** The most characters of their texts, all of which an alarm holds in memory. */
export const MAX_PENDING_LENGTH = 16_000_000;

/** The most contacts that an action reveals of a company, over time: the highest limit that one may have. */
export const MAX_REVEALED = 10_000;

/** What an observation fired, with what a schema refused of it at once. */
type Fired = Pending & { outcome: Judged };

/** The key under which an observation is to be known, and what a repeat must say. */
interface Keyed {
  key: string;
  said: string;
}

/**
 * What signals remember of an entity. Every method is synchronous and takes the time (ms), so that each is one
 * transaction of the object and can be driven by any clock. One that throws leaves it to be opened anew.
 */
export class Recollection {
  readonly #sql: Sql;
  readonly #known: Known;
  /** By the number of the observation. */
  readonly #waiting = new Map<number, Waiting>();
  /** The number of what waits, by its key. */
  readonly #waitingByKey = new Map<string, number>();
  #waitingLength = 0;
  #lastSlot = -1;
  #newest: { slot: number; seq: number; at: number } | null = null;
  /** JSON, as the newest row has it. */
  #memory = "{}";

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.migrate(ENTITY_STEPS);
    this.#known = new Known(sql);
    const rows = sql.all<Omit<EntityRow, "data" | "outcome"> & { length: number | null }>(
      "SELECT slot, seq, at, key, fingerprint, pending IS NOT NULL AS pending, octet_length(data) AS length FROM observations",
    );
    for (const { slot, seq, at, key, fingerprint, length } of rows) {
      if (length !== null) this.#wait(seq, { slot, key, said: fingerprint, length });
      this.#lastSlot = Math.max(this.#lastSlot, slot);
      if (this.#newest === null || seq > this.#newest.seq) this.#newest = { slot, seq, at };
    }
    if (this.#newest === null) return;
    const { slot } = this.#newest;
    this.#memory = (
      sql.first<{ memory: string }>("SELECT memory FROM observations WHERE slot = ?", slot) as { memory: string }
    ).memory;
  }

  /** When anything was last written, in ms, to the day; `null`: never. */
  get seenAt(): number | null {
    return this.#newest?.at ?? null;
  }

  /** Until when a key may have to be known, in ms; 0: none has. */
  get knownUntil(): number {
    return this.#known.lastEnds ?? 0;
  }

  /** Whether something that fired is not known to be emitted. */
  get hasPending(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Holds observations against the rules, in their order; decides over all keys before it changes anything. A rule that
   * would fire what a schema refuses is left alone. `full`: too much of the entity's waits to be emitted, and nothing is
   * observed that would add to it.
   */
  observe(request: ObserveRequest, now: number): Taken {
    const { observations, live, asOf, schemas, strict } = request;
    const rules = fromPortable(request.rules);
    const repeats = observations.map(({ idempotency }) =>
      idempotency === undefined
        ? null
        : this.#find(`o:${idempotency.key}`, now, String(idempotency.claimed), idempotency.fingerprint),
    );
    const memory = pruned(readJson(this.#memory), new Set(live), asOf);
    const judge = judgeBy(schemas ?? new Map());
    const found = observations.map(({ text, at, rules: concerned, listed }, i) => {
      if (repeats[i]) return { pending: null, refused: [], after: "" };
      const data = readJson(text) as object;
      const seen = { data, at: at ?? now, listed: new Set(listed) };
      const refused: Refused[] = [];
      const emissions = concerned.flatMap((index) => {
        const rule = rules[index] as Firing;
        const { fire, memory: after } = evaluate(rule.when, memory[rule.id] ?? {}, seen, now);
        const emission = fire && emissionOf(rule, fire);
        const wrong = emission ? judge(rule, { ...data, ...emission.attached }) : [];
        refused.push(...wrong);
        if (wrong.length > 0) return [];
        if (Object.keys(after).length > 0) memory[rule.id] = after;
        return emission ?? [];
      });
      const pending =
        emissions.length === 0 ? null : { id: newId("obs", now), timestamp: seen.at, data: text, emissions };
      return { pending, refused, after: pending === null ? "" : JSON.stringify(memory) };
    });
    if (strict !== undefined && found.some(({ refused }) => refused.length > 0)) {
      return { kind: "refused", refused: found.map(({ refused }) => refused) };
    }
    if (strict === "judge") return { kind: "observed", observations: [] };
    if (!this.#hasRoomFor(found.flatMap(({ pending }) => pending ?? []))) return { kind: "full" };
    const taken = found.map(({ pending, refused, after }, i) => {
      const repeat = repeats[i] ?? null;
      if (repeat !== null) return { row: repeat, refused, duplicate: true };
      const idempotency = observations[i]?.idempotency;
      const keyed = idempotency && { key: `o:${idempotency.key}`, said: String(idempotency.claimed) };
      const outcome: Judged = { events: [], refused };
      const row = pending === null ? null : this.#write(keyed, pending, outcome, after, now);
      if (pending === null && keyed !== undefined) {
        this.#known.keep(keyed.key, keyed.said, JSON.stringify(outcome), now);
      }
      return { row, refused, duplicate: false };
    });
    const after = JSON.stringify(memory);
    // Once for all of them, unless it stands with what fired last.
    if (taken.some(({ duplicate }) => !duplicate) && this.#isNews(after, now)) this.#save(null, null, after, now);
    return { kind: "observed", observations: taken };
  }

  /**
   * Keeps those contacts that the action has not revealed yet, up to its limit over time, and answers them as something
   * to be emitted; `null`: there are none. A repeat for the same event answers what the first did. Throws when too much of
   * the entity's waits to be emitted.
   */
  reveal({ trigger, action, endpoint, limit, contacts }: RevealRequest, now: number): Remembered | null {
    const key = `r:${trigger}:${action}`;
    const repeat = this.#find(key, now, "", "");
    if (repeat !== null) return repeat;
    const most = Math.min(limit ?? MAX_REVEALED, MAX_REVEALED);
    const unknown = new Map<string, string>();
    for (const { identity, text } of contacts) {
      if (unknown.size >= most) break;
      if (!unknown.has(identity) && !this.#isRevealed(action, identity)) unknown.set(identity, text);
    }
    // Counted only where it matters.
    const left = unknown.size === 0 ? 0 : Math.max(most - this.#revealedBy(action), 0);
    const found = new Map([...unknown].slice(0, left));
    if (found.size === 0) return null;
    const emissions = [{ rule: action, event: CONTACT_REVEALED, endpoint }];
    const data = `[${[...found.values()].join(",")}]`;
    const pending = { id: newId("obs", now), timestamp: now, data, source: trigger, emissions };
    if (!this.#hasRoomFor([pending])) throw new Error("too much of the entity waits to be emitted");
    for (const identity of found.keys()) {
      this.#sql.all("INSERT INTO revealed (action, contact) VALUES (?, ?)", action, identity);
    }
    return this.#write({ key, said: "" }, pending, { events: [], refused: [] }, this.#memory, now);
  }

  #revealedBy(action: string): number {
    return this.#sql.first<{ n: number }>("SELECT count(*) AS n FROM revealed WHERE action = ?", action)?.n ?? 0;
  }

  #isRevealed(action: string, contact: string): boolean {
    return this.#sql.first("SELECT 1 FROM revealed WHERE action = ? AND contact = ?", action, contact) !== null;
  }

  /** What fired and is not known to be emitted, oldest first. */
  pending(): Remembered[] {
    if (!this.hasPending) return [];
    return this.#sql
      .all<EntityRow>("SELECT * FROM observations WHERE pending IS NOT NULL ORDER BY seq")
      .map((row) => toRemembered(row));
  }

  /** Notes that an observation's events are emitted; its text is then forgotten, and with it what else is not needed. */
  settle({ seq }: Remembered, outcome: Judged, now: number): void {
    const waiting = this.#waiting.get(seq);
    if (waiting === undefined) return;
    const { slot, key, said, length } = waiting;
    // Unless the key was used again since, a day later.
    if (key !== null && this.#waitingByKey.get(key) === seq) {
      this.#known.keep(key, said ?? "", JSON.stringify(outcome), now);
    }
    if (seq === this.#newest?.seq) {
      this.#sql.all(
        "UPDATE observations SET key = NULL, fingerprint = NULL, pending = NULL, data = NULL WHERE slot = ?",
        slot,
      );
    } else this.#sql.all("DELETE FROM observations WHERE slot = ?", slot);
    this.#waiting.delete(seq);
    this.#waitingLength -= length;
    if (key !== null && this.#waitingByKey.get(key) === seq) this.#waitingByKey.delete(key);
  }

  /** What is kept under a key, as it was said when it was `claimed` or, before claims were told, with a fingerprint. */
  #find(key: string, now: number, claimed: string, fingerprint: string): Remembered | null {
    const seq = this.#waitingByKey.get(key);
    const waiting = seq === undefined ? undefined : this.#waiting.get(seq);
    if (waiting !== undefined && (waiting.said === claimed || waiting.said === fingerprint)) {
      return toRemembered(
        this.#sql.first<EntityRow>("SELECT * FROM observations WHERE slot = ?", waiting.slot) as EntityRow,
      );
    }
    const use = this.#known.find(key, now);
    // How long a claim holds is its keeper's affair.
    if (use === null || (use.said !== claimed && (use.said !== fingerprint || use.at <= now - KEY_LIFE))) return null;
    return { seq: 0, pending: null, outcome: JSON.parse(use.told) as Judged };
  }

  /** Whether so much more may wait. */
  #hasRoomFor(more: readonly Pending[]): boolean {
    if (more.length === 0) return true;
    const length = more.reduce((sum, { data }) => sum + data.length, this.#waitingLength);
    return this.#waiting.size + more.length <= MAX_PENDING && length <= MAX_PENDING_LENGTH;
  }

  /** Whether a memory must be written down though nothing else needs the row. */
  #isNews(memory: string, now: number): boolean {
    return memory !== this.#memory || this.#newest === null || now >= this.#newest.at + TOUCH_AFTER;
  }

  /** Writes what fired and all that is remembered after it: one row. */
  #write(keyed: Keyed | undefined, pending: Pending, outcome: Judged, memory: string, now: number): Remembered {
    const { slot, seq } = this.#save(keyed ?? null, { ...pending, outcome }, memory, now);
    const { data } = pending;
    this.#wait(seq, { slot, key: keyed?.key ?? null, said: keyed?.said ?? null, length: data.length });
    return { seq, pending, outcome };
  }

  /** Writes the newest row, in place of the one before it unless that still waits. */
  #save(keyed: Keyed | null, fired: Fired | null, memory: string, now: number) {
    const before = this.#newest;
    const isFree = before !== null && !this.#waiting.has(before.seq);
    const newest = { slot: isFree ? before.slot : this.#lastSlot + 1, seq: (before?.seq ?? 0) + 1, at: now };
    const { outcome, data, ...pending }: Partial<Fired> = fired ?? {};
    this.#sql.all(
      `INSERT INTO observations (slot, seq, at, key, fingerprint, pending, data, outcome, memory)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
       ON CONFLICT (slot) DO UPDATE
       SET seq = ?2, at = ?3, key = ?4, fingerprint = ?5, pending = ?6, data = ?7, outcome = ?8, memory = ?9`,
      newest.slot,
      newest.seq,
      now,
      keyed?.key ?? null,
      keyed?.said ?? null,
      fired === null ? null : JSON.stringify(pending),
      data ?? null,
      JSON.stringify(outcome ?? null),
      memory,
    );
    this.#newest = newest;
    this.#lastSlot = Math.max(this.#lastSlot, newest.slot);
    this.#memory = memory;
    return newest;
  }

  #wait(seq: number, waiting: Waiting): void {
    const { key, length } = waiting;
    this.#waiting.set(seq, waiting);
    this.#waitingLength += length;
    if (key !== null && (this.#waitingByKey.get(key) ?? 0) < seq) this.#waitingByKey.set(key, seq);
  }
}
