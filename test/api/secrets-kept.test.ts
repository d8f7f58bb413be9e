import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { app } from "../../src/api/app";
import * as keys from "../../src/config/access/keys";
import { sameText } from "../../src/lib/crypto";
import { logError } from "../../src/lib/log";
import { call, delivery, fresh, newEndpoint, newReceiver, post, until } from "../lib/api";
import { operationsOf, theDocument } from "./operations";
import { newKey, newWorld, pathIn, type World } from "./world";

afterEach(() => {
  vi.restoreAllMocks();
});

const operations = operationsOf(await theDocument());

/** What answers a secret, and is made for it; creating an endpoint or a key shows it once. */
const SHOWS = ["getSecret", "rotateSecret", "promoteSecret", "createEndpoint", "createKey"];

const base64 = (text: string) => btoa(text).replace(/=+$/, "");

/** Every secret that a tenant can have, each with a text of its own. */
function newSecrets() {
  const name = fresh("zQ").replaceAll("-", "");
  const secret = (what: string) => `${what}${name}S3cr3t`;
  return {
    endpoint: secret("signing"),
    between: secret("between"),
    next: secret("following"),
    callback: secret("callback"),
    token: secret("token"),
    password: secret("password"),
    plain: secret("plain"),
  };
}

/** A tenant with all of them, whose receiver answers with everything that it was sent. */
async function secretWorld() {
  const secrets = newSecrets();
  const world = await newWorld();
  const path = `/v1/tenants/${world.tenant}`;
  await call("PUT", path, { name: "Acme", callbackSecret: secrets.callback });
  const basic = `Basic ${btoa(`me:${secrets.password}`)}`;
  const sent = [secrets.endpoint, secrets.between, secrets.next, `Bearer ${secrets.token}`, basic, secrets.password];
  const echo = {
    headers: { "X-Echo": sent.join("; "), "X-Token": secrets.token },
    body: JSON.stringify({ sent, plain: secrets.plain, base64: btoa(`{"headers":"${sent.join(",")}"}`) }),
  };
  const receiver = await newReceiver({ status: 500, ...echo }, { status: 200, ...echo });
  const headers = { Authorization: `Bearer ${secrets.token}`, "X-Basic": basic, "X-Plain": secrets.plain };
  const { id } = await newEndpoint(world.tenant ?? "", receiver.url, {
    secret: secrets.endpoint,
    profile: "visits",
    headers,
    retry: [1],
  });
  for (const secret of [secrets.between, secrets.next]) {
    await call("POST", `${path}/endpoints/${id}/secret/rotate`, { secret });
  }
  const { id: event, deliveries } = await post(world.tenant ?? "");
  const ref = deliveries.find(({ endpoint }: { endpoint: string }) => endpoint === id);
  await delivery(world.tenant ?? "", ref, "succeeded");
  const other = await newReceiver({ body: `you signed with ${secrets.callback}` });
  const callback = `${path}/events?webhook_url=${encodeURIComponent(other.url)}`;
  const called = await call("POST", callback, { event: "e", data: {} });
  await until("the callback", async () => {
    const { body } = await call("GET", `${path}/events/${called.body.id}`);
    return body.deliveries.at(-1).attempts > 0;
  });
  await call("POST", `${path}/endpoints/${id}/test`, { event: "e", data: {} });
  const roles = await Promise.all(["admin", "producer", "viewer"].map((role) => newKey(world.tenant ?? "", role)));
  const worlds: World[] = [
    { ...world, endpoint: id, event, delivery: ref.id },
    { ...world, event: called.body.id },
  ];
  const own = [env.OPERATOR_KEY ?? "", env.SECRETS_KEY ?? ""];
  return { worlds, path, endpoint: id, secrets, roles, hidden: [...Object.values(secrets), ...roles, ...own] };
}

/** Which of the hidden texts stand in a text, as they are or in base64 or hex. */
function shownIn(text: string, hidden: readonly string[]): string[] {
  const lower = text.toLowerCase();
  const hex = (secret: string) => [...secret].map((char) => char.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  // Some characters less on both sides: in base64 they depend on what is around.
  const spelled = (secret: string) => [secret, base64(secret).slice(0, -2)];
  return hidden.filter((secret) => spelled(secret).some((each) => text.includes(each)) || lower.includes(hex(secret)));
}

/** Everything that is written to the log from now on. */
function logged(): () => string {
  const levels = ["log", "info", "warn", "error", "debug"] as const;
  const spies = levels.map((level) => vi.spyOn(console, level).mockImplementation(() => undefined));
  return () => JSON.stringify(spies.flatMap(({ mock }) => mock.calls));
}

describe("an answer", () => {
  it("is kept by nobody on its way, whatever its status, and is what it says it is", async ({ expect }) => {
    const world = await newWorld();
    const base = `/v1/tenants/${world.tenant}`;
    const answers = [
      await call("GET", `${base}/endpoints/${world.endpoint}/secret`),
      await call("POST", `${base}/keys`, { name: "k", role: "viewer" }),
      await call("POST", `${base}/portal-links`),
      await call("POST", `${base}/events`, { event: "a", data: {} }),
      await call("GET", "/v1/event-types"),
      await call("POST", `${base}/endpoints`, { url: 5 }),
      await call("GET", "/v1/nowhere"),
      await call("GET", `${base}/keys`, undefined, { Authorization: "Bearer wrong" }),
      await call("DELETE", `${base}/keys/${world.keyId}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 201, 201, 202, 200, 422, 404, 401, 204]);
    for (const { status, headers } of answers) {
      expect([status, headers.get("Cache-Control"), headers.get("X-Content-Type-Options")]).toEqual([
        status,
        "no-store",
        "nosniff",
      ]);
    }
  });
});

describe("a secret", () => {
  it("is in no answer but those made for it, in no log line, and not in D1", async ({ expect }) => {
    const log = logged();
    const { worlds, path, roles, secrets, hidden, endpoint } = await secretWorld();
    const reads = operations.filter(({ method, id }) => method === "GET" && !SHOWS.includes(id));
    expect(reads.length).toBeGreaterThan(15);
    for (const key of [env.OPERATOR_KEY ?? "", ...roles]) {
      for (const world of worlds) {
        for (const operation of reads) {
          const { text } = await call("GET", pathIn(world, operation), undefined, { Authorization: `Bearer ${key}` });
          expect(shownIn(text, hidden), operation.id).toEqual([]);
        }
      }
    }
    // The log is not merely empty of what the receiver answered.
    const own = await call("GET", `${path}/endpoints/${endpoint}/deliveries/${worlds[0]?.delivery}`);
    expect(own.body.attemptLog).toHaveLength(2);
    expect(own.body.attemptLog[0].response.body).toContain("***");
    expect(own.body.attemptLog[0].request.headers).toMatchObject({ Authorization: "***", "X-Plain": "***" });
    const shown = await call("GET", `${path}/endpoints/${endpoint}/secret`);
    expect(shown.body).toMatchObject({ secret: secrets.endpoint, next: secrets.next });

    const { results: tables } = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name } of tables.filter((table) => !String(table.name).startsWith("_cf"))) {
      const { results } = await env.DB.prepare(`SELECT * FROM "${name}"`).all();
      expect(shownIn(JSON.stringify(results), hidden), String(name)).toEqual([]);
    }
    expect(log()).toContain("delivery.attempted");
    expect(shownIn(log(), hidden)).toEqual([]);
  });

  it("is in no refusal of a request that brings it, nor in the log of it", async ({ expect }) => {
    const log = logged();
    const world = await newWorld();
    const secret = `hidden${fresh("zQ").replaceAll("-", "")}S3cr3t`;
    const bodies = [
      `{"secret":"${secret}"`,
      `{"secret":"${secret}","url":5,"callbackSecret":"${secret}","headers":{"X-A":"${secret}"}}`,
      { url: "https://hooks.example.com/", events: ["*"], secret: `${secret}${"x".repeat(300)}` },
      { url: "https://hooks.example.com/", events: ["*"], secret: [secret] },
      { url: "https://hooks.example.com/", events: ["*"], headers: { Host: secret, "X-A": `${secret}\n` } },
      { url: "https://hooks.example.com/", events: ["*"], headers: { "X-A": { value: secret } } },
      { url: "https://hooks.example.com/", events: ["*"], secret, profile: "standard" },
      { url: `https://me:${secret}@hooks.example.com/`, events: ["*"] },
      { secret, overlap: -1 },
      { secret: { secret } },
      { name: "x", callbackSecret: { secret } },
      { name: "x", callbackSecret: `${secret}${"x".repeat(300)}` },
      { name: "x", role: secret },
      { signature: { scheme: secret, header: secret } },
    ];
    const writes = operations.filter(({ method }) => ["POST", "PUT", "PATCH"].includes(method));
    let refused = 0;
    for (const operation of writes) {
      for (const body of bodies) {
        const answer = await call(operation.method, pathIn(world, operation), body);
        if (answer.status < 400) continue;
        refused++;
        expect(shownIn(answer.text, [secret]), `${operation.id} ${answer.text}`).toEqual([]);
      }
    }
    expect(refused).toBeGreaterThan(writes.length * 5);
    for (const key of [secret, `phk_${secret}`, `phk_${"a".repeat(43)}`, `${env.OPERATOR_KEY}x`]) {
      for (const path of [`/v1/tenants/${world.tenant}`, "/health", "/v1/nothing"]) {
        const { text } = await call("GET", path, undefined, { Authorization: `Bearer ${key}` });
        expect(shownIn(text, [key, env.OPERATOR_KEY ?? ""])).toEqual([]);
      }
    }
    expect(shownIn(log(), [secret, env.OPERATOR_KEY ?? ""])).toEqual([]);
  });

  it("is in no answer and no log line when a store fails over it", async ({ expect }) => {
    const log = logged();
    const world = await newWorld();
    const secret = `hidden${fresh("zQ").replaceAll("-", "")}S3cr3t`;
    const path = `/v1/tenants/${world.tenant}`;
    const failing = (message: string) => {
      const error = new Error(`D1_ERROR: ${message}`);
      vi.spyOn(env.DB, "batch").mockRejectedValueOnce(error);
    };
    const requests: [string, string, object][] = [
      [
        "POST",
        `${path}/endpoints`,
        { url: "https://hooks.example.com/", events: [], secret, headers: { "X-A": secret } },
      ],
      ["PUT", path, { name: "x", callbackSecret: secret }],
      ["POST", `${path}/endpoints/${world.endpoint}/secret/rotate`, { secret }],
      ["PATCH", `${path}/endpoints/${world.endpoint}`, { headers: { "X-A": secret } }],
    ];
    for (const [method, to, body] of requests) {
      failing("no such table");
      const answer = await call(method, to, body);
      expect(answer.status, `${method} ${to}`).toBeGreaterThanOrEqual(500);
      expect(shownIn(answer.text, [secret])).toEqual([]);
      expect(answer.text).not.toMatch(/D1_ERROR|v1\.[0-9a-f]{8}\./);
    }
    expect(log()).toContain("D1_ERROR");
    expect(shownIn(log(), [secret])).toEqual([]);
    expect(log()).not.toMatch(/v1\.[0-9a-f]{8}\./);
  });
});

describe("a log line of an error", () => {
  it("has the message at the bottom of it alone: the one around it quotes every parameter", ({ expect }) => {
    const log = logged();
    const cause = new Error("D1_ERROR: no such table");
    logError("test.failed", new Error("Failed query: insert … params: the-secret", { cause }), { tenant: "t" });
    expect(log()).toContain("D1_ERROR: no such table");
    expect(log()).not.toContain("the-secret");
  });
});

describe("comparing what a caller sent with what is secret", () => {
  it("takes the same time wherever they differ: padded to one length, by the runtime's own comparison", async ({
    expect,
  }) => {
    const compared = vi.spyOn(crypto.subtle, "timingSafeEqual");
    const operator = env.OPERATOR_KEY ?? "";
    for (const key of [operator, operator.slice(0, -1), `${operator.slice(0, -1)}!`, "x", "x".repeat(4_000)]) {
      compared.mockClear();
      const { status } = await call("GET", "/v1/tenants", undefined, { Authorization: `Bearer ${key}` });
      expect(status, key.slice(0, 40)).toBe(key === operator ? 200 : 401);
      expect(compared.mock.calls.length).toBe(1);
      for (const sides of compared.mock.calls) {
        // Only what the caller sent may make it longer: that is no news to them.
        const length = Math.max(256, key.length);
        expect(sides.map((side) => (side as Uint8Array).byteLength)).toEqual([length, length]);
      }
    }
  });

  it("tells texts apart that differ in what they are padded with alone", ({ expect }) => {
    for (const text of ["", "key", "k".repeat(256)]) {
      for (const other of [`${text}\0`, `\0${text}`])
        expect([sameText(text, other), sameText(other, text)]).toEqual([false, false]);
      expect(sameText(text, text)).toBe(true);
    }
  });

  it("goes through both operator keys, whichever fits", async ({ expect }) => {
    const compared = vi.spyOn(crypto.subtle, "timingSafeEqual");
    const bindings = { ...env, OPERATOR_KEY: "operator-key-one", OPERATOR_KEY_NEXT: "operator-key-two" };
    for (const key of ["operator-key-one", "operator-key-two", "neither-of-these"]) {
      compared.mockClear();
      const headers = { Authorization: `Bearer ${key}` };
      await app.fetch(new Request("https://posthorn.test/health", { headers }), bindings);
      expect(compared.mock.calls.length, key).toBe(2);
    }
  });

  it("never hands a tenant's key to a store: it is looked for by its digest", async ({ expect }) => {
    const world = await newWorld();
    const key = await newKey(world.tenant ?? "", "viewer");
    keys.invalidateKeys();
    const bound: unknown[] = [];
    const prepare = env.DB.prepare.bind(env.DB);
    vi.spyOn(env.DB, "prepare").mockImplementation((query) => {
      const statement = prepare(query);
      const bind = statement.bind.bind(statement);
      statement.bind = (...values: unknown[]) => {
        bound.push(query, ...values);
        return bind(...values);
      };
      return statement;
    });
    const { status } = await call("GET", `/v1/tenants/${world.tenant}`, undefined, { Authorization: `Bearer ${key}` });
    expect(status).toBe(200);
    expect(bound).toContain(await keys.hashOf(key));
    expect(JSON.stringify(bound)).not.toContain(key);
  });
});
