const DAYS = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";
const SHORT_DAYS = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTH = `(?<month>${MONTHS.join("|")})`;
const TIME = "(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)";

/** The three forms (RFC 9110, 5.6.7); the last two are obsolete, and every recipient must read them. */
const FORMS = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  `${SHORT_DAYS}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT`,
  // Sunday, 06-Nov-94 08:49:37 GMT
  `${DAYS}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT`,
  // Sun Nov  6 08:49:37 1994
  `${SHORT_DAYS} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})`,
].map((form) => new RegExp(`^${form}$`));

/**
 * The time in ms of an HTTP date; `null`: it is none. `Date.parse` would take any text with a number in it. A year of
 * two digits is the last such year that is not more than 50 years after `now` (ms). Pure.
 */
export function parseHttpDate(text: string, now: number): number | null {
  const found = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (found === undefined) return null;
  const { year = "", month = "", ...rest } = found;
  const [day, hour, minute, second] = ["day", "hour", "minute", "second"].map((part) => Number(rest[part]));
  const at = Date.UTC(fullYear(year, now), MONTHS.indexOf(month), day, hour, minute, second);
  // What is out of range would have rolled over: 31 February, or 24:00. A leap second (60) may.
  const date = new Date(at);
  const kept = date.getUTCDate() === day && date.getUTCHours() === hour && date.getUTCMinutes() === minute;
  return kept || second === 60 ? at : null;
}

function fullYear(digits: string, now: number): number {
  const year = Number(digits);
  if (digits.length === 4) return year;
  const thisYear = new Date(now).getUTCFullYear();
  const inThisCentury = thisYear - (thisYear % 100) + year;
  return inThisCentury > thisYear + 50 ? inThisCentury - 100 : inThisCentury;
}
