import { describe, it } from "vitest";
import { type EndpointRow, effectiveSettings } from "../../src/config/endpoints";
import { sealHeaders } from "../../src/config/secrets";
import { prepare } from "../../src/delivery/prepare";
import { seal } from "../../src/lib/crypto";
import { secretOwner } from "../../src/lib/settings";

const OWNER = secretOwner("acme", "ep_1");

/** What goes out to an endpoint whose row has these headers, however they came there. */
async function sent(own: Record<string, string>, { contact = "", url = "https://receiver.example/hooks" } = {}) {
  const row = {
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
  } as EndpointRow;
  const grant = {
    id: "dlv_01KCHCW3M0000ABCDEFGHJKMNP0",
    attemptId: "att_01KCHCW4RJ0000000000000000",
    number: 1,
    trigger: "scheduled",
    leasedUntil: 0,
    format: null,
  } as const;
  const env = { SECRETS_KEY: "k", ALLOW_INSECURE_ENDPOINTS: "false", CONTACT_URL: contact } as never;
  const event = { event: "lead.hot", timestamp: 0, payloadId: "evt_1", data: "{}" };
  const { request, shownHeaders } = await prepare(env, effectiveSettings(row), grant, event, 0);
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

  it("go to the URL without its fragment, which is no part of a request", async ({ expect }) => {
    const { request } = await sent({}, { url: "HTTPS://Receiver.Example/a b/../ü?q=1#part" });
    expect(request.url).toBe("https://receiver.example/%C3%BC?q=1");
  });
});
