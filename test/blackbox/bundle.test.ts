import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, it } from "vitest";
import { z as whole } from "zod";
import { Project } from "./project";

/** What is uploaded may weigh so many bytes, as it is and compressed: what an isolate reads before its first request. */
const CEILING = { raw: 800_000, compressed: 240_000 };

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
  }, 120_000);

  it("stays under its ceiling", ({ expect }) => {
    expect(Buffer.byteLength(bundle)).toBeLessThan(CEILING.raw);
    expect(gzipSync(bundle).length).toBeLessThan(CEILING.compressed);
  });

  it("has zod in one language, and says of every kind of schema what zod says", ({ expect }) => {
    const zod = readFileSync(join(project.directory, "dist/zod.mjs"), "utf8");
    expect(zod.match(/^\/\/ .*\/locales\/.*$/gm)).toEqual([expect.stringMatching(/\/locales\/en\.js$/)]);
    const kinds = Object.keys(taken).filter(
      (name) => !["ZodObject", "ZodType", "config", "input", "output"].includes(name),
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
