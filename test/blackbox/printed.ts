/**
 * The programs that the documents print, taken at their word: extracted, started, posted to.
 * @module
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, type TestContext } from "vitest";
import { leaveOut } from "../lib/left-out";
import { until } from "../lib/until";
import { freePort, isListening } from "./project";

/** The text of a file of the project. */
export function documentText(path: string): string {
  return readFileSync(join(import.meta.dirname, "../..", path), "utf8");
}

/** The part of a document under a heading of the second level. */
export function section(text: string, heading: string): string {
  return text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? "";
}

/** The fenced blocks of a language, in order. */
export function codeBlocks(language: string, text: string): string[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code ?? "");
}

/** The code block whose first line, a comment, begins with these words. */
export function blockCalled(text: string, words: string): string {
  const all = ["js", "python"].flatMap((language) => codeBlocks(language, text));
  const found = all.find((code) => /^(?:\/\/|#) (.+)$/m.exec(code)?.[1]?.match(`^${words}(?:[,: ]|$)`));
  if (found === undefined) throw new Error(`no code block begins with ${words}`);
  return found;
}

export interface Program {
  file: string;
  code: string;
}

const hasPython = works("python3", "--version");

/** Leaves a test of what a document says in Python out where there is none. */
export function needsPython(context: TestContext): void {
  if (!hasPython) leaveOut(context, "python3");
}

function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A receiver as a document prints it, as a process of its own. */
export class Printed {
  output = "";
  readonly exited: Promise<number | null>;

  private constructor(
    child: ChildProcess,
    readonly port: number,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.exited = new Promise((resolve) => {
      child.on("error", (error) => {
        this.output += String(error);
        resolve(null);
      });
      child.on("close", resolve);
    });
  }

  /** Starts it with the project's packages in reach, and ends it after the test. */
  static async start({ file, code }: Program, secret: string): Promise<Printed> {
    const directory = mkdtempSync(join(tmpdir(), "posthorn-printed-"));
    writeFileSync(join(directory, file), code);
    symlinkSync(join(import.meta.dirname, "../../node_modules"), join(directory, "node_modules"));
    const port = await freePort();
    const env = { PATH: process.env.PATH, PYTHONUTF8: "1", WEBHOOK_SECRET: secret, PORT: String(port) };
    const command = file.endsWith(".py") ? "python3" : process.execPath;
    const child = spawn(command, [file], { cwd: directory, env, stdio: ["ignore", "pipe", "pipe"] });
    onTestFinished(() => {
      child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    });
    return new Printed(child, port);
  }

  /** Starts it and waits until it listens. */
  static async run(program: Program, secret: string): Promise<Printed> {
    const printed = await Printed.start(program, secret);
    const about = () => `${program.file} does not listen; it said:\n${printed.output}`;
    await until(about, () => isListening(printed.port));
    return printed;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Posts as a delivery would come, and answers the status. */
  async post(body: string | undefined, headers: Record<string, string | undefined>): Promise<number> {
    const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...Object.fromEntries(given) },
      ...(body === undefined ? {} : { body }),
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** Waits until it has printed something. */
  async says(pattern: RegExp): Promise<void> {
    const about = () => `the receiver has not printed ${pattern}; it printed:\n${this.output}`;
    await until(about, () => pattern.test(this.output));
  }
}
