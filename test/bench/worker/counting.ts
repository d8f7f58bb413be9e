/**
 * Counts what is billed, where it happens. Everything of the Worker, its objects too, runs in one isolate here, so that
 * one set of counters serves them all.
 * @module
 */

import { type Counts, noCounts, noObjectCounts, type ObjectCounts, operationsOf } from "../counts.ts";

let counts = noCounts();

/** What was counted since the last time; counting begins anew. */
export function takeCounts(): Counts {
  const taken = counts;
  counts = noCounts();
  return taken;
}

/** What was counted so far. */
export function peekCounts(): Counts {
  return counts;
}

/** An HTTP request has come. */
export function countRequest(): void {
  counts.requests++;
}

/** What is counted of a class of objects. */
export function countsOf(className: string): ObjectCounts {
  counts.objects[className] ??= noObjectCounts();
  return counts.objects[className];
}

/** Messages that are on a queue or being consumed, and what goes on after an answer. */
let outstanding = 0;
/** Whether operations are counted by size; else each message is one. */
let exact = false;

/** From now on operations are counted by the sizes of messages, which takes time. */
export function countExactly(): void {
  exact = true;
}

/** A request's context: what goes on after its answer is outstanding, as a message is. */
export function counted(context: ExecutionContext): ExecutionContext {
  const waitUntil = (rest: Promise<unknown>) => {
    outstanding++;
    const ended = () => {
      outstanding--;
    };
    context.waitUntil(rest.finally(ended));
  };
  return new Proxy(context, { get: (own, name) => (name === "waitUntil" ? waitUntil : Reflect.get(own, name)) });
}

/** How many messages are on a queue or being consumed, and how many requests go on after their answers. */
export function outstandingMessages(): number {
  return outstanding;
}

/** Has a batch consumed, with reads and deletes counted; what the consumer has not settled is deleted when it returns. */
export async function consumeCounted(batch: MessageBatch, consume: () => Promise<void>): Promise<void> {
  counts.invocations++;
  counts.batches.push(batch.messages.length);
  const unsettled = new Set(batch.messages);
  const deleted = (message: Message) => {
    if (!unsettled.delete(message)) return;
    outstanding--;
    counts.queue.deleted += operations(message.body);
  };
  for (const message of batch.messages) {
    counts.queue.read += operations(message.body);
    const { ack, retry } = message;
    message.ack = () => {
      deleted(message);
      ack.call(message);
    };
    message.retry = (options) => {
      unsettled.delete(message);
      retry.call(message, options);
    };
  }
  await consume();
  for (const message of [...unsettled]) deleted(message);
}

const prepared = new WeakSet<object>();

/** Counts what is written to the queues and what D1 reads and writes. Bindings are objects of their own in each context. */
export function countBindings(env: Record<string, unknown>): void {
  for (const binding of Object.values(env)) {
    if (typeof binding !== "object" || binding === null || prepared.has(binding)) continue;
    prepared.add(binding);
    if ("sendBatch" in binding) countQueue(binding as Queue);
    if ("prepare" in binding) countD1(binding as D1Database);
  }
}

function countQueue(queue: Queue): void {
  const send = queue.send.bind(queue);
  const sendBatch = queue.sendBatch.bind(queue);
  const written = (body: unknown) => {
    outstanding++;
    counts.queue.written += operations(body);
  };
  queue.send = async (body, options) => {
    written(body);
    return await send(body, options);
  };
  queue.sendBatch = async (messages, options) => {
    const list = [...messages];
    for (const { body } of list) written(body);
    return await sendBatch(list, options);
  };
}

interface D1Answer {
  meta?: { rows_read?: number; rows_written?: number };
}
/** The one place that all of D1's queries pass, in the runtime's own D1 client. */
interface D1Session {
  _sendOrThrow(...parameters: unknown[]): Promise<D1Answer | D1Answer[]>;
}

function countD1(d1: D1Database): void {
  const { alwaysPrimarySession: session } = d1 as unknown as { alwaysPrimarySession: D1Session };
  const sendOrThrow = session._sendOrThrow.bind(session);
  session._sendOrThrow = async (...parameters) => {
    const answer = await sendOrThrow(...parameters);
    for (const { meta } of [answer].flat()) {
      counts.d1.queries++;
      counts.d1.rowsRead += meta?.rows_read ?? 0;
      counts.d1.rowsWritten += meta?.rows_written ?? 0;
    }
    return answer;
  };
}

type Cursor = SqlStorageCursor<Record<string, SqlStorageValue>>;

/** What an object's storage reads and writes, for its class. */
export class StorageMeter {
  readonly #className: string;
  readonly #cursors = new Set<Cursor>();
  readonly #sql: SqlStorage;
  #size: number;
  #running = 0;
  #since = 0;
  #setAlarms = 0;

  constructor(className: string, storage: DurableObjectStorage) {
    this.#className = className;
    this.#sql = storage.sql;
    this.#size = storage.sql.databaseSize;
    const exec = storage.sql.exec.bind(storage.sql) as (...parameters: unknown[]) => Cursor;
    storage.sql.exec = ((...parameters: unknown[]) => {
      const cursor = exec(...parameters);
      this.#cursors.add(cursor);
      return cursor;
    }) as typeof storage.sql.exec;
    const setAlarm = storage.setAlarm.bind(storage);
    storage.setAlarm = (time, options) => {
      countsOf(className).setAlarms++;
      this.#setAlarms++;
      return setAlarm(time, options);
    };
  }

  /** Adds up the rows of the cursors so far, and what is stored; a cursor counts on while it is read, so this comes after a method's end. */
  settle(method: string): void {
    const mine = countsOf(this.#className);
    mine.methods[method] ??= { calls: 0, rows: 0 };
    const its = mine.methods[method];
    for (const { rowsRead, rowsWritten } of this.#cursors) {
      mine.rowsRead += rowsRead;
      mine.rowsWritten += rowsWritten;
      its.rows += rowsWritten;
    }
    its.calls++;
    its.rows += this.#setAlarms;
    this.#setAlarms = 0;
    this.#cursors.clear();
    const size = this.#sql.databaseSize;
    mine.storedBytes += size - this.#size;
    this.#size = size;
  }

  /** Runs a call of the object; the time during which any runs is what it is active. */
  async run<T>(method: string, call: () => T | Promise<T>): Promise<T> {
    if (this.#running++ === 0) this.#since = performance.now();
    try {
      return await call();
    } finally {
      if (--this.#running === 0) countsOf(this.#className).activeMs += performance.now() - this.#since;
      this.settle(method);
    }
  }
}

/**
 * Counts the lines that are logged, and keeps them from the console: here it is a pipe to the bench's own process, which
 * would have the Worker wait for it.
 */
export function countLogs(): void {
  for (const level of ["log", "error", "warn", "info"] as const) {
    console[level] = () => {
      counts.logLines++;
    };
  }
}

function operations(body: unknown): number {
  return exact ? operationsOf(new TextEncoder().encode(JSON.stringify(body)).byteLength) : 1;
}
