import { env } from "cloudflare:workers";
import { afterEach, describe, it } from "vitest";
import { call, newEndpoint, newReceiver, newTenant, post } from "../lib/api";

const KEY = env.SECRETS_KEY as string;

/** Deploys the Worker with other keys: its bindings are the tests' too. */
function deployWith(key: string, old?: string): void {
  env.SECRETS_KEY = key;
  if (old === undefined) delete env.SECRETS_KEY_OLD;
  else env.SECRETS_KEY_OLD = old;
}

afterEach(() => deployWith(KEY));

async function reseal() {
  const sum = { resealed: 0, calls: 0 };
  for (;;) {
    const { status, body } = await call("POST", "/v1/secrets/reseal");
    if (status !== 200) throw new Error(`reseal answered ${status}`);
    sum.resealed += body.resealed;
    sum.calls++;
    if (body.underOldKeys === 0 || body.resealed === 0) return { ...sum, ...body, resealed: sum.resealed };
  }
}

describe("replacing SECRETS_KEY", () => {
  it("keeps every secret readable, seals all under the new key, and then needs the old one no more", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    await call("PUT", `/v1/tenants/${tenant}`, { name: "Test", callbackSecret: "callback-secret" });
    const receivers = await Promise.all([newReceiver(), newReceiver()]);
    const headers = { "X-Token": "header-value" };
    const one = await newEndpoint(tenant, receivers[0].url, { secret: "first-secret", headers });
    await newEndpoint(tenant, receivers[1].url, { events: ["two"], secret: "second-secret" });
    for (const secret of ["between-secret", "another-between", "third-secret"]) {
      await call("POST", `/v1/tenants/${tenant}/endpoints/${one.id}/secret/rotate`, { secret });
    }
    await post(tenant);
    const [before] = await receivers[0].arrived(1);

    deployWith("a new key", KEY);
    // The objects' copies are still under the old key, and so is all of D1.
    await post(tenant, "two");
    const [, during] = await receivers[0].arrived(2);
    expect(during?.headers["x-token"]).toBe("header-value");
    const secretPath = `/v1/tenants/${tenant}/endpoints/${one.id}/secret`;
    expect((await call("GET", secretPath)).body).toMatchObject({ secret: "first-secret", next: "third-secret" });
    const result = await reseal();
    // Secret, three that follow it and header of the first endpoint, secret of the second, and the callbacks' secret; the tests before left none.
    expect(result).toMatchObject({ resealed: 7, underOldKeys: 0, unreadable: 0 });

    deployWith("a new key");
    expect((await call("GET", secretPath)).body).toMatchObject({ secret: "first-secret", next: "third-secret" });
    await post(tenant, "two");
    const after = (await receivers[0].arrived(3))[2];
    expect(Object.keys(after?.headers ?? {}).toSorted()).toEqual(Object.keys(before?.headers ?? {}).toSorted());
    expect(after?.headers["x-token"]).toBe("header-value");
    await receivers[1].arrived(2);
    const callback = `/v1/tenants/${tenant}/events?webhook_url=${encodeURIComponent(receivers[1].url)}`;
    await call("POST", callback, { event: "none", data: {} });
    expect((await receivers[1].arrived(3)).at(-1)?.headers).toHaveProperty("x-webhook-signature");
  });

  it("takes a part at a time, and does not touch what no key opens", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    deployWith("a lost key");
    await newEndpoint(tenant, url);
    deployWith(KEY);
    for (let i = 0; i < 25; i++) await newEndpoint(tenant, url);
    deployWith("the newest key", `${KEY}, a new key`);
    const first = await call("POST", "/v1/secrets/reseal");
    expect(first.body.resealed).toBeGreaterThan(0);
    expect(first.body.underOldKeys).toBeGreaterThan(0);
    expect(first.body.unreadable).toBe(1);
    expect(await reseal()).toMatchObject({ underOldKeys: 0, unreadable: 1 });
    expect((await call("POST", "/v1/secrets/reseal")).body).toEqual({ resealed: 0, underOldKeys: 0, unreadable: 1 });
  });

  it("leaves a row that is changed meanwhile to the next call", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    const endpoint = await newEndpoint(tenant, url, { secret: "before-the-change" });
    deployWith("yet another key", KEY);
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    const [, rotated] = await Promise.all([
      call("POST", "/v1/secrets/reseal"),
      call("POST", `${path}/secret/rotate`, { secret: "after-the-change", overlap: 0 }),
    ]);
    expect(rotated.status).toBe(200);
    await reseal();
    deployWith("yet another key");
    expect((await call("GET", `${path}/secret`)).body.secret).toBe("after-the-change");
  });
});
