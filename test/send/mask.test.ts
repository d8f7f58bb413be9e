import fc from "fast-check";
import { describe, it } from "vitest";
import { maskingOf, secretsOfHeader } from "../../src/send/request/mask";
import { holds } from "../lib/property";

const SECRET = 'correct "horse" bättery & staple';

const base64Of = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

describe("a secret in an answer", () => {
  const spelled: [how: string, text: string][] = [
    ["as it is", `you sent ${SECRET}!`],
    ["more than once", `${SECRET}${SECRET} ${SECRET}`],
    ["in JSON", JSON.stringify({ secret: SECRET })],
    ["in a URL", `https://x.example/?s=${encodeURIComponent(SECRET)}`],
    ["in a form", new URLSearchParams({ s: SECRET }).toString()],
    ["in base64", base64Of(SECRET)],
    ["in base64 of a text around it", base64Of(`{"key":"${SECRET}","more":true}`)],
    ["in base64 of a text around it, moved by one", base64Of(`{"keys":"${SECRET}","more":true}`)],
    ["in base64 of a text around it, moved by two", base64Of(`{"keyed":"${SECRET}","more":true}`)],
    ["in base64 for URLs", base64Of(`?>${SECRET}<?`).replaceAll("+", "-").replaceAll("/", "_")],
    ["in hex", [...new TextEncoder().encode(SECRET)].map((byte) => byte.toString(16).padStart(2, "0")).join("")],
  ];

  it.for(spelled)("is masked %s", ([how, text], { expect }) => {
    const masked = maskingOf([SECRET])(text);
    expect(masked).toContain("***");
    for (const part of ["correct", "horse", "staple"]) {
      expect(masked).not.toContain(part);
      if (how.includes("base64")) expect(masked).not.toContain(base64Of(part).slice(1, -3));
    }
    expect(masked.length).toBeLessThan(text.length);
  });

  it.for([
    ["Go", String.raw`s3cr\u003cet\u003e\u0026v'al/ue\"12`],
    [".NET", String.raw`s3cr\u003Cet\u003E\u0026v\u0027al/ue\u002212`],
    ["PHP", String.raw`s3cr<et>&v'al\/ue\"12`],
    ["a page", `s3cr&lt;et&gt;&amp;v'al/ue"12`.replace('"', "&quot;")],
    ["a page of numbers", "s3cr&lt;et&gt;&amp;v&#39;al/ue&#34;12"],
    ["a page of other numbers", "s3cr&lt;et&gt;&amp;v&#x27;al/ue&#x22;12"],
    ["a URL", "s3cr%3Cet%3E%26v'al%2Fue%2212"],
    ["a URL in small letters", "s3cr%3cet%3e%26v'al%2fue%2212"],
    ["a URL that leaves nothing", "s3cr%3Cet%3E%26v%27al%2Fue%2212"],
  ])("is masked as %s writes it", ([, text], { expect }) => {
    expect(maskingOf([`s3cr<et>&v'al/ue"12`])(`<${text}>`)).toBe("<***>");
  });

  it("leaves the rest as it was", ({ expect }) => {
    expect(maskingOf(["hunter2hunter2"])("<b>hunter2hunter2</b> ok")).toBe("<b>***</b> ok");
    expect(maskingOf([])("nothing to hide")).toBe("nothing to hide");
    expect(maskingOf(["$&$1", "abcdefgh"])("$&$1 and abcdefgh")).toBe("*** and ***");
  });

  it("of the form whsec_ is masked without its beginning too", ({ expect }) => {
    expect(maskingOf(["whsec_C2FVsBQIhrscChlQIMV"])("key C2FVsBQIhrscChlQIMV")).toBe("key ***");
  });

  it("is masked in hex of either case, also when it is hex itself, and of whsec_ the key it stands for", ({
    expect,
  }) => {
    const bytes = new TextEncoder().encode("a key of 24 bytes, about");
    const inHex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    expect(maskingOf(["a key of 24 bytes, about"])(inHex.toUpperCase())).toBe("***");
    expect(maskingOf(["0a1b2c3d4e5f"])("0A1B2C3D4E5F")).toBe("***");
    const secret = `whsec_${base64Of("a key of 24 bytes, about?>")}`;
    const key = secret.slice(6);
    const url = key.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    const ofKey = `${inHex}3f3e`;
    for (const shown of [ofKey, ofKey.toUpperCase(), url]) expect(maskingOf([secret])(shown)).toMatch(/^\*\*\*/);
  });

  it("that is part of another is masked, and so is the other", ({ expect }) => {
    expect(maskingOf(["12345678", "Bearer 12345678"])("Bearer 12345678, 12345678")).toBe("***, ***");
  });

  it("that the cut goes through is left out from its beginning, wherever that is", ({ expect }) => {
    const secret = fc
      .string({ minLength: 8, maxLength: 60, unit: "grapheme-ascii" })
      .filter((text) => !/\*/.test(text));
    holds(
      fc.property(secret, fc.integer({ min: 4, max: 60 }), (text, length) => {
        const cut = text.slice(0, Math.min(length, text.length - 1));
        const shown = maskingOf([text])(`\u0001\u0002${cut}`, true);
        expect(shown.startsWith("\u0001\u0002") ? shown.slice(2) : "").not.toContain(cut);
        // A whole answer may end so by chance.
        expect(maskingOf([text])(`\u0001\u0002${cut}`)).toBe(`\u0001\u0002${cut}`);
      }),
      500,
    );
  });

  it("of any kind never comes through", ({ expect }) => {
    const secret = fc
      .string({ minLength: 8, maxLength: 40, unit: "grapheme-ascii" })
      .filter((text) => !/\*/.test(text));
    holds(
      fc.property(secret, fc.string(), fc.string(), (text, before, after) => {
        const masked = maskingOf([text]);
        expect(masked(`${before}${text}${after}`)).not.toContain(text);
        expect(masked(JSON.stringify([before, text, after]))).not.toContain(JSON.stringify(text).slice(1, -1));
      }),
      500,
    );
  });
});

describe("the secrets of a custom header", () => {
  it.for<[value: string, secrets: string[]]>([
    ["s3cr3t-of-ours", ["s3cr3t-of-ours"]],
    ["Bearer s3cr3t-of-ours", ["Bearer s3cr3t-of-ours", "s3cr3t-of-ours"]],
    ["Token token=x", ["Token token=x"]],
    ["ApiKey: s3cr3t-of-ours", ["ApiKey: s3cr3t-of-ours", "s3cr3t-of-ours"]],
    [
      `Basic ${btoa("me:s3cr3t:of-ours")}`,
      [`Basic ${btoa("me:s3cr3t:of-ours")}`, btoa("me:s3cr3t:of-ours"), "s3cr3t:of-ours"],
    ],
    ["Basic ???not-base64", ["Basic ???not-base64", "???not-base64"]],
    [" \ts3cr3t-of-ours ", ["s3cr3t-of-ours"]],
    ["2", []],
    ["short", []],
  ])("%j", ([value, secrets], { expect }) => {
    expect(secretsOfHeader(value)).toEqual(secrets);
  });
});
