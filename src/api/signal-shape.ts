import { z } from "@hono/zod-openapi";
import type { SignalRow } from "../config/signals";
import { compareNumbers, isNumeric, isReckonable, type Numeric } from "../lib/exact";
import type { Filter } from "../lib/filter";
import type { SignalRule, When } from "../lib/signal";
import { DAY, iso, SECOND } from "../lib/time";
import { compares } from "../signals/forms";
import { type FieldError, invalid } from "./problem";
import { eventType, filterOver, isoTime, plainText } from "./schemas";

/** The longest silence that a rule may wait for, in seconds: a year. */
const MAX_SILENCE = (365 * DAY) / SECOND;

/** A path in an observation. */
const path = plainText(200).regex(
  /^(?:\\[.\\]|\\(?![.\\])|[^.\\])+(?:\.(?:\\[.\\]|\\(?![.\\])|[^.\\])+)*$/,
  "must be a path such as company.domain, with \\. for a dot in a key",
);
const finite = (what: string) => z.number({ error: `must be a number: ${what}` });
/** A number that is compared with numbers of observations, as it is written. */
const compared = (what: string) =>
  z
    .custom<Numeric>((value) => isNumeric(value) && isReckonable(value), `must be a number: ${what}`)
    .openapi({ type: "number" });

/** The name of a list of the tenant. */
export const listName = plainText(200).trim().min(1);

const FORMS = ["every", "once", "crosses", "changesBy", "returnsAfter", "inList"] as const;

const when = z
  .strictObject({
    every: z.literal(true, { error: "must be true" }).optional(),
    once: z.literal(true, { error: "must be true" }).optional(),
    crosses: z.strictObject({ path, threshold: compared("the value that is crossed") }).optional(),
    changesBy: z
      .strictObject({
        path,
        atLeast: compared("how far the value must move")
          .refine((value) => compareNumbers(value, 0) > 0, "must be above 0")
          .openapi({ exclusiveMinimum: 0 }),
      })
      .optional(),
    returnsAfter: z
      .strictObject({
        seconds: finite("seconds of silence").min(1).max(MAX_SILENCE),
      })
      .optional(),
    inList: listName.optional(),
  })
  .refine((given) => FORMS.filter((form) => given[form] !== undefined).length === 1, {
    error: `must be one of ${FORMS.join(", ")}`,
    when: ({ issues }) => issues.length === 0,
  })
  .openapi({ minProperties: 1, maxProperties: 1 });

const attach = z
  .record(plainText(100).min(1), z.enum(["previous", "current"], { error: "must be previous or current" }))
  .refine((fields) => Object.keys(fields).length <= 20, "may have at most 20 fields");

/** Where the paths of a rule's filter start: there is no event yet. */
export const OBSERVATION_FIELDS: readonly string[] = ["data", "tenant", "timestamp"];

/** A rule as it is given. */
export const signalInput = z.strictObject({
  name: z.string().trim().min(1).max(200),
  emit: eventType,
  entity: path,
  filter: filterOver(OBSERVATION_FIELDS).nullable().optional(),
  when,
  attach: attach.nullable().optional(),
});

export const signalPatch = signalInput.partial().refine((patch) => Object.keys(patch).length > 0, {
  error: "names nothing to change",
  when: ({ issues }) => issues.length === 0,
});

export const signalShape = z.object({
  id: z.string(),
  name: z.string(),
  emit: z.string(),
  entity: z.string(),
  filter: z.record(z.string(), z.unknown()).nullable(),
  when: when,
  attach: z.record(z.string(), z.enum(["previous", "current"])).nullable(),
  /** The vendor's catalog that it came with; `null`: none. */
  catalog: z.string().nullable(),
  createdAt: isoTime,
  updatedAt: isoTime,
});

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
