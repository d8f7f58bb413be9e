/**
 * A tenant's day begins with one shard, and their number doubles, up to 32, and never shrinks. The first shard decides it
 * and writes it down before it tells anybody, so whoever walks a day asks the first shard and then as many as it says.
 *
 * An event without a key goes to any shard. A key (and a caller's own id) goes to its *home*: the shard of its hash among
 * those that there are, by the hash's lowest bits. When the number doubles from n to 2n a key's home is where it was or
 * exactly n further on. So the homes that a key may have had are few and known from its present one, whatever the number
 * was when it was used: that shard with its highest bits taken away one after the other, its *ancestors*. Before a shard
 * takes a key it asks its ancestors. Being asked, they learn the number by which the key has another home, keep it, and
 * from then on refuse such keys (`moved`): so from the first question on there is one shard that decides over a key, also
 * while isolates differ in the number that they know. It is the same as with the day before, which the first question seals.
 *
 * A request may name keys of several homes: an id beside a key, a batch of events with ids. It is written whole by one
 * shard, the home of its first key, which before that *claims* the others at theirs. A claim is a row that says: if this
 * key was used, then by an event of that shard. So whoever asks its home finds the event there. A claim whose event never
 * came to be (the request was refused, or its shard died) ends by itself: it says until when the event may be written.
 * @module
 */
import { hashesOf } from "../lib/hash";
import type { AppendAllRequest, AppendRequest } from "./event-log";

/** How what is known under a caller's own id is named beside keys: no key has a control character. */
export function idName(id: string): string {
  return `${ID}${id}`;
}

const ID = "\u0001";

/** The home of a name among so many shards; ids and keys of the same text have the same. Pure. */
export function homeOf(name: string, shards: number): number {
  const [a, b] = hashesOf(name.startsWith(ID) ? name.slice(ID.length) : name);
  return ((a ^ b) >>> 0) % shards;
}

/** The shards that may have been the home of this one's keys while there were fewer, the first one last. Pure. */
export function ancestorsOf(shard: number): number[] {
  const ancestors: number[] = [];
  for (let rest = shard; rest > 0; ) {
    rest -= 2 ** Math.floor(Math.log2(rest));
    ancestors.push(rest);
  }
  return ancestors;
}

/** What an event is looked for under, the first first: its key, and the caller's own id, whichever way it was kept. Pure. */
export function namesOf({
  idempotency,
  payloadId: id,
}: Pick<AppendRequest, "idempotency" | "payloadId">): { name: string; by: "key" | "id" }[] {
  if (idempotency === undefined) return [];
  const { key } = idempotency;
  const names = id === undefined ? [] : id === key ? [idName(id)] : [idName(id), id];
  return [{ name: key, by: "key" }, ...names.map((name) => ({ name, by: "id" as const }))];
}

/** All names of a request, each once, that of all of it first. Pure. */
export function allNamesOf({ events, idempotency }: AppendAllRequest): string[] {
  const own = events.flatMap((event) => namesOf(event).map(({ name }) => name));
  return [...new Set(idempotency === undefined ? own : [idempotency.key, ...own])];
}

/**
 * Where a request is to be written among so many shards; without a key wherever `pick` (0 to 1, exclusive) says, of those
 * that are not `full` if there are any. Pure.
 */
export function shardFor(
  request: AppendAllRequest,
  shards: number,
  pick: number,
  full: ReadonlySet<number> = new Set(),
): number {
  if (shards === 1) return 0;
  const [first] = allNamesOf(request);
  if (first !== undefined) return homeOf(first, shards);
  const open = Array.from({ length: full.size === 0 ? 0 : shards }, (_, shard) => shard).filter(
    (one) => !full.has(one),
  );
  return open[Math.floor(pick * open.length)] ?? Math.floor(pick * shards);
}
