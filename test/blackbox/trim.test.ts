import { join } from "node:path";
import ts from "typescript-5";
import { describe, it } from "vitest";

const at = (name: string) => join(import.meta.dirname, "../../scripts/lib/trim", name);
const { withoutUnnamed } = await import(/* @vite-ignore */ at("members.mjs"));
const { withoutWords } = await import(/* @vite-ignore */ at("document.mjs"));

describe("methods of packages that nothing names", () => {
  const left = (text: string) => withoutUnnamed(ts, text).left;
  const bundle = (theirs: string, ours: string) => `// node_modules/a/a.js\n${theirs}\n// src/b.ts\n${ours}\n`;

  it("go, with what only they named, but for those that the platform calls", ({ expect }) => {
    const a = `class A {
      used() { return this.inner(); }
      inner() {}
      lost = () => helper();
      get value() { return 1; }
      get unread() { return this.alsoLost(); }
      alsoLost() {}
      [Symbol.iterator]() {}
      #own() {}
      then() {}
    }
    function helper() { return new A().onlyHere(); }
    A.prototype.set1 = function () {};
    A.prototype.set2 = function () {};`;
    expect(left(bundle(a, "new A().used(); new A().set2();"))).toEqual([
      "lost",
      "unread",
      "alsoLost",
      "helper",
      "set1",
    ]);
    // A name in a text may be the name of a call.
    expect(left(bundle(a, 'new A()["lost"](); new A().used(), "unread set1 set2";'))).toEqual([]);
  });

  it("go out of zod's classes, and never out of our own", ({ expect }) => {
    const a = `var B = /* @__PURE__ */ $constructor("B", (b) => {}, { said() {}, unsaid() {}, last() {} });
    var table = { kept() {} };`;
    const text = bundle(a, "class C { never() {} }\nB.said();");
    const { text: rest, left: names } = withoutUnnamed(ts, text);
    expect(names).toEqual(["unsaid", "last"]);
    expect(rest).toContain("{ said() {},");
    expect(rest).toContain("never() {}");
    expect(rest).toContain("kept() {}");
    expect(rest.split("\n").length).toBe(text.split("\n").length);
  });
});

describe("what only the document says", () => {
  const home = join(import.meta.dirname, "../../src/api/tenants/x.ts");
  const rest = (text: string) => withoutWords(ts, home, text).replaceAll(/\s+/g, " ").trim();
  const imports = 'import { z } from "@hono/zod-openapi";\nimport { createRoute } from "../http/route";\n';
  const begun =
    'import { } from "@hono/zod-openapi"; import * as z from "zod"; import { createRoute } from "../http/route";';

  it("goes out of routes and schemas, and nothing else does", ({ expect }) => {
    const route = `const get = createRoute({ method: "get", path: "/x", summary: "S", request: { params: at }, responses: { 200: r } });`;
    expect(rest(imports + route)).toBe(
      `${begun} const get = createRoute({ method: "get", path: "/x", request: { params: at },});`,
    );
    const other =
      'log({ summary: "S", description: "D" }); describe("x"); z.config(wording); app.openapi(route, handler);';
    expect(rest(imports + other)).toBe(`${begun} ${other}`);
  });

  it("goes out of schemas, which are marked as of no effect", ({ expect }) => {
    const schema = 'const name = z.string().describe("D").min(1).openapi({ example: "e" });';
    expect(rest(imports + schema)).toBe(`${begun} const name = /* @__PURE__ */ z.string().min(1);`);
    const shape = "const shape = { ...other, [KEY]: z.string() };";
    expect(rest(imports + shape)).toBe(
      `${begun} const shape = /* @__PURE__ */ (() => ({ ...other, [KEY]: /* @__PURE__ */ z.string() }))();`,
    );
  });
});
