import { DurableObject } from "cloudflare:workers";
import type { Outcome } from "../contracts/delivery";
import type * as contract from "../contracts/endpoint";
import type { Env } from "../contracts/env";
import type { Delivery } from "../contracts/event";
import { nameParts } from "../contracts/find";
import { log } from "../lib/log";
import { Changes, type EndpointName } from "./changes";
import { Configuration } from "./configuration";
import { MOST_BYTES } from "./jobs/capacity";
import { OperatorEvents } from "./operator-events";
import { FRESH } from "./policy/admission";
import { putBack } from "./put-back";
import { retryDue } from "./retry-due";
import { attemptOf } from "./storage/row";
import { Summaries } from "./summaries";

function dropped(deliveries: readonly Delivery[]): contract.AdmitAnswer {
  return { admissions: deliveries.map(({ id }) => ({ do: "drop", id })) };
}

/**
 * The object that remembers an endpoint: gives a {@link import("./ledger").Ledger} its storage, the clock, the alarm and the
 * configuration. Named `tenant/endpoint id`.
 */
export class Endpoint extends DurableObject<Env> implements contract.EndpointContract {
  /** Bytes of an object from which on the oldest of its log is dropped; read when one wakes. */
  static mostBytes = MOST_BYTES;
  readonly #name: EndpointName;
  readonly #changes: Changes;
  readonly #configuration: Configuration;
  readonly #operatorEvents: OperatorEvents;
  readonly #summaries: Summaries;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const [tenant, endpoint] = nameParts(ctx.id.name);
    this.#name = { tenant, endpoint };
    this.#changes = new Changes(ctx.storage, env, this.#name, Endpoint.mostBytes);
    this.#configuration = new Configuration(this.#changes, env, this.#name);
    this.#operatorEvents = new OperatorEvents(this.#changes, ctx, this.#name);
    this.#summaries = new Summaries(this.#changes, env, this.#name);
    this.#changes.made = () => void (this.#summaries.isDue && ctx.waitUntil(this.#summaries.tell()));
    void ctx.blockConcurrencyWhile(() => this.#changes.wake());
  }

  async admit(request: contract.AdmitRequest): Promise<contract.AdmitAnswer> {
    const { deliveries, version: _, ...offer } = request;
    await this.#configuration.loadFor(request);
    if (this.#changes.erased) return dropped(deliveries);
    const now = Date.now();
    // Nothing is written then, so there is nothing to roll back and no other time to wake.
    const admitted = this.#changes.ledger.admitNew(deliveries, now, offer);
    return admitted ?? this.#changes.make((ledger) => ledger.admit(deliveries, now, offer));
  }

  async record(outcomes: Outcome[], next?: contract.AdmitRequest): Promise<contract.Recorded> {
    return this.#record(outcomes, next);
  }

  async #record(outcomes: Outcome[], next?: contract.AdmitRequest): Promise<contract.Recorded> {
    // Whatever becomes of them here: they are not with the receiver any more.
    for (const outcome of outcomes) this.#changes.ledger.underWay.end(attemptOf(outcome));
    await this.#configuration.load(0);
    const known = next !== undefined && (await this.#configuration.triesToLoadFor(next));
    const deliveries = next?.deliveries ?? [];
    if (this.#changes.erased) return { slow: false, shut: true, claims: [], ...dropped(deliveries) };
    const { enabled } = this.#changes.ledger.state.stored;
    const recorded = this.#changes.make((ledger) => ledger.record(outcomes, Date.now(), known ? next : undefined));
    const { stored } = this.#changes.ledger.state;
    if (enabled && !stored.enabled) {
      log("endpoint.disabled", { ...this.#name, reason: stored.disabledReason });
      this.ctx.waitUntil(this.#configuration.mirror());
    }
    if (this.#operatorEvents.pending) this.ctx.waitUntil(this.#operatorEvents.tell());
    return known ? recorded : { ...recorded, admissions: deliveries.map(({ id }) => ({ do: "later", id })) };
  }

  async stands(delivery: Delivery, attemptId: string, version: number): Promise<boolean> {
    await this.#configuration.load(0);
    return !this.#changes.erased && this.#changes.ledger.stands(delivery, attemptId, version, Date.now());
  }

  async lag(attempts: contract.Hanging[]): Promise<void> {
    if (!this.#changes.erased) this.#changes.make((ledger) => ledger.lag(attempts, Date.now()));
  }

  async adopt(deliveries: Delivery[], delay: number, tells = false): Promise<contract.Adopted> {
    await this.#configuration.load(0);
    if (this.#changes.erased) return "gone";
    const adopted = this.#changes.make((ledger) => ledger.adopt(deliveries, delay, Date.now()));
    return (tells && adopted === "adopted" ? this.#changes.ledger.teller.untold(Date.now()) : null) ?? adopted;
  }

  async configure(change: { enabled?: boolean; probe?: true }): Promise<number> {
    await this.#configuration.load(Number.POSITIVE_INFINITY);
    if (this.#changes.erased) return 0;
    if (change.enabled === true) this.#changes.make((ledger) => ledger.enable(Date.now()));
    if (change.enabled === false) this.#changes.make((ledger) => ledger.disable("manual", Date.now()));
    if (change.probe) this.#changes.make((ledger) => ledger.probe(Date.now()));
    this.ctx.waitUntil(this.#operatorEvents.tell());
    await this.#configuration.mirror();
    return change.enabled === false ? this.#countUnderWay() : 0;
  }

  async close(): Promise<number> {
    if (!this.#changes.erased) this.#changes.make((ledger) => ledger.close(Date.now()));
    return this.#countUnderWay();
  }

  async eraseAll(): Promise<number> {
    await this.#changes.eraseAll();
    return this.#countUnderWay();
  }

  async erase(deliveries: Delivery[]): Promise<number> {
    await this.#configuration.recall();
    if (!this.#changes.erased) this.#changes.make((ledger) => ledger.erase(deliveries, Date.now()));
    return this.#countUnderWay(deliveries.map(({ id }) => id));
  }

  underWay(until: number, deliveries?: string[]): Promise<number> {
    const ms = Math.min(Math.max(until - Date.now(), 0), FRESH);
    return this.#changes.ledger.underWay.settled(ms, deliveries);
  }

  #countUnderWay = (deliveries?: readonly string[]) => this.#changes.ledger.underWay.count(Date.now(), deliveries);

  async trim(before: number): Promise<"trimmed" | "more"> {
    await this.#configuration.recall();
    return !this.#changes.erased && this.#changes.ledger.trim(before, Date.now()) ? "more" : "trimmed";
  }

  async health() {
    await this.#configuration.load(0);
    const now = Date.now();
    const { state, reading } = this.#changes.ledger;
    return { ...state.health(now), ...reading.recent(now), storage: reading.storage() };
  }

  async list(filter: contract.DeliveryFilter, limit: number, before: string | null): Promise<contract.DeliveryPage> {
    if (this.#changes.erased) return { deliveries: [], next: null };
    return this.#changes.ledger.reading.list(filter, limit, before, Date.now());
  }

  async figures(since: number, until: number): Promise<contract.FiguresRecord> {
    if (this.#changes.erased) return { hours: {}, waiting: 0, oldestWaitingAt: null, held: 0 };
    return this.#changes.ledger.reading.figures(since, until);
  }

  async look(ids: string[]) {
    await this.#configuration.recall();
    if (this.#changes.erased) return { records: ids.map(() => null), gone: true };
    const { reading, state } = this.#changes.ledger;
    return { records: reading.look(ids, Date.now()), gone: state.stored.gone };
  }

  async detail(id: string) {
    const { records, gone } = await this.look([id]);
    return {
      record: records[0] ?? null,
      attempts: this.#changes.erased ? [] : this.#changes.ledger.reading.attempts(id),
      gone,
    };
  }

  async resend(delivery: Delivery): Promise<contract.ResendResult> {
    await this.#configuration.load(0);
    return this.#changes.erased ? "unknown" : this.#changes.make((ledger) => ledger.resend(delivery, Date.now()));
  }

  async recover(request: contract.RecoverRequest): Promise<contract.RecoverResult> {
    return this.#changes.erased ? { count: 0 } : this.#changes.make((ledger) => ledger.recover(request, Date.now()));
  }

  async recoveries(): Promise<contract.RecoveryRecord[]> {
    return this.#changes.erased ? [] : this.#changes.ledger.recoveries;
  }

  async stopRecovery(id: string): Promise<contract.RecoveryRecord | null> {
    if (this.#changes.erased || !this.#changes.make((ledger) => ledger.stopRecovery(id, Date.now()))) return null;
    return this.#changes.ledger.recoveries.find((recovery) => recovery.id === id) ?? null;
  }

  /** The retry clock. Never throws: a throw would be retried six times and then forgotten, while rows stay due. */
  override async alarm(alarm?: AlarmInvocationInfo): Promise<void> {
    this.#changes.rang();
    if (this.#changes.erased) return;
    const since = Date.now();
    if (await this.#changes.retires(since)) return;
    await retryDue(this.#changes, this.#configuration, this.ctx, this.#name, (outcomes) => this.#record(outcomes));
    const deliveries = await putBack(this.#changes, this.env, this.#name, alarm?.scheduledTime);
    await this.#configuration.mirror();
    await this.#operatorEvents.tell();
    await this.#summaries.tell();
    this.#changes.arm();
    if (deliveries > 0) log("endpoint.alarm", { ...this.#name, deliveries, durationMs: Date.now() - since });
  }
}
