import { z } from "@hono/zod-openapi";
import { invalidateKeys } from "../../config/access/keys";
import { configOf, placeFor } from "../../config/databases";
import { callbackOwner } from "../../config/endpoints/callbacks";
import { invalidateSnapshot } from "../../config/snapshot";
import {
  findTenant,
  insertTenant,
  markTenantDeleted,
  type Tenant,
  type TenantFields,
  updateTenant,
} from "../../config/tenants";
import { repeated } from "../../config/version";
import { type Env, secretsKey } from "../../contracts/env";
import { seal } from "../../lib/crypto";
import { OPERATOR_TENANT } from "../../lib/operator";
import { iso } from "../../lib/time";
import { entryOf } from "../access/audit";
import { checkMatch, deleting, tagAs } from "../changes/preconditions";
import { inFlightHeader, tellUnderWay } from "../deliveries/under-way";
import { secretField } from "../endpoints/endpoint-shape";
import { noTenant } from "../http/auth";
import { router } from "../http/context";
import { resource } from "../http/resource";
import { OPERATOR, READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { Problem } from "../problems/problem";
import { SLUG } from "../spec/parameters";
import { body, changesOf, createdAt, json, named, plainText, problems, updatedAt } from "../spec/schemas";
import { eraseTenant } from "./erase-tenant";

const base = "/v1/tenants";
const slug = z.string().regex(new RegExp(`^${SLUG}$`), "must be 1-63 of a-z, 0-9, _ and -, and begin with a-z or 0-9");
const params = z.object({ tenant: slug.describe("The tenant's id.") });

const fields = {
  name: plainText(200).trim().min(1).describe("What people call it."),
  callbackSecret: secretField
    .nullable()
    .optional()
    .describe("Signs per-request callbacks; `null`: they are not signed. Left out, it stays as it is."),
};
const tenantInput = named(
  "TenantInput",
  z.strictObject({ ...fields, id: slug.describe("Its id, of your own: what you call this customer.") }),
  "A tenant to be created.",
);
const tenantPut = named("TenantPut", z.strictObject(fields), "A tenant as it is to be.");
const tenantPatch = changesOf("TenantPatch", fields, "Changes of a tenant. What is left out stays.");
/** A tenant as it is answered. */
export const tenantFields = {
  id: z.string().describe("Its id, as you gave it."),
  name: z.string().describe("What people call it."),
  callbacksSigned: z.boolean().describe("Whether per-request callbacks are signed."),
  createdAt,
  updatedAt,
};
const tenantShape = named("Tenant", z.object(tenantFields), "A customer of yours.");

/** A tenant as it is answered. */
export function toShape({ id, name, callbackSecret, createdAt, updatedAt }: Tenant): z.infer<typeof tenantShape> {
  return { id, name, callbacksSigned: callbackSecret !== null, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}

const put = createRoute({
  method: "put",
  path: `${base}/{tenant}`,
  operationId: "putTenant",
  summary: "Create or update a tenant",
  description: "Creates the tenant, or renames the one that is there. What the body leaves out stays as it is.",
  tags: ["Tenants"],
  roles: OPERATOR,
  request: { params, ...body(tenantPut, { name: "Acme Inc." }) },
  responses: {
    200: json(tenantShape, "updated"),
    201: json(tenantShape, "created"),
    ...problems(400, 401, 403, 404, 409, 422),
  },
});

const remove = createRoute({
  method: "delete",
  path: `${base}/{tenant}`,
  operationId: "deleteTenant",
  summary: "Delete a tenant and all it has",
  description:
    "Deletes the tenant with its keys, endpoints, events and deliveries. Its keys end at once. A 503 means that not all is removed yet: repeat the request.",
  tags: ["Tenants"],
  roles: OPERATOR,
  request: { params },
  responses: {
    204: { description: "deleted, with all that it had", headers: inFlightHeader },
    ...problems(401, 403, 404, 409, 422, 503),
  },
});

/** What a body says of a tenant, ready to be written. */
async function stored(
  env: Env,
  id: string,
  { callbackSecret, ...rest }: z.infer<typeof tenantPatch>,
): Promise<Partial<TenantFields>> {
  if (callbackSecret === undefined) return rest as Partial<TenantFields>;
  const sealed = callbackSecret === null ? null : await seal(secretsKey(env), callbackOwner(id), callbackSecret);
  return { ...rest, callbackSecret: sealed } as Partial<TenantFields>;
}

const tenant = resource({
  path: base,
  within: z.object({}),
  param: "tenant",
  at: params,
  name: "Tenant",
  tag: "Tenants",
  prefix: "",
  readers: READERS,
  writers: OPERATOR,
  unknown: "tenant-unknown",
  shape: tenantShape,
  find: async (c, id) => findTenant(await configOf(c.env, id), id),
  show: toShape,
});

/** Tenants: the customers of the SaaS. */
export const tenantRoutes = router()
  .openapi(
    ...tenant.create(
      {
        description: "One of your customers: what it has is seen by its own keys only.",
        takes: body(tenantInput, { id: "acme", name: "Acme Inc." }),
        answers: tenantShape,
        errors: [400, 401, 403, 409, 422],
      },
      async (c, { id, ...said }) => {
        const fields = (await stored(c.env, id, said)) as TenantFields;
        const row = await insertTenant(
          await placeFor(c.env, id),
          id,
          fields,
          Date.now(),
          entryOf(c, id, "tenant.created", id),
        );
        if (row === null) throw new Problem("tenant-exists", `There is a tenant ${id} already.`);
        invalidateSnapshot(id);
        return { row, name: id };
      },
    ),
  )
  .openapi(put, async (c) => {
    const { tenant: id } = c.req.valid("param");
    const said = c.req.valid("json");
    const fields = (await stored(c.env, id, said)) as TenantFields;
    const now = Date.now();
    const config = await placeFor(c.env, id);
    const put = await repeated(async () => {
      // Whoever names what they have read means to change it, and not to create anything.
      const mayCreate = c.req.header("If-Match") === undefined;
      const add = () => insertTenant(config, id, fields, now, entryOf(c, id, "tenant.created", id));
      const created = mayCreate ? await add() : null;
      if (created !== null) return { tenant: created, status: 201 } as const;
      const read = await findTenant(config, id);
      await checkMatch(c, read && toShape(read));
      if (read === null) {
        throw new Problem("tenant-in-deletion", "The tenant is being deleted. Repeat the deletion first.");
      }
      const updated = entryOf(c, id, "tenant.updated", id, Object.keys(said));
      return { tenant: await updateTenant(config, read, fields, now, updated), status: 200 } as const;
    });
    invalidateSnapshot(id);
    await tagAs(c, toShape(put.tenant));
    return c.json(toShape(put.tenant), put.status);
  })
  .openapi(...tenant.get({ errors: [401, 403, 404, 422] }))
  .openapi(
    ...tenant.update(
      {
        description: "Changes what the body names; the rest stays.",
        takes: body(tenantPatch, { name: "Acme Corporation" }),
        answers: tenantShape,
        errors: [400, 401, 403, 404, 409, 422],
      },
      async (c, read, said) => {
        const updated = entryOf(c, read.id, "tenant.updated", read.id, Object.keys(said));
        return updateTenant(
          await configOf(c.env, read.id),
          read,
          await stored(c.env, read.id, said),
          Date.now(),
          updated,
        );
      },
    ),
  )
  .openapi(remove, async (c) => {
    const { tenant: id } = c.req.valid("param");
    if (id === OPERATOR_TENANT)
      throw new Problem("tenant-reserved", "The tenant operator is the service's own and stays.");
    const deleted = entryOf(c, id, "tenant.deleted", id);
    const config = await configOf(c.env, id);
    const mark = (read: Tenant | null) => markTenantDeleted(config, id, Date.now(), deleted, read);
    const marked = await deleting(c, () => tenant.found(c), toShape, mark);
    if (marked === null) throw noTenant();
    invalidateSnapshot(id);
    invalidateKeys();
    const { done, underWay } = await eraseTenant(c.env, marked);
    await tellUnderWay(c, id, underWay);
    if (done) return c.body(null, 204);
    const detail = "The tenant is gone for its keys, but not all that it had is removed yet. Repeat the request.";
    throw new Problem("deletion-unfinished", detail, { headers: { "Retry-After": "1" } });
  });
