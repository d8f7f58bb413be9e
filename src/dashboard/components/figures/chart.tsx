import type { FC } from "hono/jsx";
import { iso } from "../../../lib/time";
import { Scroll } from "../parts";
import { clock, Zone } from "../time";
import { ceiling, type Point, SPANS, type SpanName, successOf } from "./points";

/** What of the points a chart draws. */
interface Series {
  name: string;
  /** Its colour, by what it means. */
  class: string;
  of: (point: Point) => number | null;
}

interface ChartProps {
  title: string;
  /** Bars lie on each other, and are a whole; lines stand for themselves. */
  kind: "bars" | "lines";
  series: readonly Series[];
  points: readonly Point[];
  span: SpanName;
  /** How a value is said. */
  say?: (value: number) => string;
  /** The least and the most of the scale, where it is given. */
  scale?: readonly [from: number, to: number];
}

/** The drawing's height; it has as many units of width as there are points, and stretches to whatever room there is. */
export const HIGH = 100;

/** The tops of what is drawn of each series, in the drawing's units from above; `null`: nothing. Pure. */
export function levelsOf(
  { kind, series, points }: Pick<ChartProps, "kind" | "series" | "points">,
  [from, to]: readonly [number, number],
): (number | null)[][] {
  const base = points.map(() => 0);
  return series.map(({ of }) =>
    points.map((point, index) => {
      const value = of(point);
      if (value === null || (kind === "bars" && value === 0)) return null;
      const level = kind === "bars" ? (base[index] ?? 0) + value : value;
      if (kind === "bars") base[index] = level;
      return HIGH - ((level - from) / (to - from)) * HIGH;
    }),
  );
}

/** The outline of bars between their tops and those below. Pure. */
export function barsPath(tops: readonly (number | null)[], below: readonly number[]): string {
  return tops
    .map((top, x) => {
      const floor = below[x] ?? HIGH;
      return top === null ? "" : `M${x + 0.12} ${round(floor)}V${round(top)}h.76V${round(floor)}z`;
    })
    .join("");
}

/** A line in steps, broken where there is nothing. Pure. */
export function stepsPath(tops: readonly (number | null)[]): string {
  return tops
    .map((top, x) => {
      if (top === null) return "";
      const before = x === 0 ? null : (tops[x - 1] ?? null);
      return `${before === null ? `M${x} ${round(top)}` : `V${round(top)}`}h1`;
    })
    .join("");
}

/** A coordinate, to a hundredth. */
export function round(value: number): string {
  return String(Number(value.toFixed(2)));
}

function scaleOf({ kind, series, points, scale }: ChartProps): readonly [number, number] {
  if (scale !== undefined) return scale;
  const tops = points.map((point) => {
    const values = series.map(({ of }) => of(point) ?? 0);
    return kind === "bars" ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
  });
  return [0, ceiling(Math.max(0, ...tops))];
}

/** Values over time, drawn, and as a table. */
export const Chart: FC<ChartProps> = (props) => {
  const { title, kind, series, points, span, say = short } = props;
  const scale = scaleOf(props);
  const levels = levelsOf(props, scale);
  const below = points.map(() => HIGH);
  const [from, to] = scale;
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        {series.length < 2 ? null : (
          <ul class="legend">
            {series.map(({ name, class: kind }) => (
              <li class={kind}>{name}</li>
            ))}
          </ul>
        )}
      </figcaption>
      <div class="plot">
        <div class="scale" aria-hidden="true">
          {[to, (from + to) / 2, from].map((value) => (
            <span>{say(value)}</span>
          ))}
        </div>
        <svg
          viewBox={`0 0 ${points.length} ${HIGH}`}
          role="img"
          aria-label={`${title}: ${summaryOf(props)}`}
          preserveAspectRatio="none"
        >
          <path class="grid" d={[0, HIGH / 2, HIGH].map((y) => `M0 ${y}H${points.length}`).join("")} />
          {levels.map((tops, index) => {
            const d = kind === "lines" ? stepsPath(tops) : barsPath(tops, below);
            for (const [x, top] of tops.entries()) if (top !== null) below[x] = top;
            return d === "" ? null : <path class={`${kind} ${series[index]?.class}`} d={d} />;
          })}
          {points.map((point, x) => {
            const said = sayPoint(props, point);
            return said === "" ? null : (
              <g class="bar">
                <title data-at={iso(point.at)} data-said={said}>{`${clock(iso(point.at))} UTC: ${said}`}</title>
                <rect class="hit" x={x} y="0" width="1" height={HIGH} />
              </g>
            );
          })}
        </svg>
        <span class="axis-zone">
          <Zone />
        </span>
        <Axis points={points} span={span} />
      </div>
      <details class="quiet">
        <summary>
          <span class="hidden-text">{title} </span>
          Table
        </summary>
        <Table {...props} />
      </details>
    </figure>
  );
};

/** The times below a chart, and their zone. */
const Axis: FC<Pick<ChartProps, "points" | "span">> = ({ points, span }) => {
  const { marks, shown, step } = SPANS[span];
  const start = points[0]?.at ?? 0;
  const length = points.length * step;
  return (
    <div class="axis">
      {Array.from({ length: marks }, (_, index) => {
        const at = iso(start + (length * index) / (marks - 1));
        return (
          <time datetime={at} data-time={shown}>
            {shown === "day" ? at.slice(5, 10) : at.slice(11, 16)}
          </time>
        );
      })}
    </div>
  );
};

const Table: FC<ChartProps> = ({ title, series, points, say = String }) => (
  <Scroll label={title}>
    <table>
      <thead>
        <tr>
          <th scope="col">
            From <Zone />
          </th>
          {series.map(({ name }) => (
            <th scope="col" class="number">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {points.map((point) => (
          <tr>
            <th scope="row">
              <time datetime={iso(point.at)} data-time="minute">
                {clock(iso(point.at)).slice(0, 16)}
              </time>
            </th>
            {series.map(({ of }) => {
              const value = of(point);
              return <td class="number">{value === null ? "–" : say(value)}</td>;
            })}
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
);

/** What a point says of each series; empty where there is nothing. */
function sayPoint({ kind, series, say = String }: ChartProps, point: Point): string {
  return series
    .flatMap(({ name, of }) => {
      const value = of(point);
      return value === null || (kind === "bars" && value === 0) ? [] : [`${say(value)} ${name}`];
    })
    .join(", ");
}

/** A chart in words: bars add up, lines have a least and a most. */
function summaryOf({ kind, series, points, say = String }: ChartProps): string {
  return series
    .map(({ name, of }) => {
      const values = points.map(of).filter((value) => value !== null);
      if (kind === "bars") return `${say(values.reduce((sum, value) => sum + value, 0))} ${name}`;
      if (values.length === 0) return `no ${name}`;
      return `${name} from ${say(Math.min(...values))} to ${say(Math.max(...values))}`;
    })
    .join(", ");
}

/** What becomes of deliveries, in its colours. */
export const OUTCOMES: readonly Series[] = [
  { name: "succeeded", class: "succeeded", of: ({ succeeded }) => succeeded },
  { name: "waiting", class: "retrying", of: ({ waiting }) => waiting },
  { name: "failed", class: "failed", of: ({ failed }) => failed },
  { name: "held or canceled", class: "other", of: ({ other }) => other },
];

/** How many deliveries there were, by what became of them. */
export const VolumeChart: FC<Pick<ChartProps, "points" | "span">> = (props) => (
  <Chart {...props} title="Deliveries" kind="bars" series={OUTCOMES} />
);

/** How many of those that are finished succeeded. The scale begins where there is something to see. */
export const SuccessChart: FC<Pick<ChartProps, "points" | "span">> = (props) => {
  const least = Math.min(100, ...props.points.map(successOf).filter((rate) => rate !== null));
  return (
    <Chart
      {...props}
      title="Success rate"
      kind="lines"
      series={[{ name: "succeeded", class: "succeeded", of: successOf }]}
      say={percent}
      scale={[least >= 95 ? 90 : least >= 60 ? 50 : 0, 100]}
    />
  );
};

/** How long answers took. */
export const LatencyChart: FC<Pick<ChartProps, "points" | "span">> = (props) => (
  <Chart
    {...props}
    title="Latency"
    kind="lines"
    series={[
      { name: "p50", class: "first", of: ({ p50 }) => p50 },
      { name: "p95", class: "second", of: ({ p95 }) => p95 },
    ]}
    say={(ms) => (ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(1))} s`)}
  />
);

/** A share of 100 as it is said: not 100 % before all of it is. */
export function percent(value: number): string {
  if (value > 99.9 && value < 100) return "> 99.9 %";
  return `${Number(value.toFixed(value < 10 || value > 90 ? 1 : 0))} %`;
}

/** A count that fits a scale. */
export function short(count: number): string {
  if (count < 10_000) return String(Number(count.toFixed(1)));
  return count < 1_000_000 ? `${Number((count / 1_000).toFixed(1))}k` : `${Number((count / 1_000_000).toFixed(1))}M`;
}
