/**
 * A webhook receiver as a customer would write it: it believes nothing that is not signed.
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:http";
import { CHECKS } from "./verify.mjs";

/**
 * @typedef {object} Delivery
 * @property {string} profile
 * @property {string} id the delivery's id, the same for every attempt
 * @property {string} event
 * @property {number} attempt
 * @property {boolean} genuine whether the signature is right
 * @property {Buffer} raw the body as it came
 * @property {number} at when it had come whole, in milliseconds since 1970
 * @property {number} answered the status it was answered
 */

/**
 * Starts a receiver on a free port of the loopback interface, with a path for each profile that checks as the profile says.
 * A wrong signature is answered 401.
 *
 * @param {{ answer: (delivery: Delivery) => number, onDelivery: (delivery: Delivery) => void }} options `answer`: the status
 *   for a genuine delivery
 * @returns {Promise<{
 *   origin: string,
 *   urlOf: (profile: string) => string,
 *   trust: (profile: string, secret: string) => void,
 *   close: () => void,
 * }>} `trust` tells it a profile's secret
 */
export async function startReceiver({ answer, onDelivery }) {
  const secrets = new Map();
  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // the sender broke off
    }
    const raw = Buffer.concat(chunks);
    const profile = (request.url ?? "").slice(1);
    const secret = secrets.get(profile);
    const { headers } = request;
    const delivery = {
      profile,
      id: String(headers["x-webhook-id"] ?? ""),
      event: String(headers["x-webhook-event"] ?? ""),
      attempt: Number(headers["x-webhook-attempt"] ?? 0),
      genuine: secret !== undefined && CHECKS[profile].isGenuine(raw, headers, secret),
      raw,
      at: Date.now(),
      answered: 401,
    };
    if (delivery.genuine) delivery.answered = answer(delivery);
    onDelivery(delivery);
    response.writeHead(delivery.answered, { "content-type": "application/json" });
    response.end(JSON.stringify({ received: delivery.answered < 300 }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    urlOf: (profile) => `${origin}/${profile}`,
    trust: (profile, secret) => void secrets.set(profile, secret),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
