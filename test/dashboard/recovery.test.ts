import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { presetsOf } from "../../src/dashboard/pages/endpoints/endpoint-recovery";
import { call, delivery, newEndpoint, newReceiver, newTenant, until } from "../lib/api";
import { Visitor, words } from "./visitor";

describe("the spans that a recovery proposes", () => {
  it("are the last hour, the night before, and the time since it broke", ({ expect }) => {
    const spans = (now: string, broke: string | null) =>
      presetsOf(Date.parse(now), broke).map(([, ...span]) => span.map((time) => time.slice(0, 16)));
    expect(spans("2026-11-27T09:30:00Z", "2026-11-26T23:10:00.000Z")).toEqual([
      ["2026-11-27T08:30", ""],
      ["2026-11-26T18:00", "2026-11-27T08:00"],
      ["2026-11-26T23:10", ""],
    ]);
    expect(spans("2026-11-27T05:00:00Z", null)).toEqual([
      ["2026-11-27T04:00", ""],
      ["2026-11-26T18:00", "2026-11-27T05:00"],
    ]);
  });
});

describe("a recovery", () => {
  it("is of the span and the status that were counted", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const endpoint = await newEndpoint(tenant, receiver.url, { retry: [] });
    const { body } = await call("POST", `/v1/tenants/${tenant}/events`, { event: "a.b", data: {} });
    await delivery(tenant, body.deliveries[0], "failed");
    const visitor = new Visitor();
    await visitor.signIn(env.OPERATOR_KEY ?? "");
    const here = `/dashboard/tenants/${tenant}/endpoints/${endpoint.id}`;
    const counted = async (query: string) => words((await visitor.get(`${here}?${query}`)).html);
    expect(await counted("recoverStatus=failed")).toContain("1 delivery failed.");
    expect(await counted("recoverStatus=held")).toContain("Nothing is held in that time.");
    expect(await counted("recoverUntil=2020-01-02T00:00&recoverSince=2020-01-01T00:00")).toContain(
      "Nothing is failed or held in that time.",
    );
    expect(await counted("recoverSince=nonsense")).toContain("Nothing was recovered.");
    await receiver.answer({ status: 200 });
    const early = { recoverSince: "2020-01-01T00:00:00Z", recoverUntil: "2020-01-02T00:00:00Z", recoverStatus: "" };
    const none = await visitor.submit(here, `${here}/recover`, early);
    expect(none.headers.get("Location")).toMatch(/recovered=0$/);
    const all = await visitor.submit(here, `${here}/recover`, { ...early, recoverUntil: "", recoverStatus: "failed" });
    expect(all.headers.get("Location")).toMatch(/recovered=1$/);
    await delivery(tenant, body.deliveries[0], "succeeded");
  });

  it("shows how far it has come, is canceled, and stands among those before", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url, { enabled: false, rateLimit: 1 });
    for (let i = 0; i < 6; i++) await call("POST", `/v1/tenants/${tenant}/events`, { event: "a.b", data: { i } });
    const at = `/v1/tenants/${tenant}/endpoints/${id}`;
    await until("six held", async () => {
      const { body } = await call("GET", `${at}/deliveries?status=held`);
      return body.data.length === 6;
    });
    const visitor = new Visitor();
    await visitor.signIn(env.OPERATOR_KEY ?? "");
    const here = `/dashboard/tenants/${tenant}/endpoints/${id}`;
    await visitor.submit(here, `${here}/enable`, { recover: "yes", recoverStatus: "held" });
    const running = await visitor.get(here);
    expect(words(running.html)).toMatch(/Recovering: \d of 6 sent again/);
    expect((await visitor.get(here, { "HX-Request": "true" })).html).toContain("<progress");
    const [, recovery = ""] = /name="recovery" value="(rcv_[^"]+)"/.exec(running.html) ?? [];
    const canceled = await visitor.submit(here, `${here}/cancel-recovery`, { recovery });
    expect(canceled.headers.get("Location")).toMatch(/done=canceled$/);
    const after = words((await visitor.get(here)).html);
    expect(after).not.toContain("Recovering:");
    expect(after).toMatch(/held \d of 6 canceled/);
  });
});
