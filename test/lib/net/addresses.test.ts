import fc from "fast-check";
import { describe, it } from "vitest";
import { isPublicAddress } from "../../../src/lib/net/addresses";
import { holds } from "../property";

const PUBLIC = [
  "1.1.1.1",
  "8.8.8.8",
  "9.255.255.255",
  "11.0.0.0",
  "93.184.216.34",
  "100.63.255.255",
  "100.128.0.0",
  "126.255.255.255",
  "128.0.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "192.0.1.0",
  "192.167.255.255",
  "192.169.0.0",
  "198.17.255.255",
  "198.20.0.0",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2606:4700:4700:0:0:0:0:1111",
  "2000::1",
  "2001:200::1",
  "2001:DB9::1",
  "2003::1",
  "3ffe::1",
  "3fff:1000::1",
  "3fff:ffff::1",
  "2400:cb00:2048:1::c629:d7a2",
  "64:ff9b::8.8.8.8",
  "64:ff9b::808:808",
];

/** By registry entry. */
const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  "this network": ["0.0.0.0", "0.0.0.1", "0.255.255.255"],
  private: ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"],
  "shared between carriers": ["100.64.0.0", "100.127.255.255"],
  loopback: ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1"],
  unspecified: ["::", "0:0:0:0:0:0:0:0"],
  "link-local": ["169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "FEBF:FFFF::1"],
  "IETF protocols": ["192.0.0.0", "192.0.0.8", "192.0.0.170", "192.0.0.255", "2001::1", "2001:1ff:ffff::1"],
  documentation: [
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.255",
    "2001:db8::1",
    "2001:0DB8:ffff::1",
    "3fff::1",
    "3fff:fff:ffff::1",
  ],
  benchmarks: ["198.18.0.0", "198.19.255.255", "2001:2::1"],
  "6to4": ["192.88.99.1", "2002::1", "2002:808:808::1", "2002:7f00:1::"],
  Teredo: ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
  ORCHID: ["2001:10::1", "2001:20::1", "2001:30::1"],
  multicast: ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
  reserved: ["240.0.0.1", "255.255.255.254"],
  broadcast: ["255.255.255.255"],
  "mapped and compatible IPv4": ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::FFFF:0808:0808", "::127.0.0.1", "::8.8.8.8"],
  "NAT64 of what is not public": ["64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b::a9fe:a9fe"],
  "NAT64 of one's own": ["64:ff9b:1::808:808", "64:ff9b:1:ffff::1"],
  "discard only and dummy": ["100::1", "100::ffff:ffff:ffff:ffff", "100:0:0:1::1"],
  "segment routing": ["5f00::1"],
  "unique local": ["fc00::1", "fd00::1", "fdff:ffff::1"],
  "site-local": ["fec0::1"],
  "sinks of AS112, and relays of AMT": ["192.31.196.1", "192.175.48.1", "192.52.193.1", "2620:4f:8000::1"],
  "not given out": ["1::1", "4000::1", "8000::1", "e000::1"],
  "no address": [
    "",
    "example.com",
    "1.1.1",
    "1.1.1.1.1",
    "01.1.1.1",
    "0x1.1.1.1",
    "256.1.1.1",
    "1.1.1.1 ",
    "2606:4700",
    "2606:4700::1111::1",
    "2606:4700:4700:0:0:0:0:0:1111",
    "2606:47000::1",
    "[2606:4700::1111]",
    "2606:4700::1111%eth0",
    ":::",
    ":",
    "2606::1.2.3",
    "2606::1.2.3.256",
    "1.1.1.1::2606",
  ],
};

describe("an address", () => {
  it.for(PUBLIC)("is public: %s", (address, { expect }) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.for(Object.entries(SPECIAL))("is not: %s", ([, addresses], { expect }) => {
    for (const address of addresses) expect(isPublicAddress(address), address).toBe(false);
  });

  it("of IPv4 means the same mapped into NAT64, and mapped or tunnelled otherwise never is public", ({ expect }) => {
    holds(
      fc.property(fc.ipV4(), (v4) => {
        const [a = 0, b = 0, c = 0, d = 0] = v4.split(".").map(Number);
        const groups = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        expect(isPublicAddress(`64:ff9b::${v4}`)).toBe(isPublicAddress(v4));
        expect(isPublicAddress(`64:ff9b::${groups}`)).toBe(isPublicAddress(v4));
        for (const wrapped of [`::ffff:${v4}`, `::${v4}`, `2002:${groups}::1`, `64:ff9b:1::${v4}`]) {
          expect(isPublicAddress(wrapped), wrapped).toBe(false);
        }
      }),
      500,
    );
  });

  it("of IPv6 means the same in each of its spellings, as the URL parser reads them", ({ expect }) => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0x2001, 0x2002, 0xdb8));
    holds(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const whole = groups.map((each) => each.toString(16).padStart(4, "0")).join(":");
        const short = new URL(`http://[${whole}]/`).hostname.slice(1, -1);
        expect(isPublicAddress(short)).toBe(isPublicAddress(whole));
        expect(isPublicAddress(whole.toUpperCase())).toBe(isPublicAddress(whole));
      }),
      1_000,
    );
  });

  it("is judged without ever throwing", ({ expect }) => {
    const text = fc.string({ unit: fc.constantFrom(..."0123456789abcdefx:.%[] "), maxLength: 45 });
    holds(
      fc.property(fc.oneof(fc.string(), text, fc.ipV6(), fc.ipV4Extended()), (address) => {
        expect(typeof isPublicAddress(address)).toBe("boolean");
      }),
      1_000,
    );
  });
});
