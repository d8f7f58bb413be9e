import type { FC } from "hono/jsx";
import { barsPath, HIGH, levelsOf, OUTCOMES, round, short } from "./chart";
import { allOf, type Point } from "./points";

/** How many ended how; the largest is as long as there is room. `codes`: what was answered, or what there was instead. */
export const CodesChart: FC<{ title?: string; codes: readonly { code: string; count: number }[] }> = ({
  title = "Errors by code",
  codes,
}) => {
  const most = Math.max(1, ...codes.map(({ count }) => count));
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
      </figcaption>
      {codes.length === 0 ? (
        <p class="muted">None in this time.</p>
      ) : (
        <table class="codes">
          <thead class="hidden-text">
            <tr>
              <th scope="col">Code</th>
              <th scope="col">Share</th>
              <th scope="col">Attempts</th>
            </tr>
          </thead>
          <tbody>
            {codes.map(({ code, count }) => (
              <tr>
                <th scope="row">{code}</th>
                <td>
                  <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                    <rect class="failed" width={round((count / most) * 100)} height="8" />
                  </svg>
                </td>
                <td class="number">{short(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </figure>
  );
};

/** A row's last hours at a glance. */
export const Sparkline: FC<{ points: readonly Point[]; about: string }> = ({ points, about }) => {
  const total = points.reduce((sum, point) => sum + allOf(point), 0);
  if (total === 0) return <span class="muted none">nothing</span>;
  const failed = points.reduce((sum, point) => sum + point.failed, 0);
  const props = { kind: "bars" as const, series: OUTCOMES, points };
  const levels = levelsOf(props, [0, Math.max(1, ...points.map(allOf))]);
  const below = points.map(() => HIGH);
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${points.length} ${HIGH}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${about}: ${total} ${total === 1 ? "delivery" : "deliveries"}, ${failed} failed`}
    >
      {levels.map((tops, index) => {
        const d = barsPath(tops, below);
        for (const [x, top] of tops.entries()) if (top !== null) below[x] = top;
        return d === "" ? null : <path class={OUTCOMES[index]?.class} d={d} />;
      })}
    </svg>
  );
};
