/**
 * `npm run test:mutants`: shows that the tests notice. Each entry of `test/mutants/` changes one place of `src` in a copy of
 * the project; the tests that it names must then fail, by an assertion of theirs.
 *
 * `-- --list` prints the entries, `-- --only TEXT` takes those whose name or file contains the text, `-- --jobs N` sets how
 * many run side by side.
 * @module
 */

import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { endAll, runGuarded, startGuarded } from "./lib/child.mjs";
import { ensureInstalled, nodePath } from "./lib/install.mjs";
import { watchParent } from "./lib/parent.mjs";
import { inProject, ROOT } from "./lib/project.mjs";
import { complain, paint, say, Trouble } from "./lib/terminal.mjs";

/** How long one run of tests may take, in ms: beyond it a change hangs them, which is no answer. */
const PATIENCE = 300_000;
/**
 * What a failed expectation says: some throw a TypeError of their own for what they cannot look at, a property says
 * first that it failed, and what a test waits for is expected as well.
 */
const ASSERTION =
  /AssertionError|\.to\w+\(\) expects|Property failed after|instead of re(?:ject|solv)ing|waited \d+ ms in vain/;
/** How long a test waits for something, in ms: long enough on a busy machine, and most changes have it wait in vain. */
const TEST_PATIENCE = "15000";
/** As many as there are cores on the smallest machine that builds this. */
const JOBS = 2;

/** @typedef {import("../test/mutants/mutant.ts").Mutant} Mutant */
/** @typedef {{ file: string, title: string, status: string, messages: string[] }} Test one that ran */
/** @typedef {{ kind: "killed" | "survived" | "broken", about?: string }} Verdict */

/** The configuration of vitest that a test file is run under. */
function configOf(file) {
  const own = /^test\/(model|blackbox|browser)\//.exec(file)?.[1];
  return own === undefined ? "test/vitest.config.ts" : `test/${own}/vitest.config.ts`;
}

/** A copy of what git tracks or would track, in which sources are changed. `node_modules` is shared. */
async function copyProject(directory) {
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
  for (const file of new Set(files.toString().split("\0").filter(Boolean))) {
    if (!existsSync(inProject(file))) continue; // deleted, and not yet staged
    await mkdir(dirname(join(directory, file)), { recursive: true });
    await cp(inProject(file), join(directory, file), { verbatimSymlinks: true });
  }
  await symlink(inProject("node_modules"), join(directory, "node_modules"));
}

/**
 * Runs tests of a copy, and answers all that ran.
 *
 * @param {string} directory
 * @param {{ file: string, only?: string }[]} tests
 * @returns {Promise<Test[] | null>} `null`: they did not come to their end
 */
async function runTests(directory, tests) {
  const found = [];
  for (const config of new Set(tests.map(({ file }) => configOf(file)))) {
    const own = tests.filter(({ file }) => configOf(file) === config);
    const report = join(directory, ".report.json");
    await rm(report, { force: true });
    // With one that is named whole, all of its file run.
    const names = own.every(({ only }) => only !== undefined)
      ? ["-t", own.map(({ only }) => literal(only)).join("|")]
      : [];
    const args = [
      join(directory, "node_modules/vitest/vitest.mjs"),
      ...["run", "-c", config, "--maxWorkers=1", "--silent", "--reporter=json", `--outputFile.json=${report}`],
      ...names,
      ...new Set(own.map(({ file }) => file)),
    ];
    const env = { TEST_PATIENCE, FC_SEED: "20261121", ...process.env };
    if (!(await endsInTime(startGuarded(nodePath(), args, { cwd: directory, env })))) return null;
    const { testResults } = JSON.parse(await readFile(report, "utf8").catch(() => '{"testResults":[]}'));
    for (const { name, assertionResults, message } of testResults) {
      const file = name.slice(name.lastIndexOf("/test/") + 1);
      if (assertionResults.length === 0) found.push({ file, title: "", status: "failed", messages: [message ?? ""] });
      for (const { fullName, status, failureMessages } of assertionResults) {
        found.push({ file, title: fullName, status, messages: failureMessages ?? [] });
      }
    }
  }
  return found;
}

async function endsInTime(child) {
  // Read, so that it is not held up by what it prints.
  for (const stream of [child.stdout, child.stderr]) stream.resume();
  let inTime = true;
  const timer = setTimeout(() => {
    inTime = false;
    void child.end();
  }, PATIENCE);
  await child.exited;
  clearTimeout(timer);
  return inTime;
}

function literal(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Of the tests that ran, those that an entry names. */
function named(ran, { file, only }) {
  return ran.filter((test) => test.file === file && ["passed", "failed"].includes(test.status) && has(test, only));
}

function has({ title }, only) {
  return only === undefined || title.includes(only);
}

/** An entry's text must stand once in its file: else the list is stale. */
async function changed({ name, file, find, replace }) {
  const text = await readFile(inProject(file), "utf8").catch(() => "");
  const times = text.split(find).length - 1;
  if (times !== 1) {
    throw new Trouble(`${name} is stale: its text stands ${times} times in ${file}.`, {
      remedy: ["Name the place as it is now, in test/mutants/.", find],
    });
  }
  return text.replace(find, () => replace);
}

/**
 * What the named tests say of one change.
 *
 * @param {string} directory
 * @param {Mutant} mutant
 * @returns {Promise<Verdict>}
 */
async function judge(directory, mutant) {
  const path = join(directory, mutant.file);
  const whole = await readFile(path, "utf8");
  try {
    await writeFile(path, await changed(mutant));
    const ran = await runTests(directory, mutant.tests);
    if (ran === null) return { kind: "broken", about: "its tests hang" };
    for (const test of mutant.tests) {
      const failed = named(ran, test).filter(({ status }) => status === "failed");
      if (failed.length === 0) {
        const unrun = ran.find(({ file, title }) => file === test.file && title === "");
        if (unrun) return { kind: "broken", about: `${test.file} does not run: ${firstLine(unrun)}` };
        return { kind: "survived", about: nameOf(test) };
      }
      if (!failed.some(({ messages }) => messages.some((message) => ASSERTION.test(message)))) {
        return { kind: "broken", about: `${nameOf(test)} fails by no assertion: ${firstLine(failed[0])}` };
      }
    }
    return { kind: "killed" };
  } finally {
    await writeFile(path, whole);
  }
}

function firstLine({ messages: [message = ""] }) {
  return message.split("\n")[0].slice(0, 160);
}

function nameOf({ file, only }) {
  return only === undefined ? file : `${file} "${only}"`;
}

/**
 * A change that does not compile is noticed by nobody but the compiler. All are checked at once, each in a file of its own
 * beside the one that it changes: once for each would take longer than their tests.
 */
async function checkTypes(directory, mutants) {
  const paths = mutants.map(({ file }, i) => join(directory, file.replace(/\.(tsx?)$/, `.mutant-${i}.$1`)));
  for (const [i, path] of paths.entries()) await writeFile(path, await changed(mutants[i]));
  const flags = ["--noUnusedLocals", "false", "--noUnusedParameters", "false", "--pretty", "false"];
  const tsc = [join(directory, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json", ...flags];
  const { status, output } = await runGuarded(nodePath(), tsc, { cwd: directory });
  for (const path of paths) await rm(path);
  if (status === 0) return;
  const lines = output
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith(" "));
  const told = lines.map((line) => {
    const [, i] = /\.mutant-(\d+)\./.exec(line) ?? [];
    return i === undefined ? line : `${mutants[Number(i)].name}: ${line.replace(/^.*?: error /, "")}`;
  });
  throw new Trouble("Not every change compiles.", { remedy: told });
}

/** Without any change the named tests are there, and green. */
async function checkUnchanged(directory, mutants) {
  // Of a file that some entry names whole all tests run, of the others those that are named.
  const tests = mutants.flatMap((mutant) => mutant.tests);
  const whole = new Set(tests.flatMap(({ file, only }) => (only === undefined ? file : [])));
  const parts = tests.filter(({ file }) => !whole.has(file));
  const all = [[...whole].map((file) => ({ file })), parts].filter(({ length }) => length > 0);
  const ran = [];
  for (const some of all) {
    const found = await runTests(directory, some);
    if (found === null) throw new Trouble("Without any change, the tests hang.");
    ran.push(...found);
  }
  for (const { name, tests } of mutants) {
    for (const test of tests) {
      const found = named(ran, test);
      if (found.length === 0) throw new Trouble(`${name} is stale: there is no test ${nameOf(test)}.`);
      const red = found.find(({ status }) => status === "failed");
      if (red) throw new Trouble(`Without any change, "${red.title}" fails: ${firstLine(red)}`);
    }
  }
}

/** Judges all, several side by side, each in a copy of its own; answers how many are not killed. */
async function judgeAll(mutants, directory, jobs) {
  const waiting = mutants.map((mutant, i) => ({ mutant, i }));
  let [done, bad] = [0, 0];
  const work = async (copy) => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const since = Date.now();
      const { kind, about = "" } = await judge(copy, next.mutant);
      const seconds = ((Date.now() - since) / 1_000).toFixed(1).padStart(5);
      const place = `${String(++done).padStart(3)}/${mutants.length}`;
      if (kind !== "killed") bad++;
      say(`${place} ${seconds} s  ${paint(kind === "killed" ? "green" : "red", kind.padEnd(8))} ${next.mutant.name}`);
      if (about !== "") say(`${" ".repeat(place.length + 10)}${about}`);
    }
  };
  const copies = Array.from({ length: Math.min(jobs, mutants.length) }, (_, i) => join(directory, String(i)));
  await Promise.all(copies.slice(1).map(copyProject));
  await Promise.all(copies.map(work));
  return bad;
}

async function run() {
  const options = /** @type {const} */ ({
    list: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    jobs: { type: "string", default: String(JOBS) },
  });
  const { list, only, jobs } = parseArgs({ options }).values;
  const { MUTANTS } = await import(inProject("test/mutants/list.ts"));
  const meant = MUTANTS.filter(
    ({ name, file }) => only.length === 0 || only.some((text) => name.includes(text) || file.includes(text)),
  );
  if (meant.length === 0) throw new Trouble(`No entry's name or file contains ${only.join(" or ")}.`);
  if (list) {
    for (const { name, file, why } of meant) say(`${paint("bold", name)}  ${file}\n    ${why}`);
    return 0;
  }
  for (const mutant of meant) await changed(mutant);
  const since = Date.now();
  const directory = await mkdtemp(join(tmpdir(), "posthorn-mutants-"));
  // However it ends.
  process.on("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  await copyProject(join(directory, "0"));
  await checkTypes(join(directory, "0"), meant);
  say("The named tests, without any change:");
  await checkUnchanged(join(directory, "0"), meant);
  say(`${paint("green", "✓")} all pass, ${Math.round((Date.now() - since) / 1_000)} s`);
  const bad = await judgeAll(meant, directory, Math.max(1, Number(jobs) || JOBS));
  say();
  say(`${meant.length - bad} killed, ${bad} not, ${Math.round((Date.now() - since) / 1_000)} s`);
  return bad === 0 ? 0 : 1;
}

async function breakOff() {
  await endAll();
  process.exit(130);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, breakOff);
watchParent(breakOff);
try {
  await ensureInstalled();
  // The list is TypeScript, which the Node that came with the dependencies reads.
  if (process.features.typescript) process.exit(await run());
  const args = ["--no-warnings", inProject("scripts/mutants.mjs"), ...process.argv.slice(2)];
  process.exit((await startGuarded(nodePath(), args, { cwd: ROOT, output: "inherit" }).exited) ?? 1);
} catch (error) {
  if (!(error instanceof Trouble)) throw error;
  complain(error.message, ...error.remedy);
  process.exit(error.exitCode);
}
