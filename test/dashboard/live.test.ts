import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { seenOf } from "../../src/dashboard/pages/deliveries/deliveries";
import { delivery, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { objectCalls, Visitor } from "./visitor";

afterEach(() => {
  vi.restoreAllMocks();
});

const PART = { "HX-Request": "true" };
const liveOf = (html: string) => /hx-get="([^"]+)"/.exec(html)?.[1]?.replaceAll("&amp;", "&") ?? "";

async function operator(): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  return visitor;
}

describe("a look for news", () => {
  it("of the log over all endpoints asks no endpoint while nothing is new", async ({ expect }) => {
    const tenant = await newTenant();
    for (let i = 0; i < 3; i++) await newEndpoint(tenant, (await newReceiver()).url);
    const { deliveries } = await post(tenant);
    for (const one of deliveries) await delivery(tenant, one, "succeeded");
    const visitor = await operator();
    const { html } = await visitor.get(`/dashboard/tenants/${tenant}/deliveries`);
    const live = liveOf(html);
    const calls = objectCalls();
    const looked = await visitor.get(live, PART);
    expect([looked.status, calls()]).toEqual([204, []]);
    const more = await post(tenant);
    await delivery(tenant, more.deliveries[0], "succeeded");
    const news = await visitor.get(live, PART);
    expect(news.status).toBe(200);
    expect(news.html).toContain(more.deliveries[0].id);
  });

  it("is due when the first of what is under way is", ({ expect }) => {
    const one = (status: "pending" | "retrying" | "succeeded", nextAttemptAt: string | null) =>
      ({ status, nextAttemptAt, createdAt: "2026-11-21T09:00:00.000Z" }) as Parameters<typeof seenOf>[0][number];
    const at = "2026-11-21T09:30:00.000Z";
    expect(seenOf([one("succeeded", null)], 0)).toBe("2026-11-21T09:00:00.000Z Infinity");
    expect(seenOf([one("retrying", at), one("succeeded", null)], 0)).toBe(`2026-11-21T09:00:00.000Z ${Date.parse(at)}`);
    expect(seenOf([one("retrying", at), one("pending", null)], 0)).toMatch(/ 0$/);
    expect(seenOf([], 0)).toBe("1970-01-01T00:00:00.000Z Infinity");
  });

  it("of a delivery under way reads it once, and sends it anew when it has changed", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver({ status: 500 }, { status: 500 })).url, {
      retry: [3600],
    });
    const { deliveries } = await post(tenant);
    await delivery(tenant, deliveries[0], "retrying");
    const visitor = await operator();
    const here = `/dashboard/tenants/${tenant}/endpoints/${id}/deliveries/${deliveries[0].id}`;
    const { html } = await visitor.get(here);
    const live = liveOf(html);
    const calls = objectCalls();
    expect((await visitor.get(live, PART)).status).toBe(204);
    expect(calls().filter((name) => name === "detail").length).toBe(1);
    await visitor.submit(here, `${here}/resend`, {});
    const done = await delivery(tenant, deliveries[0], "failed");
    expect(done.attempts).toBe(2);
    const news = await visitor.get(live, PART);
    expect(news.html).toMatch(/^<div id="delivery"/);
    // What is over is not looked at any more.
    expect(liveOf(news.html)).toBe("");
  });
});
