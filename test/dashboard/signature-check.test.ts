import { createHmac } from "node:crypto";
import { describe, it } from "vitest";
import type { Scheme } from "../../src/contracts/wire";
import { checkSignature } from "../../src/dashboard/inspect/signature-check";
import { FAULTS } from "../../src/dashboard/inspect/signature-faults";
import { sign } from "../../src/send/request/sign";

const BODY = '{"id":"evt_1","data":{"name":"Grüne Ähre","url":"https://a.example/?a=1&b=2","n":1.0}}';
const PLAIN = "a1".repeat(32);
const WHSEC = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

const headerOf: Partial<Record<Scheme, string>> = {
  standard: "webhook-signature",
  svix: "svix-signature",
  github: "X-Hub-Signature-256",
  stripe: "Stripe-Signature",
};

/** What is sent under a scheme, and the answer of a check of what somebody pasted. */
async function scene(scheme: Scheme, body = BODY, secrets?: string[]) {
  const own = secrets ?? [scheme === "standard" || scheme === "svix" ? WHSEC : PLAIN];
  const signature = { scheme, header: headerOf[scheme] ?? "X-Webhook-Signature" };
  const headers = await sign(signature, own as [string], {
    id: "evt_1",
    timestamp: 1_790_000_000,
    body: new TextEncoder().encode(body) as Uint8Array<ArrayBuffer>,
  });
  const checked = (pasted: string, hashed: string | null = null, now = own) =>
    checkSignature({ secrets: now, signature, headers, body, pasted, hashed });
  return {
    headers,
    header: headers[signature.header] ?? "",
    checked,
    faults: async (pasted: string, hashed: string | null = null) => (await checked(pasted, hashed)).faults,
  };
}

const hmac = (key: string | Buffer, text: string | Buffer, encoding: "hex" | "base64" = "hex") =>
  createHmac("sha256", key).update(text).digest(encoding);

describe("a signature that is right", () => {
  it.for(["hex", "token", "standard", "svix", "github", "stripe"] as const)(
    "is told so under %s",
    async (scheme, { expect }) => {
      const { header, faults } = await scene(scheme);
      expect(await faults(header)).toEqual([]);
      expect(await faults(` ${header}\n`)).toEqual([]);
      expect(await faults(`${headerOf[scheme] ?? "x-webhook-signature"}: ${header}`)).toEqual([]);
    },
  );
});

describe("a signature that is wrong", () => {
  it("is told to be of a body that was parsed and written again, as any language writes it", async ({ expect }) => {
    const { faults } = await scene("hex");
    const value = JSON.parse(BODY);
    const python =
      '{"id": "evt_1", "data": {"name": "Gr\\u00fcne \\u00c4hre", "url": "https://a.example/?a=1&b=2", "n": 1}}';
    const php = JSON.stringify(value).replaceAll("/", "\\/");
    const go = JSON.stringify(value).replaceAll("&", "\\u0026");
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2), python, php, go]) {
      expect([text, await faults(hmac(PLAIN, text))]).toEqual([text, ["body-reserialised"]]);
    }
    const mine = '{"data":{"n":1,"name":"Grüne Ähre","url":"https://a.example/?a=1&b=2"},"id":"evt_1"}';
    expect(await faults(hmac(PLAIN, mine))).toEqual(["unknown"]);
    expect(await faults(hmac(PLAIN, mine), mine)).toEqual(["body-reserialised"]);
  });

  it("is told to be of another body, and where that begins to be another", async ({ expect }) => {
    const { faults, checked } = await scene("hex");
    expect(await faults(hmac(PLAIN, `${BODY}\n`))).toEqual(["body-line-end"]);
    expect(await faults(hmac(PLAIN, Buffer.from(BODY, "latin1")))).toEqual(["body-encoding"]);
    expect(await faults(hmac(PLAIN, ""))).toEqual(["body-empty"]);
    expect(await faults(hmac(PLAIN, JSON.stringify(JSON.parse(BODY).data)))).toEqual(["body-data"]);
    const other = BODY.replace("evt_1", "evt_2");
    const answer = await checked(hmac(PLAIN, other), other);
    expect(answer).toEqual({ faults: ["body-other"], like: null, differsAt: BODY.indexOf("1") });
    expect((await checked(hmac(PLAIN, BODY), BODY)).differsAt).toBeNull();
  });

  it("is told how it is written", async ({ expect }) => {
    const [hex, github, standard] = [await scene("hex"), await scene("github"), await scene("standard")];
    expect(await hex.faults(hmac(PLAIN, BODY, "base64"))).toEqual(["base64"]);
    expect(await hex.faults(hmac(PLAIN, BODY).toUpperCase())).toEqual(["upper-case"]);
    expect(await hex.faults(`sha256=${hmac(PLAIN, BODY)}`)).toEqual(["prefix-extra"]);
    expect(await hex.faults(createHmac("sha1", PLAIN).update(BODY).digest("hex"))).toEqual(["no-mac"]);
    expect(await github.faults(hmac(PLAIN, BODY))).toEqual(["prefix-missing"]);
    const [, mac = ""] = standard.header.split(",");
    expect(await standard.faults(mac)).toEqual(["prefix-missing"]);
    expect(await standard.faults(Buffer.from(mac, "base64").toString("hex"))).toEqual(["prefix-missing", "hex"]);
    expect(await standard.faults(`v1,${mac.replace(/=$/, "")}`)).toEqual(["base64-url"]);
    const stripe = await scene("stripe");
    expect(await stripe.faults(stripe.header.replace(/.*v1=/, ""))).toEqual(["prefix-missing"]);
  });

  it("is told to lack what stands in front of the body", async ({ expect }) => {
    const [standard, stripe] = [await scene("standard"), await scene("stripe")];
    const key = Buffer.from(WHSEC.slice(6), "base64");
    expect(await standard.faults(`v1,${hmac(key, BODY, "base64")}`)).toEqual(["timestamp-missing"]);
    expect(await standard.faults(`v1,${hmac(key, `evt_1.${BODY}`, "base64")}`)).toEqual(["timestamp-missing"]);
    expect(await standard.faults(`v1,${hmac(key, `1790000000.${BODY}`, "base64")}`)).toEqual(["id-missing"]);
    expect(await stripe.faults(`t=1790000000,v1=${hmac(PLAIN, BODY)}`)).toEqual(["timestamp-missing"]);
  });

  it("is told to follow another scheme, and which", async ({ expect }) => {
    const stripe = await scene("stripe");
    expect(await stripe.checked(hmac(PLAIN, BODY))).toMatchObject({
      like: "hex",
      faults: expect.arrayContaining(["other-scheme"]),
    });
    expect(await stripe.checked(`sha256=${hmac(PLAIN, BODY)}`)).toMatchObject({ like: "github" });
    const token = await scene("token");
    expect(await token.faults(hmac(PLAIN, BODY))).toEqual(["other-scheme"]);
    const standard = await scene("standard");
    expect(await standard.checked(hmac(WHSEC, BODY))).toMatchObject({ like: "hex" });
  });

  it("is told to take the secret for what it is not", async ({ expect }) => {
    const standard = await scene("standard");
    const text = `evt_1.1790000000.${BODY}`;
    expect(await standard.faults(`v1,${hmac(WHSEC, text, "base64")}`)).toEqual(["secret-encoding"]);
    expect(await standard.faults(`v1,${hmac(WHSEC.slice(6), text, "base64")}`)).toEqual(["secret-encoding"]);
    const hex = await scene("hex");
    expect(await hex.faults(hmac(Buffer.from(PLAIN, "hex"), BODY))).toEqual(["secret-decoded"]);
    expect(await hex.faults(hmac(`${PLAIN}\n`, BODY))).toEqual(["secret-space"]);
    expect(await hex.faults(hmac("another-secret", BODY))).toEqual(["unknown"]);
  });

  it("is told of a secret that is being replaced, or has been", async ({ expect }) => {
    const rotating = await scene("hex", BODY, ["old-secret", "new-secret"]);
    expect(await rotating.faults(hmac("new-secret", BODY))).toEqual([]);
    expect(await rotating.faults(hmac("old-secret", BODY))).toEqual(["secret-old"]);
    const after = await rotating.checked(hmac("old-secret", BODY), null, ["new-secret"]);
    expect(after.faults).toEqual(["secret-replaced"]);
  });

  it("has several faults at once, and a text for each", async ({ expect }) => {
    const github = await scene("github");
    const twice = await github.faults(hmac(`${PLAIN}\n`, JSON.stringify(JSON.parse(BODY)), "base64"));
    expect(twice).toEqual(["body-reserialised", "secret-space", "prefix-missing", "base64"]);
    for (const fault of twice) expect(FAULTS[fault]).toMatch(/\.$/);
  });

  it("is told of a large body as well", async ({ expect }) => {
    const { faults } = await scene("hex", `{"text" : "${"x".repeat(300_000)}"}`);
    expect(await faults(hmac(PLAIN, `{"text":"${"x".repeat(300_000)}"}`))).toEqual(["body-reserialised"]);
  });
});
