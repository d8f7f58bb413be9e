/**
 * The steps of a deployment, each a command of wrangler. Each can be taken again: what is there stays as it is.
 * @module
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Trouble } from "./terminal.mjs";
import { lastLines, runWrangler } from "./wrangler.mjs";

/** How long a Worker that was deployed may take until it answers, in ms: a new name on workers.dev takes up to a minute. */
const PATIENCE = 120_000;
/** What wrangler says where it may not act for an account, or does not know for which. */
const UNKNOWN_CALLER =
  /not (?:logged in|authenticated)|CLOUDFLARE_API_TOKEN|CLOUDFLARE_ACCOUNT_ID|\[code: (?:10000|9109|6003)\]/;
const LOG_IN = [
  "Log in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN to a token that may edit Workers, D1 and Queues; with several",
  "accounts, set CLOUDFLARE_ACCOUNT_ID too.",
];
const AGAIN = "Then run the same command again: what is done is not done twice.";

/**
 * The commands for one environment.
 *
 * @param {string} environment "" for the top level
 */
export function stepsOf(environment) {
  // Said always, since without it wrangler would take the one that a file .env names.
  const target = `--env=${environment}`;

  /** Runs one command; throws {@link Trouble} with wrangler's words, what they mean here, and what to do. */
  async function step(args, failed, state, variables) {
    const { status, output } = await runWrangler([...args, target], variables);
    if (status !== 0) throw failure(output, failed, state);
    return output;
  }

  return {
    /** Creates the database where the account has none of that name. @returns {Promise<boolean>} whether it did */
    async ensureDatabase(name) {
      const listed = await step(
        ["d1", "list", "--json"],
        "Cloudflare does not list the databases.",
        "Nothing was changed.",
      );
      if (jsonIn(listed).some((database) => database.name === name)) return false;
      await step(["d1", "create", name], `The database ${name} could not be created.`, "Nothing was changed.");
      return true;
    },

    /** Which of these secrets the Worker lacks: all where there is none yet. @returns {Promise<string[]>} */
    async lacking(names) {
      const { status, output } = await runWrangler(["secret", "list", "--format", "json", target]);
      if (status !== 0) {
        if (/Worker "[^"]+".* not found/.test(output)) return names;
        throw failure(output, "Cloudflare does not list the Worker's secrets.", "The Worker was not touched.");
      }
      const there = jsonIn(output).map(({ name }) => name);
      return names.filter((name) => !there.includes(name));
    },

    /** Applies what migrations a database lacks. @returns {Promise<number>} how many */
    async migrate(binding) {
      const output = await step(
        ["d1", "migrations", "apply", binding, "--remote"],
        "The database could not be migrated.",
        "The migration that failed was undone, and the Worker was not touched.",
      );
      return new Set(output.match(/\S+\.sql\b/g)).size;
    },

    /**
     * Bundles and deploys; wrangler creates the queues that are missing by itself.
     *
     * @param {string | undefined} secrets the file of those that the Worker lacks
     * @returns {Promise<{ origin: string | null, warnings: string[] }>} the origin that it answers at, where wrangler tells
     *   one, and what wrangler would have asked about on a terminal: that the dashboard's settings are written over
     */
    async deploy(secrets) {
      const directory = await mkdtemp(join(tmpdir(), "posthorn-deploy-"));
      try {
        const report = join(directory, "report");
        const output = await step(
          ["deploy", ...(secrets === undefined ? [] : ["--secrets-file", secrets])],
          "The Worker could not be deployed.",
          "The database is migrated; whatever version of the Worker was deployed before goes on.",
          { WRANGLER_OUTPUT_FILE_PATH: report },
        );
        return { origin: originIn(await readFile(report, "utf8")), warnings: warningsIn(output) };
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },

    /** Bundles only, as deploying would. */
    async bundle() {
      await step(["deploy", "--dry-run"], "The Worker cannot be bundled.", "Nothing was changed.");
    },
  };
}

/**
 * Waits until the Worker answers `/health` with 200.
 *
 * @param {string} origin
 * @throws {Trouble} with its last answer, when it does not in time
 */
export async function untilHealthy(origin) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask(`${origin}/health`);
    if (answer === null) return;
    // 503 is an answer of the Worker's own: waiting changes nothing.
    if (Date.now() > deadline || answer.startsWith("503")) {
      throw new Trouble(`${origin}/health does not answer 200: ${answer}`, {
        remedy: ["The Worker is deployed. What it logs: npx wrangler tail", AGAIN],
      });
    }
    await sleep(1_000);
  }
}

/** Null when it is 200, else what it is. */
async function ask(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    const text = await response.text();
    return response.status === 200 ? null : `${response.status} ${text.slice(0, 300)}`;
  } catch (error) {
    return error.cause?.message ?? error.message;
  }
}

function failure(output, failed, state) {
  const remedy = [...lastLines(output).map((line) => line.trim()), state];
  return new Trouble(failed, { remedy: [...remedy, ...(UNKNOWN_CALLER.test(output) ? LOG_IN : []), AGAIN] });
}

/** The JSON list that a command printed, after whatever warnings. */
function jsonIn(output) {
  return JSON.parse(output.slice(output.search(/^\[/m)));
}

/** Each warning with the lines that belong to it. */
function warningsIn(output) {
  const blocks = output.match(/\[WARNING\].*(?:\n(?:[ \t].*)?)*/g) ?? [];
  return blocks
    .flatMap((block) => block.replace("[WARNING]", "").split("\n"))
    .map((line) => line.trim())
    .filter(Boolean);
}

/** The first target of a deployment that is a host: wrangler tells its queues and schedules, too. */
function originIn(report) {
  const entries = report
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const targets = entries.find(({ type }) => type === "deploy")?.targets ?? [];
  const hosts = targets.map(
    (target) => /^(?:https:\/\/)?([\w-]+(?:\.[\w-]+)+)(?: \(custom domain.*\))?$/.exec(target)?.[1],
  );
  const host = hosts.find((one) => one !== undefined);
  return host === undefined ? null : `https://${host}`;
}
