import fc from "fast-check";
import { describe, inject, it, vi } from "vitest";
import { type DestinationRules, destinationRefusal } from "../../../src/lib/net/destination";
import { judge, lookUp, parseAnswer, verdictOf } from "../../../src/lib/net/dns";
import { DAY, MINUTE } from "../../../src/lib/time";
import { holds } from "../property";
import { asked, named, RESOLVER, setZone } from "../resolver";
import type { Zone } from "../servers/resolver-server";

const NOW = Date.parse("2026-11-21T00:00:00Z");

const V4 = "93.184.216.34";
const V6 = "2606:2800:220:1::1";

const ZONES: [what: string, zone: Zone, verdict: string][] = [
  ["a public address of each kind", { A: [V4], AAAA: [V6] }, "public"],
  ["a public address of IPv4 alone", { A: [V4] }, "public"],
  ["a public address of IPv6 alone", { AAAA: [V6] }, "public"],
  ["an alias of a public name", { aliases: ["a.cdn.example", "b.cdn.example"], A: [V4] }, "public"],
  ["a private address", { A: ["10.0.0.1"] }, "private"],
  ["a private address of IPv6 beside a public one of IPv4", { A: [V4], AAAA: ["fd00::1"] }, "private"],
  ["one private address among public ones", { A: [V4, "1.1.1.1", "192.168.0.1"], AAAA: [V6] }, "private"],
  ["the metadata service of a cloud", { A: ["169.254.169.254"] }, "private"],
  ["loopback", { A: ["127.0.0.1"] }, "private"],
  ["the unspecified address", { A: ["0.0.0.0"] }, "private"],
  ["loopback of IPv6", { AAAA: ["::1"] }, "private"],
  ["loopback, mapped", { AAAA: ["::ffff:127.0.0.1"] }, "private"],
  ["loopback through NAT64", { AAAA: ["64:ff9b::7f00:1"] }, "private"],
  ["an alias that ends at a private address", { aliases: ["intra.example"], A: ["172.16.0.9"] }, "private"],
  ["a private address of one kind, no answer for the other", { A: ["10.0.0.1"], only: "AAAA", raw: "" }, "private"],
  ["an address that is no text", { raw: '{"Status":0,"Answer":[{"type":1,"data":{"toString":5}}]}' }, "private"],
  ["an address that nobody can read", { A: ["localhost"] }, "private"],
  ["no address", {}, "unknown"],
  ["no such name", { status: 3 }, "unknown"],
  ["a failure of the resolver", { status: 2, A: ["10.0.0.1"] }, "unknown"],
  ["a public address of one kind, no answer for the other", { A: [V4], only: "AAAA", raw: "" }, "unknown"],
  ["nothing that is JSON", { raw: "<html>" }, "unknown"],
  ["JSON of another form", { raw: '{"Status":0,"Answer":{"type":1}}' }, "unknown"],
  ["null", { raw: "null" }, "unknown"],
  ["records that are none", { raw: '{"Status":0,"Answer":[null,5,"x",{}]}' }, "unknown"],
  ["an error of HTTP", { httpStatus: 500, A: ["10.0.0.1"] }, "unknown"],
  ["a redirect", { httpStatus: 302, headers: { Location: "/dns-query?name=x" }, A: ["10.0.0.1"] }, "unknown"],
  ["more than anybody reads", { raw: `{"Status":0,"Answer":[],"x":"${"x".repeat(70_000)}"}` }, "unknown"],
];

describe.concurrent("a name", () => {
  it.for(ZONES)("of which the resolver says: %s", async ([, zone, verdict], { expect }) => {
    const name = await named(zone);
    expect(await lookUp(name, RESOLVER, NOW)).toBe(verdict);
    const questions = (await asked(name)).toSorted((a, b) => a.type.localeCompare(b.type));
    expect(questions).toEqual(["A", "AAAA"].map((type) => ({ name, type, accept: "application/dns-json" })));
  });

  it("is unknown when the resolver takes longer than 2 s, cannot be reached, or is no URL", async ({ expect }) => {
    const name = await named({ A: ["10.0.0.1"], delayMs: 20_000 });
    const begun = performance.now();
    expect(await lookUp(name, RESOLVER, NOW)).toBe("unknown");
    expect(performance.now() - begun).toBeLessThan(10_000);
    // Its headers in time, and then nothing: a server that never ends its body.
    for (const resolver of [`http://${inject("raw")}/drips-body/dns`, "http://127.0.0.1:1/dns-query", "no URL", ""]) {
      expect(await lookUp(name, resolver, NOW), resolver).toBe("unknown");
    }
  });

  it("is asked for once a day when it is public, and sooner when it is not", async ({ expect }) => {
    for (const [zone, kept] of [
      [{ A: [V4] }, DAY],
      [{ A: ["10.0.0.1"] }, 5 * MINUTE],
      [{ status: 3 }, MINUTE],
    ] as const) {
      const name = await named(zone as unknown as Zone);
      const verdict = await verdictOf(name, RESOLVER, NOW);
      expect(await verdictOf(name, RESOLVER, NOW + kept - 1)).toBe(verdict);
      expect(await asked(name)).toHaveLength(2);
      expect(await verdictOf(name, RESOLVER, NOW + kept)).toBe(verdict);
      expect(await asked(name)).toHaveLength(4);
    }
  });

  it("is asked for anew when an endpoint is saved, and what is learned counts for the sends", async ({ expect }) => {
    const name = await named({ A: [V4] });
    const rules: DestinationRules = { allowInsecure: false, ownHosts: [], resolver: RESOLVER };
    const url = `https://${name}./in`;
    expect(await destinationRefusal(url, rules, NOW)).toBeNull();
    await setZone(name, { A: ["10.0.0.1"] });
    expect(await destinationRefusal(url, rules, NOW + 1)).toBeNull();
    expect(await destinationRefusal(url, rules, NOW + 2, { fresh: true })).toMatch(/addresses are all public/);
    expect(await destinationRefusal(url, rules, NOW + 3)).toMatch(/addresses are all public/);
  });

  it("is not asked for when the URL is refused anyhow, or look-ups are off", async ({ expect }) => {
    const name = await named({ A: ["10.0.0.1"] });
    const rules: DestinationRules = { allowInsecure: false, ownHosts: [], resolver: RESOLVER };
    for (const url of [`http://${name}/`, `https://${name}:22/`, `https://me@${name}/`]) {
      expect(await destinationRefusal(url, rules, NOW)).toMatch(/^must /);
    }
    expect(await destinationRefusal(`https://${name}/`, { ...rules, resolver: null }, NOW)).toBeNull();
    expect(await asked(name)).toEqual([]);
  });
});

describe("an answer of a resolver", () => {
  it("is read without ever throwing, and has texts or nothing", ({ expect }) => {
    const record = fc.record({ type: fc.constantFrom(1, 5, 28, "1"), data: fc.anything() }, { requiredKeys: [] });
    const shaped = fc.record(
      {
        Status: fc.constantFrom<unknown>(0, 3, "0"),
        Answer: fc.oneof(fc.array(fc.oneof(record, fc.anything())), fc.anything()),
      },
      { requiredKeys: [] },
    );
    holds(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          shaped.map((value) => JSON.stringify(value)),
        ),
        (text) => {
          const addresses = parseAnswer(text);
          expect(addresses === null || addresses.every((address) => typeof address === "string")).toBe(true);
        },
      ),
      1_000,
    );
  });

  it("makes a name private as soon as one address is, in whatever company", ({ expect }) => {
    const any = fc.option(fc.array(fc.oneof(fc.ipV4(), fc.ipV6())), { nil: null });
    holds(
      fc.property(any, fc.array(fc.ipV4()), fc.nat(), (other, addresses, at) => {
        const with10 = addresses.toSpliced(at % (addresses.length + 1), 0, "10.1.2.3");
        expect(judge([with10, other])).toBe("private");
        expect(judge([other, with10])).toBe("private");
        expect(judge([[V4], [V6]])).toBe("public");
        expect(judge([null, null])).toBe("unknown");
      }),
      300,
    );
  });
});

it("what a resolver says is remembered of so many bytes of names, not of so many names", async ({ expect }) => {
  // The timers of one test would be more than one invocation may have.
  vi.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  const fetched = vi.spyOn(globalThis, "fetch");
  fetched.mockImplementation(async () => new Response('{"Status":0,"Answer":[{"type":1,"data":"1.1.1.1"}]}'));
  const ask = (i: number, name: string) => verdictOf(`n${i}.${name}.example`, "https://resolver.example/", NOW);
  const askedAnew = async (i: number, name: string) => {
    fetched.mockClear();
    await ask(i, name);
    return fetched.mock.calls.length > 0;
  };
  const long = Array.from({ length: 3 }, () => "x".repeat(63)).join(".");
  try {
    for (let i = 0; i < 4_000; i++) await ask(i, "short");
    expect([await askedAnew(0, "short"), await askedAnew(3_999, "short")]).toEqual([false, false]);
    for (let i = 0; i < 4_000; i++) await ask(i, long);
    expect([await askedAnew(0, long), await askedAnew(3_999, long)]).toEqual([true, false]);
  } finally {
    vi.restoreAllMocks();
  }
});
