import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { call, delivery, deliveryPath, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { appendOnly, endpointObject, logObject } from "../send/harness";

const [observe] = Object.values(
  import.meta.glob<string>("../../src/docs/observe.md", { query: "?raw", import: "default", eager: true }),
);

/** The steps of the guide's table, each with the fields that it names. */
function documented(): Map<string, string[]> {
  const section = observe?.split("## Logs")[1]?.split("\n## ")[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return new Map(
    rows.flatMap((row) => {
      const [, steps = "", , fields = ""] = row.split("|");
      const words = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);
      return words(steps).map((step) => [step, words(fields)] as const);
    }),
  );
}

let lines: Record<string, unknown>[] = [];

beforeEach(() => {
  lines = [];
  for (const level of ["log", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: unknown) => {
      lines.push(JSON.parse(String(line)));
    });
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the log", () => {
  it("has a line of the documented form for every step, and nothing of payloads and secrets", async ({ expect }) => {
    const tenant = await newTenant();
    const [good, bad] = [
      await newReceiver({ body: "answer-text", delayMs: 1_100 }),
      await newReceiver({ status: 500 }),
    ];
    const secrets = { secret: "endpoint-secret", headers: { "X-Token": "header-secret" } };
    const one = await newEndpoint(tenant, good.url, secrets);
    const other = await newEndpoint(tenant, bad.url, { retry: [], events: ["lead.hot"], ...secrets });
    const event = await post(tenant, "lead.hot", { text: "payload-text" });
    const [delivered, failed] = event.deliveries;
    await delivery(tenant, delivered, "succeeded");
    await delivery(tenant, failed, "failed");
    await call("POST", `${deliveryPath(tenant, delivered)}/resend`);
    await good.arrived(2);
    const path = `/v1/tenants/${tenant}/endpoints/${other.id}`;
    await call("POST", `${path}/recover`, { since: "2020-01-01T00:00:00Z" });
    await call("PATCH", path, { name: "Renamed", enabled: false });
    // To a receiver that is slow it goes by the queue: an alarm would wait for it.
    await appendOnly(tenant, [one.id], '{"text":"payload-text"}');
    const log = logObject(tenant);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 600_000);
    await runDurableObjectAlarm(log);
    await runDurableObjectAlarm(endpointObject(tenant, one.id));
    vi.useRealTimers();
    await env.DELIVERIES.send({ text: "payload-text" } as never);
    await env.DELIVERIES_DEAD.send({
      tenant,
      endpoint: one.id,
      version: 1,
      deliveries: [{ id: delivered.id, event: "e" }],
    });
    await call("DELETE", `/v1/tenants/${tenant}/events/${event.id}/content`);
    const steps = [
      "config.changed",
      "event.accepted",
      "delivery.attempted",
      "delivery.resent",
      "endpoint.recovered",
      "endpoint.alarm",
      "deadletter.unreadable",
      "deadletter.adopted",
      "event.erased",
    ];
    const missing = () => steps.filter((step) => !lines.some((line) => line.step === step));
    await until(
      () => `a line of ${missing()}`,
      async () => missing().length === 0,
    );

    const table = documented();
    for (const step of steps) {
      const line = lines.find((candidate) => candidate.step === step) ?? {};
      expect(table.has(step), step).toBe(true);
      const { requestId, ...rest } = line;
      if (requestId !== undefined) expect(requestId, step).toMatch(/^req_[0-9A-Z]{26}$/);
      expect(Object.keys(rest).toSorted(), step).toEqual(["step", ...(table.get(step) ?? [])].toSorted());
    }
    const attempts = lines.filter(({ step }) => step === "delivery.attempted");
    expect(attempts.find((line) => line.delivery === failed.id)).toEqual({
      step: "delivery.attempted",
      tenant,
      endpoint: other.id,
      delivery: failed.id,
      attempt: 1,
      outcome: "status",
      statusCode: 500,
      durationMs: expect.any(Number),
      requestId: expect.stringMatching(/^req_/),
    });
    // It went through at first; what a person has sent again is an attempt beyond that.
    const successes = attempts.filter((line) => line.delivery === delivered.id);
    expect(successes.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([[2, "succeeded"]]);
    expect(lines.find(({ step }) => step === "event.accepted")).toMatchObject({ event: event.id, deliveries: 2 });
    const changed = lines.filter(({ step }) => step === "config.changed").map(({ action }) => action);
    expect(changed).toEqual(expect.arrayContaining(["tenant.created", "endpoint.created", "endpoint.updated"]));
    const text = JSON.stringify(lines);
    for (const secret of ["payload-text", "answer-text", "endpoint-secret", "header-secret", env.OPERATOR_KEY ?? "?"]) {
      expect(text).not.toContain(secret);
    }
  });

  it("has one line, with its request, for what goes through, and one for each attempt that does not", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const good = await newReceiver();
    const flaky = await newReceiver({ status: 500 });
    await newEndpoint(tenant, good.url, { events: ["good", "both"] });
    await newEndpoint(tenant, flaky.url, { retry: [1], events: ["bad"] });
    lines = [];
    const one = await call("POST", `/v1/tenants/${tenant}/events`, { event: "good", data: {} });
    const events = Array.from({ length: 30 }, () => ({ event: "both", data: {} }));
    const { body } = await call("POST", `/v1/tenants/${tenant}/events/batch`, { events });
    await good.arrived(31);
    for (const { deliveries } of [one.body, ...body.data]) await delivery(tenant, deliveries[0], "succeeded");
    // What the batches and objects have to say is said by then.
    await delivery(tenant, (await post(tenant, "bad")).deliveries[0], "failed");
    const said = lines.filter(
      ({ step, tenant: of }) => of === tenant && /^(event|delivery|batch)\./.test(String(step)),
    );
    expect(
      said.map(({ step, event, events, ids, attempt, outcome }) => ({ step, event, events, ids, attempt, outcome })),
    ).toEqual([
      { step: "event.accepted", event: one.body.id },
      { step: "event.accepted", events: 30, ids: body.data.slice(0, 20).map(({ id }: { id: string }) => id) },
      { step: "event.accepted", event: expect.any(String) },
      { step: "delivery.attempted", attempt: 1, outcome: "status" },
      { step: "delivery.attempted", attempt: 2, outcome: "status" },
    ]);
    for (const line of said) expect(line.requestId, String(line.step)).toMatch(/^req_/);
    expect(said[0]?.requestId).toBe(one.headers.get("X-Request-Id"));
  });

  it("says nothing of a change that did not happen", async ({ expect }) => {
    const tenant = await newTenant();
    lines = [];
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/ep_none`, { name: "x" });
    await call("DELETE", "/v1/tenants/nobody-of-that-name");
    expect(lines.filter(({ step }) => step === "config.changed")).toEqual([]);
  });
});
