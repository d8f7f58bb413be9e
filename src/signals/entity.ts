import { DurableObject } from "cloudflare:workers";
import { findTenant } from "../config/tenants";
import type { EntityRoom, Observed, ObserveRequest, ObserveResult, RevealRequest } from "../lib/entity";
import { type Env, entityTtlMs, nameParts, reconcileAfterMs } from "../lib/env";
import { log, logError } from "../lib/log";
import { TENANT_GONE } from "../lib/rooms";
import { Sql } from "../lib/sql";
import { DAY } from "../lib/time";
import { type Emitter, emit } from "./emission";
import { Recollection } from "./recollection";
import type { Outcome, Remembered } from "./remembered";

/** How often a silent entity's alarm looks whether its tenant is still there, in ms. */
const LOOK_AGAIN = 30 * DAY;

/**
 * The object that holds what signals and automations remember of an entity: a shell around {@link Recollection} that
 * gives it storage, the clock and the alarm. Named `tenant/incarnation/hash of the key`. The incarnation is the tenant's
 * time of creation: nobody lists a tenant's entities, so a deleted tenant's are left behind, where no later tenant of
 * that name finds them, and their alarms erase them.
 */
export class Entity extends DurableObject<Env> implements EntityRoom {
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
    if (this.#opened === null && !new Sql(this.ctx.storage.sql).isEmpty) this.#opened = this.#recollection;
  }

  get #recollection(): Recollection {
    this.#opened ??= new Recollection(new Sql(this.ctx.storage.sql));
    return this.#opened;
  }

  async observe(request: ObserveRequest): Promise<ObserveResult> {
    const taken = this.#change((recollection, now) => recollection.observe(request, now));
    if (taken.kind === "conflict") return taken;
    const rows = taken.observations.flatMap(({ row }) => row ?? []);
    const outcomes = await this.#settled(rows);
    const observations = taken.observations.map(({ row, duplicate }): Observed => {
      const { events, refused } = (row && outcomes.get(row)) ?? { events: [], refused: [] };
      return { events, refused, duplicate };
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

  /** Emits what is left of a crash; else looks whether anything is to be kept. Never throws: see the other objects. */
  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    try {
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
      const outcome = emitted[i] as Outcome;
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
    this.#opened = null;
    this.#alarmAt = null;
    await this.ctx.storage.deleteAll();
    log("entity.dropped", { ...this.#emitter, reason });
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
