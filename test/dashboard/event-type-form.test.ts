import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { call, fresh, newTenant } from "../lib/api";
import { Visitor, withKey, words } from "./visitor";

/** A registered type, and its form as somebody fills it in. */
async function formOf(fields: string) {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  const name = fresh("type");
  const tenant = await newTenant();
  await call("PUT", `/v1/event-types/${name}`, fields);
  const page = `/dashboard/tenants/${tenant}/event-types/${name}`;
  const tag = async () => /name="tag" value="([^"]+)"/.exec((await visitor.get(`${page}/edit`)).html)?.[1] ?? "";
  return {
    visitor,
    tenant,
    name,
    page,
    tag: async () => (await tag()).replaceAll("&quot;", '"'),
    text: async () => (await call("GET", `/v1/event-types/${name}`)).text,
    save: (said: Record<string, string>) => visitor.submit(`${page}/edit`, `${page}/edit`, said),
  };
}

describe("an event type's form", () => {
  it("keeps every digit of its sample, and what was not changed as it is written", async ({ expect }) => {
    const { save, text } = await formOf('{"title": "T", "sample": {"id": 12345678901234567890, "v": 1.0}}');
    const sample = '{\r\n  "id": 12345678901234567890,\r\n  "v": 1.0\r\n}';
    expect((await save({ title: "Other", sample })).status).toBe(303);
    expect(await text()).toContain('"sample":{"id": 12345678901234567890, "v": 1.0}');
    expect(await text()).toContain('"title":"Other"');
    expect((await save({ title: "Other", sample: '{"id": 98765432109876543210}' })).status).toBe(303);
    expect(await text()).toContain('"sample":{"id": 98765432109876543210}');
    await save({ title: "" });
    expect(await text()).toMatch(/"title":null.*"sample":null/s);
  });

  it("says at a field what is wrong with it, and keeps what was typed", async ({ expect }) => {
    const { save, text } = await formOf('{"sample": {"a": 1}}');
    const before = await text();
    for (const [said, id, message] of [
      [{ sample: "{bad" }, "f-sample", "is not JSON"],
      [{ sample: "5" }, "f-sample", "must be a JSON object"],
      [{ sample: '{"a": 1}', schema: '{"type": "nonsense"}' }, "f-schema", "type does not match"],
      [{ sample: '{"a": 1}', schema: '{"type": "array"}', enforce: "yes" }, "f-sample", "."],
      [{ sample: '{"a": 1}', title: "x".repeat(300) }, "f-title", "."],
    ] as const) {
      const { status, html } = await save(said);
      expect([JSON.stringify(said).slice(0, 60), status]).toEqual([JSON.stringify(said).slice(0, 60), 422]);
      expect(html).toMatch(new RegExp(`id="${id}-wrong">[^<]*${message}`));
      expect(words(html)).toContain(said.sample);
    }
    expect(await text()).toBe(before);
  });

  it("does not write over what somebody else has changed meanwhile, unless it is sent once more", async ({
    expect,
  }) => {
    const { save, text, tag, name } = await formOf('{"title": "First"}');
    const read = await tag();
    await call("PATCH", `/v1/event-types/${name}`, { title: "Theirs" });
    const refused = await save({ title: "Ours", tag: read });
    expect(refused.status).toBe(422);
    expect(words(refused.html)).toContain("Somebody else changed it meanwhile");
    expect(await text()).toContain('"title":"Theirs"');
    expect((await save({ title: "Ours", tag: await tag() })).status).toBe(303);
    expect(await text()).toContain('"title":"Ours"');
  });

  it("registers a type, once, and deletes it; all of that is the operator's", async ({ expect }) => {
    const { visitor, tenant, name, page } = await formOf("{}");
    const list = `/dashboard/tenants/${tenant}/event-types`;
    const other = `${name}.new`;
    const made = await visitor.submit(list, list, { name: other });
    expect(made.headers.get("Location")).toMatch(/\/edit\?done=created$/);
    const again = await visitor.submit(list, list, { name: other });
    expect(again.html).toMatch(/id="f-name-wrong">is registered already/);
    expect((await visitor.submit(list, list, { name: "not a type" })).html).toMatch(/id="f-name-wrong">must be 1-128/);
    expect((await visitor.submit(`${page}/edit`, `${page}/delete`, {})).status).toBe(303);
    expect((await call("GET", `/v1/event-types/${name}`)).status).toBe(404);
    const { visitor: admin } = await withKey(tenant, "admin");
    expect((await admin.get(`${list}/${other}/edit`)).status).toBe(403);
    expect((await admin.get(`${list}/${other}`)).html).not.toContain(`${other}/edit`);
    expect((await admin.get(list)).html).not.toContain("New event type");
  });
});

describe("more than 250 types", () => {
  it("are all offered, and told of where there are more than a form looks through", async ({ expect }) => {
    const { visitor, tenant } = await formOf("{}");
    const { n } = (await env.DB.prepare("SELECT count(*) AS n FROM event_types").first<{ n: number }>()) ?? { n: 0 };
    const add = async (count: number, letter: string) => {
      const names = Array.from({ length: count }, (_, i) => `zz${letter}.${String(i).padStart(4, "0")}`);
      const insert = env.DB.prepare(
        "INSERT INTO event_types (name, enforce, high_volume, deprecated, created_at, updated_at) SELECT value, 0, 0, 0, 0, 0 FROM json_each(?)",
      );
      await insert.bind(JSON.stringify(names)).run();
      return names;
    };
    const page = `/dashboard/tenants/${tenant}/endpoints/new`;
    const names = await add(300, "a");
    const { html } = await visitor.get(page);
    for (const name of [names[0], names[299]]) expect(html).toContain(`name="events" value="${name}"`);
    expect(html).not.toContain("There are more than these");
    expect((await visitor.get(`/dashboard/tenants/${tenant}/events`)).html).toContain(`<option value="${names[299]}"`);
    await add(1_001 - 300 - n, "b");
    expect(words((await visitor.get(page)).html)).toContain(
      "There are more than these 1000 types: type the names of others.",
    );
    await env.DB.prepare("DELETE FROM event_types WHERE name LIKE 'zz%'").run();
  });
});
