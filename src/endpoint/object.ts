import { DurableObject } from "cloudflare:workers";
import { callbackSettings } from "../config/endpoints/callbacks";
import { loadSettings, mirrorEnablement } from "../config/endpoints/endpoints";
import { isSealedUnder } from "../config/endpoints/secrets";
import { findTenant } from "../config/tenants";
import type { Outcome } from "../contracts/delivery";
import type {
  AdmitAnswer,
  AdmitRequest,
  DeliveryFilter,
  DeliveryPage,
  EndpointContract,
  Hanging,
  HealthRecord,
  RecentRecord,
  Recorded,
  RecoverRequest,
  RecoverResult,
  ResendResult,
  StatsRecord,
  StorageRecord,
} from "../contracts/endpoint";
import { type Env, retentionMs, secretsKeys } from "../contracts/env";
import type { Delivery } from "../contracts/event";
import { eventLogStub, nameParts, operatorEvents } from "../contracts/find";
import type { Enablement, EndpointSettings } from "../contracts/settings";
import { type EventRef, parseCallbackId } from "../lib/ids";
import { log, logError } from "../lib/log";
import { Sql } from "../lib/sql";
import { DAY, MINUTE, SECOND } from "../lib/time";
import { logDropped, MOST_BYTES } from "./jobs/capacity";
import { Retirement } from "./jobs/retirement";
import { CLEAR_AT_ONCE } from "./jobs/sweep";
import { Ledger } from "./ledger";
import { FRESH } from "./policy/admission";
import { Values } from "./values";

/** The longest that the alarm waits after changes that could not be written, in ms. */
const LONGEST_PAUSE = MINUTE;

/** The attempt that an outcome is of. */
function attemptOf(outcome: Outcome): string {
  return outcome.kind === "attempted" ? outcome.attempt.id : outcome.attemptId;
}

function dropped(deliveries: readonly Delivery[]): AdmitAnswer {
  return { admissions: deliveries.map(({ id }) => ({ do: "drop", id })) };
}

/**
 * The object that remembers an endpoint: a shell around {@link Ledger} that gives it storage, the clock, the alarm and
 * the configuration. Named `tenant/endpoint id`.
 */
export class Endpoint extends DurableObject<Env> implements EndpointContract {
  /** Bytes of an object from which on the oldest of its log is dropped; read when one wakes. */
  static mostBytes = MOST_BYTES;
  readonly #sql: Sql;
  #ledger: Ledger;
  /** Changes in a row that could not be written, and until when the alarm leaves the storage alone after them, in ms. */
  #failures = 0;
  #notBefore = 0;
  readonly #retirement: Retirement;
  readonly #tenant: string;
  readonly #endpoint: string;
  #alarmAt: number | null = null;
  /** The tenant is deleted, or the log is over: nothing is left or may be written. Ids are never given out again. */
  #erased = false;
  #mirroring: Promise<void> = Promise.resolve();
  #telling: Promise<void> = Promise.resolve();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    [this.#tenant, this.#endpoint] = nameParts(ctx.id.name);
    this.#sql = new Sql(ctx.storage.sql);
    this.#ledger = new Ledger(this.#sql, Math.random, CLEAR_AT_ONCE, Endpoint.mostBytes);
    this.#retirement = new Retirement(new Values(this.#sql));
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm();
      this.#arm();
    });
  }

  async admit(request: AdmitRequest): Promise<AdmitAnswer> {
    const { deliveries, version, ...offer } = request;
    await this.#load(this.#versionFor(version));
    if (this.#erased) return dropped(deliveries);
    const now = Date.now();
    const admitted = this.#ledger.admitNew(deliveries, now, offer);
    // Nothing was written, so there is nothing to roll back and no other time to wake.
    if (admitted !== null) return admitted;
    const answer = this.#whole((ledger) => ledger.admit(deliveries, now, offer));
    this.#arm();
    return answer;
  }

  async record(outcomes: Outcome[], next?: AdmitRequest): Promise<Recorded> {
    // Whatever becomes of them here: they are not with the receiver any more.
    for (const outcome of outcomes) this.#ledger.underWay.end(attemptOf(outcome));
    await this.#load(0);
    const known = next !== undefined && (await this.#loadFor(next));
    const deliveries = next?.deliveries ?? [];
    if (this.#erased) return { slow: false, shut: true, claims: [], ...dropped(deliveries) };
    const { enabled } = this.#ledger.standing.state;
    const recorded = this.#whole((ledger) => ledger.record(outcomes, Date.now(), known ? next : undefined));
    this.#arm();
    const { state } = this.#ledger.standing;
    if (enabled && !state.enabled) {
      log("endpoint.disabled", { tenant: this.#tenant, endpoint: this.#endpoint, reason: state.disabledReason });
      this.ctx.waitUntil(this.#mirror());
    }
    if (this.#ledger.outbox.nextDue() !== null) this.ctx.waitUntil(this.#tellOperator());
    return known ? recorded : { ...recorded, admissions: deliveries.map(({ id }) => ({ do: "later", id })) };
  }

  /** Loads what a consumer's next deliveries need; `false`: out of reach, and outcomes are written down all the same. */
  async #loadFor({ version, deliveries }: AdmitRequest): Promise<boolean> {
    if (deliveries.length === 0) return true;
    try {
      await this.#load(this.#versionFor(version));
      return true;
    } catch (error) {
      logError("endpoint.load.failed", error, { tenant: this.#tenant, endpoint: this.#endpoint });
      return false;
    }
  }

  /** No version tells that a callback's tenant has another secret now. */
  #versionFor(version: number): number {
    return parseCallbackId(this.#endpoint) === null ? version : Number.POSITIVE_INFINITY;
  }

  async stands(delivery: Delivery, attemptId: string, version: number): Promise<boolean> {
    await this.#load(0);
    return !this.#erased && this.#ledger.stands(delivery, attemptId, version, Date.now());
  }

  async lag(attempts: Hanging[]): Promise<void> {
    if (this.#erased) return;
    this.#whole((ledger) => ledger.lag(attempts, Date.now()));
    this.#arm();
  }

  async adopt(deliveries: Delivery[], delay: number): Promise<"adopted" | "gone"> {
    await this.#load(0);
    if (this.#erased) return "gone";
    const answer = this.#whole((ledger) => ledger.adopt(deliveries, delay, Date.now()));
    this.#arm();
    return answer;
  }

  async configure(change: { enabled?: boolean }): Promise<number> {
    await this.#load(Number.POSITIVE_INFINITY);
    if (this.#erased) return 0;
    if (change.enabled === true) this.#whole((ledger) => ledger.enable(Date.now()));
    if (change.enabled === false) this.#whole((ledger) => ledger.disable("manual", Date.now()));
    this.#arm();
    this.ctx.waitUntil(this.#tellOperator());
    await this.#mirror();
    return change.enabled === false ? this.#countUnderWay() : 0;
  }

  async close(): Promise<number> {
    if (!this.#erased) {
      this.#whole((ledger) => ledger.close(Date.now()));
      this.#arm();
    }
    return this.#countUnderWay();
  }

  async eraseAll(): Promise<number> {
    if (!this.#erased) this.#ledger.takeLeases(Date.now());
    this.#erased = true;
    await this.ctx.storage.deleteAll();
    return this.#countUnderWay();
  }

  async erase(deliveries: Delivery[]): Promise<number> {
    await this.#recall();
    if (!this.#erased) {
      this.#whole((ledger) => ledger.erase(deliveries, Date.now()));
      this.#arm();
    }
    return this.#countUnderWay(deliveries.map(({ id }) => id));
  }

  async underWay(until: number, deliveries?: string[]): Promise<number> {
    const over = new Promise<"over">((resolve) => {
      setTimeout(() => resolve("over"), Math.min(Math.max(until - Date.now(), 0), FRESH));
    });
    while (this.#countUnderWay(deliveries) > 0) {
      if ((await Promise.race([over, this.#ledger.underWay.ended()])) === "over") break;
    }
    return this.#countUnderWay(deliveries);
  }

  #countUnderWay(deliveries?: readonly string[]): number {
    return this.#ledger.underWay.count(Date.now(), deliveries);
  }

  async trim(before: number): Promise<"trimmed" | "more"> {
    await this.#recall();
    return !this.#erased && this.#ledger.trim(before) ? "more" : "trimmed";
  }

  async health(): Promise<HealthRecord & RecentRecord & { storage: StorageRecord }> {
    await this.#load(0);
    const now = Date.now();
    const { standing, reading } = this.#ledger;
    return { ...standing.health(now), ...reading.recent(now), storage: reading.storage() };
  }

  async list(filter: DeliveryFilter, limit: number, before: string | null): Promise<DeliveryPage> {
    return this.#erased ? { deliveries: [], next: null } : this.#ledger.reading.list(filter, limit, before, Date.now());
  }

  async stats(since: number, until: number): Promise<StatsRecord> {
    return this.#erased ? { hours: [], truncated: false } : this.#ledger.reading.stats(since, until);
  }

  async look(ids: string[]) {
    await this.#recall();
    if (this.#erased) return { records: ids.map(() => null), gone: true };
    return { records: this.#ledger.reading.look(ids, Date.now()), gone: this.#ledger.standing.state.gone };
  }

  async detail(id: string) {
    await this.#recall();
    if (this.#erased) return { record: null, attempts: [], gone: true };
    const [record = null] = this.#ledger.reading.look([id], Date.now());
    return { record, attempts: this.#ledger.reading.attempts(id), gone: this.#ledger.standing.state.gone };
  }

  async resend(delivery: Delivery): Promise<ResendResult> {
    await this.#load(0);
    if (this.#erased) return "unknown";
    const result = this.#whole((ledger) => ledger.resend(delivery, Date.now()));
    this.#arm();
    return result;
  }

  async recover(request: RecoverRequest): Promise<RecoverResult> {
    if (this.#erased) return { count: 0 };
    const result = this.#whole((ledger) => ledger.recover(request, Date.now()));
    this.#arm();
    return result;
  }

  /** The retry clock. Never throws: a throw would be retried six times and then forgotten, while rows stay due. */
  override async alarm(alarm?: AlarmInvocationInfo): Promise<void> {
    this.#alarmAt = null;
    if (this.#erased) return;
    const since = Date.now();
    if ((this.#retiresAt(since) ?? since + 1) <= since) return this.#retire();
    let released = 0;
    try {
      const { deliveries, messages, lane, dropped } = this.#whole((ledger) =>
        ledger.release(Date.now(), alarm?.scheduledTime),
      );
      logDropped({ tenant: this.#tenant, endpoint: this.#endpoint }, dropped);
      // Armed before the send: if we die in it, the leases end and the deliveries come up again.
      this.#arm();
      if (deliveries.length > 0) {
        const queue = lane === "slow" ? this.env.DELIVERIES_SLOW : this.env.DELIVERIES;
        const version = this.#ledger.standing.settings?.version ?? 0;
        const common = { tenant: this.#tenant, endpoint: this.#endpoint, version };
        await queue.sendBatch(messages.map((deliveries) => ({ body: { ...common, deliveries } })));
        released = deliveries.length;
      }
    } catch (error) {
      logError("endpoint.release.failed", error, { tenant: this.#tenant, endpoint: this.#endpoint });
    }
    await this.#mirror();
    await this.#tellOperator();
    this.#arm();
    const durationMs = Date.now() - since;
    log("endpoint.alarm", { tenant: this.#tenant, endpoint: this.#endpoint, deliveries: released, durationMs });
  }

  /**
   * One change of the ledger, whole or not at all: an error in its middle leaves nothing of it, neither stored nor
   * remembered, so that whoever asked may ask again.
   */
  #whole<T>(change: (ledger: Ledger) => T): T {
    const { rowsWritten } = this.#sql;
    try {
      const result = this.ctx.storage.transactionSync(() => change(this.#ledger));
      if (this.#sql.rowsWritten > rowsWritten) this.#written();
      return result;
    } catch (error) {
      this.#ledger = this.#ledger.reopened();
      this.#ledger.wrote(false);
      this.#failures++;
      this.#notBefore = Date.now() + Math.min(2 ** this.#failures * SECOND, LONGEST_PAUSE);
      throw error;
    }
  }

  #written(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#notBefore = 0;
    this.#ledger.wrote(true);
  }

  /**
   * Reads the configuration from D1 when the copy is older than `version`, there is none, or it is sealed under a key
   * that was replaced and taken away since.
   */
  async #load(version: number): Promise<void> {
    const wasGone = this.#ledger.standing.state.gone;
    if (this.#erased || (await this.#knows(version))) return;
    const loaded = await this.#read();
    if (this.#erased) return;
    if (loaded === null && (await findTenant(this.env.DB, this.#tenant)) === null) {
      // A message that was under way when its tenant was deleted: it shall not bring anything back.
      await this.eraseAll();
    } else if (loaded === null) await this.close();
    else this.#configured(loaded.settings, loaded.enablement, wasGone);
  }

  async #knows(version: number): Promise<boolean> {
    const { settings, state } = this.#ledger.standing;
    if (settings === null) return state.gone && version === 0;
    if (settings.version < version) return false;
    return state.gone || !this.env.SECRETS_KEY || isSealedUnder(secretsKeys(this.env), settings);
  }

  #configured(settings: EndpointSettings, enablement: Enablement, wasGone: boolean): void {
    this.#whole(({ standing }) => {
      standing.configure(settings, enablement);
      // After D1 was set back to an earlier time: the endpoint may be there again, and its copy of the enablement old.
      // Gone since it was asked for: that is a deletion of now.
      if (wasGone) standing.reopen();
      const { enabled, mirrorAt } = standing.state;
      if (enabled !== enablement.enabled && mirrorAt === null) standing.mirrored(false, Date.now());
    });
    this.#arm();
  }

  #read(): ReturnType<typeof loadSettings> {
    const callback = parseCallbackId(this.#endpoint);
    return callback === null ? loadSettings(this.env.DB, this.#tenant, this.#endpoint) : this.#readCallback(callback);
  }

  /** A callback is configured by its event alone. */
  async #readCallback(ref: EventRef & { index: number }): ReturnType<typeof loadSettings> {
    const [event] = await eventLogStub(this.env, this.#tenant, ref).read([ref.ulid]);
    const url = event?.matches[ref.index]?.url;
    if (url === undefined) return null;
    const settings = await callbackSettings(this.env.DB, this.#tenant, this.#endpoint, url);
    return { settings, enablement: { enabled: true, disabledReason: null, disabledAt: null } };
  }

  /** When the log of a deleted endpoint is over, in ms; `null`: it is there. */
  #retiresAt(now: number): number | null {
    return this.#retirement.at(this.#ledger.standing.state.gone, now, retentionMs(this.env));
  }

  /** Empties the object of an endpoint that was deleted so long ago that its log is over. */
  async #retire(): Promise<void> {
    try {
      await this.eraseAll();
      log("endpoint.retired", { tenant: this.#tenant, endpoint: this.#endpoint });
    } catch (error) {
      logError("endpoint.retire.failed", error, { tenant: this.#tenant, endpoint: this.#endpoint });
      await this.ctx.storage.setAlarm(Date.now() + DAY);
    }
  }

  /**
   * An object that knows nothing of its endpoint asks D1 whether it is gone: it may have been emptied. A callback's is known
   * by its event. Never throws: with D1 out of reach it answers as one that was not asked before.
   */
  async #recall(): Promise<void> {
    if (this.#ledger.standing.settings !== null || parseCallbackId(this.#endpoint) !== null) return;
    try {
      await this.#load(0);
    } catch (error) {
      logError("endpoint.recall.failed", error, { tenant: this.#tenant, endpoint: this.#endpoint });
    }
  }

  /** Sets the alarm for what is due first; never later than it stands. */
  #arm(): void {
    if (this.#erased) return;
    const now = Date.now();
    const times = [this.#ledger.nextAlarm(now), this.#retiresAt(now)].filter((time) => time !== null);
    if (times.length === 0) return;
    const next = Math.max(Math.min(...times), now + 1, this.#notBefore);
    if (this.#alarmAt !== null && this.#alarmAt <= next) return;
    this.#alarmAt = next;
    // Not awaited, so that it commits together with the rows it is for; the output gate waits for both.
    void this.ctx.storage.setAlarm(next);
  }

  /**
   * Sends operator events on, one call after the other; what cannot be accepted now, the alarm sends. Never throws.
   */
  #tellOperator(): Promise<void> {
    if (this.#erased || this.#ledger.outbox.nextDue() === null) return this.#telling;
    this.#telling = this.#telling.then(async () => {
      // Asked for each time: the ledger may be opened anew meanwhile.
      const outbox = () => this.#ledger.outbox;
      try {
        const events = outbox().due(Date.now());
        if (events.length > 0) await operatorEvents(this.ctx).tell(events);
        if (this.#erased) return;
        for (const event of events) {
          outbox().remove(event.id);
          log("operator.told", { tenant: this.#tenant, endpoint: this.#endpoint, told: event.id, event: event.type });
        }
      } catch (error) {
        if (!this.#erased) outbox().postpone(Date.now());
        logError("operator.tell.failed", error, { tenant: this.#tenant, endpoint: this.#endpoint });
      }
      this.#arm();
    });
    return this.#telling;
  }

  /** Writes D1's copy of the enablement, one after the other, so that the last one written is the last one decided. */
  #mirror(): Promise<void> {
    this.#mirroring = this.#mirroring.then(async () => {
      const { mirrorAt, toAudit, enabled, disabledReason, disabledAt } = this.#ledger.standing.state;
      if (this.#erased || mirrorAt === null || mirrorAt > Date.now() + SECOND) return;
      try {
        const copy = { enabled, disabledReason, disabledAt };
        await mirrorEnablement(this.env.DB, this.#tenant, this.#endpoint, copy, toAudit);
        if (this.#erased) return;
        this.#ledger.standing.audited(toAudit);
        // Switched meanwhile: that switch writes for itself.
        if (this.#ledger.standing.state.enabled === enabled) this.#ledger.standing.mirrored(true, Date.now());
      } catch (error) {
        if (!this.#erased) this.#ledger.standing.mirrored(false, Date.now());
        logError("endpoint.mirror.failed", error, { tenant: this.#tenant, endpoint: this.#endpoint });
      }
      this.#arm();
    });
    return this.#mirroring;
  }
}
