import { describe, it, vi } from "vitest";
import { type EndpointRow, effectiveSettings } from "../../src/config/endpoints/endpoints";
import { sealHeaders } from "../../src/config/endpoints/secrets";
import { secretOwner } from "../../src/contracts/settings";
import { seal } from "../../src/lib/crypto";
import { attempt } from "../../src/send/attempt";
import { prepare } from "../../src/send/request/prepare";
import { newReceiver } from "../lib/api";

const OWNER = secretOwner("acme", "ep_1");

const GRANT = {
  id: "dlv_01KCHCW3M0000ABCDEFGHJKMNP0",
  attemptId: "att_01KCHCW4RJ0000000000000000",
  number: 1,
  trigger: "scheduled",
  leasedUntil: 0,
  format: null,
} as const;
const EVENT = { type: "lead.hot", timestamp: 0, payloadId: "evt_1", data: "{}" };
const ENV = { SECRETS_KEY: "k", ALLOW_INSECURE_ENDPOINTS: "false", CONTACT_URL: "" };

/** The settings of an endpoint whose row has these headers, however they came there. */
async function settingsOf(own: Record<string, string>, url = "https://receiver.example/hooks") {
  return effectiveSettings({
    id: "ep_1",
    tenant: "acme",
    url,
    profile: "clearview",
    secret: await seal("k", OWNER, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    headers: await sealHeaders("k", OWNER, own),
    version: 1,
    disableAfter: 604_800,
    rateLimit: null,
    nextSecret: null,
    nextFrom: null,
  } as EndpointRow);
}

/** What goes out to it. */
async function sent(own: Record<string, string>, { contact = "", url }: { contact?: string; url?: string } = {}) {
  const env = { ...ENV, CONTACT_URL: contact } as never;
  const { request, shownHeaders } = await prepare(env, await settingsOf(own, url), GRANT, EVENT, 0);
  // As it is built before it is sent: throws on what no header can carry.
  const built = new Request(request.url, { method: request.method, headers: request.headers });
  return { request, built, shownHeaders };
}

describe("the headers of a request", () => {
  it("accept anything, unless the endpoint's own say otherwise, however they are spelled", async ({ expect }) => {
    expect((await sent({})).request.headers).toMatchObject({ Accept: "*/*" });
    const { request, built, shownHeaders } = await sent({ aCCept: "application/json", "user-agent": "Acme/2" });
    expect(built.headers.get("accept")).toBe("application/json");
    expect(built.headers.get("user-agent")).toBe("Acme/2");
    expect(Object.keys(request.headers)).not.toContain("Accept");
    expect(shownHeaders).toMatchObject({ aCCept: "***" });
  });

  it.for<[value: string, sent: string]>([
    ["café", "café"],
    ["snow ☃", "snow %E2%98%83"],
    ["a\nb", "a%0Ab"],
    ["nul\u0000", "nul%00"],
    ["del\u007f", "del%7F"],
    ["half \ud83d", "half %EF%BF%BD"],
    ["😀", "%F0%9F%98%80"],
  ])("can be sent whatever is stored: %j", async ([value, expected], { expect }) => {
    const { request, built } = await sent({ "X-Own": value, "bad name": "x", "X-Other": "1" }, { contact: value });
    expect(request.headers).toMatchObject({ "X-Own": expected, "User-Agent": `Posthorn/1 (+${expected})` });
    expect(built.headers.get("x-other")).toBe("1");
    expect(Object.keys(request.headers)).not.toContain("bad name");
  });

  it("never stand in place of ours, however they are spelled and came to be stored", async ({ expect }) => {
    const ours = (await sent({})).request.headers;
    expect(Object.keys(ours)).toContain("X-Webhook-Signature");
    const mine = Object.keys(ours).filter((name) => !["Accept", "User-Agent"].includes(name));
    for (const spelled of [
      (name: string) => name,
      (name: string) => name.toLowerCase(),
      (name: string) => name.toUpperCase(),
    ]) {
      const own = Object.fromEntries(mine.map((name) => [spelled(name), "mine"]));
      const { request, built } = await sent(own);
      expect(request.headers).toEqual(ours);
      for (const name of mine) expect(built.headers.get(name)).toBe(ours[name]);
    }
  });

  it("are logged without a secret that is sent as it is", async ({ expect }) => {
    const settings = await settingsOf({});
    const { request, shownHeaders } = await prepare(
      ENV as never,
      { ...settings, signature: { scheme: "token", header: "X-Token" } },
      GRANT,
      EVENT,
      0,
    );
    expect(request.headers["X-Token"]).toMatch(/^whsec_/);
    expect(shownHeaders).toMatchObject({ "X-Token": "***", "X-Webhook-Event": "lead.hot" });
    expect(JSON.stringify(shownHeaders)).not.toContain("whsec_");
  });

  it("are logged with the URL as it is requested, of which a fragment is no part", async ({ expect }) => {
    const { request } = await sent({}, { url: "HTTPS://Receiver.Example/a b/../ü?q=1#part" });
    expect(request.url).toBe("https://receiver.example/%C3%BC?q=1");
  });

  it("that cannot be sent at all end no attempt as the receiver's failure: none was made", async ({ expect }) => {
    const receiver = await newReceiver();
    const said = vi.spyOn(console, "error").mockReturnValue();
    const settings = {
      ...(await settingsOf({}, receiver.url)),
      signature: { scheme: "hex", header: "no name" } as const,
    };
    const granted = {
      delivery: { id: GRANT.id, type: "lead.hot" },
      grant: { ...GRANT, leasedUntil: Date.now() + 60_000 },
      settings,
    };
    const [begun, ended] = [vi.fn(), vi.fn()];
    expect(
      await attempt({ ...ENV, ALLOW_INSECURE_ENDPOINTS: "true" } as never, granted, async () => EVENT, {
        begun,
        ended,
      }),
    ).toBeNull();
    expect([await receiver.seen(), begun.mock.calls.length]).toEqual([[], ended.mock.calls.length]);
    expect(said).toHaveBeenCalledTimes(1);
    said.mockRestore();
  });
});
