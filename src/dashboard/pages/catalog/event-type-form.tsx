import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { tagOf } from "../../../api/changes/etags";
import { PosthornError } from "../../../client/index";
import { jsonWithRaw } from "../../../lib/json/json";
import { Act, Refused, TextArea, TextField, Token, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { NewCard } from "../../components/listing";
import { Card } from "../../components/parts";
import { type FieldErrors, type Refusal, refusalOf, refused, refusedWith } from "../../errors";
import { readValues, valuesText } from "../../forms/values";
import { needs } from "../../guard";
import { prettyJson } from "../../json-text";
import { isStale } from "../../meanwhile";
import { type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";
import { typeIn } from "./types";

/** The fields that are texts, those that are JSON, and those that are on or off. */
const TEXTS = ["title", "description", "group", "searchable"] as const;
const JSONS = ["sample", "schema"] as const;
const FLAGS = [
  ["enforce", "Enforce the schema: data that breaks it is refused when it is posted"],
  ["highVolume", "High volume: endpoints that choose it are warned"],
  ["deprecated", "Deprecated: endpoints that choose it are warned"],
] as const;

type Values = Record<(typeof TEXTS)[number] | (typeof JSONS)[number], string> &
  Record<(typeof FLAGS)[number][0], boolean>;

function valuesIn(form: FormData): Values {
  const texts = [...TEXTS, ...JSONS].map((name) => [name, textOf(form, name).replaceAll("\r\n", "\n")]);
  return Object.fromEntries([...texts, ...FLAGS.map(([name]) => [name, form.has(name)])]) as Values;
}

function valuesOf(text: string): Values {
  const { title, description, group, searchable, sample, schema, ...rest } = typeIn(text);
  return {
    ...rest,
    title: title ?? "",
    description: description ?? "",
    group: group ?? "",
    searchable: valuesText(searchable, true),
    sample: prettyJson(sample ?? ""),
    schema: prettyJson(schema ?? ""),
  };
}

/** What differs, as the API takes it: JSON as its text, so that a number keeps its digits. Throws a refusal. */
function changeOf(said: Values, was: Values): string {
  const errors: FieldErrors = [];
  const changed = (name: keyof Values) => said[name] !== was[name];
  const raw = JSONS.filter(changed).map((name) => {
    const text = said[name];
    try {
      if (text !== "") JSON.parse(text);
    } catch (error) {
      errors.push({ path: name, message: `is not JSON: ${(error as Error).message}` });
    }
    return [name, text === "" ? "null" : text];
  });
  if (errors.length > 0) throw refused("Some fields cannot be read.", errors);
  const plain = [...TEXTS, ...FLAGS.map(([name]) => name)].filter(changed).map((name) => {
    if (name === "searchable") return [name, readValues(said.searchable, true)];
    return [name, said[name] === "" ? null : said[name]];
  });
  return jsonWithRaw(Object.fromEntries(plain), Object.fromEntries(raw));
}

const at = (c: SiteContext) => `/v1/event-types/${encodeURIComponent(c.req.param("name") ?? "")}`;

/** What a form is filled in with, and the tag of what it was read from. */
interface Shown {
  values: Values;
  tag: string;
  refusal: Refusal | null;
}

async function show(c: SiteContext, { values, tag, refusal }: Shown): Promise<Response> {
  const site = c.get("site");
  const name = c.req.param("name") ?? "";
  const here = tenantPath(c, "event-types", name);
  const errors = refusal?.errors ?? [];
  return page(
    c,
    { title: `Edit ${name}`, current: "Event types", refusal },
    <>
      <PageHead title={name} up={{ href: here, name: "The event type" }}>
        <Act visit={site} action={`${here}/delete`} class="danger" asks={`Delete what is said of ${name}?`}>
          Delete
        </Act>
      </PageHead>
      <Refused refusal={refusal} what="The event type was not changed." />
      <Card>
        <form method="post" action={`${here}/edit`}>
          <Token visit={site} />
          <input type="hidden" name="tag" value={tag} />
          <div class="columns fields">
            <TextField name="title" label="Title" value={values.title} errors={errors} />
            <TextField name="group" label="Group" value={values.group} errors={errors} />
            <TextField
              name="searchable"
              label="Searchable fields"
              value={values.searchable}
              errors={errors}
              placeholder="order.id, company.domain"
              hint="Up to three paths in its data, by whose values events are found; commas between them."
            />
          </div>
          <TextArea name="description" label="Description" rows={2} value={values.description} errors={errors} />
          <div class="columns wide">
            <TextArea
              name="sample"
              label="Sample"
              code
              rows={14}
              value={values.sample}
              errors={errors}
              hint="JSON that tests send and forms propose fields from; numbers keep their digits. Empty: none."
            />
            <TextArea
              name="schema"
              label="Schema"
              code
              rows={14}
              value={values.schema}
              errors={errors}
              hint="A JSON Schema of its data; empty: none."
            />
          </div>
          {FLAGS.map(([flag, words]) => (
            <label class="check">
              <input type="checkbox" name={flag} value="yes" checked={values[flag]} /> {words}.
            </label>
          ))}
          <div class="form-end">
            <button type="submit" class="primary">
              Save
            </button>
            <a href={here}>Cancel</a>
          </div>
        </form>
      </Card>
    </>,
  );
}

async function save(c: SiteContext): Promise<Response> {
  const form = c.get("form");
  const values = valuesIn(form);
  const text = await c.get("site").text(at(c));
  const now = await tagOf(text);
  try {
    const change = changeOf(values, valuesOf(text));
    if (change !== "{}") await c.get("site").text(at(c), change, "PATCH", { "If-Match": textOf(form, "tag") || now });
  } catch (error) {
    const detail =
      "Somebody else changed it meanwhile. Look at what it is now; saving once more puts yours in its place.";
    if (isStale(error)) return show(c, { values, tag: now, refusal: { detail, errors: [] } });
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return show(c, { values, tag: textOf(form, "tag"), refusal });
  }
  return c.redirect(withQuery(tenantPath(c, "event-types", c.req.param("name") ?? ""), { done: "saved" }), 303);
}

/** The box for a new event type: what is said of it is said on the page that follows. */
export const NewType: FC<{ c: SiteContext; refusal: Refusal | null; name: string }> = ({ c, refusal, name }) => (
  <NewCard may={c.get("site").may.eventTypes.put} what="event type" refusal={refusal}>
    <form method="post" action={tenantPath(c, "event-types")} class="inline">
      <Token visit={c.get("site")} />
      <TextField name="name" label="Name" required value={name} errors={refusal?.errors ?? []} placeholder="lead.hot" />
      <button type="submit" class="primary">
        Create
      </button>
    </form>
  </NewCard>
);

/** Registers a type that is not registered yet. Throws what the API refuses. */
export async function register(c: SiteContext, name: string): Promise<void> {
  const path = `/v1/event-types/${encodeURIComponent(name)}`;
  try {
    await c.get("site").text(path);
  } catch (error) {
    if (!(error instanceof PosthornError) || error.problem.status !== 404) throw error;
    await c.get("site").text(path, "{}", "PUT");
    return;
  }
  throw refused("It is there.", [{ path: "name", message: "is registered already" }]);
}

function only(c: SiteContext): void {
  needs(c.get("site").may.eventTypes.update, "Event types are the operator's to change.");
}

/** Changing what is said of an event type. */
export const eventTypeFormPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/event-types/:name/edit", async (c) => {
    only(c);
    const text = await c.get("site").text(at(c));
    return show(c, { values: valuesOf(text), tag: await tagOf(text), refusal: null });
  })
  .post("/tenants/:tenant/event-types/:name/edit", (c) => {
    only(c);
    return save(c);
  })
  .post("/tenants/:tenant/event-types/:name/delete", async (c) => {
    only(c);
    const refusal = await refusedWith(() => c.get("site").text(at(c), undefined, "DELETE"));
    if (refusal === null) return c.redirect(withQuery(tenantPath(c, "event-types"), { done: "deleted" }), 303);
    const text = await c.get("site").text(at(c));
    return show(c, { values: valuesOf(text), tag: await tagOf(text), refusal });
  });
