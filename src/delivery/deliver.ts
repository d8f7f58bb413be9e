import { LEASE, SLOTS } from "../endpoint/admission";
import { type Admission, type Outcome, reportOf } from "../lib/delivery";
import { type Env, endpointRoom, eventLogRoom } from "../lib/env";
import type { DeliveryRef, EventText } from "../lib/event";
import { type EventRef, parseDeliveryId } from "../lib/ids";
import { log, logError } from "../lib/log";
import type { DeliveryItem } from "../lib/messages";
import type { EndpointSettings } from "../lib/settings";
import { SECOND } from "../lib/time";
import { type Lane, runInLanes, type Task } from "./lanes";
import { prepare } from "./prepare";
import { send } from "./send";
import { Settlement } from "./settlement";

/** How long a grant may wait for a lane before its endpoint is asked again whether it stands, in ms. */
const FRESH = 2 * SECOND;
/** Left over of a lease for writing the outcome down, in ms. */
const RECORD_MARGIN = 5 * SECOND;

/** What is offered to one endpoint. */
export interface Parcel {
  tenant: string;
  endpoint: string;
  /** The newest configuration version that the sender saw. */
  version: number;
  items: DeliveryItem[];
  /**
   * Called once. `true`: everything in it is recorded, waits in its endpoint or is not owed any more. `false`: something
   * of ours was out of reach, and what is missing must be offered again.
   */
  settled(done: boolean): void;
}

type Granted = Extract<Admission, { do: "send" }>;

/** One delivery that its endpoint lets us send. */
interface Admitted {
  parcel: Parcel;
  item: DeliveryItem;
  grant: Granted;
  settings: EndpointSettings;
  /** Of the parcel. */
  settlement: Settlement;
}

/**
 * Delivers: asks each endpoint what may be sent, sends it, and tells each endpoint what came of it, as its sends
 * complete. Never throws. One parcel per endpoint.
 */
export async function deliver(parcels: readonly Parcel[], lane: Lane, env: Env): Promise<void> {
  const offers = parcels.map((parcel) => offer(parcel, 0, new Settlement(env, parcel, lane), env));
  await runInLanes((await Promise.all(offers)).flat());
}

/**
 * Offers the endpoint what is in the parcel from the item at `start` on, no more at once than it has slots: what has to
 * wait for a slot costs rows and another message. Answers the sends; the last of them offers the rest, also when the
 * endpoint has begun to fail meanwhile: then it is not sent, and the endpoint says when it is.
 */
async function offer(parcel: Parcel, start: number, settlement: Settlement, env: Env): Promise<Task[]> {
  const items = parcel.items.slice(start, start + SLOTS);
  if (items.length === 0) {
    parcel.settled(true);
    return [];
  }
  const admitted = await admit(parcel, items, settlement, env);
  if (admitted === null) {
    parcel.settled(false);
    return [];
  }
  const next = start + SLOTS;
  if (admitted.length === 0) return offer(parcel, next, settlement, env);
  let left = admitted.length;
  return admitted.map((delivery) => ({
    endpoint: `${parcel.tenant}/${parcel.endpoint}`,
    async run() {
      const outcome = await attempt(delivery, env);
      const last = --left === 0;
      // A failure keeps its lane until it is written down: what comes next may not be sent for it.
      await settlement.add(outcome, last);
      if (!last) return [];
      if (settlement.complete) return offer(parcel, next, settlement, env);
      parcel.settled(false);
      return [];
    },
  }));
}

function refOf({ id, event, test }: DeliveryItem): DeliveryRef {
  return test ? { id, event, test } : { id, event };
}

/** Asks the endpoint what may be sent. `null`: out of reach, nothing is decided. */
async function admit(
  parcel: Parcel,
  items: readonly DeliveryItem[],
  settlement: Settlement,
  env: Env,
): Promise<Admitted[] | null> {
  const { tenant, endpoint, version } = parcel;
  const deliveries = items.map(refOf);
  try {
    const { admissions, settings } = await endpointRoom(env, tenant, endpoint).admit({ version, deliveries });
    if (settings === undefined) return [];
    const granted = admissions.filter((admission) => admission.do === "send");
    return granted.map((grant) => {
      const item = items.find(({ id }) => id === grant.id) as DeliveryItem;
      return { parcel, item, grant, settings, settlement };
    });
  } catch (error) {
    logError("delivery.admit.failed", error, { tenant, endpoint, deliveries: deliveries.length });
    return null;
  }
}

/**
 * What the event says: from its message or, when it travels by reference, from its log. Asked for just before the send,
 * so that no more texts are in memory than there are lanes. `null`: the log has no such event any more.
 */
async function textOf({ parcel, item }: Admitted, env: Env): Promise<(EventText & { erasedAt?: number }) | null> {
  if (item.text !== undefined) return { event: item.event, ...item.text };
  const ref = parseDeliveryId(item.id) as EventRef;
  const [event = null] = await eventLogRoom(env, parcel.tenant, ref).read([ref.ulid]);
  return event;
}

/** Whether the grant stands: behind slow receivers somebody may have changed, disabled or erased meanwhile what it is for. */
function stands(
  { parcel, grant, settings }: Admitted,
  delivery: DeliveryRef,
  env: Env,
  now: number,
): Promise<boolean> | true {
  if (now < grant.leasedUntil - LEASE + FRESH) return true;
  return endpointRoom(env, parcel.tenant, parcel.endpoint).stands(delivery, grant.attemptId, settings.version);
}

/** Renders, signs and sends one delivery. `null`: something of ours was out of reach, and no attempt was made. */
async function attempt(admitted: Admitted, env: Env): Promise<Outcome | null> {
  const { parcel, item, grant, settings, settlement } = admitted;
  const { id, number, attemptId, trigger } = grant;
  const delivery = refOf(item);
  const latest = grant.leasedUntil - settings.timeout * SECOND - RECORD_MARGIN;
  // Beyond `latest` the lease could end while the request is under way, and somebody else would send it too.
  const now = Date.now();
  if (settlement.putBack || now > latest) return { kind: "unsent", delivery, attemptId };
  try {
    if (!(await stands(admitted, delivery, env, now))) return { kind: "unsent", delivery, attemptId };
    const text = await textOf(admitted, env);
    if (text === null) return { kind: "expired", delivery, attemptId };
    if (text.erasedAt !== undefined) return { kind: "erased", delivery, attemptId };
    const { request, shownHeaders, format } = await prepare(env, settings, grant, text, Date.now());
    settlement.sends.begin(grant);
    const { retryAfter, ...came } = await send(request);
    settlement.sends.end(grant);
    const { tenant, endpoint } = parcel;
    const { statusCode, error, durationMs } = came;
    const outcome = error ?? "succeeded";
    log("delivery.attempted", { tenant, endpoint, delivery: id, attempt: number, outcome, statusCode, durationMs });
    const shown = { method: request.method, url: request.url, headers: shownHeaders };
    const report = reportOf({ id: attemptId, number, trigger, format, request: shown, ...came });
    return { kind: "attempted", delivery, attempt: report, retryAfter };
  } catch (error) {
    logError("delivery.prepare.failed", error, { tenant: parcel.tenant, endpoint: parcel.endpoint, delivery: id });
    return null;
  }
}
