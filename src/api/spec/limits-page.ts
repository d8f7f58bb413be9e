/**
 * The page `/docs/limits`: everything that is limited, from the constants and variables that limit it.
 * @module
 */

import { MAX_KEYS } from "../../config/access/keys";
import { MAX_SECRETS } from "../../config/endpoints/secrets";
import { MAX_EVENT_TYPES, MAX_LOADED_BYTES, MAX_OF_EACH } from "../../config/limits";
import { MAX_ITEMS } from "../../config/rules/lists";
import { type Env, entityTtlMs, maxEndpoints, retentionMs } from "../../contracts/env";
import { INLINE_DATA_BYTES } from "../../contracts/messages";
import { DOCS_HEADERS, marked, page, table } from "../../docs/frame";
import { MOST_BYTES as MOST_OF_ENDPOINT } from "../../endpoint/jobs/capacity";
import { COUNT_MOST, MOST_RECOVERIES } from "../../endpoint/jobs/jobs";
import { LANES, SLOTS } from "../../endpoint/policy/admission";
import { LOG_ATTEMPTS, LOG_BYTES } from "../../endpoint/storage/attempt-log";
import { MOST_BYTES as MOST_OF_DAY } from "../../event-log/journal/capacity";
import { MAX_FILTER_BYTES } from "../../lib/filter/filter-errors";
import { MAX_VISITS } from "../../lib/filter/visits";
import { MAX_STEPS, MAX_TEXT } from "../../lib/json/json-schema-cost";
import { MAX_HEADER_BYTES, MAX_HEADERS } from "../../lib/net/header-policy";
import { DAY } from "../../lib/time";
import { LANES_OF_ONE } from "../../send/invocation/lanes";
import { BODY_BYTES, HEADER_BYTES } from "../../send/send";
import { MAX_PENDING, MAX_PENDING_LENGTH, MAX_REVEALED } from "../../signals/recollection";
import { MAX_BODY } from "../http/body";
import { router } from "../http/context";

const number = (value: number) => value.toLocaleString("en-US");

/** A number of bytes in the largest unit that it is a whole number of. Pure. */
export function bytes(value: number): string {
  const units = [
    [2 ** 20, "MiB"],
    [1e9, "GB"],
    [1e6, "MB"],
    [2 ** 10, "KiB"],
    [1e3, "KB"],
  ] as const;
  const [size, unit] = units.find(([size]) => value % size === 0) ?? [1, "bytes"];
  return `${number(value / size)} ${unit}`;
}

/** What is limited, and how; what stands between backticks is code. */
export function limitsOf(env: Env): [what: string, limit: string][] {
  return [
    ["request body", `${bytes(MAX_BODY)}; then 413`],
    [
      "`data` that travels in the queue's message",
      `${bytes(INLINE_DATA_BYTES)}; larger is read from the event log when it is sent`,
    ],
    [
      "in flight",
      `${SLOTS} per endpoint; ${LANES} per consumer invocation, ${LANES_OF_ONE} of them for one endpoint while others wait`,
    ],
    [
      "kept of a response",
      `${bytes(BODY_BYTES)} of the body, ${bytes(HEADER_BYTES)} of headers, with the endpoint's secrets masked`,
    ],
    [
      "kept of a delivery's attempts",
      `the last ${LOG_ATTEMPTS}, within ${bytes(LOG_BYTES)}; beyond it the oldest responses are dropped`,
    ],
    ["endpoints of a tenant", `${number(maxEndpoints(env))} (\`MAX_ENDPOINTS\`); then 409`],
    ["keys of a tenant", `${MAX_KEYS}; then 409`],
    ["segments, automations, signals, lists", `${MAX_OF_EACH} each of a tenant; then 409`],
    ["items of a list", `${number(MAX_ITEMS)}; then 409`],
    ["secrets of an endpoint at a time", `${MAX_SECRETS}, while they are being replaced`],
    ["headers of an endpoint's own", `${MAX_HEADERS}, ${bytes(MAX_HEADER_BYTES)} each`],
    [
      "recoveries of an endpoint that wait",
      `${MOST_RECOVERIES}; then 409. Each counts up to ${number(COUNT_MOST)} deliveries`,
    ],
    ["a filter", `${bytes(MAX_FILTER_BYTES)} of JSON, wherever it stands; then 422`],
    ["what a filter looks at", `${number(MAX_VISITS)} values of an event; beyond it nothing matches`],
    [
      "what is matched of a tenant",
      `${bytes(MAX_LOADED_BYTES)}: endpoints' \`events\` and filters, automations with segments, signals; then 422`,
    ],
    [
      "an enforced schema's check",
      `${number(MAX_STEPS)} comparisons, texts of ${number(MAX_TEXT)} characters; beyond it an event is not checked`,
    ],
    ["event types", `${number(MAX_EVENT_TYPES)}; then 409`],
    ["accepted events of a tenant", "`ACCEPT_RATE` in wrangler.toml; then 429 with `Retry-After`"],
    ["refusals of an address", "`SIGN_IN_RATE` in wrangler.toml: 401s, sign-ins and portal links; then 429"],
    ["events of a tenant and UTC day", `${bytes(MOST_OF_DAY)}; then 503 until the next day`],
    [
      "deliveries of an endpoint",
      `${bytes(MOST_OF_ENDPOINT)}; then the oldest finished ones go before retention ends, their responses first`,
    ],
    [
      "what waits in an entity whose events cannot be emitted",
      `${number(MAX_PENDING)} observations or ${number(MAX_PENDING_LENGTH)} characters; then 503`,
    ],
    ["contacts revealed of a company", number(MAX_REVEALED)],
    ["retention of events and their deliveries", `${retentionMs(env) / DAY} days (\`RETENTION_DAYS\`)`],
    ["memory of an entity that is silent", `${entityTtlMs(env) / DAY} days (\`ENTITY_TTL_DAYS\`)`],
  ];
}

/** The limits as a page; needs no key. */
export const limitsPageRoutes = router();

limitsPageRoutes.get("/docs/limits", (c) => {
  const rows = limitsOf(c.env).map((row) => row.map(marked));
  const body = `<h1>Limits</h1>
<p>As this deployment has them. Of an endpoint's fields <a href="/docs/api">the reference</a> says what each takes.</p>
${table("Limits", ["What", "Limit"], rows)}`;
  return c.body(page("limits", "Limits", body), 200, { "Content-Type": "text/html; charset=utf-8", ...DOCS_HEADERS });
});
