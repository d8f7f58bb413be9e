import type { Event } from "../../contracts/event";
import type {
  AppendAllRequest,
  AppendAllResult,
  AppendRequest,
  AppendResult,
  Erased,
  EventPage,
  EventQuery,
  Idempotency,
  KeyedEvents,
  Origin,
  Reveal,
} from "../../contracts/event-log";
import { idName } from "../../contracts/shards";
import { callbackId, deliveryId, eventId, mintEventUlid, ulidTime } from "../../lib/ids";
import { fromPortable, readJson } from "../../lib/json/exact";
import type { Sql } from "../../lib/sql";
import type { Day } from "../../lib/time";
import { Capacity } from "./capacity";
import { Ending } from "./ending";
import { Figures } from "./figures";
import { Keys } from "./keys";
import { forgetValues, pageOf } from "./listing";
import { Pointer } from "./pointer";
import { ofOne, repeatsOf } from "./repeats";
import { type EventRow, toEvent } from "./rows";
import { Shards } from "./shards";
import { State } from "./state";
import { EVENT_LOG_STEPS } from "./tables";

/**
 * The events of a tenant's day, and what of them is not yet owned by an endpoint. Every method is synchronous and takes
 * the time (ms), so that each is one transaction of the object and can be driven by any clock.
 */
export class Journal {
  readonly keys: Keys;
  /** What is not yet owned by an endpoint. */
  readonly pointer: Pointer;
  /** What is to go before the log does. */
  readonly ending: Ending;
  readonly shards: Shards;
  readonly figures: Figures;
  readonly #sql: Sql;
  readonly #day: Day;
  readonly #shard: number;
  readonly #state: State;
  readonly #capacity: Capacity;
  #last!: string | null;

  /** `most`: bytes of the database from which on it takes no more events. */
  constructor(sql: Sql, day: Day, most?: number, shard = 0) {
    this.#sql = sql;
    this.#day = day;
    this.#shard = shard;
    sql.migrate(EVENT_LOG_STEPS);
    this.#state = new State(sql);
    this.#capacity = new Capacity(sql, most);
    this.shards = new Shards(sql);
    this.keys = new Keys(sql, this.shards);
    this.figures = new Figures(sql, this.#state);
    this.pointer = new Pointer(sql, this.#state, this.figures);
    this.ending = new Ending(sql, this.#state);
    this.#readLast();
  }

  /** Reads anew what it remembers of its rows, some of which may have been rolled back. */
  reload(): void {
    this.#state.reload();
    this.shards.reload();
    this.figures.recount();
    this.#readLast();
  }

  #readLast(): void {
    this.#last = this.#sql.first<{ ulid: string }>("SELECT ulid FROM events ORDER BY ulid DESC LIMIT 1")?.ulid ?? null;
  }

  /** Whether the day takes no new idempotency keys any more. */
  get sealed(): boolean {
    return this.#state.row.sealed === 1;
  }

  /** When the tenant was created whose log it is, in ms; `null`: nobody has said. By its name alone it could be another. */
  get since(): number | null {
    return this.#state.row.since;
  }

  /** The part of its room that is used, 0 to 1. */
  get used(): number {
    return this.#capacity.used;
  }

  /** Remembers whose it is. */
  belongTo(since: number): void {
    if (this.#state.row.since !== since) this.#state.set({ since });
  }

  /** Writes an event down and mints its id, or answers the event that has used its key. Throws {@link LOG_FULL}. */
  append(request: AppendRequest, now: number, earlier?: ReadonlyMap<string, KeyedEvents>): AppendResult {
    return ofOne(this.appendAll({ events: [request] }, now, earlier));
  }

  /**
   * Writes events down in their order, but for those whose key has been used: they are answered by the first event.
   * Decides over all before it writes any; throws {@link LOG_FULL} if there is no room for those that are new.
   * `earlier`: what used these keys in the log of the day before.
   */
  appendAll(
    { events, idempotency }: AppendAllRequest,
    now: number,
    earlier: ReadonlyMap<string, KeyedEvents> = new Map(),
  ): AppendAllResult {
    const used = (key: string) => this.keys.find(key) ?? earlier.get(key) ?? null;
    if (idempotency !== undefined) {
      const first = used(idempotency.key);
      if (first !== null) {
        if (first.fingerprint !== idempotency.fingerprint) return { kind: "conflict", index: null, by: "key" };
        return { kind: "appended", events: first.events.map((event) => ({ event, duplicate: true })) };
      }
      if (this.sealed) return { kind: "sealed" };
      if (events.some(({ refused }) => refused)) return { kind: "refused" };
      const said = repeatsOf(events, used, this.sealed);
      if (!Array.isArray(said)) return said;
      this.#capacity.check(events);
      const written = events.map((request, i) =>
        this.#insert(request, i === 0 ? { ...idempotency, count: events.length } : null, now),
      );
      return { kind: "appended", events: written.map((event) => ({ event, duplicate: false })) };
    }
    const repeats = repeatsOf(events, used, this.sealed);
    if (!Array.isArray(repeats)) return repeats;
    if (repeats.includes(null)) this.#capacity.check(events);
    const answers: { event: Event; duplicate: boolean }[] = [];
    for (const [i, request] of events.entries()) {
      const repeat = repeats[i];
      // A number: it repeats an event of this very request.
      if (typeof repeat === "number") {
        answers.push({ event: (answers[repeat] as { event: Event }).event, duplicate: true });
      } else if (repeat) {
        answers.push({ event: repeat, duplicate: true });
      } else {
        const key = request.idempotency === undefined ? null : { ...request.idempotency, count: 1 };
        answers.push({ event: this.#insert(request, key, now), duplicate: false });
      }
    }
    return { kind: "appended", events: answers };
  }

  /** `key`: the one that it has, for so many events from it on. */
  #insert(request: AppendRequest, key: (Idempotency & { count: number }) | null, now: number): Event {
    const { idempotency: own, payloadId } = request;
    // Under another key than its id, the event is known by both.
    const id = own === undefined || payloadId === key?.key ? undefined : payloadId;
    const hashes = new Set([key?.fingerprint, id === undefined ? undefined : own?.fingerprint]);
    const fingerprint = [...hashes].filter((hash) => hash !== undefined).join(" ");
    const ulid = mintEventUlid(this.#day, now, this.#last, this.#shard);
    const event: Event = {
      ulid,
      type: request.type,
      timestamp: request.timestamp ?? ulidTime(ulid),
      payloadId: request.payloadId ?? eventId(ulid),
      data: request.data,
      // A callback's endpoint exists for this delivery only, and is named after it.
      matches: request.matches.map((match, index) =>
        match.url === undefined ? match : { ...match, endpoint: callbackId(ulid, index) },
      ),
    };
    this.#sql.all(
      `INSERT INTO events (ulid, event, timestamp, payload, data, matches, key, fingerprint, batch, reveal, origin, named,
         found_by)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ulid,
      event.type,
      event.timestamp,
      event.payloadId,
      event.data,
      JSON.stringify(event.matches),
      key?.key ?? null,
      fingerprint === "" ? null : fingerprint,
      key === null || key.count === 1 ? null : key.count,
      request.reveal === undefined ? null : JSON.stringify(fromPortable(request.reveal)),
      request.origin === undefined ? null : JSON.stringify(request.origin),
      id === undefined ? null : idName(id),
      request.foundBy === undefined ? null : JSON.stringify(request.foundBy),
    );
    this.#last = ulid;
    return event;
  }

  /** A page of events, newest first; looks at `rows` rows at most. */
  list(query: EventQuery): EventPage {
    return pageOf(this.#sql, query);
  }

  /**
   * Adds deliveries to an event, for endpoints that it has none for. The pointer may be past the event: what is new
   * stays owned here, in `unconfirmed`, until its endpoint has a row. Throws {@link LOG_FULL}.
   */
  addMatches(ulid: string, endpoints: readonly string[]): { event: Event; added: number[] } | null {
    const [event = null] = this.read([ulid]);
    if (event === null) return null;
    const known = new Set(event.matches.map(({ endpoint }) => endpoint));
    const added =
      event.erasedAt === undefined ? [...new Set(endpoints)].filter((endpoint) => !known.has(endpoint)) : [];
    if (added.length === 0) return { event, added: [] };
    this.#capacity.check();
    const matches = [...event.matches, ...added.map((endpoint) => ({ endpoint }))];
    const indexes = added.map((_, i) => event.matches.length + i);
    for (const [i, endpoint] of added.entries()) {
      this.pointer.leave({ id: deliveryId(ulid, indexes[i] as number), type: event.type }, endpoint);
    }
    this.#sql.all("UPDATE events SET matches = ? WHERE ulid = ?", JSON.stringify(matches), ulid);
    this.figures.recount();
    return { event: { ...event, matches }, added: indexes };
  }

  /** Erases an event's data. Its key and fingerprint stay, so that a repeat still answers it. */
  erase(ulid: string, now: number): Erased | null {
    forgetValues(this.#sql, ulid);
    this.#sql.all("UPDATE events SET data = 'null', erased = ? WHERE ulid = ? AND erased IS NULL", now, ulid);
    const row = this.#sql.first<EventRow>("SELECT * FROM events WHERE ulid = ?", ulid);
    if (row === null) return null;
    const origin = row.origin === null ? null : (JSON.parse(row.origin) as Origin);
    const derived = this.#sql.all<{ ulid: string }>("SELECT ulid FROM derived WHERE source = ?", ulid);
    return { event: toEvent(row), origin, derived: derived.map((one) => one.ulid) };
  }

  /** Remembers what was derived from an event, if it is there. Answers whether the event's content is erased. */
  noteDerived(source: string, derived?: string): boolean {
    const row = this.#sql.first<Pick<EventRow, "erased">>("SELECT erased FROM events WHERE ulid = ?", source);
    if (row === null) return false;
    if (derived !== undefined) {
      this.#sql.all("INSERT OR IGNORE INTO derived (source, ulid) VALUES (?, ?)", source, derived);
    }
    return row.erased !== null;
  }

  /** The events with these ULIDs, `null` for one that is not there, or comes when `room` characters of data are full. */
  read(ulids: readonly string[], room = Number.POSITIVE_INFINITY): (Event | null)[] {
    let left = room;
    return ulids.map((ulid) => {
      const row = left > 0 ? this.#sql.first<EventRow>("SELECT * FROM events WHERE ulid = ?", ulid) : null;
      left -= row?.data.length ?? 0;
      return row && toEvent(row);
    });
  }

  /** Takes no new keys from now on. */
  seal(): void {
    if (!this.sealed) this.#state.set({ sealed: 1 });
  }

  /** What is to be revealed of an event's contacts; `null`: nothing. */
  toReveal(ulid: string): { event: Event; reveal: Reveal } | null {
    const row = this.#sql.first<EventRow>("SELECT * FROM events WHERE ulid = ?", ulid);
    if (row === null || row.reveal === null) return null;
    return { event: toEvent(row), reveal: readJson(row.reveal) as Reveal };
  }
}
