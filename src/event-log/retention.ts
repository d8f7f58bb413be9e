import { endpointStub } from "../contracts/find";
import { log } from "../lib/log";
import { DAY, dayStart } from "../lib/time";
import { type DayLog, othersOf } from "./day-log";

/** The most calls of endpoints that one step makes. */
const CALLS = 200;

/**
 * One step of dropping a day when its time has come; what an endpoint has not confirmed keeps it. `done`: endpoints that
 * have forgotten its deliveries. Throws when one is out of reach.
 */
export async function dropDay(own: DayLog, done: Set<string>): Promise<void> {
  const now = Date.now();
  const { tenant, day, journal } = own;
  if (own.tenancy.erased || journal === null || !own.alarm.isTimeToDrop(now)) return;
  if (journal.pointer.next(now, 0) !== null) return;
  if (!(await retire(own, done))) return;
  // The first shard goes last: it alone says that the others are there.
  const others = await Promise.all(othersOf(own).map((log) => log.holds()));
  if (own.tenancy.erased) return;
  if (others.includes(true)) return own.alarm.rest();
  await own.forget();
  log("events.dropped", { tenant, day, endpoints: done.size });
}

/**
 * Its endpoints forget its deliveries, callbacks are emptied. Answers whether that is all done, so that the log itself may
 * go; else it is to be called again, and goes on where it was.
 */
async function retire({ env, tenant, day, journal }: DayLog, done: Set<string>): Promise<boolean> {
  if (journal === null) return true;
  const { ending } = journal;
  // A callback's object is named in its event alone, so the event goes after it.
  const callbacks = ending.callbacks();
  if (callbacks.length > 0) {
    await Promise.all(
      callbacks.flatMap(({ endpoints }) => endpoints).map((id) => endpointStub(env, tenant, id).eraseAll()),
    );
    ending.remove(callbacks.map(({ ulid }) => ulid));
    return false;
  }
  let calls = 0;
  for (let page = ending.retire(); page !== null; page = ending.retire()) {
    for (const endpoint of page.endpoints) {
      if (done.has(endpoint)) continue;
      if (calls++ >= CALLS) return false;
      if ((await endpointStub(env, tenant, endpoint).trim(dayStart(day) + DAY)) === "more") return false;
      done.add(endpoint);
    }
    ending.retired(page);
  }
  return true;
}
