/**
 * How the receiver of each profile checks a request: written as a customer would write it, from what the profile's page
 * says, with nothing of Posthorn's own code.
 * @module
 */

import { createHmac, timingSafeEqual } from "node:crypto";

/** How far a signed timestamp may be off, in seconds. */
const TOLERANCE = 300;

/**
 * @typedef {object} Check
 * @property {string} header where the signature is
 * @property {(body: Buffer, headers: import("node:http").IncomingHttpHeaders, secret: string) => boolean} isGenuine
 */

/** @type {Record<string, Check>} */
export const CHECKS = {
  clearview: inHex("X-Webhook-Signature"),
  clarm: inHex("X-Webhook-Signature"),
  finder: inHex("X-Webhook-Signature"),
  snitcher: inHex("Signature"),
  visits: {
    header: "X-Webhook-Signature",
    // Hashed first, so that both have one length.
    isGenuine: (_, headers, secret) =>
      same(hmac(secret, "hex", headers["x-webhook-signature"] ?? ""), hmac(secret, "hex", secret)),
  },
  standard: standard("webhook"),
  svix: standard("svix"),
  cloudevents: standard("webhook"),
  github: inHex("X-Hub-Signature-256", "sha256="),
  stripe: {
    header: "Stripe-Signature",
    isGenuine(body, headers, secret) {
      const parts = String(headers["stripe-signature"] ?? "").split(",");
      const time = parts.find((part) => part.startsWith("t="))?.slice(2) ?? "";
      const expected = `v1=${hmac(secret, "hex", `${time}.`, body)}`;
      return isRecent(time) && parts.some((part) => same(part, expected));
    },
  },
};

/** An HMAC of the body in hex. */
function inHex(header, prefix = "") {
  return {
    header,
    isGenuine: (body, headers, secret) =>
      same(String(headers[header.toLowerCase()] ?? ""), prefix + hmac(secret, "hex", body)),
  };
}

/** Standard Webhooks: the headers' names begin with `prefix`, and the signature's lists several. */
function standard(prefix) {
  return {
    header: `${prefix}-signature`,
    isGenuine(body, headers, secret) {
      const [id, time, signatures] = ["id", "timestamp", "signature"].map((name) =>
        String(headers[`${prefix}-${name}`] ?? ""),
      );
      const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
      const expected = `v1,${hmac(key, "base64", `${id}.${time}.`, body)}`;
      return isRecent(time) && signatures.split(" ").some((signature) => same(signature, expected));
    },
  };
}

function isRecent(time) {
  return Math.abs(Date.now() / 1000 - Number(time)) < TOLERANCE;
}

function hmac(key, encoding, ...parts) {
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return mac.digest(encoding);
}

/** Compares in constant time: how long a comparison takes must not tell how much of a guess was right. */
function same(given, expected) {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
