import { PRICES } from "./prices.ts";

/** USD of the Workers Paid plan a month, and what it includes of each unit; the pages are those of PRICES. */
const PLAN = 5;
const INCLUDED = {
  requests: 10e6,
  cpuMs: 30e6,
  queueOps: 1e6,
  doRequests: 1e6,
  doDuration: 400e3,
  rowsWritten: 50e6,
  rowsRead: 25e9,
  d1RowsRead: 25e9,
  logLines: 20e6,
} satisfies Partial<Record<keyof typeof PRICES, number>>;
/** USD for a GB of objects' storage a month, and the GB that are included. */
const STORED = { usd: PRICES.stored.usd, included: 5 };

/**
 * What an event takes that is posted by itself to one endpoint, as the bench counts it, with the row that retention
 * takes; `cpuMs` and `storedKb` are taken to be so.
 */
const OF_AN_EVENT = {
  requests: 1.1,
  cpuMs: 3,
  queueOps: 0.2,
  doRequests: 1.1,
  doDuration: 0.0003,
  rowsWritten: 3,
  rowsRead: 5,
  d1RowsRead: 1,
  logLines: 1,
};
const STORED_KB = 3;

/** What a month of so many events costs in all, in USD: the plan, what goes beyond it, and 30 days of storage. Pure. */
export function usdOfMonth(events: number): number {
  const beyond = (Object.keys(INCLUDED) as (keyof typeof INCLUDED)[]).map((name) => {
    const used = events * OF_AN_EVENT[name];
    return (Math.max(used - INCLUDED[name], 0) * PRICES[name].usd) / PRICES[name].per;
  });
  const gigabytes = (events * STORED_KB) / 1e6;
  return beyond.reduce((sum, usd) => sum + usd, PLAN + Math.max(gigabytes - STORED.included, 0) * STORED.usd);
}
