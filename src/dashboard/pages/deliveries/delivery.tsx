import { Hono } from "hono";
import { Act, Refused, textOf } from "../../components/form";
import { PageHead } from "../../components/layout";
import { Live } from "../../components/log";
import { Card, Copyable, Facts } from "../../components/parts";
import { type Delivery, nameOf, Outcome, StatusPill } from "../../components/pills";
import { At } from "../../components/time";
import { type Refusal, refusedWith } from "../../errors";
import { needs } from "../../guard";
import { Attempts } from "../../inspect/attempts";
import { DeliveryReason } from "../../inspect/reason";
import { dataIn, SampleDifferences, toSample } from "../../inspect/sample";
import { path, type SiteContext, type SiteEnv, withQuery } from "../../site";
import { page, part, wantsPart } from "../../write";
import { endpointPath } from "../endpoints/endpoint-frame";
import { CheckCard, checkOf } from "./delivery-check";

function where(c: SiteContext) {
  const param = (name: string) => c.req.param(name) ?? "";
  return { site: c.get("site"), tenant: param("tenant"), id: param("endpoint"), delivery: param("delivery") };
}

/** What is shown beside the delivery. */
interface Shown {
  refusal?: Refusal | null;
  /** Whether a signature was pasted to be checked. */
  checks?: boolean;
}

async function show(c: SiteContext, { refusal = null, checks = false }: Shown = {}): Promise<Response> {
  const { site, tenant, id, delivery: deliveryId } = where(c);
  const now = Date.now();
  const delivery = await site.api.deliveries.get(tenant, id, deliveryId);
  // A look for news costs one call, and nothing is sent where there are none.
  if (wantsPart(c) && c.req.query("seen") === seenOf(delivery)) return c.body(null, 204);
  const endpoint = await site.api.endpoints.get(tenant, id);
  const here = endpointPath(site, tenant, endpoint.id, "deliveries", delivery.id);
  const { attemptLog } = delivery;
  const asked = Number(checks ? textOf(c.get("form"), "attempt") : c.req.query("attempt"));
  const open = attemptLog.find(({ number }) => number === asked) ?? attemptLog.at(-1);
  const body = open?.request.body ?? null;
  const data = body === null ? null : dataIn(body, endpoint.format);
  const sample = data === null ? null : await toSample(c.env, delivery.event, data, endpoint.profile);
  const check = checks && open !== undefined ? await checkOf(c, endpoint, open) : null;
  const isUnderWay = delivery.status === "pending" || delivery.status === "retrying";
  const live = withQuery(here, { attempt: c.req.query("attempt"), seen: seenOf(delivery) });
  const content = (
    <Live id="delivery" from={isUnderWay && !checks ? live : null}>
      <PageHead
        title={delivery.event}
        up={{ href: endpointPath(site, tenant, endpoint.id, "deliveries"), name: nameOf(endpoint) }}
        about={
          <>
            <StatusPill delivery={delivery} />
            <Copyable text={delivery.id} label="Copy the delivery's id" />
          </>
        }
      >
        {site.may.deliveries.resend ? (
          <Act visit={site} action={`${here}/resend`} class="primary">
            Resend
          </Act>
        ) : null}
      </PageHead>
      <Refused refusal={refusal} what="The delivery was not resent." />
      <DeliveryReason {...{ site, tenant, delivery, endpoint, now }} last={attemptLog.at(-1) ?? null} />
      <Card>
        <Facts
          rows={[
            [
              "Event",
              <a href={path(site.base, "tenants", tenant, "events", delivery.eventId)}>
                <code>{delivery.eventId}</code>
              </a>,
            ],
            ["Endpoint", <a href={endpointPath(site, tenant, endpoint.id)}>{nameOf(endpoint)}</a>],
            ["Attempts", String(delivery.attempts)],
            ["Last answer", <Outcome code={delivery.lastStatusCode} error={delivery.lastError} long />],
            ["Accepted", <At at={delivery.createdAt} />],
            [
              "Finished",
              delivery.finishedAt === null ? <span class="muted">not yet</span> : <At at={delivery.finishedAt} />,
            ],
          ]}
        />
      </Card>
      <Card title="Attempts">
        <Attempts
          attempts={attemptLog}
          nextAttemptAt={delivery.nextAttemptAt}
          now={now}
          createdAt={delivery.createdAt}
          open={open?.number ?? null}
          here={here}
        />
        {attemptLog.length < delivery.attempts ? <p class="hint">The oldest attempts are not kept any more.</p> : null}
        <SampleDifferences differences={sample} />
      </Card>
    </Live>
  );
  if (wantsPart(c)) return part(c, content);
  return page(
    c,
    { title: `Delivery of ${delivery.event}`, current: "Deliveries", status: refusal === null ? 200 : 409 },
    <>
      {content}
      {site.may.secrets.get && endpoint.signature.scheme !== "none" && body !== null && open !== undefined ? (
        <CheckCard site={site} here={here} attempt={open} shown={check} />
      ) : null}
    </>,
  );
}

/** What changes of a delivery, in short. */
function seenOf({ status, attempts, nextAttemptAt, waitReason }: Delivery): string {
  return [status, attempts, nextAttemptAt, waitReason].join(" ");
}

/** One delivery and its attempts. */
export const deliveryPages = new Hono<SiteEnv>()
  .get("/tenants/:tenant/endpoints/:endpoint/deliveries/:delivery", (c) => show(c))
  .post("/tenants/:tenant/endpoints/:endpoint/deliveries/:delivery/check", async (c) => {
    needs(c.get("site").may.secrets.get, "Your role reads, and does not check signatures.");
    return show(c, { checks: true });
  })
  .post("/tenants/:tenant/endpoints/:endpoint/deliveries/:delivery/resend", async (c) => {
    const { site, tenant, id, delivery } = where(c);
    const refusal = await refusedWith(() => site.api.deliveries.resend(tenant, id, delivery));
    if (refusal !== null) return show(c, { refusal });
    return c.redirect(withQuery(endpointPath(site, tenant, id, "deliveries", delivery), { done: "resent" }), 303);
  });
