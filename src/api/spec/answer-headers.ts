/**
 * What answers carry besides their bodies, for the document: each header is said once, under `components`.
 * @module
 */

/** As much of an operation's answers as headers depend on. */
interface Answer {
  headers?: object;
  content?: Record<string, { schema?: { properties?: Record<string, unknown> } }>;
}

/** What of an operation decides which headers its answers carry. */
export interface Carrying {
  /** It belongs to the API proper, below `/v1`. */
  ofApi: boolean;
  /** What it answers with a 200 or 201 can be read, and so has an `ETag`. */
  isTagged: boolean;
}

/** The headers by their names. */
export const ANSWER_HEADERS = {
  "X-Request-Id": header("As the caller gave it in `X-Request-Id`, or a new one; the service's log says it too."),
  "Cache-Control": header("`no-store`: the answer is for whoever asked, since it may have secrets in it."),
  "X-Content-Type-Options": header("`nosniff`: the answer is what its `Content-Type` says."),
  Location: header("Where what was made stands."),
  Link: header('The next page, as `rel="next"`; absent on the last one.'),
  ETag: header("Stands for what it is now; for `If-Match` of a change, and `If-None-Match` of another look."),
  "Idempotency-Replayed": header("`true`: the answer was made to an earlier request with this key."),
  "WWW-Authenticate": header("How to say who calls."),
  Allow: header("The methods that this path takes."),
  Accept: header("The type that a body must have."),
  "Accept-Encoding": header("`identity`: a body must not be compressed."),
  "Retry-After": header("How many seconds to wait before another try.", "integer"),
  RateLimit: header('Which limit is spent, and for how many seconds: `"events";r=0;t=10`.'),
} as const;

type Name = keyof typeof ANSWER_HEADERS;

function header(description: string, type = "string") {
  return { description, schema: { type } };
}

/** The headers of the refusals of some statuses, besides those of every answer. */
const REFUSALS: Readonly<Record<string, readonly Name[]>> = {
  401: ["WWW-Authenticate"],
  405: ["Allow"],
  409: ["Retry-After"],
  412: ["ETag"],
  415: ["Accept", "Accept-Encoding"],
  429: ["RateLimit", "Retry-After"],
  503: ["Retry-After"],
};

/** Says which headers an operation's answers carry. */
export function addHeaders(responses: object, carrying: Carrying): void {
  for (const [status, answer] of Object.entries(responses) as [string, Answer][]) {
    const names = namesFor(status, answer, carrying);
    const headers = names.map((name) => [name, { $ref: `#/components/headers/${name}` }]);
    answer.headers = { ...Object.fromEntries(headers), ...answer.headers };
  }
}

function namesFor(status: string, { content }: Answer, { ofApi, isTagged }: Carrying): Name[] {
  const isRefusal = Number(status) >= 400;
  const isPage = content?.["application/json"]?.schema?.properties?.nextCursor !== undefined;
  return [
    "X-Request-Id",
    ...(ofApi || isRefusal ? (["Cache-Control", "X-Content-Type-Options"] as const) : []),
    ...(status === "201" ? (["Location"] as const) : []),
    ...(status === "200" && isPage ? (["Link"] as const) : []),
    ...(isTagged && ["200", "201", "304"].includes(status) ? (["ETag"] as const) : []),
    ...(REFUSALS[status] ?? []),
  ];
}
