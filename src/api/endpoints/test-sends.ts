import { z } from "@hono/zod-openapi";
import { acceptTest } from "../../accept/accept";
import { sampleOf } from "../../config/catalogs/event-types";
import { serviceOf } from "../../config/databases";
import { endpointStub } from "../../contracts/find";
import { deliveryId } from "../../lib/ids";
import { memberTexts } from "../../lib/json/json";
import { SECOND } from "../../lib/time";
import { deliver } from "../../send/deliver";
import { attemptShape, deliveryShape, toAttempts, toDelivery, unseen } from "../deliveries/delivery-shape";
import { router } from "../http/context";
import { MANAGERS } from "../http/roles";
import { createRoute } from "../http/route";
import { invalid } from "../problems/problem";
import { atEndpoint } from "../spec/parameters";
import { body, dataField, eventType, json, named, problems } from "../spec/schemas";
import { endpointOf } from "./endpoints";

/** How often a test that could not be sent at once is looked at, in ms, and for how long beyond the timeout. */
const POLL = 250;
const PATIENCE = 5 * SECOND;

const asked = named(
  "TestInput",
  z.strictObject({
    event: eventType.describe("The event type to send."),
    data: dataField.optional().describe("What to send; the type's sample unless said."),
  }),
  "A test to be sent.",
);
const answered = named(
  "TestResult",
  z.object({
    delivery: deliveryShape.describe("The test's delivery."),
    attempt: attemptShape.nullable().describe("Its first attempt; `null`: it still waits for a free slot."),
  }),
  "What came of a test.",
);

const test = createRoute({
  method: "post",
  path: "/v1/tenants/{tenant}/endpoints/{endpoint}/test",
  operationId: "sendTest",
  summary: "Send a test event and see its attempt",
  description:
    "Sends the event type's sample, or `data`, through the real path, whatever the endpoint subscribes to and even where it is disabled, and waits for the first attempt. Tests do not count as failures.",
  tags: ["Endpoints"],
  roles: MANAGERS,
  request: {
    params: atEndpoint,
    ...body(asked, {
      event: "lead.hot",
      data: { score: 91 },
    }),
  },
  responses: {
    200: json(answered, "what came of the first attempt; null: it still waits for a free slot"),
    ...problems(400, 401, 404, 422),
  },
});

/** Test sends: an event type's sample through the real path, to one endpoint. */
export const testSendRoutes = router().openapi(test, async (c) => {
  const { event: type } = c.req.valid("json");
  const row = await endpointOf(c);
  const given = memberTexts(await c.req.text()).get("data");
  const data = given ?? (await sampleOf(serviceOf(c.env), row.profile, type));
  if (data === null) {
    throw invalid({ path: "data", message: `is needed: the event type ${type} has no sample that could be sent` });
  }
  const tenant = c.get("tenant");
  const event = await acceptTest(c.env, tenant, row.id, { type, data }, Date.now());
  const id = deliveryId(event.ulid, 0);
  const { timestamp, payloadId } = event;
  const item = { id, type, test: true, text: { timestamp, payloadId, data } };
  const share = { tenant, endpoint: row.id, version: row.version, items: [item], settled: () => undefined };
  await deliver([share], "normal", c.env);

  const room = endpointStub(c.env, tenant, row.id);
  const deadline = Date.now() + (row.timeout ?? 10) * SECOND + PATIENCE;
  let seen = await room.detail(id);
  while (seen.attempts.length === 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL));
    seen = await room.detail(id);
  }
  const [attempt = null] = toAttempts(seen.attempts, tenant, event);
  return c.json({ delivery: toDelivery(row.id, seen.record ?? unseen(id, type, seen.gone, true)), attempt }, 200);
});
