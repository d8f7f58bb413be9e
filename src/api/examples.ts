/**
 * Examples of what is answered, made from the schemas of the document: one of each shape, told in the words of one story,
 * so that no route has to write its own.
 * @module
 */

/** As much of JSON Schema as the routes' zod schemas become. */
export interface Schema {
  $ref?: string;
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

/** What an `id` looks like, by the tag of its operation. */
const IDS: Readonly<Record<string, string>> = {
  Events: `evt_${ULID}`,
  Endpoints: `ep_${ULID}`,
  Secrets: `ep_${ULID}`,
  Deliveries: `dlv_${ULID}00`,
  Segments: `seg_${ULID}`,
  Automations: `aut_${ULID}`,
  Signals: `sig_${ULID}`,
  Keys: `key_${ULID}`,
  Portal: `lnk_${ULID}`,
  Tenants: "acme",
};

/** What fields hold, by their name. */
const FIELDS: Readonly<Record<string, unknown>> = {
  attach: { newScore: "current" },
  attempts: 1,
  body: '{"id":"evt_…","event":"lead.hot","timestamp":"2026-11-21T09:30:00.000Z","data":{"score":91}}',
  data: { company: { domain: "acme.com" }, score: 91 },
  description: "Leads for the CRM",
  catalog: "clearview",
  disabledAt: null,
  disabledReason: null,
  disableAfter: 604_800,
  domain: "acme.com",
  durationMs: 84,
  emit: "lead.hot",
  enabled: true,
  endpoint: `ep_${ULID}`,
  entity: "company.domain",
  error: null,
  event: "lead.hot",
  eventId: `evt_${ULID}`,
  events: ["lead.hot"],
  failingSince: null,
  filter: { "data.score": { $gte: 70 } },
  finishedAt: TIME,
  format: "envelope",
  header: "X-Webhook-Signature",
  headers: { "X-Webhook-Event": "lead.hot" },
  key: "phk_shown-once",
  lastError: null,
  lastStatusCode: 200,
  metadata: { team: "sales" },
  method: "POST",
  name: "CRM",
  next: null,
  nextAttemptAt: null,
  nextCursor: null,
  profile: "clearview",
  rateLimit: null,
  reason: null,
  retry: [30, 120, 600, 3_600, 14_400],
  sample: { company: { domain: "acme.com" }, score: 91 },
  secret: "known-to-the-receiver",
  status: "succeeded",
  statusCode: 200,
  tenant: "acme",
  timeout: 10,
  title: "Lead is hot",
  trigger: "scheduled",
  uid: "crm",
  url: "https://crm.example.com/webhooks",
  waitReason: null,
  warnings: [],
  when: { crosses: { path: "score", threshold: 70 } },
};

/** What stands in paths, by the parameter's name. */
const IN_PATHS: Readonly<Record<string, string>> = {
  tenant: "acme",
  endpoint: IDS.Endpoints ?? "",
  delivery: IDS.Deliveries ?? "",
  event: IDS.Events ?? "",
  segment: IDS.Segments ?? "",
  automation: IDS.Automations ?? "",
  signal: IDS.Signals ?? "",
  link: `lnk_${ULID}`,
  keyId: IDS.Keys ?? "",
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

/** An example that the schema allows, for an operation with that tag. Pure. */
export function exampleOf(schema: Schema, tag: string, name = ""): unknown {
  if (schema.example !== undefined) return schema.example;
  if (schema.const !== undefined) return schema.const;
  const known = name === "id" ? IDS[tag] : FIELDS[name];
  // An object with fields that it must have is told by them; one that is a choice of fields is known as a whole.
  const told = schema.properties !== undefined && (schema.required ?? []).length > 0;
  if (known !== undefined && !told && fits(known, schema)) return known;
  if (schema.properties !== undefined) {
    return Object.fromEntries(
      Object.entries(schema.properties).map(([field, inner]) => [field, exampleOf(inner, tag, field)]),
    );
  }
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (choices?.[0] !== undefined) return exampleOf(choices[0], tag, name);
  return plain(schema, tag, name);
}

function plain({ enum: values, type, format, items, minimum }: Schema, tag: string, name: string): unknown {
  if (values !== undefined) return values[0];
  switch (Array.isArray(type) ? type[0] : type) {
    case "array":
      return items === undefined ? [] : [exampleOf(items, tag, name)];
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
