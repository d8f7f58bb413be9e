/**
 * What costs are measured of: one run of each leaves a number of events delivered. All are run by the bench's clock, and
 * for so long that the log has handed its events over too.
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Instance, OPERATOR_KEY } from "./instance.ts";
import { load } from "./load.ts";
import type { Receiver } from "./receiver.ts";

/** Over the reconcile interval of wrangler.toml, in ms: the log's alarm rings and hands over all of the run. */
const RECONCILED = 700_000;
const SECOND = 1_000;
const MINUTE = 60_000;

/** Prepares a tenant and answers the run, which answers how many events it has delivered. */
export type Scenario = (instance: Instance, receiver: Receiver) => Promise<() => Promise<number>>;

/** A body of a few hundred bytes, as the vendors' samples are. */
export const SAMPLE = {
  company: { name: "Halden Systems", domain: "halden.example", industry: "Logistics", employees: 420, country: "NO" },
  visitor: { pages: ["/pricing", "/docs/security", "/customers"], visits: 7, source: "organic" },
  score: 91,
};

let tenants = 0;

/** A tenant of its own with endpoints at the receiver's path; answers both. */
export async function tenantWith(
  instance: Instance,
  receiver: Receiver,
  { endpoints = 1, answers = "ok" }: { endpoints?: number; answers?: string } = {},
): Promise<{ tenant: string; path: string; endpoints: string[] }> {
  const tenant = `bench-${++tenants}`;
  const path = `/${answers}/${tenant}`;
  await instance.api("PUT", `/tenants/${tenant}`, { name: "Bench" });
  const ids: string[] = [];
  for (let i = 0; i < endpoints; i++) {
    const body = { url: receiver.url + path, events: [endpoints === 1 || answers === "ok" ? "lead.hot" : `lead.${i}`] };
    ids.push((await instance.api("POST", `/tenants/${tenant}/endpoints`, body)).id);
  }
  return { tenant, path, endpoints: ids };
}

/** One event per request, one endpoint, batches as they come. */
export const single =
  (events: number): Scenario =>
  async (instance, receiver) => {
    const { tenant, path } = await tenantWith(instance, receiver);
    await post(instance, tenant, 20);
    await receiver.until(path, 20);
    await finish(instance);
    await receiver.take(path);
    return async () => {
      await post(instance, tenant, events);
      await receiver.until(path, events);
      await finish(instance);
      await receiver.take(path);
      return events;
    };
  };

/** Requests with 100 events each, one endpoint. */
export const batch100 =
  (requests: number): Scenario =>
  async (instance, receiver) => {
    const { tenant, path } = await tenantWith(instance, receiver);
    const batch = { events: Array.from({ length: 100 }, () => ({ event: "lead.hot", data: SAMPLE })) };
    const run = async (times: number) => {
      for (let i = 0; i < times; i++) await instance.api("POST", `/tenants/${tenant}/events/batch`, batch);
      await receiver.until(path, times * 100);
      await finish(instance);
      await receiver.take(path);
      return times * 100;
    };
    await run(1);
    return () => run(requests);
  };

/** One event per request to ten endpoints; each delivery counts. */
export const fanout10 =
  (events: number): Scenario =>
  async (instance, receiver) => {
    const { tenant, path } = await tenantWith(instance, receiver, { endpoints: 10 });
    const run = async (times: number) => {
      await post(instance, tenant, times);
      await receiver.until(path, times * 10);
      await finish(instance);
      await receiver.take(path);
      return times * 10;
    };
    await run(10);
    return () => run(events);
  };

/**
 * Two failures and then a success: three attempts for each. So many endpoints, with three events each, whose retries go
 * together. Where each row of an event goes, and what it took when each lease was a row and each retry went by itself:
 *
 * | step                     | row | its index | state | alarm | in all | before |
 * | ------------------------ | --- | --------- | ----- | ----- | ------ | ------ |
 * | accepted: the event      | 1   |           |       |       | 1      | 1      |
 * | admitted, window open    |     |           | 0.4   |       | 0.4    | 2      |
 * | the first failure        | 1   | 1         | 0.8   | 0.3   | 3.1    | 5      |
 * | the alarm has it sent    |     |           | 0.3   |       | 0.3    | 7      |
 * | the second failure       | 1   | 1         | 0.3   | 0.3   | 2.7    | 5      |
 * | the alarm has it sent    |     |           | 0.3   |       | 0.3    | 7      |
 * | the success              | 1   |           | 0.3   |       | 1.4    | 2      |
 * | in all                   | 4   | 2         | 2.5   | 0.7   | 9.2    | 28     |
 *
 * The index is that of what is due: a success leaves it for nothing. The state is one row with how the endpoint fares, its
 * window and breaker, and who has which delivery; it is written once for each call, and three events share most calls. What
 * is left of a call's alarm is shared too. Of an alarm that has retries sent nothing but the leases is written: it is the
 * platform's to bring it again until it ends, and by then the next one is set. Calls: one for the event, 0.8 to admit and to
 * record, 0.7 alarms.
 */
export const failing =
  (endpoints: number): Scenario =>
  async (instance, receiver) => {
    const { tenant, path } = await tenantWith(instance, receiver, { endpoints, answers: "third" });
    const run = async () => {
      const events = Array.from({ length: endpoints }, (_, i) => i).flatMap((i) =>
        Array.from({ length: 3 }, () => ({ event: `lead.${i}`, data: SAMPLE })),
      );
      for (const event of events) await instance.api("POST", `/tenants/${tenant}/events`, event);
      for (let attempt = 1; attempt <= 3; attempt++) {
        await quiet(instance);
        while ((await receiver.count(path)) < events.length * attempt) {
          // By and by, so that what is due at one time is not consumed with all that is due within a minute.
          await instance.bench("advance", { ms: SECOND });
          await quiet(instance);
        }
      }
      await finish(instance);
      await receiver.take(path);
      return events.length;
    };
    await run();
    return run;
  };

/**
 * One event a minute, long enough apart that its objects leave memory in between. It goes directly, from the Worker that has
 * accepted it. Where its rows and calls go, and what a message took before:
 *
 * | step                                      | rows | calls | a message took               |
 * | ----------------------------------------- | ---- | ----- | ---------------------------- |
 * | accepted: the event                       | 1    | 1     |                              |
 * | admitted, under a lease in memory         |      | 1     | 3 queue operations, a batch  |
 * | the success                               | 1    | 1     |                              |
 * | handed over, with those of five minutes   | 0.67 | 0.67  |                              |
 * | in all                                    | 2.67 | 3.67  | $1.50 of $5.08 for a million |
 */
export const sparse =
  (events: number): Scenario =>
  async (instance, receiver) => {
    const { tenant, path } = await tenantWith(instance, receiver);
    const run = async (minutes: number) => {
      for (let minute = 1; minute <= minutes; minute++) {
        await instance.bench("evict");
        await instance.bench("advance", { ms: MINUTE });
        await instance.api("POST", `/tenants/${tenant}/events`, { event: "lead.hot", data: SAMPLE });
        await receiver.until(path, minute);
        await quiet(instance);
      }
      await receiver.take(path);
      return minutes;
    };
    // Until as many are handed over as come in.
    await run(6);
    return () => run(events);
  };

/** How far the clock goes on after each attempt, so that the next one is due, in ms. */
const AWAY = [35 * SECOND, 135 * SECOND, 5 * MINUTE];

/**
 * The same of events that fail twice before they succeed, all alone: what no traffic shares with them. A retry comes half a
 * minute after the first failure and two minutes after the second, and an object leaves memory before each. The table of
 * `failing` with nothing shared: 13 rows and 5 calls (17 and 9 by messages), and 3 of each for its handover.
 */
export const alone =
  (events: number): Scenario =>
  async (instance, receiver) => {
    const { tenant, path } = await tenantWith(instance, receiver, { answers: "third" });
    const run = async (times: number) => {
      for (let event = 0; event < times; event++) {
        await instance.api("POST", `/tenants/${tenant}/events`, { event: "lead.hot", data: SAMPLE });
        for (let attempt = 1; attempt <= 3; attempt++) {
          await receiver.until(path, event * 3 + attempt);
          await quiet(instance);
          await instance.bench("evict");
          await instance.bench("advance", { ms: AWAY[attempt - 1] });
        }
      }
      await receiver.take(path);
      return times;
    };
    await run(2);
    return () => run(events);
  };

/**
 * How far the clock goes on at once while retries come, in ms, by how long it has; and after which the last of the usual schedule
 * has been made: 30 s, 2 and 10 minutes, 1 and 4 hours, and a tenth.
 */
const stride = (passed: number) => (passed < 20 * MINUTE ? 30 * SECOND : 5 * MINUTE);
const SCHEDULE_OVER = 360 * MINUTE;

/**
 * A receiver that answers 404 all day, at ten events a second, for so many minutes. The breaker does not count that, so every
 * event takes all its attempts, six by the usual schedule, before it is given up: each writes its row and the index of what is
 * due, 12 rows in all, beside the event (1), the row and index of a first attempt that waits its turn (2), and what those that
 * go together share (3).
 */
export const refused =
  (minutes: number): Scenario =>
  async (instance, receiver) => {
    const { tenant, path } = await tenantWith(instance, receiver, { answers: "missing" });
    return async () => {
      const events = minutes * 60 * OUTAGE_RATE;
      for (let second = 0; second < minutes * 60; second++) {
        await post(instance, tenant, OUTAGE_RATE);
        await quiet(instance);
        await instance.bench("advance", { ms: SECOND });
        await quiet(instance);
      }
      for (let passed = 0; passed < SCHEDULE_OVER; passed += stride(passed)) {
        await instance.bench("advance", { ms: stride(passed) });
        await quiet(instance);
      }
      await receiver.take(path);
      return events;
    };
  };

/** Events posted one by one in each second of an outage. */
const OUTAGE_RATE = 10;

/**
 * An event of an outage takes 5 rows: itself (1), a row that waits and its index (2), and its success (1) with a share of
 * the state (0.2), since claims and outcomes of several are one call. What a probe takes is shared by all that wait.
 *
 * A receiver that is down, at ten events a second, until it is up again and all are delivered. So many minutes: the breaker
 * asks every ten minutes at most, so that each hour of a day's outage takes what the others take.
 */
export const outage =
  (minutes: number): Scenario =>
  async (instance, receiver) => {
    const { tenant, path } = await tenantWith(instance, receiver, { answers: "down" });
    return async () => {
      const events = minutes * 60 * OUTAGE_RATE;
      for (let second = 0; second < minutes * 60; second++) {
        await post(instance, tenant, OUTAGE_RATE);
        await quiet(instance);
        await instance.bench("advance", { ms: SECOND });
        await quiet(instance);
      }
      await receiver.recovers(path);
      await receiver.take(path);
      while ((await receiver.count(path)) < events) {
        await instance.bench("advance", { ms: SECOND });
        await quiet(instance);
      }
      await finish(instance);
      await receiver.take(path);
      return events;
    };
  };

async function post(instance: Instance, tenant: string, events: number): Promise<void> {
  const headers = { Authorization: `Bearer ${OPERATOR_KEY}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ event: "lead.hot", data: SAMPLE });
  await load({ url: `${instance.url}/v1/tenants/${tenant}/events`, headers, body }, { amount: events });
}

/** Waits until every message is consumed, lets the log hand its events over, and waits again. */
async function finish(instance: Instance): Promise<void> {
  await quiet(instance);
  await instance.bench("advance", { ms: RECONCILED });
  await quiet(instance);
}

/** Waits until every message that was written is deleted again. */
async function quiet(instance: Instance): Promise<void> {
  while ((await instance.bench("outstanding")) > 0) await sleep(20);
}
