/**
 * Which IP addresses are of the public Internet. Pure. Spellings and ranges are those that ipaddr.js knows: IANA's
 * special-purpose address registries (RFC 6890), multicast, and what wraps another address.
 */
import { IPv4, IPv6 } from "ipaddr.js";

/** The only part of IPv6 that is given out; whatever is outside of it is not public. */
const IPV6_GLOBAL = IPv6.parseCIDR("2000::/3");
/** Through it networks without IPv4 reach it: as public as the address inside. */
const NAT64 = IPv6.parseCIDR("64:ff9b::/96");

/** Whether an address, v4 or v6 in any of its spellings, is public. What is no address is not. */
export function isPublicAddress(text: string): boolean {
  // The other spellings of IPv4 (octal, hex, short) are none of a DNS answer, nor are zones ("%eth0") of IPv6.
  if (IPv4.isValidFourPartDecimal(text)) return isPublicV4(IPv4.parse(text));
  if (text.includes("%") || !IPv6.isValid(text)) return false;
  const v6 = IPv6.parse(text);
  if (v6.match(NAT64)) return isPublicV4(new IPv4(v6.toByteArray().slice(12)));
  return v6.match(IPV6_GLOBAL) && v6.range() === "unicast";
}

function isPublicV4(v4: IPv4): boolean {
  return v4.range() === "unicast";
}
