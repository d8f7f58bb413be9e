import { execFile, execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { receive } from "../lib/servers/receive";
import { until } from "../lib/until";
import { Person, world } from "./world";

const shared = world();

function hasCurl(): boolean {
  try {
    execFileSync("curl", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

test("an engineer copies the bytes that were sent and the request as curl, and the receiver's own HMAC accepts both", async () => {
  const { api, base } = shared;
  const got: { body: string; signature: string }[] = [];
  const { url, close } = await receive(({ headers, body }) => {
    got.push({ body: String(body), signature: String(headers["x-webhook-signature"]) });
    return { status: 200 };
  });
  try {
    await api("PUT", "/v1/tenants/debug", { name: "Debug" });
    const endpoint = await api("POST", "/v1/tenants/debug/endpoints", { url, events: ["*"] });
    const data = '{\r\n\t"name" : "it\'s <Grüne> Ähre & $HOME",\r\n\t"n":1.0, "long":12345678901234567890}';
    const { deliveries } = await (
      await fetch(`${base}/v1/tenants/debug/events`, {
        method: "POST",
        headers: { Authorization: `Bearer ${shared.key}` },
        body: `{"event":"lead.hot","data":${data}}`,
      })
    ).json();
    await until(
      () => "nothing came",
      () => got.length === 1,
    );
    const [sent] = got;
    const hmac = (text: string) => createHmac("sha256", endpoint.secret).update(text).digest("hex");
    expect(hmac(sent?.body ?? "")).toBe(sent?.signature);

    const person = await Person.arrives(shared);
    await person.context.grantPermissions(["clipboard-read", "clipboard-write"]);
    await person.signsIn(shared);
    const { page } = person;
    const here = `/dashboard/tenants/debug/endpoints/${endpoint.id}/deliveries/${deliveries[0].id}`;
    await person.sees(here, "debug-delivery");
    const copied = async (label: string) => {
      await page.getByRole("button", { name: label, exact: true }).click();
      return page.evaluate(() => navigator.clipboard.readText());
    };
    const body = await copied("Copy: Body of the request of attempt 1");
    expect(body).toBe(sent?.body);
    expect(hmac(body)).toBe(sent?.signature);

    // Folded, an object is one line.
    const inner = page.getByText('"name"', { exact: true });
    expect(await inner.isVisible()).toBe(true);
    await page.locator(".json summary").nth(1).click();
    expect(await inner.isVisible()).toBe(false);

    await page.getByText("Copy as curl").click();
    const command = await copied("Copy: Attempt 1 as a command");
    if (hasCurl()) {
      // Not in one go with it: the receiver is this process.
      await promisify(execFile)("sh", ["-c", command]);
      expect(got).toHaveLength(2);
      expect(got[1]).toEqual(sent);
      expect(hmac(got[1]?.body ?? "")).toBe(got[1]?.signature);
    }

    // Pasted where it can be checked, what a parser makes of the body is told from what was sent.
    const mine = hmac(JSON.stringify(JSON.parse(body)));
    await page.getByLabel("The signature that your code computed").fill(mine);
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await page.getByText("The body was parsed and written again").waitFor();
    await person.looks("debug-checked");
    await page.getByLabel("The signature that your code computed").fill(hmac(body));
    await page.getByRole("button", { name: "Check", exact: true }).click();
    await page.getByText("Right.", { exact: true }).waitFor();
    expect(person.complaints).toEqual([]);
  } finally {
    await close();
  }
});

test("without a script, what is selected in a log is counted, then resent", async () => {
  const { api } = shared;
  const answers = { status: 500 };
  let came = 0;
  const { url, close } = await receive(() => {
    came++;
    return { status: answers.status };
  });
  try {
    await api("PUT", "/v1/tenants/select", { name: "Select" });
    await api("POST", "/v1/tenants/select/endpoints", { url, events: ["*"], retry: [] });
    for (const n of [1, 2, 3]) await api("POST", "/v1/tenants/select/events", { event: "a.b", data: { n } });
    await until(
      () => `${came} came`,
      () => came === 3,
    );
    answers.status = 200;
    const person = await Person.arrives(shared, { javaScriptEnabled: false });
    await person.signsIn(shared);
    const { page } = person;
    await page.goto("/dashboard/tenants/select/deliveries?status=failed");
    const boxes = page.getByRole("checkbox");
    expect(await boxes.count()).toBe(3);
    await boxes.nth(0).check();
    await boxes.nth(2).check();
    await page.getByRole("button", { name: "Resend selected …" }).click();
    await page.getByRole("heading", { name: "Resend 2 deliveries?" }).waitFor();
    expect(came).toBe(3);
    await page.getByRole("button", { name: "Resend 2 deliveries" }).click();
    await page.getByRole("heading", { name: "Resend of 2 deliveries requested" }).waitFor();
    await until(
      () => `${came} came`,
      () => came === 5,
    );
  } finally {
    await close();
  }
});
