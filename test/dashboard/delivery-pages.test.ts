import { env } from "cloudflare:workers";
import { createHmac } from "node:crypto";
import { describe, it } from "vitest";
import { call, delivery, fresh, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { Visitor, withKey, words } from "./visitor";

const SECRET = "the-secret-of-this-test";

/** A delivery of an event with this data, its page, and somebody who may see it. */
async function delivered(data: string, fields: object = {}, ...plan: { status: number }[]) {
  const tenant = await newTenant();
  const receiver = await newReceiver(...plan);
  const endpoint = await newEndpoint(tenant, receiver.url, { secret: SECRET, retry: [], ...fields });
  const { body } = await call("POST", `/v1/tenants/${tenant}/events`, `{"event":"a.b","data":${data}}`);
  const ref = body.deliveries[0];
  const status = (plan.at(-1)?.status ?? 200) < 300 ? "succeeded" : "failed";
  const shown = await delivery(tenant, ref, status);
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  const here = `/dashboard/tenants/${tenant}/endpoints/${endpoint.id}/deliveries/${ref.id}`;
  return { tenant, receiver, endpoint, visitor, here, sent: shown.attemptLog[0].request.body as string };
}

describe("a delivery's page", () => {
  it("has the body to the byte, and the command that sends it", async ({ expect }) => {
    const data = '{\r\n "name" : "it\'s <b>",\r\n "n":1.0}';
    const { visitor, here, sent, receiver } = await delivered(data, { format: "flat" });
    expect(sent).toBe(data);
    const [request] = await receiver.arrived();
    const { html } = await visitor.get(here);
    expect(html).toContain("<code>{&#13;\n &quot;name".replaceAll("&quot;", '"'));
    const command = words(html);
    expect(command).toContain(`printf '{\\015\\012 "name" : "it'\\''s <b>",\\015\\012 "n":1.0}' | curl -X POST`);
    expect(command).toContain(`-H 'X-Webhook-Signature: ${request?.headers["x-webhook-signature"]}'`);
  });

  it("shows one attempt whole, and leads to the others", async ({ expect }) => {
    const { visitor, here } = await delivered('{"a":1}', { retry: [1] }, { status: 500 }, { status: 200 });
    const last = (await visitor.get(here)).html;
    expect(last).toContain("Body of the request of attempt 2");
    expect(last).not.toContain("Body of the request of attempt 1");
    expect(words(last)).toMatch(/\d differences? to attempt 1/);
    const first = (await visitor.get(`${here}?attempt=1`)).html;
    expect(first).toContain("Body of the request of attempt 1");
    expect(first).toContain("Attempt 1 as a command");
    expect(first).not.toContain("Body of the request of attempt 2");
  });

  it("tells what is wrong with a signature that somebody computed", async ({ expect }) => {
    const { visitor, here, sent } = await delivered('{"name" : "x"}');
    const check = async (pasted: string, hashed = "") =>
      words((await visitor.submit(here, `${here}/check`, { attempt: "1", pasted, hashed })).html);
    const hmac = (text: string) => createHmac("sha256", SECRET).update(text).digest("hex");
    expect(await check(hmac(sent))).toContain("Right. It is what was sent");
    const other = JSON.stringify(JSON.parse(sent));
    expect(await check(hmac(other))).toContain("parsed and written again");
    expect(await check("nonsense")).toContain("It is no HMAC-SHA256");
    expect(await check(hmac("a\nb"), "a\r\nb")).toContain("differs from byte 0 on");
  });

  it("checks signatures for those alone who may read the secret", async ({ expect }) => {
    const { tenant, here, sent } = await delivered('{"a":1}');
    const { visitor } = await withKey(tenant, "viewer");
    expect(words((await visitor.get(here)).html)).not.toContain("Check a signature");
    const pasted = createHmac("sha256", SECRET).update(sent).digest("hex");
    const answer = await visitor.submit(here, `${here}/check`, { attempt: "1", pasted });
    expect(answer.status).toBe(403);
    expect(words(answer.html)).not.toContain("Right.");
  });
});

describe("why a delivery is not with its receiver", () => {
  it("is told of a failure, with its remedy and where the guide tells of it", async ({ expect }) => {
    const { visitor, here } = await delivered('{"a":1}', {}, { status: 401 });
    const { html } = await visitor.get(here);
    expect(words(html)).toContain("Given up after 1 attempt. The receiver answered 401");
    expect(html).toContain('href="/docs/reasons#unauthorized"');
  });

  it("is told of what is held, and of a test that waits for nothing", async ({ expect }) => {
    const tenant = await newTenant();
    const endpoint = await newEndpoint(tenant, (await newReceiver()).url, { enabled: false });
    const { body } = await call("POST", `/v1/tenants/${tenant}/events`, { event: "a.b", data: {} });
    await delivery(tenant, body.deliveries[0], "held");
    const visitor = new Visitor();
    await visitor.signIn(env.OPERATOR_KEY ?? "");
    const base = `/dashboard/tenants/${tenant}/endpoints/${endpoint.id}`;
    const here = `${base}/deliveries/${body.deliveries[0].id}`;
    expect(words((await visitor.get(here)).html)).toContain("Held: the endpoint is disabled. Somebody disabled it.");
    await visitor.submit(base, `${base}/enable`, {});
    expect(words((await visitor.get(here)).html)).toContain("It is enabled again: resend this one, or recover all.");
  });

  it("is told of the breaker, after a resend as well, and a probe may go at once", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const endpoint = await newEndpoint(tenant, receiver.url, { retry: [3_600] });
    const visitor = new Visitor();
    await visitor.signIn(env.OPERATOR_KEY ?? "");
    const base = `/dashboard/tenants/${tenant}/endpoints/${endpoint.id}`;
    const health = async () => (await call("GET", `/v1/tenants/${tenant}/endpoints/${endpoint.id}/health`)).body;
    const refs = [];
    for (let i = 0; i < 10; i++) {
      const { body } = await call("POST", `/v1/tenants/${tenant}/events`, { event: "a.b", data: { i } });
      refs.push(body.deliveries[0]);
      await delivery(tenant, body.deliveries[0], "retrying");
    }
    expect((await health()).breaker.state).toBe("open");
    const first = await visitor.get(base);
    expect(words(first.html)).toContain("The breaker is open: nothing is sent until");
    expect(words(first.html)).toContain("10 attempts failed one after the other.");
    expect(words(first.html)).toContain("it failed itself.");
    const here = `${base}/deliveries/${refs[0].id}`;
    const resent = await visitor.submit(here, `${here}/resend`, {});
    const said = words((await visitor.get(resent.headers.get("Location") ?? "")).html);
    expect(said).toContain("Resend requested.");
    expect(said).toContain("Waits until");
    expect(said).not.toContain("on its way");
    const { visitor: viewer } = await withKey(tenant, "viewer");
    expect(words((await viewer.get(here)).html)).not.toContain("Probe now");
    expect((await viewer.submit(here, `${base}/probe`, {})).status).toBe(403);
    await receiver.answer({ status: 200 });
    const probed = await visitor.submit(here, `${base}/probe`, {});
    expect(probed.headers.get("Location")).toMatch(/done=probed$/);
    await delivery(tenant, refs[0], "succeeded");
    expect((await health()).breaker.state).toBe("closed");
  });
});

describe("deliveries that are selected in a log", () => {
  it("are counted before they are resent, and what was refused is told", async ({ expect }) => {
    const { tenant, visitor, endpoint, receiver } = await delivered('{"a":1}', {}, { status: 500 });
    const { body } = await call("POST", `/v1/tenants/${tenant}/events`, { event: "a.b", data: { b: 2 } });
    await delivery(tenant, body.deliveries[0], "failed");
    const log = `/dashboard/tenants/${tenant}/deliveries`;
    const { html } = await visitor.get(log);
    const [first = "", second = ""] = [...html.matchAll(/name="delivery" value="([^"]+)"/g)].map(([, value]) => value);
    expect(first).toBe(`${endpoint.id}/${body.deliveries[0].id}`);
    const token = /name="_token" value="([^"]+)"/.exec(html)?.[1] ?? "";
    const fields = (...chosen: string[]) => [["_token", token], ...chosen.map((one) => ["delivery", one])];
    const before = (await receiver.seen()).length;
    const asked = await visitor.post(`${log}/resend`, fields(first, second, "nonsense"));
    expect(words(asked.html)).toContain("Resend 2 deliveries?");
    expect((await receiver.seen()).length).toBe(before);
    await receiver.answer({ status: 200 });
    const done = await visitor.post(`${log}/resend`, [...fields(first, second), ["confirmed", "yes"]]);
    expect(words(done.html)).toContain("Resend of 2 deliveries requested");
    await receiver.arrived(before + 2);
    await delivery(tenant, body.deliveries[0], "succeeded");
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${endpoint.id}`, { enabled: false });
    const refused = await visitor.post(`${log}/resend`, [...fields(first), ["confirmed", "yes"]]);
    expect(words(refused.html)).toContain("1 delivery not resent: The endpoint is disabled");
    expect(words((await visitor.post(`${log}/resend`, fields())).html)).toContain("None is selected");
  });

  it("are nothing to whoever only reads", async ({ expect }) => {
    const { tenant, here } = await delivered('{"a":1}');
    const { visitor } = await withKey(tenant, "viewer");
    const log = `/dashboard/tenants/${tenant}/deliveries`;
    expect((await visitor.get(log)).html).not.toContain('type="checkbox"');
    expect((await visitor.submit(here, `${log}/resend`, { confirmed: "yes", delivery: "ep_1/dlv_1" })).status).toBe(
      403,
    );
  });
});

describe("the data beside its type's sample", () => {
  it("is told where its keys differ, in the event and in the delivery", async ({ expect }) => {
    const name = fresh("sampled");
    await call("PUT", `/v1/event-types/${name}`, { sample: { score: 1, company: { domain: "a" } } });
    const tenant = await newTenant();
    const endpoint = await newEndpoint(tenant, (await newReceiver()).url, { format: "subjects" });
    const { body } = await call("POST", `/v1/tenants/${tenant}/events`, {
      event: name,
      data: { company: { domain: "b" }, more: 1 },
    });
    await delivery(tenant, body.deliveries[0], "succeeded");
    const visitor = new Visitor();
    await visitor.signIn(env.OPERATOR_KEY ?? "");
    const base = `/dashboard/tenants/${tenant}`;
    for (const page of [`/events/${body.id}`, `/endpoints/${endpoint.id}/deliveries/${body.deliveries[0].id}`]) {
      expect(words((await visitor.get(base + page)).html)).toContain(
        "Beside its type's sample it lacks score ; it has besides more",
      );
    }
  });
});
