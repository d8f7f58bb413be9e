import { expect, test } from "vitest";
import { SECTIONS } from "../../src/docs/menu";
import { Person, world } from "./world";

const shared = world();
const PAGES = SECTIONS.flatMap(({ pages }) => pages.map(({ name }) => name));

test("every guide is usable in light, dark and on a phone, and loads nothing from elsewhere", async () => {
  const person = await Person.arrives(shared);
  await person.sees("/docs", "docs");
  await person.sees("/docs/search", "docs-search");
  for (const name of PAGES) await person.sees(`/docs/${name}`, `docs-${name}`);
  expect(person.complaints).toEqual([]);
});

test("a heading, a call and a problem are found by words of theirs", async () => {
  const person = await Person.arrives(shared);
  const { page } = person;
  await page.goto("/docs");
  for (const [words, href] of [
    ["replacing secret", "/docs/endpoints#replacing-a-secret"],
    ["uid-taken", "/docs/problems#uid-taken"],
    ["rotate", "/docs/api#rotateSecret"],
  ] as const) {
    await page.getByRole("searchbox").fill(words);
    const link = page.locator(`#found a[href="${href}"]`);
    await link.waitFor();
    await link.click();
    await page.waitForURL(`**${href}`);
    expect(await page.locator(":target").count(), href).toBe(1);
    expect(await page.locator("article").isVisible()).toBe(true);
  }
  await page.getByRole("searchbox").fill("no such heading anywhere");
  await page.getByText("Nothing is called").waitFor();
  await page.goto("/docs/search?q=retention");
  await page.locator('#found a[href="/docs/operate#retention"]').waitFor();
  expect(person.complaints).toEqual([]);
});

test("a look that was chosen stays, and without JavaScript all headings are a page", async () => {
  const person = await Person.arrives(shared);
  await person.page.goto("/docs/start");
  await person.page.getByRole("button", { name: "Dark" }).click();
  await person.page.goto("/docs/events");
  expect(await person.page.locator("html").getAttribute("data-theme")).toBe("dark");

  const plain = await Person.arrives(shared, { javaScriptEnabled: false });
  await plain.page.goto("/docs");
  await plain.page.getByRole("searchbox").fill("retention");
  await plain.page.getByRole("searchbox").press("Enter");
  await plain.page.locator('article a[href="/docs/operate#retention"]').click();
  await plain.page.waitForURL("**/docs/operate#retention");
});
