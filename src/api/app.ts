import { REQUEST_ID, requestId } from "../lib/request-id";
import { auditRoutes } from "./access/audit";
import { keyRoutes } from "./access/keys";
import { portalLinkRoutes } from "./access/portal-links";
import { automationRoutes } from "./catalog/automations";
import { eventTypeRoutes } from "./catalog/event-types";
import { segmentRoutes } from "./catalog/segments";
import { locate } from "./changes/location";
import { tagged } from "./changes/preconditions";
import { deliveryRoutes } from "./deliveries/deliveries";
import { recoveryRoutes } from "./deliveries/recoveries";
import { tenantDeliveryRoutes } from "./deliveries/tenant-deliveries";
import { endpointListRoutes } from "./endpoints/endpoint-list";
import { endpointRoutes } from "./endpoints/endpoints";
import { probeRoutes } from "./endpoints/probes";
import { secretRoutes } from "./endpoints/secrets";
import { statsRoutes } from "./endpoints/stats";
import { testSendRoutes } from "./endpoints/test-sends";
import { batchRoutes } from "./events/batch";
import { contentRoutes } from "./events/content";
import { eventListRoutes } from "./events/event-list";
import { eventRoutes } from "./events/events";
import { explainRoutes } from "./events/explain";
import { replayRoutes } from "./events/replay";
import { acceptRate } from "./http/accept-rate";
import { authenticate, authorize, resolveTenant } from "./http/auth";
import { readBody } from "./http/body";
import { router } from "./http/context";
import { noteOwnHost } from "./http/destination";
import { refuseMethods } from "./http/methods";
import { refuseBrokenPath } from "./http/path";
import { demandRoles } from "./http/route";
import { answerError, PRIVATE, Problem } from "./problems/problem";
import { searchRoutes } from "./search/search";
import { refuseMisconfigured } from "./service/deployment";
import { healthRoutes } from "./service/health";
import { overviewRoutes } from "./service/overview";
import { resealRoutes } from "./service/reseal";
import { listRoutes } from "./signals/lists";
import { observationRoutes } from "./signals/observations";
import { signalTestRoutes } from "./signals/signal-tests";
import { signalRoutes } from "./signals/signals";
import { limitsPageRoutes } from "./spec/limits-page";
import { tenantListRoutes } from "./tenants/tenant-list";
import { tenantRoutes } from "./tenants/tenants";

/** The HTTP API: who calls first, then which tenant, then what they want. */
export const app = router();

app.onError(answerError);
app.notFound((c) => answerError(new Problem("path-unknown", "There is nothing at this path."), c));

app.use(refuseMethods(() => app));
app.route("/", healthRoutes);
app.route("/", limitsPageRoutes);

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
app.route("/", tenantListRoutes);
app.route("/", searchRoutes);
app.route("/", keyRoutes);
app.route("/", portalLinkRoutes);
app.route("/", auditRoutes);
app.route("/", overviewRoutes);
app.route("/", resealRoutes);
app.route("/", endpointRoutes);
app.route("/", probeRoutes);
app.route("/", endpointListRoutes);
app.route("/", secretRoutes);
app.route("/", testSendRoutes);
app.route("/", deliveryRoutes);
app.route("/", recoveryRoutes);
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
