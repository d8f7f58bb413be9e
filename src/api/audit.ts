import { z } from "@hono/zod-openapi";
import { type AuditEntry, type AuditRow, listAudit } from "../config/audit";
import { iso } from "../lib/time";
import { type AppContext, router } from "./context";
import { pageOf } from "./paging";
import { createRoute, OPERATOR } from "./route";
import { isoTime, json, listQuery, problems, time } from "./schemas";

const auditShape = z.object({
  id: z.string(),
  at: isoTime,
  actor: z.string().openapi({ description: "A key's or a portal link's id, `operator`, or `posthorn`: by itself." }),
  action: z.string(),
  target: z.string(),
  tenant: z.string().nullable(),
  /** Of an update, the names of the changed fields. */
  fields: z.array(z.string()).nullable(),
});

const list = createRoute({
  method: "get",
  path: "/v1/audit",
  operationId: "listAudit",
  summary: "List the audit log",
  description:
    "Who changed what and when, newest first; also who read a secret, and what the service disabled by itself.",
  tags: ["Keys"],
  roles: OPERATOR,
  request: {
    query: listQuery(/^aud_[0-9A-Z]{26}$/).extend({
      tenant: z.string().optional(),
      since: time.optional().openapi({ type: "string", format: "date-time" }),
      until: time.optional().openapi({ type: "string", format: "date-time" }),
    }),
  },
  responses: {
    200: json(z.object({ data: z.array(auditShape), nextCursor: z.string().nullable() }), "newest first"),
    ...problems(401, 403, 422),
  },
});

function toShape({ id, at, actor, action, target, tenant, fields }: AuditRow): z.infer<typeof auditShape> {
  return { id, at: iso(at), actor, action, target, tenant, fields };
}

/** Audit: who changed what and when. The operator's. */
export const auditRoutes = router().openapi(list, async (c) => {
  const { limit, cursor, tenant = null, since = null, until = null } = c.req.valid("query");
  const rows = await listAudit(c.env.DB, { tenant, since, until }, limit + 1, cursor ?? null);
  return pageOf(c, rows, limit, toShape, ({ id }) => id);
});

/** What is written down of a change by this caller in the tenant of the path; the queries write it with the change. */
export function entry(c: AppContext, action: string, target: string, fields?: readonly string[]): AuditEntry {
  return entryOf(c, c.get("tenant") ?? null, action, target, fields);
}

/** Who calls: a key's id, or `operator`. */
export function actorOf(c: AppContext): string {
  return c.get("principal").key ?? "operator";
}

/** Like {@link entry}, for a tenant that is not, or not yet, the path's; `null`: it concerns all. */
export function entryOf(
  c: AppContext,
  tenant: string | null,
  action: string,
  target: string,
  fields?: readonly string[],
): AuditEntry {
  return { actor: actorOf(c), action, target, tenant, ...(fields === undefined ? {} : { fields }) };
}
