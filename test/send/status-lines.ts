import type { DeliveryError } from "../../src/contracts/delivery";

/** Status lines, and what an attempt that is answered so comes to; in `misbehaviours.ts` each has all endings. */
export const OUTCOMES: [status: number, error: DeliveryError | null][] = [
  [200, null],
  [202, null],
  [302, "redirect"],
  [404, "status"],
  [410, "gone"],
  [429, "status"],
  [500, "status"],
  [503, "status"],
  // A receiver's own, and one that Cloudflare's headers are on.
  [522, "status"],
  [530, "connection"],
];

/** The endings of `misbehaviours.ts`, and what is kept of such a body. */
export const ENDINGS: [ending: string, body: RegExp][] = [
  ["cut", /^begun$/],
  ["endless", /^begun$/],
  ["no-last-chunk", /^begun$/],
  ["empty-gzip", /^$/],
  ["empty-br", /^$/],
  ["empty-gzip-chunks", /^$/],
  ["corrupt-gzip", /^$/],
  ["corrupt-br", /^.*$/],
  ["exactly-kept", /^x{16384}$/],
  ["exactly-kept-chunk", /^x{16384}$/],
  ["exactly-kept-of-more", /^x{16384}$/],
];
