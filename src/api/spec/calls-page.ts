/**
 * The page `/docs/calls`: every call of the API in a line, out of the OpenAPI document. Pure.
 * @module
 */
import type { TenantRole } from "../../config/access/principal";
import { escaped, page, table } from "../../docs/frame";
import { isFor } from "../http/route";
import { type Document, nameIn, type Operation, operationsIn, type Placed, resolved, slugOf } from "./reading";

const ROLES: readonly TenantRole[] = ["admin", "producer", "viewer", "portal"];

/** What a call takes besides its path: the query first; what may be left out of the body ends in `?`. */
function takesOf({ parameters = [], requestBody }: Operation, { components }: Document): string[] {
  const whole = parameters.map((one) => resolved(one, components.parameters));
  const query = whole.flatMap((one) => (one.in === "query" ? [`?${one.name}=`] : []));
  const { schema } = requestBody?.content["application/json"] ?? {};
  const body = schema?.$ref === undefined ? schema : components.schemas[nameIn(schema.$ref)];
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
function whoOf({ operation: { security }, method, path }: Placed): string {
  if (isOpen(security)) return "anybody";
  const route = `${method} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
  return ["operator", ...ROLES.filter((role) => isFor(role, route))].join(", ");
}

/** The page of a document. */
export function callsPage(document: Document): string {
  const calls = operationsIn(document, document.paths);
  const groups = [...new Set(calls.map(({ group }) => group))];
  const tables = groups.map((name) => {
    const rows = calls
      .filter(({ group }) => group === name)
      .map((call) => [
        `<a href="/docs/api#${call.operation.operationId}"><code>${call.method} ${escaped(call.path)}</code></a>`,
        escaped(call.operation.summary),
        takesOf(call.operation, document)
          .map((one) => `<code>${escaped(one)}</code>`)
          .join(" "),
        whoOf(call),
      ]);
    return `<h2 id="${slugOf(name)}">${escaped(name)}</h2>\n${table(name, ["Call", "What it does", "What it takes", "Who may"], rows)}`;
  });
  const body = `<h1>All calls</h1>
<p>What may be left out ends in <code>?</code>, queries stand before the fields of the body. Each leads to <a href="/docs/api">the reference</a>, which has its shapes and examples; for machines they are in
<a href="/openapi.json"><code>/openapi.json</code></a>. What holds for all of them: <a href="/docs/client">API and client</a>.</p>
${tables.join("\n")}`;
  return page(
    "calls",
    "All calls",
    body,
    groups.map((name) => ({ id: slugOf(name), text: name })),
  );
}
