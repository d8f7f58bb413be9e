import type { Child, FC } from "hono/jsx";
import { DISABLED } from "../../../contracts/reasons";
import { DAY, HOUR, iso } from "../../../lib/time";
import { Act, Refused, SelectField, TextField } from "../../components/form";
import { apiTime, localTime } from "../../components/log";
import { Card, Notice } from "../../components/parts";
import type { Endpoint } from "../../components/pills";
import { At } from "../../components/time";
import type { Refusal } from "../../errors";
import { type Site, withQuery } from "../../site";
import { Actor, type AuditEntry } from "../access/audit";
import { endpointPath } from "./endpoint-frame";
import { type Held, sayHeld } from "./endpoint-summaries";

/** What is to be recovered, as the address and the form have it; empty: all of it. */
export interface Recovered {
  since: string;
  until: string;
  status: "" | "failed" | "held";
}

/** What the fields of these names say; `since`, where they say none. */
export function recoveredIn(said: (name: string) => string, since: string): Recovered {
  const status = said("recoverStatus");
  return {
    since: apiTime(said("recoverSince")) ?? since,
    until: apiTime(said("recoverUntil")) ?? "",
    status: status === "failed" || status === "held" ? status : "",
  };
}

/** What is recovered, as the API takes it. */
export function askedOf({ since, until, status }: Recovered) {
  return { since, ...(until === "" ? {} : { until }), ...(status === "" ? {} : { status }) };
}

/** The fields that say it. */
function fieldsOf({ since, until, status }: Recovered): Record<string, string> {
  return { recoverSince: since, recoverUntil: until, recoverStatus: status };
}

/**
 * Spans of time that are often meant, of which a failure's beginning is one where it is known: `broke`. Last night goes from
 * 18:00 to 08:00. Pure; `now` in ms.
 */
export function presetsOf(now: number, broke: string | null): [name: string, since: string, until: string][] {
  const midnight = Math.floor(now / DAY) * DAY;
  // Before eight the night is not over.
  const morning = Math.min(midnight + 8 * HOUR, now);
  return [
    ["last hour", iso(now - HOUR), ""],
    ["last night, 18:00-08:00 UTC", iso(midnight - 6 * HOUR), iso(morning)],
    ...(broke === null ? [] : [["since it broke", broke, ""] as [string, string, string]]),
  ];
}

/** What failed or is held in a span of time, counted first, then sent again. `count`: `null` where it was refused. */
export const Recovery: FC<{
  site: Site;
  tenant: string;
  endpoint: Endpoint;
  what: Recovered;
  broke: string | null;
  now: number;
  count: number | null;
  refusal?: Refusal | null;
  /** The recoveries before. */
  past?: Child;
}> = ({ site, tenant, endpoint, what, broke, now, count, refusal = null, past }) => {
  const here = endpointPath(site, tenant, endpoint.id);
  const preset = (since: string, until: string) =>
    `${withQuery(here, fieldsOf({ since, until, status: what.status }))}#recover`;
  return (
    <Card title="Recover" id="recover">
      <Refused refusal={refusal} what="Nothing was recovered." />
      <p>
        {presetsOf(now, broke).map(([name, since, until]) => (
          <>
            <a class="button small" href={preset(since, until)}>
              {name}
            </a>{" "}
          </>
        ))}
      </p>
      <form method="get" action={`${here}#recover`} class="inline">
        <TextField
          name="recoverSince"
          label="Accepted since (UTC)"
          type="datetime-local"
          value={localTime(what.since)}
        />
        <TextField name="recoverUntil" label="Until (UTC)" type="datetime-local" value={localTime(what.until)} />
        <SelectField
          name="recoverStatus"
          label="Which"
          value={what.status}
          options={[
            ["", "failed and held"],
            ["failed", "failed"],
            ["held", "held"],
          ]}
        />
        <button type="submit">Count</button>
      </form>
      {count === null ? null : count === 0 ? (
        <p>Nothing is {what.status === "" ? "failed or held" : what.status} in that time.</p>
      ) : (
        <>
          <p>
            <strong class="big">{count}</strong> {count === 1 ? "delivery" : "deliveries"}{" "}
            {what.status === "" ? "failed or held" : what.status}. They are sent oldest first, within the endpoint's
            limits, with today's settings. One event type alone:{" "}
            <a href={withQuery(`${here}/deliveries`, { status: what.status || "failed,held" })}>select in the log</a>.
          </p>
          <Act
            visit={site}
            action={`${here}/${endpoint.enabled ? "recover" : "enable"}`}
            class="primary"
            fields={{ ...fieldsOf(what), recover: "yes" }}
          >
            {`${endpoint.enabled ? "Recover" : "Enable it and recover"} ${count} ${count === 1 ? "delivery" : "deliveries"}`}
          </Act>
        </>
      )}
      {past}
    </Card>
  );
};

/** What has to be done about an endpoint. `recoverAt`: where what is held is recovered; `null`: not by this visitor. */
export const CallToAction: FC<{
  endpoint: Endpoint;
  held: Held;
  recoverAt: string | null;
  disabled?: AuditEntry | null;
}> = ({ endpoint, held, recoverAt, disabled = null }) => {
  const told = DISABLED[endpoint.disabledReason ?? "manual"];
  return endpoint.enabled ? null : (
    <Notice tone={endpoint.disabledReason === "manual" ? "warn" : "bad"}>
      <p>
        <strong>Disabled: {isNone(held) ? "nothing is held so far" : sayHeld(held)}.</strong>{" "}
        {disabled === null ? (
          capitalised(told.what)
        ) : (
          <>
            Disabled by <Actor actor={disabled.actor} /> on <At at={disabled.at} />
          </>
        )}
        . {endpoint.disabledReason === "manual" ? null : `${told.remedy} `}
        {isNone(held) || recoverAt === null ? null : <a href={recoverAt}>Recover what is held</a>}
      </p>
    </Notice>
  );
};

function isNone({ count, more }: Held): boolean {
  return count === 0 && !more;
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
