import type { Event } from "../../contracts/event";
import type { AppendAllResult, AppendRequest, AppendResult, KeyedEvents } from "../../contracts/event-log";
import { namesOf } from "../../contracts/shards";

/** What came of a single event, of what came of a request with it alone. Pure. */
export function ofOne(result: AppendAllResult): AppendResult {
  if (result.kind === "conflict") {
    const { index: _, ...conflict } = result;
    return conflict;
  }
  if (result.kind !== "appended") return result;
  const { events, ...rest } = result;
  const { event, duplicate } = events[0] as (typeof events)[number];
  return { ...rest, kind: duplicate ? "duplicate" : "appended", event };
}

/** What an event repeats: one that is written down, or the one at an index before it; `null`: it is new. */
export type Repeat = Event | number | null;

/**
 * For each event what it repeats, or why they may not be written down. Pure but for `used`, which answers what used a
 * key. `sealed`: the day takes no new keys.
 */
export function repeatsOf(
  events: readonly AppendRequest[],
  used: (key: string) => KeyedEvents | null,
  sealed: boolean,
): Repeat[] | Exclude<AppendAllResult, { kind: "appended" }> {
  const own = new Map<string, { index: number; fingerprint: string }>();
  const repeats: Repeat[] = [];
  let late = false;
  let refused = false;
  for (const [index, request] of events.entries()) {
    const { idempotency } = request;
    let repeat: Repeat = null;
    for (const { name, by } of namesOf(request)) {
      const first = used(name);
      const isOther = by === "id" && first?.events[0]?.payloadId !== request.payloadId;
      const before = (isOther ? null : first) ?? own.get(name) ?? null;
      if (before === null) continue;
      if (before.fingerprint !== idempotency?.fingerprint) return { kind: "conflict", index, by };
      repeat = "index" in before ? before.index : (before.events[0] ?? null);
      break;
    }
    repeats.push(repeat);
    if (repeat !== null) continue;
    if (request.refused) refused = true;
    if (idempotency === undefined) continue;
    late ||= sealed;
    for (const { name } of namesOf(request)) own.set(name, { index, fingerprint: idempotency.fingerprint });
  }
  if (late) return { kind: "sealed" };
  return refused ? { kind: "refused" } : repeats;
}
