import { expect, test } from "vitest";
import { CustomerReceiver } from "../lib/receiver";
import { until } from "../lib/until";
import { Person, type World, world } from "./world";

const shared = world();
/** The most of script and style that a page may load, in bytes as a browser reads them. */
const LOADED = 60_000;
/** The most that a phone scrolls through for a page of a log, and what it shows. */
const SCROLL = 4_000;
const ROWS = 50;
/** What is easily hit, in px; a link within a line of text is none of these. */
const TARGET = 24;

/** A tenant with an endpoint of that name, to which so many events have gone. */
async function fill({ api }: World, tenant: string, name: string, events: number) {
  const receiver = await CustomerReceiver.listen();
  await api("PUT", `/v1/tenants/${tenant}`, { name: tenant });
  const at = `/v1/tenants/${tenant}`;
  const made = await api("POST", `${at}/endpoints`, { url: receiver.url, name, events: ["*"], retry: [] });
  receiver.secret = made.secret;
  if (events > 0) {
    const one = { event: "company.identified", data: { company: { domain: "halden.example" } } };
    await api("POST", `${at}/events/batch`, { events: Array.from({ length: events }, () => one) });
    await until(
      () => "not all are delivered",
      async () => {
        const { data } = await api("GET", `${at}/deliveries?status=succeeded&limit=250`);
        return data.length === events;
      },
    );
  }
  return made.id as string;
}

test("fifty deliveries are two lines each on a phone, and the menu is folded until it is asked for", async () => {
  await fill(shared, "phone", "A customer relationship management of the northern branch", ROWS + 5);
  const person = await Person.arrives(shared);
  await person.signsIn(shared);
  const { page } = person;
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["deliveries", "events"]) {
    await page.goto(`/dashboard/tenants/phone/${path}`);
    expect(await page.locator("#log tbody tr").count()).toBe(ROWS);
    const high = await page.evaluate(() => document.documentElement.scrollHeight);
    console.log(`${ROWS} ${path} are ${high} px high on a phone.`);
    expect(high, path).toBeLessThanOrEqual(SCROLL);
  }
  const entry = page.getByRole("link", { name: "Event types" });
  expect(await entry.isVisible()).toBe(false);
  await page.getByRole("button", { name: "Menu" }).click();
  expect(await person.barriers()).toEqual([]);
  await entry.click();
  await page.waitForURL(/event-types$/);
  expect(person.complaints).toEqual([]);
});

test("a delivery opens beside its log, the next with it, and closes where one was", async () => {
  await fill(shared, "drawer", "CRM", 3);
  const person = await Person.arrives(shared);
  await person.signsIn(shared);
  const { page } = person;
  await page.goto("/dashboard/tenants/drawer/deliveries");
  const links = page.locator("#log a.row-link");
  const [first, second] = [await links.nth(0).getAttribute("href"), await links.nth(1).getAttribute("href")];
  await links.nth(0).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByText("Attempt 1", { exact: true }).waitFor();
  expect(page.url()).toMatch(/\/deliveries$/);
  const whole = drawer.getByRole("link", { name: "Open as a page" });
  expect(await whole.getAttribute("href")).toContain(first);
  expect(await person.barriers()).toEqual([]);
  expect(await drawer.getByRole("button", { name: "Previous" }).isDisabled()).toBe(true);
  await drawer.getByRole("button", { name: "Next" }).click();
  await expect.poll(() => whole.getAttribute("href")).toContain(second);
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "hidden" });
  expect(await page.evaluate(() => document.activeElement?.getAttribute("href"))).toBe(second);
  expect(person.complaints).toEqual([]);

  const plain = await Person.arrives(shared, { javaScriptEnabled: false });
  await plain.context.addCookies(await person.context.cookies());
  await plain.page.goto("/dashboard/tenants/drawer/deliveries");
  await plain.page.locator("#log a.row-link").first().click();
  await plain.page.getByText("Attempt 1", { exact: true }).waitFor();
});

test("disabling is said in a toast and undone by its button, from the list and from the endpoint", async () => {
  const endpoint = await fill(shared, "undo", "CRM", 0);
  const person = await Person.arrives(shared);
  await person.signsIn(shared);
  const { page } = person;
  const isEnabled = async () => (await shared.api("GET", `/v1/tenants/undo/endpoints/${endpoint}`)).enabled;
  for (const path of ["endpoints", `endpoints/${endpoint}`]) {
    await page.goto(`/dashboard/tenants/undo/${path}`);
    await page.getByRole("button", { name: "Disable", exact: false }).click();
    const toast = page.locator(".toast");
    await toast.getByText("Disabled.").waitFor();
    expect(await isEnabled()).toBe(false);
    expect(await person.barriers()).toEqual([]);
    // What was said is not said again.
    await page.waitForURL((url) => url.search === "");
    await toast.getByRole("button", { name: "Undo" }).click();
    await toast.getByText("Enabled").waitFor();
    expect(await isEnabled()).toBe(true);
    expect(new URL(page.url()).pathname).toBe(`/dashboard/tenants/undo/${path}`);
  }
  await page.locator(".toast").getByRole("button", { name: "Dismiss" }).click();
  expect(await page.locator(".toast").count()).toBe(0);
  expect(person.complaints).toEqual([]);
});

test("times are the reader's own, and UTC where that is chosen or there is no script", async () => {
  await fill(shared, "times", "CRM", 1);
  const person = await Person.arrives(shared, { timezoneId: "Asia/Kolkata" });
  await person.signsIn(shared);
  const { page } = person;
  const [{ timestamp }] = (await shared.api("GET", "/v1/tenants/times/events")).data;
  const digits = (offset: number) =>
    new Date(Date.parse(timestamp) + offset * 60_000).toISOString().slice(0, 19).replace("T", " ");
  const [utc, local] = [digits(0), digits(330)];
  await page.goto("/dashboard/tenants/times/events");
  const time = page.locator("#log .at time");
  const zones = () => page.locator("[data-zone]").allTextContents();
  await expect.poll(() => time.textContent()).toBe(local);
  expect(await time.getAttribute("title")).toBe(`${local} GMT+5:30 · ${utc} UTC`);
  expect(new Set(await zones())).toEqual(new Set(["GMT+5:30"]));

  // A filter's times are the reader's, too; the address has them in UTC.
  await page.getByLabel("Since").fill(local.slice(0, 16).replace(" ", "T"));
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/since=/);
  expect(new URL(page.url()).searchParams.get("since")).toBe(`${utc.slice(0, 16).replace(" ", "T")}:00`);
  expect(await page.getByLabel("Since").inputValue()).toContain(local.slice(0, 16).replace(" ", "T"));
  expect(await time.count()).toBe(1);

  await page.getByRole("button", { name: "UTC" }).click();
  await expect.poll(() => time.textContent()).toBe(utc);
  await page.goto("/dashboard/tenants/times");
  await expect.poll(zones).not.toContain("GMT+5:30");
  expect(await page.getByRole("button", { name: "UTC" }).getAttribute("aria-pressed")).toBe("true");
  expect(person.complaints).toEqual([]);

  const plain = await Person.arrives(shared, { javaScriptEnabled: false, timezoneId: "Asia/Kolkata" });
  await plain.context.addCookies(await person.context.cookies());
  await plain.page.goto("/dashboard/tenants/times/events");
  expect((await plain.page.locator("#log .at").textContent())?.trim()).toBe(`${utc} UTC`);
  expect(await plain.page.getByRole("button", { name: "UTC" }).isVisible()).toBe(false);
});

test("a page loads little script and style, and what is pressed is large enough to hit", async () => {
  await fill(shared, "small", "CRM", 2);
  const person = await Person.arrives(shared);
  await person.signsIn(shared);
  const { page } = person;
  await page.goto("/dashboard/tenants/small");
  const bytes = await page.evaluate(async () => {
    const named = document.querySelectorAll<HTMLElement>("script[src], link[rel=stylesheet]");
    const texts = [...named].map(async (one) => {
      const response = await fetch(one.getAttribute("src") ?? one.getAttribute("href") ?? "");
      return (await response.arrayBuffer()).byteLength;
    });
    return (await Promise.all(texts)).reduce((sum, size) => sum + size, 0);
  });
  console.log(`A page loads ${bytes} bytes of script and style.`);
  expect(bytes).toBeLessThanOrEqual(LOADED);
  expect(bytes).toBeGreaterThan(5_000);
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["", "/endpoints", "/deliveries", "/events", "/event-types", "/keys"]) {
    await page.goto(`/dashboard/tenants/small${path}`);
    const small = await page.evaluate((least) => {
      const all = [
        ...document.querySelectorAll<HTMLElement>("main button, main select, main input, main a.button, nav a"),
      ];
      return all
        .filter((one) => one.checkVisibility())
        .map((one) => ({ html: one.outerHTML.slice(0, 120), ...one.getBoundingClientRect().toJSON() }))
        .filter(({ width, height }) => width > 0 && (width < least || height < least))
        .map(({ html, width, height }) => `${width} x ${height}: ${html}`);
    }, TARGET);
    expect(small, path).toEqual([]);
  }
});
