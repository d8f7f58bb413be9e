import type { LogErasure } from "../contracts/event-log";
import { endpointStub } from "../contracts/find";
import { type DayLog, othersOf } from "./day-log";

/** One step of forgetting all of a deleted tenant's log, with its callbacks; see `EventLogContract.eraseAll`. */
export async function eraseLog(own: DayLog, deletion: { createdAt: number; deletedAt: number }): Promise<LogErasure> {
  const { env, tenant, tenancy } = own;
  const held = await tenancy.heldBy(deletion);
  if (held !== "deleted") return { state: held === "busy" ? "more" : "erased", underWay: [] };
  // The others first: this one alone says that they are there.
  const others = await Promise.all(othersOf(own).map((log) => log.eraseAll(deletion)));
  const elsewhere = others.flatMap((other) => other.underWay);
  if (others.some(({ state }) => state === "more")) return { state: "more", underWay: elsewhere };
  tenancy.erased = true;
  // A callback's object is named in its event alone, so the event goes after it.
  const callbacks = own.journal?.ending.callbacks() ?? [];
  const endpoints = callbacks.flatMap((callback) => callback.endpoints);
  const counts = await Promise.all(endpoints.map((id) => endpointStub(env, tenant, id).eraseAll()));
  const here = endpoints.filter((_, i) => counts[i] !== 0).map((endpoint) => ({ endpoint }));
  const underWay = [...elsewhere, ...here];
  // Another request has made an end of it, and another tenant has begun to write.
  if (!tenancy.erased) return { state: "erased", underWay };
  if (callbacks.length > 0) {
    own.journal?.ending.remove(callbacks.map(({ ulid }) => ulid));
    return { state: "more", underWay };
  }
  await own.forget();
  return { state: "erased", underWay };
}
