import { REQUEST_ID, requestId } from "../lib/request-id";
import { auditRoutes } from "./audit";
import { authenticate, authorize, resolveTenant } from "./auth";
import { automationRoutes } from "./automations";
import { batchRoutes } from "./batch";
import { readBody } from "./body";
import { callsPageRoutes } from "./calls-page";
import { contentRoutes } from "./content";
import { router } from "./context";
import { deliveryRoutes } from "./deliveries";
import { refuseMisconfigured } from "./deployment";
import { noteOwnHost } from "./destination";
import { docsRoutes } from "./docs";
import { endpointRoutes } from "./endpoints";
import { eventListRoutes } from "./event-list";
import { eventTypeRoutes } from "./event-types";
import { eventRoutes } from "./events";
import { explainRoutes } from "./explain";
import { healthRoutes } from "./health";
import { keyRoutes } from "./keys";
import { acceptRate } from "./limits";
import { limitsPageRoutes } from "./limits-page";
import { listRoutes } from "./lists";
import { locate } from "./location";
import { tagged } from "./matching";
import { refuseMethods } from "./methods";
import { observationRoutes } from "./observations";
import { openApiRoutes } from "./openapi";
import { refuseBrokenPath } from "./path";
import { portalLinkRoutes } from "./portal-links";
import { answerError, PRIVATE, Problem } from "./problem";
import { problemPageRoutes } from "./problem-page";
import { replayRoutes } from "./replay";
import { resealRoutes } from "./reseal";
import { demandRoles } from "./route";
import { secretRoutes } from "./secrets";
import { segmentRoutes } from "./segments";
import { signalTestRoutes } from "./signal-tests";
import { signalRoutes } from "./signals";
import { statsRoutes } from "./stats";
import { tenantDeliveryRoutes } from "./tenant-deliveries";
import { tenantRoutes } from "./tenants";
import { testSendRoutes } from "./test-sends";

/** The HTTP API: who calls first, then which tenant, then what they want. */
export const app = router();

app.onError(answerError);
app.notFound((c) => answerError(new Problem("path-unknown", "There is nothing at this path."), c));

app.use(refuseMethods(() => app));
app.route("/", healthRoutes);
app.route("/", docsRoutes);
app.route("/", problemPageRoutes);
app.route("/", limitsPageRoutes);
app.route(
  "/",
  callsPageRoutes(() => app),
);
app.route(
  "/",
  openApiRoutes(() => app),
);

app.use("/v1/*", async (c, next) => {
  // Said before there is an answer: on one that is there already each header makes it anew.
  for (const [name, value] of Object.entries(PRIVATE)) c.header(name, value);
  c.header(REQUEST_ID, requestId());
  await next();
});
app.use("/v1/*", refuseMisconfigured, locate, tagged, refuseBrokenPath, authenticate, authorize, noteOwnHost);
app.use("/v1/tenants/:tenant/*", async (c, next) => {
  // The pattern also matches the tenant itself, which PUT may be about to create.
  if (/^\/v1\/tenants\/[^/]+\/?$/.test(c.req.path)) return next();
  return resolveTenant(c, next);
});
app.use("/v1/*", readBody);
for (const posted of ["events", "observations"]) {
  app.use(`/v1/tenants/:tenant/${posted}`, acceptRate);
  app.use(`/v1/tenants/:tenant/${posted}/batch`, acceptRate);
}
app.route("/", tenantRoutes);
app.route("/", keyRoutes);
app.route("/", portalLinkRoutes);
app.route("/", auditRoutes);
app.route("/", resealRoutes);
app.route("/", endpointRoutes);
app.route("/", secretRoutes);
app.route("/", testSendRoutes);
app.route("/", deliveryRoutes);
app.route("/", tenantDeliveryRoutes);
app.route("/", statsRoutes);
app.route("/", eventRoutes);
app.route("/", batchRoutes);
app.route("/", eventListRoutes);
app.route("/", replayRoutes);
app.route("/", explainRoutes);
app.route("/", contentRoutes);
app.route("/", segmentRoutes);
app.route("/", automationRoutes);
app.route("/", signalRoutes);
app.route("/", signalTestRoutes);
app.route("/", listRoutes);
app.route("/", observationRoutes);
app.route("/", eventTypeRoutes);

demandRoles(app.routes);
