/**
 * A shell that is typed into, and what the API answered in it.
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { until } from "../lib/until";

/** The JSON answers among a shell's lines. */
export function lines(output: string): Record<string, unknown>[] {
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A shell that is typed into, block by block, as the reader's terminal is. */
export class Shell {
  output = "";
  #ended = false;
  #count = 0;
  readonly #child: ChildProcess;

  /**
   * @param edit what the reader would change in a line
   * @param path where commands are looked up before anywhere else
   */
  constructor(
    cwd: string,
    private readonly edit: (text: string) => string,
    path: string[] = [],
  ) {
    const env = { ...process.env, PATH: [...path, process.env.PATH].join(":") };
    this.#child = spawn("bash", ["--norc"], { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.#child.on("close", () => {
      this.#ended = true;
    });
    onTestFinished(() => void this.#child.kill("SIGKILL"));
  }

  /** Types a block and answers what it printed. */
  async run(block = ""): Promise<string> {
    const from = this.output.length;
    const mark = `done ${++this.#count}: `;
    this.#child.stdin?.write(`${this.edit(block)}\necho "${mark}$?"\n`);
    const about = () => `the shell did not come to the end of\n${block}\nIt printed:\n${this.output}`;
    const printed = await until(about, () => {
      if (this.#ended) throw new Error(about());
      const text = this.output.slice(from);
      return new RegExp(`${mark}\\d+\n`).test(text) ? text : undefined;
    });
    return printed.slice(0, printed.indexOf(mark));
  }
}
