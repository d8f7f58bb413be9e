import { expect, test } from "vitest";
import { Person, world } from "./world";

const shared = world();

test("signals are installed, tried on observations, written, and lists kept", async () => {
  await shared.api("PUT", "/v1/tenants/acme", { name: "Acme" });
  const person = await Person.arrives(shared);
  const { page } = person;
  await person.signsIn(shared);
  const base = "/dashboard/tenants/acme";
  await person.sees(`${base}/signals`, "signals-empty");
  await page.getByRole("button", { name: "Install the signals of clearview" }).click();
  await page.getByText("Installed.").waitFor();
  expect(await page.locator("tbody tr").count()).toBeGreaterThan(3);
  await page.getByLabel("Name").fill("Our hot leads");
  await page.getByLabel("Path of the value").fill("company.leadScore");
  await page.getByLabel("Threshold").fill("70");
  await page.getByLabel("Emits the event").fill("lead.ours");
  await page.getByLabel("Add the value before as").fill("before");
  await page.getByRole("button", { name: "Dry run" }).click();
  await page.getByText("emits lead.ours").waitFor();
  expect(await page.locator(".tried li").first().textContent()).toContain("nothing");
  expect(await page.locator(".tried .block").textContent()).toContain('"before": 61');
  await person.looks("signals-dry-run");
  person.expectsErrors = true; // the next form is refused
  await page.getByLabel("Threshold").fill("");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("must be a number").first().waitFor();
  await page.getByLabel("Threshold").fill("70");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("Created.").waitFor();
  const { data } = await shared.api("GET", "/v1/tenants/acme/signals");
  const made = data.find(({ name }: { name: string }) => name === "Our hot leads");
  expect(made).toMatchObject({ emit: "lead.ours", when: { crosses: { path: "company.leadScore", threshold: 70 } } });
  await page.getByLabel("Edit Our hot leads").click();
  expect(await page.getByLabel("Threshold").inputValue()).toBe("70");
  await page.getByLabel("Threshold").fill("80");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  expect((await shared.api("GET", `/v1/tenants/acme/signals/${made.id}`)).when.crosses.threshold).toBe(80);

  await person.sees(`${base}/lists`, "lists-empty");
  await page.getByLabel("Name").fill("watch / list");
  await page.getByLabel("Items").fill("acme.com\nhalden.example");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("2 items").waitFor();
  await page.getByLabel("Item").fill("<b>x</b>");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByText("3 items").waitFor();
  await person.looks("list");
  await page.getByLabel("Take off acme.com").click();
  await page.getByText("2 items").waitFor();
  await person.sees(`${base}/lists`, "lists");
  expect(person.complaints).toEqual([]);
});
