/**
 * `npm start`: from a fresh clone to a Worker that serves and has proved it.
 *
 * Runs on a bare Node 20 with nothing installed, so it imports nothing but Node's own modules.
 * @module
 */

import { parseArgs } from "node:util";
import { runDemo } from "./demo.mjs";
import { endAll } from "./lib/child.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { claim } from "./lib/instance.mjs";
import { watchParent } from "./lib/parent.mjs";
import { ensureDevVars, readPort } from "./lib/settings.mjs";
import { ensureWritable, storageTrouble } from "./lib/storage.mjs";
import { complain, paint, say, Trouble } from "./lib/terminal.mjs";
import { applyMigrations, startInteractive, startServer } from "./lib/wrangler.mjs";

const USAGE = `Usage: npm start [-- FLAGS]

Installs what is missing, writes .dev.vars, brings the local database up to date, serves Posthorn
on this machine, and shows with a demo that deliveries arrive, signed, retried and logged.

  --once      end after the demo, with exit status 0 only if all of it was verified
  --no-demo   only serve
  --verbose   show all that the runtime and the Worker print
  --dev       leave the terminal to wrangler, without a demo (this is npm run dev)
  --help      show this

  PORT=8788 npm start                      serve on another port than 8787
  RECONCILE_AFTER_SECONDS=5 npm start      hand unconfirmed events over again after 5 s (20 without it)
`;

/** Seconds after which an event is handed over again: sooner than deployed, since local queues forget when they restart. */
const LOCAL_RECONCILE_AFTER = "20";

let ending = false;
/** Whether an interruption is the regular end by now, or breaks something off. */
let serving = false;
/** Aborted when we are to end. */
const interrupted = new AbortController();

async function run() {
  const flags = readFlags(process.argv.slice(2));
  if (flags.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const port = readPort(process.env.PORT);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(serving ? 0 : 130));
  process.stdout.on("error", () => end(1)); // nobody reads us any more
  watchParent(() => end(1));

  const variables = await prepare(port);
  return flags.dev ? await develop(port, variables) : await serve(port, variables, flags);
}

async function serve(port, variables, flags) {
  const server = startServer({ port, variables: overrides(variables), verbose: flags.verbose });
  const died = server.ended.then((trouble) => Promise.reject(trouble));
  died.catch(() => {}); // it is looked at where it matters
  await Promise.race([server.ready, died]);

  const baseUrl = `http://localhost:${port}`;
  say(
    `${paint("green", "✓")} Posthorn serves on ${paint("bold", baseUrl)} ${paint("dim", `and http://127.0.0.1:${port}`)}`,
  );
  say("  The operator key is OPERATOR_KEY in the file .dev.vars; state is kept in .wrangler.");

  if (!flags["no-demo"]) {
    const demo = runDemo({
      baseUrl,
      operatorKey: variables.OPERATOR_KEY,
      stays: !flags.once,
      signal: interrupted.signal,
    });
    const verified = await Promise.race([demo, died]);
    if (flags.once) return verified ? 0 : 1;
    if (ending) return await died;
  }
  serving = true;
  say();
  say(`Serving until you press ${paint("bold", "Ctrl-C")}.`);
  return await died;
}

async function develop(port, variables) {
  await applyMigrations();
  serving = true;
  return (await startInteractive(port, overrides(variables)).exited) ?? 1;
}

/** All that must be there before anything can serve. */
async function prepare(port) {
  await ensureWritable();
  await claim(port, interrupted.signal);
  await ensureInstalled();
  return await ensureDevVars();
}

/** What the Worker is told over wrangler.toml: the environment wins, then .dev.vars, then what suits local work. */
function overrides(variables) {
  const set = process.env.RECONCILE_AFTER_SECONDS || variables.RECONCILE_AFTER_SECONDS;
  return { RECONCILE_AFTER_SECONDS: set || LOCAL_RECONCILE_AFTER };
}

function readFlags(args) {
  const boolean = { type: /** @type {const} */ ("boolean"), default: false };
  const options = {
    once: boolean,
    "no-demo": boolean,
    verbose: boolean,
    dev: boolean,
    help: { ...boolean, short: "h" },
  };
  let flags;
  try {
    flags = parseArgs({ args, options }).values;
  } catch (error) {
    throw new Trouble(error.message.split(". ")[0], { remedy: USAGE.split("\n"), exitCode: 2 });
  }
  if (flags.once && flags["no-demo"]) {
    throw new Trouble("--once ends after the demo, and --no-demo has none: give one of them.", { exitCode: 2 });
  }
  return flags;
}

/** Ends everything in an orderly way, and then this process. */
async function end(status) {
  if (ending) return;
  ending = true;
  interrupted.abort();
  await endAll();
  if (status === 0) {
    say();
    say("Ended. State is kept in .wrangler: npm start goes on from there.");
  }
  process.exit(status);
}

try {
  const status = await run();
  await endAll();
  if (!ending) process.exit(status);
} catch (error) {
  if (!ending) {
    const trouble = storageTrouble(error) ?? error;
    if (trouble instanceof Trouble) complain(trouble.message, ...trouble.remedy);
    else console.error(trouble);
    await endAll();
    process.exit(trouble instanceof Trouble ? trouble.exitCode : 1);
  }
}
