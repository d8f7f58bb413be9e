/**
 * The OpenAPI document of the routes: what their zod schemas say, and what holds for all of them.
 * @module
 */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { type AppEnv, router } from "./context";
import { isNamed, tagOf } from "./etags";
import { exampleOf, type Schema } from "./examples";
import { ANYBODY, createRoute } from "./route";
import { problemResponse } from "./schemas";
import { webhooks } from "./webhooks";

/** The groups that the reference shows, in the order of a reader who is new. */
const TAGS = {
  Events: "What happened, as your back end posts it.",
  Endpoints: "Where a tenant's events go.",
  Secrets: "What deliveries are signed with, and its rotation.",
  Deliveries: "What became of an event at an endpoint, and sending it again.",
  "Event types": "The catalog of what can be subscribed to.",
  Segments: "Named filters.",
  Automations: "What is delivered beyond the subscriptions.",
  Signals: "Rules that turn observations into events, and the lists they look things up in.",
  Tenants: "Your customers.",
  Keys: "Who may call, and what they changed.",
  Portal: "The dashboard, opened for one of your customers.",
  Webhooks: "What receivers get.",
  Service: "The service itself.",
} as const;

const ABOUT = `Outgoing webhooks on your own Cloudflare account. Send your key as \`Authorization: Bearer KEY\`.

Every error is \`application/problem+json\` (RFC 9457); \`/docs/problems\` lists their causes. Every POST takes an
\`Idempotency-Key\`. Unknown fields are refused, and nothing is written when anything is; what is read can be sent back, its read-only fields
as they are.
Times are ISO 8601 in UTC; durations without a unit in their name are seconds. Lists answer \`{data, nextCursor}\`, newest
first; a filtered page may be short or empty and still have a \`nextCursor\`.`;

const get = createRoute({
  method: "get",
  path: "/openapi.json",
  operationId: "getOpenApiDocument",
  summary: "This document",
  description: "Generated from the schemas that requests are checked with. Any page may read it.",
  tags: ["Service"],
  roles: ANYBODY,
  security: [],
  responses: {
    200: {
      description: "an OpenAPI 3.1 document",
      content: { "application/json": { schema: z.record(z.string(), z.unknown()) } },
    },
    304: { description: "it is what you have: its `ETag` is the one in `If-None-Match`" },
  },
});

type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;
type MediaType = { schema?: Schema; example?: unknown };
type Siblings = NonNullable<OpenApiDocument["paths"]>[string];
const VERBS = ["get", "put", "post", "delete", "patch"] as const;
type Method = (typeof VERBS)[number];
type Content = Record<string, MediaType>;
type Operation = NonNullable<NonNullable<OpenApiDocument["paths"]>[string]["get"]>;

/**
 * `GET /openapi.json` for an app whose routes are all in place when the first request comes. The text is made once per
 * isolate: making it is slow, and the generator keeps what it made.
 */
export function openApiRoutes(app: () => OpenAPIHono<AppEnv>): OpenAPIHono<AppEnv> {
  let made: Promise<{ text: string; tag: string }> | undefined;
  return router().openapi(get, async (c) => {
    made ??= tagged(JSON.stringify(openApiDocument(app())));
    const { text, tag } = await made;
    // It is open, so any page may read it; nothing else is.
    const headers = { ETag: tag, "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag" };
    if (isNamed(c.req.header("If-None-Match"), tag)) return c.body(null, 304, headers) as never;
    return c.body(text, 200, { ...headers, "Content-Type": "application/json" }) as never;
  });
}

async function tagged(text: string): Promise<{ text: string; tag: string }> {
  return { text, tag: await tagOf(text) };
}

/** The document of an app's routes. */
export function openApiDocument(app: OpenAPIHono<AppEnv>): OpenApiDocument {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Posthorn",
      version: "1",
      description: ABOUT,
      license: { name: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  });
  document.components = {
    ...document.components,
    securitySchemes: {
      key: { type: "http", scheme: "bearer", description: "The operator's key, or one of a tenant's (`phk_…`)." },
    },
  };
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of VERBS) {
      const operation = item[method];
      if (operation === undefined) continue;
      if (path.startsWith("/v1/")) addCommonProblems(path, method, item, operation);
      addExamples(operation);
      addHeaders(operation, path.startsWith("/v1/") && (method === "get" || takesMatch(path, method, item)));
    }
  }
  shareProblems(document);
  document.webhooks = webhooks() as NonNullable<OpenApiDocument["webhooks"]>;
  return document;
}

/** The tag of what is changed, as it was read. */
const IF_MATCH = {
  name: "If-Match",
  in: "header" as const,
  required: false,
  description: "The `ETag` of what you have read: a 412 when it is not what it was.",
  schema: { type: "string" as const },
};

/** Whether an operation changes what can be read at its path, and so heeds `If-Match`. */
function takesMatch(path: string, method: Method, siblings: Siblings): boolean {
  return ["put", "patch", "delete"].includes(method) && siblings.get !== undefined && path.startsWith("/v1/");
}

/** Adds what is answered before and around the handlers, whatever the route says of itself. */
function addCommonProblems(path: string, method: Method, siblings: Siblings, operation: Operation): void {
  // 429: an address that is answered 401 too often.
  const statuses = [401, 403, 405, 422, 429, 500, 503];
  // A path that is no text is malformed.
  if (path.includes("{")) statuses.push(400, 404);
  if (operation.requestBody !== undefined) statuses.push(400, 413, 415);
  if (takesMatch(path, method, siblings)) {
    statuses.push(409, 412);
    operation.parameters = [...(operation.parameters ?? []), IF_MATCH];
  }
  operation.responses = {
    ...Object.fromEntries(statuses.map((status) => [status, problemResponse(status)])),
    ...operation.responses,
  };
}

/** Shows an example of every answer that is no error. */
function addExamples({ responses, tags }: Operation): void {
  for (const response of Object.values(responses ?? {}) as { content?: Content }[]) {
    const content = response.content?.["application/json"];
    if (content?.schema !== undefined) content.example ??= exampleOf(content.schema, tags?.[0] ?? "");
  }
}

/** What answers carry besides their bodies, by when they do. */
const HEADERS = {
  requestId: header("As the caller gave it in `X-Request-Id`, or a new one; the service's log says it too."),
  location: header("Where what was made stands."),
  next: header('The next page, as `rel="next"`; absent on the last one.'),
  tag: header("Stands for what it is now; for `If-Match` of a change."),
  allow: header("The methods that this path takes."),
  retryAfter: header("How many seconds to wait.", "integer"),
  rateLimit: header('Which limit is spent, and for how many seconds: `"events";r=0;t=10`.'),
};

function header(description: string, type = "string") {
  return { description, schema: { type } };
}

/** Says which headers an operation's answers carry. */
function addHeaders({ responses = {} }: Operation, isTagged: boolean): void {
  for (const [status, response] of Object.entries(responses) as [string, { headers?: object; content?: Content }][]) {
    const list = response.content?.["application/json"]?.schema?.properties?.nextCursor !== undefined;
    response.headers = {
      "X-Request-Id": HEADERS.requestId,
      ...(status === "201" ? { Location: HEADERS.location } : {}),
      ...(status === "200" && list ? { Link: HEADERS.next } : {}),
      ...(isTagged && ["200", "201", "412"].includes(status) ? { ETag: HEADERS.tag } : {}),
      ...(status === "405" ? { Allow: HEADERS.allow } : {}),
      ...(status === "429" ? { RateLimit: HEADERS.rateLimit } : {}),
      ...(status === "429" || status === "503" ? { "Retry-After": HEADERS.retryAfter } : {}),
      ...response.headers,
    };
  }
}

/** Has each error answer said once, under its status, and referred to everywhere else. */
function shareProblems(document: OpenApiDocument): void {
  const shared: Record<string, object> = {};
  for (const item of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(item) as Operation[]) {
      for (const [status, response] of Object.entries(operation.responses ?? {})) {
        if (!("content" in response) || !("application/problem+json" in (response.content ?? {}))) continue;
        shared[`Problem${status}`] = response;
        (operation.responses as Record<string, object>)[status] = { $ref: `#/components/responses/Problem${status}` };
      }
    }
  }
  document.components = { ...document.components, responses: shared } as NonNullable<OpenApiDocument["components"]>;
}
