import type { FC } from "hono/jsx";
import type { Client } from "../../client/index";
import { ERRORS, WAITS } from "../../contracts/reasons";
import { Pill, type Tone } from "./parts";

type Answer<Method extends (...args: never[]) => Promise<unknown>> = Awaited<ReturnType<Method>>;
export type Delivery = Answer<Client["deliveries"]["list"]>["data"][number];
export type Attempt = Answer<Client["deliveries"]["get"]>["attemptLog"][number];
export type Endpoint = Answer<Client["endpoints"]["get"]>;
export type EndpointSummary = NonNullable<Answer<Client["endpoints"]["list"]>["data"][number]["summary"]>;
export type Health = Answer<Client["endpoints"]["health"]>;
type AnyStats = Answer<Client["deliveries"]["stats"]>;
/** Totals by hour and endpoint, as they are answered to who asks neither `by` nor `group`. */
export type Stats = Omit<AnyStats, "data"> & { data: Extract<AnyStats["data"][number], { hour: string }>[] };
export type EventType = Answer<Client["eventTypes"]["list"]>["data"][number];

const STATUS_TONES: Readonly<Record<Delivery["status"], Tone>> = {
  pending: "calm",
  retrying: "warn",
  succeeded: "good",
  failed: "bad",
  held: "held",
  canceled: "off",
};

/** What a delivery waits for; nothing when it waits for its time only. */
export const WaitReason: FC<{ reason: Delivery["waitReason"] }> = ({ reason }) =>
  reason === null ? null : <small class="muted"> {WAITS[reason].short}</small>;

/** A delivery's status. `short`: what it waits for is said elsewhere. */
export const StatusPill: FC<{ delivery: Pick<Delivery, "status" | "waitReason" | "test">; short?: boolean }> = ({
  delivery,
  short = false,
}) => (
  <>
    <Pill tone={STATUS_TONES[delivery.status]}>{delivery.status}</Pill>
    {short ? null : <WaitReason reason={delivery.waitReason} />}
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

/** An endpoint's state with its reason. `failing`: it has failed since its last success; `worst`: most of what it is sent has. */
export const EndpointPill: FC<{
  endpoint: Pick<Endpoint, "enabled" | "disabledReason">;
  failing?: boolean;
  worst?: boolean;
}> = ({ endpoint, failing, worst = false }) => {
  if (!endpoint.enabled) {
    const reason = endpoint.disabledReason;
    return (
      <Pill tone={reason === "manual" ? "off" : "bad"}>disabled{reason === null ? "" : `: ${REASONS[reason]}`}</Pill>
    );
  }
  return failing ? <Pill tone={worst ? "bad" : "warn"}>failing</Pill> : <Pill tone="good">enabled</Pill>;
};

/** What an endpoint is called: its name, or the host and path of its URL. */
export function nameOf({ name, url }: Pick<Endpoint, "name" | "url">): string {
  if (name !== null) return name;
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
