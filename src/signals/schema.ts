/**
 * The tables of an Entity object. An observation is one row at most, and so is what it changes: the newest row carries
 * all that the rules remember, and rows that nobody needs any more are overwritten.
 *
 * observations
 *   slot         the row's place; taken anew once its observation need not be known
 *   seq          counts observations; the highest one's `memory` holds
 *   at           ms; when it was written
 *   key          NULL, or the idempotency key: then it must be known for 24 h
 *   fingerprint  NULL, or the hash of what was posted under the key
 *   pending      NULL, or JSON Pending: what fired and is not emitted yet
 *   data         NULL, or with `pending` the JSON text that the events' data is made of, unescaped: it may be 1 MiB
 *   outcome      JSON Outcome: what was emitted, and what was refused
 *   memory       JSON: by rule id what the rule remembers, see forms.ts
 * revealed       contacts that automations have revealed
 *   action       the automation's action
 *   contact      the hash of what tells the contact from others
 */
export const STEPS = [
  `CREATE TABLE observations (
     slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, key TEXT, fingerprint TEXT, pending TEXT,
     data TEXT, outcome TEXT NOT NULL, memory TEXT NOT NULL
   );
   CREATE TABLE revealed (action TEXT NOT NULL, contact TEXT NOT NULL, PRIMARY KEY (action, contact)) WITHOUT ROWID;`,
];
