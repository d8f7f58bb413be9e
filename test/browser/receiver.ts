import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { onTestFinished } from "vitest";
import { answering } from "../lib/servers/answering";

/** A customer's receiver: it verifies what comes, and answers as its owner has it at the time. */
export class CustomerReceiver {
  secret = "";
  /** What it answers to genuine requests. */
  status = 200;
  readonly genuine: { event: string; id: string; answered: number }[] = [];
  refused = 0;
  url = "";

  /** One on a free port of 127.0.0.1, until the test is over. */
  static async listen(): Promise<CustomerReceiver> {
    const receiver = new CustomerReceiver();
    const server = createServer(
      answering(async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk);
        const body = Buffer.concat(chunks);
        const given = Buffer.from(String(request.headers["x-webhook-signature"] ?? ""));
        const expected = Buffer.from(createHmac("sha256", receiver.secret).update(body).digest("hex"));
        if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
          receiver.refused++;
          response.writeHead(401).end();
          return;
        }
        const { event, id } = JSON.parse(body.toString("utf8"));
        receiver.genuine.push({ event, id, answered: receiver.status });
        response
          .writeHead(receiver.status, { "content-type": "text/plain" })
          .end(receiver.status < 300 ? "thanks" : "out of order");
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    receiver.url = `http://127.0.0.1:${(server.address() as { port: number }).port}/webhooks`;
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    return receiver;
  }

  /** The ids of events that were answered with 2xx. */
  get accepted(): string[] {
    return this.genuine.filter(({ answered }) => answered < 300).map(({ id }) => id);
  }
}
