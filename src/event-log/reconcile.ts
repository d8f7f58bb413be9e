import { reconcileAfterMs } from "../contracts/env";
import type { Untold } from "../contracts/figures";
import { endpointStub } from "../contracts/find";
import { log, logError } from "../lib/log";
import type { DayLog } from "./day-log";
import type { Handover } from "./journal/pointer";

/**
 * Hands what no endpoint has confirmed to its endpoints, a page of it, and moves the pointer past it. `reveal` reveals an
 * event's contacts and answers whether that is done. Throws when the pointer cannot be written; it is then to be repeated.
 */
export async function reconcile(own: DayLog, reveal: (ulid: string) => Promise<boolean>): Promise<void> {
  const { env, tenant, day, journal } = own;
  if (own.tenancy.erased || journal === null) return;
  const since = Date.now();
  const after = reconcileAfterMs(env);
  if (journal.pointer.next(since, 0) === null) return;
  // Half as old is old enough, so that one alarm serves half an interval's events and not one of them.
  const handover = journal.pointer.handover(since - after / 2);
  const left = await handOver(own, handover, after / 2, reveal);
  if (own.tenancy.erased) return;
  own.store.change(() => journal.pointer.confirm(handover, left.unreachable, left.unrevealed, left.told));
  // Else it is the rule, every few minutes of a tenant's day: a line of each would outnumber those of few events.
  if (left.unreachable.size + left.unrevealed.size === 0) return;
  log("events.reconciled", {
    tenant,
    day,
    endpoints: handover.refs.size,
    deliveries: [...handover.refs.values()].reduce((sum, refs) => sum + refs.length, 0),
    unreachable: left.unreachable.size,
    durationMs: Date.now() - since,
  });
}

/**
 * What could not be handed over: endpoints out of reach, and the ULIDs of events whose contacts were not revealed; and what
 * the others told of their figures.
 */
interface Left {
  told: ReadonlyMap<string, Untold>;
  unreachable: ReadonlySet<string>;
  unrevealed: ReadonlySet<string>;
}

/**
 * Hands deliveries that no endpoint has confirmed to their endpoints, which take them in `delay` ms from now, and has
 * contacts revealed: `reveal` answers whether that is done. Never throws for an endpoint.
 */
async function handOver(
  { env, tenant }: DayLog,
  { refs, reveals }: Handover,
  delay: number,
  reveal: (ulid: string) => Promise<boolean>,
): Promise<Left> {
  const unreachable = new Set<string>();
  const told = new Map<string, Untold>();
  await Promise.all(
    [...refs].map(async ([endpoint, deliveries]) => {
      try {
        const adopted = await endpointStub(env, tenant, endpoint).adopt(deliveries, delay, true);
        if (typeof adopted === "object") told.set(endpoint, adopted);
      } catch (error) {
        unreachable.add(endpoint);
        logError("events.adopt.failed", error, { tenant, endpoint, deliveries: deliveries.length });
      }
    }),
  );
  const unrevealed = new Set<string>();
  for (const ulid of reveals) if (!(await reveal(ulid))) unrevealed.add(ulid);
  return { unreachable, unrevealed, told };
}
