import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { freePort, Project } from "./project";

test("npm start -- --once shows ten profiles, verifies every delivery and one retry, exits with 0 and keeps .dev.vars", async ({
  expect,
}) => {
  const project = await Project.copy();
  const first = project.start(await freePort(), ["--once"]);
  expect(await first.exited, first.output).toBe(0);

  const forms: Record<string, RegExp> = {
    clearview: /X-Webhook-Signature +\{"id":"evt_\w+","event":/,
    clarm: /X-Webhook-Signature +\{"event":"[\w.]+","timestamp":/,
    finder: /X-Webhook-Signature +\{"company":/,
    snitcher: /Signature +\{"event":"[\w.]+","subjects":\[/,
    visits: /X-Webhook-Signature +\{"company":/,
    standard: /webhook-signature +\{"type":/,
    svix: /svix-signature +\{"company":/,
    cloudevents: /webhook-signature +\{"specversion":"1\.0",/,
    github: /X-Hub-Signature-256 +\{"company":/,
    stripe: /Stripe-Signature +\{"id":"evt_\w+","event":/,
  };
  for (const [profile, form] of Object.entries(forms)) {
    expect(first.output).toMatch(new RegExp(`✓ ${profile} +${form.source}.* verified$`, "m"));
  }
  const vendors: Record<string, string[]> = {
    clearview: [
      "company.identified",
      "lead.hot",
      "lead.score_changed",
      "watchlist.hit",
      "visitor.returning",
      "page_view",
    ],
    clarm: ["purchase", "identify", "goal_achieved", "enterprise_alert", "visitor_enriched", "high_intent_visitor"],
    finder: ["save_lead"],
    snitcher: ["new_lead", "new_session", "contact_revealed"],
    visits: ["NEW_VISIT", "NEW_VISITOR"],
  };
  for (const [vendor, events] of Object.entries(vendors)) {
    for (const event of events) {
      expect(first.output).toMatch(new RegExp(`✓ delivered +${vendor} +${event} +attempt \\d  verified +\\d+ ms`));
    }
  }
  expect(first.output).toMatch(/warning +page_view is a high-volume event type/);
  expect(first.output).toMatch(/10 requests refused +signature wrong, answered 401/);
  expect(first.output).toMatch(
    /✗ failed +clearview +lead\.hot +attempt 1 .*answered 503[\s\S]*✓ delivered +clearview +lead\.hot +attempt 2/,
  );
  expect(first.output).toMatch(/✓ test send +finder +save_lead +attempt 1 {2}verified/);
  expect(first.output).toMatch(/attempt 1 .* 503 [\s\S]*attempt 2 .* 200 /);
  expect(first.output).toMatch(
    /score 74 +\/pricing +lead\.hot, lead\.score_changed, visitor\.returning, page_view[\s\S]*delivered +9 of 9, verified/,
  );
  expect(first.output).toMatch(/29 of 29 deliveries verified, 1 retried, 10 forged refused/);
  await first.isGone();

  const file = join(project.directory, ".dev.vars");
  const written = await readFile(file, "utf8");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(written).toMatch(
    /^OPERATOR_KEY="op_[\w-]{43}"\nSECRETS_KEY="[\w+/]{43}="\nALLOW_INSECURE_ENDPOINTS="true"\n$/,
  );
  expect(first.output).not.toContain(await project.operatorKey());

  // Again, on the same state: nothing piles up, nothing is written anew.
  const second = project.start(await freePort(), ["--once"]);
  expect(await second.exited, second.output).toBe(0);
  expect(second.output).toMatch(/deleted 10 endpoints of an earlier run/);
  expect(second.output).toMatch(/29 of 29 deliveries verified/);
  expect(await readFile(file, "utf8")).toBe(written);
});
