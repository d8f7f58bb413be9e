import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { call, fresh, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { Visitor, words } from "./visitor";

/** A new endpoint's pages and somebody who may see them. */
async function pagesOf(fields: object = {}) {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  const tenant = await newTenant();
  const { id } = await newEndpoint(tenant, (await newReceiver()).url, fields);
  return { visitor, here: `/dashboard/tenants/${tenant}/endpoints/${id}` };
}

describe("rotating a secret", () => {
  it("speaks of hours, and keeps what was typed", async ({ expect }) => {
    const { visitor, here } = await pagesOf();
    for (const overlap of ["200", "-1", "soon"]) {
      const { status, html } = await visitor.submit(`${here}/verify`, `${here}/rotate`, { overlap });
      expect(status).toBe(422);
      expect(words(html)).toContain("overlap must be 0 to 168 hours");
      expect(html).toMatch(new RegExp(`id="f-overlap"[^>]*value="${overlap}"`));
    }
    const rotated = await visitor.submit(`${here}/verify`, `${here}/rotate`, { overlap: "1.5" });
    expect(rotated.headers.get("Location")).toMatch(/done=rotated$/);
  });

  it("without an overlap does not speak of one", async ({ expect }) => {
    const { visitor, here } = await pagesOf();
    const rotated = await visitor.submit(`${here}/verify`, `${here}/rotate`, { overlap: "0" });
    const said = words((await visitor.get(rotated.headers.get("Location") ?? "")).html);
    expect(said).toContain("The new secret is in use.");
    expect(said).not.toContain("Both signatures");
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
