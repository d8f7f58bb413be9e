import { hashesOf } from "../lib/hash";
import { type QueuePair, queuePairs } from "../lib/queue-names";
import type { Lane } from "./delivery";
import type { Env } from "./env";
import type { DeliveryMessage, EventsMessage } from "./messages";

type Deliveries = Queue<DeliveryMessage | EventsMessage>;

const known = new WeakMap<Env, ReturnType<typeof queuePairs>>();

function pairsOf(env: Env): ReturnType<typeof queuePairs> {
  const pairs = known.get(env) ?? queuePairs(Object.keys(env));
  known.set(env, pairs);
  return pairs;
}

function bound(env: Env, binding: string): Deliveries {
  return (env as unknown as Record<string, Deliveries>)[binding] as Deliveries;
}

/** Which of so many pairs an endpoint's messages go by: always the same, and evenly many endpoints by each. Pure. */
export function pairOf(endpoint: string, pairs: number): number {
  return hashesOf(endpoint)[0] % pairs;
}

/**
 * The queue by which an endpoint's messages go, of as many as the deployment has. One that comes by another, since there
 * were fewer when it was sent, is handled all the same.
 */
export function queueOf(env: Env, endpoint: string, lane: Lane): Deliveries {
  const { pairs } = pairsOf(env);
  return bound(env, (pairs[pairOf(endpoint, pairs.length)] as QueuePair)[lane]);
}

/** All queues of a lane. */
export function queuesOf(env: Env, lane: Lane): Deliveries[] {
  return pairsOf(env).pairs.map((pair) => bound(env, pair[lane]));
}

/** The bindings that are missing where the other one of their pair is there: such a pair is not used. */
export function missingQueues(env: Env): string[] {
  return pairsOf(env).missing;
}
