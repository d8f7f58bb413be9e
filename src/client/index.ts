/**
 * A typed client of the API: what its methods take and answer is inferred from the routes themselves.
 *
 * @example
 * const posthorn = createClient({ url: "https://webhooks.example.com", key: process.env.POSTHORN_KEY });
 * await posthorn.events.post("acme", { event: "company.identified", data: { company: { domain: "acme.com" } } });
 * @module
 */
import { OPERATIONS, type Operations } from "./operations";
import type { Routes } from "./routes";

/** An error answer of the API (RFC 9457). */
export interface Problem {
  /** Where its cause is explained, relative to the service. */
  type: string;
  /** The stable name of its cause, such as `uid-taken`; absent: something else answered in the service's stead. */
  code?: string;
  title: string;
  status: number;
  detail: string;
  /** As in the answer's `X-Request-Id`. */
  requestId?: string;
  errors?: { path: string; message: string }[];
}

/** Thrown for every answer that is no 2xx. */
export class PosthornError extends Error {
  override readonly name = "PosthornError";
  readonly problem: Problem;
  readonly headers: Headers;

  /** `asked` is what was asked for: `GET /v1/tenants/acme`. */
  constructor(asked: string, problem: Problem, headers: Headers) {
    const fields = (problem.errors ?? []).map(({ path, message }) => ` ${path}: ${message}`);
    super(`${asked} was answered ${problem.status} ${problem.title}: ${problem.detail}${fields.join(";")}`);
    this.problem = problem;
    this.headers = headers;
  }
}

/** Where the service is and who calls. `fetch`: another one than the platform's. */
export interface ClientOptions {
  url: string;
  key?: string | undefined;
  fetch?: (request: Request) => Promise<Response>;
  /** Reads the JSON of answers; absent: `JSON.parse`, which rounds numbers that no double is. */
  parse?: (text: string) => unknown;
}

/** All operations by resource: path parameters first, then the body where there is one, then options. */
export type Client = {
  [Resource in keyof Operations]: {
    [Name in keyof Operations[Resource]]: Method<Operations[Resource][Name]>;
  };
};

/** The route that `GET /v1/tenants/:tenant` names. */
type Route<Text> = Text extends `${infer Verb} ${infer Path extends keyof Routes & string}`
  ? `$${Lowercase<Verb>}` extends infer Key extends keyof Routes[Path]
    ? Routes[Path][Key]
    : never
  : never;
type Input<Text> = Route<Text> extends { input: infer Found } ? Found : never;
type Part<Text, Name extends string> = Input<Text> extends { [N in Name]?: infer Found } ? Found : never;
type Answer<Text> = AnswerOf<Route<Text>>;
type AnswerOf<Found> = Found extends { status: 204 }
  ? undefined
  : Found extends { status: 200 | 201 | 202; output: infer Output }
    ? Output
    : never;

type Parameters<Path> = Path extends `${string}:${string}/${infer Rest}`
  ? [id: string, ...Parameters<Rest>]
  : Path extends `${string}:${string}`
    ? [id: string]
    : [];
type Loose<Query> = { [Name in keyof Query]: Query[Name] | number | boolean };

/** What a call may say besides. */
export interface CallOptions<Query = object> {
  query?: Loose<Query>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** In what writes, options come after the body, also where there is none. */
type Body<Text> = "json" extends keyof Input<Text>
  ? [body: Part<Text, "json">]
  : Text extends `${"GET" | "DELETE"} ${string}`
    ? []
    : [body?: undefined];
type Method<Text> = (
  ...args: [...Parameters<Text>, ...Body<Text>, options?: CallOptions<Part<Text, "query">>]
) => Promise<Answer<Text>>;

/** A client for one service and one key. */
export function createClient(options: ClientOptions): Client {
  const resources = Object.entries(OPERATIONS).map(([resource, operations]) => [
    resource,
    Object.fromEntries(
      Object.entries(operations).map(([name, route]) => [name, (...args: unknown[]) => send(options, route, args)]),
    ),
  ]);
  return Object.fromEntries(resources);
}

async function send(
  { url, key, fetch: send = fetch, parse = JSON.parse }: ClientOptions,
  route: string,
  args: unknown[],
) {
  const [method = "", pattern = ""] = route.split(" ");
  const rest = [...args];
  const path = pattern.replace(/:\w+/g, () => encodeURIComponent(String(rest.shift())));
  const body = ["POST", "PUT", "PATCH"].includes(method) ? rest.shift() : undefined;
  const { query = {}, headers, signal } = (rest.shift() ?? {}) as CallOptions<Record<string, unknown>>;
  const target = new URL(path, url);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) target.searchParams.set(name, String(value));
  }
  const response = await send(
    new Request(target, {
      method,
      headers: {
        ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    }),
  );
  const text = await response.text();
  if (!response.ok)
    throw new PosthornError(`${method} ${target.pathname}`, problemOf(response, text), response.headers);
  return text === "" ? undefined : parse(text);
}

/** The problem that an answer carries, or one for what answered in the API's stead. */
function problemOf({ status, statusText, headers }: Response, text: string): Problem {
  if (headers.get("Content-Type")?.includes("problem+json")) return JSON.parse(text) as Problem;
  return { type: "about:blank", title: statusText || "Error", status, detail: text.slice(0, 200) };
}
