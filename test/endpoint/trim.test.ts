import { describe, it } from "vitest";
import type { Sql } from "../../src/lib/sql";
import { DAY, SECOND } from "../../src/lib/time";
import { attempt, delivery, outcomeOf, T0, withLedger } from "./ledgers";

const statuses = (sql: Sql) =>
  Object.fromEntries(
    sql.all<{ id: string; status: string }>("SELECT id, status FROM deliveries").map(({ id, status }) => [id, status]),
  );

describe("retention", () => {
  it("spares what an attempt has, be it held meanwhile: its outcome counts, and then it goes", ({ expect }) =>
    withLedger((ledger, open, sql) => {
      const failed = delivery(T0);
      // The window is open: leases are stored.
      attempt(ledger, failed, "status", T0);
      const refs = [delivery(T0), delivery(T0)];
      const admitted = ledger.admit(refs, T0).admissions;
      // Their messages come twice: rows own them.
      ledger.admit(refs, T0);
      ledger.disable("manual", T0 + 1);
      const [first, second] = refs.map(({ id }) => id) as [string, string];
      expect(statuses(sql)).toEqual({ [failed.id]: "held", [first]: "held", [second]: "held" });

      expect(open().trim(T0 + DAY, T0 + 1)).toBe(false);
      // What only waited is gone.
      expect(statuses(sql)).toEqual({ [first]: "held", [second]: "held" });
      const outcomes = admitted.flatMap((admission, i) => {
        if (admission.do !== "send") throw new Error("not admitted");
        return outcomeOf(refs[i]!, admission.attemptId, 1, i === 0 ? null : "status", T0);
      });
      ledger.record(outcomes, T0 + SECOND);
      expect(statuses(sql)).toEqual({ [first]: "succeeded", [second]: "held" });
      expect(ledger.reading.look([first, second], T0 + SECOND).map((record) => record?.attempts)).toEqual([1, 1]);
      expect(ledger.trim(T0 + DAY, T0 + SECOND)).toBe(false);
      expect(statuses(sql)).toEqual({});
    }));

  it("spares what a person has asked for again, while it is under way and while it waits", ({ expect }) =>
    withLedger((ledger, _, sql) => {
      const refs = [delivery(T0), delivery(T0)];
      for (const ref of refs) attempt(ledger, ref, null, T0);
      for (const ref of refs) expect(ledger.resend(ref, T0 + DAY)).toBe("resending");
      const [first, second] = refs as [(typeof refs)[0], (typeof refs)[0]];
      ledger.release(T0 + DAY + 1);
      const [admission] = ledger.admit([first], T0 + DAY + 2).admissions;
      if (admission?.do !== "send") throw new Error("not admitted");
      ledger.trim(T0 + 100 * DAY, T0 + DAY + 2 * SECOND);
      expect(Object.keys(statuses(sql)).toSorted()).toEqual([first.id, second.id].toSorted());
      ledger.record([outcomeOf(first, admission.attemptId, 2, null, T0 + DAY + 2)], T0 + DAY + SECOND);
      ledger.trim(T0 + 100 * DAY, T0 + DAY + 2 * SECOND);
      expect(Object.keys(statuses(sql))).toEqual([second.id]);
    }));
});
