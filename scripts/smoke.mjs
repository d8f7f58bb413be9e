/**
 * `npm run smoke -- --url https://… --key …`: what to run right after a deployment. Posts one event, checks that it was
 * delivered signed, and prints how long each hop took. Whatever it creates is of a tenant of its own, which it deletes.
 *
 * The receiver is `--receiver URL`; without it, the script itself where the deployment is on this machine, and else the
 * deployment's own echo, which answers a delivery with what it was sent.
 * @module
 */

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { complain, paint, say, Trouble } from "./lib/terminal.mjs";

const ECHO_URL = "https://echo.invalid/";
/** How long a delivery may take, in ms. */
const PATIENCE = 30_000;
/** How long one call may take, in ms. */
const CALL_TIMEOUT = 15_000;

/** @returns {{ url: string, key: string, receiver: string | undefined }} */
function readOptions() {
  const usage = [
    "npm run smoke -- --url https://posthorn.example.workers.dev --key OPERATOR_KEY [--receiver https://…]",
  ];
  let values;
  try {
    ({ values } = parseArgs({
      options: { url: { type: "string" }, key: { type: "string" }, receiver: { type: "string" } },
    }));
  } catch (error) {
    throw new Trouble(error.message, { remedy: usage, exitCode: 2 });
  }
  const key = values.key ?? process.env.OPERATOR_KEY;
  if (values.url === undefined || key === undefined || !URL.canParse(values.url)) {
    throw new Trouble("Say which deployment, and its operator key.", { remedy: usage, exitCode: 2 });
  }
  return { url: new URL(values.url).origin, key, receiver: values.receiver };
}

/** A client of the API; throws {@link Trouble} with the answer unless it is 2xx. */
function apiOf(url, key) {
  return async (method, path, body) => {
    let response;
    try {
      response = await fetch(`${url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${key}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(CALL_TIMEOUT),
      });
    } catch (error) {
      throw new Trouble(`${method} ${path}: ${error.cause?.message ?? error.message}`, {
        remedy: ["Is the URL right, and the Worker deployed?"],
      });
    }
    const text = await response.text();
    if (response.ok) return text === "" ? null : JSON.parse(text);
    const remedy = response.status === 401 ? ["Give the OPERATOR_KEY that the Worker has: --key …"] : [];
    throw new Trouble(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`, { remedy });
  };
}

/** A receiver on this machine that keeps what it is sent. */
async function startReceiver() {
  const seen = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    seen.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
    response.writeHead(204).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}/`, seen, stop: () => server.close() };
}

/** Whether a body carries the signature of this secret. */
function isSigned({ headers, body }, secret) {
  const [, given = ""] = Object.entries(headers).find(([name]) => name.toLowerCase() === "x-webhook-signature") ?? [];
  const expected = createHmac("sha256", secret).update(body).digest("hex");
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}

/** The delivery once its first attempt is in the log. */
async function attempted(api, path) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const delivery = await api("GET", path);
    if (delivery.attemptLog.length > 0) return delivery;
    if (Date.now() > deadline) {
      throw new Trouble(`The delivery is still ${delivery.status} after ${PATIENCE / 1_000} s.`, {
        remedy: ["Are the queues there, and do they have this Worker as their consumer? npx wrangler queues list"],
      });
    }
    await sleep(100);
  }
}

function hop(name, ms) {
  say(`${name.padEnd(44)} ${String(Math.max(Math.round(ms), 0)).padStart(6)} ms`);
}

/** Posts one event and follows it. */
async function smoke({ url, key, receiver: given }) {
  const api = apiOf(url, key);
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);
  const own = given === undefined && local ? await startReceiver() : null;
  const receiver = given ?? own?.url ?? ECHO_URL;
  const tenant = `smoke-${randomBytes(6).toString("hex")}`;
  const secret = randomBytes(32).toString("hex");
  let created = false;
  try {
    let started = performance.now();
    await api("GET", "/health");
    hop("health", performance.now() - started);
    started = performance.now();
    await api("PUT", `/v1/tenants/${tenant}`, { name: "Smoke test" });
    created = true;
    const endpoint = await api("POST", `/v1/tenants/${tenant}/endpoints`, {
      url: receiver,
      events: ["smoke.test"],
      profile: "clearview",
      secret,
      retry: [],
    });
    hop("a tenant and an endpoint created", performance.now() - started);
    started = performance.now();
    const event = await api("POST", `/v1/tenants/${tenant}/events`, { event: "smoke.test", data: { tenant } });
    hop("event posted, 202 answered", performance.now() - started);
    const [delivery] = event.deliveries;
    if (delivery === undefined) throw new Trouble("The event matched no endpoint.");
    const done = await attempted(api, `/v1/tenants/${tenant}/endpoints/${endpoint.id}/deliveries/${delivery.id}`);
    const [attempt] = done.attemptLog;
    hop("accepted, through the queue, request begun", Date.parse(attempt.at) - Date.parse(event.timestamp));
    hop("receiver answered", attempt.durationMs);
    hop("event posted, delivery in the log", performance.now() - started);
    checkReceived({ own, receiver, attempt, secret });
    say();
    say(`${paint("green", "✓")} Delivered to ${receiver} and signed.`);
  } finally {
    own?.stop();
    if (created) await remove(api, tenant);
  }
}

/** Deletes what was created, whatever has happened. */
async function remove(api, tenant) {
  try {
    await api("DELETE", `/v1/tenants/${tenant}`);
  } catch (error) {
    complain(`The tenant ${tenant} could not be deleted.`, error.message);
  }
}

/** Throws unless the receiver was sent the event, signed with the endpoint's secret. */
function checkReceived({ own, receiver, attempt, secret }) {
  const { statusCode, error, request, response } = attempt;
  if (error !== null) {
    throw new Trouble(`The attempt failed: ${error}${statusCode === null ? "" : `, status ${statusCode}`}.`, {
      remedy: [`Can ${receiver} be reached, and does it answer a POST with 2xx?`],
    });
  }
  // What the receiver saw where it can be asked; else what the log says that was sent.
  const seen = own?.seen[0] ?? (receiver === ECHO_URL ? JSON.parse(response?.body ?? "{}") : request);
  if (!isSigned(seen, secret)) throw new Trouble("The delivery arrived, and its signature is not the endpoint's.");
}

try {
  await smoke(readOptions());
} catch (error) {
  if (!(error instanceof Trouble)) throw error;
  complain(error.message, ...error.remedy);
  process.exitCode = error.exitCode;
}
