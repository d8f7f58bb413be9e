/**
 * Receivers of the suites that look at the product from outside.
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { onTestFinished } from "vitest";
import { receive } from "./servers/receive.ts";

/** One request as it came, and what it was answered. */
export interface Attempt {
  path: string;
  /** When its body was there, in ms. */
  at: number;
  /** The delivery's. */
  id: string;
  event: string;
  attempt: number;
  signature: string;
  body: string;
  /** null: never answered. */
  answered: number | null;
}

/** What a request is answered: a status, or nothing ever. */
export type Behaviour = number | "hang";

/** A receiver on a free port of 127.0.0.1, closed after the test. */
export class Receiver {
  /** In the order they came. */
  readonly attempts: Attempt[] = [];
  url = "";

  /** @param behave decides by the request and those so far */
  static async listen(behave: (attempt: Omit<Attempt, "answered">) => Behaviour): Promise<Receiver> {
    const receiver = new Receiver();
    const { url, close } = await receive(({ url: path, at, headers, body: text }) => {
      const attempt = {
        path,
        at,
        id: headers["x-webhook-id"] ?? "",
        event: headers["x-webhook-event"] ?? "",
        attempt: Number(headers["x-webhook-attempt"]),
        signature: headers["x-webhook-signature"] ?? "",
        body: text,
      };
      const behaviour = behave(attempt);
      receiver.attempts.push({ ...attempt, answered: behaviour === "hang" ? null : behaviour });
      if (behaviour === "hang") return { misbehave: "hang" };
      const body = behaviour < 300 ? "thanks" : "out of order";
      return { status: behaviour, headers: { "content-type": "text/plain" }, body };
    });
    receiver.url = url;
    onTestFinished(close);
    return receiver;
  }

  /** The requests of a delivery, in the order they came. */
  of(id: string): Attempt[] {
    return this.attempts.filter((attempt) => attempt.id === id);
  }
}

/** A customer's: it verifies what comes, and answers as its owner has it at the time. */
export class CustomerReceiver {
  secret = "";
  /** What it answers to genuine requests. */
  status = 200;
  readonly genuine: { event: string; id: string; answered: number }[] = [];
  refused = 0;
  url = "";

  /** One on a free port of 127.0.0.1, until the test is over. */
  static async listen(): Promise<CustomerReceiver> {
    const customer = new CustomerReceiver();
    const { url } = await Receiver.listen(({ signature, body }) => {
      const given = Buffer.from(signature);
      const expected = Buffer.from(sign(customer.secret, body));
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
        customer.refused++;
        return 401;
      }
      const { event, id } = JSON.parse(body);
      customer.genuine.push({ event, id, answered: customer.status });
      return customer.status;
    });
    customer.url = `${url}/webhooks`;
    return customer;
  }

  /** The ids of events that were answered with 2xx. */
  get accepted(): string[] {
    return this.genuine.filter(({ answered }) => answered < 300).map(({ id }) => id);
  }
}

/** The signature that a body must carry. */
export function sign(secret: string, body: string): string {
  return createHmac("sha256", secret).update(body, "utf8").digest("hex");
}
