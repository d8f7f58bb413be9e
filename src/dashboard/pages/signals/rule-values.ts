/**
 * The form *When … and … then …*: what its fields say as a signal, segments and an automation. Pure.
 * @module
 */
import { filterErrors } from "../../../lib/filter/filter-errors";
import { textOf } from "../../components/form";
import type { FieldErrors } from "../../errors";
import { type FilterValues, filterValuesIn, readFilter, shownFilter } from "../../forms/filter-form";
import { FORMS, NEW_WHEN, type WhenValues, whenOf, whenValuesIn } from "./signal-values";

/** What sets a rule off: an event that comes anyway, or what a signal of its own makes of observations. */
export const KINDS: typeof FORMS = [["event", "an event of a type comes"], ...FORMS];

/** The fields as they stand in the form. */
export interface RuleValues extends WhenValues {
  name: string;
  /** The type of the event that comes anyway. */
  trigger: string;
  filter: FilterValues;
  type: string;
  endpoint: string;
  persona: FilterValues;
  limit: string;
  /** What tells this form from another: sent twice, it is one rule. */
  once: string;
}

const EMPTY = {
  ...NEW_WHEN,
  name: "",
  trigger: "",
  filter: shownFilter(null),
  type: "webhook",
  endpoint: "",
  persona: shownFilter(null),
  limit: "",
};
const SCORE = { "crosses.path": "company.leadScore", "crosses.threshold": "70" };

/** What a rule may begin with, by its name in the address. */
export const TEMPLATES: Readonly<Record<string, readonly [title: string, values: Partial<RuleValues>]>> = {
  region: [
    "Hot leads of a region to an endpoint",
    {
      ...SCORE,
      name: "Hot leads of a region",
      filter: shownFilter({ "data.company.country": { $in: ["DE", "AT", "CH"] } }),
    },
  ],
  score: ["A score crosses a threshold", { ...SCORE, name: "Score crosses a threshold" }],
  returns: [
    "A company comes back",
    { form: "returnsAfter", "returnsAfter.seconds": "7 d", name: "A company comes back" },
  ],
  contacts: [
    "Contacts of a persona revealed",
    {
      form: "event",
      trigger: "company.identified",
      type: "reveal_contacts",
      persona: shownFilter({ title: { $startsWith: "VP" } }),
      limit: "3",
      name: "Contacts of a persona",
    },
  ],
};

/** The fields of a rule that nobody has typed yet. */
export function newRule(template: string | undefined, once: string): RuleValues {
  const [, values = {}] = TEMPLATES[template ?? ""] ?? [];
  return { ...EMPTY, ...values, once };
}

/** The fields as a form was sent. */
export function ruleValuesIn(form: FormData): RuleValues {
  const names = ["name", "trigger", "type", "endpoint", "limit", "once"] as const;
  const texts = Object.fromEntries(names.map((name) => [name, textOf(form, name)])) as Pick<
    RuleValues,
    (typeof names)[number]
  >;
  return {
    ...whenValuesIn(form),
    ...texts,
    filter: filterValuesIn(form, "filter"),
    persona: filterValuesIn(form, "persona"),
  };
}

/** A name as an event type: `hot_leads_of_dach`. */
export function typeOf(name: string): string {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 100);
}

/** What is to be made: bodies as the API takes them. `null`: it is not needed. */
export interface RulePlan {
  signal: Record<string, unknown> | null;
  segment: Record<string, unknown> | null;
  persona: Record<string, unknown> | null;
  automation: { name: string; trigger: string; actions: [Record<string, unknown>] };
}

/** What the fields say. What cannot be read, or could never match, is named by its field. */
export function planOf(values: RuleValues): { plan: RulePlan; unread: FieldErrors } {
  const { name, form, entity, type, endpoint, limit } = values;
  const isEvent = form === "event";
  const emit = values.emit || typeOf(name);
  const { when, unread } = whenOf(values);
  const about = readFilter(values.filter, "filter");
  const reveals = type === "reveal_contacts";
  const contacts = reveals ? readFilter(values.persona, "persona") : { filter: null, errors: [] };
  const never = about.filter === null ? [] : filterErrors(about.filter);
  const action = { type, endpoint, ...(reveals && limit !== "" ? { limit: Number(limit) } : {}) };
  return {
    plan: {
      signal: isEvent ? null : { name, emit, entity, when },
      segment: about.filter && { name, filter: about.filter },
      persona: contacts.filter && { name: `${name.slice(0, 190)}: contacts`, filter: contacts.filter },
      automation: { name, trigger: isEvent ? values.trigger : emit, actions: [action] },
    },
    unread: [
      ...(isEvent ? [] : unread),
      ...about.errors,
      ...never.map(({ path, message }) => ({ path: `filter.${path}`, message })),
      ...contacts.errors,
      ...(name === "" ? [{ path: "name", message: "is missing" }] : []),
      ...(endpoint === "" ? [{ path: "endpoint", message: "is missing" }] : []),
    ],
  };
}

/** A refusal of one of the parts by the fields of the form. */
export function byField(part: keyof RulePlan, errors: FieldErrors): FieldErrors {
  return errors.map(({ path, message }) => {
    const at = path.replace(/^rule\./, "").replace(/^actions\.0\./, "");
    return { path: part === "persona" ? at.replace(/^filter/, "persona") : at, message };
  });
}
