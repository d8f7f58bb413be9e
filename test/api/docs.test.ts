import { env, exports } from "cloudflare:workers";
import { describe, it } from "vitest";
import { PROBLEMS } from "../../src/api/problems/problem-codes";
import { bytes, limitsOf } from "../../src/api/spec/limits-page";
import { DOCS_POLICY } from "../../src/docs/frame";
import { SECTIONS } from "../../src/docs/menu";
import { SLOTS } from "../../src/endpoint/policy/admission";
import { operationsOf, theDocument } from "./operations";

const read = async (path: string) => {
  const answer = await exports.default.fetch(new Request(`https://posthorn.test${path}`, { redirect: "manual" }));
  return { answer, text: await answer.text() };
};

describe("the pages that the Worker makes under /docs", () => {
  it.for(["calls", "limits", "problems"])("%s is in the menu, and says what it may load", async (name, { expect }) => {
    const { answer, text } = await read(`/docs/${name}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("Content-Security-Policy")).toBe(DOCS_POLICY);
    expect(text).toContain(`href="/docs/${name}" aria-current="page"`);
    for (const { pages } of SECTIONS) {
      for (const page of pages) expect(text).toContain(`href="/docs/${page.name}"`);
    }
    expect(text).not.toMatch(/<style| style="|<script>| on\w+="/);
  });

  it("are the reference, too, which is where it was for whoever has no guides", async ({ expect }) => {
    expect((await read("/docs/api")).text).toContain('data-url="/openapi.json"');
    const { answer } = await read("/docs");
    expect([answer.status, answer.headers.get("Location")]).toEqual([302, "/docs/api"]);
  });
});

describe("/docs/calls", () => {
  it("has every operation of the document, with who may make it", async ({ expect }) => {
    const { text } = await read("/docs/calls");
    const all = operationsOf(await theDocument());
    for (const { id, method, path } of all) {
      expect(text).toContain(`<code id="${id}">${method} ${path.replaceAll("&", "&amp;")}</code>`);
    }
    const who = (id: string) => new RegExp(`id="${id}".*?</td><td>.*?</td><td>.*?</td><td>(.*?)</td>`).exec(text)?.[1];
    const takes = (id: string) => new RegExp(`id="${id}".*?</td><td>.*?</td><td>(.*?)</td>`).exec(text)?.[1];
    expect(takes("rotateSecret")).toBe("<code>secret?</code> <code>overlap?</code>");
    expect(takes("postEvent")).toMatch(/<code>\?webhook_url=<\/code>.*<code>event<\/code> <code>data<\/code>/);
    // Those that the document says once for all lists stand as references there.
    for (const name of ["limit", "cursor", "event", "since", "until"]) {
      expect(takes("listEvents")).toContain(`<code>?${name}=</code>`);
    }
    expect(who("postEvent")).toBe("operator, admin, producer");
    expect(who("listTenants")).toBe("operator");
    expect(who("getHealth")).toBe("anybody");
  });
});

describe("/docs/limits", () => {
  it("has the numbers of the code and of this deployment", async ({ expect }) => {
    const { text } = await read("/docs/limits");
    expect(text).toContain(`${SLOTS} per endpoint`);
    expect(text).toContain("<code>MAX_ENDPOINTS</code>");
    const other = new Map(limitsOf({ ...env, MAX_ENDPOINTS: "7", RETENTION_DAYS: "14" }));
    expect(other.get("endpoints of a tenant")).toContain("7 (");
    expect(other.get("retention of events and their deliveries")).toContain("14 days");
  });

  it("says bytes in the largest unit that fits", ({ expect }) => {
    expect([1_048_576, 16_384, 60_000, 8_000_000_000, 1_000_000, 999].map(bytes)).toEqual([
      "1 MiB",
      "16 KiB",
      "60 KB",
      "8 GB",
      "1 MB",
      "999 bytes",
    ]);
  });
});

describe("the search", () => {
  it("finds every call and every cause of a problem", async ({ expect }) => {
    const { text } = await read("/docs/reference.json");
    const hrefs = (JSON.parse(text) as { href: string }[]).map(({ href }) => href);
    expect(hrefs).toEqual(expect.arrayContaining(Object.keys(PROBLEMS).map((code) => `/docs/problems#${code}`)));
    const all = operationsOf(await theDocument());
    expect(hrefs).toEqual(expect.arrayContaining(all.map(({ id }) => `/docs/calls#${id}`)));
  });
});
