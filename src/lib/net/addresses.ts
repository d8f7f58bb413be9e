/**
 * Which IP addresses are of the public Internet. Pure. The ranges are those of IANA's special-purpose address
 * registries that are not globally reachable (RFC 6890; read November 2026), multicast, and what wraps another address.
 */

/** Not public of IPv4: `address/bits`. */
const IPV4_SPECIAL = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8", // private
  "100.64.0.0/10", // shared between a carrier and its customers
  "127.0.0.0/8", // loopback
  "169.254.0.0/16", // link-local, with the metadata services of clouds
  "172.16.0.0/12", // private
  "192.0.0.0/24", // IETF protocol assignments
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // relays of 6to4, withdrawn
  "192.168.0.0/16", // private
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, with the broadcast address
].map((range) => {
  const [address = "", bits] = range.split("/");
  return { base: numberOf(address) as number, size: 2 ** (32 - Number(bits)) };
});

/** Not public within 2000::/3, the only part of IPv6 that is given out; whatever is outside of it is not public. */
const IPV6_SPECIAL = [
  "2001::/23", // IETF protocol assignments, with Teredo, benchmarks and ORCHID
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "3fff::/20", // documentation
].map((range) => {
  const [address = "", bits] = range.split("/");
  return { base: bigOf(groupsOf(address) as number[]), shift: BigInt(128 - Number(bits)) };
});
const IPV6_GLOBAL = { base: bigOf(groupsOf("2000::") as number[]), shift: 125n };
/** 64:ff9b::/96, through which networks without IPv4 reach it: as public as the address inside. */
const NAT64 = { base: bigOf(groupsOf("64:ff9b::") as number[]), shift: 32n };

/** Whether an address, v4 or v6 in any of its spellings, is public. What is no address is not. */
export function isPublicAddress(text: string): boolean {
  const v4 = numberOf(text);
  if (v4 !== null) return isPublicV4(v4);
  const groups = groupsOf(text);
  if (groups === null) return false;
  const v6 = bigOf(groups);
  if (isIn(v6, NAT64)) return isPublicV4(Number(v6 & 0xffff_ffffn));
  return isIn(v6, IPV6_GLOBAL) && !IPV6_SPECIAL.some((range) => isIn(v6, range));
}

function isPublicV4(address: number): boolean {
  return !IPV4_SPECIAL.some(({ base, size }) => address >= base && address < base + size);
}

function isIn(address: bigint, { base, shift }: { base: bigint; shift: bigint }): boolean {
  return address >> shift === base >> shift;
}

/** A dotted IPv4 address as a number; `null`: it is none. */
function numberOf(text: string): number | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return null;
  return parts.reduce((number, part) => number * 256 + Number(part), 0);
}

/** The eight groups of an IPv6 address (RFC 4291, 2.2), with an IPv4 address for its last two; `null`: it is none. */
function groupsOf(text: string): number[] | null {
  const [, head = "", v4] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (v4 !== undefined) {
    const inner = numberOf(v4);
    if (inner === null) return null;
    return groupsOf(`${head}${Math.floor(inner / 65_536).toString(16)}:${(inner % 65_536).toString(16)}`);
  }
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [before = [], after = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = before.length + after.length;
  if (halves.length === 2 ? given > 7 : given !== 8) return null;
  const groups = [...before, ...Array<string>(8 - given).fill("0"), ...after];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : null;
}

function bigOf(groups: readonly number[]): bigint {
  return groups.reduce((number, group) => (number << 16n) | BigInt(group), 0n);
}
