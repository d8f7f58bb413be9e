import { serviceOf } from "../../config/databases";
import { deadLetterCount } from "../../config/dead-letters";
import { type ForeignSeals, foreignSealsOf } from "../../config/endpoints/foreign-seals";
import type { Env } from "../../contracts/env";
import { eventLogStub } from "../../contracts/find";
import { queuesOf } from "../../contracts/queues";
import { logError } from "../../lib/log";
import { OPERATOR_TENANT } from "../../lib/operator";
import { dayOf, SECOND } from "../../lib/time";

/** How long each part of the service has for its answer, in ms. */
const PATIENCE = 2 * SECOND;

/** Whether a part of the service answered, and how long that took. */
export interface Check {
  ok: boolean;
  /** ms. */
  ms: number;
}

/** The queues of a kind: also what waits in it, as far as it tells. */
export interface QueueCheck extends Check {
  backlog: number | null;
}

/** What an operator asks first; `null`: D1 did not tell. */
export interface Reachability {
  parts: {
    d1: Check;
    objects: Check;
    deliveries: QueueCheck;
    deliveriesSlow: QueueCheck;
    deliveriesDead: QueueCheck;
  };
  deadLetters: { count: number; lastAt: number | null } | null;
  secrets: ForeignSeals | null;
}

/** Asks every part of the service side by side, each for two seconds at most. Never throws; sends no work to anybody. */
export async function reachability(env: Env): Promise<Reachability> {
  const [d1, objects, deliveries, deliveriesSlow, deliveriesDead] = await Promise.all([
    ask("d1", () => Promise.all([deadLetterCount(serviceOf(env)), sealsOf(env)])),
    // Whoever merely looks into a log leaves nothing there.
    ask("objects", () => eventLogStub(env, OPERATOR_TENANT, dayOf(Date.now())).read([])),
    ask("deliveries", () => backlogOf(queuesOf(env, "normal"))),
    ask("deliveries-slow", () => backlogOf(queuesOf(env, "slow"))),
    ask("deliveries-dead", () => backlogOf([env.DELIVERIES_DEAD])),
  ]);
  const [deadLetters = null, secrets = null] = d1.answer ?? [];
  const queue = ({ check, answer }: Asked<number>) => ({ ...check, backlog: answer });
  return {
    parts: {
      d1: d1.check,
      objects: objects.check,
      deliveries: queue(deliveries),
      deliveriesSlow: queue(deliveriesSlow),
      deliveriesDead: queue(deliveriesDead),
    },
    deadLetters,
    secrets,
  };
}

async function sealsOf(env: Env): Promise<ForeignSeals | null> {
  return env.SECRETS_KEY ? foreignSealsOf(env) : null;
}

/** How many messages wait in all of these. */
async function backlogOf(queues: readonly Queue[]): Promise<number> {
  const metrics = await Promise.all(queues.map((queue) => queue.metrics()));
  return metrics.reduce((sum, { backlogCount }) => sum + backlogCount, 0);
}

interface Asked<T> {
  check: Check;
  answer: T | null;
}

async function ask<T>(part: string, question: () => Promise<T>): Promise<Asked<T>> {
  const since = performance.now();
  const check = (ok: boolean): Check => ({ ok, ms: Math.round(performance.now() - since) });
  const late = AbortSignal.timeout(PATIENCE);
  try {
    const answer = await Promise.race([question(), aborted(late)]);
    return { check: check(true), answer };
  } catch (error) {
    logError("health.check.failed", error, { part });
    return { check: check(false), answer: null };
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
