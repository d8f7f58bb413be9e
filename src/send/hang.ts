/** The least and the most time, in ms, after which an attempt is taken to hang. */
const LEAST = 200;
const MOST = 1_000;
/** The same for the first attempt of an endpoint of which nothing is known: of many new ones all may hang. */
const UNKNOWN = 75;
/**
 * With a timeout from so many seconds on it is always the most: what outlasts its batch is given 30 s by the platform, and
 * so the attempt ends a second before.
 */
const LONG = 26;

/**
 * After how long an attempt is taken to hang, in ms: twice as long as its endpoint's take at present. Then its row is
 * written early and its batch goes on without it, so a wrong guess costs a few rows, and a late one every neighbour's time.
 * `pace`: what attempts take, in ms; `null`: nothing is known. `timeout`: the endpoint's, in seconds. Pure.
 */
export function hangsAfter(pace: number | null, timeout: number): number {
  if (timeout >= LONG) return MOST;
  return pace === null ? UNKNOWN : Math.min(Math.max(2 * pace, LEAST), MOST);
}
