/**
 * A schema of every kind that the sources name, with the checks they give it, and what each says of bad values: for zod as
 * it is, and as it is bundled.
 * @module
 */

import * as z from "zod";

/** What no schema below takes all of. */
const BAD = [
  undefined,
  null,
  true,
  0,
  1.5,
  200,
  Number.NaN,
  "",
  "a",
  "a text that is too long",
  [],
  [1],
  {},
  { a: 1, b: 2 },
];

/** By the kind's name, and what is special about it. */
export const SCHEMAS: Record<string, z.ZodType> = {
  array: z.array(z.string()).min(1).max(1),
  boolean: z.boolean(),
  custom: z.custom((value) => value === "b", { error: "not b" }),
  discriminatedUnion: z.discriminatedUnion("a", [z.object({ a: z.literal(2) }), z.object({ a: z.literal(3) })]),
  enum: z.enum(["b", "c"]),
  int: z.int().min(1).max(100),
  iso: z.iso.datetime(),
  literal: z.literal("b"),
  looseObject: z.looseObject({ a: z.string() }),
  number: z.number().min(1).max(100).multipleOf(2),
  object: z.object({ a: z.string() }),
  record: z.record(z.string().max(0), z.number()),
  strictObject: z.strictObject({ b: z.number().nullable().optional() }),
  string: z.string().min(1).max(10).regex(/^b/),
  "string refined": z.string().refine((text) => text === "b", { error: "not b" }),
  union: z.union([z.literal("b"), z.array(z.literal(2))]),
  unknown: z.unknown(),
  url: z.url(),
};

/** What a schema says of each bad value. */
export function issuesOf(name: string): unknown[] {
  return BAD.map((value) => SCHEMAS[name]?.safeParse(value).error?.issues);
}
