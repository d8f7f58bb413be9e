import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import type { Delivery } from "../../src/contracts/event";
import { UnderWay } from "../../src/endpoint/memory/under-way";
import { FRESH, LEASE } from "../../src/endpoint/policy/admission";
import { MINUTE, SECOND } from "../../src/lib/time";
import { newEndpoint, newTenant } from "../lib/api";
import { endpointObject } from "../send/harness";
import { attempt, delivery, outcomeOf, SLOW, T0, withLedger } from "./ledgers";

/** Grants deliveries; answers the attempts' ids. */
async function grantAll(object: ReturnType<typeof endpointObject>, refs: Delivery[]): Promise<string[]> {
  const answer = await object.admit({ version: 1, deliveries: refs, lane: "normal", room: refs.length });
  const admissions = answer.admissions as unknown as { do: string; attemptId: string }[];
  if (admissions.some((admission) => admission.do !== "send")) throw new Error("not admitted");
  return admissions.map(({ attemptId }) => attemptId);
}

describe("attempts that are under way", () => {
  it("are counted from their grant to their end, or to their lease's end if nobody tells", ({ expect }) => {
    const underWay = new UnderWay();
    underWay.begin("att_1", "dlv_1", T0 + LEASE, T0);
    underWay.begin("att_2", "dlv_2", T0 + SECOND + LEASE, T0 + SECOND);
    expect(underWay.count(T0 + SECOND)).toBe(2);
    expect(underWay.count(T0 + SECOND, ["dlv_2", "dlv_3"])).toBe(1);
    underWay.end("att_2");
    underWay.end("att_2");
    expect(underWay.count(T0 + SECOND)).toBe(1);
    expect(underWay.count(T0 + LEASE)).toBe(0);
  });

  it("are waited for: the answer comes when the last has ended", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, "https://hooks.example.com/");
    const object = endpointObject(tenant, id);
    const refs = [delivery(Date.now()), delivery(Date.now()), delivery(Date.now())];
    const ids = await grantAll(object, refs);
    expect(await object.configure({ enabled: false })).toBe(3);
    // Nothing is waited for that long ago.
    expect(await object.underWay(Date.now() - 1)).toBe(3);
    let ended = 0;
    const left = object.underWay(Date.now() + MINUTE).then((count) => [count, ended]);
    for (const [i, ref] of refs.entries()) {
      ended++;
      await object.record([{ kind: "unsent", delivery: ref, attemptId: ids[i] }] as never);
    }
    expect(await left).toEqual([0, 3]);
    expect(FRESH).toBeLessThan(MINUTE);
  });

  it.for(["close", "eraseAll"] as const)(
    "are known after %s too, and nothing else is let go",
    async (end, { expect }) => {
      const tenant = await newTenant();
      const { id } = await newEndpoint(tenant, "https://hooks.example.com/");
      const object = endpointObject(tenant, id);
      const refs = [delivery(Date.now()), delivery(Date.now())];
      const [first] = await grantAll(object, refs);
      expect(await object[end]()).toBe(2);
      expect(await object[end]()).toBe(2);
      const next = { version: 1, deliveries: [delivery(Date.now())], lane: "normal" as const, room: 6 };
      // Whoever tells of one is told to hand back what has not begun.
      const outcome = { kind: "unsent", delivery: refs[0] as Delivery, attemptId: first as string };
      const recorded = await object.record([outcome] as never, next);
      expect(recorded).toMatchObject({ shut: true, claims: [], admissions: [{ do: "drop" }] });
      expect(await object.underWay(Date.now() - 1)).toBe(1);
    },
  );

  it("of one event are counted when that is erased, and no others", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, "https://hooks.example.com/");
    const object = endpointObject(tenant, id);
    const refs = [delivery(Date.now()), delivery(Date.now())];
    const [first] = await grantAll(object, refs);
    const erased = refs[0] as Delivery;
    expect(await object.erase([erased])).toBe(1);
    expect(await object.underWay(Date.now() - 1, [erased.id])).toBe(1);
    await object.record([{ kind: "unsent", delivery: erased, attemptId: first as string }] as never);
    expect(await object.underWay(Date.now() - 1, [erased.id])).toBe(0);
    expect(await object.underWay(Date.now() - 1)).toBe(1);
  });

  it.for(["disable", "close", "erase"] as const)(
    "are known by rows to an object that woke since: %s",
    (end, { expect }) =>
      withLedger((ledger, open) => {
        const a = delivery(T0);
        attempt(ledger, a, "status", T0);
        const at = T0 + 30 * SECOND;
        const { deliveries } = ledger.release(at);
        expect(ledger.admit(deliveries, at).admissions).toMatchObject([{ do: "send" }]);
        const woken = open();
        expect(woken.underWay.count(at)).toBe(0);
        if (end === "disable") woken.disable("manual", at);
        else if (end === "close") woken.close(at);
        else woken.erase([a], at);
        expect(woken.underWay.count(at)).toBe(1);
        expect(woken.underWay.count(at + LEASE)).toBe(0);
      }),
  );
});

describe("an endpoint that is switched off", () => {
  it("tells the consumer that tells of an outcome to hand back what has not begun", ({ expect }) =>
    withLedger((ledger) => {
      const [a, b] = [delivery(T0), delivery(T0)];
      const [first] = ledger.admit([a, b], T0).admissions;
      if (first?.do !== "send") throw new Error("not admitted");
      ledger.disable("manual", T0);
      expect(ledger.record([outcomeOf(a, first.attemptId, 1, null, T0)], T0)).toMatchObject({ shut: true });
      ledger.enable(T0 + SECOND);
      expect(ledger.record([], T0 + SECOND)).toMatchObject({ shut: false });
    }));

  it("sends no test again that was asked for before, and a new one all the same", ({ expect }) =>
    withLedger((ledger) => {
      const [tried, released, underWay] = [delivery(T0), delivery(T0), delivery(T0)].map((ref) => ({
        ...ref,
        test: true,
      }));
      const tests = [tried, released, underWay] as (Delivery & { test: true })[];
      for (const ref of tests) attempt(ledger, ref, "status", T0);
      const at = T0 + 30 * SECOND;
      const due = ledger.release(at).deliveries;
      expect(due).toHaveLength(3);
      const [going] = ledger.admit(due.slice(0, 1), at, SLOW).admissions;
      if (going?.do !== "send") throw new Error("not admitted");
      ledger.disable("manual", at);
      const look = () =>
        ledger.reading
          .look(
            tests.map(({ id }) => id),
            at,
          )
          .map((row) => row?.status);
      expect(look().toSorted()).toEqual(["failed", "failed", "retrying"]);
      // Their messages are on the way.
      expect(ledger.admit(due.slice(1), at, SLOW).admissions.map((admission) => admission.do)).toEqual([
        "drop",
        "drop",
      ]);
      const fresh = { ...delivery(at), test: true };
      expect(ledger.admit([fresh], at + 1, SLOW).admissions).toMatchObject([{ do: "send" }]);
      ledger.record([outcomeOf(due[0] as Delivery, going.attemptId, 2, "status", at)], at);
      expect(look()).toEqual(["failed", "failed", "failed"]);
    }));
});

describe("a person's wish that comes after the end", () => {
  it.for(["close", "eraseAll"] as const)("does nothing after %s", async (end, { expect }) => {
    const object = env.ENDPOINT.getByName(`${await newTenant()}/ep_gone`);
    await object[end]();
    expect(await object.resend(delivery(T0))).toBe("unknown");
    const request = { since: 0, until: T0 * 2, statuses: ["failed" as const], dryRun: false };
    expect(await object.recover(request)).toEqual({ count: 0 });
    const alarm = await runInDurableObject(object as never, (_: unknown, { storage }: DurableObjectState) =>
      storage.getAlarm(),
    );
    if (end === "eraseAll") expect(alarm).toBeNull();
  });
});
