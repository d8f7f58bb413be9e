import { and, asc, eq, inArray, lte } from "drizzle-orm";
import { DAY, MINUTE } from "../lib/time";
import { database } from "./database";
import { keptAnswers } from "./tables/service";

/** How long an answer is kept, in ms: the contract's 24 hours. */
const KEPT = DAY;
/** How long a request has for its answer, in ms, before a repeat may take its place: the longest, a test send, takes 35 s. */
const CLAIMED = MINUTE;
/** The most expired rows that go with a new one: more than come with it, so that no backlog lasts. */
const FORGET_AT_ONCE = 10;

/** A request under a key; `id` and `fingerprint` are hashes, `claim` is its own. */
export interface KeyedRequest {
  id: string;
  fingerprint: string;
  claim: string;
}

/** What is known of a key: this request has claimed it, or another did, and its answer if there is one yet. */
export type Claimed =
  | { kind: "claimed" }
  | { kind: "under way"; fingerprint: string; secondsLeft: number }
  | { kind: "answered"; fingerprint: string; answer: string };

/** Claims a key for a request, unless another one has: of any number at once, one does. `now` in ms. */
export async function claimKey(d1: D1Database, request: KeyedRequest, now: number): Promise<Claimed> {
  const db = database(d1);
  const claimed = { ...request, answer: null, expiresAt: now + CLAIMED };
  const expired = db
    .select({ id: keptAnswers.id })
    .from(keptAnswers)
    .where(lte(keptAnswers.expiresAt, now))
    .orderBy(asc(keptAnswers.expiresAt))
    .limit(FORGET_AT_ONCE);
  const [, , [row]] = await db.batch([
    db.delete(keptAnswers).where(inArray(keptAnswers.id, expired)),
    db
      .insert(keptAnswers)
      .values(claimed)
      .onConflictDoUpdate({ target: keptAnswers.id, set: claimed, setWhere: lte(keptAnswers.expiresAt, now) }),
    db.select().from(keptAnswers).where(eq(keptAnswers.id, request.id)),
  ]);
  if (row === undefined || row.claim === request.claim) return { kind: "claimed" };
  const { fingerprint, answer, expiresAt } = row;
  if (answer !== null) return { kind: "answered", fingerprint, answer };
  return { kind: "under way", fingerprint, secondsLeft: Math.max(Math.ceil((expiresAt - now) / 1_000), 1) };
}

/** Keeps the sealed answer of the request that holds the key; whoever has lost it keeps nothing. */
export async function keepAnswer(
  d1: D1Database,
  { id, claim }: KeyedRequest,
  answer: string,
  now: number,
): Promise<void> {
  await database(d1)
    .update(keptAnswers)
    .set({ answer, expiresAt: now + KEPT })
    .where(and(eq(keptAnswers.id, id), eq(keptAnswers.claim, claim)))
    .run();
}

/** Gives a key back that the request still holds: nothing was done under it. */
export async function releaseKey(d1: D1Database, { id, claim }: KeyedRequest): Promise<void> {
  await database(d1)
    .delete(keptAnswers)
    .where(and(eq(keptAnswers.id, id), eq(keptAnswers.claim, claim)))
    .run();
}
