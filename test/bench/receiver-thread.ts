/**
 * The receiver's thread: an HTTP server on loopback. How a request is answered stands in its path:
 * `/ok`, `/third` (the third attempt of a delivery succeeds), `/hang` (never).
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort } from "node:worker_threads";

/** What arrived at a path. */
export interface Arrivals {
  /** When each request was there, in ms of the clock. */
  times: number[];
  /** How long after `data.sentAt` of its body, in ms; of requests that have it. */
  latencies: number[];
}

const arrivals = new Map<string, Arrivals>();

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (text: string) => {
    body += text;
  });
  request.on("end", () => {
    const now = performance.timeOrigin + performance.now();
    const path = request.url ?? "";
    const known = arrivals.get(path) ?? { times: [], latencies: [] };
    arrivals.set(path, known);
    known.times.push(now);
    const sentAt = /"sentAt":([\d.]+)/.exec(body)?.[1];
    if (sentAt !== undefined) known.latencies.push(now - Number(sentAt));
    if (path.startsWith("/hang")) return;
    const failed = path.startsWith("/third") && Number(request.headers["x-webhook-attempt"]) < 3;
    response.writeHead(failed ? 500 : 204).end();
  });
});

server.listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port));

parentPort?.on("message", ({ path, forget }: { path: string; forget: boolean }) => {
  const known = arrivals.get(path) ?? { times: [], latencies: [] };
  parentPort?.postMessage(forget ? known : { times: known.times.length });
  if (forget) arrivals.delete(path);
});
