import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { call, fresh, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { Visitor, withKey, words } from "./visitor";

/** A new endpoint's pages and somebody who may see them. */
async function pagesOf(fields: object = {}) {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  const tenant = await newTenant();
  const { id } = await newEndpoint(tenant, (await newReceiver()).url, fields);
  return { visitor, here: `/dashboard/tenants/${tenant}/endpoints/${id}` };
}

describe("rotating a secret", () => {
  it("speaks as people do of how long, and keeps what was typed", async ({ expect }) => {
    const { visitor, here } = await pagesOf();
    for (const [overlap, said] of [
      ["8 d", "Overlap must be 0 to 7 d"],
      ["-1", "Overlap -1 is no duration"],
      ["soon", "Overlap soon is no duration"],
    ] as const) {
      const { status, html } = await visitor.submit(here, `${here}/rotate`, { overlap });
      expect(status).toBe(422);
      expect(words(html)).toContain(said);
      expect(html).toMatch(new RegExp(`id="f-overlap"[^>]*value="${overlap}"`));
    }
    const rotated = await visitor.submit(here, `${here}/rotate`, { overlap: "1.5 h" });
    expect(rotated.headers.get("Location")).toMatch(/done=rotated$/);
  });

  it("without an overlap does not speak of one", async ({ expect }) => {
    const { visitor, here } = await pagesOf();
    const rotated = await visitor.submit(here, `${here}/rotate`, { overlap: "0" });
    const said = words((await visitor.get(rotated.headers.get("Location") ?? "")).html);
    expect(said).toContain("The new secret is in use.");
    expect(said).not.toContain("Both signatures");
  });
});

describe("an endpoint's first page", () => {
  it("has its URL, its events, and its secret once somebody asks for it, who then stands in the audit", async ({
    expect,
  }) => {
    const visitor = new Visitor();
    await visitor.signIn(env.OPERATOR_KEY ?? "");
    const tenant = await newTenant();
    const { id, url, secret } = await newEndpoint(tenant, (await newReceiver()).url, { events: ["lead.hot"] });
    const here = `/dashboard/tenants/${tenant}/endpoints/${id}`;
    const reads = async () =>
      (await call("GET", `/v1/audit?tenant=${tenant}`)).body.data.filter(
        ({ action }: { action: string }) => action === "secret.read",
      ).length;
    const first = await visitor.get(here);
    expect(words(first.html)).toContain(url);
    expect(words(first.html)).toContain("lead.hot");
    expect(first.html).not.toContain(secret);
    expect((await visitor.get(`${here}/verify`)).html).not.toContain(secret);
    expect(await reads()).toBe(0);
    const shown = await visitor.submit(here, `${here}/reveal`, {});
    expect([shown.status, shown.html.includes(secret)]).toEqual([200, true]);
    expect(await reads()).toBe(1);
    await visitor.submit(here, `${here}/rotate`, { overlap: "1", secret: "another-secret" });
    const both = (await visitor.submit(here, `${here}/reveal`, {})).html;
    expect([both.includes(secret), both.includes("another-secret")]).toEqual([true, true]);
    expect(words(both)).toContain("A rotation is under way");
    const promoted = await visitor.submit(here, `${here}/promote`, {});
    expect(promoted.headers.get("Location")).toMatch(/done=promoted$/);
    expect(words((await visitor.submit(here, `${here}/promote`, {})).html)).toContain(
      "There is no new secret to promote",
    );
  });

  it("keeps its secret from whoever only reads", async ({ expect }) => {
    const tenant = await newTenant();
    const { id, secret } = await newEndpoint(tenant, (await newReceiver()).url);
    const here = `/dashboard/tenants/${tenant}/endpoints/${id}`;
    const { visitor } = await withKey(tenant, "viewer");
    const { html } = await visitor.get(here);
    expect(words(html)).not.toMatch(/Signing secret|Send test event/);
    for (const what of ["reveal", "rotate", "promote"]) {
      const answer = await visitor.submit(here, `${here}/${what}`, {});
      expect([what, answer.status, answer.html.includes(secret)]).toEqual([what, 403, false]);
    }
  });

  it("sends a test of a type that it wants", async ({ expect }) => {
    const { visitor, here } = await pagesOf({ events: ["lead.hot"] });
    const { html } = await visitor.submit(here, `${here}/test`, { event: "lead.hot" });
    expect(words(html)).toContain("Result");
    expect(words(html)).toContain("Attempt 1");
  });
});

describe("a test send", () => {
  it("begins with a type that the endpoint wants and that has a sample", async ({ expect }) => {
    const name = fresh("a");
    await call("PUT", `/v1/event-types/${name}.first`, { sample: { first: true } });
    await call("PUT", `/v1/event-types/${name}.wanted`, { sample: { wanted: 1 } });
    const { visitor, here } = await pagesOf({ events: [`${name}.without`, `${name}.wanted`] });
    const { html } = await visitor.get(`${here}/test`);
    expect(html).toMatch(new RegExp(`name="event" type="text" value="${name}.wanted"`));
    expect(words(html)).toContain('"wanted": 1');
    const asked = await visitor.get(`${here}/test?event=${name}.first`);
    expect(words(asked.html)).toContain('"first": true');
    const bare = await pagesOf({ events: [`${name}.without`] });
    const only = await bare.visitor.get(`${bare.here}/test`);
    expect(only.html).toMatch(new RegExp(`name="event" type="text" value="${name}.without"`));
  });
});
