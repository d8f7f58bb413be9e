/**
 * Why something is not as it should be, and what to do about it, where that is seen.
 * @module
 */
import type { Child, FC } from "hono/jsx";
import { DISABLED, failureOf, type Told, toldOf, WAITS } from "../../contracts/reasons";
import { Act } from "../components/form";
import { Notice } from "../components/parts";
import type { Attempt, Delivery, Endpoint, Health } from "../components/pills";
import { Ago, At } from "../components/time";
import { guideLink, path, type Site } from "../site";

/** A reason: what happened, in a sentence, and its remedy. `name`: where the guide tells of it. */
const Reason: FC<{ site: Site; tone: "warn" | "bad"; head: Child; name: string; told: Told; children?: Child }> = ({
  site,
  tone,
  head,
  name,
  told: { what, remedy },
  children,
}) => (
  <Notice tone={tone}>
    <p>
      <strong>{head}</strong> {what[0]?.toUpperCase() + what.slice(1)}.
    </p>
    <p>
      {remedy.split("`").map((part, i) => (i % 2 === 1 ? <code>{part}</code> : part))}{" "}
      <a {...guideLink(site.base, `/docs/reasons#${name}`)}>More</a>
    </p>
    {children}
  </Notice>
);

/** A button for the breaker's next probe, for those who may ask for it. */
const ProbeNow: FC<{ site: Site; tenant: string; endpoint: string }> = ({ site, tenant, endpoint }) =>
  site.may.endpoints.probe ? (
    <Act visit={site} action={path(site.base, "tenants", tenant, "endpoints", endpoint, "probe")}>
      Probe now
    </Act>
  ) : null;

/** What an attempt failed for. `leads`: where a redirect leads. */
export const FailureReason: FC<{ site: Site; head: Child; attempt: Attempt | null; delivery: Delivery }> = ({
  site,
  head,
  attempt,
  delivery,
}) => {
  const known = attempt ?? { error: delivery.lastError, statusCode: delivery.lastStatusCode, response: null };
  const failure = failureOf(delivery.lastError === "expired" ? { ...known, error: "expired" } : known);
  if (failure === null) return null;
  const leads = failure === "redirect" ? known.response?.headers.location : undefined;
  return (
    <Reason
      site={site}
      tone={delivery.status === "failed" ? "bad" : "warn"}
      head={head}
      name={failure}
      told={toldOf(failure)}
    >
      {leads === undefined ? null : (
        <p>
          It leads to <code>{leads}</code>
        </p>
      )}
    </Reason>
  );
};

/** Why a delivery is not with its receiver; nothing where it is, or is on its way. `last`: its last attempt. */
export const DeliveryReason: FC<{
  site: Site;
  tenant: string;
  delivery: Delivery;
  endpoint: Endpoint;
  last: Attempt | null;
  now: number;
}> = ({ site, tenant, delivery, endpoint, last, now }) => {
  const { status, waitReason, nextAttemptAt: next, attempts } = delivery;
  const until =
    next === null ? null : (
      <>
        {" "}
        until <At at={next} /> (<Ago at={next} now={now} />)
      </>
    );
  if (status === "held") {
    const told = DISABLED[endpoint.disabledReason ?? "manual"];
    return endpoint.enabled ? (
      <Notice tone="warn">
        <strong>Held</strong> while the endpoint was disabled. It is enabled again: resend this one, or recover all.
      </Notice>
    ) : (
      <Reason
        site={site}
        tone="warn"
        head="Held: the endpoint is disabled."
        name={`disabled-${endpoint.disabledReason}`}
        told={told}
      />
    );
  }
  if (status === "failed") {
    const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
    return <FailureReason site={site} head={`Given up after ${tries}.`} attempt={last} delivery={delivery} />;
  }
  if (status === "canceled") {
    return <Notice tone="warn">Canceled: its endpoint was deleted, or the event's content erased.</Notice>;
  }
  if (waitReason !== null) {
    return (
      <>
        <Reason site={site} tone="warn" head={<>Waits{until}.</>} name={waitReason} told={WAITS[waitReason]}>
          {waitReason === "breaker" ? <ProbeNow site={site} tenant={tenant} endpoint={endpoint.id} /> : null}
        </Reason>
        {status === "retrying" ? (
          <FailureReason site={site} head="Its last attempt failed." attempt={last} delivery={delivery} />
        ) : null}
      </>
    );
  }
  if (status !== "retrying") return null;
  const head =
    next === null ? (
      "Failed; the next attempt is on its way."
    ) : (
      <>
        Failed; next attempt
        {until === null ? null : (
          <>
            {" "}
            <Ago at={next} now={now} />
          </>
        )}
        .
      </>
    );
  return <FailureReason site={site} head={head} attempt={last} delivery={delivery} />;
};

/** Why an endpoint is not sent to, or fails. `failed`: its newest delivery that went wrong; `null`: none is known. */
export const EndpointReason: FC<{
  site: Site;
  tenant: string;
  endpoint: Endpoint;
  health: Health;
  failed: Delivery | null;
  now: number;
}> = ({ site, tenant, endpoint, health: { breaker, quietUntil, failingSince, consecutiveFailures }, failed, now }) => {
  if (!endpoint.enabled) return null;
  const open = breaker.state !== "closed";
  return (
    <>
      {open ? (
        <Reason
          site={site}
          tone="bad"
          head={
            breaker.until === null ? (
              "The breaker is half-open: the next delivery probes the receiver."
            ) : (
              <>
                The breaker is open: nothing is sent until <At at={breaker.until} /> (
                <Ago at={breaker.until} now={now} />
                ).
              </>
            )
          }
          name="breaker"
          told={{ ...WAITS.breaker, what: `${consecutiveFailures} attempts failed one after the other` }}
        >
          <ProbeNow site={site} tenant={tenant} endpoint={endpoint.id} />
        </Reason>
      ) : null}
      {quietUntil === null ? null : (
        <Reason
          site={site}
          tone="warn"
          head={
            <>
              Asked to wait until <At at={quietUntil} /> (<Ago at={quietUntil} now={now} />
              ).
            </>
          }
          name="asked"
          told={WAITS.asked}
        />
      )}
      {failingSince === null || failed === null ? null : (
        <FailureReason site={site} head="Why it fails:" attempt={null} delivery={failed} />
      )}
    </>
  );
};
