/**
 * The demo: what Posthorn promises, shown on a real receiver. The profiles in `demo/profiles.mjs` go through the steps in
 * `demo/steps.mjs`.
 * @module
 */

import { makeClient } from "./demo/client.mjs";
import { FAILS_FIRST } from "./demo/profiles.mjs";
import { STEPS } from "./demo/steps.mjs";
import { complain, paint, say, Trouble } from "./lib/terminal.mjs";

const TENANT = "demo";
/** How long all of it may take, in milliseconds. */
const TIMEOUT = 60_000;
/** Pages worth opening; those that do not answer are not named. */
const PAGES = [
  { path: "/dashboard", about: "the dashboard; sign in with OPERATOR_KEY" },
  { path: "/health", about: "is it well" },
  { path: "/docs", about: "the guides and the API, to read" },
  { path: "/openapi.json", about: "the API, for machines" },
];

/**
 * Runs the demo and prints it.
 *
 * @param {{ baseUrl: string, operatorKey: string, stays: boolean, signal: AbortSignal }} options `stays`: the Worker goes on
 *   serving, so the receivers go on listening and what to try next is printed
 * @returns {Promise<boolean>} whether everything that was expected has been verified
 */
export async function runDemo({ baseUrl, operatorKey, stays, signal }) {
  const started = Date.now();
  const timeout = AbortSignal.timeout(TIMEOUT);
  const either = AbortSignal.any([signal, timeout]);
  /** @type {import("./demo/steps.mjs").Stage} */
  const stage = {
    tenant: TENANT,
    api: await makeClient(baseUrl, operatorKey, either),
    signal: either,
    receiver: undefined,
    samples: new Map(),
    endpoints: new Map(),
    sent: new Map(),
    received: [],
    shown: new Set(),
    act: "forms",
  };
  say();
  say(paint("bold", "Demo: ten profiles, and receivers that believe nothing that is not signed"));
  say();
  try {
    for (const step of STEPS) await step(stage);
  } catch (error) {
    if (!signal.aborted) complainAbout(error, timeout.aborted, stage);
    stage.receiver?.close();
    return false;
  }
  say();
  say(summary(stage, Date.now() - started));
  if (stays) await sayWhatNext(baseUrl, either);
  else stage.receiver.close();
  return true;
}

function complainAbout(error, timedOut, stage) {
  if (timedOut) {
    const missing = missingIn(stage);
    const remedy = missing.length > 0 ? ["What has not arrived:", ...missing] : [];
    complain(
      `The demo gave up after ${TIMEOUT / 1000} s.`,
      ...remedy,
      "npm start -- --verbose shows what the Worker logs.",
    );
  } else if (error instanceof Trouble) {
    complain(`The demo failed. ${error.message}`, ...error.remedy);
  } else {
    complain(`The demo failed. ${error.cause?.message ?? error.message}`);
  }
}

function missingIn({ sent, received }) {
  const arrived = new Set(received.filter(({ answered }) => answered === 200).map(({ id }) => id));
  return [...sent]
    .filter(([id]) => !arrived.has(id))
    .map(([id, { profile, event }]) => `  ${profile.name}  ${event}  ${id}`);
}

function summary({ sent, received }, milliseconds) {
  const retried = [...sent.values()].filter(({ event }) => event === FAILS_FIRST.event).length;
  const forged = received.filter(({ genuine }) => !genuine).length;
  const said = `${sent.size} of ${sent.size} deliveries verified, ${retried} retried, ${forged} forged refused`;
  return `${paint("green", "✓")} ${paint("bold", said)}, in ${(milliseconds / 1000).toFixed(1)} s`;
}

async function sayWhatNext(baseUrl, signal) {
  const pages = await Promise.all(
    PAGES.map(async (page) => ((await answers(baseUrl + page.path, signal)) ? page : undefined)),
  );
  say();
  for (const { path, about } of pages.filter((page) => page !== undefined)) {
    say(`  ${(baseUrl + path).padEnd(40)}${paint("dim", about)}`);
  }
  say();
  say("Send one more, from this directory in another terminal; it is shown here:");
  say();
  const example = { event: "lead.hot", data: { company: { domain: "halden.example", leadScore: 91 } } };
  say(`  curl ${baseUrl}/v1/tenants/${TENANT}/events \\`);
  say(`    -H "Authorization: Bearer $(sed -n 's/^OPERATOR_KEY="\\(.*\\)"$/\\1/p' .dev.vars)" \\`);
  say(`    -H "Content-Type: application/json" \\`);
  say(`    -d '${JSON.stringify(example)}'`);
}

async function answers(url, signal) {
  try {
    const response = await fetch(url, { signal });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
