/**
 * One instance per directory and port. Two runtimes over the same state would undo each other's work, so the second must
 * not start, whatever port it was given.
 * @module
 */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { realpathSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./project.mjs";
import { paint, say, Trouble } from "./terminal.mjs";

/** How long a previous instance may take to let go of its port, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Claims this directory and makes sure that the port is free, waiting some seconds for a previous instance to end.
 *
 * @param {number} port
 * @param {AbortSignal} signal ends the waiting
 * @throws {Trouble} when either stays taken
 */
export async function claim(port, signal) {
  const deadline = Date.now() + PATIENCE;
  let said = false;
  for (;;) {
    const taken = (await claimDirectory(`http://localhost:${port}`)) ?? (await whyNot(port));
    if (taken === undefined) return;
    if (Date.now() > deadline || signal.aborted) throw taken;
    if (!said) say(paint("dim", `${taken.message} Waiting for it to end …`));
    said = true;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

let claimed;

/** A listening socket is a claim that cannot go stale: it ends with its process, and knows where that one serves. */
async function claimDirectory(url) {
  if (claimed !== undefined) return undefined;
  const path = socketPath();
  const holder = await ask(path);
  if (holder !== undefined) {
    return new Trouble(`Posthorn already runs from this directory: ${holder}.`, {
      remedy: ["End that one first. To run a second one beside it, copy the project to another directory."],
    });
  }
  await rm(path, { force: true });
  const server = createServer((socket) => socket.on("error", () => {}).end(url)).unref();
  server.listen(path);
  try {
    await once(server, "listening");
    claimed = server;
    process.on("exit", () => rmSync(path, { force: true }));
  } catch {
    // somebody was faster, and is asked in the next round; or sockets cannot be made here, and nobody is refused
  }
  return undefined;
}

/** What the holder of the claim answers, if there is one. */
function ask(path) {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(path);
    socket.setEncoding("utf8");
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (text) => {
      answer += text;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer === "" ? undefined : answer));
  });
}

/** Short, since a socket's path may have about 100 characters only. */
function socketPath() {
  const name = createHash("sha256").update(realpathSync(ROOT)).digest("hex").slice(0, 16);
  return join(tmpdir(), `posthorn-${name}.sock`);
}

/** Why the port cannot be served on, if so. */
async function whyNot(port) {
  for (const host of ["127.0.0.1", "::1"]) {
    const code = await tryToListen(port, host);
    if (code === "EADDRINUSE") {
      return new Trouble(`Port ${port} is in use by another program.`, {
        remedy: [`Choose another one: PORT=${port < 65_535 ? port + 1 : port - 1} npm start`],
      });
    }
    if (code === "EACCES") {
      throw new Trouble(`Port ${port} may not be used without special rights.`, {
        remedy: ["Choose one from 1024 on: PORT=8788 npm start"],
      });
    }
  }
  return undefined;
}

/** Listens for a moment; answers the error's code, and nothing when it went well. */
async function tryToListen(port, host) {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, "listening");
    return undefined;
  } catch (error) {
    return error.code; // among them that there is no IPv6 here
  } finally {
    server.close();
  }
}
