import { Hono } from "hono";
import { tagOf } from "../../../api/changes/etags";
import { catalogOf } from "../../../config/catalogs/catalogs";
import { readJson } from "../../../lib/json/exact";
import { OPERATOR_TENANT } from "../../../lib/operator";
import { Refused, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Card, Facts } from "../../components/parts";
import { type Endpoint, nameOf } from "../../components/pills";
import { PreviewPane } from "../../components/preview";
import { At } from "../../components/time";
import { type FieldErrors, type Refusal, refusalOf } from "../../errors";
import { askedIn } from "../../forms/filter-form";
import { countedFor, type Held } from "../../forms/held";
import { keepWarnings, needs } from "../../guard";
import { clashes, clashRefusal, isStale, readIn } from "../../meanwhile";
import { type Preview, previewOf } from "../../preview";
import type { SiteContext, SiteEnv } from "../../site";
import { tenantPath, withQuery } from "../../site";
import { page, part, wantsPart } from "../../write";
import { knownFields } from "../catalog/known-fields";
import { allTypes, type TypeText } from "../catalog/types";
import { EndpointForm } from "./endpoint-form";
import { EndpointFrame, endpointPath } from "./endpoint-frame";
import {
  asPatch,
  bodyOf,
  changed,
  changeOf,
  type EndpointValues,
  eventsOf,
  newValues,
  type Unread,
  valuesIn,
  valuesOf,
} from "./endpoint-values";

/** What the operator's own endpoints subscribe to. */
const OPERATOR_TYPES = ["endpoint.failing", "endpoint.disabled", "endpoint.recovered", "delivery.exhausted"];

/** The event types that a form offers. */
async function typesFor(c: SiteContext): Promise<{ types: TypeText[]; more: boolean }> {
  if (c.req.param("tenant") !== OPERATOR_TENANT) return allTypes(c);
  const plain = { title: null, description: null, schema: null, enforce: false, sample: null, group: null };
  const rest = { highVolume: false, deprecated: false, searchable: [], createdAt: "", updatedAt: "" };
  return { types: OPERATOR_TYPES.map((name) => ({ ...plain, ...rest, name })), more: false };
}

interface Shown {
  values: EndpointValues;
  /** What the form was rendered from, where that is not the endpoint as it is now. */
  read?: Endpoint;
  refusal?: Refusal | null;
  preview?: Preview | null;
  held?: Held | null;
}

/** The types and the fields that a form offers. */
async function offered(c: SiteContext, values: EndpointValues) {
  const { types, more } = await typesFor(c);
  return { types, more, fields: await knownFields(c, eventsOf(values), types) };
}

/** What the form says, held against the latest events; of the types that it wants. */
async function counted(c: SiteContext, endpoint: Endpoint | null): Promise<Shown> {
  const values = valuesIn(c.get("form"));
  const read = endpoint === null ? {} : { read: readIn(c.get("form"), endpoint) };
  if (askedIn(c.get("form")) !== "count") return { values, ...read };
  const wanted = eventsOf(values);
  const wants = (type: string) => wanted.includes("*") || wanted.includes(type);
  const held = await countedFor(c.env, c.req.param("tenant") ?? "", values.filter, { wants });
  return { values, ...read, held };
}

function only(c: SiteContext): void {
  needs(c.get("site").may.endpoints.update, "Your role reads, and does not change endpoints.");
}

async function showNew(
  c: SiteContext,
  { values, refusal = null, preview = null, held = null }: Shown,
): Promise<Response> {
  const list = tenantPath(c, "endpoints");
  return page(
    c,
    { title: "New endpoint", current: "Endpoints", refusal },
    <>
      <PageHead title="New endpoint" up={{ href: list, name: "Endpoints" }} />
      <Refused refusal={refusal} what="The endpoint was not created." />
      <EndpointForm
        site={c.get("site")}
        action={list}
        tryAt={`${list}/preview`}
        values={values}
        {...(await offered(c, values))}
        errors={refusal?.errors ?? []}
        preview={preview}
        held={held}
        isNew
        cancel={list}
      />
    </>,
  );
}

async function showEdit(
  c: SiteContext,
  endpoint: Endpoint,
  { values, read = endpoint, refusal = null, preview = null, held = null }: Shown,
): Promise<Response> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const here = endpointPath(site, tenant, endpoint.id);
  return page(
    c,
    { title: `Settings · ${nameOf(endpoint)}`, current: "Endpoints", refusal },
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Settings">
      <Refused refusal={refusal} what="The endpoint was not changed." />
      <EndpointForm
        site={site}
        action={`${here}/settings`}
        tryAt={`${here}/settings/preview`}
        values={values}
        {...(await offered(c, values))}
        errors={refusal?.errors ?? []}
        preview={preview}
        held={held}
        isNew={false}
        read={read}
        cancel={here}
      />
      <Card title="About it">
        <Facts
          rows={[
            ["Id", <code>{endpoint.id}</code>],
            ["Created", <At at={endpoint.createdAt} />],
            ["Changed", <At at={endpoint.updatedAt} />],
          ]}
        />
        <a class="button danger" href={`${here}/delete`}>
          Delete …
        </a>
      </Card>
    </EndpointFrame>,
  );
}

/** What fields say of a new endpoint, or of one that is there. */
function saidOf(values: EndpointValues, endpoint: Endpoint | null) {
  const { body, unread } = bodyOf(values);
  return { said: endpoint === null ? body : changed(endpoint, changeOf(body, endpoint)), unread };
}

async function tried(c: SiteContext, endpoint: Endpoint | null): Promise<{ values: EndpointValues; preview: Preview }> {
  const form = c.get("form");
  const values = valuesIn(form);
  const asked = { event: textOf(form, "sampleEvent"), data: textOf(form, "sampleData") };
  const said = saidOf(values, endpoint);
  return { values, preview: await previewOf(c.env, c.req.param("tenant") ?? "", said, asked, Date.now()) };
}

/** A preview before anybody has chosen: of the profile's own first type, or of any that has a sample. */
async function firstPreview(
  c: SiteContext,
  values: EndpointValues,
  endpoint: Endpoint | null,
): Promise<Preview | null> {
  const { types } = await typesFor(c);
  const own = new Set(
    eventsOf(values).length > 0 ? eventsOf(values) : catalogOf(values.profile)?.map(({ name }) => name),
  );
  const type = types.find(({ name }) => own.has(name)) ?? types.find(({ sample }) => sample !== null);
  if (type === undefined) return null;
  const asked = { event: type.name, data: "" };
  return previewOf(c.env, c.req.param("tenant") ?? "", saidOf(values, endpoint), asked, Date.now());
}

function unreadRefusal(unread: Unread[]): Refusal {
  return { detail: "Some fields cannot be read.", errors: unread as FieldErrors };
}

/** A refusal that calls an event type by its name: its place in the list is nothing that a form shows. */
function namingEvents({ detail, errors }: Refusal, events: readonly string[]): Refusal {
  const named = errors.map((error) => {
    const [, place] = /^events\.(\d+)$/.exec(error.path) ?? [];
    return place === undefined ? error : { path: "events", message: `${events[Number(place)]} ${error.message}` };
  });
  return { detail, errors: named };
}

async function create(c: SiteContext): Promise<Response> {
  only(c);
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  if (askedIn(c.get("form")) !== null) return showNew(c, await counted(c, null));
  const values = valuesIn(c.get("form"));
  const { body, unread } = bodyOf(values);
  if (unread.length > 0) return showNew(c, { values, refusal: unreadRefusal(unread) });
  const said = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  const secret = values.secret === "" ? {} : { secret: values.secret };
  try {
    const input = { ...said, ...secret, url: values.url, events: body.events, enabled: values.enabled };
    const endpoint = await site.api.endpoints.create(tenant, input);
    keepWarnings(c, endpoint.warnings);
    return c.redirect(withQuery(endpointPath(site, tenant, endpoint.id), { done: "created" }), 303);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return showNew(c, { values, refusal: namingEvents(refusal, body.events) });
  }
}

async function found(c: SiteContext): Promise<Endpoint> {
  only(c);
  return c.get("site").api.endpoints.get(c.req.param("tenant") ?? "", c.req.param("endpoint") ?? "");
}

async function save(c: SiteContext, tries = 3): Promise<Response> {
  only(c);
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const at = ["tenants", tenant, "endpoints", c.req.param("endpoint") ?? ""].map(encodeURIComponent).join("/");
  const text = await site.text(`/v1/${at}`);
  const endpoint = readJson(text) as Endpoint;
  if (askedIn(c.get("form")) !== null) return showEdit(c, endpoint, await counted(c, endpoint));
  const values = valuesIn(c.get("form"));
  const { body, unread } = bodyOf(values);
  if (unread.length > 0)
    return showEdit(c, endpoint, { values, read: readIn(c.get("form"), endpoint), refusal: unreadRefusal(unread) });
  const read = readIn(c.get("form"), endpoint);
  const change = changeOf(body, read);
  const here = endpointPath(site, tenant, endpoint.id);
  if (Object.keys(change).length === 0) return c.redirect(here, 303);
  const clashing = clashes(change, read, endpoint);
  if (clashing.length > 0) {
    const refusal = await clashRefusal(c.env, tenant, endpoint.id, Date.parse(read.updatedAt), clashing);
    return showEdit(c, endpoint, { values, refusal });
  }
  try {
    const headers = { "If-Match": await tagOf(text) };
    keepWarnings(
      c,
      (await site.api.endpoints.update(tenant, endpoint.id, asPatch(change, read), { headers })).warnings,
    );
    return c.redirect(withQuery(`${here}/settings`, { done: "saved" }), 303);
  } catch (error) {
    const refusal = refusalOf(error);
    // In the very moment between reading and writing: what is clashing is told by the next look.
    if (isStale(error) && tries > 0) return save(c, tries - 1);
    if (refusal === null) throw error;
    return showEdit(c, endpoint, { values, read, refusal: namingEvents(refusal, body.events) });
  }
}

/** Making and changing endpoints. */
export const endpointEditPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/endpoints/new", async (c) => {
    only(c);
    const values = newValues(c.env.DEFAULT_PROFILE);
    return showNew(c, { values, preview: await firstPreview(c, values, null) });
  })
  .post("/tenants/:tenant/endpoints", create)
  .post("/tenants/:tenant/endpoints/preview", async (c) => {
    only(c);
    const shown = await tried(c, null);
    return wantsPart(c) ? part(c, <PreviewPane preview={shown.preview} />) : showNew(c, shown);
  })
  .get("/tenants/:tenant/endpoints/:endpoint/settings", async (c) => {
    const endpoint = await found(c);
    const types = (await typesFor(c)).types.map(({ name }) => name);
    const values = valuesOf(endpoint, types);
    return showEdit(c, endpoint, { values, preview: await firstPreview(c, values, endpoint) });
  })
  .post("/tenants/:tenant/endpoints/:endpoint/settings", (c) => save(c))
  .post("/tenants/:tenant/endpoints/:endpoint/settings/preview", async (c) => {
    const endpoint = await found(c);
    const shown = await tried(c, endpoint);
    return wantsPart(c)
      ? part(c, <PreviewPane preview={shown.preview} />)
      : showEdit(c, endpoint, { ...shown, read: readIn(c.get("form"), endpoint) });
  });
