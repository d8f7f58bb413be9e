import { describe, it } from "vitest";
import type { Claim } from "../../src/contracts/delivery";
import type { Recorded } from "../../src/contracts/endpoint";
import type { Delivery } from "../../src/contracts/event";
import type { Ledger } from "../../src/endpoint/ledger";
import { byTurns } from "../../src/endpoint/memory/arrivals";
import { LANES, SLOTS } from "../../src/endpoint/policy/admission";
import { HOUR, SECOND } from "../../src/lib/time";
import { delivery, outcomeOf, T0, withLedger } from "./ledgers";

/** What a consumer with idle lanes asks to go on with. */
const next = (room = LANES, deliveries: Delivery[] = [], lane: "normal" | "slow" = "normal") => ({
  version: 1,
  lane,
  room,
  deliveries,
});

/** Lets as many go as there are slots; answers their grants. */
function fill(ledger: Ledger, now: number): { ref: Delivery; attemptId: string }[] {
  const refs = Array.from({ length: SLOTS }, () => delivery(T0));
  return ledger.admit(refs, now).admissions.map((admission, i) => {
    if (admission.do !== "send") throw new Error("not admitted");
    return { ref: refs[i] as Delivery, attemptId: admission.attemptId };
  });
}

/** So many new deliveries that find no slot. */
function waiting(ledger: Ledger, count: number, now: number): Delivery[] {
  const refs = Array.from({ length: count }, () => delivery(T0));
  ledger.admit(refs, now);
  return refs;
}

/** Ends an attempt that took `ms`, and goes on. */
function end(
  ledger: Ledger,
  { ref, attemptId }: { ref: Delivery; attemptId: string },
  now: number,
  offer = next(),
  error: "status" | "timeout" | null = null,
): Recorded {
  const outcome = outcomeOf(ref, attemptId, 1, error, now);
  if (outcome.kind === "attempted") outcome.attempt.durationMs = 200;
  return ledger.record([outcome], now, offer);
}

const ids = (claims: readonly Claim[]) => claims.map(({ delivery: { id } }) => id);

describe("what waits for a slot", () => {
  it("is handed to the consumer that frees one, the oldest first, with a lease that is a row", ({ expect }) =>
    withLedger((ledger, open) => {
      const [first] = fill(ledger, T0);
      const rows = waiting(ledger, 3, T0);
      if (first === undefined) throw new Error("no grant");
      const { claims, settings } = end(ledger, first, T0 + 200);
      expect(ids(claims)).toEqual([rows[0]?.id]);
      expect(settings?.endpoint).toBe("ep");
      expect(claims[0]?.grant).toMatchObject({ number: 1, trigger: "scheduled", leasedUntil: T0 + 200 + 60 * SECOND });
      // Nobody else gets it, not even after an eviction; its message is let go.
      const again = open();
      expect(again.admit([rows[0] as Delivery], T0 + 300).admissions).toEqual([{ do: "wait", id: rows[0]?.id }]);
      again.record([outcomeOf(rows[0] as Delivery, claims[0]?.grant.attemptId ?? "", 1, null, T0 + 400)], T0 + 400);
      expect(again.reading.look([rows[0]?.id ?? ""], T0 + 400)[0]).toMatchObject({ status: "succeeded", attempts: 1 });
    }));

  it("is never more than 25 in flight, and no more than there is room for", ({ expect }) =>
    withLedger((ledger) => {
      const grants = fill(ledger, T0);
      waiting(ledger, 60, T0);
      let inFlight = SLOTS;
      const ready = [...grants];
      for (let i = 0; i < 60; i++) {
        const ending = ready.shift();
        if (ending === undefined) break;
        const room = i % 4;
        const { claims } = end(ledger, ending, T0 + 200 + i, next(room));
        inFlight += claims.length - 1;
        expect(claims.length).toBeLessThanOrEqual(room);
        expect(inFlight).toBeLessThanOrEqual(SLOTS);
        ready.push(...claims.map(({ delivery: ref, grant }) => ({ ref, attemptId: grant.attemptId })));
      }
      expect(inFlight).toBeGreaterThan(SLOTS - 4);
    }));

  it("holds no slot while it is only in a queue", ({ expect }) =>
    withLedger((ledger) => {
      ledger.adopt(
        Array.from({ length: 100 }, () => delivery(T0)),
        0,
        T0,
      );
      const { deliveries, messages } = ledger.release(T0);
      expect(deliveries).toHaveLength(SLOTS);
      // As many in a message as one consumer can begin, so that several can share the slots.
      expect(messages.map(({ length }) => length)).toEqual([6, 6, 6, 6, 1]);
      // What is new finds all slots free.
      const fresh = Array.from({ length: SLOTS }, () => delivery(T0));
      expect(ledger.admit(fresh, T0).admissions.every((admission) => admission.do === "send")).toBe(true);
      // And no more is put onto the queue meanwhile.
      expect(ledger.release(T0 + SECOND).deliveries).toEqual([]);
      // Those that were released find none, and wait for the next.
      expect(ledger.admit(deliveries, T0 + SECOND).admissions.every((admission) => admission.do === "wait")).toBe(true);
      expect(ledger.reading.look([deliveries[0]?.id ?? ""], T0 + SECOND)[0]).toMatchObject({
        waitReason: "slots",
        nextAttemptAt: T0 + SECOND,
      });
    }));

  it("leaves half of the slots that come free to what is new, while a recovery has made much due", ({ expect }) =>
    withLedger((ledger) => {
      ledger.disable("manual", T0);
      waiting(ledger, 200, T0);
      ledger.enable(T0 + HOUR);
      ledger.recover({ since: 0, until: T0 + HOUR, statuses: ["held"], dryRun: false }, T0 + HOUR);
      const grants = fill(ledger, T0 + HOUR);
      const fresh = waiting(ledger, 10, T0 + HOUR + 1);
      const order: string[] = [];
      for (const [i, grant] of grants.entries()) {
        order.push(...ids(end(ledger, grant, T0 + HOUR + 200 + i, next(1)).claims));
      }
      const places = fresh.map(({ id }) => order.indexOf(id));
      // Every one of them among the first, oldest first, and the recovery goes on beside them.
      expect(places).toEqual([...places].sort((a, b) => a - b));
      expect(Math.min(...places)).toBe(0);
      expect(Math.max(...places)).toBeLessThanOrEqual(19);
      expect(order.length).toBe(SLOTS);
      const among = order.slice(0, 19);
      expect(among.filter((id) => !fresh.some((ref) => ref.id === id)).length).toBeGreaterThan(0);
    }));

  it("is handed out within the rate, and the rest is due when there is a token", ({ expect }) =>
    withLedger(
      (ledger) => {
        const refs = Array.from({ length: 20 }, () => delivery(T0));
        const { admissions } = ledger.admit(refs, T0);
        const sent = admissions.filter((admission) => admission.do === "send");
        expect(sent).toHaveLength(5);
        let claimed = 0;
        for (const [i, admission] of sent.entries()) {
          if (admission.do !== "send") continue;
          const ref = refs[i] as Delivery;
          claimed += end(ledger, { ref, attemptId: admission.attemptId }, T0 + 400).claims.length;
        }
        // 400 ms are two tokens.
        expect(claimed).toBe(2);
      },
      { rateLimit: 5 },
    ));

  it("is not handed out while the breaker is open: its one probe is the alarm's to call", ({ expect }) =>
    withLedger((ledger) => {
      const grants = fill(ledger, T0);
      waiting(ledger, 40, T0);
      const slow = () => next(LANES, [], "slow");
      for (const grant of grants.slice(0, 10)) end(ledger, grant, T0 + 200, next(0), "timeout");
      expect(ledger.state.health(T0 + 200).breaker.state).toBe("open");
      for (const grant of grants.slice(10, 14)) {
        expect(end(ledger, grant, T0 + 200, slow(), "timeout").claims).toEqual([]);
      }
      // Half-open: a late failure of an earlier attempt brings nobody a second probe.
      const now = T0 + 31 * SECOND;
      const [probe] = ledger.release(now).deliveries;
      expect(end(ledger, grants[14] as (typeof grants)[0], now, slow(), "timeout").claims).toEqual([]);
      const [admission] = ledger.admit([probe as Delivery], now, { lane: "slow", room: 1 }).admissions;
      if (admission?.do !== "send") throw new Error("no probe");
      expect(end(ledger, grants[15] as (typeof grants)[0], now, slow(), "timeout").claims).toEqual([]);
      // It succeeds: what waits goes on.
      const { claims } = end(ledger, { ref: probe as Delivery, attemptId: admission.attemptId }, now + 1, slow());
      expect(claims.length).toBeGreaterThan(0);
    }));

  it("is not handed out in the normal lane once its endpoint has begun to fail", ({ expect }) =>
    withLedger((ledger) => {
      const [first, second] = fill(ledger, T0);
      waiting(ledger, 5, T0);
      if (first === undefined || second === undefined) throw new Error("no grant");
      expect(end(ledger, first, T0 + 200, next(), "timeout")).toMatchObject({ slow: true, claims: [] });
      expect(end(ledger, second, T0 + 300, next(LANES, [], "slow"), "timeout").claims.length).toBeGreaterThan(0);
    }));

  it("is stopped by what stops it: disabling, deletion, erasure; what was handed out before does not stand", ({
    expect,
  }) =>
    withLedger((ledger) => {
      const [first, second, third, fourth] = fill(ledger, T0);
      const rows = waiting(ledger, 5, T0);
      if (!first || !second || !third || !fourth) throw new Error("no grant");
      const [claim] = end(ledger, first, T0 + 200, next(1)).claims;
      if (claim === undefined) throw new Error("no claim");
      const stands = () => ledger.stands(claim.delivery, claim.grant.attemptId, 1, T0 + SECOND);
      expect(stands()).toBe(true);
      ledger.erase([claim.delivery, rows[1] as Delivery], T0 + 300);
      expect(stands()).toBe(false);
      expect(ids(end(ledger, second, T0 + 300, next(1)).claims)).toEqual([rows[2]?.id]);
      ledger.disable("manual", T0 + 400);
      expect(end(ledger, third, T0 + 400).claims).toEqual([]);
      ledger.enable(T0 + 500);
      // Held, and not asked for: still nothing.
      expect(end(ledger, fourth, T0 + 500).claims).toEqual([]);
      ledger.close(T0 + 600);
      expect(ledger.record([], T0 + 600, next()).claims).toEqual([]);
    }));

  it("comes before what the consumer brings, which it keeps and offers again", ({ expect }) =>
    withLedger((ledger) => {
      const [first] = fill(ledger, T0);
      const [row] = waiting(ledger, 1, T0);
      if (first === undefined) throw new Error("no grant");
      const own = delivery(T0);
      const { claims, admissions } = end(ledger, first, T0 + 200, next(LANES, [own]));
      expect(ids(claims)).toEqual([row?.id]);
      expect(admissions).toEqual([{ do: "later", id: own.id }]);
      expect(ledger.reading.look([own.id], T0 + 200)).toEqual([null]);
    }));
});

describe("turns", () => {
  it("alternate, go on with the other list where one is through, and give nobody two", ({ expect }) => {
    const of = (...names: string[]) => names.map((id) => ({ id }));
    const picked = (count: number) => byTurns(of("a", "b"), of("c", "a", "d", "e"), count).map(({ id }) => id);
    expect(picked(0)).toEqual([]);
    expect(picked(3)).toEqual(["a", "c", "b"]);
    expect(picked(9)).toEqual(["a", "c", "b", "d", "e"]);
  });
});

describe("an attempt that hangs", () => {
  it("becomes a row with its lease, so that nothing forgets it and nobody sends beside it", ({ expect }) =>
    withLedger((ledger, open) => {
      const [a, b] = [delivery(T0), delivery(T0)];
      const [first, second] = ledger.admit([a, b], T0).admissions;
      if (first?.do !== "send" || second?.do !== "send") throw new Error("not admitted");
      const { attemptId, leasedUntil } = first;
      ledger.lag([{ delivery: a, attemptId, leasedUntil }], T0 + 200);
      const evicted = open();
      expect(evicted.admit([a], T0 + SECOND).admissions).toEqual([{ do: "wait", id: a.id }]);
      expect(evicted.release(T0 + SECOND).deliveries).toEqual([]);
      // Its object has lost its memory before it was told.
      evicted.lag([{ delivery: b, attemptId: second.attemptId, leasedUntil: second.leasedUntil }], T0 + SECOND);
      const again = open();
      expect(again.stands(a, attemptId, 1, T0 + SECOND)).toBe(true);
      expect(again.stands(b, second.attemptId, 1, T0 + SECOND)).toBe(true);
      evicted.record([outcomeOf(a, attemptId, 1, "timeout", T0 + 10 * SECOND)], T0 + 10 * SECOND);
      expect(evicted.reading.look([a.id], T0 + 10 * SECOND)[0]).toMatchObject({ status: "retrying", attempts: 1 });
    }));

  it("that has ended, or has been given to another, is not brought back", ({ expect }) =>
    withLedger((ledger, open) => {
      const a = delivery(T0);
      const [first] = ledger.admit([a], T0).admissions;
      if (first?.do !== "send") throw new Error("not admitted");
      const hanging = [{ delivery: a, attemptId: first.attemptId, leasedUntil: first.leasedUntil }];
      const other = open();
      const [second] = other.admit([a], T0 + 1).admissions;
      if (second?.do !== "send") throw new Error("not admitted");
      other.lag(hanging, T0 + 2);
      expect(other.stands(a, second.attemptId, 1, T0 + SECOND)).toBe(true);
      other.record([outcomeOf(a, second.attemptId, 1, null, T0 + 3)], T0 + 3);
      other.lag(hanging, T0 + 4);
      expect(other.reading.look([a.id], T0 + 4)[0]).toMatchObject({ status: "succeeded" });
    }));

  it("is held when its endpoint is disabled before it is told, and its outcome counts", ({ expect }) =>
    withLedger((ledger) => {
      const a = delivery(T0);
      const [first] = ledger.admit([a], T0).admissions;
      if (first?.do !== "send") throw new Error("not admitted");
      ledger.disable("manual", T0 + 100);
      ledger.lag([{ delivery: a, attemptId: first.attemptId, leasedUntil: first.leasedUntil }], T0 + 200);
      ledger.record([outcomeOf(a, first.attemptId, 1, "timeout", T0 + 10 * SECOND)], T0 + 10 * SECOND);
      expect(ledger.reading.look([a.id], T0 + 10 * SECOND)[0]).toMatchObject({ status: "held", attempts: 1 });
      expect(ledger.release(T0 + 61 * SECOND).deliveries).toEqual([]);
    }));
});

describe("an endpoint's pace", () => {
  it("is slow once its answers take a second on average, though they succeed, and well again soon", ({ expect }) =>
    withLedger((ledger, open) => {
      const took = (at: Ledger, ms: number) => {
        const ref = delivery(T0);
        const [admission] = at.admit([ref], T0, { lane: "slow", room: 1 }).admissions;
        if (admission?.do !== "send") throw new Error("not admitted");
        const outcome = outcomeOf(ref, admission.attemptId, 1, null, T0);
        if (outcome.kind === "attempted") outcome.attempt.durationMs = ms;
        return at.record([outcome], T0).slow;
      };
      expect([10, 10, 3_000].map((ms) => took(ledger, ms))).toEqual([false, false, false]);
      expect([3_000, 3_000].map((ms) => took(ledger, ms))).toContain(true);
      // The next event waits for the likes of it.
      expect(ledger.admit([delivery(T0)], T0).admissions).toMatchObject([{ do: "wait" }]);
      expect(ledger.release(T0).lane).toBe("slow");
      // It outlives an eviction, and ends by itself.
      const evicted = open();
      expect(evicted.admit([delivery(T0)], T0).admissions).toMatchObject([{ do: "wait" }]);
      expect([10, 10, 10].map((ms) => took(evicted, ms)).at(-1)).toBe(false);
      expect(evicted.admit([delivery(T0)], T0).admissions).toMatchObject([{ do: "send" }]);
    }));

  it("writes nothing while it stays what it is", ({ expect }) =>
    withLedger((ledger, _, sql) => {
      const rows = (ms: number) => {
        const before = sql.rowsWritten;
        const ref = delivery(T0);
        const [admission] = ledger.admit([ref], T0).admissions;
        if (admission?.do !== "send") throw new Error("not admitted");
        const outcome = outcomeOf(ref, admission.attemptId, 1, null, T0);
        if (outcome.kind === "attempted") outcome.attempt.durationMs = ms;
        ledger.record([outcome], T0);
        return sql.rowsWritten - before;
      };
      expect([5, 20, 60, 90, 10].map(rows)).toEqual([1, 1, 1, 1, 1]);
      // Once when it is not fast any more, and then no more.
      expect([400, 300, 350, 200].map(rows)).toEqual([2, 1, 1, 1]);
    }));

  it("decides how many a consumer gets that can begin six: all slots of one that answers at once, else six", ({
    expect,
  }) =>
    withLedger((ledger) => {
      const sent = () => {
        const refs = Array.from({ length: SLOTS }, () => delivery(T0));
        const { admissions } = ledger.admit(refs, T0, { lane: "normal", room: LANES });
        const grants = admissions.flatMap((admission, i) =>
          admission.do === "send" ? [outcomeOf(refs[i] as Delivery, admission.attemptId, 1, null, T0)] : [],
        );
        ledger.record(grants, T0);
        return grants.length;
      };
      // Nothing is known of it at first.
      expect([sent(), sent()]).toEqual([LANES, SLOTS]);
      ledger.state.answered(2_000);
      expect(sent()).toBe(LANES);
    }));
});
