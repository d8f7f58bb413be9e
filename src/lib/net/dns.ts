/**
 * What a name resolves to, asked over HTTPS in the JSON form that public resolvers share
 * (https://developers.cloudflare.com/1.1.1.1/encryption/dns-over-https/make-api-requests/dns-json/).
 */

import { Cache } from "../cache";
import { DAY, MINUTE, SECOND } from "../time";
import { isPublicAddress } from "./addresses";
import { readPrefix } from "./prefix";

/** What is known of a name. `private`: one of its addresses is not public; `unknown`: there was no full answer. */
export type Verdict = "public" | "private" | "unknown";

/** How long a look-up may take, in ms, and how much of an answer is read, in bytes. */
const PATIENCE = 2 * SECOND;
const ANSWER_BYTES = 65_536;
/** How long each verdict is remembered by an isolate, in ms; the short ones let what was repaired through soon. */
const KEPT: Readonly<Record<Verdict, number>> = { public: DAY, private: 5 * MINUTE, unknown: MINUTE };
/** What an isolate remembers of names, in bytes: so many each, besides the name. */
const MAX_BYTES = 2_000_000;
const ENTRY_BYTES = 200;

const A = 1;
const AAAA = 28;

// Values and never promises: a promise of a request that was cut off would never settle for the others.
const entries = new Cache<{ until: number; verdict: Verdict }>(MAX_BYTES);

/** What is known of a name, as of at most a day ago. `resolver`: the URL to ask; `now` in ms. Never throws. */
export async function verdictOf(name: string, resolver: string, now: number): Promise<Verdict> {
  const known = entries.get(keyOf(name, resolver));
  return known !== undefined && now < known.until ? known.verdict : lookUp(name, resolver, now);
}

/** Like {@link verdictOf}, asked anew. */
export async function lookUp(name: string, resolver: string, now: number): Promise<Verdict> {
  const signal = AbortSignal.timeout(PATIENCE);
  const answers = await Promise.all([A, AAAA].map((type) => ask(name, type, resolver, signal)));
  const verdict = judge(answers);
  entries.set(keyOf(name, resolver), { until: now + KEPT[verdict], verdict }, ENTRY_BYTES);
  return verdict;
}

function keyOf(name: string, resolver: string): string {
  return `${name} ${resolver}`;
}

/** What the answers for both kinds of address, `null` for none, say together. Pure. */
export function judge(answers: readonly (readonly string[] | null)[]): Verdict {
  if (answers.some((addresses) => addresses?.some((address) => !isPublicAddress(address)))) return "private";
  // No address at all is no verdict: the name may get one at any time.
  return answers.includes(null) || answers.every((addresses) => addresses?.length === 0) ? "unknown" : "public";
}

/**
 * The addresses in an answer, those that its aliases (CNAME) lead to included, since the resolver follows them; `null`:
 * it says nothing, be it that the resolver has failed, there is no such name, or it is no answer at all. Pure.
 */
export function parseAnswer(text: string): string[] | null {
  const answer = parse(text);
  if (!isObject(answer) || answer.Status !== 0) return null;
  const records: unknown = answer.Answer ?? [];
  if (!Array.isArray(records)) return null;
  const addresses = records.filter((record) => record?.type === A || record?.type === AAAA);
  // What is no text is no address, and counts as one that is not public.
  return addresses.map(({ data }) => (typeof data === "string" ? data : ""));
}

async function ask(name: string, type: number, resolver: string, signal: AbortSignal): Promise<string[] | null> {
  try {
    const url = new URL(resolver);
    url.searchParams.set("name", name);
    url.searchParams.set("type", type === A ? "A" : "AAAA");
    const headers = { Accept: "application/dns-json" };
    const response = await fetch(url, { headers, redirect: "manual", signal });
    if (response.body === null) return null;
    const { bytes, truncated } = await readPrefix(response.body, ANSWER_BYTES, signal);
    return response.status === 200 && !truncated ? parseAnswer(new TextDecoder().decode(bytes)) : null;
  } catch {
    return null;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is { Status?: unknown; Answer?: unknown } {
  return typeof value === "object" && value !== null;
}
