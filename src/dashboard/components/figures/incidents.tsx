/**
 * Which endpoints do harm, and how it is said: by the share that fails and since when, by what waits, by what is held.
 * @module
 */
import type { FC } from "hono/jsx";
import { MINUTE } from "../../../lib/time";
import { path, type Site, withQuery } from "../../site";
import { type Endpoint, type EndpointSummary, nameOf, type REASONS } from "../pills";
import { Ago, For } from "../time";
import { percent } from "./chart";
import { allOf, type Point, sumOf } from "./points";

/** An endpoint as lists answer it with its summary. */
export type Summarized = Endpoint & { summary?: EndpointSummary | undefined };

/** From this share on, most fails: 0 to 1. */
const MOST = 0.5;
/** Less than this, and what fails is the exception. */
const FEW = 0.05;
/** For how long something may wait until it is worth a word, in ms. */
const PATIENCE = 5 * MINUTE;
/** The most endpoints that a page leads with. */
const LED = 3;

type Harm = "off" | "failing" | "waiting" | "held" | "some" | "none" | "quiet";
const ORDER: readonly Harm[] = ["off", "failing", "waiting", "held", "some", "none", "quiet"];

/**
 * What is wrong with an endpoint at `now` (ms): switched off by the rule, failing, waiting for long, held (disabled by hand, or
 * enabled again and not recovered), failing at times, nothing, or disabled with nothing held. Pure.
 */
export function harmOf({ enabled, disabledReason, summary }: Summarized, now: number): Harm {
  if (!enabled && disabledReason !== "manual") return "off";
  const since = summary?.failingSince ?? null;
  if (enabled && summary?.state === "failing") {
    const isLong = since !== null && now - Date.parse(since) > PATIENCE;
    return isLong || (shareOf(summary) ?? 0) >= FEW ? "failing" : "some";
  }
  const oldest = summary?.oldestWaitingAt ?? null;
  if (enabled && oldest !== null && now - Date.parse(oldest) > PATIENCE) return "waiting";
  if ((summary?.held ?? 0) > 0) return "held";
  if (!enabled) return "quiet";
  return (summary?.failedShare ?? 0) > 0 ? "some" : "none";
}

/**
 * Endpoints by harm, the worst first; among equals by share failed, then by what waits and is held, then by how much each had
 * of late. Pure.
 */
export function byHarm<T extends Summarized>(
  endpoints: readonly T[],
  now: number,
  hours: ReadonlyMap<string, readonly Point[]> = new Map(),
): T[] {
  const weight = (one: T) => [
    -ORDER.indexOf(harmOf(one, now)),
    (one.summary && shareOf(one.summary)) ?? 0,
    (one.summary?.waiting ?? 0) + (one.summary?.held ?? 0),
    allOf(sumOf(hours.get(one.id) ?? [])),
  ];
  return endpoints
    .map((one) => ({ one, weight: weight(one) }))
    .sort((a, b) => b.weight.map((value, i) => value - (a.weight[i] ?? 0)).find((less) => less !== 0) ?? 0)
    .map(({ one }) => one);
}

/** The share that fails, 0 to 1: all of it where nothing is known of the last hour and nothing has got through since. Pure. */
export function shareOf(summary: EndpointSummary): number | null {
  return summary.failedShare ?? (summary.state === "failing" ? 1 : null);
}

/** A share of attempts that failed, 0 to 1, as a word for its colour. Pure. */
export function severityOf(share: number): "few" | "some" | "most" | "all" {
  if (share >= 0.995) return "all";
  return share >= MOST ? "most" : share >= FEW ? "some" : "few";
}

/** Whether most of what an endpoint is sent fails. Pure. */
export function isWorst({ enabled, summary }: Pick<Summarized, "enabled" | "summary">): boolean {
  return enabled && summary?.state === "failing" && (shareOf(summary) ?? 0) >= MOST;
}

/** How much fails: a bar and a number whose colour grows with it. */
export const FailedShare: FC<{ share: number | null }> = ({ share }) =>
  share === null || share === 0 ? (
    <span class="muted none">{share === null ? "—" : "0 %"}</span>
  ) : (
    <span class={`failed-share ${severityOf(share)}`}>
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        <rect width={Math.round(share * 100)} height="8" />
      </svg>
      {percent(share * 100)}
    </span>
  );

/** What waits, and for how long its oldest has. */
export const Waiting: FC<{ summary: EndpointSummary | undefined; now: number }> = ({ summary, now }) =>
  summary === undefined || summary.waiting === 0 ? (
    <span class="muted none">—</span>
  ) : (
    <>
      {summary.waiting}
      {summary.oldestWaitingAt === null ? null : (
        <small class="muted">
          {" for up to "}
          <For since={summary.oldestWaitingAt} now={now} />
        </small>
      )}
    </>
  );

/** What an endpoint's incident is, after its name. */
const Said: FC<{ one: Summarized; harm: Harm; now: number }> = ({
  one: { disabledReason, disabledAt, enabled, summary },
  harm,
  now,
}) => {
  const held = summary?.held ?? 0;
  const events = `${held} ${held === 1 ? "event" : "events"}`;
  const since = summary?.failingSince ?? null;
  if (harm === "off" || (harm === "held" && !enabled)) {
    return (
      <>
        {` is disabled: ${held === 0 ? "nothing is held so far" : `${events} held`}. Disabled ${disabledReason === null ? "" : SAID[disabledReason]}`}
        {disabledAt === null ? null : (
          <>
            {", "}
            <Ago at={disabledAt} now={now} />
          </>
        )}
        .
      </>
    );
  }
  if (harm === "held") return <>{` is enabled again, and ${events} ${held === 1 ? "is" : "are"} still held.`}</>;
  const share = (summary && shareOf(summary)) ?? 1;
  const waiting =
    summary === undefined || summary.waiting === 0 ? null : (
      <>
        {` ${summary.waiting} waiting`}
        {summary.oldestWaitingAt === null ? null : (
          <>
            {", the oldest for "}
            <For since={summary.oldestWaitingAt} now={now} />
          </>
        )}
        .
      </>
    );
  if (harm === "waiting") return <> is behind.{waiting}</>;
  return (
    <>
      {share === 1
        ? ": every attempt has failed"
        : `: ${percent(share * 100)} of attempts failed in the last hour, the latest`}
      {since === null ? null : (
        <>
          {" for "}
          <For since={since} now={now} />
        </>
      )}
      .{waiting}
    </>
  );
};

const SAID: typeof REASONS = { manual: "by hand", failing: "because it kept failing", gone: "because it answered 410" };

/** What leads a page while something is wrong: the worst endpoints, each with what to do. Nothing while nothing is. */
export const Incidents: FC<{ site: Site; tenant: string; endpoints: readonly Summarized[]; now: number }> = ({
  site,
  tenant,
  endpoints,
  now,
}) => {
  const wrong = byHarm(endpoints, now)
    .map((one) => ({ one, harm: harmOf(one, now) }))
    .filter(({ harm }) => isIncident(harm));
  const more = wrong.length - LED;
  const list = path(site.base, "tenants", tenant, "endpoints");
  return (
    <>
      {wrong.slice(0, LED).map(({ one }) => (
        <Incident site={site} tenant={tenant} one={one} now={now} />
      ))}
      {more <= 0 ? null : (
        <p>
          <a href={withQuery(list, { state: wrong[LED]?.harm === "failing" ? "failing" : undefined })}>
            {`${more} more ${more === 1 ? "endpoint needs" : "endpoints need"} a look`}
          </a>
        </p>
      )}
    </>
  );
};

/** One endpoint's incident; nothing where there is none. `here`: on its own page. */
export const Incident: FC<{ site: Site; tenant: string; one: Summarized; now: number; here?: boolean }> = ({
  site,
  tenant,
  one,
  now,
  here = false,
}) => {
  const harm = harmOf(one, now);
  if (!isIncident(harm)) return null;
  const at = path(site.base, "tenants", tenant, "endpoints", one.id);
  const bad = harm === "off" || (harm === "failing" && isWorst(one));
  const [to, said] =
    (harm === "off" || harm === "held") && site.may.endpoints.recover
      ? [`${at}#recover`, "Recover …"]
      : [`${at}/deliveries?status=${harm === "failing" ? "retrying" : "pending"}`, "See its deliveries"];
  return (
    <div class={`notice incident ${bad ? "bad" : harm === "held" ? "held" : "warn"}`}>
      <p>
        <strong>{here ? "This endpoint" : <a href={at}>{nameOf(one)}</a>}</strong>
        <Said one={one} harm={harm} now={now} />
      </p>
      <a class="button small" href={to} {...(here ? {} : { "aria-label": `${said} (${nameOf(one)})` })}>
        {said}
      </a>
    </div>
  );
};

function isIncident(harm: Harm): boolean {
  return ORDER.indexOf(harm) <= ORDER.indexOf("held");
}
