/**
 * The OpenAPI document as the pages made of it read it.
 * @module
 */

/** A JSON Schema, as much of it as the document uses. */
export interface Shape {
  $ref?: string;
  type?: string | string[];
  description?: string;
  properties?: Record<string, Shape>;
  required?: string[];
  readOnly?: boolean;
  items?: Shape;
  additionalProperties?: boolean | Shape;
  anyOf?: Shape[];
  oneOf?: Shape[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  format?: string;
  pattern?: string;
  [bound: string]: unknown;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  example?: unknown;
  schema: Shape;
}

interface Referring {
  $ref: string;
}

export type Content = Record<string, { schema?: Shape; example?: unknown }>;

export interface Answer {
  description: string;
  content?: Content;
  headers?: Record<string, { description?: string } | Referring>;
}

export interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: [string];
  security?: object[];
  parameters?: (Parameter | Referring)[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, Answer | Referring>;
}

export interface Document {
  info: { description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Shape>;
    parameters: Record<string, Parameter>;
    responses: Record<string, Answer>;
    headers: Record<string, { description?: string }>;
  };
}

const VERBS = ["get", "post", "put", "patch", "delete"];

/** An operation and where it is: its path, or the name of a webhook. */
export interface Placed {
  method: string;
  path: string;
  /** What it is shown under. */
  group: string;
  operation: Operation;
}

/** All operations of a document's paths or webhooks, by group in the order of its tags. Pure. */
export function operationsIn(document: Document, items: Document["paths"]): Placed[] {
  const order = document.tags.map(({ name }) => name);
  return Object.entries(items)
    .flatMap(([path, item]) =>
      VERBS.flatMap((verb) => {
        const operation = item[verb];
        return operation === undefined
          ? []
          : [{ method: verb.toUpperCase(), path, group: operation.tags[0], operation }];
      }),
    )
    .toSorted((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
}

/** The name of what a reference refers to. */
export function nameIn($ref: string): string {
  return $ref.split("/").at(-1) ?? "";
}

/** A part of an operation, also where the document says it once for all, among those of its kind. */
export function resolved<T extends object>(part: T | Referring, shared: Record<string, T>): T {
  if (!("$ref" in part) || typeof part.$ref !== "string") return part as T;
  const found = shared[nameIn(part.$ref)];
  if (found === undefined) throw new Error(`the document has nothing at ${part.$ref}`);
  return found;
}

/** The id of a heading on a page. */
export function slugOf(text: string): string {
  return text.toLowerCase().replaceAll(" ", "-");
}
