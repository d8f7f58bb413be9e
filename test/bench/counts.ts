/** What one class of objects did. */
export interface ObjectCounts {
  /** RPC calls, each a billed request. */
  requests: number;
  /** Alarms that ran, each a billed request too. */
  alarms: number;
  /** Calls of `setAlarm`, each a billed row written. */
  setAlarms: number;
  rowsRead: number;
  rowsWritten: number;
  /** How long it was running, in ms of wall clock: what duration is billed by. */
  activeMs: number;
  /** By how much their databases have grown, in bytes, in pages of 4 KB. */
  storedBytes: number;
  /** How often one was made or came back from eviction. */
  constructed: number;
}

/** Everything that is billed, counted where it happens. */
export interface Counts {
  /** HTTP requests to the Worker. */
  requests: number;
  /** Batches that a queue brought to the Worker, each billed like a request. */
  invocations: number;
  /** How many messages each had. */
  batches: number[];
  /** Queue operations: 64 KB written, read or deleted. */
  queue: { written: number; read: number; deleted: number };
  d1: { queries: number; rowsRead: number; rowsWritten: number };
  objects: Record<string, ObjectCounts>;
  /** Lines that the Worker logged. */
  logLines: number;
}

const CHUNK_BYTES = 64_000;
/** What a message's metadata adds to its body, about. */
const METADATA_BYTES = 100;

/** The operations that writing, reading or deleting a message of that JSON text's size is billed as. Pure. */
export function operationsOf(bodyBytes: number): number {
  return Math.max(1, Math.ceil((bodyBytes + METADATA_BYTES) / CHUNK_BYTES));
}

/** Nothing has happened yet. */
export function noCounts(): Counts {
  return {
    requests: 0,
    invocations: 0,
    batches: [],
    queue: { written: 0, read: 0, deleted: 0 },
    d1: { queries: 0, rowsRead: 0, rowsWritten: 0 },
    objects: {},
    logLines: 0,
  };
}

/** A class of objects of which nothing is known yet. */
export function noObjectCounts(): ObjectCounts {
  return {
    requests: 0,
    alarms: 0,
    setAlarms: 0,
    rowsRead: 0,
    rowsWritten: 0,
    activeMs: 0,
    storedBytes: 0,
    constructed: 0,
  };
}
