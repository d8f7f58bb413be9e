import { z } from "@hono/zod-openapi";
import { listSummarized } from "../../config/endpoints/summaries";
import { router } from "../http/context";
import { pageOf } from "../http/paging";
import { READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { inTenant } from "../spec/parameters";
import { eventType, json, listQuery, pageShape, plainText, problems } from "../spec/schemas";
import { endpointWith, toShape } from "./endpoint-shape";
import { summaryShape, toSummary } from "./endpoint-summary";

const listed = endpointWith(
  "EndpointListed",
  { summary: summaryShape.optional().describe("With `include=summary`: how it fares, in short.") },
  "An endpoint in a list.",
);

const list = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/endpoints",
  operationId: "listEndpoints",
  summary: "List endpoints",
  description:
    "Newest first. With `include=summary` each says how it fares, from a copy that is at most a minute behind while things change.",
  tags: ["Endpoints"],
  roles: READERS,
  request: {
    params: inTenant,
    query: listQuery(/^ep_[0-9A-Z]{26}$/).extend({
      include: z.enum(["summary"]).optional().describe("`summary`: with how each fares."),
      state: z
        .enum(["failing", "waiting", "held", "disabled"])
        .optional()
        .describe("Those that fail, that have something waiting or held, or that are disabled."),
      event: eventType.optional().describe("Those that are subscribed to this event type."),
      uid: plainText(128).optional().describe("The one of this `uid`."),
      q: plainText(200).optional().describe("Those that have this in their name, URL, `uid` or id."),
    }),
  },
  responses: { 200: json(pageShape("EndpointPage", listed), "newest first"), ...problems(401, 404, 422) },
});

/** The list of a tenant's endpoints. */
export const endpointListRoutes = router().openapi(list, async (c) => {
  const { limit, cursor, include, ...filter } = c.req.valid("query");
  const now = Date.now();
  return pageOf(
    c,
    { limit, cursor },
    (most, before) => listSummarized(c.get("config"), c.get("tenant"), filter, most, before),
    ({ summary, ...row }) => ({
      ...toShape(row),
      ...(include === undefined ? {} : { summary: toSummary(row, summary, now) }),
    }),
  );
});
