import { KNOWN_TABLE } from "./known";

/**
 * The tables of an Entity object. What rules remember is one row, which an observation that fires nothing overwrites; one
 * that fires has a row of its own until its events are emitted. So there are as many as wait, and one.
 *
 * observations
 *   slot         the row's place
 *   seq          counts observations; the highest one's `memory` holds
 *   at           ms; when it was written
 *   key          NULL, or with `pending` the key under which its outcome is to be known
 *   fingerprint  with `key` what a repeat must say again
 *   pending      NULL, or JSON Pending: what fired and is not emitted yet
 *   data         NULL, or with `pending` the JSON text that the events' data is made of, unescaped: it may be 1 MiB
 *   outcome      JSON Outcome: with `pending` what was refused at once
 *   memory       JSON: by rule id what the rule remembers, see forms.ts
 * known          see known.ts; by key the outcome (JSON Outcome). An observation's key is `o:index in its request:key`, and
 *                `said` when the key was claimed or, from before that was told, the hash of what was posted; a revelation's
 *                is `r:event's ULID:action`
 * revealed       contacts that automations have revealed
 *   action       the automation's action
 *   contact      the hash of what tells the contact from others
 */
export const ENTITY_STEPS = [
  `CREATE TABLE observations (
     slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, key TEXT, fingerprint TEXT, pending TEXT,
     data TEXT, outcome TEXT NOT NULL, memory TEXT NOT NULL
   );
   CREATE TABLE revealed (action TEXT NOT NULL, contact TEXT NOT NULL, PRIMARY KEY (action, contact)) WITHOUT ROWID;`,
  // Keys had a row of observations each, and those of observations the time of the claim after the index.
  `${KNOWN_TABLE}
   UPDATE observations SET key = substr(key, 1, 2 + instr(substr(key, 3), ':'))
     || substr(key, 3 + instr(substr(key, 3), ':') + instr(substr(key, 3 + instr(substr(key, 3), ':')), ':'))
   WHERE key GLOB 'o:[0-9]*:1[0-9][0-9][0-9][0-9][0-9]*:*';
   INSERT OR REPLACE INTO known (part, key, at, said, told)
     SELECT at / 43200000, key, at, fingerprint, outcome FROM observations
     WHERE key IS NOT NULL AND pending IS NULL ORDER BY seq;
   UPDATE observations SET key = NULL, fingerprint = NULL WHERE pending IS NULL AND key IS NOT NULL;
   DELETE FROM observations WHERE pending IS NULL AND seq < (SELECT max(seq) FROM observations);
   UPDATE observations SET pending = json_set(pending, '$.source', substr(key, 3, 26))
   WHERE pending IS NOT NULL AND key LIKE 'r:%';`,
];
