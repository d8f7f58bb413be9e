import type { FC } from "hono/jsx";
import { DISABLED } from "../../../contracts/reasons";
import { Act, Field, Refused } from "../../components/form";
import { localTime } from "../../components/log";
import { Card, Notice } from "../../components/parts";
import type { Endpoint } from "../../components/pills";
import type { Refusal } from "../../errors";
import type { Site } from "../../site";
import { endpointPath } from "./endpoint-frame";
import { type Held, sayHeld } from "./endpoint-summaries";

/** What failed or is held since a time, counted first, then sent again. `count`: `null` before it is known. */
export const Recovery: FC<{
  site: Site;
  tenant: string;
  endpoint: Endpoint;
  since: string;
  count: number | null;
  refusal?: Refusal | null;
}> = ({ site, tenant, endpoint, since, count, refusal = null }) => {
  const here = endpointPath(site, tenant, endpoint.id);
  return (
    <Card title="Recover" id="recover">
      <Refused refusal={refusal} what="Nothing was recovered." />
      <form method="get" action={`${here}#recover`} class="inline">
        <Field name="recoverSince" label="What failed or was held since (UTC)">
          {(attributes) => <input {...attributes} type="datetime-local" step={1} value={localTime(since)} />}
        </Field>
        <button type="submit">Count</button>
      </form>
      {count === null ? null : count === 0 ? (
        <p>Nothing failed and nothing is held in that time.</p>
      ) : (
        <>
          <p>
            <strong class="big">{count}</strong> {count === 1 ? "delivery" : "deliveries"} failed or held. They are sent
            oldest first, within the endpoint's limits, with today's settings.
          </p>
          {endpoint.enabled ? (
            <Act visit={site} action={`${here}/recover`} class="primary" fields={{ since }}>
              {`Recover ${count} ${count === 1 ? "delivery" : "deliveries"}`}
            </Act>
          ) : (
            <Act visit={site} action={`${here}/enable`} class="primary" fields={{ recover: since }}>
              {`Enable it and recover ${count} ${count === 1 ? "delivery" : "deliveries"}`}
            </Act>
          )}
        </>
      )}
    </Card>
  );
};

/** What has to be done about an endpoint. `recoverAt`: where what is held is recovered; `null`: not by this visitor. */
export const CallToAction: FC<{ endpoint: Endpoint; held: Held; recoverAt: string | null }> = ({
  endpoint,
  held,
  recoverAt,
}) =>
  endpoint.enabled ? null : (
    <Notice tone={endpoint.disabledReason === "manual" ? "warn" : "bad"}>
      <p>
        <strong>Disabled: {isNone(held) ? "nothing is held so far" : sayHeld(held)}.</strong>{" "}
        {capitalised(DISABLED[endpoint.disabledReason ?? "manual"].what)}.{" "}
        {DISABLED[endpoint.disabledReason ?? "manual"].remedy}{" "}
        {isNone(held) || recoverAt === null ? null : <a href={recoverAt}>Recover what is held</a>}
      </p>
    </Notice>
  );

function isNone({ count, more }: Held): boolean {
  return count === 0 && !more;
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
