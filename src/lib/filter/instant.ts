import { type Numeric, numeric } from "../json/exact";

const FORM =
  /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.(\d+))?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * The instant that a text of ISO 8601 with an offset or Z names, in ms since the epoch, with what it has of a ms; `null`: it
 * names none. Pure.
 */
export function instantOf(text: string): Numeric | null {
  const [, year, month, day, fraction = ""] = FORM.exec(text) ?? [];
  if (year === undefined) return null;
  // A day that the month does not have would be one of the next.
  if (new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day)) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) return null;
  const rest = fraction.slice(3, 1_000);
  return /[1-9]/.test(rest) && ms >= 0 ? numeric(`${ms}.${rest}`) : ms;
}
