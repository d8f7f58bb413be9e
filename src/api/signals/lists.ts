import { z } from "@hono/zod-openapi";
import {
  type CountedList,
  deleteList,
  insertList,
  itemsOf,
  type ListRow,
  listLists,
  listRows,
  MAX_ITEMS,
  putItem,
  removeItem,
  updateList,
} from "../../config/rules/lists";
import { newId } from "../../lib/ids";
import { iso } from "../../lib/time";
import { entry } from "../access/audit";
import { locateAt } from "../changes/location";
import { changing, deleting, tagAs } from "../changes/matching";
import { saving } from "../changes/saving";
import { type AppContext, router } from "../http/context";
import { pageOf } from "../http/paging";
import { ADMIN, createRoute, READERS } from "../http/route";
import { Problem } from "../problems/problem";
import { inTenant } from "../spec/parameters";
import {
  body,
  changesOf,
  createdAt,
  json,
  listQuery,
  named,
  pageShape,
  plainText,
  problems,
  updatedAt,
} from "../spec/schemas";
import { listName } from "./signal-shape";

const base = "/v1/tenants/{tenant}/lists";
const atList = inTenant.extend({ list: z.string().describe("The list's name.") });
/** A key as an entity has it. */
const item = plainText(1000).min(1);
const atItem = atList.extend({ item: item.describe("The item: an entity's key.") });

const items = z.array(item).max(MAX_ITEMS);
const name = listName.describe("Its name, under which signals look it up.");
const ITEMS = "The keys of entities that are on it.";
const listInput = named(
  "ListInput",
  z.strictObject({ name, items: items.default([]).describe(ITEMS) }),
  "A list to be created.",
);
const listPatch = changesOf(
  "ListPatch",
  { name, items: items.describe(ITEMS) },
  "Changes of a list. What is left out stays.",
);
const head = {
  name: z.string().describe("Its name."),
  size: z.number().int().describe("How many items are on it."),
  createdAt,
  updatedAt,
};
const headShape = named("ListSummary", z.object(head), "A list without its items.");
const listShape = named(
  "List",
  z.object({ ...head, items: z.array(z.string()).describe(ITEMS) }),
  "Keys of entities that signals look up.",
);
const itemShape = named(
  "ListItem",
  z.object({ list: z.string().describe("The list's name."), item: z.string().describe("The item.") }),
  "An item of a list.",
);

const create = createRoute({
  method: "post",
  path: base,
  operationId: "createList",
  summary: "Create a list",
  description: "Keys of entities that signals look up with `inList`.",
  tags: ["Signals"],
  roles: ADMIN,
  request: { params: inTenant, ...body(listInput, { name: "customers", items: ["acme.com", "halden.example"] }) },
  responses: { 201: json(listShape, "created"), ...problems(400, 401, 404, 409, 422) },
});

const list = createRoute({
  method: "get",
  path: base,
  operationId: "listLists",
  summary: "List lists",
  description: "Newest first, without their items.",
  tags: ["Signals"],
  roles: READERS,
  request: { params: inTenant, query: listQuery(/^lst_[0-9A-Z]{26}$/) },
  responses: {
    200: json(pageShape("ListPage", headShape), "newest first, without their items"),
    ...problems(401, 404, 422),
  },
});

const get = createRoute({
  method: "get",
  path: `${base}/{list}`,
  operationId: "getList",
  summary: "Get a list",
  description: "A list by its name, its items in alphabetical order.",
  tags: ["Signals"],
  roles: READERS,
  request: { params: atList },
  responses: { 200: json(listShape, "the list, its items in alphabetical order"), ...problems(401, 404) },
});

const patch = createRoute({
  method: "patch",
  path: `${base}/{list}`,
  operationId: "updateList",
  summary: "Change a list",
  description: "Renames it, or replaces its items.",
  tags: ["Signals"],
  roles: ADMIN,
  request: { params: atList, ...body(listPatch, { items: ["acme.com"] }) },
  responses: { 200: json(listShape, "changed"), ...problems(400, 401, 404, 409, 422) },
});

const remove = createRoute({
  method: "delete",
  path: `${base}/{list}`,
  operationId: "deleteList",
  summary: "Delete a list",
  description: "For signals that name it, it is empty from then on.",
  tags: ["Signals"],
  roles: ADMIN,
  request: { params: atList },
  responses: { 204: { description: "deleted; for signals that name it, it is empty" }, ...problems(401, 404) },
});

const put = createRoute({
  method: "put",
  path: `${base}/{list}/items/{item}`,
  operationId: "putListItem",
  summary: "Put an item on a list",
  description: "Safe to repeat.",
  tags: ["Signals"],
  roles: ADMIN,
  request: { params: atItem },
  responses: {
    200: json(itemShape, "it was on the list"),
    201: json(itemShape, "put on the list"),
    ...problems(401, 404, 409, 422),
  },
});

const take = createRoute({
  method: "delete",
  path: `${base}/{list}/items/{item}`,
  operationId: "deleteListItem",
  summary: "Take an item off a list",
  description: "A 404 where it is not on the list.",
  tags: ["Signals"],
  roles: ADMIN,
  request: { params: atItem },
  responses: { 204: { description: "taken off" }, ...problems(401, 404, 422) },
});

function notThere(): Problem {
  return new Problem("list-unknown", "There is no such list.");
}

function taken(): Problem {
  return new Problem("list-name-taken", "There is a list of that name already.");
}

async function found(c: AppContext, name: string): Promise<ListRow> {
  const row = await listRows.find(c.env.DB, c.get("tenant"), name);
  if (row === null) throw notThere();
  return row;
}

function toHead({ name, size, createdAt, updatedAt }: CountedList): z.infer<typeof headShape> {
  return { name, size, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}

async function toShape(c: AppContext, row: ListRow): Promise<z.infer<typeof listShape>> {
  const on = await itemsOf(c.env.DB, row.id);
  const { createdAt, updatedAt, ...head } = toHead({ ...row, size: on.length });
  return { ...head, items: on, createdAt, updatedAt };
}

/** Lists: entities' keys that signals look up. */
export const listRoutes = router()
  .openapi(create, async (c) => {
    const tenant = c.get("tenant");
    const now = Date.now();
    const given = c.req.valid("json");
    const created = entry(c, "list.created", given.name);
    const row = await saving(insertList(c.env.DB, tenant, newId("lst", now), given, now, created));
    if (row === null) throw taken();
    locateAt(c, row.name);
    const shown = await toShape(c, row);
    await tagAs(c, shown);
    return c.json(shown, 201);
  })
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const rows = await listLists(c.env.DB, c.get("tenant"), limit + 1, cursor ?? null);
    return pageOf(c, rows, limit, toHead, ({ id }) => id);
  })
  .openapi(get, async (c) => c.json(await toShape(c, await found(c, c.req.valid("param").list)), 200))
  .openapi(patch, async (c) => {
    const change = c.req.valid("json");
    const { list: name } = c.req.valid("param");
    const updated = entry(c, "list.updated", name, Object.keys(change));
    const row = await changing(
      c,
      () => found(c, name),
      (read) => toShape(c, read),
      (read) => updateList(c.env.DB, read, change, Date.now(), updated),
    );
    if (row === "taken") throw taken();
    const shown = await toShape(c, row);
    await tagAs(c, shown);
    return c.json(shown, 200);
  })
  .openapi(remove, async (c) => {
    const { list: name } = c.req.valid("param");
    const deleted = entry(c, "list.deleted", name);
    const there = await deleting(
      c,
      () => found(c, name),
      (read) => toShape(c, read),
      (read) => deleteList(c.env.DB, c.get("tenant"), name, Date.now(), deleted, read),
    );
    if (!there) throw notThere();
    return c.body(null, 204);
  })
  .openapi(put, async (c) => {
    const { list: name, item: key } = c.req.valid("param");
    const row = await found(c, name);
    const result = await putItem(c.env.DB, row, key, Date.now(), entry(c, "list.item.put", name));
    if (result === "gone") throw notThere();
    if (result === "full") throw new Problem("limit-reached", `A list has at most ${MAX_ITEMS} items.`);
    return c.json({ list: name, item: key }, result === "put" ? 201 : 200);
  })
  .openapi(take, async (c) => {
    const { list: name, item: key } = c.req.valid("param");
    const row = await found(c, name);
    const removed = await removeItem(c.env.DB, row, key, Date.now(), entry(c, "list.item.deleted", name));
    if (!removed) throw new Problem("item-unknown", "That is not on the list.");
    return c.body(null, 204);
  });
