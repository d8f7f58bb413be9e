import { describe, it } from "vitest";
import { type Env, secretsKeys } from "../../src/contracts/env";
import { keyIdOf, sameText, seal, sealedPrefix, unseal } from "../../src/lib/crypto";

describe("a sealed secret", () => {
  it("opens under its key and for its owner only", async ({ expect }) => {
    const sealed = await seal("key one", "t/ep_1", "the secret");
    expect(sealed).not.toContain("the secret");
    expect(await unseal(["key one"], "t/ep_1", sealed)).toBe("the secret");
    await expect(unseal(["key one"], "t/ep_2", sealed)).rejects.toThrow();
    await expect(unseal(["key two"], "t/ep_1", sealed)).rejects.toThrow(/sealed under key/);
    await expect(unseal(["key one"], "t/ep_1", "nonsense")).rejects.toThrow();
  });

  it("opens under an older key as long as that one is named", async ({ expect }) => {
    const sealed = await seal("key one", "t/ep_1", "the secret");
    expect(await unseal(["key two", "key one"], "t/ep_1", sealed)).toBe("the secret");
    expect(sealed.startsWith(sealedPrefix(await keyIdOf("key one")))).toBe(true);
    expect(await keyIdOf("key two")).not.toBe(await keyIdOf("key one"));
  });

  it("is never sealed to the same text twice", async ({ expect }) => {
    expect(await seal("k", "o", "s")).not.toBe(await seal("k", "o", "s"));
  });
});

describe("the keys of a deployment", () => {
  const keysOf = (now: string, old?: string) =>
    secretsKeys({ SECRETS_KEY: now, ...(old === undefined ? {} : { SECRETS_KEY_OLD: old }) } as Env);

  it("are today's, then the older ones in a list, each also when it has a comma itself", ({ expect }) => {
    expect(keysOf("new")).toEqual(["new"]);
    expect(keysOf("new", "")).toEqual(["new"]);
    expect(keysOf("new", "old")).toEqual(["new", "old"]);
    expect(keysOf("new", "old, older")).toEqual(["new", "old, older", "old", "older"]);
    expect(() => keysOf("", "old")).toThrow(/SECRETS_KEY is not set/);
  });
});

describe("comparing keys", () => {
  // Shorter and longer than what all are padded to, and at its edges.
  it.for([0, 1, 3, 255, 256, 257, 4_000])("tells equal from unequal, of %i characters", (length, { expect }) => {
    const text = "k".repeat(length);
    expect(sameText(text, text)).toBe(true);
    const others = [`${text}\0`, `\0${text}`, `${text}\0\0\0`, `${text}k`, "\0".repeat(length + 1), `${text}é`];
    if (length > 0) others.push("", text.slice(1), `${text.slice(1)}\0`, `${text.slice(1)}l`, `l${text.slice(1)}`);
    for (const other of others) {
      expect([other.slice(-5), sameText(text, other), sameText(other, text)]).toEqual([other.slice(-5), false, false]);
    }
  });
});
