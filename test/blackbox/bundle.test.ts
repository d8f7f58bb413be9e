import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, it } from "vitest";
import { bundleWorker } from "../../scripts/lib/worker.mjs";
import { freePort, Project } from "./project";
import { issuesOf, SCHEMAS } from "./schemas";

/**
 * What is uploaded may weigh so many bytes, as it is and compressed: what an isolate reads before its first request. wrangler
 * tells it in KiB. A third of it is the dashboard's.
 */
const CEILING = { raw: 800 * 1_024, compressed: 256 * 1_024 };

describe("the bundle that is deployed", () => {
  let project: Project;
  let bundle: string;
  let end: () => Promise<void>;

  beforeAll(async () => {
    project = await Project.copy((ended) => {
      end = ended;
    });
    const args = ["deploy", "--dry-run", "--env=", "--outdir", "bundle"];
    const done = await project.run("node_modules/wrangler/bin/wrangler.js", args, { WRANGLER_SEND_METRICS: "false" });
    if (done.status !== 0) throw new Error(done.stdout + done.stderr);
    bundle = read("bundle/worker.mjs");
    return () => end();
  });

  function read(file: string): string {
    return readFileSync(join(project.directory, file), "utf8");
  }

  it("stays under its ceiling", ({ expect }) => {
    expect(Buffer.byteLength(bundle)).toBeLessThan(CEILING.raw);
    expect(gzipSync(bundle).length).toBeLessThan(CEILING.compressed);
  });

  it("has zod in one language, and says of every kind of schema what zod says", async ({ expect }) => {
    const { sources } = JSON.parse(read("dist/worker.mjs.map")) as { sources: string[] };
    const languages = sources.filter((source) => source.includes("/locales/"));
    expect(languages).toEqual([expect.stringMatching(/\/locales\/en\.js$/)]);
    const files = globSync(join(project.directory, "src/**/*.{ts,tsx}")).map((file) => readFileSync(file, "utf8"));
    const named = files.flatMap((text) => [...text.matchAll(/\bz\s*\.([a-z]\w*)\s*[.<(]/g)].map(([, kind]) => kind));
    // These are no kinds: names of types, and zod's settings.
    const kinds = new Set(named.filter((kind = "") => !["infer", "input", "output", "core", "config"].includes(kind)));
    expect(Object.keys(SCHEMAS).map((name) => name.split(" ")[0])).toEqual(expect.arrayContaining([...kinds]));
    const outfile = join(project.directory, "dist/schemas.mjs");
    await bundleWorker({ entryPoints: [join(import.meta.dirname, "schemas.ts")], outfile });
    const bundled: typeof import("./schemas") = await import(outfile);
    for (const name of Object.keys(SCHEMAS)) {
      const said = issuesOf(name);
      expect(bundled.issuesOf(name), name).toEqual(said);
      // Each of them refuses something, or takes all there is.
      if (name !== "unknown") expect(said.join(), name).not.toBe("");
    }
  });

  it("has none of the words that only the document says", ({ expect }) => {
    const worker = read("dist/worker.mjs");
    const words = wordsOf(JSON.parse(read(".assets/openapi.json"))).filter((text) => text.length > 60);
    expect(words.length).toBeGreaterThan(200);
    expect(words.filter((text) => worker.includes(JSON.stringify(text).slice(1, -1)))).toEqual([]);
  });
});

/** All descriptions in a document, by paragraphs. */
function wordsOf(part: unknown): string[] {
  if (typeof part !== "object" || part === null) return [];
  const { description } = part as { description?: unknown };
  const own = typeof description === "string" ? description.split("\n\n") : [];
  return [...own, ...Object.values(part).flatMap(wordsOf)];
}

it("answers as it would with all of its packages and all that it says of itself", async ({ expect }) => {
  const [deployed, whole] = [await Project.copy(), await Project.copy()];
  const change = (project: Project, name: string, changes: [from: string, to: string][]) => {
    const file = join(project.directory, name);
    const text = readFileSync(file, "utf8");
    for (const [from] of changes) expect(text).toContain(from);
    writeFileSync(
      file,
      changes.reduce((rest, [from, to]) => rest.replace(from, to), text),
    );
  };
  // `npm start` has it as it is uploaded, minified too.
  change(deployed, "scripts/assets.mjs", [['WRANGLER_COMMAND = "dev"', 'WRANGLER_COMMAND = "deploy"']]);
  change(whole, "scripts/lib/worker.mjs", [
    ["plugins: [trimDocument, trimDrizzle, trimHono, trimZod]", "plugins: []"],
    ["withoutUnnamed(ts, module.text)", "module"],
  ]);
  const [ours, theirs] = [await answersOf(deployed), await answersOf(whole)];
  expect(ours).toEqual(theirs);
  const statuses = ours.map(({ status }) => status);
  expect(statuses.length).toBeGreaterThan(200);
  for (const status of [200, 201, 204, 404, 422]) expect(statuses).toContain(status);
  expect(statuses).not.toContain(500);
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

/** What is sent to every operation besides the document's own example: bodies that none takes. */
const WRONG = [
  {},
  [],
  { url: 5, events: "x", name: 1, filter: 3, zz: 1 },
  { url: "https://a.example/", events: ["*"], profile: "no", headers: { "A b": "c" }, filter: { $or: 3 }, retry: [-1] },
];

interface Operation {
  requestBody?: { content: Record<string, { example?: unknown }> };
}

/** How an instance answers each operation: its status, and the problem or the names of its fields. */
async function answersOf(project: Project) {
  const port = await freePort();
  await project.serve(port);
  const url = `http://localhost:${port}`;
  const headers = { Authorization: `Bearer ${await project.operatorKey()}` };
  await fetch(`${url}/v1/tenants/acme`, { method: "PUT", headers, body: JSON.stringify({ name: "Acme" }) });
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  const endpoint = { url: "https://receiver.example/", events: ["*"], uid: "x" };
  await fetch(`${url}/v1/tenants/acme/endpoints`, { method: "POST", headers, body: JSON.stringify(endpoint) });
  const calls = Object.entries(paths)
    .flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, ...operation })))
    .filter(({ path }) => path.startsWith("/v1/"))
    // What is there stays until the end, the tenant for the longest.
    .sort((a, b) => Number(a.method === "delete") - Number(b.method === "delete") || b.path.length - a.path.length);
  const answers = [];
  for (const { path, method, requestBody } of calls) {
    const example = requestBody?.content["application/json"]?.example;
    const bodies = requestBody === undefined ? [undefined] : [...WRONG, ...(example === undefined ? [] : [example])];
    for (const query of ["", "?limit=0&zz=1"]) {
      for (const body of bodies) {
        const at = path.replace("{tenant}", "acme").replaceAll(/\{\w+\}/g, "x") + query;
        const sent = body === undefined ? {} : { body: JSON.stringify(body) };
        const answer = await fetch(url + at, { method: method.toUpperCase(), headers, ...sent });
        const text = await answer.text();
        const said = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
        const { requestId: _, ...problem } = said;
        const { ok, status } = answer;
        answers.push({ call: `${method} ${at}`, status, said: ok ? Object.keys(said) : problem });
      }
    }
  }
  return answers;
}
