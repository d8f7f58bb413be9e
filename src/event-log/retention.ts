import type { Env } from "../contracts/env";
import { endpointStub } from "../contracts/find";
import type { Journal } from "./journal";

/** The most calls of endpoints that one step makes. */
const CALLS = 200;

/**
 * One step of dropping a day whose retention is over: its endpoints forget its deliveries, callbacks are emptied. Answers
 * whether that is all done, so that the log itself may go; else it is to be called again, and goes on where it was.
 * `before`: the day's end, in ms. `done`: endpoints that have forgotten all before it. Throws when one is out of reach.
 */
export async function retire(
  env: Env,
  tenant: string,
  journal: Journal,
  before: number,
  done: Set<string>,
): Promise<boolean> {
  // A callback's object is named in its event alone, so the event goes after it.
  const callbacks = journal.callbacks();
  if (callbacks.length > 0) {
    await Promise.all(
      callbacks.flatMap(({ endpoints }) => endpoints).map((id) => endpointStub(env, tenant, id).eraseAll()),
    );
    journal.remove(callbacks.map(({ ulid }) => ulid));
    return false;
  }
  let calls = 0;
  for (let page = journal.retire(); page !== null; page = journal.retire()) {
    for (const endpoint of page.endpoints) {
      if (done.has(endpoint)) continue;
      if (calls++ >= CALLS) return false;
      if ((await endpointStub(env, tenant, endpoint).trim(before)) === "more") return false;
      done.add(endpoint);
    }
    journal.retired(page);
  }
  return true;
}
