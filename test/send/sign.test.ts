import { describe, it } from "vitest";
import { SIGNING_SCHEMES } from "../../src/config/endpoints/schemes";
import {
  MAX_SECRETS,
  newSecret,
  type Overlapping,
  secretColumns,
  secretRefusal,
  secretsAt,
  withNewSecret,
} from "../../src/config/endpoints/secrets";
import { SCHEMES } from "../../src/contracts/wire";
import { utf8 } from "../../src/lib/crypto";
import { sign } from "../../src/send/request/sign";

const SIGNABLE = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: utf8('{"test": 2432232314}') };
const OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

describe("a signature", () => {
  it("under the standard scheme is the one that Standard Webhooks publishes", async ({ expect }) => {
    const headers = await sign({ scheme: "standard", header: null }, [OLD], SIGNABLE);
    expect(headers).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  it("goes into the header that the endpoint chose", async ({ expect }) => {
    const headers = await sign({ scheme: "token", header: "X-Token" }, ["the token"], SIGNABLE);
    expect(headers).toEqual({ "X-Token": "the token" });
  });

  it("is absent only under the scheme none; without a secret nothing is made at all", async ({ expect }) => {
    expect(await sign({ scheme: "none", header: null }, [], SIGNABLE)).toEqual({});
    for (const scheme of SCHEMES.filter((name) => name !== "none")) {
      await expect(sign({ scheme, header: null }, [], SIGNABLE)).rejects.toThrow(/secret/);
    }
  });
});

describe("while secrets are being replaced", () => {
  const BETWEEN = "whsec_AAFVsBQIhrscChlQIMV+b5sSYspob7oD";

  it("a header that can list signatures lists all, the newest first", async ({ expect }) => {
    for (const scheme of ["standard", "svix", "stripe"] as const) {
      const { header, separator } = SIGNING_SCHEMES[scheme];
      const at = async (...secrets: string[]) =>
        (await sign({ scheme, header: null }, secrets, SIGNABLE))[header] as string;
      const own = async (secret: string) => (await at(secret)).split(separator as string).at(-1);
      expect(await at(OLD, NEW)).toBe([await at(NEW), await own(OLD)].join(separator as string));
      const all = [await at(NEW), await own(BETWEEN), await own(OLD)].join(separator as string);
      expect(await at(OLD, BETWEEN, NEW)).toBe(all);
    }
  });

  it("one that cannot goes on carrying the oldest one's, with the newest one's beside it", async ({ expect }) => {
    for (const scheme of ["hex", "token", "github"] as const) {
      const { header } = SIGNING_SCHEMES[scheme];
      const at = (...secrets: string[]) => sign({ scheme, header: null }, secrets, SIGNABLE);
      for (const secrets of [
        [OLD, NEW],
        [OLD, BETWEEN, NEW],
      ]) {
        const both = await at(...secrets);
        expect(Object.keys(both)).toEqual([header, `${header}-Next`]);
        expect(both[header]).toBe((await at(OLD))[header]);
        expect(both[`${header}-Next`]).toBe((await at(NEW))[header]);
      }
    }
  });

  it("each takes over at its time, and ends those before it", ({ expect }) => {
    const sealed = { sealedSecret: "a", sealedNext: "b", nextFrom: 1_000, sealedLater: [{ secret: "c", from: 2_000 }] };
    const texts = (now: number) => secretsAt(sealed, now).map(({ secret, from }) => `${secret} ${from}`);
    expect(texts(999)).toEqual(["a null", "b 1000", "c 2000"]);
    expect(texts(1_000)).toEqual(["b null", "c 2000"]);
    expect(texts(1_999)).toEqual(["b null", "c 2000"]);
    expect(texts(2_000)).toEqual(["c null"]);
  });

  it("a copy that was written before there were several is read as it was meant", ({ expect }) => {
    const old = { sealedSecret: "old", sealedNext: "new", nextFrom: 1_000 };
    expect(secretsAt(old, 999).map(({ secret }) => secret)).toEqual(["old", "new"]);
    expect(secretsAt(old, 1_000)).toEqual([{ secret: "new", from: null }]);
    expect(secretsAt({ sealedSecret: "only", sealedNext: null, nextFrom: null }, 0)).toHaveLength(1);
    expect(secretsAt({ sealedSecret: null, sealedNext: null, nextFrom: null }, 0)).toEqual([]);
  });

  it("no rotation shortens the one before it, but one without an overlap ends all, and ten are the most", ({
    expect,
  }) => {
    const rotate = (live: Overlapping[], secret: string, overlap: number, now: number) => {
      const rotated = withNewSecret(live, secret, overlap, now);
      if (rotated === "full") throw new Error("full");
      return rotated.secrets;
    };
    const two = rotate([{ secret: "a", from: null }], "b", 1_000, 0);
    const three = rotate(two, "c", 10, 100);
    expect(three.map(({ from }) => from)).toEqual([null, 1_000, 1_000]);
    expect(rotate(two, "c", 5_000, 100).map(({ from }) => from)).toEqual([null, 1_000, 5_100]);
    expect(rotate(three, "d", 0, 200)).toEqual([{ secret: "d", from: null }]);
    const columns = secretColumns(three);
    const { secret: sealedSecret, nextSecret: sealedNext, nextFrom, laterSecrets } = columns;
    expect(secretsAt({ sealedSecret, sealedNext, nextFrom, sealedLater: laterSecrets ?? [] }, 100)).toEqual(three);
    let live: Overlapping[] = [];
    for (let i = 0; i < MAX_SECRETS; i++) live = rotate(live, `s${i}`, 1_000, i);
    expect(live).toHaveLength(MAX_SECRETS);
    expect(withNewSecret(live, "one more", 1_000, 20)).toBe("full");
    expect(rotate(live, "alone", 0, 20)).toHaveLength(1);
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
