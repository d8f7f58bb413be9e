import { env } from "cloudflare:workers";
import { createHmac } from "node:crypto";
import { describe, it } from "vitest";
import { call, delivery, newEndpoint, newReceiver, newTenant } from "../lib/api";
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
    expect(words(last)).toContain("1 difference to attempt 1");
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
