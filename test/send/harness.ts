import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { ExpectStatic } from "vitest";
import type { Env } from "../../src/contracts/env";
import type { Event } from "../../src/contracts/event";
import type { DeliveryMessage } from "../../src/contracts/messages";
import { deliveryId, eventId } from "../../src/lib/ids";
import { dayOf, SECOND } from "../../src/lib/time";
import { consume } from "../../src/send/consumer";
import { call, until } from "../lib/api";

/** Delivers a batch, and waits for the sends that outlast it too. */
export async function consumeWhole(batch: MessageBatch, bindings: Env = env): Promise<void> {
  const rests: Promise<unknown>[] = [];
  await consume(batch, bindings, (rest) => rests.push(rest));
  await Promise.all(rests);
}

/** The object of an endpoint, to be driven by hand. */
export function endpointObject(tenant: string, endpoint: string) {
  return env.ENDPOINT.getByName(`${tenant}/${endpoint}`);
}

/** The object of a tenant's events of today, to be driven by hand. */
export function logObject(tenant: string) {
  return env.EVENT_LOG.getByName(`${tenant}/${dayOf(Date.now())}`);
}

/** An event in the log whose queue messages never left: what a crash between the two leaves behind. */
export async function appendOnly(tenant: string, endpoints: string[], data = "{}", type = "lead.hot") {
  const matches = endpoints.map((endpoint) => ({ endpoint }));
  const result = (await logObject(tenant).append({ type, data, matches })) as { event: Event };
  const { ulid } = result.event;
  const refs = endpoints.map((endpoint, index) => ({ id: deliveryId(ulid, index), endpoint, type }));
  return { id: eventId(ulid), refs };
}

/** A queue message for deliveries of one endpoint, by reference. */
export function messageFor(tenant: string, endpoint: string, ...refs: { id: string; type: string }[]): DeliveryMessage {
  return { tenant, endpoint, version: 1, deliveries: refs.map(({ id, type }) => ({ id, type })) };
}

/**
 * That the endpoint's alarm, of which an ended lease may have left one, finds nothing due and stays off, unless it is to tell
 * D1 how the endpoint fares, once a minute is over since it did.
 */
export async function nothingIsDue(expect: ExpectStatic, tenant: string, endpoint: string): Promise<void> {
  const object = endpointObject(tenant, endpoint);
  // An alarm of the moment (D1's copy, an operator event on its way) may run; none may be left after it.
  const rested = await until("an object without an alarm", async () => {
    await runDurableObjectAlarm(object);
    const alarm = await runInDurableObject(object as unknown as DurableObjectStub, (_, { storage }) =>
      storage.getAlarm(),
    );
    return alarm === null || alarm > Date.now() + 30 * SECOND;
  });
  expect(rested).toBe(true);
}

/** The endpoint's failed attempts since its last success, once there are that many. */
export async function failures(tenant: string, endpoint: string, count: number): Promise<void> {
  await until(`${count} failures`, async () => {
    const { body } = await call("GET", `/v1/tenants/${tenant}/endpoints/${endpoint}/health`);
    return body.consecutiveFailures >= count;
  });
}
