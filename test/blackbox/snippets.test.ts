/**
 * The receivers that an endpoint's page prints, taken at their word: started with its secret, sent a real delivery.
 * @module
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCHEMES } from "../../src/contracts/wire";
import { needsPython, Printed } from "./printed";
import { freePort, Project } from "./project";

const LANGUAGES = ["Node", "Python"];

const ends: (() => Promise<void>)[] = [];
let base = "";
let key = "";
let cookies = "";

beforeAll(async () => {
  const project = await Project.copy((end) => ends.push(end));
  const port = await freePort();
  await project.serve(port);
  base = `http://localhost:${port}`;
  key = await project.operatorKey();
  cookies = await signedIn();
});
afterAll(async () => {
  for (const end of ends) await end();
});

async function api(method: string, path: string, body?: object) {
  const response = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests read JSON as it comes
  return (await response.json()) as any;
}

/** The cookies of somebody who is signed in. */
async function signedIn(): Promise<string> {
  const page = await fetch(`${base}/dashboard/sign-in`);
  const visit = page.headers.getSetCookie().map((text) => text.split(";")[0]);
  const token = /name="_token" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  const answer = await fetch(`${base}/dashboard/sign-in`, {
    method: "POST",
    headers: { Cookie: visit.join("; "), Origin: base },
    body: new URLSearchParams({ _token: token, key }),
    redirect: "manual",
  });
  return [...visit, ...answer.headers.getSetCookie().map((text) => text.split(";")[0])].join("; ");
}

/** The program that an endpoint's page prints for a language. */
async function printedOn(tenant: string, endpoint: string, language: string): Promise<string> {
  const at = `${base}/dashboard/tenants/${tenant}/endpoints/${endpoint}/verify`;
  const html = await (await fetch(at, { headers: { Cookie: cookies } })).text();
  const block = new RegExp(`aria-label="A receiver in ${language}"[^>]*><pre><code>([^<]*)<`).exec(html)?.[1];
  if (block === undefined) throw new Error(`the page prints no receiver in ${language}`);
  const marks: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
  return block.replace(/&(?:lt|gt|quot|#39|amp);/g, (mark) => marks[mark] ?? mark);
}

describe.each(LANGUAGES)("the receiver in %s", (language) => {
  test.for([...SCHEMES, "custom", "GET"])(
    "of the scheme %s takes what is sent to it, and nothing else",
    async (name, context) => {
      if (language === "Python") needsPython(context);
      const tenant = `${language}-${name}`.toLowerCase();
      await api("PUT", `/v1/tenants/${tenant}`, { name });
      const scheme = name === "custom" || name === "GET" ? "hex" : name;
      const header = name === "custom" ? "X-Our-Own" : undefined;
      const made = await api("POST", `/v1/tenants/${tenant}/endpoints`, {
        url: "http://127.0.0.1:1/",
        events: [],
        format: "envelope",
        signature: { scheme, ...(header === undefined ? {} : { header }) },
        ...(scheme === "none" ? { secret: null } : {}),
        ...(name === "GET" ? { method: "GET" } : {}),
      });
      const code = await printedOn(tenant, made.id, language);
      if (made.secret !== null) expect(code).not.toContain(made.secret);
      const file = language === "Node" ? "receiver.mjs" : "receiver.py";
      const right = await Printed.run({ file, code }, made.secret ?? "");
      const other = await Printed.run({ file, code }, `whsec_${"A".repeat(43)}=`);

      const at = `/v1/tenants/${tenant}/endpoints/${made.id}`;
      const sent = async (url: string) => {
        await api("PATCH", at, { url });
        return (await api("POST", `${at}/test`, { event: "lead.hot", data: { name: "Grüne Ähre" } })).attempt
          .statusCode;
      };
      expect(await sent(right.url)).toBe(204);
      await right.says(name === "GET" ? /dlv_\w+ lead\.hot/ : /evt_\w+ .*lead\.hot/);
      expect(await sent(other.url)).toBe(scheme === "none" ? 204 : 401);
      if (scheme === "none") return;
      expect(await right.post('{"id":"evt_1"}', {})).toBe(name === "GET" ? (language === "Node" ? 401 : 501) : 401);
      // While a secret is being replaced, those who still have the old one and those who have the new one are served.
      const rotated = await api("POST", `${at}/secret/rotate`, { overlap: 3_600 });
      const renewed = await Printed.run({ file, code }, rotated.secret);
      expect(await sent(right.url)).toBe(204);
      expect(await sent(renewed.url)).toBe(204);
    },
  );
});
