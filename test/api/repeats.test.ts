import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { claimKey, keepAnswer } from "../../src/config/kept-answers";
import { DAY, MINUTE } from "../../src/lib/time";
import { type Answered, call, delivery, fresh, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { operationsOf, theDocument } from "./operations";
import { newKey } from "./world";

const operations = operationsOf(await theDocument());
afterEach(() => vi.useRealTimers());

const keyed = (key: string, more: object = {}) => ({ "Idempotency-Key": key, ...more });

/** A request to each POST that makes or does something, in a tenant that has what it needs. */
async function requests(): Promise<Record<string, [path: string, body?: object]>> {
  const tenant = await newTenant();
  const at = `/v1/tenants/${tenant}`;
  const receiver = await newReceiver();
  const { id } = await newEndpoint(tenant, receiver.url, { events: ["a"] });
  const other = await newEndpoint(tenant, receiver.url, { events: [] });
  await call("POST", `${at}/endpoints/${other.id}/secret/rotate`, {});
  const event = await post(tenant, "a");
  await delivery(tenant, event.deliveries[0], "succeeded");
  const signal = { name: "a", emit: "a", entity: "a", when: { once: true } };
  return {
    createTenant: ["/v1/tenants", { id: fresh("t"), name: "a" }],
    createKey: [`${at}/keys`, { name: "a", role: "viewer" }],
    createPortalLink: [`${at}/portal-links`, {}],
    createEndpoint: [`${at}/endpoints`, { url: "https://a.example/", events: [] }],
    rotateSecret: [`${at}/endpoints/${id}/secret/rotate`, {}],
    probeEndpoint: [`${at}/endpoints/${id}/probe`],
    promoteSecret: [`${at}/endpoints/${other.id}/secret/promote`],
    sendTest: [`${at}/endpoints/${id}/test`, { event: "a", data: {} }],
    recoverDeliveries: [`${at}/endpoints/${id}/recover`, { since: "2026-01-01T00:00:00Z" }],
    resendDelivery: [`${at}/endpoints/${id}/deliveries/${event.deliveries[0].id}/resend`],
    replayEvent: [`${at}/events/${event.id}/replay`],
    createSegment: [`${at}/segments`, { name: "a", filter: { "data.a": 1 } }],
    createAutomation: [`${at}/automations`, { name: "a", trigger: "a", actions: [{ type: "webhook", endpoint: id }] }],
    createSignal: [`${at}/signals`, signal],
    testSignals: [`${at}/signals/test`, { observations: [{ a: 1 }] }],
    installSignals: [`${at}/signals/catalogs/clearview`],
    createList: [`${at}/lists`, { name: "a" }],
    installCatalog: ["/v1/event-types/catalogs/clearview"],
    resealSecrets: ["/v1/secrets/reseal"],
  };
}

/** What a caller sees of an answer but its request's id. */
const seen = ({ status, text, headers }: Answered) => [
  status,
  text,
  headers.get("Location"),
  headers.get("Content-Type"),
];

describe("a POST under an Idempotency-Key", () => {
  it("is answered as the first was, every one of them, and does nothing again", async ({ expect }) => {
    const all = await requests();
    const posts = operations.filter(
      ({ method, path }) => method === "POST" && !/\/(?:events|observations)(?:\/batch)?$/.test(path),
    );
    expect(Object.keys(all).toSorted()).toEqual(posts.map(({ id }) => id).toSorted());
    for (const { parameters, id } of posts) {
      expect(
        parameters.map(({ name }) => name),
        id,
      ).toContain("Idempotency-Key");
    }
    for (const [id, [path, body]] of Object.entries(all)) {
      const first = await call("POST", path, body, keyed(`${id}-1`));
      expect(first.status, `${id} ${first.text}`).toBeLessThan(300);
      const again = await call("POST", path, body, keyed(`"${id}-1"`));
      expect(seen(again), id).toEqual(seen(first));
      expect(
        [first, again].map(({ headers }) => headers.get("Idempotency-Replayed")),
        id,
      ).toEqual([null, "true"]);
      const other = await call("POST", path, { ...body, other: true }, keyed(`${id}-1`));
      expect([other.status, other.body.code], id).toEqual([422, "idempotency-key-reused"]);
    }
    const [, at] = /^(\/v1\/tenants\/[^/]+)/.exec((all.createKey as [string])[0]) as unknown as [string, string];
    for (const [list, count] of [
      ["segments", 1],
      ["automations", 1],
      ["lists", 1],
      ["keys", 1],
      ["endpoints", 3],
    ] as const) {
      expect((await call("GET", `${at}/${list}`)).body.data, list).toHaveLength(count);
    }
  });

  it("is made once of twenty at once: the others are told to wait, or how it ended", async ({ expect }) => {
    const at = `/v1/tenants/${await newTenant()}`;
    const body = { url: "https://a.example/", events: [] };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => call("POST", `${at}/endpoints`, body, keyed("one"))),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(new Set(made.map(({ text }) => text)).size).toBe(1);
    for (const { status, body, headers } of answers.filter((answer) => !made.includes(answer))) {
      expect([status, body.code, headers.get("Retry-After")]).toEqual([409, "request-under-way", "1"]);
    }
    expect((await call("GET", `${at}/endpoints`)).body.data).toHaveLength(1);
  });

  it("that was refused is a new try", async ({ expect }) => {
    const at = `/v1/tenants/${await newTenant()}`;
    expect((await call("POST", `${at}/segments`, { name: "a" }, keyed("k"))).status).toBe(422);
    expect((await call("POST", `${at}/segments`, { name: "a", filter: { "data.a": 1 } }, keyed("k"))).status).toBe(201);
  });

  it("is its caller's and its tenant's own", async ({ expect }) => {
    const [one, two] = [await newTenant(), await newTenant()];
    const make = async (tenant: string, key?: string) => {
      const headers = key === undefined ? {} : { Authorization: `Bearer ${key}` };
      const answer = await call(
        "POST",
        `/v1/tenants/${tenant}/segments`,
        { name: "a", filter: { "data.a": 1 } },
        keyed("k", headers),
      );
      return answer.body.id as string;
    };
    const ids = [
      await make(one),
      await make(two),
      await make(one, await newKey(one, "admin")),
      await make(one, await newKey(one, "admin")),
    ];
    expect(new Set(ids).size).toBe(4);
    await call("DELETE", `/v1/tenants/${one}`);
    await call("PUT", `/v1/tenants/${one}`, { name: "Successor" });
    expect(ids).not.toContain(await make(one));
  });

  it("needs a key of 1 to 255 characters", async ({ expect }) => {
    const at = `/v1/tenants/${await newTenant()}`;
    for (const key of ['""', "x".repeat(256), `"${"x".repeat(256)}"`]) {
      const answer = await call("POST", `${at}/lists`, { name: "a" }, keyed(key));
      expect([answer.status, answer.body.errors[0].path], key).toEqual([422, "idempotency-key"]);
    }
    expect((await call("POST", `${at}/lists`, { name: "a" }, keyed(`"${"x".repeat(255)}"`))).status).toBe(201);
  });

  it("keeps its secret sealed", async ({ expect }) => {
    const tenant = await newTenant();
    const { body } = await call(
      "POST",
      `/v1/tenants/${tenant}/keys`,
      { name: "a", role: "viewer" },
      keyed("a-secret-key-name"),
    );
    const { results } = await env.DB.prepare("SELECT * FROM kept_answers").all();
    const kept = JSON.stringify(results);
    expect(results.some(({ answer }) => String(answer).startsWith("v1."))).toBe(true);
    for (const text of [body.key, body.id, "a-secret-key-name"]) expect(kept).not.toContain(text);
  });
});

describe('`k-1` and `"k-1"`', () => {
  it("are one key for events and observations too", async ({ expect }) => {
    const at = `/v1/tenants/${await newTenant()}`;
    const event = { event: "a", data: {} };
    const bodies: [string, object][] = [
      ["events", event],
      ["events/batch", { events: [event] }],
      ["observations", { a: 1 }],
      ["observations/batch", { observations: [{ a: 1 }] }],
    ];
    for (const [path, body] of bodies) {
      const key = fresh("k");
      expect((await call("POST", `${at}/${path}`, body, keyed(key))).status, path).toBe(202);
      expect((await call("POST", `${at}/${path}`, body, keyed(`"${key}"`))).status, path).toBe(200);
    }
  });
});

describe("a kept answer", () => {
  const request = (claim: string, fingerprint = "f") => ({ id: fresh("id"), fingerprint, claim });
  const now = Date.UTC(2026, 10, 21);

  it("ends after 24 hours, and a claim without one after a minute", async ({ expect }) => {
    const first = request("one");
    expect(await claimKey(env.DB, first, now)).toEqual({ kind: "claimed" });
    const second = { ...first, claim: "two" };
    expect(await claimKey(env.DB, second, now + MINUTE - 1)).toEqual({
      kind: "under way",
      fingerprint: "f",
      secondsLeft: 1,
    });
    expect(await claimKey(env.DB, second, now + MINUTE)).toEqual({ kind: "claimed" });
    // Who came too late writes over nothing.
    await keepAnswer(env.DB, first, "late", now + MINUTE);
    await keepAnswer(env.DB, second, "in time", now + MINUTE);
    const third = { ...first, claim: "three" };
    const answered = { kind: "answered", fingerprint: "f", answer: "in time" };
    expect(await claimKey(env.DB, third, now + MINUTE + DAY - 1)).toEqual(answered);
    expect(await claimKey(env.DB, third, now + MINUTE + DAY)).toEqual({ kind: "claimed" });
  });

  it("goes once it is over, a few with each new one, by the index", async ({ expect }) => {
    await env.DB.prepare("DELETE FROM kept_answers").run();
    for (let i = 0; i < 25; i++) await claimKey(env.DB, request(`c${i}`), now + i);
    const left = async () => (await env.DB.prepare("SELECT count(*) AS n FROM kept_answers").first<{ n: number }>())?.n;
    expect(await left()).toBe(25);
    await claimKey(env.DB, request("new"), now + DAY);
    expect(await left()).toBe(16);
    await claimKey(env.DB, request("newer"), now + DAY);
    await claimKey(env.DB, request("newest"), now + DAY);
    expect(await left()).toBe(3);
    const plan = await env.DB.prepare(
      "EXPLAIN QUERY PLAN DELETE FROM kept_answers WHERE id IN (SELECT id FROM kept_answers WHERE expires_at <= 1 ORDER BY expires_at LIMIT 10)",
    ).all<{ detail: string }>();
    expect(plan.results.map(({ detail }) => detail).join("\n")).not.toMatch(/SCAN kept_answers|TEMP B-TREE/);
  });
});
