import type { FC } from "hono/jsx";
import { HOUR } from "../../lib/time";
import { Scroll } from "./parts";
import type { Stats } from "./pills";

/** Deliveries accepted within an hour. */
export interface HourTotal {
  /** Its first ms. */
  hour: number;
  succeeded: number;
  retrying: number;
  failed: number;
  /** Pending, held or canceled. */
  other: number;
}

/** Totals of the last `hours` full and begun hours, oldest first, over all endpoints. Pure; `now` in ms. */
export function byHour(stats: Stats["data"], now: number, hours: number): HourTotal[] {
  const last = Math.floor(now / HOUR) * HOUR;
  const totals = new Map<number, HourTotal>();
  for (let i = hours - 1; i >= 0; i--) {
    const hour = last - i * HOUR;
    totals.set(hour, { hour, succeeded: 0, retrying: 0, failed: 0, other: 0 });
  }
  for (const row of stats) {
    const total = totals.get(Date.parse(row.hour));
    if (total === undefined) continue;
    total.succeeded += row.succeeded;
    total.retrying += row.retrying;
    total.failed += row.failed;
    total.other += row.pending + row.held + row.canceled;
  }
  return [...totals.values()];
}

const SERIES = ["succeeded", "retrying", "failed", "other"] as const;
const NAMES = { succeeded: "succeeded", retrying: "retrying", failed: "failed", other: "pending, held or canceled" };

/** The smallest round and even number that is not below `most`: its half is a line of the chart as well. */
export function ceiling(most: number): number {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 6, 10].map((step) => step * power).find((step) => step >= most && step % 2 === 0) ?? most;
}

/** The bars stand in a field of as many units as there are hours, and stretch to whatever room there is. */
const HIGH = 100;

/** Deliveries by hour as stacked bars, with the same numbers as a table. */
export const HourChart: FC<{ totals: readonly HourTotal[] }> = ({ totals }) => {
  const most = ceiling(Math.max(...totals.map((total) => SERIES.reduce((sum, name) => sum + total[name], 0))));
  return (
    <figure class="chart">
      <div class="plot">
        <div class="scale" aria-hidden="true">
          {[1, 0.5, 0].map((part) => (
            <span>{short(most * part)}</span>
          ))}
        </div>
        <svg
          viewBox={`0 0 ${totals.length} ${HIGH}`}
          role="img"
          aria-label={summaryOf(totals)}
          preserveAspectRatio="none"
        >
          {[0, HIGH / 2, HIGH].map((y) => (
            <line class="grid" x1="0" x2={totals.length} y1={y} y2={y} />
          ))}
          {totals.map((total, index) => (
            <Bar total={total} x={index} most={most} />
          ))}
        </svg>
        <div class="hours" aria-hidden="true">
          {totals.map(({ hour }, index) => (index % 6 === 0 ? <span>{index === 0 ? "" : clockOf(hour)}</span> : null))}
        </div>
      </div>
      <figcaption>
        <ul class="legend">
          {SERIES.map((name) => (
            <li class={name}>{NAMES[name]}</li>
          ))}
        </ul>
        <details class="quiet">
          <summary>As a table</summary>
          <HourTable totals={totals} />
        </details>
      </figcaption>
    </figure>
  );
};

const Bar: FC<{ total: HourTotal; x: number; most: number }> = ({ total, x, most }) => {
  let base = HIGH;
  return (
    <g class="bar">
      <title>{titleOf(total)}</title>
      <rect class="hit" x={x} y="0" width="1" height={HIGH} />
      {SERIES.map((name) => {
        const size = (total[name] / most) * HIGH;
        if (size === 0) return null;
        base -= size;
        return <rect class={name} x={x + 0.14} y={base.toFixed(2)} width="0.72" height={size.toFixed(2)} />;
      })}
    </g>
  );
};

const HourTable: FC<{ totals: readonly HourTotal[] }> = ({ totals }) => (
  <Scroll label="Deliveries by hour">
    <table>
      <thead>
        <tr>
          <th scope="col">Hour (UTC)</th>
          {SERIES.map((name) => (
            <th scope="col" class="number">
              {NAMES[name]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {totals.map((total) => (
          <tr>
            <th scope="row">{new Date(total.hour).toISOString().slice(0, 16).replace("T", " ")}</th>
            {SERIES.map((name) => (
              <td class="number">{total[name]}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </Scroll>
);

/** A few bars for a table's cell: how much of it succeeded, waits, failed. */
export const ShareBar: FC<{ succeeded: number; waiting: number; failed: number }> = ({
  succeeded,
  waiting,
  failed,
}) => {
  const all = succeeded + waiting + failed;
  if (all === 0) return null;
  const width = (count: number) => (count / all) * 100;
  return (
    <svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect class="succeeded" x="0" width={width(succeeded).toFixed(2)} height="6" />
      <rect class="retrying" x={width(succeeded).toFixed(2)} width={width(waiting).toFixed(2)} height="6" />
      <rect class="failed" x={width(succeeded + waiting).toFixed(2)} width={width(failed).toFixed(2)} height="6" />
    </svg>
  );
};

function summaryOf(totals: readonly HourTotal[]): string {
  const sum = (name: (typeof SERIES)[number]) => totals.reduce((all, total) => all + total[name], 0);
  return `Deliveries by hour, together: ${SERIES.map((name) => `${sum(name)} ${NAMES[name]}`).join(", ")}.`;
}

function titleOf(total: HourTotal): string {
  return `${clockOf(total.hour)} UTC: ${SERIES.map((name) => `${total[name]} ${NAMES[name]}`).join(", ")}`;
}

function clockOf(hour: number): string {
  return new Date(hour).toISOString().slice(11, 16);
}

function short(count: number): string {
  return count >= 1_000 ? `${count / 1_000}k` : String(count);
}
