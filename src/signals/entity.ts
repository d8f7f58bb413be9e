import { DurableObject } from "cloudflare:workers";
import { findTenant } from "../config/tenants";
import type {
  Claimed,
  ClaimRoom,
  EntityRoom,
  Observed,
  ObserveRequest,
  ObserveResult,
  RevealRequest,
} from "../lib/entity";
import { type Env, entityTtlMs, nameParts, reconcileAfterMs } from "../lib/env";
import { log, logError } from "../lib/log";
import { TENANT_GONE } from "../lib/rooms";
import { Sql } from "../lib/sql";
import { DAY, HOUR } from "../lib/time";
import { Claim, KEY_LIFE } from "./claim";
import { type Emitter, emit } from "./emission";
import { KEPT } from "./keyed";
import { Recollection } from "./recollection";
import type { Outcome, Remembered } from "./remembered";

/** How often a silent entity's alarm looks whether its tenant is still there, in ms. */
const LOOK_AGAIN = 30 * DAY;

/**
 * The object that holds what signals and automations remember of an entity: a shell around {@link Recollection} that
 * gives it storage, the clock and the alarm. Named `tenant/incarnation/hash of the key`. The incarnation is the tenant's
 * time of creation: nobody lists a tenant's entities, so a deleted tenant's are left behind, where no later tenant of
 * that name finds them, and their alarms erase them. One whose name says so keeps an idempotency key instead, in a
 * {@link Claim}.
 */
export class Entity extends DurableObject<Env> implements EntityRoom, ClaimRoom {
  readonly #emitter: Emitter;
  /** `null`: nothing is stored. */
  #opened: Recollection | null = null;
  #alarmAt: number | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const [tenant, rest] = nameParts(ctx.id.name);
    const [since, entity] = nameParts(rest);
    this.#emitter = { tenant, since: Number.parseInt(since, 36), entity };
    this.#open();
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm();
      this.#arm();
    });
  }

  /** Opens what is stored, if anything is: whoever merely looks leaves no tables. */
  #open(): void {
    if (this.#keepsKey || this.#opened !== null || new Sql(this.ctx.storage.sql).isEmpty) return;
    this.#opened = this.#recollection;
  }

  get #keepsKey(): boolean {
    return this.#emitter.entity.startsWith(KEPT);
  }

  get #recollection(): Recollection {
    this.#opened ??= new Recollection(new Sql(this.ctx.storage.sql));
    return this.#opened;
  }

  async observe(request: ObserveRequest): Promise<ObserveResult> {
    const taken = this.#change((recollection, now) => recollection.observe(request, now));
    // Whoever is refused leaves no tables either.
    if (this.#recollection.seenAt === null) await this.#forget();
    if (taken.kind !== "observed") return taken;
    const rows = taken.observations.flatMap(({ row }) => row ?? []);
    const outcomes = await this.#settled(rows);
    const observations = taken.observations.map(({ row, refused, duplicate }): Observed => {
      const outcome = (row && outcomes.get(row)) ?? { events: [], refused };
      return { ...outcome, duplicate };
    });
    return { kind: "observed", observations };
  }

  async reveal(request: RevealRequest): Promise<void> {
    const row = this.#change((recollection, now) => recollection.reveal(request, now));
    try {
      if (row !== null) await this.#settled([row]);
    } catch (error) {
      // It is written down here: the alarm tries again.
      logError("contacts.emit.failed", error, { tenant: this.#emitter.tenant, automation: request.action });
    }
  }

  async claim(fingerprint: string): Promise<Claimed> {
    const claim = new Claim(new Sql(this.ctx.storage.sql));
    const claimed = this.ctx.storage.transactionSync(() => claim.claim(fingerprint, Date.now()));
    // Not awaited, like an entity's.
    if (claimed.kind === "new") void this.ctx.storage.setAlarm(claimed.at + KEY_LIFE);
    return claimed;
  }

  async answer(at: number, answer: string): Promise<void> {
    const claim = this.#claim;
    if (claim !== null) this.ctx.storage.transactionSync(() => claim.answer(at, answer));
  }

  async release(at: number): Promise<void> {
    if (this.#claim?.isOpen(at)) await this.ctx.storage.deleteAll();
  }

  /** The key that is kept; `null`: none is. */
  get #claim(): Claim | null {
    const sql = new Sql(this.ctx.storage.sql);
    return sql.isEmpty ? null : new Claim(sql);
  }

  /** Drops a key that need not be known any more. */
  async #expire(): Promise<void> {
    const until = this.#claim?.until ?? 0;
    // Also for the case that it cannot be dropped: dropping takes the alarm with it.
    void this.ctx.storage.setAlarm(Math.max(until, Date.now() + HOUR));
    if (until <= Date.now()) await this.ctx.storage.deleteAll();
  }

  /** Emits what is left of a crash; else looks whether anything is to be kept. Never throws: see the other objects. */
  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    try {
      if (this.#keepsKey) return await this.#expire();
      this.#open();
      const left = this.#opened?.pending() ?? [];
      if (left.length === 0) await this.#look();
      else await this.#settled(left);
    } catch (error) {
      logError("entity.alarm.failed", error, { ...this.#emitter });
    }
    this.#arm();
  }

  /** Changes what is remembered, all or nothing, and arms the alarm with it. */
  #change<T>(change: (recollection: Recollection, now: number) => T): T {
    const recollection = this.#recollection;
    try {
      const result = this.ctx.storage.transactionSync(() => change(recollection, Date.now()));
      this.#arm();
      return result;
    } catch (error) {
      // What it knows of its rows may be of those that were rolled back.
      this.#opened = null;
      throw error;
    }
  }

  /** What came of observations, emitted now unless it has been. */
  async #settled(rows: readonly Remembered[]): Promise<ReadonlyMap<Remembered, Outcome>> {
    const outcomes = new Map(rows.map((row) => [row, row.outcome]));
    const left = rows.flatMap(({ pending }) => pending ?? []);
    if (left.length === 0) return outcomes;
    const emitted = await emit(this.env, this.#emitter, left, Date.now());
    if (emitted === null) {
      await this.#erase("tenant");
      throw new Error(TENANT_GONE);
    }
    for (const [i, row] of rows.filter(({ pending }) => pending !== null).entries()) {
      const { events, refused } = emitted[i] as Outcome;
      const outcome = { events, refused: [...row.outcome.refused, ...refused] };
      this.#opened?.settle(row, outcome);
      outcomes.set(row, outcome);
    }
    return outcomes;
  }

  /** Drops an entity that was silent for long, or whose tenant is gone. */
  async #look(): Promise<void> {
    const { tenant, since } = this.#emitter;
    const seenAt = this.#opened?.seenAt ?? 0;
    if (seenAt + entityTtlMs(this.env) <= Date.now()) return this.#erase("silent");
    const found = await findTenant(this.env.DB, tenant);
    if (found?.createdAt !== since) await this.#erase("tenant");
  }

  async #erase(reason: "silent" | "tenant"): Promise<void> {
    await this.#forget();
    log("entity.dropped", { ...this.#emitter, reason });
  }

  async #forget(): Promise<void> {
    this.#opened = null;
    this.#alarmAt = null;
    await this.ctx.storage.deleteAll();
  }

  /** Sets the alarm for what is to be emitted, else for the next look; never later than it stands. */
  #arm(): void {
    const seenAt = this.#opened?.seenAt ?? null;
    if (this.#opened === null || seenAt === null) return;
    const now = Date.now();
    // What is being emitted now is emitted again if we die in it. Otherwise any alarm will do: it looks and sets the next.
    const next = this.#opened.hasPending
      ? now + reconcileAfterMs(this.env)
      : Math.max(Math.min(seenAt + entityTtlMs(this.env), now + LOOK_AGAIN), now + 1);
    if (this.#alarmAt !== null && (this.#alarmAt <= next || !this.#opened.hasPending)) return;
    this.#alarmAt = next;
    // Not awaited, so that it commits together with the rows; the output gate waits for both.
    void this.ctx.storage.setAlarm(next);
  }
}
