import type { Env } from "../contracts/env";
import {
  type AppendAllRequest,
  type AppendAllResult,
  type AppendResult,
  type EventLogContract,
  LOG_FULL,
} from "../contracts/event-log";
import { eventLogStub } from "../contracts/find";
import { shardFor } from "../contracts/shards";
import { Cache } from "../lib/cache";
import { addDays, type Day, dayOf } from "../lib/time";

/** How many shards a day has, as far as this isolate was told: of those alone that have more than one. In bytes. */
const known = new Cache<{ day: Day; shards: number }>(1_000_000);
const BYTES = 100;
/** The number doubles five times at the most, and a day may be sealed. */
const TRIES = 8;

/** An answer that says what came of a request. */
type Answered<R> = Exclude<R, { kind: "sealed" | "moved" }>;

/**
 * Has a shard of the log of the day write a request, and the next day's where this isolate's clock is behind: there keys
 * have begun to be taken. One without a key goes to any shard that has room. `call` calls the shard and says how many shards
 * it was chosen among.
 */
export async function inLog<R extends AppendResult | AppendAllResult>(
  env: Env,
  tenant: string,
  request: AppendAllRequest,
  now: number,
  call: (log: EventLogContract, shards: number) => Promise<R>,
): Promise<Answered<R>> {
  const since = request.events[0]?.tenantSince;
  const full = new Set<number>();
  let day = dayOf(now);
  for (let tries = 0; tries < TRIES; tries++) {
    const shards = shardsOf(tenant, since, day);
    const shard = shardFor(request, shards, Math.random(), full);
    let answer: R;
    try {
      answer = await call(eventLogStub(env, tenant, day, shard), shards);
    } catch (error) {
      if (full.has(shard) || !isFull(error)) throw error;
      // Others may have room, of which this isolate need not know; each is tried once.
      full.add(shard);
      tries--;
      if (shards === 1) learn(tenant, since, day, await numberOf(env, tenant, day));
      continue;
    }
    const { shards: told, ...result } = answer;
    learn(tenant, since, day, told ?? 1);
    if (result.kind === "sealed" && day === dayOf(now)) day = addDays(day, 1);
    else if (result.kind === "sealed") break;
    else if (result.kind !== "moved") return result as Answered<R>;
  }
  throw new Error(`the clock of this isolate is more than a day behind tenant ${tenant}`);
}

function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.includes(LOG_FULL);
}

/** How many shards a day has, as its first one says. */
async function numberOf(env: Env, tenant: string, day: Day): Promise<number> {
  const { shards = 1 } = await eventLogStub(env, tenant, day).list({ before: null, from: null, limit: 1, rows: 1 });
  return shards;
}

/** By the tenant's creation as well: another one of the name begins with one shard. Without it the first shard is asked. */
function shardsOf(tenant: string, since: number | undefined, day: Day): number {
  const entry = since === undefined ? undefined : known.get(`${tenant}/${since}`);
  return entry?.day === day ? entry.shards : 1;
}

function learn(tenant: string, since: number | undefined, day: Day, shards: number): void {
  if (since !== undefined && shards > shardsOf(tenant, since, day)) {
    known.set(`${tenant}/${since}`, { day, shards }, BYTES);
  }
}
