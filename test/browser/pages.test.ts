import { expect, test } from "vitest";
import { patient } from "../lib/patience";
import { CustomerReceiver } from "../lib/receiver";
import { until } from "../lib/until";
import { Person, type World, world } from "./world";

const shared = world();
/** The most that the first page may bring, in bytes as they are sent. */
const FIRST_PAGE = 50_000;

/** Text that would be more than text where it is not escaped. */
const MARKUP = `"'><img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b>bold</b>`;

test("every page of the operator is usable in light, dark and on a phone, also while there is nothing", async () => {
  const person = await Person.arrives(shared);
  await person.sees("/dashboard/sign-in", "sign-in");
  await person.signsIn(shared);
  await person.sees("/dashboard/now", "now");
  await person.sees("/dashboard/tenants", "tenants");
  await shared.api("PUT", "/v1/tenants/empty", { name: "Empty" });
  for (const name of PAGES) await person.sees(`/dashboard/tenants/empty${name}`, `empty${name.replaceAll("/", "-")}`);
  const { tenant, endpoint, event, delivery, rules } = await fill(shared, "full", "Full");
  const base = `/dashboard/tenants/${tenant}`;
  const things = ["", "/deliveries", `/deliveries/${delivery}`, "/test", "/verify", "/settings", "/delete", "/audit"];
  for (const name of PAGES) await person.sees(base + name, `full${name.replaceAll("/", "-")}`);
  for (const name of things) {
    await person.sees(
      `${base}/endpoints/${endpoint}${name}`,
      `endpoint${name.replace(delivery, "one").replaceAll("/", "-")}`,
    );
  }
  for (const [name, page] of Object.entries(rules)) await person.sees(base + page, name);
  await person.sees(`${base}/events/${event}`, "event");
  await person.sees(`${base}/audit`, "audit");
  await person.sees(`${base}/settings`, "tenant-settings");
  await person.sees(`${base}/search`, "search");
  await person.sees(`${base}/event-types/lead.hot`, "event-type");
  await person.sees(`${base}/deliveries?status=canceled&event=never`, "no-match");
  await person.sees("/dashboard/tenants/operator/events", "operator-events");
  person.expectsErrors = true;
  await person.sees("/dashboard/tenants/nobody", "not-found");
  await person.sees(`${base}/deliveries?code=nonsense`, "refused");
  expect(person.complaints).toEqual([]);
});

test("markup in every field stays text on every page", async () => {
  const person = await Person.arrives(shared);
  await person.signsIn(shared);
  const { tenant, endpoint, event, delivery, rules } = await fill(shared, "markup", MARKUP);
  const { page } = person;
  const base = `/dashboard/tenants/${tenant}`;
  const inner = ["", "/deliveries", `/deliveries/${delivery}`, "/test", "/verify", "/settings", "/delete"];
  const all = [
    "/dashboard/now",
    "/dashboard/tenants",
    `/dashboard/search?q=${tenant}`,
    `${base}/search?q=${encodeURIComponent(MARKUP)}`,
    `${base}/settings`,
    `${base}/audit`,
    ...PAGES.map((name) => base + name),
    ...inner.map((name) => `${base}/endpoints/${endpoint}${name}`),
    ...Object.values(rules).map((page) => base + page),
    `${base}/events/${event}`,
    `${base}/event-types/odd.one`,
    `${base}/endpoints?q=${encodeURIComponent(MARKUP)}`,
    `${base}/endpoints?done=${encodeURIComponent(MARKUP)}`,
  ];
  for (const path of all) {
    await page.goto(path);
    expect(await page.evaluate(() => (window as { hacked?: number }).hacked), path).toBeUndefined();
    expect(await page.locator('img[src="x"], main b').count(), path).toBe(0);
    await person.fits(path);
  }
  await page.goto(`${base}/endpoints/${endpoint}/deliveries/${delivery}`);
  expect(await page.locator("main").textContent()).toContain(MARKUP);
  await page.goto(`${base}/events/${event}`);
  expect(await page.locator("main").textContent()).toContain(JSON.stringify(MARKUP));
  person.expectsErrors = true;
  await page.goto(`${base}/deliveries?event=${encodeURIComponent(MARKUP)}`);
  await page.goto(`/dashboard/${encodeURIComponent(MARKUP)}`);
  expect(await page.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined();
  expect(person.complaints).toEqual([]);
});

test("the first page is small, and the pages work without JavaScript", async () => {
  const { tenant, endpoint } = await fill(shared, "light", "Light");
  const person = await Person.arrives(shared);
  await person.signsIn(shared);
  const cold = await Person.arrives(shared);
  await cold.context.addCookies(await person.context.cookies());
  const session = await cold.context.newCDPSession(cold.page);
  await session.send("Network.enable");
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await cold.page.goto(`/dashboard/tenants/${tenant}`, { waitUntil: "networkidle" });
  console.log(`The first page brought ${bytes} bytes.`);
  expect(bytes).toBeLessThan(FIRST_PAGE);
  expect(bytes).toBeGreaterThan(10_000);

  const plain = await Person.arrives(shared, { javaScriptEnabled: false });
  const { page } = plain;
  await page.goto("/dashboard/sign-in");
  await page.locator("[name=key]").fill(shared.key);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.goto(`/dashboard/tenants/${tenant}/endpoints/new`);
  await page.getByLabel("URL").fill("http://127.0.0.1:9/");
  await page.getByLabel("standard", { exact: false }).first().check();
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("webhook-signature", { exact: true }).waitFor();
  expect(await page.getByLabel("URL").inputValue()).toBe("http://127.0.0.1:9/");
  await page.getByLabel("All events").check();
  await page.getByRole("button", { name: "Create the endpoint" }).click();
  await page.getByText("Created.").waitFor();
  await page.goto(`/dashboard/tenants/${tenant}/endpoints`);
  await page.getByRole("button", { name: "Disable Light", exact: true }).click();
  await page.getByText("Disabled. New deliveries are held").waitFor();
  await page.getByLabel("State").selectOption("disabled");
  await page.getByRole("button", { name: "Filter" }).click();
  await expect.poll(() => page.locator("tbody tr").count(), { timeout: patient(60_000) }).toBe(1);
  expect((await shared.api("GET", `/v1/tenants/${tenant}/endpoints/${endpoint}`)).enabled).toBe(false);
  expect([...cold.complaints, ...plain.complaints]).toEqual([]);
});

/** The pages of a tenant. */
const PAGES = [
  "",
  "/endpoints",
  "/endpoints/new",
  "/deliveries",
  "/events",
  "/event-types",
  "/segments",
  "/automations",
  "/signals",
  "/lists",
  "/keys",
  "/audit",
  "/search",
  "/portal-links",
];

/** A tenant that has one of everything, called `text` wherever a text may stand. */
async function fill({ api }: World, tenant: string, text: string) {
  const receiver = await CustomerReceiver.listen();
  await api("POST", "/v1/event-types/catalogs/clearview");
  const sample = { [text]: text };
  await api("PUT", "/v1/event-types/odd.one", {
    title: text,
    description: text,
    group: text.slice(0, 100),
    sample,
    schema: { title: text },
  });
  await api("PUT", `/v1/tenants/${tenant}`, { name: text });
  const at = `/v1/tenants/${tenant}`;
  const url = `${receiver.url}?${text.replaceAll(" ", "")}`;
  const made = await api("POST", `${at}/endpoints`, {
    url,
    name: text,
    description: text,
    events: ["lead.hot", "odd.one"],
    metadata: { [text.slice(0, 64)]: text },
    filter: { "data.note": { $ne: `not ${text}` } },
    retry: [],
  });
  receiver.secret = made.secret;
  const other = await api("POST", `${at}/endpoints`, {
    url: receiver.url,
    name: `second ${text}`.slice(0, 200),
    events: ["page_view"],
  });
  const { id: segment } = await api("POST", `${at}/segments`, { name: text, filter: { "data.note": text } });
  const action = { type: "webhook", endpoint: other.id };
  const automation = await api("POST", `${at}/automations`, {
    name: text,
    trigger: "odd.one",
    segment,
    actions: [action],
  });
  await api("POST", `${at}/keys`, { name: text, role: "viewer" });
  const signal = await api("POST", `${at}/signals`, {
    name: text,
    emit: "odd.one",
    entity: text.replaceAll(".", ""),
    when: { inList: text },
  });
  await api("POST", `${at}/lists`, { name: text, items: [text] });
  const accepted = await api("POST", `${at}/events`, { event: "lead.hot", data: { note: text, [text]: [text] } });
  const [delivery] = accepted.deliveries;
  await until(
    () => "the delivery has not arrived",
    async () => {
      const read = await api("GET", `${at}/endpoints/${made.id}/deliveries/${delivery.id}`);
      return read.status === "succeeded";
    },
  );
  receiver.status = 500;
  await api("POST", `${at}/events`, { event: "odd.one", data: sample });
  await until(
    () => "nothing has failed",
    async () => {
      const { counts } = await api("GET", `${at}/endpoints/${made.id}/health`);
      return counts.failed > 0;
    },
  );
  const rules = {
    segment: `/segments/${segment}`,
    automation: `/automations/${automation.id}`,
    signal: `/signals/${signal.id}`,
    list: `/lists/${encodeURIComponent(text)}`,
  };
  return { tenant, endpoint: made.id as string, event: accepted.id as string, delivery: delivery.id as string, rules };
}
