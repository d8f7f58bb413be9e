import { DurableObject } from "cloudflare:workers";
import { tenantAnywhere } from "../config/tenants";
import type {
  Claimed,
  ClaimRequest,
  EntityContract,
  KeysContract,
  Observed,
  ObserveRequest,
  ObserveResult,
  RevealRequest,
} from "../contracts/entity";
import { type Env, entityTtlMs, reconcileAfterMs } from "../contracts/env";
import { TENANT_GONE } from "../contracts/event-log";
import { nameParts } from "../contracts/find";
import { log, logError } from "../lib/log";
import { Sql } from "../lib/sql";
import { DAY } from "../lib/time";
import { type Emitter, emit, type Turn } from "./emission";
import { KEYS } from "./keyed";
import { Keys } from "./keys";
import { Recollection } from "./recollection";
import type { Judged, Pending, Remembered } from "./remembered";

/** How often a silent entity's alarm looks whether its tenant is still there, in ms. */
const LOOK_AGAIN = 30 * DAY;
/** How the names began of objects that kept one key each. Nothing is kept there any more; the alarm empties what is left. */
const ONE_KEY = "key:";

/**
 * The object that holds what signals and automations remember of an entity: a shell around {@link Recollection} that
 * gives it storage, the clock and the alarm. Named `tenant/incarnation/hash of the key`. The incarnation is the tenant's
 * time of creation: nobody lists a tenant's entities, so a deleted tenant's are left behind, where no later tenant of
 * that name finds them, and their alarms erase them. One whose name says so keeps idempotency keys instead, in
 * {@link Keys}.
 */
export class Entity extends DurableObject<Env> implements EntityContract, KeysContract {
  readonly #emitter: Emitter;
  /** `null`: nothing is stored. */
  #opened: Recollection | null = null;
  /** `null`: nothing is stored, or it keeps no keys. */
  #keys: Keys | null = null;
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
    if (this.#isKeeper || this.#opened !== null || new Sql(this.ctx.storage.sql).isEmpty) return;
    this.#opened = this.ctx.storage.transactionSync(() => this.#recollection);
  }

  /** Whether it is the object of no entity. */
  get #isKeeper(): boolean {
    const { entity } = this.#emitter;
    return entity.startsWith(KEYS) || entity.startsWith(ONE_KEY);
  }

  get #recollection(): Recollection {
    return this.#opened ?? new Recollection(new Sql(this.ctx.storage.sql));
  }

  async observe(request: ObserveRequest): Promise<ObserveResult> {
    const taken = this.#change((recollection, now) => recollection.observe(request, now));
    await this.#leaveNothing();
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
    await this.#leaveNothing();
    try {
      if (row !== null) await this.#settled([row]);
    } catch (error) {
      // It is written down here: the alarm tries again.
      logError("contacts.emit.failed", error, { tenant: this.#emitter.tenant, automation: request.action });
    }
  }

  async finish(observation: string): Promise<void> {
    await this.#settled(
      this.#pendingOf(({ id }) => id === observation),
      "again",
    );
  }

  async eraseRevealed(trigger: string): Promise<void> {
    await this.#settled(
      this.#pendingOf(({ source }) => source === trigger),
      "erased",
    );
  }

  #pendingOf(which: (pending: Pending) => boolean): Remembered[] {
    this.#open();
    return this.#opened?.pending().filter(({ pending }) => pending !== null && which(pending)) ?? [];
  }

  async claim(request: ClaimRequest): Promise<Claimed> {
    const { storage } = this.ctx;
    try {
      const [keys, claimed] = storage.transactionSync(() => {
        const keys = this.#keys ?? new Keys(new Sql(storage.sql));
        return [keys, keys.claim(request, Date.now())] as const;
      });
      this.#keys = keys;
      if (this.#alarmAt === null) this.#armAt(keys.firstEnds ?? Date.now());
      return claimed;
    } catch (error) {
      // Its tables may be among what was rolled back.
      this.#keys = null;
      throw error;
    }
  }

  /** Forgets a part of the keys that need not be known any more; the object itself when none is left. */
  async #forgetKeys(): Promise<void> {
    const { storage } = this.ctx;
    const sql = new Sql(storage.sql);
    if (sql.isEmpty) return;
    const next = storage.transactionSync(() => (this.#keys ?? new Keys(sql)).forget(Date.now()));
    if (next === null) return await this.#clear();
    this.#armAt(next);
  }

  /** Emits what is left of a crash; else looks whether anything is to be kept. Never throws: see the other objects. */
  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    try {
      if (this.#emitter.entity.startsWith(ONE_KEY)) return await this.ctx.storage.deleteAll();
      if (this.#isKeeper) return await this.#forgetKeys();
      this.#open();
      const left = this.#opened?.pending() ?? [];
      if (left.length === 0) await this.#look();
      else await this.#settleAll(left);
    } catch (error) {
      logError("entity.alarm.failed", error, { ...this.#emitter });
      // Whatever is known here of the rows by now.
      if (!new Sql(this.ctx.storage.sql).isEmpty) this.#armAt(Date.now() + reconcileAfterMs(this.env));
    }
    this.#arm();
  }

  /** Emits what is left; each that was derived for itself, so that a log out of reach keeps nobody else waiting. */
  async #settleAll(left: readonly Remembered[]): Promise<void> {
    const isDerived = ({ pending }: Remembered) => pending?.source !== undefined;
    const parts = [left.filter((row) => !isDerived(row)), ...left.filter(isDerived).map((row) => [row])];
    const failures: unknown[] = [];
    for (const part of parts) {
      await this.#settled(part, "again").catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Changes what is remembered, all or nothing, and arms the alarm with it. */
  #change<T>(change: (recollection: Recollection, now: number) => T): T {
    try {
      const [recollection, result] = this.ctx.storage.transactionSync(() => {
        // Opened in here, so that a change that fails leaves no tables either.
        const recollection = this.#recollection;
        return [recollection, change(recollection, Date.now())] as const;
      });
      this.#opened = recollection;
      this.#arm();
      return result;
    } catch (error) {
      // What it knows of its rows may be of those that were rolled back.
      this.#opened = null;
      throw error;
    }
  }

  /** What came of observations, emitted now unless it has been. */
  async #settled(rows: readonly Remembered[], turn: Turn = "first"): Promise<ReadonlyMap<Remembered, Judged>> {
    const outcomes = new Map(rows.map((row) => [row, row.outcome]));
    const left = rows.flatMap(({ pending }) => pending ?? []);
    if (left.length === 0) return outcomes;
    const emitted = await emit(this.env, this.#emitter, left, turn, Date.now());
    if (emitted === null) {
      await this.#erase("tenant");
      throw new Error(TENANT_GONE);
    }
    const settled = rows.filter(({ pending }) => pending !== null);
    for (const [i, row] of settled.entries()) {
      const { events, refused } = emitted[i] as Judged;
      outcomes.set(row, { events, refused: [...row.outcome.refused, ...refused] });
    }
    // Not one that was dropped meanwhile.
    this.#open();
    if (this.#opened === null) return outcomes;
    this.#change((recollection, now) => {
      for (const row of settled) recollection.settle(row, outcomes.get(row) as Judged, now);
    });
    return outcomes;
  }

  /** Drops an entity that was silent for long, or whose tenant is gone. */
  async #look(): Promise<void> {
    const { tenant, since } = this.#emitter;
    if (this.#keptUntil <= Date.now()) return this.#erase("silent");
    const found = await tenantAnywhere(this.env, tenant);
    if (found?.createdAt !== since) await this.#erase("tenant");
  }

  /** When it may be dropped if nothing is heard of it, in ms. */
  get #keptUntil(): number {
    const silent = (this.#opened?.seenAt ?? 0) + entityTtlMs(this.env);
    // Keys are known for a day, however short an entity is remembered.
    return Math.max(silent, this.#opened?.knownUntil ?? 0);
  }

  async #erase(reason: "silent" | "tenant"): Promise<void> {
    await this.#clear();
    log("entity.dropped", { ...this.#emitter, reason });
  }

  /** Whoever is refused leaves no tables. */
  async #leaveNothing(): Promise<void> {
    if (this.#opened?.seenAt === null) await this.#clear();
  }

  /** Forgets all that is stored, with the alarm. */
  async #clear(): Promise<void> {
    const cleared = this.ctx.storage.deleteAll();
    this.#opened = null;
    this.#keys = null;
    this.#alarmAt = null;
    await cleared;
  }

  /** Sets the alarm for what is to be emitted, else for the next look; never later than it stands. */
  #arm(): void {
    const opened = this.#opened;
    if (opened === null || opened.seenAt === null) return;
    const now = Date.now();
    // What is being emitted now is emitted again if we die in it. Otherwise any alarm will do: it looks and sets the next.
    if (!opened.hasPending) {
      if (this.#alarmAt === null) this.#armAt(Math.min(this.#keptUntil, now + LOOK_AGAIN));
      return;
    }
    const next = now + reconcileAfterMs(this.env);
    if (this.#alarmAt === null || this.#alarmAt > next) this.#armAt(next);
  }

  #armAt(time: number): void {
    const next = Math.max(time, Date.now() + 1);
    // Not awaited, so that it commits together with the rows; the output gate waits for both.
    void this.ctx.storage.setAlarm(next);
    this.#alarmAt = next;
  }
}
