import { createHmac, timingSafeEqual } from "node:crypto";
import { describe, it } from "vitest";
import { call, newReceiver, newTenant, until } from "../lib/api";

/** The seed page's own check, as a receiver in Node writes it. */
function verifies(rawBody: string, signature: string, secret: string): boolean {
  const expected = createHmac("sha256", secret).update(rawBody).digest("hex");
  return timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}

describe("an event on its way to a receiver", () => {
  it("arrives signed, in the envelope, and is remembered", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await call("POST", `/v1/tenants/${tenant}/endpoints`, { url: receiver.url, events: ["lead.hot"] });
    expect(endpoint.status).toBe(201);
    const posted = await call(
      "POST",
      `/v1/tenants/${tenant}/events`,
      '{"event":"lead.hot","data":{"2":1.0,"1":12345678901234567890}}',
    );
    expect(posted.status).toBe(202);
    const [delivery] = posted.body.deliveries;
    const [request] = await until("the delivery", async () => {
      const seen = await receiver.seen();
      return seen.length > 0 && seen;
    });
    expect(request?.body).toBe(
      `{"id":"${posted.body.id}","event":"lead.hot","timestamp":"${posted.body.timestamp}","data":{"2":1.0,"1":12345678901234567890}}`,
    );
    expect(verifies(request?.body ?? "", request?.headers["x-webhook-signature"] ?? "", endpoint.body.secret)).toBe(
      true,
    );
    expect(request?.headers).toMatchObject({
      "x-webhook-event": "lead.hot",
      "x-webhook-id": delivery.id,
      "x-webhook-attempt": "1",
      "content-type": "application/json",
    });
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.body.id}/deliveries/${delivery.id}`;
    const read = await until("the record", async () => {
      const answer = await call("GET", path);
      return answer.body.status === "succeeded" && answer;
    });
    expect(read.body).toMatchObject({ status: "succeeded", attempts: 1, lastStatusCode: 200, lastError: null });
    expect(read.body.attemptLog[0].request.body).toBe(request?.body);
  });
});
