import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "vitest";
import { freePort, Project } from "./project";

/** What a start says that cannot write: a cross, one sentence, and on the next line what to do. */
const SAYS = /^\n {2}✗ [^\n]+\.\n {4}[^\n]+\.\n\n$/;

/** A module that is loaded before a script, and has each file that is written fail as the system would. */
function failing(code: string): string {
  return `
    import fs from "node:fs/promises";
    import { syncBuiltinESMExports } from "node:module";
    fs.writeFile = async (path) => {
      throw Object.assign(new Error("${code}: of the test, open '" + path + "'"), { code: "${code}", path, syscall: "open" });
    };
    syncBuiltinESMExports();
  `;
}

describe("npm start says in a sentence that it cannot write, does nothing else, and ends with status 1", () => {
  test.for([
    ["ENOSPC", /disk is full/],
    ["EDQUOT", /quota is used up/],
    ["EROFS", /disk is read-only/],
    ["EACCES", /no right to read and write/],
    ["EIO", /disk fails/],
  ] as const)("%s", async ([code, sentence], { expect }) => {
    const project = await Project.copy();
    const preload = join(project.directory, "tmp", "failing.mjs");
    await writeFile(preload, failing(code));
    const before = await readdir(project.directory);
    const { status, stdout, stderr } = await project.run("scripts/start.mjs", ["--no-demo"], {
      NODE_OPTIONS: `--import=${preload}`,
      PORT: String(await freePort()),
    });
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(SAYS);
    expect(stderr).toContain(project.directory);
    expect([status, stdout]).toEqual([1, ""]);
    expect(await readdir(project.directory)).toEqual(before);
  });
});

test("npm start says in a sentence that what is kept cannot be read", async ({ expect }) => {
  const project = await Project.copy();
  const first = await project.serve(await freePort());
  process.kill(first.npm.pid ?? 0, "SIGINT");
  await first.exited;
  const kept = join(project.directory, ".wrangler/state/v3/d1");
  const files = (await readdir(kept, { recursive: true })).filter((name) => /\.sqlite(?:-wal|-shm)?$/.test(name));
  expect(files.length).toBeGreaterThan(0);
  for (const name of files) await writeFile(join(kept, name), "no database\n".repeat(1_000));
  const { status, stderr } = await project.run("scripts/start.mjs", ["--no-demo"], {
    PORT: String(await freePort()),
    TMPDIR: join(project.directory, "tmp"),
  });
  expect(stderr).toMatch(/What is kept in \S+ is damaged/);
  expect(stderr).toMatch(SAYS);
  expect(status).toBe(1);
});
