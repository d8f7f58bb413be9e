/**
 * The steps of the demo, in order. Each gets the stage, does one thing, prints it, and throws when it did not go as expected.
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { paint, Trouble } from "../lib/terminal.mjs";
import { clock, count, formHead, formRow, heading, mark, row } from "./print.mjs";
import { FAILS_FIRST, FOR_ALL, PROFILES, TEST_SEND } from "./profiles.mjs";
import { startReceiver } from "./receiver.mjs";
import { postHistory } from "./signals.mjs";
import { CHECKS } from "./verify.mjs";
import { until } from "./wait.mjs";

/**
 * What the steps share.
 *
 * @typedef {object} Stage
 * @property {string} tenant
 * @property {import("../../src/client/index").Client} api
 * @property {AbortSignal} signal
 * @property {Awaited<ReturnType<typeof startReceiver>>} receiver
 * @property {Map<string, any[]>} samples the event types of each vendor's catalog, by profile
 * @property {Map<string, any>} endpoints as the API answered them, by profile
 * @property {Map<string, Sent>} sent by delivery id
 * @property {import("./receiver.mjs").Delivery[]} received in order
 * @property {Set<string>} shown the deliveries that have their line already, with the attempt
 * @property {"forms" | "samples" | "over"} act what is going on: whether arrivals are tabled, told or merely shown
 */

/**
 * @typedef {object} Sent
 * @property {import("./profiles.mjs").Profile} profile
 * @property {string} event
 * @property {unknown} data
 * @property {any} accepted the event as the API answered it
 */

/** @type {((stage: Stage) => Promise<void>)[]} */
export const STEPS = [
  createTenant,
  installCatalogs,
  startListening,
  createEndpoints,
  sendForged,
  sendToAll,
  sendSamples,
  showRetry,
  awaitSamples,
  sendTest,
  showLog,
  postHistory,
];

async function createTenant({ api, tenant }) {
  await api.tenants.put(tenant, { name: "Demo" });
  row("tenant", tenant);
  // The receivers of earlier runs are gone.
  const { data } = await api.endpoints.list(tenant, { query: { limit: 250 } });
  await Promise.all(data.map(({ id }) => api.endpoints.delete(tenant, id)));
  if (data.length > 0) row("", paint("dim", `deleted ${count(data.length, "endpoint")} of an earlier run`));
}

async function installCatalogs({ api, samples }) {
  for (const { name } of PROFILES.filter(({ isVendor }) => isVendor)) {
    samples.set(name, (await api.eventTypes.install(name)).data);
  }
  const types = [...samples.values()].flat();
  row("catalogs", `${[...samples.keys()].join(", ")}  ${paint("dim", count(types.length, "event type"))}`);
}

async function startListening(stage) {
  stage.receiver = await startReceiver({
    answer: ({ id, event, attempt }) => {
      if (stage.act === "over" || event !== FAILS_FIRST.event) return 200;
      // The 202 may still be under way when the first attempt comes, so the attempts that came decide.
      const first = attempt <= 1 && !stage.received.some((earlier) => earlier.id === id);
      return first ? FAILS_FIRST.status : 200;
    },
    onDelivery: (delivery) => {
      stage.received.push(delivery);
      if (stage.act === "over" || stage.sent.has(delivery.id)) show(stage, delivery);
    },
  });
  row("receiver", `${stage.receiver.origin}  ${paint("dim", "a path, and a check, per profile")}`);
}

async function createEndpoints(stage) {
  const { api, tenant, receiver, samples, endpoints } = stage;
  const warnings = [];
  for (const { name, settings } of PROFILES) {
    const endpoint = await api.endpoints.create(tenant, {
      name: `demo ${name}`,
      profile: name,
      url: receiver.urlOf(name),
      events: [FOR_ALL.event, ...(samples.get(name) ?? []).map((type) => type.name)],
      ...settings,
    });
    receiver.trust(name, endpoint.secret);
    endpoints.set(name, endpoint);
    warnings.push(...endpoint.warnings);
  }
  row("endpoints", `${endpoints.size}  ${paint("dim", "one per profile, each with a secret of its own")}`);
  for (const { message } of warnings) {
    const [first, rest] = message.split(/(?<=:) (.*)/s);
    row("warning", paint("yellow", first));
    if (rest) row("", paint("dim", rest));
  }
}

/** Somebody who does not know the secrets tries each receiver: were one accepted, the checks below would mean nothing. */
async function sendForged({ receiver, signal }) {
  for (const { name } of PROFILES) {
    const prefix = CHECKS[name].header.replace(/-signature$/i, "");
    const time = String(Math.floor(Date.now() / 1000));
    const response = await fetch(receiver.urlOf(name), {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "x-webhook-event": FOR_ALL.event,
        "x-webhook-id": "forged by the demo",
        [`${prefix}-id`]: "forged by the demo",
        [`${prefix}-timestamp`]: time,
        [CHECKS[name].header]: name === "stripe" ? `t=${time},v1=${"0".repeat(64)}` : "0".repeat(64),
      },
      body: JSON.stringify(FOR_ALL.data),
      signal,
    });
    await response.arrayBuffer();
    if (response.status !== 401) {
      throw new Trouble(`The receiver of ${name} answered ${response.status} to a forged request.`);
    }
  }
  row("forged", `${count(PROFILES.length, "request")} refused  ${paint("dim", "signature wrong, answered 401")}`);
}

/** One event, and as many forms as there are profiles. */
async function sendToAll(stage) {
  const { endpoints, sent } = stage;
  heading(`One event, ${FOR_ALL.event}, in ten forms`);
  const accepted = await post(stage, FOR_ALL.event, FOR_ALL.data);
  for (const profile of PROFILES) {
    const delivery = deliveryFor(accepted, endpoints.get(profile.name));
    sent.set(delivery.id, { profile, event: FOR_ALL.event, data: FOR_ALL.data, accepted });
  }
  formHead();
  for (const [id, { profile }] of sent) {
    await arrived(stage, id);
    const { raw } = check(stage, id);
    formRow(profile.name, CHECKS[profile.name].header, raw);
  }
  if (sent.size !== PROFILES.length) throw new Trouble(`${sent.size} endpoints got it, not ${PROFILES.length}.`);
  stage.act = "samples";
}

async function sendSamples(stage) {
  const { samples, endpoints, sent } = stage;
  heading("The vendors' own events with their catalogs' samples; one fails on purpose");
  for (const profile of PROFILES) {
    for (const { name: event, sample } of samples.get(profile.name) ?? []) {
      const accepted = await post(stage, event, sample);
      const { id } = deliveryFor(accepted, endpoints.get(profile.name));
      sent.set(id, { profile, event, data: sample, accepted });
      // A delivery may be faster than the answer to the request that caused it.
      for (const early of stage.received) if (early.id === id) show(stage, early);
    }
  }
}

async function showRetry(stage) {
  for (const [id, { profile, event }] of stage.sent) {
    if (event !== FAILS_FIRST.event) continue;
    const delivery = await until(stage, async () => {
      const read = await readDelivery(stage, id);
      return read.attempts > 0 ? read : undefined;
    });
    const [first] = delivery.attemptLog;
    if (first.statusCode !== FAILS_FIRST.status) {
      throw new Trouble(
        `The first attempt of ${id} should have ${FAILS_FIRST.status} in its log, not ${first.statusCode}.`,
      );
    }
    if (delivery.nextAttemptAt === null) continue; // the retry was faster than our reading
    const seconds = (Date.parse(delivery.nextAttemptAt) - Date.now()) / 1000;
    mark(
      paint("yellow", "↻"),
      delivery.status,
      profile.name,
      event,
      `attempt 2 in ${Math.max(seconds, 0).toFixed(1)} s`,
    );
  }
}

/** Waits until each sample has arrived, signed and unchanged, and the API says so too. */
async function awaitSamples(stage) {
  for (const id of stage.sent.keys()) {
    await arrived(stage, id);
    check(stage, id);
  }
}

/** A test takes the same path, and is answered with what came of it. */
async function sendTest(stage) {
  const { api, tenant, endpoints, samples, sent } = stage;
  const endpoint = endpoints.get(TEST_SEND.profile);
  const { delivery, attempt } = await api.endpoints.test(tenant, endpoint.id, { event: TEST_SEND.event });
  if (delivery.status !== "succeeded" || !delivery.test || attempt?.statusCode !== 200) {
    throw new Trouble(`The test of ${TEST_SEND.event} was answered ${attempt?.statusCode ?? attempt?.error}.`);
  }
  const profile = PROFILES.find(({ name }) => name === TEST_SEND.profile);
  const data = samples.get(profile.name).find(({ name }) => name === TEST_SEND.event).sample;
  sent.set(delivery.id, { profile, event: TEST_SEND.event, data, accepted: { id: delivery.eventId } });
  check(stage, delivery.id);
  mark(paint("green", "✓"), "test send", profile.name, TEST_SEND.event, about(attempt.number, attempt.durationMs));
  stage.act = "over";
}

async function showLog(stage) {
  for (const [id, { event }] of stage.sent) {
    if (event !== FAILS_FIRST.event) continue;
    const { status, attemptLog } = await readDelivery(stage, id);
    heading(`The log of ${event}, ${status}, read back through the API`);
    row("delivery", id);
    for (const { number, at, statusCode, error, durationMs } of attemptLog) {
      const outcome = paint(error === null ? "green" : "red", String(statusCode ?? error));
      row(`attempt ${number}`, `${clock(at)}   ${outcome}   ${String(durationMs).padStart(4)} ms`);
    }
    const statuses = attemptLog.map(({ statusCode }) => statusCode);
    if (statuses[0] !== FAILS_FIRST.status || statuses.at(-1) !== 200) {
      throw new Trouble(`The log of ${id} should go from ${FAILS_FIRST.status} to 200, not ${statuses.join(", ")}.`);
    }
  }
}

function post({ api, tenant }, event, data) {
  return api.events.post(tenant, { event, data });
}

function deliveryFor(accepted, endpoint) {
  const delivery = accepted.deliveries.find((candidate) => candidate.endpoint === endpoint.id);
  if (delivery === undefined) throw new Trouble(`${accepted.event} was accepted, but not for ${endpoint.name}.`);
  return delivery;
}

/** Waits until the API says that a delivery has succeeded. */
async function arrived(stage, id) {
  await until(stage, async () => (await readDelivery(stage, id)).status === "succeeded" || undefined);
}

/** Holds what the receiver got of a delivery against what was sent, and answers its last attempt. */
function check(stage, id) {
  const { profile, event, data, accepted } = stage.sent.get(id);
  const attempts = stage.received.filter((delivery) => delivery.genuine && delivery.id === id);
  const last = attempts.at(-1);
  const what = `${event} for ${profile.name} (${id})`;
  if (last?.answered !== 200) throw new Trouble(`${what} is said to have succeeded, but no receiver has accepted it.`);
  if (last.profile !== profile.name) throw new Trouble(`${what} came to the receiver of ${last.profile}.`);
  if (last.event !== event) throw new Trouble(`${what} came as ${last.event}.`);
  if (attempts.some(({ raw }) => !raw.equals(last.raw))) throw new Trouble(`The attempts of ${what} differ.`);
  const body = JSON.parse(last.raw.toString("utf8"));
  if ("event" in body && "id" in body && body.id !== accepted.id) {
    throw new Trouble(`${what} carried the id ${body.id}, not ${accepted.id}.`);
  }
  const came = profile.dataOf(body);
  if (!isDeepStrictEqual(came, data) && !isDeepStrictEqual(came, [data])) {
    throw new Trouble(`${what} arrived with other data than was sent.`);
  }
  const needed = event === FAILS_FIRST.event ? 2 : 1;
  if (attempts.length < needed) throw new Trouble(`${what} should have taken ${needed} attempts.`);
  return last;
}

function readDelivery({ api, tenant, sent, endpoints }, id) {
  const { id: endpoint } = endpoints.get(sent.get(id).profile.name);
  return api.deliveries.get(tenant, endpoint, id);
}

/** Prints an attempt that came, once. */
function show(stage, { profile, id, event, attempt, genuine, at, answered }) {
  const key = `${id} ${attempt}`;
  if (stage.act === "forms" || (stage.act === "samples" && stage.shown.has(key))) return;
  stage.shown.add(key);
  if (!genuine) return mark(paint("red", "✗"), "refused", profile, event, paint("red", "signature wrong"));
  const accepted = Date.parse(stage.sent.get(id)?.accepted.timestamp);
  const told = about(attempt, Number.isNaN(accepted) ? undefined : at - accepted);
  if (answered === 200) return mark(paint("green", "✓"), "delivered", profile, event, told);
  return mark(paint("yellow", "✗"), "failed", profile, event, `${about(attempt)}, answered ${answered}`);
}

function about(attempt, milliseconds) {
  const age = milliseconds === undefined ? "" : `${String(milliseconds).padStart(5)} ms`;
  return `attempt ${attempt}  ${paint("green", "verified")} ${age}`.trimEnd();
}
