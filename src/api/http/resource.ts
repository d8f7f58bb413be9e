/**
 * Resources: things that are created, listed, read, changed and deleted in the same way. A description says what is a
 * resource's own; its routes and their handlers come from here, one by one, so that a resource has those that it names.
 * @module
 */
import type { z } from "@hono/zod-openapi";
import { invalidateSnapshot } from "../../config/snapshot";
import { locateAt } from "../changes/location";
import { changing, deleting, tagAs } from "../changes/preconditions";
import { Problem } from "../problems/problem";
import type { ProblemCode } from "../problems/problem-codes";
import { inTenant } from "../spec/parameters";
import { json, listQuery, pageShape, problems } from "../spec/schemas";
import type { AppContext } from "./context";
import { type PageQuery, pageOf } from "./paging";
import { ADMIN, READERS, type Roles } from "./roles";
import { createRoute } from "./route";

/** Its rows as config has them. */
interface Stored<Row> {
  find: (d1: D1Database, tenant: string, name: string) => Promise<Row | null>;
  list: (d1: D1Database, tenant: string, limit: number, before: string | null) => Promise<readonly Row[]>;
}

/** What is a resource's own. */
interface Description<Path extends string, Param extends string, Within, At, Row, Shape extends z.ZodType> {
  /** Where all of them are, and with which parameters: a tenant's, unless it says others. */
  path: Path;
  within?: Within;
  /** What names one in its path, and the parameters there. */
  param: Param;
  at: At;
  /** As operations name one: `PortalLink`; texts have it in words. */
  name: string;
  tag: string;
  /** How ids begin: `seg`. */
  prefix: string;
  readers?: Roles;
  writers?: Roles;
  /** What is said to whoever names one that is not there. */
  unknown: ProblemCode;
  unknownText?: string;
  /** Events are matched by it, so that changes show in what is accepted from then on. */
  matched?: boolean;
  shape: Shape;
  show: (row: Row, c: AppContext) => z.input<Shape> | Promise<z.input<Shape>>;
  rows?: Stored<Row>;
  /** Reads one, where it is not as its rows say; `null`: nothing is read at its path, so that it has no tag either. */
  find?: ((c: AppContext, name: string) => Promise<Row | null>) | null;
}

type Reads<Entry> = (c: AppContext, limit: number, before: string | null) => Promise<readonly Entry[]>;

/** How a list is read and shown where that is not as its rows and its shape say. */
interface Listed<Page, Entry> {
  page?: Page;
  cursor?: RegExp;
  read?: Reads<Entry>;
  show?: (row: Entry, c: AppContext) => unknown;
  cursorOf?: (row: Entry) => string;
}

/** What the document says of an operation, where it is not what all of its kind say. */
interface Texts {
  summary?: string;
  description?: string;
  /** What its success is. */
  answered?: string;
  /** The statuses of its errors. */
  errors?: readonly number[];
  roles?: Roles;
}

/** A body that an operation takes, as the schemas' `body` has it. */
interface Taken<Body extends z.ZodType> {
  body: { required: boolean; content: { "application/json": { schema: Body; example?: unknown } } };
}

type Answered = object | Promise<object>;

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** What an operation takes and answers. */
interface Writing<Body extends z.ZodType, Answer extends z.ZodType> extends Texts {
  takes: Taken<Body>;
  answers: Answer;
}

/**
 * The operations of a resource, each as a route and its handler: `router().openapi(...segment.create(…))`. The handlers see
 * to `If-Match`, `ETag`, `Location` and pages; they are given what reads and writes.
 */
export function resource<
  const Path extends string,
  const Param extends string,
  At extends z.ZodObject,
  Row,
  Shape extends z.ZodType,
  Within extends z.ZodObject = typeof inTenant,
>(of: Description<Path, Param, Within, At, Row, Shape>) {
  const { at, name, readers = READERS, writers = ADMIN, rows } = of;
  const within = (of.within ?? inTenant) as Within;
  const tags = [of.tag];
  const words = name.replace(/(?<=.)[A-Z]/g, " $&").toLowerCase();
  const one = `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;
  const findRow = rows && ((c: AppContext, name: string) => rows.find(c.get("config"), c.get("tenant"), name));
  const find = of.find === undefined ? findRow : of.find;
  const readRows: Reads<Row> = async (c, ...which) =>
    (await rows?.list(c.get("config"), c.get("tenant"), ...which)) ?? [];
  const path = `${of.path}/{${of.param}}` as `${Path}/{${Param}}`;
  const nameIn = (c: AppContext) => c.req.param(of.param) ?? "";

  function notThere(): Problem {
    return new Problem(of.unknown, of.unknownText ?? `There is no such ${words}.`);
  }

  /** The one that the path names, unless it is said which. Throws a 404. */
  async function found(c: AppContext, name = nameIn(c)): Promise<Row> {
    const row = await find?.(c, name);
    if (row === null || row === undefined) throw notThere();
    return row;
  }

  function saw(c: AppContext): void {
    if (of.matched) invalidateSnapshot(c.get("tenant"));
  }

  /** What a change that is made answers, with the tag of what is there now. */
  async function answered(c: AppContext, row: Row, answer?: () => Answered): Promise<object> {
    saw(c);
    const shown = (await of.show(row, c)) as object;
    if (find) await tagAs(c, shown);
    return (await answer?.()) ?? shown;
  }

  /** `make`: writes one; answers its row, its name, and what is answered where that is not what reading it answers. */
  function create<Body extends z.ZodType, Answer extends z.ZodType>(
    { takes, answers, ...texts }: Writing<Body, Answer>,
    make: (c: AppContext, said: z.output<Body>) => Promise<{ row: Row; name: string; answer?: () => Answered }>,
  ) {
    const route = createRoute({
      method: "post",
      path: of.path,
      operationId: `create${name}`,
      summary: texts.summary ?? `Create ${one}`,
      description: texts.description ?? "",
      tags,
      roles: texts.roles ?? writers,
      request: { params: within, ...takes },
      responses: {
        201: json(answers, texts.answered ?? "created"),
        ...problems(...(texts.errors ?? [400, 401, 404, 409, 422])),
      },
    });
    const handler = async (c: AppContext) => {
      const { row, name, answer } = await make(c, c.req.valid("json" as never));
      locateAt(c, name);
      return c.json(await answered(c, row, answer), 201);
    };
    return [route, handler as never] as const;
  }

  function list<Page extends z.ZodType = ReturnType<typeof pageShape<Shape>>, Entry = Row>(
    texts: Texts = {},
    how: Listed<Page, Entry> = {},
  ) {
    const page = (how.page ?? pageShape(`${name}Page`, of.shape)) as Page;
    const cursor = how.cursor ?? new RegExp(`^${of.prefix}_[0-9A-Z]{26}$`);
    const { read = readRows as unknown as Reads<Entry>, cursorOf } = how;
    const show = how.show ?? (of.show as unknown as NonNullable<typeof how.show>);
    const route = createRoute({
      method: "get",
      path: of.path,
      operationId: `list${name}s`,
      summary: texts.summary ?? `List ${words}s`,
      description: texts.description ?? "Newest first.",
      tags,
      roles: texts.roles ?? readers,
      request: { params: within, query: listQuery(cursor) },
      responses: {
        200: json(page, texts.answered ?? "newest first"),
        ...problems(...(texts.errors ?? [401, 404, 422])),
      },
    });
    const handler = (c: AppContext) => {
      const query: PageQuery = c.req.valid("query" as never);
      return pageOf(
        c,
        query,
        (limit, before) => read(c, limit, before),
        (row) => show(row, c),
        cursorOf,
      );
    };
    return [route, handler as never] as const;
  }

  function get(texts: Texts = {}) {
    const route = createRoute({
      method: "get",
      path,
      operationId: `get${name}`,
      summary: texts.summary ?? `Get ${one}`,
      description: texts.description ?? `${capital(one)} by its id.`,
      tags,
      roles: texts.roles ?? readers,
      request: { params: at },
      responses: {
        200: json(of.shape, texts.answered ?? `the ${words}`),
        ...problems(...(texts.errors ?? [401, 404])),
      },
    });
    const handler = async (c: AppContext) => c.json((await of.show(await found(c), c)) as object, 200);
    return [route, handler as never] as const;
  }

  /** `change`: changes one that still is as it was read; `answer`: what is answered, likewise. */
  function update<Body extends z.ZodType, Answer extends z.ZodType>(
    { takes, answers, ...texts }: Writing<Body, Answer>,
    change: (c: AppContext, read: Row, said: z.output<Body>) => Promise<Row>,
    answer?: (row: Row, c: AppContext) => Answered,
  ) {
    const route = createRoute({
      method: "patch",
      path,
      operationId: `update${name}`,
      summary: texts.summary ?? `Change ${one}`,
      description: texts.description ?? "",
      tags,
      roles: texts.roles ?? writers,
      request: { params: at, ...takes },
      responses: {
        200: json(answers, texts.answered ?? "changed"),
        ...problems(...(texts.errors ?? [400, 401, 404, 409, 422])),
      },
    });
    const handler = async (c: AppContext) => {
      const said: z.output<Body> = c.req.valid("json" as never);
      const row = await changing(
        c,
        () => found(c),
        (read) => of.show(read, c) as object,
        (read) => change(c, read, said),
      );
      return c.json(await answered(c, row, answer && (() => answer(row, c))), 200);
    };
    return [route, handler as never] as const;
  }

  function removal(texts: Texts, take: (c: AppContext) => Promise<boolean>) {
    const route = createRoute({
      method: "delete",
      path,
      operationId: `delete${name}`,
      summary: texts.summary ?? `Delete ${one}`,
      description: texts.description ?? "",
      tags,
      roles: texts.roles ?? writers,
      request: { params: at },
      responses: {
        204: { description: texts.answered ?? "deleted" },
        ...problems(...(texts.errors ?? [401, 404])),
      },
    });
    const handler = async (c: AppContext) => {
      if (!(await take(c))) throw notThere();
      saw(c);
      return c.body(null, 204);
    };
    return [route, handler as never] as const;
  }

  const shown = (c: AppContext) => (row: Row) => of.show(row, c) as object;

  /** `remove`: deletes one as it was read, or whatever it is by now (`null`), see `deleting`; answers whether there was one. */
  function removeAny(texts: Texts, remove: (c: AppContext, name: string, read: Row | null) => Promise<boolean>) {
    return removal(texts, async (c) => {
      const take = (read: Row | null) => remove(c, nameIn(c), read);
      return find ? deleting(c, () => found(c), shown(c), take) : take(null);
    });
  }

  /** `take`: deletes one that still is as it was read. */
  function removeAsRead(texts: Texts, take: (c: AppContext, read: Row) => Promise<void>) {
    return removal(texts, async (c) => {
      await changing(
        c,
        () => found(c),
        shown(c),
        (read) => take(c, read),
      );
      return true;
    });
  }

  return { create, list, get, update, remove: removeAny, removeAsRead, found, notThere };
}
