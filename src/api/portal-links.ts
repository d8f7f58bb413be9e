import { createRoute, z } from "@hono/zod-openapi";
import { insertPortalLink, newPortalToken } from "../config/portal-links";
import { secretsKey } from "../lib/env";
import { newId } from "../lib/ids";
import { DAY, HOUR, iso, SECOND } from "../lib/time";
import { entry } from "./audit";
import { router } from "./context";
import { locateAt } from "./location";
import { isoTime, json, optionalBody, problems } from "./schemas";

const DEFAULT_LIFE = HOUR / SECOND;
const LONGEST_LIFE = (7 * DAY) / SECOND;

const create = createRoute({
  method: "post",
  path: "/v1/tenants/{tenant}/portal-links",
  operationId: "createPortalLink",
  summary: "Create a link that opens the tenant's portal",
  description:
    "Opens the dashboard for this one tenant: it manages endpoints and reads logs, and sees no API keys. The link works " +
    "once; the session it is exchanged for ends at `expiresAt`. Append `?theme=light` or `?theme=dark` to choose one.",
  tags: ["Portal"],
  request: {
    params: z.object({ tenant: z.string() }),
    ...optionalBody(
      z.strictObject({
        /** Seconds until the link and its session end. */
        expiresIn: z.number().int().min(1).max(LONGEST_LIFE).optional(),
      }),
      { expiresIn: 3_600 },
    ),
  },
  responses: {
    201: json(z.object({ url: z.url(), expiresAt: isoTime }), "created; the link is shown here and never again"),
    ...problems(400, 401, 403, 404, 422),
  },
});

/** Portal links: they let a customer in without a key. */
export const portalLinkRoutes = router().openapi(create, async (c) => {
  const { expiresIn = DEFAULT_LIFE } = c.req.valid("json");
  const now = Date.now();
  const link = { id: newId("lnk", now), tenant: c.get("tenant"), expiresAt: now + expiresIn * SECOND };
  const token = await newPortalToken(secretsKey(c.env));
  await insertPortalLink(c.env.DB, link, token, now, entry(c, "portallink.created", link.id));
  const url = new URL(`/portal/open/${token}`, c.req.url).href;
  locateAt(c, link.id);
  return c.json({ url, expiresAt: iso(link.expiresAt) }, 201);
});
