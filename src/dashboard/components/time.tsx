import type { FC } from "hono/jsx";
import { DAY, HOUR, MINUTE, SECOND } from "../../lib/time";

/** How long, in the largest unit that fits: `45 s`, `12 min`, `3 h`, `2 d`. Milliseconds. */
export function span(ms: number): string {
  const size = Math.abs(ms);
  if (size < MINUTE) return `${Math.round(size / SECOND)} s`;
  if (size < HOUR) return `${Math.round(size / MINUTE)} min`;
  if (size < 2 * DAY) return `${Math.round(size / HOUR)} h`;
  return `${Math.round(size / DAY)} d`;
}

/** A whole duration in seconds as people say it: `1 h 30 min`. */
export function duration(seconds: number): string {
  if (seconds === 0) return "0 s";
  const parts: [unit: string, size: number][] = [
    ["d", DAY / SECOND],
    ["h", HOUR / SECOND],
    ["min", MINUTE / SECOND],
    ["s", 1],
  ];
  let rest = seconds;
  return parts
    .flatMap(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? [] : [`${count} ${unit}`];
    })
    .slice(0, 2)
    .join(" ");
}

/** `2026-11-21 09:30:00` in UTC. */
export function clock(time: string): string {
  return time.slice(0, 19).replace("T", " ");
}

/** A time as its distance from now; the time itself stands in its title. The script keeps it true. */
export const Ago: FC<{ at: string; now: number }> = ({ at, now }) => {
  const distance = Date.parse(at) - now;
  const text = distance > 0 ? `in ${span(distance)}` : distance > -SECOND ? "just now" : `${span(distance)} ago`;
  return (
    <time datetime={at} title={`${clock(at)} UTC`} data-ago>
      {text}
    </time>
  );
};

/** How long something has gone on. */
export const For: FC<{ since: string; now: number }> = ({ since, now }) => (
  <time datetime={since} title={`${clock(since)} UTC`} data-for>
    {span(Math.max(0, now - Date.parse(since)))}
  </time>
);

/** A time of day and date: in UTC, and in the reader's own zone where there is a script. */
export const At: FC<{ at: string }> = ({ at }) => (
  <span class="at">
    <time datetime={at} title={at} data-time="full">
      {clock(at)}
    </time>{" "}
    <Zone />
  </span>
);

/** The name of the zone that times are told in. */
export const Zone: FC = () => (
  <small class="muted" data-zone>
    UTC
  </small>
);
