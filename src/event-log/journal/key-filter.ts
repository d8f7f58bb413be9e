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
  const [first, step] = hashesOf(key);
  const bits = filter.length * 8;
  // By the upper part of each: the rest of a division would make the same few bits of many keys.
  for (let probe = 0; probe < PROBES; probe++) yield Math.floor((((first + probe * step) >>> 0) / 2 ** 32) * bits);
}

/** Two hashes of 32 bits: cyrb53's halves (https://github.com/bryc/code, public domain). Fast; no secret hangs on it. */
function hashesOf(key: string): [number, number] {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    a = Math.imul(a ^ code, 2_654_435_761);
    b = Math.imul(b ^ code, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return [a >>> 0, (b | 1) >>> 0];
}
