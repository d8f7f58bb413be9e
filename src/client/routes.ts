/**
 * The routes as types: what each takes and answers, by path and method.
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { auditRoutes } from "../api/audit";
import type { automationRoutes } from "../api/automations";
import type { batchRoutes } from "../api/batch";
import type { contentRoutes } from "../api/content";
import type { deliveryRoutes } from "../api/deliveries";
import type { endpointRoutes } from "../api/endpoints";
import type { eventListRoutes } from "../api/event-list";
import type { eventTypeRoutes } from "../api/event-types";
import type { eventRoutes } from "../api/events";
import type { explainRoutes } from "../api/explain";
import type { healthRoutes } from "../api/health";
import type { keyRoutes } from "../api/keys";
import type { listRoutes } from "../api/lists";
import type { observationRoutes } from "../api/observations";
import type { portalLinkRoutes } from "../api/portal-links";
import type { replayRoutes } from "../api/replay";
import type { resealRoutes } from "../api/reseal";
import type { secretRoutes } from "../api/secrets";
import type { segmentRoutes } from "../api/segments";
import type { signalTestRoutes } from "../api/signal-tests";
import type { signalRoutes } from "../api/signals";
import type { statsRoutes } from "../api/stats";
import type { tenantDeliveryRoutes } from "../api/tenant-deliveries";
import type { tenantRoutes } from "../api/tenants";
import type { testSendRoutes } from "../api/test-sends";

type SchemaOf<App> = App extends OpenAPIHono<infer _Env, infer Schema, infer _Base> ? Schema : never;

export type Routes = SchemaOf<typeof auditRoutes> &
  SchemaOf<typeof automationRoutes> &
  SchemaOf<typeof batchRoutes> &
  SchemaOf<typeof contentRoutes> &
  SchemaOf<typeof deliveryRoutes> &
  SchemaOf<typeof endpointRoutes> &
  SchemaOf<typeof eventListRoutes> &
  SchemaOf<typeof eventTypeRoutes> &
  SchemaOf<typeof eventRoutes> &
  SchemaOf<typeof explainRoutes> &
  SchemaOf<typeof healthRoutes> &
  SchemaOf<typeof keyRoutes> &
  SchemaOf<typeof listRoutes> &
  SchemaOf<typeof observationRoutes> &
  SchemaOf<typeof portalLinkRoutes> &
  SchemaOf<typeof replayRoutes> &
  SchemaOf<typeof resealRoutes> &
  SchemaOf<typeof secretRoutes> &
  SchemaOf<typeof segmentRoutes> &
  SchemaOf<typeof signalTestRoutes> &
  SchemaOf<typeof signalRoutes> &
  SchemaOf<typeof statsRoutes> &
  SchemaOf<typeof tenantDeliveryRoutes> &
  SchemaOf<typeof tenantRoutes> &
  SchemaOf<typeof testSendRoutes>;
