import { z } from "@hono/zod-openapi";
import { endpointStub } from "../../contracts/find";
import { log } from "../../lib/log";
import { isoOrNull } from "../../lib/time";
import { actorOf } from "../access/audit";
import { router } from "../http/context";
import { MANAGERS } from "../http/roles";
import { createRoute } from "../http/route";
import { Problem } from "../problems/problem";
import { atEndpoint } from "../spec/parameters";
import { isoTime, json, named, problems } from "../spec/schemas";
import { breakerShape } from "./endpoint-health";
import { endpointOf } from "./endpoints";

const probe = createRoute({
  method: "post",
  path: "/v1/tenants/{tenant}/endpoints/{endpoint}/probe",
  operationId: "probeEndpoint",
  summary: "Let the breaker's next probe go now",
  description:
    "While the endpoint's breaker is open, what is due first is sent at once rather than when the breaker's time is over; its success lets everything through. Nothing changes where the breaker is closed, a probe is under way, or the receiver has asked to be left alone (`quietUntil`).",
  tags: ["Endpoints"],
  roles: MANAGERS,
  request: { params: atEndpoint },
  responses: {
    202: json(
      named(
        "Probe",
        z.object({
          breaker: breakerShape.describe("Whether sending pauses now."),
          quietUntil: isoTime.nullable().describe("Until when the receiver asked to be left alone; else `null`."),
        }),
        "How things stand once a probe was asked for.",
      ),
      "how things stand now",
    ),
    ...problems(401, 404, 409),
  },
});

/** Probes of endpoints whose breaker is open. */
export const probeRoutes = router().openapi(probe, async (c) => {
  const { id } = await endpointOf(c);
  const tenant = c.get("tenant");
  const room = endpointStub(c.env, tenant, id);
  await room.configure({ probe: true });
  const { state, breaker, quietUntil } = await room.health();
  if (state === "disabled") throw new Problem("endpoint-disabled", "The endpoint is disabled; enable it first.");
  log("endpoint.probed", { tenant, endpoint: id, actor: actorOf(c) });
  const answer = { breaker: { ...breaker, until: isoOrNull(breaker.until) }, quietUntil: isoOrNull(quietUntil) };
  return c.json(answer, 202);
});
