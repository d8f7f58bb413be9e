import { type Delivery, type Match, refTo, type StoredEvent } from "../contracts/event";
import {
  type AppendAllRequest,
  type AppendAllResult,
  type AppendRequest,
  type AppendResult,
  type Erased,
  type EventPage,
  type EventQuery,
  type Idempotency,
  idName,
  type KeyedEvents,
  LOG_FULL,
  type Origin,
  type Reveal,
} from "../contracts/event-log";
import { callbackId, deliveryId, eventId, mintEventUlid, ulidTime } from "../lib/ids";
import { fromPortable, readJson } from "../lib/json/exact";
import type { Sql } from "../lib/sql";
import type { Day } from "../lib/time";
import { Keys } from "./keys";
import { type EventRow, toEvent } from "./rows";
import { EVENT_LOG_STEPS } from "./tables";

/** The most events handed over in one go. */
const PAGE = 500;
/** Bytes from which on a log takes no more events: of the 10 GB that an object may have the rest is for handing them over. */
export const MOST_BYTES = 8_000_000_000;
/**
 * Asking for the size takes as long as a fifth of writing an event, so it is asked for again when a hundredth of what was
 * left may be used: by events as long as their data, with so many bytes for what else they say.
 */
const LOOKS = 100;
const EVENT_BYTES = 1_000;

interface State {
  confirmed: string;
  sealed: number;
  trimmed: string;
  since: number | null;
}

/** What an event is looked for under, the first first: its key, and the caller's own id, whichever way it was kept. */
export function namesOf({
  idempotency,
  payloadId: id,
}: Pick<AppendRequest, "idempotency" | "payloadId">): { name: string; by: "key" | "id" }[] {
  if (idempotency === undefined) return [];
  const { key } = idempotency;
  const names = id === undefined ? [] : id === key ? [idName(id)] : [idName(id), id];
  return [{ name: key, by: "key" }, ...names.map((name) => ({ name, by: "id" as const }))];
}

/** Endpoints with deliveries of a page of events, and how far into the log the page reaches. */
export interface Retired {
  endpoints: Set<string>;
  upTo: string;
}

/** Deliveries that their endpoints have not confirmed, by endpoint, and how far into the log they reach. */
export interface Handover {
  refs: Map<string, Delivery[]>;
  /** The pointer once all of it is handed over. */
  upTo: string;
  /** Those among them that an earlier handover could not hand over. */
  left: ReadonlySet<string>;
  /** The ULIDs of events whose contacts are to be revealed. */
  reveals: string[];
  /** Whose turn it then was last among what is left below the pointer. */
  turn: Turn;
}

/** The last ones of a page of what is left below the pointer; "": the next page is the first. */
interface Turn {
  delivery: string;
  reveal: string;
}

/**
 * The events of a tenant's day, and what of them is not yet owned by an endpoint. Every method is synchronous and takes
 * the time (ms), so that each is one transaction of the object and can be driven by any clock.
 */
export class Journal {
  readonly keys: Keys;
  readonly #sql: Sql;
  readonly #day: Day;
  readonly #most: number;
  #last!: string | null;
  #state!: State;
  /** Bytes that may be written before the size of the database is looked at again. */
  #room = 0;
  /** In memory only. */
  #turn: Turn = { delivery: "", reveal: "" };

  /** `most`: bytes of the database from which on it takes no more events. */
  constructor(sql: Sql, day: Day, most = MOST_BYTES) {
    this.#sql = sql;
    this.#day = day;
    this.#most = most;
    this.keys = new Keys(sql);
    sql.migrate(EVENT_LOG_STEPS);
    this.reload();
  }

  /** Reads anew what it remembers of its rows, some of which may have been rolled back. */
  reload(): void {
    this.#last = this.#sql.first<{ ulid: string }>("SELECT ulid FROM events ORDER BY ulid DESC LIMIT 1")?.ulid ?? null;
    this.#state = this.#sql.first<State>("SELECT confirmed, sealed, trimmed, since FROM state") as State;
  }

  /** Whether the day takes no new idempotency keys any more. */
  get sealed(): boolean {
    return this.#state.sealed === 1;
  }

  /** When the tenant was created whose log it is, in ms; `null`: nobody has said. By its name alone it could be another. */
  get since(): number | null {
    return this.#state.since;
  }

  belongTo(since: number): void {
    if (this.#state.since !== since) this.#setState({ since });
  }

  /** `events`: what is to be written. */
  #checkRoom(events: readonly { data: string }[] = []): void {
    for (const { data } of events) this.#room -= EVENT_BYTES + data.length;
    if (this.#room > 0) return;
    const left = this.#most - this.#sql.bytes;
    if (left <= 0) throw new Error(LOG_FULL);
    this.#room = left / LOOKS;
  }

  /** Writes an event down and mints its id, or answers the event that has used its key. Throws {@link LOG_FULL}. */
  append(request: AppendRequest, now: number, earlier?: ReadonlyMap<string, KeyedEvents>): AppendResult {
    const result = this.appendAll({ events: [request] }, now, earlier);
    if (result.kind === "conflict") return { kind: "conflict", by: result.by };
    if (result.kind !== "appended") return result;
    const { event, duplicate } = result.events[0] as { event: StoredEvent; duplicate: boolean };
    return { kind: duplicate ? "duplicate" : "appended", event };
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
      const said = this.#repeats(events, used);
      if (!Array.isArray(said)) return said;
      this.#checkRoom(events);
      const written = events.map((request, i) =>
        this.#insert(request, i === 0 ? { ...idempotency, count: events.length } : null, now),
      );
      return { kind: "appended", events: written.map((event) => ({ event, duplicate: false })) };
    }
    const repeats = this.#repeats(events, used);
    if (!Array.isArray(repeats)) return repeats;
    const answers: { event: StoredEvent; duplicate: boolean }[] = [];
    for (const [i, request] of events.entries()) {
      const repeat = repeats[i];
      // A number: it repeats an event of this very request.
      if (typeof repeat === "number") {
        answers.push({ event: (answers[repeat] as { event: StoredEvent }).event, duplicate: true });
      } else if (repeat) {
        answers.push({ event: repeat, duplicate: true });
      } else {
        const key = request.idempotency === undefined ? null : { ...request.idempotency, count: 1 };
        answers.push({ event: this.#insert(request, key, now), duplicate: false });
      }
    }
    return { kind: "appended", events: answers };
  }

  /** For each event what it repeats: one that is written down, or the one at an index before it; `null`: it is new. */
  #repeats(
    events: readonly AppendRequest[],
    used: (key: string) => KeyedEvents | null,
  ): (StoredEvent | number | null)[] | Exclude<AppendAllResult, { kind: "appended" }> {
    const own = new Map<string, { index: number; fingerprint: string }>();
    const repeats: (StoredEvent | number | null)[] = [];
    let sealed = false;
    let refused = false;
    for (const [index, request] of events.entries()) {
      const { idempotency } = request;
      let repeat: StoredEvent | number | null = null;
      for (const { name, by } of namesOf(request)) {
        const first = used(name);
        const isOther = by === "id" && first?.events[0]?.payloadId !== request.payloadId;
        const before = (isOther ? null : first) ?? own.get(name) ?? null;
        if (before === null) continue;
        if (before.fingerprint !== idempotency?.fingerprint) return { kind: "conflict", index, by };
        repeat = "index" in before ? before.index : (before.events[0] ?? null);
        break;
      }
      repeats.push(repeat);
      if (repeat !== null) continue;
      if (request.refused) refused = true;
      if (idempotency === undefined) continue;
      sealed ||= this.sealed;
      for (const { name } of namesOf(request)) own.set(name, { index, fingerprint: idempotency.fingerprint });
    }
    if (sealed) return { kind: "sealed" };
    if (refused) return { kind: "refused" };
    if (repeats.includes(null)) this.#checkRoom(events);
    return repeats;
  }

  /** `key`: the one that it has, for so many events from it on. */
  #insert(request: AppendRequest, key: (Idempotency & { count: number }) | null, now: number): StoredEvent {
    const { idempotency: own, payloadId } = request;
    // Under another key than its id, the event is known by both.
    const id = own === undefined || payloadId === key?.key ? undefined : payloadId;
    const hashes = new Set([key?.fingerprint, id === undefined ? undefined : own?.fingerprint]);
    const fingerprint = [...hashes].filter((hash) => hash !== undefined).join(" ");
    const ulid = mintEventUlid(this.#day, now, this.#last);
    const event: StoredEvent = {
      ulid,
      event: request.event,
      timestamp: request.timestamp ?? ulidTime(ulid),
      payloadId: request.payloadId ?? eventId(ulid),
      data: request.data,
      // A callback's endpoint exists for this delivery only, and is named after it.
      matches: request.matches.map((match, index) =>
        match.url === undefined ? match : { ...match, endpoint: callbackId(ulid, index) },
      ),
    };
    this.#sql.all(
      `INSERT INTO events (ulid, event, timestamp, payload, data, matches, key, fingerprint, batch, reveal, origin, named)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ulid,
      event.event,
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
    );
    this.#last = ulid;
    return event;
  }

  /** A page of events, newest first; looks at `rows` rows at most, whatever their types. */
  list({ event, before, from, limit, rows: most }: EventQuery): EventPage {
    // One more than asked for tells whether there is more; without a filter no row is looked at in vain.
    const ask = event === undefined ? Math.min(most, limit + 1) : most;
    const rows = this.#sql.all<{ ulid: string; event: string; timestamp: number }>(
      "SELECT ulid, event, timestamp FROM events WHERE ulid < ? AND ulid >= ? ORDER BY ulid DESC LIMIT ?",
      before ?? "Z",
      from ?? "",
      ask,
    );
    const fitting = event === undefined ? rows : rows.filter((row) => row.event === event);
    const events = fitting.slice(0, limit);
    if (fitting.length > limit) return { events, looked: rows.length, next: events.at(-1)?.ulid ?? null };
    return { events, looked: rows.length, next: rows.length === ask ? (rows.at(-1)?.ulid ?? null) : null };
  }

  /**
   * Adds deliveries to an event, for endpoints that it has none for. The pointer may be past the event: what is new
   * stays owned here, in `unconfirmed`, until its endpoint has a row. Throws {@link LOG_FULL}.
   */
  addMatches(ulid: string, endpoints: readonly string[]): { event: StoredEvent; added: number[] } | null {
    const [event = null] = this.read([ulid]);
    if (event === null) return null;
    const known = new Set(event.matches.map(({ endpoint }) => endpoint));
    const added =
      event.erasedAt === undefined ? [...new Set(endpoints)].filter((endpoint) => !known.has(endpoint)) : [];
    if (added.length === 0) return { event, added: [] };
    this.#checkRoom();
    const matches = [...event.matches, ...added.map((endpoint) => ({ endpoint }))];
    const indexes = added.map((_, i) => event.matches.length + i);
    for (const [i, endpoint] of added.entries()) {
      this.#leave({ id: deliveryId(ulid, indexes[i] as number), event: event.event }, endpoint);
    }
    this.#sql.all("UPDATE events SET matches = ? WHERE ulid = ?", JSON.stringify(matches), ulid);
    return { event: { ...event, matches }, added: indexes };
  }

  /** Erases an event's data. Its key and fingerprint stay, so that a repeat still answers it. */
  erase(ulid: string, now: number): Erased | null {
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

  /** The events with these ULIDs, `null` for one that is not there. */
  read(ulids: readonly string[]): (StoredEvent | null)[] {
    return ulids.map((ulid) => {
      const row = this.#sql.first<EventRow>("SELECT * FROM events WHERE ulid = ?", ulid);
      return row && toEvent(row);
    });
  }

  /** Events with callbacks and the endpoints that exist for those alone, a page at a time. */
  callbacks(): { ulid: string; endpoints: string[] }[] {
    const rows = this.#sql.all<Pick<EventRow, "ulid" | "matches">>(
      `SELECT ulid, matches FROM events INDEXED BY events_called_back
       WHERE instr(matches, '"url":') > 0 ORDER BY ulid LIMIT 100`,
    );
    return rows.map(({ ulid, matches }) => ({
      ulid,
      endpoints: (JSON.parse(matches) as Match[]).flatMap(({ endpoint, url }) => (url === undefined ? [] : [endpoint])),
    }));
  }

  /** Removes events as if they had never been; for a tenant that is deleted. */
  remove(ulids: readonly string[]): void {
    for (const ulid of ulids) this.#sql.all("DELETE FROM events WHERE ulid = ?", ulid);
  }

  /** Takes no new keys from now on. */
  seal(): void {
    if (!this.sealed) this.#setState({ sealed: 1 });
  }

  /** What was accepted up to `before` (ms) and is not confirmed, oldest first, a page at a time. */
  handover(before: number): Handover {
    const refs = new Map<string, Delivery[]>();
    const add = (endpoint: string, ref: Delivery) => {
      const known = refs.get(endpoint);
      if (known) known.push(ref);
      else refs.set(endpoint, [ref]);
    };
    // In turns: the first of them may be of an endpoint that stays out of reach.
    const left = this.#sql.all<{ delivery: string; endpoint: string; event: string; test: number }>(
      "SELECT delivery, endpoint, event, test FROM unconfirmed WHERE delivery > ? ORDER BY delivery LIMIT ?",
      this.#turn.delivery,
      PAGE,
    );
    for (const { delivery, endpoint, event, test } of left) add(endpoint, refTo(delivery, event, test));
    const rows = this.#sql.all<Pick<EventRow, "ulid" | "event" | "matches" | "reveal">>(
      "SELECT ulid, event, matches, reveal FROM events WHERE ulid > ? ORDER BY ulid LIMIT ?",
      this.#state.confirmed,
      PAGE,
    );
    let upTo = this.#state.confirmed;
    const page = rows.filter(({ ulid }) => ulidTime(ulid) <= before);
    const unrevealed = this.#sql.all<{ ulid: string }>(
      "SELECT ulid FROM unrevealed WHERE ulid > ? ORDER BY ulid LIMIT ?",
      this.#turn.reveal,
      PAGE,
    );
    const turn = {
      delivery: left.length < PAGE ? "" : (left.at(-1)?.delivery ?? ""),
      reveal: unrevealed.length < PAGE ? "" : (unrevealed.at(-1)?.ulid ?? ""),
    };
    const reveals = unrevealed.map(({ ulid }) => ulid);
    for (const { ulid, event, matches, reveal } of page) {
      upTo = ulid;
      if (reveal !== null) reveals.push(ulid);
      for (const [index, { endpoint, test }] of (JSON.parse(matches) as Match[]).entries()) {
        add(endpoint, refTo(deliveryId(ulid, index), event, test));
      }
    }
    return { refs, upTo, left: new Set(left.map(({ delivery }) => delivery)), reveals, turn };
  }

  /** What is to be revealed of an event's contacts; `null`: nothing. */
  toReveal(ulid: string): { event: StoredEvent; reveal: Reveal } | null {
    const row = this.#sql.first<EventRow>("SELECT * FROM events WHERE ulid = ?", ulid);
    if (row === null || row.reveal === null) return null;
    return { event: toEvent(row), reveal: readJson(row.reveal) as Reveal };
  }

  /**
   * Moves the pointer past a handover. What could not be handed to its endpoint stays owned by this log, in
   * `unconfirmed`, so that one endpoint out of reach keeps nobody else's events waiting.
   */
  confirm(handover: Handover, unreachable: ReadonlySet<string>, unrevealed: ReadonlySet<string> = new Set()): void {
    for (const ulid of handover.reveals) {
      const change = unrevealed.has(ulid)
        ? "INSERT OR IGNORE INTO unrevealed (ulid) VALUES (?)"
        : "DELETE FROM unrevealed WHERE ulid = ?";
      this.#sql.all(change, ulid);
    }
    for (const [endpoint, refs] of handover.refs) {
      for (const ref of refs) {
        if (unreachable.has(endpoint)) this.#leave(ref, endpoint);
        else if (handover.left.has(ref.id)) this.#sql.all("DELETE FROM unconfirmed WHERE delivery = ?", ref.id);
      }
    }
    if (handover.upTo !== this.#state.confirmed) this.#setState({ confirmed: handover.upTo });
    this.#turn = handover.turn;
  }

  /** When the next handover is due: `after` ms past the oldest event that is not confirmed. `null`: nothing waits. */
  nextHandover(now: number, after: number): number | null {
    const oldest = this.#sql.first<{ ulid: string }>(
      "SELECT ulid FROM events WHERE ulid > ? ORDER BY ulid LIMIT 1",
      this.#state.confirmed,
    );
    const next = oldest === null ? null : Math.max(ulidTime(oldest.ulid) + after, now + 1);
    const left = "SELECT 1 FROM unconfirmed UNION ALL SELECT 1 FROM unrevealed LIMIT 1";
    if (this.#sql.first(left) === null) return next;
    const goesOn = this.#turn.delivery !== "" || this.#turn.reveal !== "";
    return Math.min(next ?? Number.POSITIVE_INFINITY, goesOn ? now + 1 : now + after / 2);
  }

  /** The next page of events whose deliveries are to be forgotten, since retention is over; `null`: there is none left. */
  retire(): Retired | null {
    const rows = this.#sql.all<Pick<EventRow, "ulid" | "matches">>(
      "SELECT ulid, matches FROM events WHERE ulid > ? ORDER BY ulid LIMIT ?",
      this.#state.trimmed,
      PAGE,
    );
    const last = rows.at(-1);
    if (last === undefined) return null;
    const matches = rows.flatMap((row) => JSON.parse(row.matches) as Match[]);
    return { endpoints: new Set(matches.map(({ endpoint }) => endpoint)), upTo: last.ulid };
  }

  /** The endpoints of a page have forgotten its deliveries. */
  retired({ upTo }: Retired): void {
    this.#setState({ trimmed: upTo });
  }

  /** The log goes on owning a delivery below its pointer. */
  #leave({ id, event, test }: Delivery, endpoint: string): void {
    this.#sql.all(
      "INSERT OR IGNORE INTO unconfirmed (delivery, endpoint, event, test) VALUES (?, ?, ?, ?)",
      id,
      endpoint,
      event,
      test === true ? 1 : 0,
    );
  }

  /** Writes those columns alone: another that holds the same rows may have changed the rest. */
  #setState(change: Partial<State>): void {
    for (const [column, value] of Object.entries(change)) this.#sql.all(`UPDATE state SET ${column} = ?`, value);
    // After the write: one that fails leaves memory as storage is.
    this.#state = { ...this.#state, ...change };
  }
}
