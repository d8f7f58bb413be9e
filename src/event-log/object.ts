import { DurableObject } from "cloudflare:workers";
import type { Env } from "../contracts/env";
import type { Event } from "../contracts/event";
import type {
  AppendAllRequest,
  AppendAllResult,
  AppendRequest,
  AppendResult,
  ClaimRequest,
  ClaimResult,
  Erased,
  EventLogContract,
  EventPage,
  EventQuery,
  FoundKeys,
  KeyPage,
  LaterShard,
  LogErasure,
  Versions,
} from "../contracts/event-log";
import { nameParts } from "../contracts/find";
import { queueOf } from "../contracts/queues";
import { allNamesOf, homeOf } from "../contracts/shards";
import { Announcer } from "./announce";
import { DayLog } from "./day-log";
import { eraseLog } from "./erase-log";
import { MOST_BYTES } from "./journal/capacity";
import type { Journal } from "./journal/journal";
import { ofOne } from "./journal/repeats";
import { reconcile } from "./reconcile";
import { dropDay } from "./retention";
import { eraseRevealed } from "./reveal";
import { Revealer } from "./revealer";

/**
 * The object that holds a tenant's events of a UTC day, or a shard of them: a shell around {@link DayLog} that gives it calls, the
 * clock and the alarm. Its name is the tenant, a slash, and what `shardName` answers.
 */
export class EventLog extends DurableObject<Env> implements EventLogContract {
  /** Bytes from which on a log takes no more events; tests lower it. */
  static mostBytes = MOST_BYTES;
  /** The fewest shards of a day; tests raise it. */
  static leastShards = 1;

  readonly #log: DayLog;
  readonly #announcer: Announcer;
  readonly #revealer: Revealer;
  /** Endpoints that have forgotten the day's deliveries, while it is being dropped. */
  readonly #retired = new Set<string>();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const [tenant, name] = nameParts(ctx.id.name);
    this.#log = new DayLog(ctx.storage, env, tenant, name, EventLog.mostBytes);
    this.#announcer = new Announcer((endpoint) => queueOf(env, endpoint, "normal"), tenant);
    this.#revealer = new Revealer(this.#log);
    void ctx.blockConcurrencyWhile(async () => {
      await this.#log.alarm.read();
      this.#log.arm();
    });
  }

  async append(request: AppendRequest, versions?: Versions, shards = 1, direct = false): Promise<AppendResult> {
    return ofOne(await this.#append({ events: [request] }, versions, shards, direct));
  }

  async appendAll(request: AppendAllRequest, versions: Versions, shards = 1): Promise<AppendAllResult> {
    return this.#append(request, versions, shards);
  }

  async #append(request: AppendAllRequest, versions?: Versions, shards = 1, direct = false): Promise<AppendAllResult> {
    const { events, idempotency } = request;
    const since = events[0]?.tenantSince;
    await this.#log.tenancy.check(since);
    this.#log.learn(shards);
    const names = allNamesOf(request);
    if (names[0] !== undefined && homeOf(names[0], this.#log.shards) !== this.#log.shard)
      return this.#told({ kind: "moved" });
    const result = await this.#log.elsewhere.using(names, since, (used, check) => {
      const write = (journal: Journal) => {
        this.#log.tenancy.checkErased();
        check(journal);
        const now = Date.now();
        const appended = journal.appendAll(request, now, used);
        this.#log.armFor(now);
        return appended;
      };
      // Of simultaneous requests with one key the first appends, the others find it.
      const isOne = events.length === 1 && idempotency === undefined;
      return isOne ? this.#log.store.changeTogether(write) : this.#log.store.change(write);
    });
    this.#log.grow(events.length, EventLog.leastShards);
    if (result.kind !== "appended") return this.#told(result);
    const fresh = result.events.filter(({ duplicate }) => !duplicate).map(({ event }) => event);
    const left = direct && fresh.length > 0 && this.#announcer.leaves();
    if (versions !== undefined && !left) this.#announcer.announce(fresh, versions);
    const reveals = result.events.filter(({ duplicate }, i) => !duplicate && events[i]?.reveal !== undefined);
    this.#revealer.add(reveals.map(({ event }) => event.ulid));
    return this.#told(left ? { ...result, direct: true } : result);
  }

  /** What a caller is told, with the number of shards unless there is but one. */
  #told<T extends object>(result: T): T & { shards?: number } {
    const { shards } = this.#log;
    return shards === 1 ? result : { ...result, shards };
  }

  async claim({ tenantSince, names, shard, shards }: ClaimRequest): Promise<ClaimResult> {
    await this.#log.tenancy.check(tenantSince);
    this.#log.learn(shards);
    return this.#log.elsewhere.claim(names, shard);
  }

  async find(names: string[]) {
    const busy = names.some((name) => this.#log.elsewhere.isPending(name));
    return { used: names.map((name) => this.#log.journal?.keys.find(name) ?? null), busy };
  }

  async figures() {
    return this.#told(this.#log.journal?.figures.read() ?? { accepted: {}, told: {} });
  }

  async holds(): Promise<boolean> {
    return this.#log.journal !== null;
  }

  async list(query: EventQuery): Promise<EventPage> {
    return this.#told(this.#log.journal?.list(query) ?? { events: [], looked: 0, next: null });
  }

  async addMatches(ulid: string, endpoints: string[], versions?: Versions) {
    await this.#log.tenancy.check();
    if (this.#log.journal === null) return null;
    const result = this.#log.store.change((journal) => {
      const added = journal.addMatches(ulid, endpoints);
      this.#log.arm();
      return added;
    });
    if (result !== null && versions !== undefined)
      this.#announcer.announce([result.event], versions, new Set(result.added));
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

  async read(ulids: string[], room?: number): Promise<(Event | null)[]> {
    return this.#log.journal?.read(ulids, room) ?? ulids.map(() => null);
  }

  async sealAndFind(keys: string[], since: number, later?: LaterShard): Promise<FoundKeys> {
    if (this.#log.tenancy.erased) return { used: keys.map(() => null), shards: 1 };
    const journal = this.#closed(later?.shards);
    const used = await this.#log.elsewhere.usedSince(keys, since, journal, later?.shard);
    return { used, shards: journal.shards.count };
  }

  async sealAndList(key: string, since: number, later?: LaterShard): Promise<KeyPage | null> {
    return this.#log.tenancy.erased ? null : this.#closed(later?.shards).keys.around(key, since);
  }

  /** The journal, closed for new keys; with `shards` for those that have another home among so many. */
  #closed(shards?: number): Journal {
    const { journal } = this.#log;
    if (shards !== undefined) return this.#log.learn(shards) ?? this.#log.store.open();
    if (journal?.sealed === true) return journal;
    return this.#log.store.change((opened) => {
      opened.seal();
      this.#log.arm();
      return opened;
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
