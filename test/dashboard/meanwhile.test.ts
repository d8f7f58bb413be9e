import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { app } from "../../src/api/app";
import type { Endpoint } from "../../src/dashboard/components/pills";
import { type EndpointValues, valuesOf } from "../../src/dashboard/pages/endpoints/endpoint-values";
import { newKey } from "../api/world";
import { call, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { Visitor, words } from "./visitor";

/** A settings form that somebody has open, filled in as it was rendered. */
async function opened(fields: object = {}) {
  const tenant = await newTenant();
  const { url } = await newReceiver();
  const { id } = await newEndpoint(tenant, url, { events: ["lead.hot"], name: "First", ...fields });
  const at = `/v1/tenants/${tenant}/endpoints/${id}`;
  const page = `/dashboard/tenants/${tenant}/endpoints/${id}/settings`;
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  const read = async (): Promise<Endpoint> => (await call("GET", at)).body;
  const rendered = await read();
  const shown = (await visitor.get(page)).html;
  const { enabled: _, events: __, filter: ___, ...values } = valuesOf(rendered, []);
  const save = (change: Partial<EndpointValues>, from: Endpoint | string = rendered) =>
    visitor.submit(page, page, {
      ...values,
      ...change,
      _read: typeof from === "string" ? from : JSON.stringify(from),
    } as unknown as Record<string, string>);
  return { tenant, at, read, rendered, shown, save };
}

describe("a settings form that was open while somebody else changed the endpoint", () => {
  it("carries what it was rendered from", async ({ expect }) => {
    const { shown, rendered } = await opened();
    const [, carried = ""] = /name="_read" value="([^"]*)"/.exec(shown) ?? [];
    expect(JSON.parse(carried.replaceAll("&quot;", '"').replaceAll("&amp;", "&"))).toEqual(rendered);
  });

  it("puts back nothing that it did not change", async ({ expect }) => {
    const form = await opened({ headers: { "X-A": "1", "X-B": "2" }, metadata: { a: "1" } });
    const other = "https://moved.example.com/hooks";
    const meanwhile = { url: other, headers: { "X-A": null }, metadata: { b: "2" }, timeout: 7 };
    expect((await call("PATCH", form.at, meanwhile)).status).toBe(200);
    expect((await form.save({ description: "Said in the form" })).status).toBe(303);
    const now = await form.read();
    expect([now.url, now.timeout, now.description]).toEqual([other, 7, "Said in the form"]);
    expect([now.headers, now.metadata]).toEqual([{ "X-B": "***" }, { a: "1", b: "2" }]);
  });

  it("says who changed what it changes too, keeps both, and saves the second time", async ({ expect }) => {
    const form = await opened();
    const key = await newKey(form.tenant, "admin");
    const as = { Authorization: `Bearer ${key}` };
    expect((await call("PATCH", form.at, { name: "Theirs" }, as)).status).toBe(200);
    const refused = await form.save({ name: "Ours" });
    expect(refused.status).toBe(422);
    const { data } = (await call("GET", `/v1/tenants/${form.tenant}/keys`)).body;
    expect(words(refused.html)).toContain(`Name was changed meanwhile by the key ${data[0].id}`);
    expect(refused.html).toContain('value="Ours"');
    expect((await form.read()).name).toBe("Theirs");
    expect((await form.save({ name: "Ours" }, await form.read())).status).toBe(303);
    expect((await form.read()).name).toBe("Ours");
  });

  it("does not mind what somebody else changed to the same", async ({ expect }) => {
    const form = await opened();
    await call("PATCH", form.at, { name: "Both" });
    expect((await form.save({ name: "Both" })).status).toBe(303);
  });

  it("names the operator", async ({ expect }) => {
    const form = await opened();
    await call("PATCH", form.at, { name: "Theirs" });
    expect(words((await form.save({ name: "Ours" })).html)).toContain("changed meanwhile by the operator");
  });

  it("takes a form that does not say what it was rendered from as one of now", async ({ expect }) => {
    const form = await opened();
    for (const [i, carried] of ["", "{", "null", "[]", '{"id":"ep_other","name":"x"}'].entries()) {
      expect((await form.save({ name: `Ours ${i}` }, carried)).status, carried).toBe(303);
      expect((await form.read()).name).toBe(`Ours ${i}`);
    }
  });
});

describe("a segment's page that was open meanwhile", () => {
  it("changes what its reader changed, and says who changed the same", async ({ expect }) => {
    const tenant = await newTenant();
    const { body: rendered } = await call("POST", `/v1/tenants/${tenant}/segments`, {
      name: "First",
      filter: { "data.a": 1 },
    });
    const at = `/v1/tenants/${tenant}/segments/${rendered.id}`;
    const page = `/dashboard/tenants/${tenant}/segments/${rendered.id}`;
    const visitor = new Visitor();
    await visitor.signIn(env.OPERATOR_KEY ?? "");
    const save = (name: string, filter: object) =>
      visitor.submit(page, page, { name, filter: JSON.stringify(filter), _read: JSON.stringify(rendered) });
    await call("PATCH", at, { filter: { "data.a": 2 } });
    expect((await save("Ours", { "data.a": 1 })).status).toBe(303);
    expect((await call("GET", at)).body).toMatchObject({ name: "Ours", filter: { "data.a": 2 } });
    const refused = await save("First", { "data.a": 3 });
    expect(refused.status).toBe(422);
    expect(words(refused.html)).toContain("Filter was changed meanwhile by the operator");
    expect((await call("GET", at)).body.filter).toEqual({ "data.a": 2 });
  });

  it("overwrites nothing that comes in the very moment between its reading and its writing", async ({ expect }) => {
    const tenant = await newTenant();
    const { body: rendered } = await call("POST", `/v1/tenants/${tenant}/segments`, { name: "First", filter: {} });
    const at = `/v1/tenants/${tenant}/segments/${rendered.id}`;
    const page = `/dashboard/tenants/${tenant}/segments/${rendered.id}`;
    const visitor = new Visitor();
    await visitor.signIn(env.OPERATOR_KEY ?? "");
    const fetch = app.fetch.bind(app);
    let others: object[] = [];
    const spied = vi.spyOn(app, "fetch").mockImplementation(async (request, ...rest) => {
      const other = request.method === "PATCH" ? others.shift() : undefined;
      if (other !== undefined) await call("PATCH", at, other);
      return fetch(request, ...rest);
    });
    onTestFinished(() => spied.mockRestore());
    const save = (name: string) => visitor.submit(page, page, { name, filter: "{}", _read: JSON.stringify(rendered) });
    // Each other change goes through the same way, and so takes the next of them.
    others = [{ filter: { "data.a": 1 } }];
    expect((await save("Ours")).status).toBe(303);
    expect((await call("GET", at)).body).toMatchObject({ name: "Ours", filter: { "data.a": 1 } });
    await call("PATCH", at, { name: "First", filter: {} });
    others = [{ name: "Theirs" }];
    const refused = await save("Ours");
    expect(refused.status).toBe(422);
    expect(words(refused.html)).toContain("Name was changed meanwhile by the operator");
    expect((await call("GET", at)).body.name).toBe("Theirs");
  });
});
