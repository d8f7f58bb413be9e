import { describe, it } from "vitest";
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

const LONG_AGO = "2020-01-01T00:00:00Z";

describe.concurrent("while an endpoint is disabled", () => {
  it("its events are held, and recovered once it is enabled and a person says so", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url, { enabled: false });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const refs = [];
    for (const event of ["lead.first", "lead.second", "lead.third"])
      refs.push((await post(tenant, event)).deliveries[0]);
    for (const ref of refs) {
      const held = await delivery(tenant, ref, "held");
      expect(held).toMatchObject({ attempts: 0, nextAttemptAt: null, finishedAt: null, attemptLog: [] });
    }
    const recover = (query = "") => call("POST", `${path}/recover${query}`, { since: LONG_AGO });
    expect((await recover()).status).toBe(409);
    expect((await recover("?dryRun=true")).body).toMatchObject({ count: 3 });

    await call("PATCH", path, { enabled: true });
    expect((await recover("?dryRun=true")).body).toMatchObject({ count: 3 });
    for (const ref of refs) expect((await call("GET", deliveryPath(tenant, ref))).body.status).toBe("held");
    expect(await receiver.seen()).toEqual([]);

    const recovered = await recover();
    expect(recovered.status).toBe(200);
    expect(recovered.body).toMatchObject({ count: 3 });
    for (const ref of refs) {
      const done = await delivery(tenant, ref, "succeeded");
      expect(done).toMatchObject({ attempts: 1 });
      expect(done.attemptLog[0].trigger).toBe("manual");
    }
    expect(await receiver.seen()).toHaveLength(3);
    expect((await recover("?dryRun=true")).body).toEqual({ count: 0 });
    expect((await recover()).body).toEqual({ count: 0 });
  });

  it("what waited for a retry is held too, and nothing is sent", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, {});
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [2] });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const [ref] = (await post(tenant)).deliveries;
    await delivery(tenant, ref, "retrying");
    await call("PATCH", path, { enabled: false });
    expect(await delivery(tenant, ref, "held")).toMatchObject({ attempts: 1, nextAttemptAt: null });
    // Another endpoint's retry of the same delay, begun later, has come by: this one's would have.
    const witness = await newReceiver({ status: 500 }, {});
    const other = await newTenant();
    await newEndpoint(other, witness.url, { retry: [2] });
    await post(other);
    await witness.arrived(2);
    expect(await receiver.seen()).toHaveLength(1);
    expect((await call("GET", deliveryPath(tenant, ref))).body).toMatchObject({ status: "held", attempts: 1 });
  });

  it("nothing can be resent", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const [ref] = (await post(tenant)).deliveries;
    await delivery(tenant, ref, "succeeded");
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { enabled: false });
    const answer = await call("POST", `${deliveryPath(tenant, ref)}/resend`);
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ status: 409, code: "endpoint-disabled" });
    expect((await call("GET", deliveryPath(tenant, ref))).body.status).toBe("succeeded");
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("others get their events", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const off = await newEndpoint(tenant, (await newReceiver()).url, { enabled: false });
    await newEndpoint(tenant, receiver.url);
    const { id, deliveries } = await post(tenant);
    expect(deliveries).toHaveLength(2);
    for (const ref of deliveries) await delivery(tenant, ref, ref.endpoint === off.id ? "held" : "succeeded");
    const { body } = await call("GET", `/v1/tenants/${tenant}/events/${id}`);
    expect(body.deliveries.map(({ status }: { status: string }) => status).toSorted()).toEqual(["held", "succeeded"]);
  });
});

describe.concurrent("recover", () => {
  it("takes the status and the time span it is given", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [] });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const failed = (await post(tenant)).deliveries[0];
    const { createdAt } = await delivery(tenant, failed, "failed");
    await call("PATCH", path, { enabled: false });
    const held = (await post(tenant)).deliveries[0];
    await delivery(tenant, held, "held");
    const dry = async (body: object) => (await call("POST", `${path}/recover?dryRun=true`, body)).body.count;
    expect(await dry({ since: LONG_AGO })).toBe(2);
    expect(await dry({ since: LONG_AGO, status: "failed" })).toBe(1);
    expect(await dry({ since: LONG_AGO, status: ["held"] })).toBe(1);
    expect(await dry({ since: LONG_AGO, until: createdAt })).toBe(0);
    expect(await dry({ since: createdAt, status: "failed" })).toBe(1);
    expect(await dry({ since: new Date(Date.now() + 60_000).toISOString() })).toBe(0);

    await call("PATCH", path, { enabled: true });
    await receiver.answer({});
    expect((await call("POST", `${path}/recover`, { since: LONG_AGO, status: "failed" })).body).toMatchObject({
      count: 1,
    });
    expect(await delivery(tenant, failed, "succeeded")).toMatchObject({ attempts: 2 });
    expect((await call("GET", deliveryPath(tenant, held))).body.status).toBe("held");
  });

  it("sends what lies in the time span, and nothing before or after it", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [] });
    const failed: Answered["body"][] = [];
    for (let i = 0; i < 4; i++) {
      failed.push(await delivery(tenant, (await post(tenant)).deliveries[0], "failed"));
      const at = Date.parse(failed.at(-1)?.createdAt);
      await until("another millisecond", () => Date.now() > at);
    }
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    await receiver.answer({});
    const [, second, third, fourth] = failed;
    const span = { since: second.createdAt, until: fourth.createdAt };
    expect((await call("POST", `${path}/recover`, span)).body).toMatchObject({ count: 2 });
    for (const ref of [second, third]) await delivery(tenant, ref, "succeeded");
    const sent = (await receiver.seen()).slice(4).map(({ headers }) => headers["x-webhook-id"]);
    expect(sent.toSorted()).toEqual([second.id, third.id].toSorted());
    const { body } = await call("GET", `${path}/deliveries`);
    expect(body.data.map(({ status }: { status: string }) => status)).toEqual([
      "failed",
      "succeeded",
      "succeeded",
      "failed",
    ]);
  });

  it("leaves alone what has succeeded or still waits", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({}, { status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [60] });
    const done = (await post(tenant)).deliveries[0];
    await delivery(tenant, done, "succeeded");
    const waits = (await post(tenant)).deliveries[0];
    const { nextAttemptAt } = await delivery(tenant, waits, "retrying");
    const answer = await call("POST", `/v1/tenants/${tenant}/endpoints/${id}/recover`, { since: LONG_AGO });
    expect(answer.body).toEqual({ count: 0 });
    expect((await call("GET", deliveryPath(tenant, waits))).body).toMatchObject({ status: "retrying", nextAttemptAt });
  });

  it.for([
    [{}, ["since"]],
    [{ since: "yesterday" }, ["since"]],
    [{ since: LONG_AGO, until: 5, status: "succeeded" }, ["status", "until"]],
    [{ since: LONG_AGO, status: [] }, ["status"]],
    [{ since: LONG_AGO, dryRun: true }, ["dryRun"]],
  ] as [object, string[]][])("refuses %j, naming %j", async ([body, fields], { expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, "https://hooks.example.com/");
    const answer = await call("POST", `/v1/tenants/${tenant}/endpoints/${id}/recover`, body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map(({ path }: { path: string }) => path.split(".")[0]).toSorted()).toEqual(fields);
  });
});

describe.concurrent("resend", () => {
  const triggers = ({ attemptLog }: Answered["body"]) => attemptLog.map(({ trigger }: { trigger: string }) => trigger);

  it("sends the same bytes of a delivery that has succeeded again", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const posted = '{"event":"lead.hot","data":{"2":1.0,"1":12345678901234567890}}';
    const [ref] = (await call("POST", `/v1/tenants/${tenant}/events`, posted)).body.deliveries;
    await delivery(tenant, ref, "succeeded");
    const answer = await call("POST", `${deliveryPath(tenant, ref)}/resend`);
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ id: ref.id, finishedAt: null });
    expect(["pending", "retrying", "succeeded"]).toContain(answer.body.status);
    const [first, second] = await receiver.arrived(2);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers).toMatchObject({ "x-webhook-id": ref.id, "x-webhook-attempt": "2" });
    const done = await delivery(tenant, ref, "succeeded");
    expect(done.attempts).toBe(2);
    expect(triggers(done)).toEqual(["scheduled", "manual"]);
  });

  it("restarts the schedule of a delivery that has failed", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    await newEndpoint(tenant, receiver.url, { retry: [1] });
    const [ref] = (await post(tenant)).deliveries;
    expect(triggers(await delivery(tenant, ref, "failed"))).toEqual(["scheduled", "scheduled"]);
    expect((await call("POST", `${deliveryPath(tenant, ref)}/resend`)).status).toBe(202);
    await receiver.arrived(4);
    const failed = await delivery(tenant, ref, "failed");
    expect(triggers(failed)).toEqual(["scheduled", "scheduled", "manual", "scheduled"]);
  });

  it("takes the place of the retry that was scheduled", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, {});
    await newEndpoint(tenant, receiver.url, { retry: [3600] });
    const [ref] = (await post(tenant)).deliveries;
    await delivery(tenant, ref, "retrying");
    expect((await call("POST", `${deliveryPath(tenant, ref)}/resend`)).status).toBe(202);
    const done = await delivery(tenant, ref, "succeeded");
    expect(done).toMatchObject({ attempts: 2, nextAttemptAt: null });
    expect(await receiver.seen()).toHaveLength(2);
  });

  it("is refused while an attempt is under way", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ delayMs: 1_500 });
    await newEndpoint(tenant, receiver.url);
    const [ref] = (await post(tenant)).deliveries;
    await receiver.arrived();
    expect((await call("POST", `${deliveryPath(tenant, ref)}/resend`)).status).toBe(409);
    expect(await delivery(tenant, ref, "succeeded")).toMatchObject({ attempts: 1 });
  });
});

describe.concurrent("an endpoint's deliveries", () => {
  it("are listed newest first, page by page", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const refs = [];
    for (let i = 0; i < 5; i++) refs.unshift((await post(tenant)).deliveries[0]);
    for (const ref of refs) await delivery(tenant, ref, "succeeded");
    const path = `/v1/tenants/${tenant}/endpoints/${id}/deliveries`;
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: Answered = await call("GET", `${path}?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      expect(page.status).toBe(200);
      expect(page.body.data.length).toBeLessThanOrEqual(2);
      for (const listed of page.body.data) expect(listed).not.toHaveProperty("attemptLog");
      seen.push(...page.body.data.map((listed: { id: string }) => listed.id));
      cursor = page.body.nextCursor;
    }
    expect(seen).toEqual(refs.map((ref) => ref.id));
    expect((await call("GET", `${path}?limit=0`)).status).toBe(422);
    expect((await call("GET", `${path}?limit=251`)).status).toBe(422);
  });
});
