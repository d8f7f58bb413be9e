import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { call, fresh, newTenant } from "../lib/api";
import { Visitor, words } from "./visitor";

async function operator(): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  return visitor;
}

const nextOf = (html: string) => /href="([^"]+)" rel="next"/.exec(html)?.[1]?.replaceAll("&amp;", "&") ?? null;

describe("a list's items", () => {
  it("page, all of them, and stay on their page when one is taken off", async ({ expect }) => {
    const tenant = await newTenant();
    const items = Array.from({ length: 450 }, (_, i) => `item-${String(i).padStart(3, "0")}`);
    await call("POST", `/v1/tenants/${tenant}/lists`, { name: "watch list", items });
    const visitor = await operator();
    const here = `/dashboard/tenants/${tenant}/lists/watch%20list`;
    const seen: string[][] = [];
    for (let at: string | null = here; at !== null; ) {
      const { html } = await visitor.get(at);
      seen.push([...html.matchAll(/<code>(item-\d+)<\/code>/g)].map(([, item = ""]) => item));
      at = nextOf(html);
    }
    expect(seen.map(({ length }) => length)).toEqual([200, 200, 50]);
    expect(seen.flat()).toEqual(items);
    const last = `${here}?from=400`;
    const { html } = await visitor.get(last);
    expect(html).toContain(`href="${here}">⇤ First`);
    expect(html).toContain('name="from" value="400"');
    const removed = await visitor.submit(last, `${here}/remove`, { item: "item-449", from: "400" });
    expect(removed.headers.get("Location")).toMatch(/\?from=400&done=removed$/);
    // Beyond the end is the end.
    expect((await visitor.get(`${here}?from=99999`)).html).toContain("item-448");
    expect((await visitor.get(`${here}?from=x`)).html).toContain("item-000");
  });
});

describe("event types", () => {
  it("page by name, and offer every group whichever is shown", async ({ expect }) => {
    const [name, group] = [fresh("zz"), fresh("group")];
    for (let i = 0; i < 51; i++) await call("PUT", `/v1/event-types/${name}.${i}`, { group });
    await call("PUT", `/v1/event-types/${name}.other`, { group: `${group}-b` });
    const visitor = await operator();
    const here = `/dashboard/tenants/${await newTenant()}/event-types`;
    const first = await visitor.get(`${here}?group=${group}`);
    expect(words(first.html)).toContain("More event types →");
    expect(first.html).toContain(`<option value="${group}-b">`);
    expect(first.html).toMatch(new RegExp(`<option value="${group}" selected`));
    const second = await visitor.get(nextOf(first.html) ?? "");
    expect(words(second.html)).toContain("⇤ First");
    expect(words(second.html)).not.toMatch(/Older|Newest/);
  });
});
