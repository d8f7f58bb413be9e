/**
 * A signal's form: what its fields say as the API takes it, and a rule as its fields say it. Pure.
 * @module
 */
import { isNumeric, type Numeric, numberText, readJson } from "../../../lib/json/exact";
import { textOf } from "../../components/form";
import type { FieldErrors } from "../../errors";
import { durationText, secondsOf } from "../../forms/durations";
import { type FilterValues, filterValuesIn, readFilter, shownFilter } from "../../forms/filter-form";
import { readValues, valuesText } from "../../forms/values";

/** A rule as the API answers it. */
export interface Signal {
  id: string;
  name: string;
  emit: string;
  entity: string;
  filter: Record<string, unknown> | null;
  when: Record<string, unknown>;
  attach: Record<string, string> | null;
  catalog?: string | null;
}

/** The fields of each kind of rule, called as the API names them in `when`. */
const KIND_FIELDS = [
  "crosses.path",
  "crosses.threshold",
  "changesBy.path",
  "changesBy.atLeast",
  "returnsAfter.seconds",
  "inList",
  "attach.current",
  "attach.previous",
] as const;
export type KindField = (typeof KIND_FIELDS)[number];

/** What a rule says of when it fires, as its fields stand in the form. */
export interface WhenValues extends Record<KindField, string> {
  form: string;
  emit: string;
  entity: string;
}

/** The fields as they stand in the form. */
export interface SignalValues extends WhenValues {
  name: string;
  filter: FilterValues;
}

/** The kinds that compare a value with one before, which an event may carry. */
const COMPARING = ["crosses", "changesBy", "returnsAfter"];

/** When a rule fires, in words. */
export const FORMS: readonly (readonly [form: string, words: string])[] = [
  ["every", "each observation"],
  ["once", "the first observation of an entity"],
  ["crosses", "a value comes to or over a threshold"],
  ["changesBy", "a value has moved by so much"],
  ["returnsAfter", "an entity returns after a silence"],
  ["inList", "the entity is on a list"],
];

/** A rule's form and what it says, in a line. */
export function sayWhen(when: Record<string, unknown>): string {
  const [form = "", detail] = Object.entries(when)[0] ?? [];
  const { path, threshold, atLeast, seconds } = (detail ?? {}) as Record<string, unknown>;
  switch (form) {
    case "every":
      return "each observation";
    case "once":
      return "the first observation of an entity";
    case "crosses":
      return `${path} comes to ${said(threshold)} or over`;
    case "changesBy":
      return `${path} has moved by ${said(atLeast)} or more`;
    case "returnsAfter":
      return `it returns after ${durationText(Number(seconds))} or more`;
    case "inList":
      return `it is on the list ${String(detail)}`;
    default:
      return form;
  }
}

const NO_FIELDS = Object.fromEntries(KIND_FIELDS.map((name) => [name, ""])) as Record<KindField, string>;

/** The fields before anybody has typed. */
export const NEW_WHEN: WhenValues = { ...NO_FIELDS, form: "crosses", emit: "", entity: "company.domain" };
export const NEW_SIGNAL: SignalValues = { ...NEW_WHEN, name: "", filter: shownFilter(null) };

/** The fields of a rule that is there. */
export function valuesOfSignal({ name, emit, entity, filter, when, attach }: Signal): SignalValues {
  const [form = "every", detail] = Object.entries(when)[0] ?? [];
  const given = typeof detail === "object" && detail !== null ? detail : { "": detail };
  const fields = Object.entries(given).map(([key, value]): [string, string] => [
    key === "" ? form : `${form}.${key}`,
    form === "returnsAfter" ? durationText(value) : said(value),
  ]);
  const named = (which: string) =>
    valuesText(
      Object.keys(attach ?? {}).filter((name) => attach?.[name] === which),
      true,
    );
  return {
    ...NO_FIELDS,
    ...Object.fromEntries(fields),
    name,
    emit,
    entity,
    form,
    filter: shownFilter(filter),
    "attach.current": named("current"),
    "attach.previous": named("previous"),
  };
}

/** What a form says of when a rule fires. */
export function whenValuesIn(form: FormData): WhenValues {
  const names = [...KIND_FIELDS, "form", "emit", "entity"] as const;
  return Object.fromEntries(names.map((name) => [name, textOf(form, name)])) as unknown as WhenValues;
}

/** The fields as a form was sent. */
export function signalValuesIn(form: FormData): SignalValues {
  return { ...whenValuesIn(form), name: textOf(form, "name"), filter: filterValuesIn(form, "filter") };
}

/** What the fields say as the API takes it; what cannot be read is named. */
export function signalBody(values: SignalValues): { body: Record<string, unknown>; unread: FieldErrors } {
  const { name, emit, entity } = values;
  const { filter, errors } = readFilter(values.filter, "filter");
  const { when, unread } = whenOf(values);
  return {
    body: { name, emit, entity, filter, when, attach: attachOf(values) },
    unread: [...errors, ...unread],
  };
}

/** What a rule attaches: nothing where it compares nothing. */
export function attachOf(values: WhenValues): Record<string, string> | null {
  if (!COMPARING.includes(values.form)) return null;
  const named = (["previous", "current"] as const).flatMap((which) =>
    readValues(values[`attach.${which}`], true).map((name) => [String(name), which]),
  );
  return named.length === 0 ? null : Object.fromEntries(named);
}

/** A line that says something, and which of the text's lines it is, from 1. */
interface Line {
  number: number;
  text: string;
}

/** The observations that a text says, one per line. Lines that cannot be read are named. */
export function observationsIn(text: string): { lines: Line[]; observations: unknown[]; unread: FieldErrors } {
  const unread: FieldErrors = [];
  const lines = linesOf(text);
  const observations = lines.map(({ number, text }) => {
    try {
      return readJson(text) as unknown;
    } catch (error) {
      unread.push({ path: "observations", message: `line ${number} is not JSON: ${(error as Error).message}` });
      return null;
    }
  });
  return { lines, observations, unread };
}

/** The lines of a text that say something. */
export function linesOf(text: string): Line[] {
  return text
    .split(/\r?\n/)
    .map((line, i) => ({ number: i + 1, text: line.trim() }))
    .filter(({ text }) => text !== "");
}

/** What a dry run was refused with, by the fields and lines of its form. */
export function dryRunErrors(errors: FieldErrors, lines: readonly Line[]): FieldErrors {
  return errors.map(({ path, message }) => {
    const [, place, rest] = /^observations\.(\d+)(?:\.(.*))?$/.exec(path) ?? [];
    if (place === undefined) return { path: path.replace(/^rule\./, ""), message };
    const what = ["line", lines[Number(place)]?.number, rest, message].filter((word) => word !== undefined);
    return { path: "observations", message: what.join(" ") };
  });
}

/** A number as it is typed; what is none is for the API to refuse. */
function amountOf(text: string): Numeric {
  try {
    const read: unknown = readJson(text);
    return isNumeric(read) ? read : Number.NaN;
  } catch {
    return Number(text);
  }
}

function said(value: unknown): string {
  return isNumeric(value) ? numberText(value) : String(value);
}

/** When a rule fires, as the API takes it. What is missing stays away, so that the API says so. */
export function whenOf(values: WhenValues): { when: Record<string, unknown>; unread: FieldErrors } {
  const { form } = values;
  const number = (name: KindField) => (values[name] === "" ? undefined : amountOf(values[name]));
  switch (form) {
    case "crosses":
      return {
        when: { crosses: { path: values["crosses.path"], threshold: number("crosses.threshold") } },
        unread: [],
      };
    case "changesBy":
      return {
        when: { changesBy: { path: values["changesBy.path"], atLeast: number("changesBy.atLeast") } },
        unread: [],
      };
    case "returnsAfter":
      return silenceOf(values["returnsAfter.seconds"]);
    case "inList":
      return { when: { inList: values.inList }, unread: [] };
    default:
      return { when: { [form]: true }, unread: [] };
  }
}

function silenceOf(text: string): ReturnType<typeof whenOf> {
  try {
    return { when: { returnsAfter: { seconds: text === "" ? undefined : secondsOf(text, false) } }, unread: [] };
  } catch (error) {
    const unread = [{ path: "when.returnsAfter.seconds", message: (error as Error).message }];
    return { when: { returnsAfter: {} }, unread };
  }
}
