/**
 * What receivers get, for the `webhooks` section of the OpenAPI document: one entry per body format.
 * @module
 */
import { PROFILES } from "../../config/endpoints/profiles";
import { headersOf, schemeOf } from "../../config/endpoints/schemes";
import { FORMATS, type Format, SCHEMES } from "../../contracts/wire";

type Schema = Record<string, unknown>;

const ID = "evt_01KAJ3Q8Z500W7X8Y9Z0A1B2C3";
const EVENT = "company.identified";
const TIME = "2026-11-21T09:30:00.000Z";
const DATA = { company: { domain: "acme.com" } };

const data = { $ref: "#/components/schemas/EventData", description: "what was posted, to the byte" };
const id = { type: "string", description: "the event's id, or the one the sender gave it" };
const event = { type: "string", description: "the event type" };
const timestamp = { type: "string", format: "date-time", description: "when it happened" };

/** The bodies by format, as `src/send/request/render.ts` makes them. */
const BODIES: Readonly<Record<Format, { about: string; schema: Schema; example: unknown; contentType?: string }>> = {
  envelope: {
    about: "The event in an envelope",
    schema: whole({ id, event, timestamp, data }),
    example: { id: ID, event: EVENT, timestamp: TIME, data: DATA },
  },
  event: {
    about: "The event with its type and time",
    schema: whole({ event, timestamp, data }),
    example: { event: EVENT, timestamp: TIME, data: DATA },
  },
  flat: {
    about: "The event's data and nothing else; the type is in X-Webhook-Event",
    schema: data,
    example: DATA,
  },
  subjects: {
    about: "The event's data as a list",
    schema: whole({
      event,
      subjects: { type: "array", items: {}, description: "the data, in a list unless it is one" },
    }),
    example: { event: EVENT, subjects: [DATA] },
  },
  typed: {
    about: "The body that Standard Webhooks recommends",
    schema: whole({ type: event, timestamp, data }),
    example: { type: EVENT, timestamp: TIME, data: DATA },
  },
  cloudevents: {
    about: "A CloudEvent 1.0, structured JSON",
    contentType: "application/cloudevents+json",
    schema: whole({
      specversion: { const: "1.0", description: "the version of CloudEvents" },
      id,
      source: { type: "string", format: "uri-reference", description: "/tenants/ and the tenant's id" },
      type: event,
      time: timestamp,
      datacontenttype: { const: "application/json", description: "the type of `data`" },
      data,
    }),
    example: {
      specversion: "1.0",
      id: ID,
      source: "/tenants/acme",
      type: EVENT,
      time: TIME,
      datacontenttype: "application/json",
      data: DATA,
    },
  },
};

function whole(properties: Record<string, Schema>): Schema {
  return { type: "object", required: Object.keys(properties), properties };
}

/** The `webhooks` section. */
export function webhooks(): Record<string, object> {
  return Object.fromEntries(FORMATS.map((format) => [format, { post: webhook(format) }]));
}

function webhook(format: Format): object {
  const { about, schema, example, contentType = "application/json" } = BODIES[format];
  const name = `${format.charAt(0).toUpperCase()}${format.slice(1)}`;
  // What is an event's data alone has a name already.
  const named = "$ref" in schema ? schema : { ...schema, title: `${name}Payload`, "x-about": `${about}.` };
  const profiles = Object.entries(PROFILES).filter(([, profile]) => profile.format === format);
  const used = profiles.length === 0 ? "" : ` Profiles: ${profiles.map(([name]) => name).join(", ")}.`;
  return {
    operationId: `receive${name}`,
    summary: about,
    description: `The body of an endpoint whose \`format\` is \`${format}\`.${used} Deliveries come at least once and in no order.`,
    tags: ["Webhooks"],
    security: [],
    parameters: HEADERS,
    requestBody: {
      required: true,
      content: { [contentType]: { schema: named, example } },
    },
    responses: {
      "2XX": { description: "received: the delivery succeeded" },
      410: { description: "gone: the endpoint is disabled at once" },
      429: { description: "too many: tried again later, no sooner than Retry-After says" },
      default: { description: "anything else, 3xx too, is a failed attempt and is tried again on the schedule" },
    },
  };
}

const HEADERS = [
  header("X-Webhook-Event", "the event type", true, EVENT),
  header("X-Webhook-Id", "the delivery's id, the same over all its attempts", true, "dlv_01KAJ3Q8Z500W7X8Y9Z0A1B2C30"),
  header("X-Webhook-Attempt", "the attempt's number, from 1", true, "1"),
  ...signatureHeaders(),
];

/** The headers of all signature schemes; each says whose it is. */
function signatureHeaders(): object[] {
  const users = new Map<string, string[]>();
  for (const name of SCHEMES) {
    const scheme = schemeOf(name);
    if (scheme === null) continue;
    const all = headersOf(scheme, scheme.header);
    // A header that can list signatures has no successor.
    const sent = scheme.separator === null ? all : all.filter((other) => other !== `${scheme.header}-Next`);
    for (const header of sent) users.set(header, [...(users.get(header) ?? []), name]);
  }
  return [...users].map(([name, schemes]) => {
    const next = name.endsWith("-Next") ? "; the new secret's, while it is being rotated" : "";
    return header(name, `under the signature scheme ${schemes.join(", ")}${next}`, false);
  });
}

function header(name: string, description: string, required: boolean, example?: string): object {
  const schema = { type: "string", ...(example === undefined ? {} : { examples: [example] }) };
  return { name, in: "header", required, description, schema };
}
