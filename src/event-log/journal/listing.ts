import type { EventPage, EventQuery } from "../../contracts/event-log";
import { idName } from "../../contracts/shards";
import { asFound } from "../../lib/found-by";
import type { Sql } from "../../lib/sql";

interface Listed {
  ulid: string;
  event: string;
  timestamp: number;
  matches?: string;
}

/** A page of a log's events, newest first; looks at `rows` rows at most, whatever their types and endpoints. */
export function pageOf(sql: Sql, query: EventQuery): EventPage {
  const { event, endpoint, limit, rows: most } = query;
  const filtered = event !== undefined || endpoint !== undefined;
  // One more than asked for tells whether there is more; without a filter no row is looked at in vain.
  const ask = filtered ? most : Math.min(most, limit + 1);
  const rows = rowsOf(sql, query, ask);
  const fits = (row: Listed) =>
    (event === undefined || row.event === event) &&
    (endpoint === undefined || (row.matches ?? "").includes(JSON.stringify(endpoint)));
  const fitting = filtered ? rows.filter(fits) : rows;
  const events = fitting.slice(0, limit).map(({ ulid, event, timestamp }) => ({ ulid, event, timestamp }));
  if (fitting.length > limit) return { events, looked: rows.length, next: events.at(-1)?.ulid ?? null };
  return { events, looked: rows.length, next: rows.length === ask ? (rows.at(-1)?.ulid ?? null) : null };
}

function rowsOf(sql: Sql, { before, from, search, endpoint }: EventQuery, ask: number): Listed[] {
  const columns = `ulid, event, timestamp${endpoint === undefined ? "" : ", matches"}`;
  const span = "ulid < ?1 AND ulid >= ?2";
  const page = "ORDER BY ulid DESC LIMIT ?3";
  const ends = [before ?? "Z", from ?? "", ask];
  if (search === undefined) return sql.all<Listed>(`SELECT ${columns} FROM events WHERE ${span} ${page}`, ...ends);
  // By the indexes, then the rows of what they name: a value that many events have is read no further than the page.
  return sql.all<Listed>(
    `WITH found (id) AS (
       SELECT * FROM (SELECT ulid FROM found_by WHERE value = ?4 AND ${span} ${page})
       UNION SELECT ulid FROM events WHERE key = ?5 UNION SELECT ulid FROM events WHERE named = ?6)
     SELECT ${columns} FROM found CROSS JOIN events ON ulid = id WHERE ${span} ${page}`,
    ...ends,
    asFound(search),
    search,
    idName(search),
  );
}

/** An event is found by no value any more: they are of its content. */
export function forgetValues(sql: Sql, ulid: string): void {
  sql.all(
    `DELETE FROM found_by WHERE ulid = ?1
       AND value IN (SELECT value FROM json_each((SELECT found_by FROM events WHERE ulid = ?1)))`,
    ulid,
  );
  sql.all("UPDATE events SET found_by = NULL WHERE ulid = ? AND found_by IS NOT NULL", ulid);
}
