import { z } from "@hono/zod-openapi";
import { AUDIT_ACTIONS, type AuditAction, type AuditEntry, type AuditRow, listAudit } from "../../config/access/audit";
import { listOverAll } from "../../config/databases";
import { iso } from "../../lib/time";
import { type AppContext, router } from "../http/context";
import { pageOf } from "../http/paging";
import { ADMIN, OPERATOR } from "../http/roles";
import { createRoute } from "../http/route";
import { inTenant } from "../spec/parameters";
import { inOrder, isoTime, json, listQuery, named, pageShape, problems, time } from "../spec/schemas";

/** An entry of the audit as it is answered. */
export const auditShape = named(
  "AuditEntry",
  z.object({
    id: z.string().describe("Its id: `aud_…`."),
    at: isoTime.describe("When."),
    actor: z.string().describe("A key's or a portal link's id, `operator`, or `posthorn`: by itself."),
    action: z.enum(AUDIT_ACTIONS).describe("What was done."),
    target: z.string().describe("The id or name of what it was done to."),
    tenant: z.string().nullable().describe("The tenant that it concerns; `null`: all."),
    fields: z.array(z.string()).nullable().describe("Of an update, the names of the changed fields; else `null`."),
  }),
  "Who changed what, and when.",
);

const CURSOR = /^aud_[0-9A-Z]{26}$/;

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
    query: inOrder(
      listQuery(CURSOR).extend({
        tenant: z.string().optional().describe("What concerns this tenant."),
        since: time.optional().describe("From this time on."),
        until: time.optional().describe("Before this time."),
      }),
    ),
  },
  responses: {
    200: json(pageShape("AuditPage", auditShape), "newest first"),
    ...problems(401, 403, 422),
  },
});

const own = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/audit",
  operationId: "listTenantAudit",
  summary: "List a tenant's audit log",
  description: "Who changed what of this tenant and when, newest first; also what the service disabled by itself.",
  tags: ["Keys"],
  roles: ADMIN,
  request: {
    params: inTenant,
    query: inOrder(
      listQuery(CURSOR).extend({
        target: z.string().min(1).max(200).optional().describe("What was done to this: an endpoint's id, a key's, …"),
        since: time.optional().describe("From this time on."),
        until: time.optional().describe("Before this time."),
      }),
    ),
  },
  responses: {
    200: json(pageShape("AuditPage", auditShape), "newest first"),
    ...problems(401, 404, 422),
  },
});

/** An entry of the audit as it is answered. */
export function toShape({ id, at, actor, action, target, tenant, fields }: AuditRow): z.infer<typeof auditShape> {
  return { id, at: iso(at), actor, action, target, tenant, fields };
}

/** Audit: who changed what and when. */
export const auditRoutes = router()
  .openapi(own, async (c) => {
    const query = c.req.valid("query");
    const { target, since = null, until = null } = query;
    const asked = { tenant: c.get("tenant"), target, since, until };
    return pageOf(c, query, (limit, before) => listAudit(c.get("config"), asked, limit, before), toShape);
  })
  .openapi(list, async (c) => {
    const query = c.req.valid("query");
    const { tenant = null, since = null, until = null } = query;
    const read = (limit: number, before: string | null) =>
      listOverAll(
        c.env,
        limit,
        (d1) => listAudit(d1, { tenant, since, until }, limit, before),
        (a, b) => a.id > b.id,
      );
    return pageOf(c, query, read, toShape);
  });

/** What is written down of a change by this caller in the tenant of the path; the queries write it with the change. */
export function entry(c: AppContext, action: AuditAction, target: string, fields?: readonly string[]): AuditEntry {
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
  action: AuditAction,
  target: string,
  fields?: readonly string[],
): AuditEntry {
  return { actor: actorOf(c), action, target, tenant, ...(fields === undefined ? {} : { fields }) };
}
