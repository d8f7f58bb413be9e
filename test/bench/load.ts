import autocannon, { type Result } from "autocannon";
import { percentile } from "./stats.ts";

/** Requests that a side is given at once. */
export const CONNECTIONS = 16;

/** What a run of load came to. */
export interface LoadResult {
  requests: number;
  /** Requests per second. */
  rps: number;
  /** Latency in ms. */
  p50: number;
  p99: number;
}

/** What is posted. */
export interface Load {
  url: string;
  headers: Record<string, string>;
  body: string;
  method?: "POST" | "GET";
}

/** Posts the same request over and over, for `seconds` or `amount` times, so many at once. Throws unless every answer is 2xx. */
export async function load(
  { url, headers, body, method = "POST" }: Load,
  length: { seconds: number } | { amount: number },
  connections = CONNECTIONS,
): Promise<LoadResult> {
  const latencies: number[] = [];
  const result = await new Promise<Result>((resolve, reject) => {
    const run = autocannon(
      {
        url,
        method,
        headers,
        ...(method === "GET" ? {} : { body }),
        connections: "amount" in length ? Math.min(connections, length.amount) : connections,
        ...("seconds" in length ? { duration: length.seconds } : { amount: length.amount }),
      },
      (error, done) => (error ? reject(error) : resolve(done)),
    );
    run.on("response", (_client, _status, _bytes, ms) => latencies.push(ms));
  });
  if (result.non2xx > 0 || result.errors > 0 || latencies.length === 0) {
    const { non2xx, errors } = result;
    throw new Error(`${url}: ${latencies.length} answers, ${non2xx} of them not 2xx; ${errors} requests failed`);
  }
  return {
    requests: latencies.length,
    rps: latencies.length / result.duration,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
  };
}
