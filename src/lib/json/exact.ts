/**
 * Numbers as they are written. JSON's numbers are decimals of any length, and a double holds few of them: beyond 2^53 and
 * beyond 17 digits `JSON.parse` answers a neighbour. Here such a number stays what it is, and is compared as a decimal.
 * Pure.
 *
 * @module
 */

/** A number of JSON: a double where that is exactly what is written, else the decimal itself. */
export type Numeric = number | ExactNumber;

/** A decimal: `0.digits` times ten to the `magnitude`. */
interface Decimal {
  sign: -1 | 0 | 1;
  /** Without zeros at either end; empty: zero. */
  digits: string;
  /** `NaN`: the exponent itself is no double. */
  magnitude: number;
}

/** A number that no double prints as. `JSON.stringify` writes it as it was written. */
export class ExactNumber {
  /** As it was written. */
  readonly text: string;
  /** The same for equal numbers, and for no others. */
  readonly key: string;

  constructor(text: string, key = keyOf(decimalOf(text), text)) {
    this.text = text;
    this.key = key;
  }

  toJSON(): unknown {
    return rawJSON(this.text);
  }
}

/** Makes `JSON.stringify` write that text; TypeScript's library does not have it yet. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** The most digits that a number may have before and behind its point to be reckoned with, or written out in full. */
const MAX_PLACES = 1_000;

/** Whether a value that JSON gave is a number. */
export function isNumeric(value: unknown): value is Numeric {
  return Number.isFinite(value) || value instanceof ExactNumber;
}

/** Whether the value is an object or a list. */
export function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !(value instanceof ExactNumber);
}

/** A number, given as JSON writes it. */
export function numeric(text: string): Numeric {
  const double = Number(text);
  const key = keyOf(decimalOf(text), text);
  if (Number.isFinite(double) && keyOf(decimalOf(String(double)), "") === key) return double;
  return new ExactNumber(text, key);
}

/** Below 0 when `a` is less than `b`, 0 when they are equal, above 0 when it is more; `NaN`: nobody can say. */
export function compareNumbers(a: Numeric, b: Numeric): number {
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
  const [x, y] = [decimal(a), decimal(b)];
  if (x.sign !== y.sign) return x.sign - y.sign;
  if (x.magnitude !== y.magnitude) return x.sign * (x.magnitude - y.magnitude);
  return x.digits === y.digits ? 0 : x.digits < y.digits ? -x.sign : x.sign;
}

/** Numbers as so many of the smallest place that one of them has. */
function scaled(numbers: readonly Numeric[]): bigint[] {
  const all = numbers.map(decimal);
  const last = Math.min(...all.map(({ digits, magnitude }) => magnitude - digits.length));
  return all.map(
    ({ sign, digits, magnitude }) =>
      BigInt(sign) * BigInt(`0${digits}`) * 10n ** BigInt(sign === 0 ? 0 : magnitude - digits.length - last),
  );
}

/** Whether `a` and `b` are at least so far apart. All of them must be {@link isReckonable}. */
export function areApart(a: Numeric, b: Numeric, atLeast: Numeric): boolean {
  const [x, y, least] = scaled([a, b, atLeast]) as [bigint, bigint, bigint];
  return (x > y ? x - y : y - x) >= least;
}

/** Whether a number has nothing behind its point. */
export function isWhole(value: Numeric): boolean {
  const { digits, magnitude } = decimal(value);
  return digits.length <= magnitude || digits === "";
}

/** Whether a number is a multiple of another, which is not 0. Both must be {@link isReckonable}. */
export function isMultiple(value: Numeric, of: Numeric): boolean {
  const [x, step] = scaled([value, of]) as [bigint, bigint];
  return x % step === 0n;
}

/** Whether a number is short enough to be reckoned with in no time: any double is. */
export function isReckonable(value: Numeric): boolean {
  if (typeof value === "number") return true;
  const { digits, magnitude } = decimal(value);
  return Math.abs(magnitude) <= MAX_PLACES && digits.length <= MAX_PLACES;
}

/** A number as a person writes it, without an exponent unless it would have more than a thousand zeros. */
export function numberText(value: Numeric): string {
  const { sign, digits, magnitude } = decimal(value);
  const minus = sign < 0 ? "-" : "";
  if (sign === 0) return "0";
  if (!(Math.abs(magnitude) <= MAX_PLACES + digits.length))
    return value instanceof ExactNumber ? value.key : `${value}`;
  if (magnitude <= 0) return `${minus}0.${"0".repeat(-magnitude)}${digits}`;
  const whole = digits.slice(0, magnitude).padEnd(magnitude, "0");
  return `${minus}${whole}${digits.length > magnitude ? `.${digits.slice(magnitude)}` : ""}`;
}

function decimal(value: Numeric): Decimal {
  return decimalOf(typeof value === "number" ? String(value) : value.text);
}

const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

function decimalOf(text: string): Decimal {
  const [, minus, whole = "", fraction = "", exponent = "0"] = PARTS.exec(text) ?? [];
  const all = whole + fraction;
  let start = 0;
  while (all[start] === "0") start++;
  let end = all.length;
  while (end > start && all[end - 1] === "0") end--;
  if (end === start) return { sign: 0, digits: "", magnitude: 0 };
  const magnitude = Number(exponent) + whole.length - start;
  return {
    sign: minus === "-" ? -1 : 1,
    digits: all.slice(start, end),
    magnitude: Number.isSafeInteger(magnitude) ? magnitude : Number.NaN,
  };
}

/** `text`: what stands for one whose exponent nobody can reckon with: it equals what is written like it. */
function keyOf({ sign, digits, magnitude }: Decimal, text: string): string {
  if (Number.isNaN(magnitude)) return text;
  return `${sign < 0 ? "-" : ""}${sign === 0 ? "0" : `0.${digits}e${magnitude}`}`;
}

/**
 * Whether JSON may have a number that is no double: 16 digits, or an exponent of three. Fewer are always exact. It may take
 * a text for one, which costs time alone.
 */
const LONG = /(?:^|[[:,\s])-?(?:\d[\d.]{15}|[\d.]+[eE][+-]?\d{3})/;

/**
 * What JSON says, like `JSON.parse` but for numbers that no double is: those are {@link ExactNumber}. Throws a
 * `SyntaxError`.
 */
// biome-ignore lint/suspicious/noExplicitAny: as JSON.parse has it
export function readJson(text: string): any {
  const read = JSON.parse(text);
  return LONG.test(text) ? readExactly(text) : read;
}

const SPACE = /[\s,:]*/y;
const NUMBER = /-?[\d.eE+-]+/y;

/** Reads valid JSON. Without recursion: it may be nested as deep as it is long. */
function readExactly(text: string): unknown {
  const root: unknown[] = [];
  const open: (unknown[] | Record<string, unknown>)[] = [root];
  let name: string | null = null;
  const put = (value: unknown) => {
    const container = open.at(-1) as unknown[] | Record<string, unknown>;
    if (Array.isArray(container)) container.push(value);
    // As an own property also where it is called __proto__.
    else
      Object.defineProperty(container, name as string, { value, configurable: true, enumerable: true, writable: true });
    name = null;
  };
  const skip = (token: RegExp, from: number) => {
    token.lastIndex = from;
    token.test(text);
    return token.lastIndex;
  };
  for (let at = skip(SPACE, 0); at < text.length; at = skip(SPACE, at)) {
    const start = at;
    const char = text[at];
    if (char === "{" || char === "[") {
      const container = char === "{" ? {} : [];
      put(container);
      open.push(container);
      at++;
    } else if (char === "}" || char === "]") {
      open.pop();
      at++;
    } else if (char === '"') {
      at = stringEnd(text, at);
      const plain = text.slice(start + 1, at - 1);
      const said = plain.includes("\\") ? (JSON.parse(text.slice(start, at)) as string) : plain;
      if (name === null && !Array.isArray(open.at(-1))) name = said;
      else put(said);
    } else if (char === "t" || char === "f" || char === "n") {
      at += char === "f" ? 5 : 4;
      put(char === "n" ? null : char === "t");
    } else {
      at = skip(NUMBER, at);
      put(numeric(text.slice(start, at)));
    }
  }
  return root[0];
}

/** The end (exclusive) of the JSON string that begins at `start`. */
export function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

/** Whether an exact number is in a value. */
export function holdsExact(value: unknown): boolean {
  const rest = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (next instanceof ExactNumber) return true;
    if (typeof next !== "object" || next === null) continue;
    for (const inner of Object.values(next)) if (typeof inner === "object" && inner !== null) rest.push(inner);
  }
  return false;
}

/** A value on its way to an object, whose calls take no exact numbers: as JSON where it has some. */
export type Portable<T> = T | string;

/** A value as an object's call takes it; `value` is no text. */
export function toPortable<T extends object>(value: T): Portable<T> {
  return holdsExact(value) ? JSON.stringify(value) : value;
}

/** A value as it was before {@link toPortable}. */
export function fromPortable<T extends object>(value: Portable<T>): T {
  return typeof value === "string" ? (readJson(value) as T) : value;
}
