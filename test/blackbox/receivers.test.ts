/**
 * src/docs/receivers.md taken at its word: its receivers run as they are printed there, against what Posthorn really sends.
 * @module
 */

import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Client, createClient } from "../../src/client/index";
import { sign } from "../lib/receiver";
import { until } from "../lib/until";
import { blockCalled, documentText, needsPython, Printed, type Program } from "./printed";
import { freePort, isListening, Project } from "./project";

const DOCUMENT = documentText("src/docs/receivers.md");
const SECRET = "a secret with ümläuts";

const NODE = program("receiver.mjs");
const EXPRESS = program("express.mjs");
const HONO = program("hono.mjs");
const PYTHON = program("receiver.py");
const RECEIVERS = [NODE, EXPRESS, HONO, PYTHON];

function program(file: string): Program {
  return { file, code: blockCalled(DOCUMENT, file) };
}

/** A receiver with a profile's functions in place of its own, as the document says to do it. */
function adapted({ file, code }: Program, profile: string): Program {
  const block = blockCalled(DOCUMENT, profile);
  const functionOf = (name: string) => new RegExp(`^function ${name}[\\s\\S]*?^}\\n`, "m");
  const [rest, changed] = [/isGenuine/, /idOf/].every((name) => name.test(block.split("\n")[0] ?? ""))
    ? [code.replace(functionOf("isGenuine"), "").replace(functionOf("idOf"), ""), block]
    : [code.replace(functionOf("isGenuine"), ""), block];
  return { file, code: `${rest}\n${changed}` };
}

/** For the profiles of which the document says in words what to change. */
function edited({ file, code }: Program, replacements: [string, string][]): Program {
  let text = code;
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`${file} does not contain ${from}`);
    text = text.replaceAll(from, to);
  }
  return { file, code: text };
}

const BY_DELIVERY: [string, string] = ["return payload.id;", 'return headers["x-webhook-id"];'];

describe("each receiver", () => {
  test.for(RECEIVERS.map((receiver) => [receiver.file, receiver] as const))(
    "%s takes what is signed once, refuses all else, never falls over",
    async ([, receiver], context) => {
      if (receiver === PYTHON) needsPython(context);
      const printed = await Printed.run(receiver, SECRET);
      const body = JSON.stringify({ id: "evt_1", event: "lead.hot", data: { name: "Grüne Ähre" } });
      const signature = sign(SECRET, body);
      const post = (text: string | undefined, header?: string, next?: string) =>
        printed.post(text, { "x-webhook-signature": header, "x-webhook-signature-next": next });

      const wrong: Record<string, string | undefined> = {
        missing: undefined,
        empty: "",
        "too short": signature.slice(0, -2),
        "one digit": "0",
        "too long": `${signature}00`,
        "not hex": "z".repeat(64),
        "not ASCII": "é".repeat(64),
        "not ASCII, as many bytes": "é".repeat(32),
        "in upper case": signature.toUpperCase(),
        "another secret's": sign("another secret", body),
        "another body's": sign(SECRET, `${body} `),
        "in base64": createHmac("sha256", SECRET).update(body).digest("base64"),
        "with something after it": `${signature}, ${signature}`,
      };
      for (const [what, header] of Object.entries(wrong)) {
        expect(await post(body, header), what).toBe(401);
        expect(await post(body, undefined, header), `${what}, in the second header`).toBe(401);
      }
      expect(await post(undefined), "nothing at all").toBe(401);
      expect(await post("", signature), "no body").toBe(401);
      expect(await post("not JSON", signature), "another body").toBe(401);
      expect(await printed.post(body, { "x-webhook-signature": signature, "content-type": "text/plain" })).toBe(204);
      // It answers first and works then, so each is waited for before the next.
      await printed.says(/^evt_1 \{/m);
      for (const odd of ["not JSON", "", "null", "\u0000"]) {
        expect([400, 401], `signed, and ${JSON.stringify(odd)}`).toContain(await post(odd, sign(SECRET, odd)));
      }
      expect(await post(body, signature)).toBe(204);
      // Half a surrogate pair, which not every program can print: its own trouble, and not that of the next one.
      const half = String.raw`{"id":"evt_half","event":"lead.hot","data":{"name":"\ud800"}}`;
      expect(await post(half, sign(SECRET, half))).toBe(204);
      await printed.says(/^evt_half /m);
      const other = body.replace("evt_1", "evt_2");
      expect(await post(other, "0".repeat(64), sign(SECRET, other)), "the new secret's").toBe(204);
      await printed.says(/^evt_2 /m);
      expect(printed.output.match(/^evt_.*$/gm)).toEqual([
        expect.stringMatching(/^evt_1 .*Grüne Ähre/),
        "evt_1 again, ignored",
        expect.stringMatching(/^evt_half /),
        expect.stringMatching(/^evt_2 .*Grüne Ähre/),
      ]);

      // Too large: told so, or hung up on before all of it was sent.
      const large = post("x".repeat(3_000_000), signature).catch(() => "hung up");
      expect([413, "hung up"]).toContain(await large);
      expect(await isListening(printed.port)).toBe(true);
    },
  );

  test.for(RECEIVERS.map((receiver) => [receiver.file, receiver] as const))(
    "%s does not start without a secret",
    async ([, receiver], context) => {
      if (receiver === PYTHON) needsPython(context);
      const printed = await Printed.start(receiver, "");
      expect(await printed.exited).not.toBe(0);
    },
  );
});

/** What each profile's receiver is, and the header that carries its signature. */
const PROFILES: Record<Profile, { receivers: Program[]; header: string }> = {
  clearview: { receivers: RECEIVERS, header: "X-Webhook-Signature" },
  clarm: { receivers: [NODE, edited(EXPRESS, [BY_DELIVERY])], header: "X-Webhook-Signature" },
  finder: { receivers: [edited(HONO, [BY_DELIVERY])], header: "X-Webhook-Signature" },
  snitcher: {
    receivers: [edited(EXPRESS, [BY_DELIVERY, ["x-webhook-signature", "signature"]])],
    header: "Signature",
  },
  visits: { receivers: [adapted(EXPRESS, "visits"), adapted(HONO, "visits")], header: "X-Webhook-Signature" },
  standard: { receivers: [adapted(EXPRESS, "standard"), adapted(HONO, "standard")], header: "webhook-signature" },
  svix: { receivers: [adapted(EXPRESS, "svix"), adapted(HONO, "svix")], header: "svix-signature" },
  cloudevents: { receivers: [adapted(HONO, "standard")], header: "webhook-signature" },
  github: { receivers: [adapted(EXPRESS, "github"), adapted(HONO, "github")], header: "X-Hub-Signature-256" },
  stripe: {
    receivers: [adapted(NODE, "stripe"), adapted(EXPRESS, "stripe"), adapted(HONO, "stripe")],
    header: "Stripe-Signature",
  },
};

type Profile = NonNullable<Parameters<Client["endpoints"]["create"]>[1]["profile"]>;

interface Case {
  profile: Profile;
  program: Program;
  header: string;
  endpoint: string;
  secret: string;
  printed: Printed;
}

type Shown = Awaited<ReturnType<Client["deliveries"]["get"]>>;

test("each receiver takes the deliveries of its profile once, also while a secret is replaced, and nothing tampered", async (context) => {
  // One of them is in Python.
  needsPython(context);
  const project = await Project.copy();
  const port = await freePort();
  await project.serve(port);
  const posthorn = createClient({ url: `http://127.0.0.1:${port}`, key: await project.operatorKey() });

  await posthorn.tenants.put("acme", { name: "Acme" });
  const cases: Case[] = [];
  for (const [profile, { receivers, header }] of Object.entries(PROFILES) as [Profile, (typeof PROFILES)[Profile]][]) {
    for (const program of receivers) {
      // The secret first: the endpoint is switched on when the receiver knows it.
      const { id: endpoint, secret: given } = await posthorn.endpoints.create("acme", {
        url: "http://127.0.0.1:1/",
        events: ["*"],
        profile,
        enabled: false,
      });
      const secret = given ?? "";
      const printed = await Printed.run(program, secret);
      await posthorn.endpoints.update("acme", endpoint, { url: printed.url, enabled: true });
      cases.push({ profile, program, header, endpoint, secret, printed });
    }
  }

  /** Posts an event and answers its deliveries, each succeeded at once. */
  async function deliver(n: number): Promise<Map<string, { id: string; shown: Shown }>> {
    const event = await posthorn.events.post("acme", {
      event: "lead.hot",
      data: { name: "Grüne Ähre", n },
    });
    expect(event.deliveries).toHaveLength(cases.length);
    const deliveries = event.deliveries.map(async ({ id, endpoint }) => {
      let last: unknown;
      const about = () => `${cases.find((it) => it.endpoint === endpoint)?.profile}: ${JSON.stringify(last)}`;
      const shown = await until(about, async () => {
        const read = await posthorn.deliveries.get("acme", endpoint, id);
        last = read;
        return read.attempts > 0 && read;
      });
      expect(shown.attemptLog[0]?.statusCode, about()).toBe(204);
      expect(shown.status, about()).toBe("succeeded");
      return [endpoint, { id, shown }] as const;
    });
    const delivered = new Map(await Promise.all(deliveries));
    for (const { printed } of cases)
      await printed.says(new RegExp(`Grüne Ähre","n":${n}\\b|Grüne Ähre", "n": ${n}\\b`));
    return delivered;
  }

  const first = await deliver(1);
  for (const { profile, header, endpoint, secret, printed } of cases) {
    const { id, shown } = first.get(endpoint) ?? {};
    const sent = shown?.attemptLog[0]?.request;
    // The log does not show what is the secret itself.
    const headers: Record<string, string> = { ...sent?.headers };
    if (profile === "visits") headers[header] = secret;
    expect(Object.keys(headers), profile).toContain(header);
    const body = sent?.body ?? "";

    expect(await printed.post(body, headers), `${profile}, played back`).toBe(204);
    await printed.says(/ again, ignored$/m);
    const signature = headers[header] ?? "";
    const tampered = { ...headers, [header]: signature.replace(/.$/, (last) => (last === "0" ? "1" : "0")) };
    const odd = ["", "x", ",,,==", "t=,v1=", "v1", "é", signature.slice(0, -1), `${signature}0`];
    expect(await printed.post(body, tampered), `${profile}, another signature`).toBe(401);
    for (const value of odd) expect(await printed.post(body, { ...headers, [header]: value }), value).toBe(401);
    expect(await printed.post(body, { ...headers, [header]: undefined as never }), `${profile}, unsigned`).toBe(401);
    if (profile !== "visits") expect(await printed.post(`${body} `, headers), `${profile}, another body`).toBe(401);
    expect(await printed.post(undefined, {}), `${profile}, nothing`).toBe(401);

    await posthorn.deliveries.resend("acme", endpoint, id ?? "");
  }
  for (const { printed, profile } of cases) {
    await until(
      () => `${profile} was not sent again: ${printed.output}`,
      () => printed.output.match(/ again, ignored$/gm)?.length === 2,
    );
  }

  // Timestamps are signed along where a profile has them: an old one is refused, whoever signed it.
  for (const { profile, secret, printed } of cases.filter((it) => it.profile === "stripe")) {
    const t = Math.floor(Date.now() / 1000) - 3_600;
    const header = `t=${t},v1=${sign(secret, `${t}.{"id":"evt_old"}`)}`;
    expect(await printed.post('{"id":"evt_old"}', { "stripe-signature": header }), profile).toBe(401);
  }

  // The secret is replaced: those that know the old one go on, then others that know the new one take over.
  const rotated = new Map<string, string>();
  for (const { endpoint } of cases) {
    rotated.set(endpoint, (await posthorn.secrets.rotate("acme", endpoint, {})).secret);
  }
  await deliver(2);
  for (const one of cases) {
    one.printed = await Printed.run(one.program, rotated.get(one.endpoint) ?? "");
    await posthorn.endpoints.update("acme", one.endpoint, { url: one.printed.url });
  }
  await deliver(3);
  for (const { endpoint } of cases) await posthorn.secrets.promote("acme", endpoint);
  const last = await deliver(4);
  for (const { header, endpoint } of cases) {
    const headers = last.get(endpoint)?.shown.attemptLog[0]?.request.headers ?? {};
    expect(Object.keys(headers)).toContain(header);
    expect(Object.keys(headers)).not.toContain(`${header}-Next`);
  }
});
