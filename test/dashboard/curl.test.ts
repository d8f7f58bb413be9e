import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "vitest";
import { curlOf } from "../../src/dashboard/inspect/curl";
import { leaveOut } from "../lib/left-out";

const BODIES = [
  '{"name":"it\'s $HOME `id` \\\\ \\"x\\" !! %s %d","b":1.0}',
  '{\n  "lines" : "a\\nb"\n}\n',
  '{\r\n\t"a": 1\r\n}',
  '{"name":"Grüne Ähre 🌾 日本"}',
  "@/etc/passwd",
  `{"long":"${"é%\\\\'".repeat(30_000)}"}`,
];

const hasCurl = works("curl", "--version");

function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

interface Got {
  method: string;
  url: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** Runs a command in a shell against a receiver, and answers what that got. */
async function got(commandAt: (url: string) => string): Promise<Got> {
  const seen: Got[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = request;
    seen.push({ method, url, headers, body: Buffer.concat(chunks) });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    // By its standard input, as a terminal would: as an argument the command itself would be too long.
    const shell = spawn("sh", { env: { PATH: process.env.PATH }, stdio: ["pipe", "ignore", "ignore"] });
    shell.stdin.end(commandAt(`http://127.0.0.1:${port}`));
    await once(shell, "close");
  } finally {
    server.closeAllConnections();
    server.close();
  }
  const [first] = seen;
  if (first === undefined) throw new Error("nothing came");
  return first;
}

describe("a request as a curl command", () => {
  it.for(BODIES)("sends the very bytes, so that the receiver's own HMAC accepts them: %#", async (body, context) => {
    if (!hasCurl) leaveOut(context, "curl");
    const { expect } = context;
    const sign = (bytes: string | Buffer) => createHmac("sha256", "secret").update(bytes).digest("hex");
    const headers = {
      "Content-Type": "application/json",
      "X-Webhook-Signature": sign(body),
      "X-It's": "it's",
      "X-Empty": "",
      "User-Agent": "Posthorn/1 (+webhooks)",
    };
    const request = await got((base) => curlOf({ method: "PUT", url: `${base}/in/[1]?a=b&c={d}`, headers, body }));
    expect([request.method, request.url]).toEqual(["PUT", "/in/[1]?a=b&c={d}"]);
    expect(request.body.equals(Buffer.from(body))).toBe(true);
    expect(request.headers["x-webhook-signature"]).toBe(sign(request.body));
    const lowered = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    expect(request.headers).toMatchObject(lowered);
  });

  it("has no body where the request has none", async (context) => {
    if (!hasCurl) leaveOut(context, "curl");
    const request = await got((url) => curlOf({ method: "GET", url, headers: { "X-A": "1" }, body: null }));
    context.expect([request.method, request.body.length, request.headers["x-a"]]).toEqual(["GET", 0, "1"]);
  });
});
