import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answering } from "./answering.ts";

/** A request as a receiver saw it. */
export interface Received {
  /** When its body was there, in ms of the clock. */
  at: number;
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** How one request is answered. */
export interface Answer {
  /** 200 without it. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Hold the answer back for this many ms. */
  delayMs?: number;
  /** Instead of an answer: never answer, cut the connection, or begin a body that never ends, in drips or in a flood. */
  misbehave?: "hang" | "reset" | "endless" | "flood";
}

/** A receiver that listens. */
export interface Listening {
  /** Of its host, without a path. */
  url: string;
  port: number;
  /** Cuts what is open. */
  close(): Promise<void>;
}

/**
 * A receiver of the tests: an HTTP server on a free port of 127.0.0.1, which reads each request to its end and answers it as
 * it is told. Written apart from the demo's, so that one does not prove itself by the other.
 */
export async function receive(answer: (request: Received) => Answer): Promise<Listening> {
  const server = createServer(
    answering(async (request, response) => {
      const body = await read(request);
      const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)]));
      const { method = "", url = "" } = request;
      await send(answer({ at: Date.now(), method, url, headers, body }), request, response);
    }),
  );
  // Longer than a test takes: who sends on a connection that is just being closed is told that it was lost.
  server.keepAliveTimeout = 10 * 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, close: () => close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

async function send(answer: Answer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (answer.delayMs) await new Promise((resolve) => setTimeout(resolve, answer.delayMs).unref());
  if (response.destroyed) return;
  if (answer.misbehave === "hang") return;
  if (answer.misbehave === "reset") return void request.socket.destroy();
  response.writeHead(answer.status ?? 200, answer.headers ?? {});
  if (answer.misbehave === "flood") return flood(response);
  if (answer.misbehave !== "endless") return void response.end(answer.body ?? "");
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
