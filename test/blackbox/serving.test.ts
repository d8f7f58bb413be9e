import { appendFile, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { onTestFinished, test } from "vitest";
import { freePort, Project } from "./project";

test("npm start serves on localhost and 127.0.0.1, on PORT, once per directory, until it is interrupted", async ({
  expect,
}) => {
  const project = await Project.copy();
  const port = await freePort();
  await writeFile(join(project.directory, ".dev.vars"), 'OPERATOR_KEY="mine"');
  const instance = await project.serve(port);

  for (const host of ["localhost", "127.0.0.1"]) {
    expect((await fetch(`http://${host}:${port}/health`)).status).toBe(200);
  }
  expect(instance.output).toContain(`http://localhost:${port}`);
  expect(instance.output).toContain("Added to .dev.vars what was missing there: SECRETS_KEY.");
  expect(await readFile(join(project.directory, ".dev.vars"), "utf8")).toMatch(
    /^OPERATOR_KEY="mine"\nSECRETS_KEY="[^"]+"\n$/,
  );

  const again = project.start(await freePort(), ["--no-demo"]);
  expect(await again.exited).toBe(1);
  expect(again.output).toContain(`Posthorn already runs from this directory: http://localhost:${port}.`);

  process.kill(instance.npm.pid ?? 0, "SIGINT");
  expect([0, 130]).toContain(await instance.exited);
  await instance.isGone();
});

test("a busy port is waited for, then named with the variable to set", async ({ expect }) => {
  const project = await Project.copy();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };

  const instance = project.start(port, ["--no-demo"]);
  await instance.says(/Waiting/);
  expect(await instance.exited).toBe(1);
  expect(instance.output).toContain(`Port ${port} is in use by another program.`);
  expect(instance.output).toMatch(/PORT=\d+ npm start/);
});

test("what cannot be meant is refused with exit status 2", async ({ expect }) => {
  const project = await Project.copy();
  const runs = {
    flag: project.start(await freePort(), ["--onse"]),
    both: project.start(await freePort(), ["--once", "--no-demo"]),
    port: project.start(await freePort(), [], { PORT: "eighty" }),
  };
  const statuses = await Promise.all(Object.values(runs).map((run) => run.exited));
  expect(statuses).toEqual([2, 2, 2]);
  expect(runs.flag.output).toContain("--onse");
  expect(runs.flag.output).toContain("Usage: npm start");
  expect(runs.port.output).toContain('PORT is "eighty", which is not a port.');
});

test("a Worker that cannot be built is reported with the reason", async ({ expect }) => {
  const project = await Project.copy();
  await appendFile(join(project.directory, "src/index.ts"), '\nimport "./not-there";\n');
  const instance = project.start(await freePort(), ["--no-demo"]);
  expect(await instance.exited).toBe(1);
  expect(instance.output).toMatch(/src\/index\.ts:\d+/);
  await instance.isGone();
});
