import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { onTestFinished, test, vi } from "vitest";
import { answering } from "../lib/servers/answering";
import { until } from "../lib/until";

/** Listens until the test is over. */
async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test("a sender that hangs up within its body is no error outside of all tests, and what fails is told", async ({
  expect,
}) => {
  const ended = vi.fn();
  const handle = async (request: AsyncIterable<unknown>) => {
    try {
      for await (const _ of request);
    } finally {
      ended();
    }
    throw new Error("the test's own fault");
  };
  const port = await listening(createServer(answering(handle)));
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  onTestFinished(() => void process.off("unhandledRejection", unhandled));

  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write("POST / HTTP/1.1\r\nHost: receiver\r\nContent-Length: 100\r\n\r\nbegun", () => socket.destroy());
  await until("the end of the handling", () => ended.mock.calls.length === 1);

  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "whole" });
  expect([answer.status, await answer.text()]).toEqual([500, "Error: the test's own fault"]);
  expect(unhandled).not.toHaveBeenCalled();
});
