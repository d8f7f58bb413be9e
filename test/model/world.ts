import {
  type DeliveryError,
  type Grant,
  type Lane,
  type Outcome,
  type RecoverableStatus,
  reportOf,
} from "../../src/contracts/delivery";
import type { Delivery } from "../../src/contracts/event";
import { lifetime } from "../../src/endpoint/jobs/expiry";
import { Ledger } from "../../src/endpoint/ledger";
import type { StoredLease } from "../../src/endpoint/memory/leases";
import { SLOTS } from "../../src/endpoint/policy/admission";
import type { Row } from "../../src/endpoint/storage/row";
import { Journal } from "../../src/event-log/journal/journal";
import { deliveryId } from "../../src/lib/ids";
import { Sql } from "../../src/lib/sql";
import { dayOf, dayStart, MINUTE, SECOND } from "../../src/lib/time";
import { Queues } from "./queues";
import { memoryStorage } from "./sqlite";

export const SCHEDULE = [30, 120, 600];
const LIFETIME = lifetime(SCHEDULE);
const RECONCILE = 300 * SECOND;
const ENDPOINTS = 2;
const SHARDS = 3;
/** Where an id names its shard: after its prefix and the time. */
const SHARD_AT = "dlv_".length + 10;
/** So few that holding and canceling take several steps. */
const CLEAR_AT_ONCE = 2;

/** A delivery that has been promised with a 202. */
interface Promised {
  ref: Delivery;
  /** ms. */
  acceptedAt: number;
  endpoint: number;
  succeeded: boolean;
  sends: number;
  /** Resends and recoveries a person asked for. */
  manual: number;
  /** No attempt before this time (ms), unless a person asks. */
  notBefore: number;
  /** The last attempt that was granted, and how many a person had asked for by then. */
  latest: { attemptId: string; manual: number } | null;
  /** The attempt that holds it, as long as the object that granted it remembers. */
  holder: string | null;
}

interface Message {
  endpoint: number;
  deliveries: Delivery[];
  lane: Lane;
}

interface InFlight {
  endpoint: number;
  ref: Delivery;
  grant: Grant;
  lane: Lane;
  /** The object's memory was lost since, and with it, best effort, the lease. */
  forgotten: boolean;
  /** Its lease is stored: nothing forgets it. */
  isStored: boolean;
  /** Granted while its endpoint's breaker was half-open, which it has been since. */
  probe: boolean;
  /** The Worker that has accepted its event sends it: no message is there to come back. */
  direct: boolean;
}

/** How a new event goes to its endpoints: by messages, by none, or from whoever has accepted it, who may die over it. */
export type Sending = "messages" | "nothing" | "direct" | "direct, and dies";

/** How many deliveries can be begun by whoever has accepted them, or by an alarm. */
const DIRECT_ROOM = 6;

/** Where an alarm lets what is due and little: the object may die over it. */
export type Few = "to the queue" | "sent" | "granted, and the object dies";

interface Side {
  sql: Sql;
  ledger: Ledger;
  gone: boolean;
}

/**
 * The real ledgers and the real journal, on real storage, with everything between them (queue, consumer, network,
 * clock, crashes) played by the test. Each method is a step that the world may take at any time.
 */
export class World {
  now = 0;
  readonly promised = new Map<string, Promised>();
  readonly queues = new Queues<Message>();
  readonly inFlight: InFlight[] = [];
  readonly past: { endpoint: number; outcome: Outcome }[] = [];
  #sides: Side[] = [];
  /** The shards of the day's log, each on its own storage. */
  readonly #logs = Array.from({ length: SHARDS }, () => new Sql(memoryStorage()));
  #journals: Journal[] = [];
  #appended = 0;

  static create(): World {
    const world = new World();
    const day = dayOf(Date.UTC(2026, 10, 21));
    world.now = dayStart(day) + MINUTE;
    world.#openLogs(day);
    for (let i = 0; i < ENDPOINTS; i++) {
      const side: Side = { sql: new Sql(memoryStorage()), ledger: undefined as never, gone: false };
      world.#sides.push(side);
      side.ledger = world.#newLedger(i);
      world.#with(i, (ledger) =>
        ledger.state.configure(
          {
            tenant: "model",
            endpoint: `ep_${i}`,
            version: 1,
            url: "https://receiver.example/",
            method: "POST",
            profile: "clearview",
            format: "envelope",
            signature: { scheme: "hex", header: "X-Webhook-Signature" },
            owner: "t/ep",
            sealedHeaders: {},
            sealedSecret: null,
            sealedNext: null,
            nextFrom: null,
            retry: SCHEDULE,
            timeout: 10,
            disableAfter: 7 * 86_400,
            rateLimit: null,
          },
          { enabled: true, disabledReason: null, disabledAt: null },
        ),
      );
    }
    return world;
  }

  #openLogs(day: string): void {
    this.#journals = this.#logs.map((sql, shard) => new Journal(sql, day, undefined, shard));
  }

  #newLedger(i: number): Ledger {
    return new Ledger((this.#sides[i] as Side).sql, () => 0.5, CLEAR_AT_ONCE);
  }

  #with<T>(i: number, use: (ledger: Ledger) => T): T {
    return use((this.#sides[i] as Side).ledger);
  }

  /** An event is accepted, and goes on so. */
  append(both: boolean, sending: Sending): void {
    const targets = both ? [0, 1] : [0];
    const matches = targets.map((i) => ({ endpoint: `ep_${i}` }));
    const journal = this.#journals[this.#appended++ % SHARDS] as Journal;
    const result = journal.append({ type: "e", data: "{}", matches }, this.now);
    if (result.kind !== "appended") throw new Error(`append answered ${result.kind}`);
    for (const [index, endpoint] of targets.entries()) {
      const ref = { id: deliveryId(result.event.ulid, index), type: "e" };
      this.promised.set(ref.id, {
        ref,
        acceptedAt: this.now,
        endpoint,
        succeeded: false,
        sends: 0,
        manual: 0,
        notBefore: 0,
        holder: null,
        latest: null,
      });
      const message: Message = { endpoint, deliveries: [ref], lane: "normal" };
      if (sending === "messages") this.queues.push(message);
      else if (sending !== "nothing") this.#offer(message, sending !== "direct", DIRECT_ROOM, true);
    }
  }

  /**
   * The consumer takes a message, of which it can begin `room` deliveries. It dies after asking (the message returns), or
   * begins to send what it may, and comes back with what it is to offer again.
   */
  admit(pick: number, dies: boolean, room = SLOTS): void {
    const message = this.queues.take(pick);
    if (message === undefined) return;
    this.#offer(message, dies, room, false);
    if (dies) this.queues.push(message);
  }

  #offer(message: Message, dies: boolean, room: number, direct: boolean): void {
    const { endpoint, deliveries, lane } = message;
    const offer = { lane, room };
    const { admissions, breaker } = this.#with(endpoint, (ledger) => ({
      breaker: ledger.state.health(this.now).breaker.state,
      ...(ledger.admitNew(deliveries, this.now, offer) ?? ledger.admit(deliveries, this.now, offer)),
    }));
    this.#checkProbes(endpoint, breaker, admissions.filter((admission) => admission.do === "send").length);
    for (const admission of admissions) {
      if (admission.do === "send") this.#granted({ ...message, direct }, admission, breaker, !dies);
    }
    const later = deliveries.filter(({ id }) => admissions.some((one) => one.do === "later" && one.id === id));
    if (!dies && later.length > 0) this.queues.push({ ...message, deliveries: later });
  }

  /** A delivery is given to a consumer, which begins to send it or dies. */
  #granted(
    { endpoint, lane, direct }: Pick<InFlight, "endpoint" | "lane" | "direct">,
    grant: Grant,
    breaker: string,
    begins: boolean,
  ): void {
    const promised = this.promised.get(grant.id) as Promised;
    const quiet = this.#with(endpoint, (ledger) => ledger.state.health(this.now).quietUntil);
    if (quiet !== null)
      throw new Error(`${grant.id} is let through ${quiet - this.now} ms before its receiver wants it`);
    this.#checkGrant(promised, grant);
    promised.holder = grant.attemptId;
    promised.latest = { attemptId: grant.attemptId, manual: promised.manual };
    if (!begins) return;
    const isStored = this.#stores(endpoint, grant.attemptId);
    const probe = breaker !== "closed";
    this.inFlight.push({ endpoint, ref: promised.ref, grant, lane, forgotten: false, isStored, probe, direct });
  }

  /** An attempt hangs: the consumer has its endpoint write a row for it, and dies before or after, or goes on. */
  hang(pick: number): void {
    const flight = this.inFlight[pick % Math.max(this.inFlight.length, 1)];
    if (flight === undefined) return;
    const { endpoint, ref: delivery, grant } = flight;
    const { attemptId, leasedUntil } = grant;
    this.#with(endpoint, (ledger) => ledger.lag([{ delivery, attemptId, leasedUntil }], this.now));
    if (this.#stores(endpoint, attemptId)) flight.isStored = true;
  }

  /** A breaker that is open lets nothing through, and one that is half-open a single probe. */
  #checkProbes(endpoint: number, breaker: string, granted: number): void {
    if (breaker === "closed") {
      for (const flight of this.inFlight) if (flight.endpoint === endpoint) flight.probe = false;
      return;
    }
    const probes = this.inFlight.filter(
      (flight) => flight.endpoint === endpoint && flight.probe && flight.grant.leasedUntil > this.now,
    ).length;
    if (breaker === "open" && granted > 0) throw new Error(`${granted} are let through an open breaker`);
    if (probes + granted > 1) throw new Error(`${granted} are let through a half-open breaker beside ${probes}`);
  }

  #checkGrant(promised: Promised, grant: Grant): void {
    const { id } = promised.ref;
    if (promised.succeeded) throw new Error(`${id} is sent again after it succeeded`);
    if (grant.trigger === "scheduled" && this.now < promised.notBefore) {
      throw new Error(`${id} is sent ${promised.notBefore - this.now} ms before it is due`);
    }
    const other = this.inFlight.find(
      ({ ref, grant: held, forgotten }) => ref.id === id && !forgotten && held.leasedUntil > this.now,
    );
    if (other) throw new Error(`${id} is sent twice at once`);
  }

  /**
   * A request ends. Its outcome is recorded, or lost with the consumer, and then the message returns. With `room` the
   * consumer goes on with so many of what waits, unless it dies of the answer.
   */
  finish(
    pick: number,
    error: DeliveryError | null,
    outcomeLost: boolean,
    room = 0,
    claimsLost = false,
    retryAfter: number | null = null,
  ): void {
    const [flight] = this.inFlight.splice(pick % Math.max(this.inFlight.length, 1), 1);
    if (flight === undefined) return;
    const promised = this.promised.get(flight.ref.id) as Promised;
    promised.sends++;
    if (outcomeLost) {
      if (!flight.direct) this.queues.push({ endpoint: flight.endpoint, deliveries: [flight.ref], lane: flight.lane });
      return;
    }
    const outcome: Outcome = {
      kind: "attempted",
      delivery: flight.ref,
      attempt: reportOf({
        id: flight.grant.attemptId,
        number: flight.grant.number,
        at: this.now,
        durationMs: 0,
        statusCode: error === null ? 200 : 500,
        error,
        trigger: flight.grant.trigger,
        format: "envelope",
        request: { method: "POST", url: "https://receiver.example/", headers: {} },
        response: null,
      }),
      retryAfter,
    };
    const stale = promised.holder !== null && promised.holder !== flight.grant.attemptId;
    if (stale && error !== null) {
      this.#changesNothing(flight.endpoint, outcome, "a stale failure");
      return;
    }
    this.past.push({ endpoint: flight.endpoint, outcome });
    const { latest, manual } = promised;
    const inTime =
      latest?.attemptId === flight.grant.attemptId && flight.grant.leasedUntil > this.now && !promised.succeeded;
    const before = this.#attempts(promised);
    // Who has accepted it goes on with nothing else.
    this.#record(flight, outcome, flight.direct ? 0 : room, claimsLost);
    const mustCount = inTime && latest?.manual === manual && !this.#sides[flight.endpoint]?.gone;
    if (mustCount && this.#attempts(promised) !== before + 1) throw new Error(`${flight.ref.id} lost an attempt`);
  }

  #attempts({ ref, endpoint }: Promised): number {
    return this.#with(endpoint, (ledger) => ledger.reading.look([ref.id], this.now)[0]?.attempts ?? 0);
  }

  /** An outcome that was taken arrives once more, long after or twice. */
  repeatOutcome(pick: number): void {
    const repeated = this.past[pick % Math.max(this.past.length, 1)];
    if (repeated === undefined) return;
    this.#changesNothing(repeated.endpoint, repeated.outcome, "a repeated outcome");
  }

  #changesNothing(endpoint: number, outcome: Outcome, what: string): void {
    const before = this.#rows(endpoint);
    this.#with(endpoint, (ledger) => ledger.record([outcome], this.now));
    const after = this.#rows(endpoint);
    if (JSON.stringify(before) !== JSON.stringify(after)) throw new Error(`${what} changed something`);
  }

  #record({ endpoint, lane }: InFlight, outcome: Outcome, room: number, claimsLost: boolean): void {
    if (outcome.kind !== "attempted") return;
    const promised = this.promised.get(outcome.delivery.id) as Promised;
    const before = this.#attempts(promised);
    const next = { version: 1, deliveries: [], lane, room };
    const { claims, slow, record, breaker } = this.#with(endpoint, (ledger) => {
      const { claims, slow } = ledger.record([outcome], this.now, next);
      const [record] = ledger.reading.look([outcome.delivery.id], this.now);
      return { claims, slow, record, breaker: ledger.state.health(this.now).breaker.state };
    });
    if (breaker === "closed") this.#checkProbes(endpoint, breaker, 0);
    if (claims.length > room && room !== 0) this.#checkFast(endpoint, claims.length);
    if (claims.length > 0 && (room === 0 || breaker !== "closed" || (slow && lane === "normal"))) {
      throw new Error(`${claims.length} are handed out with room for ${room}, the breaker ${breaker}`);
    }
    for (const { delivery, grant } of claims) {
      if (delivery.id !== grant.id) throw new Error(`${grant.id} is handed out as ${delivery.id}`);
      this.#granted({ endpoint, lane, direct: false }, grant, breaker, !claimsLost);
    }
    if (outcome.attempt.error === null && record?.status !== "succeeded") {
      throw new Error(`${outcome.delivery.id} succeeded and is ${record?.status}`);
    }
    // One that came too late, after its delivery was released anew, says nothing of when that is due.
    if (record?.attempts === before) return;
    promised.succeeded = record?.status === "succeeded";
    const row = this.#rows(endpoint).find(({ id }) => id === outcome.delivery.id);
    promised.notBefore = record?.status === "retrying" ? (row?.due ?? 0) : 0;
  }

  /** The endpoint's alarm goes off, due or not; what is little it has sent at once, the messages of the rest are sent, or lost. */
  alarm(i: number, messagesLost: boolean, few: Few = "to the queue"): void {
    if (few !== "to the queue") this.#retry(i, few === "sent");
    const { messages, lane } = this.#with(i, (ledger) => {
      if (ledger.state.stored.mirrorAt !== null) ledger.state.mirrored(true, this.now);
      for (const { id } of ledger.outbox.due(this.now)) ledger.outbox.remove(id);
      return ledger.release(this.now);
    });
    for (const deliveries of messagesLost ? [] : messages) this.queues.push({ endpoint: i, deliveries, lane });
  }

  #retry(endpoint: number, begins: boolean): void {
    const { claims, breaker } = this.#with(endpoint, (ledger) => ({
      claims: ledger.retry(this.now),
      breaker: ledger.state.health(this.now).breaker.state,
    }));
    if (claims.length > 0 && breaker !== "closed")
      throw new Error(`an alarm sends through a breaker that is ${breaker}`);
    if (claims.length > DIRECT_ROOM) this.#checkFast(endpoint, claims.length);
    for (const { grant } of claims) {
      if (!this.#stores(endpoint, grant.attemptId))
        throw new Error(`${grant.id} is sent under a lease that is not stored`);
      this.#granted({ endpoint, lane: "slow", direct: true }, grant, breaker, begins);
    }
  }

  /** The log's alarm goes off; endpoints may be out of reach, and it may die before it moves its pointer. */
  reconcile(unreachable: number | null, dies: boolean): void {
    for (const journal of this.#journals) {
      const handover = journal.pointer.handover(this.now - RECONCILE / 2);
      const missed = new Set<string>();
      for (const [name, refs] of handover.refs) {
        const i = Number(name.slice(3));
        if (i === unreachable) missed.add(name);
        else this.#with(i, (ledger) => ledger.adopt(refs, RECONCILE / 2, this.now));
      }
      if (!dies) journal.pointer.confirm(handover, missed);
    }
  }

  /** The receiver of the first endpoint fails for so long that its breaker opens, if messages are let through at all. */
  breakDown(): void {
    for (let i = 0; i < 12; i++) {
      this.append(false, "messages");
      this.admit(this.queues.size - 1, false);
      if (this.inFlight.length > 0) this.finish(this.inFlight.length - 1, "timeout", false);
      this.alarm(0, false);
      this.admit(this.queues.size - 1, false);
    }
  }

  /** An endpoint's object loses its memory. */
  evict(i: number): void {
    (this.#sides[i] as Side).ledger = this.#newLedger(i);
    for (const flight of this.inFlight) if (flight.endpoint === i && !flight.isStored) flight.forgotten = true;
    const held = new Set(this.inFlight.flatMap(({ isStored, grant }) => (isStored ? [grant.attemptId] : [])));
    for (const promised of this.promised.values()) {
      if (promised.endpoint === i && !held.has(promised.holder ?? "")) promised.holder = null;
    }
  }

  /** Everything in memory is lost: the queue, what is in flight, the objects. */
  killAll(): void {
    this.queues.clear();
    this.inFlight.length = 0;
    for (let i = 0; i < ENDPOINTS; i++) this.evict(i);
    const day = dayOf(this.now);
    this.#openLogs(day);
  }

  enable(i: number, on: boolean): void {
    this.#with(i, (ledger) => (on ? ledger.enable(this.now) : ledger.disable("manual", this.now)));
  }

  recover(i: number): void {
    const request = {
      since: 0,
      until: this.now + 1,
      statuses: ["failed", "held"] as RecoverableStatus[],
      dryRun: false,
    };
    const ids = [...this.promised.values()].flatMap(({ ref, endpoint }) => (endpoint === i ? [ref.id] : []));
    const { before, result } = this.#with(i, (ledger) => ({
      before: ledger.reading.look(ids, this.now),
      result: ledger.recover(request, this.now),
    }));
    if (result === "disabled") return;
    for (const record of before) if (record?.status === "failed" || record?.status === "held") this.#asked(record.id);
  }

  resend(pick: number): void {
    const promised = [...this.promised.values()][pick % Math.max(this.promised.size, 1)];
    if (promised === undefined) return;
    const result = this.#with(promised.endpoint, (ledger) => ledger.resend(promised.ref, this.now));
    if (result === "resending") this.#asked(promised.ref.id);
  }

  #asked(id: string): void {
    const promised = this.promised.get(id) as Promised;
    promised.manual++;
    promised.succeeded = false;
    promised.notBefore = 0;
  }

  close(i: number): void {
    (this.#sides[i] as Side).gone = true;
    this.#with(i, (ledger) => ledger.close(this.now));
  }

  /** More than there is room for goes only to whoever answers at once. */
  #checkFast(i: number, claims: number): void {
    const pace = this.#with(i, (ledger) => ledger.state.pace?.class);
    if (pace !== "fast") throw new Error(`${claims} are handed out of an endpoint whose pace is ${pace}`);
  }

  /** Whether an endpoint has stored that the attempt has its delivery. */
  #stores(i: number, attemptId: string): boolean {
    const { sql } = this.#sides[i] as Side;
    const row = sql.first<{ value: string }>("SELECT value FROM state WHERE name = 'fortune'");
    const { leases } = JSON.parse(row?.value ?? "{}") as { leases?: StoredLease[] };
    return (leases ?? []).some(([, held]) => held === attemptId);
  }

  #rows(i: number): Pick<Row, "id" | "status" | "due" | "attempts" | "error">[] {
    return (this.#sides[i] as Side).sql.all("SELECT id, status, due, attempts, error FROM deliveries ORDER BY id");
  }

  /** Every unfinished delivery has exactly one durable owner: its row with a due time or, without a row, the log. */
  checkOwners(): void {
    const rows = [this.#rows(0), this.#rows(1)];
    const owners = this.#logs.map((sql) => {
      const { confirmed } = sql.first<{ confirmed: string }>("SELECT confirmed FROM state") as { confirmed: string };
      const left = sql.all<{ delivery: string }>("SELECT delivery FROM unconfirmed").map(({ delivery }) => delivery);
      return (id: string) => id.slice(4, 30) > confirmed || left.includes(id);
    });
    const owned = (id: string) => owners[Number(id[SHARD_AT])]?.(id) === true;
    for (const { ref, endpoint, manual, acceptedAt } of this.promised.values()) {
      const row = rows[endpoint]?.find(({ id }) => id === ref.id);
      if (row === undefined) {
        if (!owned(ref.id) && !this.#sides[endpoint]?.gone) throw new Error(`${ref.id} is owned by nobody`);
        continue;
      }
      const unfinished = row.status === "pending" || row.status === "retrying";
      if (unfinished && row.due === null) throw new Error(`${ref.id} is ${row.status} and never due`);
      const most = (SCHEDULE.length + 1) * (manual + 1);
      if (row.error === "expired" && this.now < acceptedAt + LIFETIME)
        throw new Error(`${ref.id} has expired too early`);
      if (row.attempts > most) throw new Error(`${ref.id} has ${row.attempts} attempts, at most ${most} are planned`);
    }
  }

  /** Lets everything come to rest, with receivers that answer as told, and checks that nothing is left behind. */
  quiesce(error: DeliveryError | null): void {
    for (const [i, side] of this.#sides.entries()) {
      if (side.gone) continue;
      this.enable(i, true);
      this.recover(i);
    }
    for (let round = 0; round < 600; round++) {
      while (this.queues.size > 0) this.admit(0, false);
      while (this.inFlight.length > 0) this.finish(0, error, false);
      this.checkOwners();
      const alarms = [this.#with(0, (l) => l.nextAlarm(this.now)), this.#with(1, (l) => l.nextAlarm(this.now))];
      const handovers = this.#journals.map((journal) => journal.pointer.next(this.now, RECONCILE));
      const due = handovers.filter((at) => at !== null);
      const handover = due.length === 0 ? null : Math.min(...due);
      const next = [...alarms, handover].filter((at) => at !== null);
      if (next.length === 0 && this.queues.size === 0) break;
      this.now = Math.max(this.now, Math.min(...next));
      if (handover !== null && handover <= this.now) this.reconcile(null, false);
      for (const [i, at] of alarms.entries()) if (at !== null && at <= this.now) this.alarm(i, false);
    }
    for (const { ref, endpoint, sends, manual } of this.promised.values()) {
      const side = this.#sides[endpoint] as Side;
      const [record] = this.#with(endpoint, (ledger) => ledger.reading.look([ref.id], this.now));
      if (side.gone) continue;
      // What the breaker held back for more than a day.
      if (record?.lastError === "expired") continue;
      const rest = record?.status === "succeeded" || (error !== null && record?.status === "failed");
      if (!rest) throw new Error(`${ref.id} came to rest as ${record?.status}`);
      if (record?.status === "failed" && manual === 0 && record.attempts !== SCHEDULE.length + 1) {
        throw new Error(`${ref.id} failed after ${record.attempts} attempts`);
      }
      if (sends === 0) throw new Error(`${ref.id} was never sent`);
    }
  }
}
