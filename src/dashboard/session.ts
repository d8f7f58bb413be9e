/**
 * Sessions: who is signed in, as the browser keeps it in a signed cookie. It says who somebody was when they signed in;
 * whether they still may is asked anew for each page: identity.ts.
 * @module
 */
import * as z from "zod";
import { base64Url, derivedBytes, hmacKey, hmacSha256, sameText, utf8 } from "../lib/crypto";

/** Who signed in. */
export type Holder =
  /** `print`: tells which operator key it was, and nothing of the key. */
  | { kind: "operator"; print: string }
  | { kind: "key"; tenant: string; key: string }
  | { kind: "portal"; tenant: string; key: string };

export interface Session {
  /** Random; its forms are bound to it. */
  id: string;
  holder: Holder;
  /** ms. */
  expiresAt: number;
}

const sessionShape = z.object({
  id: z.string(),
  holder: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("operator"), print: z.string() }),
    z.object({ kind: z.literal("key"), tenant: z.string(), key: z.string() }),
    z.object({ kind: z.literal("portal"), tenant: z.string(), key: z.string() }),
  ]),
  expiresAt: z.number(),
});

/** What is signed is never two things at once: each purpose has its own key. */
type Purpose = "posthorn session" | "posthorn form" | "posthorn operator print";

function keyFor(secretsKey: string, purpose: Purpose): Promise<Uint8Array<ArrayBuffer>> {
  return derivedBytes(secretsKey, purpose, 256);
}

async function mac(secretsKey: string, purpose: Purpose, text: string): Promise<string> {
  const key = await hmacKey(await keyFor(secretsKey, purpose));
  return base64Url(new Uint8Array(await hmacSha256(key, utf8(text))));
}

/** What the cookie of a session is signed with. */
export function sessionKey(secretsKey: string): Promise<Uint8Array<ArrayBuffer>> {
  return keyFor(secretsKey, "posthorn session");
}

/** The session in a cookie that we signed; `null` once it has ended, or where another version wrote it. `now` in ms. */
export function readSession(text: string, now: number): Session | null {
  const { data: session } = sessionShape.safeParse(JSON.parse(text));
  return session !== undefined && session.expiresAt > now ? session : null;
}

/** What a form of this session, or of this visit before there is one, carries to show that it is ours. */
export function formToken(secretsKey: string, id: string): Promise<string> {
  return mac(secretsKey, "posthorn form", id);
}

/** Whether a form carries the token of this id, in constant time. */
export async function isFormToken(secretsKey: string, id: string, token: string): Promise<boolean> {
  return sameText(token, await formToken(secretsKey, id));
}

/** Tells one operator key from another, and nothing of either. */
export function printOf(secretsKey: string, operatorKey: string): Promise<string> {
  return mac(secretsKey, "posthorn operator print", operatorKey);
}
