/**
 * The routes as types: what each takes and answers, by path and method.
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { auditRoutes } from "../api/access/audit";
import type { keyRoutes } from "../api/access/keys";
import type { portalLinkRoutes } from "../api/access/portal-links";
import type { automationRoutes } from "../api/catalog/automations";
import type { eventTypeRoutes } from "../api/catalog/event-types";
import type { segmentRoutes } from "../api/catalog/segments";
import type { deliveryRoutes } from "../api/deliveries/deliveries";
import type { recoveryRoutes } from "../api/deliveries/recoveries";
import type { tenantDeliveryRoutes } from "../api/deliveries/tenant-deliveries";
import type { endpointListRoutes } from "../api/endpoints/endpoint-list";
import type { endpointRoutes } from "../api/endpoints/endpoints";
import type { probeRoutes } from "../api/endpoints/probes";
import type { secretRoutes } from "../api/endpoints/secrets";
import type { statsRoutes } from "../api/endpoints/stats";
import type { testSendRoutes } from "../api/endpoints/test-sends";
import type { batchRoutes } from "../api/events/batch";
import type { contentRoutes } from "../api/events/content";
import type { eventListRoutes } from "../api/events/event-list";
import type { eventRoutes } from "../api/events/events";
import type { explainRoutes } from "../api/events/explain";
import type { replayRoutes } from "../api/events/replay";
import type { searchRoutes } from "../api/search/search";
import type { healthRoutes } from "../api/service/health";
import type { overviewRoutes } from "../api/service/overview";
import type { resealRoutes } from "../api/service/reseal";
import type { listRoutes } from "../api/signals/lists";
import type { observationRoutes } from "../api/signals/observations";
import type { signalTestRoutes } from "../api/signals/signal-tests";
import type { signalRoutes } from "../api/signals/signals";
import type { tenantListRoutes } from "../api/tenants/tenant-list";
import type { tenantRoutes } from "../api/tenants/tenants";

type SchemaOf<App> = App extends OpenAPIHono<infer _Env, infer Schema, infer _Base> ? Schema : never;

export type Routes = SchemaOf<typeof auditRoutes> &
  SchemaOf<typeof automationRoutes> &
  SchemaOf<typeof batchRoutes> &
  SchemaOf<typeof contentRoutes> &
  SchemaOf<typeof deliveryRoutes> &
  SchemaOf<typeof recoveryRoutes> &
  SchemaOf<typeof endpointListRoutes> &
  SchemaOf<typeof endpointRoutes> &
  SchemaOf<typeof eventListRoutes> &
  SchemaOf<typeof eventTypeRoutes> &
  SchemaOf<typeof eventRoutes> &
  SchemaOf<typeof explainRoutes> &
  SchemaOf<typeof healthRoutes> &
  SchemaOf<typeof keyRoutes> &
  SchemaOf<typeof listRoutes> &
  SchemaOf<typeof observationRoutes> &
  SchemaOf<typeof overviewRoutes> &
  SchemaOf<typeof portalLinkRoutes> &
  SchemaOf<typeof probeRoutes> &
  SchemaOf<typeof replayRoutes> &
  SchemaOf<typeof resealRoutes> &
  SchemaOf<typeof searchRoutes> &
  SchemaOf<typeof secretRoutes> &
  SchemaOf<typeof segmentRoutes> &
  SchemaOf<typeof signalTestRoutes> &
  SchemaOf<typeof signalRoutes> &
  SchemaOf<typeof statsRoutes> &
  SchemaOf<typeof tenantDeliveryRoutes> &
  SchemaOf<typeof tenantListRoutes> &
  SchemaOf<typeof tenantRoutes> &
  SchemaOf<typeof testSendRoutes>;
