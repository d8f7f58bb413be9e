import { z } from "@hono/zod-openapi";
import { CATALOG_NAMES } from "../../config/catalogs/catalogs";
import {
  changeEventType,
  type EventTypeRow,
  findEventType,
  fromCatalog,
  installEventTypes,
  listEventTypes,
  putEventType,
  removeEventType,
} from "../../config/catalogs/event-types";
import { serviceOf } from "../../config/databases";
import { jsonWithRaw } from "../../lib/json/json";
import { entry } from "../access/audit";
import { changing, tagAs } from "../changes/preconditions";
import { saving } from "../changes/saving";
import { type AppContext, router } from "../http/context";
import { cut, linkNext } from "../http/paging";
import { MEMBERS, OPERATOR } from "../http/roles";
import { createRoute } from "../http/route";
import { body, eventType, json, listQuery, named, pageShape, problems } from "../spec/schemas";
import { catalogTypeShape, eventTypeInput, eventTypePatch, eventTypeShape, group } from "./event-type-shape";
import { catalog, check, listText, NOTHING, noSuchType, saidIn, toText } from "./event-type-texts";

const base = "/v1/event-types";

const params = z.object({ name: eventType });

const catalogParams = z.object({
  profile: z.string().openapi({ enum: [...CATALOG_NAMES], description: "The vendor's name." }),
});

const list = createRoute({
  method: "get",
  path: base,
  operationId: "listEventTypes",
  summary: "List event types",
  description: "By name. Types need not be registered to be posted or subscribed to.",
  tags: ["Event types"],
  roles: MEMBERS,
  request: {
    query: listQuery(/^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$/).extend({
      group: group.optional().describe("Of this group."),
    }),
  },
  responses: { 200: json(pageShape("EventTypePage", eventTypeShape), "by name"), ...problems(401, 422) },
});

const put = createRoute({
  method: "put",
  path: `${base}/{name}`,
  operationId: "putEventType",
  summary: "Create or replace an event type",
  description: "What the body leaves out goes back to its default.",
  tags: ["Event types"],
  roles: OPERATOR,
  request: { params, ...body(eventTypeInput, { title: "A hot lead", group: "Leads", sample: { score: 91 } }) },
  responses: {
    200: json(eventTypeShape, "replaced"),
    201: json(eventTypeShape, "created"),
    ...problems(400, 401, 403, 409, 422),
  },
});

export const get = createRoute({
  method: "get",
  path: `${base}/{name}`,
  operationId: "getEventType",
  summary: "Get an event type",
  description: "An event type by its name.",
  tags: ["Event types"],
  roles: MEMBERS,
  request: { params },
  responses: { 200: json(eventTypeShape, "the event type"), ...problems(401, 404, 422) },
});

const patch = createRoute({
  method: "patch",
  path: `${base}/{name}`,
  operationId: "updateEventType",
  summary: "Change an event type",
  description: "Changes what the body names; the rest stays.",
  tags: ["Event types"],
  roles: OPERATOR,
  request: { params, ...body(eventTypePatch, { deprecated: true }) },
  responses: { 200: json(eventTypeShape, "changed"), ...problems(400, 401, 403, 404, 409, 422) },
});

const remove = createRoute({
  method: "delete",
  path: `${base}/{name}`,
  operationId: "deleteEventType",
  summary: "Delete an event type",
  description: "Its events are posted and delivered as before; only what was said of the type is gone.",
  tags: ["Event types"],
  roles: OPERATOR,
  request: { params },
  responses: { 204: { description: "deleted" }, ...problems(401, 403, 404, 422) },
});

const preview = createRoute({
  method: "get",
  path: `${base}/catalogs/{profile}`,
  operationId: "previewCatalog",
  summary: "See what a catalog would register",
  description: "The event types of a vendor, as they would be registered.",
  tags: ["Event types"],
  roles: MEMBERS,
  request: { params: catalogParams },
  responses: {
    200: json(
      named(
        "EventTypeCatalog",
        z.object({ data: z.array(catalogTypeShape).describe("Its event types.") }),
        "A vendor's event types.",
      ),
      "what installing it would register",
    ),
    ...problems(401, 404),
  },
});

const install = createRoute({
  method: "post",
  path: `${base}/catalogs/{profile}`,
  operationId: "installCatalog",
  summary: "Register a catalog's event types",
  description:
    "Registers a vendor's event types; those of the same name are replaced, but for `enforce`, `deprecated` and `searchable`.",
  tags: ["Event types"],
  roles: OPERATOR,
  request: { params: catalogParams },
  responses: {
    201: json(
      named(
        "InstalledEventTypes",
        z.object({ data: z.array(eventTypeShape).describe("Its event types as they now are.") }),
        "A vendor's event types, registered.",
      ),
      "installed",
    ),
    ...problems(401, 403, 404),
  },
});

/** Event types: what is known of the events, for all tenants. */
export const eventTypeRoutes = router()
  .openapi(list, async (c) => {
    const query = c.req.valid("query");
    const { page, nextCursor } = await cut(
      query,
      (limit, after) => listEventTypes(serviceOf(c.env), limit, after, query.group ?? null),
      ({ name }) => name,
    );
    linkNext(c, nextCursor);
    return answer(c, 200, jsonWithRaw({}, { data: listText(page), nextCursor: JSON.stringify(nextCursor) }));
  })
  .openapi(put, async (c) => {
    const said = { ...NOTHING, ...saidIn(c.req.valid("json"), await c.req.text()) };
    check(said);
    const { name } = c.req.valid("param");
    const put = entry(c, "eventtype.put", name);
    if (c.req.header("If-Match") !== undefined) {
      // Whoever names what they have read means to change it, and not to create anything.
      const replace = (type: EventTypeRow | null) =>
        changeEventType(serviceOf(c.env), type as EventTypeRow, said, Date.now(), put);
      const replaced = await changing(
        c,
        () => findEventType(serviceOf(c.env), name),
        (type) => type && toText(type),
        replace,
      );
      await tagAs(c, toText(replaced));
      return answer(c, 200, toText(replaced));
    }
    const { type, created } = await saving(putEventType(serviceOf(c.env), name, said, Date.now(), put));
    await tagAs(c, toText(type));
    return answer(c, created ? 201 : 200, toText(type));
  })
  .openapi(get, async (c) => answer(c, 200, toText(await typeOf(c, c.req.valid("param").name))))
  .openapi(patch, async (c) => {
    const { name } = c.req.valid("param");
    const change = saidIn(c.req.valid("json"), await c.req.text());
    const updated = entry(c, "eventtype.updated", name, Object.keys(change));
    const update = (type: EventTypeRow) => {
      check({ ...type, ...change });
      return changeEventType(serviceOf(c.env), type, change, Date.now(), updated);
    };
    const changed = await changing(c, () => typeOf(c, name), toText, update);
    await tagAs(c, toText(changed));
    return answer(c, 200, toText(changed));
  })
  .openapi(remove, async (c) => {
    const { name } = c.req.valid("param");
    const deleted = entry(c, "eventtype.deleted", name);
    const remove = (read: EventTypeRow) => removeEventType(serviceOf(c.env), read, Date.now(), deleted);
    await changing(c, () => typeOf(c, name), toText, remove);
    return c.body(null, 204);
  })
  .openapi(preview, async (c) => {
    const types = catalog(c.req.valid("param").profile);
    const rows = types.map((type) => ({ ...fromCatalog(type), enforce: false, deprecated: false, searchable: [] }));
    return answer(c, 200, jsonWithRaw({}, { data: listText(rows) }));
  })
  .openapi(install, async (c) => {
    const { profile } = c.req.valid("param");
    const installed = entry(c, "eventtype.installed", profile);
    const rows = await installEventTypes(serviceOf(c.env), catalog(profile), Date.now(), installed);
    return answer(c, 201, jsonWithRaw({}, { data: listText(rows) }));
  });

async function typeOf(c: AppContext, name: string): Promise<EventTypeRow> {
  const type = await findEventType(serviceOf(c.env), name);
  if (type === null) throw noSuchType();
  return type;
}

/** An event type as it is answered; without times while it is not registered. */
export type Shown = Omit<EventTypeRow, "createdAt" | "updatedAt"> & Partial<EventTypeRow>;

/** Answers JSON that is text already, so that samples keep the bytes they were posted as. */
function answer(c: AppContext, status: 200 | 201, text: string): never {
  return c.body(text, status, { "Content-Type": "application/json" }) as never;
}
