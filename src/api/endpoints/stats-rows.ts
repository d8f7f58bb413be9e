import { type Figures, type HourFigures, type Sums, sumOf, sumsOf, type Tally } from "../../contracts/figures";
import { DAY, iso } from "../../lib/time";

/** How figures are put together. */
export interface View {
  by: "hour" | "day" | null;
  group: "endpoint" | "event" | "code" | null;
  /** Of this event type alone. */
  event: string | null;
  /** ms: what the rows begin at where they are not by hour or day. */
  since: number;
}

/** Deliveries of a period and, where they are grouped, of one of these. */
export interface Row extends Sums {
  from: string;
  name: string | null;
}

/** An endpoint's figures, by hours or by days. */
export type OfEndpoint = readonly [endpoint: string, figures: Figures];

function talliesOf({ events, codes }: HourFigures, { group, event }: View): [name: string | null, tally: Tally][] {
  if (group === "code") return Object.entries(codes);
  const meant = Object.entries(events).filter(([name]) => event === null || name === event);
  return group === "event" ? meant : meant.map(([, tally]) => [null, tally]);
}

/** The rows that figures make in a view, by time and name, and what they add up to. Pure. */
export function rowsOf(figures: readonly OfEndpoint[], view: View): { rows: Row[]; total: Sums } {
  const periods = new Map<number, Map<string | null, Tally[]>>();
  const all: Tally[] = [];
  for (const [endpoint, hours] of figures) {
    for (const [key, hour] of Object.entries(hours)) {
      const at = Number(key);
      const from = view.by === null ? view.since : view.by === "day" ? at - (at % DAY) : at;
      const names = periods.get(from) ?? new Map<string | null, Tally[]>();
      periods.set(from, names);
      for (const [name, tally] of talliesOf(hour, view)) {
        const as = view.group === "endpoint" ? endpoint : name;
        const tallies = names.get(as);
        if (tallies) tallies.push(tally);
        else names.set(as, [tally]);
        all.push(tally);
      }
    }
  }
  const rows = [...periods]
    .sort(([a], [b]) => a - b)
    .flatMap(([from, names]) =>
      [...names]
        .sort(([a], [b]) => ((a ?? "") < (b ?? "") ? -1 : 1))
        .map(([name, tallies]) => ({ from: iso(from), name, ...sumsOf(sumOf(tallies)) })),
    );
  return { rows, total: sumsOf(sumOf(all)) };
}
