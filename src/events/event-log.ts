import { DurableObject } from "cloudflare:workers";
import { findTenant } from "../config/tenants";
import { type Env, endpointRoom, eventLogRoom, nameParts, reconcileAfterMs, retentionMs } from "../lib/env";
import type { StoredEvent } from "../lib/event";
import { ulidTime } from "../lib/ids";
import { log, logError } from "../lib/log";
import {
  type AppendAllRequest,
  type AppendAllResult,
  type AppendRequest,
  type AppendResult,
  type Erased,
  type EventLogRoom,
  type EventPage,
  type EventQuery,
  type KeyedEvents,
  type OperatorEvent,
  TENANT_GONE,
  type Versions,
} from "../lib/rooms";
import { Sql } from "../lib/sql";
import { addDays, DAY, type Day, dayStart } from "../lib/time";
import { Together } from "../lib/together";
import { Announcer } from "./announcer";
import { Journal } from "./journal";
import { acceptOperatorEvent } from "./operator-events";
import { retire } from "./retire";
import { eraseRevealed, revealContacts } from "./reveal";

const NONE: ReadonlyMap<string, KeyedEvents> = new Map();

/**
 * The object that holds a tenant's events of a UTC day: a shell around {@link Journal} that gives it storage, the
 * clock, the alarm and the other days. Named `tenant/day`.
 */
export class EventLog extends DurableObject<Env> implements EventLogRoom {
  /** `null`: nothing is stored. */
  #opened: Journal | null = null;
  readonly #tenant: string;
  readonly #day: Day;
  readonly #announcer: Announcer;
  readonly #together: Together;
  #alarmAt: number | null = null;
  /** Endpoints that have forgotten the day's deliveries, while it is being dropped. */
  readonly #retired = new Set<string>();
  /** After something was out of reach, when the drop of the day is tried again, in ms. */
  #dropAgainAt = 0;
  /** The tenant has been deleted, and unless it is there again nothing may be written. */
  #erased = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    [this.#tenant, this.#day] = nameParts(ctx.id.name);
    this.#announcer = new Announcer(env.DELIVERIES, this.#tenant);
    this.#together = new Together(
      ctx.storage,
      () => this.#armFor(Date.now()),
      () => this.#reopen(),
    );
    // Whoever merely looks into a day without events leaves no tables there.
    if (!new Sql(ctx.storage.sql).isEmpty) this.#opened = this.#journal;
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm();
      this.#arm();
    });
  }

  /** What it knows of its rows may be of those that were rolled back. */
  #reopen(): void {
    this.#opened = new Sql(this.ctx.storage.sql).isEmpty ? null : new Journal(new Sql(this.ctx.storage.sql), this.#day);
  }

  get #journal(): Journal {
    this.#opened ??= new Journal(new Sql(this.ctx.storage.sql), this.#day);
    return this.#opened;
  }

  async append(request: AppendRequest, versions?: Versions): Promise<AppendResult> {
    const { idempotency } = request;
    await this.#checkTenant();
    const earlier = await this.#usedBefore(idempotency === undefined ? [] : [idempotency.key]);
    // One after the other: of simultaneous requests with one key the first appends, the others find it.
    const result = await this.#together.change(() => {
      if (this.#erased) throw new Error(TENANT_GONE);
      return this.#journal.append(request, Date.now(), earlier);
    });
    if (result.kind !== "appended") return result;
    if (versions !== undefined) this.#announcer.announce([result.event], versions);
    return result;
  }

  async appendAll(request: AppendAllRequest, versions: Versions): Promise<AppendAllResult> {
    const { events, idempotency } = request;
    await this.#checkTenant();
    const keys = idempotency ? [idempotency.key] : events.flatMap((event) => event.idempotency?.key ?? []);
    const earlier = await this.#usedBefore([...new Set(keys)]);
    if (this.#erased) throw new Error(TENANT_GONE);
    // Explicitly one transaction: what has been written before an error in the middle would stay otherwise.
    const journal = this.#journal;
    const now = Date.now();
    const result = this.ctx.storage.transactionSync(() => journal.appendAll(request, now, earlier));
    if (result.kind !== "appended") return result;
    this.#armFor(now);
    const fresh = result.events.filter(({ duplicate }) => !duplicate).map(({ event }) => event);
    this.#announcer.announce(fresh, versions);
    return result;
  }

  async list(query: EventQuery): Promise<EventPage> {
    return this.#opened?.list(query) ?? { events: [], looked: 0, next: null };
  }

  async addMatches(ulid: string, endpoints: string[], versions?: Versions) {
    await this.#checkTenant();
    const journal = this.#opened;
    if (journal === null) return null;
    const result = this.ctx.storage.transactionSync(() => journal.addMatches(ulid, endpoints));
    this.#arm();
    if (result !== null && versions !== undefined) {
      this.#announcer.announce([result.event], versions, new Set(result.added));
    }
    return result;
  }

  async erase(ulid: string): Promise<Erased | null> {
    // First, since the text names the entity.
    const due = this.#opened?.toReveal(ulid) ?? null;
    if (due !== null) await eraseRevealed(this.env, this.#tenant, due.event, due.reveal);
    return this.#opened?.erase(ulid, Date.now()) ?? null;
  }

  async noteDerived(source: string, derived?: string): Promise<boolean> {
    if (this.#erased) return false;
    return this.#opened?.noteDerived(source, derived) ?? false;
  }

  async eraseAll(): Promise<"erased" | "more"> {
    this.#erased = true;
    // A callback's object is named in its event alone, so the event goes after it.
    const callbacks = this.#opened?.callbacks() ?? [];
    await Promise.all(
      callbacks.flatMap(({ endpoints }) => endpoints).map((id) => endpointRoom(this.env, this.#tenant, id).eraseAll()),
    );
    if (callbacks.length > 0) {
      this.#journal.remove(callbacks.map(({ ulid }) => ulid));
      return "more";
    }
    this.#opened = null;
    this.#alarmAt = null;
    await this.ctx.storage.deleteAll();
    return "erased";
  }

  /**
   * Refuses to write for a deleted tenant. An isolate that has not heard of the deletion may still post to it; only a
   * log that has been erased has to ask, and remembers so for longer than any isolate goes without hearing.
   */
  async #checkTenant(): Promise<void> {
    if (!this.#erased) return;
    if ((await findTenant(this.env.DB, this.#tenant)) === null) throw new Error(TENANT_GONE);
    this.#erased = false;
  }

  async tell(event: OperatorEvent): Promise<void> {
    // Matching and the queue are rooms above the endpoint that tells it, and at hand here.
    await acceptOperatorEvent(this.env, event, Date.now());
  }

  async read(ulids: string[]): Promise<(StoredEvent | null)[]> {
    return this.#opened?.read(ulids) ?? ulids.map(() => null);
  }

  async sealAndFind(keys: string[], since: number): Promise<{ found: (KeyedEvents | null)[]; anyKeys: boolean }> {
    if (this.#erased) return { found: keys.map(() => null), anyKeys: false };
    this.#journal.seal();
    this.#arm();
    const found = keys.map((key) => {
      const used = this.#journal.find(key);
      return used !== null && ulidTime((used.events[0] as StoredEvent).ulid) >= since ? used : null;
    });
    return { found, anyKeys: this.#journal.anyKeys() };
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
      logError("events.reconcile.failed", error, { tenant: this.#tenant, day: this.#day });
    }
    try {
      await this.#drop();
    } catch (error) {
      this.#dropAgainAt = Date.now() + reconcileAfterMs(this.env);
      logError("events.drop.failed", error, { tenant: this.#tenant, day: this.#day });
    }
    this.#arm();
  }

  /** When retention is over for all of the day, in ms. */
  get #dropAt(): number {
    return dayStart(this.#day) + DAY + retentionMs(this.env);
  }

  /** One step of dropping the day when its time has come. What an endpoint has not confirmed keeps it. */
  async #drop(): Promise<void> {
    const now = Date.now();
    const journal = this.#opened;
    if (this.#erased || journal === null || now < this.#dropAt || now < this.#dropAgainAt) return;
    if (journal.nextHandover(now, 0) !== null) return;
    if (!(await retire(this.env, this.#tenant, journal, dayStart(this.#day) + DAY, this.#retired))) return;
    if (this.#erased) return;
    this.#opened = null;
    await this.ctx.storage.deleteAll();
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
    const unreachable = new Set<string>();
    await Promise.all(
      [...handover.refs].map(async ([endpoint, refs]) => {
        try {
          await endpointRoom(this.env, this.#tenant, endpoint).adopt(refs, after / 2);
        } catch (error) {
          unreachable.add(endpoint);
          logError("events.adopt.failed", error, { tenant: this.#tenant, endpoint, deliveries: refs.length });
        }
      }),
    );
    const unrevealed = new Set<string>();
    for (const ulid of handover.reveals) {
      const due = this.#opened?.toReveal(ulid) ?? null;
      if (due === null) continue;
      if (!(await revealContacts(this.env, this.#tenant, due.event, due.reveal))) unrevealed.add(ulid);
    }
    if (this.#erased) return;
    journal.confirm(handover, unreachable, unrevealed);
    log("events.reconciled", {
      tenant: this.#tenant,
      day: this.#day,
      endpoints: handover.refs.size,
      deliveries: [...handover.refs.values()].reduce((sum, refs) => sum + refs.length, 0),
      unreachable: unreachable.size,
      durationMs: Date.now() - since,
    });
  }

  /**
   * Looks keys that today's log does not know up in yesterday's, which thereby closes for new keys: from the first key
   * of a day on there is one log that decides, also for isolates whose clocks differ.
   */
  async #usedBefore(keys: readonly string[]): Promise<ReadonlyMap<string, KeyedEvents>> {
    if (this.#journal.sealed || this.#journal.dayBeforeKeyless) return NONE;
    const unknown = keys.filter((key) => this.#journal.find(key) === null);
    if (unknown.length === 0) return NONE;
    const dayBefore = eventLogRoom(this.env, this.#tenant, addDays(this.#day, -1));
    const { found, anyKeys } = await dayBefore.sealAndFind(unknown, Date.now() - DAY);
    if (!anyKeys && !this.#erased) this.#journal.noteDayBeforeKeyless();
    return new Map(found.flatMap((used) => (used === null ? [] : [[used.key, used]])));
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
    const next = handover ?? Math.max(this.#dropAt, this.#dropAgainAt, now + 1);
    if (this.#alarmAt !== null && this.#alarmAt <= next) return;
    this.#alarmAt = next;
    // Not awaited, so that it commits together with the event; the output gate waits for both.
    void this.ctx.storage.setAlarm(next);
  }
}
