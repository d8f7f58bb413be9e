import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { parseEventId } from "../../src/lib/ids";
import { dayOf } from "../../src/lib/time";
import {
  type Answered,
  call,
  delivery,
  deliveryPath,
  newEndpoint,
  newReceiver,
  newTenant,
  post,
  until,
} from "../lib/api";
import { endpointObject, logObject, messageFor } from "../send/harness";

function replay(tenant: string, id: string): Promise<Answered> {
  return call("POST", `/v1/tenants/${tenant}/events/${id}/replay`);
}

describe("a replay", () => {
  it("resends to endpoints that had it, and adds those that match now", async ({ expect }) => {
    const tenant = await newTenant();
    const [one, two] = [await newReceiver(), await newReceiver()];
    const first = await newEndpoint(tenant, one.url);
    const event = await post(tenant, "lead.hot", { n: 1 });
    await delivery(tenant, event.deliveries[0], "succeeded");
    const second = await newEndpoint(tenant, two.url, { filter: { "data.n": 1 } });
    await newEndpoint(tenant, two.url, { filter: { "data.n": 2 } });

    const answer = await replay(tenant, event.id);
    expect(answer.status).toBe(202);
    const ulid = event.id.slice(4);
    expect(answer.body).toEqual({
      id: event.id,
      deliveries: [
        { id: `dlv_${ulid}0`, endpoint: first.id, action: "resent" },
        { id: `dlv_${ulid}1`, endpoint: second.id, action: "added" },
      ],
    });
    expect((await one.arrived(2)).map(({ body }) => JSON.parse(body).data.n)).toEqual([1, 1]);
    const [added] = await two.arrived(1);
    expect(JSON.parse(added?.body ?? "")).toMatchObject({ id: event.id, data: { n: 1 } });
    await delivery(tenant, { id: `dlv_${ulid}1`, endpoint: second.id }, "succeeded");
    const shown = await call("GET", `/v1/tenants/${tenant}/events/${event.id}`);
    expect(shown.body.deliveries.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual([first.id, second.id]);
    // From now on it has had it.
    const again = await replay(tenant, event.id);
    expect(again.body.deliveries.map(({ action }: { action: string }) => action)).toEqual(["resent", "resent"]);
  });

  it("adds a delivery once, however many replays run at once", async ({ expect }) => {
    const tenant = await newTenant();
    const event = await post(tenant);
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    await Promise.all(Array.from({ length: 8 }, () => replay(tenant, event.id)));
    const shown = await call("GET", `/v1/tenants/${tenant}/events/${event.id}`);
    expect(shown.body.deliveries.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual([id]);
  });

  it("skips what is disabled or under way, and says why", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ delayMs: 1_500 });
    const disabled = await newEndpoint(tenant, receiver.url, { enabled: false });
    const busy = await newEndpoint(tenant, receiver.url);
    const event = await post(tenant);
    await receiver.arrived(1);
    const { body } = await replay(tenant, event.id);
    expect(body.deliveries).toEqual([
      { id: expect.any(String), endpoint: disabled.id, action: "skipped", reason: expect.stringContaining("disabled") },
      { id: expect.any(String), endpoint: busy.id, action: "skipped", reason: expect.stringContaining("under way") },
    ]);
  });

  it("keeps a person's test between it and its endpoint", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const tested = await newEndpoint(tenant, receiver.url);
    await newEndpoint(tenant, receiver.url);
    const path = `/v1/tenants/${tenant}/endpoints/${tested.id}/test`;
    const { body } = await call("POST", path, { event: "lead.hot", data: { a: 1 } });
    const answer = await replay(tenant, body.delivery.eventId);
    expect(answer.body.deliveries.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual([tested.id]);
  });

  it("of what is not there is a 404, also of another tenant's event", async ({ expect }) => {
    const [one, two] = [await newTenant(), await newTenant()];
    const event = await post(one);
    expect((await replay(two, event.id)).status).toBe(404);
    expect((await replay(one, "evt_x")).status).toBe(404);
  });

  it("leaves added deliveries to the log until their endpoint has them, though its pointer is past", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const event = await post(tenant);
    const ref = parseEventId(event.id);
    const log = env.EVENT_LOG.getByName(`${tenant}/${dayOf(Date.now())}`);
    await runDurableObjectAlarm(log);
    const { id } = await newEndpoint(tenant, receiver.url);
    // As if whoever replays died before the messages left.
    const added = await log.addMatches(ref?.ulid ?? "", [id]);
    expect(added?.added).toEqual([0]);
    expect(await runDurableObjectAlarm(log)).toBe(true);
    const [record] = (await endpointObject(tenant, id).look([`dlv_${ref?.ulid}0`])).records;
    expect(record).toMatchObject({ status: "pending" });
  });
});

describe("an event's content", () => {
  const erase = (tenant: string, id: string) => call("DELETE", `/v1/tenants/${tenant}/events/${id}/content`);

  it("is erased everywhere at once, and a repeat still answers the event", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ body: "you said SECRET" });
    const { id: endpoint } = await newEndpoint(tenant, receiver.url);
    const body = { event: "lead.hot", data: { name: "SECRET" }, id: "order-1" };
    const posted = (await call("POST", `/v1/tenants/${tenant}/events`, body)).body;
    const before = await delivery(tenant, posted.deliveries[0], "succeeded");
    expect(JSON.stringify(before)).toContain("SECRET");

    expect((await erase(tenant, posted.id)).status).toBe(204);
    const shown = await call("GET", `/v1/tenants/${tenant}/events/${posted.id}`);
    expect(shown.body).toMatchObject({ data: null, erasedAt: expect.stringMatching(/Z$/) });
    const after = await delivery(tenant, posted.deliveries[0], "succeeded");
    expect(after.attemptLog[0]).toMatchObject({ statusCode: 200, request: { body: null }, response: null });
    const attempts = (await endpointObject(tenant, endpoint).detail(posted.deliveries[0].id)).attempts;
    expect(JSON.stringify([shown.body, after, attempts])).not.toContain("SECRET");
    const repeat = await call("POST", `/v1/tenants/${tenant}/events`, body);
    expect(repeat.status).toBe(200);
    expect(repeat.body).toEqual({ ...posted, duplicate: true });
    expect((await erase(tenant, posted.id)).status).toBe(204);
    const again = await call("GET", `/v1/tenants/${tenant}/events/${posted.id}`);
    expect(again.body.erasedAt).toBe(shown.body.erasedAt);
  });

  it("is not sent any more: what is unfinished ends as canceled", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const [failing, disabled] = [
      await newEndpoint(tenant, receiver.url),
      await newEndpoint(tenant, receiver.url, { enabled: false }),
    ];
    const posted = await post(tenant);
    await delivery(tenant, posted.deliveries[0], "retrying");
    await delivery(tenant, posted.deliveries[1], "held");
    await erase(tenant, posted.id);
    for (const ref of posted.deliveries) {
      const { body } = await call("GET", deliveryPath(tenant, ref));
      expect(body).toMatchObject({ status: "canceled", nextAttemptAt: null, finishedAt: expect.any(String) });
      expect((await call("POST", `${deliveryPath(tenant, ref)}/resend`)).status).toBe(409);
    }
    expect((await replay(tenant, posted.id)).status).toBe(409);
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${disabled.id}`, { enabled: true });
    const recover = { since: "2020-01-01T00:00:00Z" };
    const path = `/v1/tenants/${tenant}/endpoints/${disabled.id}/recover`;
    expect((await call("POST", path, recover)).body).toMatchObject({ count: 0 });
    expect(failing.id).not.toBe(disabled.id);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("is dropped from a message under way that carries it", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id: endpoint } = await newEndpoint(tenant, receiver.url);
    const matches = [{ endpoint }];
    const result = await logObject(tenant).append({ type: "lead.hot", data: '{"name":"SECRET"}', matches });
    if (!("event" in result)) throw new Error(result.kind);
    const { ulid, timestamp, payloadId, data } = result.event;
    const ref = { id: `dlv_${ulid}0`, type: "lead.hot", endpoint };
    await erase(tenant, `evt_${ulid}`);
    const message = messageFor(tenant, endpoint, ref);
    const deliveries = [{ ...ref, endpoint: undefined, text: { timestamp, payloadId, data } }];
    await env.DELIVERIES.send({ ...message, deliveries });
    // What is sent after it has arrived; it has not.
    await post(tenant, "lead.next");
    const [request] = await receiver.arrived(1);
    expect(request?.headers["x-webhook-event"]).toBe("lead.next");
    expect((await call("GET", deliveryPath(tenant, ref))).body.status).toBe("canceled");
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("that the consumer finds erased ends its delivery", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id: endpoint } = await newEndpoint(tenant, receiver.url);
    const result = await logObject(tenant).append({ type: "lead.hot", data: "{}", matches: [{ endpoint }] });
    if (!("event" in result)) throw new Error(result.kind);
    const { ulid } = result.event;
    const ref = { id: `dlv_${ulid}0`, type: "lead.hot", endpoint };
    // Erased in the log, while the endpoint has not been told yet.
    await logObject(tenant).erase(ulid);
    await env.DELIVERIES.send(messageFor(tenant, endpoint, ref));
    const ended = await delivery(tenant, ref, "canceled");
    expect(ended).toMatchObject({ attempts: 0, finishedAt: expect.any(String) });
    expect(await receiver.seen()).toEqual([]);
  });

  it("is not kept by an attempt that was under way", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ delayMs: 800, body: "you said SECRET" });
    await newEndpoint(tenant, receiver.url);
    const posted = await post(tenant, "lead.hot", { name: "SECRET" });
    await receiver.arrived(1);
    await erase(tenant, posted.id);
    const late = await delivery(tenant, posted.deliveries[0], "succeeded");
    expect(late.attemptLog).toHaveLength(1);
    expect(JSON.stringify(late)).not.toContain("SECRET");
  });

  it("of an event that is not there is a 404", async ({ expect }) => {
    const [one, two] = [await newTenant(), await newTenant()];
    const posted = await post(one, "lead.hot", { a: 1 });
    expect((await erase(two, posted.id)).status).toBe(404);
    expect((await erase(one, "evt_x")).status).toBe(404);
    const shown = await until("the event", async () => call("GET", `/v1/tenants/${one}/events/${posted.id}`));
    expect(shown.body.data).toEqual({ a: 1 });
  });
});
