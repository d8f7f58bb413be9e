import { describe, it } from "vitest";
import type { DeliveryError, Outcome } from "../../src/contracts/delivery";
import type { Ledger } from "../../src/endpoint/ledger";
import { LEASE } from "../../src/endpoint/policy/admission";
import { DAY, SECOND } from "../../src/lib/time";
import { attempt, delivery, outcomeOf, T0, withLedger } from "./ledgers";

/** When the first retries are due. */
const DUE = T0 + 31 * SECOND;

function took(outcome: Outcome, durationMs: number): Outcome {
  return outcome.kind === "attempted"
    ? { ...outcome, attempt: { ...outcome.attempt, statusCode: 404, durationMs } }
    : outcome;
}

/** So many deliveries whose first attempts have failed so. */
function fail(ledger: Ledger, count: number, error: DeliveryError = "status", now = T0, durationMs = 200) {
  const refs = Array.from({ length: count }, (_, i) => delivery(now + i));
  const { admissions } = ledger.admit(refs, now);
  ledger.record(
    admissions.flatMap((grant) => {
      const ref = refs.find(({ id }) => id === grant.id);
      return grant.do === "send" && ref ? [took(outcomeOf(ref, grant.attemptId, 1, error, now), durationMs)] : [];
    }),
    now,
  );
  return refs;
}

describe("what an alarm has sent without the queue", () => {
  it("is all that is due, up to six, under leases that are stored", ({ expect }) =>
    withLedger((ledger, open) => {
      const refs = fail(ledger, 6);
      expect(ledger.retry(DUE - 10 * SECOND)).toEqual([]);
      const claims = ledger.retry(DUE);
      expect(claims.map(({ delivery: { id } }) => id)).toEqual(refs.map(({ id }) => id));
      expect(claims.map(({ grant }) => grant.number)).toEqual(Array(6).fill(2));
      // Whoever wakes after a death leaves them to those who have them, and comes back when these cannot have them any more.
      const later = open();
      expect([later.retry(DUE), later.release(DUE).deliveries]).toEqual([[], []]);
      expect(later.nextAlarm(DUE)).toBe(DUE + LEASE);
      expect(later.retry(DUE + LEASE)).toHaveLength(6);
    }));

  it("is nothing where it is more: it goes by the queue", ({ expect }) =>
    withLedger((ledger) => {
      fail(ledger, 7);
      expect(ledger.retry(DUE)).toEqual([]);
      expect(ledger.release(DUE).deliveries).toHaveLength(7);
    }));

  it("is up to 25 where the receiver answers at once, whose retries go together", ({ expect }) =>
    withLedger((ledger) => {
      fail(ledger, 25, "status", T0, 20);
      expect(ledger.retry(DUE)).toHaveLength(25);
    }));

  it("is nothing while the receiver keeps one waiting: after a timeout, a slow answer, or with one that hangs", ({
    expect,
  }) =>
    withLedger((ledger) => {
      fail(ledger, 1, "timeout");
      expect(ledger.retry(DUE)).toEqual([]);
      expect(ledger.release(DUE)).toMatchObject({ lane: "slow", deliveries: [{}] });
    }).then(() =>
      withLedger((ledger) => {
        fail(ledger, 1);
        const [hangs] = ledger.admit([delivery(T0)], DUE - SECOND).admissions;
        if (hangs?.do !== "send") throw new Error("it is not let through");
        const { attemptId, leasedUntil } = hangs;
        ledger.lag([{ delivery: { id: hangs.id, type: "e" }, attemptId, leasedUntil }], DUE);
        expect(ledger.retry(DUE)).toEqual([]);
      }),
    ));

  it("goes to an endpoint that fails at once, and not through its breaker", ({ expect }) =>
    withLedger((ledger) => {
      fail(ledger, 3);
      expect(ledger.retry(DUE)).toHaveLength(3);
    }).then(() =>
      withLedger((ledger) => {
        for (let i = 0; i < 10; i++) attempt(ledger, delivery(T0 + i), "connection", T0 + i, "slow");
        expect(ledger.state.health(DUE).breaker.state).not.toBe("closed");
        expect(ledger.retry(DUE)).toEqual([]);
      }),
    ));

  it("is nothing of an endpoint that is disabled or deleted", ({ expect }) =>
    withLedger((ledger) => {
      fail(ledger, 1);
      ledger.disable("manual", T0 + SECOND);
      expect(ledger.retry(DUE)).toEqual([]);
      ledger.enable(T0 + 2 * SECOND);
      fail(ledger, 1, "status", T0 + 2 * SECOND);
      ledger.close(T0 + 3 * SECOND);
      expect(ledger.retry(T0 + DAY)).toEqual([]);
    }));

  it("is as much as the rate limit allows", ({ expect }) =>
    withLedger(
      (ledger) => {
        for (let i = 0; i < 4; i++) fail(ledger, 1, "status", T0 + i * SECOND);
        expect(ledger.retry(DUE + 10 * SECOND)).toHaveLength(1);
      },
      { rateLimit: 1 },
    ));
});
