import fc from "fast-check";
import { describe, it } from "vitest";
import { differencesOf, keyDifferences } from "../../src/dashboard/inspect/differences";
import { exactHtml, foldingJson } from "../../src/dashboard/json-text";
import { holds } from "../lib/property";

const MARKS: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&#13;": "\r" };

/** What a browser reads out of a piece of HTML, where a carriage return that is not escaped becomes a line feed. */
function readBack(html: string): string {
  const text = html.replace(/<[^>]+>/g, "").replace(/\r\n?/g, "\n");
  return text.replace(/&(?:amp|lt|gt|#13);/g, (mark) => MARKS[mark] ?? mark);
}

describe("a body as it is shown", () => {
  it("is the text that was sent, to the character, where it is copied from", ({ expect }) => {
    for (const text of ['{\r\n  "a" : 1.0,\n\t"b":"<&>\\u0041"\r}', "<b>&amp;</b>", "\r", ""]) {
      expect(readBack(exactHtml(text))).toBe(text);
    }
    holds(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(readBack(exactHtml(text))).toBe(text);
      }),
      200,
    );
  });

  it("folds each object and list, and says what the text says, token by token", ({ expect }) => {
    const html = foldingJson('{"a":[1.0,12345678901234567890,{}],"<b>":{"c":null,"d":"x\\"y"},"e":[]}') ?? "";
    expect(html.match(/<details open>/g)).toHaveLength(3);
    expect(html).toContain('<span class="n">12345678901234567890</span>');
    expect(html).toContain('<span class="k">"&lt;b&gt;"</span>: {');
    expect(html).toContain('<div><span class="k">"e"</span>: []</div>');
    holds(
      fc.property(fc.array(fc.jsonValue()), (value) => {
        const shown = readBack(foldingJson(JSON.stringify(value)) ?? "null");
        expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      200,
    );
  });

  it("is not folded where it is no JSON, or too long or too deep", ({ expect }) => {
    for (const text of ["<html>", "{", '"text"', `[${"1,".repeat(40_000)}1]`, "[".repeat(99) + "]".repeat(99)]) {
      expect(foldingJson(text)).toBeNull();
    }
  });
});

/** An attempt of a delivery, but for these. */
function attempt(request: object = {}, response: object | null = {}, rest: object = {}) {
  const headers = { "X-Webhook-Attempt": "1", "X-Webhook-Signature": "aa" };
  return {
    id: "att_1",
    number: 1,
    at: "2026-11-21T09:30:00.000Z",
    durationMs: 20,
    statusCode: 500,
    error: "status",
    trigger: "scheduled",
    request: { method: "POST", url: "https://a.example/", headers, body: '{"a":1}', ...request },
    response: response === null ? null : { headers: { date: "x" }, body: "no", truncated: false, ...response },
    ...rest,
  } as Parameters<typeof differencesOf>[0];
}

describe("the differences between two attempts", () => {
  it("are none where only what always is another one is", ({ expect }) => {
    const again = attempt(
      { headers: { "x-webhook-attempt": "2", "X-Webhook-Signature": "aa" } },
      { headers: { date: "y" } },
    );
    expect(differencesOf(attempt(), again)).toEqual([]);
    const stamped = (time: string) =>
      attempt({ headers: { "webhook-timestamp": time, "webhook-signature": `v1,${time}` } });
    expect(differencesOf(stamped("1"), stamped("2"))).toEqual([]);
    const striped = (time: string) => attempt({ headers: { "Stripe-Signature": `t=${time},v1=${time}` } });
    expect(differencesOf(striped("1"), striped("2"))).toEqual([]);
  });

  it("are status, duration, headers either way, and bodies", ({ expect }) => {
    const now = attempt(
      { headers: { "X-Webhook-Signature": "bb", "X-New": "1" }, body: '{"a":2}', url: "https://b.example/" },
      { headers: { server: "nginx" }, body: "yes" },
      { statusCode: 200, error: null, durationMs: 900 },
    );
    expect(differencesOf(attempt(), now)).toEqual([
      { what: "Status", before: "500", now: "200" },
      { what: "Duration", before: "20 ms", now: "900 ms" },
      { what: "URL", before: "https://a.example/", now: "https://b.example/" },
      { what: "Request: x-webhook-signature", before: "aa", now: "bb" },
      { what: "Request: x-new", before: null, now: "1" },
      { what: "Request body", before: '{"a":1}', now: '{"a":2}' },
      { what: "Answer: server", before: null, now: "nginx" },
      { what: "Answer's body", before: "no", now: "yes" },
    ]);
    const silent = attempt({}, null, { statusCode: null, error: "timeout" });
    expect(differencesOf(attempt(), silent)).toEqual([{ what: "Status", before: "500", now: "timeout" }]);
  });
});

describe("the differences between an event's data and its type's sample", () => {
  it("are the keys that are missing and those that are extra, the outermost of each", ({ expect }) => {
    const sample = '{"company":{"domain":"a","leadScore":1},"contacts":[{"email":"a"}],"old":{"deep":1}}';
    const data = '{"company":{"domain":"b","size":3},"contacts":[{"email":"b"},{"phone":"1"}]}';
    expect(keyDifferences(data, sample)).toEqual({
      missing: ["company.leadScore", "old"],
      extra: ["company.size", "contacts.phone"],
    });
    expect(keyDifferences(sample, sample)).toEqual({ missing: [], extra: [] });
  });
});
