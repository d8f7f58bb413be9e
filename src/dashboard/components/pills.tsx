import type { FC } from "hono/jsx";
import type { Client } from "../../client/index";
import { ERRORS, WAITS } from "../../contracts/reasons";
import { Pill, type Tone } from "./parts";

type Answer<Method extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<Method>>;
export type Delivery = Answer<Client["deliveries"]["list"]>["data"][number];
export type Attempt = Answer<Client["deliveries"]["get"]>["attemptLog"][number];
export type Endpoint = Answer<Client["endpoints"]["get"]>;
export type Health = Answer<Client["endpoints"]["health"]>;
export type Stats = Answer<Client["deliveries"]["stats"]>;
export type EventType = Answer<Client["eventTypes"]["list"]>["data"][number];

const STATUS_TONES: Readonly<Record<Delivery["status"], Tone>> = {
  pending: "calm",
  retrying: "warn",
  succeeded: "good",
  failed: "bad",
  held: "held",
  canceled: "off",
};

/** A delivery's status. */
export const StatusPill: FC<{ delivery: Pick<Delivery, "status" | "waitReason" | "test"> }> = ({ delivery }) => (
  <>
    <Pill tone={STATUS_TONES[delivery.status]}>{delivery.status}</Pill>
    {delivery.waitReason === null ? null : <small class="muted"> {WAITS[delivery.waitReason].short}</small>}
    {delivery.test ? <span class="tag">test</span> : null}
  </>
);

/** What came of an attempt: the status code, or what there was instead. */
export const Outcome: FC<{ code: number | null; error: Delivery["lastError"]; long?: boolean }> = ({
  code,
  error,
  long,
}) => {
  if (code === null && error === null) return <span class="muted">not tried yet</span>;
  const tone = error === null ? "good" : "bad";
  return (
    <span class={`outcome ${tone}`}>
      {code === null ? error : `${code}`}
      {long && error !== null ? <small> {ERRORS[error].short}</small> : null}
    </span>
  );
};

/** Why an endpoint is disabled. */
export const REASONS: Readonly<Record<NonNullable<Endpoint["disabledReason"]>, string>> = {
  manual: "by hand",
  failing: "kept failing",
  gone: "answered 410",
};

/** An endpoint's state with its reason. `failing`: it has failed since its last success. */
export const EndpointPill: FC<{ endpoint: Pick<Endpoint, "enabled" | "disabledReason">; failing?: boolean }> = ({
  endpoint,
  failing,
}) => {
  if (!endpoint.enabled) {
    const reason = endpoint.disabledReason;
    return (
      <Pill tone={reason === "manual" ? "off" : "bad"}>disabled{reason === null ? "" : `: ${REASONS[reason]}`}</Pill>
    );
  }
  return failing ? <Pill tone="warn">failing</Pill> : <Pill tone="good">enabled</Pill>;
};

/** What an endpoint is called: its name, or the host and path of its URL. */
export function nameOf({ name, url }: Pick<Endpoint, "name" | "url">): string {
  if (name !== null) return name;
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
