/**
 * `npm test`: every test there is, in the Workers runtime, from outside and in a browser, and one line that adds them up.
 * `npm run test:unit`: those that need no whole instance, nor minutes.
 *
 * Arguments go to every vitest run, as filters: `npm test -- retry` or `npm test -- -t "busy port"`.
 *
 * Tests that want what this machine lacks are left out, named and counted. Where `CI` is set, the run
 * fails by them, unless they want another language.
 * @module
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { endAll, startGuarded } from "./lib/child.mjs";
import { ensureInstalled, nodePath } from "./lib/install.mjs";
import { isPartial, lastLine, leftOutOf } from "./lib/left-out.mjs";
import { watchParent } from "./lib/parent.mjs";
import { inProject, ROOT } from "./lib/project.mjs";
import { complain, paint, plain, say, Trouble } from "./lib/terminal.mjs";

/** What `--unit` takes of the first suite: not those that take long. */
const UNIT = {
  name: "units: the pure ones on Node, the others in the Workers runtime",
  projects: ["pure", "runtime"],
};

/** `workers`: files that run side by side; those from outside wait more than they work. */
const SUITES = [
  {
    name: "units: the pure ones on Node, the others, also those that take long, in the Workers runtime",
    config: "test/vitest.config.ts",
    workers: 2,
  },
  {
    name: "the model, the black box, clients made of the document and the dashboard in a browser, on Node",
    config: "test/node.config.ts",
    workers: 3,
  },
];

/** Of a stream that keeps what nobody has asked for yet. */
const UNBOUNDED = { highWaterMark: 2 ** 30 };

/**
 * Runs one suite with vitest's own output, and counts its tests by vitest's report.
 *
 * @param {{ name: string, config: string, workers: number, projects?: string[] }} suite
 * @param {string} report where the report goes
 * @param {string[]} filters
 * @param {Promise<unknown>} turn what it prints is kept until then
 */
async function runSuite({ name, config, workers, projects = [] }, report, filters, turn) {
  const started = Date.now();
  const vitest = [inProject("node_modules/vitest/vitest.mjs"), "run", "-c", config, `--maxWorkers=${workers}`];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  // With a filter, a suite in which nothing matches is not an error.
  const lenient = filters.length > 0 ? ["--passWithNoTests"] : [];
  const chosen = projects.map((project) => `--project=${project}`);
  // What the Worker logs is of interest where a test failed.
  const args = [...vitest, ...reporters, "--silent=passed-only", ...chosen, ...lenient, ...filters];
  // It writes to a pipe, and in colours all the same where we do.
  const env = { ...process.env, ...(process.stdout.isTTY && !process.env.NO_COLOR ? { FORCE_COLOR: "1" } : {}) };
  const child = startGuarded(nodePath(), args, { cwd: ROOT, env });
  // Read all the same, so that it is not held up by what it prints.
  const [out, error] = [child.stdout, child.stderr].map((stream) => stream.pipe(new PassThrough(UNBOUNDED)));
  await turn;
  // What was asked for may lie in the other suite.
  const beginning = filters.length > 0 ? await beginningOf(out) : "";
  const isEmpty = beginning.includes("No test files found");
  if (!isEmpty) {
    say();
    say(paint("bold", name));
    process.stdout.write(beginning);
    out.pipe(process.stdout, { end: false });
    error.pipe(process.stderr, { end: false });
  }
  const status = await child.exited;
  const seconds = Math.round((Date.now() - started) / 1_000);
  const { passed, failed, left } = await countTests(report, filters.length > 0);
  if (!isEmpty) say(paint("dim", `${passed} passed in ${seconds} s: ${name}`));
  // A run that broke without a failed test (an error outside of a test, a crash) has failed all the same.
  return { passed, failed: status === 0 ? failed : Math.max(failed, 1), left };
}

/** What vitest says up to its first line after the heading, which may be that no file matches. */
async function beginningOf(out) {
  let text = "";
  for await (const chunk of out.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (/RUN.*\n\s*\S/.test(plain(text))) break;
  }
  return text;
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

async function run(args) {
  const [first, ...rest] = args;
  const isUnit = first === "--unit";
  const filters = isUnit ? rest : args;
  await ensureInstalled();
  const directory = await mkdtemp(join(tmpdir(), "posthorn-test-"));
  const total = { passed: 0, failed: 0 };
  const left = new Map();
  const suites = isUnit ? [{ ...SUITES[0], ...UNIT }] : SUITES;
  try {
    // Side by side, since much of their time is waiting; what they print comes one after the other.
    const all = [];
    for (const [index, suite] of suites.entries()) {
      all.push(runSuite(suite, join(directory, `${index}.json`), filters, Promise.allSettled(all)));
    }
    for (const counted of await Promise.all(all)) {
      for (const key of Object.keys(total)) total[key] += counted[key];
      for (const [wants, names] of counted.left) left.set(wants, [...(left.get(wants) ?? []), ...names]);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  if (total.passed + total.failed + left.size === 0) throw new Trouble(`No test matches ${filters.join(" ")}.`);
  nameLeftOut(left);
  // Where all is said to be there, what is left out is a check that nobody made.
  const isWhole = !isPartial(left) || !process.env.CI;
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
