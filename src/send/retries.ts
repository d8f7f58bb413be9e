import { WorkerEntrypoint } from "cloudflare:workers";
import type { Claim, Outcome } from "../contracts/delivery";
import type { Env } from "../contracts/env";
import { refTo } from "../contracts/event";
import { endpointStub } from "../contracts/find";
import type { RetriesContract } from "../contracts/retries";
import type { EndpointSettings } from "../contracts/settings";
import { logError } from "../lib/log";
import { SECOND } from "../lib/time";
import { attempt, type Granted } from "./attempt";
import { EventTexts } from "./event-texts";
import { record } from "./reports";

/**
 * How long an endpoint's alarm waits for what came of its sends, in ms: what takes longer is slow. The platform gives what
 * goes on then 30 s, so that the longest attempt ends a second before.
 */
const SOON = SECOND;

/** The entry point by which endpoints' alarms have few deliveries sent, without a message. */
export class Retries extends WorkerEntrypoint<Env> implements RetriesContract {
  async send(claims: Claim[], settings: EndpointSettings): Promise<Outcome[]> {
    const texts = new EventTexts(this.env, settings.tenant);
    const wanted = claims.map(({ delivery: { id, type, test, text }, grant }) => {
      return { delivery: refTo(id, type, test), grant, settings, text };
    });
    let soon: Outcome[] | null = [];
    const sends = wanted.map(async (granted, i) => {
      const textOf = () => texts.of(granted, wanted.slice(i + 1));
      const outcome = await attempt(this.env, granted, textOf, { begun() {}, ended() {} });
      if (outcome === null) return;
      if (soon === null) await this.#tell(granted, outcome);
      else soon.push(outcome);
    });
    const all = Promise.all(sends);
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, SOON);
    await Promise.race([all, timer.promise]);
    clearTimeout(timeout);
    const ended = soon;
    soon = null;
    if (ended.length < claims.length) this.ctx.waitUntil(all);
    return ended;
  }

  /** Its endpoint does not wait for it any more. */
  async #tell({ delivery: { id }, settings: { tenant, endpoint } }: Granted, outcome: Outcome): Promise<void> {
    await record(endpointStub(this.env, tenant, endpoint), [outcome], undefined, (error) =>
      logError("delivery.record.failed", error, { tenant, endpoint, delivery: id }),
    );
  }
}
