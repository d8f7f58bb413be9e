import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import type { DeliveryError } from "../../src/contracts/delivery";
import type { Delivery } from "../../src/contracts/event";
import type { Ledger } from "../../src/endpoint/ledger";
import { Journal } from "../../src/event-log/journal/journal";
import { Sql } from "../../src/lib/sql";
import { DAY, dayOf, HOUR, MINUTE, SECOND } from "../../src/lib/time";
import { fresh } from "../lib/fresh";
import { attempt, delivery, fire, outcomeOf, SCHEDULE, SETTINGS, SLOW, T0, tellOperator, withLedger } from "./ledgers";

describe("two deliveries with different due times under one alarm", () => {
  it("each fire when due and no earlier: neither overwrites the other's time, nor do both run when one is due", async ({
    expect,
  }) => {
    await withLedger((ledger) => {
      const [a, b] = [delivery(T0), delivery(T0 + 10 * SECOND)];
      attempt(ledger, a, "status", T0);
      attempt(ledger, b, "status", T0 + 10 * SECOND);
      expect(ledger.nextAlarm(T0 + 10 * SECOND)).toBe(T0 + 30 * SECOND);
      expect(fire(ledger, null, T0 + 30 * SECOND - 1)).toEqual([]);
      expect(fire(ledger, null, T0 + 30 * SECOND)).toEqual([a.id]);
      expect(ledger.nextAlarm(T0 + 30 * SECOND)).toBe(T0 + 40 * SECOND);
      expect(fire(ledger, null, T0 + 40 * SECOND - 1)).toEqual([]);
      expect(fire(ledger, null, T0 + 40 * SECOND)).toEqual([b.id]);
      expect(ledger.nextAlarm(T0 + 40 * SECOND)).toBeNull();
    });
  });

  it("are not lost when the object is evicted, and fire once when the alarm runs twice", async ({ expect }) => {
    await withLedger((first, open) => {
      const [a, b] = [delivery(T0), delivery(T0 + SECOND)];
      attempt(first, a, "status", T0);
      attempt(first, b, "status", T0 + SECOND);
      const second = open();
      expect(second.nextAlarm(T0 + SECOND)).toBe(T0 + 30 * SECOND);
      const now = T0 + 31 * SECOND;
      const released = [...second.release(now).deliveries, ...second.release(now).deliveries];
      expect(released.map(({ id }) => id)).toEqual([a.id, b.id]);
      expect(released.map((ref) => attempt(second, ref, null, now))).toEqual([true, true]);
      // The messages come a second time.
      expect(released.map((ref) => attempt(second, ref, null, now))).toEqual([false, false]);
      expect(second.reading.look([a.id, b.id], T0).map((record) => record?.attempts)).toEqual([2, 2]);
    });
  });
});

describe("the default schedule", () => {
  it("tries after 30 s, 2 min, 10 min, 1 h and 4 h, then marks the delivery failed", async ({ expect }) => {
    await withLedger((ledger) => {
      const a = delivery(T0);
      attempt(ledger, a, "status", T0);
      let now = T0;
      for (const [i, delay] of SCHEDULE.entries()) {
        expect(ledger.reading.look([a.id], T0)[0]).toMatchObject({
          status: "retrying",
          nextAttemptAt: now + delay * SECOND,
        });
        now += delay * SECOND;
        expect(fire(ledger, "status", now - 1)).toEqual([]);
        expect(fire(ledger, "status", now)).toEqual([a.id]);
        expect(ledger.reading.look([a.id], T0)[0]?.attempts).toBe(i + 2);
      }
      expect(ledger.reading.look([a.id], T0)[0]).toMatchObject({
        status: "failed",
        nextAttemptAt: null,
        finishedAt: now,
      });
      tellOperator(ledger, now);
      expect(ledger.nextAlarm(now)).toBeNull();
    });
  });

  it("takes a later setting for the next retry", async ({ expect }) => {
    await withLedger((ledger) => {
      const a = delivery(T0);
      attempt(ledger, a, "status", T0);
      ledger.state.configure(
        { ...SETTINGS, version: 2, retry: [30, 7] },
        { enabled: true, disabledReason: null, disabledAt: null },
      );
      fire(ledger, "status", T0 + 30 * SECOND);
      expect(ledger.reading.look([a.id], T0)[0]?.nextAttemptAt).toBe(T0 + 37 * SECOND);
    });
  });
});

describe("seven days of failures", () => {
  /** One delivery a day at noon plus its retries; all fail until `days` are over. */
  const failDaily = (ledger: Ledger, from: number, until: number, each = DAY) => {
    for (let at = from; at <= until; at += each) attempt(ledger, delivery(at), "status", at);
  };

  it("disable the endpoint at the failing attempt that completes them, with reason and time", async ({ expect }) => {
    await withLedger((ledger) => {
      attempt(ledger, delivery(T0), "status", T0);
      for (let now = T0; now < T0 + 7 * DAY; now += HOUR) {
        fire(ledger, "status", now);
        if ((now - T0) % DAY === 0) ledger.adopt([delivery(now)], 0, now);
      }
      expect(ledger.state.stored.enabled).toBe(true);
      expect(ledger.state.health(T0)).toMatchObject({
        state: "failing",
        failingSince: T0,
        disablesAt: T0 + 7 * DAY,
      });
      const last = delivery(T0 + 7 * DAY);
      ledger.adopt([last], 0, T0 + 7 * DAY);
      fire(ledger, "status", T0 + 7 * DAY);
      expect(ledger.state.health(T0)).toMatchObject({
        state: "disabled",
        disabledReason: "failing",
        disabledAt: T0 + 7 * DAY,
      });
      // Not lost: held, and no longer due.
      expect(ledger.reading.look([last.id], T0)[0]).toMatchObject({ status: "held", nextAttemptAt: null });
      expect(ledger.state.health(T0).window).toHaveLength(7);
    });
  });

  it("are forgotten at one success anywhere", async ({ expect }) => {
    await withLedger((ledger) => {
      failDaily(ledger, T0, T0 + DAY, 12 * HOUR);
      for (let now = T0; now <= T0 + 6 * DAY; now += HOUR) fire(ledger, "status", now);
      expect(attemptSlow(ledger, null, T0 + 6 * DAY + HOUR)).toBe(true);
      expect(ledger.state.health(T0)).toMatchObject({
        state: "healthy",
        failingSince: null,
        consecutiveFailures: 0,
      });
      attempt(ledger, delivery(T0 + 7 * DAY), "status", T0 + 7 * DAY);
      expect(ledger.state.stored.enabled).toBe(true);
    });
  });

  it("do not disable when they are two isolated failures a week apart", async ({ expect }) => {
    await withLedger((ledger) => {
      attempt(ledger, delivery(T0), "status", T0);
      attempt(ledger, delivery(T0 + 7 * DAY), "status", T0 + 7 * DAY);
      expect(ledger.state.health(T0)).toMatchObject({ state: "failing", failingSince: T0 });
    });
  });

  it("start clean after re-enabling: the next failure does not disable", async ({ expect }) => {
    await withLedger((ledger) => {
      ledger.disable("failing", T0);
      ledger.enable(T0 + HOUR);
      expect(ledger.state.health(T0)).toMatchObject({
        state: "healthy",
        failingSince: null,
        consecutiveFailures: 0,
      });
      attempt(ledger, delivery(T0 + HOUR), "status", T0 + HOUR);
      expect(ledger.state.health(T0)).toMatchObject({ state: "failing", failingSince: T0 + HOUR });
    });
  });

  it("survive an eviction", async ({ expect }) => {
    await withLedger((ledger, open) => {
      attempt(ledger, delivery(T0), "status", T0);
      attempt(ledger, delivery(T0 + 2 * DAY), "status", T0 + 2 * DAY);
      const again = open();
      expect(again.state.health(T0)).toEqual(ledger.state.health(T0));
      attempt(again, delivery(T0 + 7 * DAY), "status", T0 + 7 * DAY);
      expect(again.state.stored.disabledReason).toBe("failing");
    });
  });

  /** An attempt for an endpoint that takes the slow lane: waits, is released, is sent. */
  function attemptSlow(ledger: Ledger, error: DeliveryError | null, now: number): boolean {
    const ref = delivery(now);
    return attempt(ledger, ref, error, now) || fire(ledger, error, now).includes(ref.id);
  }
});

describe("a backlog of 20 minutes", () => {
  it("is not multiplied by reconciling: three messages for a delivery, one request", async ({ expect }) => {
    await withLedger((ledger) => {
      const a = delivery(T0);
      const reconcile = 300 * SECOND;
      let messages = 1; // its own, stuck in the queue
      for (let now = T0; now < T0 + 20 * MINUTE; now += SECOND) {
        if (now === T0 + reconcile) ledger.adopt([a], reconcile / 2, now);
        messages += ledger.release(now).deliveries.length;
      }
      expect(messages).toBeLessThanOrEqual(3);
      const sent = Array.from({ length: messages }, () => attempt(ledger, a, null, T0 + 20 * MINUTE));
      expect(sent.filter(Boolean)).toHaveLength(1);
      expect(ledger.nextAlarm(T0 + 20 * MINUTE)).toBeNull();
    });
  });

  it("sends an adopted delivery when its own first message arrives before it is released", async ({ expect }) => {
    await withLedger((ledger) => {
      const a = delivery(T0);
      ledger.adopt([a], 150 * SECOND, T0);
      expect(attempt(ledger, a, null, T0 + SECOND)).toBe(true);
    });
  });
});

describe("what is billed", () => {
  it("is two rows for a first-attempt success: the event and the delivery", async ({ expect }) => {
    const day = dayOf(Date.now() + 400 * DAY);
    const stub = env.EVENT_LOG.getByName(`${fresh("t")}/${day}`) as unknown as DurableObjectStub;
    const forEvent = await runInDurableObject(stub, (_, state) => {
      const sql = new Sql(state.storage.sql);
      const journal = new Journal(sql, day);
      journal.append({ type: "e", data: '{"a":1}', matches: [{ endpoint: "ep" }] }, Date.parse(day));
      const before = sql.rowsWritten;
      journal.append({ type: "e", data: '{"a":1}', matches: [{ endpoint: "ep" }] }, Date.parse(day));
      return sql.rowsWritten - before;
    });
    const forDelivery = await withLedger((ledger, _, sql) => {
      const before = sql.rowsWritten;
      expect(attempt(ledger, delivery(T0), null, T0)).toBe(true);
      return sql.rowsWritten - before;
    });
    expect({ forEvent, forDelivery }).toEqual({ forEvent: 1, forDelivery: 1 });
  });

  it("is so many rows for each step of a delivery that fails, waits or is held", async ({ expect }) => {
    const rows = await withLedger((ledger, open, sql) => {
      const rows: Record<string, number> = {};
      const count = <T>(step: string, what: () => T): T => {
        const before = sql.rowsWritten;
        const result = what();
        rows[step] = sql.rowsWritten - before;
        return result;
      };
      const a = delivery(T0);
      count("the first failure", () => attempt(ledger, a, "status", T0));
      count("a failure after it", () => attempt(ledger, delivery(T0), "status", T0 + 1));
      count("a retry is released", () => ledger.release(T0 + 30 * SECOND));
      const [again] = count("and admitted", () => ledger.admit([a], T0 + 30 * SECOND).admissions);
      if (again?.do !== "send") throw new Error("not admitted");
      const failed = outcomeOf(a, again.attemptId, 2, "status", T0 + 30 * SECOND);
      count("and fails", () => ledger.record([failed], T0 + 31 * SECOND));
      ledger.release(T0 + 151 * SECOND);
      const [third] = ledger.admit([a], T0 + 151 * SECOND, SLOW).admissions;
      if (third?.do !== "send") throw new Error("not admitted");
      const succeeded = outcomeOf(a, third.attemptId, 3, null, T0 + 151 * SECOND);
      count("the success that ends the failures", () => ledger.record([succeeded], T0 + 152 * SECOND));
      count("a message of a delivery that is done", () => ledger.admit([a], T0 + 153 * SECOND));
      count("what a handover names and has a row", () => ledger.adopt([a], SECOND, T0 + 154 * SECOND));
      count("what a handover names and has none", () => ledger.adopt([delivery(T0)], DAY, T0 + 155 * SECOND));
      ledger.disable("manual", T0 + 200 * SECOND);
      const b = delivery(T0 + 201 * SECOND);
      count("what is held", () => ledger.admit([b], T0 + 201 * SECOND));
      count("the same again", () => ledger.admit([b], T0 + 202 * SECOND));
      ledger.enable(T0 + 203 * SECOND);
      count("what is recovered", () =>
        ledger.recover(
          { since: T0 + 201 * SECOND, until: T0 + 202 * SECOND, statuses: ["held"], dryRun: false },
          T0 + 204 * SECOND,
        ),
      );
      count("what is recovered is released", () => ledger.release(T0 + 205 * SECOND));
      const [recovered] = count("and admitted again", () => ledger.admit([b], T0 + 205 * SECOND).admissions);
      if (recovered?.do !== "send") throw new Error("not admitted");
      count("and delivered", () => ledger.record([outcomeOf(b, recovered.attemptId, 1, null, T0)], T0 + 206 * SECOND));
      count("an object that was evicted is there again", () => open());
      count("an alarm that finds nothing", () => ledger.release(T0 + 300 * SECOND));
      return rows;
    });
    // A row counts as one for itself and one for each index that it comes into: a retry is in one. All that is known of
    // the endpoint, and who has which delivery, is one row more.
    expect(rows).toEqual({
      "the first failure": 3,
      "a failure after it": 4,
      "a retry is released": 1,
      "and admitted": 1,
      "and fails": 3,
      "the success that ends the failures": 2,
      "a message of a delivery that is done": 0,
      "what a handover names and has a row": 0,
      "what a handover names and has none": 2,
      "what is held": 2,
      "the same again": 0,
      "what is recovered": 3,
      "what is recovered is released": 1,
      "and admitted again": 1,
      "and delivered": 3,
      "an object that was evicted is there again": 0,
      "an alarm that finds nothing": 0,
    });
  });
});

describe("an outcome", () => {
  it("counts once, however often it is recorded", async ({ expect }) => {
    await withLedger((ledger) => {
      const a = delivery(T0);
      const [admission] = ledger.admit([a], T0).admissions;
      if (admission?.do !== "send") throw new Error("not admitted");
      const outcome = outcomeOf(a, admission.attemptId, 1, "status", T0);
      ledger.record([outcome], T0);
      ledger.record([outcome, outcome], T0 + SECOND);
      expect(ledger.reading.look([a.id], T0)[0]).toMatchObject({ attempts: 1, nextAttemptAt: T0 + 30 * SECOND });
      expect(ledger.state.health(T0).consecutiveFailures).toBe(1);
    });
  });

  it("that is told again once a person has asked for another attempt takes nothing of it", async ({ expect }) => {
    await withLedger((ledger) => {
      const a = delivery(T0);
      const [admission] = ledger.admit([a], T0).admissions;
      if (admission?.do !== "send") throw new Error("not admitted");
      const outcome = outcomeOf(a, admission.attemptId, 1, null, T0);
      ledger.record([outcome], T0);
      expect(ledger.resend(a, T0 + HOUR)).toBe("resending");
      ledger.record([outcome], T0 + HOUR + 1);
      expect(ledger.reading.look([a.id], T0 + HOUR + 1)[0]).toMatchObject({ status: "retrying", attempts: 1 });
      expect(fire(ledger, null, T0 + HOUR + 2)).toEqual([a.id]);
      expect(ledger.reading.attempts(a.id)).toHaveLength(2);
    });
  });

  it("that is late and failed reopens nothing; late and successful it wins", async ({ expect }) => {
    await withLedger((ledger) => {
      const a = delivery(T0);
      attempt(ledger, a, "status", T0); // the window is open: leases are rows
      ledger.release(T0 + 30 * SECOND);
      const [slow] = ledger.admit([a], T0 + 30 * SECOND).admissions;
      ledger.release(T0 + 91 * SECOND); // its lease has ended
      const [second] = ledger.admit([a], T0 + 91 * SECOND).admissions;
      if (slow?.do !== "send" || second?.do !== "send") throw new Error("not admitted");
      ledger.record([outcomeOf(a, slow.attemptId, 2, "status", T0 + 30 * SECOND)], T0 + 92 * SECOND);
      expect(ledger.reading.look([a.id], T0)[0]).toMatchObject({ attempts: 1 });
      ledger.record([outcomeOf(a, slow.attemptId, 2, null, T0 + 30 * SECOND)], T0 + 93 * SECOND);
      expect(ledger.reading.look([a.id], T0)[0]).toMatchObject({ status: "succeeded", attempts: 2 });
      ledger.record([outcomeOf(a, second.attemptId, 2, "status", T0 + 91 * SECOND)], T0 + 95 * SECOND);
      expect(ledger.reading.look([a.id], T0)[0]).toMatchObject({ status: "succeeded", attempts: 2 });
      expect(ledger.nextAlarm(T0 + 95 * SECOND)).toBeNull();
    });
  });
});

describe("slots", () => {
  it("let at most 25 deliveries be in flight, and the rest wait with the reason", async ({ expect }) => {
    await withLedger((ledger) => {
      const all = Array.from({ length: 40 }, () => delivery(T0));
      const { admissions } = ledger.admit(all, T0);
      expect(admissions.filter((admission) => admission.do === "send")).toHaveLength(25);
      // Whoever has some to send comes back with the others, and nothing is written for them.
      expect(admissions.slice(25).every((admission) => admission.do === "later")).toBe(true);
      // Whoever has none leaves them here.
      const waiting = all.slice(25).map(({ id }) => id);
      const others = ledger.admit(all.slice(25), T0).admissions;
      expect(others.every((admission) => admission.do === "wait")).toBe(true);
      expect(ledger.reading.look(waiting, T0).every((record) => record?.waitReason === "slots")).toBe(true);
      expect(ledger.release(T0 + SECOND).deliveries).toEqual([]);
      const first = admissions[0];
      if (first?.do !== "send") throw new Error("not admitted");
      ledger.record([outcomeOf({ id: first.id, type: "e" }, first.attemptId, 1, null, T0)], T0 + SECOND);
      // The consumers at work take what is due with their next outcome; the alarm is for the case that none does.
      expect(ledger.nextAlarm(T0 + SECOND)).toBe(T0 + SECOND + 250);
      expect(ledger.release(T0 + 2 * SECOND).deliveries.map(({ id }) => id)).toEqual([waiting[0]]);
    });
  });
});

describe("an endpoint in good health", () => {
  it("admits new deliveries and writes nothing; whatever is not as new is left to be looked at", ({ expect }) =>
    withLedger((ledger, _, sql) => {
      const all = Array.from({ length: 30 }, (_, i) => delivery(T0 + i));
      const [first, second, ...others] = all as [Delivery, Delivery, ...Delivery[]];
      const written = sql.rowsWritten;
      const admitted = ledger.admitNew([first, second], T0)?.admissions.map((admission) => admission.do);
      expect([admitted, sql.rowsWritten - written]).toEqual([["send", "send"], 0]);
      // One is under way, one named twice.
      expect(ledger.admitNew([first, ...others.slice(0, 2)], T0 + 1)).toBeNull();
      expect(ledger.admitNew([...others.slice(0, 2), ...others.slice(1, 3)], T0 + 1)).toBeNull();
      attempt(ledger, others[0] as Delivery, "status", T0 + 2);
      // One has a row, and the window is open.
      expect(ledger.admitNew(others.slice(0, 2), T0 + 3)).toBeNull();
      expect(ledger.admitNew(others.slice(1, 3), T0 + 3)).toBeNull();
      ledger.disable("manual", T0 + 4);
      expect(ledger.admitNew(others.slice(1, 3), T0 + 5)).toBeNull();
    }));
});

describe("an attempt that waits for a lane", () => {
  it("stands as long as nothing has changed under it, and nobody else has the delivery", ({ expect }) =>
    withLedger((ledger, open) => {
      const a = delivery(T0);
      const grant = (ref: Delivery): string => {
        const [admission] = ledger.admit([ref], T0).admissions;
        if (admission?.do !== "send") throw new Error("not admitted");
        return admission.attemptId;
      };
      const first = grant(a);
      expect(ledger.stands(a, first, 1, T0 + SECOND)).toBe(true);
      expect(ledger.stands(a, first, 2, T0 + SECOND)).toBe(false);
      // Forgotten with the object's memory, it is taken at its word until the delivery is somebody else's.
      expect(open().stands(a, first, 1, T0 + SECOND)).toBe(true);
      const again = open();
      again.adopt([a], 0, T0);
      expect(again.stands(a, first, 1, T0 + SECOND)).toBe(true);
      expect(again.release(T0 + SECOND).deliveries).toHaveLength(1);
      const [second] = again.admit([a], T0 + SECOND).admissions;
      expect(second?.do === "send" && again.stands(a, second.attemptId, 1, T0 + SECOND)).toBe(true);
      expect(again.stands(a, first, 1, T0 + SECOND)).toBe(false);
    }));

  it("does not once its event is erased, or its endpoint disabled or deleted; a test needs no endpoint that is enabled", ({
    expect,
  }) =>
    withLedger((ledger) => {
      const [erased, held, test] = [delivery(T0), delivery(T0), { ...delivery(T0), test: true }];
      const ids = ledger
        .admit([erased, held, test], T0)
        .admissions.map((admission) => (admission.do === "send" ? admission.attemptId : ""));
      const stand = () => [erased, held, test].map((ref, i) => ledger.stands(ref, ids[i] ?? "", 1, T0 + SECOND));
      expect(stand()).toEqual([true, true, true]);
      ledger.erase([erased], T0);
      expect(stand()).toEqual([false, true, true]);
      ledger.disable("manual", T0);
      expect(stand()).toEqual([false, false, true]);
      ledger.close(T0);
      expect(stand()).toEqual([false, false, false]);
    }));
});

describe("a manual resend racing the scheduled retry", () => {
  it("is due now with today's format, also when the retry was released before and its message is lost", ({ expect }) =>
    withLedger((ledger) => {
      const a = delivery(T0);
      attempt(ledger, a, "status", T0);
      const now = T0 + 30 * SECOND;
      ledger.release(now);
      expect(ledger.resend(a, now)).toBe("resending");
      // The message after all: its turn is over.
      expect(ledger.admit([a], now).admissions).toMatchObject([{ do: "wait" }]);
      expect(ledger.release(now).deliveries).toHaveLength(1);
      const [admission] = ledger.admit([a], now).admissions;
      expect(admission).toMatchObject({ do: "send", trigger: "manual", format: null });
    }));

  it("becomes the probe when the retry was called for it", ({ expect }) =>
    withLedger((ledger) => {
      const all = Array.from({ length: 10 }, () => delivery(T0));
      for (const ref of all) attempt(ledger, ref, "timeout", T0);
      fire(ledger, "timeout", T0 + 30 * SECOND);
      for (let i = 1; ledger.state.stored.breaker.open === null; i++) fire(ledger, "timeout", T0 + (30 + i) * SECOND);
      const now = T0 + HOUR;
      const [probe] = ledger.release(now).deliveries;
      if (probe === undefined) throw new Error("no probe");
      expect(ledger.resend(probe, now)).toBe("resending");
      expect(ledger.admit([probe], now, SLOW).admissions).toMatchObject([
        { do: "send", trigger: "manual", format: null },
      ]);
    }));

  /** Every order in which resends, the retry's release and its message can come; the attempt fails in the end. */
  const orders = ["RA", "AR", "RRA", "ARR", "RAR", "AMR", "AMRA", "RAMA", "ARMA", "RAMRAM"];

  it.for(orders)("makes never one more attempt than planned, never two at once: %s", (order, { expect }) =>
    withLedger(
      (ledger) => {
        const a = delivery(T0);
        attempt(ledger, a, "status", T0);
        const now = T0 + 30 * SECOND;
        const messages: { id: string; type: string }[] = [];
        const granted: { attemptId: string; number: number }[] = [];
        const take = () => {
          for (const { admissions } of messages.splice(0).map((ref) => ledger.admit([ref, ref], now)))
            for (const admission of admissions) if (admission.do === "send") granted.push(admission);
        };
        for (const step of order) {
          if (step === "R") {
            const answer = ledger.resend(a, now);
            expect(answer).toBe(granted.length > 0 ? "in-flight" : "resending");
          }
          if (step === "A") messages.push(...ledger.release(now).deliveries);
          if (step === "M") take();
        }
        messages.push(...ledger.release(now).deliveries);
        take();
        expect(granted).toHaveLength(1);
        const [{ attemptId, number }] = granted as [{ attemptId: string; number: number }];
        expect(number).toBe(2);
        ledger.record([outcomeOf(a, attemptId, number, "status", now)], now);
        // The one retry that was planned is used up, whoever it was made for.
        expect(ledger.reading.look([a.id], now)[0]).toMatchObject({ status: "failed", attempts: 2 });
        expect(ledger.release(now + HOUR).deliveries).toEqual([]);
      },
      { retry: [30] },
    ),
  );
});

describe("recover", () => {
  it("makes failed and held deliveries of the span due, oldest first, within the slots", async ({ expect }) => {
    await withLedger((ledger) => {
      ledger.disable("manual", T0);
      const all = Array.from({ length: 30 }, (_, i) => delivery(T0 + i * SECOND));
      ledger.admit(all, T0 + MINUTE);
      const span = { since: T0, until: T0 + 29 * SECOND, statuses: ["failed" as const, "held" as const] };
      expect(ledger.recover({ ...span, dryRun: false }, T0 + HOUR)).toBe("disabled");
      expect(ledger.recover({ ...span, dryRun: true }, T0 + HOUR)).toEqual({ count: 29 });
      ledger.enable(T0 + HOUR);
      expect(ledger.nextAlarm(T0 + HOUR + SECOND)).toBe(T0 + HOUR + SECOND + 1); // only D1's copy and the operator event are due
      ledger.state.mirrored(true, T0 + HOUR);
      tellOperator(ledger, T0 + HOUR);
      expect(ledger.nextAlarm(T0 + HOUR)).toBeNull();
      expect(ledger.recover({ ...span, dryRun: false }, T0 + HOUR)).toMatchObject({ count: 29 });
      expect(ledger.release(T0 + HOUR).deliveries.map(({ id }) => id)).toEqual(all.slice(0, 25).map(({ id }) => id));
    });
  });
});

describe("a first attempt whose lease went with the object's memory", () => {
  it("still counts when its delivery was adopted before it failed", async ({ expect }) => {
    await withLedger((first, open) => {
      const a = delivery(T0);
      const [admission] = first.admit([a], T0).admissions;
      if (admission?.do !== "send") throw new Error("not admitted");
      const evicted = open();
      evicted.adopt([a], 10 * SECOND, T0 + 15 * SECOND);
      evicted.record([outcomeOf(a, admission.attemptId, 1, "timeout", T0)], T0 + 20 * SECOND);
      expect(evicted.reading.look([a.id], T0)[0]).toMatchObject({ status: "retrying", attempts: 1 });
      expect(evicted.state.health(T0).consecutiveFailures).toBe(1);
    });
  });

  it.for([
    ["the breaker", 10, "timeout"],
    ["the slow lane", 3, "status"],
  ] as const)(
    "still counts when a duplicate of its message made a row that waits for %s",
    ([, failures, error], { expect }) =>
      withLedger((first, open) => {
        const a = delivery(T0);
        const [admission] = first.admit([a], T0).admissions;
        if (admission?.do !== "send") throw new Error("not admitted");
        const evicted = open();
        for (let i = 0; i < failures; i++) {
          if (!attempt(evicted, delivery(T0), error, T0)) fire(evicted, error, T0);
        }
        expect(evicted.admit([a], T0 + SECOND).admissions).toEqual([{ do: "wait", id: a.id }]);
        const before = evicted.state.health(T0).consecutiveFailures;
        evicted.record([outcomeOf(a, admission.attemptId, 1, "status", T0)], T0 + 2 * SECOND);
        expect(evicted.reading.look([a.id], T0)[0]).toMatchObject({ status: "retrying", attempts: 1 });
        expect(evicted.reading.attempts(a.id)).toHaveLength(1);
        expect(evicted.state.health(T0).consecutiveFailures).toBe(before + 1);
      }),
  );

  it("still counts when a duplicate was held since, and stays held; a person's resend is not used up by it", ({
    expect,
  }) =>
    withLedger((first, open) => {
      const [a, b] = [delivery(T0), delivery(T0)];
      const ids = first.admit([a, b], T0).admissions.map((one) => (one.do === "send" ? one.attemptId : ""));
      const evicted = open();
      evicted.disable("manual", T0 + 1);
      evicted.admit([a, b], T0 + 2);
      evicted.record([outcomeOf(a, ids[0] ?? "", 1, "status", T0)], T0 + 3);
      expect(evicted.reading.look([a.id], T0)[0]).toMatchObject({ status: "held", attempts: 1 });
      evicted.enable(T0 + 4);
      evicted.resend(b, T0 + 5);
      evicted.record([outcomeOf(b, ids[1] ?? "", 1, "status", T0)], T0 + 6);
      expect(evicted.reading.look([b.id], T0 + 6)[0]).toMatchObject({ status: "pending", attempts: 0 });
    }));

  it("counts no longer than its lease lasts: by then another may have been given the delivery", ({ expect }) =>
    withLedger((first, open) => {
      const a = delivery(T0);
      const granted = (ledger: Ledger, now: number) => {
        const [admission] = ledger.admit([a], now).admissions;
        if (admission?.do !== "send") throw new Error("not admitted");
        return admission.attemptId;
      };
      const late = granted(first, T0);
      const current = granted(first, T0 + 2 * MINUTE);
      const evicted = open();
      evicted.record([outcomeOf(a, late, 1, "status", T0)], T0 + 2 * MINUTE + SECOND);
      expect(evicted.reading.look([a.id], T0)).toEqual([null]);
      evicted.record([outcomeOf(a, current, 1, "status", T0)], T0 + 2 * MINUTE + 2 * SECOND);
      expect(evicted.reading.look([a.id], T0)[0]).toMatchObject({ status: "retrying", attempts: 1 });
      // A success counts whenever it comes.
      const b = open();
      b.record([outcomeOf(a, late, 1, null, T0)], T0 + HOUR);
      expect(b.reading.look([a.id], T0)[0]).toMatchObject({ status: "succeeded" });
    }));

  it("is a row from the start when the attempt may outlast that memory", async ({ expect }) => {
    await withLedger((ledger, open) => {
      ledger.state.configure(
        { ...SETTINGS, version: 2, timeout: 30 },
        { enabled: true, disabledReason: null, disabledAt: null },
      );
      const a = delivery(T0);
      ledger.admit([a], T0);
      expect(open().admit([a], T0 + 25 * SECOND).admissions).toEqual([{ do: "wait", id: a.id }]);
    });
  });
});
