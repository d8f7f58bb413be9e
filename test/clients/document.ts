import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { app } from "../../src/api/app";
import { openApiDocument } from "../../src/api/spec/document";

export const ROOT = join(import.meta.dirname, "../..");

/** The document as the service answers it. */
export const TEXT = JSON.stringify(openApiDocument(app));

const VERBS = ["get", "put", "post", "patch", "delete"];

/** The ids of all operations in it. */
export const OPERATIONS: readonly string[] = Object.values(JSON.parse(TEXT).paths as Record<string, object>)
  .flatMap((item) => Object.entries<{ operationId: string }>(item as Record<string, { operationId: string }>))
  .flatMap(([verb, { operationId }]) => (VERBS.includes(verb) ? [operationId] : []))
  .toSorted();

/** A directory with the document in it, for the time of a test. */
export function workplace(): string {
  const directory = mkdtempSync(join(tmpdir(), "posthorn-clients-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, "openapi.json"), TEXT);
  return directory;
}

const execute = promisify(execFile);

/** Runs a program to its end and answers what it printed. Throws, with all of that, when it fails. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout, stderr } = await execute(command, args, { cwd, maxBuffer: 2 ** 26 });
    return stdout + stderr;
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  }
}
