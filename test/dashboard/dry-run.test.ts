import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { type Signal, signalBody, valuesOfSignal } from "../../src/dashboard/pages/signals/signal-values";
import { numeric } from "../../src/lib/json/exact";
import { newTenant } from "../lib/api";
import { Visitor, words } from "./visitor";

const FIELDS = {
  name: "Hot",
  entity: "id",
  form: "crosses",
  "crosses.path": "score",
  "crosses.threshold": "70",
  emit: "lead.hot",
};

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
    expect(words(html)).toMatch(/Observations to try it on line 3 must be/);
    expect(html).toMatch(/id="f-emit"[^>]*aria-invalid="true"/);
  });

  it("says of each kind's field what is wrong at that field, in the form's words", async ({ expect }) => {
    const tried = await tries();
    const one = '{"id": "a", "score": 61}';
    for (const [form, field, typed, said] of [
      ["crosses", "crosses.threshold", "", "must be a number"],
      ["changesBy", "changesBy.atLeast", "-1", "must be above 0"],
      ["returnsAfter", "returnsAfter.seconds", "a while", "a while is no duration"],
      ["returnsAfter", "returnsAfter.seconds", "0", "must be"],
      ["inList", "inList", "", "must"],
    ] as const) {
      const { status, html } = await tried(one, { form, [field]: typed });
      expect([form, status]).toEqual([form, 422]);
      const id = `f-${field.replace(".", "-")}`;
      expect(html, form).toMatch(new RegExp(`id="${id}"[^>]*aria-invalid="true"`));
      expect(html, form).toMatch(new RegExp(`id="${id}-wrong">[^<]*${said}`));
    }
  });
});

describe("a signal's form", () => {
  it("reads back what it wrote, of every kind", async ({ expect }) => {
    const rules = [
      {
        when: { crosses: { path: "s", threshold: numeric("12345678901234567890") } },
        attach: { b: "previous", "a, 1": "current" },
      },
      { when: { changesBy: { path: "s", atLeast: 0.5 } }, attach: null },
      { when: { returnsAfter: { seconds: 5_400 } }, attach: { "4711": "previous" } },
      { when: { returnsAfter: { seconds: 1.5 } }, attach: null },
      { when: { inList: "watch" }, attach: null },
      { when: { once: true }, attach: null },
    ];
    for (const { when, attach } of rules) {
      const signal = { id: "", name: "n", emit: "e", entity: "id", filter: { "data.a": 1 }, when, attach };
      const { body, unread } = signalBody(valuesOfSignal(signal as Signal));
      expect(unread).toEqual([]);
      const { id: _, ...rest } = signal;
      expect(body).toEqual(rest);
    }
    const silent = valuesOfSignal({
      when: { returnsAfter: { seconds: 604_800 } },
      filter: null,
      attach: null,
    } as never);
    expect(silent["returnsAfter.seconds"]).toBe("7 d");
  });
});
