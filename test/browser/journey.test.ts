import { expect, test } from "vitest";
import { CustomerReceiver } from "../lib/receiver";
import { until } from "../lib/until";
import { Person, world } from "./world";

const shared = world();

test("a customer comes by a link, adds an endpoint, tests it, loses it, and recovers what was held", async () => {
  const { api } = shared;
  const receiver = await CustomerReceiver.listen();
  await api("POST", "/v1/event-types/catalogs/clearview");
  await api("PUT", "/v1/tenants/acme", { name: "Acme" });
  const { url } = await api("POST", "/v1/tenants/acme/portal-links", {});
  const person = await Person.arrives(shared);
  const { page } = person;

  // From nothing to an endpoint.
  await page.goto(url);
  await person.looks("portal-open");
  await page.getByRole("button", { name: "Open" }).click();
  await page.waitForURL(/\/portal\/tenants\/acme$/);
  await person.looks("portal-empty");
  expect(await page.getByRole("link", { name: "API keys" }).count()).toBe(0);
  await page.getByRole("link", { name: "Add the first endpoint" }).click();
  await page.getByLabel("URL").fill(receiver.url);
  await page.getByLabel("Name").fill("Our CRM");
  expect(await page.getByText("High volume.", { exact: true }).isVisible()).toBe(false);
  await page.getByLabel("page_view").check();
  expect(await page.getByText("High volume.", { exact: true }).isVisible()).toBe(true);
  await page.getByLabel("page_view").uncheck();
  await page.getByLabel("lead.hot").check();
  await page.getByLabel("Field 1", { exact: true }).fill("data.company.leadScore");
  await page.getByLabel("Operator 1", { exact: true }).selectOption({ label: "is at least" });
  await page.getByLabel("Value 1", { exact: true }).fill("70");
  await page.getByLabel("Sample of").selectOption("lead.hot");
  await page.locator("#preview").getByText("passes the filter").waitFor();
  await page.locator("#preview").getByText("X-Webhook-Signature", { exact: true }).waitFor();
  await page.getByLabel("Value 1", { exact: true }).fill("99");
  await page.getByLabel("Value 1", { exact: true }).blur();
  await page.locator("#preview").getByText("does not pass the filter").waitFor();
  await page.getByLabel("Field 1", { exact: true }).fill("");
  await page.getByLabel("Value 1", { exact: true }).fill("");
  await page.getByText("More: format, signature").click();
  await page.getByLabel("Retry delays").fill("1");
  await person.looks("portal-new-endpoint");
  await page.getByRole("button", { name: "Create the endpoint" }).click();

  // Its secret, and a test.
  await page.getByRole("button", { name: "Reveal" }).click();
  receiver.secret = (await page.locator(".secret code").textContent())?.trim() ?? "";
  expect(receiver.secret).toMatch(/^[0-9a-f]{64}$/);
  await person.looks("portal-endpoint-new");
  await page.getByRole("link", { name: "Test", exact: true }).click();
  await page.getByLabel("Sample of").selectOption("lead.hot");
  await page.getByRole("button", { name: "Load its sample" }).click();
  await page.getByRole("button", { name: "Send the test" }).click();
  await page.getByText("Attempt 1").waitFor();
  expect(receiver.genuine).toMatchObject([{ event: "lead.hot", answered: 200 }]);
  await person.looks("portal-test");

  // Real events, live.
  await page.getByRole("link", { name: "Deliveries", exact: true }).last().click();
  await page.getByText("Live", { exact: true }).waitFor();
  const post = async (score: number) =>
    (
      await api("POST", "/v1/tenants/acme/events", {
        event: "lead.hot",
        data: { company: { domain: "halden.example", leadScore: score } },
      })
    ).id as string;
  const first = await post(81);
  await page.locator("#log tbody tr").nth(1).waitFor();
  await page.locator("#log").getByText("succeeded").nth(1).waitFor();
  expect(receiver.accepted).toContain(first);
  await person.looks("portal-deliveries");

  // The receiver breaks for good.
  receiver.status = 500;
  await post(82);
  await page.locator("#log").getByText("failed", { exact: true }).waitFor();
  receiver.status = 410;
  await post(83);
  const endpoint = (await api("GET", "/v1/tenants/acme/endpoints")).data[0].id;
  await until(
    () => "the endpoint is not disabled",
    async () => {
      const { enabled, disabledReason } = await api("GET", `/v1/tenants/acme/endpoints/${endpoint}`);
      return !enabled && disabledReason === "gone";
    },
  );
  const missed = [await post(84), await post(85)];
  await until(
    () => "nothing is held",
    async () => {
      const { counts } = await api("GET", `/v1/tenants/acme/endpoints/${endpoint}/health`);
      return counts.held >= 2;
    },
  );

  // It says so, says why, and offers what was lost.
  await page.goto("/portal/tenants/acme");
  await page.getByText("is disabled:").waitFor();
  await person.looks("portal-overview-disabled");
  await page.getByRole("link", { name: "Recover …" }).click();
  await page.getByText("answered 410: it wants no more.").waitFor();
  await person.looks("portal-endpoint-disabled");
  receiver.status = 200;
  const { count } = await api("POST", `/v1/tenants/acme/endpoints/${endpoint}/recover?dryRun=true`, {
    since: "2026-01-01T00:00:00Z",
  });
  await page.getByRole("button", { name: `Enable it and recover ${count} deliveries` }).click();
  await page.getByText(`Recovering ${count} deliveries`).waitFor();
  await until(
    () => `not all came: ${JSON.stringify(receiver.genuine)}`,
    () => missed.every((id) => receiver.accepted.includes(id)),
  );
  await page.locator("#log").getByText("succeeded").nth(4).waitFor();
  await person.looks("portal-endpoint-recovered");

  // Each event says who got it.
  await page.getByRole("link", { name: "Events", exact: true }).click();
  await person.looks("portal-events");
  await page.locator("#log tbody a").first().click();
  await page.getByText("Who got it").waitFor();
  await person.looks("portal-event");
  await page.getByRole("link", { name: "Our CRM" }).first().click();
  await page.getByText("Attempt 1", { exact: true }).waitFor();
  await person.looks("portal-delivery");

  expect(receiver.refused).toBe(0);
  expect(person.complaints).toEqual([]);
});
