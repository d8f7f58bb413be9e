import { globSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** What only the Workers runtime has, and the servers that the suites in it share. */
const OF_THE_RUNTIME = /"cloudflare:|inject\("(?:receiver|raw|resolver)"\)/;
/** Without those of types, which are gone by the time a file runs. */
const IMPORTS = /^(?:import|export)\s(?!type\b)[^"]*"(\.{1,2}\/[^"?]+)"/gm;

/**
 * Those of the test files that match which need nothing of the Workers runtime, they and all that they import: Node runs
 * them in a tenth of the time.
 */
export function pureTests(root: string, patterns: string[]): string[] {
  return globSync(patterns, { cwd: root }).filter((file) => isPure(join(root, file)));
}

/** By file: what of ours it imports; `null`: it needs the runtime itself. */
const imported = new Map<string, string[] | null>();

function isPure(file: string, seen = new Set<string>()): boolean {
  if (seen.has(file)) return true;
  seen.add(file);
  const imports = imported.get(file) ?? importsOf(file);
  imported.set(file, imports);
  return imports?.every((next) => isPure(next, seen)) ?? false;
}

function importsOf(file: string): string[] | null {
  const text = readFileSync(file, "utf8");
  if (OF_THE_RUNTIME.test(text)) return null;
  return [...text.matchAll(IMPORTS)].flatMap(([, name = ""]) => {
    const path = join(dirname(file), name);
    const found = [path, `${path}.ts`, `${path}.tsx`].find((at) => statSync(at, { throwIfNoEntry: false })?.isFile());
    return found ?? [];
  });
}
