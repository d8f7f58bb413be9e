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
export function reach(request: Request, headers: Record<string, string>): Promise<Response> {
  return request.url.startsWith(ECHO_URL) ? echo(request, headers) : fetch(request);
}

/** `headers`: as they were spelled. */
async function echo(request: Request, headers: Record<string, string>): Promise<Response> {
  return Response.json({ method: request.method, headers, body: await request.text() } satisfies Echo);
}
