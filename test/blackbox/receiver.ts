/**
 * A receiver for the tests, written apart from the demo's so that one does not prove itself by the other.
 * @module
 */

import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { answering } from "../lib/servers/answering";

/** One request as it came, and what it was answered. */
export interface Attempt {
  path: string;
  /** When its body was there, in ms. */
  at: number;
  id: string;
  event: string;
  attempt: number;
  signature: string;
  body: string;
  /** null: never answered. */
  answered: number | null;
}

/** What a path answers: a status, or nothing ever. */
export type Behaviour = number | "hang";

/** An HTTP server on a free port of 127.0.0.1, closed after the test. */
export class Receiver {
  readonly attempts: Attempt[] = [];
  readonly #server = createServer(answering((request, response) => this.#take(request, response)));
  url = "";

  /** @param behave decides by the path and the requests so far */
  private constructor(private readonly behave: (path: string) => Behaviour) {}

  static async listen(behave: (path: string) => Behaviour): Promise<Receiver> {
    const receiver = new Receiver(behave);
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    receiver.url = `http://127.0.0.1:${(receiver.#server.address() as { port: number }).port}`;
    onTestFinished(() => {
      receiver.#server.close();
      receiver.#server.closeAllConnections();
    });
    return receiver;
  }

  /** The requests of a delivery, in the order they came. */
  of(id: string): Attempt[] {
    return this.attempts.filter((attempt) => attempt.id === id);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const header = (name: string) => String(request.headers[name] ?? "");
    const path = request.url ?? "";
    const behaviour = this.behave(path);
    this.attempts.push({
      path,
      at: Date.now(),
      id: header("x-webhook-id"),
      event: header("x-webhook-event"),
      attempt: Number(header("x-webhook-attempt")),
      signature: header("x-webhook-signature"),
      body: Buffer.concat(chunks).toString("utf8"),
      answered: behaviour === "hang" ? null : behaviour,
    });
    if (behaviour !== "hang") response.writeHead(behaviour).end();
  }
}

/** The signature that a body must carry. */
export function sign(secret: string, body: string): string {
  return createHmac("sha256", secret).update(body, "utf8").digest("hex");
}
