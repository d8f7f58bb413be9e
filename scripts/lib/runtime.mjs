/**
 * The Worker as it is deployed, in the Workers runtime on this machine: the program behind `npm start`, a process of its own
 * under the Node that came with the dependencies. `wrangler dev` is made for editing: before the Worker it has a proxy, and
 * beside it a trace of every call, which take most of the time and of the memory. Here the Worker has the socket. State lies
 * where wrangler keeps it, so that `npm run dev` and `wrangler d1` go on with the same.
 *
 *   node runtime.mjs PORT VARIABLES [--verbose]   VARIABLES: JSON, over those of wrangler.toml and .dev.vars
 *
 * It prints what of the Worker's lines are errors, or all of them, and ends as soon as the runtime does.
 * @module
 */

import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startGuarded } from "./child.mjs";
import { inProject, WORKER } from "./project.mjs";

// wrangler brings the one that it was made for.
const { convertV4MiniflareOptions, Log, LogLevel, Miniflare } = createRequire(
  createRequire(import.meta.url).resolve("wrangler"),
)("miniflare");

/** Where wrangler keeps state, too. */
const STATE = inProject(".wrangler/state/v3");
/** wrangler's own table of the migrations that a database has had. */
const APPLIED = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;
/** Between the statements of a migration; drizzle-kit writes it. */
const BREAKPOINT = "--> statement-breakpoint";

/** Miniflare's words, those of a crash last: it would start another runtime, and nobody would know why all hung. */
class Words extends Log {
  log(message) {
    process.stderr.write(`${message}\n`);
    if (message.includes("runtime crashed unexpectedly")) process.exit(1);
  }
}

function start(worker) {
  return new Miniflare(
    convertV4MiniflareOptions({
      log: new Words(LogLevel.WARN, { prefix: "runtime" }),
      handleStructuredLogs: ({ message }) => process.stdout.write(`${message}\n`),
      logRequests: false,
      resourcePersistencePath: STATE,
      workers: [worker],
    }),
  );
}

/** Brings the databases up to date, before anything may ask them. */
async function migrate(name, databases, { d1Databases, compatibilityDate }) {
  const script = "export default {}";
  const miniflare = start({ name, compatibilityDate, modules: true, script, d1Databases });
  for (const { binding, migrations_dir: directory } of databases) {
    const database = await miniflare.getD1Database(binding);
    await database.prepare(APPLIED).run();
    const { results } = await database.prepare("SELECT name FROM d1_migrations").all();
    const applied = new Set(results.map((row) => row.name));
    const files = (await readdir(inProject(directory))).filter((file) => file.endsWith(".sql")).toSorted();
    for (const file of files.filter((candidate) => !applied.has(candidate))) {
      const text = await readFile(inProject(join(directory, file)), "utf8");
      const statements = text.split(BREAKPOINT).map((statement) => database.prepare(statement));
      const note = database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(file);
      // All of a migration, or nothing.
      await database.batch([...statements, note]);
    }
  }
  await miniflare.dispose();
}

/** The first line that begins so. */
async function lineOf(stream, beginning) {
  for await (const line of createInterface(stream)) if (line.startsWith(beginning)) return line;
  return new Promise(() => {}); // its end says why there is none
}

/** What bundle.mjs makes: its one line, and then that it is through. */
function bundle() {
  const child = startGuarded(process.execPath, ["--no-warnings", inProject("scripts/lib/bundle.mjs")]);
  child.stderr.pipe(process.stderr, { end: false });
  // wrangler itself says something there, too.
  const line = lineOf(child.stdout, "{").then((text) => JSON.parse(text));
  const made = child.exited.then((status) => {
    if (status !== 0) process.exit(1); // it has said why
  });
  return { line, made };
}

async function serve(port, variables, verbose) {
  const { line, made } = bundle();
  const { name, databases, options } = await line;
  await Promise.all([made, migrate(name, databases, options)]);
  const { modulesRules: _, ratelimits, assets, bindings, ...rest } = options;
  const rates = Object.entries(ratelimits ?? {}).map(([binding, { simple }]) => [binding, simple]);
  const miniflare = start({
    ...rest,
    name,
    modules: [
      {
        type: "ESModule",
        path: inProject("dist/local.js"),
        contents: await readFile(inProject("scripts/lib/local.js")),
      },
      { type: "ESModule", path: WORKER },
    ],
    assets: { ...assets, binding: "LOCAL_ASSETS" },
    bindings: {
      ...bindings,
      ...variables,
      LOCAL_RATES: Object.fromEntries(rates),
      ...(verbose ? { LOCAL_VERBOSE: "true" } : {}),
    },
    unsafeDirectSockets: [{ host: "localhost", port, entrypoint: "Local" }],
  });
  process.once("SIGTERM", async () => {
    await miniflare.dispose();
    process.exit(0);
  });
  await miniflare.ready;
}

try {
  const [port, variables, verbose] = process.argv.slice(2);
  await serve(Number(port), JSON.parse(variables), verbose === "--verbose");
} catch (error) {
  process.stderr.write(`✘ [ERROR] ${error.stack}\n`);
  process.exit(1);
}
