import type { FC } from "hono/jsx";
import { SECOND } from "../../lib/time";
import { Card, Facts } from "./parts";
import type { Endpoint, Health } from "./pills";
import { Ago, At, duration, span } from "./time";

/** The window's seven parts, each marked where an attempt failed, and when it would be disabled. */
export const WindowMarks: FC<{ health: Health; endpoint: Endpoint; now: number }> = ({ health, endpoint, now }) => {
  const { window, failingSince, disablesAt } = health;
  const part = endpoint.disableAfter / window.length;
  const marked = window.filter((failed) => failed).length;
  return (
    <div class="window">
      <ol aria-label="The failure window's seven parts">
        {window.map((failed, index) => {
          const from = failingSince === null ? null : Date.parse(failingSince) + index * part * SECOND;
          const state = from === null ? "calm" : failed ? "failed" : from > now ? "ahead" : "clear";
          const words = {
            calm: "not running",
            failed: "an attempt failed",
            ahead: "still ahead",
            clear: "no failed attempt",
          };
          return (
            <li class={state} title={`Part ${index + 1}: ${words[state]}`}>
              <span class="hidden-text">{`Part ${index + 1}: ${words[state]}`}</span>
            </li>
          );
        })}
      </ol>
      <p>
        {!endpoint.enabled ? (
          <>
            Disabled
            {endpoint.disabledAt === null ? null : (
              <>
                {" "}
                <Ago at={endpoint.disabledAt} now={now} />
              </>
            )}
            . Enabling it starts with a clean window.
          </>
        ) : failingSince === null ? (
          endpoint.disableAfter === 0 ? (
            "Never disabled by failures: the rule is switched off for this endpoint."
          ) : (
            `No failed attempt since the last success. The window opens with the next one and runs for ${duration(endpoint.disableAfter)}.`
          )
        ) : (
          <>
            Failing since <Ago at={failingSince} now={now} />: {marked} of 7 parts marked.{" "}
            {disablesAt === null ? (
              "It is never disabled for it."
            ) : (
              <>
                A failed attempt after <At at={disablesAt} /> (<Ago at={disablesAt} now={now} />) disables it if two
                parts are marked by then; any success closes the window.
              </>
            )}
          </>
        )}
      </p>
    </div>
  );
};

const BREAKER = {
  closed: "closed: everything is sent",
  open: "open: nothing is sent",
  "half-open": "half-open: the next delivery probes",
} as const;

/** How an endpoint fares: its window and its breaker. */
export const HealthCard: FC<{ health: Health; endpoint: Endpoint; now: number }> = ({ health, endpoint, now }) => {
  const { latency, consecutiveFailures, breaker, storage, quietUntil } = health;
  return (
    <>
      <Dropped storage={storage} now={now} />
      <Card title="Failure window">
        <WindowMarks health={health} endpoint={endpoint} now={now} />
        <Facts
          rows={[
            ["Failures in a row", String(consecutiveFailures)],
            [
              "Breaker",
              <>
                {BREAKER[breaker.state]}
                {breaker.until === null ? null : (
                  <>
                    {" "}
                    until <Ago at={breaker.until} now={now} />
                  </>
                )}
              </>,
            ],
            [
              "Asked to wait",
              quietUntil === null ? (
                "no"
              ) : (
                <>
                  until <Ago at={quietUntil} now={now} />
                </>
              ),
            ],
            [
              "Disabled after",
              endpoint.disableAfter === 0 ? "never" : `${duration(endpoint.disableAfter)} of failures`,
            ],
            ["Latency p99", milliseconds(latency.p99)],
          ]}
        />
      </Card>
    </>
  );
};

/** That the endpoint has had so many deliveries that the oldest are not kept for all of their retention. */
const Dropped: FC<{ storage: Health["storage"]; now: number }> = ({ storage, now }) => {
  const { deliveriesSince, responsesSince } = storage;
  const since = deliveriesSince ?? responsesSince;
  if (since === null) return null;
  const what = deliveriesSince === null ? "What receivers answered is kept" : "Finished deliveries are kept";
  return (
    <p class="hint">
      {`${what} only since `}
      <Ago at={since} now={now} />
      {": there are more than the endpoint has room for."}
    </p>
  );
};

/** A latency as a figure. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return "—";
  return ms < SECOND ? `${Math.round(ms)} ms` : span(ms);
}
