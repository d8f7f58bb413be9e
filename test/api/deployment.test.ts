import { env, exports } from "cloudflare:workers";
import { afterEach, describe, it } from "vitest";
import { configurationOf } from "../../src/lib/configuration";
import { call } from "../lib/api";

const before = { ...env };
afterEach(() => {
  for (const name of Object.keys(env)) if (!(name in before)) delete (env as unknown as Record<string, unknown>)[name];
  Object.assign(env, before);
});

/** Variables that are missing or wrong, and what is said of each. */
const FAULTS: [name: string, value: string | undefined, message: string][] = [
  ["SECRETS_KEY", undefined, "is not set"],
  ["SECRETS_KEY", "", "is not set"],
  ["OPERATOR_KEY", undefined, "is not set"],
  ["RETENTION_DAYS", "thirty", "must be a number above 0"],
  ["RETENTION_DAYS", "-1", "must be a number above 0"],
  ["RECONCILE_AFTER_SECONDS", "0", "must be a number above 0"],
  ["ENTITY_TTL_DAYS", "1e9x", "must be a number above 0"],
  ["MAX_ENDPOINTS", "1.5", "must be a whole number"],
  ["FRAME_ANCESTORS", "https//app.example.com", "must list origins such as https://app.example.com, without a path"],
  [
    "FRAME_ANCESTORS",
    "https://a.example, https://b.example/path",
    "must list origins such as https://app.example.com, without a path",
  ],
  ["DOH_URL", "cloudflare-dns.com", "must be a URL, or empty"],
  ["ALLOW_INSECURE_ENDPOINTS", "yes", "must be true or false"],
  ["CONTACT_URL", "call (me)", "must be a URL without spaces and parentheses"],
  ["DEFAULT_PROFILE", "claerview", "must be one of "],
  ["DB", undefined, "is not bound"],
  ["EVENT_LOG", undefined, "is not bound"],
  ["DELIVERIES_DEAD", undefined, "is not bound"],
];

describe("a deployment with a variable that is wrong", () => {
  it.for(FAULTS)(
    "says which on /health, in the API and on pages: %s=%j",
    async ([name, value, message], { expect }) => {
      if (value === undefined) delete (env as unknown as Record<string, unknown>)[name];
      else Object.assign(env, { [name]: value });
      for (const path of ["/health", "/v1/tenants", "/v1/tenants/nobody/events"]) {
        const answer = await call("GET", path);
        expect([answer.status, answer.body.code, answer.headers.get("Retry-After")], path).toEqual([
          503,
          "misconfigured",
          "60",
        ]);
        expect(answer.body.errors, path).toEqual([{ path: name, message: expect.stringContaining(message) }]);
        expect(answer.body.detail).toContain(`${name} ${message}`);
        if (value && value.length > 3) expect(answer.body.detail).not.toContain(value);
      }
      for (const path of ["/dashboard", "/dashboard/sign-in", "/portal"]) {
        const page = await exports.default.fetch(new Request(`https://posthorn.test${path}`));
        const text = await page.text();
        expect(page.status, path).toBe(503);
        expect(page.headers.get("Content-Security-Policy"), path).toContain("default-src 'none'");
        expect(text, path).toContain(`${name} ${message.slice(0, 12)}`);
        expect(text).toContain("Misconfigured");
      }
    },
  );

  it("says all of them at once, and is well again when they are set right", async ({ expect }) => {
    Object.assign(env, { RETENTION_DAYS: "x", MAX_ENDPOINTS: "y" });
    const { body } = await call("GET", "/health");
    expect(body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      "MAX_ENDPOINTS",
      "RETENTION_DAYS",
    ]);
    Object.assign(env, before);
    expect((await call("GET", "/health")).status).toBe(200);
  });

  it("is still readable: its limits are there", async ({ expect }) => {
    Object.assign(env, { SECRETS_KEY: "" });
    expect((await call("GET", "/docs/limits")).status).toBe(200);
  });
});

describe("variables", () => {
  const well = { OPERATOR_KEY: "o", SECRETS_KEY: "s" };
  it("may be left out, empty or numbers", ({ expect }) => {
    const names = [
      "RETENTION_DAYS",
      "MAX_ENDPOINTS",
      "ENTITY_TTL_DAYS",
      "RECONCILE_AFTER_SECONDS",
      "FRAME_ANCESTORS",
      "CONTACT_URL",
    ];
    const left = configurationOf(well);
    expect(left.faults).toEqual([]);
    const empty = configurationOf({ ...well, ...Object.fromEntries(names.map((name) => [name, ""])) });
    expect(empty).toEqual(left);
    expect(configurationOf({ ...well, RETENTION_DAYS: 60 }).retentionMs).toBe(60 * 86_400_000);
  });

  it("that are wrong stand at their default for what goes on meanwhile", ({ expect }) => {
    const wrong = configurationOf({
      ...well,
      RETENTION_DAYS: "x",
      DOH_URL: "x",
      FRAME_ANCESTORS: "https://a.example x",
    });
    expect(wrong.faults).toHaveLength(3);
    expect({ ...wrong, faults: [] }).toEqual({ ...configurationOf(well), frameAncestors: ["https://a.example"] });
  });
});
