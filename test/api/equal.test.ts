import { describe, it } from "vitest";
import { call, fresh, newEndpoint, newReceiver, newTenant, until } from "../lib/api";
import { logged } from "../signals/world";

const BIG = "9007199254740993";
const NEIGHBOUR = "9007199254740992";

/** Calls with a body of text, in which numbers stand as they are written. */
const send = (tenant: string, path: string, body: string, method = "POST") =>
  call(method, `/v1/tenants/${tenant}${path}`, body);

async function endpointWith(tenant: string, filter: string) {
  const receiver = await newReceiver();
  const made = await send(tenant, "/endpoints", `{"url": "${receiver.url}", "events": ["*"], "filter": ${filter}}`);
  if (made.status !== 201) throw new Error(made.text);
  return { receiver, made };
}

describe("a number beyond a double", () => {
  it("is delivered where the filter has that number, as it was written, and kept so", async ({ expect }) => {
    const tenant = await newTenant();
    const { receiver, made } = await endpointWith(tenant, `{"data.id": ${BIG}}`);
    expect(made.text).toContain(`"filter":{"data.id":${BIG}}`);
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${made.body.id}`)).text).toContain(`"data.id":${BIG}`);
    const other = await send(tenant, "/events", `{"event": "a", "data": {"id": ${NEIGHBOUR}}}`);
    expect(other.body.deliveries).toEqual([]);
    const own = await send(tenant, "/events", `{"event": "a", "data": {"id":${BIG},  "n": 1.0}}`);
    expect(own.body.deliveries).toHaveLength(1);
    const [request] = await receiver.arrived();
    expect(request?.body).toContain(`"data":{"id":${BIG},  "n": 1.0}`);
    const explained = await call("GET", `/v1/tenants/${tenant}/events/${other.body.id}/explain`);
    expect(explained.text).toContain(`"expected":${BIG},"actual":${NEIGHBOUR}`);
    const replayed = await send(tenant, `/events/${other.body.id}/replay`, "");
    expect(replayed.body.deliveries ?? replayed.body.data).toEqual([]);
  });

  it("is an entity's key, on lists too", async ({ expect }) => {
    const tenant = await newTenant();
    const list = fresh("l");
    await send(tenant, "/lists", `{"name": "${list}", "items": ["${BIG}"]}`);
    for (const [emit, when] of [
      ["first", { once: true }],
      ["listed", { inList: list }],
    ] as const) {
      await call("POST", `/v1/tenants/${tenant}/signals`, { name: emit, emit, entity: "ids.user\\.id", when });
    }
    const seen = async (key: string) => {
      const { body } = await send(tenant, "/observations", `{"ids": {"user.id": ${key}}}`);
      return body.events.map(({ event }: { event: string }) => event);
    };
    expect(await seen(BIG)).toEqual(["first", "listed"]);
    expect(await seen(NEIGHBOUR)).toEqual(["first"]);
    expect(await seen(`"${BIG}"`)).toEqual(["listed"]);
    expect(await seen(`${BIG}.0`)).toEqual(["listed"]);
    expect(await seen("1000000000000000000000000")).toEqual(["first"]);
    expect(await seen('"1000000000000000000000000"')).toEqual([]);
  });

  it("is crossed, moved and attached as it is written", async ({ expect }) => {
    const tenant = await newTenant();
    const rule = (emit: string, when: string) =>
      send(
        tenant,
        "/signals",
        `{"name": "n", "emit": "${emit}", "entity": "e", "when": ${when}, "attach": {"was": "previous", "is": "current"}}`,
      );
    const crosses = await rule("crossed", `{"crosses": {"path": "v", "threshold": ${BIG}}}`);
    expect(crosses.text).toContain(`"threshold":${BIG}`);
    expect((await rule("moved", '{"changesBy": {"path": "v", "atLeast": 1}}')).status).toBe(201);
    const seen = (value: string) => send(tenant, "/observations", `{"e": 1, "v": ${value}}`);
    expect((await seen(NEIGHBOUR)).body.events).toEqual([]);
    const fired = (await seen(BIG)).body.events;
    expect(fired.map(({ event }: { event: string }) => event)).toEqual(["crossed", "moved"]);
    for (const { id } of fired) {
      const { text } = await call("GET", `/v1/tenants/${tenant}/events/${id}`);
      expect(text).toContain(`"data":{"e": 1, "v": ${BIG},"was":${NEIGHBOUR},"is":${BIG}}`);
    }
    const tried = await send(
      tenant,
      "/signals/test",
      `{"rule": {"name": "n", "emit": "x", "entity": "e", "when": {"crosses": {"path": "v", "threshold": ${BIG}}}},
        "observations": [{"e": 1, "v": ${NEIGHBOUR}}, {"e": 1, "v": ${BIG}}]}`,
    );
    expect(tried.body.data.map(({ events }: { events: unknown[] }) => events.length)).toEqual([0, 1]);
  });

  it("tells contacts apart, and is a persona's", async ({ expect }) => {
    const tenant = await newTenant();
    const { id: endpoint } = await newEndpoint(tenant, (await newReceiver()).url, { events: [] });
    const persona = await send(
      tenant,
      "/segments",
      `{"name": "s", "filter": {"id": {"$gte": ${NEIGHBOUR}, "$lte": ${BIG}}}}`,
    );
    const actions = [{ type: "reveal_contacts", endpoint, persona: persona.body.id }];
    await call("POST", `/v1/tenants/${tenant}/automations`, { name: "a", trigger: "lead", actions });
    const contacts = [NEIGHBOUR, BIG, `${BIG}.0`, "9007199254740994"].map((id) => `{"id":${id}}`).join(",");
    await send(
      tenant,
      "/events",
      `{"event": "lead", "data": {"company": {"domain": "a.example"}, "contacts": [${contacts}]}}`,
    );
    const event = await until("the contacts", async () => {
      return (await logged(tenant)).find((one) => one.event === "contact_revealed") ?? false;
    });
    const { text } = await call("GET", `/v1/tenants/${tenant}/events/${event.id}`);
    expect(text).toContain(`"data":[{"id":${NEIGHBOUR}},{"id":${BIG}}]`);
  });

  it("is held against an enforced schema", async ({ expect }) => {
    const tenant = await newTenant();
    const type = fresh("type");
    const schema = `{"properties": {"id": {"enum": [${BIG}, 5]}}}`;
    const put = await call(
      "PUT",
      `/v1/event-types/${type}`,
      `{"enforce": true, "schema": ${schema}, "sample": {"id": ${BIG}}}`,
    );
    expect([put.status, put.text.includes(`[${BIG},5]`)]).toEqual([201, true]);
    const wrong = await call("PATCH", `/v1/event-types/${type}`, `{"sample": {"id": ${NEIGHBOUR}}}`);
    expect(wrong.status).toBe(422);
    const status = async (id: string) =>
      (await send(tenant, "/events", `{"event": "${type}", "data": {"id": ${id}}}`)).status;
    expect([await status(BIG), await status(NEIGHBOUR), await status("5.0"), await status("50e-1")]).toEqual([
      202, 422, 202, 202,
    ]);
  });

  it("is refused wherever a number is no value, and never a 5xx", async ({ expect }) => {
    const tenant = await newTenant();
    for (const number of [BIG, "1e400", "-1e-400"]) {
      const answers = [
        await send(tenant, "/events", number),
        await send(tenant, "/events", `{"event": "a", "data": ${number}}`),
        await send(tenant, "/events", `{"event": ${number}, "data": {}, "timestamp": ${number}, "id": ${number}}`),
        await send(tenant, "/events/batch", `{"events": [${number}]}`),
        await send(tenant, "/observations", number),
        await send(tenant, "/observations/batch", `{"observations": [${number}]}`),
        await send(tenant, "/signals/test", `{"observations": [${number}]}`),
        await send(tenant, "/segments", `{"name": "a", "filter": ${number}}`),
        await send(
          tenant,
          "/endpoints",
          `{"url": ${number}, "events": ${number}, "headers": ${number}, "timeout": ${number}}`,
        ),
        await send(tenant, "/endpoints", `{"url": "http://127.0.0.1/", "events": ["*"], "signature": ${number}}`),
        await call("PUT", `/v1/event-types/${fresh("x")}`, `{"sample": ${number}}`),
        await call("PUT", `/v1/event-types/${fresh("x")}`, `{"schema": ${number}}`),
      ];
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 422));
    }
  });
});
