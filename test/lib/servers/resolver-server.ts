import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { answering } from "./answering.ts";

/** What the resolver says of a name. */
export interface Zone {
  /** Its addresses by kind; absent: none of that kind. */
  A?: string[];
  AAAA?: string[];
  /** Names it is an alias of, one after the other. */
  aliases?: string[];
  /** The DNS status: 0 when it is not said, 3 for no such name. */
  status?: number;
  /** Instead of all that: the body as it is, another HTTP status, or nothing at all for so long. */
  raw?: string;
  httpStatus?: number;
  headers?: Record<string, string>;
  delayMs?: number;
  /** Only for this kind of question. */
  only?: "A" | "AAAA";
}

/** A question as it was asked. */
export interface Question {
  name: string;
  type: string;
  accept: string | undefined;
}

const TYPES: Readonly<Record<string, number>> = { A: 1, CNAME: 5, AAAA: 28 };

/**
 * A resolver over HTTP on loopback, in the JSON form of the public ones: `GET /dns-query?name=…&type=A`. What it says of
 * a name is set by `PUT /zone/<name>`, what it was asked is read at `GET /asked/<name>`; other names do not exist.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const zones = new Map<string, Zone>();
  const asked = new Map<string, Question[]>();

  const server = createServer(
    answering(async (request, response) => {
      const url = new URL(request.url ?? "", "http://resolver");
      const [, verb = "", which = ""] = url.pathname.split("/");
      if (verb === "zone") {
        zones.set(which, JSON.parse(await read(request)));
        return void response.end();
      }
      if (verb === "asked") return void response.end(JSON.stringify(asked.get(which) ?? []));
      const name = url.searchParams.get("name") ?? "";
      const type = url.searchParams.get("type") ?? "";
      asked.set(name, [...(asked.get(name) ?? []), { name, type, accept: request.headers.accept }]);
      const zone = zones.get(name) ?? { status: 3 };
      const odd = zone.only === undefined || zone.only === type;
      if (zone.delayMs && odd) await new Promise((resolve) => setTimeout(resolve, zone.delayMs).unref());
      if (response.destroyed) return;
      response.writeHead((odd && zone.httpStatus) || 200, { "Content-Type": "application/dns-json", ...zone.headers });
      response.end(odd && zone.raw !== undefined ? zone.raw : JSON.stringify(answer(name, type, zone)));
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  project.provide("resolver", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
}

function answer(name: string, type: string, zone: Zone): object {
  const names = [name, ...(zone.aliases ?? [])];
  const record = (owner: string | undefined, kind: string, data: string) => ({
    name: owner,
    type: TYPES[kind],
    TTL: 300,
    data,
  });
  const chain = names.slice(1).map((target, i) => record(names[i], "CNAME", `${target}.`));
  const addresses = (type === "A" ? zone.A : zone.AAAA) ?? [];
  const records = [...chain, ...addresses.map((address) => record(names.at(-1), type, address))];
  const question = [{ name, type: TYPES[type] }];
  return { Status: zone.status ?? 0, Question: question, ...(records.length > 0 ? { Answer: records } : {}) };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
