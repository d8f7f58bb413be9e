import { describe, it } from "vitest";
import { SIGNING_SCHEMES } from "../../src/config/schemes";
import { newSecret, secretRefusal, secretsAt } from "../../src/config/secrets";
import { sign } from "../../src/delivery/sign";
import { utf8 } from "../../src/lib/crypto";
import { SCHEMES } from "../../src/lib/wire";

const SIGNABLE = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: utf8('{"test": 2432232314}') };
const OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

describe("a signature", () => {
  it("under the standard scheme is the one that Standard Webhooks publishes", async ({ expect }) => {
    const headers = await sign({ scheme: "standard", header: null }, { current: OLD, next: null }, SIGNABLE);
    expect(headers).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  it("goes into the header that the endpoint chose", async ({ expect }) => {
    const headers = await sign({ scheme: "token", header: "X-Token" }, { current: "the token", next: null }, SIGNABLE);
    expect(headers).toEqual({ "X-Token": "the token" });
  });

  it("is absent only under the scheme none; without a secret nothing is made at all", async ({ expect }) => {
    expect(await sign({ scheme: "none", header: null }, { current: null, next: null }, SIGNABLE)).toEqual({});
    for (const scheme of SCHEMES.filter((name) => name !== "none")) {
      await expect(sign({ scheme, header: null }, { current: null, next: null }, SIGNABLE)).rejects.toThrow(/secret/);
    }
  });
});

describe("while a secret is being replaced", () => {
  it("a header that can list signatures lists both, the new one first", async ({ expect }) => {
    for (const scheme of ["standard", "svix", "stripe"] as const) {
      const { header, separator } = SIGNING_SCHEMES[scheme];
      const [old, next, both] = await Promise.all(
        [
          { current: OLD, next: null },
          { current: NEW, next: null },
          { current: OLD, next: NEW },
        ].map(async (secrets) => (await sign({ scheme, header: null }, secrets, SIGNABLE))[header] as string),
      );
      const own = (value: string | undefined) => value?.split(separator as string).at(-1);
      expect(both).toBe(`${next}${separator}${own(old)}`);
    }
  });

  it("one that cannot goes on carrying the old one's, with the new one's beside it", async ({ expect }) => {
    for (const scheme of ["hex", "token", "github"] as const) {
      const { header } = SIGNING_SCHEMES[scheme];
      const at = async (current: string, next: string | null) =>
        sign({ scheme, header: null }, { current, next }, SIGNABLE);
      const both = await at(OLD, NEW);
      expect(Object.keys(both)).toEqual([header, `${header}-Next`]);
      expect(both[header]).toBe((await at(OLD, null))[header]);
      expect(both[`${header}-Next`]).toBe((await at(NEW, null))[header]);
    }
  });

  it("the new one takes over at its time", ({ expect }) => {
    const sealed = { sealedSecret: "old", sealedNext: "new", nextFrom: 1_000 };
    expect(secretsAt(sealed, 999)).toEqual({ current: "old", next: "new", nextFrom: 1_000 });
    expect(secretsAt(sealed, 1_000)).toEqual({ current: "new", next: null, nextFrom: null });
  });
});

describe("a secret", () => {
  it("is made in the form its scheme wants, new each time", ({ expect }) => {
    for (const scheme of SCHEMES) {
      const secret = newSecret(scheme);
      expect(secretRefusal(scheme, secret)).toBeNull();
      expect(secret.startsWith("whsec_")).toBe(scheme === "standard" || scheme === "svix");
      expect(newSecret(scheme)).not.toBe(secret);
    }
  });

  it("is refused where the scheme cannot use it", ({ expect }) => {
    const bytes = (n: number) => `whsec_${btoa("x".repeat(n))}`;
    for (const good of [bytes(24), bytes(64), OLD]) expect(secretRefusal("standard", good)).toBeNull();
    for (const bad of [bytes(23), bytes(65), "whsec_", "whsec_!!!!", "plain text secret", btoa("x".repeat(32))]) {
      expect(secretRefusal("svix", bad)).toMatch(/whsec_/);
    }
    expect(secretRefusal("token", "naïve ⚿ secret")).toMatch(/ASCII/);
    expect(secretRefusal("hex", "naïve ⚿ secret")).toBeNull();
  });
});
