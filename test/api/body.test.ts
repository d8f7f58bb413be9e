import { env, exports } from "cloudflare:workers";
import { describe, it } from "vitest";
import { type Answered, call, newTenant } from "../lib/api";
import { operationsOf, theDocument } from "./operations";
import { newWorld, pathIn } from "./world";

const LIMIT = 1_048_576;
const bytes = (text: string) => new TextEncoder().encode(text);

/** An event's text of exactly so many bytes. */
function eventOf(length: number): string {
  const [head, tail] = ['{"event":"lead.hot","data":{"text":"', '"}}'];
  return head + "x".repeat(length - head.length - tail.length) + tail;
}

async function events(body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answered> {
  return call("POST", `/v1/tenants/${await newTenant()}/events`, body, headers);
}

describe("a request's body", () => {
  it.for(["{", '{"event":', "{'event':'x'}", '{"event":"x","data":{},}', "lead.hot", "NaN", ""])(
    "is refused as malformed when it is %j",
    async (text, { expect }) => {
      const answer = await events(text);
      expect(answer.status).toBe(400);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      expect(answer.body).toMatchObject({
        status: 400,
        code: expect.stringMatching(/^body-/),
        detail: expect.any(String),
      });
    },
  );

  it("is refused as malformed when it is not UTF-8", async ({ expect }) => {
    const text = bytes('{"event":"lead.hot","data":{"name":"?"}}');
    text[text.indexOf("?".charCodeAt(0))] = 0xe9; // é in Latin-1
    const answer = await events(text);
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain("UTF-8");
  });

  it("is accepted with exactly 1 MiB, and refused with a byte more", async ({ expect }) => {
    const whole = eventOf(LIMIT);
    expect(bytes(whole)).toHaveLength(LIMIT);
    expect((await events(whole)).status).toBe(202);
    const answer = await events(eventOf(LIMIT + 1));
    expect(answer.status).toBe(413);
    expect(answer.body).toMatchObject({ status: 413, title: "Too large" });
  });

  it("is measured in bytes, not in characters", async ({ expect }) => {
    const text = JSON.stringify({ event: "lead.hot", data: { text: "é".repeat(LIMIT / 2) } });
    expect(text.length).toBeLessThan(LIMIT);
    expect((await events(text)).status).toBe(413);
  });

  it("is refused as too large as soon as it is, though it never says how long it is", async ({ expect }) => {
    const tenant = await newTenant();
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(32));
        if (sent > 64 * LIMIT) controller.close();
      },
    });
    const answer = await exports.default.fetch(
      new Request(`https://posthorn.test/v1/tenants/${tenant}/events`, {
        method: "POST",
        headers: { Authorization: `Bearer ${env.OPERATOR_KEY}` },
        body: endless,
      }),
    );
    expect(answer.status).toBe(413);
    await answer.body?.cancel();
    expect(sent).toBeLessThan(64 * LIMIT);
  });

  it("leaves nothing behind when it is refused", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/endpoints`;
    const text = JSON.stringify({ url: "https://hooks.example.com/", events: [], uid: "crm" });
    expect((await call("POST", path, text.slice(0, -1))).status).toBe(400);
    expect((await call("POST", path, text + " ".repeat(LIMIT))).status).toBe(413);
    expect((await call("GET", path)).body.data).toEqual([]);
  });
});

describe("the body of every operation that takes one", () => {
  const writes = theDocument().then((document) =>
    operationsOf(document).filter(({ method }) => ["POST", "PUT", "PATCH"].includes(method)),
  );

  it("may have exactly 1 MiB and not a byte more, whether it says how long it is or not", async ({ expect }) => {
    const world = await newWorld();
    const statuses: Record<string, number[]> = {};
    for (const operation of await writes) {
      const text = JSON.stringify(operation.body?.example ?? {});
      const padded = (length: number) => text + " ".repeat(length - bytes(text).byteLength);
      const send = async (body: string | ReadableStream) => {
        const answer = await exports.default.fetch(
          new Request(`https://posthorn.test${pathIn(world, operation)}`, {
            method: operation.method,
            headers: { Authorization: `Bearer ${env.OPERATOR_KEY}`, "Content-Type": "application/json" },
            body,
          }),
        );
        await answer.body?.cancel();
        return answer.status;
      };
      const over = padded(LIMIT + 1);
      statuses[operation.id] = [
        (await send(padded(LIMIT))) === 413 ? 413 : 0,
        await send(over),
        await send(new Blob([over]).stream()),
      ];
    }
    expect(Object.keys(statuses).length).toBeGreaterThan(30);
    expect(statuses).toEqual(Object.fromEntries(Object.keys(statuses).map((id) => [id, [0, 413, 413]])));
  });
});

describe("what a route does not know", () => {
  it.for([
    ["POST", "/events/batch?webhook_url=https://receiver.example/", { events: [{ event: "lead.hot", data: {} }] }],
    ["POST", "/events/EVENT/replay?dryRun=true", undefined],
    ["POST", "/events/EVENT/replay", { endpoint: "ep_1" }],
    ["POST", "/endpoints/ENDPOINT/deliveries/DELIVERY/resend?dryRun=true", undefined],
    ["POST", "/endpoints/ENDPOINT/deliveries/DELIVERY/resend", { dryRun: true }],
    ["POST", "/endpoints/ENDPOINT/secret/promote", { secret: "another-one" }],
    ["DELETE", "/endpoints/ENDPOINT?dryRun=true", undefined],
    ["GET", "/endpoints/ENDPOINT?fields=id", undefined],
  ] as const)("is refused: %s %s", async ([method, path, body], { expect }) => {
    const tenant = await newTenant();
    const { body: endpoint } = await call("POST", `/v1/tenants/${tenant}/endpoints`, {
      url: "http://127.0.0.1:1/",
      events: ["lead.hot"],
      enabled: false,
    });
    const { body: event } = await call("POST", `/v1/tenants/${tenant}/events`, { event: "lead.hot", data: {} });
    const filled = path
      .replace("ENDPOINT", endpoint.id)
      .replace("EVENT", event.id)
      .replace("DELIVERY", event.deliveries[0].id);
    const answer = await call(method, `/v1/tenants/${tenant}${filled}`, body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([{ path: expect.any(String), message: "is not a known field" }]);
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${endpoint.id}`)).status).toBe(200);
  });

  it.for(["metadata", "headers"])(
    "is refused as a name in %s that JSON allows and objects do not",
    async (field, { expect }) => {
      const text = `{"url":"http://127.0.0.1:1/","events":[],"${field}":{"__proto__":"x","a":"b"}}`;
      const answer = await call("POST", `/v1/tenants/${await newTenant()}/endpoints`, bytes(text));
      expect(answer.status).toBe(422);
      expect(answer.body.errors).toEqual([{ path: `${field}.__proto__`, message: "cannot be a name here" }]);
    },
  );
});
