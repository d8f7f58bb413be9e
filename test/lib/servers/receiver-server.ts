import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { answering } from "./answering.ts";

/** A request as the receiver saw it. */
export interface Received {
  at: number;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/**
 * A real HTTP receiver on loopback for the suites in workerd. Every test takes a path of its own, `/in/<name>`: what is
 * sent there is kept and can be read at `GET /seen/<name>`; how it answers is the path's plan, `PUT /plan/<name>` with a
 * list of answers, the last of which repeats.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const seen = new Map<string, Received[]>();
  const plans = new Map<string, Answer[]>();

  const server = createServer(answering((request, response) => handle(request, response, seen, plans)));
  // Longer than a test takes: who sends on a connection that is just being closed is told that it was lost.
  server.keepAliveTimeout = 10 * 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  project.provide("receiver", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
}

/** How one request is answered. */
export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Hold the answer back for this many ms. */
  delayMs?: number;
  /** Instead of an answer: never answer, cut the connection, or begin a body that never ends, in drips or in a flood. */
  misbehave?: "hang" | "reset" | "endless" | "flood";
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  seen: Map<string, Received[]>,
  plans: Map<string, Answer[]>,
): Promise<void> {
  const [, verb = "", name = ""] = (request.url ?? "").split(/[/?]/);
  const body = await read(request);
  if (verb === "seen") return void response.end(JSON.stringify(seen.get(name) ?? []));
  if (verb === "plan") {
    plans.set(name, JSON.parse(body) as Answer[]);
    return void response.end();
  }
  const arrived = seen.get(name) ?? [];
  seen.set(name, arrived);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]));
  arrived.push({ at: Date.now(), method: request.method ?? "", url: request.url ?? "", headers, body });
  const plan = plans.get(name) ?? [{}];
  const answer = plan[Math.min(arrived.length, plan.length) - 1] ?? {};
  if (answer.delayMs) await new Promise((resolve) => setTimeout(resolve, answer.delayMs).unref());
  if (response.destroyed) return;
  if (answer.misbehave === "hang") return;
  if (answer.misbehave === "reset") return void request.socket.destroy();
  response.writeHead(answer.status ?? 200, answer.headers ?? {});
  if (answer.misbehave === "flood") return flood(response);
  if (answer.misbehave !== "endless") return void response.end(answer.body ?? "ok");
  const drip = setInterval(() => response.write("x"), 50);
  response.on("close", () => clearInterval(drip));
}

/** Writes as fast as it is read, until the other side hangs up. */
function flood(response: ServerResponse): void {
  const chunk = "x".repeat(65_536);
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on("drain", more);
  more();
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
