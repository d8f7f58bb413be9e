import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import type { TestProject } from "vitest/node";
import { MISBEHAVIOURS } from "./misbehaviours";

/** What the server has seen of the connections to one path. */
export interface Tally {
  /** Requests whose first line came; of `silent`, connections. */
  requests: number;
  /** Bytes that the other side has taken, or that lie in a buffer of the machine. */
  written: number;
  /** Connections that are closed. */
  closed: number;
}

/**
 * A TCP server on loopback for what no HTTP server would do: `POST /<misbehaviour>/<name>` is answered as the
 * misbehaviour says, byte by byte. What it came to is read at `GET /tally/<name>`. `GET /listen` answers a further
 * address of the same server: a client that takes up a connection on which another misbehaviour has just been met would
 * see that one's end instead of its own answer.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const tallies = new Map<string, Tally>();
  const sockets = new Set<Socket>();
  const servers: Server[] = [];

  const answer = (socket: Socket, body: string) => {
    socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  };
  /** Listens at one more port, and answers host and port. */
  const listen = async (): Promise<string> => {
    const server = createServer(receive);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const receive = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let head = "";
    const begin = (chunk: Buffer) => {
      head += chunk.toString("latin1");
      // A handshake of TLS, which nobody will answer.
      if (head.startsWith("\u0016")) return void socket.off("data", begin);
      const [, verb, name = ""] = /^[A-Z]+ \/([\w-]+)(?:\/([\w-]*))? HTTP\/1\.1\r\n/.exec(head) ?? [];
      if (verb === undefined) return;
      if (verb === "listen") return void listen().then((address) => answer(socket, address));
      if (verb === "tally")
        return answer(socket, JSON.stringify(tallies.get(name) ?? { requests: 0, written: 0, closed: 0 }));
      // Most wait for the whole request, as receivers do.
      const misbehaviour = MISBEHAVIOURS[verb];
      if (misbehaviour === undefined || (!misbehaviour.early && !isWhole(head))) return;
      socket.off("data", begin);
      socket.resume();
      const tally = tallies.get(name) ?? { requests: 0, written: 0, closed: 0 };
      tallies.set(name, tally);
      tally.requests++;
      let counted = socket.bytesWritten;
      const account = () => {
        tally.written += socket.bytesWritten - socket.writableLength - counted;
        counted = socket.bytesWritten - socket.writableLength;
      };
      const timer = setInterval(account, 20);
      socket.on("close", () => {
        clearInterval(timer);
        account();
        tally.closed++;
      });
      misbehaviour.run(socket);
    };
    socket.on("data", begin);
  };
  project.provide("raw", await listen());
  return async () => {
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  };
}

/** Whether the head and as much body as it announces are there. */
function isWhole(text: string): boolean {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  if (rest.length === 0) return false;
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return rest.join("\r\n\r\n").length >= length;
}
