/**
 * What stands in paths.
 * @module
 */
import { z } from "@hono/zod-openapi";

/** What a tenant's id looks like. */
export const SLUG = "[a-z0-9][a-z0-9_-]{0,62}";

/** Below a tenant. */
export const inTenant = z.object({
  // Only told: whatever is none is no tenant's, and so a 404.
  tenant: z.string().openapi({ pattern: `^${SLUG}$`, description: "The tenant's id." }),
});
/** At an endpoint, or below it. */
export const atEndpoint = inTenant.extend({ endpoint: z.string().describe("The endpoint's id, or its `uid`.") });
/** At a delivery, or below it. */
export const atDelivery = atEndpoint.extend({ delivery: z.string().describe("The delivery's id.") });
/** At a recovery. */
export const atRecovery = atEndpoint.extend({ recovery: z.string().describe("The recovery's id.") });
/** At an event, or below it. */
export const atEvent = inTenant.extend({
  event: z.string().describe("The event's id: always the one that we gave it."),
});
