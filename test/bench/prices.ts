import type { Counts } from "./counts.ts";

/** A price per unit in USD, beyond what the paid plan includes, with the page it stands on and when it was read. */
export interface Price {
  usd: number;
  per: number;
  unit: string;
  source: string;
  read: string;
}

const DOCS = "https://developers.cloudflare.com";
const READ = "2026-11-21";

/** What Cloudflare bills on the Workers Paid plan; what the plan includes is left out, since the millionth event is meant. */
export const PRICES = {
  requests: price(0.3, 1e6, "requests and queue batches", "/workers/platform/pricing/"),
  cpuMs: price(0.02, 1e6, "ms of CPU", "/workers/platform/pricing/"),
  queueOps: price(0.4, 1e6, "operations of 64 KB", "/queues/platform/pricing/"),
  doRequests: price(0.15, 1e6, "calls and alarms of objects", "/durable-objects/platform/pricing/"),
  doDuration: price(12.5, 1e6, "GB-s of objects, each 128 MB", "/durable-objects/platform/pricing/"),
  rowsWritten: price(1, 1e6, "rows written", "/durable-objects/platform/pricing/"),
  rowsRead: price(0.001, 1e6, "rows read", "/durable-objects/platform/pricing/"),
  d1RowsWritten: price(1, 1e6, "rows written", "/d1/platform/pricing/"),
  d1RowsRead: price(0.001, 1e6, "rows read", "/d1/platform/pricing/"),
  logLines: price(0.6, 1e6, "lines in Workers Logs", "/workers/observability/logs/workers-logs/"),
  stored: price(0.2, 1, "GB of objects for a month", "/durable-objects/platform/pricing/"),
} satisfies Record<string, Price>;

function price(usd: number, per: number, unit: string, page: string): Price {
  return { usd, per, unit, source: DOCS + page, read: READ };
}

/** What one delivered event takes, in billed operations. */
export interface Usage {
  /** HTTP requests and queue batches. */
  requests: number;
  queueOps: number;
  /** Calls and alarms of objects. */
  doRequests: number;
  /** GB-s. */
  doDuration: number;
  /** Rows of objects, with one for each `setAlarm`. */
  rowsWritten: number;
  rowsRead: number;
  d1RowsWritten: number;
  d1RowsRead: number;
  /** Absent where it was not measured. */
  cpuMs?: number;
}

/** GB that an object is billed for while it is active. */
const OBJECT_GB = 0.128;

/** The usage per delivered event of what was counted while `delivered` events were. Pure. */
export function usageOf(counts: Counts, delivered: number, cpuMs?: number): Usage {
  const objects = Object.values(counts.objects);
  const sum = (pick: (object: (typeof objects)[number]) => number) => objects.reduce((all, one) => all + pick(one), 0);
  const { written, read, deleted } = counts.queue;
  const per = (total: number) => total / delivered;
  return {
    requests: per(counts.requests + counts.invocations),
    queueOps: per(written + read + deleted),
    doRequests: per(sum(({ requests, alarms }) => requests + alarms)),
    doDuration: per((sum(({ activeMs }) => activeMs) / 1_000) * OBJECT_GB),
    rowsWritten: per(sum(({ rowsWritten, setAlarms }) => rowsWritten + setAlarms)),
    rowsRead: per(sum(({ rowsRead }) => rowsRead)),
    d1RowsWritten: per(counts.d1.rowsWritten),
    d1RowsRead: per(counts.d1.rowsRead),
    ...(cpuMs === undefined ? {} : { cpuMs }),
  };
}

/** What a million delivered events cost at that usage, in USD. What was not measured is not in it. Pure. */
export function usdPerMillion(usage: Usage): number {
  let usd = 0;
  for (const [name, amount] of Object.entries(usage) as [keyof Usage, number][]) {
    usd += (amount * 1e6 * PRICES[name].usd) / PRICES[name].per;
  }
  return usd;
}

/** How long what is delivered is kept, in months: RETENTION_DAYS. */
const KEPT_MONTHS = 1;

/** What beyond {@link Usage} a delivered event is billed for. */
export interface Kept {
  /** Lines that the Worker logged. */
  logLines: number;
  /** What objects have grown by, in KB. */
  storedKb: number;
}

/** What is kept of `delivered` events. Pure. */
export function keptOf(counts: Counts, delivered: number): Kept {
  const bytes = Object.values(counts.objects).reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  return { logLines: counts.logLines / delivered, storedKb: bytes / 1_000 / delivered };
}

/** What a million delivered events are billed for in all, in USD: what they take, their log lines, and 30 days of storage. Pure. */
export function billOf(usage: Usage, { logLines, storedKb }: Kept): number {
  const logs = (logLines * 1e6 * PRICES.logLines.usd) / PRICES.logLines.per;
  // A KB for each of a million is a GB.
  return usdPerMillion(usage) + logs + storedKb * KEPT_MONTHS * PRICES.stored.usd;
}
