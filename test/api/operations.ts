import { app } from "../../src/api/app";
import { openApiDocument } from "../../src/api/spec/document";

// biome-ignore lint/suspicious/noExplicitAny: tests read JSON as it comes
type Json = any;

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  description?: string;
  example?: Json;
  required?: boolean;
  schema: Json;
}

/** An operation of the OpenAPI document. */
export interface Operation {
  method: string;
  path: string;
  id: string;
  summary: string;
  tags: string[];
  security: Json[];
  parameters: Parameter[];
  description: string;
  /** The schema of its JSON body and an example; `null`: it has none. */
  body: { required: boolean; schema: Json; example: Json } | null;
  /** With references resolved. */
  responses: Record<string, Json>;
}

let text: string | undefined;

/** The document as it is served: that it is, as a file, is tested from outside. */
export async function theDocument(): Promise<Json> {
  text ??= JSON.stringify(openApiDocument(app));
  return JSON.parse(text);
}

/** What a local reference points to; a value without one is itself. */
export function resolve(document: Json, value: Json): Json {
  if (typeof value?.$ref !== "string") return value;
  const parts = value.$ref.slice(2).split("/");
  const found = parts.reduce((at: Json, part: string) => at?.[part], document);
  if (found === undefined) throw new Error(`nothing is at ${value.$ref}`);
  return resolve(document, found);
}

/** A value of the document with what it refers to in place of each reference. */
export function inlined(document: Json, value: Json): Json {
  if (Array.isArray(value)) return value.map((one) => inlined(document, one));
  if (typeof value !== "object" || value === null) return value;
  const { $ref, ...rest } = value;
  const whole = typeof $ref === "string" ? { ...resolve(document, value), ...rest } : value;
  return Object.fromEntries(Object.entries(whole).map(([name, inner]) => [name, inlined(document, inner)]));
}

/** The document itself, which is a file: of its paths the only one that the Worker does not answer. */
export const DOCUMENT = "/openapi.json";

/** All operations of the document that the Worker answers. */
export function operationsOf(document: Json): Operation[] {
  const { [DOCUMENT]: _, ...paths } = document.paths;
  return Object.entries<Json>(paths).flatMap(([path, item]) =>
    Object.entries<Json>(item).map(([method, operation]): Operation => {
      const { operationId: id, summary, description, tags, security = document.security } = operation;
      const { parameters = [], requestBody, responses } = inlined(document, operation);
      const content = requestBody?.content["application/json"];
      return {
        method: method.toUpperCase(),
        path,
        id,
        summary,
        description,
        tags,
        security,
        parameters,
        body: content ? { required: requestBody.required, schema: content.schema, example: content.example } : null,
        responses,
      };
    }),
  );
}
