/**
 * A signal's form: what its fields say as the API takes it, and a rule as its fields say it. Pure.
 * @module
 */
import { isNumeric, type Numeric, numberText, readJson } from "../../../lib/json/exact";
import { textOf } from "../../components/form";
import type { FieldErrors } from "../../errors";

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

/** The fields as they stand in the form. */
export interface SignalValues {
  name: string;
  emit: string;
  entity: string;
  filter: string;
  form: string;
  path: string;
  amount: string;
  list: string;
  attach: string;
}

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
      return `it returns after ${seconds} s or more`;
    case "inList":
      return `it is on the list ${String(detail)}`;
    default:
      return form;
  }
}

/** The fields before anybody has typed. */
export const NEW_SIGNAL: SignalValues = {
  name: "",
  emit: "",
  entity: "company.domain",
  filter: "",
  form: "crosses",
  path: "",
  amount: "",
  list: "",
  attach: "",
};

/** The fields of a rule that is there. */
export function valuesOfSignal({ name, emit, entity, filter, when, attach }: Signal): SignalValues {
  const [form = "every", detail] = Object.entries(when)[0] ?? [];
  const given = (typeof detail === "object" && detail !== null ? detail : {}) as Record<string, unknown>;
  const amount = given.threshold ?? given.atLeast ?? given.seconds;
  return {
    name,
    emit,
    entity,
    filter: filter === null ? "" : JSON.stringify(filter, null, 2),
    form,
    path: typeof given.path === "string" ? given.path : "",
    amount: isNumeric(amount) ? numberText(amount) : "",
    list: typeof detail === "string" ? detail : "",
    attach: attach === null ? "" : JSON.stringify(attach),
  };
}

/** The fields as a form was sent. */
export function signalValuesIn(form: FormData): SignalValues {
  const names = ["name", "emit", "entity", "filter", "form", "path", "amount", "list", "attach"] as const;
  return Object.fromEntries(names.map((name) => [name, textOf(form, name)])) as unknown as SignalValues;
}

/** What the fields say as the API takes it; what cannot be read is named. */
export function signalBody(values: SignalValues): {
  body: Record<string, unknown>;
  unread: { path: string; message: string }[];
} {
  const unread: { path: string; message: string }[] = [];
  const read = (path: string, text: string): unknown => {
    if (text === "") return null;
    try {
      return readJson(text);
    } catch (error) {
      unread.push({ path, message: `is not JSON: ${(error as Error).message}` });
      return null;
    }
  };
  const { name, emit, entity } = values;
  const body = {
    name,
    emit,
    entity,
    filter: read("filter", values.filter),
    when: whenOf(values),
    attach: read("attach", values.attach),
  };
  return { body, unread };
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

function whenOf({ form, path, amount, list }: SignalValues): Record<string, unknown> {
  // An empty field stays away, so that the API says what is missing.
  const number = amount === "" ? undefined : amountOf(amount);
  switch (form) {
    case "crosses":
      return { crosses: { path, threshold: number } };
    case "changesBy":
      return { changesBy: { path, atLeast: number } };
    case "returnsAfter":
      return { returnsAfter: { seconds: number } };
    case "inList":
      return { inList: list };
    default:
      return { [form]: true };
  }
}
