import { createHmac } from "node:crypto";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { describe, it } from "vitest";
import { PROFILE_NAMES, type ProfileName } from "../../src/config/endpoints/profiles";
import { call, newReceiver, newTenant, until } from "../lib/api";
import type { Received } from "../lib/servers/receive";

type Verify = (request: Received, secret: string) => boolean;

const hex = (secret: string, text: string) => createHmac("sha256", secret).update(text).digest("hex");
const inHeader =
  (header: string, prefix = ""): Verify =>
  ({ headers, body }, secret) =>
    headers[header] === prefix + hex(secret, body);

/** Each profile's receiver, written as its vendor's page has it; for standard and svix their own packages. */
const VERIFY: Record<ProfileName, Verify> = {
  clearview: inHeader("x-webhook-signature"),
  clarm: inHeader("x-webhook-signature"),
  finder: inHeader("x-webhook-signature"),
  snitcher: inHeader("signature"),
  visits: ({ headers }, secret) => headers["x-webhook-signature"] === secret,
  standard: verifiedBy((secret) => new StandardWebhook(secret)),
  svix: verifiedBy((secret) => new SvixWebhook(secret)),
  cloudevents: verifiedBy((secret) => new StandardWebhook(secret)),
  github: inHeader("x-hub-signature-256", "sha256="),
  stripe: ({ headers, body }, secret) => {
    const parts = new Map(
      (headers["stripe-signature"] ?? "").split(",").map((part) => part.split("=") as [string, string]),
    );
    return parts.get("v1") === hex(secret, `${parts.get("t")}.${body}`);
  },
};

function verifiedBy(
  verifier: (secret: string) => { verify(body: string, headers: Record<string, string>): unknown },
): Verify {
  return ({ headers, body }, secret) => {
    verifier(secret).verify(body, headers);
    return true;
  };
}

/** What arrives under each profile for the event below, `id` and `at` being the event's. */
const FORM: Record<ProfileName, (data: object, id: string, at: string) => object> = {
  clearview: (data, id, timestamp) => ({ id, event: "lead.hot", timestamp, data }),
  clarm: (data, _, timestamp) => ({ event: "lead.hot", timestamp, data }),
  finder: (data) => data,
  snitcher: (data) => ({ event: "lead.hot", subjects: [data] }),
  visits: (data) => data,
  standard: (data, _, timestamp) => ({ type: "lead.hot", timestamp, data }),
  svix: (data) => data,
  cloudevents: (data, id, time) => ({
    specversion: "1.0",
    id,
    source: expectTenant,
    type: "lead.hot",
    time,
    datacontenttype: "application/json",
    data,
  }),
  github: (data) => data,
  stripe: (data, id, timestamp) => ({ id, event: "lead.hot", timestamp, data }),
};
let expectTenant = "";

describe("one event for ten endpoints of ten profiles", () => {
  it("arrives in ten forms, each verified by its own receiver", async ({ expect }) => {
    const tenant = await newTenant();
    expectTenant = `/tenants/${tenant}`;
    const endpoints = await Promise.all(
      PROFILE_NAMES.map(async (profile) => {
        const receiver = await newReceiver();
        const { status, body } = await call("POST", `/v1/tenants/${tenant}/endpoints`, {
          url: receiver.url,
          events: ["*"],
          profile,
        });
        expect(status).toBe(201);
        return { profile, receiver, secret: body.secret as string };
      }),
    );
    const data = { company: { name: "Acme", leadScore: 71 } };
    const { body: accepted } = await call("POST", `/v1/tenants/${tenant}/events`, { event: "lead.hot", data });
    expect(accepted.deliveries).toHaveLength(10);
    for (const { profile, receiver, secret } of endpoints) {
      const [request] = await until(`the delivery to ${profile}`, async () => {
        const seen = await receiver.seen();
        return seen.length > 0 && seen;
      });
      expect(JSON.parse(request?.body ?? ""), profile).toEqual(FORM[profile](data, accepted.id, accepted.timestamp));
      expect(VERIFY[profile](request as Received, secret), profile).toBe(true);
      if (profile !== "visits") expect(refuses(VERIFY[profile], request as Received, secret), profile).toBe(true);
    }
  });
});

/** Whether a body that was tampered with is refused; a token says nothing of the body. */
function refuses(verify: Verify, request: Received, secret: string): boolean {
  try {
    return !verify({ ...request, body: `${request.body} ` }, secret);
  } catch {
    return true;
  }
}
