/**
 * A stand-in of Cloudflare's API on loopback: an account with databases, queues and Workers, and of the API the few calls
 * that wrangler makes to deploy. Its databases are real ones.
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { onTestFinished } from "vitest";
import { Workers } from "./cloudflare-workers";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const TOKEN = "a-token-of-the-stand-in";

// biome-ignore lint/suspicious/noExplicitAny: what wrangler sends, whose form it knows best
export type Json = any;

interface Queue {
  queue_id: string;
  queue_name: string;
  consumers: Record<string, Json>[];
}

/** A refusal, in Cloudflare's form. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

/** A call: `parts` is what its pattern names of the path. */
export interface Call {
  body: Json;
  query: URLSearchParams;
  parts: string[];
}

export type Answer = (call: Call) => unknown;

/** An account. */

export class Account {
  readonly databases = new Map<string, { uuid: string; sqlite: DatabaseSync }>();
  readonly queues = new Map<string, Queue>();
  readonly workers = new Workers();
  /** Every call that changes something, as `POST /queues`, in their order. */
  readonly changes: string[] = [];
  /** How many calls there were. */
  asked = 0;
  /** Calls that this stand-in does not know: there must be none. */
  readonly unknown: string[] = [];
  /** Refuses what matches, as `POST /queues`. */
  refuse: RegExp | null = null;

  #url = "";

  static async open(): Promise<Account> {
    const account = new Account();
    const server = createServer(async (request, response) => {
      const { status, answer } = await account.#handle(request);
      response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    account.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`;
    onTestFinished(() => void server.close());
    return account;
  }

  /** What wrangler has to be told to use it. */
  get variables(): Record<string, string> {
    return {
      CLOUDFLARE_API_BASE_URL: this.#url,
      CLOUDFLARE_API_TOKEN: TOKEN,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
      WRANGLER_SEND_METRICS: "false",
      CI: "",
    };
  }

  addQueue(name: string): Queue {
    const queue = { queue_id: `queue-${this.queues.size + 1}`, queue_name: name, consumers: [] };
    this.queues.set(name, queue);
    return queue;
  }

  addDatabase(name: string): { uuid: string; name: string } {
    const uuid = `00000000-0000-4000-8000-${String(this.databases.size + 1).padStart(12, "0")}`;
    this.databases.set(name, { uuid, sqlite: new DatabaseSync(":memory:") });
    return { uuid, name };
  }

  /** The tables of a database. */
  tables(name: string): string[] {
    const rows = this.databases.get(name)?.sqlite.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    return rows?.map((row) => String(row.name)) ?? [];
  }

  async #handle(request: IncomingMessage): Promise<{ status: number; answer: object }> {
    const url = new URL(request.url ?? "", "http://stand-in");
    const path = url.pathname.replace("/client/v4", "").replace(`/accounts/${ACCOUNT}`, "");
    const name = `${request.method} ${path}`;
    this.asked++;
    try {
      if (request.headers.authorization !== `Bearer ${TOKEN}`) throw new Refusal(403, 10000, "Authentication error");
      const body = await bodyOf(request);
      if (request.method !== "GET" && !path.endsWith("/query")) this.changes.push(name);
      if (this.refuse?.test(name)) throw new Refusal(400, 11009, `The stand-in refuses ${name}.`);
      const [pattern, answer] = this.#calls.find(([one]) => one.test(name)) ?? [];
      if (pattern === undefined || answer === undefined) {
        this.unknown.push(name);
        throw new Refusal(404, 7003, `The stand-in does not know ${name}.`);
      }
      const result = await answer({ body, query: url.searchParams, parts: pattern.exec(name)?.slice(1) ?? [] });
      const count = Array.isArray(result) ? result.length : 1;
      const info = { page: 1, per_page: 100, count, total_count: count, total_pages: 1 };
      return { status: 200, answer: { success: true, errors: [], messages: [], result, result_info: info } };
    } catch (error) {
      const { status, code, message } = error instanceof Refusal ? error : new Refusal(500, 1, String(error));
      return { status, answer: { success: false, errors: [{ code, message }], messages: [], result: null } };
    }
  }

  readonly #calls: [RegExp, Answer][] = [
    [/^GET \/d1\/database$/, ({ query }) => this.#databases(query)],
    [/^GET \/d1\/database\/([^/]+)$/, ({ parts: [which] }) => this.#database(which)],
    [/^POST \/d1\/database$/, ({ body }) => this.addDatabase(body.name)],
    [/^POST \/d1\/database\/([^/]+)\/query$/, ({ parts: [which], body }) => this.#query(which, body.sql)],
    [/^GET \/queues$/, ({ query }) => this.#queues(query)],
    [/^POST \/queues$/, ({ body }) => this.addQueue(body.queue_name)],
    [/^POST \/queues\/([^/]+)\/consumers$/, ({ parts: [id], body }) => this.#addConsumer(id, body)],
    [/^PUT \/queues\/([^/]+)\/consumers\/[^/]+$/, ({ body }) => body],
    ...this.workers.calls,
  ];

  #databases(query: URLSearchParams): object[] {
    if (Number(query.get("page") ?? 1) > 1) return [];
    return [...this.databases].map(([name, { uuid }]) => ({ name, uuid }));
  }

  #database(which: string | undefined): object {
    const found = this.#databases(new URLSearchParams()).find((one: Json) => one.name === which || one.uuid === which);
    if (found === undefined) throw new Refusal(404, 7404, `The database ${which} could not be found`);
    return found;
  }

  #query(which: string | undefined, sql: string): object[] {
    const { sqlite } = [...this.databases.values()].find(({ uuid }) => uuid === which) ?? {};
    if (sqlite === undefined) throw new Refusal(404, 7404, `The database ${which} could not be found`);
    try {
      const results = /^\s*SELECT\b/i.test(sql) ? sqlite.prepare(sql).all() : [];
      if (results.length === 0) sqlite.exec(sql);
      return [{ results, success: true, meta: { duration: 0, changes: 0, rows_read: 0, rows_written: 0 } }];
    } catch (error) {
      throw new Refusal(400, 7500, String(error));
    }
  }

  #addConsumer(id: string | undefined, body: Record<string, Json>): object {
    const queue = [...this.queues.values()].find(({ queue_id }) => queue_id === id);
    if (queue === undefined) throw new Refusal(404, 11000, "The queue does not exist.");
    const { script_name: script } = body;
    const consumer = { ...body, script, consumer_id: `consumer-of-${id}`, environment: "production" };
    queue.consumers.push(consumer);
    return consumer;
  }

  #queues(query: URLSearchParams): Queue[] {
    const names = query.getAll("name");
    return [...this.queues.values()].filter(({ queue_name }) => names.length === 0 || names.includes(queue_name));
  }
}

/** JSON, or a form: its fields, with their text where they are JSON or text. */
async function bodyOf(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length === 0) return undefined;
  const type = request.headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data")) return JSON.parse(bytes.toString("utf8"));
  return await new Response(bytes, { headers: { "Content-Type": type } }).formData();
}
