import { app } from "./api/app";
import { callAs } from "./api/http/inside";
import type { Env } from "./contracts/env";
import { dashboard, isPage } from "./dashboard/dashboard";
import { partsOf } from "./lib/net/request-url";
import { underNewId, underRequestId } from "./lib/request-id";
import { consume } from "./send/consumer";
import { consumeDeadLetters } from "./send/dead-letters";

export { OperatorEvents } from "./accept/operator-events";
export { Endpoint } from "./endpoint/object";
export { EventLog } from "./event-log/object";
export { Retries } from "./send/retries";
export { Entity } from "./signals/object";

const pages = dashboard(callAs);

/** The Worker: HTTP in front, queues behind. */
export default {
  fetch(request, env, context) {
    const answering = isPage(partsOf(request.url).path) ? pages : app;
    return underRequestId(request, Date.now(), () => answering.fetch(request, env, context));
  },
  async queue(batch, env, context) {
    await underNewId(Date.now(), () =>
      batch.queue.endsWith("-dead")
        ? consumeDeadLetters(batch, env)
        : consume(batch, env, (rest) => context.waitUntil(rest)),
    );
  },
} satisfies ExportedHandler<Env>;
