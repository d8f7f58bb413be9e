import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type DeliveryError, type Lane, type Outcome, reportOf } from "../../src/contracts/delivery";
import type { Delivery } from "../../src/contracts/event";
import type { EndpointSettings } from "../../src/contracts/settings";
import { Ledger } from "../../src/endpoint/ledger";
import { SLOTS } from "../../src/endpoint/policy/admission";
import { deliveryId, encodeTime } from "../../src/lib/ids";
import { Sql } from "../../src/lib/sql";
import { fresh } from "../lib/fresh";

export const T0 = Date.parse("2026-11-21T00:00:00.000Z");
export const SCHEDULE = [30, 120, 600, 3600, 14_400];

export const SETTINGS: EndpointSettings = {
  tenant: "t",
  endpoint: "ep",
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
};

/** By the queue for endpoints that have begun to fail, to a consumer that can begin all. */
export const SLOW = { lane: "slow" as const, room: SLOTS };

/** Runs `use` with a ledger on the real storage of an object of its own, driven by the test's clock. */
export function withLedger<T>(
  use: (ledger: Ledger, open: () => Ledger, sql: Sql) => T,
  settings: Partial<EndpointSettings> = {},
): Promise<T> {
  const stub = env.ENDPOINT.getByName(`t/${fresh("ep")}`) as unknown as DurableObjectStub;
  return runInDurableObject(stub, (_, state) => {
    const sql = new Sql(state.storage.sql);
    const ledger = new Ledger(sql, () => 0);
    ledger.state.configure({ ...SETTINGS, ...settings }, { enabled: true, disabledReason: null, disabledAt: null });
    return use(ledger, () => new Ledger(sql, () => 0), sql);
  });
}

let serial = 0;
export function delivery(at: number) {
  const ulid = `${encodeTime(at)}${String(++serial).padStart(16, "0")}`;
  return { id: deliveryId(ulid, 0), type: "e" };
}

/** Admits a delivery and records how its attempt ended; answers whether it was let through. */
export function attempt(
  ledger: Ledger,
  ref: Delivery,
  error: DeliveryError | null,
  now: number,
  lane: Lane = "normal",
): boolean {
  const offer = { lane, room: SLOTS };
  const [admission] = (ledger.admitNew([ref], now, offer) ?? ledger.admit([ref], now, offer)).admissions;
  if (admission?.do !== "send") return false;
  ledger.record([outcomeOf(ref, admission.attemptId, admission.number, error, now)], now);
  return true;
}

export function outcomeOf(
  ref: Delivery,
  attemptId: string,
  number: number,
  error: DeliveryError | null,
  at: number,
  retryAfter: number | null = null,
): Outcome {
  return {
    kind: "attempted",
    delivery: ref,
    retryAfter,
    attempt: reportOf({
      id: attemptId,
      number,
      at,
      durationMs: 0,
      statusCode: error === null ? 200 : 500,
      error,
      trigger: "scheduled",
      format: "envelope",
      request: { method: "POST", url: "https://receiver.example/", headers: {} },
      response: null,
    }),
  };
}

/** The operator's log takes what there is to tell. */
export function tellOperator(ledger: Ledger, now: number): void {
  for (const { id } of ledger.outbox.due(now)) ledger.outbox.remove(id);
}

/** Lets the alarm release what is due at `now` and the messages arrive at once. */
export function fire(ledger: Ledger, error: DeliveryError | null, now: number): string[] {
  const { deliveries, lane } = ledger.release(now);
  return deliveries.filter((ref) => attempt(ledger, ref, error, now, lane)).map(({ id }) => id);
}
