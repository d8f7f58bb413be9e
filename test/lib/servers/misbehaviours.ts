import type { Socket } from "node:net";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";

/** What a receiver may do instead of answering as it should. */
export interface Misbehaviour {
  /** Begins before the request's body is there. */
  early?: true;
  run(socket: Socket): void;
}

const OK = "HTTP/1.1 200 OK\r\n";
const MEGABYTE = 1_048_576;

/** Writes as fast as it is taken, `times` or without end, and then ends. */
function flood(socket: Socket, chunk: string | Buffer, times = Number.POSITIVE_INFINITY): void {
  let left = times;
  const more = () => {
    while (left-- > 0) {
      if (socket.destroyed) return;
      if (!socket.write(chunk)) return void socket.once("drain", more);
    }
    socket.end();
  };
  more();
}

function drip(socket: Socket, next: (i: number) => string, ms: number): void {
  let i = 0;
  const timer = setInterval(() => socket.write(next(i++), "latin1"), ms);
  socket.on("close", () => clearInterval(timer));
}

function whole(body: string | Buffer, headers = ""): Buffer {
  const head = `${OK}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

const answers = (bytes: () => string | Buffer): Misbehaviour => ({ run: (socket) => void socket.end(bytes()) });

/** Made when it is first asked for: it takes a while. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

// A hundred megabytes of one letter.
const letters = once(() => Buffer.alloc(100 * MEGABYTE, "x"));
const gzip = once(() => gzipSync(letters(), { level: 1 }));
const brotli = once(() => brotliCompressSync(letters(), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }));
const deflate = once(() => deflateSync(letters(), { level: 1 }));
const twice = once(() => gzipSync(gzip()));

/** How a body may end badly after any status line: what follows `Retry-After: 120`, and whether the connection ends then. */
const ENDINGS: Readonly<Record<string, [head: string, body: string | Buffer, ends: boolean]>> = {
  cut: ["Content-Length: 1000", "begun", true],
  endless: ["Content-Length: 1000", "begun", false],
  "no-last-chunk": ["Transfer-Encoding: chunked", "5\r\nbegun\r\n", false],
  "empty-gzip": ["Content-Encoding: gzip\r\nContent-Length: 0", "", true],
  "empty-br": ["Content-Encoding: br\r\nContent-Length: 0", "", true],
  "empty-gzip-chunks": ["Content-Encoding: gzip\r\nTransfer-Encoding: chunked", "0\r\n\r\n", true],
  "corrupt-gzip": ["Content-Encoding: gzip\r\nContent-Length: 5", "begun", true],
  "corrupt-br": ["Content-Encoding: br\r\nContent-Length: 5", "begun", true],
  "exactly-kept": ["Content-Length: 16384", "x".repeat(16_384), false],
  "exactly-kept-chunk": ["Transfer-Encoding: chunked", `4000\r\n${"x".repeat(16_384)}\r\n`, false],
  "exactly-kept-of-more": ["Content-Length: 20000", "x".repeat(16_384), false],
};

const STATUSES = [200, 202, 302, 404, 410, 429, 500, 503, 522, 530];

/** Each status with each ending, by names such as `410-cut`. 530 is Cloudflare's, as its headers say. */
const BAD_ENDINGS = Object.fromEntries(
  STATUSES.flatMap((status) =>
    Object.entries(ENDINGS).map(([ending, [head, body, ends]]): [string, Misbehaviour] => [
      `${status}-${ending}`,
      {
        run: (socket) => {
          const server = status === 530 ? "Server: cloudflare\r\n" : "";
          socket.write(`HTTP/1.1 ${status} As Told\r\n${server}Retry-After: 120\r\n${head}\r\n\r\n`);
          if (ends) socket.end(body);
          else socket.write(body);
        },
      },
    ]),
  ),
);

/** By the name that stands in the path. */
export const MISBEHAVIOURS: Readonly<Record<string, Misbehaviour>> = {
  ...BAD_ENDINGS,
  "never-answers": { run: () => undefined },
  "closes-at-once": { early: true, run: (socket) => void socket.destroy() },
  "closes-without-answer": { run: (socket) => void socket.end() },
  resets: { run: (socket) => void socket.resetAndDestroy() },
  "cuts-the-head": answers(() => `${OK}Content-Ty`),
  "drips-headers": {
    run: (socket) => {
      socket.write(OK);
      drip(socket, (i) => `X-Drip-${i}: ${i}\r\n`, 50);
    },
  },
  "floods-headers": {
    run: (socket) => {
      socket.write(OK);
      flood(socket, `X-Flood: ${"x".repeat(1_000)}\r\n`.repeat(60));
    },
  },
  "giant-header": answers(() => `${OK}A-Giant: ${"x".repeat(60_000)}\r\nX-Small: 1\r\nContent-Length: 2\r\n\r\nok`),
  "endless-header": {
    run: (socket) => {
      socket.write(`${OK}A-Giant: `);
      flood(socket, "x".repeat(65_536));
    },
  },
  "thousands-of-headers": {
    run: (socket) => {
      const lines = Array.from({ length: 4_000 }, (_, i) => `X-H-${i}: ${i}\r\n`).join("");
      socket.end(`${OK}${lines}Content-Length: 2\r\n\r\nok`);
    },
  },
  "drips-body": {
    run: (socket) => {
      socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`);
      drip(socket, () => "1\r\nx\r\n", 50);
    },
  },
  "drips-gzip": {
    run: (socket) => {
      socket.write(`${OK}Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n`);
      // One byte of it each time: never a whole block.
      drip(socket, (i) => `1\r\n${String.fromCharCode(gzip()[i] ?? 0)}\r\n`, 50);
    },
  },
  "stops-in-the-body": { run: (socket) => void socket.write(`${OK}Content-Length: 100\r\n\r\nbegun`) },
  "huge-body": {
    run: (socket) => {
      socket.write(`${OK}Content-Length: ${100 * MEGABYTE}\r\n\r\n`);
      flood(socket, "x".repeat(65_536), 1_600);
    },
  },
  "huge-chunk": {
    run: (socket) => {
      socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n${(100 * MEGABYTE).toString(16)}\r\n`);
      flood(socket, "x".repeat(65_536), 1_600);
    },
  },
  "gzip-bomb": answers(() => whole(gzip(), "Content-Encoding: gzip\r\n")),
  "gzip-gzip-bomb": answers(() => whole(twice(), "Content-Encoding: gzip, gzip\r\n")),
  "brotli-bomb": answers(() => whole(brotli(), "Content-Encoding: br\r\n")),
  "deflate-bomb": answers(() => whole(deflate(), "Content-Encoding: deflate\r\n")),
  "broken-gzip": answers(() => whole("this is no gzip", "Content-Encoding: gzip\r\n")),
  "cut-gzip": answers(() => whole(gzipSync("x".repeat(50_000)).subarray(0, 40), "Content-Encoding: gzip\r\n")),
  "invalid-utf8": answers(() => whole(Buffer.from([0x61, 0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x00, 0x62]))),
  "cut-character": answers(() => whole(Buffer.concat([Buffer.alloc(16_383, "a"), Buffer.from("😀".repeat(100))]))),
  "ends-in-a-character": answers(() => whole(Buffer.from([0x61, 0xf0, 0x9f, 0x98]))),
  "resets-in-the-body": {
    run: (socket) => {
      socket.write(`${OK}Content-Length: 1000\r\n\r\n${"x".repeat(500)}`);
      setTimeout(() => socket.resetAndDestroy(), 100);
    },
  },
  "closes-in-the-body": answers(() => `${OK}Content-Length: 1000\r\n\r\n${"x".repeat(500)}`),
  "closes-in-a-chunk": answers(() => `${OK}Transfer-Encoding: chunked\r\n\r\n64\r\n${"x".repeat(50)}`),
  "no-last-chunk": answers(() => `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`),
  "trailing-garbage": answers(
    () => `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 500 No\r\n\r\n`,
  ),
  "bad-chunk": answers(() => `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n`),
  "more-than-announced": answers(() => `${OK}Content-Length: 2\r\n\r\nok and more`),
  "until-close": answers(() => `${OK}Connection: close\r\n\r\nok`),
  continues: answers(() => `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`),
  "early-hints": answers(() => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`),
  "only-continues": { run: (socket) => void socket.write("HTTP/1.1 100 Continue\r\n\r\n") },
  "switches-protocols": {
    run: (socket) => void socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
  },
  "http-0-9": answers(() => "<html>ok</html>\r\n"),
  garbage: { run: (socket) => void socket.end(Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 197) % 256))) },
  "endless-garbage": { run: (socket) => flood(socket, "x".repeat(65_536)) },
  "no-reason": answers(() => "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok"),
  "no-reason-no-space": answers(() => "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok"),
  "status-999": answers(() => "HTTP/1.1 999 What\r\nContent-Length: 2\r\n\r\nok"),
  "status-0": answers(() => "HTTP/1.1 000 What\r\nContent-Length: 2\r\n\r\nok"),
  "bare-newlines": answers(() => "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
  "two-lengths": answers(() => `${OK}Content-Length: 2\r\nContent-Length: 4\r\n\r\nokok`),
  "negative-length": answers(() => `${OK}Content-Length: -5\r\n\r\nok`),
  "answers-early": {
    early: true,
    run: (socket) => void socket.end(`${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok`),
  },
  "refuses-early": {
    early: true,
    run: (socket) => void socket.end("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"),
  },
  "header-characters": answers(() =>
    Buffer.from(`${OK}X-Odd: caf\xe9\x01\xff\r\nContent-Length: 2\r\n\r\nok`, "latin1"),
  ),
};
