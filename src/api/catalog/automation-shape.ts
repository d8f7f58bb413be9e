import { z } from "@hono/zod-openapi";
import type { AutomationRow } from "../../config/rules/automations";
import { iso } from "../../lib/time";
import { warned } from "../problems/warnings";
import { changesOf, createdAt, described, eventType, named, updatedAt } from "../spec/schemas";

const DELIVERS = "Delivers the event to an endpoint, whatever that subscribes to.";
const REVEALS = "Sends an endpoint the contacts of the event as an event `contact_revealed`.";
const LIMIT = "The most contacts of one company, over time; `null`: no limit.";
const PERSONA = "The id of a segment of contacts: which of them; `null`: all.";

const webhook = named(
  "WebhookActionInput",
  z.strictObject({
    type: z.literal("webhook").describe(DELIVERS),
    endpoint: z.string().describe("The endpoint's id, or its `uid`."),
  }),
  DELIVERS,
);
const revealing = named(
  "RevealActionInput",
  z.strictObject({
    type: z.literal("reveal_contacts").describe(REVEALS),
    endpoint: z.string().describe("The endpoint's id, or its `uid`."),
    persona: z.string().nullable().optional().describe(PERSONA),
    limit: z.int().min(1).max(10_000).nullable().optional().describe(LIMIT),
  }),
  REVEALS,
);
const action = named(
  "AutomationActionInput",
  z.discriminatedUnion("type", [webhook, revealing], { error: "must be an action: webhook or reveal_contacts" }),
  "Something to be done with an event.",
);
const answeredAction = named(
  "AutomationAction",
  z.discriminatedUnion("type", [
    named(
      "WebhookAction",
      z.object({
        type: z.literal("webhook").describe(DELIVERS),
        endpoint: z.string().describe("The endpoint's id."),
      }),
      DELIVERS,
    ),
    named(
      "RevealAction",
      z.object({
        type: z.literal("reveal_contacts").describe(REVEALS),
        endpoint: z.string().describe("The endpoint's id."),
        persona: z.string().nullable().describe(PERSONA),
        limit: z.number().int().nullable().describe(LIMIT),
      }),
      REVEALS,
    ),
  ]),
  "Something that is done with an event.",
);

const about = {
  name: "What people call it.",
  trigger: "The event type that it acts on.",
  segment: "The id of a segment over events: which of them; `null`: all.",
  actions: "What is done with them.",
};
const fields = described(
  {
    name: z.string().trim().min(1).max(200),
    trigger: eventType,
    segment: z.string().nullable().optional(),
    actions: z.array(action).min(1).max(10),
  },
  about,
);
export const automationInput = named("AutomationInput", z.strictObject(fields), "An automation to be created.");
export const automationPatch = changesOf(
  "AutomationPatch",
  fields,
  "Changes of an automation. What is left out stays.",
);
const shape = {
  id: z.string().describe("Its id: `aut_…`."),
  ...described(
    { name: z.string(), trigger: z.string(), segment: z.string().nullable(), actions: z.array(answeredAction) },
    about,
  ),
  createdAt,
  updatedAt,
};
export const automationShape = named("Automation", z.object(shape), "What is delivered beyond the subscriptions.");
export const automationSaved = named(
  "AutomationSaved",
  z.object({ ...shape, ...warned }),
  "An automation as it was saved, with what may not be what was meant.",
);

/** An automation as it is answered. */
export function toShape(row: AutomationRow): z.infer<typeof automationShape> {
  const { id, name, trigger, segment, actions, createdAt, updatedAt } = row;
  return { id, name, trigger, segment, actions, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}
