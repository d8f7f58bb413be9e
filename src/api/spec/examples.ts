/**
 * Examples of what is answered, made from the schemas of the document: one of each shape, told in the words of one story,
 * so that no route has to write its own.
 * @module
 */

/** As much of JSON Schema as the routes' zod schemas become. */
export interface Schema {
  $ref?: string;
  title?: string;
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  example?: unknown;
}

const ULID = "01KAJ3Q8Z5011F4Q6N9R2T8V0W";
const TIME = "2026-11-21T09:30:00.000Z";
const LATER = "2026-11-21T10:30:00.000Z";

const LATENCY = { p50: 61, p95: 140, p99: 310 };
const COUNTED = {
  accepted: 120,
  pending: 0,
  retrying: 0,
  succeeded: 120,
  failed: 0,
  held: 0,
  canceled: 0,
  attempts: 121,
};

const IDS = {
  event: `evt_${ULID}`,
  endpoint: `ep_${ULID}`,
  delivery: `dlv_${ULID}00`,
  attempt: `att_${ULID}`,
  segment: `seg_${ULID}`,
  automation: `aut_${ULID}`,
  signal: `sig_${ULID}`,
  key: `key_${ULID}`,
  link: `lnk_${ULID}`,
  audit: `aud_${ULID}`,
  recovery: `rcv_${ULID}`,
} as const;

/** Stands for a field that most often is not there. */
const ABSENT = Symbol("absent");

type Fields = Readonly<Record<string, unknown>>;

/** What fields hold, by their name, wherever they stand. */
const FIELDS: Fields = {
  attach: { newScore: "current" },
  attempts: 1,
  body: '{"id":"evt_…","event":"lead.hot","timestamp":"2026-11-21T09:30:00.000Z","data":{"score":91}}',
  catalog: "clearview",
  data: { company: { domain: "acme.com" }, score: 91 },
  description: "Leads for the CRM",
  disableAfter: 604_800,
  disabledAt: null,
  disabledReason: null,
  domain: "acme.com",
  durationMs: 84,
  emit: "lead.hot",
  enabled: true,
  endpoint: IDS.endpoint,
  entity: "company.domain",
  erasedAt: ABSENT,
  error: null,
  event: "lead.hot",
  eventId: IDS.event,
  events: ["lead.hot"],
  filter: { "data.score": { $gte: 70 } },
  finishedAt: TIME,
  format: "envelope",
  header: "X-Webhook-Signature",
  headers: { "Content-Type": "application/json", "X-Webhook-Event": "lead.hot" },
  items: ["acme.com", "halden.example"],
  key: "phk_shown-once",
  lastError: null,
  lastStatusCode: 200,
  metadata: { team: "sales" },
  method: "POST",
  name: "CRM",
  next: null,
  nextAttemptAt: null,
  nextCursor: null,
  nextFrom: null,
  profile: "clearview",
  rateLimit: null,
  reason: ABSENT,
  retry: [30, 120, 600, 3_600, 14_400],
  sample: { company: { domain: "acme.com" }, score: 91 },
  secret: "known-to-the-receiver",
  segment: IDS.segment,
  skipped: ABSENT,
  status: "succeeded",
  statusCode: 200,
  tenant: "acme",
  tenantName: "Acme Inc.",
  timeout: 10,
  title: "Lead is hot",
  trigger: "scheduled",
  uid: "crm",
  url: "https://crm.example.com/webhooks",
  waitReason: null,
  warnings: [],
  when: { crosses: { path: "score", threshold: 70 } },
};

const AUTOMATION = { id: IDS.automation, name: "Hot leads to sales", trigger: "lead.hot" };
const SIGNAL = { id: IDS.signal, name: "Lead turned hot" };
const TYPE = { name: "lead.hot", description: "A lead's score came to 70.", group: "Leads", schema: null };
const LINK = { id: IDS.link, path: "/endpoints", madeBy: IDS.key, expiresAt: LATER, openedAt: TIME, endedAt: null };
const LIST = { name: "customers", size: 2 };
const TENANT = { id: "acme", name: "Acme Inc.", callbacksSigned: false };
const KEY = { id: IDS.key, name: "production back end", role: "producer" };

/** What they hold in a schema of that name, where it is something else there. */
const BY_SCHEMA: Readonly<Record<string, Fields>> = {
  AcceptedEvent: { id: IDS.event },
  Attempt: { id: IDS.attempt, number: 1 },
  AttemptResponse: { headers: { "Content-Type": "text/plain" }, body: "ok", broken: ABSENT },
  AuditEntry: {
    id: IDS.audit,
    actor: IDS.key,
    action: "endpoint.updated",
    target: IDS.endpoint,
    fields: ["events", "url"],
  },
  Automation: AUTOMATION,
  AutomationSaved: AUTOMATION,
  BatchedEvent: { id: IDS.event, duplicate: ABSENT },
  BatchedObservation: { duplicate: ABSENT },
  Breaker: { until: null },
  CatalogEventType: TYPE,
  Delivery: { id: IDS.delivery },
  DeliveryCounts: { pending: 0, retrying: 0, succeeded: 120, failed: 0, held: 0, canceled: 0 },
  DeliveryDetail: { id: IDS.delivery },
  DeliveryReference: { id: IDS.delivery },
  EmittedEvent: { id: IDS.event },
  EmittedIfPosted: { rule: IDS.signal },
  Endpoint: { id: IDS.endpoint },
  EndpointChanged: { id: IDS.endpoint },
  EndpointCreated: { id: IDS.endpoint },
  EndpointHealth: {
    state: "healthy",
    failingSince: null,
    disablesAt: null,
    window: Array(7).fill(false),
    consecutiveFailures: 0,
    quietUntil: null,
  },
  EndpointListed: { id: IDS.endpoint },
  EndpointSummary: { state: "healthy", failingSince: null, failedShare: 0, waiting: 0, oldestWaitingAt: null, held: 0 },
  EndpointStorage: { bytes: 524_288, most: 8_000_000_000, responsesSince: null, deliveriesSince: null },
  Event: { id: IDS.event },
  EventDelivery: { id: IDS.delivery, url: ABSENT, attemptLog: ABSENT },
  EventSummary: { id: IDS.event },
  EventType: TYPE,
  Explanation: {
    delivered: false,
    outcome: "filtered",
    delivery: ABSENT,
    detail: "The endpoint's filter did not match: data.score is 12, and must be at least 70.",
    remedy: "Change the endpoint's filter, then replay the event.",
  },
  FailedClause: { path: "data.score", operator: "$gte", expected: 70, actual: 12 },
  HealthCheck: { ok: true, ms: 3 },
  DeadLetters: { count: 0, lastAt: null },
  HourlyStats: { pending: 0, retrying: 0, succeeded: 120, failed: 0, held: 0, canceled: 0, attempts: 121 },
  Key: KEY,
  KeyCreated: KEY,
  LastFailure: { statusCode: 503, error: "status" },
  Latency: LATENCY,
  List: LIST,
  ListItem: { list: "customers", item: "acme.com" },
  ListSummary: LIST,
  PortalLink: LINK,
  PortalLinkCreated: { ...LINK, url: "https://posthorn.example.com/portal/open/shown-once" },
  QueueHealthCheck: { ok: true, ms: 5, backlog: 0 },
  RecoveryCount: { count: 12, truncated: ABSENT, id: IDS.recovery },
  RecoveryProgress: {
    id: IDS.recovery,
    since: TIME,
    until: LATER,
    status: ["failed"],
    count: 12,
    done: 5,
    state: "running",
  },
  RepeatedEvent: { id: IDS.event },
  Replay: { id: IDS.event },
  ReplayedDelivery: { id: IDS.delivery },
  Reseal: { resealed: 40, underOldKeys: 0, unreadable: 0, nextCursor: ABSENT },
  RotatedSecret: { secret: "the-new-one", promotesAt: LATER },
  SealCounts: { underOldKeys: 0, unreadable: 0 },
  Segment: { id: IDS.segment, name: "Large companies" },
  SegmentSaved: { id: IDS.segment, name: "Large companies" },
  Signal: SIGNAL,
  SignalSaved: SIGNAL,
  SigningSecret: { between: ABSENT },
  Stats: { data: [{ from: TIME, endpoint: IDS.endpoint, ...COUNTED, latency: LATENCY }] },
  StatsTotals: { ...COUNTED, waiting: 0, oldestWaitingAt: null },
  Tenant: TENANT,
  TenantListed: TENANT,
};

/** What stands in paths, by the parameter's name. */
const IN_PATHS: Readonly<Record<string, string>> = {
  tenant: "acme",
  endpoint: IDS.endpoint,
  delivery: IDS.delivery,
  recovery: IDS.recovery,
  event: IDS.event,
  segment: IDS.segment,
  automation: IDS.automation,
  signal: IDS.signal,
  link: IDS.link,
  keyId: IDS.key,
  list: "customers",
  item: "acme.com",
  name: "lead.hot",
  profile: "clearview",
};

/** An example of what stands in a path under that name. Throws where there is none: a new parameter needs one. */
export function exampleIn(name: string): string {
  const example = IN_PATHS[name];
  if (example === undefined) throw new Error(`there is no example of what stands in paths as {${name}}`);
  return example;
}

/** An example that the schema allows; `owner`: the schema whose field of that name it is of. Pure. */
export function exampleOf(schema: Schema, name = "", owner = ""): unknown {
  const known = BY_SCHEMA[owner]?.[name];
  if (known !== undefined) return known;
  if (schema.example !== undefined) return schema.example;
  if (schema.const !== undefined) return schema.const;
  // An object with fields that it must have is told by them; one that is a choice of fields is known as a whole.
  const told = schema.properties !== undefined && (schema.required ?? []).length > 0;
  if (name in FIELDS && !told && (FIELDS[name] === ABSENT || fits(FIELDS[name], schema))) return FIELDS[name];
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties).map(([field, inner]) => [
      field,
      exampleOf(inner, field, schema.title),
    ]);
    return Object.fromEntries(fields.filter(([field, value]) => value !== ABSENT || isNeeded(schema, field as string)));
  }
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices?.[0] !== undefined) return exampleOf(choices[0], name);
  return plain(schema, name);
}

function isNeeded({ required = [] }: Schema, field: string): boolean {
  if (required.includes(field)) throw new Error(`an example leaves out ${field}, which must be there`);
  return false;
}

function plain({ enum: values, type, format, items, minimum }: Schema, name: string): unknown {
  if (values !== undefined) return values[0];
  switch (Array.isArray(type) ? type[0] : type) {
    case "array":
      return items === undefined ? [] : [exampleOf(items, name)];
    case "object":
      return {};
    case "integer":
    case "number":
      return minimum ?? 1;
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return format === "date-time" ? TIME : "…";
  }
}

/** Whether a field of that name is, here, of the kind that it usually is. */
function fits(value: unknown, schema: Schema): boolean {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return choices.some((choice) => fits(value, choice));
  if (schema.enum !== undefined) return schema.enum.includes(value);
  if (schema.items !== undefined && Array.isArray(value))
    return value.every((one) => fits(one, schema.items as Schema));
  if (schema.type === undefined) return true;
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const types = [schema.type].flat();
  return types.includes(kind) || (kind === "number" && types.includes("integer") && Number.isInteger(value));
}
