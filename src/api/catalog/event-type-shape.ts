import { z } from "@hono/zod-openapi";
import { MOST_PATHS } from "../../lib/found-by";
import { isContainer } from "../../lib/json/exact";
import { changesOf, createdAt, described, named, updatedAt, valuePath } from "../spec/schemas";

export const group = z.string().trim().min(1).max(100);

const sample = z
  .custom<object>(isContainer, "must be a JSON object or array, or null")
  .nullable()
  .openapi({ type: ["object", "array", "null"], items: {}, additionalProperties: true });

const fields = described(
  {
    title: z.string().trim().min(1).max(200).nullable(),
    description: z.string().max(2000).nullable(),
    schema: z.record(z.string(), z.unknown()).nullable(),
    enforce: z.boolean(),
    sample,
    group: group.nullable(),
    highVolume: z.boolean(),
    deprecated: z.boolean(),
    searchable: z
      .array(valuePath.openapi({ example: "company.domain" }))
      .max(MOST_PATHS)
      .refine((paths) => new Set(paths).size === paths.length, "must not name a path twice"),
  },
  {
    title: "What people call it; `null`: nothing.",
    description: "When it happens; `null`: it is not said.",
    schema: "A JSON Schema of its data, which is only told unless `enforce` says otherwise; `null`: none.",
    enforce: "Whether events whose data does not fit the schema are refused.",
    sample: "What tests send, and readers see: a JSON object or array; `null`: none.",
    group: "The heading that it stands under; `null`: none.",
    highVolume: "Whether there are many of them: endpoints then are warned.",
    deprecated: "Whether it may stop being sent: endpoints then are warned.",
    searchable: `Paths in its data whose values its events are found by, such as \`order.id\`: at most ${MOST_PATHS}. It counts for events that are accepted from then on; each path costs a row with every event.`,
  },
);
export const eventTypeInput = named(
  "EventTypeInput",
  z.strictObject(fields).partial(),
  "An event type as it is to be.",
);
export const eventTypePatch = changesOf("EventTypePatch", fields, "Changes of an event type. What is left out stays.");

const offered = { name: z.string().describe("Its name."), ...fields };
export const catalogTypeShape = named("CatalogEventType", z.object(offered), "An event type of a vendor's catalog.");
export const eventTypeShape = named(
  "EventType",
  z.object({ ...offered, createdAt, updatedAt }),
  "What is known of the events of a name.",
);
