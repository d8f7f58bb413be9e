import { HOUR, iso } from "../../../lib/time";
import { FailedShare, isWorst, type Summarized, shareOf, Waiting } from "../../components/figures/incidents";
import { type Point, pointsOf, reachOf } from "../../components/figures/points";
import { Sparkline } from "../../components/figures/small";
import type { Column } from "../../components/listing";
import { EndpointPill } from "../../components/pills";
import { Ago, For } from "../../components/time";
import type { Site } from "../../site";

/** What each endpoint had in the last 24 h, by the hour; of one that had nothing there is nothing. */
export async function hoursOf(site: Site, tenant: string, now: number): Promise<Map<string, Point[]>> {
  const { since, until } = reachOf("24h", now);
  const { data } = await site.api.deliveries.stats(tenant, {
    query: { since: iso(since), by: "hour", group: "endpoint" },
  });
  const rows = data.filter((row) => "from" in row);
  const ids = new Set(rows.map(({ endpoint = "" }) => endpoint));
  return new Map(
    [...ids].map(
      (id) =>
        [
          id,
          pointsOf(
            rows.filter(({ endpoint }) => endpoint === id),
            since,
            until,
            HOUR,
          ),
        ] as const,
    ),
  );
}

/** What is said of how endpoints fare, in columns. `hours`: what each had in the last 24 h. */
export function faresColumns(now: number, hours: ReadonlyMap<string, Point[]>): Column<Summarized>[] {
  return [
    {
      name: "State",
      phone: "state",
      cell: (one) => (
        <>
          <EndpointPill endpoint={one} failing={one.summary?.state === "failing"} worst={isWorst(one)} />
          {one.summary?.state === "failing" && one.summary.failingSince !== null ? (
            <small class="muted">
              {" for "}
              <For since={one.summary.failingSince} now={now} />
            </small>
          ) : null}
        </>
      ),
    },
    {
      name: "Failed, 1 h",
      phone: "named",
      cell: ({ summary }) => <FailedShare share={summary === undefined ? null : shareOf(summary)} />,
    },
    { name: "Waiting", phone: "named", cell: ({ summary }) => <Waiting summary={summary} now={now} /> },
    {
      name: "Held",
      phone: "named",
      cell: ({ summary }) => (summary?.held ? summary.held : <span class="muted none">—</span>),
    },
    {
      name: "Last success",
      class: "wide-only",
      phone: "away",
      cell: ({ summary }) =>
        summary?.lastSuccessAt ? <Ago at={summary.lastSuccessAt} now={now} /> : <span class="muted none">—</span>,
    },
    {
      name: "Last 24 h",
      cell: ({ id }) => <Sparkline points={hours.get(id) ?? []} about="Last 24 h" />,
    },
  ];
}
