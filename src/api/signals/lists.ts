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
import { saving } from "../changes/saving";
import { type AppContext, router } from "../http/context";
import { resource } from "../http/resource";
import { ADMIN } from "../http/roles";
import { createRoute } from "../http/route";
import { Problem } from "../problems/problem";
import { inTenant } from "../spec/parameters";
import { body, changesOf, createdAt, json, named, pageShape, plainText, problems, updatedAt } from "../spec/schemas";
import { listName } from "./signal-shape";

const base = "/v1/tenants/{tenant}/lists";
const at = inTenant.extend({ list: z.string().describe("The list's name.") });
/** A key as an entity has it. */
const item = plainText(1000).min(1);
const atItem = at.extend({ item: item.describe("The item: an entity's key.") });

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

function toHead({ name, size, createdAt, updatedAt }: CountedList): z.infer<typeof headShape> {
  return { name, size, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}

async function toShape(row: ListRow, c: AppContext): Promise<z.infer<typeof listShape>> {
  const on = await itemsOf(c.get("config"), row.id);
  const { createdAt, updatedAt, ...head } = toHead({ ...row, size: on.length });
  return { ...head, items: on, createdAt, updatedAt };
}

const list = resource({
  path: base,
  param: "list",
  at,
  name: "List",
  tag: "Signals",
  prefix: "lst",
  unknown: "list-unknown",
  shape: listShape,
  rows: listRows,
  show: toShape,
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

function taken(): Problem {
  return new Problem("list-name-taken", "There is a list of that name already.");
}

/** Lists: entities' keys that signals look up. */
export const listRoutes = router()
  .openapi(
    ...list.create(
      {
        description: "Keys of entities that signals look up with `inList`.",
        takes: body(listInput, { name: "customers", items: ["acme.com", "halden.example"] }),
        answers: listShape,
      },
      async (c, said) => {
        const now = Date.now();
        const created = entry(c, "list.created", said.name);
        const row = await saving(insertList(c.get("config"), c.get("tenant"), newId("lst", now), said, now, created));
        if (row === null) throw taken();
        return { row, name: row.name };
      },
    ),
  )
  .openapi(
    ...list.list(
      { description: "Newest first, without their items.", answered: "newest first, without their items" },
      {
        page: pageShape("ListPage", headShape),
        read: (c, limit, before) => listLists(c.get("config"), c.get("tenant"), limit, before),
        show: toHead,
      },
    ),
  )
  .openapi(
    ...list.get({
      description: "A list by its name, its items in alphabetical order.",
      answered: "the list, its items in alphabetical order",
    }),
  )
  .openapi(
    ...list.update(
      {
        description: "Renames it, or replaces its items.",
        takes: body(listPatch, { items: ["acme.com"] }),
        answers: listShape,
      },
      async (c, read, said) => {
        const updated = entry(c, "list.updated", read.name, Object.keys(said));
        const row = await updateList(c.get("config"), read, said, Date.now(), updated);
        if (row === "taken") throw taken();
        return row;
      },
    ),
  )
  .openapi(
    ...list.remove(
      {
        description: "For signals that name it, it is empty from then on.",
        answered: "deleted; for signals that name it, it is empty",
      },
      (c, name, read) =>
        deleteList(c.get("config"), c.get("tenant"), name, Date.now(), entry(c, "list.deleted", name), read),
    ),
  )
  .openapi(put, async (c) => {
    const { list: name, item: key } = c.req.valid("param");
    const row = await list.found(c);
    const result = await putItem(c.get("config"), row, key, Date.now(), entry(c, "list.item.put", name));
    if (result === "gone") throw list.notThere();
    if (result === "full") throw new Problem("limit-reached", `A list has at most ${MAX_ITEMS} items.`);
    return c.json({ list: name, item: key }, result === "put" ? 201 : 200);
  })
  .openapi(take, async (c) => {
    const { list: name, item: key } = c.req.valid("param");
    const row = await list.found(c);
    const removed = await removeItem(c.get("config"), row, key, Date.now(), entry(c, "list.item.deleted", name));
    if (!removed) throw new Problem("item-unknown", "That is not on the list.");
    return c.body(null, 204);
  });
