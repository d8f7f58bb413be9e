/**
 * `npm run bench`: see test/bench/main.ts. Installs what is missing and runs it under the Node that wrangler accepts.
 * @module
 */

import { endAll, startGuarded } from "./lib/child.mjs";
import { ensureInstalled, nodePath } from "./lib/install.mjs";
import { watchParent } from "./lib/parent.mjs";
import { inProject, ROOT } from "./lib/project.mjs";
import { complain, Trouble } from "./lib/terminal.mjs";

async function breakOff() {
  await endAll();
  process.exit(130);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, breakOff);
watchParent(breakOff);
try {
  await ensureInstalled();
  const args = ["--no-warnings", inProject("test/bench/main.ts"), ...process.argv.slice(2)];
  process.exit((await startGuarded(nodePath(), args, { cwd: ROOT, output: "inherit" }).exited) ?? 1);
} catch (error) {
  if (!(error instanceof Trouble)) throw error;
  complain(error.message, ...error.remedy);
  process.exit(error.exitCode);
}
