import { describe, it } from "vitest";
import { call, delivery, newEndpoint, newReceiver, newTenant, post } from "../lib/api";

/** JSON texts by what is special about their size. */
const TEXTS: [what: string, text: string][] = [
  ["just small enough to travel in the message", JSON.stringify(["x".repeat(59_990)])],
  ["over 60 KB", JSON.stringify(["x".repeat(61_000)])],
  ["59 KB of quotes, which double in a message", `[${'"",'.repeat(19_600)}""]`],
  ["60 KB of escapes, too much for a message once they are doubled", `["${"\\\\".repeat(29_997)}"]`],
  ["59 KB of line breaks", `[${"\n".repeat(59_000)}]`],
  ["59 KB of characters that are three bytes each", JSON.stringify(["漢".repeat(19_600)])],
  ["nearly 1 MiB", JSON.stringify(["x".repeat(1_048_500)])],
];

describe.concurrent("data", () => {
  it.for(TEXTS)("of %s arrives whole, and again at the retry", async ([, text], { expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, {});
    await newEndpoint(tenant, receiver.url, { retry: [1] });
    const posted = await call("POST", `/v1/tenants/${tenant}/events`, `{"event":"lead.hot","data":${text}}`);
    expect(posted.status).toBe(202);
    const { id, timestamp, deliveries } = posted.body;
    const body = `{"id":"${id}","event":"lead.hot","timestamp":"${timestamp}","data":${text}}`;
    const [first, second] = await receiver.arrived(2);
    // Not toBe: a difference of a megabyte is no message.
    expect(first?.body === body, "the first attempt").toBe(true);
    expect(second?.body === body, "the retry").toBe(true);
    const { attemptLog } = await delivery(tenant, deliveries[0], "succeeded");
    expect(attemptLog[1].request.body === body, "the log").toBe(true);
  });

  it("of many large events that come due together arrives", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url, { enabled: false });
    // A text with one character beyond Latin-1 takes two bytes for each: together more than one RPC answer may carry.
    const data = ["漢", "x".repeat(1_048_400)];
    const refs = [];
    for (let i = 0; i < 17; i++) refs.push((await post(tenant, "lead.hot", data)).deliveries[0]);
    for (const ref of refs) await delivery(tenant, ref, "held");
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    await call("PATCH", path, { enabled: true });
    expect((await call("POST", `${path}/recover`, { since: "2020-01-01T00:00:00Z" })).body).toMatchObject({
      count: 17,
    });
    for (const ref of refs) expect(await delivery(tenant, ref, "succeeded")).toMatchObject({ attempts: 1 });
  });

  it("of nearly 1 MiB reaches every endpoint", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    for (let i = 0; i < 4; i++) await newEndpoint(tenant, receiver.url);
    const data = ["x".repeat(1_000_000)];
    await call("POST", `/v1/tenants/${tenant}/events`, { event: "lead.hot", data });
    const requests = await receiver.arrived(4);
    expect(requests.map(({ body }) => body.length > 1_000_000)).toEqual([true, true, true, true]);
  });
});
