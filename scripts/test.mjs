/**
 * `npm test`: every test there is, in the Workers runtime, from outside and in a browser, and one line that adds them up.
 *
 * Arguments go to every vitest run, as filters: `npm test -- retry` or `npm test -- -t "busy port"`.
 *
 * Tests that want what this machine lacks are left out, named and counted. Where `CI` is set, the run fails by them.
 * @module
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endAll, startGuarded } from "./lib/child.mjs";
import { ensureInstalled, nodePath } from "./lib/install.mjs";
import { lastLine, leftOutOf } from "./lib/left-out.mjs";
import { watchParent } from "./lib/parent.mjs";
import { inProject, ROOT } from "./lib/project.mjs";
import { complain, paint, say, Trouble } from "./lib/terminal.mjs";

/** `workers`: files that run side by side; those from outside wait more than they work. */
const SUITES = [
  { name: "units, in the Workers runtime", config: "test/vitest.config.ts", workers: 2 },
  {
    name: "the model, the black box, clients made of the document and the dashboard in a browser, on Node",
    config: "test/node.config.ts",
    workers: 3,
  },
];

/**
 * Runs one suite with vitest's own output, and counts its tests by vitest's report.
 *
 * @param {typeof SUITES[number]} suite
 * @param {string} report where the report goes
 * @param {string[]} filters
 */
async function runSuite({ name, config, workers }, report, filters) {
  say();
  say(paint("bold", name));
  const vitest = [inProject("node_modules/vitest/vitest.mjs"), "run", "-c", config, `--maxWorkers=${workers}`];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  // With a filter, a suite in which nothing matches is not an error.
  const lenient = filters.length > 0 ? ["--passWithNoTests"] : [];
  // What the Worker logs is of interest where a test failed.
  const args = [...vitest, ...reporters, "--silent=passed-only", ...lenient, ...filters];
  const status = await startGuarded(nodePath(), args, { cwd: ROOT, output: "inherit" }).exited;
  const { passed, failed, left } = await countTests(report, filters.length > 0);
  // A run that broke without a failed test (an error outside of a test, a crash) has failed all the same.
  return { passed, failed: status === 0 ? failed : Math.max(failed, 1), left };
}

async function countTests(report, filtered) {
  try {
    const result = JSON.parse(await readFile(report, "utf8"));
    return { passed: result.numPassedTests, failed: result.numFailedTests, left: leftOutOf(result, filtered) };
  } catch {
    return { passed: 0, failed: 1, left: new Map() };
  }
}

/** Names the tests that were left out. */
function nameLeftOut(left) {
  for (const [wants, names] of left) {
    say();
    say(paint("bold", `Left out, for want of ${wants}:`));
    for (const name of names) say(`- ${name}`);
  }
}

async function run(filters) {
  await ensureInstalled();
  const directory = await mkdtemp(join(tmpdir(), "posthorn-test-"));
  const total = { passed: 0, failed: 0 };
  const left = new Map();
  try {
    for (const [index, suite] of SUITES.entries()) {
      const counted = await runSuite(suite, join(directory, `${index}.json`), filters);
      for (const key of Object.keys(total)) total[key] += counted[key];
      for (const [wants, names] of counted.left) left.set(wants, [...(left.get(wants) ?? []), ...names]);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  if (total.passed + total.failed + left.size === 0) throw new Trouble(`No test matches ${filters.join(" ")}.`);
  nameLeftOut(left);
  // Where all is said to be there, what is left out is a check that nobody made.
  const isWhole = left.size === 0 || !process.env.CI;
  if (!isWhole) complain("Tests were left out, and CI is set: here every test must run.");
  process.stdout.write(`\n${lastLine(total, left)}\n`);
  return total.failed === 0 && isWhole ? 0 : 1;
}

async function breakOff() {
  await endAll();
  process.exit(130);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, breakOff);
watchParent(breakOff);
try {
  process.exit(await run(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof Trouble)) throw error;
  complain(error.message, ...error.remedy);
  process.exit(error.exitCode);
}
