/**
 * The page `/docs/calls`: every call of the API in a line, out of the OpenAPI document; and what the search of the guides
 * finds of the pages that the Worker makes.
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { TenantRole } from "../../config/access/principal";
import { DOCS_HEADERS, escaped, type Found, page, table } from "../../docs/frame";
import type { AppContext, AppEnv } from "../http/context";
import { router } from "../http/context";
import { isFor } from "../http/route";
import { PROBLEMS } from "../problems/problem-codes";

interface Call {
  id: string;
  method: string;
  path: string;
  summary: string;
  /** The query and the fields of the body that it takes; what may be left out ends in `?`. */
  takes: string[];
  tag: string;
  /** It needs no key. */
  open: boolean;
}

interface Named {
  $ref?: string;
  properties?: Record<string, { readOnly?: boolean }>;
  required?: string[];
}

interface Parameter {
  in: string;
  name: string;
}

interface Operation {
  operationId: string;
  summary: string;
  tags: [string];
  security?: object[];
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: { content: Record<string, { schema?: Named }> };
}

interface Document {
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Named>; parameters?: Record<string, Parameter> };
}

const VERBS = ["get", "post", "put", "patch", "delete"];
const ROLES: readonly TenantRole[] = ["admin", "producer", "viewer", "portal"];

/** The calls of an OpenAPI document, by tag in its order. Pure. */
function callsOf(document: Document): Call[] {
  const calls = Object.entries(document.paths).flatMap(([path, item]) =>
    VERBS.flatMap((verb) => {
      const operation = item[verb];
      if (operation === undefined) return [];
      const { operationId: id, summary, tags, security } = operation;
      const takes = takesOf(operation, document);
      return [{ id, method: verb.toUpperCase(), path, summary, takes, tag: tags[0], open: isOpen(security) }];
    }),
  );
  const order = document.tags.map(({ name }) => name);
  return calls.toSorted((a, b) => order.indexOf(a.tag) - order.indexOf(b.tag));
}

/** What a call takes besides its path: the query first. Pure. */
function takesOf({ parameters = [], requestBody }: Operation, { components }: Document): string[] {
  const named = ($ref: string) => $ref.split("/").at(-1) ?? "";
  const whole = parameters.map((one) => ("$ref" in one ? components?.parameters?.[named(one.$ref)] : one));
  const query = whole.flatMap((one) => (one?.in === "query" ? [`?${one.name}=`] : []));
  const { schema } = requestBody?.content["application/json"] ?? {};
  const body = schema?.$ref === undefined ? schema : components?.schemas?.[named(schema.$ref)];
  const fields = Object.entries(body?.properties ?? {})
    .filter(([, { readOnly }]) => readOnly !== true)
    .map(([name]) => (body?.required?.includes(name) ? name : `${name}?`));
  return [...query, ...fields];
}

/** Whether it takes no key: none of them, or one that may be left out. */
function isOpen(security?: readonly object[]): boolean {
  return security !== undefined && (security.length === 0 || security.some((one) => Object.keys(one).length === 0));
}

/** Who may make a call. */
function whoOf({ open, method, path }: Call): string {
  if (open) return "anybody";
  return ["operator", ...ROLES.filter((role) => isFor(role, `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`))].join(
    ", ",
  );
}

function bodyOf(calls: readonly Call[]): string {
  const tags = [...new Set(calls.map(({ tag }) => tag))];
  const tables = tags.map((tag) => {
    const rows = calls
      .filter((call) => call.tag === tag)
      .map((call) => [
        `<code id="${call.id}">${call.method} ${escaped(call.path)}</code>`,
        escaped(call.summary),
        call.takes.map((one) => `<code>${escaped(one)}</code>`).join(" "),
        whoOf(call),
      ]);
    return `<h2 id="${slugOf(tag)}">${escaped(tag)}</h2>\n${table(tag, ["Call", "What it does", "What it takes", "Who may"], rows)}`;
  });
  return `<h1>All calls</h1>
<p>What may be left out ends in <code>?</code>, queries stand before the fields of the body. With shapes and examples they are in <a href="/docs/api">the reference</a>, for machines in
<a href="/openapi.json"><code>/openapi.json</code></a>. What holds for all of them: <a href="/docs/client">API and client</a>.</p>
${tables.join("\n")}`;
}

function slugOf(tag: string): string {
  return tag.toLowerCase().replaceAll(" ", "-");
}

/** The calls as a page, and the search's part of it; needs no key. */
export function callsPageRoutes(app: () => OpenAPIHono<AppEnv>): OpenAPIHono<AppEnv> {
  let known: Promise<Call[]> | undefined;
  /** Read out of what `/openapi.json` answers, which is made once. */
  const calls = (c: AppContext) => {
    known ??= Promise.resolve(app().request("/openapi.json", undefined, c.env))
      .then((answer) => answer.json<Document>())
      .then(callsOf);
    return known;
  };
  const routes = router();
  routes.get("/docs/calls", async (c) => {
    const all = await calls(c);
    const headings = [...new Set(all.map(({ tag }) => tag))].map((tag) => ({ id: slugOf(tag), text: tag }));
    const text = page("calls", "All calls", bodyOf(all), headings);
    return c.body(text, 200, { "Content-Type": "text/html; charset=utf-8", ...DOCS_HEADERS });
  });
  routes.get("/docs/reference.json", async (c) => {
    const found: Found[] = [
      { page: "Limits", text: "Limits", href: "/docs/limits" },
      { page: "API reference", text: "API reference", href: "/docs/api" },
      ...(await calls(c)).map(({ id, method, path, summary }) => ({
        page: "All calls",
        text: `${summary}: ${method} ${path}`,
        href: `/docs/calls#${id}`,
      })),
      ...Object.keys(PROBLEMS).map((code) => ({ page: "Problems", text: code, href: `/docs/problems#${code}` })),
    ];
    return c.body(JSON.stringify(found), 200, { "Content-Type": "application/json", ...DOCS_HEADERS });
  });
  return routes;
}
