/**
 * The API reference at `/docs/api`: all that the OpenAPI document says, as a page that needs no script. Pure.
 * @module
 */
import { escaped, marked, page } from "../../docs/frame";
import {
  type Answer,
  type Content,
  type Document,
  nameIn,
  type Operation,
  operationsIn,
  type Placed,
  resolved,
  type Shape,
  slugOf,
} from "./reading";
import { code, field, fieldsIn, kindOf, list, paragraphs, shapeOf } from "./reference-fields";

/** An example, as it is sent. `of`: what it is one of. */
function example(of: string, value: unknown): string {
  return `<details class="example"><summary>Example</summary>
<div class="block code"><div class="scroll" tabindex="0" role="group" aria-label="Example of ${escaped(of)}"><pre><code>${escaped(JSON.stringify(value, null, 2))}</code></pre></div></div>
</details>`;
}

/** What stands in a body: its shape, the fields of one that has no name, and an example. */
function contentOf(content: Content, of: string): string {
  return Object.entries(content)
    .map(([type, { schema = {}, example: value }]) => {
      const kind = `${type === "application/json" ? "" : `${code(type)} `}${kindOf(schema)}${saidOf(schema)}`;
      const fields = schema.$ref === undefined ? shapeOf(schema) : "";
      return `<p class="kind">${kind}</p>\n${fields}\n${value === undefined ? "" : example(of, value)}`;
    })
    .join("\n");
}

/** What is sent: as {@link contentOf}, and the fields also of a shape that has a name. */
function bodyOf({ requestBody: body, operationId: id }: Operation, { components }: Document): string {
  if (body === undefined) return "";
  const fields = Object.values(body.content).map(({ schema = {} }) =>
    schema.$ref === undefined ? "" : list(fieldsIn(components.schemas[nameIn(schema.$ref)] ?? {})),
  );
  return `<h4>Body${body.required ? "" : ", optional"}</h4>
${contentOf(body.content, `the body of ${id}`)}
${fields.join("\n")}`;
}

/** What a reference says of the shape in its place. */
function saidOf({ $ref, description }: Shape): string {
  return $ref === undefined || description === undefined ? "" : `: ${marked(description)}`;
}

/** Whether an answer is an error of the API's own, of which all are alike. */
function isProblem({ content = {} }: Answer): boolean {
  return "application/problem+json" in content;
}

function answersOf({ responses }: Operation, { components }: Document, id: string): string {
  const answers = Object.entries(responses).map(
    ([status, one]) => [status, resolved(one, components.responses)] as const,
  );
  const own = answers
    .filter(([, answer]) => !isProblem(answer))
    .map(([status, answer]) => {
      const body = answer.content === undefined ? "" : contentOf(answer.content, `the answer ${status} of ${id}`);
      const names = Object.entries(answer.headers ?? {}).map(([name, said]) =>
        "$ref" in said
          ? `<a href="#header-${slugOf(name)}">${name}</a>`
          : `${name} (${marked(said.description ?? "")})`,
      );
      const headers = names.length === 0 ? "" : `<p class="kind">Headers: ${names.join(", ")}</p>`;
      return `<dt><code>${status}</code> <span>${marked(answer.description)}</span></dt><dd>${body}${headers}</dd>`;
    });
  const problems = answers
    .filter(([, answer]) => isProblem(answer))
    .map(([status]) => `<a href="#problem-${status}">${status}</a>`);
  const refused = problems.length === 0 ? "" : `<p class="kind">Problems: ${problems.join(", ")}</p>`;
  return `<h4>Answers</h4>\n<dl class="fields">${own.join("\n")}</dl>\n${refused}`;
}

/** One operation. `name`: how it is called, as HTML. */
function callOf({ operation }: Placed, document: Document, name: string): string {
  const { operationId: id, summary, description, parameters = [] } = operation;
  const whole = parameters.map((one) => resolved(one, document.components.parameters));
  const lines = whole.map(({ name: called, in: place, required: needed = false, schema, example: value, ...said }) =>
    field(called, schema, {
      needed,
      description: said.description ?? "",
      more: [place, ...(value === undefined ? [] : [`such as ${code(value)}`])],
    }),
  );
  return `<section class="call" id="${id}">
<h3><a href="#${id}">${marked(summary)}</a></h3>
<p class="call-line">${name}</p>
${paragraphs(description)}
${lines.length === 0 ? "" : `<h4>Parameters</h4>\n${list(lines)}`}
${bodyOf(operation, document)}
${answersOf(operation, document, id)}
</section>`;
}

/** The parts that operations share, each at an anchor: shapes, headers and problems. */
function sharedOf({ components: { schemas, headers, responses } }: Document): string {
  const shapes = Object.entries(schemas).map(
    ([name, schema]) =>
      `<section id="shape-${name}"><h3><a href="#shape-${name}">${name}</a></h3>\n${shapeOf(schema)}</section>`,
  );
  const named = Object.entries(headers).map(
    ([name, { description = "" }]) =>
      `<dt id="header-${slugOf(name)}"><code>${name}</code></dt><dd>${marked(description)}</dd>`,
  );
  const problems = Object.entries(responses).map(([name, { description, content = {} }]) => {
    const status = name.replace("Problem", "");
    const body = contentOf(content, `a problem ${status}`);
    return `<section id="problem-${status}"><h3>${status} ${marked(description)}</h3>\n${body}</section>`;
  });
  return `<h2 id="problems">Problems</h2>
<p>What every error answers; all causes, and what to do about each, are at <a href="/docs/problems">Problems</a>.</p>
${problems.join("\n")}
<h2 id="headers">Headers of answers</h2>
<dl class="fields">${named.join("\n")}</dl>
<h2 id="shapes">Shapes</h2>
${shapes.join("\n")}`;
}

/** The page of a document. */
export function referencePage(document: Document): string {
  const placed = operationsIn(document, document.paths);
  const sent = operationsIn(document, document.webhooks);
  const groups = document.tags.map(({ name, description }) => {
    const calls = placed
      .filter(({ group }) => group === name)
      .map((one) => callOf(one, document, `<code><b>${one.method}</b> ${escaped(one.path)}</code>`));
    const webhooks = sent
      .filter(({ group }) => group === name)
      .map((one) => callOf(one, document, `The body format <code>${escaped(one.path)}</code>`));
    return `<h2 id="${slugOf(name)}">${escaped(name)}</h2>\n<p>${marked(description)}</p>\n${[...calls, ...webhooks].join("\n")}`;
  });
  const headings = [
    ...document.tags.map(({ name }) => ({ id: slugOf(name), text: name })),
    { id: "problems", text: "Problems" },
    { id: "headers", text: "Headers of answers" },
    { id: "shapes", text: "Shapes" },
  ];
  const body = `<h1>API reference</h1>
${paragraphs(document.info.description)}
<p>For machines it is at <a href="/openapi.json"><code>/openapi.json</code></a>; in a line each, the calls are at
<a href="/docs/calls">All calls</a>.</p>
${groups.join("\n")}
${sharedOf(document)}`;
  return page("api", "API reference", body, headings);
}

/** What the search finds of it: its calls and its shapes. */
export function foundIn(document: Document): { text: string; href: string }[] {
  const calls = [...operationsIn(document, document.paths), ...operationsIn(document, document.webhooks)].map(
    ({ method, path, operation: { operationId, summary } }) => ({
      text: path.startsWith("/") ? `${summary}: ${method} ${path}` : `${path}: ${summary}`,
      href: `/docs/api#${operationId}`,
    }),
  );
  const shapes = Object.keys(document.components.schemas).map((name) => ({
    text: name,
    href: `/docs/api#shape-${name}`,
  }));
  return [...calls, ...shapes];
}
