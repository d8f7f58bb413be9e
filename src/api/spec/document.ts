/**
 * The OpenAPI document of the routes: what their zod schemas say, and what holds for all of them. The Worker does not make
 * it: scripts/assets.mjs does, out of the Worker's own routes, and puts it among the static assets.
 * @module
 */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { type AppEnv, router } from "../http/context";
import { ANYBODY } from "../http/roles";
import { createRoute } from "../http/route";
import { ANSWER_HEADERS, addHeaders } from "./answer-headers";
import { exampleIn, exampleOf, type Schema } from "./examples";
import { named, problemResponse, problems } from "./schemas";
import { sharing } from "./shared-parts";
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

Each operation says which roles may use it: the operator, keys of a tenant (\`admin\`, \`producer\`, \`viewer\`), and whoever
opened a portal link (\`portal\`, or \`portal-viewer\` where it only reads). A key acts in its own tenant; others are 404 for it.

Times are ISO 8601 in UTC; durations without a unit in their name are seconds. Lists answer \`{data, nextCursor}\`, newest
first; a filtered page may be short or empty and still have a \`nextCursor\`.`;

/** What the document's own answers carry: it is a file, which nothing stands before. */
const OPEN = {
  ETag: { $ref: "#/components/headers/ETag" },
  "X-Content-Type-Options": { $ref: "#/components/headers/X-Content-Type-Options" },
  "Access-Control-Allow-Origin": {
    description: "`*`: any page may read it.",
    schema: { type: "string" as const },
  },
  "Access-Control-Expose-Headers": {
    description: "What such a page sees of the headers.",
    schema: { type: "string" as const },
  },
};

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
      headers: OPEN,
      content: {
        "application/json": {
          schema: named("OpenApiDocument", z.record(z.string(), z.unknown()), "An OpenAPI 3.1 document."),
        },
      },
    },
    304: { description: "it is what you have: its `ETag` is the one in `If-None-Match`", headers: OPEN },
    // Where the Worker was uploaded without the files beside it.
    ...problems(404),
  },
});

type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;
type Siblings = NonNullable<OpenApiDocument["paths"]>[string];
const VERBS = ["get", "put", "post", "delete", "patch"] as const;
type Method = (typeof VERBS)[number];
type Content = Record<string, { schema?: Schema; example?: unknown }>;
type Operation = NonNullable<NonNullable<OpenApiDocument["paths"]>[string]["get"]>;

/** The document of an app's routes, itself included, which is a file. Slow. */
export function openApiDocument(app: OpenAPIHono<AppEnv>): OpenApiDocument {
  const all = router().route("/", app);
  all.openAPIRegistry.registerPath(get);
  const document = all.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Posthorn",
      version: "1",
      description: ABOUT,
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "/", description: "This service." }],
    security: [{ key: [] }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  });
  const paths = document.paths ?? {};
  for (const [path, item] of Object.entries(paths)) {
    for (const method of VERBS) {
      const operation = item[method];
      if (operation !== undefined) complete(operation, { path, method, item, isMade: isMadeAt(path, paths) });
    }
  }
  const said = { ...document, webhooks: webhooks() as NonNullable<OpenApiDocument["webhooks"]> };
  const { shared, components } = sharing(said);
  return {
    ...shared,
    components: {
      ...components,
      headers: ANSWER_HEADERS,
      securitySchemes: {
        key: {
          type: "http",
          scheme: "bearer",
          description: "The operator's key, or one of a tenant's (`phk_…`), whose role says what it may do.",
        },
      },
    } as NonNullable<OpenApiDocument["components"]>,
  };
}

interface Place {
  path: string;
  method: Method;
  item: Siblings;
  /** Whether what is made at the path can be read below it. */
  isMade: boolean;
}

/** Whether below a path there is one that reads a thing by its id. */
function isMadeAt(path: string, paths: NonNullable<OpenApiDocument["paths"]>): boolean {
  const below = Object.keys(paths).filter((other) => other.startsWith(`${path}/{`) && other.endsWith("}"));
  return below.some((other) => paths[other]?.get !== undefined);
}

/** Says of an operation what holds for all of its kind. */
function complete(operation: Operation, { path, method, item, isMade }: Place): void {
  const ofApi = path.startsWith("/v1/");
  const changes = ofApi && changesWhatIsRead(method, item);
  const heedsMatch = ofApi && ["put", "patch", "delete"].includes(method);
  if (ofApi) addCommonProblems(path, heedsMatch, operation);
  else if (path !== get.path) {
    operation.responses = { 405: problemResponse(405), 500: problemResponse(500), ...operation.responses };
  }
  const reads = ofApi && method === "get";
  if (heedsMatch) operation.parameters = [...(operation.parameters ?? []), IF_MATCH];
  if (reads) {
    operation.parameters = [...(operation.parameters ?? []), IF_NONE_MATCH];
    operation.responses = { ...operation.responses, 304: notModified() };
  }
  addExamples(operation);
  if (path === get.path) return;
  addHeaders(operation.responses ?? {}, {
    ofApi,
    isTagged: reads || changes || (ofApi && method === "post" && isMade),
  });
}

/** The tag of what is changed, as it was read. */
const IF_MATCH = {
  name: "If-Match",
  in: "header" as const,
  required: false,
  description:
    "The `ETag` of what you have read at the path, or of the thing that it lies in: a 412 when it is not what it was.",
  schema: { type: "string" as const },
};

/** The tag of what is known already. */
const IF_NONE_MATCH = {
  name: "If-None-Match",
  in: "header" as const,
  required: false,
  description: "The `ETag` of what you have: a 304 when it is still that.",
  schema: { type: "string" as const },
};

function notModified() {
  return { description: "it is what you have: its `ETag` is the one in `If-None-Match`" };
}

/** Whether an operation changes what can be read at its path. */
function changesWhatIsRead(method: Method, siblings: Siblings): boolean {
  return ["put", "patch", "delete"].includes(method) && siblings.get !== undefined;
}

/** Adds what is answered before and around the handlers, whatever the route says of itself. */
function addCommonProblems(path: string, changes: boolean, operation: Operation): void {
  // 429: an address that is answered 401 too often.
  const statuses = [401, 403, 405, 422, 429, 500, 503];
  // A path that is no text is malformed.
  if (path.includes("{")) statuses.push(400, 404);
  if (operation.requestBody !== undefined) statuses.push(400, 413, 415);
  if (changes) statuses.push(409, 412);
  operation.responses = {
    ...Object.fromEntries(statuses.map((status) => [status, problemResponse(status)])),
    ...operation.responses,
  };
}

/** Shows an example of what stands in the path, and of every answer that is no error. */
function addExamples({ parameters = [], responses }: Operation): void {
  for (const parameter of parameters) {
    if (!("name" in parameter)) continue;
    if (parameter.in === "path") parameter.example = exampleIn(parameter.name);
    if (parameter.name === "idempotency-key") parameter.name = "Idempotency-Key";
  }
  for (const response of Object.values(responses ?? {}) as { content?: Content }[]) {
    const content = response.content?.["application/json"];
    if (content?.schema !== undefined) content.example ??= exampleOf(content.schema);
  }
}
