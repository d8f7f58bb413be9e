import { and, count, eq, isNull, min, sql, sum } from "drizzle-orm";
import { database } from "../database";
import { endpointSummaries, endpoints } from "../tables/endpoints";
import type { Troubled } from "./summaries";

/** What stands open at all endpoints of a database, or of several; `oldestWaitingAt` in ms. */
export interface Standing {
  failing: number;
  waiting: number;
  oldestWaitingAt: number | null;
  held: number;
}

/** What the endpoints of a database told last, added up. It reads those in trouble alone. */
export async function standingOf(d1: D1Database): Promise<Standing> {
  const { endpoint, state, waiting, oldestWaitingAt, held } = endpointSummaries;
  const row = await database(d1)
    .select({
      failing: count(sql`iif(${state} = 'failing' AND ${endpoints.enabled}, 1, NULL)`),
      waiting: sum(waiting).mapWith(Number),
      oldestWaitingAt: min(oldestWaitingAt),
      held: sum(held).mapWith(Number),
    })
    .from(endpointSummaries)
    .innerJoin(endpoints, and(eq(endpoints.id, endpoint), isNull(endpoints.deletedAt)))
    .where(sql`(state = 'failing' OR waiting > 0 OR held > 0)`)
    .get();
  const { failing = 0, waiting: waits, held: holds, oldestWaitingAt: oldest = null } = row ?? {};
  return { failing, waiting: waits ?? 0, held: holds ?? 0, oldestWaitingAt: oldest };
}

/** What stands open in all of several databases. Pure. */
export function together(standings: readonly Standing[]): Standing {
  const total = (name: "failing" | "waiting" | "held") => standings.reduce((all, one) => all + one[name], 0);
  const oldest = standings.flatMap(({ oldestWaitingAt }) => oldestWaitingAt ?? []);
  const oldestWaitingAt = oldest.length === 0 ? null : Math.min(...oldest);
  return { failing: total("failing"), waiting: total("waiting"), oldestWaitingAt, held: total("held") };
}

/** Endpoints of several databases in the order of one: by how much harm there is. Pure. */
export function byHarm(a: Troubled, b: Troubled): number {
  const rank = ({ enabled, disabledReason, state }: Troubled) =>
    !enabled && disabledReason !== "manual" ? 0 : state === "failing" ? 1 : 2;
  const share = ({ failedShare }: Troubled) => failedShare ?? 0;
  return rank(a) - rank(b) || share(b) - share(a) || b.waiting + b.held - (a.waiting + a.held);
}
