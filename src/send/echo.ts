/** Where a delivery goes no further than this Worker: a name that is reserved never to exist (RFC 6761, section 6.4). */
export const ECHO_URL = "https://echo.invalid/";

/** What the echo answers, as JSON: the request as a receiver would have it. */
export interface Echo {
  method: string;
  headers: Record<string, string>;
  body: string;
}

/**
 * Sends a request like `fetch`, but for one to {@link ECHO_URL}, which is answered here with what it says: so that
 * `npm run smoke` can see a delivery signed on a deployment that has no receiver yet. Nothing is fetched for it, and it
 * tells whoever reads the delivery's log no more than they sent.
 */
export function reach(url: string, init: RequestInit): Promise<Response> {
  return url.startsWith(ECHO_URL) ? echo(init) : fetch(url, init);
}

async function echo({ method = "GET", headers = {}, body }: RequestInit): Promise<Response> {
  const text = await new Response(body).text();
  return Response.json({ method, headers: headers as Record<string, string>, body: text } satisfies Echo);
}
