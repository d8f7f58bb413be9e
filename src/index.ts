import { app } from "./api/app";
import { callAs } from "./api/inside";
import { dashboard, isPage } from "./dashboard/dashboard";
import { consume } from "./delivery/consumer";
import { consumeDeadLetters } from "./delivery/dead-letters";
import type { Env } from "./lib/env";
import { underRequestId } from "./lib/request-id";
import { partsOf } from "./lib/request-url";

export { Endpoint } from "./endpoint/endpoint";
export { EventLog } from "./events/event-log";
export { Entity } from "./signals/entity";

const pages = dashboard(callAs);

/** The Worker: HTTP in front, queues behind. */
export default {
  fetch(request, env, context) {
    const answering = isPage(partsOf(request.url).path) ? pages : app;
    return underRequestId(request, Date.now(), () => answering.fetch(request, env, context));
  },
  async queue(batch, env, context) {
    await (batch.queue.endsWith("-dead")
      ? consumeDeadLetters(batch, env)
      : consume(batch, env, (rest) => context.waitUntil(rest)));
  },
} satisfies ExportedHandler<Env>;
