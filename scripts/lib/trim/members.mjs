/**
 * The bundle without the methods of packages that nothing names. A bundler keeps every method of a class that it keeps, and
 * all that those use; but one that no code of the bundle names, as a property or as a text, nobody can call but the
 * platform, whose names are few.
 * @module
 */

import { withEdits } from "./edits.mjs";

/** What the platform calls: traps of proxies, promises, iterators, streams, descriptors, and what a value is shown with. */
const PLATFORM = [
  "apply construct defineProperty deleteProperty get getOwnPropertyDescriptor getPrototypeOf has isExtensible ownKeys",
  "preventExtensions set setPrototypeOf then catch finally next return throw start pull cancel transform flush write",
  "close abort constructor toString toJSON valueOf value exports handleEvent",
].flatMap((names) => names.split(" "));

/** The comment with which esbuild begins each module. */
const MODULE = /^\/\/ (\S+\.\w+)$/gm;
/** zod's classes are made by a function, whose third argument has their methods. */
const MAKES_CLASS = /^\$constructor\d*$/;

/**
 * What stays only where it is named: a method, or a declaration, which has no effect of its own. `outer`: the one that it
 * lies in; `names`: what is named in it, but for its own parts; `start` and `end`: where it is in the text.
 *
 * @typedef {{ name: string, isMethod: boolean, outer: Part | null, kept: boolean, start: number, end: number,
 *   properties: Set<string>, variables: Set<string> }} Part
 */

/**
 * The text of a bundle without them, and without the declarations of packages that only they named.
 *
 * @param {typeof import("typescript-5")} ts
 * @param {string} text as esbuild writes it where it does not minify
 * @returns {{ text: string, left: string[] }} `left`: the names of what is left out
 */
export function withoutUnnamed(ts, text) {
  const [ours, theirs] = modulesIn(text);
  const properties = new Set(PLATFORM);
  const variables = new Set();
  // Ours are most of it, and read faster so: every word of them counts.
  for (const [start, end] of ours) {
    for (const [word] of text.slice(start, end).matchAll(/[\w$]+/g)) {
      properties.add(word);
      variables.add(word);
    }
  }
  const keep = (part) => {
    part.kept = true;
    for (const name of part.properties) properties.add(name);
    for (const name of part.variables) variables.add(name);
  };
  let waiting = [];
  for (const module of theirs) {
    const [whole, ...parts] = partsOf(ts, text, module);
    keep(whole);
    waiting.push(...parts);
  }
  for (let before = -1; before !== waiting.length; ) {
    before = waiting.length;
    waiting = waiting.filter((part) => {
      const isNamed = part.outer.kept && (part.isMethod ? properties : variables).has(part.name);
      if (isNamed) keep(part);
      return !isNamed;
    });
  }
  const left = waiting.filter(({ outer }) => outer.kept);
  return { text: withEdits(text, left), left: left.map(({ name }) => name) };
}

/** Where in a bundle modules are, those of packages apart. */
function modulesIn(text) {
  const begun = [...text.matchAll(MODULE)];
  const modules = begun.map(({ index, 1: path }, i) => ({ path, place: [index, begun[i + 1]?.index ?? text.length] }));
  const isPackage = ({ path }) => path.includes("node_modules/");
  const places = (some) => some.map(({ place }) => place);
  const first = [0, begun[0]?.index ?? text.length];
  return [[first, ...places(modules.filter((one) => !isPackage(one)))], places(modules.filter(isPackage))];
}

/** The whole of a module, and all of its parts. */
function partsOf(ts, text, [from, to]) {
  const source = ts.createSourceFile(
    "module.js",
    text.slice(from, to),
    ts.ScriptTarget.Latest,
    false,
    ts.ScriptKind.JS,
  );
  /** The objects that have the methods of one of zod's classes. */
  const tables = new Set();
  const parts = [];
  /** @type {Part | null} */
  let inside = null;

  function visitPart(name, isMethod, [start, end], node) {
    const outer = inside;
    const names = { properties: new Set(), variables: new Set() };
    inside = { name, isMethod, outer, kept: false, start: from + start, end: from + end, ...names };
    parts.push(inside);
    ts.forEachChild(node, node === source ? visitStatement : visit);
    inside = outer;
  }

  function visit(node) {
    const { properties, variables } = inside;
    if (ts.isIdentifier(node)) variables.add(node.text);
    else if (ts.isStringLiteralLike(node)) properties.add(node.text);
    else if (ts.isPropertyAccessExpression(node)) properties.add(node.name.text);
    else if (ts.isBindingElement(node)) properties.add((node.propertyName ?? node.name).text);
    else if (ts.isCallExpression(node) && MAKES_CLASS.test(node.expression.text)) {
      const methods = node.arguments[2];
      for (const table of methods?.arguments ?? [methods]) tables.add(table);
    }
    const method = methodSetBy(node);
    if (method !== undefined) visitPart(method, true, [node.getStart(source), node.end], node);
    else if (ts.isClassLike(node)) visitMembers(node, node.members, (member) => member.end);
    else if (tables.has(node) && ts.isObjectLiteralExpression(node)) {
      const { properties: members, end } = node;
      // With the comma behind it.
      visitMembers(node, members, (_, i) => members[i + 1]?.pos ?? end - 1);
    } else ts.forEachChild(node, visit);
  }

  function visitMembers(node, members, endOf) {
    ts.forEachChild(node, (child) => {
      const i = members.indexOf(child);
      const name = i < 0 ? undefined : methodNamed(child);
      if (name === undefined) visit(child);
      else visitPart(name, true, [child.pos, endOf(child, i)], child);
    });
  }

  /** The name of a member that is a function; not of one whose name is computed or private. */
  function methodNamed(node) {
    const { name, initializer = node } = node;
    const isMethod = ts.isMethodDeclaration(node) || ts.isAccessor(node) || isFunction(initializer);
    return isMethod && ts.isIdentifier(name) ? name.text : undefined;
  }

  function isFunction(node) {
    return ts.isArrowFunction(node) || ts.isFunctionExpression(node);
  }

  /** The `name` of a statement `A.prototype.name = function () {}`. */
  function methodSetBy(node) {
    if (!ts.isExpressionStatement(node) || !ts.isBinaryExpression(node.expression)) return undefined;
    const { left, right } = node.expression;
    return isFunction(right) && ts.isPropertyAccessExpression(left) ? left.name.text : undefined;
  }

  /** A statement of the module: a part where it declares something and has no effect. */
  function visitStatement(node) {
    const [declared, another] = ts.isVariableStatement(node) ? node.declarationList.declarations : [node];
    const { name, initializer } = declared;
    const isPure =
      ts.isFunctionDeclaration(node) ||
      (initializer !== undefined &&
        (isFunction(initializer) ||
          source.text.slice(initializer.pos, initializer.getStart(source)).includes("@__PURE__")));
    if (!isPure || another !== undefined || !ts.isIdentifier(name)) visit(node);
    else visitPart(name.text, false, [node.getStart(source), node.end], node);
  }

  visitPart("", false, [0, to - from], source);
  return parts;
}
