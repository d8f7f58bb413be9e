import { WorkerEntrypoint } from "cloudflare:workers";
import type { Claim, Outcome } from "../contracts/delivery";
import type { RetriesContract } from "../contracts/entry-points";
import type { Env } from "../contracts/env";
import { refTo } from "../contracts/event";
import { endpointStub } from "../contracts/find";
import type { EndpointSettings } from "../contracts/settings";
import { LANES } from "../endpoint/policy/admission";
import { logError } from "../lib/log";
import { underNewId } from "../lib/request-id";
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
    return underNewId(Date.now(), () => this.#send(claims, settings));
  }

  async #send(claims: Claim[], settings: EndpointSettings): Promise<Outcome[]> {
    const texts = new EventTexts(this.env, settings.tenant);
    const waiting = claims.map(({ delivery: { id, type, test, text }, grant }) => {
      return { delivery: refTo(id, type, test), grant, settings, text };
    });
    let soon: Outcome[] | null = [];
    // By lanes: of more than six the platform would keep the connections waiting, and their timeouts run.
    const lane = async () => {
      for (let granted = waiting.shift(); granted !== undefined; granted = waiting.shift()) {
        const textOf = () => texts.of(granted as Granted, waiting);
        const outcome = await attempt(this.env, granted, textOf, { begun() {}, ended() {} });
        if (outcome === null) continue;
        if (soon === null) await this.#tell(granted, outcome);
        else soon.push(outcome);
      }
    };
    const all = Promise.all(Array.from({ length: LANES }, lane));
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, SOON);
    await Promise.race([all, timer.promise]);
    clearTimeout(timeout);
    // What has not begun by then goes back to where it waits.
    const unsent = waiting.splice(0).map(({ delivery, grant: { attemptId } }): Outcome => {
      return { kind: "unsent", delivery, attemptId };
    });
    const ended = [...soon, ...unsent];
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
