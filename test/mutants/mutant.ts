/** One line of `src` changed, and the tests that must notice. */
export interface Mutant {
  /** Unique, in words. */
  name: string;
  file: `src/${string}`;
  /** The text that is changed: once in its file, short, and likely to stay. */
  find: string;
  replace: string;
  /** Those that must fail, each by an assertion; `only`: a part of the tests' names. */
  tests: readonly { file: `test/${string}.test.ts`; only?: string }[];
  /** What it would do to somebody. */
  why: string;
}

/** The tests of one file. */
export function tests(file: `test/${string}.test.ts`, ...names: string[]): Mutant["tests"] {
  return names.length === 0 ? [{ file }] : names.map((only) => ({ file, only }));
}
