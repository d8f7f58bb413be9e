import type { Effort } from "./effort.ts";
import { Instance, OPERATOR_KEY } from "./instance.ts";
import type { Receiver } from "./receiver.ts";
import { SAMPLE, tenantWith } from "./scenarios.ts";

/** Requests under way at a time. */
const AT_ONCE = 16;
/** Of so many events one names a key, which is then posted again. */
const KEYED = 4;
/** Where an event's id says its shard: behind the ten characters of its time. */
const SHARD = "evt_".length + 10;

/**
 * One tenant whose day has one shard, and four: whether what is accepted is listed, all of it and each once, and whether a
 * key that is posted again is answered with its event. How fast that goes says little of the platform, where each shard is
 * on a thread of its own.
 */
export async function measureShards(bundle: string, receiver: Receiver, effort: Effort) {
  const [one, four] = [await accepted(1, bundle, receiver, effort), await accepted(4, bundle, receiver, effort)];
  return { one, four };
}

async function accepted(shards: number, bundle: string, receiver: Receiver, { shards: { events } }: Effort) {
  const instance = await Instance.posthorn(bundle, { consumers: false, variables: { BENCH_SHARDS: String(shards) } });
  const { tenant } = await tenantWith(instance, receiver);
  const keyOf = (i: number) => (i % KEYED === 0 ? `key-${i}` : null);
  const post = async (i: number): Promise<string> => {
    const key = keyOf(i);
    const response = await fetch(`${instance.url}/v1/tenants/${tenant}/events`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${OPERATOR_KEY}`,
        "Content-Type": "application/json",
        ...(key === null ? {} : { "Idempotency-Key": key }),
      },
      body: JSON.stringify({ event: "lead.hot", data: SAMPLE }),
    });
    if (response.status !== 202 && response.status !== 200)
      throw new Error(`${response.status}: ${await response.text()}`);
    return ((await response.json()) as { id: string }).id;
  };
  await post(1); // an isolate learns from an answer how many shards there are
  const since = performance.now();
  const ids = await all(
    Array.from({ length: events }, (_, i) => i),
    post,
  );
  const perSecond = (events / (performance.now() - since)) * 1_000;
  const keyed = ids.map((_, i) => i).filter((i) => keyOf(i) !== null);
  const again = await all(keyed, post);
  const listed: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const page: { data: { id: string }[]; nextCursor: string | null } = await instance.api(
      "GET",
      `/tenants/${tenant}/events?limit=250${query}`,
    );
    listed.push(...page.data.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  await instance.stop();
  const seen = new Set(listed);
  return {
    perSecond,
    logs: new Set(ids.map((id) => id[SHARD])).size,
    complete: ids.every((id) => seen.has(id)),
    once: listed.length === seen.size && again.every((id, i) => id === ids[keyed[i] as number]),
  };
}

/** Does all of it, some at a time, and answers in its order. */
async function all(indexes: readonly number[], act: (index: number) => Promise<string>): Promise<string[]> {
  const results: string[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let at = next++; at < indexes.length; at = next++) results[at] = await act(indexes[at] as number);
    }),
  );
  return results;
}
