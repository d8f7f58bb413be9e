import type { z } from "@hono/zod-openapi";
import { below } from "../../accept/schemas";
import { CATALOG_NAMES, type CatalogType, catalogOf } from "../../config/catalogs/catalogs";
import type { EventTypeFields } from "../../config/catalogs/event-types";
import { utf8 } from "../../lib/crypto";
import { readJson } from "../../lib/json/exact";
import { jsonWithRaw, memberTexts } from "../../lib/json/json";
import { compile } from "../../lib/json/json-schema";
import { checkSchema } from "../../lib/json/json-schema-check";
import { iso } from "../../lib/time";
import { invalid, Problem } from "../problems/problem";
import type { eventTypeInput } from "./event-type-shape";
import type { Shown } from "./event-types";

/** The largest sample, in bytes: lists hold up to 250 of them. */
const MAX_SAMPLE_BYTES = 65_536;

/** An event type of which nothing is said. */
export const NOTHING: EventTypeFields = {
  title: null,
  description: null,
  schema: null,
  enforce: false,
  sample: null,
  group: null,
  highVolume: false,
  deprecated: false,
  searchable: [],
};

/** The fields that a body names; the sample as the text it was posted as. */
export function saidIn({ sample, ...rest }: z.infer<typeof eventTypeInput>, text: string): Partial<EventTypeFields> {
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  if (sample === undefined) return given;
  return { ...given, sample: sample === null ? null : (memberTexts(text).get("sample") as string) };
}

/** Refuses what does not hold together: a schema nobody can use, or one that is enforced and the sample breaks. */
export function check({ schema, enforce, sample }: Pick<EventTypeFields, "schema" | "enforce" | "sample">): void {
  if (sample !== null && utf8(sample).byteLength > MAX_SAMPLE_BYTES) {
    throw invalid({ path: "sample", message: `must have at most ${MAX_SAMPLE_BYTES} bytes` });
  }
  if (schema === null) {
    if (enforce) throw invalid({ path: "schema", message: "is needed to enforce it" });
    return;
  }
  const unusable = below("schema", checkSchema(schema));
  if (unusable.length > 0) throw invalid(...unusable);
  if (!enforce || sample === null) return;
  const wrong = below("sample", sampleErrors(JSON.stringify(schema), sample));
  if (wrong.length > 0) throw invalid(...wrong);
}

function sampleErrors(schema: string, sample: string) {
  try {
    return compile(schema)(readJson(sample));
  } catch {
    // Only a stack that overflowed, or too many steps, get here: the schema has been checked.
    return [{ path: "", message: "is nested too deeply, or too large, for its schema" }];
  }
}

export function noSuchType(): Problem {
  return new Problem("event-type-unknown", "There is no such event type.");
}

export function catalog(profile: string): readonly CatalogType[] {
  const types = catalogOf(profile);
  if (types !== null) return types;
  throw new Problem("catalog-unknown", `There is no catalog of that name. There are ${CATALOG_NAMES.join(", ")}.`);
}

export function toText(type: Shown): string {
  const { name, title, description, schema, enforce, sample, group, highVolume, deprecated, searchable } = type;
  const { createdAt, updatedAt } = type;
  return jsonWithRaw(
    {
      name,
      title,
      description,
      schema,
      enforce,
      group,
      highVolume,
      deprecated,
      searchable,
      ...(createdAt === undefined ? {} : { createdAt: iso(createdAt) }),
      ...(updatedAt === undefined ? {} : { updatedAt: iso(updatedAt) }),
    },
    { sample: sample ?? "null" },
  );
}

export function listText(types: Shown[]): string {
  return `[${types.map(toText).join(",")}]`;
}
