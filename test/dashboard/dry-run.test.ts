import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { newTenant } from "../lib/api";
import { Visitor, words } from "./visitor";

const FIELDS = { name: "Hot", entity: "id", form: "crosses", path: "score", amount: "70", emit: "lead.hot" };

/** Tries observations on the page of a tenant's signals. */
async function tries() {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  const page = `/dashboard/tenants/${await newTenant()}/signals`;
  return (observations: string, fields: object = {}) =>
    visitor.submit(page, `${page}/try`, { ...FIELDS, ...fields, observations });
}

describe("a dry run", () => {
  it("tells of each observation beside it", async ({ expect }) => {
    const tried = await tries();
    const { status, html } = await tried('{"id": "a", "score": 61}\n\n{"id": "a", "score": 74}');
    expect(status).toBe(200);
    expect(words(html)).toMatch(/"score": 61\} nothing \{"id": "a", "score": 74\} ✓ emits lead\.hot/);
  });

  it("runs nothing where a line is not JSON, and names the line", async ({ expect }) => {
    const tried = await tries();
    const { status, html } = await tried('{"id": "a", "score": 61}\n\nnonsense\n{"id": "a", "score": 74}');
    expect(status).toBe(422);
    expect(words(html)).toContain("line 3 is not JSON");
    expect(html).toMatch(/id="f-observations"[^>]*aria-invalid="true"/);
    expect(html).toContain("nonsense");
    expect(words(html)).not.toContain("emits lead.hot");
    expect(words((await tried("no\nneither")).html)).toMatch(/line 1 is not JSON.*line 2 is not JSON/);
  });

  it("says what the API refuses by the form's own lines and fields", async ({ expect }) => {
    const tried = await tries();
    const { html } = await tried('{"id": "a", "score": 61}\n\n[1]', { emit: "" });
    expect(words(html)).toMatch(/observations line 3 must be/);
    expect(html).toMatch(/id="f-emit"[^>]*aria-invalid="true"/);
  });
});
