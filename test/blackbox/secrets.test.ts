import { test } from "vitest";
import { Project } from "./project";

test("npm test takes nothing from the secrets that lie in the directory", async ({ expect }) => {
  const project = await Project.copy();
  await project.leaveSecrets();
  const { status, stdout, stderr } = await project.run("scripts/test.mjs", ["test/event-log/retention.test.ts"], {
    CLOUDFLARE_ENV: "mine",
  });
  expect(stdout, stderr).toMatch(/\n[1-9]\d* passed, 0 failed\n$/);
  expect(status).toBe(0);
});
