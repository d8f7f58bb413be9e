/**
 * Receivers in Node and Python for one endpoint: what it signs, how and in which header is filled in; its secret is not,
 * it comes from the environment. Each is a whole program of standard parts. Pure.
 * @module
 */
import { nextHeader, schemeOf } from "../../config/endpoints/schemes";
import type { Format, Signature } from "../../contracts/wire";

/** What a receiver has to know of its endpoint. */
export interface Signed {
  signature: Signature;
  format: Format;
  method: string;
}

export interface Snippets {
  node: string;
  python: string;
}

/** How far a signed timestamp may be off, in seconds: what Standard Webhooks' libraries allow. */
const TOLERANCE = 300;

/** The receivers of an endpoint. */
export function snippetsFor({ signature, format, method }: Signed): Snippets {
  const scheme = schemeOf(signature.scheme);
  const header = signature.header ?? scheme?.header ?? "";
  const facts: Facts = {
    header,
    next: nextHeader(header),
    id: scheme?.idHeader ?? "X-Webhook-Id",
    timestamp: scheme?.timestampHeader ?? "",
    inBody: format === "envelope" || format === "cloudevents",
    method,
  };
  const kind = signature.scheme === "svix" ? "standard" : signature.scheme;
  return { node: nodeProgram(facts, NODE[kind](facts)), python: pythonProgram(facts, PYTHON[kind](facts)) };
}

interface Facts {
  header: string;
  /** Carries the new secret's signature while a rotation lasts, where one header cannot list both. */
  next: string;
  id: string;
  timestamp: string;
  /** Whether the payload has an `id` to deduplicate by. */
  inBody: boolean;
  method: string;
}

type Kind = "hex" | "token" | "standard" | "github" | "stripe" | "none";

const lower = (name: string) => JSON.stringify(name.toLowerCase());
const quoted = (name: string) => JSON.stringify(name);

const NODE: Readonly<Record<Kind, (facts: Facts) => string>> = {
  none: () => `function isGenuine() {
  return true; // this endpoint signs nothing: anybody who knows the URL can post here
}`,
  token: ({ header, next }) => `function isGenuine(body, headers) {
  const digest = (text) => createHmac("sha256", secret).update(text ?? "").digest();
  return [${lower(header)}, ${lower(next)}].some((name) => timingSafeEqual(digest(headers[name]), digest(secret)));
}`,
  hex: ({ header, next }) => nodeOverBody([header, next], "", "hex"),
  github: ({ header, next }) => nodeOverBody([header, next], "sha256=", "hex"),
  stripe: ({ header }) => `function isGenuine(body, headers) {
  const parts = (headers[${lower(header)}] ?? "").split(",").map((part) => part.split("="));
  const time = parts.find(([name]) => name === "t")?.[1] ?? "";
  if (!(Math.abs(Date.now() / 1000 - Number(time)) < ${TOLERANCE})) return false;
  const expected = createHmac("sha256", secret).update(time + ".").update(body).digest("hex");
  return parts.some(([name, value]) => name === "v1" && same(value, expected));
}`,
  standard: ({ header, id, timestamp }) => `function isGenuine(body, headers) {
  const [id, time, given] = [${lower(id)}, ${lower(timestamp)}, ${lower(header)}].map((name) => headers[name] ?? "");
  if (!(Math.abs(Date.now() / 1000 - Number(time)) < ${TOLERANCE})) return false;
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : secret;
  const expected = createHmac("sha256", key).update(id + "." + time + ".").update(body).digest("base64");
  return given.split(" ").some((part) => same(part, "v1," + expected));
}`,
};

function nodeOverBody(headers: string[], prefix: string, encoding: string): string {
  const expected = prefix === "" ? "" : `${quoted(prefix)} + `;
  return `function isGenuine(body, headers) {
  const expected = ${expected}createHmac("sha256", secret).update(body).digest("${encoding}");
  return [${headers.map(lower).join(", ")}].some((name) => same(headers[name], expected));
}`;
}

function nodeProgram({ id, inBody, method }: Facts, verify: string): string {
  const idOf = inBody ? "payload.id" : `request.headers[${lower(id)}]`;
  return `// receiver.mjs: WEBHOOK_SECRET=… node receiver.mjs
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const { WEBHOOK_SECRET: secret = "", PORT: port = 3000 } = process.env;

/** Compares in constant time, whatever the header is. */
function same(given, expected) {
  const [a, b] = [Buffer.from(given ?? ""), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

${verify}

const seen = new Set(); // in production: a table with a unique id

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks); // the bytes as they came: parsed and written again they would be others
  if (!isGenuine(body, request.headers)) return response.writeHead(401).end();
  response.writeHead(204).end(); // answer first, work afterwards
${
  method === "GET"
    ? `  console.log(request.headers[${lower(id)}], request.headers["x-webhook-event"]);`
    : `  const payload = JSON.parse(body);
  const id = ${idOf};
  if (seen.has(id)) return; // deliveries can repeat
  seen.add(id);
  console.log(id, JSON.stringify(payload));`
}
}).listen(Number(port));
`;
}

const PYTHON: Readonly<Record<Kind, (facts: Facts) => string>> = {
  none: () => `def is_genuine(body, headers):
    return True  # this endpoint signs nothing: anybody who knows the URL can post here`,
  token: ({ header, next }) => `def is_genuine(body, headers):
    given = [headers.get(${quoted(header)}), headers.get(${quoted(next)})]
    return any(same(text, SECRET.decode()) for text in given)`,
  hex: (facts) => pythonOverBody(facts, ""),
  github: (facts) => pythonOverBody(facts, "sha256="),
  stripe: ({ header }) => `def is_genuine(body, headers):
    parts = [part.partition("=")[::2] for part in headers.get(${quoted(header)}, "").split(",")]
    sent = dict(parts).get("t", "")
    if not sent.isdecimal() or abs(time.time() - int(sent)) > ${TOLERANCE}:
        return False
    expected = hmac.new(SECRET, sent.encode() + b"." + body, hashlib.sha256).hexdigest()
    return any(name == "v1" and same(value, expected) for name, value in parts)`,
  standard: ({ header, id, timestamp }) => `def is_genuine(body, headers):
    message_id, sent = headers.get(${quoted(id)}, ""), headers.get(${quoted(timestamp)}, "")
    if not sent.isdecimal() or abs(time.time() - int(sent)) > ${TOLERANCE}:
        return False
    key = base64.b64decode(SECRET[6:]) if SECRET.startswith(b"whsec_") else SECRET
    mac = hmac.new(key, f"{message_id}.{sent}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(mac).decode()
    return any(same(part, expected) for part in headers.get(${quoted(header)}, "").split(" "))`,
};

function pythonOverBody({ header, next }: Facts, prefix: string): string {
  const expected = prefix === "" ? "" : `${quoted(prefix)} + `;
  return `def is_genuine(body, headers):
    expected = ${expected}hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return any(same(headers.get(name), expected) for name in [${quoted(header)}, ${quoted(next)}])`;
}

function pythonProgram({ id, inBody, method }: Facts, verify: string): string {
  const idOf = inBody ? 'payload["id"]' : `self.headers[${quoted(id)}]`;
  const work =
    method === "GET"
      ? `        print(self.headers[${quoted(id)}], self.headers["X-Webhook-Event"], flush=True)`
      : `        payload = json.loads(body)
        key = ${idOf}
        if key not in seen:  # deliveries can repeat
            seen.add(key)
            print(key, json.dumps(payload), flush=True)`;
  return `# receiver.py: WEBHOOK_SECRET=… python3 receiver.py
import base64, hashlib, hmac, json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("WEBHOOK_SECRET", "").encode()
seen = set()  # in production: a table with a unique id


def same(given, expected):
    """Compares in constant time, whatever the header is."""
    return hmac.compare_digest((given or "").encode("utf-8", "replace"), expected.encode())


${verify}


class Receiver(BaseHTTPRequestHandler):
    def do_${method}(self):
        # The bytes as they came: parsed and written again they would be others.
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        genuine = is_genuine(body, self.headers)
        self.send_response(204 if genuine else 401)
        self.end_headers()
        if not genuine:
            return
${work}


ThreadingHTTPServer(("", int(os.environ.get("PORT", "3000"))), Receiver).serve_forever()
`;
}
