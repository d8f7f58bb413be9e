import { DurableObject } from "cloudflare:workers";
import { acceptOperatorEvent } from "../accept/operator-events";
import { type Deletion, findTenant, isBeingDeleted } from "../config/tenants";
import { type Env, reconcileAfterMs, retentionMs } from "../contracts/env";
import type { StoredEvent } from "../contracts/event";
import {
  type AppendAllRequest,
  type AppendAllResult,
  type AppendRequest,
  type AppendResult,
  type Erased,
  type EventLogContract,
  type EventPage,
  type EventQuery,
  type KeyedEvents,
  type KeyPage,
  LOG_FULL,
  LOG_UNWRITTEN,
  type LogErasure,
  type OperatorEvent,
  TENANT_GONE,
  type Versions,
} from "../contracts/event-log";
import { endpointStub, eventLogStub, nameParts } from "../contracts/find";
import { dayOfLog, eventId } from "../lib/ids";
import { log, logError, rootCause } from "../lib/log";
import { OPERATOR_TENANT } from "../lib/operator";
import { Sql } from "../lib/sql";
import { storageTrouble } from "../lib/storage-trouble";
import { addDays, DAY, type Day, dayStart } from "../lib/time";
import { Together } from "../lib/together";
import { Announcer } from "./announce";
import { DayBefore } from "./day-before";
import { handOver } from "./handover";
import { Journal, MOST_BYTES, namesOf } from "./journal";
import { retire } from "./retention";
import { eraseRevealed, revealContacts } from "./reveal";
import { Revealer } from "./revealer";

/** How often a deletion asks whether it is still on its way while others come to write. */
const MOST_ASKS = 5;
const NONE: ReadonlyMap<string, KeyedEvents> = new Map();

/**
 * The object that holds a tenant's events of a UTC day: a shell around {@link Journal} that gives it storage, the
 * clock, the alarm and the other days. Its name is the tenant, a slash, and what `logName` answers.
 */
export class EventLog extends DurableObject<Env> implements EventLogContract {
  /** Bytes from which on a log takes no more events; tests lower it. */
  static mostBytes = MOST_BYTES;

  /** `null`: nothing is stored. */
  #opened: Journal | null = null;
  readonly #tenant: string;
  readonly #day: Day;
  readonly #announcer: Announcer;
  readonly #together: Together;
  readonly #revealer = new Revealer((ulid) => this.#reveal(ulid));
  /** `null`: not needed yet. */
  #dayBefore: DayBefore | null = null;
  #alarmAt: number | null = null;
  /** Endpoints that have forgotten the day's deliveries, while it is being dropped. */
  readonly #retired = new Set<string>();
  /** After something failed, when what the alarm does is tried again, in ms. */
  #restsUntil = 0;
  /** When the tenant was created whose log this is, in ms; `null`: not asked. */
  #since: number | null = null;
  /** Counts those who came to write. */
  #writes = 0;
  /** The tenant has been deleted, and unless it is there again nothing may be written. */
  #erased = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const [tenant, name] = nameParts(ctx.id.name);
    this.#tenant = tenant;
    this.#day = dayOfLog(name);
    this.#announcer = new Announcer(env.DELIVERIES, this.#tenant);
    this.#together = new Together(
      ctx.storage,
      () => this.#armFor(Date.now()),
      () => this.#reload(),
    );
    // Whoever merely looks into a day without events leaves no tables there.
    if (!new Sql(ctx.storage.sql).isEmpty) this.#since = this.#journal.since;
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm();
      this.#arm();
    });
  }

  get #journal(): Journal {
    const { storage } = this.ctx;
    // All tables or none: half of them could never be opened again.
    this.#opened ??= storage.transactionSync(() => {
      const journal = new Journal(new Sql(storage.sql), this.#day, EventLog.mostBytes);
      if (this.#since !== null) journal.belongTo(this.#since);
      return journal;
    });
    return this.#opened;
  }

  /** What it knows of its rows may be of those that were rolled back. */
  #reload(): void {
    this.#alarmAt = null;
    if (new Sql(this.ctx.storage.sql).isEmpty) this.#opened = null;
    else this.#opened?.reload();
  }

  /** Changes rows and alarm, all or nothing; throws {@link LOG_UNWRITTEN} when that cannot be written. */
  #change<T>(change: (journal: Journal) => T): T {
    try {
      return this.ctx.storage.transactionSync(() => change(this.#journal));
    } catch (error) {
      this.#reload();
      throw this.#unwritten(error);
    }
  }

  #unwritten(error: unknown): Error {
    if (error instanceof Error && (error.message === TENANT_GONE || error.message === LOG_FULL)) return error;
    logError("events.write.failed", error, { tenant: this.#tenant, day: this.#day });
    return new Error(storageTrouble(error) === null ? LOG_UNWRITTEN : `${LOG_UNWRITTEN}: ${rootCause(error)}`);
  }

  async append(request: AppendRequest, versions?: Versions): Promise<AppendResult> {
    await this.#checkTenant(request.tenantSince);
    const earlier = await this.#usedBefore(namesOf(request).map(({ name }) => name));
    // One after the other: of simultaneous requests with one key the first appends, the others find it.
    const change = this.#together.change(() => {
      if (this.#erased) throw new Error(TENANT_GONE);
      return this.#journal.append(request, Date.now(), earlier);
    });
    const result = await change.catch((error) => {
      throw this.#unwritten(error);
    });
    if (result.kind !== "appended") return result;
    if (versions !== undefined) this.#announcer.announce([result.event], versions);
    if (request.reveal !== undefined) this.#revealer.add([result.event.ulid]);
    return result;
  }

  async appendAll(request: AppendAllRequest, versions: Versions): Promise<AppendAllResult> {
    const { events, idempotency } = request;
    await this.#checkTenant(events[0]?.tenantSince);
    const keys = [
      ...(idempotency === undefined ? [] : [idempotency.key]),
      ...events.flatMap((event) => namesOf(event).map(({ name }) => name)),
    ];
    const earlier = await this.#usedBefore([...new Set(keys)]);
    if (this.#erased) throw new Error(TENANT_GONE);
    const result = this.#change((journal) => {
      const now = Date.now();
      const appended = journal.appendAll(request, now, earlier);
      this.#armFor(now);
      return appended;
    });
    if (result.kind !== "appended") return result;
    const fresh = result.events.filter(({ duplicate }) => !duplicate).map(({ event }) => event);
    this.#announcer.announce(fresh, versions);
    const reveals = result.events.filter(({ duplicate }, i) => !duplicate && events[i]?.reveal !== undefined);
    this.#revealer.add(reveals.map(({ event }) => event.ulid));
    return result;
  }

  async list(query: EventQuery): Promise<EventPage> {
    return this.#opened?.list(query) ?? { events: [], looked: 0, next: null };
  }

  async addMatches(ulid: string, endpoints: string[], versions?: Versions) {
    await this.#checkTenant();
    if (this.#opened === null) return null;
    const result = this.#change((journal) => {
      const added = journal.addMatches(ulid, endpoints);
      this.#arm();
      return added;
    });
    if (result !== null && versions !== undefined) {
      this.#announcer.announce([result.event], versions, new Set(result.added));
    }
    return result;
  }

  async erase(ulid: string): Promise<Erased | null> {
    // First, since the text names the entity.
    const due = this.#opened?.toReveal(ulid) ?? null;
    if (due !== null) await eraseRevealed(this.env, this.#tenant, due.event, due.reveal);
    if (this.#opened === null) return null;
    return this.#change((journal) => journal.erase(ulid, Date.now()));
  }

  async noteDerived(source: string, derived?: string): Promise<boolean> {
    if (this.#erased || this.#opened === null) return false;
    return this.#change((journal) => journal.noteDerived(source, derived));
  }

  async eraseAll(deletion: { createdAt: number; deletedAt: number }): Promise<LogErasure> {
    const held = await this.#heldBy({ ...deletion, id: this.#tenant });
    if (held !== "deleted") return { state: held === "busy" ? "more" : "erased", underWay: [] };
    this.#erased = true;
    // A callback's object is named in its event alone, so the event goes after it.
    const callbacks = this.#opened?.callbacks() ?? [];
    const endpoints = callbacks.flatMap((callback) => callback.endpoints);
    const counts = await Promise.all(endpoints.map((id) => endpointStub(this.env, this.#tenant, id).eraseAll()));
    const underWay = endpoints.filter((_, i) => counts[i] !== 0).map((endpoint) => ({ endpoint }));
    // Another request has made an end of it, and another tenant has begun to write.
    if (!this.#erased) return { state: "erased", underWay };
    if (callbacks.length > 0) {
      this.#journal.remove(callbacks.map(({ ulid }) => ulid));
      return { state: "more", underWay };
    }
    await this.#forget();
    return { state: "erased", underWay };
  }

  /**
   * Whose all that is held is. It is the deleted tenant's when nothing came since D1 said that the deletion is on its way:
   * until that is over there is no other tenant of the name. `busy`: each time something came.
   */
  async #heldBy(deletion: Deletion): Promise<"deleted" | "another" | "busy"> {
    for (let asks = 0; asks < MOST_ASKS; asks++) {
      const writes = this.#writes;
      if (!(await isBeingDeleted(this.env.DB, deletion))) return "another";
      if (writes === this.#writes) return "deleted";
    }
    return "busy";
  }

  async #forget(): Promise<void> {
    await this.ctx.storage.deleteAll();
    this.#opened = null;
    this.#dayBefore = null;
    this.#alarmAt = null;
  }

  /**
   * Refuses to write for a deleted tenant. An isolate that has not heard of the deletion may still post to it, though
   * another tenant has the name by now: whose log it is, is asked for before the first event and kept with the log.
   */
  async #checkTenant(since?: number): Promise<void> {
    this.#writes++;
    // The service's own is never deleted, and its log takes events while it has no row.
    if (this.#tenant === OPERATOR_TENANT) return;
    if (this.#erased) {
      const tenant = await findTenant(this.env.DB, this.#tenant);
      if (tenant === null) throw new Error(TENANT_GONE);
      this.#erased = false;
      this.#since = tenant.createdAt;
    } else if (since !== undefined && this.#since === null) await this.#askWhose();
    if (since !== undefined && this.#since !== null && since !== this.#since) throw new Error(TENANT_GONE);
  }

  /** With D1 out of reach nobody knows, and whoever comes is taken at their word. */
  async #askWhose(): Promise<void> {
    const tenant = await findTenant(this.env.DB, this.#tenant).catch((error) => {
      logError("events.tenant.failed", error, { tenant: this.#tenant, day: this.#day });
      return undefined;
    });
    if (tenant === null) throw new Error(TENANT_GONE);
    if (tenant === undefined || this.#erased) return;
    this.#since = tenant.createdAt;
    if (this.#opened !== null) this.#change((journal) => journal.belongTo(tenant.createdAt));
  }

  async tell(event: OperatorEvent): Promise<void> {
    // Matching and the queue are rooms above the endpoint that tells it, and at hand here.
    await acceptOperatorEvent(this.env, event, Date.now());
  }

  async read(ulids: string[]): Promise<(StoredEvent | null)[]> {
    return this.#opened?.read(ulids) ?? ulids.map(() => null);
  }

  async sealAndFind(keys: string[], since: number): Promise<(KeyedEvents | null)[]> {
    if (this.#erased) return keys.map(() => null);
    const journal = this.#sealed();
    return keys.map((key) => journal.keys.find(key, since));
  }

  async sealAndList(key: string, since: number): Promise<KeyPage | null> {
    return this.#erased ? null : this.#sealed().keys.around(key, since);
  }

  #sealed(): Journal {
    if (this.#opened?.sealed === true) return this.#opened;
    return this.#change((journal) => {
      journal.seal();
      this.#arm();
      return journal;
    });
  }

  /**
   * Hands what no endpoint has confirmed to its endpoints and, once retention is over, drops the day. Never throws: a
   * throw would be forgotten after six tries.
   */
  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    try {
      await this.#reconcile();
    } catch (error) {
      this.#rest();
      logError("events.reconcile.failed", error, { tenant: this.#tenant, day: this.#day });
    }
    try {
      await this.#drop();
    } catch (error) {
      this.#rest();
      logError("events.drop.failed", error, { tenant: this.#tenant, day: this.#day });
    }
    this.#arm();
  }

  /** Something failed, and is not tried again at once. */
  #rest(): void {
    this.#restsUntil = Date.now() + reconcileAfterMs(this.env);
  }

  /** When retention is over for all of the day, in ms. */
  get #dropAt(): number {
    return dayStart(this.#day) + DAY + retentionMs(this.env);
  }

  /** One step of dropping the day when its time has come. What an endpoint has not confirmed keeps it. */
  async #drop(): Promise<void> {
    const now = Date.now();
    const journal = this.#opened;
    if (this.#erased || journal === null || now < this.#dropAt || now < this.#restsUntil) return;
    if (journal.nextHandover(now, 0) !== null) return;
    if (!(await retire(this.env, this.#tenant, journal, dayStart(this.#day) + DAY, this.#retired))) return;
    if (this.#erased) return;
    await this.#forget();
    log("events.dropped", { tenant: this.#tenant, day: this.#day, endpoints: this.#retired.size });
  }

  async #reconcile(): Promise<void> {
    if (this.#erased || this.#opened === null) return;
    const since = Date.now();
    const after = reconcileAfterMs(this.env);
    // Half as old is old enough, so that one alarm serves half an interval's events and not one of them.
    const journal = this.#opened;
    if (journal.nextHandover(Date.now(), 0) === null) return;
    const handover = journal.handover(Date.now() - after / 2);
    const left = await handOver(this.env, this.#tenant, handover, after / 2, (ulid) => this.#reveal(ulid));
    if (this.#erased) return;
    this.#change(() => journal.confirm(handover, left.unreachable, left.unrevealed));
    log("events.reconciled", {
      tenant: this.#tenant,
      day: this.#day,
      endpoints: handover.refs.size,
      deliveries: [...handover.refs.values()].reduce((sum, refs) => sum + refs.length, 0),
      unreachable: left.unreachable.size,
      durationMs: Date.now() - since,
    });
  }

  /** Reveals an event's contacts, if it is to; answers whether nothing is left to do. Never throws. */
  async #reveal(ulid: string): Promise<boolean> {
    try {
      const due = this.#opened?.toReveal(ulid) ?? null;
      return due === null || (await revealContacts(this.env, this.#tenant, due.event, due.reveal));
    } catch (error) {
      logError("contacts.reveal.failed", error, { tenant: this.#tenant, event: eventId(ulid) });
      return false;
    }
  }

  /**
   * Looks keys that today's log does not know up in yesterday's, which thereby closes for new keys: from the first key
   * of a day on there is one log that decides, also for isolates whose clocks differ.
   */
  async #usedBefore(keys: readonly string[]): Promise<ReadonlyMap<string, KeyedEvents>> {
    if (keys.length === 0 || this.#opened?.sealed === true) return NONE;
    const { keys: known } = this.#opened ?? this.#change((journal) => journal);
    const unknown = keys.filter((key) => !known.knows(key));
    if (unknown.length === 0) return NONE;
    this.#dayBefore ??= new DayBefore(
      () => eventLogStub(this.env, this.#tenant, addDays(this.#day, -1)),
      known.ofDayBefore,
      (filter) => {
        if (!this.#erased) this.#change((journal) => journal.keys.keepDayBefore(filter));
      },
    );
    return this.#dayBefore.find(unknown, Date.now());
  }

  /** Like {@link #arm}, after an event of `now` (ms): nearly always the alarm stands for an earlier one, and no row is read. */
  #armFor(now: number): void {
    if (this.#alarmAt === null || this.#alarmAt > now + reconcileAfterMs(this.env)) this.#arm();
  }

  /** Sets the alarm for the next handover or, when nothing waits for one, for the end of retention; never later. */
  #arm(): void {
    if (this.#erased || this.#opened === null) return;
    const now = Date.now();
    const handover = this.#opened.nextHandover(now, reconcileAfterMs(this.env));
    const next = Math.max(handover ?? Math.max(this.#dropAt, now + 1), this.#restsUntil);
    if (this.#alarmAt !== null && this.#alarmAt <= next) return;
    // Not awaited, so that it commits together with the event; the output gate waits for both.
    void this.ctx.storage.setAlarm(next);
    this.#alarmAt = next;
  }
}
