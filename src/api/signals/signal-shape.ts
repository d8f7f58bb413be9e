import { z } from "@hono/zod-openapi";
import { SIGNAL_CATALOG_NAMES } from "../../config/rules/signal-catalogs";
import type { SignalRow } from "../../config/rules/signals";
import type { SignalRule, When } from "../../contracts/signal";
import type { Filter } from "../../lib/filter/filter";
import { compareNumbers, isNumeric, isReckonable, type Numeric } from "../../lib/json/exact";
import { DAY, iso, SECOND } from "../../lib/time";
import { compares } from "../../signals/forms";
import { type FieldError, invalid } from "../problems/problem";
import { warned } from "../problems/warnings";
import {
  changesOf,
  createdAt,
  described,
  eventType,
  filterOrNull,
  filterShape,
  named,
  plainText,
  updatedAt,
  valuePath,
} from "../spec/schemas";

/** The longest silence that a rule may wait for, in seconds: a year. */
const MAX_SILENCE = (365 * DAY) / SECOND;

const finite = (what: string) => z.number({ error: `must be a number: ${what}` });
/** A number that is compared with numbers of observations, as it is written. */
const compared = (what: string) =>
  z
    .custom<Numeric>((value) => isNumeric(value) && isReckonable(value), `must be a number: ${what}`)
    .openapi({ type: "number" });

/** The name of a list of the tenant. */
export const listName = plainText(200).trim().min(1);

const FORMS = ["every", "once", "crosses", "changesBy", "returnsAfter", "inList"] as const;

const value = valuePath.describe("Where the value is in the observation.");
const crossing = z.strictObject({
  path: value,
  threshold: compared("the value that is crossed").describe("The value that is crossed."),
});
const change = z.strictObject({
  path: value,
  atLeast: compared("how far the value must move")
    .refine((value) => compareNumbers(value, 0) > 0, "must be above 0")
    .openapi({ exclusiveMinimum: 0, description: "How far the value must move." }),
});
const silence = z.strictObject({
  seconds: finite("seconds of silence").min(1).max(MAX_SILENCE).describe("How long the entity was not seen."),
});

const when = named(
  "SignalCondition",
  z
    .strictObject({
      every: z.literal(true, { error: "must be true" }).optional().describe("At each observation."),
      once: z
        .literal(true, { error: "must be true" })
        .optional()
        .describe("At the first observation of the entity that passes the filter."),
      crosses: named("SignalCrossing", crossing, "A value that comes to a threshold.")
        .optional()
        .describe("When the value is at or over the threshold and was under it, or unknown, before."),
      changesBy: named("SignalChange", change, "A value that moves.")
        .optional()
        .describe("When the value has moved by so much since the rule last fired, or since it was first seen."),
      returnsAfter: named("SignalSilence", silence, "An entity that was not seen for a while.")
        .optional()
        .describe("When the entity was seen before, and not for so long."),
      inList: listName.optional().describe("When the entity's key is on the list of this name."),
    })
    .refine((given) => FORMS.filter((form) => given[form] !== undefined).length === 1, {
      error: `must be one of ${FORMS.join(", ")}`,
      when: ({ issues }) => issues.length === 0,
    })
    .openapi({ minProperties: 1, maxProperties: 1 }),
  "When a signal fires: exactly one of these.",
);

const attached = named(
  "AttachedValue",
  z.enum(["previous", "current"], { error: "must be previous or current" }),
  "`current`: the value that the rule looks at. `previous`: the one that it was compared with.",
);
const attach = z
  .record(plainText(100).min(1), attached)
  .refine((fields) => Object.keys(fields).length <= 20, "may have at most 20 fields");

const about = {
  name: "What people call it.",
  emit: "The type of the event that it emits.",
  entity: "Where an observation says which entity it is about.",
  filter: "Which observations it looks at; `null`: all.",
  when: "When it fires.",
  attach: "What is added to the event's data, by field: up to 20; `null`: nothing.",
};

/** Where the paths of a rule's filter start: there is no event yet. */
export const OBSERVATION_FIELDS: readonly string[] = ["data", "tenant", "timestamp"];

/** The name of a vendor's catalog. What is none is only told so: the path of one is not there. */
export const catalogName = named(
  "SignalCatalogName",
  z.string().openapi({ enum: [...SIGNAL_CATALOG_NAMES] }),
  "A vendor whose signals can be installed.",
);

/** A rule as it is given. */
const fields = described(
  {
    name: z.string().trim().min(1).max(200),
    emit: eventType,
    entity: valuePath,
    filter: filterOrNull(OBSERVATION_FIELDS).optional(),
    when,
    attach: attach.nullable().optional(),
  },
  about,
);
export const signalInput = named("SignalInput", z.strictObject(fields), "A signal to be created, or tried.");
export const signalPatch = changesOf("SignalPatch", fields, "Changes of a signal. What is left out stays.");

const shape = {
  id: z.string().describe("Its id: `sig_…`."),
  ...described(
    {
      name: z.string(),
      emit: z.string(),
      entity: z.string(),
      filter: filterShape.nullable(),
      when,
      attach: z.record(z.string(), attached).nullable(),
    },
    about,
  ),
  catalog: catalogName.nullable().describe("The vendor's catalog that it came with; `null`: none."),
  createdAt,
  updatedAt,
};
export const signalShape = named("Signal", z.object(shape), "A rule that turns observations into events.");
export const signalSaved = named(
  "SignalSaved",
  z.object({ ...shape, ...warned }),
  "A signal as it was saved, with what may not be what was meant.",
);

/** A rule as it is answered. */
export function toSignal(row: SignalRow): z.infer<typeof signalShape> {
  const { id, name, emit, entity, filter, when, attach, catalog, createdAt, updatedAt } = row;
  const from = catalog?.split("/", 1)[0] ?? null;
  const times = { createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
  return { id, name, emit, entity, filter, when, attach, catalog: from, ...times };
}

/** A given rule under an id. A 422 when it attaches what it does not compare. */
export function toRule(id: string, given: z.output<typeof signalInput>, at = ""): SignalRule {
  const { filter = null, attach = null, ...rest } = given;
  const rule = { ...rest, id, filter: filter as Filter | null, when: given.when as When, attach };
  const errors = attachErrors(rule);
  if (errors.length > 0) throw invalid(...errors.map((error) => ({ ...error, path: `${at}${error.path}` })));
  return rule;
}

/** What is wrong with what a rule attaches. */
export function attachErrors({ when, attach }: Pick<SignalRule, "when" | "attach">): FieldError[] {
  if (attach === null || Object.keys(attach).length === 0 || compares(when)) return [];
  return [{ path: "attach", message: `has nothing to name: ${Object.keys(when)[0]} compares no values` }];
}
