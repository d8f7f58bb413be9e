/**
 * The shell blocks of README.md and of the guides, each to be run once, and what stands in for what tests have not.
 * @module
 */

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GUIDES } from "../../src/docs/menu";
import { codeBlocks, documentText } from "./printed";

/** README.md, then the guides in the order of their menu, then what stands beside them. */
export const DOCUMENTS = ["README.md", ...GUIDES.map(({ file }) => file)];

/** The blocks that are left to run, by document. */
export class Blocks {
  readonly #left = new Map(DOCUMENTS.map((file) => [file, codeBlocks("sh", documentText(file))]));

  /** The next block of a document. Throws when there is none. */
  next(file: string): string {
    const block = this.#left.get(file)?.shift();
    if (block === undefined) throw new Error(`${file} has no further shell block`);
    return block;
  }

  /** The documents that have blocks left, with them. */
  left(): [string, string[]][] {
    return [...this.#left].filter(([, blocks]) => blocks.length > 0);
  }
}

/**
 * Commands that stand in for those that need an account, the internet, or too long: they write down what they were given.
 * `npx esbuild` and `npm run smoke` are the real ones.
 */
export class StandIns {
  readonly directory: string;
  readonly #notes: string;

  constructor(directory: string) {
    this.directory = join(directory, "tmp", "stand-ins");
    this.#notes = join(this.directory, "notes");
    mkdirSync(this.directory);
    writeFileSync(this.#notes, "");
    const real = (name: string) => `exec env PATH="\${PATH#*:}" ${name} "$@"`;
    const note = `printf '%s' "\${0##*/}" >> ${this.#notes}; printf '\\t%s' "$@" >> ${this.#notes}; echo >> ${this.#notes}`;
    const files = {
      npx: `if [ "$1" != wrangler ]; then ${real("npx")}; fi\n${note}`,
      npm: `if [ "$2" = smoke ]; then ${real("npm")}; fi\n${note}`,
      cloudflared: note,
      git: note,
    };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(this.directory, name), `#!/usr/bin/env bash\n${text}\n`);
      chmodSync(join(this.directory, name), 0o755);
    }
  }

  /** The commands that were typed since the last call, each as its words. */
  noted(): string[][] {
    const text = readFileSync(this.#notes, "utf8");
    writeFileSync(this.#notes, "");
    return text.split("\n").flatMap((line) => (line === "" ? [] : [line.split("\t")]));
  }
}
