/**
 * Running the Worker here: the runtime by itself for `npm start`, wrangler for `npm run dev` and for its commands, their
 * surroundings, and what of their chatter is shown.
 * @module
 */

import { connect } from "node:net";
import { createInterface } from "node:readline";
import { runGuarded, startGuarded } from "./child.mjs";
import { databasesOf } from "./databases.mjs";
import { nodePath } from "./install.mjs";
import { inProject, ROOT } from "./project.mjs";
import { paint, plain, say, Trouble } from "./terminal.mjs";

const RUNTIME = inProject("scripts/lib/runtime.mjs");

/** The environment that has no name, whatever CLOUDFLARE_ENV says here or in a file .env: what local work is about. */
const TOP_LEVEL = "--env=";
/** How long the first answer may take, in milliseconds. It takes 2 to 5 s; a cold, busy machine takes longer. */
const READY_TIMEOUT = 120_000;
/** How many of the last hidden lines are shown when it does not come up. */
const KEPT_LINES = 40;

/**
 * Applies the D1 migrations that the local databases lack.
 *
 * @throws {Trouble} with wrangler's own words when one fails
 */
export async function applyMigrations() {
  for (const { binding } of await databasesOf("")) {
    const { status, output } = await runWrangler(["d1", "migrations", "apply", binding, "--local", TOP_LEVEL]);
    if (status !== 0)
      throw new Trouble("The local database could not be brought up to date.", { remedy: lastLines(output) });
  }
}

/**
 * Runs a command of wrangler to its end, without a terminal: it asks nothing.
 *
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [variables] over ours
 * @returns {Promise<{ status: number | null, output: string }>} what it printed, without colours
 */
export async function runWrangler(args, variables = {}) {
  const [node, all] = wrangler(...args);
  const { status, output } = await runGuarded(node, all, { cwd: ROOT, env: { ...surroundings(), ...variables } });
  return { status, output: plain(output) };
}

/**
 * Runs `wrangler dev` with its own interactive output, until it ends.
 *
 * @param {number} port
 * @param {Record<string, string>} variables for the Worker, over those of wrangler.toml
 * @returns {{ exited: Promise<number | null>, end: () => Promise<void> }}
 */
export function startInteractive(port, variables) {
  const [node, args] = wrangler(...devArguments(port, variables));
  return startGuarded(node, args, { cwd: ROOT, env: surroundings(), output: "inherit", terminal: true });
}

/**
 * Brings the local database up to date and serves the Worker on localhost, by the runtime itself: runtime.mjs.
 *
 * @param {{ port: number, variables: Record<string, string>, verbose: boolean }} options `variables`: for the Worker, over
 *   those of wrangler.toml; `verbose`: pass all of its output on
 * @returns {{ ready: Promise<void>, ended: Promise<Trouble>, end: () => Promise<void> }} `ready` is fulfilled once /health
 *   answers 200; `ended` is fulfilled, with the reason, when the runtime ends without having been asked to
 */
export function startServer({ port, variables, verbose }) {
  const flags = verbose ? ["--verbose"] : [];
  const args = ["--no-warnings", RUNTIME, String(port), JSON.stringify(variables), ...flags];
  const child = startGuarded(nodePath(), args, { cwd: ROOT, env: surroundings() });

  let crashed;
  const crash = new Promise((resolve) => {
    crashed = resolve;
  });
  const chatter = makeChatter({ verbose, onCrash: crashed });
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on("line", chatter.makeListener());

  let answered = false;
  const gone = Promise.race([child.exited, crash]);
  const ended = gone.then(async () => {
    await child.end();
    if (answered) return runtimeEnded();
    return new Trouble("The runtime ended before the Worker could answer. Its last words:", { remedy: chatter.last() });
  });
  return { ready: ready(), ended, end: child.end };

  async function ready() {
    await untilHealthy(port, gone, chatter);
    answered = true;
    chatter.showErrors();
    watchPort(port, gone, crashed);
  }
}

function runtimeEnded() {
  return new Trouble("The runtime ended unexpectedly.", {
    remedy: ["Nothing accepted is lost, its state is kept in .wrangler; run npm start again."],
  });
}

function devArguments(port, variables) {
  const settings = Object.entries(variables).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  // Port 0 is any free one: several instances must not fight over the debugger's.
  return ["dev", TOP_LEVEL, "--ip", "localhost", "--port", String(port), "--inspector-port", "0", ...settings];
}

/** wrangler's program under the Node that it accepts; its own launcher would be one more process to end. */
function wrangler(...args) {
  return [nodePath(), ["--no-warnings", inProject("node_modules/wrangler/wrangler-dist/cli.js"), ...args]];
}

/** Our environment, with all that wrangler sends, asks, fetches or shares among instances switched off. */
function surroundings() {
  return {
    ...process.env,
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_HIDE_BANNER: "true", // with the banner goes the update check
    WRANGLER_WRITE_LOGS: "false",
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
    WRANGLER_REGISTRY_PATH: inProject(".wrangler/registry"),
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    X_LOCAL_OBSERVABILITY: "false", // a trace of every call, kept on disk and in memory
  };
}

async function untilHealthy(port, gone, chatter) {
  const deadline = Date.now() + READY_TIMEOUT;
  let over = false;
  gone.then(() => {
    over = true;
  });
  while (!over && Date.now() < deadline) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // not listening yet
    }
    await Promise.race([delay(150), gone]);
  }
  if (over) return new Promise(() => {}); // `ended` says why
  throw new Trouble("The Worker does not answer /health with 200. Its last words:", { remedy: chatter.last() });
}

/** Calls back when nothing listens on the port any more: three times in a row, since a reload leaves no gap. */
function watchPort(port, gone, onClosed) {
  let refusals = 0;
  const timer = setInterval(() => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => {
      refusals = 0;
      socket.destroy();
    });
    socket.on("error", (error) => {
      refusals = error.code === "ECONNREFUSED" ? refusals + 1 : 0;
      if (refusals === 3) onClosed();
    });
  }, 1_000);
  timer.unref();
  gone.then(() => clearInterval(timer));
}

/**
 * Sorts the output. With `verbose` all of it is shown; else, once asked to, errors and the Worker's log lines at error level.
 * The last lines are kept, for the case that it does not come up.
 */
function makeChatter({ verbose, onCrash }) {
  const kept = [];
  let shown = false;
  return {
    showErrors() {
      shown = !verbose;
    },
    /** From the first error on, if there is one. */
    last() {
      const first = kept.findIndex(isError);
      return kept.slice(Math.max(first, 0)).filter((line) => line.trim() !== "");
    },
    /** One per stream, since an error runs over several lines. */
    makeListener() {
      let inError = false;
      return (line) => {
        const text = plain(line);
        kept.push(text);
        if (kept.length > KEPT_LINES) kept.shift();
        if (text.includes("runtime crashed unexpectedly")) onCrash();
        inError = isError(text) || (inError && /^\s+\S/.test(text));
        if (verbose) process.stdout.write(`${line}\n`);
        else if (shown && inError) say(`${paint("red", "error")} ${text.replace(ERROR_MARK, "").trim()}`);
      };
    },
  };
}

const ERROR_MARK = /^\s*(?:[✘X] )?\[(?:ERROR|wrangler:error)\] ?/;

function isError(text) {
  return ERROR_MARK.test(text) || /^\{.*"level":"error"/.test(text);
}

/**
 * What wrangler says of its failure: from its first error on, or else its last lines.
 *
 * @param {string} output
 */
export function lastLines(output) {
  const lines = plain(output)
    .split("\n")
    .filter((line) => line.trim() !== "");
  const first = lines.findIndex(isError);
  return lines.slice(first < 0 ? -KEPT_LINES : first);
}

function delay(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
