import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "vitest";
import { freePort, Project } from "./project";

const SMOKE = join(import.meta.dirname, "../../scripts/smoke.mjs");

/** Runs the smoke test; answers its exit status and all it printed. */
function smoke(...args: string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [SMOKE, ...args], (_, stdout, stderr) => {
      resolve({ status: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

test("npm run smoke follows one event to its receiver, and leaves nothing behind", async ({ expect }) => {
  const project = await Project.copy();
  const port = await freePort();
  // What a developer has set for deployments is nothing to a server on this machine.
  await project.serve(port, { CLOUDFLARE_ENV: "mine" });
  const url = `http://localhost:${port}`;
  const key = await project.operatorKey();

  const toItself = await smoke("--url", url, "--key", key);
  expect(toItself.output).toMatch(/Delivered to http:\/\/127\.0\.0\.1:\d+\/ and signed/);
  expect(toItself.output.match(/\d+ ms/g)?.length).toBe(6);
  expect(toItself.status).toBe(0);

  // As on a deployment that has no receiver yet.
  const echoed = await smoke("--url", url, "--key", key, "--receiver", "https://echo.invalid/");
  expect(echoed.output).toContain("Delivered to https://echo.invalid/ and signed");
  expect(echoed.status).toBe(0);

  const unreachable = await smoke("--url", url, "--key", key, "--receiver", `http://127.0.0.1:${await freePort()}/`);
  expect(unreachable.output).toContain("The attempt failed: connection");
  expect(unreachable.status).toBe(1);
  const locked = await smoke("--url", url, "--key", "another");
  expect(locked.output).toContain("Give the OPERATOR_KEY");
  expect(locked.status).toBe(1);
  expect((await smoke("--url", url, "--kee", key)).status).toBe(2);

  const tenants = await fetch(`${url}/v1/tenants`, { headers: { Authorization: `Bearer ${key}` } });
  const { data } = (await tenants.json()) as { data: { id: string }[] };
  expect(data.filter(({ id }) => id.startsWith("smoke-"))).toEqual([]);
});
