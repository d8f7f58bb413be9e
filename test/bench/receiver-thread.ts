/**
 * The receiver's thread: an HTTP server on loopback. How a request is answered stands in its path:
 * `/ok`, `/third` (the third attempt of a delivery succeeds), `/slow` (200 after 3 s), `/hang` (never), `/down` (503 until it
 * is told to be up again).
 * @module
 */

import { parentPort } from "node:worker_threads";
import { receive } from "../lib/servers/receive.ts";

/** What arrived at a path. */
export interface Arrivals {
  /** When each request was there, in ms of the clock. */
  times: number[];
  /** Of each event that has `data.sentAt` in its body: how long after that its first request was there, in ms. */
  latencies: number[];
}

/** How long `/slow` takes to answer, in ms. */
const SLOW = 3_000;

const arrivals = new Map<string, Arrivals & { sent: Set<string> }>();
const up = new Set<string>();
const none = () => ({ times: [], latencies: [], sent: new Set<string>() });

const { port } = await receive(({ url: path, headers, body }) => {
  const now = performance.timeOrigin + performance.now();
  const known = arrivals.get(path) ?? none();
  arrivals.set(path, known);
  known.times.push(now);
  const sentAt = /"sentAt":([\d.]+)/.exec(body)?.[1];
  if (sentAt !== undefined && !known.sent.has(sentAt)) {
    known.sent.add(sentAt);
    known.latencies.push(now - Number(sentAt));
  }
  if (path.startsWith("/hang")) return { misbehave: "hang" };
  if (path.startsWith("/down") && !up.has(path)) return { status: 503 };
  if (path.startsWith("/slow")) return { delayMs: SLOW };
  if (path.startsWith("/down") && !up.has(path)) return { status: 503 };
  if (path.startsWith("/missing")) return { status: 404 };
  return { status: path.startsWith("/third") && Number(headers["x-webhook-attempt"]) < 3 ? 500 : 204 };
});
parentPort?.postMessage(port);

/** What is asked of a path; `up`: it is up again from now on. */
export interface Question {
  path: string;
  forget?: boolean;
  up?: boolean;
}

parentPort?.on("message", ({ path, forget, up: isUp }: Question) => {
  if (isUp) up.add(path);
  const { times, latencies } = arrivals.get(path) ?? none();
  parentPort?.postMessage(forget ? { times, latencies } : { requests: times.length, events: latencies.length });
  if (forget) arrivals.delete(path);
});
