/**
 * The Worker's routes and schemas without what only the OpenAPI document has of them, answers and words: the document is a
 * static asset, made of the whole sources by guides.mjs. What a route answers, no request is checked with. Goes by the
 * syntax of the sources.
 * @module
 */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { inProject } from "../project.mjs";
import { withEdits } from "./edits.mjs";

const ZOD = "@hono/zod-openapi";
/** Where the functions below come from. */
const SCHEMAS = inProject("src/api/spec/schemas");
const HOMES = [ZOD, SCHEMAS, inProject("src/api/http/route"), inProject("src/api/http/resource")];

/** The properties of an object that a function is given first which go. */
const SAYS = {
  createRoute: ["responses", "summary", "description", "operationId", "tags", "security"],
  resource: ["shape", "tag"],
};
/** And those of what an operation of a resource is given. */
const OPERATION_SAYS = ["answers", "answered", "errors", "summary", "description"];
/** Functions in whose place that argument stands. */
const STANDS_FOR = { named: 1, described: 0 };
/** Methods in whose place their object stands. */
const NOTES = ["describe", "openapi"];
/** Functions that need only so many arguments. */
const NEEDS = { body: 1, optionalBody: 1 };
/** Arguments that are texts, and can be empty. */
const TEXTS = { changesOf: [0, 2], pageShape: [0] };
/** Functions and methods that make a schema and do nothing else: one that only answers named goes as well. */
const MAKE_SCHEMA = ["pageShape", "listQuery", "changesOf", "plainText", "inOrder", "filterOver", "filterOrNull"];
const MAKE_ANOTHER = ["array", "default", "extend", "max", "min", "nullable", "optional", "partial", "refine", "regex"];

/** What makes documents of routes. */
const NO_DOCUMENT = `
  const none = () => { throw new Error("the Worker makes no document"); };
  export const extendZodWithOpenApi = () => {};
  export class OpenAPIRegistry { definitions = []; registerPath() {} }
  export { none as getOpenApiMetadata, none as OpenApiGeneratorV3, none as OpenApiGeneratorV31 };`;

/** Has the bundler leave out what makes documents, and all that only it would read. */
export const trimDocument = {
  name: "no document",
  setup({ onResolve, onLoad }) {
    const namespace = "no document";
    onResolve({ filter: /^@asteasolutions\/zod-to-openapi$/ }, ({ path }) => ({ path, namespace }));
    onLoad({ filter: /./, namespace }, () => ({ contents: NO_DOCUMENT }));
    onLoad({ filter: /\/src\/api\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      if (!/@hono\/zod-openapi|\/route"|\bdescription\b/.test(text)) return undefined;
      const { default: ts } = await import("typescript-5");
      return { contents: withoutWords(ts, path, text), loader: "ts" };
    });
  },
};

/**
 * A source without them. Its schemas are marked as of no effect, and it has zod as a namespace, so that a bundler leaves
 * out what nothing uses then.
 *
 * @param {typeof import("typescript-5")} ts
 * @param {string} path
 * @param {string} text
 */
export function withoutWords(ts, path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const { functions, resources } = namesIn(ts, source, path);
  /** @type {{ start: number, end: number, by?: string }[]} */
  const edits = [];

  function replace(start, end, by) {
    edits.push({ start, end, by });
  }

  function visit(node) {
    if (ts.isCallExpression(node)) return visitCall(node, false);
    if (ts.isImportDeclaration(node)) return visitImport(node);
    const isTopLevel = ts.isVariableDeclaration(node.parent ?? node) && node.parent.parent.parent.parent === source;
    if (ts.isObjectLiteralExpression(node) && isTopLevel && hasEffect(node)) markPure(node);
    ts.forEachChild(node, visit);
  }

  /** `isInner`: it is the object of another call's method, as `z.string()` in `z.string().optional()`. */
  function visitCall(node, isInner) {
    const { expression: callee, arguments: given } = node;
    const name = ts.isIdentifier(callee) ? functions.get(callee.text) : undefined;
    const method = ts.isPropertyAccessExpression(callee) ? callee.name.text : undefined;
    if (name in STANDS_FOR) {
      const stays = given[STANDS_FOR[name]];
      replace(node.getStart(), stays.getStart(), "(");
      visit(stays);
      replace(stays.end, node.end, ")");
      return;
    }
    const object = method === undefined ? undefined : callee.expression;
    const visitObject = (is) => (ts.isCallExpression(object) ? visitCall(object, is) : visit(object));
    // A router's method of that name takes a route and its handler.
    if (NOTES.includes(method) && given.length === 1 && !ts.isSpreadElement(given[0])) {
      visitObject(isInner);
      replace(object.end, node.end);
      return;
    }
    // What stands by itself is there for its effect.
    if (!isInner && !ts.isExpressionStatement(node.parent) && makesSchema(name, node)) markPure(node);
    if (object !== undefined) visitObject(true);
    const isOperation = object !== undefined && ts.isIdentifier(object) && resources.has(object.text);
    const without = isOperation ? OPERATION_SAYS : (SAYS[name] ?? []);
    given.forEach((argument, i) => {
      if (i >= NEEDS[name]) replace(given[i - 1].end, argument.end);
      else if (TEXTS[name]?.includes(i)) replace(argument.getStart(), argument.end, '""');
      else if (i === 0 && ts.isObjectLiteralExpression(argument)) visitProperties(argument, without);
      else visit(argument);
    });
  }

  function visitProperties({ properties, end }, without) {
    properties.forEach((property, i) => {
      // With the comma behind it.
      if (without.includes(property.name?.getText())) replace(property.pos, properties[i + 1]?.pos ?? end - 1);
      else visit(property);
    });
  }

  /** Has `z` as the namespace that it is. */
  function visitImport({ moduleSpecifier, importClause }) {
    const elements = importClause?.namedBindings?.elements ?? [];
    const i = elements.findIndex(({ name }) => name.text === "z");
    if (i < 0 || moduleSpecifier.text !== ZOD || importClause.isTypeOnly) return;
    replace(elements[i].pos, elements[i + 1]?.pos ?? elements[i].end);
    replace(moduleSpecifier.end, moduleSpecifier.end, '; import * as z from "zod"');
  }

  /** Marks an expression as one that may go where nothing uses it; spreads and computed names would speak against that. */
  function markPure(node) {
    const needsWrap = hasEffect(node);
    replace(node.getStart(), node.getStart(), `/* @__PURE__ */ ${needsWrap ? "(() => (" : ""}`);
    if (needsWrap) replace(node.end, node.end, "))()");
  }

  function hasEffect(node) {
    if (ts.isSpreadAssignment(node) || ts.isComputedPropertyName(node)) return true;
    return !ts.isFunctionLike(node) && (ts.forEachChild(node, hasEffect) ?? false);
  }

  function makesSchema(name, node) {
    if (name !== undefined) return MAKE_SCHEMA.includes(name);
    if (!ts.isPropertyAccessExpression(node.expression)) return false;
    let root = node;
    while (ts.isCallExpression(root) || ts.isPropertyAccessExpression(root)) root = root.expression;
    return ts.isIdentifier(root) && (root.text === "z" || MAKE_ANOTHER.includes(node.expression.name.text));
  }

  visit(source);
  return withEdits(text, edits);
}

/** What a source calls the functions above, and its resources. */
function namesIn(ts, source, path) {
  const functions = new Map();
  const resources = new Set();
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const { moduleSpecifier, importClause } = statement;
      const { text } = moduleSpecifier;
      if (!HOMES.includes(text.startsWith(".") ? resolve(dirname(path), text) : text)) continue;
      const elements = importClause?.namedBindings?.elements ?? [];
      for (const { name, propertyName = name } of elements) functions.set(name.text, propertyName.text);
    } else if (ts.isFunctionDeclaration(statement) && path === `${SCHEMAS}.ts`) {
      functions.set(statement.name.text, statement.name.text);
    } else if (ts.isVariableStatement(statement)) {
      const [{ name, initializer }] = statement.declarationList.declarations;
      if (functions.get(initializer?.expression?.text) === "resource") resources.add(name.text);
    }
  }
  return { functions, resources };
}
