import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, it } from "vitest";
import { z as whole } from "zod";
import { freePort, Project } from "./project";

/** What is uploaded may weigh so many bytes, as it is and compressed: what an isolate reads before its first request. wrangler tells it in KiB. */
const CEILING = { raw: 800 * 1_024, compressed: 240 * 1_024 };

describe("the bundle that is deployed", () => {
  let project: Project;
  let bundle: string;
  let taken: typeof whole;
  let end: () => Promise<void>;

  beforeAll(async () => {
    project = await Project.copy((ended) => {
      end = ended;
    });
    const args = ["deploy", "--dry-run", "--env=", "--outdir", "bundle"];
    const done = await project.run("node_modules/wrangler/bin/wrangler.js", args, { WRANGLER_SEND_METRICS: "false" });
    if (done.status !== 0) throw new Error(done.stdout + done.stderr);
    bundle = readFileSync(join(project.directory, "bundle/index.js"), "utf8");
    taken = (await import(join(project.directory, "dist/zod.mjs"))).z;
    return () => end();
  });

  it("stays under its ceiling", ({ expect }) => {
    expect(Buffer.byteLength(bundle)).toBeLessThan(CEILING.raw);
    expect(gzipSync(bundle).length).toBeLessThan(CEILING.compressed);
  });

  it("has zod in one language, and says of every kind of schema what zod says", ({ expect }) => {
    const zod = readFileSync(join(project.directory, "dist/zod.mjs"), "utf8");
    expect(zod.match(/^\/\/ .*\/locales\/.*$/gm)).toEqual([expect.stringMatching(/\/locales\/en\.js$/)]);
    const kinds = Object.keys(taken).filter(
      // Classes are for asking of what kind a schema is.
      (name) => !name.startsWith("Zod") && !["config", "input", "output"].includes(name),
    );
    expect(Object.keys(schemasOf(whole)).map((name) => name.split(" ")[0])).toEqual(expect.arrayContaining(kinds));
    const [ours, theirs] = [schemasOf(taken), schemasOf(whole)];
    for (const [name, schema] of Object.entries(theirs)) {
      const said = BAD.map((value) => schema.safeParse(value).error?.issues);
      expect(
        BAD.map((value) => ours[name]?.safeParse(value).error?.issues),
        name,
      ).toEqual(said);
      // Each of them refuses something, or takes all there is.
      if (name !== "unknown") expect(said.join(), name).not.toBe("");
    }
  });
});

it("answers what is wrong as it would with all of zod and of what makes documents", async ({ expect }) => {
  const [deployed, whole] = [await Project.copy(), await Project.copy()];
  const file = join(whole.directory, "wrangler.toml");
  const configuration = readFileSync(file, "utf8");
  const changed = configuration
    .replace(/^\[alias\]\nzod = .*\n.*zod-to-openapi" = .*$/m, "")
    .replace("minify = true", "minify = false");
  expect(changed.length).toBeLessThan(configuration.length - 10);
  writeFileSync(file, changed);
  const [ours, theirs] = [await answersOf(deployed), await answersOf(whole)];
  expect(ours).toEqual(theirs);
  expect(theirs.problems.map(({ status }) => status)).toEqual(WRONG.map(() => 422));
});

it("serves the document of its own routes to any page, and again only where it has changed", async ({ expect }) => {
  const project = await Project.copy();
  const port = await freePort();
  await project.serve(port);
  const at = `http://localhost:${port}`;
  const first = await fetch(`${at}/openapi.json`, { headers: { Origin: "https://elsewhere.example" } });
  expect([first.status, first.headers.get("Content-Type")]).toEqual([200, "application/json"]);
  expect(first.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(first.headers.get("Access-Control-Expose-Headers")).toBe("ETag");
  expect(first.headers.get("X-Content-Type-Options")).toBe("nosniff");
  const tag = first.headers.get("ETag") ?? "";
  expect((await fetch(`${at}/openapi.json`, { headers: { "If-None-Match": tag } })).status).toBe(304);
  expect((await fetch(`${at}/openapi.json`, { headers: { "If-None-Match": '"other"' } })).status).toBe(200);
  const { paths } = (await first.json()) as { paths: Record<string, Record<string, object>> };
  expect(Object.keys(paths).length).toBeGreaterThan(40);
  // Where there is such a route, whoever has no key is told so, or that they have none too often; where there is none, that.
  const codes = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map(async (method) => {
      const answer = await fetch(at + path.replaceAll(/\{\w+\}/g, "x"), { method: method.toUpperCase() });
      const { code = answer.status } = (await answer.json()) as { code?: string };
      return [`${method} ${path}`, code];
    }),
  );
  for (const [call, code] of await Promise.all(codes)) {
    const refused = ["key-missing", "refused-too-often"];
    expect(String(call).includes("/v1/") ? refused : [200], String(call)).toContain(code);
  }
  for (const path of ["/docs/api", "/docs/calls", "/docs/problems", "/docs/reasons", "/docs/limits"]) {
    const page = await fetch(at + path, { headers: { Origin: "https://elsewhere.example" } });
    expect([path, page.status]).toEqual([path, 200]);
    expect(page.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    expect(page.headers.get("Access-Control-Allow-Origin")).toBeNull();
  }
});

/** Endpoints that none may have. */
const WRONG = [
  {},
  { url: 5, events: "x" },
  { url: "nope", events: [1], retry: [-1], timeout: "x", zz: 1 },
  { url: "https://a.example/", events: ["*"], profile: "no", headers: { "A b": "c" }, filter: { $or: 3 } },
];

/** How an instance refuses {@link WRONG}. */
async function answersOf(project: Project) {
  const port = await freePort();
  await project.serve(port);
  const url = `http://localhost:${port}`;
  const headers = { Authorization: `Bearer ${await project.operatorKey()}` };
  await fetch(`${url}/v1/tenants/acme`, { method: "PUT", headers, body: JSON.stringify({ name: "Acme" }) });
  const problems = [];
  for (const body of WRONG) {
    const sent = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(`${url}/v1/tenants/acme/endpoints`, sent);
    const { requestId: _, ...problem } = (await answer.json()) as Record<string, unknown>;
    problems.push({ ...problem, status: answer.status });
  }
  return { problems };
}

/** What no schema below takes all of. */
const BAD = [
  undefined,
  null,
  true,
  0,
  1.5,
  200,
  Number.NaN,
  "",
  "a",
  "a text that is too long",
  [],
  [1],
  {},
  { a: 1, b: 2 },
];

/** A schema of every kind that the sources name, with the checks they give it. */
function schemasOf(z: typeof whole): Record<string, whole.ZodType> {
  return {
    array: z.array(z.string()).min(1).max(1),
    boolean: z.boolean(),
    custom: z.custom((value) => value === "b", { error: "not b" }),
    discriminatedUnion: z.discriminatedUnion("a", [z.object({ a: z.literal(2) }), z.object({ a: z.literal(3) })]),
    enum: z.enum(["b", "c"]),
    int: z.int().min(1).max(100),
    iso: z.iso.datetime(),
    literal: z.literal("b"),
    looseObject: z.looseObject({ a: z.string() }),
    number: z.number().min(1).max(100).multipleOf(2),
    object: z.object({ a: z.string() }),
    record: z.record(z.string().max(0), z.number()),
    strictObject: z.strictObject({ b: z.number().nullable().optional() }),
    string: z.string().min(1).max(10).regex(/^b/),
    "string refined": z.string().refine((text) => text === "b", { error: "not b" }),
    union: z.union([z.literal("b"), z.array(z.literal(2))]),
    unknown: z.unknown(),
    url: z.url(),
  };
}
