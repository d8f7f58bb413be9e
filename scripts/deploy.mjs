/**
 * `npm run deploy`: from an account with nothing in it to a Worker that serves and has proved it; run again, it updates.
 * @module
 */

import { parseArgs } from "node:util";
import { endAll, startGuarded } from "./lib/child.mjs";
import { stepsOf, untilHealthy } from "./lib/cloudflare.mjs";
import { readConfig, writeQueues } from "./lib/config.mjs";
import { databasesOf, nameDatabases } from "./lib/databases.mjs";
import { ensureInstalled, nodePath } from "./lib/install.mjs";
import { keepSecrets, keptFile, readKept, SECRETS } from "./lib/kept.mjs";
import { watchParent } from "./lib/parent.mjs";
import { inProject, ROOT } from "./lib/project.mjs";
import { complain, paint, say, Trouble } from "./lib/terminal.mjs";

/** The most pairs of queues: together 500,000 messages a second. */
const MOST_QUEUES = 100;
const USAGE = `Usage: npm run deploy [-- FLAGS]

Deploys Posthorn to your Cloudflare account. The first time it creates the database and the queues and
makes the secrets, which it keeps in a file; every time it migrates the database, deploys the Worker and
follows one event to its receiver.

  --env NAME      deploy the environment NAME of wrangler.toml, such as staging, beside the first deployment
  --queues N      with N pairs of queues, which it writes into wrangler.toml; see docs/operate, More queues
  --databases N   spread tenants over N databases from now on; wrangler.toml then names them (see docs/operate)
  --url URL       where the Worker answers, when it is not where wrangler says (a domain of yours before it)
  --dry-run       bundle and say what would be done, without asking Cloudflare
  --help          show this

  CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID   what to act with, instead of \`npx wrangler login\`
  OPERATOR_KEY, SECRETS_KEY                     with CI set: the secrets of a first deployment
`;

function readFlags(args) {
  const options = {
    env: { type: /** @type {const} */ ("string") },
    queues: { type: /** @type {const} */ ("string") },
    databases: { type: /** @type {const} */ ("string") },
    url: { type: /** @type {const} */ ("string") },
    "dry-run": { type: /** @type {const} */ ("boolean"), default: false },
    help: { type: /** @type {const} */ ("boolean"), default: false, short: "h" },
  };
  let flags;
  try {
    flags = parseArgs({ args, options }).values;
  } catch (error) {
    throw new Trouble(error.message.split(". ")[0], { remedy: USAGE.split("\n"), exitCode: 2 });
  }
  if (flags.url !== undefined && !URL.canParse(flags.url)) {
    throw new Trouble(`--url is "${flags.url}", which is no URL.`, { exitCode: 2 });
  }
  const queues = flags.queues === undefined ? undefined : Number(flags.queues);
  if (queues !== undefined && !(Number.isInteger(queues) && queues >= 1 && queues <= MOST_QUEUES)) {
    throw new Trouble(`--queues is "${flags.queues}", which is no number from 1 to ${MOST_QUEUES}.`, { exitCode: 2 });
  }
  return { ...flags, queues };
}

async function run() {
  const flags = readFlags(process.argv.slice(2));
  if (flags.help) {
    process.stdout.write(USAGE);
    return;
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, breakOff);
  watchParent(breakOff);
  await ensureInstalled();
  const environment = flags.env ?? process.env.CLOUDFLARE_ENV ?? "";
  const writes = flags.queues !== undefined && !flags["dry-run"];
  const config = writes ? await writeQueues(environment, flags.queues) : await readConfig(environment);
  if (flags.databases !== undefined) await nameDatabases(environment, flags.databases, flags["dry-run"]);
  const steps = stepsOf(environment);
  if (flags["dry-run"]) await rehearse(environment, config, steps, flags.queues);
  else if (process.env.WORKERS_CI) await update(environment, steps);
  else await deploy(environment, config, steps, flags.url);
}

async function rehearse(environment, { worker, database, queues, pairs }, steps, wanted = pairs) {
  await steps.bundle();
  done("The bundle can be made. A deployment would");
  say(`    create the database ${database} if it is missing, and migrate it;`);
  say(`    make ${SECRETS.join(" and ")} if the Worker has none, and keep them in ${keptFile(environment)};`);
  if (wanted > pairs) say(`    write ${wanted} pairs of queues into wrangler.toml, where there are ${pairs};`);
  say(`    create the queues ${queues.join(", ")} if they are missing;`);
  say(`    deploy the Worker ${worker}, and follow one event to its receiver.`);
}

/** In a build at Cloudflare: the deploy button has created everything, asked for the secrets, and kept them. */
async function update(environment, steps) {
  await migrate(environment, steps);
  await putInPlace(steps);
}

async function deploy(environment, { worker, queues }, steps, given) {
  say(`Deploying the Worker ${paint("bold", worker)}. ${paint("dim", "It takes about a minute.")}`);
  const isNew = await ensureDatabases(environment, steps);
  const { kept, handedOver } = await ensureSecrets(environment, steps, isNew);
  await migrate(environment, steps);
  const told = await putInPlace(steps, handedOver);
  done(`Its queues are ${queues.join(", ")}.`);
  const origin = given === undefined ? told : new URL(given).origin;
  await verify(environment, origin, kept.OPERATOR_KEY ?? process.env.OPERATOR_KEY);
  sayNext(environment, origin);
}

/** What the Worker lacks is made, and kept before it is handed over. What it has stays. */
async function ensureSecrets(environment, steps, isNewDatabase) {
  const before = await readKept(environment);
  const missing = await steps.lacking(SECRETS);
  const { made, kept } = await keepSecrets(environment, missing, before);
  const file = keptFile(environment);
  if (made.length > 0) {
    done(`Made ${made.join(" and ")}, kept in ${paint("bold", file)} (git ignores it).`);
    say("  Copy it to where your team keeps secrets: Cloudflare hands out none that it has.");
    if (made.includes("SECRETS_KEY") && !isNewDatabase) {
      say("  What an earlier key sealed in this database is read again once that key is the secret SECRETS_KEY_OLD.");
    }
  } else {
    done(missing.length > 0 ? `The secrets are those of ${file}.` : "The secrets are there, and stay.");
  }
  return { kept, handedOver: missing.length > 0 ? inProject(file) : undefined };
}

/** Deploys, and says where, and what wrangler warns of. */
async function putInPlace(steps, secrets) {
  const { origin, warnings } = await steps.deploy(secrets);
  for (const line of warnings) say(`${paint("yellow", "!")} ${line}`);
  done(`The Worker is deployed${origin === null ? "" : ` at ${origin}`}.`);
  return origin;
}

/** Creates what is missing of the databases. Answers whether the first is new, and with it all that is stored. */
async function ensureDatabases(environment, steps) {
  const created = [];
  for (const { name } of await databasesOf(environment)) {
    created.push(await steps.ensureDatabase(name));
    done(`The database ${name} is ${created.at(-1) ? "created" : "there"}.`);
  }
  return created[0];
}

/** All of them, before the Worker that needs it. */
async function migrate(environment, steps) {
  const databases = await databasesOf(environment);
  for (const { binding, name } of databases) {
    const applied = await steps.migrate(binding);
    const which = databases.length === 1 ? "The database" : `The database ${name}`;
    done(applied === 0 ? `${which} is up to date.` : `${which} is migrated, ${applied} steps.`);
  }
}

/** One event, from the API to its receiver: says itself what it sees. */
async function smoke(origin, key) {
  const args = [inProject("scripts/smoke.mjs"), "--url", origin];
  const env = { ...process.env, OPERATOR_KEY: key };
  return await startGuarded(nodePath(), args, { cwd: ROOT, env, output: "inherit" }).exited;
}

async function verify(environment, origin, key) {
  if (origin === null || key === undefined) {
    const what = origin === null ? "wrangler told no address of the Worker" : "the operator key is kept elsewhere";
    say(`  Not tried, since ${what}: npm run smoke -- --url https://… --key OPERATOR_KEY`);
    return;
  }
  await untilHealthy(origin);
  say();
  if ((await smoke(origin, key)) === 0) return;
  throw new Trouble("The Worker is deployed, and the event did not come through (what happened is said above).", {
    remedy: [
      `What the Worker logs: npx wrangler tail --env "${environment}"`,
      `With 401: is OPERATOR_KEY in ${keptFile(environment)} still the one that the Worker has?`,
      `Try again: npm run smoke -- --url ${origin} --key OPERATOR_KEY`,
    ],
  });
}

function sayNext(environment, origin) {
  const at = origin ?? "https://…";
  say();
  say(`Dashboard  ${paint("bold", `${at}/dashboard`)}`);
  say(`           sign in with OPERATOR_KEY, from ${keptFile(environment)} or where you keep it`);
  say(`Next       create your first tenant there, or so:`);
  say(`           curl -X PUT ${at}/v1/tenants/acme -H "Authorization: Bearer $OPERATOR_KEY" -d '{"name": "Acme"}'`);
}

function done(text) {
  say(`${paint("green", "✓")} ${text}`);
}

async function breakOff() {
  await endAll();
  process.exit(130);
}

try {
  await run();
} catch (error) {
  if (!(error instanceof Trouble)) throw error;
  complain(error.message, ...error.remedy);
  process.exitCode = error.exitCode;
}
await endAll();
