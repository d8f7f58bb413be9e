/**
 * The tables of an EventLog object. An event is one row.
 *
 * events
 *   ulid         the event's id without its prefix; minted here, so it sorts by acceptance
 *   event        the event type
 *   timestamp    ms; when it happened
 *   payload      the payload's `id`
 *   data         the JSON text of `data`, as posted
 *   matches      JSON array of Match; a delivery's id is the ULID plus its index here
 *   key          NULL, or the idempotency key
 *   fingerprint  NULL, or the hash of what was posted under the key; with `batch` and `named` a blank and the event's own
 *   batch        NULL, or how many events the key covers: this one and those that follow it
 *   erased       NULL, or ms; when its data was erased
 *   reveal       NULL, or JSON Reveal: what automations reveal of its contacts
 *   origin       NULL, or JSON Origin: the observation that it was emitted for
 *   named        NULL, or where `key` is another or none: `idName` of the caller's own id
 *   found_by     NULL, or JSON array of the values that it is found by, because its type names their paths
 * found_by       those values, a row for each, written by a trigger: an event is one statement (lib/group-commit.ts)
 * derived        events of any day (`ulid`) that were derived from one of this day (`source`)
 * unconfirmed    deliveries below the pointer whose endpoint could not be reached when they were handed over, and those
 *                that a replay has added
 * unrevealed     events below the pointer whose contacts could not be revealed when it came to them
 * state          one row: `confirmed`, the pointer: up to and with this ULID every delivery has another owner, or is in
 *                `unconfirmed`; `sealed`, 1 once the next day has begun to take keys; `trimmed`, once its retention is
 *                over: of the events up to this ULID the endpoints have forgotten their deliveries; `since`, ms: when the
 *                tenant was created whose log it is, NULL while nobody has said
 *                `told`, JSON: by endpoint what it told of its figures last, see figures.ts
 * day_before     one row once it was asked for: the Bloom filter of all keys of the day before, unless they are too many
 */
export const EVENT_LOG_STEPS = [
  `CREATE TABLE events (
     ulid TEXT PRIMARY KEY, event TEXT NOT NULL, timestamp INTEGER NOT NULL, payload TEXT NOT NULL, data TEXT NOT NULL,
     matches TEXT NOT NULL, key TEXT, fingerprint TEXT
   ) WITHOUT ROWID;
   CREATE UNIQUE INDEX events_keyed ON events (key) WHERE key IS NOT NULL;
   CREATE TABLE unconfirmed (delivery TEXT PRIMARY KEY, endpoint TEXT NOT NULL, event TEXT NOT NULL) WITHOUT ROWID;
   CREATE TABLE state (
     id INTEGER PRIMARY KEY CHECK (id = 1), confirmed TEXT NOT NULL, sealed INTEGER NOT NULL, keyless INTEGER NOT NULL
   );
   INSERT INTO state VALUES (1, '', 0, 0);`,
  "ALTER TABLE unconfirmed ADD COLUMN test INTEGER NOT NULL DEFAULT 0",
  "ALTER TABLE events ADD COLUMN batch INTEGER; ALTER TABLE events ADD COLUMN erased INTEGER;",
  `ALTER TABLE events ADD COLUMN reveal TEXT;
   CREATE TABLE unrevealed (ulid TEXT PRIMARY KEY) WITHOUT ROWID;`,
  "ALTER TABLE state ADD COLUMN trimmed TEXT NOT NULL DEFAULT ''",
  // Of callbacks alone, so that ordinary events write no row of it.
  `CREATE INDEX events_called_back ON events (ulid) WHERE instr(matches, '"url":') > 0`,
  `CREATE TABLE day_before (id INTEGER PRIMARY KEY CHECK (id = 1), filter BLOB NOT NULL);
   ALTER TABLE state DROP COLUMN keyless;`,
  `ALTER TABLE events ADD COLUMN origin TEXT;
   CREATE TABLE derived (source TEXT NOT NULL, ulid TEXT NOT NULL, PRIMARY KEY (source, ulid)) WITHOUT ROWID;`,
  // Of events alone that have both, so that others write no row of it.
  `ALTER TABLE events ADD COLUMN named TEXT;
   CREATE INDEX events_named ON events (named) WHERE named IS NOT NULL;`,
  "ALTER TABLE state ADD COLUMN since INTEGER",
  `ALTER TABLE events ADD COLUMN found_by TEXT;
   CREATE TABLE found_by (value TEXT NOT NULL, ulid TEXT NOT NULL, PRIMARY KEY (value, ulid)) WITHOUT ROWID;
   CREATE TRIGGER events_found_by AFTER INSERT ON events WHEN NEW.found_by IS NOT NULL BEGIN
     INSERT OR IGNORE INTO found_by (value, ulid) SELECT value, NEW.ulid FROM json_each(NEW.found_by);
   END;`,
  `ALTER TABLE state ADD COLUMN told TEXT NOT NULL DEFAULT '{}'`,
];
