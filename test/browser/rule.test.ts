import { expect, test } from "vitest";
import { CustomerReceiver } from "../lib/receiver";
import { Person, type World, world } from "./world";

const shared = world();
/** The most fields that the task may need: any more, and somebody in marketing asks for help. */
const MOST_FIELDS = 12;

/** A tenant with a CRM and some events of companies. */
async function tenantWith({ api }: World, tenant: string): Promise<CustomerReceiver> {
  const receiver = await CustomerReceiver.listen();
  const at = `/v1/tenants/${tenant}`;
  await api("PUT", at, { name: "Acme" });
  const { secret } = await api("POST", `${at}/endpoints`, { url: receiver.url, name: "CRM", events: ["invoice.paid"] });
  receiver.secret = secret;
  for (const [domain, country, leadScore] of [
    ["nordwind.example", "DE", 62],
    ["nordwind.example", "DE", 84],
    ["halden.example", "NO", 91],
  ]) {
    await api("POST", `${at}/events`, { event: "page_view", data: { company: { domain, country, leadScore } } });
  }
  return receiver;
}

test("hot leads of DACH at a score of 80 go to the CRM, without JSON and in a dozen fields", async () => {
  const receiver = await tenantWith(shared, "dach");
  const person = await Person.arrives(shared);
  const { page } = person;
  await person.signsIn(shared);
  await page.goto("/dashboard/tenants/dach/automations");
  await page.getByRole("link", { name: "When … then …" }).click();
  await page.getByRole("link", { name: "Hot leads of a region to an endpoint" }).click();
  const fields = page.locator("form.rule").locator("input:visible, select:visible, textarea:visible");
  expect(await fields.count()).toBeLessThanOrEqual(MOST_FIELDS);
  expect(await page.locator("form.rule textarea:visible").count()).toBe(0);
  await page.getByLabel("Threshold").fill("80");
  expect(await page.getByLabel("Value 1", { exact: true }).first().inputValue()).toBe("DE, AT, CH");
  await page.getByLabel("Endpoint", { exact: true }).selectOption("CRM");
  await page.getByLabel("Name of the rule").fill("Hot leads of DACH");
  await page.getByLabel("Name of the rule").blur();
  await page.getByText("1 of the last 3 events would have set it off.").waitFor();
  await page.getByText(/CRM will receive/).waitFor();
  await page.getByText("Which matched").click();
  await person.looks("rule");
  await page.getByRole("button", { name: "Create the rule" }).click();
  await page.getByText("Created.").waitFor();
  await person.looks("rule-made");
  const company = { domain: "neu.example", country: "AT" };
  for (const leadScore of [79, 80]) {
    await shared.api("POST", "/v1/tenants/dach/observations", { company: { ...company, leadScore } });
  }
  await expect.poll(() => receiver.genuine.length, { timeout: 60_000 }).toBe(1);
  expect(person.complaints).toEqual([]);
});

test("rows are added, turned into JSON and back, with a script and without", async () => {
  await tenantWith(shared, "rows");
  for (const javaScriptEnabled of [true, false]) {
    const person = await Person.arrives(shared, { javaScriptEnabled });
    const { page } = person;
    await page.goto("/dashboard/sign-in");
    await page.locator("[name=key]").fill(shared.key);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.goto("/dashboard/tenants/rows/segments");
    await page.getByLabel("Name").fill(`Scored ${javaScriptEnabled}`);
    await page.getByLabel("Field 1", { exact: true }).fill("data.company.leadScore");
    await page.getByLabel("Operator 1", { exact: true }).selectOption("is at least");
    await page.getByLabel("Value 1", { exact: true }).fill("80");
    await page.getByRole("button", { name: "Add a condition" }).first().click();
    await page.getByLabel("Field 2", { exact: true }).fill("data.company.country");
    await page.getByLabel("Value 2", { exact: true }).fill("DE");
    await page.getByRole("button", { name: "Add a group" }).first().click();
    await page.getByLabel("Field 3.1", { exact: true }).fill("data.company.domain");
    await page.getByLabel("Operator 3.1", { exact: true }).selectOption("exists");
    if (javaScriptEnabled) await person.looks("builder");
    await page.getByRole("button", { name: "JSON" }).click();
    await page.getByText("MongoDB-style").waitFor();
    expect(JSON.parse(await page.getByLabel("Filter as JSON").inputValue())).toEqual({
      "data.company.leadScore": { $gte: 80 },
      "data.company.country": "DE",
      $or: [{ "data.company.domain": { $exists: true } }],
    });
    await page.getByRole("button", { name: "Conditions" }).click();
    await page.getByLabel("Field 2", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Remove condition 2" }).click();
    await expect.poll(() => page.getByLabel("Field 3.1", { exact: true }).count(), { timeout: 60_000 }).toBe(0);
    await page.getByRole("button", { name: "Count" }).click();
    await page.getByText("2 of the last 3 events would have matched.").waitFor();
    expect(await page.getByLabel("Name").inputValue()).toBe(`Scored ${javaScriptEnabled}`);
    // Enter saves: it is not the first of the builder's buttons.
    await page.getByLabel("Name").press("Enter");
    await page.getByText("Created.").waitFor();
    expect(person.complaints).toEqual([]);
  }
  const { data } = await shared.api("GET", "/v1/tenants/rows/segments");
  const filter = { "data.company.leadScore": { $gte: 80 }, $or: [{ "data.company.domain": { $exists: true } }] };
  expect(data.map((one: { filter: object }) => one.filter)).toEqual([filter, filter]);
});
