import { hashesOf } from "../../lib/hash";

/** Bits for each key, and how many of them are set: of keys that are not there one in 2,000 is taken for one that is. */
const BITS_PER_KEY = 16;
const PROBES = 11;
/** The fewest bits of a filter: a small one would be wrong more often. */
const LEAST_BITS = 1_024;

/**
 * A Bloom filter of keys (https://en.wikipedia.org/wiki/Bloom_filter), two bytes each: it tells of a key for
 * certain that it is not among them. Pure. Filters are kept and sent between objects, which may run the code of another
 * version: neither the hash nor the numbers may change without a new name for what holds them.
 */
export function keyFilter(keys: readonly string[]): Uint8Array<ArrayBuffer> {
  if (keys.length === 0) return new Uint8Array(0);
  const filter = new Uint8Array(Math.ceil(Math.max(keys.length * BITS_PER_KEY, LEAST_BITS) / 8));
  for (const key of keys) for (const bit of bitsOf(key, filter)) filter[bit >> 3]! |= 1 << (bit & 7);
  return filter;
}

/** Whether a key may be among those of a filter; `false`: it is not. Pure. */
export function mayHold(filter: Uint8Array, key: string): boolean {
  if (filter.length === 0) return false;
  for (const bit of bitsOf(key, filter)) if ((filter[bit >> 3]! & (1 << (bit & 7))) === 0) return false;
  return true;
}

/** The bits of a key: two hashes make as many as are needed (Kirsch and Mitzenmacher, 2006). */
function* bitsOf(key: string, filter: Uint8Array): Generator<number> {
  const [first, other] = hashesOf(key);
  const step = (other | 1) >>> 0;
  const bits = filter.length * 8;
  // By the upper part of each: the rest of a division would make the same few bits of many keys.
  for (let probe = 0; probe < PROBES; probe++) yield Math.floor((((first + probe * step) >>> 0) / 2 ** 32) * bits);
}
