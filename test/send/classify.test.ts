import fc from "fast-check";
import { describe, it } from "vitest";
import { parseHttpDate } from "../../src/lib/net/http-date";
import { SECOND } from "../../src/lib/time";
import { classify, isStandIn, retryAfterOf } from "../../src/send/classify";
import { holds } from "../lib/property";

const NOW = Date.parse("2026-11-21T00:00:00Z");

describe("Retry-After", () => {
  it.for<[header: string, seconds: number | null]>([
    ["120", 120],
    [" 120 ", 120],
    ["0", 0],
    ["00120", 120],
    ["99999999999999999999", 1e20],
    ["Sat, 21 Nov 2026 00:02:00 GMT", 120],
    ["Saturday, 21-Nov-26 00:02:00 GMT", 120],
    ["Sat Nov 21 00:02:00 2026", 120],
    ["Sun, 22 Nov 2026 00:00:00 GMT", 86_400],
    ["Tue Dec  1 00:00:00 2026", 864_000],
    ["Sat, 21 Nov 2026 23:59:60 GMT", 86_400],
  ])("asks for a time: %j", ([header, seconds], { expect }) => {
    expect(retryAfterOf(429, header, NOW)).toBe(seconds);
    expect(retryAfterOf(503, header, NOW)).toBe(seconds);
  });

  it.for([
    "",
    " ",
    "-5",
    "+5",
    "1.5",
    "1e3",
    "0x10",
    "５",
    "120, 60",
    "soon",
    "5 minutes",
    "garbage 2027",
    "2027-01-01",
    "2027-01-01T00:00:00Z",
    "Fri, 20 Nov 2026 23:59:59 GMT",
    "Sat, 21 Nov 2026 00:00:00 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Sat, 21 Nov 2027 00:02:00",
    "Sat, 21 Nov 2027 00:02:00 CET",
    "Sat, 21 Nov 2027 00:02:00 +0100",
    "Sat, 31 Feb 2027 00:00:00 GMT",
    "Sat, 21 Nov 2027 24:00:00 GMT",
    "Sat, 21 Nov 2027 00:60:00 GMT",
    "Sat, 1 Nov 2027 00:00:00 GMT",
    "21 Nov 2027 00:00:00 GMT",
    "xSat, 21 Nov 2027 00:02:00 GMT",
    "Sat, 21 Nov 2027 00:02:00 GMTx",
    "sat, 21 nov 2027 00:02:00 gmt",
  ])("asks for nothing: %j", (header, { expect }) => {
    expect(retryAfterOf(429, header, NOW)).toBeNull();
  });

  it("counts on 429 and 503 only, and not when it is absent", ({ expect }) => {
    for (const status of [200, 301, 410, 425, 500, 502, 504]) expect(retryAfterOf(status, "120", NOW)).toBeNull();
    expect(retryAfterOf(503, null, NOW)).toBeNull();
  });

  it("in any of the three forms of a date is the date", ({ expect }) => {
    const seconds = fc.integer({ min: NOW / SECOND - 30 * 31_536_000, max: NOW / SECOND + 30 * 31_536_000 });
    holds(
      fc.property(seconds, (second) => {
        const date = new Date(second * SECOND);
        const imf = date.toUTCString();
        const [, name = "", day = "", month = "", year = "", time = ""] =
          /^(\w+), (\d+) (\w+) (\d+) ([\d:]+) GMT$/.exec(imf) ?? [];
        const long = date.toLocaleDateString("en-US", { weekday: "long", timeZone: "UTC" });
        const forms = [
          imf,
          `${long}, ${day}-${month}-${year.slice(2)} ${time} GMT`,
          `${name} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`,
        ];
        expect(forms.map((form) => parseHttpDate(form, NOW))).toEqual([date.getTime(), date.getTime(), date.getTime()]);
      }),
      500,
    );
  });

  it("is read without ever throwing, and never asks for less than nothing", ({ expect }) => {
    const near = fc
      .tuple(
        fc.constantFrom("Sat, 21 Nov 2026 00:02:00 GMT", "120", "Sat Nov 21 00:02:00 2026"),
        fc.nat(30),
        fc.string(),
      )
      .map(([text, at, inserted]) => text.slice(0, at) + inserted + text.slice(at));
    holds(
      fc.property(fc.constantFrom(429, 503), fc.oneof(fc.string(), near), (status, header) => {
        const seconds = retryAfterOf(status, header, NOW);
        expect(seconds === null || seconds >= 0).toBe(true);
      }),
      1_000,
    );
  });
});

describe("an answer that Cloudflare made because there was none", () => {
  const page = "error code: 1016";
  const cases: [what: string, status: number, headers: Record<string, string>, body: string, standIn: boolean][] = [
    ["a name that does not resolve", 530, { server: "cloudflare", "cf-ray": "8f-FRA" }, page, true],
    ["its line alone", 530, {}, page, true],
    ["its line with a line break", 522, {}, "error code: 522\n", true],
    ["its header alone, with a page of HTML", 521, { server: "cloudflare" }, "<!DOCTYPE html>", true],
    ["its ray alone", 526, { "cf-ray": "8f-FRA" }, "", true],
    ["every status of its own: 520", 520, { server: "cloudflare" }, "", true],
    ["523", 523, { server: "Cloudflare" }, "", true],
    ["524", 524, { server: "cloudflare" }, "", true],
    ["525", 525, { server: "cloudflare" }, "", true],
    ["527", 527, { server: "cloudflare" }, "", true],
    ["a receiver's own 521", 521, { server: "nginx" }, "no", false],
    ["a receiver's own 530, that says so", 530, {}, "the error code: 1016 was seen", false],
    ["a 500 behind Cloudflare", 500, { server: "cloudflare", "cf-ray": "8f-FRA" }, "no", false],
    ["a 502 of Cloudflare's, which receivers send as well", 502, { server: "cloudflare" }, "error code: 502", false],
    ["a 528 of nobody's", 528, { server: "cloudflare" }, "", false],
    ["a success behind Cloudflare", 200, { server: "cloudflare", "cf-ray": "8f-FRA" }, page, false],
    ["a 410 behind Cloudflare", 410, { server: "cloudflare" }, page, false],
  ];

  it.for(cases)("%s", ([, status, headers, body, standIn], { expect }) => {
    expect(isStandIn(status, new Headers(headers), body)).toBe(standIn);
    const stoodIn = isStandIn(status, new Headers(headers), body);
    expect(classify({ status, stoodIn }) === "connection").toBe(standIn);
  });
});
