import { describe, it } from "vitest";
import { type EndpointRow, effectiveSettings } from "../../src/config/endpoints/endpoints";
import { PROFILE_NAMES } from "../../src/config/endpoints/profiles";
import type { EventText } from "../../src/contracts/event";
import { secretOwner } from "../../src/contracts/settings";
import { seal } from "../../src/lib/crypto";
import { prepare } from "../../src/send/request/prepare";

/** The golden files by profile: the exact request, from the inputs below. */
const GOLDEN = import.meta.glob<string>("./golden/*.http", { query: "?raw", import: "default", eager: true });

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NOW = Date.parse("2025-12-15T14:33:13.250Z");
const EVENT: EventText = {
  type: "company.identified",
  timestamp: Date.parse("2025-12-15T14:33:12.000Z"),
  payloadId: "evt_01KCHCW3M0000ABCDEFGHJKMNP",
  data: '{"company":{"id":"comp_a1b2c3d4","name":"Acme Corp","employeeCount":142},"2":1.0,"1":12345678901234567890}',
};
const GRANT = {
  do: "send",
  id: "dlv_01KCHCW3M0000ABCDEFGHJKMNP0",
  attemptId: "att_01KCHCW4RJ0000000000000000",
  number: 1,
  trigger: "scheduled",
  leasedUntil: NOW + 60_000,
  format: null,
} as const;

const ENV = {
  SECRETS_KEY: "k",
  ALLOW_INSECURE_ENDPOINTS: "false",
  CONTACT_URL: "https://saas.example/webhooks",
} as never;

async function requestOf(profile: string): Promise<string> {
  const secret = await seal("k", secretOwner("acme", "ep_1"), SECRET);
  const row = {
    id: "ep_1",
    tenant: "acme",
    url: "https://receiver.example/hooks",
    profile,
    secret,
    version: 1,
    disableAfter: 604_800,
    rateLimit: null,
    nextSecret: null,
    nextFrom: null,
    laterSecrets: null,
  } as EndpointRow;
  const { request } = await prepare(ENV, effectiveSettings(row), GRANT, EVENT, NOW);
  const headers = Object.entries(request.headers)
    .map(([name, value]) => `${name}: ${value}\n`)
    .sort();
  return `${request.method} ${request.url}\n${headers.join("")}\n${new TextDecoder().decode(request.body ?? new Uint8Array())}\n`;
}

describe("the request of a profile", () => {
  it.for(PROFILE_NAMES)("%s is as its golden file says, to the byte", async (profile, { expect }) => {
    expect(await requestOf(profile)).toBe(GOLDEN[`./golden/${profile}.http`]);
  });

  it("has a golden file for each, and no file is left over", ({ expect }) => {
    expect(Object.keys(GOLDEN).sort()).toEqual(PROFILE_NAMES.map((name) => `./golden/${name}.http`).sort());
  });
});
