import { DurableObject } from "cloudflare:workers";
import type { Env } from "../contracts/env";
import type { Event } from "../contracts/event";
import type {
  AppendAllRequest,
  AppendAllResult,
  AppendRequest,
  AppendResult,
  Erased,
  EventLogContract,
  EventPage,
  EventQuery,
  KeyedEvents,
  KeyPage,
  LogErasure,
  Versions,
} from "../contracts/event-log";
import { nameParts } from "../contracts/find";
import { queueOf } from "../contracts/queues";
import { dayOfLog } from "../lib/ids";
import { Announcer } from "./announce";
import { DayLog } from "./day-log";
import { eraseLog } from "./erasure";
import { reconcile } from "./handover";
import { MOST_BYTES } from "./journal/capacity";
import type { Journal } from "./journal/journal";
import { namesOf } from "./journal/repeats";
import { dropDay } from "./retention";
import { eraseRevealed } from "./reveal";
import { Revealer } from "./revealer";

/**
 * The object that holds a tenant's events of a UTC day: a shell around {@link DayLog} that gives it calls, the
 * clock and the alarm. Its name is the tenant, a slash, and what `logName` answers.
 */
export class EventLog extends DurableObject<Env> implements EventLogContract {
  /** Bytes from which on a log takes no more events; tests lower it. */
  static mostBytes = MOST_BYTES;

  readonly #log: DayLog;
  readonly #announcer: Announcer;
  readonly #revealer: Revealer;
  /** Endpoints that have forgotten the day's deliveries, while it is being dropped. */
  readonly #retired = new Set<string>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const [tenant, name] = nameParts(ctx.id.name);
    this.#log = new DayLog(ctx.storage, env, tenant, dayOfLog(name), EventLog.mostBytes);
    this.#announcer = new Announcer((endpoint) => queueOf(env, endpoint, "normal"), tenant);
    this.#revealer = new Revealer(this.#log);
    void ctx.blockConcurrencyWhile(async () => {
      await this.#log.alarm.read();
      this.#log.arm();
    });
  }

  async append(request: AppendRequest, versions?: Versions): Promise<AppendResult> {
    await this.#log.tenancy.check(request.tenantSince);
    const earlier = await this.#log.usedBefore(namesOf(request).map(({ name }) => name));
    // One after the other: of simultaneous requests with one key the first appends, the others find it.
    const result = await this.#log.store.changeTogether((journal) => {
      this.#log.tenancy.checkErased();
      return journal.append(request, Date.now(), earlier);
    });
    if (result.kind !== "appended") return result;
    if (versions !== undefined) this.#announcer.announce([result.event], versions);
    if (request.reveal !== undefined) this.#revealer.add([result.event.ulid]);
    return result;
  }

  async appendAll(request: AppendAllRequest, versions: Versions): Promise<AppendAllResult> {
    const { events, idempotency } = request;
    await this.#log.tenancy.check(events[0]?.tenantSince);
    const keys = [
      ...(idempotency === undefined ? [] : [idempotency.key]),
      ...events.flatMap((event) => namesOf(event).map(({ name }) => name)),
    ];
    const earlier = await this.#log.usedBefore([...new Set(keys)]);
    this.#log.tenancy.checkErased();
    const result = this.#log.store.change((journal) => {
      const now = Date.now();
      const appended = journal.appendAll(request, now, earlier);
      this.#log.armFor(now);
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
    return this.#log.journal?.list(query) ?? { events: [], looked: 0, next: null };
  }

  async addMatches(ulid: string, endpoints: string[], versions?: Versions) {
    await this.#log.tenancy.check();
    if (this.#log.journal === null) return null;
    const result = this.#log.store.change((journal) => {
      const added = journal.addMatches(ulid, endpoints);
      this.#log.arm();
      return added;
    });
    if (result !== null && versions !== undefined) {
      this.#announcer.announce([result.event], versions, new Set(result.added));
    }
    return result;
  }

  async erase(ulid: string): Promise<Erased | null> {
    // First, since the text names the entity.
    const due = this.#log.journal?.toReveal(ulid) ?? null;
    if (due !== null) await eraseRevealed(this.env, this.#log.tenant, due.event, due.reveal);
    if (this.#log.journal === null) return null;
    return this.#log.store.change((journal) => journal.erase(ulid, Date.now()));
  }

  async noteDerived(source: string, derived?: string): Promise<boolean> {
    if (this.#log.tenancy.erased || this.#log.journal === null) return false;
    return this.#log.store.change((journal) => journal.noteDerived(source, derived));
  }

  async eraseAll(deletion: { createdAt: number; deletedAt: number }): Promise<LogErasure> {
    return eraseLog(this.#log, deletion);
  }

  async read(ulids: string[]): Promise<(Event | null)[]> {
    return this.#log.journal?.read(ulids) ?? ulids.map(() => null);
  }

  async sealAndFind(keys: string[], since: number): Promise<(KeyedEvents | null)[]> {
    if (this.#log.tenancy.erased) return keys.map(() => null);
    const journal = this.#sealed();
    return keys.map((key) => journal.keys.find(key, since));
  }

  async sealAndList(key: string, since: number): Promise<KeyPage | null> {
    return this.#log.tenancy.erased ? null : this.#sealed().keys.around(key, since);
  }

  #sealed(): Journal {
    if (this.#log.journal?.sealed === true) return this.#log.journal;
    return this.#log.store.change((journal) => {
      journal.seal();
      this.#log.arm();
      return journal;
    });
  }

  /**
   * Hands what no endpoint has confirmed to its endpoints and, once retention is over, drops the day. Never throws: a
   * throw would be forgotten after six tries.
   */
  override async alarm(): Promise<void> {
    this.#log.alarm.unset();
    await this.#log.attempt("events.reconcile.failed", () =>
      reconcile(this.#log, (ulid) => this.#revealer.reveal(ulid)),
    );
    await this.#log.attempt("events.drop.failed", () => dropDay(this.#log, this.#retired));
    this.#log.arm();
  }
}
