/**
 * How a tenant, an endpoint or an event type fared over a span that the address names: figures with their trend, and charts.
 * @module
 */
import type { FC } from "hono/jsx";
import { iso } from "../../../lib/time";
import { type Site, type SiteContext, withQuery } from "../../site";
import { Card } from "../parts";
import { LatencyChart, percent, SuccessChart, short, VolumeChart } from "./chart";
import {
  allOf,
  type Point,
  pointsOf,
  reachOf,
  SPANS,
  type SpanName,
  spanNamed,
  successOf,
  sumOf,
  trendOf,
} from "./points";
import { CodesChart } from "./small";

/** Whose deliveries: all of the tenant's, unless it names an endpoint or an event type. */
export interface Whose {
  endpoint?: string;
  event?: string;
}

/** What a span is shown by. */
export interface Fared {
  span: SpanName;
  points: Point[];
  /** The span of the same length before it; `null`: that is not kept. */
  before: Point[] | null;
  /** What the last answers were that failed, most first; `null`: not told of an event type. */
  codes: { code: string; count: number }[] | null;
}

/** The most rows of errors: the rest is one row. */
const CODES = 8;

/** Reads how they fared over the span that the address names: of two calls to the API one counts by time, one by code. */
export async function faredOf(c: SiteContext, tenant: string, whose: Whose, now: number): Promise<Fared> {
  const { api } = c.get("site");
  const span = spanNamed(c.req.query("span"));
  const { step } = SPANS[span];
  const reach = reachOf(span, now);
  const compares = span !== "30d";
  const stats = (query: Parameters<Site["api"]["deliveries"]["stats"]>[1]) => api.deliveries.stats(tenant, query);
  const [byTime, byCode] = await Promise.all([
    stats({
      query: { ...whose, since: iso(compares ? reach.before : reach.since), by: span === "30d" ? "day" : "hour" },
    }),
    whose.event === undefined
      ? stats({ query: { ...whose, since: iso(reach.since), group: "code" } })
      : Promise.resolve(null),
  ]);
  const rows = byTime.data.filter((row) => "from" in row);
  return {
    span,
    points: pointsOf(rows, reach.since, reach.until, step),
    before: compares ? pointsOf(rows, reach.before, reach.since, step) : null,
    codes: byCode === null ? null : codesOf(byCode.data.filter((row) => "from" in row)),
  };
}

/** The last answers of what failed or is tried again, most first. Pure. */
export function codesOf(
  rows: readonly { code?: string | null | undefined; succeeded: number; accepted: number; canceled: number }[],
): { code: string; count: number }[] {
  const all = rows
    .flatMap(({ code, accepted, succeeded, canceled }) =>
      code === undefined || code === null ? [] : [{ code, count: accepted - succeeded - canceled }],
    )
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
  const rest = all.slice(CODES).reduce((sum, { count }) => sum + count, 0);
  return rest === 0 ? all : [...all.slice(0, CODES), { code: "others", count: rest }];
}

function titleOf(span: SpanName): string {
  return span === "1h" ? "This hour and the one before" : `The last ${SPANS[span].name}`;
}

/** Links to the spans; each keeps what else the address says. */
const Spans: FC<{ c: SiteContext; span: SpanName }> = ({ c, span }) => {
  const { done: _, recovered: __, of: ___, ...kept } = c.req.query();
  return (
    <nav class="spans" aria-label="Span">
      {Object.keys(SPANS).map((name) => (
        <a
          href={withQuery(c.req.path, { ...kept, span: name === "24h" ? undefined : name })}
          aria-label={titleOf(name as SpanName)}
          {...(name === span ? { "aria-current": "true" as const } : {})}
        >
          {name.replace(/(\d+)/, "$1 ")}
        </a>
      ))}
    </nav>
  );
};

/** A number, and how it has changed against the span before. `good`: whether more of it is good, bad, or neither. */
const TrendFigure: FC<{
  name: string;
  of: (points: readonly Point[]) => number;
  fared: Fared;
  good: boolean | null;
  tone?: string;
}> = ({ name, of, fared: { points, before, span }, good, tone = "" }) => {
  const [now, then] = [of(points), before === null ? null : of(before)];
  const trend = then === null ? null : trendOf(now, then);
  const better = then === null || now === then || good === null ? "" : now > then === good ? " better" : " worse";
  return (
    <div class={`figure ${now > 0 ? tone : ""}`}>
      <dt>{name}</dt>
      <dd>
        {short(now)}
        {trend === null ? null : (
          <small class={`trend${better}`} title={`${then} in the ${SPANS[span].name} before`}>
            {trend}
          </small>
        )}
      </dd>
    </div>
  );
};

/** The figures of a span: they add up to the first. */
export const FaredFigures: FC<{ fared: Fared }> = ({ fared }) => {
  const rate = successOf(sumOf(fared.points));
  const then = fared.before === null ? null : successOf(sumOf(fared.before));
  const of = (name: "succeeded" | "waiting" | "failed" | "other") => (points: readonly Point[]) => sumOf(points)[name];
  return (
    <dl class="figures">
      <TrendFigure name="Accepted" of={(points) => allOf(sumOf(points))} fared={fared} good={null} />
      <TrendFigure name="Succeeded" of={of("succeeded")} fared={fared} good={null} />
      <TrendFigure name="Waiting" of={of("waiting")} fared={fared} good={false} tone="warn" />
      <TrendFigure name="Failed" of={of("failed")} fared={fared} good={false} tone="bad" />
      <TrendFigure name="Held or canceled" of={of("other")} fared={fared} good={false} tone="held" />
      <div class="figure">
        <dt>Success rate</dt>
        <dd>
          {rate === null ? "—" : percent(rate)}
          {rate === null || then === null ? null : (
            <small
              class={`trend${rate === then ? "" : rate > then ? " better" : " worse"}`}
            >{`${percent(then)} before`}</small>
          )}
        </dd>
      </div>
    </dl>
  );
};

/** The charts of a span. */
export const FaredCharts: FC<{ fared: Fared }> = ({ fared: { points, span, codes } }) => (
  <div class="charts">
    <VolumeChart points={points} span={span} />
    <SuccessChart points={points} span={span} />
    <LatencyChart points={points} span={span} />
    {codes === null ? null : <CodesChart codes={codes} />}
  </div>
);

/** Figures and charts, under the links that choose their span. */
export const FaredCard: FC<{ c: SiteContext; fared: Fared }> = ({ c, fared }) => (
  <Card title={titleOf(fared.span)} id="traffic" actions={<Spans c={c} span={fared.span} />}>
    <FaredFigures fared={fared} />
    <FaredCharts fared={fared} />
  </Card>
);
