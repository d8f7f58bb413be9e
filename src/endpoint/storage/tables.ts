/**
 * The tables of an Endpoint object. A delivery is one row, however many attempts it took, and a row that succeeded at
 * its first attempt is in no index: that is what keeps a delivered event at one row written here.
 *
 * deliveries: what is unfinished is in the index `deliveries_due`, what has ended otherwise than well in
 *              `deliveries_unsuccessful`, which in objects of earlier versions has what is unfinished as well
 *   id           dlv_…; its ULID is the event's, so ids sort by acceptance
 *   event        the event type
 *   status       lib/delivery.ts
 *   reason       why a due delivery was put off: slots, slow, rate, breaker, asked; what is told of it is in waits.ts
 *   due          ms; when its next attempt is due; while it is out (see leases.ts), when that was. NULL: nothing is due
 *   lease        NULL; who had it, as earlier versions kept it
 *   adopted      1: never given to an attempt since the row was made: one that nobody remembers may be under way
 *   patience     ms; how long it was last left waiting for its message
 *   step         retries of the schedule used since it last began
 *   attempts     attempts made, over all schedules
 *   manual       1: the next attempt is a person's
 *   code, error  of the last attempt
 *   finished     ms
 *   test         1: a person's test send
 *   format       the body's format at the first attempt, so that a retry sends the same bytes; NULL: today's
 *   duration     ms; of the last attempt
 *   began        ms; when the row was made, or its schedule last restarted
 *   text         JSON MessageText: its event, while the delivery is unfinished and has failed, if it is short. NULL: the log has it
 *   log          JSON array of the attempts, oldest first
 * outbox         operator events that the operator's log does not have yet
 *   id           out_…: the event's idempotency key
 *   event        the event type
 *   at           ms; when it came to pass
 *   data         JSON text
 * figures        the hours that are over and had much, counted: storage/figures.ts
 *   hour         its first ms
 *   final        1: rows of it were dropped, so that it can not be counted again
 *   figures      JSON HourFigures
 * state
 *   settings     JSON EndpointSettings: the copy of the row in D1
 *   fortune      JSON EndpointState: how its attempts went lately, failure window, breaker, quiet, enablement and alert; and as
 *                `leases` the StoredLeases: state.ts, leases.ts
 *   rate         JSON {sentUntil}: under a rate limit, nothing was sent at or after this time (ms): rate-limit.ts
 *   jobs         JSON {list: Job[]}: what is done to many deliveries, and how far that has come: jobs.ts
 *   leases       JSON StoredLeases: as earlier versions left them, read as long as there are none in `fortune`
 *   recoveries, clearance   JSON: the same as earlier versions kept it, read as long as there is no `jobs`
 *   retirement   JSON {closedAt}: since when the endpoint is deleted (ms): retirement.ts
 *   dropped      JSON {responses, deliveries}: up to which ids these were dropped for want of room: capacity.ts
 *   awake        JSON {since}: the end of the last time in which alarms were kept from firing (ms): expiry.ts
 */
export const ENDPOINT_STEPS = [
  `CREATE TABLE deliveries (
     id TEXT PRIMARY KEY, event TEXT NOT NULL, status TEXT NOT NULL, reason TEXT, due INTEGER, lease TEXT,
     adopted INTEGER NOT NULL DEFAULT 0, patience INTEGER NOT NULL DEFAULT 0, step INTEGER NOT NULL DEFAULT 0,
     attempts INTEGER NOT NULL DEFAULT 0, manual INTEGER NOT NULL DEFAULT 0, code INTEGER, error TEXT,
     finished INTEGER, log TEXT NOT NULL DEFAULT '[]'
   ) WITHOUT ROWID;
   CREATE INDEX deliveries_due ON deliveries (due, id) WHERE due IS NOT NULL;
   CREATE INDEX deliveries_leased ON deliveries (lease, due) WHERE lease IS NOT NULL;
   CREATE INDEX deliveries_unsuccessful ON deliveries (status, id)
     WHERE status = 'failed' OR status = 'held' OR status = 'canceled';
   CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;`,
  `ALTER TABLE deliveries ADD COLUMN test INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE deliveries ADD COLUMN format TEXT;`,
  `CREATE TABLE outbox (
     id TEXT PRIMARY KEY, event TEXT NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL
   ) WITHOUT ROWID;`,
  "ALTER TABLE deliveries ADD COLUMN duration INTEGER;",
  "ALTER TABLE deliveries ADD COLUMN began INTEGER NOT NULL DEFAULT 0;",
  // Leases leave the rows, where each cost a row and two of indexes.
  `ALTER TABLE deliveries ADD COLUMN text TEXT;
   INSERT OR REPLACE INTO state (name, value)
     SELECT 'leases', leases FROM (
       SELECT json_group_array(json_array(id, nullif(lease, 'queued'), due, patience, json('true'))) AS leases
       FROM deliveries WHERE lease IS NOT NULL AND due IS NOT NULL);
   UPDATE deliveries SET lease = NULL, due = iif(status IN ('pending', 'retrying'), due, NULL) WHERE lease IS NOT NULL;
   DROP INDEX deliveries_leased;`,
  `CREATE TABLE figures (
     hour INTEGER PRIMARY KEY, final INTEGER NOT NULL, figures TEXT NOT NULL
   ) WITHOUT ROWID;`,
];
