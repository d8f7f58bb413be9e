import { describe, it } from "vitest";
import { DELIVERY_ERRORS, WAIT_REASONS } from "../../src/contracts/delivery";
import { ANSWERS, DISABLED, ERRORS, failureOf, toldOf, WAITS } from "../../src/contracts/reasons";
import { REASONS_FOUND, reasonsPage } from "../../src/docs/reasons-page";

const HTML = { headers: { "Content-Type": "text/html; charset=utf-8" }, body: "<p>no</p>" };
const JSON_ANSWER = { headers: { "content-type": "application/json" }, body: '{"error":"no"}' };

describe("the reason of a failed attempt", () => {
  it.for([
    [401, JSON_ANSWER, "unauthorized"],
    [401, HTML, "unauthorized"],
    [403, JSON_ANSWER, "forbidden"],
    [403, HTML, "firewall"],
    [503, HTML, "firewall"],
    [403, { headers: {}, body: " <!DOCTYPE html><title>Blocked</title>" }, "firewall"],
    [202, null, "status"],
    [404, HTML, "not-found"],
    [405, null, "method-refused"],
    [415, null, "unread"],
    [413, null, "too-large"],
    [429, JSON_ANSWER, "overrun"],
    [500, HTML, "broken"],
    [502, null, "broken"],
    [418, null, "status"],
  ] as const)("of the answer %s is told from it", ([statusCode, response, reason], { expect }) => {
    expect(failureOf({ error: "status", statusCode, response })).toBe(reason);
  });

  it("is a challenge where Cloudflare says so, whatever the status", ({ expect }) => {
    const response = { headers: { "CF-Mitigated": "challenge", "content-type": "text/html" }, body: "" };
    expect(failureOf({ error: "status", statusCode: 400, response })).toBe("firewall");
  });

  it("is the certificate or the name where Cloudflare's stand-in says so, else the error", ({ expect }) => {
    const stoodIn = (statusCode: number, body = "") =>
      failureOf({ error: "connection", statusCode, response: { headers: {}, body } });
    expect([stoodIn(526), stoodIn(525)]).toEqual(["certificate", "certificate"]);
    expect([stoodIn(530, "error code: 1016"), stoodIn(530, "error code: 1033"), stoodIn(521)]).toEqual([
      "name",
      "connection",
      "connection",
    ]);
    for (const error of DELIVERY_ERRORS.filter((one) => one !== "status")) {
      expect(failureOf({ error, statusCode: null, response: null })).toBe(error);
    }
    expect(failureOf({ error: null, statusCode: 200, response: HTML })).toBeNull();
  });
});

describe("every reason", () => {
  it("has a sentence, a remedy, and a place in the guide", ({ expect }) => {
    const page = reasonsPage();
    const names = [...WAIT_REASONS, ...DELIVERY_ERRORS, ...Object.keys(ANSWERS)];
    for (const name of [...names, ...Object.keys(DISABLED).map((reason) => `disabled-${reason}`)]) {
      expect(page.split(`id="${name}"`), name).toHaveLength(2);
      expect(REASONS_FOUND.filter(({ href }) => href === `/docs/reasons#${name}`)).toHaveLength(1);
    }
    const all = [
      ...Object.values(WAITS),
      ...Object.values(ERRORS),
      ...Object.values(ANSWERS),
      ...Object.values(DISABLED),
    ];
    for (const { what, remedy, short } of all) {
      expect(what).toMatch(/^[a-z].*[^.]$/);
      expect(remedy).toMatch(/^[A-Z].*\.$/);
      expect(short.length).toBeLessThan(80);
    }
    expect(toldOf("certificate")).toBe(ANSWERS.certificate);
    expect(toldOf("timeout")).toBe(ERRORS.timeout);
  });
});
