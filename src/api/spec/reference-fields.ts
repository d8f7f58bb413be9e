/**
 * The shapes of the API reference: a JSON Schema in words, as HTML. Pure.
 * @module
 */
import { escaped, marked } from "../../docs/frame";
import { nameIn, type Shape } from "./reading";

/** The bounds that a schema may set, lower and upper, and of what. */
const BOUNDS = [
  ["minimum", "maximum", ""],
  ["minLength", "maxLength", " characters"],
  ["minItems", "maxItems", " items"],
  ["minProperties", "maxProperties", " fields"],
] as const;

/** A value as code. */
export function code(value: unknown): string {
  return `<code>${escaped(typeof value === "string" ? value : JSON.stringify(value))}</code>`;
}

/** Paragraphs, with what stands between backticks as code. */
export function paragraphs(text: string): string {
  return text
    .split("\n\n")
    .map((part) => `<p>${marked(part)}</p>`)
    .join("\n");
}

/** The kind of value that a schema allows, as a phrase; a shape that has a name is a link to it. */
export function kindOf(schema: Shape): string {
  const { $ref, anyOf, oneOf, items, type, format, additionalProperties: others } = schema;
  if ($ref !== undefined) return `<a href="#shape-${nameIn($ref)}">${nameIn($ref)}</a>`;
  const some = anyOf ?? oneOf;
  if (some !== undefined) return [...new Set(some.map(kindOf))].join(" or ");
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(" or ");
  if (items !== undefined && type === "array") return `list of ${kindOf(items)}`;
  if (typeof others === "object" && Object.keys(others).length > 0) return `object of ${kindOf(others)}`;
  const kinds = type === undefined ? ["anything"] : [type].flat();
  return kinds.map((kind) => (format === undefined || kind === "null" ? kind : `${kind} (${format})`)).join(" or ");
}

/** What a schema says of a value besides its kind. */
export function boundsOf(schema: Shape): string[] {
  const { exclusiveMinimum: above, multipleOf: step, pattern } = schema;
  const bounds = BOUNDS.flatMap(([lower, upper, unit]) => {
    const [least, most] = [schema[lower], schema[upper]];
    if (least === undefined) return most === undefined ? [] : [`at most ${most}${unit}`];
    return most === undefined ? [`at least ${least}${unit}`] : [`${least} to ${most}${unit}`];
  });
  return [
    ...(above === undefined ? [] : [`above ${above}`]),
    ...bounds,
    ...(step === undefined ? [] : [`a multiple of ${step}`]),
    ...(pattern === undefined ? [] : [`matches ${code(pattern)}`]),
    ...(schema.items === undefined ? [] : boundsOf(schema.items).map((bound) => `each ${bound}`)),
    ...(schema.default === undefined ? [] : [`default ${code(schema.default)}`]),
    ...(schema.readOnly ? ["read only"] : []),
  ];
}

/** One line of a list of fields. `needed`: whether it has to be there. */
export function field(name: string, schema: Shape, said: { needed?: boolean; description?: string; more?: string[] }) {
  const { needed = false, description = schema.description, more = [] } = said;
  const kind = [kindOf(schema), ...more, ...boundsOf(schema), ...(needed ? ["<strong>required</strong>"] : [])];
  return `<dt><code>${escaped(name)}</code> <span>${kind.join(", ")}</span></dt><dd>${marked(description ?? "")}</dd>`;
}

/** The fields of an object, and of those in it that have no name of their own: theirs with its name before them. */
export function fieldsIn(schema: Shape, before = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const whole = before + name;
    return [field(whole, value, { needed: schema.required?.includes(name) ?? false }), ...inner(value, whole)];
  });
}

/** What lies within a value that has no name. */
function inner(value: Shape, name: string): string[] {
  if (value.$ref !== undefined) return [];
  const some = [...(value.anyOf ?? []), ...(value.oneOf ?? [])].flatMap((one) => inner(one, name));
  const listed = value.items === undefined ? [] : inner(value.items, `${name}[]`);
  const others = typeof value.additionalProperties === "object" ? inner(value.additionalProperties, `${name}.*`) : [];
  return [...fieldsIn(value, `${name}.`), ...some, ...listed, ...others];
}

/** A list of lines of {@link field}; nothing of none. */
export function list(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `<dl class="fields">${lines.join("\n")}</dl>`;
}

/** All that a schema says, but for its name: what it is for, its kind where that is not plain, and its fields. */
export function shapeOf(schema: Shape): string {
  const { description, properties } = schema;
  const kind =
    properties === undefined ? `<p class="kind">${[kindOf(schema), ...boundsOf(schema)].join(", ")}</p>` : "";
  const bounds = properties === undefined ? [] : boundsOf(schema);
  return [
    description === undefined ? "" : paragraphs(description),
    kind,
    bounds.length === 0 ? "" : `<p class="kind">${bounds.join(", ")}</p>`,
    list([...fieldsIn(schema), ...(properties === undefined ? inner({ ...schema, properties: {} }, "") : [])]),
  ].join("\n");
}
